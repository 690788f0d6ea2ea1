/*
 * files.c - writing and reading the published files.
 *
 * A new file is written under one temporary name in the log's own folder,
 * synced, and renamed to its place; the folders that got new names are
 * remembered and synced together, once, before the checkpoint is replaced.
 * There is one writer, so one temporary name is enough, and what a crash left
 * there is simply overwritten.
 */
#include "register/files.h"
#include "base/file.h"
#include "base/mem.h"
#include "register/crash.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY "tmp"
#define CHECKPOINT "checkpoint"
#define LOCK "lock"
#define PENDING 16

struct register_files {
    int fd;      /* the folder */
    int lock_fd; /* or -1 */
    /* folders with names that are not synced yet */
    char pending[PENDING][TLOG_TILE_NAME];
    size_t n;
};

/* The folder of a relative name: "" for the log's own. */
static void folder_of(const char *name, char out[TLOG_TILE_NAME])
{
    const char *slash = strrchr(name, '/');
    int n = slash ? (int)(slash - name) : 0;
    snprintf(out, TLOG_TILE_NAME, "%.*s", n, name);
}

static bool sync_folder(int dirfd, const char *name, struct wh_err *err)
{
    int fd =
        openat(dirfd, name[0] ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "opening a folder of the register");
    }
    bool ok = fsync(fd) == 0 ||
              wh_fail_errno(err, WH_IO, "syncing a folder of the register");
    wh_fd_close(&fd);
    return ok;
}

bool register_files_sync(struct register_files *f, struct wh_err *err)
{
    while (f->n > 0) {
        if (!sync_folder(f->fd, f->pending[f->n - 1], err)) {
            return false;
        }
        f->n--;
    }
    return true;
}

/* Remember that this folder has a new name in it. */
static bool touched(struct register_files *f, const char *folder,
                    struct wh_err *err)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->pending[i], folder) == 0) {
            return true;
        }
    }
    if (f->n == PENDING && !register_files_sync(f, err)) {
        return false;
    }
    snprintf(f->pending[f->n++], TLOG_TILE_NAME, "%s", folder);
    return true;
}

/* Make the folder of `name` and those above it. */
static bool make_folders(struct register_files *f, const char *name,
                         struct wh_err *err)
{
    char part[TLOG_TILE_NAME], above[TLOG_TILE_NAME];
    for (const char *s = strchr(name, '/'); s; s = strchr(s + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(s - name), name);
        if (mkdirat(f->fd, part, 0755) == 0) {
            folder_of(part, above);
            if (!touched(f, above, err)) {
                return false;
            }
        } else if (errno != EEXIST) {
            return wh_fail_errno(err, WH_IO, "making a folder of the register");
        }
    }
    return true;
}

static bool write_temporary(struct register_files *f, struct wh_str bytes,
                            struct wh_err *err)
{
    int fd =
        openat(f->fd, TEMPORARY,
               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "making a file of the register");
    }
    bool ok = wh_fd_write(fd, bytes.p, bytes.n, err);
    if (ok && fsync(fd) != 0) {
        ok = wh_fail_errno(err, WH_IO, "syncing a file of the register");
    }
    wh_fd_close(&fd);
    return ok;
}

static bool place(struct register_files *f, const char *name,
                  struct wh_str bytes, struct wh_err *err)
{
    char folder[TLOG_TILE_NAME];
    folder_of(name, folder);
    if (!write_temporary(f, bytes, err)) {
        return false;
    }
    register_crash_point(REGISTER_AT_TEMPORARY);
    if (renameat(f->fd, TEMPORARY, f->fd, name) != 0) {
        if (errno != ENOENT) {
            return wh_fail_errno(err, WH_IO, "naming a file of the register");
        }
        if (!make_folders(f, name, err)) {
            return false;
        }
        if (renameat(f->fd, TEMPORARY, f->fd, name) != 0) {
            return wh_fail_errno(err, WH_IO, "naming a file of the register");
        }
    }
    return touched(f, folder, err);
}

