/*
 * release.c - the way of a revision: look, open what is no weights, decide,
 * publish, open what the decision opens.
 *
 * Everything here runs on the queue's threads and can be done again from the
 * start after a crash at any point: scans and decisions are found, not made
 * twice; opening is idempotent.
 */
#include "hub/release.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "hub/decide.h"
#include "hub/papers.h"
#include "hub/retier.h"
#include "hub/subject.h"
#include <pthread.h>
#include <stdlib.h>

/* How long a decision may take to be published before the work is put off. */
#define PUBLISH_US INT64_C(30000000)
/* Decisions renewed in one round. */
#define RENEW_BATCH 50u

struct ask {
    struct ask *next; /* in the list of what is at work or waits */
    struct hub_release *r;
    int64_t owner; /* 0: nobody's share */
    int64_t repo;
    struct hub_oid commit;
    void (*done)(void *ctx);
    void *ctx;
    bool queued; /* given to the queue; else it waits for others (next_ask) */
};

struct hub_release {
    struct hub_release_config c;
    pthread_mutex_t lock;
    struct ask *asks; /* all that have not ended */
};

struct hub_release *hub_release_new(const struct hub_release_config *c)
{
    struct hub_release *r = wh_alloc(sizeof *r);

    r->c = *c;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void hub_release_free(struct hub_release **r)
{
    if (*r) {
        wh_assert(!(*r)->asks);
        pthread_mutex_destroy(&(*r)->lock);
        wh_free(*r);
        *r = NULL;
    }
}

bool hub_release_begin(struct db *db, const struct store_repo *repo,
                       const struct hub_oid *commit, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_REVISION_ADD);
    char sha[HUB_OID_HEX + 1];

    hub_oid_hex(commit, sha);
    db_bind_i64(st, 1, repo->id);
    db_bind_cstr(st, 2, sha);
    db_bind_i64(st, 3, wh_now_us());
    return db_exec(st, err);
}

bool hub_release_again(struct db *db, const struct store_repo *repo,
                       struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_REVISION_ALL_AGAIN);

    db_bind_i64(st, 1, repo->id);
    return db_exec(st, err) &&
           (repo->head.state != STORE_REPO_DECIDED ||
            store_repo_tiers_set(db, repo->id, STORE_REPO_WEIGHING,
                                 repo->head.tiers, err));
}

/* Whoever waits is told, once. */
static void tell(struct ask *x)
{
    void (*done)(void *ctx) = x->done;

    x->done = NULL;
    if (done) {
        done(x->ctx);
    }
}

/* ---- one revision at work ---- */

struct job {
    struct ask *ask;
    const struct hub_release_config *c;
    struct db *db;
    struct wh_arena *a;
    struct store_repo repo;
    struct hub_oid commit;
    char sha[HUB_OID_HEX + 1];
    struct hub_subject subject;
    struct hub_decided decided; /* if the subject is not empty */
    struct wh_str why; /* it can not be weighed: a sentence; else empty */
    enum rule_tier weights_at_most; /* what people left of them, anywhere */
};

/* What the keeper gave for one file; opened twice is opened once. */
struct given {
    struct hub_subject_file *f;
    uint8_t (*keys)[STORE_CONTAINER_KEY];
    size_t n;
};

/* Ask the keeper for a file's keys: without papers for what is no weights, with
 * those of the decision for what is. g->n stays 0 when it is open already, and
 * when people closed it, under another name or here. */
static bool ask_keys(struct job *j, struct hub_subject_file *f,
                     struct keeper_opening *o, struct given *g,
                     struct wh_err *err)
{
    struct keeper_session *s = NULL;
    struct line_row row;
    uint64_t size;
    bool open, closed, ok;

