/*
 * stream.c - the two sides of a request on their loop.
 *
 *   client (net_live)  <-  tell.c  <-  heard.c  <-  sse.c  <-  engine (net_up)
 *
 * The client's answer begins with the first event of the engine, so that what
 * fails before it fails with a status. Then either side can end: the engine
 * completes, breaks or is late; the client leaves; the filter cuts; the house
 * stops it. Each comes to `finish` once, which settles the account; the memory
 * goes when both sides have had their last call.
 */
#include "gateway/stream.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdio.h>

/* Bytes that wait for a slow client before its engine is not read. */
#define WAITING_MAX 65536
/* A comment is sent when nothing else was for so long. */
#define ALIVE_US 10000000
/* Body of an engine's error that is looked at. */
#define ERROR_MAX 65536

static void begin_exchange(struct gateway_stream *s);

/* --- the end -------------------------------------------------------------- */

static uint64_t least_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void gateway_stream_count(struct gateway_stream *s)
{
    if (!s->has_usage) {
        bool any = s->status == 200;
        s->prompt_tokens = any ? s->prompt_bound / 4 + 1 : 0;
        s->completion_tokens =
            s->bytes / 4 > s->pieces ? s->bytes / 4 : s->pieces;
        s->cached = s->reasoning = 0;
    }
    s->prompt_tokens = least_of(s->prompt_tokens, s->prompt_bound);
    s->completion_tokens = least_of(s->completion_tokens, s->answer_bound);
    s->cached = least_of(s->cached, s->prompt_tokens);
    s->reasoning = least_of(s->reasoning, s->completion_tokens);
}

/* The account is settled and the filter told, once. */
static void settle(struct gateway_stream *s, struct gateway_ended how)
{
    const struct gateway_filter *filter = s->g->conf.filter;
    if (s->settled) {
        return;
    }
    s->settled = true;
    gateway_stream_count(s);
    how.cut = s->is_cut;
    how.prompt_tokens = s->prompt_tokens;
    how.completion_tokens = s->completion_tokens;
    gateway_key_settle(s->g->keys, s->key, wh_str_of(s->route->model),
                       s->reserved, s->prompt_tokens, s->completion_tokens);
    if (s->filter_state != NULL) {
        filter->end(filter->ctx, s->filter_state, &how);
        s->filter_state = NULL;
    }
    s->route->running--;
    s->g->open--;
}

static void drop_request(struct gateway_stream *s)
{
    wh_buf_done(&s->request);
    s->g->pending -= s->request_n;
    s->request_n = 0;
}

static void free_now(struct gateway_stream *s)
{
    settle(s, (struct gateway_ended){.gone = true});
    drop_request(s);
    for (size_t i = 0; i < s->channels_n; i++) {
        wh_buf_done(&s->channels[i].held);
    }
    wh_free(s->channels);
    wh_free(s->dial_fault);
    wh_buf_done(&s->whole);
    gateway_sse_done(&s->sse);
    wh_fd_close(&s->fd);
    if (s->face != NULL) {
        s->face->done(s->face_ctx);
    }
    gateway_route_drop(&s->route);
    gateway_key_drop(&s->key);
    wh_free(s);
}

void gateway_stream_free(struct gateway_stream *s)
{
    free_now(s);
}

static void leave_lane(struct gateway_stream *s)
{
    if (s->prev != NULL) {
        *s->prev = s->next;
        if (s->next != NULL) {
            s->next->prev = s->prev;
        }
        s->prev = NULL;
    }
}

static void free_if_over(struct gateway_stream *s)
{
    if (s->live == NULL && s->up == NULL && !s->dialing) {
        leave_lane(s);
        net_timer_clear(&s->loop->wheel, &s->alive);
        free_now(s);
    }
}

static void drop_engine(struct gateway_stream *s)
{
    net_up_drop(s->up);
    s->up = NULL;
}

/* --- writing -------------------------------------------------------------- */

static void put_heads(struct gateway_stream *s, const struct gateway_fault *f)
{
    struct gateway_heads h;
    gateway_heads_fill(&h, &s->rates, wh_mono_us() - s->began_us, f);
    for (size_t i = 0; i < h.n; i++) {
        net_live_header(s->live, h.v[i].name, wh_str_of(h.v[i].value));
    }
}

