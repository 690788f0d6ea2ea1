/*
 * open.h - the files of opened content: DATA/open/<aa>/<sha256>, how they come,
 * how a row that names one is sure of it, and how those that no row names go.
 * Owner: the caller owns everything that is passed.
 * Never: removes a file that a row names, or that a row which is being written
 * will name.
 *
 * Why a file can not vanish under its row. Whoever names a file writes it first
 * (hub_open_put, hub_materialise) and then, within the writer's transaction
 * that adds the row, looks whether it is still there (hub_open_there). Whoever
 * removes a file does so within a function of the writer too, after looking
 * there that no row names it. The writer runs one function at a time, so one of
 * the two is first: either the remover sees the row and leaves the file, or the
 * namer sees that the file is gone, fails, and writes it again.
 *
 * A removal can not be rolled back, a transaction can: therefore rows of opened
 * content that nobody needs are dropped, and are durably gone, before a second
 * function looks again and removes their files. Age is no part of this
 * argument. It keeps the sweep from disturbing those at work, that is all.
 */
#ifndef WH_HUB_OPEN_H
#define WH_HUB_OPEN_H

#include "base/sha256.h"
#include "db/writer.h"

/* Ends the names of files that are still being written here. */
#define HUB_OPEN_UNFINISHED ".new"
/* Files that one call of hub_open_collect takes. */
#define HUB_OPEN_BATCH 64u

/* Bring bytes into open content, durably, once. */
bool hub_open_put(const char *open_dir, struct wh_str data,
                  const char sha256[WH_SHA256_HEX + 1],
                  struct wh_err *err) WH_CHECK;
/* Is the file there, in this size? For functions of the writer. */
bool hub_open_there(const char *open_dir, const char sha256[WH_SHA256_HEX + 1],
                    uint64_t size);

/* Remove the files of these digests (n <= HUB_OPEN_BATCH) that nothing needs
 * and that were last written before `before` (us; INT64_MAX: whenever), and
 * their rows. *removed counts the files, if not null. Waits for the writer. */
bool hub_open_collect(struct db_writer *writer, const char *open_dir,
                      char (*sha256)[WH_SHA256_HEX + 1], size_t n,
                      int64_t before, size_t *removed,
                      struct wh_err *err) WH_CHECK;

/* Where the sweep of DATA/open goes on. All zero is a good start. */
struct hub_open_walk {
    unsigned folder; /* 0..255 */
};
/* The next part of DATA/open: whole folders, until some ten thousand files
 * have been seen or it came around once. Collects what nothing needs and what
 * was never finished, if it is older than `before`. db reads. */
bool hub_open_sweep(struct db_writer *writer, const char *open_dir,
                    struct db *db, struct hub_open_walk *w, int64_t before,
                    struct wh_err *err) WH_CHECK;

#endif
