/*
 * resolve.c - files by revision and path, and large ones by digest: headers
 * that every client needs, the bytes, or the refusal.
 */
#include "api/resolve.h"
#include "api/handlers.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "front/answer.h"
#include "front/recall.h"
#include "hub/lfs.h"
#include "hub/release.h"
#include "hub/view.h"
#include "line/refusal.h"
#include "net/range.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of a revision, found. */
struct found {
    struct front_req *q;
    struct hub_oid commit;
    char commit_hex[HUB_OID_HEX + 1];
    struct hub_entry e;
    struct line_notice *recalls; /* in force about this revision */
    size_t n_recalls;
};

static bool find(struct front_req *q, struct hub_git *g, struct found *f,
                 struct wh_err *err)
{
    *f = (struct found){.q = q};
    if (!hub_git_resolve(g, q->at.rev, &f->commit, err)) {
        return false;
    }
    hub_oid_hex(&f->commit, f->commit_hex);
    q->commit_hex = wh_arena_cstr(q->a, wh_str_of(f->commit_hex));
    if (!hub_git_entry(g, &f->commit, q->at.path, q->a, &f->e, err)) {
        return false;
    }
    return !f->e.dir ||
           wh_fail(err, WH_ENTRY_NOT_FOUND, "Entry not found: %.*s is a folder",
                   WH_FMT(q->at.path));
}

/* ---- headers ---- */

static struct wh_str file_name(struct wh_str path)
{
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/') {
            return wh_str_sub(path, i, path.n);
        }
    }
    return path;
}

/* Files of strangers are never shown in the house's own origin. */
static void disposition(const struct found *f)
{
    struct wh_str name = file_name(f->e.path);
    struct wh_buf b;

    wh_buf_init(&b, 8192);
    wh_buf_cstr(&b, "attachment; filename*=UTF-8''");
    wh_buf_url(&b, name);
    wh_buf_cstr(&b, "; filename=\"");
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        wh_buf_char(&b,
                    c == '"' || c == '\\' || (unsigned char)c > 0x7e ? '_' : c);
    }
    wh_buf_cstr(&b, "\";");
    net_answer_header(f->q->net, "Content-Disposition", wh_buf_str(&b));
    wh_buf_done(&b);
}

static void file_headers(const struct found *f)
{
    struct net_req *r = f->q->net;
    char oid[HUB_OID_HEX + 1];

    hub_oid_hex(&f->e.oid, oid);
    net_answer_header(r, "X-Repo-Commit", wh_str_of(f->commit_hex));
    net_answer_headerf(r, "ETag", "\"%s\"", f->e.lfs ? f->e.sha256 : oid);
    if (f->e.lfs) {
        net_answer_headerf(r, "X-Linked-ETag", "\"%s\"", f->e.sha256);
        net_answer_headerf(r, "X-Linked-Size", "%llu",
                           (unsigned long long)f->e.size);
    }
    net_answer_header(r, "Accept-Ranges", WH_S("bytes"));
    net_answer_header(r, "Content-Type", WH_S("application/octet-stream"));
    net_answer_header(r, "X-Content-Type-Options", WH_S("nosniff"));
    net_answer_header(r, "Cache-Control", WH_S("no-cache"));
    disposition(f);
    front_recall_headers(f->q, f->recalls, f->n_recalls);
    front_answer_cors(r);
}

/* ---- ranges ---- */

/* The part of `size` bytes that is asked for. False: 416 was answered. */
static bool begin(const struct found *f, uint64_t *off, uint64_t *len)
{
    struct net_req *r = f->q->net;
    struct net_range range;
    uint64_t size = f->e.size;

    switch (net_range_parse(net_req_header(r, "range"), size, &range)) {
    case NET_RANGE_ALL:
        *off = 0;
        *len = size;
        net_answer(r, 200);
        file_headers(f);
        return true;
    case NET_RANGE_PART:
        *off = range.off;
        *len = range.len;
        net_answer(r, 206);
        file_headers(f);
        net_answer_headerf(r, "Content-Range", "bytes %llu-%llu/%llu",
                           (unsigned long long)range.off,
                           (unsigned long long)(range.off + range.len - 1),
                           (unsigned long long)size);
        return true;
    case NET_RANGE_BAD:
        break;
    }
    net_answer(r, 416);
    net_answer_headerf(r, "Content-Range", "bytes */%llu",
                       (unsigned long long)size);
    net_answer_header(r, "X-Error-Message",
                      WH_S("the range lies outside the file"));
    front_answer_cors(r);
    net_answer_send(r);
    return false;
}

