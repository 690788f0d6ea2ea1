/*
 * tree.h - a file or a folder that a person named, and the files in it.
 * Owner: cmd_tree_open .. cmd_tree_close; names live in the arena.
 * Never: leaves the folder; follows a symbolic link inside it, save in the
 * cache of hf, where links to the cache's own blobs are how files lie.
 */
#ifndef WH_CMD_TREE_H
#define WH_CMD_TREE_H

#include "base/arena.h"

#define CMD_TREE_FILES_MAX 100000u
#define CMD_TREE_DEPTH_MAX 64u

struct cmd_tree {
    struct wh_str root; /* as the person wrote it */
    bool folder;        /* else `root` is the one file */
    int fd;             /* of the folder, or of the file */
    bool links;         /* a snapshot in hf's cache: `fd` is the cache's folder
                           of the repo, and the files lie below `prefix` */
    const char *prefix; /* "snapshots/<commit>", or null */
    struct wh_str *files; /* relative to the folder, sorted; "" for a file */
    size_t n, skipped;    /* skipped: links, sockets, devices */
};

/* WH_USAGE if there is no such thing, WH_TOO_LARGE over the limits, WH_IO. */
bool cmd_tree_open(struct wh_arena *a, const char *path, struct cmd_tree *out,
                   struct wh_err *err) WH_CHECK;
/* The same, but a snapshot in hf's cache is read through its links, which may
 * lead to any place below the cache's folder of that repo and no further. */
bool cmd_tree_open_cached(struct wh_arena *a, const char *path,
                          struct cmd_tree *out, struct wh_err *err) WH_CHECK;
void cmd_tree_close(struct cmd_tree *t);
/* Open a file of the tree by its relative name for reading; *size is its length
 * now. The descriptor is the caller's. WH_NOT_FOUND if it is no regular file.
 */
bool cmd_tree_file(const struct cmd_tree *t, struct wh_str rel, int *fd,
                   uint64_t *size, struct wh_err *err) WH_CHECK;

#endif