/* A face begins in its own way. */
static void begin_face(struct gateway_stream *s, int status)
{
    struct wh_buf b;
    s->face->begin(s->face_ctx, s->live, status);
    wh_buf_init(&b, GATEWAY_ANSWER_MAX);
    s->face->open(s->face_ctx, &b);
    net_live_write(s->live, wh_buf_str(&b));
    wh_buf_done(&b);
}

static void begin_events(struct gateway_stream *s)
{
    if (net_live_begun(s->live)) {
        return;
    }
    if (s->face != NULL) {
        begin_face(s, 200);
        return;
    }
    net_live_begin(s->live, 200);
    net_live_header(s->live, "Content-Type",
                    WH_S("text/event-stream; charset=utf-8"));
    net_live_header(s->live, "Cache-Control", WH_S("no-cache"));
    net_live_header(s->live, "X-Accel-Buffering", WH_S("no"));
    put_heads(s, NULL);
}

/* What is in lane->out goes to the client. */
static void send_out(struct gateway_stream *s)
{
    struct wh_buf *out = &s->lane->out;
    if (out->n > 0) {
        begin_events(s);
        net_live_write(s->live, wh_buf_str(out));
        wh_buf_reset(out);
        s->quiet = false;
    }
}

static void send_whole(struct gateway_stream *s, int status,
                       const struct gateway_fault *f, struct wh_str body)
{
    net_live_begin(s->live, status);
    net_live_header(s->live, "Content-Type", WH_S("application/json"));
    net_live_header(s->live, "Cache-Control", WH_S("no-store"));
    put_heads(s, f);
    net_live_whole(s->live, body);
}

/* The client's answer is complete. */
static void finish(struct gateway_stream *s, struct gateway_ended how)
{
    s->answered = true;
    leave_lane(s);
    settle(s, how);
}

/* It ends with a failure: with a status if nothing was sent, else with an
 * event. */
static void fail(struct gateway_stream *s, const struct gateway_fault *f,
                 struct gateway_ended how)
{
    struct wh_buf *out = &s->lane->out;
    if (s->answered) {
        return;
    }
    drop_engine(s);
    if (s->face != NULL && !net_live_begun(s->live)) {
        begin_face(s, gateway_fault_row(f->code)->status);
    }
    if (net_live_begun(s->live)) {
        gateway_tell_error(s, f);
        send_out(s);
        net_live_end(s->live);
    } else {
        wh_buf_reset(out);
        gateway_fault_write(f, out);
        send_whole(s, gateway_fault_row(f->code)->status, f, wh_buf_str(out));
        wh_buf_reset(out);
    }
    finish(s, how);
}

static void fail_engine(struct gateway_stream *s, enum gateway_code code,
                        const char *why)
{
    struct gateway_fault f;
    s->g->faults++;
    wh_log(WH_WARN, "gateway.engine", "id=%s model=%s why=%s", s->id,
           s->route->model, wh_log_q(wh_str_of(why)));
    (void)gateway_fail(&f, code, NULL, "%s", why);
    fail(s, &f, (struct gateway_ended){0});
}

/* The filter has cut: what it released has been written to lane->out. */
static void end_cut(struct gateway_stream *s)
{
    struct gateway_fault f;
    drop_engine(s);
    if (s->cut.style == GATEWAY_CUT_QUIET) {
        gateway_tell_finish(s, GATEWAY_FILTERED);
        gateway_tell_done(s);
        send_out(s);
        net_live_end(s->live);
        finish(s, (struct gateway_ended){0});
        return;
    }
    bool suspended = strcmp(s->cut.code, "account_suspended") == 0;
    (void)gateway_fail(&f, suspended ? GATEWAY_F_SUSPENDED : GATEWAY_F_CUT,
                       NULL, "%.*s", WH_FMT(s->cut.message));
    (void)snprintf(f.url, sizeof f.url, "%.*s", WH_FMT(s->cut.url));
    send_out(s);
    fail(s, &f, (struct gateway_ended){0});
}

/* --- an answer in events -------------------------------------------------- */

