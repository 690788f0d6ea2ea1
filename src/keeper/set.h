/*
 * set.h - the keeper's side of a session: containers of one repo, in order.
 * Owner: the connection's session; all descriptors and keys in it are its own.
 * Never: used by two threads at once; gives a key to anybody (see open.c).
 */
#ifndef WH_KEEPER_SET_H
#define WH_KEEPER_SET_H

#include "base/src.h"
#include "keeper/keys.h"

/* One container. */
struct keeper_part {
    uint8_t id[STORE_CONTAINER_ID];
    uint8_t key[STORE_CONTAINER_KEY];
    int fd;
};

struct keeper_set;

/* An empty set of this repo (at most KEEPER_REPO_MAX bytes, asserted). */
struct keeper_set *keeper_set_new(struct wh_str repo);
/* Wipes the keys, closes everything, nulls the pointer; null is fine. */
void keeper_set_free(struct keeper_set **s);
/* Its repo; a view that lives as long as the set. */
struct wh_str keeper_set_repo(const struct keeper_set *s);
/* How many containers it has. */
size_t keeper_set_count(const struct keeper_set *s);
/* Container i, asserted to be there; valid until the next one is added. */
const struct keeper_part *keeper_set_part(const struct keeper_set *s, size_t i);
/* Take one in; fd becomes the set's. WH_TOO_LARGE when it is full, WH_CONFLICT
 * when its digest was already given. */
bool keeper_set_add(struct keeper_set *s, const struct keeper_part *part,
                    struct wh_err *err) WH_CHECK;

/* Digest what is there: all of the containers before `index`, and `ready` bytes
 * of that one. */
bool keeper_set_feed(struct keeper_set *s, uint32_t index, uint64_t ready,
                     struct wh_err *err) WH_CHECK;
/* Digest the rest and check everything; after that the set takes no more. */
bool keeper_set_settle(struct keeper_set *s, char sha256[WH_SHA256_HEX + 1],
                       uint64_t *size, struct wh_err *err) WH_CHECK;

/* Sources over the single containers (n of them, in the arena), opened when
 * they are read, a few at a time. WH_CORRUPT if one is damaged. */
bool keeper_set_sources(struct keeper_set *s, struct wh_arena *a,
                        struct wh_src **out, struct wh_err *err) WH_CHECK;

#endif
