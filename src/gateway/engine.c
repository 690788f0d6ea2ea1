/*
 * Front's side of the engines. One thread watches (a question that is answered
 * when something changed), one thread loads and starts; everybody else reads
 * what they wrote down. What front wants is kept here, so that a process of the
 * engines that was started again is told all of it anew.
 */
#include "gateway/engine.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "gateway/engine_wire.h"
#include "proc/client.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define CALL_MS 2000
#define AGAIN_US 500000LL
#define AGAIN_MOST_US (30 * 1000000LL)
#define NAP_MS 200

/* Something that is to be hosted. */
struct open {
    bool used, closing;
    bool started;  /* the engines' process was told, and knows it */
    int64_t due;   /* when the loader is to see to it; 0: not */
    int64_t again; /* how long to wait after the next failure */
    uint64_t order;
    struct gateway_engine_wish wish; /* its texts are those of the view */
    struct gateway_engine_view view;
};

struct gateway_engines {
    struct gateway_engines_config conf;
    struct proc_client *client;
    pthread_t watcher, loader;
    unsigned threads;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t work;
    bool stop;
    uint64_t orders;
    struct open o[GATEWAY_ENGINES_MAX];
};

/* ---- the list, under its lock ---- */

static struct open *find(struct gateway_engines *g, const char *weights)
{
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        if (g->o[i].used && strcmp(g->o[i].view.weights, weights) == 0) {
            return &g->o[i];
        }
    }
    return NULL;
}

static void set_state(struct open *o, enum gateway_engine_state state,
                      const char *why)
{
    if (o->view.state != state) {
        o->view.since = wh_now_us();
    }
    o->view.state = state;
    o->view.retry_at = 0;
    (void)snprintf(o->view.why, sizeof o->view.why, "%.255s", why);
}

static void see_to_it(struct gateway_engines *g, struct open *o, int64_t at)
{
    o->due = at;
    pthread_cond_signal(&g->work);
}

static void changed(struct gateway_engines *g)
{
    if (g->conf.changed) {
        g->conf.changed(g->conf.changed_ctx);
    }
}

/* ---- asking ---- */

/* A call whose body is the digest. The frame is the caller's to end. */
static bool call(struct gateway_engines *g, uint16_t type, struct wh_str body,
                 struct proc_frame *f, struct wh_err *err)
{
    struct proc_msg m = {.type = type, .body = body};
    return proc_call(g->client, &m, proc_deadline(CALL_MS), f, err);
}

/* The same, where no answer but "yes" is expected. */
static bool tell(struct gateway_engines *g, uint16_t type, struct wh_str body,
                 struct wh_err *err)
{
    struct proc_frame *f = wh_alloc(sizeof *f);
    bool ok = call(g, type, body, f, err);
    proc_frame_done(f);
    wh_free(f);
    return ok;
}

/* ---- the loader ---- */

static bool may_pass(enum wh_code c)
{
    return c == WH_CHILD_DIED || c == WH_UNAVAILABLE || c == WH_TIMEOUT;
}

static bool start(struct gateway_engines *g,
                  const struct gateway_engine_wish *wish, struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, 1024);
    engine_put_wish(&b, wish);
    bool ok = tell(g, ENGINE_MSG_START, wh_buf_str(&b), err);
    wh_buf_done(&b);
    return ok;
}

