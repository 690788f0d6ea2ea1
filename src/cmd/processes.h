/*
 * processes.h - the children of `weighhouse serve` and what each is given.
 * Owner: struct cmd_serve is made by the parent before it forks; children see
 * a copy.
 * Never: changed after the first fork.
 */
#ifndef WH_CMD_PROCESSES_H
#define WH_CMD_PROCESSES_H

#include "cmd/paths.h"
#include "proc/sandbox.h"
#include "proc/zygote.h"

struct cmd_serve {
    const struct conf *conf;
    struct cmd_paths paths;
    int http_fd, signer_fd, keeper_fd, zygote_fd; /* listening sockets */
    uint16_t port;
    const char *url;         /* "http://127.0.0.1:8080" */
    _Atomic bool *announced; /* shared memory: the ready line was printed */
};

/* Main functions of the children; what they return is the exit code. */
int cmd_front_main(void *serve);
int cmd_signer_main(void *serve);
int cmd_keeper_main(void *serve);
int cmd_zygote_main(void *serve);

/* Lock the calling process in, before its threads start: not dumpable, no core,
 * and (with Landlock) no files but these. What the host can not give is
 * logged. */
bool cmd_lock_in(const struct proc_path *paths, unsigned n,
                 struct wh_err *err) WH_CHECK;

/* The scanner's jobs as the zygote starts them. */
const struct proc_job_type *cmd_jobs(unsigned *n);

#endif
