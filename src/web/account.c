/*
 * account.c - one's tokens, and new repos.
 */
#include "base/mem.h"
#include "base/time.h"
#include "front/scopes.h"
#include "hub/repos.h"
#include "hub/view.h"
#include "store/auth.h"
#include "web/handlers.h"
#include "web/page.h"

#define TOKEN_DAYS_MAX 3650

bool web_on_settings(struct front_req *q, struct wh_err *err)
{
    (void)err;
    web_redirect(q, WH_S("/settings/tokens"));
    return true;
}

/* ---- tokens ---- */

/* "read", "write", or what a token of role FINE is for, in words. */
static bool says(struct front_req *q, const struct store_token *t,
                 struct wh_str *out, struct wh_err *err)
{
    struct store_scope_view *list;
    size_t n;

    *out = wh_str_of(store_role_name(t->role));
    if (t->role != STORE_ROLE_FINE) {
        return true;
    }
    if (!store_token_scopes(q->db, q->a, t->id, &list, &n, err)) {
        return false;
    }
    *out = wh_str_of(t->metrics ? "read the metrics" : "");
    for (size_t i = 0; i < n; i++) {
        *out = wh_arena_fmt(
            q->a, "%.*s%s%s %s%.*s", WH_FMT(*out), out->n ? ", " : "",
            store_role_name(list[i].scope.role),
            list[i].scope.repo ? hub_kind_prefix(list[i].kind) : "all of ",
            WH_FMT(list[i].name));
    }
    return true;
}

static bool view_token(struct front_req *q, const struct store_token *t,
                       json_t **out, struct wh_err *err)
{
    struct wh_str may;
    bool old = t->old_until > wh_now_us();

    if (!says(q, t, &may, err)) {
        return false;
    }
    *out = json_pack("{s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "id",
                     json_sprintf("%lld", (long long)t->id), "name", t->name,
                     "role", web_text(may), "created",
                     hub_view_time(t->created), "expires",
                     t->expires ? hub_view_time(t->expires) : json_null(),
                     "used", front_scopes_day(t->used_day), "old_until",
                     old ? hub_view_time(t->old_until) : json_null());
    return true;
}

/* A token to be shown. */
struct made {
    struct store_token_new in;
    struct store_scope scope;
    int64_t id, now, grace_us; /* of one that got a new secret */
    char text[STORE_TOKEN_LEN + 1];
};

/* made: a token to be shown, once; wrong: why there is none. */
static bool tokens_page(struct front_req *q, int status,
                        const struct made *made, const char *wrong,
                        struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Access tokens"), "settings");
    json_t *list = json_array();
    struct store_token *tokens;
    size_t n;

    json_object_set_new(page, "tab", json_pack("{s:b}", "tokens", 1));
    json_object_set_new(page, "tokens", list);
    if (!store_token_list(q->db, q->a, q->who.account.id, &tokens, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *one;
        if (!view_token(q, &tokens[i], &one, err)) {
            return false;
        }
        json_array_append_new(list, one);
    }
    json_object_set_new(page, "created",
                        made ? json_pack("{s:o,s:s}", "name",
                                         web_text(made->in.name), "token",
                                         made->text)
                             : json_null());
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    return web_page_send(q, status, "tokens", page, err);
}

/* Tokens are made and revoked by people in a browser, not by other tokens. */
static bool need_session(const struct front_req *q, struct wh_err *err)
{
    return q->cookie.n > 0 || wh_fail(err, WH_AUTH_REQUIRED, "");
}

bool web_on_tokens(struct front_req *q, struct wh_err *err)
{
    return need_session(q, err) && tokens_page(q, 200, NULL, NULL, err);
}

static bool made_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct made *m = ctx;

    return store_token_make(db, &m->in, m->text, err);
}

/* Why no token was made: the form again, unless the failure is ours. */
static bool not_made(struct front_req *q, const struct wh_err *why,
                     struct wh_err *err)
{
    if (wh_err_row(why->code)->http >= 500) {
        *err = *why;
        return false;
    }
    return tokens_page(q, 400, NULL, why->msg, err);
}

