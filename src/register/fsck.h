/*
 * fsck.h - checking a published log from its first byte to its last, by what is
 * published alone.
 * Owner: the caller owns the reader and the report.
 * Never: trusts anything but the key it is given.
 */
#ifndef WH_REGISTER_FSCK_H
#define WH_REGISTER_FSCK_H

#include "db/db.h"
#include "register/files.h"
#include "tlog/checkpoint.h"

/* Where published files come from: a folder, or HTTP. Appends the file `name`
 * ("checkpoint", "tile/...") to out, at most `max` bytes; WH_NOT_FOUND when
 * there is none. */
struct register_source {
    bool (*get)(void *ctx, const char *name, size_t max, struct wh_buf *out,
                struct wh_err *err);
    void *ctx;
};

/* A folder as a source; `files` outlives it. */
struct register_source register_source_files(struct register_files *files);

/* Told about progress; may be null. */
typedef void register_progress(void *ctx, uint64_t done, uint64_t size);

struct register_fsck_report {
    struct tlog_checkpoint checkpoint;
    uint64_t entries, tiles;    /* read and found right */
    char where[TLOG_TILE_NAME]; /* the file at fault, if any */
};

/* Light: the checkpoint is signed by `key`, and the tiles along its right edge
 * lead to its root. A handful of files whatever the size. */
bool register_fsck_light(const struct register_source *src,
                         const struct tlog_vkey *key,
                         struct register_fsck_report *report,
                         struct wh_err *err) WH_CHECK;
/* Scrub: every entry of every bundle, hashed, leads through every tile to the
 * root of the checkpoint. */
bool register_fsck_scrub(const struct register_source *src,
                         const struct tlog_vkey *key,
                         register_progress *progress, void *ctx,
                         struct register_fsck_report *report,
                         struct wh_err *err) WH_CHECK;
/* Of a folder, beside a scrub: no file stands there that the checkpoint does
 * not allow: no tile beyond its size, none wider than it may be. */
bool register_fsck_extra(const char *dir, uint64_t size,
                         struct register_fsck_report *report,
                         struct wh_err *err) WH_CHECK;
/* The database against the published entries up to the checkpoint in *report:
 * same bytes, same hashes, the subject index complete and without additions,
 * and every head ever signed a prefix of the log. */
bool register_fsck_database(struct db *db, const struct register_source *src,
                            const struct tlog_vkey *key,
                            struct register_fsck_report *report,
                            struct wh_err *err) WH_CHECK;

#endif
