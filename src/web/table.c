/*
 * table.c - routes.tbl as a table.
 */
#include "web/handlers.h"
#include "web/page.h"

static const struct front_route ROWS[] = {
#define PAGE(method_, pattern_, who_, body_, handler_) \
    {.method = NET_##method_,                          \
     .pattern = (pattern_),                            \
     .who = FRONT_##who_,                              \
     .body = NET_BODY_##body_,                         \
     .limit = WEB_FORM_MAX,                            \
     .page = true,                                     \
     .handle = web_on_##handler_},
#include "web/routes.tbl"
#undef PAGE
};

const struct front_table web_table = {ROWS, sizeof ROWS / sizeof *ROWS};
