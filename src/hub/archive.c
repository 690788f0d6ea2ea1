/*
 * archive.c - writing and reading archives: the two forms differ in where the
 * bytes of a file come from and go to, and in nothing else.
 */
#include "hub/archive.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/keyset.h"
#include "base/mem.h"
#include "base/sha256.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP ((size_t)1 << 20)
#define BLOCK 512u
#define PATH_ROOM 4500
#define DEPTH_MAX 10u
#define SUMMARY_MAX ((size_t)1 << 20)

/* The mark of a ustar header, and its version: bytes, no text. */
static const char USTAR[8] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};

bool hub_archive_name_ok(struct wh_str name)
{
    struct wh_str rest = name, part;

    if (name.n == 0 || name.n > HUB_ARCHIVE_NAME) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
              c == '/')) {
            return false;
        }
    }
    do {
        bool more = wh_str_cut(&rest, '/', &part);
        if (part.n == 0 || wh_str_is(part, ".") || wh_str_is(part, "..")) {
            return false;
        }
        if (!more) {
            break;
        }
        if (rest.n == 0) {
            return false;
        }
    } while (true);
    return true;
}

/* ---- sums ---- */

static void add_sum(struct wh_buf *sums, const char *hex, struct wh_str name)
{
    wh_buf_cstr(sums, hex);
    wh_buf_cstr(sums, "  ");
    wh_buf_add(sums, name);
    wh_buf_char(sums, '\n');
}

static bool next_sum(struct wh_str *rest, char hex[WH_SHA256_HEX + 1],
                     struct wh_str *name)
{
    struct wh_str line;

    wh_str_cut(rest, '\n', &line);
    if (line.n < WH_SHA256_HEX + 3 || line.p[WH_SHA256_HEX] != ' ' ||
        line.p[WH_SHA256_HEX + 1] != ' ') {
        return false;
    }
    memcpy(hex, line.p, WH_SHA256_HEX);
    hex[WH_SHA256_HEX] = 0;
    *name = wh_str_sub(line, WH_SHA256_HEX + 2, line.n);
    return hub_archive_name_ok(*name);
}

/* ---- writing ---- */

struct hub_archive {
    char *folder; /* or null: a stream */
    int fd;       /* the stream */
    char *step;
    struct wh_buf sums;
    /* Of the backup that is brought up to date: its names, and its lines. */
    struct wh_keyset had, had_lines;
    struct wh_keyset names; /* of this one */
    uint64_t files, bytes;
};

static struct hub_archive *new_archive(void)
{
    struct hub_archive *a = wh_alloc(sizeof *a);

    a->fd = -1;
    a->step = wh_alloc(STEP);
    wh_buf_init(&a->sums, HUB_ARCHIVE_SUMS);
    wh_keyset_init(&a->had);
    wh_keyset_init(&a->had_lines);
    wh_keyset_init(&a->names);
    return a;
}

void hub_archive_free(struct hub_archive **ap)
{
    struct hub_archive *a = *ap;

    if (a) {
        wh_keyset_done(&a->names);
        wh_keyset_done(&a->had_lines);
        wh_keyset_done(&a->had);
        wh_buf_done(&a->sums);
        wh_free(a->step);
        wh_free(a->folder);
        wh_free(a);
        *ap = NULL;
    }
}

struct hub_archive *hub_archive_stream(int fd)
{
    struct hub_archive *a = new_archive();

    a->fd = fd;
    return a;
}

static void path_in(const struct hub_archive *a, struct wh_str name,
                    char out[PATH_ROOM])
{
    (void)snprintf(out, PATH_ROOM, "%s/%.*s", a->folder, WH_FMT(name));
}

