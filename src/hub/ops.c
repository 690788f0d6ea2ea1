/*
 * ops.c - the NDJSON reader of the commit route.
 *
 * Lines are collected up to the size that one regular file can need and parsed
 * whole; contents go to a memory file at once, so that a commit of many files
 * costs its bytes once and no disk sees them before they were looked at.
 */
#include "hub/ops.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A line holds one file in base64, its path and the keys around them. */
#define LINE_MAX_BYTES (HUB_REGULAR_MAX / 3 * 4 + 65536)
#define SUMMARY_MAX 1000u
#define DESCRIPTION_MAX 65536u

void hub_ops_init(struct hub_ops *o, struct wh_arena *a)
{
    *o = (struct hub_ops){.a = a, .spool = -1};
    wh_buf_init(&o->line, LINE_MAX_BYTES);
}

/* Bytes in the memory files of all commits. */
static _Atomic uint64_t spooled_all;

void hub_ops_done(struct hub_ops *o)
{
    spooled_all -= o->spooled;
    o->spooled = 0;
    wh_buf_done(&o->line);
    wh_fd_close(&o->spool);
}

/* ---- paths ---- */

#define PART_MAX 255u

/* Code points that HFS+ leaves out of names: U+200C to U+200F, U+202A to
 * U+202E, U+206A to U+206F, U+FEFF; three bytes each in UTF-8. */
static bool is_ignored(struct wh_str s, size_t i)
{
    const unsigned char *p = (const unsigned char *)s.p + i;

    if (s.n - i < 3) {
        return false;
    }
    if (p[0] == 0xe2) {
        return (p[1] == 0x80 && ((p[2] >= 0x8c && p[2] <= 0x8f) ||
                                 (p[2] >= 0xaa && p[2] <= 0xae))) ||
               (p[1] == 0x81 && p[2] >= 0xaa && p[2] <= 0xaf);
    }
    return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
}

/* Would some file system take this name for ".git"? HFS+ drops code points,
 * NTFS drops dots, blanks and streams at the end and knows GIT~1. */
static bool is_dot_git(struct wh_str part)
{
    char name[PART_MAX];
    size_t n = 0;
    struct wh_str s;

    for (size_t i = 0; i < part.n; i++) {
        if (is_ignored(part, i)) {
            i += 2;
        } else if (part.p[i] == ':') {
            break;
        } else {
            name[n++] = part.p[i];
        }
    }
    while (n > 0 && (name[n - 1] == ' ' || name[n - 1] == '.')) {
        n--;
    }
    s = wh_str_mem(name, n);
    return wh_str_ieq(s, WH_S(".git")) || wh_str_ieq(s, WH_S("git~1"));
}

static bool part_ok(struct wh_str part)
{
    return part.n > 0 && part.n <= PART_MAX && !wh_str_is(part, ".") &&
           !wh_str_is(part, "..") && !is_dot_git(part);
}

bool hub_path_ok(struct wh_str path)
{
    struct wh_str part, rest = path;
    bool more = true;

    if (path.n == 0 || path.n > HUB_PATH_MAX || !wh_str_utf8_ok(path) ||
        memchr(path.p, '\\', path.n)) {
        return false;
    }
    for (size_t i = 0; i < path.n; i++) {
        if ((unsigned char)path.p[i] < 0x20 || path.p[i] == 0x7f) {
            return false;
        }
    }
    while (more) {
        more = wh_str_cut(&rest, '/', &part);
        if (!part_ok(part)) {
            return false;
        }
    }
    return true;
}

/* ---- the list ---- */

static struct hub_op *add_op(struct hub_ops *o, struct wh_err *err)
{
    if (o->n >= HUB_OPS_MAX) {
        wh_fail(err, WH_TOO_LARGE, "a commit takes at most %u operations",
                HUB_OPS_MAX);
        return NULL;
    }
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 32;
        struct hub_op *bigger = wh_arena_array(o->a, cap, sizeof *bigger);
        if (o->n > 0) {
            memcpy(bigger, o->list, o->n * sizeof *bigger);
        }
        o->list = bigger;
        o->cap = cap;
    }
    return &o->list[o->n];
}

static bool get_path(struct hub_ops *o, const json_t *value, struct wh_str *out,
                     struct wh_err *err)
{
    struct wh_str path;

    if (!wh_json_get_str(value, "path", &path, err)) {
        return false;
    }
    if (!hub_path_ok(path)) {
        return wh_fail(err, WH_BAD_NAME, "\"%.*s\" is not a path for a file",
                       (int)(path.n > 200 ? 200 : path.n), path.p);
    }
    *out = wh_arena_dup(o->a, path);
    return true;
}

/* ---- contents ---- */

static bool spool_write(struct hub_ops *o, const void *p, size_t n,
                        struct wh_err *err)
{
    if (o->spool < 0) {
        o->spool = memfd_create("commit", MFD_CLOEXEC);
        if (o->spool < 0) {
            return wh_fail_errno(err, WH_IO, "memory for the commit");
        }
    }
    return wh_fd_pwrite(o->spool, o->spooled, p, n, err);
}

