/*
 * metrics.h - figures of a running house as OpenMetrics text.
 * Owner: the text is the caller's; counters are the process's (base/count.h).
 * Never: names an account, a repo, an address or anything else of one caller.
 */
#ifndef WH_FRONT_METRICS_H
#define WH_FRONT_METRICS_H

#include "front/request.h"

/* Give each row of the house's tables its counters; once, before the server
 * starts. */
void front_metrics_open(struct front_house *house);
/* For net_conf.over: count a request. */
void front_metrics_over(void *house, const struct net_req *r, int status,
                        uint64_t bytes, int64_t us);
/* Append everything, with its end mark. */
void front_metrics_write(struct front_house *house, struct wh_buf *out);

/* May this caller read them: from this host, by no proxy, or with a token for
 * it? WH_AUTH_REQUIRED, WH_FORBIDDEN. */
bool front_metrics_may(const struct front_req *q, struct wh_err *err) WH_CHECK;

#endif