/* Names that a backup has at its top. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {
        "data", "keys.sealed", HUB_ARCHIVE_SUMS_NAME, HUB_ARCHIVE_END_NAME};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcmp(name, ours[i]) == 0) {
            return true;
        }
    }
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           strcmp(name, "lost+found") == 0;
}

static bool only_ours(const char *path, bool *empty, struct wh_err *err)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    bool good = true;

    if (!d) {
        return wh_fail_errno(err, WH_IO, path);
    }
    *empty = true;
    while ((e = readdir(d)) != NULL) {
        good = good && is_ours(e->d_name);
        *empty = *empty && e->d_name[0] == '.';
    }
    closedir(d);
    return good || wh_fail(err, WH_CONFLICT,
                           "%.200s holds other things: a backup needs a folder "
                           "of its own",
                           path);
}

/* What an earlier backup has, if there is one that came to its end. From here
 * on it is not whole any more. */
static bool read_earlier(struct hub_archive *a, struct wh_err *err)
{
    char path[PATH_ROOM], hex[WH_SHA256_HEX + 1];
    struct wh_str rest = {"", 0}, before, name;
    struct wh_arena arena;
    bool ok;

    wh_arena_init(&arena, HUB_ARCHIVE_SUMS);
    path_in(a, WH_S(HUB_ARCHIVE_SUMS_NAME), path);
    ok = wh_file_read(&arena, path, HUB_ARCHIVE_SUMS, &rest, err);
    if (!ok && err->code == WH_NOT_FOUND) {
        *err = (struct wh_err){0};
        ok = true;
    }
    while (ok && rest.n > 0) {
        before = rest;
        if (!next_sum(&rest, hex, &name)) {
            break;
        }
        (void)wh_keyset_add(&a->had, name);
        (void)wh_keyset_add(&a->had_lines,
                            wh_str_sub(before, 0, WH_SHA256_HEX + 2 + name.n));
    }
    wh_arena_done(&arena);
    path_in(a, WH_S(HUB_ARCHIVE_END_NAME), path);
    return ok && (unlink(path) == 0 || errno == ENOENT ||
                  wh_fail_errno(err, WH_IO, path));
}

bool hub_archive_folder(const char *path, struct hub_archive **out,
                        struct wh_err *err)
{
    struct hub_archive *a;
    bool empty = true;

    if (!wh_dir_make(path, 0700, err) || !only_ours(path, &empty, err)) {
        return false;
    }
    a = new_archive();
    a->folder = wh_alloc(strlen(path) + 1);
    memcpy(a->folder, path, strlen(path) + 1);
    if (!empty && !read_earlier(a, err)) {
        hub_archive_free(&a);
        return false;
    }
    *out = a;
    return true;
}

/* ---- tar ---- */

static void tar_number(char *at, size_t width, uint64_t v)
{
    if (v >> (3 * (width - 1)) == 0) {
        (void)snprintf(at, width, "%0*llo", (int)width - 1,
                       (unsigned long long)v);
        return;
    }
    memset(at, 0, width); /* base 256, as GNU tar writes it */
    at[0] = (char)0x80;
    for (size_t i = width - 1; i > 0 && v > 0; i--, v >>= 8) {
        at[i] = (char)(v & 0xff);
    }
}

static unsigned tar_check(const char h[BLOCK])
{
    unsigned sum = 0;

    for (size_t i = 0; i < BLOCK; i++) {
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)h[i];
    }
    return sum;
}

static bool tar_begin(int fd, struct wh_str name, uint64_t size,
                      struct wh_err *err)
{
    char h[BLOCK] = {0};

    (void)snprintf(h, HUB_ARCHIVE_NAME + 1, "%.*s", WH_FMT(name));
    memcpy(h + 100, "0000600", 8);
    memcpy(h + 108, "0000000", 8);
    memcpy(h + 116, "0000000", 8);
    tar_number(h + 124, 12, size);
    memcpy(h + 136, "00000000000", 12);
    h[156] = '0';
    memcpy(h + 257, USTAR, sizeof USTAR);
    (void)snprintf(h + 148, 8, "%06o", tar_check(h));
    h[155] = ' ';
    return wh_fd_write(fd, h, sizeof h, err);
}

static bool tar_pad(int fd, uint64_t size, struct wh_err *err)
{
    static const char zeros[BLOCK];
    size_t over = (size_t)(size % BLOCK);

    return over == 0 || wh_fd_write(fd, zeros, BLOCK - over, err);
}

