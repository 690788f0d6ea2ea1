/*
 * resolve.h - whether a large file may be read, for the LFS batch.
 * Owner: static; nothing is allocated outside the request's arena.
 * Never: says more of an object than its download would.
 */
#ifndef WH_API_RESOLVE_H
#define WH_API_RESOLVE_H

#include "front/request.h"

/* Would a download of this object of q's repo be answered with its bytes, of
 * which there are *size? WH_NOT_FOUND when no commit of the repo names it;
 * WH_HELD and WH_WEIGHING with the words of the refusal. */
bool api_lfs_may_read(struct front_req *q, struct wh_str oid, uint64_t *size,
                      struct wh_err *err) WH_CHECK;

#endif
