/*
 * processes.h - the children of `weighhouse serve` and what each is given.
 * Owner: struct cmd_serve is made by the parent before it forks; children see
 * a copy.
 * Never: changed after the first fork.
 */
#ifndef WH_CMD_PROCESSES_H
#define WH_CMD_PROCESSES_H

#include "cmd/paths.h"
#include "cmd/users.h"
#include "proc/sandbox.h"
#include "proc/zygote.h"

struct cmd_serve {
    const struct conf *conf;
    struct cmd_users users;
    struct cmd_paths paths;
    /* listening sockets */
    int http_fd, signer_fd, keeper_fd, zygote_fd, engines_fd;
    /* the way of weights (keeper/hand.h): the keeper's end, the engines' */
    int hand_fds[2];
    const char *engines_dir; /* of the sockets of engines */
    uint16_t port;
    const char *url;         /* "http://127.0.0.1:8080" */
    _Atomic bool *announced; /* shared memory: the ready line was printed */
};

/* Main functions of the children; what they return is the exit code. */
int cmd_front_main(void *serve);
int cmd_signer_main(void *serve);
int cmd_keeper_main(void *serve);
int cmd_zygote_main(void *serve);
int cmd_engines_main(void *serve);

/* The first thing a child does: into its working folder, then, where processes
 * have users of their own, from root to its user. From here on it makes files
 * as that user, and names them from that folder: those above it may be closed
 * to it. */
bool cmd_enter(const struct cmd_serve *s, enum cmd_who who, const char *folder,
               struct wh_err *err) WH_CHECK;
/* Then, before its threads start, lock it in: not dumpable, no core, and (with
 * Landlock) no files but these. What it is now, and what the host can not give,
 * is logged. */
bool cmd_lock_in(const struct cmd_serve *s, enum cmd_who who,
                 const struct proc_path *paths, unsigned n,
                 struct wh_err *err) WH_CHECK;

/* Make the folder of the engines' sockets, s->engines_dir; and remove it when
 * all processes have ended. */
bool cmd_engines_prepare(struct wh_arena *a, struct cmd_serve *s,
                         struct wh_err *err) WH_CHECK;
void cmd_engines_leave(const struct cmd_serve *s);

/* Close the ends of the way of weights that are not this process's. Every child
 * calls it before anything else. */
void cmd_shed(const struct cmd_serve *s, enum cmd_who who);

/* The scanner's jobs as the zygote starts them. */
const struct proc_job_type *cmd_jobs(unsigned *n);

#endif
