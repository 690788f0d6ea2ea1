/*
 * table.c - routes.tbl as a table.
 */
#include "api/api.h"
#include "api/handlers.h"

static const struct front_route ROWS[] = {
#define ROW(method_, pattern_, who_, body_, limit_, handler_, lane_) \
    {.method = NET_##method_,                                        \
     .pattern = (pattern_),                                          \
     .who = FRONT_##who_,                                            \
     .body = NET_BODY_##body_,                                       \
     .limit = (limit_),                                              \
     .lane = NET_LANE_##lane_,                                       \
     .handle = api_##handler_},
#define API(method, pattern, who, body, limit, handler) \
    ROW(method, pattern, who, body, limit, handler, SHORT)
#define LONG(method, pattern, who, body, limit, handler) \
    ROW(method, pattern, who, body, limit, handler, LONG)
#include "api/routes.tbl"
#undef LONG
#undef API
#undef ROW
};

const struct front_table api_table = {ROWS, sizeof ROWS / sizeof *ROWS};
