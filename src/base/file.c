/*
 * Files done right. Durable means: the data reached the disk before the name
 * did, and the name reached it before we say so.
 */
#include "base/file.h"
#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP ((size_t)64 * 1024)
#define TMP_TRIES 8

/* The folder part of path into out[PATH_MAX]: "." when there is none. */
static bool parent_of(const char *path, char *out, struct wh_err *err)
{
    size_t n = strlen(path);
    if (n == 0 || n >= PATH_MAX) {
        return wh_fail(err, WH_BAD_NAME, "");
    }
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    if (n == 0) {
        out[0] = '.';
        n = 1;
    } else {
        memcpy(out, path, n);
    }
    out[n] = '\0';
    return true;
}

/* Bytes the arena may still hand out before it is over. */
static size_t arena_left(const struct wh_arena *a)
{
    return a->used < a->ceiling ? a->ceiling - a->used : 0;
}

static bool read_all(int fd, struct wh_buf *b, struct wh_err *err)
{
    for (;;) {
        size_t left = b->ceiling - b->n;
        char *at = wh_buf_room(b, left < READ_STEP ? left : READ_STEP);
        char extra;
        ssize_t r = left > 0 ? read(fd, at, left < READ_STEP ? left : READ_STEP)
                             : read(fd, &extra, 1);
        if (r < 0 && errno == EINTR) {
            continue;
        }
        if (r < 0) {
            return wh_fail_errno(err, WH_IO, "read a file");
        }
        if (r == 0) {
            return true;
        }
        if (left == 0) {
            return wh_fail(err, WH_TOO_LARGE,
                           "the file is larger than allowed");
        }
        wh_buf_grew(b, (size_t)r);
    }
}

bool wh_file_read(struct wh_arena *a, const char *path, size_t max,
                  struct wh_str *out, struct wh_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return wh_fail_errno(err, missing ? WH_NOT_FOUND : WH_IO, path);
    }
    struct wh_buf b;
    size_t room = arena_left(a);
    wh_buf_init(&b, max < room ? max : room);
    bool ok = read_all(fd, &b, err);
    if (ok) {
        *out = wh_arena_dup(a, wh_buf_str(&b));
    } else {
        (void)wh_err_detail(err, "%s", path);
    }
    wh_buf_done(&b);
    wh_fd_close(&fd);
    return ok;
}

/* Create a file of a fresh name beside path; the name goes to tmp. */
static int open_tmp(const char *path, char *tmp, size_t cap)
{
    for (int i = 0; i < TMP_TRIES; i++) {
        uint64_t random;
        if (getrandom(&random, sizeof random, 0) != sizeof random) {
            return -1;
        }
        int n = snprintf(tmp, cap, "%s.%016llx.tmp", path,
                         (unsigned long long)random);
        if (n < 0 || (size_t)n >= cap) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

static bool fill_tmp(int fd, struct wh_str data, mode_t mode,
                     struct wh_err *err)
{
    if (!wh_fd_write(fd, data.p, data.n, err)) {
        return false;
    }
    if (fchmod(fd, mode) != 0) {
        return wh_fail_errno(err, WH_IO, "set a file's mode");
    }
    if (fsync(fd) != 0) {
        return wh_fail_errno(err, WH_IO, "sync a file");
    }
    return true;
}

bool wh_file_write_atomic(const char *path, struct wh_str data, mode_t mode,
                          struct wh_err *err)
{
    char dir[PATH_MAX];
    if (!parent_of(path, dir, err)) {
        return false;
    }
    char tmp[PATH_MAX + 32];
    int fd = open_tmp(path, tmp, sizeof tmp);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "create a temporary file");
    }
    bool ok = fill_tmp(fd, data, mode, err);
    wh_fd_close(&fd);
    if (ok && rename(tmp, path) != 0) {
        ok = wh_fail_errno(err, WH_IO, "rename a file into place");
    }
    if (!ok) {
        (void)unlink(tmp);
        return wh_err_detail(err, "%s", path);
    }
    return wh_dir_sync(dir, err);
}

