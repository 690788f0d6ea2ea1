/*
 * chat.c - talking to a model. A conversation is kept in the page alone: each
 * form carries what was said so far, and nothing of it is stored here. With the
 * page's script the same form is sent, and its answer comes as events.
 */
#include "base/mem.h"
#include "base/time.h"
#include "gateway/portal.h"
#include "hub/view.h"
#include "store/auth.h"
#include "watch/case.h"
#include "watch/ladder.h"
#include "web/handlers.h"
#include "web/hosted.h"
#include "web/repo.h"
#include "web/talk.h"

#define MODELS_MAX 200u
#define CASES_MAX 20u
#define SAY_MAX 65536

static bool has_gateway(const struct front_req *q, struct wh_err *err)
{
    return q->house->gateway ||
           wh_fail(err, WH_NOT_FOUND, "This house serves no models");
}

static struct gateway_seat seat_of(const struct front_req *q)
{
    int64_t ends = q->who.token.expires;

    return (struct gateway_seat){
        .secret = q->cookie,
        .account = q->who.account.id,
        .expires = ends > 0 ? ends : wh_now_us() + STORE_SESSION_TTL_US};
}

/* ---- which models there are ---- */

static json_t *view_model(const struct gateway_route *m)
{
    return json_pack("{s:s,s:b,s:b,s:I}", "id", m->model, "hosted",
                     (int)m->custody, "private", (int)m->is_private, "context",
                     (json_int_t)m->context);
}

/* A hosted model may stand in the settings, too. */
static bool is_listed(const json_t *list, const char *id)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0) {
            return true;
        }
    }
    return false;
}

