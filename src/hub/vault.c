/*
 * vault.c - receiving and settling.
 *
 * While a file arrives, front encrypts on one core and the keeper, trailing by
 * a few megabytes, decrypts and hashes on the other: what it hashes is what it
 * read back from the file, so the digest says what is stored, not what was
 * sent.
 */
#include "hub/vault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "hub/crash.h"
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* How far the keeper may lie behind before it is told to go on. */
#define TRAIL_BYTES ((uint64_t)4 << 20)

struct hub_receiver {
    const struct hub_vault *v;
    int64_t repo;
    char name[HUB_KEEPER_NAME];
    struct store_container_row row;
    struct store_container_file file;
    struct store_container_writer *writer;
    struct keeper_session *session; /* only when trailing, or settling */
    uint64_t fed;
    bool added, linked, kept, on_record;
};

void hub_keeper_name(enum store_kind kind, int64_t repo,
                     char out[HUB_KEEPER_NAME])
{
    snprintf(out, HUB_KEEPER_NAME, "%s:%lld", store_kind_name(kind),
             (long long)repo);
}

bool hub_vault_room(const struct hub_vault *v, uint64_t size,
                    struct wh_err *err)
{
    struct statvfs fs;
    uint64_t total, left;

    if (size > v->max_size) {
        return wh_fail(err, WH_TOO_LARGE,
                       "the file is larger than this house takes (%llu bytes)",
                       (unsigned long long)v->max_size);
    }
    if (fstatvfs(v->sealed, &fs) != 0) {
        return wh_fail_errno(err, WH_IO, "free space");
    }
    total = (uint64_t)fs.f_blocks * fs.f_frsize;
    left = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (left < size || left - size < total / 100 * v->free_percent) {
        return wh_fail(err, WH_NOSPACE,
                       "the disk of the house is nearly full: no upload of "
                       "this size is taken now");
    }
    return true;
}

/* ---- rows ---- */

struct row_ctx {
    const struct hub_receiver *r;
    const struct keeper_content *content;
    int64_t again; /* the row that has it already, or 0 */
};

static bool record_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct hub_receiver *r = ctx;

    return store_container_add(db, r->repo, r->row.id,
                               wh_str_mem(r->row.wrapped, r->row.wrapped_n),
                               wh_now_us(), err);
}

static bool give_up_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct hub_receiver *r = ctx;

    return store_container_give_up(db, r->row.id, err);
}

/* ---- receiving ---- */

bool hub_receive_begin(const struct hub_vault *v, enum store_kind kind,
                       int64_t repo, bool trail, struct hub_receiver **out,
                       struct wh_err *err)
{
    struct hub_receiver *r = wh_alloc(sizeof *r);
    struct keeper_new key;

    r->v = v;
    r->repo = repo;
    r->file.fd = -1;
    hub_keeper_name(kind, repo, r->name);
    if (!keeper_new(v->keeper, wh_str_of(r->name), &key, err)) {
        goto fail;
    }
    memcpy(r->row.id, key.id, sizeof r->row.id);
    memcpy(r->row.wrapped, key.wrapped, sizeof key.wrapped);
    r->row.wrapped_n = sizeof key.wrapped;
    if (!db_write(v->writer, record_fn, r, err)) {
        goto fail;
    }
    r->on_record = true;
    if (!store_container_create(v->sealed, key.id, &r->file, err)) {
        goto fail;
    }
    r->writer = store_container_writer_new(r->file.fd, key.id, key.key);
    wh_wipe(&key, sizeof key);
    if (trail) {
        r->session = keeper_open(v->keeper, wh_str_of(r->name), err);
        if (!r->session) {
            goto fail;
        }
    }
    *out = r;
    return true;
fail:
    wh_wipe(&key, sizeof key);
    hub_receive_free(&r);
    return false;
}

/* Show the keeper the container's file; once. */
static bool add_to_session(struct hub_receiver *r, struct wh_err *err)
{
    struct keeper_item item;
    bool ok;

    memcpy(item.id, r->row.id, sizeof item.id);
    wh_assert(r->row.wrapped_n == sizeof item.wrapped);
    memcpy(item.wrapped, r->row.wrapped, sizeof item.wrapped);
    item.fd = store_container_reopen(&r->file, err);
    if (item.fd < 0) {
        return false;
    }
    ok = keeper_add(r->session, &item, 1, err);
    close(item.fd);
    r->added = ok;
    return ok;
}

