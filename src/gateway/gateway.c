/*
 * gateway.c - the worker's part of a request: read, check, reserve, ask the
 * filter, write it anew, connect. What follows is the loop's (stream.c).
 */
#include "gateway/gateway.h"
#include "gateway/stream.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdio.h>

/* Idle connections to an engine that a loop keeps, and for how long: engines
 * close theirs after five seconds. */
#define IDLE_MAX 64
#define IDLE_US 4000000
/* More than the head of a request to an engine has. Its body may be so much
 * longer than that of its asker, mostly. */
#define HEAD_ROOM 512
/* Body of a request that a loop reads by itself: some 20 us. */
#define QUICK_MAX ((size_t)16 << 10)
/* Least tokens that an answer without a wish of its own is worth asking for. */
#define LEAST_TOKENS 16
/* Longest Retry-After that clients keep to (spec gateway.md 2.3). */
#define RETRY_MAX_S 60

/* A request on its way through the worker. */
struct asking {
    struct gateway *g;
    struct net_req *r;
    struct db *db;
    struct gateway_key *key;
    struct wh_str base;
    struct gateway_ask ask;
    size_t ask_n;                /* of its body */
    struct gateway_route *route; /* to be given back */
    struct gateway_got got;
    bool reserved;
    void *state; /* the filter's */
    int64_t began;
};

/* --- headers and plain answers -------------------------------------------- */

static void add_text(struct gateway_heads *h, const char *name,
                     const char *value)
{
    size_t n = strlen(value);
    wh_assert(h->n < GATEWAY_HEADS && n < sizeof h->v[h->n].value);
    h->v[h->n].name = name;
    memcpy(h->v[h->n].value, value, n + 1);
    h->n++;
}

static void add_number(struct gateway_heads *h, const char *name, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    add_text(h, name, text);
}

/* "1s", "6m0s": Go's way to write a duration. */
static void add_reset(struct gateway_heads *h, const char *name, unsigned s)
{
    char text[32];
    if (s < 60) {
        (void)snprintf(text, sizeof text, "%us", s);
    } else {
        (void)snprintf(text, sizeof text, "%um%us", s / 60, s % 60);
    }
    add_text(h, name, text);
}

static void add_fault_heads(struct gateway_heads *h,
                            const struct gateway_fault *f)
{
    if (f->retry_after > 0) {
        add_number(h, "Retry-After", f->retry_after);
    }
    /* with a wait that they do not keep to, clients would hammer */
    if (f->no_retry || f->retry_after > RETRY_MAX_S) {
        add_text(h, "x-should-retry", "false");
    }
}

void gateway_heads_fill(struct gateway_heads *h,
                        const struct gateway_rates *rates, int64_t took_us,
                        const struct gateway_fault *f)
{
    h->n = 0;
    add_number(h, "openai-processing-ms",
               took_us > 0 ? (uint64_t)took_us / 1000 : 0);
    add_text(h, "openai-version", "2020-10-01");
    if (rates->caps.minute_requests > 0) {
        add_number(h, "x-ratelimit-limit-requests",
                   rates->caps.minute_requests);
        add_number(h, "x-ratelimit-remaining-requests", rates->left.requests);
        add_reset(h, "x-ratelimit-reset-requests",
                  rates->left.requests_reset_s);
    }
    if (rates->caps.minute_tokens > 0) {
        add_number(h, "x-ratelimit-limit-tokens", rates->caps.minute_tokens);
        add_number(h, "x-ratelimit-remaining-tokens", rates->left.tokens);
        add_reset(h, "x-ratelimit-reset-tokens", rates->left.tokens_reset_s);
    }
    if (f != NULL) {
        add_fault_heads(h, f);
    }
}

static struct gateway_rates rates_of(struct gateway *g, struct gateway_key *key)
{
    struct gateway_rates r = {0};
    if (key != NULL) {
        r.caps = key->caps;
        r.left = gateway_key_left(g->keys, key);
    }
    return r;
}

