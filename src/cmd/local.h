/*
 * local.h - files on this machine held against the manifest of a release.
 * Owner: findings live in the arena given.
 * Never: changes a file; follows a link out of what the person named.
 */
#ifndef WH_CMD_LOCAL_H
#define WH_CMD_LOCAL_H

#include "base/json.h"

/* What one file is. */
enum cmd_local_kind {
    CMD_LOCAL_SAME,    /* as the manifest says */
    CMD_LOCAL_OTHER,   /* in the manifest, with other bytes */
    CMD_LOCAL_FOREIGN, /* weights or code that the manifest does not name */
    CMD_LOCAL_BESIDE,  /* documents and data, of which no manifest speaks */
    CMD_LOCAL_FAILED   /* could not be read */
};

struct cmd_local_file {
    struct wh_str path;
    enum cmd_local_kind kind;
    struct wh_str sha256; /* of its bytes; empty for BESIDE and FAILED */
    struct wh_str want;   /* what the manifest says, if OTHER */
};

struct cmd_local {
    struct cmd_local_file *files;
    size_t n;
    size_t same, other, foreign, beside, failed;
    size_t absent; /* files of the manifest that are not here */
};

/* Read every file of a folder (a download, or a snapshot in hf's cache), or one
 * file, and compare. `files` is the manifest's list. Fails when the path can
 * not be opened at all. */
bool cmd_local_compare(struct wh_arena *a, const char *path,
                       const json_t *files, struct cmd_local *out,
                       struct wh_err *err) WH_CHECK;

/* The commit that a folder was downloaded from, as hf noted it: the name of a
 * snapshot in the cache, or the notes in .cache/huggingface of a folder. False
 * when there is no such note. It only chooses the release to compare with. */
bool cmd_local_commit(struct wh_arena *a, const char *path,
                      struct wh_str *commit);

#endif
