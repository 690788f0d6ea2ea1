/*
 * engine_proc.h - the process of the engines.
 * Owner: gateway_engines_serve owns everything it makes, until it returns.
 * Never: holds a key, opens a database, or reads what people ask a model: front
 * and engine speak over a socket that it only hands on.
 *
 * It alone is given weights by the keeper (keeper/hand.h) and gives them to no
 * process but the one in the cage. It can not be locked in by Landlock, which
 * would forbid bubblewrap to build the cage.
 */
#ifndef WH_GATEWAY_ENGINE_PROC_H
#define WH_GATEWAY_ENGINE_PROC_H

#include "gateway/engine_state.h"
#include "proc/service.h"

/* What the parent's command gives it. All of it outlives the call. */
struct gateway_engines_process {
    int listen_fd; /* proc_listen(run_dir, "engines") */
    int hand_fd;   /* its end of the pair with the keeper */
    const char *run_dir;
    uid_t peers[PROC_SERVICE_PEERS]; /* front */
    unsigned npeers;
    uid_t uid; /* to run as, when root; 0: stay */
    gid_t gid;
    const char *program; /* path, or a name to be looked for in PATH */
    uint64_t budget;     /* bytes of weights at once; 0: half of the memory */
    uint64_t memory;     /* bytes that one engine may use beside its weights */
    unsigned threads;    /* of one engine; 0: one less than there are cores */
    const struct engine_times *times; /* null: engine_times_usual */
};

/* Run until SIGTERM (true): engines end with it. A program that is not there
 * yet (because it is being built) is looked for again when weights come. */
bool gateway_engines_serve(const struct gateway_engines_process *c,
                           struct wh_err *err) WH_CHECK;

#endif