/* ---- bodies ---- */

static bool send_blob(const struct found *f, struct hub_git *g,
                      struct wh_err *err)
{
    struct wh_str data;
    uint64_t off, len;

    if (!hub_git_blob(g, &f->e.oid, HUB_BLOB_ROW_MAX, f->q->a, &data, err)) {
        return false;
    }
    if (begin(f, &off, &len)) {
        net_answer_bytes(f->q->net, wh_str_sub(data, (size_t)off, (size_t)len));
        net_answer_send(f->q->net);
    }
    return true;
}

static bool send_file(const struct found *f, const char *path,
                      struct wh_err *err)
{
    uint64_t off, len;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || fstat(fd, &st) != 0 || (uint64_t)st.st_size != f->e.size) {
        wh_fd_close(&fd);
        return wh_fail(err, WH_CORRUPT,
                       "the stored file is not as it was stored");
    }
    if (!begin(f, &off, &len)) {
        wh_fd_close(&fd);
        return true;
    }
    net_answer_file(f->q->net, fd, off, len);
    net_answer_send(f->q->net);
    return true;
}

/* A body read from sealed containers while the open form is being made. */
struct sealed {
    struct wh_src src;
    uint64_t off, end;
};

static enum net_pull_result pull_sealed(struct net_req *r, void *ctx, char *buf,
                                        size_t cap, size_t *n)
{
    struct sealed *s = ctx;
    uint64_t left = s->end - s->off;
    struct wh_err err = {0};

    (void)r;
    *n = left < cap ? (size_t)left : cap;
    if (!wh_src_read(&s->src, s->off, buf, *n, &err)) {
        wh_log_err(WH_ERROR, "resolve.sealed", &err);
        return NET_PULL_FAIL;
    }
    s->off += *n;
    return s->off == s->end ? NET_PULL_END : NET_PULL_MORE;
}

static const struct net_pull SEALED = {.pull = pull_sealed};

static bool send_sealed(const struct found *f, const struct wh_src *src)
{
    struct sealed *s = WH_NEW(f->q->a, struct sealed);
    uint64_t off, len;

    s->src = *src;
    if (begin(f, &off, &len)) {
        s->off = off;
        s->end = off + len;
        net_answer_pull(f->q->net, len, &SEALED, s);
        net_answer_send(f->q->net);
    }
    return true;
}

/* ---- refusals ---- */

static bool refuse(const struct found *f, const struct hub_access *access,
                   struct wh_err *err)
{
    struct front_req *q = f->q;
    struct line_refusal refusal = {
        .name = wh_str_of(q->repo.full),
        /* only weights are refused by a decision */
        .part = access->why.n > 0 && q->repo.kind != STORE_MODEL
                    ? RULE_PART_DATA
                    : RULE_PART_WEIGHTS,
        .decision = access->decision,
        .why = access->why,
        .url =
            wh_arena_fmt(q->a, "%.*s/%s%s/decision", WH_FMT(front_req_base(q)),
                         hub_kind_prefix(q->repo.kind), q->repo.full)};
    struct wh_buf b;

    wh_buf_init(&b, 2048);
    line_refusal_short(&refusal, &b);
    wh_fail(err, access->kind == HUB_ACCESS_WEIGHING ? WH_WEIGHING : WH_HELD,
            "%.*s", WH_FMT(wh_buf_str(&b)));
    wh_buf_done(&b);
    return false;
}

/* From the first byte on: that is a download. */
static void count(const struct found *f)
{
    struct wh_str range = net_req_header(f->q->net, "range");

    if (f->q->net->method == NET_GET &&
        (range.n == 0 || wh_str_is(range, "bytes=0-"))) {
        hub_downloads_add(f->q->house->vault.downloads, f->q->repo.id);
    }
}

