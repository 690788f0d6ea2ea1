/*
 * rest.c - contents at rest: scanned once, opened once.
 */
#include "base/count.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"
#include "hub/open.h"
#include "hub/vault.h"
#include "line/approve.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* Bytes moved at a time when content is brought into the clear. */
#define STEP ((size_t)1 << 20)

/* ---- scanning ---- */

struct scanned {
    int64_t id;
    const struct keeper_scan *scan;
};

static bool scanned_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct scanned *x = ctx;

    return store_content_scanned(db, x->id, x->scan->result, x->scan->statement,
                                 err);
}

/* An adopted content was scanned in the repo that it came from: the same bytes
 * have the same answer. It is kept here as well, since that repo may go. */
static bool scan_of_twin(const struct hub_vault *v, struct db *db,
                         struct wh_arena *a, struct store_content *c,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_SCAN_ANY);
    struct keeper_scan scan;
    struct scanned x = {.id = c->id, .scan = &scan};
    enum db_row r;

    db_bind_cstr(st, 1, c->sha256);
    r = db_step(st, err);
    if (r == DB_ROW) {
        scan.result = c->scan = db_col_dup(st, 0, a);
        scan.statement = c->scan_statement = db_col_dup(st, 1, a);
    }
    db_finish(&st);
    if (r == DB_DONE) {
        return wh_fail(err, WH_NOT_VERIFIABLE,
                       "this content was never scanned");
    }
    return r == DB_ROW && db_write(v->writer, scanned_fn, &x, err);
}

bool hub_content_scan(const struct hub_vault *v, struct db *db,
                      struct wh_arena *a, enum store_kind kind,
                      struct store_content *c, struct wh_str path,
                      struct wh_err *err)
{
    struct keeper_session *s = NULL;
    struct keeper_scan scan;
    struct scanned x = {.id = c->id, .scan = &scan};
    size_t n;
    bool ok;

    if (c->scan.n > 0) {
        return true;
    }
    if (c->statement.n == 0) {
        return scan_of_twin(v, db, a, c, err);
    }
    if (!hub_content_session(v, db, a, kind, c, &s, &n, err)) {
        return false;
    }
    ok = keeper_scan(s, a, c->statement, path, WH_S(""), &scan, err) &&
         db_write(v->writer, scanned_fn, &x, err);
    keeper_close(&s);
    if (ok) {
        wh_count(WH_COUNT_SCANS, 1);
        c->scan = scan.result;
        c->scan_statement = scan.statement;
    }
    return ok;
}

/* ---- opening ---- */

const char *hub_open_path(const struct hub_vault *v, struct wh_arena *a,
                          const char *sha256)
{
    return wh_arena_fmt(a, "%s/%.2s/%s", v->open_dir, sha256, sha256).p;
}

/* Copy one container's plaintext to the end of fd, hashing along. */
static bool copy_container(const struct hub_vault *v,
                           const struct store_container_row *row,
                           const uint8_t key[STORE_CONTAINER_KEY], int fd,
                           char *step, struct wh_sha256 *h, struct wh_err *err)
{
    int in = store_container_open_file(v->sealed, row->id, err);
    struct store_container *c =
        in < 0 ? NULL : store_container_open(in, row->id, key, err);
    const struct wh_src *src;
    bool ok = c != NULL;

    src = c ? store_container_src(c) : NULL;
    for (uint64_t off = 0; ok && off < src->size;) {
        size_t n = src->size - off < STEP ? (size_t)(src->size - off) : STEP;
        ok = wh_src_read(src, off, step, n, err) &&
             wh_fd_write(fd, step, n, err);
        if (ok) {
            wh_sha256_add(h, step, n);
        }
        off += n;
    }
    store_container_close(&c);
    return ok;
}

static bool copy_all(const struct hub_vault *v, const struct store_content *c,
                     const struct store_container_row *rows, size_t n,
                     uint8_t (*keys)[STORE_CONTAINER_KEY], int fd,
                     struct wh_err *err)
{
    char *step = wh_alloc(STEP), hex[WH_SHA256_HEX + 1];
    uint8_t digest[WH_SHA256_LEN];
    struct wh_sha256 h;
    bool ok = true;

