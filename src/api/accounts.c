/*
 * accounts.c - people, organisations and tokens over the API.
 *
 * Anybody signed in may found an organisation and owns it then; accounts of
 * people are made by operators. Nobody makes a token that can do more than the
 * credentials it is asked with.
 */
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "hub/view.h"

#define DAY_US (24 * STORE_HOUR_US)
#define TOKEN_DAYS_MAX 3650

/* ---- what the caller's credentials can do ---- */

/* FINE stands last in the enum, but only reads. */
static enum store_role credential_role(const struct front_req *q)
{
    enum store_role role = q->who.token.role;

    return role == STORE_ROLE_FINE ? STORE_ROLE_READ : role;
}

static bool need_credential(const struct front_req *q, enum store_role role,
                            struct wh_err *err)
{
    return credential_role(q) >= role ||
           wh_fail(err, WH_FORBIDDEN,
                   "that takes credentials of the role %s; yours have the "
                   "role %s",
                   store_role_name(role), store_role_name(credential_role(q)));
}

static json_t *view_account(const struct store_account *a)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_string(a->public_id));
    json_object_set_new(o, "type", json_string(a->org ? "org" : "user"));
    json_object_set_new(o, "name", json_string(a->name));
    json_object_set_new(o, "fullname", json_string(a->fullname));
    json_object_set_new(o, "created", hub_view_time(a->created));
    return o;
}

/* ---- accounts ---- */

struct founding {
    struct store_account_new in;
    bool credentials; /* also a token and a sign-in link */
    int64_t now;
    struct store_account out;
    char token[STORE_TOKEN_LEN + 1];
    char link[STORE_SECRET_LEN + 1];
};

static bool found_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct founding *f = ctx;

    if (!store_account_create(db, &f->in, &f->out, err)) {
        return false;
    }
    return !f->credentials ||
           (store_token_create(db, f->out.id, WH_S("first"), STORE_ROLE_WRITE,
                               0, f->token, err) &&
            store_link_create(db, f->out.id, f->now, f->link, err));
}

static bool read_account(struct front_req *q, struct store_account_new *in,
                         struct wh_err *err)
{
    json_t *body;

    return front_req_json(q, &body, err) &&
           wh_json_get_str(body, "name", &in->name, err) &&
           wh_json_opt_str(body, "fullname", WH_S(""), &in->fullname, err) &&
           wh_json_opt_str(body, "email", WH_S(""), &in->email, err);
}

bool api_org_create(struct front_req *q, struct wh_err *err)
{
    struct founding f = {.in = {.org = true, .owner = q->who.account.id}};

    if (!need_credential(q, STORE_ROLE_WRITE, err) ||
        !read_account(q, &f.in, err) ||
        !db_write(q->house->writer, found_fn, &f, err)) {
        return false;
    }
    front_answer_json(q->net, 201, wh_json_own(q->a, view_account(&f.out)));
    return true;
}

/* The secrets of the answer are shown once: they are kept as digests only. */
bool api_user_create(struct front_req *q, struct wh_err *err)
{
    struct founding f = {.credentials = true, .now = wh_now_us()};
    json_t *o;

    if (!need_credential(q, STORE_ROLE_ADMIN, err) ||
        !read_account(q, &f.in, err) ||
        !db_write(q->house->writer, found_fn, &f, err)) {
        return false;
    }
    o = wh_json_own(q->a, view_account(&f.out));
    json_object_set_new(o, "token", json_string(f.token));
    json_object_set_new(
        o, "signin",
        wh_json_str(wh_arena_fmt(q->a, "%.*s/signin/%s",
                                 WH_FMT(front_req_base(q)), f.link)));
    front_answer_json(q->net, 201, o);
    return true;
}

/* ---- members ---- */

struct membership {
    int64_t org, account;
    enum store_role role;
};

static bool member_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct membership *m = ctx;

    return store_member_set(db, m->org, m->account, m->role, err);
}

/* The organisation and the person of the path; the caller must be admin of the
 * one. Who is not does not learn whether it exists. */
static bool find_member(struct front_req *q, struct store_account *org,
                        struct store_account *person, struct wh_err *err)
{
    enum store_role mine = STORE_ROLE_NONE;

    if (!need_credential(q, STORE_ROLE_WRITE, err)) {
        return false;
    }
    if (!store_account_by_name(q->db, q->at.a, org, err) ||
        !front_req_role(q, org->id, &mine, err)) {
        return err->code == WH_NOT_FOUND
                   ? wh_err_wrap(err, "%.*s", WH_FMT(q->at.a))
                   : false;
    }
    if (!org->org || mine < STORE_ROLE_ADMIN) {
        return wh_fail(err, WH_FORBIDDEN,
                       "you are no admin of an organisation \"%.*s\"",
                       WH_FMT(q->at.a));
    }
    return store_account_by_name(q->db, q->at.b, person, err) ||
           wh_err_wrap(err, "%.*s", WH_FMT(q->at.b));
}

static bool set_member(struct front_req *q, enum store_role role,
                       struct wh_err *err)
{
    struct store_account org = {0}, person = {0};
    struct membership m = {.role = role};

