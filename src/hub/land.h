/*
 * land.h - a commit lands: its files looked at, its objects made rows, its
 * branch moved, all or nothing.
 * Owner: the caller owns everything that is passed; results live in the arena.
 * Never: takes weights or programs as regular files; moves a branch that moved
 * meanwhile, if the commit named its parent.
 */
#ifndef WH_HUB_LAND_H
#define WH_HUB_LAND_H

#include "db/writer.h"
#include "hub/git.h"
#include "hub/ops.h"
#include "hub/queue.h"
#include "proc/client.h"
#include "store/repo.h"

struct hub_land {
    struct db *db; /* reading connection of this job */
    struct db_writer *writer;
    struct proc_client *zygote;
    struct hub_queue *queue; /* says when the house stops */
    const char *open_dir;
    struct wh_arena *a;
    const struct store_repo *repo;
    const struct store_account *who;
    struct wh_str branch; /* as the client named it */
    struct hub_ops *ops;  /* complete; sizes of LFS operations are filled in */
};

/* Land it. *commit is the new head, or the old one when nothing changed
 * (*moved false). WH_TOO_LARGE: a revision that could not be weighed
 * (hub_subject_fits). Other failures name the file: WH_REFUSED (a regular file
 * that must go by LFS), WH_REVISION_NOT_FOUND (no such branch), WH_HEAD_MOVED,
 * WH_ENTRY_NOT_FOUND, WH_DIGEST_MISMATCH (an LFS object nobody here has),
 * WH_UNAVAILABLE (the house stops). A failure leaves nothing behind. */
bool hub_land(struct hub_land *l, struct hub_oid *commit, bool *moved,
              struct wh_err *err) WH_CHECK;

#endif
