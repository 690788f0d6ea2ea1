/*
 * queue.c - a list, a lock, and a few threads.
 */
#include "hub/queue.h"
#include "base/mem.h"
#include <pthread.h>

#define THREADS_MAX 16u
#define WORK_MEMORY ((size_t)64 << 20)

struct item {
    struct item *next;
    hub_work *work;
    void (*dropped)(void *ctx);
    void *ctx;
};

struct hub_queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct item *head, **tail;
    size_t depth;
    bool stop;
    pthread_t threads[THREADS_MAX];
    struct db *dbs[THREADS_MAX];
    unsigned n, started;
};

/* The next piece of work, or null when the queue ends. */
static struct item *take(struct hub_queue *q)
{
    struct item *i;

    pthread_mutex_lock(&q->lock);
    while (!q->head && !q->stop) {
        pthread_cond_wait(&q->wake, &q->lock);
    }
    i = q->stop ? NULL : q->head;
    if (i) {
        q->head = i->next;
        q->tail = q->head ? q->tail : &q->head;
        q->depth--;
    }
    pthread_mutex_unlock(&q->lock);
    return i;
}

struct thread_ctx {
    struct hub_queue *q;
    struct db *db;
};

static void *run(void *arg)
{
    struct thread_ctx *t = arg;
    struct wh_arena a;
    struct item *i;

    wh_arena_init(&a, WORK_MEMORY);
    while ((i = take(t->q)) != NULL) {
        i->work(t->db, &a, i->ctx);
        wh_arena_reset(&a);
        wh_free(i);
    }
    wh_arena_done(&a);
    wh_free(t);
    return NULL;
}

static bool start_thread(struct hub_queue *q, const char *db_path,
                         struct wh_err *err)
{
    struct thread_ctx *t;
    int rc;

    q->dbs[q->n] = db_open(db_path, true, err);
    if (!q->dbs[q->n]) {
        return false;
    }
    t = wh_alloc(sizeof *t);
    *t = (struct thread_ctx){q, q->dbs[q->n]};
    q->n++;
    rc = pthread_create(&q->threads[q->started], NULL, run, t);
    if (rc != 0) {
        wh_free(t);
        return wh_fail(err, WH_OUTSIDE, "a thread can not be started");
    }
    q->started++;
    return true;
}

struct hub_queue *hub_queue_new(const char *db_path, unsigned threads,
                                struct wh_err *err)
{
    struct hub_queue *q = wh_alloc(sizeof *q);

    wh_assert(threads >= 1 && threads <= THREADS_MAX);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
    q->tail = &q->head;
    while (q->started < threads) {
        if (!start_thread(q, db_path, err)) {
            hub_queue_free(&q);
            return NULL;
        }
    }
    return q;
}

void hub_queue_stop(struct hub_queue *q)
{
    if (!q) {
        return;
    }
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->wake);
    pthread_mutex_unlock(&q->lock);
    for (unsigned i = 0; i < q->started; i++) {
        pthread_join(q->threads[i], NULL);
    }
    q->started = 0;
    while (q->head) {
        struct item *i = q->head;
        q->head = i->next;
        if (i->dropped) {
            i->dropped(i->ctx);
        }
        wh_free(i);
    }
}

void hub_queue_free(struct hub_queue **qp)
{
    struct hub_queue *q = *qp;

    if (!q) {
        return;
    }
    hub_queue_stop(q);
    for (unsigned i = 0; i < q->n; i++) {
        db_close(&q->dbs[i]);
    }
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    wh_free(q);
    *qp = NULL;
}

bool hub_queue_add(struct hub_queue *q, hub_work *work,
                   void (*dropped)(void *ctx), void *ctx, struct wh_err *err)
{
    struct item *i = wh_alloc(sizeof *i);
    bool ok;

    *i = (struct item){NULL, work, dropped, ctx};
    pthread_mutex_lock(&q->lock);
    ok = !q->stop && q->depth < HUB_QUEUE_MAX;
    if (ok) {
        *q->tail = i;
        q->tail = &i->next;
        q->depth++;
        pthread_cond_signal(&q->wake);
    }
    pthread_mutex_unlock(&q->lock);
    if (!ok) {
        wh_free(i);
        return wh_fail(err, WH_UNAVAILABLE, "too much work waits already");
    }
    return true;
}

bool hub_queue_stopping(struct hub_queue *q)
{
    bool stop;

    if (!q) {
        return false;
    }
    pthread_mutex_lock(&q->lock);
    stop = q->stop;
    pthread_mutex_unlock(&q->lock);
    return stop;
}

size_t hub_queue_depth(struct hub_queue *q)
{
    size_t n;

    pthread_mutex_lock(&q->lock);
    n = q->depth;
    pthread_mutex_unlock(&q->lock);
    return n;
}