    if (!find_member(q, &org, &person, err)) {
        return false;
    }
    m.org = org.id;
    m.account = person.id;
    if (!db_write(q->house->writer, member_fn, &m, err)) {
        return false;
    }
    front_answer_json(
        q->net, 200,
        wh_json_own(q->a, json_pack("{s:s,s:s,s:s}", "organization", org.name,
                                    "name", person.name, "role",
                                    role == STORE_ROLE_NONE
                                        ? "none"
                                        : store_role_name(role))));
    return true;
}

bool api_member_set(struct front_req *q, struct wh_err *err)
{
    struct wh_str word;
    enum store_role role;
    json_t *body;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "role", &word, err)) {
        return false;
    }
    role = store_role_of(word);
    if (role != STORE_ROLE_READ && role != STORE_ROLE_WRITE &&
        role != STORE_ROLE_ADMIN) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the role must be read, write or admin");
    }
    return set_member(q, role, err);
}

bool api_member_drop(struct front_req *q, struct wh_err *err)
{
    return set_member(q, STORE_ROLE_NONE, err);
}

/* ---- tokens ---- */

static json_t *view_token(const struct store_token *t)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_integer((json_int_t)t->id));
    json_object_set_new(o, "name", json_string(t->name));
    json_object_set_new(o, "role", json_string(store_role_name(t->role)));
    json_object_set_new(o, "created", hub_view_time(t->created));
    json_object_set_new(o, "expires",
                        t->expires ? hub_view_time(t->expires) : json_null());
    return o;
}

bool api_token_list(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    struct store_token *tokens;
    size_t n;

    if (!store_token_list(q->db, q->a, q->who.account.id, &tokens, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, view_token(&tokens[i]));
    }
    front_answer_json(q->net, 200, list);
    return true;
}

struct new_token {
    int64_t account;
    struct wh_str name;
    enum store_role role;
    int64_t expires;
    char text[STORE_TOKEN_LEN + 1];
};

static bool token_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct new_token *t = ctx;

    return store_token_create(db, t->account, t->name, t->role, t->expires,
                              t->text, err);
}

static bool read_token(struct front_req *q, struct new_token *t,
                       struct wh_err *err)
{
    struct wh_str role;
    int64_t days;
    json_t *body;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "name", &t->name, err) ||
        !wh_json_opt_str(body, "role", WH_S("write"), &role, err) ||
        !wh_json_opt_i64(body, "days", 0, &days, err)) {
        return false;
    }
    t->role = store_role_of(role);
    if (t->role == STORE_ROLE_NONE || t->role == STORE_ROLE_FINE) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the role must be read, write or admin");
    }
    if (days < 0 || days > TOKEN_DAYS_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "days must be between 0 and %d",
                       TOKEN_DAYS_MAX);
    }
    t->expires = days > 0 ? wh_now_us() + days * DAY_US : 0;
    return need_credential(q, t->role, err);
}

bool api_token_create(struct front_req *q, struct wh_err *err)
{
    struct new_token t = {.account = q->who.account.id};

    if (!need_credential(q, STORE_ROLE_WRITE, err) || !read_token(q, &t, err) ||
        !db_write(q->house->writer, token_fn, &t, err)) {
        return false;
    }
    front_answer_json(
        q->net, 201,
        wh_json_own(q->a, json_pack("{s:o,s:s,s:s}", "name",
                                    wh_json_str(t.name), "role",
                                    store_role_name(t.role), "token", t.text)));
    return true;
}

struct old_token {
    int64_t account;
    uint64_t id;
};

static bool revoke_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct old_token *t = ctx;

    return store_token_revoke(db, t->account, (int64_t)t->id, err);
}

bool api_token_revoke(struct front_req *q, struct wh_err *err)
{
    struct old_token t = {.account = q->who.account.id};

    if (!need_credential(q, STORE_ROLE_WRITE, err)) {
        return false;
    }
    if (!wh_str_u64(q->at.a, &t.id) || t.id > INT64_MAX) {
        return wh_fail(err, WH_NOT_FOUND, "you have no such token");
    }
    if (!db_write(q->house->writer, revoke_fn, &t, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

/* ---- sign-in links ---- */

struct new_link {
    int64_t account, now;
    char link[STORE_SECRET_LEN + 1];
};

static bool link_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct new_link *l = ctx;

    return store_link_create(db, l->account, l->now, l->link, err);
}

/* A session can do all that its account may, so this takes a token that can. */
bool api_signin_link(struct front_req *q, struct wh_err *err)
{
    struct new_link l = {.account = q->who.account.id, .now = wh_now_us()};

    if (!need_credential(q, STORE_ROLE_ADMIN, err) ||
        !db_write(q->house->writer, link_fn, &l, err)) {
        return false;
    }
    front_answer_json(
        q->net, 201,
        wh_json_own(q->a, json_pack("{s:o}", "signin",
                                    wh_json_str(wh_arena_fmt(
                                        q->a, "%.*s/signin/%s",
                                        WH_FMT(front_req_base(q)), l.link)))));
    return true;
}
