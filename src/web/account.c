/*
 * account.c - one's tokens, and new repos.
 */
#include "base/mem.h"
#include "base/time.h"
#include "hub/repos.h"
#include "hub/view.h"
#include "store/auth.h"
#include "web/handlers.h"
#include "web/page.h"

bool web_on_settings(struct front_req *q, struct wh_err *err)
{
    (void)err;
    web_redirect(q, WH_S("/settings/tokens"));
    return true;
}

/* ---- tokens ---- */

static json_t *view_token(const struct store_token *t)
{
    return json_pack("{s:o,s:s,s:s,s:o,s:o}", "id",
                     json_sprintf("%lld", (long long)t->id), "name", t->name,
                     "role", store_role_name(t->role), "created",
                     hub_view_time(t->created), "expires",
                     t->expires ? hub_view_time(t->expires) : json_null());
}

struct made {
    int64_t account;
    struct wh_str name;
    enum store_role role;
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

    json_object_set_new(page, "tokens", list);
    if (!store_token_list(q->db, q->a, q->who.account.id, &tokens, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, view_token(&tokens[i]));
    }
    json_object_set_new(page, "created",
                        made ? json_pack("{s:o,s:s}", "name",
                                         web_text(made->name), "token",
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

    return store_token_create(db, m->account, m->name, m->role, 0, m->text,
                              err);
}

bool web_on_token_new(struct front_req *q, struct wh_err *err)
{
    struct made m = {.account = q->who.account.id};
    struct net_pairs form;
    struct wh_err why = {0};
    bool ok;

    if (!web_form(q, &form, err)) {
        return false;
    }
    m.name = wh_str_trim(web_field(&form, "name"));
    m.role = store_role_of(web_field(&form, "role"));
    if (m.role != STORE_ROLE_READ && m.role != STORE_ROLE_WRITE) {
        return tokens_page(q, 400, NULL, "Say what the token may do.", err);
    }
    if (!db_write(q->house->writer, made_fn, &m, &why)) {
        if (wh_err_row(why.code)->http >= 500) {
            *err = why;
            return false;
        }
        return tokens_page(q, 400, NULL, why.msg, err);
    }
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
