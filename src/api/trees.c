/*
 * trees.c - folders, paths, references and history.
 */
#include "api/handlers.h"
#include "base/buf.h"
#include "front/answer.h"
#include "hub/repos.h"
#include "hub/view.h"

/* Entries of one page of a tree: llama.cpp never asks for a second one. */
#define TREE_PAGE 50000u
#define PATHS_MAX 1000u
#define LOG_PAGE 100u
#define LOG_PAGE_MAX 500u
#define REFS_MAX 10000u

/* Open the repo's git and find the commit of the path's revision. */
static bool open_at(struct front_req *q, struct hub_git **g,
                    struct hub_oid *commit, struct wh_err *err)
{
    if (!hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, g, err)) {
        return false;
    }
    if (hub_git_resolve(*g, q->at.rev, commit, err)) {
        return true;
    }
    hub_git_close(g);
    return false;
}

/* ---- trees ---- */

/* A repo without commits has an empty tree on main, not an unknown one. */
static bool is_empty_main(const struct front_req *q)
{
    return q->repo.head.sha.n == 0 && wh_str_is(q->at.rev, "main");
}

static void tree_link(struct front_req *q, struct wh_str last)
{
    struct wh_buf b;

    wh_buf_init(&b, 16384);
    wh_buf_fmt(&b, "<%.*s%.*s?recursive=%s&cursor=", WH_FMT(front_req_base(q)),
               WH_FMT(q->net->path),
               front_query_bool(q->net->query, "recursive", q->a) ? "true"
                                                                  : "false");
    wh_buf_url(&b, last);
    wh_buf_cstr(&b, ">; rel=\"next\"");
    net_answer_header(q->net, "Link", wh_buf_str(&b));
    wh_buf_done(&b);
}

static void answer_tree(struct front_req *q, const struct hub_entry *list,
                        size_t n, bool more)
{
    json_t *all = wh_json_own(q->a, json_array());

    for (size_t i = 0; i < n; i++) {
        json_array_append_new(all, hub_view_entry(&list[i]));
    }
    net_answer(q->net, 200);
    if (more && n > 0) {
        tree_link(q, list[n - 1].path);
    }
    front_answer_json_body(q->net, all);
}

bool api_tree(struct front_req *q, struct wh_err *err)
{
    struct hub_git *g = NULL;
    struct hub_entry *list;
    struct hub_oid commit;
    struct wh_str after = WH_S("");
    bool more, ok;
    size_t n;

    if (is_empty_main(q) && q->at.path.n == 0) {
        answer_tree(q, NULL, 0, false);
        return true;
    }
    if (!open_at(q, &g, &commit, err)) {
        return false;
    }
    front_query(q->net->query, "cursor", 0, q->a, &after);
    ok = hub_git_list(g, &commit, q->at.path,
                      front_query_bool(q->net->query, "recursive", q->a), after,
                      (size_t)front_query_u64(q->net->query, "limit", TREE_PAGE,
                                              1, TREE_PAGE, q->a),
                      q->a, &list, &n, &more, err);
    hub_git_close(&g);
    if (ok) {
        answer_tree(q, list, n, more);
    }
    return ok;
}

/* ---- paths-info: a form from Python, JSON from JavaScript ---- */

static bool paths_from_json(struct front_req *q, struct wh_str *paths,
                            size_t *n, struct wh_err *err)
{
    const json_t *list, *item;
    json_t *body;
    size_t i;

    if (!front_req_json(q, &body, err)) {
        return false;
    }
    list = json_object_get(body, "paths");
    json_array_foreach(list, i, item)
    {
        if (*n == PATHS_MAX) {
            return wh_fail(err, WH_TOO_LARGE, "at most %u paths at once",
                           PATHS_MAX);
        }
        if (json_is_string(item)) {
            paths[(*n)++] = wh_str_of(json_string_value(item));
        }
    }
    return true;
}

static bool paths_from_form(struct front_req *q, struct wh_str *paths,
                            size_t *n, struct wh_err *err)
{
    struct wh_str body = net_req_body(q->net), pair;

    while (body.n > 0) {
        wh_str_cut(&body, '&', &pair);
        if (!front_query(pair, "paths", 0, q->a, &paths[*n])) {
            continue;
        }
        if (++*n > PATHS_MAX) {
            return wh_fail(err, WH_TOO_LARGE, "at most %u paths at once",
                           PATHS_MAX);
        }
    }
    return true;
}

