/*
 * sweep.h - what nobody needs any more goes: abandoned uploads, unclaimed
 * contents, containers given up, deleted repos, opened content that nothing
 * names, old sessions; and what waits is taken up again.
 * Owner: front makes one and ends it before the writer.
 * Never: removes what a reference, a representation or an upload needs; does
 * more than a few hundred rows in one transaction.
 */
#ifndef WH_HUB_SWEEP_H
#define WH_HUB_SWEEP_H

#include "hub/approvals.h"
#include "hub/open.h"
#include "hub/release.h"
#include "hub/retier.h"
#include "hub/vault.h"

struct hub_sweep;

struct hub_sweep_config {
    const struct hub_vault *vault;
    struct hub_release *release;
    struct hub_retier *retier;
    const char *db_path;
    const struct hub_approvals *approvals; /* or null */
    int64_t every_us;                      /* between two rounds */
    int64_t expire_us; /* age at which what no commit refers to is dropped */
};

/* Start the sweeping thread; its first round runs at once. */
struct hub_sweep *hub_sweep_new(const struct hub_sweep_config *c,
                                struct wh_err *err) WH_CHECK;
/* Finish the round at work, stop. Nulls the pointer; null is fine. */
void hub_sweep_free(struct hub_sweep **s);

/* One whole round, for tests and at the start. first: nothing is being written
 * now, so every container without an end is a leftover, and every file of
 * opened content that nothing names. walk says how far DATA/open was swept, of
 * which each round does a part. */
bool hub_sweep_round(const struct hub_sweep_config *c, struct db *db,
                     struct hub_open_walk *walk, bool first,
                     struct wh_err *err) WH_CHECK;

#endif
