/*
 * git_write.c - new blobs, trees and commits in the overlay, and their way
 * into rows.
 */
#include "base/mem.h"
#include "hub/git.h"
#include "hub/git_impl.h"
#include "hub/ops.h"

static bool to_hub(const git_oid *in, struct hub_oid *out)
{
    memcpy(out->b, in->id, HUB_OID_LEN);
    return true;
}

bool hub_git_put_blob(struct hub_git *g, struct wh_str data,
                      struct hub_oid *out, struct wh_err *err)
{
    git_oid oid;

    wh_assert(data.n <= HUB_BLOB_ROW_MAX);
    if (git_blob_create_from_buffer(&oid, g->git, data.n ? data.p : "",
                                    data.n) < 0) {
        return hub_git_fail(err, WH_TOO_LARGE,
                            "the commit holds more than one job may hold");
    }
    return to_hub(&oid, out);
}

bool hub_git_put_content(struct hub_git *g, struct hub_oid oid, uint64_t size,
                         const char *sha256, struct wh_err *err)
{
    struct hub_git_new o = {.type = GIT_OBJECT_BLOB, .size = size};

    if (strlen(sha256) != WH_SHA256_HEX) {
        return wh_fail(err, WH_INTERNAL, "");
    }
    memcpy(o.oid.id, oid.b, HUB_OID_LEN);
    memcpy(o.content, sha256, sizeof o.content);
    hub_git_overlay_add(g, &o);
    return true;
}

void hub_git_set_class(struct hub_git *g, const struct hub_oid *oid,
                       struct wh_str class)
{
    struct hub_git_new *o;
    git_oid id;

    memcpy(id.id, oid->b, HUB_OID_LEN);
    o = hub_git_overlay(g, &id);
    if (o && class.n < sizeof o->class) {
        memcpy(o->class, class.p, class.n);
        o->class[class.n] = 0;
    }
}

void hub_git_blob_oid(struct wh_str data, struct hub_oid *out)
{
    git_oid oid;

    wh_assert(git_odb_hash(&oid, data.p, data.n, GIT_OBJECT_BLOB) == 0);
    to_hub(&oid, out);
}

/* ---- trees ---- */

static bool bad_change(struct wh_err *err)
{
    const git_error *e = git_error_last();

    return wh_fail(err, WH_BAD_NAME, "git refuses these paths: %s",
                   e ? e->message : "");
}

/* One round of libgit2's tree editor. base may be null. */
static bool edit_tree(struct hub_git *g, const git_oid *base,
                      const git_tree_update *updates, size_t n, git_oid *out,
                      struct wh_err *err)
{
    git_tree *tree = NULL;
    bool ok;

    if (base && git_tree_lookup(&tree, g->git, base) < 0) {
        return hub_git_fail(err, WH_CORRUPT, "a tree of this repo is missing");
    }
    ok = git_tree_create_updated(out, g->git, tree, n, updates) == 0;
    git_tree_free(tree);
    return ok || bad_change(err);
}

/* Does base hold something at this path, and is it a folder? */
static git_object_t type_at(const git_tree *base, const char *path)
{
    git_tree_entry *te = NULL;
    git_object_t type = GIT_OBJECT_INVALID;

    if (base && git_tree_entry_bypath(&te, base, path) == 0) {
        type = git_tree_entry_type(te);
    }
    git_tree_entry_free(te);
    return type;
}

/* Collects the removals of the first round. */
struct removals {
    struct wh_arena *a;
    git_tree_update *list;
    size_t n, cap;
};

static void remove_path(struct removals *r, const char *path)
{
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->list[i].path, path) == 0) {
            return;
        }
    }
    wh_assert(r->n < r->cap);
    r->list[r->n++] =
        (git_tree_update){.action = GIT_TREE_UPDATE_REMOVE, .path = path};
}

/* Make room for the file `path`: a folder at its place goes, and so does a
 * file where one of its folders must be. */