/* The whole file, at most max bytes; missing is WH_NOT_FOUND. */
static bool read_whole(int dirfd, const char *name, size_t max,
                       struct wh_buf *out, struct wh_err *err)
{
    int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return wh_fail(err, WH_NOT_FOUND, "the register has no such file");
    }
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "opening a file of the register");
    }
    struct stat st;
    bool ok = fstat(fd, &st) == 0 ||
              wh_fail_errno(err, WH_IO, "looking at a file of the register");
    if (ok && (!S_ISREG(st.st_mode) || st.st_size < 0 ||
               (uint64_t)st.st_size > max)) {
        ok = wh_fail(err, WH_CORRUPT, "a file of the register is too large");
    }
    if (ok) {
        size_t n = (size_t)st.st_size;
        char *p = wh_buf_room(out, n);
        ok = p ? wh_fd_pread(fd, 0, p, n, err) : wh_buf_ok(out, err);
        if (ok) {
            wh_buf_grew(out, n);
        }
    }
    wh_fd_close(&fd);
    return ok;
}

/* Is the file there with these bytes? False without *err: it is not there. */
static bool there(const struct register_files *f, const char *name,
                  struct wh_str bytes, bool *same, struct wh_err *err)
{
    struct wh_buf old;
    wh_buf_init(&old, TLOG_BUNDLE_MAX);
    bool found = read_whole(f->fd, name, TLOG_BUNDLE_MAX, &old, err);
    *same = found && wh_str_eq(wh_buf_str(&old), bytes);
    wh_buf_done(&old);
    return found;
}

static bool changed(const char *name, struct wh_err *err)
{
    (void)wh_fail(err, WH_CORRUPT,
                  "a published file of the register has changed");
    return wh_err_detail(err, "file %s", name);
}

bool register_files_put(struct register_files *f, const struct tlog_tile *t,
                        struct wh_str bytes, bool rewrite, struct wh_err *err)
{
    wh_assert(f->lock_fd >= 0);
    /* only a full tile may ever stand under a full name */
    wh_assert(t->entries || bytes.n == (size_t)t->width * TLOG_HASH);
    char name[TLOG_TILE_NAME];
    bool same;
    tlog_tile_name(t, name);
    if (!rewrite) {
        if (there(f, name, bytes, &same, err)) {
            return same || changed(name, err);
        }
        if (err->code != WH_NOT_FOUND) {
            return false;
        }
        *err = (struct wh_err){0};
    }
    return place(f, name, bytes, err);
}

/* Cut the first `width` entries out of a full bundle. */
static bool cut_bundle(struct wh_buf *full, unsigned width, struct wh_err *err)
{
    struct wh_str entries[TLOG_TILE_WIDTH];
    if (!tlog_bundle_split(wh_buf_str(full), TLOG_TILE_WIDTH, entries, err)) {
        return false;
    }
    full->n = (size_t)(entries[width].p - full->p) - 2;
    return true;
}

bool register_files_get(const struct register_files *f,
                        const struct tlog_tile *t, struct wh_buf *out,
                        struct wh_err *err)
{
    char name[TLOG_TILE_NAME];
    size_t max = t->entries ? TLOG_BUNDLE_MAX : TLOG_TILE_BYTES;
    size_t want = (size_t)t->width * TLOG_HASH;
    tlog_tile_name(t, name);
    wh_buf_reset(out);
    if (read_whole(f->fd, name, max, out, err)) {
        return t->entries || out->n == want ||
               wh_fail(err, WH_CORRUPT,
                       "a tile of the register has the wrong length");
    }
    if (err->code != WH_NOT_FOUND || t->width == TLOG_TILE_WIDTH) {
        return false;
    }
    struct tlog_tile full = *t;
    full.width = TLOG_TILE_WIDTH;
    tlog_tile_name(&full, name);
    *err = (struct wh_err){0};
    if (!read_whole(f->fd, name, max, out, err)) {
        return false;
    }
    if (t->entries) {
        return cut_bundle(out, t->width, err);
    }
    if (out->n != TLOG_TILE_BYTES) {
        return wh_fail(err, WH_CORRUPT,
                       "a tile of the register has the wrong length");
    }
    out->n = want;
    return true;
}

