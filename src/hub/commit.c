/*
 * commit.c - operations become blobs, changes, a tree, a commit.
 *
 * Blobs are made once; the tree is made again for each try, when the branch
 * moved under a commit that named no parent.
 */
#include "hub/commit.h"
#include "hub/open.h"
#include "hub/pointer.h"

/* ---- blobs ---- */

static bool large_blob(struct hub_git *g, struct wh_str data,
                       struct hub_blob *out, struct wh_err *err)
{
    wh_sha256_hex_of(data, out->sha256);
    hub_git_blob_oid(data, &out->oid);
    return hub_git_put_content(g, out->oid, data.n, out->sha256, err);
}

static bool file_blob(struct hub_git *g, const struct hub_ops *ops,
                      const struct hub_op *op, struct hub_blob *out,
                      struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str data;
    bool ok;

    wh_arena_init(&a, HUB_REGULAR_MAX + 4096);
    ok = hub_ops_data(ops, op, &a, &data, err) &&
         (data.n <= HUB_BLOB_ROW_MAX ? hub_git_put_blob(g, data, &out->oid, err)
                                     : large_blob(g, data, out, err));
    wh_arena_done(&a);
    return ok;
}

static bool pointer_blob(struct hub_git *g, const struct hub_op *op,
                         struct hub_oid *out, struct wh_err *err)
{
    struct hub_pointer p = {.size = op->size};
    struct wh_buf b;
    bool ok;

    wh_assert(op->size != HUB_SIZE_UNKNOWN);
    memcpy(p.sha256, op->sha256, sizeof p.sha256);
    wh_buf_init(&b, HUB_POINTER_MAX);
    hub_pointer_write(&b, &p);
    ok = hub_git_put_blob(g, wh_buf_str(&b), out, err);
    wh_buf_done(&b);
    return ok;
}

bool hub_commit_blobs(struct hub_git *g, const struct hub_ops *ops,
                      const struct wh_str *class_of, struct wh_arena *a,
                      struct hub_blob **out, struct wh_err *err)
{
    struct hub_blob *blobs = wh_arena_array(a, ops->n + 1, sizeof *blobs);

    for (size_t i = 0; i < ops->n; i++) {
        const struct hub_op *op = &ops->list[i];
        if (op->kind == HUB_OP_FILE) {
            if (!file_blob(g, ops, op, &blobs[i], err)) {
                return false;
            }
            blobs[i].class = class_of[i];
            hub_git_set_class(g, &blobs[i].oid, class_of[i]);
        } else if (op->kind == HUB_OP_LFS &&
                   !pointer_blob(g, op, &blobs[i].oid, err)) {
            return false;
        }
    }
    *out = blobs;
    return true;
}

/* ---- larger files ---- */

static bool put_one(const struct hub_ops *ops, const struct hub_op *op,
                    const struct hub_blob *blob, const char *open_dir,
                    struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str data;
    bool ok;

    wh_arena_init(&a, HUB_REGULAR_MAX + 4096);
    ok = hub_ops_data(ops, op, &a, &data, err) &&
         hub_open_put(open_dir, data, blob->sha256, err);
    wh_arena_done(&a);
    return ok;
}

bool hub_commit_put_large(const struct hub_ops *ops,
                          const struct hub_blob *blobs, const char *open_dir,
                          struct wh_err *err)
{
    for (size_t i = 0; i < ops->n; i++) {
        if (blobs[i].sha256[0] &&
            !put_one(ops, &ops->list[i], &blobs[i], open_dir, err)) {
            return false;
        }
    }
    return true;
}

bool hub_commit_large_there(const struct hub_ops *ops,
                            const struct hub_blob *blobs, const char *open_dir)
{
    bool there = true;

    for (size_t i = 0; there && i < ops->n; i++) {
        there = !blobs[i].sha256[0] ||
                hub_open_there(open_dir, blobs[i].sha256, ops->list[i].size);
    }
    return there;
}

bool hub_commit_drop_large(const struct hub_ops *ops,
                           const struct hub_blob *blobs,
                           struct db_writer *writer, const char *open_dir,
                           struct wh_err *err)
{
    char batch[HUB_OPEN_BATCH][WH_SHA256_HEX + 1];
    size_t n = 0;

    for (size_t i = 0; i < ops->n; i++) {
        if (blobs[i].sha256[0]) {
            memcpy(batch[n++], blobs[i].sha256, sizeof *batch);
        }
        if (n == HUB_OPEN_BATCH || (n > 0 && i + 1 == ops->n)) {
            if (!hub_open_collect(writer, open_dir, batch, n, INT64_MAX, NULL,
                                  err)) {
                return false;
            }
            n = 0;
        }
    }
    return true;
}

/* ---- changes ---- */

static bool check_there(struct hub_git *g, const struct hub_oid *parent,
                        const struct hub_op *op, struct wh_arena *a,
                        struct wh_err *err)
{
    bool folder = op->kind == HUB_OP_DELETE_FOLDER;
    struct wh_err why = {0};
    struct hub_entry e;

    if (parent && hub_git_entry(g, parent, op->path, a, &e, &why) &&
        e.dir == folder) {
        return true;
    }
    if (parent && why.code != WH_NONE && why.code != WH_ENTRY_NOT_FOUND) {
        *err = why;
        return false;
    }
    return wh_fail(err, WH_ENTRY_NOT_FOUND,
                   "A %s with this name doesn't exist: %.*s",
                   folder ? "folder" : "file", WH_FMT(op->path));
}

static bool list_changes(struct hub_git *g, const struct hub_commit_in *in,
                         struct wh_arena *a, struct hub_change **out,
                         struct wh_err *err)
{
    struct hub_change *list = wh_arena_array(a, in->ops->n + 1, sizeof *list);

    for (size_t i = 0; i < in->ops->n; i++) {
        const struct hub_op *op = &in->ops->list[i];
        list[i].path = op->path;
        list[i].oid = in->blobs[i].oid;
        list[i].remove =
            op->kind == HUB_OP_DELETE_FILE || op->kind == HUB_OP_DELETE_FOLDER;
        if (list[i].remove && !check_there(g, in->parent, op, a, err)) {
            return false;
        }
    }
    *out = list;
    return true;
}

/* ---- the commit ---- */

static const char *message_of(const struct hub_ops *ops, struct wh_arena *a)
{
    struct wh_str title =
        ops->summary.n ? ops->summary : WH_S("Update the repository");

    if (ops->description.n == 0) {
        return wh_arena_cstr(a, title);
    }
    return wh_arena_fmt(a, "%.*s\n\n%.*s", WH_FMT(title),
                        WH_FMT(ops->description))
        .p;
}

bool hub_commit_build(struct hub_git *g, const struct hub_commit_in *in,
                      struct wh_arena *a, struct hub_oid *out, bool *empty,
                      struct wh_err *err)
{
    struct hub_commit mother = {0};
    struct hub_change *changes;
    struct hub_oid tree;

    if (in->parent && !hub_git_commit(g, in->parent, a, &mother, err)) {
        return false;
    }
    if (!list_changes(g, in, a, &changes, err) ||
        !hub_git_put_tree(g, in->parent ? &mother.tree : NULL, changes,
                          in->ops->n, &tree, err)) {
        return false;
    }
    *empty = in->parent && hub_oid_eq(&tree, &mother.tree);
    if (*empty) {
        return true;
    }
    return hub_git_put_commit(g, &tree, in->parent, in->author, in->email,
                              in->time_us, message_of(in->ops, a), out, err);
}
