/*
 * land.c - what happens between the last byte of a commit's body and its
 * answer.
 *
 * Looking at files and making objects happens on a worker, against a snapshot;
 * the writer only inserts rows and compares and swaps the branch. When somebody
 * else was faster and the commit named no parent, the tree is made again on the
 * new head: the blobs are not.
 */
#include "hub/land.h"
#include "base/log.h"
#include "base/time.h"
#include "hub/commit.h"
#include "hub/head.h"
#include "hub/lfs.h"
#include "hub/pointer.h"
#include "hub/regular.h"
#include "hub/release.h"
#include "hub/repos.h"
#include "hub/subject.h"

/* Tries on a branch that others move; each is a few milliseconds. */
#define TRIES 50

/* ---- pointers sent as regular files ---- */

/* A blob that is a pointer claims the content it names, however it was sent:
 * otherwise a known digest would be enough to read what is others'. */
static bool as_pointer(struct hub_op *op, struct wh_str data,
                       struct wh_err *err)
{
    struct hub_pointer p;
    struct wh_buf b;
    bool same;

    if (!hub_pointer_parse(data, &p)) {
        return true;
    }
    wh_buf_init(&b, HUB_POINTER_MAX);
    hub_pointer_write(&b, &p);
    same = wh_str_eq(wh_buf_str(&b), data);
    wh_buf_done(&b);
    if (!same) {
        return wh_fail(
            err, WH_BAD_REQUEST,
            "%.*s is an LFS pointer with more than version, oid and size",
            (int)(op->path.n > 200 ? 200 : op->path.n), op->path.p);
    }
    op->kind = HUB_OP_LFS;
    op->size = p.size;
    memcpy(op->sha256, p.sha256, sizeof op->sha256);
    return true;
}

static bool take_pointer(struct hub_land *l, struct hub_op *op,
                         struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str data;
    bool ok;

    if (op->kind != HUB_OP_FILE || op->size > HUB_POINTER_MAX) {
        return true;
    }
    wh_arena_init(&a, HUB_POINTER_MAX + 4096);
    ok = hub_ops_data(l->ops, op, &a, &data, err) && as_pointer(op, data, err);
    wh_arena_done(&a);
    return ok;
}

static bool take_pointers(struct hub_land *l, struct wh_err *err)
{
    for (size_t i = 0; i < l->ops->n; i++) {
        if (!take_pointer(l, &l->ops->list[i], err)) {
            return false;
        }
    }
    return true;
}

/* ---- the writer's part ---- */

struct landing {
    const struct hub_land *l;
    const struct hub_git *g;
    struct wh_str ref;
    const struct hub_blob *blobs;
    const struct hub_oid *old, *new;
    struct hub_head *head; /* null: not main */
    int64_t now;
    bool lost; /* a larger file was swept before its row came */
};

static bool land_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct landing *x = ctx;
    const struct store_repo *repo = x->l->repo;

    x->lost = !hub_commit_large_there(x->l->ops, x->blobs, x->l->open_dir);
    if (x->lost) { /* hub/open.h: no row without its file */
        return wh_fail(err, WH_UNAVAILABLE, "");
    }
    return hub_git_flush(x->g, db, err) &&
           hub_ref_move(db, repo->id, x->ref, x->old, x->new, x->l->who->id,
                        err) &&
           hub_lfs_claim(db, repo->id, x->l->ops, err) &&
           (!x->head ||
            store_repo_head_set(db, repo->id, &x->head->row, x->head->tags,
                                x->head->n_tags, x->now, err)) &&
           hub_release_begin(db, repo, x->new, err);
}

/* ---- one try ---- */

/* What the tries of one commit have in common. */
struct attempt {
    struct hub_land *l;
    struct hub_git *g;
    struct wh_str ref;
    const struct hub_blob *blobs;
    bool put;   /* larger files were written */
    bool again; /* another try may do it */
};

static bool check_parent(const struct hub_land *l, const struct hub_oid *tip,
                         struct wh_err *err)
{
    char hex[HUB_OID_HEX + 1];

    if (l->ops->parent.n == 0) {
        return true;
    }
    hub_oid_hex(tip, hex);
    return wh_str_starts(wh_str_of(hex), l->ops->parent) ||
           wh_fail(err, WH_HEAD_MOVED,
                   "A commit has happened since. Please refresh and try "
                   "again.");
}

