/*
 * scanner.c - the same zygote as in the server, listening in a folder of its
 * own that it removes itself when it is told to end or when we are gone.
 */
#include "cmd/scanner.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/processes.h"
#include "proc/sandbox.h"
#include "scan/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MS (3600u * 1000u) /* the longest that a zygote allows */
#define INDEX_MS (60u * 1000u)
#define CONFIG_MAX (24u << 10) /* what fits beside a path in a job */

struct cmd_scanner {
    char dir[64];
    pid_t pid; /* of the zygote; 0: scans run here */
    struct proc_client *client;
};

static void remove_dir(const char *dir)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/zygote.sock", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* The child: a session of its own, so that an interrupt at the terminal
 * reaches us first, and a signal from the kernel when we are gone. */
_Noreturn static void zygote(const char *dir, int listen_fd, pid_t parent)
{
    struct proc_zygote z = {.listen_fd = listen_fd,
                            .max_jobs = 2,
                            .peers = {geteuid()},
                            .npeers = 1};
    struct wh_err err = {0};
    z.types = cmd_jobs(&z.ntypes);
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    bool ok = getppid() == parent && proc_zygote_run(&z, false, &err);
    if (!ok) {
        wh_log_err(WH_ERROR, "zygote.failed", &err);
    }
    remove_dir(dir);
    _exit(ok ? 0 : 1);
}

static bool start(struct cmd_scanner *s, struct wh_err *err)
{
    (void)snprintf(s->dir, sizeof s->dir, "/tmp/weighhouse-XXXXXX");
    if (!mkdtemp(s->dir)) {
        return wh_fail_errno(err, WH_IO, "make a folder for the scanner");
    }
    int fd = proc_listen(s->dir, "zygote", 0600, err);
    if (fd < 0) {
        remove_dir(s->dir);
        return false;
    }
    pid_t self = getpid();
    s->pid = fork();
    if (s->pid == 0) {
        zygote(s->dir, fd, self);
    }
    wh_fd_close(&fd);
    if (s->pid < 0) {
        remove_dir(s->dir);
        return wh_fail_errno(err, WH_IO, "start the scanner");
    }
    s->client = proc_client_new(s->dir, "zygote", 1, 1, err);
    return s->client != NULL;
}

struct cmd_scanner *cmd_scanner_new(struct wh_err *err)
{
    struct cmd_scanner *s = wh_alloc(sizeof *s);
    if ((proc_sandbox_host() & PROC_GUARD_SECCOMP) && !start(s, err)) {
        cmd_scanner_free(&s);
    }
    return s;
}

void cmd_scanner_free(struct cmd_scanner **s)
{
    if (!*s) {
        return;
    }
    proc_client_free(&(*s)->client);
    if ((*s)->pid > 0) {
        int status;
        (void)kill((*s)->pid, SIGTERM);
        pid_t ended = -1;
        do {
            ended = waitpid((*s)->pid, &status, 0);
        } while (ended < 0 && errno == EINTR);
    }
    wh_free(*s);
    *s = NULL;
}

bool cmd_scanner_locked(const struct cmd_scanner *s)
{
    return s->pid > 0;
}

/* Run a job locked in, or in this process where that is impossible. */
static bool run(struct cmd_scanner *s, struct wh_arena *a,
                const struct proc_job_request *rq, struct wh_str *answer,
                struct wh_err *err)
{
    unsigned n;
    if (s->client) {
        return proc_job_run(s->client, a, rq, answer, err);
    }
    const struct proc_job_type *types = cmd_jobs(&n);
    for (unsigned i = 0; i < n; i++) {
        if (types[i].type == rq->type) {
            return proc_job_inline(&types[i], a, rq, answer, err);
        }
    }
    return wh_fail(err, WH_INTERNAL, "the scanner has no such job");
}

bool cmd_scanner_file(struct cmd_scanner *s, struct wh_arena *a, int fd,
                      struct wh_str path, struct wh_str config,
                      struct wh_str *answer, struct wh_err *err)
{
    struct proc_job_request rq = {.type = SCAN_JOB_FILE,
                                  .data_fd = fd,
                                  .answer_max = SCAN_JOB_FILE_ANSWER,
                                  .time_ms = FILE_MS};
    struct wh_buf params;
    wh_buf_init(&params, PROC_JOB_PARAMS);
    scan_job_file_params(&params, path, true);
    if (config.n > 0 && config.n <= CONFIG_MAX) {
        scan_job_file_config(&params, config);
    }
    rq.params = wh_buf_str(&params);
    bool ok = run(s, a, &rq, answer, err);
    wh_buf_done(&params);
    return ok;
}

bool cmd_scanner_index(struct cmd_scanner *s, struct wh_arena *a,
                       const struct wh_src *index, struct wh_str shards,
                       struct wh_str *answer, struct wh_err *err)
{
    struct wh_src sources[2] = {*index, wh_src_mem(shards.p, shards.n)};
    struct proc_job_request rq = {.type = SCAN_JOB_INDEX,
                                  .sources = sources,
                                  .nsources = 2,
                                  .data_fd = -1,
                                  .answer_max = SCAN_JOB_INDEX_ANSWER,
                                  .time_ms = INDEX_MS};
    struct wh_buf params;
    wh_buf_init(&params, 64);
    scan_job_index_params(&params);
    rq.params = wh_buf_str(&params);
    bool ok = run(s, a, &rq, answer, err);
    wh_buf_done(&params);
    return ok;
}
