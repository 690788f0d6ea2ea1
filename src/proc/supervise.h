/*
 * supervise.h - the parent of all processes: starts, watches, restarts.
 * Owner: the caller owns the table of children, which outlives the call.
 * Never: starts a thread, holds a secret, reads a byte from a stranger.
 */
#ifndef WH_PROC_SUPERVISE_H
#define WH_PROC_SUPERVISE_H

#include "base/err.h"

/* One child process. */
struct proc_child {
    const char *name; /* "keeper"; shown in the log and in ps */
    /* Runs in the child; what it returns is the exit code. */
    int (*run)(void *arg);
    void *arg;
    /* How long it may take to end after SIGTERM before SIGKILL. */
    int stop_ms;
};

/* Start the children in the order of the table, each after the one before has
 * said proc_child_ready. Then watch: a child that ends is logged and started
 * again, after 100 ms at first, twice as long each time it dies within a
 * minute, 5 s at most. Exit codes 2 and 3 (see errors.tbl: wrong usage, can
 * not verify), and any failure before the child was ever ready, mean that
 * restarting is of no use: everything is stopped and that code returned.
 *
 * SIGTERM and SIGINT stop the children in reverse order, each with SIGTERM and
 * its own deadline, and return 0; or 4, if one did not end by itself and had to
 * be killed, be it that it was too slow or that the signal came twice. Children
 * die with the parent (PDEATHSIG), have default signal actions and an empty
 * mask, and ignore SIGINT, which a terminal sends to all: the parent's SIGTERM
 * tells them in order.
 *
 * Call it with one thread only. Returns the exit code for main. */
int proc_supervise(const struct proc_child *children, unsigned n);

/* In a child: ready to work; the next one is started. Without a supervisor it
 * does nothing. */
void proc_child_ready(void);

/* In any forked process: die with `sig` when the parent dies. To be repeated
 * after a change of user id, which clears it. */
void proc_die_with_parent(int sig);

#endif
