/*
 * archive.h - files with their digests, as a folder or as a tar stream: what a
 * backup is written to and read from.
 * Owner: hub_archive_folder or _stream .. hub_archive_free; descriptors given
 * stay the caller's.
 * Never: leaves a folder that looks whole before its end was written; takes a
 * name out of an archive that could lead outside of it.
 *
 * The last two files are SHA256SUMS (for sha256sum -c, in the order of the
 * archive) and backup.json, which is there only when all the rest is.
 */
#ifndef WH_HUB_ARCHIVE_H
#define WH_HUB_ARCHIVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* A name is at most this long: what a plain tar header holds. */
#define HUB_ARCHIVE_NAME 100u
/* Bytes of SHA256SUMS: some ten million files. */
#define HUB_ARCHIVE_SUMS ((size_t)1 << 30)
#define HUB_ARCHIVE_SUMS_NAME "SHA256SUMS"
#define HUB_ARCHIVE_END_NAME "backup.json"

/* Parts of letters, digits, '.', '_' and '-', joined by '/', none of them "."
 * or "..". */
bool hub_archive_name_ok(struct wh_str name);

/* ---- writing ---- */

struct hub_archive;

/* Into a folder, made if missing. One that holds an earlier backup is brought
 * up to date: what it has of files that never change is not copied again, what
 * is no longer part of it goes at the end. Any other folder that is not empty
 * is refused (WH_CONFLICT). */
bool hub_archive_folder(const char *path, struct hub_archive **out,
                        struct wh_err *err) WH_CHECK;
/* As a tar stream into a descriptor. */
struct hub_archive *hub_archive_stream(int fd);
/* End without having ended it: nothing that looks whole is left. Nulls the
 * pointer; null is fine. */
void hub_archive_free(struct hub_archive **a);

/* The first `size` bytes of fd under this name. lasting: a file of this name
 * never has other bytes. WH_CORRUPT when fd has fewer. */
bool hub_archive_put(struct hub_archive *a, struct wh_str name, int fd,
                     uint64_t size, bool lasting, struct wh_err *err) WH_CHECK;
/* Files and bytes so far. */
uint64_t hub_archive_files(const struct hub_archive *a);
uint64_t hub_archive_bytes(const struct hub_archive *a);
/* Write SHA256SUMS and, with this text, backup.json; all durable. */
bool hub_archive_end(struct hub_archive *a, struct wh_str summary,
                     struct wh_err *err) WH_CHECK;

/* ---- reading ---- */

/* One file: read exactly `size` bytes in order, or none. */
struct hub_archive_file {
    struct wh_str name;
    uint64_t size;
    void *from;
    bool (*read)(void *from, void *buf, size_t n, struct wh_err *err);
};
typedef bool hub_archive_take(void *ctx, const struct hub_archive_file *f,
                              struct wh_err *err);

/* All files of a whole archive in their order, but for SHA256SUMS and
 * backup.json, whose text is given out; each file's digest is checked while it
 * is read. WH_CORRUPT when the archive is not whole, or not as it was written;
 * files may have been taken by then. */
bool hub_archive_read_folder(struct wh_arena *arena, const char *path,
                             hub_archive_take *take, void *ctx,
                             struct wh_str *summary,
                             struct wh_err *err) WH_CHECK;
/* The same from a tar stream. */
bool hub_archive_read_stream(struct wh_arena *arena, int fd,
                             hub_archive_take *take, void *ctx,
                             struct wh_str *summary,
                             struct wh_err *err) WH_CHECK;

#endif
