/*
 * task.c - the jobs of one request, one at a time. The state is a few flags
 * under a lock; next_act reads from them what is to be done, and whoever
 * changes a flag calls net_task_wake, which queues the task if there is
 * something to do and it is not queued or running already. So no two jobs of a
 * request overlap, and no order of events (client gone, deadline, resume,
 * answer) needs a case of its own.
 */
#include "net/task.h"

#include "base/log.h"
#include "net/pool.h"

/* Acts of one request before others in the queue come first. */
#define TURNS 16

enum act {
    ACT_NONE,
    ACT_ADMIT,
    ACT_QUICK,
    ACT_HANDLE,
    ACT_RESUME,
    ACT_LATE,
    ACT_PIECE,
    ACT_END,
    ACT_PULL,
    ACT_FINISH,
    ACT_FREE
};

static bool has_gone_hook(const struct net_task *t)
{
    return t->phase == NET_PH_STREAM || t->phase == NET_PH_PULL ||
           t->gone_fn != NULL;
}

static enum act next_parked(const struct net_task *t)
{
    if (t->resumed) {
        return ACT_RESUME;
    }
    if (t->late_due) {
        return ACT_LATE;
    }
    return t->gone && has_gone_hook(t) ? ACT_FINISH : ACT_NONE;
}

static enum act next_stream(const struct net_task *t)
{
    if (t->gone) {
        return ACT_FINISH;
    }
    if (t->waiting_n > 0) {
        return ACT_PIECE;
    }
    return t->body_done && !t->end_told ? ACT_END : ACT_NONE;
}

static enum act next_act(const struct net_task *t)
{
    if (t->parked) {
        return next_parked(t);
    }
    switch (t->phase) {
    case NET_PH_NEW:
        if (t->gone || !t->ready) {
            return t->gone ? ACT_FREE : ACT_NONE;
        }
        return t->admit ? ACT_ADMIT : t->quick ? ACT_QUICK : ACT_HANDLE;
    case NET_PH_STREAM:
        return next_stream(t);
    case NET_PH_PULL:
        if (t->gone || t->wire_done) {
            return ACT_FINISH;
        }
        return t->want_pull ? ACT_PULL : ACT_NONE;
    case NET_PH_SENT:
        if (t->end_fn == NULL) {
            return t->holds == 0 ? ACT_FREE : ACT_NONE;
        }
        return t->gone || t->wire_done ? ACT_FINISH : ACT_NONE;
    case NET_PH_LAST:
        return t->holds == 0 ? ACT_FREE : ACT_NONE;
    case NET_PH_RUN:
    case NET_PH_OVER:
        break;
    }
    return ACT_NONE;
}

/* --- with the lock held --------------------------------------------------- */

/* Send the loop what was noted in t->posts. Done after an act and not during
 * it, so that the worker is through with the task when the loop begins. */
static void flush(struct net_task *t)
{
    if (t->posts != 0 && !t->posted) {
        t->posted = true;
        t->refs++;
        net_loop_post(t->loop, &t->news);
    }
}

void net_task_wake(struct net_task *t)
{
    if (!t->queued && next_act(t) != ACT_NONE) {
        t->queued = true;
        net_work_push(t->work, &t->job);
    }
}

/* The last reference goes: the loop frees the task, at once if we are on it. */
static void unref(struct net_task *t)
{
    wh_assert(t->refs > 0);
    if (--t->refs == 0) {
        t->refs = 1;
        t->posts = NET_POST_FREE;
        t->posted = true;
        net_loop_post(t->loop, &t->news);
    }
}

static void drop_pieces(struct net_task *t)
{
    net_pool_give(t->pool, &t->taken.p);
    for (size_t i = 0; i < t->waiting_n; i++) {
        net_pool_give(t->pool, &t->waiting[i].p);
    }
    t->waiting_n = 0;
}

static void unpark(struct net_task *t)
{
    t->parked = false;
    t->late_due = false;
    t->resumed = false;
    t->work->parked--;
    if (t->late_us != 0) {
        t->late_us = 0;
        t->posts |= NET_POST_PARK;
    }
}

/* --- running -------------------------------------------------------------- */

