/*
 * page.c - the frame of all pages.
 */
#include "web/page.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/approve.h"
#include "store/auth.h"

#define POLICY                                                                \
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src " \
    "'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/* What every answer with HTML in it has. */
static const struct {
    const char *name;
    struct wh_str value;
} HEADERS[] = {
    {"X-Content-Type-Options", WH_SI("nosniff")},
    {"X-Frame-Options", WH_SI("DENY")},
    {"Referrer-Policy", WH_SI("same-origin")},
    {"Cross-Origin-Opener-Policy", WH_SI("same-origin")},
    /* a page may show what only this caller sees, or a form's token */
    {"Cache-Control", WH_SI("no-store")},
};
#define N_HEADERS (sizeof HEADERS / sizeof *HEADERS)

bool web_open(const struct web_config *c, struct web **out, struct wh_err *err)
{
    struct web *w = wh_alloc(sizeof *w);

    *w = (struct web){.dir = c->dir, .version = c->version};
    if (!tmpl_open(c->dir, &w->templates, err)) {
        wh_free(w);
        return false;
    }
    w->cards = web_cards_new();
    *out = w;
    return true;
}

void web_close(struct web **web)
{
    if (!*web) {
        return;
    }
    tmpl_set_free(&(*web)->templates);
    web_cards_free(&(*web)->cards);
    wh_free(*web);
    *web = NULL;
}

struct web *web_of(const struct front_req *q)
{
    wh_assert(q->house->web);
    return q->house->web;
}

/* ---- values ---- */

json_t *web_text(struct wh_str s)
{
    return wh_json_str(s);
}

json_t *web_text_or_null(struct wh_str s)
{
    return s.n > 0 ? wh_json_str(s) : json_null();
}

json_t *web_pager(struct wh_str prev, struct wh_str next)
{
    if (prev.n == 0 && next.n == 0) {
        return json_null();
    }
    return json_pack("{s:o,s:o}", "prev", web_text_or_null(prev), "next",
                     web_text_or_null(next));
}

/* The roster that is in force on the register; null: nobody decides here. */
static const struct rule_roster *roster_now(struct front_req *q)
{
    struct register_status status;
    struct line_roster *list;
    struct wh_err err = {0};
    size_t n;

    register_status_get(q->house->log, &status);
    if (!line_rosters(q->db, q->a, status.size, &list, &n, &err)) {
        wh_log_err(WH_WARN, "web.roster", &err);
        return NULL;
    }
    return n > 0 ? list[n - 1].r : NULL;
}

/* What the foot of each page owns up to. */
static json_t *house_values(struct front_req *q)
{
    json_t *state = register_state_json(q->house->log), *o = json_object();
    bool witnessed = json_array_size(json_object_get(state, "witnesses")) > 0;
    const struct rule_roster *roster = roster_now(q);

    json_decref(state);
    json_object_set_new(o, "self_run",
                        json_boolean(!roster || roster->self_run));
    json_object_set_new(o, "demo", json_boolean(roster && roster->demo));
    json_object_set_new(o, "unwitnessed", json_boolean(!witnessed));
    json_object_set_new(o, "version", json_string(web_of(q)->version));
    json_object_set_new(o, "url", web_text(front_req_base(q)));
    return o;
}

json_t *web_page(struct front_req *q, struct wh_str title, const char *nav)
{
    json_t *o = wh_json_own(q->a, json_object()), *place = json_object();
    char csrf[STORE_SECRET_LEN + 1];

    json_object_set_new(o, "title", web_text(title));
    json_object_set_new(o, "house", house_values(q));
    json_object_set_new(o, "nav", place);
    if (nav[0]) {
        json_object_set_new(place, nav, json_true());
    }
    json_object_set_new(o, "user", json_null());
    if (q->signed_in) {
        json_object_set_new(o, "user",
                            json_pack("{s:s}", "name", q->who.account.name));
    }
    if (q->signed_in && q->cookie.n > 0) {
        store_session_csrf(q->cookie, csrf);
        json_object_set_new(o, "csrf", json_string(csrf));
    }
    return o;
}

/* ---- answers ---- */

static void headers(struct front_req *q, struct wh_str policy)
{
    net_answer_header(q->net, "Content-Type", WH_S("text/html; charset=utf-8"));
    net_answer_header(q->net, "Content-Security-Policy", policy);
    for (size_t i = 0; i < N_HEADERS; i++) {
        net_answer_header(q->net, HEADERS[i].name, HEADERS[i].value);
    }
}

void web_headers(struct front_req *q)
{
    headers(q, WH_S(POLICY));
}

void web_headers_live(struct net_live *l, struct wh_str type)
{
    net_live_header(l, "Content-Type", type);
    net_live_header(l, "Content-Security-Policy",
                    WH_S(POLICY "; connect-src 'self'"));
    net_live_header(l, "X-Accel-Buffering", WH_S("no"));
    for (size_t i = 0; i < N_HEADERS; i++) {
        net_live_header(l, HEADERS[i].name, HEADERS[i].value);
    }
}

static bool render(struct front_req *q, int status, const char *name,
                   const json_t *page, struct wh_str policy, struct wh_err *err)
{
    struct wh_buf b;
    bool ok;

    wh_buf_init(&b, WEB_PAGE_MAX);
    ok = tmpl_render(web_of(q)->templates, name, page, &b, err);
    if (ok) {
        net_answer(q->net, status);
        headers(q, policy);
        net_answer_bytes(q->net, wh_buf_str(&b));
        net_answer_send(q->net);
    }
    wh_buf_done(&b);
    return ok;
}

bool web_page_send(struct front_req *q, int status, const char *name,
                   const json_t *page, struct wh_err *err)
{
    return render(q, status, name, page, WH_S(POLICY), err);
}

bool web_page_send_asking(struct front_req *q, int status, const char *name,
                          const json_t *page, struct wh_err *err)
{
    return render(q, status, name, page, WH_S(POLICY "; connect-src 'self'"),
                  err);
}

void web_cookie_set(struct front_req *q, const char *name, const char *value,
                    long seconds)
{
    net_answer_headerf(q->net, "Set-Cookie",
                       "%s=%s; Path=/; Max-Age=%ld; HttpOnly; "
                       "SameSite=Lax%s",
                       name, value, seconds, q->house->tls ? "; Secure" : "");
}

static void begin_redirect(struct front_req *q, struct wh_str path)
{
    net_answer(q->net, 303);
    web_headers(q);
    net_answer_header(q->net, "Location", path);
}

void web_redirect(struct front_req *q, struct wh_str path)
{
    begin_redirect(q, path);
    net_answer_send(q->net);
}

void web_redirect_cookie(struct front_req *q, struct wh_str path,
                         const char *name, const char *value, long seconds)
{
    begin_redirect(q, path);
    web_cookie_set(q, name, value, seconds);
    net_answer_send(q->net);
}

/* ---- what browsers send ---- */

struct wh_str web_field(const struct net_pairs *form, const char *name)
{
    struct wh_str v;

    return net_pairs_get(form, name, 0, &v) ? v : WH_S("");
}

bool web_form(struct front_req *q, struct net_pairs *out, struct wh_err *err)
{
    if (!net_form_parse(q->net, out, err)) {
        return false;
    }
    /* without a session there is no token that could be right */
    if (q->cookie.n == 0) {
        return wh_fail(err, WH_CSRF, "");
    }
    return store_session_csrf_ok(q->cookie, web_field(out, "csrf"), err);
}
