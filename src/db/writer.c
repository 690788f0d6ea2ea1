/*
 * The writer thread.
 *
 * It takes what has queued up (at most a batch), begins one transaction, runs
 * each request inside a savepoint, commits once, then answers all. Under load
 * the batches grow by themselves: while one commit waits for the disk, the next
 * batch collects.
 *
 * Some failures (a full disk above all) make the engine roll the whole
 * transaction back by itself. Then every request of the group so far has lost
 * its work and gets that failure; those after it start a new group.
 */
#include "db/writer.h"
#include "base/count.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/driver.h"
#include <pthread.h>
#include <signal.h>

struct request {
    struct request *next;
    db_fn *fn;
    void *ctx;
    db_done *done; /* null: a thread waits on `cond` */
    bool ok;       /* true until something fails */
    bool answered; /* under the writer's lock */
    pthread_cond_t cond;
    struct wh_err err;
};

struct db_writer {
    struct db *db;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;
    struct request *head, **tail;
    size_t depth;
    bool stopping;
};

/* Set while this thread runs somebody's fn: waiting for the writer there would
 * wait for itself. */
static _Thread_local bool inside_fn;

/* Everything from first up to (not including) end failed with err. */
static void fail_group(struct request *first, const struct request *end,
                       const struct wh_err *err)
{
    for (struct request *r = first; r != end; r = r->next) {
        if (r->ok) {
            r->ok = false;
            r->err = *err;
        }
    }
}

/* Leave a transaction that can not be saved. */
static void abandon(struct db *db)
{
    struct wh_err err = {0};
    if (db_in_tx(db) && !db_control(db, DB_ROLLBACK, &err)) {
        wh_log_err(WH_ERROR, "db.rollback", &err);
        wh_assert(!db_in_tx(db));
    }
}

/* Run one request in its savepoint. False, with *err, when the transaction
 * around it is lost; r->ok says what became of the request itself. */
static bool run_one(struct db *db, struct request *r, struct wh_err *err)
{
    if (!db_control(db, DB_SAVE, err)) {
        return false;
    }
    inside_fn = true;
    bool ok = r->fn(db, r->ctx, &r->err);
    inside_fn = false;
    wh_assert(db_open_stmts(db) == 0);
    if (ok) {
        return db_control(db, DB_SAVE_KEEP, err);
    }
    r->ok = false;
    wh_assert(r->err.code != WH_NONE);
    if (!db_in_tx(db)) {
        *err = r->err;
        return false;
    }
    return db_control(db, DB_SAVE_UNDO, err);
}

/* One transaction over the requests from first on; returns the first one that
 * it did not reach. When not even the begin works, it fails them all. */
static struct request *run_group(struct db *db, struct request *first)
{
    struct wh_err err = {0};
    struct request *r = first;
    uint64_t n = 0;
    bool alive = db_control(db, DB_BEGIN_WRITE, &err);
    if (!alive) {
        fail_group(first, NULL, &err);
        return NULL;
    }
    while (alive && r) {
        alive = run_one(db, r, &err);
        r = r->next;
        n++;
    }
    if (!alive || !db_control(db, DB_COMMIT, &err)) {
        fail_group(first, r, &err);
        abandon(db);
    } else {
        wh_count(WH_COUNT_WRITER_COMMITS, 1);
        wh_count(WH_COUNT_WRITER_REQUESTS, n);
    }
    return r;
}

/* Wake the waiting threads, then call the callbacks. A waiting request is gone
 * as soon as the lock is released. */
static void answer(struct db_writer *w, struct request *batch)
{
    struct request *later = NULL, **tail = &later;
    pthread_mutex_lock(&w->lock);
    for (struct request *r = batch, *next; r; r = next) {
        next = r->next;
        if (r->done) {
            *tail = r;
            tail = &r->next;
        } else {
            r->answered = true;
            pthread_cond_signal(&r->cond);
        }
    }
    pthread_mutex_unlock(&w->lock);
    *tail = NULL;
    while (later) {
        struct request *r = later;
        later = r->next;
        r->done(r->ctx, r->ok ? NULL : &r->err);
        wh_free(r);
    }
}