static void answer(struct gateway *g, struct net_req *r,
                   struct gateway_key *key, int status,
                   const struct gateway_fault *f, struct wh_str body)
{
    struct gateway_rates rates = rates_of(g, key);
    struct gateway_heads h;
    gateway_heads_fill(&h, &rates, 0, f);
    net_answer(r, status);
    net_answer_header(r, "Content-Type", WH_S("application/json"));
    net_answer_header(r, "Cache-Control", WH_S("no-store"));
    for (size_t i = 0; i < h.n; i++) {
        net_answer_header(r, h.v[i].name, wh_str_of(h.v[i].value));
    }
    net_answer_bytes(r, body);
    net_answer_send(r);
}

void gateway_answer_json(struct gateway *g, struct net_req *r,
                         struct gateway_key *key, struct wh_str json)
{
    answer(g, r, key, 200, NULL, json);
}

void gateway_answer_fault(struct gateway *g, struct net_req *r,
                          struct gateway_key *key,
                          const struct gateway_fault *f)
{
    struct wh_buf b;
    wh_buf_init(&b, 16384);
    gateway_fault_write(f, &b);
    answer(g, r, key, gateway_fault_row(f->code)->status, f, wh_buf_str(&b));
    wh_buf_done(&b);
}

/* --- permission ----------------------------------------------------------- */

static bool check_scope(const struct asking *x, struct gateway_fault *f)
{
    unsigned need =
        x->ask.endpoint == GATEWAY_CHAT ? GATEWAY_MAY_CHAT : GATEWAY_MAY_TEXT;
    if ((x->key->endpoints & need) == 0) {
        return gateway_fail(f, GATEWAY_F_SCOPE, NULL,
                            "this key may not use this endpoint");
    }
    struct wh_str m = wh_str_sub(x->ask.model, 0, 200);
    return gateway_key_may(x->key, x->ask.model) ||
           gateway_fail(f, GATEWAY_F_SCOPE, "model",
                        "this key may not use the model '%.*s'", WH_FMT(m));
}

/* An exam asks from within: its key is good nowhere else. */
static bool find_exam(struct asking *x, struct gateway_fault *f)
{
    if (strcmp(x->r->peer, GATEWAY_EXAM_PEER) != 0) {
        return gateway_fail(f, GATEWAY_F_NO_KEY, NULL,
                            "this is no API key of the house");
    }
    return gateway_route_exam(x->g->routes, x->db, x->r->arena, x->ask.model,
                              &x->route, f);
}

static bool find_route(struct asking *x, struct gateway_fault *f)
{
    bool found =
        x->key->exam
            ? find_exam(x, f)
            : gateway_route_find(x->g->routes, x->db, x->r->arena, x->ask.model,
                                 x->key->account, x->base, &x->route, f);
    if (!found) {
        return false;
    }
    if (x->route->custody && !gateway_ask_custody(&x->ask, f)) {
        return false;
    }
    if (x->route->most > 0 && x->route->running >= x->route->most) {
        (void)gateway_fail(f, GATEWAY_F_OVERLOADED, NULL,
                           "the engine of this model has more to do than it "
                           "can; try again");
        f->retry_after = 2;
        return false;
    }
    return true;
}

/* --- limits --------------------------------------------------------------- */

static bool over_limit(const struct gateway_got *got, struct gateway_fault *f)
{
    switch (got->limit) {
    case GATEWAY_LIMIT_REQUESTS:
        (void)gateway_fail(f, GATEWAY_F_RATE, NULL,
                           "too many requests in a minute for this key, or "
                           "for all keys of its account");
        break;
    case GATEWAY_LIMIT_TOKENS:
        (void)gateway_fail(f, GATEWAY_F_RATE, NULL,
                           "too many tokens in a minute for this key, or for "
                           "all keys of its account, those of running "
                           "requests included");
        break;
    case GATEWAY_LIMIT_STREAMS:
        (void)gateway_fail(f, GATEWAY_F_RATE, NULL,
                           "too many requests at once for this key");
        break;
    case GATEWAY_LIMIT_DAY:
        (void)gateway_fail(f, GATEWAY_F_QUOTA, NULL,
                           "the tokens of this key, or of its account, for "
                           "today are used up");
        f->no_retry = true;
        break;
    case GATEWAY_LIMIT_SIZE:
        (void)gateway_fail(f, GATEWAY_F_QUOTA, NULL,
                           "the request asks for more tokens at once than "
                           "this key may have in a minute or a day");
        f->no_retry = true;
        break;
    case GATEWAY_LIMIT_NONE:
        return true;
    }
    f->retry_after = got->wait_s;
    return false;
}

