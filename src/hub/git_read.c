/*
 * git_read.c - commits, entries, listings and history of a repo.
 */
#include "hub/git.h"
#include "hub/git_impl.h"

static void to_git(const struct hub_oid *in, git_oid *out)
{
    memcpy(out->id, in->b, HUB_OID_LEN);
}

static void from_git(const git_oid *in, struct hub_oid *out)
{
    memcpy(out->b, in->id, HUB_OID_LEN);
}

/* ---- commits ---- */

static bool lookup_commit(struct hub_git *g, const struct hub_oid *oid,
                          git_commit **out, struct wh_err *err)
{
    git_oid id;

    to_git(oid, &id);
    if (git_commit_lookup(out, g->git, &id) < 0) {
        return hub_git_fail(err, WH_REVISION_NOT_FOUND, "Invalid rev id");
    }
    return true;
}

static void fill_commit(const git_commit *c, struct wh_arena *a,
                        struct hub_commit *out)
{
    const git_signature *who = git_commit_author(c);
    struct wh_str message = wh_str_of(git_commit_message(c));
    struct wh_str rest = message, title;

    *out = (struct hub_commit){0};
    from_git(git_commit_id(c), &out->oid);
    from_git(git_commit_tree_id(c), &out->tree);
    if (git_commit_parentcount(c) > 0) {
        from_git(git_commit_parent_id(c, 0), &out->parent);
    }
    wh_str_cut(&rest, '\n', &title);
    out->title = wh_arena_dup(a, title);
    out->message = wh_arena_dup(a, wh_str_trim(rest));
    out->author = wh_arena_dup(a, wh_str_of(who ? who->name : ""));
    out->time_us = (int64_t)git_commit_time(c) * 1000000;
}

bool hub_git_commit(struct hub_git *g, const struct hub_oid *oid,
                    struct wh_arena *a, struct hub_commit *out,
                    struct wh_err *err)
{
    git_commit *c = NULL;

    if (!lookup_commit(g, oid, &c, err)) {
        return false;
    }
    fill_commit(c, a, out);
    git_commit_free(c);
    return true;
}

bool hub_git_log(struct hub_git *g, const struct hub_oid *from, size_t skip,
                 size_t limit, struct wh_arena *a, struct hub_commit **out,
                 size_t *n, size_t *total, struct wh_err *err)
{
    git_revwalk *walk = NULL;
    git_oid id;
    struct hub_commit *list =
        wh_arena_array(a, limit ? limit : 1, sizeof *list);
    size_t seen = 0, got = 0;
    bool ok = true;

    to_git(from, &id);
    if (git_revwalk_new(&walk, g->git) < 0 ||
        git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME) < 0 ||
        git_revwalk_push(walk, &id) < 0) {
        git_revwalk_free(walk);
        return hub_git_fail(err, WH_REVISION_NOT_FOUND, "Invalid rev id");
    }
    while (ok && git_revwalk_next(&id, walk) == 0) {
        if (seen >= skip && got < limit) {
            struct hub_oid oid;
            from_git(&id, &oid);
            ok = hub_git_commit(g, &oid, a, &list[got], err);
            got++;
        }
        seen++;
    }
    git_revwalk_free(walk);
    *out = list;
    *n = got;
    *total = seen;
    return ok;
}

/* ---- entries ---- */

static bool no_entry(struct wh_err *err, struct wh_str path)
{
    return wh_fail(err, WH_ENTRY_NOT_FOUND, "Entry not found: %.*s",
                   (int)(path.n > 200 ? 200 : path.n), path.p);
}

/* What a listing says of one tree entry; path is in the arena already. */
static bool fill_entry(struct hub_git *g, const git_tree_entry *te,
                       struct wh_str path, struct hub_entry *out,
                       struct wh_err *err)
{
    struct hub_git_meta meta;
    bool found;

    *out = (struct hub_entry){.path = path};
    from_git(git_tree_entry_id(te), &out->oid);
    out->dir = git_tree_entry_type(te) == GIT_OBJECT_TREE;
    out->exec = git_tree_entry_filemode(te) == GIT_FILEMODE_BLOB_EXECUTABLE;
    if (out->dir || git_tree_entry_type(te) != GIT_OBJECT_BLOB) {
        return true;
    }
    if (!hub_git_meta(g, git_tree_entry_id(te), &found, &meta, err)) {
        return false;
    }
    if (!found) {
        return wh_fail(err, WH_CORRUPT, "an object of this repo is missing");
    }
    out->size = meta.size;
    memcpy(out->sha256, meta.content, sizeof out->sha256);
    memcpy(out->class, meta.class, sizeof out->class);
    if (meta.lfs) {
        out->lfs = true;
        out->pointer_size = meta.size;
        out->size = meta.pointer.size;
        memcpy(out->sha256, meta.pointer.sha256, sizeof out->sha256);
    }
    return true;
}

