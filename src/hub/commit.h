/*
 * commit.h - from the operations of a commit to a new commit in the overlay.
 * Owner: the caller owns the git handle, the operations and the arena.
 * Never: writes a row; that is the transaction's business (hub/land.h).
 */
#ifndef WH_HUB_COMMIT_H
#define WH_HUB_COMMIT_H

#include "db/writer.h"
#include "hub/git.h"
#include "hub/ops.h"

/* One regular file or pointer of a commit, ready to become a blob. */
struct hub_blob {
    struct hub_oid oid;
    struct wh_str class; /* the scanner's word; "" for pointers */
    /* of a file that is too large for a row, else "" */
    char sha256[WH_SHA256_HEX + 1];
};

/* Make the blobs of all file operations, once a commit, in the overlay. Of
 * larger files only their names: their bytes go to open content, and not before
 * the commit is sure to be tried (hub_commit_put_large). class_of[i] is the
 * scanner's word for ops->list[i]; LFS operations must have their size by now.
 */
bool hub_commit_blobs(struct hub_git *g, const struct hub_ops *ops,
                      const struct wh_str *class_of, struct wh_arena *a,
                      struct hub_blob **out, struct wh_err *err) WH_CHECK;
/* Bring the larger files into open content, from where git reads them. */
bool hub_commit_put_large(const struct hub_ops *ops,
                          const struct hub_blob *blobs, const char *open_dir,
                          struct wh_err *err) WH_CHECK;
/* In the writer's transaction: are they all still there? */
bool hub_commit_large_there(const struct hub_ops *ops,
                            const struct hub_blob *blobs, const char *open_dir);
/* The commit came to nothing: remove those that no other row names. */
bool hub_commit_drop_large(const struct hub_ops *ops,
                           const struct hub_blob *blobs,
                           struct db_writer *writer, const char *open_dir,
                           struct wh_err *err) WH_CHECK;

struct hub_commit_in {
    const struct hub_ops *ops;
    const struct hub_blob *blobs;
    const struct hub_oid *parent; /* null: the branch is born */
    const char *author, *email;
    int64_t time_us;
};
/* The commit on top of in->parent. *empty is set, and nothing made, when its
 * tree is the parent's. A file to be deleted that is not there:
 * WH_ENTRY_NOT_FOUND in the words that the client knows. */
bool hub_commit_build(struct hub_git *g, const struct hub_commit_in *in,
                      struct wh_arena *a, struct hub_oid *out, bool *empty,
                      struct wh_err *err) WH_CHECK;

#endif
