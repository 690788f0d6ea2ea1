/*
 * admin.h - a new token of the account admin, for whoever is at the host itself
 * and may write to its data folder: after a restore, or when none is left.
 * Owner: files and rows only; nothing stays open.
 * Never: asks who is calling, shows a token anywhere but in HUB_ADMIN_TOKEN, or
 * touches what other accounts hold, but for what hub_admin_renew says.
 */
#ifndef WH_HUB_ADMIN_H
#define WH_HUB_ADMIN_H

#include "base/err.h"
#include <stdint.h>

/* In the data folder, mode 0600; in no backup. */
#define HUB_ADMIN_TOKEN "admin.token"

struct hub_admin {
    const char *data; /* the data folder; its database exists */
    /* Of a database that comes out of a backup: it is brought to this
     * program's schema, all tokens of admin end, and everybody's sessions and
     * sign-in links. Else only what hub_admin_renew says. */
    bool restored;
    bool made;      /* result: false: there is no account admin */
    uint64_t ended; /* result: tokens of admin that ended */
};

/* End the tokens that ever stood in HUB_ADMIN_TOKEN, and admin's sessions and
 * sign-in links; make a token and write it there, for the owner of the
 * database. The house may be running. A failure may leave a file whose token is
 * not valid: calling again mends it. WH_NOT_FOUND when there is no database,
 * WH_CORRUPT when a restored one is newer than this program. */
bool hub_admin_renew(struct hub_admin *h, struct wh_err *err) WH_CHECK;

#endif
