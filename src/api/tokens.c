/*
 * tokens.c - tokens over the API. Nobody makes a token, or gets a new secret of
 * one, that can do more than the credentials it is asked with, or for longer.
 */
#include "api/handlers.h"
#include "base/mem.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/scopes.h"
#include "hub/view.h"

#define TOKEN_DAYS_MAX 3650
#define GRACE_HOURS 24

/* ---- showing ---- */

static json_t *time_or_null(int64_t us)
{
    return us ? hub_view_time(us) : json_null();
}

static bool view_token(struct front_req *q, const struct store_token *t,
                       json_t **out, struct wh_err *err)
{
    bool fine = t->role == STORE_ROLE_FINE;
    json_t *scopes = NULL, *o;

    if (fine && !front_scopes_view(q, t, &scopes, err)) {
        return false;
    }
    o = json_object();
    json_object_set_new(o, "id", json_integer((json_int_t)t->id));
    json_object_set_new(o, "name", json_string(t->name));
    json_object_set_new(o, "role", json_string(store_role_name(t->role)));
    json_object_set_new(o, "created", hub_view_time(t->created));
    json_object_set_new(o, "expires", time_or_null(t->expires));
    json_object_set_new(o, "last_used", front_scopes_day(t->used_day));
    json_object_set_new(
        o, "old_until",
        time_or_null(t->old_until > wh_now_us() ? t->old_until : 0));
    json_object_set(o, "fineGrained", fine ? scopes : json_null());
    *out = o;
    return true;
}

bool api_token_list(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array()), *one;
    struct store_token *tokens;
    size_t n;

    if (!store_token_list(q->db, q->a, q->who.account.id, &tokens, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!view_token(q, &tokens[i], &one, err)) {
            return false;
        }
        json_array_append_new(list, one);
    }
    front_answer_json(q->net, 200, list);
    return true;
}

/* ---- making ---- */

struct new_token {
    struct store_token_new in;
    struct store_scope scopes[STORE_SCOPES_MAX];
    char text[STORE_TOKEN_LEN + 1];
};

static bool token_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct new_token *t = ctx;

    return store_token_make(db, &t->in, t->text, err);
}

/* "scopes": [{"entity": "ada/model", "role": "read"}] */
static bool read_scopes(struct front_req *q, const json_t *body,
                        struct new_token *t, struct wh_err *err)
{
    const json_t *list = json_object_get(body, "scopes"), *one;
    size_t i;

    if (json_array_size(list) > STORE_SCOPES_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a token names at most %d scopes",
                       STORE_SCOPES_MAX);
    }
    json_array_foreach(list, i, one)
    {
        struct wh_str entity, role;
        if (!wh_json_get_str(one, "entity", &entity, err) ||
            !wh_json_opt_str(one, "role", WH_S("read"), &role, err) ||
            !front_scopes_read(q, entity, store_role_of(role), &t->scopes[i],
                               err)) {
            return false;
        }
        t->in.n_scopes++;
    }
    t->in.scopes = t->scopes;
    return true;
}

static bool read_days(const json_t *body, int64_t *expires, struct wh_err *err)
{
    int64_t days;

    if (!wh_json_opt_i64(body, "days", 0, &days, err)) {
        return false;
    }
    if (days < 0 || days > TOKEN_DAYS_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "days must be between 0 and %d",
                       TOKEN_DAYS_MAX);
    }
    *expires = days > 0 ? wh_now_us() + days * STORE_DAY_US : 0;
    return true;
}

static bool read_token(struct front_req *q, struct new_token *t,
                       struct wh_err *err)
{
    struct wh_str role;
    json_t *body;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "name", &t->in.name, err) ||
        !wh_json_opt_str(body, "role", WH_S("write"), &role, err) ||
        !wh_json_opt_bool(body, "metrics", false, &t->in.metrics, err) ||
        !read_days(body, &t->in.expires, err) ||
        !read_scopes(q, body, t, err)) {
        return false;
    }
    t->in.expires = front_req_ends(q, t->in.expires);
    t->in.role = store_role_of(role);
    if (t->in.role == STORE_ROLE_NONE) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the role must be read, write, admin or fineGrained");
    }
    if (t->in.metrics && !q->who.account.is_operator) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the metrics are the operator's to read");
    }
    return t->in.role == STORE_ROLE_FINE ||
           front_req_credential(q, t->in.role, err);
}

