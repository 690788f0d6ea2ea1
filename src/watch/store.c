/*
 * store.c - what memory holds goes to rows, in batches; and what is done once
 * in a while.
 */
#include "base/log.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "watch/watch_impl.h"

/* Rows of one write. */
#define ROWS 400u
/* Evidence about who was not here for a year is forgotten; alarms after half
 * of one. */
#define TRACE_US (366 * WATCH_DAY_US)
#define ALARM_US (183 * WATCH_DAY_US)

void watch_batch_init(struct watch_batch *b)
{
    *b = (struct watch_batch){0};
    b->cases_end = &b->cases;
}

void watch_batch_free(struct watch_batch *b)
{
    struct watch_pending_alarm *a, *next_a;
    struct watch_pending_case *c, *next_c;

    for (a = b->alarms; a; a = next_a) {
        next_a = a->next;
        watch_sealed_free(&a->text);
        wh_free(a->model);
        wh_free(a->reasons);
        wh_free(a);
    }
    for (c = b->cases; c; c = next_c) {
        next_c = c->next;
        wh_free(c->model);
        wh_free(c);
    }
    watch_batch_init(b);
}

/* ---- rows of a batch ---- */

static bool put_text(struct db *db, const struct watch_pending_alarm *p,
                     int64_t alarm, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_DAY_PUT);

    db_bind_i64(s, 1, p->text.day);
    db_bind_blob(s, 2, p->salt, sizeof p->salt);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_WATCH_TEXT_INSERT);
    db_bind_i64(s, 1, alarm);
    db_bind_i64(s, 2, p->text.day);
    db_bind_blob(s, 3, p->text.iv, sizeof p->text.iv);
    db_bind_blob(s, 4, p->text.bytes, p->text.n);
    db_bind_i64(s, 5, p->text.cut);
    return db_exec(s, err);
}

static bool put_alarm(struct db *db, const struct watch_pending_alarm *p,
                      struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_ALARM_INSERT);
    int64_t id;

    db_bind_i64(s, 1, p->account);
    db_bind_i64(s, 2, p->key);
    db_bind_cstr(s, 3, p->person);
    db_bind_i64(s, 4, p->at);
    db_bind_cstr(s, 5, p->request);
    db_bind_cstr(s, 6, p->model);
    db_bind_cstr(s, 7, p->layer);
    db_bind_cstr(s, 8, p->reasons);
    db_bind_i64(s, 9, p->score);
    db_bind_i64(s, 10, p->p0);
    db_bind_i64(s, 11, p->counted);
    db_bind_i64(s, 12, p->log_e[WATCH_KEY]);
    db_bind_i64(s, 13, p->log_e[WATCH_PERSON]);
    db_bind_i64(s, 14, p->log_e[WATCH_ACCOUNT]);
    return db_one_i64(s, 0, &id, err) &&
           (!p->text.bytes || put_text(db, p, id, err));
}

static bool write_case(struct db *db, const struct watch *w,
                       const struct watch_pending_case *p, struct wh_err *err)
{
    struct watch_case c = {.public_id = wh_str_of(p->id),
                           .level = p->level,
                           .account = p->account,
                           .key = p->key,
                           .person = wh_str_of(p->person),
                           .rung = p->rung,
                           .log_e = p->log_e,
                           .score = p->score,
                           .layer = wh_str_of(p->layer),
                           .request = wh_str_of(p->request),
                           .model = wh_str_of(p->model),
                           .repeated = p->repeated,
                           .acted = p->acted,
                           .until = p->until};

    return p->is_new ? watch_case_insert(db, w->house_key, &c, err)
                     : watch_case_raise(db, &c, err);
}

static bool write_batch(struct db *db, void *ctx, struct wh_err *err)
{
    struct watch *w = ctx;
    int64_t now = watch_now(w);

    for (const struct watch_pending_case *c = w->batch.cases; c; c = c->next) {
        if (!write_case(db, w, c, err)) {
            return false;
        }
    }
    for (const struct watch_pending_alarm *a = w->batch.alarms; a;
         a = a->next) {
        if (!put_alarm(db, a, err)) {
            return false;
        }
    }
    for (int i = 0; i < WATCH_HAPPENED; i++) {
        if (w->batch.counts[i] > 0 &&
            !watch_count(db, now, (enum watch_happened)i, w->batch.counts[i],
                         err)) {
            return false;
        }
    }
    return true;
}

/* ---- evidence ---- */

struct trace_row {
    enum watch_level level;
    int64_t id, used;
    char person[17];
    uint8_t bytes[WATCH_TRACE_BYTES + 1];
};

struct trace_rows {
    struct trace_row row[ROWS];
    size_t n;
};

static bool write_traces(struct db *db, void *ctx, struct wh_err *err)
{
    const struct trace_rows *t = ctx;

    for (size_t i = 0; i < t->n; i++) {
        const struct trace_row *r = &t->row[i];
        struct db_stmt *s = db_start(db, DBQ_WATCH_TRACE_PUT);
        db_bind_i64(s, 1, r->level);
        db_bind_i64(s, 2, r->id);
        db_bind_cstr(s, 3, r->person);
        db_bind_blob(s, 4, r->bytes, sizeof r->bytes);
        db_bind_i64(s, 5, r->used);
        if (!db_exec(s, err)) {
            return false;
        }
    }
    return true;
}

