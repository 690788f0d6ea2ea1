/*
 * view.h - entries of the register in words, and with their proof, as pages and
 * API show them.
 * Owner: results are new references.
 * Never: says more of an entry than its leaf does.
 */
#ifndef WH_REGISTER_VIEW_H
#define WH_REGISTER_VIEW_H

#include "register/read.h"

/* A leaf as one or two sentences; in the arena. */
struct wh_str register_words(struct wh_arena *a, const json_t *leaf);

/* Newest first below `before`, at most limit: [{"index", "type", "time",
 * "says", "leaf"}]. Only what a published checkpoint covers. */
bool register_view_entries(struct db *db, struct wh_arena *a, uint64_t before,
                           uint64_t size, unsigned limit, json_t **out,
                           struct wh_err *err) WH_CHECK;

/* One entry with all that is needed to check it: the fields above and
 * "leaf_base64" (its exact bytes), "leaf_hash", "proof" ([hash], leaf to root),
 * "size", "root", "checkpoint" (the signed note). Hashes are base64.
 * WH_NOT_FOUND when it is not published. */
bool register_view_entry(struct db *db, struct wh_arena *a,
                         const struct register_reader *reader, uint64_t index,
                         uint64_t size, json_t **out,
                         struct wh_err *err) WH_CHECK;

#endif
