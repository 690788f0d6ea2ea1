/*
 * table.c - routes.tbl as a table.
 */
#include "api/api.h"
#include "api/handlers.h"

static const struct front_route ROWS[] = {
#define API(method_, pattern_, who_, body_, limit_, handler_) \
    {.method = NET_##method_,                                 \
     .pattern = (pattern_),                                   \
     .who = FRONT_##who_,                                     \
     .body = NET_BODY_##body_,                                \
     .limit = (limit_),                                       \
     .handle = api_##handler_},
#include "api/routes.tbl"
#undef API
};

const struct front_table api_table = {ROWS, sizeof ROWS / sizeof *ROWS};