/* Tell the keeper how far it may read. */
static bool trail(struct hub_receiver *r, struct wh_err *err)
{
    uint64_t ready = store_container_ready(r->writer);

    if (!r->session || ready - r->fed < TRAIL_BYTES) {
        return true;
    }
    if (!r->added &&
        (!store_container_flush(r->writer, err) || !add_to_session(r, err))) {
        return false;
    }
    ready = store_container_ready(r->writer);
    r->fed = ready;
    return keeper_feed(r->session, 0, ready, err);
}

bool hub_receive_data(struct hub_receiver *r, struct wh_str bytes,
                      struct wh_err *err)
{
    uint64_t size;

    if (!wh_add_u64(hub_receive_size(r), bytes.n, &size) ||
        size > r->v->max_size) {
        return wh_fail(err, WH_TOO_LARGE, "");
    }
    return store_container_append(r->writer, bytes, err) && trail(r, err);
}

bool hub_receive_finish(struct hub_receiver *r, struct wh_err *err)
{
    if (!store_container_finish(r->writer, err) ||
        !store_container_link(&r->file, err)) {
        return false;
    }
    r->row.size = store_container_length(r->writer);
    r->linked = true;
    return true;
}

uint64_t hub_receive_size(const struct hub_receiver *r)
{
    return r->linked ? r->row.size : store_container_length(r->writer);
}

const struct store_container_row *hub_receive_row(const struct hub_receiver *r)
{
    return &r->row;
}

void hub_receive_keep(struct hub_receiver *r)
{
    r->kept = true;
}

void hub_receive_free(struct hub_receiver **rp)
{
    struct hub_receiver *r = *rp;
    struct wh_err err = {0};

    if (!r) {
        return;
    }
    keeper_close(&r->session);
    store_container_writer_free(&r->writer);
    store_container_drop(&r->file);
    /* a row that this misses (the house stops) is found by the sweep, by age */
    if (r->on_record && !r->kept &&
        !db_write(r->v->writer, give_up_fn, r, &err)) {
        wh_log_err(WH_WARN, "upload.abandon", &err);
    }
    wh_free(r);
    *rp = NULL;
}

/* ---- settling ---- */

static bool settled_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct row_ctx *x = ctx;

    return store_container_done(db, x->r->row.id, x->r->row.size, err) &&
           store_content_add(db, x->r->repo, x->content->sha256,
                             x->content->size, x->content->statement,
                             &x->r->row, 1, wh_now_us(), err);
}

static bool again_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct row_ctx *x = ctx;
    bool done; /* else another was faster, and this container is given up */

    return store_container_done(db, x->r->row.id, x->r->row.size, err) &&
           store_content_seal(db, x->again, x->content->statement, &x->r->row,
                              &done, err);
}

static bool check_digest(const struct keeper_content *c, const char *sha256,
                         struct wh_err *err)
{
    return strcmp(c->sha256, sha256) == 0 ||
           wh_fail(err, WH_DIGEST_MISMATCH,
                   "the bytes that arrived have the SHA-256 %s, not the "
                   "announced %s; nothing was kept",
                   c->sha256, sha256);
}

/* Have it read back, and write the row. */
static bool settle(struct hub_receiver *r, struct wh_arena *a,
                   const char *sha256, int64_t again, db_fn *fn,
                   struct wh_err *err)
{
    struct keeper_content content;
    struct row_ctx x = {.r = r, .content = &content, .again = again};

    wh_assert(r->linked && r->session);
    if ((!r->added && !add_to_session(r, err)) ||
        !keeper_settle(r->session, a, &content, err) ||
        !check_digest(&content, sha256, err)) {
        return false;
    }
    if (again) {
        hub_crash_point(HUB_AT_SETTLED);
    }
    if (!db_write(r->v->writer, fn, &x, err)) {
        return false;
    }
    hub_receive_keep(r);
    return true;
}

bool hub_settle_whole(struct hub_receiver *r, struct wh_arena *a,
                      const char *sha256, struct wh_err *err)
{
    return settle(r, a, sha256, 0, settled_fn, err);
}

