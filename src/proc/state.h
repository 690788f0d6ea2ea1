/*
 * state.h - what a running process may do, as the kernel tells it: the table of
 * the log, of `doctor` and of the custody page.
 * Owner: nothing is owned.
 * Never: tells what was asked for; only what is.
 */
#ifndef WH_PROC_STATE_H
#define WH_PROC_STATE_H

#include "base/buf.h"
#include "base/err.h"
#include <sys/types.h>

#define PROC_STATE_NAME 16u
#define PROC_STATE_UNKNOWN (-1)

/* One row. What can not be seen from outside a process is
 * PROC_STATE_UNKNOWN. */
struct proc_state {
    char name[PROC_STATE_NAME]; /* as in ps */
    pid_t pid;
    uid_t uid;     /* effective */
    gid_t gid;     /* effective */
    int groups;    /* supplementary ones */
    uint64_t caps; /* effective capabilities, a bit each */
    int dumpable;  /* 0: other processes can not read its memory */
    int no_new_privs;
    int landlock; /* ABI of the one entered; 0: none */
    int seccomp;  /* 0: none; 2: a filter */
};

/* The calling process. `landlocked`: it has entered Landlock, which the kernel
 * does not tell. Works inside the sandbox. */
void proc_state_self(bool landlocked, struct proc_state *out);
/* Any process, from /proc. WH_NOT_FOUND when there is none of this id. */
bool proc_state_of(pid_t pid, struct proc_state *out,
                   struct wh_err *err) WH_CHECK;
/* "uid=60961 gid=60961 groups=0 caps=0 dumpable=0 no_new_privs=1 landlock=6
 * seccomp=0", appended to b; "?" for what is unknown. */
void proc_state_text(struct wh_buf *b, const struct proc_state *s);
/* The calling process into the log, with the names of the guards that its
 * sandbox lacks (bits of enum proc_guard). */
void proc_state_log(unsigned missing);

#endif
