/*
 * files.h - the published form of the log on disk: DATA/register/checkpoint and
 * DATA/register/tile/...; a folder that any static web server could serve.
 * Owner: register_files_open .. register_files_close; one writer (locked), any
 * number of readers.
 * Never: changes a tile that a published checkpoint implies.
 */
#ifndef WH_REGISTER_FILES_H
#define WH_REGISTER_FILES_H

#include "tlog/note.h"
#include "tlog/tile.h"

struct register_files;

/* Open (and create) the folder. For reading alone, `lock` is false; a writer
 * holds the only lock there is: WH_CONFLICT when another process has it. */
bool register_files_open(const char *dir, bool lock,
                         struct register_files **out,
                         struct wh_err *err) WH_CHECK;
/* Give the lock back and close; nulls the pointer, null is fine. */
void register_files_close(struct register_files **f);
/* Its descriptor, for openat by those who serve the files. */
int register_files_fd(const struct register_files *f);

/* Store one tile or bundle under its name. A file that is there is compared:
 * equal is good, different is WH_CORRUPT. With `rewrite` (recovery beyond the
 * published size) it is written anew in any case. The bytes are durable when it
 * returns, the name is durable after register_files_sync. */
bool register_files_put(struct register_files *f, const struct tlog_tile *t,
                        struct wh_str bytes, bool rewrite,
                        struct wh_err *err) WH_CHECK;
/* Make all names since the last sync durable. */
bool register_files_sync(struct register_files *f, struct wh_err *err) WH_CHECK;

/* Read a tile or bundle exactly as wide as asked; a partial one that has been
 * swept is cut out of the full one. WH_NOT_FOUND, WH_CORRUPT (wrong length). */
bool register_files_get(const struct register_files *f,
                        const struct tlog_tile *t, struct wh_buf *out,
                        struct wh_err *err) WH_CHECK;
/* The same for hash tiles, in the form that tlog_tiles wants; ctx is the
 * struct register_files. */
bool register_files_tile(void *ctx, const struct tlog_tile *t, uint8_t *out,
                         struct wh_err *err) WH_CHECK;

/* Replace the checkpoint, durably. */
bool register_files_put_checkpoint(struct register_files *f, struct wh_str note,
                                   struct wh_err *err) WH_CHECK;
/* Append the checkpoint to out; WH_NOT_FOUND before the first. */
bool register_files_checkpoint(const struct register_files *f,
                               struct wh_buf *out, struct wh_err *err) WH_CHECK;

/* Remove the partial forms of a full tile, and of its bundle at level 0. */
bool register_files_sweep(struct register_files *f, unsigned level,
                          uint64_t index, struct wh_err *err) WH_CHECK;

#endif