static bool read_head(struct hub_land *l, struct hub_git *g, struct wh_str ref,
                      const struct hub_oid *commit, struct hub_head **out,
                      struct wh_err *err)
{
    *out = NULL;
    if (!wh_str_is(ref, "refs/heads/main")) {
        return true;
    }
    *out = WH_NEW(l->a, struct hub_head);
    if (!hub_head_read(g, commit, l->repo->kind, l->a, *out, err)) {
        return false;
    }
    /* the old tiers stand until the new revision is decided */
    memcpy((*out)->row.tiers, l->repo->head.tiers, sizeof l->repo->head.tiers);
    (*out)->row.subject = l->repo->head.subject;
    (*out)->row.state = STORE_REPO_WEIGHING;
    if ((*out)->row.sdk.n == 0) {
        (*out)->row.sdk = l->repo->head.sdk;
    }
    return true;
}

static bool try_once(struct attempt *t, struct hub_oid *commit, bool *moved,
                     struct wh_err *err)
{
    struct hub_land *l = t->l;
    struct hub_commit_in in = {.ops = l->ops,
                               .blobs = t->blobs,
                               .author = l->who->name,
                               .email = hub_commit_email(l->a, l->who->name).p,
                               .time_us = wh_now_us()};
    struct landing x = {
        .l = l, .g = t->g, .ref = t->ref, .blobs = t->blobs, .now = in.time_us};
    struct hub_oid tip;
    bool found, empty, ok;

    t->again = false;
    if (!hub_ref_read(l->db, l->repo->id, t->ref, &found, &tip, err)) {
        return false;
    }
    if (!found && !wh_str_is(t->ref, "refs/heads/main")) {
        return wh_fail(err, WH_REVISION_NOT_FOUND, "Invalid rev id: %.*s",
                       WH_FMT(l->branch));
    }
    in.parent = found ? &tip : NULL;
    if ((found && !check_parent(l, &tip, err)) ||
        !hub_commit_build(t->g, &in, l->a, commit, &empty, err)) {
        return false;
    }
    *moved = !empty;
    if (empty) {
        *commit = tip;
        return true;
    }
    if (!hub_subject_fits(t->g, commit, err)) {
        return false;
    }
    t->put = true;
    if (!hub_commit_put_large(l->ops, t->blobs, l->open_dir, err) ||
        !read_head(l, t->g, t->ref, commit, &x.head, err)) {
        return false;
    }
    x.old = in.parent;
    x.new = commit;
    ok = db_write(l->writer, land_fn, &x, err);
    t->again = !ok && (x.lost ||
                       (err->code == WH_HEAD_MOVED && l->ops->parent.n == 0));
    return ok;
}

/* Try until it lands or can not; a commit that did not leaves no file. */
static bool try_all(struct attempt *t, struct hub_oid *commit, bool *moved,
                    struct wh_err *err)
{
    struct wh_err why = {0};
    bool ok = false;

    for (int i = 0; i < TRIES && !ok && (i == 0 || t->again); i++) {
        *err = (struct wh_err){0};
        ok = try_once(t, commit, moved, err);
    }
    if (!ok && t->put &&
        !hub_commit_drop_large(t->l->ops, t->blobs, t->l->writer,
                               t->l->open_dir, &why)) {
        wh_log_err(WH_INFO, "commit.leftover", &why); /* the sweep finds it */
    }
    return ok;
}

static bool land_with(struct hub_land *l, struct hub_git *g,
                      struct hub_oid *commit, bool *moved, struct wh_err *err)
{
    struct hub_regular look = {
        .zygote = l->zygote, .queue = l->queue, .ops = l->ops, .a = l->a};
    struct attempt t = {.l = l, .g = g};
    struct wh_str *classes;
    struct hub_blob *blobs;

    if (!hub_ref_name(l->a, l->branch, &t.ref, err) || !take_pointers(l, err) ||
        !hub_lfs_sizes(l->db, l->repo, l->who->id, l->ops, err) ||
        !hub_regular_look(&look, &classes, err) ||
        !hub_commit_blobs(g, l->ops, classes, l->a, &blobs, err)) {
        return false;
    }
    t.blobs = blobs;
    return try_all(&t, commit, moved, err);
}

bool hub_land(struct hub_land *l, struct hub_oid *commit, bool *moved,
              struct wh_err *err)
{
    struct hub_git *g = NULL;
    bool ok = hub_git_open(l->db, l->repo->id, l->open_dir, &g, err) &&
              land_with(l, g, commit, moved, err);

    hub_git_close(&g);
    return ok;
}
