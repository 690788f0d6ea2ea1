/*
 * api.h - the table of endpoints.
 * Owner: static.
 * Never: includes web/.
 */
#ifndef WH_API_API_H
#define WH_API_API_H

#include "front/request.h"

/* All rows of routes.tbl. */
extern const struct front_table api_table;

#endif
