/*
 * watch.c - beginning and end, the thread that writes, and what cases change
 * in memory.
 */
#include "watch/watch.h"
#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/keyfile.h"
#include "crypto/random.h"
#include "store/repo.h"
#include "watch/watch_impl.h"
#include <stdio.h>

#define FLUSH_MS 500
#define TIDY_FLUSHES 120 /* a minute */

int64_t watch_now(const struct watch *w)
{
    return w->c.now ? w->c.now(w->c.ctx) : wh_now_us();
}

/* Weights that are hosted are in custody: the line that did not open them wants
 * their use watched. */
static bool hosted(void *ctx, struct db *db, struct wh_str model, bool *out,
                   struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_TIER);
    int64_t tier;

    (void)ctx;
    db_bind_text(s, 1, model);
    if (!db_one_i64(s, STORE_TIER_HELD, &tier, err)) {
        return false;
    }
    *out = tier != STORE_TIER_OPEN && tier != STORE_TIER_GATED;
    return true;
}

/* ---- the thread ---- */

static void *run(void *arg)
{
    struct watch *w = arg;
    struct wh_err err;
    struct timespec t;
    unsigned turns = 0;

    (void)pthread_mutex_lock(&w->lock);
    while (!w->ending) {
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += FLUSH_MS * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&w->wake, &w->lock, &t);
        (void)pthread_mutex_unlock(&w->lock);
        err = (struct wh_err){0};
        if (!watch_flush(w, &err) ||
            (++turns % TIDY_FLUSHES == 0 && !watch_tidy(w, &err))) {
            wh_log_err(WH_WARN, "watch.store", &err);
        }
        (void)pthread_mutex_lock(&w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static bool start_thread(struct watch *w, struct wh_err *err)
{
    if (!w->c.thread) {
        return true;
    }
    w->threaded = pthread_create(&w->thread, NULL, run, w) == 0;
    return w->threaded || wh_fail(err, WH_UNAVAILABLE, "");
}

static void end_thread(struct watch *w)
{
    if (w->threaded) {
        (void)pthread_mutex_lock(&w->lock);
        w->ending = true;
        (void)pthread_cond_signal(&w->wake);
        (void)pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL);
        w->threaded = false;
    }
}

/* ---- cases in force ---- */

static uint64_t person_number(struct wh_str hex)
{
    uint8_t b[8];
    uint64_t v = 0;

    if (hex.n != 16 || !wh_hex_dec(hex, b, sizeof b, false)) {
        return 0;
    }
    for (size_t i = 0; i < 8; i++) {
        v = v << 8 | b[i];
    }
    return v;
}

static bool take_case(struct watch *w, struct db *db,
                      const struct watch_case *c, struct wh_err *err)
{
    int64_t id = c->level == WATCH_ACCOUNT ? c->account : c->key;
    struct watch_entry *e;

    if (!watch_entry_get(w, db, c->level, id, person_number(c->person),
                         c->account, &e, err)) {
        return false;
    }
    (void)snprintf(e->case_id, sizeof e->case_id, "%.*s", WH_FMT(c->public_id));
    e->case_rung = c->rung;
    if (c->rung >= DETECT_RUNG_QUEUE) {
        e->rung = c->rung;
    }
    e->confirmed = c->state == WATCH_CONFIRMED;
    e->until = c->until;
    (void)snprintf(e->request, sizeof e->request, "%.*s", WH_FMT(c->request));
    e->score = c->score;
    return true;
}

struct restoring {
    struct watch *w;
    struct watch_case *list;
    size_t n;
};

static bool rekey_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct restoring *r = ctx;

    for (size_t i = 0; i < r->n; i++) {
        if (!watch_case_rekey(db, r->w->house_key, &r->list[i], err)) {
            return false;
        }
    }
    return true;
}

static bool restore(struct watch *w, struct wh_err *err)
{
    struct db *db = db_open(w->c.db_path, true, err);
    struct restoring r = {.w = w};
    struct wh_arena a;
    bool ok;

    wh_arena_init(&a, (size_t)64 << 20);
    ok = db && watch_case_in_force(db, &a, watch_now(w), &r.list, &r.n, err) &&
         (r.n == 0 || db_write(w->c.writer, rekey_fn, &r, err));
    for (size_t i = 0; ok && i < r.n; i++) {
        ok = take_case(w, db, &r.list[i], err);
    }
    wh_arena_done(&a);
    db_close(&db);
    return ok;
}