bool register_files_tile(void *ctx, const struct tlog_tile *t, uint8_t *out,
                         struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, TLOG_TILE_BYTES);
    bool ok = register_files_get(ctx, t, &b, err);
    if (ok) {
        memcpy(out, b.p, b.n);
    }
    wh_buf_done(&b);
    return ok;
}

bool register_files_put_checkpoint(struct register_files *f, struct wh_str note,
                                   struct wh_err *err)
{
    wh_assert(f->lock_fd >= 0 && f->n == 0); /* all names are durable */
    return write_temporary(f, note, err) &&
           (renameat(f->fd, TEMPORARY, f->fd, CHECKPOINT) == 0 ||
            wh_fail_errno(err, WH_IO, "naming the checkpoint")) &&
           sync_folder(f->fd, "", err);
}

bool register_files_checkpoint(const struct register_files *f,
                               struct wh_buf *out, struct wh_err *err)
{
    return read_whole(f->fd, CHECKPOINT, TLOG_NOTE_MAX, out, err);
}

/* Remove a folder "<name>.p" with the files in it. */
static bool sweep_folder(struct register_files *f, const char *name,
                         struct wh_err *err)
{
    int fd = openat(f->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return true;
    }
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        wh_fd_close(&fd);
        return wh_fail_errno(err, WH_IO, "opening a folder of partial tiles");
    }
    bool ok = true;
    for (const struct dirent *e; ok && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.' && unlinkat(fd, e->d_name, 0) != 0) {
            ok = wh_fail_errno(err, WH_IO, "removing a partial tile");
        }
    }
    closedir(d);
    return ok && (unlinkat(f->fd, name, AT_REMOVEDIR) == 0 ||
                  wh_fail_errno(err, WH_IO, "removing a partial tile"));
}

bool register_files_sweep(struct register_files *f, unsigned level,
                          uint64_t index, struct wh_err *err)
{
    wh_assert(f->lock_fd >= 0);
    struct tlog_tile t = {
        .level = level, .index = index, .width = TLOG_TILE_WIDTH};
    char name[TLOG_TILE_NAME], partial[TLOG_TILE_NAME + 2];
    const int kinds = level == 0 ? 2 : 1;
    for (int kind = 0; kind < kinds; kind++) {
        t.entries = kind == 1;
        tlog_tile_name(&t, name);
        snprintf(partial, sizeof partial, "%s.p", name);
        if (!sweep_folder(f, partial, err)) {
            return false;
        }
        register_crash_point(REGISTER_AT_SWEEP);
    }
    return true;
}

static bool take_lock(struct register_files *f, struct wh_err *err)
{
    f->lock_fd = openat(f->fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->lock_fd < 0) {
        return wh_fail_errno(err, WH_IO, "opening the register's lock");
    }
    if (flock(f->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? wh_fail(err, WH_CONFLICT,
                             "another process writes this register")
                   : wh_fail_errno(err, WH_IO, "locking the register");
    }
    return true;
}

bool register_files_open(const char *dir, bool lock,
                         struct register_files **out, struct wh_err *err)
{
    struct register_files *f = wh_alloc(sizeof *f);
    f->fd = f->lock_fd = -1;
    bool ok = !lock || wh_dir_make(dir, 0755, err);
    if (ok) {
        f->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ok = f->fd >= 0 ||
             wh_fail_errno(err, WH_IO, "opening the register's folder");
    }
    ok = ok && (!lock || take_lock(f, err));
    if (!ok) {
        register_files_close(&f);
        return false;
    }
    *out = f;
    return true;
}

void register_files_close(struct register_files **f)
{
    if (!f || !*f) {
        return;
    }
    wh_fd_close(&(*f)->lock_fd);
    wh_fd_close(&(*f)->fd);
    wh_free(*f);
    *f = NULL;
}

int register_files_fd(const struct register_files *f)
{
    return f->fd;
}