/* Dirty ones from slot *from on, as many as fit; they count as written. */
static void gather(struct watch *w, size_t *from, struct trace_rows *t)
{
    t->n = 0;
    (void)pthread_mutex_lock(&w->lock);
    for (; *from < WATCH_SLOTS; (*from)++) {
        for (struct watch_entry *e = w->slot[*from]; e; e = e->next) {
            struct trace_row *r = &t->row[t->n];
            if (!e->dirty || t->n == ROWS) {
                continue;
            }
            r->level = e->level;
            r->id = e->id;
            r->used = e->used;
            watch_person_text(e->person, r->person);
            watch_trace_write(&e->trace, r->bytes);
            r->bytes[WATCH_TRACE_BYTES] = (uint8_t)e->forgiven;
            e->dirty = false;
            t->n++;
        }
        if (t->n == ROWS) {
            break;
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* They were not written after all. */
static void mark(struct watch *w, const struct trace_rows *t)
{
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < t->n; i++) {
        const struct trace_row *r = &t->row[i];
        for (size_t k = 0; k < WATCH_SLOTS; k++) {
            for (struct watch_entry *e = w->slot[k]; e; e = e->next) {
                e->dirty = e->dirty || (e->level == r->level && e->id == r->id);
            }
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
}

static bool flush_traces(struct watch *w, struct wh_err *err)
{
    struct trace_rows *t = wh_alloc(sizeof *t);
    size_t from = 0;
    bool ok = true;

    while (ok && from < WATCH_SLOTS) {
        gather(w, &from, t);
        if (t->n == 0) {
            break;
        }
        ok = db_write(w->c.writer, write_traces, t, err);
        if (!ok) {
            mark(w, t);
        }
    }
    wh_free(t);
    return ok;
}

/* ---- all of it ---- */

/* What waits becomes the batch, if the last one is through. */
static bool take_batch(struct watch *w)
{
    if (w->batch.n == 0) {
        watch_batch_free(&w->batch);
        (void)pthread_mutex_lock(&w->lock);
        w->batch = w->waiting;
        if (!w->batch.cases) {
            w->batch.cases_end = &w->batch.cases;
        }
        watch_batch_init(&w->waiting);
        (void)pthread_mutex_unlock(&w->lock);
        for (int i = 0; i < WATCH_HAPPENED; i++) {
            w->batch.n += w->batch.counts[i] > 0;
        }
    }
    return w->batch.n > 0;
}

static bool flush(struct watch *w, struct wh_err *err)
{
    if (take_batch(w)) {
        if (!db_write(w->c.writer, write_batch, w, err)) {
            return false;
        }
        watch_batch_free(&w->batch);
    }
    return flush_traces(w, err);
}

bool watch_flush(struct watch *w, struct wh_err *err)
{
    bool ok;

    (void)pthread_mutex_lock(&w->flushing);
    /* what was left of a failed one goes before what waits now */
    ok = (w->batch.n == 0 || flush(w, err)) && flush(w, err);
    (void)pthread_mutex_unlock(&w->flushing);
    return ok;
}

/* ---- once in a while ---- */

struct tidying {
    int64_t now;
    bool submitted;
};

static bool drop_old(struct db *db, int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_TRACE_DROP);

    db_bind_i64(s, 1, now - TRACE_US);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_WATCH_ALARM_DROP);
    db_bind_i64(s, 1, now - ALARM_US);
    return db_exec(s, err) && watch_text_expire(db, now, err);
}

static bool tidy_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct tidying *t = ctx;

    return watch_case_lapse(db, t->now, err) && drop_old(db, t->now, err) &&
           watch_counts_log(db, t->now, &t->submitted, err);
}

/* Memory does what the rows did: cases whose time is over. */
static void follow(struct watch *w, int64_t now)
{
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < WATCH_SLOTS; i++) {
        for (struct watch_entry *e = w->slot[i]; e; e = e->next) {
            if (e->case_id[0] && e->until <= now) {
                watch_entry_free_of(e, e->case_rung >= DETECT_RUNG_QUEUE);
            }
        }
    }
    if (watch_secrets_turn(&w->secrets, now)) {
        crypto_random(&w->seed, sizeof w->seed);
    }
    watch_entries_shrink(w, now);
    watch_vault_expire(&w->vault, now);
    (void)pthread_mutex_unlock(&w->lock);
}

bool watch_tidy(struct watch *w, struct wh_err *err)
{
    struct tidying t = {.now = watch_now(w)};

    if (!db_write(w->c.writer, tidy_fn, &t, err)) {
        return false;
    }
    follow(w, t.now);
    if (t.submitted && w->c.kick) {
        w->c.kick(w->c.ctx);
    }
    return true;
}
