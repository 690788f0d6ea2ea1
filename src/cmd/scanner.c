/*
 * scanner.c - the same zygote as in the server, listening in a folder of its
 * own, which goes away with the command, even when that is killed.
 */
#include "cmd/scanner.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/processes.h"
#include "proc/sandbox.h"
#include "scan/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MS (3600u * 1000u) /* the longest that a zygote allows */
#define INDEX_MS (60u * 1000u)
#define CONFIG_MAX (24u << 10) /* what fits beside a path in a job */

#define DIR_MAX 256

struct cmd_scanner {
    char dir[DIR_MAX]; /* with the socket of the zygote */
    pid_t pid;         /* of the zygote's keeper; 0: scans run here */
    int alive;         /* open as long as we want the zygote */
    struct proc_client *client;
};

static void remove_dir(const char *dir)
{
    char path[DIR_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/zygote.sock", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* What the zygote runs; it locks itself in, so it can not tidy up. */
_Noreturn static void zygote(int listen_fd)
{
    struct proc_zygote z = {.listen_fd = listen_fd,
                            .max_jobs = 2,
                            .peers = {geteuid()},
                            .npeers = 1};
    struct wh_err err = {0};
    z.types = cmd_jobs(&z.ntypes);
    wh_log_level(WH_WARN);
    wh_log_process("zygote");
    bool ok = proc_zygote_run(&z, false, &err);
    if (!ok) {
        wh_log_err(WH_ERROR, "zygote.failed", &err);
    }
    _exit(ok ? 0 : 1);
}

static void wait_for(pid_t pid)
{
    int status;
    pid_t ended = -1;
    do {
        ended = waitpid(pid, &status, 0);
    } while (ended < 0 && errno == EINTR);
}

/* Between command and zygote: waits until the command closes its end of a pipe
 * or is gone, however it went, then ends the zygote and takes the folder away.
 * In a session of its own, so that an interrupt at the terminal reaches the
 * command alone. */
_Noreturn static void keep_tidy(const char *dir, int listen_fd, int alive)
{
    char byte;
    ssize_t n;
    (void)setsid();
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(alive);
        zygote(listen_fd);
    }
    (void)close(listen_fd);
    do {
        n = read(alive, &byte, 1);
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (pid > 0) {
        (void)kill(pid, SIGTERM);
        wait_for(pid);
    }
    remove_dir(dir);
    _exit(0);
}

static bool start(struct cmd_scanner *s, struct wh_err *err)
{
    const char *tmp = secure_getenv("TMPDIR");
    int n = snprintf(s->dir, sizeof s->dir, "%s/weighhouse-XXXXXX",
                     tmp && tmp[0] == '/' ? tmp : "/tmp");
    if (n < 0 || n >= DIR_MAX) {
        return wh_fail(err, WH_USAGE, "TMPDIR is too long");
    }
    if (!mkdtemp(s->dir)) {
        return wh_fail_errno(err, WH_IO, "make a folder for the scanner");
    }
    int fd = proc_listen(s->dir, "zygote", 0600, err);
    if (fd < 0) {
        remove_dir(s->dir);
        return false;
    }
    int alive[2];
    if (pipe2(alive, O_CLOEXEC) != 0) {
        wh_fd_close(&fd);
        remove_dir(s->dir);
        return wh_fail_errno(err, WH_IO, "start the scanner");
    }
    s->pid = fork();
    if (s->pid == 0) {
        (void)close(alive[1]);
        keep_tidy(s->dir, fd, alive[0]);
    }
    wh_fd_close(&fd);
    wh_fd_close(&alive[0]);
    s->alive = alive[1];
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
    s->alive = -1;
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
    wh_fd_close(&(*s)->alive);
    if ((*s)->pid > 0) {
        wait_for((*s)->pid);
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