static bool spool(struct hub_ops *o, const void *p, size_t n, struct hub_op *op,
                  struct wh_err *err)
{
    if (o->spooled + n > HUB_SPOOL_MAX) {
        return wh_fail(err, WH_TOO_LARGE,
                       "the regular files of a commit may have %llu MiB in "
                       "all; send large files with LFS",
                       (unsigned long long)(HUB_SPOOL_MAX >> 20));
    }
    if (atomic_fetch_add(&spooled_all, n) + n > HUB_SPOOL_ALL) {
        spooled_all -= n;
        return wh_fail(err, WH_UNAVAILABLE,
                       "too many commits are arriving at once: try again, or "
                       "send large files with LFS");
    }
    if (!spool_write(o, p, n, err)) {
        spooled_all -= n;
        return false;
    }
    op->spool_off = o->spooled;
    op->size = n;
    o->spooled += n;
    return true;
}

static bool spool_base64(struct hub_ops *o, struct wh_str text,
                         struct hub_op *op, struct wh_err *err)
{
    size_t cap = text.n / 4 * 3 + 3, n;
    char *raw = wh_alloc(cap);
    bool ok =
        wh_base64_dec(text, raw, cap, &n)
            ? spool(o, raw, n, op, err)
            : wh_fail(err, WH_BAD_REQUEST, "the content of %.*s is not base64",
                      (int)(op->path.n > 200 ? 200 : op->path.n), op->path.p);

    wh_free(raw);
    return ok;
}

static bool too_large(const struct hub_op *op, struct wh_err *err)
{
    return wh_fail(err, WH_TOO_LARGE,
                   "%.*s is larger than a regular file may be (10 MiB): send "
                   "it with LFS",
                   (int)(op->path.n > 200 ? 200 : op->path.n), op->path.p);
}

/* ---- one function a key ---- */

static bool take_header(struct hub_ops *o, const json_t *v, struct wh_err *err)
{
    struct wh_str summary, description, parent;

    if (o->has_header || o->n > 0) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the header must come once, and first");
    }
    if (!wh_json_opt_str(v, "summary", WH_S(""), &summary, err) ||
        !wh_json_opt_str(v, "description", WH_S(""), &description, err) ||
        !wh_json_opt_str(v, "parentCommit", WH_S(""), &parent, err)) {
        return false;
    }
    if (summary.n > SUMMARY_MAX || description.n > DESCRIPTION_MAX ||
        parent.n > 40) {
        return wh_fail(err, WH_TOO_LARGE, "the commit message is too long");
    }
    o->summary = wh_arena_dup(o->a, summary);
    o->description = wh_arena_dup(o->a, description);
    o->parent = wh_arena_dup(o->a, parent);
    o->has_header = true;
    return true;
}

static bool take_file(struct hub_ops *o, const json_t *v, struct wh_err *err)
{
    struct hub_op *op = add_op(o, err);
    struct wh_str content, encoding;
    bool ok;

    if (!op) {
        return false;
    }
    *op = (struct hub_op){.kind = HUB_OP_FILE};
    if (!get_path(o, v, &op->path, err) ||
        !wh_json_get_str(v, "content", &content, err) ||
        !wh_json_opt_str(v, "encoding", WH_S("utf-8"), &encoding, err)) {
        return false;
    }
    if (wh_str_is(encoding, "base64")) {
        ok = spool_base64(o, content, op, err);
    } else if (wh_str_is(encoding, "utf-8")) {
        ok = spool(o, content.p, content.n, op, err);
    } else {
        ok = wh_fail(err, WH_BAD_REQUEST, "encoding must be base64 or utf-8");
    }
    if (ok && op->size > HUB_REGULAR_MAX) {
        ok = too_large(op, err);
    }
    o->n += ok;
    return ok;
}

static bool take_lfs(struct hub_ops *o, const json_t *v, struct wh_err *err)
{
    struct hub_op *op = add_op(o, err);
    struct wh_str algo, oid;
    uint8_t raw[WH_SHA256_LEN];
    int64_t size;

    if (!op) {
        return false;
    }
    *op = (struct hub_op){.kind = HUB_OP_LFS};
    if (!get_path(o, v, &op->path, err) ||
        !wh_json_opt_str(v, "algo", WH_S("sha256"), &algo, err) ||
        !wh_json_get_str(v, "oid", &oid, err) ||
        !wh_json_opt_i64(v, "size", -1, &size, err)) {
        return false;
    }
    if (!wh_str_is(algo, "sha256") ||
        !wh_hex_dec(oid, raw, sizeof raw, false)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "an LFS file is named by its SHA-256 in lower hex");
    }
    wh_hex_enc(raw, sizeof raw, op->sha256);
    op->size = size < 0 ? HUB_SIZE_UNKNOWN : (uint64_t)size;
    o->n++;
    return true;
}