static void do_pull(struct net_task *t)
{
    char *buf = net_pool_take(t->pool);
    size_t n = 0;
    enum net_pull_result res =
        t->pull.pull(&t->pub, t->pull_ctx, buf, NET_CHUNK, &n);
    wh_assert(n <= NET_CHUNK);
    if (res == NET_PULL_WAIT || n == 0) {
        net_pool_give(t->pool, &buf);
    }
    t->pulled = (struct net_piece){buf, buf == NULL ? 0 : n};
    t->pull_result = res;
}

static void do_finish(struct net_task *t, enum net_phase phase, bool complete,
                      bool was_parked)
{
    struct net_req *r = &t->pub;
    if (phase == NET_PH_STREAM && t->sink.gone != NULL) {
        t->sink.gone(r, t->sink_ctx);
    } else if (phase == NET_PH_PULL && t->pull.done != NULL) {
        t->pull.done(r, t->pull_ctx, complete);
    } else if (phase == NET_PH_RUN && was_parked && t->gone_fn != NULL) {
        t->gone_fn(r, t->gone_ctx);
    }
    if (t->end_fn != NULL) {
        t->end_fn(r, t->end_ctx, complete);
    }
}

static void end_arena(struct net_task *t)
{
    wh_arena_done(&t->arena);
    wh_buf_done(&t->body);
    net_task_tell_room(net_budget_give(t->budget, &t->claim));
}

/* One act, without the lock: only the act's own fields and those of the job are
 * touched. */
static void perform(struct net_task *t, enum act act, enum net_phase phase,
                    bool complete, bool was_parked,
                    void (*resume_fn)(struct net_req *r))
{
    switch (act) {
    case ACT_ADMIT:
        t->plan.admit(&t->pub);
        break;
    case ACT_QUICK:
        t->declined = !t->plan.quick(&t->pub);
        break;
    case ACT_HANDLE:
        t->plan.handle(&t->pub);
        break;
    case ACT_RESUME:
        if (resume_fn != NULL) {
            resume_fn(&t->pub);
        }
        break;
    case ACT_LATE:
        t->late_fn(&t->pub);
        break;
    case ACT_PIECE:
        t->sink.data(&t->pub, t->sink_ctx, wh_str_mem(t->taken.p, t->taken.n));
        break;
    case ACT_END:
        t->sink.end(&t->pub, t->sink_ctx);
        break;
    case ACT_PULL:
        do_pull(t);
        break;
    case ACT_FINISH:
        do_finish(t, phase, complete, was_parked);
        break;
    case ACT_FREE:
        end_arena(t);
        break;
    case ACT_NONE:
        break;
    }
}

/* Before an act, with the lock held: what changes by its being chosen. */
static void choose(struct net_task *t, enum act act)
{
    t->sent = false;
    if (t->parked) {
        unpark(t);
    }
    if (act == ACT_ADMIT || act == ACT_QUICK || act == ACT_HANDLE) {
        t->phase = NET_PH_RUN;
    } else if (act == ACT_PIECE) {
        t->taken = t->waiting[0];
        t->waiting[0] = t->waiting[1];
        t->waiting_n--;
    } else if (act == ACT_END) {
        t->end_told = true;
    }
}

static void settle_answer(struct net_task *t)
{
    drop_pieces(t);
    t->phase = t->out->kind == NET_OUT_PULL ? NET_PH_PULL : NET_PH_SENT;
    t->posts |= NET_POST_ANSWER;
}

/* The pull left something for the loop, or waits for its resume. */
static bool settle_pull(struct net_task *t)
{
    if (t->pull_result == NET_PULL_WAIT) {
        return t->parked;
    }
    t->want_pull = false;
    t->posts |= NET_POST_PULLED;
    return t->pull_result != NET_PULL_MORE || t->pulled.n > 0;
}

/* After an act, with the lock held: false when the application left the request
 * hanging. */
