/*
 * accounts.c - people and organisations over the API (tokens: tokens.c).
 *
 * Anybody signed in may found an organisation and owns it then; accounts of
 * people are made by operators.
 */
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "hub/view.h"

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

    if (!front_req_credential(q, STORE_ROLE_WRITE, err) ||
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

    if (!front_req_credential(q, STORE_ROLE_ADMIN, err) ||
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

    if (!front_req_credential(q, STORE_ROLE_WRITE, err)) {
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

    if (!front_req_credential(q, STORE_ROLE_ADMIN, err) ||
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
