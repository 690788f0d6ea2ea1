/*
 * file.h - files done right: whole reads, durable writes, full preads.
 * Owner: descriptors returned are the caller's; all are CLOEXEC.
 * Never: leaves a half-written file under its final name.
 */
#ifndef WH_BASE_FILE_H
#define WH_BASE_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include <sys/types.h>

#define WH_DIR_DEPTH 32u

/* Whole file into the arena, at most max bytes (else WH_TOO_LARGE); a missing
 * file is WH_NOT_FOUND. */
bool wh_file_read(struct wh_arena *a, const char *path, size_t max,
                  struct wh_str *out, struct wh_err *err) WH_CHECK;
/* Write to a temporary name in the same folder, fsync, rename, fsync the
 * folder. */
bool wh_file_write_atomic(const char *path, struct wh_str data, mode_t mode,
                          struct wh_err *err) WH_CHECK;
/* mkdir -p with mode for new folders; each new one and its parent fsynced. */
bool wh_dir_make(const char *path, mode_t mode, struct wh_err *err) WH_CHECK;
/* rm -r: the folder and what is in it, to a depth of WH_DIR_DEPTH; links are
 * removed and never followed. One that is not there is removed already. */
bool wh_dir_remove(const char *path, struct wh_err *err) WH_CHECK;
/* fsync of a folder by path. */
bool wh_dir_sync(const char *path, struct wh_err *err) WH_CHECK;
/* All n bytes or failure; EINTR is retried; a short file is WH_CORRUPT. */
bool wh_fd_pread(int fd, uint64_t off, void *buf, size_t n,
                 struct wh_err *err) WH_CHECK;
bool wh_fd_pwrite(int fd, uint64_t off, const void *buf, size_t n,
                  struct wh_err *err) WH_CHECK;
bool wh_fd_write(int fd, const void *buf, size_t n,
                 struct wh_err *err) WH_CHECK;
/* Close if *fd >= 0 and set it to -1. */
void wh_fd_close(int *fd);

#endif