    *g = (struct given){.f = f};
    if (!store_open_find(j->db, f->sha256, &open, &size, err) ||
        !hub_content_closed(j->db, j->a, f->sha256, &j->repo, &closed, &row,
                            err)) {
        return false;
    }
    if (open || closed || f->content.statement.n == 0) {
        return true;
    }
    if (!hub_content_session(j->c->vault, j->db, j->a, j->repo.kind,
                             &f->content, &s, &g->n, err)) {
        return false;
    }
    g->keys = wh_arena_array(j->a, g->n, sizeof *g->keys);
    if (o) {
        o->content = f->content.statement;
        ok = keeper_keys(s, o, g->keys, g->n, err);
    } else {
        ok = keeper_keys_plain(s, f->content.statement,
                               f->content.scan_statement, g->keys, g->n, err);
    }
    keeper_close(&s);
    return ok;
}

/* Keys of all files of one kind; from here on they can be read. */
static bool give(struct job *j, bool weights, struct keeper_opening *o,
                 struct given **out, size_t *n, struct wh_err *err)
{
    struct given *list = wh_arena_array(j->a, j->subject.n + 1, sizeof *list);

    *n = 0;
    for (size_t i = 0; i < j->subject.n; i++) {
        struct hub_subject_file *f = &j->subject.files[i];
        struct given *g = &list[*n];
        if (!f->large || (f->part == WEIGH_PART_WEIGHTS) != weights) {
            continue;
        }
        if (!ask_keys(j, f, o, g, err)) {
            return false;
        }
        if (g->n > 0) {
            if (!hub_readable(j->c->vault, j->db, j->a, &f->content, g->keys,
                              g->n, err)) {
                return false;
            }
            ++*n;
        }
    }
    *out = list;
    return true;
}

/* Bring what was given into the clear. */
static bool materialise(struct job *j, struct given *list, size_t n,
                        struct wh_err *err)
{
    bool ok = true;

    for (size_t i = 0; i < n; i++) {
        ok =
            ok && hub_materialise(j->c->vault, j->db, j->a, &list[i].f->content,
                                  list[i].keys, list[i].n, err);
        wh_wipe(list[i].keys, list[i].n * sizeof *list[i].keys);
    }
    return ok;
}

static bool open_other_parts(struct job *j, struct wh_err *err)
{
    struct given *list;
    size_t n;

    return give(j, false, NULL, &list, &n, err) && materialise(j, list, n, err);
}

/* The keeper is shown all scans of the subject at once. */
static bool scans_fit(const struct job *j, struct wh_err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < j->subject.n; i++) {
        const struct hub_subject_file *f = &j->subject.files[i];
        n += f->large && weigh_part_in_subject(f->part);
    }
    return n <= KEEPER_SCANS_MAX ||
           wh_fail(err, WH_TOO_LARGE,
                   "a revision has at most %u large files of weights and code, "
                   "and this one %zu: join the pieces of its weights",
                   KEEPER_SCANS_MAX, n);
}

/* The keeper judges for itself. Whoever waits for the decision is told as soon
 * as the weights can be read. */
static bool open_weights(struct job *j, struct wh_err *err)
{
    struct keeper_opening o;
    struct given *list;
    size_t n;

    if (j->decided.row.tiers.part[RULE_PART_WEIGHTS] != RULE_TIER_OPEN ||
        !j->subject.weights) {
        return true;
    }
    if (!scans_fit(j, err) ||
        !hub_decided_papers(j->c->reader, j->db, j->a, &j->repo, &j->subject,
                            &j->decided, &o, err) ||
        !give(j, true, &o, &list, &n, err)) {
        return false;
    }
    tell(j->ask);
    return materialise(j, list, n, err);
}

/* ---- the end: what lists show ---- */

static const struct {
    enum weigh_part part;
    enum store_part shown;
    enum rule_part rule;
} PARTS[] = {
    {WEIGH_PART_SOURCE, STORE_PART_SOURCE, RULE_PART_SOURCE},
    {WEIGH_PART_SOFTWARE, STORE_PART_SOFTWARE, RULE_PART_SOFTWARE},
    {WEIGH_PART_DATA, STORE_PART_DATA, RULE_PART_DATA},
    {WEIGH_PART_WEIGHTS, STORE_PART_WEIGHTS, RULE_PART_WEIGHTS},
};

