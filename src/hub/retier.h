/*
 * retier.h - what follows when people, or time, change the tier of weights:
 * what opens is brought into the clear, what closes is sealed again and its
 * downloads end.
 * Owner: front makes one; it outlives the queue's work and the sweep.
 * Never: believes a decision that no published checkpoint covers; lets the last
 * readable copy of a content go before a sealed one is durable and settled;
 * needs a note of its own to go on after a crash.
 *
 * A closing counts from the moment its leaf is published: hub_access_find asks
 * (line_closed_find) before it looks at any copy. Everything here comes after
 * that, in steps that can each be done again, and the rows say which is next:
 *
 *   1. ends: whoever downloads it is cut, engines let go of it;
 *   2. seals: every repo that has the content gets a container of its own, with
 *      a fresh key of the keeper's, read back and settled;
 *   3. one transaction: no repo lacks a sealed form, so the row of the plain
 * one goes;
 *   4. the plain file goes, durably.
 *
 * Opening is hub/release.h for every revision of the subject.
 */
#ifndef WH_HUB_RETIER_H
#define WH_HUB_RETIER_H

#include "hub/release.h"
#include "hub/vault.h"
#include "line/rows.h"

struct hub_retier;

struct hub_retier_config {
    const struct hub_vault *vault;
    struct hub_queue *queue;
    struct hub_release *release;
    /* End every answer that carries bytes of this content now (64 hex digits);
     * at once, from any thread. May be null. */
    void (*cut)(void *ctx, const char *sha256);
    /* The decision about this subject has changed: whatever runs for a model
     * that is no longer hosted ends now, not at the end of an answer
     * (hub/host.h tells). May be null. */
    void (*stop)(void *ctx, struct wh_str subject);
    void *ctx;
};

/* The configuration is copied; what it points to outlives the retier. */
struct hub_retier *hub_retier_new(const struct hub_retier_config *c);
/* After the queue and the sweep have ended. Nulls the pointer; null is fine. */
void hub_retier_free(struct hub_retier **r);

/* The decision about this subject (64 hex digits) has changed and is published:
 * make it so, for all repos that have it. Returns at once; the work is the
 * queue's, and what it can not do now the sweep takes up. From any thread that
 * may wait a moment, but never from within a db_write function. Too often, and
 * about what has not changed, is fine. */
void hub_retier(struct hub_retier *r, struct wh_str subject);

/* Go on with what a crash, a full disk or a busy keeper left: everything that
 * is closed and not sealed, and plain files that no row names any more. At
 * start and in each round of the sweep. db reads. */
bool hub_retier_round(struct hub_retier *r, struct db *db,
                      struct wh_err *err) WH_CHECK;

/* Have the queue do such a round soon: at the start, without waiting for it. */
void hub_retier_resume(struct hub_retier *r);

/* The same work for one subject, here and now. Tests, and the queue. */
bool hub_retier_now(struct hub_retier *r, struct db *db, struct wh_arena *a,
                    struct wh_str subject, struct wh_err *err) WH_CHECK;

/* Is this content closed by people, as seen from a repo? *row is the decision
 * that says so, when it is. */
bool hub_content_closed(struct db *db, struct wh_arena *a, const char *sha256,
                        const struct store_repo *repo, bool *closed,
                        struct line_row *row, struct wh_err *err) WH_CHECK;

/* What is closed and yet in the clear, because it could not be sealed so far:
 * for doctor and the custody page. */
bool hub_retier_behind(struct db *db, struct wh_arena *a, size_t *n,
                       struct wh_err *err) WH_CHECK;

#endif
