/*
 * release.h - from a commit to what people may do with it: weighed, decided,
 * on the register, opened.
 * Owner: front makes one hub_release; it outlives the queue's work.
 * Never: opens anything before a published checkpoint covers the decision;
 * decides twice about the same subject under the same lines.
 *
 * A revision is on record as "weighing" in the transaction of its commit. The
 * queue's threads do the rest; what a crash interrupts is taken up at the next
 * start.
 */
#ifndef WH_HUB_RELEASE_H
#define WH_HUB_RELEASE_H

#include "hub/git.h"
#include "hub/queue.h"
#include "hub/vault.h"
#include "line/set.h"
#include "register/read.h"

struct hub_release;

struct hub_release_config {
    const struct hub_vault *vault;
    struct hub_queue *queue;
    struct register_log *log;
    const struct register_reader *reader;
    const struct line_set *lines;
    /* Revisions of one namespace at work at a time; 0: as many as the queue
     * has threads. */
    unsigned per_owner;
};

/* The configuration is copied; what it points to outlives the release. */
struct hub_release *hub_release_new(const struct hub_release_config *c);
/* After the queue has ended. */
void hub_release_free(struct hub_release **r);

/* In the commit's transaction: this revision is to be weighed. */
bool hub_release_begin(struct db *db, const struct store_repo *repo,
                       const struct hub_oid *commit,
                       struct wh_err *err) WH_CHECK;
/* In the transaction that makes a private repo public: what was decided about
 * it was said in private, and has to be said anew. hub_release_resume next. */
bool hub_release_again(struct db *db, const struct store_repo *repo,
                       struct wh_err *err) WH_CHECK;
/* Weigh and decide it. done(ctx) is called once: when the decision is in
 * effect, or when it can not be had now (the revision then stays "weighing").
 * `owner` is the namespace whose share of the work it takes; 0 for what the
 * house wants itself. */
void hub_release_start(struct hub_release *r, int64_t owner, int64_t repo,
                       const struct hub_oid *commit, void (*done)(void *ctx),
                       void *ctx);
/* Take up the revisions that are still "weighing" and whose next try is due at
 * `due` (microseconds since the epoch) or before; INT64_MAX: all. */
bool hub_release_resume(struct hub_release *r, struct db *db, int64_t due,
                        struct wh_err *err) WH_CHECK;

/* Decide anew what ends within a week: no hold stands longer without being
 * reasoned again, on the register. At most some in one call. */
bool hub_release_renew(struct hub_release *r, struct db *db,
                       struct wh_err *err) WH_CHECK;

/* ---- what holds now ---- */

enum hub_access_kind {
    HUB_ACCESS_OPEN,     /* the file lies at `path` */
    HUB_ACCESS_SEALED,   /* open, not yet in the clear: read `src` */
    HUB_ACCESS_WEIGHING, /* not decided yet */
    HUB_ACCESS_REFUSED   /* `decision` says why */
};
struct hub_access {
    enum hub_access_kind kind;
    const char *path;  /* in the arena */
    struct wh_src src; /* lives as long as the arena */
    enum store_part part;
    json_t *decision;  /* document of the decision that refuses; may be null */
    struct wh_str why; /* the revision can not be weighed: a sentence; or "" */
    int64_t decision_id;
};
/* May the content of this large file of this revision be read? */
bool hub_access_find(const struct hub_vault *v, struct db *db,
                     struct wh_arena *a, const struct store_repo *repo,
                     const struct hub_oid *commit, const struct hub_entry *e,
                     struct hub_access *out, struct wh_err *err) WH_CHECK;

#endif
