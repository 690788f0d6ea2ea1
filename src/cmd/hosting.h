/*
 * hosting.h - hosted models in front: the way of their papers to the keeper,
 * and the end of their engines when they are hosted no more.
 * Owner: front; it begins after the register's reader and before the gateway,
 * and ends after it.
 * Never: keeps an engine for a model whose decision in effect does not host it.
 */
#ifndef WH_CMD_HOSTING_H
#define WH_CMD_HOSTING_H

#include "front/house.h"
#include "gateway/gateway.h"

struct cmd_hosting {
    struct front_house *house;
    const char *url; /* of this house, for who is cut off */
    struct gateway_engines *engines;
};

/* Begin. run_dir: DATA/run. Everything given outlives it. */
bool cmd_hosting_open(struct cmd_hosting *h, const char *run_dir,
                      const char *url, struct front_house *house,
                      struct wh_err *err) WH_CHECK;
/* After the gateway, and when nobody calls stop or refresh any more. */
void cmd_hosting_close(struct cmd_hosting *h);

/* The decision about this subject changed: models that it no longer hosts end
 * here, streams and engines. (hub/retier.h calls for it.) */
void cmd_hosting_stop(struct cmd_hosting *h, struct wh_str subject);
/* Every few seconds: engines of models that have other weights now, that are
 * gone or not hosted any more, are closed; what was refused may be tried again
 * by the next who asks. */
void cmd_hosting_refresh(struct cmd_hosting *h);

#endif