static bool lookup_root(struct hub_git *g, const struct hub_oid *commit,
                        git_tree **out, struct wh_err *err)
{
    git_commit *c = NULL;
    bool ok = lookup_commit(g, commit, &c, err);

    if (ok && git_commit_tree(out, c) < 0) {
        ok = hub_git_fail(err, WH_CORRUPT, "a tree of this repo is missing");
    }
    git_commit_free(c);
    return ok;
}

/* The entry at a non-empty path; free with git_tree_entry_free. */
static bool lookup_path(git_tree *root, struct wh_str path, struct wh_arena *a,
                        git_tree_entry **out, struct wh_err *err)
{
    if (memchr(path.p, 0, path.n) ||
        git_tree_entry_bypath(out, root, wh_arena_cstr(a, path)) < 0) {
        return no_entry(err, path);
    }
    return true;
}

bool hub_git_entry(struct hub_git *g, const struct hub_oid *commit,
                   struct wh_str path, struct wh_arena *a,
                   struct hub_entry *out, struct wh_err *err)
{
    git_tree *root = NULL;
    git_tree_entry *te = NULL;
    bool ok = lookup_root(g, commit, &root, err);

    if (ok && path.n == 0) {
        *out = (struct hub_entry){.path = path, .dir = true};
        from_git(git_tree_id(root), &out->oid);
    } else if (ok) {
        ok = lookup_path(root, path, a, &te, err) &&
             fill_entry(g, te, wh_arena_dup(a, path), out, err);
    }
    git_tree_entry_free(te);
    git_tree_free(root);
    return ok;
}

/* ---- listings ---- */

struct lister {
    struct hub_git *g;
    struct wh_arena *a;
    struct wh_err *err;
    bool recursive;
    struct wh_str after; /* list strictly behind this path */
    bool started;        /* `after` was passed */
    size_t limit, n, cap;
    struct hub_entry *list;
    bool more;
};

/* A slot at the end of the growing list. */
static struct hub_entry *next_slot(struct lister *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct hub_entry *bigger = wh_arena_array(l->a, cap, sizeof *bigger);
        if (l->n > 0) {
            memcpy(bigger, l->list, l->n * sizeof *bigger);
        }
        l->list = bigger;
        l->cap = cap;
    }
    return &l->list[l->n];
}

/* Is the folder `path` on the way to the place where the listing starts? */
static bool leads_to_start(const struct lister *l, struct wh_str path)
{
    return l->after.n > path.n && l->after.p[path.n] == '/' &&
           wh_str_starts(l->after, path);
}

static bool list_tree(struct lister *l, const git_tree *tree,
                      struct wh_str prefix, int depth);

static bool list_subtree(struct lister *l, const git_tree_entry *te,
                         struct wh_str path, int depth)
{
    git_tree *sub = NULL;
    bool ok;

    if (depth >= HUB_GIT_DEPTH) {
        return wh_fail(l->err, WH_TOO_LARGE, "folders are nested too deep");
    }
    if (git_tree_lookup(&sub, l->g->git, git_tree_entry_id(te)) < 0) {
        return hub_git_fail(l->err, WH_CORRUPT, "a tree is missing");
    }
    ok = list_tree(l, sub, path, depth + 1);
    git_tree_free(sub);
    return ok;
}

static bool list_entry(struct lister *l, const git_tree_entry *te,
                       struct wh_str path, int depth)
{
    bool dir = git_tree_entry_type(te) == GIT_OBJECT_TREE;

    if (!l->started) {
        l->started = wh_str_eq(path, l->after);
        if (!dir || !l->recursive || !(l->started || leads_to_start(l, path))) {
            return true;
        }
        return list_subtree(l, te, path, depth);
    }
    if (l->n == l->limit) {
        l->more = true;
        return true;
    }
    if (!fill_entry(l->g, te, path, next_slot(l), l->err)) {
        return false;
    }
    l->n++;
    return !dir || !l->recursive || list_subtree(l, te, path, depth);
}

