/*
 * cycle.c - one turn of the sequencer, step by step:
 *
 *   1  take what waits, in order, and check its hashes
 *   2  entries, new head: one transaction, one fsync
 *   3  the signer checks that the new head continues its last one, and signs
 *   4  the signed head is stored
 *   5  bundles and tiles are written
 *   6  bundles are read back and hashed
 *   7  the checkpoint becomes visible
 *   8  that is recorded, and those who wait are told
 *
 * Nothing is visible before everything it implies is durable. A failure
 * anywhere drops what is in memory; recover.c starts again from storage.
 */
#include "base/count.h"
#include "base/log.h"
#include "base/time.h"
#include "register/crash.h"
#include "register/log.h"
#include <unistd.h>

#define WRITE_TRIES 50
#define WRITE_PAUSE_US 20000

/* Steps 1 and 2, on the writer's thread. */
struct take {
    const struct register_log *log;
    int64_t now;
    size_t n;
    bool stalled;
    int64_t newest_t, last_outbox;
    struct tlog_frontier frontier;
    struct tlog_hash root, leaf[REGISTER_BATCH];
};

/* Our state must still be the stored one: another sequencer, or a hand in the
 * database, ends here. */
static bool same_state(struct db *db, const struct register_log *log,
                       struct wh_err *err)
{
    struct register_state_row row;
    if (!register_row_state(db, &row, err)) {
        return false;
    }
    if (row.epoch != log->epoch || row.size != log->size ||
        !tlog_hash_eq(&row.root, &log->root)) {
        return wh_fail(err, WH_CORRUPT,
                       "the register's state changed under the sequencer");
    }
    return true;
}

static bool add_subjects(struct db *db, struct wh_str subjects, uint64_t index,
                         struct wh_str type, struct wh_err *err)
{
    struct wh_str digest;
    while (subjects.n > 0) {
        (void)wh_str_cut(&subjects, ' ', &digest);
        struct db_stmt *s = db_start(db, DBQ_REGISTER_SUBJECT_ADD);
        db_bind_text(s, 1, digest);
        db_bind_i64(s, 2, (int64_t)index);
        db_bind_text(s, 3, type);
        if (!db_exec(s, err)) {
            return false;
        }
    }
    return true;
}

/* One row of the outbox becomes an entry. */
static bool take_row(struct db *db, struct db_stmt *row, struct take *t,
                     struct wh_err *err)
{
    struct wh_str leaf = db_col_blob(row, 4), stored = db_col_blob(row, 5);
    struct tlog_hash *hash = &t->leaf[t->n];
    uint64_t index = t->frontier.size;
    tlog_hash_leaf(leaf, hash);
    if (!wh_str_eq(stored, wh_str_mem(hash->b, TLOG_HASH))) {
        return wh_fail(err, WH_CORRUPT,
                       "a waiting event does not match its hash");
    }
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_ADD);
    db_bind_i64(s, 1, (int64_t)index);
    db_bind_i64(s, 2, db_col_i64(row, 0));
    db_bind_text(s, 3, db_col_text(row, 1));
    db_bind_i64(s, 4, db_col_i64(row, 2));
    db_bind_blob(s, 5, leaf.p, leaf.n);
    db_bind_blob(s, 6, hash->b, TLOG_HASH);
    db_bind_i64(s, 7, t->now);
    if (!db_exec(s, err) || !add_subjects(db, db_col_text(row, 3), index,
                                          db_col_text(row, 1), err)) {
        return false;
    }
    tlog_frontier_add(&t->frontier, hash);
    t->newest_t = db_col_i64(row, 2);
    t->last_outbox = db_col_i64(row, 0);
    t->n++;
    return true;
}

static bool take_rows(struct db *db, struct take *t, struct wh_err *err)
{
    struct db_stmt *rows = db_start(db, DBQ_REGISTER_OUTBOX_TAKE);
    db_bind_i64(rows, 1, REGISTER_BATCH);
    enum db_row r = DB_FAIL;
    bool ok = true;
    while (ok && (r = db_step(rows, err)) == DB_ROW) {
        /* an event from the future waits until the clock is there */
        int64_t at = db_col_i64(rows, 2);
        if (at < t->newest_t || at > t->now / 1000000) {
            t->stalled = true;
            break;
        }
        ok = take_row(db, rows, t, err);
    }
    db_finish(&rows);
    return ok && (t->stalled || r == DB_DONE);
}