static unsigned choices_of(const struct gateway_ask *ask)
{
    return ask->n * ask->prompts;
}

static bool reserve(struct asking *x, struct gateway_fault *f)
{
    unsigned choices = choices_of(&x->ask);
    uint64_t each = x->ask.max_tokens, context = x->route->context;
    if (each == 0 || each > context) {
        each = context;
    }
    struct gateway_want want = {.prompt = x->ask.token_bound,
                                .want = each * choices,
                                .least = (uint64_t)LEAST_TOKENS * choices,
                                .flexible = x->ask.max_tokens == 0};
    x->got = gateway_key_take(x->g->keys, x->key, &want);
    x->reserved = x->got.limit == GATEWAY_LIMIT_NONE;
    return over_limit(&x->got, f);
}

/* --- the filter ----------------------------------------------------------- */

static bool no_of(const struct gateway_refusal *no, struct gateway_fault *f)
{
    static const enum gateway_code codes[] = {
        [GATEWAY_NO_POLICY] = GATEWAY_F_POLICY,
        [GATEWAY_NO_SUSPENDED] = GATEWAY_F_SUSPENDED,
        [GATEWAY_NO_SLOWER] = GATEWAY_F_RATE};
    (void)gateway_fail(f, codes[no->kind], NULL, "%.*s", WH_FMT(no->message));
    (void)snprintf(f->url, sizeof f->url, "%.*s", WH_FMT(no->url));
    f->retry_after = no->retry_after;
    return false;
}

static bool ask_filter(struct asking *x, uint64_t each, struct gateway_fault *f)
{
    const struct gateway_ask *ask = &x->ask;
    const struct gateway_filter *filter = x->g->conf.filter;
    struct gateway_refusal no = {0};
    uint64_t retry = 0;
    (void)wh_str_u64(net_req_header(x->r, "x-stainless-retry-count"), &retry);
    struct gateway_asked asked = {.key = x->key->id,
                                  .account = x->key->account,
                                  .model = wh_str_of(x->route->model),
                                  .request = x->r->id,
                                  .peer = x->r->peer,
                                  .base = x->base,
                                  .end_user = ask->end_user,
                                  .user_agent =
                                      net_req_header(x->r, "user-agent"),
                                  .retry = retry < 100 ? (unsigned)retry : 100,
                                  .said = ask->said,
                                  .n_said = ask->n_said,
                                  .messages = ask->messages,
                                  .chat = ask->endpoint == GATEWAY_CHAT,
                                  .stream = ask->stream,
                                  .logprobs = ask->logprobs,
                                  .echo = ask->echo,
                                  .exam = x->key->exam,
                                  .prefill = ask->prefill,
                                  .choices = choices_of(ask),
                                  .top_logprobs = ask->top_logprobs,
                                  .biased = ask->biased,
                                  .max_tokens = each};
    return filter->request(filter->ctx, net_req_worker(x->r), x->r->arena,
                           &asked, &x->state, &no) ||
           no_of(&no, f);
}

/* --- the request for the engine ------------------------------------------- */

/* The head is known when the body is: it is written behind it, and moved into
 * room that was left before. */
static void write_head(const struct asking *x, struct gateway_stream *s)
{
    struct wh_buf *b = &s->request;
    size_t end = b->n;
    wh_buf_cstr(b, x->ask.endpoint == GATEWAY_CHAT
                       ? "POST /v1/chat/completions HTTP/1.1\r\nHost: engine"
                       : "POST /v1/completions HTTP/1.1\r\nHost: engine");
    wh_buf_cstr(b, x->ask.stream ? "\r\nAccept: text/event-stream"
                                 : "\r\nAccept: application/json");
    wh_buf_cstr(b, "\r\nContent-Type: application/json\r\nX-Request-Id: ");
    wh_buf_cstr(b, x->r->id);
    wh_buf_cstr(b, "\r\nContent-Length: ");
    wh_buf_u64(b, end - HEAD_ROOM);
    wh_buf_cstr(b, "\r\n\r\n");
    size_t n = b->n - end;
    wh_assert(!b->over && n <= HEAD_ROOM);
    s->request_from = HEAD_ROOM - n;
    memcpy(b->p + s->request_from, b->p + end, n);
    b->n = end;
}

