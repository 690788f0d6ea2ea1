/*
 * admin.c - the admin's token made anew, row and file together.
 *
 * The file is written inside the transaction: of two that renew at once the
 * later one writes both.
 */
#include "hub/admin.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"
#include "store/auth.h"
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 4500

struct renewing {
    struct hub_admin *h;
    struct stat of_db;
    char path[PATH_ROOM];
};

/* As root, what is made here is the house's nevertheless. */
static bool give(const struct renewing *r, struct wh_err *err)
{
    return geteuid() != 0 || r->of_db.st_uid == 0 ||
           lchown(r->path, r->of_db.st_uid, r->of_db.st_gid) == 0 ||
           wh_fail_errno(err, WH_IO, r->path);
}

static bool renew_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct renewing *r = ctx;
    struct store_renewal made = {.restored = r->h->restored};
    char line[STORE_TOKEN_LEN + 2];
    bool ok = store_admin_renew(db, &made, err);

    r->h->made = made.found;
    r->h->ended = made.ended;
    if (ok && made.found) {
        (void)snprintf(line, sizeof line, "%s\n", made.token);
        ok = wh_file_write_atomic(r->path, wh_str_of(line), 0600, err) &&
             give(r, err);
        wh_wipe(line, sizeof line);
    } else if (ok && unlink(r->path) != 0 && errno != ENOENT) {
        ok = wh_fail_errno(err, WH_IO, r->path);
    }
    wh_wipe(made.token, sizeof made.token);
    return ok;
}

bool hub_admin_renew(struct hub_admin *h, struct wh_err *err)
{
    struct renewing r = {.h = h};
    struct db *db;
    bool ok;

    (void)snprintf(r.path, sizeof r.path, "%s/house.db", h->data);
    if (stat(r.path, &r.of_db) != 0) {
        return errno == ENOENT
                   ? wh_fail(err, WH_NOT_FOUND, "there is no %.4000s", r.path)
                   : wh_fail_errno(err, WH_IO, r.path);
    }
    db = db_open(r.path, false, err);
    (void)snprintf(r.path, sizeof r.path, "%s/" HUB_ADMIN_TOKEN, h->data);
    ok = db && (!h->restored || db_migrate(db, err)) &&
         db_tx(db, renew_fn, &r, err);
    db_close(&db);
    return ok;
}