/* ---- one file ---- */

static bool copy_out(struct hub_archive *a, int from, uint64_t size, int to,
                     char hex[WH_SHA256_HEX + 1], struct wh_err *err)
{
    uint8_t digest[WH_SHA256_LEN];
    struct wh_sha256 h;
    bool ok = true;

    wh_sha256_init(&h);
    for (uint64_t off = 0; ok && off < size;) {
        size_t n = size - off < STEP ? (size_t)(size - off) : STEP;
        ok = wh_fd_pread(from, off, a->step, n, err);
        if (ok) {
            wh_sha256_add(&h, a->step, n);
            ok = to < 0 || wh_fd_write(to, a->step, n, err);
        }
        off += n;
    }
    wh_sha256_get(&h, digest);
    wh_sha256_done(&h);
    wh_hex_enc(digest, sizeof digest, hex);
    return ok;
}

static bool put_stream(struct hub_archive *a, struct wh_str name, int fd,
                       uint64_t size, char hex[WH_SHA256_HEX + 1],
                       struct wh_err *err)
{
    return tar_begin(a->fd, name, size, err) &&
           copy_out(a, fd, size, a->fd, hex, err) && tar_pad(a->fd, size, err);
}

static bool make_parent(const char *path, struct wh_err *err)
{
    char dir[PATH_ROOM];
    const char *slash = strrchr(path, '/');

    (void)snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    return wh_dir_make(dir, 0700, err);
}

/* An earlier backup has this very file already? */
static bool has_already(struct hub_archive *a, struct wh_str name,
                        const char *path, uint64_t size)
{
    struct stat st;

    return !wh_keyset_add(&a->had, name) && lstat(path, &st) == 0 &&
           S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* What the earlier backup has of this name must be what is here today. */
static bool compare(struct hub_archive *a, struct wh_str name, int fd,
                    uint64_t size, char hex[WH_SHA256_HEX + 1],
                    struct wh_err *err)
{
    struct wh_buf line;
    bool same;

    if (!copy_out(a, fd, size, -1, hex, err)) {
        return false;
    }
    wh_buf_init(&line, WH_SHA256_HEX + 4 + HUB_ARCHIVE_NAME);
    wh_buf_cstr(&line, hex);
    wh_buf_cstr(&line, "  ");
    wh_buf_add(&line, name);
    same = !wh_keyset_add(&a->had_lines, wh_buf_str(&line));
    wh_buf_done(&line);
    return same ||
           wh_fail(
               err, WH_CORRUPT,
               "%.*s is not as it was when it was backed up before: one of "
               "the two is damaged, and the earlier backup is left as it is",
               WH_FMT(name));
}

static bool write_file(struct hub_archive *a, const char *path, int fd,
                       uint64_t size, char hex[WH_SHA256_HEX + 1],
                       struct wh_err *err)
{
    char tmp[PATH_ROOM + 8];
    bool ok;
    int out;

    (void)snprintf(tmp, sizeof tmp, "%s.part", path);
    if (!make_parent(path, err)) {
        return false;
    }
    out =
        open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0) {
        return wh_fail_errno(err, WH_IO, tmp);
    }
    ok = copy_out(a, fd, size, out, hex, err);
    wh_fd_close(&out);
    if (ok && rename(tmp, path) != 0) {
        ok = wh_fail_errno(err, WH_IO, path);
    }
    if (!ok) {
        unlink(tmp);
    }
    return ok; /* durable with all the others, at the end */
}

static bool put_folder(struct hub_archive *a, struct wh_str name, int fd,
                       uint64_t size, bool lasting, char hex[WH_SHA256_HEX + 1],
                       struct wh_err *err)
{
    char path[PATH_ROOM];

    path_in(a, name, path);
    return lasting && has_already(a, name, path, size)
               ? compare(a, name, fd, size, hex, err)
               : write_file(a, path, fd, size, hex, err);
}

