/*
 * wait.c - those who wait for their event to be public.
 *
 * All callbacks run on the sequencer's thread, outside the lock. A blocking
 * wait is a callback that wakes its thread.
 */
#include "base/mem.h"
#include "base/time.h"
#include "register/log.h"

void register_wait_async(struct register_log *log, int64_t outbox,
                         int64_t deadline, register_done *done, void *ctx)
{
    struct register_waiter *w = wh_alloc(sizeof *w);
    w->outbox = outbox;
    w->deadline = deadline;
    w->done = done;
    w->ctx = ctx;
    pthread_mutex_lock(&log->lock);
    if (log->patience != 0 && log->patience < deadline) {
        w->deadline = log->patience;
    }
    w->next = log->waiters;
    log->waiters = w;
    log->kicked = true;
    /* published already: answered at once, whatever the cadence */
    log->asked = log->asked || outbox <= log->published_outbox;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
}

void register_hurry(struct register_log *log, int64_t deadline)
{
    pthread_mutex_lock(&log->lock);
    log->patience = deadline;
    for (struct register_waiter *w = log->waiters; w; w = w->next) {
        w->deadline = deadline < w->deadline ? deadline : w->deadline;
    }
    log->kicked = true;
    log->asked = true; /* it looks at the deadlines again */
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
}

struct blocked {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done, ok;
    struct register_place place;
    struct wh_err err;
};

static void unblock(void *ctx, const struct register_place *place,
                    const struct wh_err *err)
{
    struct blocked *b = ctx;
    pthread_mutex_lock(&b->lock);
    b->done = true;
    b->ok = place != NULL;
    if (place) {
        b->place = *place;
    } else {
        b->err = *err;
    }
    pthread_cond_signal(&b->cond);
    pthread_mutex_unlock(&b->lock);
}

bool register_wait(struct register_log *log, int64_t outbox, int64_t deadline,
                   struct register_place *out, struct wh_err *err)
{
    struct blocked b = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .cond = PTHREAD_COND_INITIALIZER};
    /* the sequencer answers everybody, at the deadline at the latest */
    register_wait_async(log, outbox, deadline, unblock, &b);
    pthread_mutex_lock(&b.lock);
    while (!b.done) {
        pthread_cond_wait(&b.cond, &b.lock);
    }
    pthread_mutex_unlock(&b.lock);
    pthread_cond_destroy(&b.cond);
    pthread_mutex_destroy(&b.lock);
    if (!b.ok) {
        *err = b.err;
        return false;
    }
    *out = b.place;
    return true;
}

int64_t register_next_deadline(const struct register_log *log)
{
    int64_t next = INT64_MAX;
    for (const struct register_waiter *w = log->waiters; w; w = w->next) {
        next = w->deadline < next ? w->deadline : next;
    }
    return next;
}

/* Take those out of the list who can be answered now. */
static struct register_waiter *take_due(struct register_log *log, int64_t now,
                                        bool all)
{
    struct register_waiter *due = NULL, **tail = &due, **at = &log->waiters;
    while (*at) {
        struct register_waiter *w = *at;
        if (all || w->outbox <= log->published_outbox || w->deadline <= now) {
            *at = w->next;
            w->next = NULL;
            *tail = w;
            tail = &w->next;
        } else {
            at = &w->next;
        }
    }
    return due;
}

static void answer(struct register_log *log, const struct register_waiter *w,
                   int64_t published_outbox, uint64_t size,
                   const struct wh_err *failed)
{
    struct register_place place = {.size = size};
    struct wh_err err = {0};
    bool ok = false;
    if (w->outbox <= published_outbox) {
        ok = register_row_index_of(log->db, w->outbox, &place.index, &err);
    } else if (failed) {
        err = *failed;
    } else {
        (void)wh_fail(&err, WH_TIMEOUT,
                      "the register has not published the event in time; it "
                      "will");
    }
    w->done(w->ctx, ok ? &place : NULL, ok ? NULL : &err);
}

void register_tell(struct register_log *log, const struct wh_err *failed)
{
    pthread_mutex_lock(&log->lock);
    struct register_waiter *due = take_due(log, wh_mono_us(), failed != NULL);
    int64_t outbox = log->published_outbox;
    uint64_t size = log->status.size;
    pthread_mutex_unlock(&log->lock);
    while (due) {
        struct register_waiter *w = due;
        due = w->next;
        answer(log, w, outbox, size, failed);
        wh_free(w);
    }
}
