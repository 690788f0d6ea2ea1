/*
 * repos.c - repos made, found, listed, changed and ended over the API.
 */
#include "hub/repos.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/list.h"
#include "hub/release.h"
#include "hub/view.h"
#include "store/repo_list.h"

/* Entries of a repo that info shows as siblings. */
#define SIBLINGS_MAX 20000u

/* ---- making and ending ---- */

/* The namespace that a body names ("organization", or oneself), in which the
 * caller must have `role`. */
static bool find_namespace(struct front_req *q, const json_t *body,
                           enum store_role role, struct store_account *out,
                           struct wh_err *err)
{
    struct wh_str org;
    enum store_role mine;

    if (!wh_json_opt_str(body, "organization", wh_str_of(q->who.account.name),
                         &org, err)) {
        return false;
    }
    if (!store_account_by_name(q->db, org, out, err)) {
        if (err->code != WH_NOT_FOUND) {
            return false;
        }
        *err = (struct wh_err){0};
        return wh_fail(err, WH_FORBIDDEN,
                       "There is no namespace of this name that you may "
                       "write to");
    }
    if (!front_req_role(q, out->id, &mine, err)) {
        return false;
    }
    if (mine < role) {
        return wh_fail(err, WH_FORBIDDEN,
                       "You don't have the rights to do this under the "
                       "namespace \"%s\"",
                       out->name);
    }
    return true;
}

static bool body_kind(const json_t *body, enum store_kind *out,
                      struct wh_err *err)
{
    struct wh_str type;

    if (!wh_json_opt_str(body, "type", WH_S("model"), &type, err)) {
        return false;
    }
    return store_kind_of(type, out) ||
           wh_fail(err, WH_BAD_REQUEST, "type must be model, dataset or space");
}

static bool body_private(const json_t *body, bool *out, struct wh_err *err)
{
    struct wh_str visibility;

    if (!wh_json_opt_bool(body, "private", false, out, err) ||
        !wh_json_opt_str(body, "visibility", WH_S(""), &visibility, err)) {
        return false;
    }
    if (visibility.n > 0) {
        *out = !wh_str_is(visibility, "public");
    }
    return true;
}

/* "https://host/datasets/ns/name" */
static struct wh_str repo_url(struct front_req *q, enum store_kind kind,
                              const char *full)
{
    return wh_arena_fmt(q->a, "%.*s/%s%s", WH_FMT(front_req_base(q)),
                        hub_kind_prefix(kind), full);
}

static void answer_url(struct front_req *q, int status, enum store_kind kind,
                       const char *full, const char *error)
{
    json_t *o = wh_json_own(q->a, json_object());

    json_object_set_new(o, "url", wh_json_str(repo_url(q, kind, full)));
    json_object_set_new(o, "name", json_string(full));
    if (error) {
        json_object_set_new(o, "error", json_string(error));
    }
    front_answer_json(q->net, status, o);
}

bool api_repo_create(struct front_req *q, struct wh_err *err)
{
    struct store_account ns = {0};
    struct store_repo_new in = {.ns = &ns};
    struct store_repo repo;
    const char *full;
    json_t *body;
    int64_t id;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "name", &in.name, err) ||
        !body_kind(body, &in.kind, err) ||
        !body_private(body, &in.is_private, err) ||
        !wh_json_opt_str(body, "sdk", WH_S(""), &in.sdk, err) ||
        !store_repo_name_ok(in.name, err) ||
        !find_namespace(q, body, STORE_ROLE_WRITE, &ns, err)) {
        return false;
    }
    if (in.kind == STORE_SPACE && in.sdk.n == 0) {
        return wh_fail(err, WH_BAD_REQUEST, "a space needs an sdk");
    }
    full = wh_arena_fmt(q->a, "%s/%.*s", ns.name, WH_FMT(in.name)).p;
    if (hub_repo_create(q->house->writer, &in, &q->who.account, &id, err)) {
        if (!store_repo_by_id(q->db, q->a, id, &repo, err)) {
            return false;
        }
        answer_url(q, 200, in.kind, repo.full, NULL);
        return true;
    }
    if (err->code != WH_CONFLICT) {
        return false;
    }
    answer_url(q, 409, in.kind, full,
               "You already created this repo (or one of the same name)");
    return true;
}

/* The repo that a body names, with the caller's right to end it. */
static bool body_repo(struct front_req *q, const json_t *body,
                      struct store_repo *out, struct wh_err *err)
{
    struct store_account ns = {0};
    enum store_kind kind = STORE_MODEL;
    struct wh_str name = WH_S(""), full;
    struct wh_err why = {0};

    if (!wh_json_get_str(body, "name", &name, err) ||
        !body_kind(body, &kind, err)) {
        return false;
    }
    if (!find_namespace(q, body, STORE_ROLE_ADMIN, &ns, &why)) {
        return wh_fail(err, WH_REPO_NOT_FOUND, "");
    }
    /* old clients put the namespace into the name */
    full = wh_str_find(name, '/') == SIZE_MAX
               ? wh_arena_fmt(q->a, "%s/%.*s", ns.name, WH_FMT(name))
               : name;
    if (!store_repo_by_name(q->db, q->a, kind, full, out, err)) {
        return false;
    }
    return out->owner == ns.id || wh_fail(err, WH_REPO_NOT_FOUND, "");
}