bool hub_archive_put(struct hub_archive *a, struct wh_str name, int fd,
                     uint64_t size, bool lasting, struct wh_err *err)
{
    char hex[WH_SHA256_HEX + 1];

    if (!hub_archive_name_ok(name)) {
        return wh_fail(err, WH_BAD_NAME, "%.*s is no name for a backup",
                       (int)(name.n > 200 ? 200 : name.n), name.p);
    }
    if (!wh_keyset_add(&a->names, name)) {
        return wh_fail(err, WH_CONFLICT, "%.*s is in the backup twice",
                       WH_FMT(name));
    }
    if (!(a->folder ? put_folder(a, name, fd, size, lasting, hex, err)
                    : put_stream(a, name, fd, size, hex, err))) {
        return false;
    }
    add_sum(&a->sums, hex, name);
    a->files++;
    a->bytes += size;
    return wh_buf_ok(&a->sums, err);
}

uint64_t hub_archive_files(const struct hub_archive *a)
{
    return a->files;
}

uint64_t hub_archive_bytes(const struct hub_archive *a)
{
    return a->bytes;
}

/* ---- the end ---- */

/* What the backup held once and holds no more: what was closed meanwhile must
 * not lie here in the clear. */
static bool sweep(struct hub_archive *a, const char *sub, unsigned depth,
                  struct wh_err *err)
{
    char path[PATH_ROOM], name[2 * HUB_ARCHIVE_NAME];
    const struct dirent *e;
    bool ok = true;
    DIR *d;

    path_in(a, wh_str_of(sub), path);
    d = opendir(path);
    if (!d) {
        return errno == ENOENT || wh_fail_errno(err, WH_IO, path);
    }
    while (ok && (e = readdir(d)) != NULL) {
        struct stat st;
        int n = snprintf(name, sizeof name, "%s/%s", sub, e->d_name);
        if (e->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof name ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            ok = depth < DEPTH_MAX && sweep(a, name, depth + 1, err);
            (void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
        } else if (wh_keyset_add(&a->names, wh_str_of(name)) &&
                   unlinkat(dirfd(d), e->d_name, 0) != 0) {
            ok = wh_fail_errno(err, WH_IO, name);
        }
    }
    closedir(d);
    return ok;
}

static bool sync_all(const char *path, struct wh_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && syncfs(fd) == 0;

    if (!ok) {
        wh_fail_errno(err, WH_IO, path);
    }
    wh_fd_close(&fd);
    return ok;
}

static bool end_folder(struct hub_archive *a, struct wh_str summary,
                       struct wh_err *err)
{
    char sums[PATH_ROOM], end[PATH_ROOM];

    path_in(a, WH_S(HUB_ARCHIVE_SUMS_NAME), sums);
    path_in(a, WH_S(HUB_ARCHIVE_END_NAME), end);
    return sweep(a, "data", 0, err) &&
           wh_file_write_atomic(sums, wh_buf_str(&a->sums), 0600, err) &&
           sync_all(a->folder, err) &&
           wh_file_write_atomic(end, summary, 0600, err);
}

static bool text_out(struct hub_archive *a, const char *name,
                     struct wh_str text, struct wh_err *err)
{
    return tar_begin(a->fd, wh_str_of(name), text.n, err) &&
           wh_fd_write(a->fd, text.p, text.n, err) &&
           tar_pad(a->fd, text.n, err);
}

bool hub_archive_end(struct hub_archive *a, struct wh_str summary,
                     struct wh_err *err)
{
    static const char zeros[2 * BLOCK];