static void write_request(struct asking *x, uint64_t each,
                          struct gateway_stream *s)
{
    const struct gateway_place *place =
        gateway_routes_place(x->g->routes, x->route->place);
    struct wh_str there = place != NULL && place->there.n > 0
                              ? place->there
                              : wh_str_of(x->route->model);
    wh_buf_init(&s->request, GATEWAY_BODY_MAX + 131072);
    (void)wh_buf_room(&s->request, x->ask_n + 3 * (size_t)HEAD_ROOM);
    wh_buf_grew(&s->request, HEAD_ROOM);
    gateway_ask_write(&x->ask, there, each, x->route->custody, &s->request);
    write_head(x, s);
}

static struct gateway_stream *make_stream(struct asking *x, uint64_t each)
{
    struct gateway *g = x->g;
    struct gateway_stream *s = wh_alloc(sizeof *s);
    s->g = g;
    s->key = gateway_key_hold(x->key);
    s->route = gateway_route_hold(x->route);
    s->filter_state = x->state;
    s->endpoint = x->ask.endpoint;
    s->stream = x->ask.stream;
    s->include_usage = x->ask.include_usage;
    s->obfuscate = x->ask.obfuscate && x->ask.stream;
    s->custody = x->route->custody;
    s->choices = choices_of(&x->ask);
    s->answer_bound = each * s->choices;
    s->prompt_bound = x->ask.token_bound;
    s->reserved = x->got.reserved;
    s->fd = -1;
    s->server = x->r->server;
    s->lane = &g->lanes[net_req_loop(x->r)];
    memcpy(s->id, x->r->id, sizeof s->id);
    s->created = gateway_keys_now(g->keys) / 1000000;
    s->began_us = x->began;
    s->rates = rates_of(g, x->key);
    gateway_sse_init(&s->sse);
    wh_buf_init(&s->whole, GATEWAY_ANSWER_MAX);
    write_request(x, each, s);
    s->request_n = s->request.n;
    g->pending += s->request_n;
    s->route->running++;
    g->open++;
    g->begun++;
    return s;
}

/* A connection, unless the loop has one that it can use again. */
static bool connect_it(struct gateway_stream *s, struct gateway_fault *f)
{
    unsigned target = s->route->target;
    if (target < GATEWAY_TARGETS && s->lane->pools[target].idle > 0) {
        return true;
    }
    s->fd = gateway_route_dial(s->g->routes, s->route, f);
    return s->fd >= 0;
}

static bool prepare(struct asking *x, struct wh_str body,
                    struct gateway_fault *f)
{
    x->ask_n = body.n;
    if (!gateway_ask_read(x->r->arena, NULL, x->ask.endpoint, body, &x->ask,
                          f) ||
        !check_scope(x, f) || !find_route(x, f)) {
        return false;
    }
    if (x->g->pending > GATEWAY_PENDING_MAX) {
        (void)gateway_fail(f, GATEWAY_F_OVERLOADED, NULL,
                           "too many large requests at once; try again");
        f->retry_after = 2;
        return false;
    }
    return reserve(x, f) &&
           ask_filter(x, x->got.answer / choices_of(&x->ask), f);
}

/* Give back what a request took that was refused. */
static void undo(struct asking *x)
{
    if (x->reserved) {
        gateway_key_settle(x->g->keys, x->key, wh_str_of(x->route->model),
                           x->got.reserved, 0, 0);
    }
}

void gateway_answer(struct gateway *g, struct net_req *r, struct db *db,
                    struct gateway_key *key, enum gateway_endpoint endpoint,
                    struct wh_str base)
{
    struct asking *x = WH_NEW(r->arena, struct asking);
    struct gateway_fault f = {0};
    *x = (struct asking){.g = g, .r = r, .db = db, .key = key, .base = base};
    x->ask.endpoint = endpoint;
    x->began = wh_mono_us();
    g->server = r->server;
    if (!prepare(x, net_req_body(r), &f)) {
        undo(x);
        gateway_answer_fault(g, r, key, &f);
        gateway_route_drop(&x->route);
        return;
    }
    struct gateway_stream *s =
        make_stream(x, x->got.answer / choices_of(&x->ask));
    gateway_route_drop(&x->route);
    if (!connect_it(s, &f)) {
        gateway_stream_free(s);
        gateway_answer_fault(g, r, key, &f);
        return;
    }
    net_answer_live(r, &gateway_stream_ops, s);
}