bool api_repo_delete(struct front_req *q, struct wh_err *err)
{
    struct store_repo repo = {0};
    json_t *body;

    if (!front_req_json(q, &body, err) || !body_repo(q, body, &repo, err) ||
        !hub_repo_delete(q->house->writer, repo.id, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

struct settings {
    const struct store_repo *repo;
    bool is_private, published;
};

static bool settings_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct settings *s = ctx;

    s->published = s->repo->is_private && !s->is_private;
    return store_repo_private_set(db, s->repo->id, s->is_private, err) &&
           (!s->published || hub_release_again(db, s->repo, err));
}

bool api_repo_settings(struct front_req *q, struct wh_err *err)
{
    struct settings s = {.repo = &q->repo};
    json_t *body;

    if (!front_req_json(q, &body, err)) {
        return false;
    }
    if (json_object_get(body, "gated") &&
        !json_is_false(json_object_get(body, "gated"))) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "access requests by form are not offered here: who may "
                       "download is decided by the line");
    }
    if (json_object_get(body, "private") ||
        json_object_get(body, "visibility")) {
        if (!body_private(body, &s.is_private, err) ||
            !db_write(q->house->writer, settings_fn, &s, err) ||
            (s.published &&
             !hub_release_resume(q->house->release, q->db, wh_now_us(), err))) {
            return false;
        }
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

/* ---- info ---- */

static bool add_siblings(struct front_req *q, struct hub_git *g,
                         const struct hub_oid *commit, json_t *o,
                         struct wh_err *err)
{
    bool blobs = front_query_bool(q->net->query, "blobs", q->a), more;
    struct hub_entry *list;
    json_t *siblings = json_array();
    size_t n;

    json_object_set_new(o, "siblings", siblings);
    if (!hub_git_list(g, commit, WH_S(""), true, WH_S(""), SIBLINGS_MAX, q->a,
                      &list, &n, &more, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!list[i].dir) {
            json_array_append_new(siblings, hub_view_sibling(&list[i], blobs));
        }
    }
    return true;
}

/* With `expand` only the named properties stay, beside _id and id. */
static void keep_expanded(struct front_req *q, json_t *o)
{
    struct wh_str want;
    json_t *all;
    size_t i = 0;

    if (!front_query(q->net->query, "expand", 0, q->a, &want)) {
        return;
    }
    all = wh_json_own(q->a, json_copy(o));
    json_object_clear(o);
    json_object_set(o, "_id", json_object_get(all, "_id"));
    json_object_set(o, "id", json_object_get(all, "id"));
    for (; front_query(q->net->query, "expand", i, q->a, &want); i++) {
        const char *key = wh_arena_cstr(q->a, want);
        json_t *v = json_object_get(all, key);
        if (v) {
            json_object_set(o, key, v);
        }
    }
}

static bool fill_info(struct front_req *q, struct hub_git *g, json_t *o,
                      struct wh_err *err)
{
    struct wh_str rev = q->at.rev.n ? q->at.rev : WH_S("main");
    char hex[HUB_OID_HEX + 1];
    struct hub_oid commit;

    if (q->at.rev.n == 0 && q->repo.head.sha.n == 0) {
        json_object_set_new(o, "siblings", json_array());
        return true;
    }
    if (!hub_git_resolve(g, rev, &commit, err)) {
        return false;
    }
    hub_oid_hex(&commit, hex);
    json_object_set_new(o, "sha", json_string(hex));
    return add_siblings(q, g, &commit, o, err);
}

bool api_repo_info(struct front_req *q, struct wh_err *err)
{
    json_t *o = wh_json_own(q->a, hub_view_repo(&q->repo, false));
    struct hub_git *g = NULL;
    bool ok =
        hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, &g, err) &&
        fill_info(q, g, o, err);

    hub_git_close(&g);
    if (ok) {
        keep_expanded(q, o);
        front_answer_json(q->net, 200, o);
    }
    return ok;
}

/* ---- lists ---- */

static const struct {
    const char *word;
    enum store_sort sort;
} SORTS[] = {
    {"lastModified", STORE_SORT_MODIFIED},
    {"last_modified", STORE_SORT_MODIFIED},
    {"createdAt", STORE_SORT_CREATED},
    {"created_at", STORE_SORT_CREATED},
    {"downloads", STORE_SORT_DOWNLOADS},
    {"likes", STORE_SORT_LIKES},
    {"likes30d", STORE_SORT_LIKES},
    {"trendingScore", STORE_SORT_MODIFIED},
    {"trending_score", STORE_SORT_MODIFIED},
    {"id", STORE_SORT_ID},
};

static bool list_sort(struct front_req *q, enum store_sort *out,
                      struct wh_err *err)
{
    struct wh_str word;

    *out = STORE_SORT_MODIFIED;
    if (!front_query(q->net->query, "sort", 0, q->a, &word)) {
        return true;
    }
    for (size_t i = 0; i < sizeof SORTS / sizeof *SORTS; i++) {
        if (wh_str_is(word, SORTS[i].word)) {
            *out = SORTS[i].sort;
            return true;
        }
    }
    return wh_fail(err, WH_BAD_REQUEST, "lists can not be sorted by \"%.*s\"",
                   (int)(word.n > 40 ? 40 : word.n), word.p);
}

/* Query keys that are tags, as they are or behind a prefix. */
static const struct {
    const char *key, *prefix;
} TAG_QUERIES[] = {
    {"filter", ""},
    {"pipeline_tag", ""},
    {"library", ""},
    {"trained_dataset", "dataset:"},
};

static void collect_tags(struct front_req *q, struct store_repo_query *list)
{
    struct wh_str *tags =
                      wh_arena_array(q->a, STORE_FILTERS_MAX + 1, sizeof *tags),
                  v, one;

    for (size_t k = 0; k < sizeof TAG_QUERIES / sizeof *TAG_QUERIES; k++) {
        for (size_t i = 0;
             front_query(q->net->query, TAG_QUERIES[k].key, i, q->a, &v); i++) {
            while (v.n > 0 && list->n_tags <= STORE_FILTERS_MAX) {
                wh_str_cut(&v, ',', &one);
                tags[list->n_tags++] = wh_arena_fmt(
                    q->a, "%s%.*s", TAG_QUERIES[k].prefix, WH_FMT(one));
            }
        }
    }
    list->tags = tags;
}

static void collect_words(struct front_req *q, struct store_repo_query *list)
{
    struct wh_str *words = wh_arena_array(q->a, STORE_FILTERS_MAX + 1,
                                          sizeof *words),
                  v, one;

    for (size_t i = 0; front_query(q->net->query, "search", i, q->a, &v); i++) {
        while (v.n > 0 && list->n_words <= STORE_FILTERS_MAX) {
            wh_str_cut(&v, ' ', &one);
            if (one.n > 0) {
                words[list->n_words++] = one;
            }
        }
    }
    list->words = words;
}

/* author=: *nobody is set when there is no such account. */
static bool find_author(struct front_req *q, struct store_repo_query *list,
                        bool *nobody, struct wh_err *err)
{
    struct store_account author;
    struct wh_err why = {0};
    struct wh_str name;

    *nobody = false;
    if (!front_query(q->net->query, "author", 0, q->a, &name)) {
        return true;
    }
    if (!store_account_by_name(q->db, name, &author, &why)) {
        *nobody = why.code == WH_NOT_FOUND;
        if (!*nobody) {
            *err = why;
        }
        return *nobody;
    }
    list->owner = author.id;
    return true;
}

static bool list_query(struct front_req *q, struct store_repo_query *list,
                       bool *nobody, struct wh_err *err)
{
    struct wh_str cursor;

    *list =
        (struct store_repo_query){.kind = q->at.kind, .names = q->house->names};
    list->limit = (size_t)front_query_u64(q->net->query, "limit", 1000, 1,
                                          STORE_LIST_MAX, q->a);
    collect_tags(q, list);
    collect_words(q, list);
    if (!list_sort(q, &list->sort, err) || !front_list_readable(q, list, err) ||
        !find_author(q, list, nobody, err)) {
        return false;
    }
    return !front_query(q->net->query, "cursor", 0, q->a, &cursor) ||
           store_cursor_parse(cursor, list->sort, &list->after, err);
}

/* Link to the next page: the same query, with the cursor replaced. */
static void link_next(struct front_req *q, const struct store_cursor *next)
{
    struct wh_str href = front_list_next(q, next);

    if (href.n > 0) {
        net_answer_headerf(q->net, "Link", "<%.*s%.*s>; rel=\"next\"",
                           WH_FMT(front_req_base(q)), WH_FMT(href));
    }
}

bool api_repo_list(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    struct store_repo_query query;
    struct store_repo_page page = {0};
    struct wh_str ignored;
    bool brief, nobody;

    if (!list_query(q, &query, &nobody, err) ||
        (!nobody && !store_repo_list(q->db, q->a, &query, &page, err))) {
        return false;
    }
    brief = !front_query_bool(q->net->query, "full", q->a) &&
            !front_query_bool(q->net->query, "cardData", q->a) &&
            !front_query(q->net->query, "expand", 0, q->a, &ignored);
    for (size_t i = 0; i < page.n; i++) {
        json_t *o = hub_view_repo(&page.repos[i], brief);
        keep_expanded(q, o);
        json_array_append_new(list, o);
    }
    net_answer(q->net, 200);
    if (page.next.set) {
        link_next(q, &page.next);
    }
    front_answer_json_body(q->net, list);
    return true;
}