static bool add_paths(struct front_req *q, struct hub_git *g,
                      const struct hub_oid *commit, const struct wh_str *paths,
                      size_t n, json_t *out, struct wh_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct wh_err why = {0};
        struct hub_entry e;
        if (paths[i].n == 0) {
            continue;
        }
        if (hub_git_entry(g, commit, paths[i], q->a, &e, &why)) {
            json_array_append_new(out, hub_view_entry(&e));
        } else if (why.code != WH_ENTRY_NOT_FOUND) {
            *err = why;
            return false;
        }
    }
    return true;
}

bool api_paths_info(struct front_req *q, struct wh_err *err)
{
    struct wh_str type = net_req_header(q->net, "content-type");
    struct wh_str *paths = wh_arena_array(q->a, PATHS_MAX + 2, sizeof *paths);
    json_t *out = wh_json_own(q->a, json_array());
    struct hub_git *g = NULL;
    struct hub_oid commit;
    size_t n = 0;
    bool ok;

    ok = wh_str_starts(type, WH_S("application/json"))
             ? paths_from_json(q, paths, &n, err)
             : paths_from_form(q, paths, &n, err);
    if (!ok || !open_at(q, &g, &commit, err)) {
        return false;
    }
    ok = add_paths(q, g, &commit, paths, n, out, err);
    hub_git_close(&g);
    if (ok) {
        front_answer_json(q->net, 200, out);
    }
    return ok;
}

/* ---- references ---- */

/* Which list of the answer a reference belongs to. */
static const struct {
    const char *prefix, *list;
} REF_LISTS[] = {
    {"refs/heads/", "branches"},
    {"refs/tags/", "tags"},
    {"refs/convert/", "converts"},
    {"refs/pr/", "pullRequests"},
};

static void add_ref(json_t *out, struct wh_str ref, struct wh_str oid)
{
    char hex[HUB_OID_HEX + 1];
    struct hub_oid id;

    memcpy(id.b, oid.p, HUB_OID_LEN);
    hub_oid_hex(&id, hex);
    for (size_t i = 0; i < sizeof REF_LISTS / sizeof *REF_LISTS; i++) {
        struct wh_str prefix = wh_str_of(REF_LISTS[i].prefix);
        json_t *list = json_object_get(out, REF_LISTS[i].list), *o;
        if (!list || !wh_str_starts(ref, prefix)) {
            continue;
        }
        o = json_object();
        json_object_set_new(o, "name",
                            wh_json_str(wh_str_sub(ref, prefix.n, ref.n)));
        json_object_set_new(o, "ref", wh_json_str(ref));
        json_object_set_new(o, "targetCommit", json_string(hex));
        json_array_append_new(list, o);
    }
}

bool api_refs(struct front_req *q, struct wh_err *err)
{
    json_t *out = wh_json_own(
        q->a, json_pack("{s:[],s:[],s:[]}", "branches", "tags", "converts"));
    struct db_stmt *st = db_start(q->db, DBQ_GIT_REF_EACH);
    enum db_row row;
    size_t n = 0;

    if (front_query_bool(q->net->query, "include_prs", q->a)) {
        json_object_set_new(out, "pullRequests", json_array());
    }
    db_bind_i64(st, 1, q->repo.id);
    while ((row = db_step(st, err)) == DB_ROW && n++ < REFS_MAX) {
        struct wh_str oid = db_col_blob(st, 1);
        if (oid.n == HUB_OID_LEN) {
            add_ref(out, db_col_text(st, 0), oid);
        }
    }
    db_finish(&st);
    if (row == DB_FAIL) {
        return false;
    }
    front_answer_json(q->net, 200, out);
    return true;
}

/* ---- history ---- */

static void log_link(struct front_req *q, size_t skip, size_t limit)
{
    net_answer_headerf(
        q->net, "Link", "<%.*s%.*s?limit=%zu&cursor=%zu>; rel=\"next\"",
        WH_FMT(front_req_base(q)), WH_FMT(q->net->path), limit, skip);
}