static void hear_event(struct gateway_stream *s)
{
    struct gateway_ear *ear = s->lane->ear;
    struct wh_str data = gateway_sse_data(&s->sse);
    if (s->done) {
        return;
    }
    if (wh_str_is(wh_str_trim(data), "[DONE]")) {
        s->done = true;
        return;
    }
    if (!gateway_ear_hear(ear, data, s->choices, s->custody)) {
        fail_engine(s, GATEWAY_F_ENGINE,
                    "the engine said something that is not understood");
        return;
    }
    if (ear->heard.is_error || gateway_sse_is_error(&s->sse)) {
        fail_engine(s,
                    ear->heard.context ? GATEWAY_F_CONTEXT : GATEWAY_F_ENGINE,
                    ear->heard.context
                        ? "the prompt is longer than the model's context"
                        : "the engine failed in the middle of its answer");
        return;
    }
    if (!gateway_tell_event(s, &ear->heard)) {
        end_cut(s);
    }
}

static bool all_finished(const struct gateway_stream *s)
{
    for (unsigned i = 0; i < s->choices; i++) {
        if ((s->finished[i / 8] >> (i % 8) & 1) == 0) {
            return false;
        }
    }
    return true;
}

/* The engine has said all that it has to say. */
static void end_events(struct gateway_stream *s)
{
    if (!all_finished(s)) {
        fail_engine(s, GATEWAY_F_ENGINE,
                    "the engine ended before its answer did");
        return;
    }
    gateway_tell_done(s);
    send_out(s);
    net_live_end(s->live);
    finish(s, (struct gateway_ended){.whole = true});
}

static void take_events(struct gateway_stream *s, const char *p, size_t n)
{
    while (n > 0 && !s->answered) {
        size_t used = 0;
        enum gateway_sse_got got = gateway_sse_feed(&s->sse, p, n, &used);
        p += used;
        n -= used;
        if (got == GATEWAY_SSE_OVER) {
            fail_engine(s, GATEWAY_F_ENGINE,
                        "the engine sent an event that is too long");
        } else if (got == GATEWAY_SSE_EVENT) {
            hear_event(s);
        }
    }
    if (s->answered) {
        return;
    }
    if (s->done) {
        end_events(s);
        return;
    }
    send_out(s);
    if (s->up != NULL && net_live_waiting(s->live) > WAITING_MAX) {
        net_up_hold(s->up, true);
    }
}

/* --- a whole answer ------------------------------------------------------- */

static enum gateway_code code_of(const struct gateway_heard *h, int status)
{
    if (h->context) {
        return GATEWAY_F_CONTEXT;
    }
    switch (status) {
    case 400:
    case 422:
        return GATEWAY_F_BAD_REQUEST;
    case 413:
        return GATEWAY_F_TOO_LARGE;
    case 429:
        return GATEWAY_F_OVERLOADED;
    case 503:
        return GATEWAY_F_LOADING;
    default:
        return GATEWAY_F_ENGINE;
    }
}

/* An engine's error in our words; what it says of a request goes on. */
static void end_error(struct gateway_stream *s, bool heard)
{
    struct gateway_ear *ear = s->lane->ear;
    struct gateway_heard none = {0};
    const struct gateway_heard *h = heard ? &ear->heard : &none;
    enum gateway_code code =
        code_of(h, s->status == 200 ? h->status : s->status);
    struct wh_str said = gateway_ear_text(ear, h->message_from, h->message_n);
    struct gateway_fault f;
    if (code == GATEWAY_F_BAD_REQUEST || code == GATEWAY_F_CONTEXT) {
        (void)gateway_fail(
            &f, code, code == GATEWAY_F_CONTEXT ? "messages" : NULL, "%.*s",
            (int)(said.n > 400 ? 400 : said.n), said.n > 0 ? said.p : "");
        fail(s, &f, (struct gateway_ended){0});
        return;
    }
    fail_engine(s, code,
                code == GATEWAY_F_ENGINE ? "the engine of this model failed"
                                         : "the engine of this model is busy");
}