/* Up to a batch of requests as a list; null when stopping and none is left. */
static struct request *take_batch(struct db_writer *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->head && !w->stopping) {
        pthread_cond_wait(&w->work, &w->lock);
    }
    struct request *batch = w->head, *last = NULL;
    size_t n = 0;
    for (struct request *r = batch; r && n < DB_WRITER_BATCH; r = r->next) {
        last = r;
        n++;
    }
    if (last) {
        w->head = last->next;
        last->next = NULL;
        w->depth -= n;
    }
    if (!w->head) {
        w->tail = &w->head;
    }
    pthread_mutex_unlock(&w->lock);
    return batch;
}

static void *writer_main(void *arg)
{
    struct db_writer *w = arg;
    pthread_setname_np(pthread_self(), "db-writer");
    wh_panic_context("database writer");
    struct request *batch;
    while ((batch = take_batch(w)) != NULL) {
        for (struct request *r = batch; r;) {
            r = run_group(w->db, r);
        }
        answer(w, batch);
        db_maintain(w->db);
    }
    return NULL;
}

/* Append to the queue, or fail when it is full or closing. */
static bool enqueue(struct db_writer *w, struct request *r, struct wh_err *err)
{
    if (w->stopping || w->depth >= DB_WRITER_QUEUE) {
        return wh_fail(err, WH_UNAVAILABLE,
                       "the house is writing as fast as it can, try again");
    }
    r->next = NULL;
    *w->tail = r;
    w->tail = &r->next;
    w->depth++;
    pthread_cond_signal(&w->work);
    return true;
}

/* Signals belong to other threads. */
static int start_thread(struct db_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, writer_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

struct db_writer *db_writer_new(const struct db_driver *driver,
                                const char *path, struct wh_err *err)
{
    struct db *db =
        db_open_with(driver ? driver : db_sqlite_driver(), path, false, err);
    if (!db) {
        return NULL;
    }
    struct db_writer *w = wh_alloc(sizeof *w);
    w->db = db;
    w->tail = &w->head;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    if (start_thread(w) != 0) {
        db_close(&w->db);
        wh_free(w);
        wh_fail(err, WH_OUTSIDE, "can not start the writer thread");
        return NULL;
    }
    return w;
}

void db_writer_free(struct db_writer **wp)
{
    struct db_writer *w = *wp;
    if (!w) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    wh_assert(!w->head && w->depth == 0);
    db_close(&w->db);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    wh_free(w);
    *wp = NULL;
}

bool db_write(struct db_writer *w, db_fn *fn, void *ctx, struct wh_err *err)
{
    wh_assert(!inside_fn);
    wh_assert(!pthread_equal(pthread_self(), w->thread));
    struct request r = {.fn = fn, .ctx = ctx, .ok = true};
    pthread_cond_init(&r.cond, NULL);
    pthread_mutex_lock(&w->lock);
    bool queued = enqueue(w, &r, err);
    while (queued && !r.answered) {
        pthread_cond_wait(&r.cond, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&r.cond);
    if (queued && !r.ok) {
        *err = r.err;
    }
    return queued && r.ok;
}

bool db_write_async(struct db_writer *w, db_fn *fn, void *ctx, db_done *done,
                    struct wh_err *err)
{
    wh_assert(!inside_fn);
    wh_assert(done != NULL);
    struct request *r = wh_alloc(sizeof *r);
    r->fn = fn;
    r->ctx = ctx;
    r->done = done;
    r->ok = true;
    pthread_mutex_lock(&w->lock);
    bool queued = enqueue(w, r, err);
    pthread_mutex_unlock(&w->lock);
    if (!queued) {
        wh_free(r);
    }
    return queued;
}

size_t db_writer_depth(struct db_writer *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->depth;
    pthread_mutex_unlock(&w->lock);
    return n;
}
