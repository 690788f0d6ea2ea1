/*
 * handlers.h - one prototype a row of routes.tbl; only for api/.
 * Owner: static.
 * Never: called by anything but the table.
 *
 * Each handler answers q->net and returns true, or returns false with *err,
 * which front answers in the caller's language.
 */
#ifndef WH_API_HANDLERS_H
#define WH_API_HANDLERS_H

#include "front/request.h"

#define API(method, pattern, who, body, limit, handler) \
    bool api_##handler(struct front_req *q, struct wh_err *err);
#define LONG API
#include "api/routes.tbl"
#undef LONG
#undef API

#endif
