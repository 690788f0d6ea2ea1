/*
 * tls.h - the house's certificate: read before front leaves root, and again
 * when its files change.
 * Owner: cmd_tls_open .. cmd_tls_close, by front's main thread.
 * Never: drops a certificate that works for one that does not.
 */
#ifndef WH_CMD_TLS_H
#define WH_CMD_TLS_H

#include "conf/conf.h"
#include "net/tls.h"
#include "proc/sandbox.h"

#define CMD_TLS_FOLDERS 2

struct cmd_tls {
    const char *certificate, *key; /* absolute; null: no TLS */
    struct net_tls *tls;           /* null: no TLS */
    int64_t seen[2];               /* when each file was last changed, ns */
    char folders[CMD_TLS_FOLDERS][4096];
};

/* As the settings say; both or none of them (WH_USAGE). Where none, tls is
 * null. To be called while the files can be read. */
bool cmd_tls_open(struct wh_arena *a, const struct conf *conf,
                  struct cmd_tls *out, struct wh_err *err) WH_CHECK;
/* Folders from which they are read again, that the calling process can enter:
 * appended to paths; how many. */
unsigned cmd_tls_paths(struct cmd_tls *t, struct proc_path *paths);
/* Read again what has changed. What is wrong is logged, once a change. */
void cmd_tls_refresh(struct cmd_tls *t);
void cmd_tls_close(struct cmd_tls *t);

#endif
