/*
 * req.c - what an application may do with a request. All of it runs in a job of
 * that request, save net_resume.
 */
#include "net/live.h"
#include "net/task.h"

#include "base/file.h"

#include <stdarg.h>
#include <stdio.h>

/* What the log says of an answer that was never begun. */
#define NOBODY_THERE 499

/* --- reading -------------------------------------------------------------- */

struct wh_str net_req_header(const struct net_req *r, const char *name)
{
    return net_head_find(&net_req_task(r)->head, name, NULL);
}

bool net_req_header_at(const struct net_req *r, size_t i, struct wh_str *name,
                       struct wh_str *value)
{
    return net_head_at(&net_req_task(r)->head, i, name, value);
}

struct wh_str net_req_body(const struct net_req *r)
{
    return wh_buf_str(&net_req_task(r)->body);
}

void net_body_limit(struct net_req *r, uint64_t n)
{
    struct net_task *t = net_req_task(r);
    if (t->plan.limit > n) {
        t->plan.limit = n;
    }
}

void *net_req_app(const struct net_req *r)
{
    return net_req_task(r)->conf->app;
}

void *net_req_worker(const struct net_req *r)
{
    (void)net_req_task(r);
    return net_work_state();
}

bool net_req_gone(const struct net_req *r)
{
    struct net_task *t = net_req_task(r);
    pthread_mutex_lock(&t->lock);
    bool gone = t->gone;
    pthread_mutex_unlock(&t->lock);
    return gone;
}

void net_req_tag(struct net_req *r, const uint8_t tag[NET_TAG])
{
    struct net_task *t = net_req_task(r);
    pthread_mutex_lock(&t->lock);
    wh_assert(t->tag_n < NET_TAGS);
    memcpy(t->tags[t->tag_n++], tag, NET_TAG);
    pthread_mutex_unlock(&t->lock);
}

/* --- a body that streams -------------------------------------------------- */

void net_stream(struct net_req *r, const struct net_sink *sink, void *ctx)
{
    struct net_task *t = net_req_task(r);
    wh_assert(t->plan.body == NET_BODY_STREAM && sink->data && sink->end);
    pthread_mutex_lock(&t->lock);
    wh_assert(t->phase == NET_PH_RUN && !t->sent);
    t->sink = *sink;
    t->sink_ctx = ctx;
    t->phase = NET_PH_STREAM;
    t->posts |= NET_POST_STREAM;
    pthread_mutex_unlock(&t->lock);
}

/* --- answering ------------------------------------------------------------ */

/* The answer under construction. */
static struct net_out *building(struct net_req *r)
{
    struct net_task *t = net_req_task(r);
    wh_assert(t->out != NULL && !t->sent);
    return t->out;
}

void net_answer(struct net_req *r, int status)
{
    struct net_task *t = net_req_task(r);
    wh_assert(!t->sent);
    net_out_free(&t->out);
    t->out = net_out_new(status, t->conf->limits.answer_bytes);
}

void net_answer_header(struct net_req *r, const char *name, struct wh_str value)
{
    net_out_line(building(r), name, value);
}

void net_answer_headerf(struct net_req *r, const char *name, const char *fmt,
                        ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wh_assert(n >= 0);
    net_answer_header(r, name, wh_str_of(text));
}

void net_answer_bytes(struct net_req *r, struct wh_str bytes)
{
    struct net_out *o = building(r);
    wh_assert(o->kind == NET_OUT_BYTES);
    wh_buf_add(&o->body, bytes);
}

void net_answer_file(struct net_req *r, int fd, uint64_t off, uint64_t len)
{
    struct net_out *o = building(r);
    wh_assert(o->kind == NET_OUT_BYTES && o->body.n == 0 && fd >= 0);
    wh_assert(len <= INT64_MAX && off <= INT64_MAX - len);
    o->kind = NET_OUT_FILE;
    o->fd = fd;
    o->off = off;
    o->length = len;
}

void net_answer_length(struct net_req *r, uint64_t len)
{
    struct net_out *o = building(r);
    wh_assert(r->method == NET_HEAD || o->status == 304);
    o->has_length = true;
    o->length = len;
}

void net_answer_close(struct net_req *r)
{
    building(r)->close = true;
}

void net_answer_pull(struct net_req *r, uint64_t len, const struct net_pull *p,
                     void *ctx)
{
    struct net_out *o = building(r);
    struct net_task *t = net_req_task(r);
    wh_assert(o->kind == NET_OUT_BYTES && o->body.n == 0 && p->pull != NULL);
    o->kind = NET_OUT_PULL;
    o->length = len;
    t->pull = *p;
    t->pull_ctx = ctx;
}

void net_answer_live(struct net_req *r, const struct net_live_ops *ops,
                     void *ctx)
{
    net_answer(r, NOBODY_THERE);
    struct net_out *o = building(r);
    o->kind = NET_OUT_LIVE;
    o->live = ops;
    o->live_ctx = ctx;
    net_req_task(r)->sent = true;
}

void net_answer_send(struct net_req *r)
{
    struct net_out *o = building(r);
    if (o->body.over || o->lines.over) {
        net_answer_fault(r, 507, "the answer is larger than allowed");
        return;
    }
    net_req_task(r)->sent = true;
}

void net_answer_fault(struct net_req *r, int status, const char *message)
{
    struct net_task *t = net_req_task(r);
    net_answer(r, status);
    net_out_fault(t->out, t->conf, r, (struct net_fault){status, message});
    t->sent = true;
}

/* --- waiting -------------------------------------------------------------- */

static void park(struct net_task *t, int64_t deadline_us,
                 void (*late)(struct net_req *r))
{
    pthread_mutex_lock(&t->lock);
    wh_assert(!t->parked && t->holds == 0 && !t->sent);
    t->parked = true;
    t->work->parked++;
    t->resumed = t->late_due = false;
    t->holds = 1;
    t->late_us = deadline_us;
    t->late_fn = late;
    if (deadline_us != 0) {
        t->posts |= NET_POST_PARK;
    }
    pthread_mutex_unlock(&t->lock);
}

void net_park(struct net_req *r)
{
    park(net_req_task(r), 0, NULL);
}

void net_park_until(struct net_req *r, int64_t deadline_us,
                    void (*late)(struct net_req *r))
{
    wh_assert(deadline_us > 0 && late != NULL);
    park(net_req_task(r), deadline_us, late);
}

bool net_resume(struct net_req *r, void (*fn)(struct net_req *r))
{
    return net_task_resume(net_req_task(r), fn);
}

void net_on_gone(struct net_req *r, void (*fn)(struct net_req *r, void *ctx),
                 void *ctx)
{
    struct net_task *t = net_req_task(r);
    pthread_mutex_lock(&t->lock);
    t->gone_fn = fn;
    t->gone_ctx = ctx;
    pthread_mutex_unlock(&t->lock);
}

void net_on_end(struct net_req *r,
                void (*fn)(struct net_req *r, void *ctx, bool complete),
                void *ctx)
{
    struct net_task *t = net_req_task(r);
    pthread_mutex_lock(&t->lock);
    t->end_fn = fn;
    t->end_ctx = ctx;
    pthread_mutex_unlock(&t->lock);
}