static enum store_tier shown_tier(enum rule_tier t)
{
    switch (t) {
    case RULE_TIER_OPEN:
        return STORE_TIER_OPEN;
    case RULE_TIER_GATED:
        return STORE_TIER_GATED;
    case RULE_TIER_HOSTED:
        return STORE_TIER_HOSTED;
    case RULE_TIER_HELD:
    case RULE_TIER_PASS:
    case RULE_TIER_COUNT:
        break;
    }
    return STORE_TIER_HELD;
}

static void find_tiers(const struct job *j, enum store_tier tiers[STORE_PARTS])
{
    bool decided = j->subject.manifest.n > 0;

    memset(tiers, 0, STORE_PARTS * sizeof *tiers);
    for (size_t i = 0; i < j->subject.n; i++) {
        for (size_t k = 0; k < sizeof PARTS / sizeof *PARTS; k++) {
            if (j->subject.files[i].part == PARTS[k].part) {
                tiers[PARTS[k].shown] =
                    decided
                        ? shown_tier(j->decided.row.tiers.part[PARTS[k].rule])
                        : STORE_TIER_OPEN;
            }
        }
    }
}

/* A digest carries its tier: what people closed elsewhere is not shown as open
 * here. */
static bool find_closed(struct job *j, struct wh_err *err)
{
    struct line_row row;
    bool closed;

    j->weights_at_most = RULE_TIER_OPEN;
    for (size_t i = 0; i < j->subject.n; i++) {
        const struct hub_subject_file *f = &j->subject.files[i];
        enum rule_tier t;
        if (!f->large || f->part != WEIGH_PART_WEIGHTS) {
            continue;
        }
        if (!hub_content_closed(j->db, j->a, f->sha256, &j->repo, &closed, &row,
                                err)) {
            return false;
        }
        t = closed ? row.tiers.part[RULE_PART_WEIGHTS] : RULE_TIER_OPEN;
        if (t < j->weights_at_most) {
            j->weights_at_most = t;
        }
    }
    return true;
}

/* Nothing is known of the files: what a repo of its kind is for is held. */
static void hold_all(const struct job *j, enum store_tier tiers[STORE_PARTS])
{
    memset(tiers, 0, STORE_PARTS * sizeof *tiers);
    tiers[hub_undecidable_part(j->repo.kind)] = STORE_TIER_HELD;
}

static bool end_revision(struct db *db, const struct job *j, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, j->why.n > 0 ? DBQ_REVISION_UNDECIDABLE
                                                   : DBQ_REVISION_DECIDED);

    db_bind_i64(st, 1, j->repo.id);
    db_bind_cstr(st, 2, j->sha);
    if (j->why.n > 0) {
        db_bind_text(st, 3, j->why);
    }
    return db_exec(st, err);
}

static bool finish_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct job *j = ctx;
    enum store_tier tiers[STORE_PARTS];
    struct store_repo now;

    if (!end_revision(db, j, err) ||
        !store_repo_by_id(db, j->a, j->repo.id, &now, err)) {
        return false;
    }
    if (!wh_str_is(now.head.sha, j->sha)) {
        return true; /* the branch went on: its head shows its own */
    }
    if (j->why.n > 0) {
        hold_all(j, tiers);
    } else {
        find_tiers(j, tiers);
        if (tiers[STORE_PART_WEIGHTS] > shown_tier(j->weights_at_most)) {
            tiers[STORE_PART_WEIGHTS] = shown_tier(j->weights_at_most);
        }
    }
    return store_repo_tiers_set(db, j->repo.id, STORE_REPO_DECIDED, tiers, err);
}

/* ---- the whole way ---- */

static bool publish(struct job *j, struct wh_err *err)
{
    struct register_place place;

    if (j->decided.row.published) {
        return true;
    }
    return register_wait(j->c->log, j->decided.row.outbox,
                         wh_mono_us() + PUBLISH_US, &place, err) &&
           hub_decided_published(j->c->vault->writer, &j->decided, place.index,
                                 err);
}