    wh_sha256_init(&h);
    for (size_t i = 0; ok && i < n; i++) {
        ok = copy_container(v, &rows[i], keys[i], fd, step, &h, err);
    }
    wh_sha256_get(&h, digest);
    wh_sha256_done(&h);
    wh_free(step);
    if (!ok) {
        return false;
    }
    wh_hex_enc(digest, sizeof digest, hex);
    if (strcmp(hex, c->sha256) != 0) {
        return wh_fail(err, WH_CORRUPT,
                       "opened content does not have its digest");
    }
    return fsync(fd) == 0 || wh_fail_errno(err, WH_IO, "fsync");
}

struct opened {
    const struct hub_vault *v;
    const struct store_content *c;
};

/* People may have closed it while it was being written. */
static bool is_closed(struct db *db, const struct store_content *c,
                      bool *closed, struct wh_err *err)
{
    struct line_row row;
    struct wh_arena a;
    bool ok;

    wh_arena_init(&a, (size_t)4 << 20);
    ok = line_closed_find(db, &a, wh_str_of(c->sha256), c->repo, closed, &row,
                          err);
    wh_arena_done(&a);
    return ok;
}

static bool opened_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct opened *x = ctx;
    bool closed;

    if (!is_closed(db, x->c, &closed, err)) {
        return false;
    }
    if (closed) {
        return wh_fail(err, WH_HELD, "");
    }
    if (!hub_open_there(x->v->open_dir, x->c->sha256, x->c->size)) {
        return wh_fail(err, WH_UNAVAILABLE, ""); /* hub/open.h; tried again */
    }
    return store_open_add(db, x->c->sha256, x->c->size, wh_now_us(), err) &&
           store_open_unseal(db, x->c->sha256, err);
}

/* Write the file under a name of its own, then give it the real one. Two may be
 * at the same content at once: neither sees what the other has not finished. */
static bool write_open(const struct hub_vault *v, struct wh_arena *a,
                       const struct store_content *c,
                       const struct store_container_row *rows, size_t n,
                       uint8_t (*keys)[STORE_CONTAINER_KEY], struct wh_err *err)
{
    const char *path = hub_open_path(v, a, c->sha256);
    const char *dir = wh_arena_fmt(a, "%s/%.2s", v->open_dir, c->sha256).p;
    static atomic_uint number;
    const char *tmp = wh_arena_fmt(a, "%s.%u" HUB_OPEN_UNFINISHED, path,
                                   atomic_fetch_add(&number, 1))
                          .p;
    int fd;
    bool ok;

    if (!wh_dir_make(dir, 0755, err)) {
        return false;
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "opened content");
    }
    ok = copy_all(v, c, rows, n, keys, fd, err);
    wh_fd_close(&fd);
    if (ok && rename(tmp, path) != 0) {
        ok = wh_fail_errno(err, WH_IO, "opened content");
    }
    ok = ok && wh_dir_sync(dir, err);
    if (!ok) {
        unlink(tmp);
    }
    return ok;
}

bool hub_readable(const struct hub_vault *v, struct db *db, struct wh_arena *a,
                  const struct store_content *c,
                  uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                  struct wh_err *err)
{
    struct store_container_row *rows;
    size_t found;

    if (!store_content_containers(db, a, c->id, &rows, &found, err)) {
        return false;
    }
    if (found != n) {
        return wh_fail(err, WH_CORRUPT, "the containers of a content changed");
    }
    hub_keys_put(v->keys, c->sha256, rows, keys, n);
    return true;
}

static bool materialise(const struct hub_vault *v, struct db *db,
                        struct wh_arena *a, const struct store_content *c,
                        uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                        struct wh_err *err)
{
    struct opened x = {.v = v, .c = c};
    struct store_container_row *rows;
    size_t found;

    if (!store_content_containers(db, a, c->id, &rows, &found, err)) {
        return false;
    }
    if (found != n) {
        return wh_fail(err, WH_CORRUPT, "the containers of a content changed");
    }
    return write_open(v, a, c, rows, n, keys, err) &&
           db_write(v->writer, opened_fn, &x, err);
}

bool hub_materialise(const struct hub_vault *v, struct db *db,
                     struct wh_arena *a, const struct store_content *c,
                     uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                     struct wh_err *err)
{
    struct wh_err why = {0};
    uint64_t size;
    bool open = false;

    if (!materialise(v, db, a, c, keys, n, &why)) {
        /* another was faster, and the sealed form has gone meanwhile? */
        if (!store_open_find(db, c->sha256, &open, &size, err)) {
            return false;
        }
        if (!open) {
            if (why.code == WH_HELD) {
                hub_keys_drop(v->keys, c->sha256);
            }
            *err = why;
            return false;
        }
    }
    hub_keys_drop(v->keys, c->sha256);
    return true;
}