static bool grow(struct db *db, struct take *t, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OUTBOX_DROP);
    db_bind_i64(s, 1, t->last_outbox);
    if (!db_exec(s, err)) {
        return false;
    }
    tlog_frontier_root(&t->frontier, &t->root);
    s = db_start(db, DBQ_REGISTER_STATE_GROW);
    db_bind_i64(s, 1, t->log->epoch);
    db_bind_i64(s, 2, (int64_t)t->log->size);
    db_bind_hex(s, 3, t->log->root.b, TLOG_HASH);
    db_bind_i64(s, 4, (int64_t)t->frontier.size);
    db_bind_hex(s, 5, t->root.b, TLOG_HASH);
    if (!db_exec(s, err)) {
        return false;
    }
    return db_changes(db) == 1 ||
           wh_fail(err, WH_CORRUPT,
                   "the register's state changed under the sequencer");
}

static bool take(struct db *db, void *ctx, struct wh_err *err)
{
    struct take *t = ctx;
    t->n = 0;
    t->frontier = t->log->edge.frontier;
    t->newest_t = t->log->newest_t;
    t->stalled = t->now < t->log->newest_at;
    if (!same_state(db, t->log, err) ||
        (!t->stalled && !take_rows(db, t, err))) {
        return false;
    }
    if (t->n == 0) {
        return true;
    }
    if (!grow(db, t, err)) {
        return false;
    }
    register_crash_point(REGISTER_AT_COMMIT);
    return true;
}

/* Step 3: the proof starts at what the signer remembers. */
static bool sign_head(struct register_log *log, struct wh_buf *note,
                      struct wh_err *err)
{
    struct register_sign_request rq = {
        .from = log->signer_size, .to = log->size, .root = log->root};
    struct tlog_reader reader = register_log_reader(log);
    struct tlog_checkpoint cp;
    if (!tlog_consistency(&reader, rq.from, rq.to, &rq.path, err) ||
        !log->cfg.signing.sign(log->cfg.signing.ctx, &rq, note, err) ||
        !tlog_checkpoint_open(wh_buf_str(note), &log->vkey, &cp, err)) {
        return false;
    }
    if (cp.size != log->size || !tlog_hash_eq(&cp.root, &log->root)) {
        return wh_fail(err, WH_CORRUPT, "the signer signed something else");
    }
    log->signer_size = log->size;
    register_crash_point(REGISTER_AT_SIGNED);
    return true;
}

struct head {
    const struct register_log *log;
    struct wh_str note;
    int64_t now;
};

/* Step 4. The same head stored before (by a run that died later) must have the
 * same bytes. */