static bool run(struct job *j, struct wh_err *err)
{
    if (!hub_subject_read(j->c->vault, j->db, j->a, &j->repo, &j->commit,
                          &j->subject, err) ||
        !open_other_parts(j, err)) {
        return false;
    }
    if (j->subject.manifest.n > 0 &&
        (!hub_decide(j->c->vault->writer, j->c->log, j->c->lines, j->db, j->a,
                     &j->repo, j->sha, &j->subject, &j->decided, err) ||
         !publish(j, err) || !open_weights(j, err))) {
        return false;
    }
    return find_closed(j, err) &&
           db_write(j->c->vault->writer, finish_fn, j, err);
}

/* Put it at the end of the list; false when somebody is at it already. */
static bool list_ask(struct ask *x)
{
    bool there = false;
    struct ask **at;

    pthread_mutex_lock(&x->r->lock);
    for (at = &x->r->asks; *at && !there; at = &(*at)->next) {
        there =
            (*at)->repo == x->repo && hub_oid_eq(&(*at)->commit, &x->commit);
    }
    if (!there) {
        *at = x;
    }
    pthread_mutex_unlock(&x->r->lock);
    return !there;
}

/* Off the list; whoever waits is told. */
static void drop_ask(struct ask *x)
{
    struct ask **at;

    pthread_mutex_lock(&x->r->lock);
    for (at = &x->r->asks; *at; at = &(*at)->next) {
        if (*at == x) {
            *at = x->next;
            break;
        }
    }
    pthread_mutex_unlock(&x->r->lock);
    tell(x);
    wh_free(x);
}

/* One revision of a repo is at work at a time, in the order they came: what one
 * opens counts for the next (hub/earlier.h). And one namespace has no more
 * than its share of them, so that others need not wait for all it sends. */
static bool may_begin(const struct hub_release *r, const struct ask *x)
{
    bool before = true;
    unsigned n = 0;

    for (const struct ask *y = r->asks; y; y = y->next) {
        before = before && y != x;
        if (before && y->repo == x->repo) {
            return false;
        }
        n += y->queued && y->owner == x->owner;
    }
    return x->owner == 0 || r->c.per_owner == 0 || n < r->c.per_owner;
}

/* The next that may begin now, marked as begun; or null. */
static struct ask *next_ask(struct hub_release *r)
{
    struct ask *x;