static bool take_delete(struct hub_ops *o, const json_t *v,
                        enum hub_op_kind kind, struct wh_err *err)
{
    struct hub_op *op = add_op(o, err);

    if (!op) {
        return false;
    }
    *op = (struct hub_op){.kind = kind};
    if (!get_path(o, v, &op->path, err)) {
        return false;
    }
    o->n++;
    return true;
}

static bool take_delete_file(struct hub_ops *o, const json_t *v,
                             struct wh_err *err)
{
    return take_delete(o, v, HUB_OP_DELETE_FILE, err);
}

static bool take_delete_folder(struct hub_ops *o, const json_t *v,
                               struct wh_err *err)
{
    return take_delete(o, v, HUB_OP_DELETE_FOLDER, err);
}

static const struct {
    const char *key;
    bool (*take)(struct hub_ops *o, const json_t *value, struct wh_err *err);
} KEYS[] = {
    {"header", take_header},
    {"file", take_file},
    {"lfsFile", take_lfs},
    {"deletedFile", take_delete_file},
    {"deletedFolder", take_delete_folder},
};

/* ---- lines ---- */

static bool take_line(struct hub_ops *o, struct wh_str line, struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str key = {0};
    const json_t *value;
    json_t *doc;
    bool ok;

    if (wh_str_trim(line).n == 0) {
        return true;
    }
    wh_arena_init(&a, LINE_MAX_BYTES);
    ok = wh_json_parse(&a, line, &doc, err) &&
         wh_json_get_str(doc, "key", &key, err);
    value = ok ? json_object_get(doc, "value") : NULL;
    for (size_t i = 0; ok && i < sizeof KEYS / sizeof *KEYS; i++) {
        if (wh_str_is(key, KEYS[i].key)) {
            ok = json_is_object(value)
                     ? KEYS[i].take(o, value, err)
                     : wh_fail(err, WH_BAD_REQUEST,
                               "an operation without its value");
            goto out;
        }
    }
    if (ok) {
        ok = wh_fail(err, WH_BAD_REQUEST, "an unknown operation: \"%.*s\"",
                     (int)(key.n > 40 ? 40 : key.n), key.p);
    }
out:
    wh_arena_done(&a);
    return ok;
}

bool hub_ops_feed(struct hub_ops *o, struct wh_str chunk, struct wh_err *err)
{
    while (chunk.n > 0) {
        struct wh_str piece;
        bool whole = wh_str_cut(&chunk, '\n', &piece);
        wh_buf_add(&o->line, piece);
        if (o->line.over) {
            return wh_fail(err, WH_TOO_LARGE,
                           "one line of the commit holds more than a regular "
                           "file may have: send large files with LFS");
        }
        if (!whole) {
            return true;
        }
        if (!take_line(o, wh_buf_str(&o->line), err)) {
            return false;
        }
        wh_buf_reset(&o->line);
    }
    return true;
}

static int by_text(const void *x, const void *y)
{
    const struct wh_str *a = x, *b = y;

    return wh_str_cmp(*a, *b);
}

/* The same path twice would leave it to the order which one wins. */
static bool check_twice(struct hub_ops *o, struct wh_err *err)
{
    struct wh_str *paths = wh_arena_array(o->a, o->n + 1, sizeof *paths);

    for (size_t i = 0; i < o->n; i++) {
        paths[i] = o->list[i].path;
    }
    qsort(paths, o->n, sizeof *paths, by_text);
    for (size_t i = 1; i < o->n; i++) {
        struct wh_str p = paths[i];
        if (wh_str_eq(paths[i - 1], p)) {
            return wh_fail(err, WH_BAD_REQUEST,
                           "%.*s is named by two operations of one commit",
                           (int)(p.n > 200 ? 200 : p.n), p.p);
        }
    }
    return true;
}

bool hub_ops_end(struct hub_ops *o, struct wh_err *err)
{
    if (!take_line(o, wh_buf_str(&o->line), err)) {
        return false;
    }
    wh_buf_reset(&o->line);
    if (!o->has_header) {
        return wh_fail(err, WH_BAD_REQUEST, "the commit has no header");
    }
    return check_twice(o, err) && !wh_arena_over(o->a, err);
}

bool hub_ops_data(const struct hub_ops *o, const struct hub_op *op,
                  struct wh_arena *a, struct wh_str *out, struct wh_err *err)
{
    char *p;

    wh_assert(op->kind == HUB_OP_FILE && op->size <= HUB_REGULAR_MAX);
    p = wh_arena_alloc(a, (size_t)op->size + 1);
    if (op->size > 0 &&
        !wh_fd_pread(o->spool, op->spool_off, p, (size_t)op->size, err)) {
        return false;
    }
    *out = wh_str_mem(p, (size_t)op->size);
    return true;
}