static bool store_head(struct db *db, void *ctx, struct wh_err *err)
{
    const struct head *h = ctx;
    struct wh_arena a;
    struct register_cp_row old;
    wh_arena_init(&a, 2 * TLOG_NOTE_MAX);
    bool found = register_row_cp(db, &a, h->log->size, &old, err);
    bool same = found && wh_str_eq(old.note, h->note);
    wh_arena_done(&a);
    if (found) {
        return same || wh_fail(err, WH_CORRUPT,
                               "another head of the same size was signed");
    }
    if (err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    struct db_stmt *s = db_start(db, DBQ_REGISTER_CP_ADD);
    db_bind_i64(s, 1, (int64_t)h->log->size);
    db_bind_hex(s, 2, h->log->root.b, TLOG_HASH);
    db_bind_text(s, 3, h->note);
    db_bind_i64(s, 4, h->now);
    return db_exec(s, err);
}

static bool record(struct db *db, void *ctx, struct wh_err *err)
{
    const struct head *h = ctx;
    struct db_stmt *s = db_start(db, DBQ_REGISTER_STATE_PUBLISHED);
    db_bind_i64(s, 1, h->log->epoch);
    db_bind_i64(s, 2, (int64_t)h->log->size);
    db_bind_i64(s, 3, h->now);
    if (!db_exec(s, err)) {
        return false;
    }
    return db_changes(db) == 1 ||
           wh_fail(err, WH_CORRUPT,
                   "the register's state changed under the sequencer");
}

bool register_write(struct register_log *log, db_fn *fn, void *ctx,
                    struct wh_err *err)
{
    for (int tries = 1;; tries++) {
        if (db_write(log->cfg.writer, fn, ctx, err)) {
            return true;
        }
        if (err->code != WH_UNAVAILABLE || tries == WRITE_TRIES) {
            return false;
        }
        *err = (struct wh_err){0};
        (void)usleep(WRITE_PAUSE_US);
    }
}

/* What everybody may see from now on. */
static bool show(struct register_log *log, int64_t now, struct wh_err *err)
{
    int64_t outbox = 0;
    if (!register_row_outbox_at(log->db, log->size - 1, &outbox, err)) {
        return false;
    }
    pthread_mutex_lock(&log->lock);
    log->status.size = log->size;
    log->status.root = log->root;
    log->status.published_at = now;
    log->published_outbox = outbox;
    pthread_mutex_unlock(&log->lock);
    return true;
}

/* Steps 3 and 4; in a cycle they come before the tiles, after a crash the
 * tiles may be there already. Either order is sound: what was committed in
 * step 2 is final. */
static bool sign_and_store(struct register_log *log, struct head *h,
                           struct wh_buf *note, struct wh_err *err)
{
    if (!sign_head(log, note, err)) {
        return false;
    }
    h->note = wh_buf_str(note);
    h->now = register_now(log);
    if (!register_write(log, store_head, h, err)) {
        return false;
    }
    register_crash_point(REGISTER_AT_STORED);
    return true;
}

/* Steps 7 and 8. */
static bool reveal(struct register_log *log, struct head *h, struct wh_err *err)
{
    register_crash_point(REGISTER_AT_READ_BACK);
    if (!register_files_sync(log->files, err) ||
        !register_files_put_checkpoint(log->files, h->note, err)) {
        return false;
    }
    register_crash_point(REGISTER_AT_VISIBLE);
    h->now = register_now(log);
    if (!register_write(log, record, h, err)) {
        return false;
    }
    log->published = log->size;
    register_crash_point(REGISTER_AT_RECORDED);
    return show(log, h->now, err);
}

bool register_publish(struct register_log *log, struct wh_err *err)
{
    struct head h = {.log = log};
    struct wh_buf note;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    bool ok = sign_and_store(log, &h, &note, err) && reveal(log, &h, err);
    wh_buf_done(&note);
    return ok;
}

/* Steps 3 to 8 of an ordinary cycle. */
static bool carry_out(struct register_log *log, uint64_t from,
                      struct wh_err *err)
{
    const struct register_range range = {
        .base = from, .from = from, .to = log->size, .final = true};
    struct head h = {.log = log};
    struct wh_buf note;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    bool ok = sign_and_store(log, &h, &note, err) &&
              register_write_tiles(log, &range, err) && reveal(log, &h, err);
    wh_buf_done(&note);
    if (ok) {
        register_edge_trim(&log->edge);
    }
    return ok;
}

enum register_turn register_cycle(struct register_log *log, struct wh_err *err)
{
    struct register_span_row span;
    wh_assert(log->loaded && log->published == log->size);
    if (!register_row_span(log->db, &span, err)) {
        return REGISTER_TURN_FAILED;
    }
    if (span.first == 0) {
        return REGISTER_TURN_IDLE;
    }
    register_crash_point(REGISTER_AT_START);
    struct take t = {.log = log, .now = register_now(log)};
    int64_t began = wh_mono_us();
    if (!register_write(log, take, &t, err)) {
        return REGISTER_TURN_FAILED;
    }
    if (t.n == 0) {
        return t.stalled ? REGISTER_TURN_STALLED : REGISTER_TURN_IDLE;
    }
    register_crash_point(REGISTER_AT_COMMITTED);
    uint64_t from = log->size;
    for (size_t i = 0; i < t.n; i++) {
        register_edge_add(&log->edge, &t.leaf[i]);
    }
    log->size = t.frontier.size;
    log->root = t.root;
    log->newest_t = t.newest_t;
    log->newest_at = t.now;
    if (!carry_out(log, from, err)) {
        return REGISTER_TURN_FAILED;
    }
    wh_count(WH_COUNT_REGISTER_CYCLES, 1);
    wh_count(WH_COUNT_REGISTER_ENTRIES, t.n);
    wh_count(WH_COUNT_REGISTER_US, (uint64_t)(wh_mono_us() - began));
    return t.n == REGISTER_BATCH ? REGISTER_TURN_MORE : REGISTER_TURN_DONE;
}
