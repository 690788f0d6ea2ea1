/*
 * rebuild.h - a file made from xorbs by the keeper, in containers of its own.
 * Owner: hub_rebuild_begin .. hub_rebuild_end, by a thread of the queue.
 * Never: sees a byte of the file; leaves a container behind that became part
 * of nothing.
 */
#ifndef WH_HUB_REBUILD_H
#define WH_HUB_REBUILD_H

#include "hub/vault.h"
#include "hub/xet_plan.h"

/* Segments of one file; a content has at most KEEPER_CONTAINERS_MAX. */
#define HUB_REBUILD_SEGMENTS 512u

struct hub_rebuild;

/* Begin a file of this repo; never null. */
struct hub_rebuild *hub_rebuild_begin(const struct hub_vault *v,
                                      enum store_kind kind, int64_t repo);
/* The plan's present segment becomes the next container. `whole` says that it
 * is the whole file, so that its Xet hash is demanded too. */
bool hub_rebuild_segment(struct hub_rebuild *r, struct db *db,
                         struct wh_arena *a, const struct hub_plan *p,
                         bool whole, struct wh_err *err) WH_CHECK;
/* All segments are there. The file must be `size` bytes with this SHA-256 (hex)
 * as the keeper read them back, else WH_DIGEST_MISMATCH; then it is a content
 * of the repo. */
bool hub_rebuild_settle(struct hub_rebuild *r, struct wh_arena *a,
                        const char *sha256, uint64_t size,
                        struct wh_err *err) WH_CHECK;
/* End; gives up containers that were not settled. Nulls the pointer; null is
 * fine. */
void hub_rebuild_end(struct hub_rebuild **r);

#endif