static void end_whole(struct gateway_stream *s)
{
    struct gateway_ear *ear = s->lane->ear;
    struct wh_buf *out = &s->lane->out;
    bool heard =
        gateway_ear_hear(ear, wh_buf_str(&s->whole), s->choices, s->custody);
    if (s->status != 200 || (heard && ear->heard.is_error)) {
        end_error(s, heard);
        return;
    }
    if (!heard || s->stream || ear->heard.n_choices == 0) {
        fail_engine(s, GATEWAY_F_ENGINE,
                    "the engine said something that is not understood");
        return;
    }
    bool go = gateway_tell_whole(s, &ear->heard);
    if (!go && s->cut.style == GATEWAY_CUT_ERROR) {
        wh_buf_reset(out);
        end_cut(s);
        return;
    }
    send_whole(s, 200, NULL, wh_buf_str(out));
    wh_buf_reset(out);
    finish(s, (struct gateway_ended){.whole = go});
}

/* --- the engine's side ---------------------------------------------------- */

static void on_head(void *ctx, int status, const struct net_head *h,
                    uint64_t length)
{
    struct gateway_stream *s = ctx;
    struct wh_str type = net_head_find(h, "content-type", NULL);
    (void)length; /* it may lie */
    drop_request(s);
    s->status = status;
    s->events = s->stream && status == 200 &&
                wh_str_starts(type, WH_S("text/event-stream"));
}

static void on_data(void *ctx, const char *p, size_t n)
{
    struct gateway_stream *s = ctx;
    if (s->answered) {
        return;
    }
    if (s->events) {
        take_events(s, p, n);
        return;
    }
    wh_buf_mem(&s->whole, p, n);
    if (s->whole.over || (s->status != 200 && s->whole.n > ERROR_MAX)) {
        fail_engine(s, GATEWAY_F_ENGINE,
                    "the engine sent more than an answer may be");
    }
}

static void dial_again(struct gateway_stream *s);

static void on_over(void *ctx, enum net_up_end how)
{
    struct gateway_stream *s = ctx;
    s->up = NULL;
    if (s->answered || s->live == NULL) {
        free_if_over(s);
        return;
    }
    switch (how) {
    case NET_UP_DONE:
        if (s->events) {
            end_events(s);
        } else {
            end_whole(s);
        }
        break;
    case NET_UP_STALE:
        dial_again(s);
        break;
    case NET_UP_REFUSED:
        fail_engine(s, GATEWAY_F_LOADING,
                    "the engine of this model can not be reached");
        break;
    case NET_UP_LATE:
        fail_engine(s, GATEWAY_F_LATE, "the engine did not answer in time");
        break;
    case NET_UP_BROKE:
        fail_engine(s, GATEWAY_F_ENGINE,
                    "the engine ended before its answer did");
        break;
    case NET_UP_BAD:
        fail_engine(s, GATEWAY_F_ENGINE,
                    "the engine said something that is not understood");
        break;
    }
}

static const struct net_up_ops up_ops = {on_head, on_data, on_over};

/* --- dialling ------------------------------------------------------------- */

static void dialled(struct net_news *n)
{
    struct gateway_stream *s =
        (void *)((char *)n - offsetof(struct gateway_stream, news));
    s->dialing = false;
    s->loop->held--;
    if (s->live == NULL || s->answered) {
        free_if_over(s);
    } else if (s->fd < 0) {
        fail(s, s->dial_fault, (struct gateway_ended){0});
    } else {
        begin_exchange(s);
    }
}

static void dial_job(void *worker, void *arg)
{
    struct gateway_stream *s = arg;
    (void)worker;
    s->fd = gateway_route_dial(s->g->routes, s->route, s->dial_fault);
    net_loop_post(s->loop, &s->news);
}

/* A used connection had ended: once more, on a new one. A worker connects. */
static void dial_again(struct gateway_stream *s)
{
    if (s->dialed) {
        fail_engine(s, GATEWAY_F_LOADING,
                    "the engine of this model can not be reached");
        return;
    }
    s->dialed = s->dialing = true;
    s->dial_fault = wh_alloc(sizeof *s->dial_fault);
    s->loop->held++;
    s->news = (struct net_news){.fn = dialled};
    net_server_run(s->server, dial_job, s);
}

