/*
 * lfs.c - the possession rule.
 */
#include "hub/lfs.h"
#include "base/time.h"
#include "line/approve.h"

/* In the clear, in a repo that the account may read, and not closed by people:
 * what they closed is no longer had by knowing its digest. */
static bool is_readable(struct db *db, struct wh_arena *a, const char *sha256,
                        int64_t account, bool *found, struct store_content *c,
                        struct wh_err *err)
{
    struct line_row row;
    bool closed = false;

    if (!store_content_readable(db, a, sha256, account, found, c, err) ||
        (*found && !line_closed_find(db, a, wh_str_of(sha256), c->repo, &closed,
                                     &row, err))) {
        return false;
    }
    *found = *found && !closed;
    return true;
}

bool hub_lfs_exists(struct db *db, int64_t repo, int64_t account,
                    const char *sha256, bool *found, uint64_t *size,
                    struct wh_err *err)
{
    struct store_content c;
    struct wh_arena a;
    int64_t lost = 0;
    bool ok;

    wh_arena_init(&a, (size_t)4 << 20);
    ok = store_content_find(db, &a, repo, sha256, found, &c, err) &&
         store_content_lost(db, repo, sha256, &lost, err);
    *found = *found && lost == 0;
    ok = ok && (*found || is_readable(db, &a, sha256, account, found, &c, err));
    if (ok && *found) {
        *size = c.size;
    }
    wh_arena_done(&a);
    return ok;
}

static bool revision_with(struct db *db, int64_t repo, const char *sha256,
                          struct hub_oid *commit, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_LFS_REVISION);
    enum db_row row;
    bool found;

    *commit = (struct hub_oid){0};
    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha256);
    row = db_step(st, err);
    found = row == DB_ROW && hub_oid_parse(db_col_text(st, 0), commit);
    db_finish(&st);
    if (row == DB_FAIL || found) {
        return found;
    }
    return hub_ref_read(db, repo, WH_S("refs/heads/main"), &found, commit, err);
}

bool hub_lfs_named(struct db *db, struct wh_arena *a, int64_t repo,
                   const char *sha256, bool *found, struct hub_entry *entry,
                   struct hub_oid *commit, struct wh_err *err)
{
    struct store_content c;

    if (!store_content_find(db, a, repo, sha256, found, &c, err)) {
        return false;
    }
    *found = *found && c.claimed;
    if (!*found) {
        return true;
    }
    *entry = (struct hub_entry){.lfs = true, .size = c.size};
    entry->path = wh_arena_dup(a, wh_str_of(sha256));
    memcpy(entry->sha256, c.sha256, sizeof entry->sha256);
    return revision_with(db, repo, sha256, commit, err);
}

static bool check_one(struct db *db, int64_t repo, int64_t account,
                      struct hub_op *op, struct wh_err *err)
{
    uint64_t size = 0;
    bool found;

    if (!hub_lfs_exists(db, repo, account, op->sha256, &found, &size, err)) {
        return false;
    }
    if (!found) {
        return wh_fail(err, WH_DIGEST_MISMATCH,
                       "%.*s refers to the LFS object %s, which was not "
                       "uploaded to this repo",
                       (int)(op->path.n > 200 ? 200 : op->path.n), op->path.p,
                       op->sha256);
    }
    if (op->size != HUB_SIZE_UNKNOWN && op->size != size) {
        return wh_fail(err, WH_DIGEST_MISMATCH,
                       "%.*s is announced with %llu bytes, its object has %llu",
                       (int)(op->path.n > 200 ? 200 : op->path.n), op->path.p,
                       (unsigned long long)op->size, (unsigned long long)size);
    }
    op->size = size;
    return true;
}

bool hub_lfs_sizes(struct db *db, const struct store_repo *repo,
                   int64_t account, struct hub_ops *ops, struct wh_err *err)
{
    for (size_t i = 0; i < ops->n; i++) {
        if (ops->list[i].kind == HUB_OP_LFS &&
            !check_one(db, repo->id, account, &ops->list[i], err)) {
            return false;
        }
    }
    return true;
}

/* What hub_lfs_sizes found may have gone meanwhile: unclaimed content expires,
 * and open content goes with the last repo that has it. */
static bool claim_one(struct db *db, int64_t repo, const struct hub_op *op,
                      int64_t now, struct wh_err *err)
{
    bool open, claimed;
    uint64_t size;

    if (!store_open_find(db, op->sha256, &open, &size, err) ||
        (open &&
         !store_content_adopt(db, repo, op->sha256, op->size, now, err)) ||
        !store_content_claim(db, repo, op->sha256, err) ||
        !store_content_claimed(db, repo, op->sha256, &claimed, err)) {
        return false;
    }
    return claimed ||
           wh_fail(err, WH_DIGEST_MISMATCH,
                   "the LFS object %s is not here any more: send it again",
                   op->sha256);
}

bool hub_lfs_claim(struct db *db, int64_t repo, const struct hub_ops *ops,
                   struct wh_err *err)
{
    int64_t now = wh_now_us();

    for (size_t i = 0; i < ops->n; i++) {
        const struct hub_op *op = &ops->list[i];
        if (op->kind == HUB_OP_LFS && !claim_one(db, repo, op, now, err)) {
            return false;
        }
    }
    return true;
}
