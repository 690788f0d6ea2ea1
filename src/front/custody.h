/*
 * custody.h - what keeps sealed weights sealed in this house: measured, not
 * claimed.
 * Owner: the answer belongs to the request's arena.
 * Never: calls enforced what was not seen; names a path, a key or a repo.
 */
#ifndef WH_FRONT_CUSTODY_H
#define WH_FRONT_CUSTODY_H

#include "front/request.h"

/* {key, openings, ledger, sealed: {files, bytes, repos}, behind, rows:
 * [{measure, state, by, seen}], not: [sentence]}. state: "enforced here",
 * "in part", "attested", "absent" or "unknown"; by: who attests, else null. */
bool front_custody(struct front_req *q, json_t **out,
                   struct wh_err *err) WH_CHECK;

#endif