/* Start it; when the weights are not there, have them brought first. */
static bool bring(struct gateway_engines *g,
                  const struct gateway_engine_wish *wish, struct wh_err *err)
{
    if (start(g, wish, err)) {
        return true;
    }
    if (err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    return g->conf.load(g->conf.load_ctx, wish->weights, err) &&
           start(g, wish, err);
}

/* What came of it. Under the lock. */
static void brought(struct gateway_engines *g, struct open *o, bool ok,
                    const struct wh_err *err)
{
    o->started = ok;
    if (o->closing) {
        see_to_it(g, o, 1);
    } else if (ok) {
        o->again = 0;
        if (o->view.state == GATEWAY_ENGINE_LOADING) {
            set_state(o, GATEWAY_ENGINE_STARTING, "");
        }
    } else if (may_pass(err->code)) {
        o->again = o->again ? 2 * o->again : AGAIN_US;
        o->again = o->again < AGAIN_MOST_US ? o->again : AGAIN_MOST_US;
        set_state(o, GATEWAY_ENGINE_FAILED, err->msg);
        o->view.retry_at = wh_now_us() + o->again;
        see_to_it(g, o, wh_mono_us() + o->again);
    } else {
        set_state(o, GATEWAY_ENGINE_REFUSED, err->msg);
    }
}

/* Open or close one. The lock is held before and after, not between. */
static void work_on(struct gateway_engines *g, struct open *o)
{
    struct wh_err err = {0};
    char weights[WH_SHA256_HEX + 1], name[GATEWAY_ENGINE_NAME_MAX + 1];
    struct gateway_engine_wish wish = o->wish;
    bool closing = o->closing;
    memcpy(weights, o->view.weights, sizeof weights);
    memcpy(name, o->view.name, sizeof name);
    wish.weights = weights;
    wish.name = wh_str_of(name);
    o->due = 0;
    if (!closing) {
        set_state(o, GATEWAY_ENGINE_LOADING, "");
    }
    pthread_mutex_unlock(&g->lock);
    bool ok = closing ? tell(g, ENGINE_MSG_STOP, wh_str_of(weights), &err)
                      : bring(g, &wish, &err);
    if (!ok) {
        wh_log_err(WH_WARN, closing ? "engine.close" : "engine.open", &err);
    }
    pthread_mutex_lock(&g->lock);
    if (!closing) {
        brought(g, o, ok, &err);
    } else if (!ok && o->started) {
        see_to_it(g, o, wh_mono_us() + AGAIN_US);
    } else if (!o->started) {
        o->used = false;
    }
    pthread_mutex_unlock(&g->lock);
    changed(g);
    pthread_mutex_lock(&g->lock);
}

/* The one whose time has come, or null and when to look again. */
static struct open *next_due(struct gateway_engines *g, int64_t *at)
{
    int64_t now = wh_mono_us();
    *at = now + 60 * 1000000LL;
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        struct open *o = &g->o[i];
        if (!o->used || o->due == 0) {
            continue;
        }
        if (o->due <= now) {
            return o;
        }
        *at = o->due < *at ? o->due : *at;
    }
    return NULL;
}

static void *loader_main(void *arg)
{
    struct gateway_engines *g = arg;
    wh_panic_context("engines.load");
    pthread_mutex_lock(&g->lock);
    while (!g->stop) {
        int64_t at;
        struct open *o = next_due(g, &at);
        if (o) {
            work_on(g, o);
        } else {
            struct timespec ts = {.tv_sec = (time_t)(at / 1000000),
                                  .tv_nsec = (long)(at % 1000000) * 1000};
            (void)pthread_cond_timedwait(&g->work, &g->lock, &ts);
        }
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

/* ---- the watcher ---- */

/* What the engines' process says about this one; null: it does not know it. */
static bool merge_one(struct gateway_engines *g, struct open *o,
                      const struct gateway_engine_view *v)
{
    if (!o->used || !o->started) {
        return false;
    }
    if (!v && o->closing) {
        *o = (struct open){0};
        return true;
    }
    if (!v) { /* its weights are gone, or the process is a new one */
        o->started = false;
        set_state(o, GATEWAY_ENGINE_LOADING, "");
        see_to_it(g, o, 1);
        return true;
    }
    bool other = v->state != o->view.state ||
                 strcmp(v->why, o->view.why) != 0 ||
                 v->restarts != o->view.restarts;
    if (o->closing && v->state != GATEWAY_ENGINE_STOPPING) {
        return false; /* it was not told yet */
    }
    o->view = *v;
    return other;
}

static bool merge(struct gateway_engines *g, struct wh_rd *r, uint64_t *turn)
{
    struct gateway_engine_view *v = wh_calloc(GATEWAY_ENGINES_MAX, sizeof *v);
    uint64_t now = wh_rd_u64le(r);
    uint32_t n = wh_rd_u32le(r);
    bool good = n <= GATEWAY_ENGINES_MAX, other = false;
    for (uint32_t i = 0; good && i < n; i++) {
        good = engine_read_view(r, &v[i]);
    }
    good = good && wh_rd_end(r);
    pthread_mutex_lock(&g->lock);
    for (size_t k = 0; good && k < GATEWAY_ENGINES_MAX; k++) {
        const struct gateway_engine_view *mine = NULL;
        for (uint32_t i = 0; i < n; i++) {
            mine =
                strcmp(v[i].weights, g->o[k].view.weights) == 0 ? &v[i] : mine;
        }
        other = merge_one(g, &g->o[k], mine) || other;
    }
    pthread_mutex_unlock(&g->lock);
    wh_free(v);
    *turn = good ? now : 0;
    if (other) {
        changed(g);
    }
    return good;
}

/* The process is not there: so are its engines. */
static void lost(struct gateway_engines *g)
{
    bool other = false;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        other = merge_one(g, &g->o[i], NULL) || other;
    }
    pthread_mutex_unlock(&g->lock);
    if (other) {
        changed(g);
    }
}

static bool stopping(struct gateway_engines *g)
{
    pthread_mutex_lock(&g->lock);
    bool stop = g->stop;
    pthread_mutex_unlock(&g->lock);
    return stop;
}

/* Ask again and again on one connection; ends when it breaks. */
static void watch(struct gateway_engines *g, struct proc_frame *f)
{
    struct wh_err err = {0};
    uint64_t turn = 0;
    bool ok = true;
    struct proc_session *s =
        proc_session_open(g->client, proc_deadline(CALL_MS), &err);
    while (s && ok && !stopping(g)) {
        struct wh_buf b;
        struct wh_rd r;
        wh_buf_init(&b, 64);
        wh_buf_u64le(&b, turn);
        wh_buf_u32le(&b, ENGINE_WAIT_MS);
        struct proc_msg m = {.type = ENGINE_MSG_WAIT, .body = wh_buf_str(&b)};
        ok = proc_session_call(s, &m, proc_deadline(ENGINE_WAIT_MS + CALL_MS),
                               f, &err);
        if (ok) {
            wh_rd_init(&r, f->msg.body.p, f->msg.body.n);
            ok = merge(g, &r, &turn);
        }
        wh_buf_done(&b);
    }
    proc_session_close(&s);
}

static void *watcher_main(void *arg)
{
    struct gateway_engines *g = arg;
    struct proc_frame *f = wh_alloc(sizeof *f);
    const struct timespec nap = {0, NAP_MS * 1000000L};
    wh_panic_context("engines.watch");
    while (!stopping(g)) {
        watch(g, f);
        if (!stopping(g)) {
            lost(g);
            (void)nanosleep(&nap, NULL);
        }
    }
    proc_frame_done(f);
    wh_free(f);
    return NULL;
}

/* ---- begin and end ---- */

static void init_lock(struct gateway_engines *g)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->work, &attr);
    pthread_condattr_destroy(&attr);
}