bool hub_settle_again(struct hub_receiver *r, struct wh_arena *a,
                      int64_t content, const char *sha256, struct wh_err *err)
{
    return settle(r, a, sha256, content, again_fn, err);
}

struct parts_ctx {
    const struct store_upload *up;
    const struct store_container_row *parts;
    size_t n;
    const struct keeper_content *content;
    struct wh_arena *a;
};

/* Are the parts that were read back still those of the upload? */
static bool same_parts(struct db *db, const struct parts_ctx *x,
                       struct wh_err *err)
{
    struct store_container_row *now;
    bool same;
    size_t n;

    if (!store_upload_parts(db, x->a, x->up->id, &now, &n, err)) {
        return false;
    }
    same = n == x->n;
    for (size_t i = 0; same && i < n; i++) {
        same = memcmp(now[i].id, x->parts[i].id, sizeof now[i].id) == 0;
    }
    return same || wh_fail(err, WH_CONFLICT,
                           "a part was sent again while the upload was being "
                           "completed: complete it again");
}

static bool parts_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct parts_ctx *x = ctx;
    struct store_content c;
    bool done;

    if (!store_content_find(db, x->a, x->up->repo, x->up->sha256, &done, &c,
                            err)) {
        return false;
    }
    if (done) { /* another completion was faster, or another way of sending */
        return store_upload_end(db, x->up->id, false, err);
    }
    /* first let the parts go, so that they belong to one thing at a time */
    return same_parts(db, x, err) &&
           store_upload_end(db, x->up->id, true, err) &&
           store_content_add(db, x->up->repo, x->content->sha256,
                             x->content->size, x->content->statement, x->parts,
                             x->n, wh_now_us(), err);
}

/* Open each container's file and show it to the session. */
static bool add_rows(const struct hub_vault *v, struct keeper_session *s,
                     const struct store_container_row *rows, size_t n,
                     struct wh_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct keeper_item item;
        bool ok;
        if (rows[i].wrapped_n != sizeof item.wrapped) {
            return wh_fail(err, WH_CORRUPT, "a container's row is damaged");
        }
        memcpy(item.id, rows[i].id, sizeof item.id);
        memcpy(item.wrapped, rows[i].wrapped, sizeof item.wrapped);
        item.fd = store_container_open_file(v->sealed, rows[i].id, err);
        if (item.fd < 0) {
            return false;
        }
        ok = keeper_add(s, &item, 1, err);
        close(item.fd);
        if (!ok) {
            return false;
        }
    }
    return true;
}

bool hub_vault_session(const struct hub_vault *v, enum store_kind kind,
                       int64_t repo, const struct store_container_row *rows,
                       size_t n, struct keeper_session **out,
                       struct wh_err *err)
{
    char name[HUB_KEEPER_NAME];

    hub_keeper_name(kind, repo, name);
    *out = keeper_open(v->keeper, wh_str_of(name), err);
    if (!*out) {
        return false;
    }
    if (add_rows(v, *out, rows, n, err)) {
        return true;
    }
    keeper_close(out);
    return false;
}

bool hub_settle_parts(const struct hub_vault *v, struct wh_arena *a,
                      enum store_kind kind, const struct store_upload *up,
                      const struct store_container_row *parts, size_t n,
                      struct wh_err *err)
{
    struct keeper_session *s;
    struct keeper_content content;
    struct parts_ctx x = {
        .up = up, .parts = parts, .n = n, .content = &content, .a = a};
    bool ok;

    if (!hub_vault_session(v, kind, up->repo, parts, n, &s, err)) {
        return false;
    }
    ok = keeper_settle(s, a, &content, err) &&
         check_digest(&content, up->sha256, err) &&
         db_write(v->writer, parts_fn, &x, err);
    keeper_close(&s);
    return ok;
}

bool hub_content_session(const struct hub_vault *v, struct db *db,
                         struct wh_arena *a, enum store_kind kind,
                         const struct store_content *c,
                         struct keeper_session **out, size_t *containers,
                         struct wh_err *err)
{
    struct store_container_row *rows;

    if (!store_content_containers(db, a, c->id, &rows, containers, err)) {
        return false;
    }
    if (*containers == 0) {
        return wh_fail(err, WH_NOT_FOUND, "this content has no sealed form");
    }
    return hub_vault_session(v, kind, c->repo, rows, *containers, out, err);
}
