/*
 * form.c - forms of people without a session: tied to the browser by a random
 * cookie of their own, so that no other site can send one in their name.
 */
#include "web/form.h"
#include "crypto/random.h"
#include "store/auth.h"

#define FORM_COOKIE "wh_form"
#define FORM_SECONDS 3600L

/* The browser's form secret: what it has, or a new one. */
static struct wh_str form_secret(struct front_req *q)
{
    struct wh_str have = front_req_cookie(q, FORM_COOKIE), out;
    uint8_t raw[32];
    struct wh_buf b;

    if (have.n == STORE_SECRET_LEN) {
        return have;
    }
    crypto_random(raw, sizeof raw);
    wh_buf_init(&b, 128);
    wh_buf_base64url(&b, raw, sizeof raw);
    out = wh_arena_dup(q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

bool web_form_send(struct front_req *q, int status, const char *name,
                   json_t *page, struct wh_err *err)
{
    struct wh_str secret = form_secret(q);
    char csrf[STORE_SECRET_LEN + 1];
    struct wh_buf b;
    bool ok;

    store_session_csrf(secret, csrf);
    json_object_set_new(page, "csrf", json_string(csrf));
    wh_buf_init(&b, WEB_PAGE_MAX);
    ok = tmpl_render(web_of(q)->templates, name, page, &b, err);
    if (ok) {
        net_answer(q->net, status);
        web_headers(q);
        web_cookie_set(q, FORM_COOKIE, wh_arena_cstr(q->a, secret),
                       FORM_SECONDS);
        net_answer_bytes(q->net, wh_buf_str(&b));
        net_answer_send(q->net);
    }
    wh_buf_done(&b);
    return ok;
}

bool web_form_open(struct front_req *q, struct net_pairs *out,
                   struct wh_err *err)
{
    struct wh_str secret = front_req_cookie(q, FORM_COOKIE);

    if (!net_form_parse(q->net, out, err)) {
        return false;
    }
    if (secret.n != STORE_SECRET_LEN) {
        return wh_fail(err, WH_CSRF, "");
    }
    return store_session_csrf_ok(secret, web_field(out, "csrf"), err);
}

bool web_form_send_any(struct front_req *q, int status, const char *name,
                       json_t *page, struct wh_err *err)
{
    return q->signed_in ? web_page_send(q, status, name, page, err)
                        : web_form_send(q, status, name, page, err);
}

bool web_form_open_any(struct front_req *q, struct net_pairs *out,
                       struct wh_err *err)
{
    return q->signed_in ? web_form(q, out, err) : web_form_open(q, out, err);
}