/* Fails with the words of the refusal, unless the file may be read. */
static bool may_read(const struct found *f, struct hub_access *access,
                     struct wh_err *err)
{
    struct front_req *q = f->q;

    return hub_access_find(&q->house->vault, q->db, q->a, &q->repo, &f->commit,
                           &f->e, access, err) &&
           (access->kind == HUB_ACCESS_OPEN ||
            access->kind == HUB_ACCESS_SEALED || refuse(f, access, err));
}

/* Before it is asked whether it may be read: a closing that comes after that
 * ends the answer. */
static void mark(const struct found *f)
{
    uint8_t tag[NET_TAG];

    if (wh_hex_dec(wh_str_of(f->e.sha256), tag, sizeof tag, false)) {
        net_req_tag(f->q->net, tag);
    }
}

static bool send_large(const struct found *f, struct wh_err *err)
{
    struct hub_access access;

    mark(f);
    if (!may_read(f, &access, err)) {
        return false;
    }
    count(f);
    return access.kind == HUB_ACCESS_OPEN ? send_file(f, access.path, err)
                                          : send_sealed(f, &access.src);
}

/* A large file of the repo by its digest. */
static bool find_object(struct front_req *q, struct wh_str oid, struct found *f,
                        struct wh_err *err)
{
    uint8_t raw[WH_SHA256_LEN];
    bool found = false;

    *f = (struct found){.q = q};
    if (wh_hex_dec(oid, raw, sizeof raw, false) &&
        !hub_lfs_named(q->db, q->a, q->repo.id, wh_arena_cstr(q->a, oid),
                       &found, &f->e, &f->commit, err)) {
        return false;
    }
    hub_oid_hex(&f->commit, f->commit_hex);
    return found || wh_fail(err, WH_NOT_FOUND, "Object does not exist");
}

bool api_lfs_may_read(struct front_req *q, struct wh_str oid, uint64_t *size,
                      struct wh_err *err)
{
    /* a batch asks this a thousand times */
    struct wh_arena scratch;
    struct front_req each = *q;
    struct hub_access access;
    struct found f;
    bool good;

    wh_arena_init(&scratch, (size_t)4 << 20);
    each.a = &scratch;
    good = find_object(&each, oid, &f, err) && may_read(&f, &access, err);
    if (good) {
        *size = f.e.size;
    }
    wh_arena_done(&scratch);
    return good;
}

/* ---- the routes ---- */

static bool find_recalls(struct found *f, struct wh_err *err)
{
    return front_recalls(f->q, wh_str_of(f->commit_hex), &f->recalls,
                         &f->n_recalls, err);
}

/* What git holds of an LFS file: its pointer. */
static void as_pointer(struct hub_entry *e)
{
    if (e->lfs) {
        e->lfs = false;
        e->size = e->pointer_size;
        e->sha256[0] = 0;
    }
}

static bool send(const struct found *f, struct hub_git *g, struct wh_err *err)
{
    struct front_req *q = f->q;

    if (f->e.lfs) {
        return send_large(f, err);
    }
    if (f->e.sha256[0]) {
        return send_file(f, hub_open_path(&q->house->vault, q->a, f->e.sha256),
                         err);
    }
    return send_blob(f, g, err);
}

static bool serve(struct front_req *q, bool pointer, struct wh_err *err)
{
    struct hub_git *g = NULL;
    struct found f;
    bool ok;

    if (!hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, &g, err)) {
        return false;
    }
    ok = find(q, g, &f, err) && find_recalls(&f, err);
    if (ok && pointer) {
        as_pointer(&f.e);
    }
    ok = ok && send(&f, g, err);
    hub_git_close(&g);
    return ok;
}

bool api_resolve(struct front_req *q, struct wh_err *err)
{
    return serve(q, false, err);
}

bool api_lfs_object(struct front_req *q, struct wh_err *err)
{
    struct found f;

    return find_object(q, q->at.a, &f, err) && find_recalls(&f, err) &&
           send_large(&f, err);
}

bool api_raw(struct front_req *q, struct wh_err *err)
{
    return serve(q, true, err);
}
