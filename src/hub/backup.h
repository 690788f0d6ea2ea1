/*
 * backup.h - a data folder copied while the house goes on, and made again from
 * the copy; and what is lost when the custody key is.
 * Owner: archives are the caller's.
 * Never: holds keys; stops or slows the writer; copies a row without what it
 * names.
 *
 * What makes the copy consistent is its order. Everything that may only be
 * older than the database (the register's files, the keeper's ledger) is copied
 * first; then a copy of the database is made, of one moment; then every file
 * that this copy names. Files are immutable, and written before their rows; one
 * that has gone meanwhile (a content was opened, or closed) is named by no
 * later database, so another copy is made until all that is named was there.
 * The database comes last into the archive: without it there is no house.
 */
#ifndef WH_HUB_BACKUP_H
#define WH_HUB_BACKUP_H

#include "base/json.h"
#include "db/db.h"
#include "hub/admin.h"
#include "hub/archive.h"

/* Copies of the database that are tried. */
#define HUB_BACKUP_PASSES 20u

/* Put the data folder into the archive, below "data/". scratch: a path for the
 * copies of the database, on a disk that has room for one; it is removed again.
 * summary gets "register" {size, root, vkey}, "sealed" {files, bytes, repos}
 * and "passes". WH_UNAVAILABLE when the house changed faster than it could be
 * copied. */
bool hub_backup(const char *data, const char *scratch, struct hub_archive *ar,
                json_t *summary, struct wh_err *err) WH_CHECK;

/* Where an archive that is read goes. */
struct hub_restore {
    const char *data; /* a new folder, which is not there yet */
    struct wh_arena *arena;
    struct wh_str keys;     /* result: bytes of keys.sealed, or empty */
    uint64_t files, bytes;  /* results */
    struct hub_admin admin; /* result: the admin's new token */
};
/* hub_archive_take: ctx is a hub_restore. */
bool hub_restore_take(void *ctx, const struct hub_archive_file *f,
                      struct wh_err *err);
/* All was taken: check the database, end what the copy must not bring back to
 * life (hub_admin_renew), make all of it durable. WH_CORRUPT also when the
 * database is newer than this program. */
bool hub_restore_end(struct hub_restore *r, struct wh_err *err) WH_CHECK;

/* How far the register of a database goes; 0 if it has none. */
bool hub_backup_register(struct db *db, struct wh_arena *a, json_t **out,
                         struct wh_err *err) WH_CHECK;
/* What exists in sealed form only, and is lost with the custody key: {files,
 * bytes, repos}, and, if limit is not 0, "list" of {kind, repo, private, files,
 * bytes}. */
bool hub_backup_sealed(struct db *db, unsigned limit, json_t **out,
                       struct wh_err *err) WH_CHECK;

#endif
