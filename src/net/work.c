/*
 * work.c - a mutex, a condition and a list: at some ten thousand jobs a second
 * the queue costs less than anything a job does.
 */
#include "net/work.h"

#include "base/mem.h"

#include <unistd.h>

/* Of the long lane: at equal need it gets a third of what a short one gets. */
#define LONG_NICE 5

static _Thread_local void *my_state;

/* A thread that waits for a job, on its stack. */
struct net_idle {
    struct net_idle *next;
    pthread_cond_t called;
    bool is_called;
};

struct start {
    struct net_work *work;
    unsigned index;
};

static bool begin(struct net_work *w, unsigned index, void **state)
{
    struct wh_err err = {0};
    const struct net_conf *c = w->conf;
    if (w->lane == NET_LANE_LONG) {
        (void)!nice(LONG_NICE); /* of this thread alone, on Linux */
    }
    bool good =
        c->worker_init == NULL || c->worker_init(c->app, index, state, &err);
    pthread_mutex_lock(&w->lock);
    if (!good && !w->failed) {
        w->failed = true;
        w->err = err;
    }
    w->ready++;
    pthread_cond_broadcast(&w->started);
    pthread_mutex_unlock(&w->lock);
    return good;
}

/* Call the thread that waits for the shortest time; with the lock held. */
static void call_one(struct net_work *w)
{
    struct net_idle *i = w->idle;
    w->idle = i->next;
    i->is_called = true;
    pthread_cond_signal(&i->called);
}

static struct net_job *next_job(struct net_work *w, struct net_idle *me)
{
    pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stop) {
        me->is_called = false;
        me->next = w->idle;
        w->idle = me;
        while (!me->is_called) {
            pthread_cond_wait(&me->called, &w->lock);
        }
    }
    struct net_job *j = w->first;
    if (j != NULL) {
        w->first = j->next;
        w->waiting--;
        if (w->first == NULL) {
            w->last = &w->first;
        }
        j->next = NULL;
    }
    pthread_mutex_unlock(&w->lock);
    return j;
}

static void *work_main(void *arg)
{
    struct start *s = arg;
    struct net_work *w = s->work;
    unsigned index = s->index;
    void *state = NULL;
    wh_free(s);
    if (!begin(w, index, &state)) {
        return NULL;
    }
    my_state = state;
    struct net_idle me = {0};
    pthread_cond_init(&me.called, NULL);
    for (struct net_job *j; (j = next_job(w, &me)) != NULL;) {
        j->fn(j, state);
        wh_panic_context(NULL);
    }
    pthread_cond_destroy(&me.called);
    my_state = NULL;
    if (w->conf->worker_exit != NULL) {
        w->conf->worker_exit(w->conf->app, state);
    }
    return NULL;
}

bool net_work_start(struct net_work *w, const struct net_conf *conf,
                    enum net_lane lane, struct wh_err *err)
{
    bool is_long = lane == NET_LANE_LONG;
    unsigned n = is_long ? conf->long_workers : conf->workers;
    unsigned before = is_long ? conf->workers : 0;
    *w = (struct net_work){.conf = conf, .lane = lane};
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->started, NULL);
    w->ids = wh_calloc(n, sizeof *w->ids);
    for (unsigned i = 0; i < n; i++) {
        struct start *s = wh_alloc(sizeof *s);
        *s = (struct start){w, before + i};
        if (pthread_create(&w->ids[i], NULL, work_main, s) != 0) {
            wh_free(s);
            net_work_stop(w);
            return wh_fail(err, WH_IO, "a worker thread could not be started");
        }
        w->threads++;
    }
    pthread_mutex_lock(&w->lock);
    while (w->ready < w->threads) {
        pthread_cond_wait(&w->started, &w->lock);
    }
    bool failed = w->failed;
    pthread_mutex_unlock(&w->lock);
    if (failed) {
        *err = w->err;
        net_work_stop(w);
    }
    return !failed;
}

void net_work_stop(struct net_work *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    while (w->idle != NULL) {
        call_one(w);
    }
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->threads; i++) {
        pthread_join(w->ids[i], NULL);
    }
    wh_assert(w->failed || w->first == NULL);
    wh_free(w->ids);
    pthread_cond_destroy(&w->started);
    pthread_mutex_destroy(&w->lock);
}

void net_work_push(struct net_work *w, struct net_job *j)
{
    wh_assert(j->next == NULL && j->fn != NULL);
    pthread_mutex_lock(&w->lock);
    *w->last = j;
    w->last = &j->next;
    w->waiting++;
    if (w->idle != NULL) {
        call_one(w);
    }
    pthread_mutex_unlock(&w->lock);
}

size_t net_work_waiting(struct net_work *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->waiting;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void *net_work_state(void)
{
    return my_state;
}
