/*
 * users.h - the users that the processes of a house run as.
 * Owner: names live in the arena given.
 * Never: gives two processes one user; guesses when some users are missing.
 */
#ifndef WH_CMD_USERS_H
#define WH_CMD_USERS_H

#include "base/arena.h"
#include "conf/conf.h"
#include <sys/types.h>

enum cmd_who {
    CMD_FRONT,
    CMD_KEEPER,
    CMD_SIGNER,
    CMD_SCANNER,
    CMD_ENGINES,
    CMD_WHO_COUNT
};

struct cmd_user {
    const char *name; /* of the user; its number when it has none */
    uid_t uid;
    gid_t gid;
};

struct cmd_users {
    /* Each process has one of its own. Else all of them run as whoever started
     * the house: all rows are the same, and `why` says why. */
    bool own;
    const char *why;
    struct cmd_user of[CMD_WHO_COUNT];
};

/* Find the users of settings users.*. Started as root: the named users; where
 * none of the five exists and none was set, the numbers from users.first_id.
 * WH_USAGE when one of them is missing, is root, or shares its user or group id
 * with another. Started as anybody else, or as a root who may not change
 * users: not own. */
bool cmd_users_find(struct wh_arena *a, const struct conf *conf,
                    struct cmd_users *out, struct wh_err *err) WH_CHECK;

/* User ids that may connect to the socket that `who` serves; how many. */
unsigned cmd_users_peers(const struct cmd_users *u, enum cmd_who who,
                         uid_t peers[CMD_WHO_COUNT]);

/* "bob (1000)", or "1000" when it has no name; for messages. */
#define CMD_USER_TEXT 80
const char *cmd_user_text(uid_t uid, char out[CMD_USER_TEXT]);

/* One line of the log: who runs as what, or why not. */
void cmd_users_log(const struct cmd_users *u);

#endif
