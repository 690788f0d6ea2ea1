/*
 * table.c - routes.tbl as a table.
 */
#include "web/handlers.h"
#include "web/page.h"

static const struct front_route ROWS[] = {
#define ROW(method_, pattern_, who_, body_, limit_, handler_, lane_) \
    {.method = NET_##method_,                                        \
     .pattern = (pattern_),                                          \
     .who = FRONT_##who_,                                            \
     .body = NET_BODY_##body_,                                       \
     .limit = (limit_),                                              \
     .page = true,                                                   \
     .lane = NET_LANE_##lane_,                                       \
     .handle = web_on_##handler_},
#define PAGE(method, pattern, who, body, handler) \
    ROW(method, pattern, who, body, WEB_FORM_MAX, handler, SHORT)
#define LONG(method, pattern, who, body, handler) \
    ROW(method, pattern, who, body, WEB_FORM_MAX, handler, LONG)
#define TALK(method, pattern, who, body, handler) \
    ROW(method, pattern, who, body, WEB_TALK_MAX, handler, SHORT)
#include "web/routes.tbl"
#undef LONG
#undef TALK
#undef PAGE
#undef ROW
};

const struct front_table web_table = {ROWS, sizeof ROWS / sizeof *ROWS};