struct gateway_engines *
gateway_engines_new(const struct gateway_engines_config *c, struct wh_err *err)
{
    struct gateway_engines *g = wh_alloc(sizeof *g);
    g->conf = *c;
    init_lock(g);
    g->client = proc_client_new(c->run_dir, ENGINE_SERVICE, 8, 1, err);
    if (g->client && pthread_create(&g->watcher, NULL, watcher_main, g) == 0) {
        g->threads = 1;
        if (pthread_create(&g->loader, NULL, loader_main, g) == 0) {
            g->threads = 2;
        }
    }
    if (g->threads < 2) {
        if (g->client) {
            wh_fail(err, WH_UNAVAILABLE, "no thread could be started");
        }
        gateway_engines_free(&g);
    }
    return g;
}

void gateway_engines_free(struct gateway_engines **gp)
{
    struct gateway_engines *g = *gp;
    if (!g) {
        return;
    }
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_cond_broadcast(&g->work);
    pthread_mutex_unlock(&g->lock);
    if (g->threads > 0) {
        pthread_join(g->watcher, NULL);
    }
    if (g->threads > 1) {
        pthread_join(g->loader, NULL);
    }
    proc_client_free(&g->client);
    pthread_cond_destroy(&g->work);
    pthread_mutex_destroy(&g->lock);
    wh_free(g);
    *gp = NULL;
}

/* ---- what is hosted ---- */

static void fill(struct gateway_engines *g, struct open *o,
                 const struct gateway_engine_wish *wish)
{
    *o = (struct open){.used = true, .order = ++g->orders, .wish = *wish};
    struct gateway_engine_view *v = &o->view;
    memcpy(v->weights, wish->weights, WH_SHA256_HEX + 1);
    memcpy(v->name, wish->name.p, wish->name.n);
    v->name[wish->name.n] = '\0';
    v->slots = wish->slots;
    v->context = wish->context ? wish->context : GATEWAY_ENGINE_CONTEXT;
    v->state = GATEWAY_ENGINE_LOADING;
    v->since = wh_now_us();
    see_to_it(g, o, 1);
}

