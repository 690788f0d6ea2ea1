/*
 * sweep.c - expiry and removal, in small steps.
 *
 * A container's row outlives its file: it is marked first, the file goes, then
 * the row. A crash between two of these steps leaves a mark that the next round
 * finds.
 */
#include "hub/sweep.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "hub/xet.h"
#include "line/report.h"
#include "store/auth.h"
#include <pthread.h>
#include <time.h>

/* Steps of one kind in one round. */
#define STEPS_MAX 1000
/* Deleted repos stay this long, so that work on them can end. */
#define GONE_US INT64_C(60000000)
/* Containers that have been written for so long belong to nobody. */
#define WRITING_US (24 * STORE_HOUR_US)
/* A file of opened content is left alone for so long after it was written:
 * whoever writes it names it in a moment. */
#define UNNAMED_US STORE_HOUR_US

struct hub_sweep {
    struct hub_sweep_config c;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    struct hub_open_walk walk;
    struct db *db;
};

/* ---- expiry: rows only ---- */

struct step {
    const struct hub_sweep_config *c;
    int64_t now;
    size_t n; /* what the step did */
};

static bool expire_uploads(struct db *db, void *ctx, struct wh_err *err)
{
    struct step *s = ctx;

    return store_upload_expire(db, s->now, &s->n, err);
}

static bool expire_contents(struct db *db, void *ctx, struct wh_err *err)
{
    struct step *s = ctx;

    return store_content_expire(db, s->now - s->c->expire_us, &s->n, err);
}

static bool expire_xorbs(struct db *db, void *ctx, struct wh_err *err)
{
    struct step *s = ctx;

    return hub_xet_expire(db, s->now, s->c->expire_us / STORE_HOUR_US, &s->n,
                          err);
}

static bool sweep_auth(struct db *db, void *ctx, struct wh_err *err)
{
    struct step *s = ctx;

    return store_auth_sweep(db, s->now, &s->n, err);
}

static bool forget_reports(struct db *db, void *ctx, struct wh_err *err)
{
    struct step *s = ctx;

    s->n = 0;
    return line_report_forget(db, s->now, err);
}

static bool purge_repo(struct db *db, void *ctx, struct wh_err *err)
{
    struct step *s = ctx;
    int64_t repo;
    bool left;

    s->n = 0;
    if (!store_repo_gone_next(db, s->now - GONE_US, &repo, err) || repo == 0) {
        return err->code == WH_NONE;
    }
    if (!store_content_clear(db, repo, &left, err)) {
        return false;
    }
    s->n = !left;
    return left || store_repo_purge(db, repo, err);
}

static db_fn *const EXPIRE[] = {expire_uploads, expire_contents, expire_xorbs,
                                sweep_auth,     forget_reports,  purge_repo};

/* Repeat each step until it finds nothing more. */
static bool expire_all(const struct hub_sweep_config *c, struct wh_err *err)
{
    for (size_t i = 0; i < sizeof EXPIRE / sizeof *EXPIRE; i++) {
        struct step s = {.c = c, .now = wh_now_us(), .n = 1};
        for (int k = 0; k < STEPS_MAX && s.n > 0; k++) {
            if (!db_write(c->vault->writer, EXPIRE[i], &s, err)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- removal: files, then rows ---- */

struct forget {
    const struct store_container_row *rows;
    size_t n;
};

static bool mark_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct forget *f = ctx;

    for (size_t i = 0; i < f->n; i++) {
        if (!store_container_give_up(db, f->rows[i].id, err)) {
            return false;
        }
    }
    return true;
}

static bool forget_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct forget *f = ctx;

    for (size_t i = 0; i < f->n; i++) {
        if (!store_container_forget(db, f->rows[i].id, err)) {
            return false;
        }
    }
    return true;
}

static bool remove_some(const struct hub_sweep_config *c, struct db *db,
                        int64_t before, size_t *n, struct wh_err *err)
{
    struct store_container_row *rows;
    struct forget f;
    struct wh_arena a;
    bool ok;

    wh_arena_init(&a, (size_t)1 << 20);
    ok = store_container_stale(db, &a, before, &rows, n, err);
    f = (struct forget){rows, ok ? *n : 0};
    ok = ok && (f.n == 0 || db_write(c->vault->writer, mark_fn, &f, err));
    for (size_t i = 0; ok && i < f.n; i++) {
        ok = store_container_remove(c->vault->sealed, rows[i].id, err);
    }
    ok = ok && (f.n == 0 || db_write(c->vault->writer, forget_fn, &f, err));
    wh_arena_done(&a);
    return ok;
}

bool hub_sweep_round(const struct hub_sweep_config *c, struct db *db,
                     struct hub_open_walk *walk, bool first, struct wh_err *err)
{
    int64_t before = first ? INT64_MAX : wh_now_us() - WRITING_US;
    int64_t open_before = first ? INT64_MAX : wh_now_us() - UNNAMED_US;
    size_t n = 1;
    unsigned leftovers;

    if (first && !store_container_clean(c->vault->sealed, &leftovers, err)) {
        return false;
    }
    if (!expire_all(c, err) ||
        !hub_downloads_write(c->vault->downloads, c->vault->writer, err)) {
        return false;
    }
    for (int i = 0; i < STEPS_MAX && n > 0; i++) {
        if (!remove_some(c, db, before, &n, err)) {
            return false;
        }
    }
    return hub_open_sweep(c->vault->writer, c->vault->open_dir, db, walk,
                          open_before, err);
}

/* ---- the thread ---- */

/* Wait for the next round; false when it is time to stop. */
static bool wait_round(struct hub_sweep *s)
{
    struct timespec until;
    bool go;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(s->c.every_us / 1000000);
    until.tv_nsec += (long)(s->c.every_us % 1000000 * 1000);
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&s->lock);
    while (!s->stop &&
           pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0) {
    }
    go = !s->stop;
    pthread_mutex_unlock(&s->lock);
    return go;
}

static void *run(void *arg)
{
    struct hub_sweep *s = arg;

    while (wait_round(s)) {
        struct wh_err err = {0};
        if (s->c.approvals && !hub_approvals_round(s->c.approvals, &err)) {
            wh_log_err(WH_WARN, "approvals.failed", &err);
            err = (struct wh_err){0};
        }
        if (!hub_sweep_round(&s->c, s->db, &s->walk, false, &err) ||
            !hub_retier_round(s->c.retier, s->db, &err) ||
            !hub_release_resume(s->c.release, s->db, wh_now_us(), &err) ||
            !hub_release_renew(s->c.release, s->db, &err)) {
            wh_log_err(WH_WARN, "sweep.failed", &err);
        }
    }
    return NULL;
}

struct hub_sweep *hub_sweep_new(const struct hub_sweep_config *c,
                                struct wh_err *err)
{
    struct hub_sweep *s = wh_alloc(sizeof *s);

    s->c = *c;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    s->db = db_open(c->db_path, true, err);
    if (!s->db || !hub_sweep_round(c, s->db, &s->walk, true, err)) {
        goto fail;
    }
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        wh_fail(err, WH_OUTSIDE, "a thread can not be started");
        goto fail;
    }
    return s;
fail:
    db_close(&s->db);
    wh_free(s);
    return NULL;
}

void hub_sweep_free(struct hub_sweep **sp)
{
    struct hub_sweep *s = *sp;

    if (!s) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    db_close(&s->db);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    wh_free(s);
    *sp = NULL;
}
