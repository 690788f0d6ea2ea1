/*
 * owners.h - whose each file of an installation is.
 * Owner: changes owners and modes on disk; keeps nothing.
 * Never: follows a link, leaves the file system of the folder it was given, or
 * takes what belongs to anybody but root and the user who is to have it.
 */
#ifndef WH_CMD_OWNERS_H
#define WH_CMD_OWNERS_H

#include "cmd/paths.h"
#include "cmd/users.h"

/* The folder at `path` may become or already is a data folder (else: a keys
 * folder): it belongs to whoever starts us, or, keys, to the keeper's user; and
 * when we would change its owner it is empty or holds what we put there.
 * WH_USAGE says what to do. To be asked before anything is made in it. */
bool cmd_owners_check(const char *path, bool data, const struct cmd_users *u,
                      struct wh_err *err) WH_CHECK;

/* Give every folder and file its owner and mode, also those that root made in
 * an earlier version or brought back from a backup. Nothing unless u->own.
 * WH_USAGE when something belongs to somebody else. */
bool cmd_owners_take(const struct cmd_paths *p, const struct cmd_users *u,
                     struct wh_err *err) WH_CHECK;

/* Let those connect to run/<name>.sock that cmd_users_peers names for `who`:
 * the first by the group of the file, a second by its owner. */
bool cmd_owners_socket(const char *run, const char *name, enum cmd_who who,
                       const struct cmd_users *u, struct wh_err *err) WH_CHECK;

#endif
