/*
 * scopes.c - scopes of tokens between people's names and rows.
 */
#include "front/scopes.h"
#include "base/time.h"

/* ---- reading ---- */

static bool no_such(struct wh_str entity, enum store_role role,
                    struct wh_err *err)
{
    *err = (struct wh_err){0};
    return wh_fail(err, WH_FORBIDDEN, "you have no %s access to \"%.*s\"",
                   store_role_name(role), WH_FMT(entity));
}

/* Failures that tell whether something is there become one. */
static bool hide(struct wh_str entity, enum store_role role, struct wh_err *err)
{
    bool tells = err->code == WH_NOT_FOUND || err->code == WH_REPO_NOT_FOUND ||
                 err->code == WH_BAD_NAME;

    return tells ? no_such(entity, role, err) : false;
}

/* "datasets/", "spaces/" in front; else it is a model. */
static enum store_kind take_kind(struct wh_str *name)
{
    static const struct {
        struct wh_str prefix;
        enum store_kind kind;
    } rows[] = {{WH_SI("models/"), STORE_MODEL},
                {WH_SI("datasets/"), STORE_DATASET},
                {WH_SI("spaces/"), STORE_SPACE}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (wh_str_starts(*name, rows[i].prefix)) {
            *name = wh_str_sub(*name, rows[i].prefix.n, name->n);
            return rows[i].kind;
        }
    }
    return STORE_MODEL;
}

bool front_scopes_read(struct front_req *q, struct wh_str entity,
                       enum store_role role, struct store_scope *out,
                       struct wh_err *err)
{
    struct wh_str name = entity;
    struct store_scope s = {.role = role};
    enum store_kind kind = take_kind(&name);
    enum store_role mine = STORE_ROLE_NONE;
    struct store_account owner;
    struct store_repo repo;

    if (role != STORE_ROLE_READ && role != STORE_ROLE_WRITE) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the role of a scope must be read or write");
    }
    if (wh_str_find(name, '/') == SIZE_MAX) {
        if (!store_account_by_name(q->db, name, &owner, err) ||
            !front_req_role(q, owner.id, &mine, err)) {
            return hide(entity, role, err);
        }
        s.ns = owner.id;
    } else {
        if (!store_repo_by_name(q->db, q->a, kind, name, &repo, err) ||
            !front_req_repo_role(q, repo.owner, repo.id, &mine, err)) {
            return hide(entity, role, err);
        }
        s.repo = repo.id;
    }
    if (mine < role) {
        return no_such(entity, role, err);
    }
    *out = s;
    return true;
}

/* ---- showing ---- */

static const char *type_of(const struct store_scope_view *v)
{
    if (v->scope.repo) {
        return store_kind_name(v->kind);
    }
    return v->org ? "org" : "user";
}

static json_t *view_scope(const struct store_scope_view *v)
{
    json_t *may = json_array();

    json_array_append_new(may, json_string("repo.content.read"));
    if (v->scope.role == STORE_ROLE_WRITE) {
        json_array_append_new(may, json_string("repo.write"));
    }
    return json_pack("{s:{s:s,s:o},s:o}", "entity", "type", type_of(v), "name",
                     wh_json_str(v->name), "permissions", may);
}

bool front_scopes_view(struct front_req *q, const struct store_token *t,
                       json_t **out, struct wh_err *err)
{
    json_t *global, *scoped;
    struct store_scope_view *list;
    size_t n;

    if (!store_token_scopes(q->db, q->a, t->id, &list, &n, err)) {
        return false;
    }
    global = json_array();
    scoped = json_array();
    if (t->metrics) {
        json_array_append_new(global, json_string("metrics.read"));
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(scoped, view_scope(&list[i]));
    }
    *out = wh_json_own(
        q->a, json_pack("{s:o,s:o}", "global", global, "scoped", scoped));
    return true;
}

json_t *front_scopes_day(int64_t day)
{
    char text[WH_TIME_TEXT];

    if (day == 0) {
        return json_null();
    }
    wh_time_text(day * STORE_DAY_US, text);
    text[10] = 0;
    return json_string(text);
}