static void begin_exchange(struct gateway_stream *s)
{
    unsigned target = s->route->target;
    struct net_up_call call = {
        .loop = s->loop,
        .pool = target < GATEWAY_TARGETS ? &s->lane->pools[target] : NULL,
        .fd = s->fd,
        .request =
            wh_str_sub(wh_buf_str(&s->request), s->request_from, SIZE_MAX),
        .connect_us = 5000000,
        .first_us = s->g->conf.first_us,
        .idle_us = s->g->conf.silence_us,
        .ops = &up_ops,
        .ctx = s};
    int had = s->fd;
    s->fd = -1;
    s->up = net_up_start(&call);
    if (s->up == NULL && had < 0) {
        dial_again(s);
    } else if (s->up == NULL) {
        fail_engine(s, GATEWAY_F_LOADING,
                    "the engine of this model can not be reached");
    }
}

/* --- the client's side ---------------------------------------------------- */

static void on_alive(struct net_timer *t)
{
    struct gateway_stream *s =
        (void *)((char *)t - offsetof(struct gateway_stream, alive));
    if (s->live == NULL || s->answered) {
        return;
    }
    if (s->quiet && s->status == 200) {
        begin_events(s);
        net_live_write(s->live, s->face != NULL ? s->face->alive
                                                : WH_S(": still at work\n\n"));
    }
    s->quiet = true;
    net_timer_set(&s->loop->wheel, t, s->loop->now_us + ALIVE_US);
}

/* Who had to stop before this one came to its loop? */
static bool halted(const struct gateway_stream *s, struct gateway_fault *f)
{
    if (s->key->halt == GATEWAY_SUSPENDED) {
        return gateway_fail(f, GATEWAY_F_SUSPENDED, NULL,
                            "the account of this key is suspended");
    }
    if (s->key->halt == GATEWAY_REVOKED) {
        return gateway_fail(f, GATEWAY_F_KEY_ENDED, NULL,
                            "the API key has been revoked");
    }
    return !s->route->stopped ||
           gateway_fail(f, GATEWAY_F_MODEL_DENIED, "model",
                        "the model is not served any more");
}

static void open_lane(struct gateway_lane *lane)
{
    if (lane->ear != NULL) {
        return;
    }
    lane->ear = wh_alloc(sizeof *lane->ear);
    gateway_ear_init(lane->ear);
    wh_buf_init(&lane->out, (size_t)256 << 20);
    wh_buf_init(&lane->text, GATEWAY_ANSWER_MAX);
}

static void on_start(void *ctx, struct net_live *live)
{
    struct gateway_stream *s = ctx;
    struct gateway_fault f;
    s->live = live;
    s->loop = net_live_loop(live);
    open_lane(s->lane);
    s->next = s->lane->first;
    s->prev = &s->lane->first;
    if (s->next != NULL) {
        s->next->prev = &s->next;
    }
    s->lane->first = s;
    s->alive.fire = on_alive;
    if (!halted(s, &f)) {
        fail(s, &f, (struct gateway_ended){.stopped = true});
        return;
    }
    if (s->stream) {
        net_timer_set(&s->loop->wheel, &s->alive, s->loop->now_us + ALIVE_US);
    }
    begin_exchange(s);
}

static void on_room(void *ctx)
{
    struct gateway_stream *s = ctx;
    if (s->up != NULL) {
        net_up_hold(s->up, false);
    }
}

static void on_client_over(void *ctx, bool complete)
{
    struct gateway_stream *s = ctx;
    s->live = NULL;
    if (!complete) {
        s->g->gone += !s->answered;
        drop_engine(s);
        settle(s, (struct gateway_ended){.gone = true});
    }
    s->answered = true;
    free_if_over(s);
}

static void on_never(void *ctx)
{
    struct gateway_stream *s = ctx;
    s->g->gone++;
    free_now(s);
}

const struct net_live_ops gateway_stream_ops = {on_start, on_room,
                                                on_client_over, on_never};

void gateway_stream_stop(struct gateway_stream *s,
                         const struct gateway_fault *f)
{
    if (!s->answered && s->live != NULL) {
        s->g->stopped++;
        fail(s, f, (struct gateway_ended){.stopped = true});
    }
}