static bool read_days(const struct net_pairs *form, int64_t *expires,
                      struct wh_err *err)
{
    struct wh_str text = web_field(form, "days");
    uint64_t days = 0;

    if (text.n > 0 && (!wh_str_u64(text, &days) || days > TOKEN_DAYS_MAX)) {
        return wh_fail(err, WH_BAD_REQUEST, "Say how long it is good for.");
    }
    *expires = days ? wh_now_us() + (int64_t)days * STORE_DAY_US : 0;
    return true;
}

/* A name in "entity" makes it a token for that alone. */
static bool read_made(struct front_req *q, const struct net_pairs *form,
                      struct made *m, struct wh_err *err)
{
    struct wh_str entity = wh_str_trim(web_field(form, "entity"));

    m->in.account = q->who.account.id;
    m->in.name = wh_str_trim(web_field(form, "name"));
    m->in.role = store_role_of(web_field(form, "role"));
    if (m->in.role != STORE_ROLE_READ && m->in.role != STORE_ROLE_WRITE) {
        return wh_fail(err, WH_BAD_REQUEST, "Say what the token may do.");
    }
    if (!read_days(form, &m->in.expires, err)) {
        return false;
    }
    if (entity.n == 0) {
        return true;
    }
    if (!front_scopes_read(q, entity, m->in.role, &m->scope, err)) {
        return false;
    }
    m->in.role = STORE_ROLE_FINE;
    m->in.scopes = &m->scope;
    m->in.n_scopes = 1;
    return true;
}

bool web_on_token_new(struct front_req *q, struct wh_err *err)
{
    struct made m = {.id = 0};
    struct net_pairs form;
    struct wh_err why = {0};
    bool ok;

    if (!web_form(q, &form, err)) {
        return false;
    }
    if (!read_made(q, &form, &m, &why) ||
        !db_write(q->house->writer, made_fn, &m, &why)) {
        return not_made(q, &why, err);
    }
    ok = tokens_page(q, 200, &m, NULL, err);
    wh_wipe(m.text, sizeof m.text);
    return ok;
}

static bool rotated_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct made *m = ctx;

    return store_token_rotate(db, m->in.account, m->id, m->now, m->grace_us,
                              m->text, err);
}

/* A session can do all that its account may, so it may have any of its tokens.
 */
bool web_on_token_rotate(struct front_req *q, struct wh_err *err)
{
    struct made m = {.in = {.account = q->who.account.id},
                     .now = wh_now_us(),
                     .grace_us = STORE_DAY_US};
    struct store_token is;
    struct net_pairs form;
    uint64_t id;
    bool ok;

    if (!web_form(q, &form, err)) {
        return false;
    }
    if (!wh_str_u64(q->at.a, &id) || id > INT64_MAX) {
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    m.id = (int64_t)id;
    if (!store_token_find(q->db, m.in.account, m.id, &is, err) ||
        !db_write(q->house->writer, rotated_fn, &m, err)) {
        return false;
    }
    m.in.name = wh_str_of(is.name);
    ok = tokens_page(q, 200, &m, NULL, err);
    wh_wipe(m.text, sizeof m.text);
    return ok;
}

struct revoked {
    int64_t account, token;
};

static bool revoked_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct revoked *r = ctx;

    return store_token_revoke(db, r->account, r->token, err);
}

bool web_on_token_revoke(struct front_req *q, struct wh_err *err)
{
    struct revoked r = {.account = q->who.account.id};
    struct net_pairs form;
    uint64_t id;

    if (!web_form(q, &form, err)) {
        return false;
    }
    if (!wh_str_u64(q->at.a, &id) || id > INT64_MAX) {
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    r.token = (int64_t)id;
    if (!db_write(q->house->writer, revoked_fn, &r, err)) {
        return false;
    }
    web_redirect(q, WH_S("/settings/tokens"));
    return true;
}

/* ---- a new repo ---- */

static const struct {
    const char *value, *label;
} KINDS[] = {{"model", "model"}, {"dataset", "dataset"}, {"space", "app"}};

struct new_form {
    struct wh_str type, owner, name;
    const char *wrong;
};

static json_t *kind_choices(struct wh_str chosen)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        bool selected = chosen.n ? wh_str_is(chosen, KINDS[i].value) : i == 0;
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:b}", "value", KINDS[i].value, "label",
                            KINDS[i].label, "selected", selected));
    }
    return list;
}