    pthread_mutex_lock(&r->lock);
    for (x = r->asks; x; x = x->next) {
        if (!x->queued && may_begin(r, x)) {
            x->queued = true;
            break;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return x;
}

static void work(struct db *db, struct wh_arena *a, void *arg);
static void end_ask(void *arg);

/* All that may begin does; what finds no place in the queue is put off. */
static void begin_asks(struct hub_release *r)
{
    struct ask *x;

    while ((x = next_ask(r)) != NULL) {
        struct wh_err err = {0};
        if (!hub_queue_add(r->c.queue, work, end_ask, x, &err)) {
            wh_log_err(WH_WARN, "release.put-off", &err);
            drop_ask(x);
        }
    }
}

/* Ended, or not begun: others may begin. */
static void end_ask(void *arg)
{
    struct ask *x = arg;
    struct hub_release *r = x->r;

    drop_ask(x);
    begin_asks(r);
}

/* A limit that no other try can meet: held, with the sentence that says which,
 * until there is another revision. */
static bool give_up(struct job *j, const struct wh_err *why, struct wh_err *err)
{
    bool said = strcmp(why->msg, wh_err_row(why->code)->msg) != 0;

    j->why = wh_arena_fmt(
        j->a, "%s",
        said ? why->msg
             : "what has to be said of its files is larger than this house "
               "takes for one revision: spread them over several repos");
    if (!db_write(j->c->vault->writer, finish_fn, j, err)) {
        return false;
    }
    wh_log(WH_WARN, "release.undecidable", "repo=%lld sha=%s why=\"%.*s\"",
           (long long)j->repo.id, j->sha, WH_FMT(j->why));
    return true;
}

static bool try_once(struct ask *x, struct db *db, struct wh_arena *a,
                     struct wh_err *err)
{
    struct job j = {
        .ask = x, .c = &x->r->c, .db = db, .a = a, .commit = x->commit};
    struct wh_err why = {0};

    hub_oid_hex(&x->commit, j.sha);
    if (!store_repo_by_id(db, a, x->repo, &j.repo, err)) {
        return false;
    }
    if (!run(&j, &why)) {
        if (why.code == WH_TOO_LARGE) {
            return give_up(&j, &why, err);
        }
        *err = why;
        return false;
    }
    wh_log(WH_INFO, "release.decided", "repo=%lld sha=%s subject=%.16s",
           (long long)x->repo, j.sha, j.subject.digest);
    return true;
}

static bool tried_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct ask *x = ctx;
    struct db_stmt *st = db_start(db, DBQ_REVISION_TRIED);
    char sha[HUB_OID_HEX + 1];

    hub_oid_hex(&x->commit, sha);
    db_bind_i64(st, 1, x->repo);
    db_bind_cstr(st, 2, sha);
    db_bind_i64(st, 3, wh_now_us());
    return db_exec(st, err);
}

/* It stays "weighing", and is tried again later and later. */
static void put_off(struct ask *x, const struct wh_err *why)
{
    struct wh_err err = {0};

    wh_log_err(WH_WARN, "release.put-off", why);
    if (!db_write(x->r->c.vault->writer, tried_fn, x, &err)) {
        wh_log_err(WH_WARN, "release.tried", &err);
    }
}

static void work(struct db *db, struct wh_arena *a, void *arg)
{
    struct ask *x = arg;
    struct wh_err err = {0};

    if (!try_once(x, db, a, &err)) {
        /* another revision with the same content may have opened it, and let
         * its sealed form go, while this one was looking at it */
        wh_log_err(WH_INFO, "release.again", &err);
        wh_arena_reset(a);
        err = (struct wh_err){0};
        if (!try_once(x, db, a, &err)) {
            put_off(x, &err);
        }
    }
    end_ask(x);
}

void hub_release_start(struct hub_release *r, int64_t owner, int64_t repo,
                       const struct hub_oid *commit, void (*done)(void *ctx),
                       void *ctx)
{
    struct ask *x = wh_alloc(sizeof *x);

    *x = (struct ask){NULL, r, owner, repo, *commit, done, ctx, false};
    if (!list_ask(x)) { /* the caller need not wait for whoever is at it */
        tell(x);
        wh_free(x);
        return;
    }
    begin_asks(r);
}

bool hub_release_resume(struct hub_release *r, struct db *db, int64_t due,
                        struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_REVISION_WAITING);
    enum db_row row;

    db_bind_i64(st, 1, due);
    while ((row = db_step(st, err)) == DB_ROW) {
        struct hub_oid commit;
        if (hub_oid_parse(db_col_text(st, 1), &commit)) {
            hub_release_start(r, db_col_i64(st, 2), db_col_i64(st, 0), &commit,
                              NULL, NULL);
        }
    }
    db_finish(&st);
    return row != DB_FAIL;
}

/* Any revision that it is about will do: the decision is the subject's. */
static bool start_decision(struct hub_release *r, struct db *db,
                           const struct line_row *due, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_REVISION_OF_DECISION);
    struct hub_oid commit;
    int64_t repo = 0;
    enum db_row row;

    db_bind_text(st, 1, due->subject);
    db_bind_i64(st, 2, due->repo);
    db_bind_i64(st, 3, due->id);
    row = db_step(st, err);
    if (row == DB_ROW && hub_oid_parse(db_col_text(st, 1), &commit)) {
        repo = db_col_i64(st, 0);
    }
    db_finish(&st);
    if (repo) {
        hub_release_start(r, 0, repo, &commit, NULL, NULL);
    }
    return row != DB_FAIL;
}

bool hub_release_renew(struct hub_release *r, struct db *db, struct wh_err *err)
{
    struct line_row *due;
    struct wh_arena a;
    size_t n;
    bool ok;

    wh_arena_init(&a, (size_t)16 << 20);
    ok = line_due(db, &a, wh_now_us() / 1000000 + HUB_RENEW_S, RENEW_BATCH,
                  &due, &n, err);
    for (size_t i = 0; ok && i < n; i++) {
        ok = start_decision(r, db, &due[i], err);
    }
    wh_arena_done(&a);
    return ok;
}