bool gateway_answer_as(struct gateway *g, struct net_req *r, struct db *db,
                       struct gateway_key *key, struct wh_str base,
                       struct wh_str body, const struct gateway_face *face,
                       void *ctx, struct gateway_fault *f)
{
    struct asking *x = WH_NEW(r->arena, struct asking);
    *x = (struct asking){.g = g, .r = r, .db = db, .key = key, .base = base};
    x->ask.endpoint = GATEWAY_CHAT;
    x->began = wh_mono_us();
    g->server = r->server;
    if (!prepare(x, body, f)) {
        undo(x);
        gateway_route_drop(&x->route);
        return false;
    }
    struct gateway_stream *s =
        make_stream(x, x->got.answer / choices_of(&x->ask));
    gateway_route_drop(&x->route);
    if (!connect_it(s, f)) {
        gateway_stream_free(s);
        return false;
    }
    s->face = face;
    s->face_ctx = ctx;
    net_answer_live(r, &gateway_stream_ops, s);
    return true;
}

/* --- without a worker ------------------------------------------------------
 */

/* A route that needs neither the filter nor a worker to get to. */
static bool quick_route(struct asking *x)
{
    struct gateway *g = x->g;
    x->route = gateway_route_peek(g->routes, x->ask.model);
    if (x->route == NULL || x->route->custody ||
        (x->route->most > 0 && x->route->running >= x->route->most)) {
        return false;
    }
    unsigned target = x->route->target;
    const struct gateway_lane *lane = &g->lanes[net_req_loop(x->r)];
    return x->route->place >= 0 ||
           (target < GATEWAY_TARGETS && lane->pools[target].idle > 0);
}

static bool quick_prepare(struct asking *x)
{
    struct gateway_fault f;
    struct wh_str body = net_req_body(x->r);
    struct gateway_lane *lane = &x->g->lanes[net_req_loop(x->r)];
    if (lane->reader == NULL) {
        lane->reader = gateway_ask_pull_new();
    }
    x->ask_n = body.n;
    return !x->key->exam && x->g->conf.filter->only_custody &&
           body.n <= QUICK_MAX && x->g->pending <= GATEWAY_PENDING_MAX &&
           gateway_ask_read(x->r->arena, lane->reader, x->ask.endpoint, body,
                            &x->ask, &f) &&
           check_scope(x, &f) && quick_route(x) && reserve(x, &f);
}

bool gateway_answer_quick(struct gateway *g, struct net_req *r,
                          struct gateway_key *key,
                          enum gateway_endpoint endpoint)
{
    struct asking *x = WH_NEW(r->arena, struct asking);
    struct gateway_stream *s = NULL;
    struct gateway_fault f;
    *x = (struct asking){.g = g, .r = r, .key = key};
    x->ask.endpoint = endpoint;
    x->began = wh_mono_us();
    g->server = r->server;
    if (quick_prepare(x)) {
        s = make_stream(x, x->got.answer / choices_of(&x->ask));
        if (!connect_it(s, &f)) {
            gateway_stream_free(s);
            s = NULL;
        }
    }
    gateway_route_drop(&x->route);
    if (s != NULL) {
        net_answer_live(r, &gateway_stream_ops, s);
    }
    return s != NULL;
}

/* --- stopping ------------------------------------------------------------- */

/* One loop's copy of what is to end. */
struct order {
    struct net_news news;
    struct gateway_lane *lane;
    enum gateway_whose whose;
    int64_t id;
    char model[GATEWAY_MODEL_MAX + 1];
    struct gateway_fault fault;
};

static bool meant(const struct order *o, const struct gateway_stream *s)
{
    switch (o->whose) {
    case GATEWAY_OF_KEY:
        return s->key->id == o->id;
    case GATEWAY_OF_ACCOUNT:
        return s->key->account == o->id;
    case GATEWAY_OF_MODEL:
        return wh_str_ieq(wh_str_of(s->route->model), wh_str_of(o->model));
    }
    return false;
}

static void on_order(struct net_news *n)
{
    struct order *o = (void *)n;
    for (struct gateway_stream *s = o->lane->first, *next; s; s = next) {
        next = s->next;
        if (meant(o, s)) {
            gateway_stream_stop(s, &o->fault);
        }
    }
    wh_free(o);
}