bool api_token_create(struct front_req *q, struct wh_err *err)
{
    struct new_token *t = WH_NEW(q->a, struct new_token);
    bool ok;

    t->in.account = q->who.account.id;
    if (!front_req_credential(q, STORE_ROLE_WRITE, err) ||
        !read_token(q, t, err)) {
        return false;
    }
    ok = db_write(q->house->writer, token_fn, t, err);
    if (ok) {
        front_answer_json(
            q->net, 201,
            wh_json_own(q->a, json_pack("{s:o,s:s,s:o,s:s}", "name",
                                        wh_json_str(t->in.name), "role",
                                        store_role_name(t->in.role), "expires",
                                        time_or_null(t->in.expires), "token",
                                        t->text)));
    }
    wh_wipe(t->text, sizeof t->text);
    return ok;
}

/* ---- changing ---- */

struct old_token {
    int64_t account;
    uint64_t id;
    int64_t now, grace_us;
    char text[STORE_TOKEN_LEN + 1];
};

static bool revoke_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct old_token *t = ctx;

    return store_token_revoke(db, t->account, (int64_t)t->id, err);
}

static bool read_id(struct front_req *q, struct old_token *t,
                    struct wh_err *err)
{
    t->account = q->who.account.id;
    if (!front_req_credential(q, STORE_ROLE_WRITE, err)) {
        return false;
    }
    return (wh_str_u64(q->at.a, &t->id) && t->id <= INT64_MAX) ||
           wh_fail(err, WH_NOT_FOUND, "you have no such token");
}

bool api_token_revoke(struct front_req *q, struct wh_err *err)
{
    struct old_token t = {0};

    if (!read_id(q, &t, err) ||
        !db_write(q->house->writer, revoke_fn, &t, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

static bool rotate_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct old_token *t = ctx;

    return store_token_rotate(db, t->account, (int64_t)t->id, t->now,
                              t->grace_us, t->text, err);
}

/* Whoever gets the new secret can do what the token can. */
static bool may_rotate(struct front_req *q, const struct old_token *t,
                       struct wh_err *err)
{
    struct store_token is;

    if (!store_token_find(q->db, t->account, (int64_t)t->id, &is, err) ||
        (is.role != STORE_ROLE_FINE &&
         !front_req_credential(q, is.role, err))) {
        return false;
    }
    return front_req_ends(q, is.expires) == is.expires ||
           wh_fail(err, WH_FORBIDDEN,
                   "your token ends before that one does: a token that is good "
                   "for as long gets it a new secret");
}

bool api_token_rotate(struct front_req *q, struct wh_err *err)
{
    struct old_token t = {.now = wh_now_us()};
    int64_t hours;
    json_t *body;
    bool ok;

    if (!read_id(q, &t, err) || !may_rotate(q, &t, err) ||
        !front_req_json(q, &body, err) ||
        !wh_json_opt_i64(body, "grace_hours", GRACE_HOURS, &hours, err)) {
        return false;
    }
    if (hours < 0 || hours > STORE_GRACE_MAX_US / STORE_HOUR_US) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "grace_hours must be between 0 and %lld",
                       (long long)(STORE_GRACE_MAX_US / STORE_HOUR_US));
    }
    t.grace_us = hours * STORE_HOUR_US;
    ok = db_write(q->house->writer, rotate_fn, &t, err);
    if (ok) {
        front_answer_json(
            q->net, 200,
            wh_json_own(
                q->a,
                json_pack("{s:s,s:o}", "token", t.text, "old_until",
                          time_or_null(hours > 0 ? t.now + t.grace_us : 0))));
    }
    wh_wipe(t.text, sizeof t.text);
    return ok;
}
