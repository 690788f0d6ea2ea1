/*
 * xet.h - what the routes of Xet uploads share; only for api/.
 * Owner: results belong to the request.
 * Never: takes a token of the house for one of Xet, or the other way round.
 */
#ifndef WH_API_XET_H
#define WH_API_XET_H

#include "front/request.h"
#include "hub/xet.h"

/* The request carries a valid write token, for the repo of its path (capture
 * b), of somebody who may still write. WH_AUTH_INVALID makes clients ask for a
 * new token; WH_FORBIDDEN does not. */
bool api_xet_check_token(struct front_req *q, struct hub_xet *out,
                         struct wh_err *err) WH_CHECK;
/* Answer a failure: in this protocol, what does not match its digest is a
 * malformed request. */
void api_xet_fail(struct front_req *q, struct wh_err *err);

#endif
