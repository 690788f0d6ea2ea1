/*
 * listing.h - files of a revision as people see them: the part each belongs
 * to, who may have it, and what was found in it.
 * Owner: results are new references; everything else lives in the arena.
 * Never: decides; it repeats what weighing and decision said.
 */
#ifndef WH_HUB_LISTING_H
#define WH_HUB_LISTING_H

#include "base/json.h"
#include "hub/papers.h"

struct hub_listing {
    struct db *db;
    struct wh_arena *a;
    const struct store_repo *repo;
    const struct hub_papers *papers; /* of the revision */
    const json_t *decision;          /* its document, or null */
};

/* One entry: {"file" (its path), "name", "dir", "size", "part", "tier",
 * "finding": {"text", "severity"} or null}. Folders have no part and no tier;
 * a large file that was not looked into yet has the tier "weighing". */
bool hub_listing_row(const struct hub_listing *l, const struct hub_entry *e,
                     json_t **out, struct wh_err *err) WH_CHECK;

#endif