static bool make_one(const char *path, mode_t mode, struct wh_err *err)
{
    if (mkdir(path, mode) == 0) {
        char dir[PATH_MAX];
        return parent_of(path, dir, err) && wh_dir_sync(path, err) &&
               wh_dir_sync(dir, err);
    }
    int e = errno;
    struct stat st;
    if (e == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return true;
    }
    errno = e == EEXIST ? ENOTDIR : e;
    return wh_fail_errno(err, WH_IO, path);
}

bool wh_dir_make(const char *path, mode_t mode, struct wh_err *err)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part) {
        return wh_fail(err, WH_BAD_NAME, "");
    }
    for (size_t i = 1; i <= n; i++) {
        bool end = (path[i] == '/' || path[i] == '\0') && path[i - 1] != '/';
        if (end) {
            memcpy(part, path, i);
            part[i] = '\0';
            if (!make_one(part, mode, err)) {
                return false;
            }
        }
    }
    return true;
}

static bool remove_at(int dir, const char *name, unsigned depth);

/* Everything in the folder of this descriptor, which is closed. */
static bool empty_out(int fd, unsigned depth)
{
    DIR *d = fdopendir(fd);
    bool ok = d != NULL;
    if (!d) {
        wh_fd_close(&fd);
        return false;
    }
    for (const struct dirent *e; ok && (e = readdir(d)) != NULL;) {
        ok = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
             remove_at(dirfd(d), e->d_name, depth);
    }
    int e = errno;
    (void)closedir(d);
    errno = e;
    return ok;
}

static bool remove_at(int dir, const char *name, unsigned depth)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR && errno != EPERM) {
        return false;
    }
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && depth == 0) {
        wh_fd_close(&fd);
        errno = ELOOP;
    }
    return fd >= 0 && empty_out(fd, depth - 1) &&
           (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

bool wh_dir_remove(const char *path, struct wh_err *err)
{
    return remove_at(AT_FDCWD, path, WH_DIR_DEPTH) ||
           wh_fail_errno(err, WH_IO, path);
}

bool wh_dir_sync(const char *path, struct wh_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, path);
    }
    bool ok = fsync(fd) == 0 || wh_fail_errno(err, WH_IO, path);
    wh_fd_close(&fd);
    return ok;
}

bool wh_fd_pread(int fd, uint64_t off, void *buf, size_t n, struct wh_err *err)
{
    char *to = buf;
    while (n > 0) {
        if (off > INT64_MAX) {
            return wh_fail(err, WH_BAD_RANGE, "");
        }
        ssize_t r = pread(fd, to, n, (off_t)off);
        if (r < 0 && errno == EINTR) {
            continue;
        }
        if (r < 0) {
            return wh_fail_errno(err, WH_IO, "read a file");
        }
        if (r == 0) {
            return wh_fail(err, WH_CORRUPT, "a file is shorter than recorded");
        }
        to += r;
        off += (uint64_t)r;
        n -= (size_t)r;
    }
    return true;
}

bool wh_fd_pwrite(int fd, uint64_t off, const void *buf, size_t n,
                  struct wh_err *err)
{
    const char *from = buf;
    while (n > 0) {
        if (off > INT64_MAX) {
            return wh_fail(err, WH_BAD_RANGE, "");
        }
        ssize_t w = pwrite(fd, from, n, (off_t)off);
        if (w < 0 && errno == EINTR) {
            continue;
        }
        if (w < 0) {
            return wh_fail_errno(err, WH_IO, "write a file");
        }
        from += w;
        off += (uint64_t)w;
        n -= (size_t)w;
    }
    return true;
}

bool wh_fd_write(int fd, const void *buf, size_t n, struct wh_err *err)
{
    const char *from = buf;
    while (n > 0) {
        ssize_t w = write(fd, from, n);
        if (w < 0 && errno == EINTR) {
            continue;
        }
        if (w < 0) {
            return wh_fail_errno(err, WH_IO, "write a file");
        }
        from += w;
        n -= (size_t)w;
    }
    return true;
}

void wh_fd_close(int *fd)
{
    if (*fd >= 0) {
        /* On Linux the descriptor is gone even when close reports EINTR. */
        (void)close(*fd);
        *fd = -1;
    }
}
