/*
 * scopes.h - what a token of role fineGrained is for, read and shown.
 * Owner: JSON values are new references unless stated.
 * Never: gives a scope that the caller does not have.
 */
#ifndef WH_FRONT_SCOPES_H
#define WH_FRONT_SCOPES_H

#include "front/request.h"

/* "ada", "ada/model", "datasets/ada/x", with READ or WRITE: a scope, if the
 * caller has that role there. WH_BAD_REQUEST, WH_FORBIDDEN; what the caller may
 * not see is not told from what is not there. */
bool front_scopes_read(struct front_req *q, struct wh_str entity,
                       enum store_role role, struct store_scope *out,
                       struct wh_err *err) WH_CHECK;
/* The hub's form: {"global": [...], "scoped": [{"entity": {"type", "name"},
 * "permissions": [...]}]}. Belongs to the request's arena. */
bool front_scopes_view(struct front_req *q, const struct store_token *t,
                       json_t **out, struct wh_err *err) WH_CHECK;
/* "2026-11-23", or null for 0. */
json_t *front_scopes_day(int64_t day);

#endif
