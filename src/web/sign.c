/*
 * sign.c - signing in by token or one-time link, and out again.
 */
#include "base/enc.h"
#include "base/mem.h"
#include "base/time.h"
#include "gateway/portal.h"
#include "store/auth.h"
#include "web/form.h"
#include "web/handlers.h"
#include "web/page.h"

/* ---- beginning a session ---- */

struct entry {
    struct wh_str link; /* used up in the same transaction, if any */
    int64_t account;
    char secret[STORE_SECRET_LEN + 1];
    struct store_over over;
};

static bool entry_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct entry *e = ctx;
    int64_t now = wh_now_us();

    if (e->link.n > 0 && !store_link_use(db, e->link, now, &e->account, err)) {
        return false;
    }
    return store_session_create(db, e->account, now, e->secret, &e->over, err);
}

/* A path of this house and nothing else: what stands in `next` came in a link.
 */
static struct wh_str safe_next(struct wh_str next)
{
    if (next.n == 0 || next.n > 2000 || next.p[0] != '/' ||
        (next.n > 1 && (next.p[1] == '/' || next.p[1] == '\\'))) {
        return WH_S("/");
    }
    for (size_t i = 0; i < next.n; i++) {
        unsigned char c = (unsigned char)next.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '\\') {
            return WH_S("/");
        }
    }
    return next;
}

/* What runs with the key of a session ends with it. */
static void stop_key(struct front_req *q, int64_t key)
{
    if (q->house->gateway) {
        gateway_stop(q->house->gateway,
                     &(struct gateway_stop){
                         .whose = GATEWAY_OF_KEY,
                         .id = key,
                         .why = WH_S("the session of this key has ended")});
    }
}

static bool begin_session(struct front_req *q, struct entry *e,
                          struct wh_str next, struct wh_err *err)
{
    bool ok = db_write(q->house->writer, entry_fn, e, err);

    for (size_t i = 0; ok && i < e->over.n; i++) {
        stop_key(q, e->over.keys[i]);
    }
    if (ok) {
        web_redirect_cookie(q, safe_next(next), FRONT_SESSION_COOKIE, e->secret,
                            (long)(STORE_SESSION_TTL_US / 1000000));
    }
    wh_wipe(e->secret, sizeof e->secret);
    return ok;
}

/* ---- by token ---- */

static bool login_page(struct front_req *q, int status, const char *wrong,
                       struct wh_str next, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Sign in"), "login");

    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    json_object_set_new(page, "next", web_text_or_null(next));
    return web_form_send(q, status, "login", page, err);
}

bool web_on_login(struct front_req *q, struct wh_err *err)
{
    struct wh_str next = WH_S("");

    front_query(q->net->query, "next", 0, q->a, &next);
    return login_page(q, 200, NULL, next, err);
}

/* A session may do whatever its account may, for two weeks, so a token that may
 * less, or ends before, does not begin one: an operator's takes the role admin.
 */
static bool token_may(const struct store_principal *who)
{
    enum store_role role = who->token.role;
    bool lasts = who->token.expires == 0 ||
                 who->token.expires >= wh_now_us() + STORE_SESSION_TTL_US;

    return lasts && (role == STORE_ROLE_ADMIN ||
                     (role == STORE_ROLE_WRITE && !who->account.is_operator));
}

bool web_on_login_token(struct front_req *q, struct wh_err *err)
{
    struct store_principal who;
    struct entry e = {0};
    struct wh_err why = {0};
    struct net_pairs form;
    struct wh_str token, next;

    if (!web_form_open(q, &form, err)) {
        return false;
    }
    token = wh_str_trim(web_field(&form, "token"));
    next = web_field(&form, "next");
    if (!store_token_auth(q->db, token, wh_now_us(), &who, &why)) {
        if (why.code != WH_AUTH_INVALID) {
            *err = why;
            return false;
        }
        return login_page(q, 401, "This token is unknown, expired or revoked.",
                          next, err);
    }
    if (!token_may(&who)) {
        return login_page(
            q, 403,
            "This token may less than its account, or ends within "
            "two weeks. A session may do whatever the account "
            "may for as long, so it takes a token of the role "
            "write, or an operator's of the role admin.",
            next, err);
    }
    e.account = who.account.id;
    return begin_session(q, &e, next, err);
}

/* ---- by one-time link ---- */

/* Looking shows a button and spends nothing: programs that fetch links ahead
 * must not use them up. */
bool web_on_link(struct front_req *q, struct wh_err *err)
{
    struct store_account account;
    json_t *page;
    int64_t id;

    if (!store_link_look(q->db, q->at.a, wh_now_us(), &id, err) ||
        !store_account_by_id(q->db, id, &account, err)) {
        return false;
    }
    page = web_page(q, WH_S("Sign in"), "login");
    json_object_set_new(page, "account", json_string(account.name));
    json_object_set_new(page, "link", web_text(q->at.a));
    return web_form_send(q, 200, "login_link", page, err);
}

bool web_on_login_link(struct front_req *q, struct wh_err *err)
{
    struct net_pairs form;
    struct entry e = {0};

    if (!web_form_open(q, &form, err)) {
        return false;
    }
    e.link = web_field(&form, "link");
    if (e.link.n != STORE_SECRET_LEN) {
        return wh_fail(err, WH_AUTH_INVALID,
                       "this sign-in link is unknown, used or expired");
    }
    return begin_session(q, &e, WH_S("/"), err);
}

/* ---- out ---- */

struct leaving {
    struct wh_str secret;
    int64_t key; /* of the session, for the gateway; 0: none */
};

static bool end_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct leaving *l = ctx;

    return store_session_end(db, l->secret, err) &&
           gateway_portal_end(db, l->secret, wh_now_us(), &l->key, err);
}

/* Who has the cookie could make the session's key, so both end, and what runs
 * with it. */
bool web_on_logout(struct front_req *q, struct wh_err *err)
{
    struct leaving l = {.secret = q->cookie};
    struct net_pairs form;

    if (!web_form(q, &form, err) ||
        !db_write(q->house->writer, end_fn, &l, err)) {
        return false;
    }
    if (l.key != 0) {
        stop_key(q, l.key);
    }
    web_redirect_cookie(q, WH_S("/"), FRONT_SESSION_COOKIE, "", 0);
    return true;
}