static void fill_order(struct order *o, const struct gateway_stop *s)
{
    enum gateway_code code = GATEWAY_F_MODEL_DENIED;
    struct wh_str model = wh_str_sub(s->model, 0, GATEWAY_MODEL_MAX);
    if (s->whose == GATEWAY_OF_ACCOUNT || s->suspended) {
        code = GATEWAY_F_SUSPENDED;
    } else if (s->whose == GATEWAY_OF_KEY) {
        code = GATEWAY_F_KEY_ENDED;
    }
    o->whose = s->whose;
    o->id = s->id;
    if (model.n > 0) {
        memcpy(o->model, model.p, model.n);
    }
    (void)gateway_fail(&o->fault, code, NULL, "%.*s", WH_FMT(s->why));
    (void)snprintf(o->fault.url, sizeof o->fault.url, "%.*s", WH_FMT(s->url));
    o->fault.no_retry = true;
}

void gateway_stop(struct gateway *g, const struct gateway_stop *s)
{
    bool suspended = s->suspended || s->whose == GATEWAY_OF_ACCOUNT;
    enum gateway_halt halt = suspended ? GATEWAY_SUSPENDED : GATEWAY_REVOKED;
    struct net_server *server = g->server;
    if (s->whose == GATEWAY_OF_MODEL) {
        gateway_routes_stop(g->routes, s->model);
    } else if (s->whose == GATEWAY_OF_KEY) {
        gateway_keys_halt(g->keys, s->id, 0, halt);
    } else {
        gateway_keys_halt(g->keys, 0, s->id, halt);
    }
    for (unsigned i = 0; server != NULL && i < net_server_loops(server); i++) {
        struct order *o = wh_alloc(sizeof *o);
        fill_order(o, s);
        o->news.fn = on_order;
        o->lane = &g->lanes[i];
        net_loop_post(net_server_loop(server, i), &o->news);
    }
}

/* --- life ----------------------------------------------------------------- */

struct gateway *gateway_new(const struct gateway_config *c, struct wh_err *err)
{
    struct gateway_routes_config rc = {.places = c->places,
                                       .serve = c->serve,
                                       .context = c->context,
                                       .engines = c->engines,
                                       .lines = c->lines};
    struct gateway_routes *routes = gateway_routes_new(&rc, err);
    if (routes == NULL) {
        return NULL;
    }
    struct gateway *g = wh_alloc(sizeof *g);
    g->conf = *c;
    if (g->conf.filter == NULL) {
        g->conf.filter = &gateway_filter_none;
    }
    g->routes = routes;
    g->keys = gateway_keys_new(c->writer, &c->caps);
    for (size_t i = 0; i < GATEWAY_LANES; i++) {
        for (size_t j = 0; j < GATEWAY_TARGETS; j++) {
            g->lanes[i].pools[j].max = IDLE_MAX;
            g->lanes[i].pools[j].keep_us = IDLE_US;
        }
    }
    return g;
}

void gateway_free(struct gateway **gateway)
{
    struct gateway *g = *gateway;
    if (g == NULL) {
        return;
    }
    *gateway = NULL;
    wh_assert(g->open == 0);
    for (size_t i = 0; i < GATEWAY_LANES; i++) {
        struct gateway_lane *lane = &g->lanes[i];
        gateway_ask_pull_free(&lane->reader);
        if (lane->ear != NULL) {
            gateway_ear_done(lane->ear);
            wh_free(lane->ear);
            wh_buf_done(&lane->out);
            wh_buf_done(&lane->text);
        }
    }
    gateway_keys_free(&g->keys);
    gateway_routes_free(&g->routes);
    wh_free(g);
}

struct gateway_keys *gateway_keys(struct gateway *g)
{
    return g->keys;
}

struct gateway_routes *gateway_routes(struct gateway *g)
{
    return g->routes;
}

const struct gateway_caps *gateway_caps(const struct gateway *g)
{
    return &g->conf.caps;
}

struct gateway_figures gateway_figures(struct gateway *g)
{
    return (struct gateway_figures){.open = g->open,
                                    .begun = g->begun,
                                    .stopped = g->stopped,
                                    .gone = g->gone,
                                    .faults = g->faults,
                                    .pending = g->pending};
}
