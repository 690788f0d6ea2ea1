/*
 * xet_shard.c - taking shards, in both forms of the route: the first answers
 * once when all is done, the second tells how it goes on, line after line, so
 * that its clients do not give up on files that take minutes.
 *
 * The work goes on when the client leaves: what it makes is there for the next
 * try. So its state belongs to the request and to the work, and ends with the
 * last of them.
 */
#include "api/handlers.h"
#include "api/xet.h"
#include "base/mem.h"
#include "front/answer.h"
#include <pthread.h>
#include <stdatomic.h>

/* Memory that shards on their way in may take together. */
#define SHARDS_MEMORY ((size_t)256 << 20)
#define LINE_MAX_BYTES 4096u

struct work {
    struct hub_xet x;
    struct wh_buf body;
    size_t reserved; /* of SHARDS_MEMORY */
    bool lines;      /* the second form */
    pthread_mutex_t lock;
    /* under the lock */
    unsigned refs;
    struct net_req *waiting; /* parked until there is news for it, or null */
    uint64_t done, all;
    bool news, over;
    size_t made;
    struct wh_err err;
};

static _Atomic size_t shards_memory;

/* ---- its life ---- */

static struct work *new_work(bool lines)
{
    struct work *w = wh_alloc(sizeof *w);

    w->lines = lines;
    w->refs = 1;
    wh_buf_init(&w->body, HUB_SHARD_MAX);
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

static void drop_ref(void *arg)
{
    struct work *w = arg;
    bool last;

    pthread_mutex_lock(&w->lock);
    last = --w->refs == 0;
    pthread_mutex_unlock(&w->lock);
    if (last) {
        atomic_fetch_sub(&shards_memory, w->reserved);
        wh_buf_done(&w->body);
        pthread_mutex_destroy(&w->lock);
        wh_free(w);
    }
}

/* ---- the first form: one answer ---- */

static void answer_once(struct net_req *r)
{
    struct front_req *q = front_req_enter_job(r);
    struct work *w = q->state;
    json_t *o = wh_json_own(q->a, json_object());

    if (w->err.code != WH_NONE) {
        api_xet_fail(q, &w->err);
        return;
    }
    json_object_set_new(o, "result", json_integer(w->made > 0));
    front_answer_json(r, 200, o);
}

/* ---- the second form: lines ---- */

static void put_progress(const struct work *w, struct wh_buf *b)
{
    wh_buf_fmt(b,
               "{\"type\":\"validating\",\"verified\":%llu,\"total\":%llu}\n",
               (unsigned long long)w->done, (unsigned long long)w->all);
}

/* Failures of the house may be gone next time, those of the shard stay. */
static bool may_retry(const struct wh_err *err)
{
    return wh_err_row(err->code)->http >= 500;
}

static void put_end(const struct work *w, struct wh_buf *b)
{
    const struct wh_err *e = &w->err;

    if (e->code == WH_NONE) {
        wh_buf_fmt(b, "{\"type\":\"result\",\"result\":%d}\n", w->made > 0);
        return;
    }
    wh_buf_cstr(b, "{\"type\":\"error\",\"message\":");
    wh_buf_json(b, wh_str_of(e->msg));
    wh_buf_fmt(b, ",\"retryable\":%s}\n", may_retry(e) ? "true" : "false");
}

static enum net_pull_result next_line(struct net_req *r, struct work *w,
                                      struct wh_buf *b)
{
    enum net_pull_result result = NET_PULL_WAIT;

