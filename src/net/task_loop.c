/*
 * task_loop.c - the loop's side of a request: its birth and end, what happened
 * on the connection, its deadline, its news.
 */
#include "net/task.h"

#include "base/mem.h"
#include "net/pool.h"

static void task_free(struct net_task *t)
{
    wh_assert(t->phase == NET_PH_OVER && t->conn == NULL && t->holds == 0);
    t->magic = 0;
    t->loop->held--;
    net_timer_clear(&t->loop->wheel, &t->park_timer);
    net_out_free(&t->out);
    net_pool_give(t->pool, &t->pulled.p);
    net_head_done(&t->head);
    wh_free(t->host);
    pthread_mutex_destroy(&t->lock);
    wh_free(t);
}

/* Drop a reference on the loop; true when that was the last. */
static bool unref_here(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    wh_assert(t->refs > 0);
    bool last = --t->refs == 0;
    pthread_mutex_unlock(&t->lock);
    if (last) {
        task_free(t);
    }
    return last;
}

static void set_park_timer(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    int64_t at = t->parked && !t->resumed ? t->late_us : 0;
    if (at != 0 && !t->timer_held) {
        t->timer_held = true;
        t->refs++;
    }
    pthread_mutex_unlock(&t->lock);
    if (at != 0) {
        net_timer_set(&t->loop->wheel, &t->park_timer, at);
    } else if (t->timer_held) {
        t->timer_held = false;
        net_timer_clear(&t->loop->wheel, &t->park_timer);
        (void)unref_here(t); /* the news still holds one */
    }
}

static void on_park_timer(struct net_timer *timer)
{
    struct net_task *t =
        (void *)((char *)timer - offsetof(struct net_task, park_timer));
    pthread_mutex_lock(&t->lock);
    if (t->parked && !t->resumed && t->late_us != 0 &&
        t->late_us <= t->loop->now_us) {
        t->late_due = true;
        net_task_wake(t);
    }
    pthread_mutex_unlock(&t->lock);
    t->timer_held = false;
    (void)unref_here(t);
}

static void on_news(struct net_news *n)
{
    struct net_task *t = (void *)((char *)n - offsetof(struct net_task, news));
    pthread_mutex_lock(&t->lock);
    unsigned posts = t->posts;
    t->posts = 0;
    t->posted = false;
    pthread_mutex_unlock(&t->lock);
    if (posts & NET_POST_PARK) {
        set_park_timer(t);
    }
    if (t->conn != NULL && (posts & ~(unsigned)NET_POST_PARK) != 0) {
        net_conn_news(t->conn, t, posts);
    }
    (void)unref_here(t);
}

struct net_task *net_req_task(const struct net_req *r)
{
    struct net_task *t = (struct net_task *)(uintptr_t)r;
    wh_assert(t != NULL && t->magic == NET_TASK_MAGIC);
    return t;
}

struct net_task *net_task_new(struct net_loop *l, const struct net_conf *conf,
                              struct net_work *work, struct net_pool *pool,
                              struct net_budget *budget,
                              struct net_server *server)
{
    struct net_task *t = wh_alloc(sizeof *t);
    const struct net_limits *m = &conf->limits;
    t->magic = NET_TASK_MAGIC;
    t->loop = l;
    t->conf = conf;
    t->work = work;
    t->pool = pool;
    t->budget = budget;
    t->pub.arena = &t->arena;
    t->pub.server = server;
    t->began_us = l->now_us;
    t->refs = 2;
    t->news.fn = on_news;
    t->job.fn = net_task_run;
    t->park_timer.fire = on_park_timer;
    net_head_init(&t->head, m->head_bytes, m->headers, m->target_bytes);
    wh_arena_init(&t->arena, m->arena_bytes);
    wh_buf_init(&t->body, 0);
    pthread_mutex_init(&t->lock, NULL);
    l->held++;
    return t;
}

void net_task_start(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    t->ready = true;
    t->quick = t->plan.quick != NULL && !t->admit;
    bool inline_run = t->plan.on_loop || t->quick;
    if (inline_run) {
        t->queued = true;
    } else {
        net_task_wake(t);
    }
    pthread_mutex_unlock(&t->lock);
    if (inline_run) {
        net_task_run(&t->job, NULL);
    }
}

void net_task_piece(struct net_task *t, struct net_piece piece)
{
    pthread_mutex_lock(&t->lock);
    if (t->phase == NET_PH_STREAM) {
        wh_assert(t->waiting_n < NET_PIECES && piece.n > 0);
        t->waiting[t->waiting_n++] = piece;
        net_task_wake(t);
        piece.p = NULL;
    }
    pthread_mutex_unlock(&t->lock);
    net_pool_give(t->pool, &piece.p); /* nobody wants it any more */
}

void net_task_body_done(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    t->body_done = true;
    net_task_wake(t);
    pthread_mutex_unlock(&t->lock);
}

enum net_claim_state net_task_claim(struct net_task *t,
                                    const struct net_peer_key *key,
                                    uint64_t bytes)
{
    pthread_mutex_lock(&t->lock);
    t->refs++; /* in case it waits: from then on others know of it */
    pthread_mutex_unlock(&t->lock);
    enum net_claim_state state =
        net_budget_ask(t->budget, &t->claim, key, bytes);
    if (state != NET_CLAIM_WAIT) {
        (void)unref_here(t);
    }
    return state;
}

size_t net_task_pieces(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    size_t n = t->waiting_n + (t->taken.p != NULL ? 1 : 0);
    pthread_mutex_unlock(&t->lock);
    return n;
}

void net_task_want_pull(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    wh_assert(t->phase == NET_PH_PULL && !t->want_pull);
    t->want_pull = true;
    net_task_wake(t);
    pthread_mutex_unlock(&t->lock);
}

enum net_pull_result net_task_pulled(struct net_task *t, struct net_piece *out)
{
    pthread_mutex_lock(&t->lock);
    *out = t->pulled;
    t->pulled = (struct net_piece){0};
    enum net_pull_result res = t->pull_result;
    pthread_mutex_unlock(&t->lock);
    return res;
}

/* Leave the line for room, if the task stands in it. */
static void stop_waiting(struct net_task *t)
{
    bool waited;
    net_task_tell_room(net_budget_cancel(t->budget, &t->claim, &waited));
    if (waited) {
        (void)unref_here(t); /* the connection's reference is still there */
    }
}

void net_task_detach(struct net_task *t, bool complete)
{
    t->conn = NULL;
    stop_waiting(t);
    pthread_mutex_lock(&t->lock);
    if (complete) {
        t->wire_done = true;
    } else {
        t->gone = true;
    }
    net_task_wake(t);
    pthread_mutex_unlock(&t->lock);
    (void)unref_here(t);
}

bool net_task_wants_gone(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    bool wants = t->gone_fn != NULL;
    pthread_mutex_unlock(&t->lock);
    return wants;
}

bool net_task_has_tag(struct net_task *t, const uint8_t tag[NET_TAG])
{
    pthread_mutex_lock(&t->lock);
    bool has = false;
    for (unsigned i = 0; i < t->tag_n; i++) {
        has = has || memcmp(t->tags[i], tag, NET_TAG) == 0;
    }
    pthread_mutex_unlock(&t->lock);
    return has;
}

bool net_task_parked(struct net_task *t)
{
    pthread_mutex_lock(&t->lock);
    bool parked = t->parked;
    pthread_mutex_unlock(&t->lock);
    return parked;
}