void watch_case_changed(struct watch *w, const struct watch_case *c)
{
    int64_t id = c->level == WATCH_ACCOUNT ? c->account : c->key;
    struct watch_entry *e;

    (void)pthread_mutex_lock(&w->lock);
    e = watch_entry_find(w, c->level, id, person_number(c->person));
    if (e && wh_str_is(c->public_id, e->case_id)) {
        if (c->state == WATCH_CONFIRMED) {
            e->confirmed = true;
            e->until = c->until;
        } else if (c->state != WATCH_OPEN) {
            watch_entry_free_of(e, true);
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* ---- beginning and end ---- */

static bool open_keys(struct watch *w, struct wh_err *err)
{
    char path[4200];

    if (!watch_vault_open(&w->vault, w->c.dir, err)) {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/house.key", w->c.dir);
    return crypto_keyfile_ensure(path, w->house_key, sizeof w->house_key, err);
}

static bool open_detectors(struct watch *w, struct wh_err *err)
{
    if (!detect_signatures_new(detect_signatures_shipped, &w->signatures,
                               err)) {
        return false;
    }
    return w->c.classifier.n == 0 ||
           detect_model_read(w->c.classifier, &w->model, err) ||
           wh_err_wrap(err, "watch.classifier");
}

static void init(struct watch *w, const struct watch_config *c)
{
    pthread_condattr_t attr;

    w->c = *c;
    if (!w->c.demands) {
        w->c.demands = hosted;
    }
    watch_pool_init(&w->screens);
    watch_pool_init(&w->streams);
    watch_pool_init(&w->scratches);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_mutex_init(&w->flushing, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    watch_batch_init(&w->waiting);
    watch_batch_init(&w->batch);
    w->vault.day = -1;
    watch_secrets_begin(&w->secrets, watch_now(w));
    crypto_random(&w->seed, sizeof w->seed);
}

bool watch_open(const struct watch_config *c, struct watch **out,
                struct wh_err *err)
{
    struct watch *w = wh_alloc(sizeof *w);

    init(w, c);
    if (!open_keys(w, err) || !open_detectors(w, err) || !restore(w, err) ||
        !start_thread(w, err)) {
        w->c.writer = NULL;
        watch_close(&w);
        return false;
    }
    *out = w;
    return true;
}

static void close_pools(struct watch *w)
{
    struct detect_screen *screen;
    struct detect_stream *stream;
    struct detect_scratch *scratch;

    while ((screen = watch_pool_take(&w->screens))) {
        detect_screen_free(&screen);
    }
    while ((stream = watch_pool_take(&w->streams))) {
        detect_stream_free(&stream);
    }
    while ((scratch = watch_pool_take(&w->scratches))) {
        detect_scratch_free(&scratch);
    }
    wh_free(w->screens.item);
    wh_free(w->streams.item);
    wh_free(w->scratches.item);
}

void watch_close(struct watch **w)
{
    struct wh_err err = {0};

    if (!*w) {
        return;
    }
    end_thread(*w);
    if ((*w)->c.writer && !watch_flush(*w, &err)) {
        wh_log_err(WH_ERROR, "watch.store", &err);
    }
    close_pools(*w);
    watch_entries_drop(*w);
    watch_batch_free(&(*w)->waiting);
    watch_batch_free(&(*w)->batch);
    watch_vault_close(&(*w)->vault);
    watch_secrets_end(&(*w)->secrets);
    detect_model_free(&(*w)->model);
    detect_signatures_free(&(*w)->signatures);
    wh_wipe((*w)->house_key, sizeof(*w)->house_key);
    (void)pthread_cond_destroy(&(*w)->wake);
    wh_free(*w);
    *w = NULL;
}

/* ---- for pages and tests ---- */

void watch_secret_of(const struct watch *w, struct wh_str public_id,
                     char out[WATCH_CASE_SECRET + 1])
{
    watch_case_secret(w->house_key, public_id, out);
}

bool watch_text_of(struct watch *w, struct db *db, struct wh_arena *a,
                   const struct watch_alarm *alarm, struct wh_str *text,
                   bool *cut, struct wh_err *err)
{
    return watch_text_open(&w->vault, db, a, alarm->id, alarm->request, text,
                           cut, err);
}

double watch_log_of(struct watch *w, enum watch_level level, int64_t id)
{
    const struct watch_entry *e;
    double v;

    (void)pthread_mutex_lock(&w->lock);
    e = watch_entry_find(w, level, id, 0);
    v = e ? watch_trace_log(&e->trace) : 0;
    (void)pthread_mutex_unlock(&w->lock);
    return v;
}

const struct detect_model *watch_model(const struct watch *w)
{
    return w->model;
}