    pthread_mutex_lock(&w->lock);
    if (w->over) {
        put_end(w, b);
        result = NET_PULL_END;
    } else if (w->news) {
        put_progress(w, b);
        w->news = false;
        result = NET_PULL_MORE;
    } else {
        net_park(r);
        w->waiting = r;
    }
    pthread_mutex_unlock(&w->lock);
    return result;
}

static enum net_pull_result pull(struct net_req *r, void *ctx, char *buf,
                                 size_t cap, size_t *n)
{
    enum net_pull_result result;
    struct wh_buf b;

    wh_buf_init(&b, cap < LINE_MAX_BYTES ? cap : LINE_MAX_BYTES);
    result = next_line(r, ctx, &b);
    *n = b.n;
    if (b.n > 0) {
        memcpy(buf, b.p, b.n);
    }
    if (b.over) {
        result = NET_PULL_FAIL;
    }
    wh_buf_done(&b);
    return result;
}

static const struct net_pull LINES = {.pull = pull};

static void answer_lines(struct net_req *r, struct work *w)
{
    net_answer(r, 200);
    front_answer_cors(r);
    net_answer_header(r, "Content-Type", WH_S("application/x-ndjson"));
    net_answer_pull(r, NET_CHUNKED, &LINES, w);
    net_answer_send(r);
}

/* ---- the work ---- */

/* There is news: take who waits for it out of the lock, then wake them. */
static void tell(struct work *w, bool over)
{
    struct net_req *r = NULL;

    pthread_mutex_lock(&w->lock);
    w->news = true;
    w->over = over;
    if (over || w->lines) {
        r = w->waiting;
        w->waiting = NULL;
    }
    pthread_mutex_unlock(&w->lock);
    if (r) {
        net_resume(r, w->lines ? NULL : answer_once);
    }
}

static void progress(void *ctx, uint64_t done, uint64_t all)
{
    struct work *w = ctx;

    pthread_mutex_lock(&w->lock);
    w->done = done;
    w->all = all;
    pthread_mutex_unlock(&w->lock);
    tell(w, false);
}

static void run(struct db *db, struct wh_arena *a, void *ctx)
{
    struct work *w = ctx;

    (void)a;
    if (!hub_shard_settle(&w->x, db, &w->body, &w->made, &w->err)) {
        wh_assert(w->err.code != WH_NONE);
    }
    tell(w, true);
    drop_ref(w);
}

static void dropped(void *ctx)
{
    struct work *w = ctx;

    wh_fail(&w->err, WH_UNAVAILABLE, "the house is stopping");
    tell(w, true);
    drop_ref(w);
}

/* ---- coming in ---- */

static void take(struct net_req *r, void *ctx, struct wh_str chunk)
{
    struct front_req *q = front_req_enter_job(r);
    struct work *w = ctx;
    struct wh_err err = {0};

    w->reserved += chunk.n;
    if (atomic_fetch_add(&shards_memory, chunk.n) > SHARDS_MEMORY) {
        wh_fail(&err, WH_UNAVAILABLE,
                "too many uploads are ending at this moment");
    } else {
        wh_buf_add(&w->body, chunk);
        if (wh_buf_ok(&w->body, &err)) {
            return;
        }
    }
    api_xet_fail(q, &err);
}

static void end(struct net_req *r, void *ctx)
{
    struct front_req *q = front_req_enter_job(r);
    struct work *w = ctx;
    struct wh_err err = {0};

    w->refs = 2; /* nobody else knows it yet */
    if (!w->lines) {
        net_park(r);
        w->waiting = r;
    }
    if (hub_queue_add(q->house->queue, run, dropped, w, &err)) {
        if (w->lines) {
            answer_lines(r, w);
        }
        return;
    }
    w->refs = 1;
    if (w->lines) {
        front_req_fail(q, &err);
    } else {
        w->err = err;
        net_resume(r, answer_once);
    }
}

static const struct net_sink SHARD = {.data = take, .end = end};

static bool begin(struct front_req *q, bool lines, struct wh_err *err)
{
    struct work *w = new_work(lines);

    wh_arena_defer(q->a, drop_ref, w);
    q->state = w;
    if (!api_xet_check_token(q, &w->x, err)) {
        return false;
    }
    w->x.progress = progress;
    w->x.ctx = w;
    net_stream(q->net, &SHARD, w);
    return true;
}

bool api_xet_shard(struct front_req *q, struct wh_err *err)
{
    return begin(q, false, err);
}

bool api_xet_shard_v2(struct front_req *q, struct wh_err *err)
{
    return begin(q, true, err);
}
