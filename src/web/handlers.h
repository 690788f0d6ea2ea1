/*
 * handlers.h - one prototype a row of routes.tbl; only for web/.
 * Owner: static.
 * Never: called by anything but the table.
 *
 * Each handler answers q->net and returns true, or returns false with *err,
 * which becomes a page too.
 */
#ifndef WH_WEB_HANDLERS_H
#define WH_WEB_HANDLERS_H

#include "front/request.h"

#define PAGE(method, pattern, who, body, handler) \
    bool web_on_##handler(struct front_req *q, struct wh_err *err);
#define TALK PAGE
#define LONG PAGE
#include "web/routes.tbl"
#undef LONG
#undef TALK
#undef PAGE

#endif
