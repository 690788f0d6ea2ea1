/*
 * lfs.h - who possesses a large file, and what a commit may refer to.
 * Owner: operations belong to the caller and are filled in.
 * Never: tells anybody that an object exists who may not read it.
 *
 * Possession: an object exists for a repo if all of it was uploaded to the
 * repo, or if it is open content of a repo that the caller may read.
 */
#ifndef WH_HUB_LFS_H
#define WH_HUB_LFS_H

#include "db/db.h"
#include "hub/git.h"
#include "hub/ops.h"
#include "store/content.h"
#include "store/repo.h"

/* Does this object exist for the repo and this account? Its size in *size. */
bool hub_lfs_exists(struct db *db, int64_t repo, int64_t account,
                    const char *sha256, bool *found, uint64_t *size,
                    struct wh_err *err) WH_CHECK;
/* The object that a commit of the repo names, with its size, as an entry named
 * by its digest, and a revision by which to ask whether it may be read: where
 * it is held, the newest one that is decided about, else the head of main (all
 * zero without one). What was uploaded and not yet committed is nobody's news
 * but the uploader's: *found is false. */
bool hub_lfs_named(struct db *db, struct wh_arena *a, int64_t repo,
                   const char *sha256, bool *found, struct hub_entry *entry,
                   struct hub_oid *commit, struct wh_err *err) WH_CHECK;
/* Check every LFS operation of a commit against possession, and fill in sizes
 * that it left out. WH_DIGEST_MISMATCH names the path whose object is missing,
 * or whose announced size is wrong. */
bool hub_lfs_sizes(struct db *db, const struct store_repo *repo,
                   int64_t account, struct hub_ops *ops,
                   struct wh_err *err) WH_CHECK;
/* In the writer: the repo now holds on to all objects of the commit, adopting
 * those that it did not upload itself. */
bool hub_lfs_claim(struct db *db, int64_t repo, const struct hub_ops *ops,
                   struct wh_err *err) WH_CHECK;

#endif