    if (a->folder) {
        return end_folder(a, summary, err);
    }
    return text_out(a, HUB_ARCHIVE_SUMS_NAME, wh_buf_str(&a->sums), err) &&
           text_out(a, HUB_ARCHIVE_END_NAME, summary, err) &&
           wh_fd_write(a->fd, zeros, sizeof zeros, err);
}

/* ---- reading ---- */

/* Where the bytes of the present file come from, and what they were so far. */
struct source {
    int fd;
    uint64_t left;
    struct wh_sha256 hash;
};

static bool read_fd(int fd, void *buf, size_t n, struct wh_err *err)
{
    char *at = buf;

    while (n > 0) {
        ssize_t got = read(fd, at, n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return wh_fail_errno(err, WH_IO, "reading the backup");
        }
        if (got == 0) {
            return wh_fail(err, WH_CORRUPT, "the backup ends too early");
        }
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static bool read_source(void *from, void *buf, size_t n, struct wh_err *err)
{
    struct source *s = from;

    if (n > s->left || !read_fd(s->fd, buf, n, err)) {
        return err->code != WH_NONE ? false : wh_fail(err, WH_INTERNAL, "");
    }
    wh_sha256_add(&s->hash, buf, n);
    s->left -= n;
    return true;
}

/* Have one file taken; hex is the digest of what was read. */
static bool take_one(struct source *s, struct wh_str name, uint64_t size,
                     hub_archive_take *take, void *ctx,
                     char hex[WH_SHA256_HEX + 1], struct wh_err *err)
{
    const struct hub_archive_file f = {name, size, s, read_source};
    uint8_t digest[WH_SHA256_LEN];
    bool ok;

    s->left = size;
    wh_sha256_init(&s->hash);
    ok = take(ctx, &f, err);
    wh_sha256_get(&s->hash, digest);
    wh_sha256_done(&s->hash);
    wh_hex_enc(digest, sizeof digest, hex);
    return ok && (s->left == 0 || wh_fail(err, WH_INTERNAL, ""));
}

static bool take_path(const char *root, struct wh_str name, const char *want,
                      hub_archive_take *take, void *ctx, struct wh_err *err)
{
    char path[PATH_ROOM], hex[WH_SHA256_HEX + 1];
    struct source s = {.fd = -1};
    struct stat st;
    bool ok;

    (void)snprintf(path, sizeof path, "%s/%.*s", root, WH_FMT(name));
    s.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (s.fd < 0 || fstat(s.fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        wh_fd_close(&s.fd);
        return wh_fail(err, WH_CORRUPT, "the backup lacks %.*s", WH_FMT(name));
    }
    ok = take_one(&s, name, (uint64_t)st.st_size, take, ctx, hex, err);
    wh_fd_close(&s.fd);
    return ok && (strcmp(hex, want) == 0 ||
                  wh_fail(err, WH_CORRUPT,
                          "%.*s is not as it was when the backup was made",
                          WH_FMT(name)));
}

bool hub_archive_read_folder(struct wh_arena *arena, const char *path,
                             hub_archive_take *take, void *ctx,
                             struct wh_str *summary, struct wh_err *err)
{
    char hex[WH_SHA256_HEX + 1];
    struct wh_str rest, name;

    if (!wh_file_read(
            arena, wh_arena_fmt(arena, "%s/%s", path, HUB_ARCHIVE_END_NAME).p,
            SUMMARY_MAX, summary, err) ||
        !wh_file_read(
            arena, wh_arena_fmt(arena, "%s/%s", path, HUB_ARCHIVE_SUMS_NAME).p,
            HUB_ARCHIVE_SUMS, &rest, err)) {
        return err->code != WH_NOT_FOUND
                   ? false
                   : wh_fail(err, WH_CORRUPT,
                             "%.200s holds no backup that came to its end",
                             path);
    }
    while (rest.n > 0) {
        if (!next_sum(&rest, hex, &name)) {
            return wh_fail(err, WH_CORRUPT, "SHA256SUMS is damaged");
        }
        if (!take_path(path, name, hex, take, ctx, err)) {
            return false;
        }
    }
    return true;
}

static bool tar_size(const char *at, uint64_t *out)
{
    uint64_t v = 0;

    if ((unsigned char)at[0] == 0x80) {
        for (unsigned i = 4; i < 12; i++) {
            v = v << 8 | (unsigned char)at[i];
        }
        *out = v;
        return at[1] == 0 && at[2] == 0 && at[3] == 0;
    }
    for (unsigned i = 0; i < 11; i++) {
        if (at[i] < '0' || at[i] > '7') {
            return false;
        }
        v = v << 3 | (uint64_t)(at[i] - '0');
    }
    *out = v;
    return at[11] == 0 || at[11] == ' ';
}

/* The next header of the stream; *end at the first block of zeros. */
static bool tar_next(int fd, char h[BLOCK], struct wh_str *name, uint64_t *size,
                     bool *end, struct wh_err *err)
{
    static const char zeros[BLOCK];
    char want[8];

    if (!read_fd(fd, h, BLOCK, err)) {
        return false;
    }
    *end = memcmp(h, zeros, BLOCK) == 0;
    if (*end) {
        return true;
    }
    (void)snprintf(want, sizeof want, "%06o", tar_check(h));
    *name = wh_str_mem(h, strnlen(h, HUB_ARCHIVE_NAME));
    return (memcmp(want, h + 148, 6) == 0 && h[156] == '0' && h[345] == 0 &&
            hub_archive_name_ok(*name) && tar_size(h + 124, size)) ||
           wh_fail(err, WH_CORRUPT, "this is no stream of weighhouse backup");
}

static bool tar_skip(int fd, uint64_t size, struct wh_err *err)
{
    char pad[BLOCK];
    size_t over = (size_t)(size % BLOCK);

    return over == 0 || read_fd(fd, pad, BLOCK - over, err);
}

static bool read_text(struct wh_arena *arena, int fd, uint64_t size, size_t max,
                      struct wh_str *out, struct wh_err *err)
{
    char *p;

    if (size > max) {
        return wh_fail(err, WH_TOO_LARGE, "");
    }
    p = wh_arena_alloc(arena, (size_t)size + 1);
    *out = wh_str_mem(p, (size_t)size);
    return read_fd(fd, p, (size_t)size, err);
}

/* State of a stream that is read. */
struct reading {
    struct wh_arena *arena;
    struct wh_buf sums; /* of what came */
    struct wh_str noted, summary;
    bool has_noted, has_summary;
};

static bool take_entry(struct reading *r, struct source *s, struct wh_str name,
                       uint64_t size, hub_archive_take *take, void *ctx,
                       struct wh_err *err)
{
    char hex[WH_SHA256_HEX + 1];

    if (wh_str_is(name, HUB_ARCHIVE_SUMS_NAME)) {
        r->has_noted = true;
        return read_text(r->arena, s->fd, size, HUB_ARCHIVE_SUMS, &r->noted,
                         err);
    }
    if (wh_str_is(name, HUB_ARCHIVE_END_NAME)) {
        r->has_summary = true;
        return read_text(r->arena, s->fd, size, SUMMARY_MAX, &r->summary, err);
    }
    if (r->has_noted) {
        return wh_fail(err, WH_CORRUPT, "the backup goes on after its end");
    }
    if (!take_one(s, name, size, take, ctx, hex, err)) {
        return false;
    }
    add_sum(&r->sums, hex, name);
    return wh_buf_ok(&r->sums, err);
}

bool hub_archive_read_stream(struct wh_arena *arena, int fd,
                             hub_archive_take *take, void *ctx,
                             struct wh_str *summary, struct wh_err *err)
{
    struct reading r = {.arena = arena};
    struct source s = {.fd = fd};
    char h[BLOCK];
    struct wh_str name;
    uint64_t size = 0;
    bool end = false, ok = true;

    wh_buf_init(&r.sums, HUB_ARCHIVE_SUMS);
    while (ok && !end) {
        ok = tar_next(fd, h, &name, &size, &end, err);
        if (ok && !end) {
            ok = take_entry(&r, &s, name, size, take, ctx, err) &&
                 tar_skip(fd, size, err);
        }
    }
    if (ok && (!r.has_noted || !r.has_summary ||
               !wh_str_eq(r.noted, wh_buf_str(&r.sums)))) {
        ok = wh_fail(err, WH_CORRUPT,
                     "the backup is not as it was written, or not whole");
    }
    wh_buf_done(&r.sums);
    *summary = r.summary;
    return ok;
}
