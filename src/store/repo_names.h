/*
 * repo_names.h - the names of all repos in memory, for substring search.
 * Owner: store_names_new .. store_names_free, by the process that serves; one
 * for all its threads, which it keeps apart by itself.
 * Never: decides what may be shown: it gives candidates, private and deleted
 * repos among them, and the row says the rest.
 *
 * About 35 bytes a repo, 25 MB for 575,000. New repos are taken over by the
 * next search: ids only grow, and commits come in their order.
 */
#ifndef WH_STORE_REPO_NAMES_H
#define WH_STORE_REPO_NAMES_H

#include "store/repo.h"

struct store_names;

/* Empty; call store_names_refresh once before serving, so that not the first
 * search pays for reading all. */
struct store_names *store_names_new(void);
void store_names_free(struct store_names **np);

/* Take over repos that were registered since the last time. Cheap when there
 * are none. */
bool store_names_refresh(struct store_names *names, struct db *db,
                         struct wh_err *err) WH_CHECK;

/* A set of repo ids. */
struct store_id_set {
    uint64_t *bits;
    int64_t top;  /* highest id there is room for */
    size_t count; /* of members */
};
static inline bool store_id_set_has(const struct store_id_set *set, int64_t id)
{
    return id >= 0 && id <= set->top &&
           (set->bits[id / 64] >> (id % 64) & 1) != 0;
}

/* The repos of a kind whose "namespace/name" in lower case contains each of the
 * words (lower case, none empty, at least one). The bits, one for every id,
 * live in the arena. */
void store_names_find(struct store_names *names, struct wh_arena *a,
                      enum store_kind kind, const struct wh_str *words,
                      size_t n_words, struct store_id_set *out);

#endif
