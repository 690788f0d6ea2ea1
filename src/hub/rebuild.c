/*
 * rebuild.c - segment after segment into fresh containers, then one content.
 *
 * A file of one segment, which nearly all are, is hashed once, by the rebuild
 * itself. A longer one is read once more, joined, for the digest of the whole.
 */
#include "hub/rebuild.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "store/xet.h"

struct hub_rebuild {
    const struct hub_vault *v;
    enum store_kind kind;
    int64_t repo;
    struct store_container_row *rows;
    size_t n;
    struct keeper_content one; /* of the last segment */
    bool settled;
};

struct hub_rebuild *hub_rebuild_begin(const struct hub_vault *v,
                                      enum store_kind kind, int64_t repo)
{
    struct hub_rebuild *r = wh_alloc(sizeof *r);

    r->v = v;
    r->kind = kind;
    r->repo = repo;
    r->rows = wh_calloc(HUB_REBUILD_SEGMENTS, sizeof *r->rows);
    return r;
}

/* ---- rows ---- */

static bool record_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct hub_rebuild *r = ctx;
    const struct store_container_row *row = &r->rows[r->n];

    return store_container_add(db, r->repo, row->id,
                               wh_str_mem(row->wrapped, row->wrapped_n),
                               wh_now_us(), err);
}

static bool give_up_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct hub_rebuild *r = ctx;

    for (size_t i = 0; i < r->n; i++) {
        if (!store_container_give_up(db, r->rows[i].id, err)) {
            return false;
        }
    }
    return true;
}

struct settle {
    const struct hub_rebuild *r;
    const struct keeper_content *content;
};

static bool settled_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct settle *s = ctx;

    for (size_t i = 0; i < s->r->n; i++) {
        const struct store_container_row *row = &s->r->rows[i];
        if (!store_container_done(db, row->id, row->size, err)) {
            return false;
        }
    }
    return store_content_add(db, s->r->repo, s->content->sha256,
                             s->content->size, s->content->statement,
                             s->r->rows, s->r->n, wh_now_us(), err);
}

/* ---- a segment ---- */

/* A container that only the keeper can fill, on record before its file. */
static bool new_target(struct hub_rebuild *r, struct keeper_item *target,
                       struct wh_err *err)
{
    struct store_container_row *row = &r->rows[r->n];
    char name[HUB_KEEPER_NAME];
    struct keeper_new key;

    hub_keeper_name(r->kind, r->repo, name);
    if (!keeper_new_target(r->v->keeper, wh_str_of(name), &key, err)) {
        return false;
    }
    memcpy(row->id, key.id, sizeof row->id);
    memcpy(row->wrapped, key.wrapped, sizeof key.wrapped);
    row->wrapped_n = sizeof key.wrapped;
    if (!db_write(r->v->writer, record_fn, r, err)) {
        return false;
    }
    r->n++;
    memcpy(target->id, key.id, sizeof target->id);
    memcpy(target->wrapped, key.wrapped, sizeof target->wrapped);
    return true;
}

static bool find_xorbs(struct hub_rebuild *r, struct db *db, struct wh_arena *a,
                       const struct hub_plan *p,
                       struct store_container_row **out, struct wh_err *err)
{
    *out = wh_arena_array(a, p->nxorbs, sizeof **out);
    for (uint32_t i = 0; i < p->nxorbs; i++) {
        if (!store_xorb_container(db, r->repo, p->xorbs[i].b, &(*out)[i],
                                  err)) {
            return false;
        }
    }
    return true;
}

/* Have the keeper fill the target from the session's xorbs. */
static bool fill_target(struct hub_rebuild *r, struct keeper_session *s,
                        struct wh_arena *a, const struct hub_plan *p,
                        bool whole, struct wh_err *err)
{
    struct keeper_rebuild rq = {.terms = wh_buf_str(&p->terms),
                                .nterms = p->nterms,
                                .hash = whole ? p->file->hash.b : NULL,
                                .size = p->size};
    struct store_container_file file = {.fd = -1};
    bool ok;

    if (!new_target(r, &rq.target, err) ||
        !store_container_create(r->v->sealed, rq.target.id, &file, err)) {
        return false;
    }
    rq.target.fd = file.fd;
    ok = keeper_rebuild(s, a, &rq, &r->one, err) &&
         store_container_link(&file, err);
    store_container_drop(&file);
    r->rows[r->n - 1].size = p->size;
    return ok && (r->one.size == p->size ||
                  wh_fail(err, WH_CORRUPT, "a rebuilt file has a wrong size"));
}

bool hub_rebuild_segment(struct hub_rebuild *r, struct db *db,
                         struct wh_arena *a, const struct hub_plan *p,
                         bool whole, struct wh_err *err)
{
    struct store_container_row *xorbs;
    struct keeper_session *s;
    bool ok;

    if (r->n == HUB_REBUILD_SEGMENTS) {
        return wh_fail(err, WH_TOO_LARGE,
                       "the file is spread over too many xorbs");
    }
    if (!hub_vault_room(r->v, p->size, err) ||
        !find_xorbs(r, db, a, p, &xorbs, err) ||
        !hub_vault_session(r->v, r->kind, r->repo, xorbs, p->nxorbs, &s, err)) {
        return false;
    }
    ok = fill_target(r, s, a, p, whole, err);
    keeper_close(&s);
    return ok;
}

/* ---- the whole ---- */

static bool settle_joined(struct hub_rebuild *r, struct wh_arena *a,
                          struct keeper_content *out, struct wh_err *err)
{
    struct keeper_session *s;
    bool ok;

    if (!hub_vault_session(r->v, r->kind, r->repo, r->rows, r->n, &s, err)) {
        return false;
    }
    ok = keeper_settle(s, a, out, err);
    keeper_close(&s);
    return ok;
}

bool hub_rebuild_settle(struct hub_rebuild *r, struct wh_arena *a,
                        const char *sha256, uint64_t size, struct wh_err *err)
{
    struct keeper_content content = r->one;
    struct settle s = {.r = r, .content = &content};

    wh_assert(r->n > 0);
    if (r->n > 1 && !settle_joined(r, a, &content, err)) {
        return false;
    }
    if (content.size != size || strcmp(content.sha256, sha256) != 0) {
        return wh_fail(err, WH_DIGEST_MISMATCH,
                       "the file's chunks have the SHA-256 %s, not the "
                       "announced %s; nothing was kept",
                       content.sha256, sha256);
    }
    r->settled = db_write(r->v->writer, settled_fn, &s, err);
    return r->settled;
}

void hub_rebuild_end(struct hub_rebuild **rp)
{
    struct hub_rebuild *r = *rp;
    struct wh_err err = {0};

    if (!r) {
        return;
    }
    /* rows that this misses are found by the sweep, by age */
    if (!r->settled && r->n > 0 &&
        !db_write(r->v->writer, give_up_fn, r, &err)) {
        wh_log_err(WH_WARN, "upload.abandon", &err);
    }
    wh_free(r->rows);
    wh_free(r);
    *rp = NULL;
}
