/*
 * host.h - the weights of a hosted model on their way to the engines.
 * Owner: nothing is kept; texts live in the arena given.
 * Never: sees a byte of weights; asks for what no published decision lets this
 * house run. The keeper judges the same papers for itself.
 */
#ifndef WH_HUB_HOST_H
#define WH_HUB_HOST_H

#include "hub/subject.h"
#include "hub/vault.h"
#include "register/read.h"

/* May these weights be run for this model now: do they belong to its newest
 * revision, is that hosted or open as seen from this repo, and has nobody
 * closed them? */
bool hub_host_allowed(struct db *db, struct wh_arena *a,
                      const struct store_repo *repo, const char *sha256,
                      bool *allowed, struct wh_err *err) WH_CHECK;
/* Is the newest revision of this model hosted or open, whichever its weights
 * are, and have people closed none of them, under whatever name? */
bool hub_host_hosted(struct db *db, struct wh_arena *a,
                     const struct store_repo *repo, bool *hosted,
                     struct wh_err *err) WH_CHECK;

struct hub_host_repos {
    int64_t *ids;
    size_t n;
};
/* Repos that have this file, at most 1000. */
bool hub_host_repos(struct db *db, struct wh_arena *a, const char *sha256,
                    struct hub_host_repos *out, struct wh_err *err) WH_CHECK;

/* Have the keeper put these weights before the engines, for the first model
 * that allows it (keeper_host). WH_HELD when none does; WH_REFUSED when they
 * have no sealed form left. May take as long as decrypting does. */
bool hub_host(const struct hub_vault *v, const struct register_reader *reader,
              struct db *db, struct wh_arena *a, const char *sha256,
              struct wh_err *err) WH_CHECK;

#endif