bool web_on_chat(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Chat"), "chat"), *list = json_array();
    struct gateway_routes *routes;
    struct wh_str *names;
    size_t n;

    json_object_set_new(page, "models", list);
    if (!has_gateway(q, err)) {
        return false;
    }
    routes = gateway_routes(q->house->gateway);
    if (!gateway_route_names(routes, q->db, q->a, &names, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n && i < MODELS_MAX; i++) {
        struct gateway_route *m;
        struct gateway_fault f;
        if (gateway_route_find(routes, q->db, q->a, names[i],
                               front_req_viewer(q), front_req_base(q), &m,
                               &f)) {
            if (!is_listed(list, m->model)) {
                json_array_append_new(list, view_model(m));
            }
            gateway_route_drop(&m);
        }
    }
    return web_page_send(q, 200, "chat", page, err);
}

/* ---- the state of who talks ---- */

/* How a step of the ladder is called on a banner; null: nothing to say. */
static const char *state_of(enum detect_rung rung)
{
    const struct watch_step *s = watch_ladder_step(rung);

    return s->stop                    ? "Suspended"
           : s->human                 ? "Limited, under review"
           : s->slow                  ? "Limited"
           : rung == DETECT_RUNG_NONE ? NULL
                                      : "Warned";
}

/* What is in force against the account, its keys and persons: the gravest. */
static bool add_banner(struct front_req *q, json_t *page, struct wh_err *err)
{
    const struct watch_case *worst = NULL;
    struct watch_case *cases;
    size_t n;

    json_object_set_new(page, "banner", json_null());
    if (front_req_viewer(q) == 0 || !q->house->watch) {
        return true;
    }
    if (!watch_case_list(q->db, q->a, DETECT_RUNG_LOOK, front_req_viewer(q),
                         CASES_MAX, &cases, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool on =
            cases[i].state == WATCH_OPEN || cases[i].state == WATCH_CONFIRMED;
        if (on && cases[i].until > wh_now_us() &&
            (!worst || cases[i].rung > worst->rung)) {
            worst = &cases[i];
        }
    }
    if (worst && state_of(worst->rung)) {
        const struct watch_step *s = watch_ladder_step(worst->rung);
        json_object_set_new(
            page, "banner",
            json_pack(
                "{s:s,s:s,s:b,s:b,s:o,s:o,s:o}", "state", state_of(worst->rung),
                "does", s->does, "stopped", (int)s->stop, "review",
                (int)(s->human && worst->state == WATCH_OPEN), "until",
                hub_view_time(worst->until), "case", web_text(worst->public_id),
                "request", web_text(worst->request)));
    }
    return true;
}

/* What is left of the session's limits. */
static bool add_quota(struct front_req *q, json_t *page, struct wh_err *err)
{
    struct gateway *g = q->house->gateway;
    struct gateway_caps caps = *gateway_caps(g);
    struct gateway_left left = {.requests = caps.minute_requests,
                                .tokens = caps.minute_tokens};
    struct gateway_seat seat = seat_of(q);
    struct gateway_key *key = NULL;
    struct wh_err why = {0};

    json_object_set_new(page, "quota", json_null());
    json_object_set_new(page, "key_trouble", json_null());
    if (q->cookie.n == 0) {
        return true;
    }
    if (gateway_portal_peek(g, q->db, &seat, &key, &why)) {
        caps = key->caps;
        left = gateway_key_left(gateway_keys(g), key);
        gateway_key_drop(&key);
    } else if (why.code == WH_FORBIDDEN) {
        json_object_set_new(page, "key_trouble", json_string(why.msg));
    } else if (why.code != WH_AUTH_INVALID) {
        *err = why;
        return false;
    }
    json_object_set_new(
        page, "quota",
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "requests",
                  (json_int_t)left.requests, "of_requests",
                  (json_int_t)caps.minute_requests, "tokens",
                  (json_int_t)left.tokens, "of_tokens",
                  (json_int_t)caps.minute_tokens, "of_day",
                  (json_int_t)caps.day_tokens, "seconds",
                  (json_int_t)(left.tokens_reset_s > left.requests_reset_s
                                   ? left.tokens_reset_s
                                   : left.requests_reset_s)));
    return true;
}

/* ---- one page ---- */

struct chat {
    struct front_req *q;
    struct web_repo repo;
    struct net_pairs form;             /* of a POST */
    struct wh_str say;                 /* what is said now; empty: nothing */
    bool coming;                       /* an answer to it is to come */
    const struct gateway_fault *fault; /* why it is not answered */
    const char *wrong;                 /* what is wrong with the form */
};

/* What was said, from the fields of the form: user and assistant in turns. */
static json_t *turns_of(const struct net_pairs *form)
{
    json_t *list = json_array(), *turn = NULL;

    for (size_t i = 0; i < form->n; i++) {
        const struct net_pair *p = &form->v[i];
        if (wh_str_is(p->name, "user")) {
            turn = json_pack("{s:o,s:s}", "user", web_text(p->value),
                             "assistant", "");
            json_array_append_new(list, turn);
        } else if (turn && wh_str_is(p->name, "assistant")) {
            json_object_set_new(turn, "assistant", web_text(p->value));
        }
    }
    return list;
}

static void fill_now(struct chat *c, json_t *page)
{
    json_object_set_new(page, "begins", json_true());
    json_object_set_new(page, "ends", json_true());
    json_object_set_new(page, "now",
                        c->coming ? json_pack("{s:o}", "user", web_text(c->say))
                                  : json_null());
    json_object_set_new(page, "trouble",
                        c->fault ? web_talk_fault(c->fault, c->q->net->id)
                                 : json_null());
    json_object_set_new(page, "say", web_text(c->coming ? WH_S("") : c->say));
    json_object_set_new(page, "turns",
                        c->form.n > 0 ? turns_of(&c->form) : json_array());
    json_object_set_new(page, "wrong",
                        c->wrong ? json_string(c->wrong) : json_null());
}

/* May it be asked at all, and where is it? */
static void fill_model(struct chat *c, json_t *page)
{
    struct front_req *q = c->q;
    struct gateway_route *m = NULL;
    struct gateway_fault f = {0};
    bool ok = gateway_route_find(gateway_routes(q->house->gateway), q->db, q->a,
                                 wh_str_of(q->repo.full), front_req_account(q),
                                 front_req_base(q), &m, &f);
    bool custody = ok && m->custody;

    json_object_set_new(page, "chat", json_boolean(ok));
    json_object_set_new(page, "model", ok ? view_model(m) : json_null());
    json_object_set_new(page, "denied",
                        ok ? json_null()
                           : json_pack("{s:s,s:o}", "message", f.message, "url",
                                       web_text_or_null(wh_str_of(f.url))));
    json_object_set_new(page, "watched",
                        json_boolean(custody && q->house->watch));
    gateway_route_drop(&m);
}

static bool fill(struct chat *c, struct wh_err *err)
{
    json_t *page = c->repo.page, *by = json_null();
    bool hosted = web_repo_hosted(&c->repo);

    if (hosted && !web_hosted_by(&c->repo, &by, err)) {
        return false;
    }
    json_object_set_new(page, "hosted_by", by);
    json_object_set_new(
        page, "engine",
        hosted ? web_hosted_engine(c->q, wh_str_of(c->q->repo.full))
               : json_null());

    fill_model(c, page);
    fill_now(c, page);
    json_object_set_new(page, "notice", web_repo_notice(&c->repo));
    json_object_set_new(
        page, "talks",
        json_boolean(c->q->cookie.n > 0 &&
                     json_is_object(json_object_get(page, "model"))));
    return add_banner(c->q, page, err) && add_quota(c->q, page, err);
}

static bool show(struct chat *c, int status, struct wh_err *err)
{
    return fill(c, err) &&
           web_page_send_asking(c->q, status, "chat_model", c->repo.page, err);
}

static bool open_chat(struct front_req *q, struct chat *c, struct wh_err *err)
{
    *c = (struct chat){.q = q};
    if (q->repo.kind != STORE_MODEL) {
        return wh_fail(err, WH_NOT_FOUND, "Only models can be talked to");
    }
    if (!has_gateway(q, err) || !web_repo_open(q, "chat", &c->repo, err)) {
        return false;
    }
    json_object_set_new(c->repo.page, "title",
                        json_sprintf("Talk to %s", q->repo.full));
    json_object_set_new(c->repo.page, "nav", json_pack("{s:b}", "chat", 1));
    return true;
}

bool web_on_chat_model(struct front_req *q, struct wh_err *err)
{
    struct chat c;
    bool ok;

    if (!open_chat(q, &c, err)) {
        return false;
    }
    ok = show(&c, 200, err);
    web_repo_close(&c.repo);
    return ok;
}

/* ---- saying something ---- */

static void put_message(struct wh_buf *b, const char *role, struct wh_str text)
{
    wh_buf_fmt(b, "%s{\"role\":\"%s\",\"content\":",
               b->p[b->n - 1] == '[' ? "" : ",", role);
    wh_buf_json(b, text);
    wh_buf_char(b, '}');
}

/* The request as any program would have sent it. In the arena. */
static struct wh_str body_of(const struct chat *c)
{
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, 4 * WEB_TALK_MAX);
    wh_buf_cstr(&b, "{\"model\":");
    wh_buf_json(&b, wh_str_of(c->q->repo.full));
    wh_buf_cstr(&b, ",\"stream\":true,\"messages\":[");
    for (size_t i = 0; i < c->form.n; i++) {
        const struct net_pair *p = &c->form.v[i];
        if (wh_str_is(p->name, "user") || wh_str_is(p->name, "assistant")) {
            put_message(&b, wh_str_is(p->name, "user") ? "user" : "assistant",
                        p->value);
        }
    }
    put_message(&b, "user", c->say);
    wh_buf_cstr(&b, "]}");
    out = wh_arena_dup(c->q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static bool wants_events(const struct front_req *q)
{
    return wh_str_find_str(net_req_header(q->net, "accept"),
                           WH_S("text/event-stream")) != SIZE_MAX;
}

/* The page around the answer. */
static bool make_page(struct chat *c, struct web_talk **out, struct wh_err *err)
{
    bool ok;

    c->coming = true;
    ok = fill(c, err) &&
         web_talk_page(web_of(c->q)->templates, c->repo.page, c->say, out, err);
    c->coming = false;
    return ok;
}

/* It is not answered: with the page again, or an event. */
static bool refuse(struct chat *c, const struct gateway_fault *f,
                   struct wh_err *err)
{
    struct front_req *q = c->q;
    int status = gateway_fault_row(f->code)->status;
    struct wh_buf b;

    if (!wants_events(q)) {
        c->fault = f;
        return show(c, status, err);
    }
    wh_buf_init(&b, 65536);
    web_talk_write_fault(f, q->net->id, &b);
    net_answer(q->net, status);
    net_answer_header(q->net, "Content-Type",
                      WH_S("text/event-stream; charset=utf-8"));
    net_answer_header(q->net, "Cache-Control", WH_S("no-store"));
    net_answer_bytes(q->net, wh_buf_str(&b));
    net_answer_send(q->net);
    wh_buf_done(&b);
    return true;
}

static bool ask(struct chat *c, struct wh_err *err)
{
    struct front_req *q = c->q;
    struct gateway *g = q->house->gateway;
    struct gateway_seat seat = seat_of(q);
    struct gateway_key *key = NULL;
    struct gateway_fault f = {0};
    struct web_talk *t = NULL;
    struct wh_err why = {0};
    bool ok;

    if (!gateway_portal_key(g, q->house->writer, q->db, &seat, &key, &why)) {
        (void)gateway_fail_err(&f, &why);
        f.code = why.code == WH_FORBIDDEN ? GATEWAY_F_SUSPENDED : f.code;
        return refuse(c, &f, err);
    }
    if (wants_events(q)) {
        t = web_talk_events();
    }
    if (t || make_page(c, &t, err)) {
        ok = gateway_answer_as(g, q->net, q->db, key, front_req_base(q),
                               body_of(c), web_talk_face(t), t, &f);
        if (!ok) {
            web_talk_free(&t);
            ok = refuse(c, &f, err);
        }
    } else {
        ok = false;
    }
    gateway_key_drop(&key);
    return ok;
}

/* Texts of fields have line ends as everybody else writes them. */
static struct wh_str unix_lines(struct wh_arena *a, struct wh_str s)
{
    char *p = wh_arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\r') {
            p[n++] = s.p[i];
        }
    }
    return wh_str_mem(p, n);
}

static struct net_pairs read_form(struct wh_arena *a,
                                  const struct net_pairs *form)
{
    struct net_pair *v = wh_arena_array(a, form->n, sizeof *v);

    for (size_t i = 0; i < form->n; i++) {
        v[i] = form->v[i];
        v[i].value = unix_lines(a, v[i].value);
    }
    return (struct net_pairs){.v = v, .n = form->n};
}

bool web_on_chat_say(struct front_req *q, struct wh_err *err)
{
    struct net_pairs form;
    struct chat c;
    bool ok;

    if (q->cookie.n == 0) {
        return wh_fail(err, WH_AUTH_REQUIRED, "");
    }
    if (!web_form(q, &form, err) || !open_chat(q, &c, err)) {
        return false;
    }
    c.form = read_form(q->a, &form);
    c.say = wh_str_trim(web_field(&c.form, "say"));
    if (c.say.n == 0 || c.say.n > SAY_MAX) {
        c.wrong = c.say.n == 0 ? "Say something." : "That is too long.";
        ok = show(&c, 400, err);
    } else {
        ok = ask(&c, err);
    }
    web_repo_close(&c.repo);
    return ok;
}
