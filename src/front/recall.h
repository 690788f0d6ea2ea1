/*
 * recall.h - notices in force, as requests meet them: headers on downloads,
 * repos that lists leave out, notices about the revision that a page shows.
 * Owner: everything lives in the request's arena.
 * Never: keeps a download of what is open from going through.
 */
#ifndef WH_FRONT_RECALL_H
#define WH_FRONT_RECALL_H

#include "front/request.h"
#include "line/notice.h"
#include "store/repo_list.h"

/* Notices in force about a revision (40 hex digits) of the request's repo. */
bool front_recalls(struct front_req *q, struct wh_str sha,
                   struct line_notice **out, size_t *n,
                   struct wh_err *err) WH_CHECK;
/* "X-HF-Warning: recall-<subject>; <sentence>" for each: the clients of the hub
 * print it, once for each topic. After net_answer. */
void front_recall_headers(struct front_req *q, const struct line_notice *list,
                          size_t n);
/* What is recalled is not in lists, unless ?recalled=true asks for it. */
bool front_recall_leave_out(struct front_req *q, struct store_repo_query *list,
                            struct wh_err *err) WH_CHECK;

#endif