static bool list_tree(struct lister *l, const git_tree *tree,
                      struct wh_str prefix, int depth)
{
    size_t count = git_tree_entrycount(tree);

    for (size_t i = 0; i < count && !l->more; i++) {
        const git_tree_entry *te = git_tree_entry_byindex(tree, i);
        struct wh_str path =
            wh_arena_fmt(l->a, "%.*s%s%s", WH_FMT(prefix), prefix.n ? "/" : "",
                         git_tree_entry_name(te));
        if (!list_entry(l, te, path, depth)) {
            return false;
        }
    }
    return true;
}

bool hub_git_list(struct hub_git *g, const struct hub_oid *commit,
                  struct wh_str path, bool recursive, struct wh_str after,
                  size_t limit, struct wh_arena *a, struct hub_entry **out,
                  size_t *n, bool *more, struct wh_err *err)
{
    struct lister l = {.g = g,
                       .a = a,
                       .err = err,
                       .recursive = recursive,
                       .after = after,
                       .started = after.n == 0,
                       .limit = limit};
    git_tree *root = NULL, *tree = NULL;
    git_tree_entry *te = NULL;
    bool ok = lookup_root(g, commit, &root, err);

    if (ok && path.n == 0) {
        ok = list_tree(&l, root, path, 0);
    } else if (ok && lookup_path(root, path, a, &te, err)) {
        ok = git_tree_entry_type(te) == GIT_OBJECT_TREE &&
                     git_tree_lookup(&tree, g->git, git_tree_entry_id(te)) == 0
                 ? list_tree(&l, tree, path, 0)
                 : no_entry(err, path);
    } else {
        ok = false;
    }
    git_tree_entry_free(te);
    git_tree_free(tree);
    git_tree_free(root);
    if (ok) {
        *out = l.list;
        *n = l.n;
        *more = l.more;
    }
    return ok;
}

/* ---- how far a tree goes ---- */

static bool measure_tree(struct hub_git *g, const git_tree *tree, size_t max,
                         unsigned depth, struct hub_git_extent *out,
                         struct wh_err *err)
{
    size_t count = git_tree_entrycount(tree);
    bool ok = true;

    out->depth = depth > out->depth ? depth : out->depth;
    for (size_t i = 0; ok && i < count && out->entries < max; i++) {
        const git_tree_entry *te = git_tree_entry_byindex(tree, i);
        git_tree *sub = NULL;
        out->entries++;
        if (git_tree_entry_type(te) != GIT_OBJECT_TREE ||
            depth > HUB_GIT_DEPTH) {
            continue;
        }
        if (git_tree_lookup(&sub, g->git, git_tree_entry_id(te)) < 0) {
            return hub_git_fail(err, WH_CORRUPT, "a tree is missing");
        }
        ok = measure_tree(g, sub, max, depth + 1, out, err);
        git_tree_free(sub);
    }
    return ok;
}

bool hub_git_measure(struct hub_git *g, const struct hub_oid *commit,
                     size_t max, struct hub_git_extent *out, struct wh_err *err)
{
    git_tree *root = NULL;
    bool ok;

    *out = (struct hub_git_extent){0};
    ok = lookup_root(g, commit, &root, err) &&
         measure_tree(g, root, max, 0, out, err);
    git_tree_free(root);
    return ok;
}

/* ---- blobs ---- */

bool hub_git_blob(struct hub_git *g, const struct hub_oid *oid, size_t max,
                  struct wh_arena *a, struct wh_str *out, struct wh_err *err)
{
    struct hub_git_meta meta;
    git_blob *blob = NULL;
    git_oid id;
    bool found;

    to_git(oid, &id);
    if (!hub_git_meta(g, &id, &found, &meta, err)) {
        return false;
    }
    if (!found || meta.type != GIT_OBJECT_BLOB) {
        return wh_fail(err, WH_ENTRY_NOT_FOUND, "");
    }
    if (meta.size > max) {
        return wh_fail(err, WH_TOO_LARGE, "the file is larger than %zu bytes",
                       max);
    }
    if (git_blob_lookup(&blob, g->git, &id) < 0) {
        return hub_git_fail(err, WH_CORRUPT, "a file of this repo is damaged");
    }
    *out = wh_arena_dup(a, wh_str_mem(git_blob_rawcontent(blob),
                                      (size_t)git_blob_rawsize(blob)));
    git_blob_free(blob);
    return true;
}
