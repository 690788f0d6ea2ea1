/*
 * keyfile.c - small secrets at rest.
 *
 * Creation writes a temporary file, syncs it and link()s it to its name: that
 * is atomic and, unlike rename, refuses to replace a key that is there.
 */
#include "crypto/keyfile.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of path, for its fsync. */
static void folder_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        snprintf(out, PATH_MAX, ".");
    } else if (slash == path) {
        snprintf(out, PATH_MAX, "/");
    } else {
        snprintf(out, PATH_MAX, "%.*s", (int)(slash - path), path);
    }
}

static bool write_synced(const char *path, const void *secret, size_t n,
                         struct wh_err *err)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "making a key file");
    }
    bool ok = wh_fd_write(fd, secret, n, err);
    if (ok && fsync(fd) != 0) {
        ok = wh_fail_errno(err, WH_IO, "syncing a key file");
    }
    wh_fd_close(&fd);
    return ok;
}

bool crypto_keyfile_create(const char *path, const void *secret, size_t n,
                           struct wh_err *err)
{
    char tmp[PATH_MAX], dir[PATH_MAX];
    uint64_t salt;
    crypto_random(&salt, sizeof salt);
    int len =
        snprintf(tmp, sizeof tmp, "%s.%016llx", path, (unsigned long long)salt);
    if (len < 0 || (size_t)len >= sizeof tmp) {
        return wh_fail(err, WH_BAD_NAME, "the key file's path is too long");
    }
    folder_of(path, dir);

    bool ok = write_synced(tmp, secret, n, err);
    if (ok && link(tmp, path) != 0) {
        ok = errno == EEXIST
                 ? wh_fail(err, WH_CONFLICT, "the key file exists already")
                 : wh_fail_errno(err, WH_IO, "naming a key file");
    }
    unlink(tmp);
    return ok && wh_dir_sync(dir, err);
}

/* What fstat says must be what a secret needs. */
static bool check(const struct stat *st, size_t n, struct wh_err *err)
{
    if (!S_ISREG(st->st_mode)) {
        return wh_fail(err, WH_FORBIDDEN, "the key is not a regular file");
    }
    if (st->st_uid != geteuid()) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the key file belongs to another user");
    }
    if ((st->st_mode & 077) != 0) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the key file's mode gives rights to others");
    }
    if (st->st_size < 0 || (uint64_t)st->st_size != n) {
        return wh_fail(err, WH_CORRUPT, "the key file has the wrong size");
    }
    return true;
}

bool crypto_keyfile_read(const char *path, void *out, size_t n,
                         struct wh_err *err)
{
    /* non-blocking, so that a planted FIFO can not hang the start */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return wh_fail(err, WH_NOT_FOUND, "there is no such key file");
    }
    if (fd < 0 && errno == ELOOP) {
        return wh_fail(err, WH_FORBIDDEN, "the key file is a link");
    }
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "opening a key file");
    }
    struct stat st;
    bool ok = fstat(fd, &st) == 0 ||
              wh_fail_errno(err, WH_IO, "looking at a key file");
    ok = ok && check(&st, n, err) && wh_fd_pread(fd, 0, out, n, err);
    wh_fd_close(&fd);
    return ok;
}

bool crypto_keyfile_ensure(const char *path, void *out, size_t n,
                           struct wh_err *err)
{
    if (crypto_keyfile_read(path, out, n, err)) {
        return true;
    }
    if (err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    crypto_random(out, n);
    if (crypto_keyfile_create(path, out, n, err)) {
        return true;
    }
    wh_wipe(out, n);
    if (err->code != WH_CONFLICT) {
        return false;
    }
    /* another process was first: its key counts */
    *err = (struct wh_err){0};
    return crypto_keyfile_read(path, out, n, err);
}