static struct open *free_place(struct gateway_engines *g)
{
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        if (!g->o[i].used) {
            return &g->o[i];
        }
    }
    return NULL;
}

bool gateway_engine_open(struct gateway_engines *g,
                         const struct gateway_engine_wish *wish,
                         struct wh_err *err)
{
    if (!engine_wish_ok(wish, err)) {
        return false;
    }
    bool ok = true;
    pthread_mutex_lock(&g->lock);
    struct open *o = find(g, wish->weights);
    if (o && o->closing) {
        ok = wh_fail(err, WH_UNAVAILABLE,
                     "the engine of this model is being "
                     "stopped, try again");
    } else if (o && o->view.state == GATEWAY_ENGINE_REFUSED) {
        set_state(o, GATEWAY_ENGINE_LOADING, "");
        see_to_it(g, o, 1);
    } else if (!o) {
        o = free_place(g);
        if (o) {
            fill(g, o, wish);
        } else {
            ok = wh_fail(err, WH_TOO_LARGE, "too many engines at once");
        }
    }
    pthread_mutex_unlock(&g->lock);
    return ok;
}

void gateway_engine_close(struct gateway_engines *g, const char *weights)
{
    pthread_mutex_lock(&g->lock);
    struct open *o = find(g, weights);
    if (o && !o->closing) {
        o->closing = true;
        set_state(o, GATEWAY_ENGINE_STOPPING, "");
        see_to_it(g, o, 1);
    }
    pthread_mutex_unlock(&g->lock);
}

bool gateway_engine_look(struct gateway_engines *g, const char *weights,
                         struct gateway_engine_view *out)
{
    pthread_mutex_lock(&g->lock);
    const struct open *o = find(g, weights);
    if (o) {
        *out = o->view;
    }
    pthread_mutex_unlock(&g->lock);
    return o != NULL;
}

/* The open one that comes next after this order. */
static const struct open *after(const struct gateway_engines *g, uint64_t order)
{
    const struct open *best = NULL;
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        const struct open *o = &g->o[i];
        if (o->used && o->order > order && (!best || o->order < best->order)) {
            best = o;
        }
    }
    return best;
}

size_t gateway_engine_list(struct gateway_engines *g,
                           struct gateway_engine_view *out, size_t max)
{
    size_t n = 0;
    uint64_t order = 0;
    pthread_mutex_lock(&g->lock);
    for (const struct open *o; n < max && (o = after(g, order)); n++) {
        out[n] = o->view;
        order = o->order;
    }
    pthread_mutex_unlock(&g->lock);
    return n;
}

int gateway_engine_connect(struct gateway_engines *g, const char *weights,
                           struct wh_err *err)
{
    struct gateway_engine_view v;
    if (!gateway_engine_look(g, weights, &v)) {
        wh_fail(err, WH_NOT_FOUND, "no engine runs this model");
        return -1;
    }
    if (v.state != GATEWAY_ENGINE_READY) {
        wh_fail(err, WH_UNAVAILABLE, "the engine of this model is %s%s%s",
                gateway_engine_word(v.state), v.why[0] ? ": " : "", v.why);
        return -1;
    }
    struct proc_frame *f = wh_alloc(sizeof *f);
    int fd = -1;
    if (call(g, ENGINE_MSG_CONNECT, wh_str_of(weights), f, err)) {
        fd = proc_frame_take_fd(f, 0);
        if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
            wh_fail(err, WH_INTERNAL, "malformed answer of the engines");
            wh_fd_close(&fd);
        }
    } else if (err->code != WH_UNAVAILABLE) {
        err->code = WH_UNAVAILABLE; /* it went away just now */
    }
    proc_frame_done(f);
    wh_free(f);
    return fd;
}

void gateway_engines_ask(struct gateway_engines *g,
                         struct gateway_engines_status *out)
{
    struct wh_err err = {0};
    struct wh_rd r;
    struct proc_frame *f = wh_alloc(sizeof *f);
    bool ok = call(g, ENGINE_MSG_STATUS, WH_S(""), f, &err);
    if (ok) {
        wh_rd_init(&r, f->msg.body.p, f->msg.body.n);
        ok = engine_read_status(&r, out);
    }
    if (!ok) {
        *out = (struct gateway_engines_status){.there = false};
        (void)snprintf(out->why_not, sizeof out->why_not,
                       "the process of the engines does not answer");
    }
    proc_frame_done(f);
    wh_free(f);
}
