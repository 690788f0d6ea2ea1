/*
 * service.h - the answering side of a process: a listener, connections, a pool
 * of threads.
 * Owner: the listener belongs to the parent of all processes; a service owns
 * its connections and their session state.
 * Never: answers a peer whose user id is not on its list; runs two messages of
 * one connection at the same time.
 */
#ifndef WH_PROC_SERVICE_H
#define WH_PROC_SERVICE_H

#include "proc/msg.h"
#include <sys/types.h>

#define PROC_SERVICE_PEERS 8u

/* One message being answered. */
struct proc_request {
    const struct proc_msg *msg;
    struct proc_frame *frame; /* to take descriptors out of */
    /* State of this connection; null at first, ended by close(). */
    void **session;
    /* Emptied after each message. */
    struct wh_arena *arena;
    /* Preset to type|PROC_MSG_REPLY and an empty body; a handler sets body
     * (bytes in the arena) and descriptors (closed after sending). Type 0: no
     * answer is sent, which is how one-way messages end. */
    struct proc_msg *reply;
};

/* What a service is. Lives as long as proc_service_run. */
struct proc_service {
    const char *name; /* for the log */
    int listen_fd;    /* from proc_listen */
    unsigned threads; /* 1..64 */
    unsigned max_conns;
    uid_t peers[PROC_SERVICE_PEERS]; /* user ids that may connect */
    unsigned npeers;
    size_t arena_ceiling; /* of one message */
    void *ctx;
    /* Answer one message; false sends *err back as it is. */
    bool (*handle)(void *ctx, struct proc_request *rq, struct wh_err *err);
    /* A connection with session state ended; may be null. */
    void (*close)(void *ctx, void *session);
};

/* Called by the parent, once a name: make DATA/run/<name>.sock (an old socket
 * file is replaced) and listen. The path is given to the kernel through
 * /proc/self/fd, so its length does not matter. mode is that of the socket
 * file: 0600, or more when each process has a user of its own (peers are
 * checked by user id in either case). Returns the descriptor or -1. */
int proc_listen(const char *run_dir, const char *name, mode_t mode,
                struct wh_err *err) WH_CHECK;

/* Say proc_child_ready, then serve until SIGTERM: then no more messages are
 * read, those at work are finished, and it returns true. Called from a process
 * with one thread; starts its own. Failures of single connections are logged,
 * not returned. */
bool proc_service_run(const struct proc_service *s,
                      struct wh_err *err) WH_CHECK;

#endif