static void clear_way(const git_tree *base, char *path, struct removals *r)
{
    if (type_at(base, path) == GIT_OBJECT_TREE) {
        remove_path(r, path);
        return;
    }
    for (char *slash = strchr(path, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        git_object_t type;
        *slash = 0;
        type = type_at(base, path);
        if (type == GIT_OBJECT_BLOB) {
            remove_path(r, wh_arena_cstr(r->a, wh_str_of(path)));
        }
        *slash = '/';
        if (type != GIT_OBJECT_TREE) {
            return;
        }
    }
}

/* Split the changes into the two rounds. */
static void plan_rounds(const git_tree *base, const struct hub_change *changes,
                        size_t n, struct removals *r, git_tree_update *files,
                        size_t *nfiles)
{
    for (size_t i = 0; i < n; i++) {
        char *path = wh_arena_cstr(r->a, changes[i].path);
        if (changes[i].remove) {
            remove_path(r, path);
            continue;
        }
        clear_way(base, path, r);
        files[*nfiles] = (git_tree_update){.action = GIT_TREE_UPDATE_UPSERT,
                                           .filemode = GIT_FILEMODE_BLOB,
                                           .path = path};
        memcpy(files[*nfiles].id.id, changes[i].oid.b, HUB_OID_LEN);
        (*nfiles)++;
    }
}

bool hub_git_put_tree(struct hub_git *g, const struct hub_oid *base,
                      const struct hub_change *changes, size_t n,
                      struct hub_oid *tree, struct wh_err *err)
{
    struct wh_arena a;
    struct removals r = {.a = &a, .cap = 2 * n};
    git_tree_update *files;
    git_tree *base_tree = NULL;
    git_oid now, *at = NULL;
    size_t nfiles = 0;
    bool ok = true;

    for (size_t i = 0; i < n; i++) {
        if (!hub_path_ok(changes[i].path)) {
            return wh_fail(err, WH_BAD_NAME, "a path that git refuses");
        }
    }
    wh_arena_init(&a, (size_t)64 << 20);
    r.list = wh_arena_array(&a, 2 * n + 1, sizeof *r.list);
    files = wh_arena_array(&a, n + 1, sizeof *files);
    if (base) {
        memcpy(now.id, base->b, HUB_OID_LEN);
        at = &now;
        ok = git_tree_lookup(&base_tree, g->git, &now) == 0 ||
             hub_git_fail(err, WH_CORRUPT, "a tree of this repo is missing");
    }
    if (ok) {
        plan_rounds(base_tree, changes, n, &r, files, &nfiles);
        ok = r.n == 0 || edit_tree(g, at, r.list, r.n, &now, err);
        at = r.n ? &now : at;
    }
    if (ok && (nfiles > 0 || !at)) {
        ok = edit_tree(g, at, files, nfiles, &now, err);
    }
    git_tree_free(base_tree);
    wh_arena_done(&a);
    return ok && to_hub(&now, tree);
}

/* ---- commits ---- */

/* Mark what a new tree reaches. Old objects end the walk: what they reach is
 * in the table already. */
static void mark_tree(struct hub_git *g, const git_oid *oid)
{
    struct hub_git_new *o = hub_git_overlay(g, oid);
    git_tree *tree = NULL;

    if (!o || o->wanted) {
        return;
    }
    o->wanted = true;
    if (o->type != GIT_OBJECT_TREE || git_tree_lookup(&tree, g->git, oid) < 0) {
        return;
    }
    for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
        mark_tree(g, git_tree_entry_id(git_tree_entry_byindex(tree, i)));
    }
    git_tree_free(tree);
}

static bool mark_from(struct hub_git *g, const struct hub_oid *commit,
                      struct wh_err *err)
{
    git_commit *c = NULL;
    struct hub_git_new *o;
    git_oid id;

    memcpy(id.id, commit->b, HUB_OID_LEN);
    o = hub_git_overlay(g, &id);
    if (!o) {
        return true; /* the same commit is a row already */
    }
    o->wanted = true;
    if (git_commit_lookup(&c, g->git, &id) < 0) {
        return hub_git_fail(err, WH_INTERNAL, "the new commit is gone");
    }
    mark_tree(g, git_commit_tree_id(c));
    git_commit_free(c);
    return true;
}

bool hub_git_put_commit(struct hub_git *g, const struct hub_oid *tree_oid,
                        const struct hub_oid *parent, const char *name,
                        const char *email, int64_t time_us, const char *message,
                        struct hub_oid *out, struct wh_err *err)
{
    git_signature *who = NULL;
    git_tree *tree = NULL;
    git_commit *mother = NULL;
    git_oid oid;
    bool ok;

    memcpy(oid.id, tree_oid->b, HUB_OID_LEN);
    ok = git_signature_new(&who, name, email, time_us / 1000000, 0) == 0 &&
         git_tree_lookup(&tree, g->git, &oid) == 0;
    if (ok && parent) {
        memcpy(oid.id, parent->b, HUB_OID_LEN);
        ok = git_commit_lookup(&mother, g->git, &oid) == 0;
    }
    if (ok) {
        const git_commit *parents[] = {mother};
        ok = git_commit_create(&oid, g->git, NULL, who, who, NULL, message,
                               tree, mother ? 1 : 0, parents) == 0;
    }
    if (ok) {
        to_hub(&oid, out);
        ok = mark_from(g, out, err);
    } else {
        hub_git_fail(err, WH_OUTSIDE, "git could not make the commit");
    }
    git_commit_free(mother);
    git_tree_free(tree);
    git_signature_free(who);
    return ok;
}

/* ---- into rows ---- */

static bool add_row(struct db *db, int64_t repo, const struct hub_git_new *o,
                    struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_GIT_OBJECT_ADD);

    db_bind_i64(st, 1, repo);
    db_bind_blob(st, 2, o->oid.id, GIT_OID_RAWSZ);
    db_bind_i64(st, 3, (int64_t)o->type);
    db_bind_i64(st, 4, (int64_t)o->size);
    if (o->content[0]) {
        db_bind_cstr(st, 6, o->content);
    } else {
        db_bind_blob(st, 5, o->data.n ? o->data.p : "", o->data.n);
    }
    if (o->lfs) {
        db_bind_cstr(st, 7, o->pointer.sha256);
        db_bind_i64(st, 8, (int64_t)o->pointer.size);
    }
    db_bind_cstr(st, 9, o->class);
    return db_exec(st, err);
}

bool hub_git_flush(const struct hub_git *g, struct db *db, struct wh_err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        if (g->fresh[i].wanted && !add_row(db, g->repo, &g->fresh[i], err)) {
            return false;
        }
    }
    return true;
}