bool api_commits(struct front_req *q, struct wh_err *err)
{
    size_t limit = (size_t)front_query_u64(q->net->query, "limit", LOG_PAGE, 1,
                                           LOG_PAGE_MAX, q->a);
    size_t skip = (size_t)front_query_u64(q->net->query, "cursor", 0, 0,
                                          UINT32_MAX, q->a);
    size_t page =
        (size_t)front_query_u64(q->net->query, "p", 0, 0, UINT16_MAX, q->a);
    json_t *out = wh_json_own(q->a, json_array());
    struct hub_git *g = NULL;
    struct hub_commit *list;
    struct hub_oid commit;
    size_t n, total;
    bool ok;

    skip = skip ? skip : page * limit;
    if (!open_at(q, &g, &commit, err)) {
        return false;
    }
    ok = hub_git_log(g, &commit, skip, limit, q->a, &list, &n, &total, err);
    hub_git_close(&g);
    if (!ok) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(out, hub_view_commit(&list[i]));
    }
    net_answer(q->net, 200);
    net_answer_headerf(q->net, "X-Total-Count", "%zu", total);
    if (skip + n < total) {
        log_link(q, skip + n, limit);
    }
    front_answer_json_body(q->net, out);
    return true;
}

/* ---- branches and tags ---- */

/* The tip of a reference, or WH_REVISION_NOT_FOUND. */
static bool need_ref(struct front_req *q, struct wh_str name,
                     struct hub_oid *out, struct wh_err *err)
{
    bool found;

    if (!hub_ref_read(q->db, q->repo.id, name, &found, out, err)) {
        return false;
    }
    return found || wh_fail(err, WH_REVISION_NOT_FOUND, "");
}

static bool create_ref(struct front_req *q, struct wh_str name,
                       struct wh_str at, struct wh_err *err)
{
    struct hub_git *g = NULL;
    struct hub_oid commit;
    bool ok;

    if (!hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, &g, err)) {
        return false;
    }
    ok = hub_git_resolve(g, at, &commit, err);
    hub_git_close(&g);
    if (!ok) {
        return false;
    }
    if (hub_repo_ref(q->house->writer, q->repo.id, name, NULL, &commit,
                     front_req_account(q), err)) {
        front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
        return true;
    }
    if (err->code == WH_HEAD_MOVED) {
        *err = (struct wh_err){0};
        return wh_fail(err, WH_CONFLICT, "Reference already exists: %.*s",
                       WH_FMT(name));
    }
    return false;
}

bool api_branch_create(struct front_req *q, struct wh_err *err)
{
    struct wh_str name, start;
    json_t *body;

    return front_req_json(q, &body, err) &&
           wh_json_opt_str(body, "startingPoint", WH_S("main"), &start, err) &&
           hub_ref_name(q->a, q->at.rev, &name, err) &&
           create_ref(q, name, start, err);
}

static bool drop_ref(struct front_req *q, struct wh_str name,
                     struct wh_err *err)
{
    struct hub_oid tip;

    if (!need_ref(q, name, &tip, err) ||
        !hub_repo_ref(q->house->writer, q->repo.id, name, &tip, NULL,
                      front_req_account(q), err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

bool api_branch_delete(struct front_req *q, struct wh_err *err)
{
    struct wh_str name;

    if (!hub_ref_name(q->a, q->at.rev, &name, err)) {
        return false;
    }
    if (wh_str_is(name, "refs/heads/main")) {
        return wh_fail(err, WH_FORBIDDEN, "The branch main can't be deleted");
    }
    return drop_ref(q, name, err);
}

static bool tag_name(struct front_req *q, struct wh_str tag, struct wh_str *out,
                     struct wh_err *err)
{
    return hub_ref_name(q->a, wh_arena_fmt(q->a, "refs/tags/%.*s", WH_FMT(tag)),
                        out, err);
}

bool api_tag_create(struct front_req *q, struct wh_err *err)
{
    struct wh_str tag, name;
    json_t *body;

    return front_req_json(q, &body, err) &&
           wh_json_get_str(body, "tag", &tag, err) &&
           tag_name(q, tag, &name, err) && create_ref(q, name, q->at.rev, err);
}

bool api_tag_delete(struct front_req *q, struct wh_err *err)
{
    struct wh_str name;

    return tag_name(q, q->at.rev, &name, err) && drop_ref(q, name, err);
}