static void add_owner(json_t *list, const char *name, struct wh_str chosen)
{
    json_array_append_new(list, json_pack("{s:s,s:b}", "name", name, "selected",
                                          wh_str_is(chosen, name)));
}

static bool owner_choices(struct front_req *q, struct wh_str chosen,
                          json_t **out, struct wh_err *err)
{
    struct store_membership *orgs;
    json_t *list;
    size_t n;

    if (!store_member_orgs(q->db, q->a, q->who.account.id, &orgs, &n, err)) {
        return false;
    }
    list = json_array();
    add_owner(list, q->who.account.name, chosen);
    for (size_t i = 0; i < n; i++) {
        if (orgs[i].role >= STORE_ROLE_WRITE) {
            add_owner(list, orgs[i].org.name, chosen);
        }
    }
    *out = list;
    return true;
}

static bool new_page(struct front_req *q, int status, const struct new_form *f,
                     struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("New repo"), "new"), *owners;

    if (!owner_choices(q, f->owner, &owners, err)) {
        return false;
    }
    json_object_set_new(page, "owners", owners);
    json_object_set_new(page, "kinds", kind_choices(f->type));
    json_object_set_new(page, "value", web_text_or_null(f->name));
    json_object_set_new(page, "wrong",
                        f->wrong ? json_string(f->wrong) : json_null());
    return web_page_send(q, status, "new", page, err);
}

bool web_on_new(struct front_req *q, struct wh_err *err)
{
    struct new_form f = {0};
    struct wh_str type;

    if (front_query(q->net->query, "type", 0, q->a, &type)) {
        f.type = type;
    }
    return need_session(q, err) && new_page(q, 200, &f, err);
}

/* The namespace of the form, in which the caller may write. */
static bool find_owner(struct front_req *q, struct wh_str name,
                       struct store_account *out, struct wh_err *err)
{
    enum store_role role;

    if (!store_account_by_name(q->db, name, out, err) ||
        !front_req_role(q, out->id, &role, err)) {
        return false;
    }
    return role >= STORE_ROLE_WRITE ||
           wh_fail(err, WH_FORBIDDEN, "You may not make repos for %s",
                   out->name);
}

static bool make_repo(struct front_req *q, const struct new_form *f,
                      bool is_private, struct wh_str *path, struct wh_err *err)
{
    struct store_account owner;
    struct store_repo_new in = {
        .ns = &owner, .name = f->name, .is_private = is_private};
    int64_t id;

    if (!store_kind_of(f->type, &in.kind)) {
        return wh_fail(err, WH_BAD_REQUEST, "Say what kind of repo it is");
    }
    in.sdk = in.kind == STORE_SPACE ? WH_S("static") : WH_S("");
    if (!store_repo_name_ok(f->name, err) ||
        !find_owner(q, f->owner, &owner, err) ||
        !hub_repo_create(q->house->writer, &in, &q->who.account, &id, err)) {
        return false;
    }
    *path = wh_arena_fmt(q->a, "/%s%s/%.*s", hub_kind_prefix(in.kind),
                         owner.name, WH_FMT(f->name));
    return true;
}

bool web_on_new_repo(struct front_req *q, struct wh_err *err)
{
    struct net_pairs form;
    struct wh_err why = {0};
    struct new_form f = {0};
    struct wh_str path = WH_S("");

    if (!web_form(q, &form, err)) {
        return false;
    }
    f.type = web_field(&form, "type");
    f.owner = web_field(&form, "owner");
    f.name = wh_str_trim(web_field(&form, "name"));
    if (!make_repo(q, &f, wh_str_is(web_field(&form, "private"), "true"), &path,
                   &why)) {
        if (wh_err_row(why.code)->http >= 500) {
            *err = why;
            return false;
        }
        f.wrong = why.msg;
        return new_page(q, wh_err_row(why.code)->http, &f, err);
    }
    web_redirect(q, path);
    return true;
}
