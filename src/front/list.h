/*
 * list.h - what lists of repos have in common, on pages and over the API.
 * Owner: results live in the request's arena.
 * Never: lists anything; store/repo_list.h does.
 */
#ifndef WH_FRONT_LIST_H
#define WH_FRONT_LIST_H

#include "front/request.h"
#include "store/repo_list.h"

/* Let the query show the private repos of the caller and of the organisations
 * that the caller belongs to, and leave out what is recalled (front/recall.h).
 */
bool front_list_readable(struct front_req *q, struct store_repo_query *list,
                         struct wh_err *err) WH_CHECK;
/* Path and query of this request with another cursor; "" when there is no next
 * page, or the address would be too long. */
struct wh_str front_list_next(const struct front_req *q,
                              const struct store_cursor *next);

#endif
