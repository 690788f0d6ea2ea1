/*
 * keeper.h - the keeper's process.
 * Owner: keeper_serve owns everything it opens, until it returns.
 * Never: reads a stranger's byte itself (scanners do), opens a database, or
 * believes front.
 */
#ifndef WH_KEEPER_KEEPER_H
#define WH_KEEPER_KEEPER_H

#include "base/str.h"
#include "proc/service.h"
#include "rule/enforced.h"

#define KEEPER_LINES_MAX 32u

/* What the parent's command gives it. All of it outlives the call. */
struct keeper_config {
    int listen_fd;           /* of KEEPER_NAME */
    const char *run_dir;     /* DATA/run, for the zygote's socket */
    const char *keys_dir;    /* custody.key; log.vkey is read from here */
    const char *custody_dir; /* DATA/custody: key-id, ledger */
    /* Texts of the enforced lines, as the configuration means them by itself:
     * for a keeper that was never shown the register's entries about them. */
    struct wh_str lines[KEEPER_LINES_MAX];
    unsigned nlines;
    /* The names in lines.enforce, and every line that they may mean. */
    const struct wh_str *names;
    unsigned nnames;
    const struct rule_known *known;
    unsigned nknown;
    uid_t peers[PROC_SERVICE_PEERS]; /* front */
    unsigned npeers;
    uid_t uid; /* to run as from when keys and ledger are open; 0: stay */
    gid_t gid;
    unsigned threads, max_sessions;
    int hand_fd; /* its end of the way to the engines (hand.h); -1: there are
                    none. 0 is none as well */
};

/* Run until SIGTERM (true). Opens keys and ledger, then locks itself in, then
 * serves. False with *err when it can not begin; the exit code of *err tells
 * the parent whether to try again (a lost key: no). */
bool keeper_serve(const struct keeper_config *c, struct wh_err *err) WH_CHECK;

#endif
