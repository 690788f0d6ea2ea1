/*
 * watched.h - the watch between the gateway and the engines.
 * Owner: front; it begins before the gateway and ends after it.
 * Never: looks at anything itself.
 */
#ifndef WH_CMD_WATCHED_H
#define WH_CMD_WATCHED_H

#include "front/house.h"
#include "gateway/gateway.h"
#include "watch/watch.h"

struct cmd_watched {
    struct front_house *house;
    struct gateway_filter filter;
    struct wh_str classifier; /* the file's bytes; empty: absent */
};

/* Read the classifier that the settings name, before front is locked in. */
bool cmd_watched_read(struct cmd_watched *c, struct wh_arena *a,
                      const struct conf *conf, struct wh_err *err) WH_CHECK;
/* Begin: house->watch, and the filter for the gateway. dir: for its keys. */
bool cmd_watched_open(struct cmd_watched *c, const char *dir,
                      struct front_house *house, struct wh_err *err) WH_CHECK;

#endif