static bool settle(struct net_task *t, enum act act)
{
    if (t->phase == NET_PH_PULL && act == ACT_PULL) {
        return settle_pull(t);
    }
    if (t->sent) {
        settle_answer(t);
        return true;
    }
    if (act == ACT_ADMIT) {
        wh_assert(!t->parked);
        t->phase = NET_PH_NEW;
        t->ready = t->admit = false;
        t->posts |= NET_POST_ADMIT;
        return true;
    }
    if (act == ACT_QUICK && t->declined) {
        wh_assert(!t->parked);
        t->phase = NET_PH_NEW;
        t->quick = false;
        return true;
    }
    if (t->parked || t->phase == NET_PH_PULL) {
        return true;
    }
    if (t->phase != NET_PH_STREAM) {
        return false;
    }
    if (t->taken.p != NULL) {
        net_pool_give(t->pool, &t->taken.p);
        t->posts |= NET_POST_TAKEN;
        return true;
    }
    return !t->end_told;
}

static void broken_promise(struct net_task *t, enum act act)
{
    wh_log(WH_ERROR, "http.unanswered", "id=%s path=%s act=%d", t->pub.id,
           wh_log_q(t->pub.path), (int)act);
    if (t->phase == NET_PH_PULL) {
        t->pull_result = NET_PULL_FAIL;
        t->want_pull = false;
        t->posts |= NET_POST_PULLED;
        return;
    }
    pthread_mutex_unlock(&t->lock);
    net_answer_fault(&t->pub, 500, "internal error");
    pthread_mutex_lock(&t->lock);
    settle_answer(t);
}

/* Take one act; false when there is none. Called and left with the lock held.
 */
static bool step(struct net_task *t)
{
    enum act act = next_act(t);
    if (act == ACT_NONE) {
        return false;
    }
    bool was_parked = t->parked, complete = t->wire_done && !t->gone;
    enum net_phase phase = t->phase;
    void (*resume_fn)(struct net_req *) = t->resume_fn;
    choose(t, act);
    pthread_mutex_unlock(&t->lock);
    perform(t, act, phase, complete, was_parked, resume_fn);
    pthread_mutex_lock(&t->lock);
    if (act == ACT_FINISH) {
        drop_pieces(t);
        t->phase = NET_PH_LAST;
    } else if (act == ACT_FREE) {
        drop_pieces(t);
        t->phase = NET_PH_OVER;
    } else if (!settle(t, act)) {
        broken_promise(t, act);
    }
    return true;
}

void net_task_run(struct net_job *j, void *worker)
{
    (void)worker;
    struct net_task *t = (void *)((char *)j - offsetof(struct net_task, job));
    wh_assert(t->magic == NET_TASK_MAGIC);
    pthread_mutex_lock(&t->lock);
    wh_assert(t->queued);
    wh_panic_context(t->pub.id);
    unsigned turns = 0;
    while (step(t)) {
        enum act next = next_act(t);
        if (next != ACT_FREE) {
            flush(t);
        }
        bool over = ++turns >= TURNS || t->declined;
        t->declined = false;
        if (over && next != ACT_NONE && next != ACT_FREE) {
            net_work_push(t->work, &t->job);
            pthread_mutex_unlock(&t->lock);
            return;
        }
    }
    flush(t);
    t->queued = false;
    if (t->phase == NET_PH_OVER) {
        unref(t);
    }
    pthread_mutex_unlock(&t->lock);
}

void net_task_tell_room(struct net_claim *granted)
{
    for (struct net_claim *c = granted, *next; c != NULL; c = next) {
        struct net_task *t =
            (void *)((char *)c - offsetof(struct net_task, claim));
        next = c->next;
        pthread_mutex_lock(&t->lock);
        t->posts |= NET_POST_ROOM;
        flush(t);
        unref(t); /* the one of waiting; the news has another */
        pthread_mutex_unlock(&t->lock);
    }
}

bool net_task_resume(struct net_task *t, void (*fn)(struct net_req *r))
{
    pthread_mutex_lock(&t->lock);
    wh_assert(t->holds == 1 && !t->resumed);
    t->holds = 0;
    bool in_time = t->parked && !(t->gone && has_gone_hook(t));
    if (in_time) {
        t->resumed = true;
        t->resume_fn = fn;
    }
    net_task_wake(t);
    pthread_mutex_unlock(&t->lock);
    return in_time;
}
