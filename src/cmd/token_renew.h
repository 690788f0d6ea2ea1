/*
 * token_renew.h - `weighhouse token renew-admin`: the one verb of tokens that
 * asks no house, but writes to its data folder.
 * Owner: nothing lasts.
 * Never: prints a token.
 */
#ifndef WH_CMD_TOKEN_RENEW_H
#define WH_CMD_TOKEN_RENEW_H

#include "base/err.h"

/* argv[0] is the verb; the exit code. */
int cmd_token_renew_admin(int argc, char **argv);

#endif
