/*
 * services.c - the small processes: signer, keeper, zygote.
 */
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/lines.h"
#include "cmd/processes.h"
#include "keeper/keeper.h"
#include "proc/supervise.h"
#include "register/signer.h"
#include <unistd.h>

static int report(const char *name, bool ok, const struct wh_err *err)
{
    if (!ok) {
        wh_log_err(WH_ERROR, "process.failed", err);
        return cmd_fail(name, err);
    }
    return 0;
}

/* Descriptors of a process: front may have 20,000 connections open, each with a
 * file. Systems begin with 1,024. */
#define FILES_MAX 65536u

bool cmd_lock_in(const struct proc_path *paths, unsigned n, struct wh_err *err)
{
    struct proc_sandbox s = {
        .paths = paths, .npaths = n, .limit_files = FILES_MAX};
    unsigned missing = 0;
    struct wh_buf b;

    if (!proc_sandbox_enter(&s, &missing, err)) {
        return false;
    }
    if (missing) {
        wh_buf_init(&b, 512);
        proc_guard_list(&b, missing);
        wh_log(WH_INFO, "process.guards", "missing=%.*s",
               WH_FMT(wh_buf_str(&b)));
        wh_buf_done(&b);
    }
    return true;
}

int cmd_signer_main(void *serve)
{
    const struct cmd_serve *s = serve;
    struct register_signer *signer = NULL;
    const struct proc_path keys = {s->paths.keys, true};
    struct wh_err err = {0};
    uid_t peers[] = {geteuid()};
    bool ok;

    wh_log_process("signer");
    ok = cmd_lock_in(&keys, 1, &err) &&
         register_signer_open(s->paths.keys, &signer, &err);
    if (ok) {
        ok = register_signer_serve(signer, s->signer_fd, peers, 1, &err);
    }
    register_signer_close(&signer);
    return report("signer", ok, &err);
}

int cmd_zygote_main(void *serve)
{
    const struct cmd_serve *s = serve;
    struct proc_zygote z = {.listen_fd = s->zygote_fd,
                            .max_jobs = 4,
                            .peers = {geteuid()},
                            .npeers = 1};
    struct wh_err err = {0};

    wh_log_process("zygote");
    z.types = cmd_jobs(&z.ntypes);
    return report("zygote", proc_zygote_run(&z, false, &err), &err);
}

/* Threads of the keeper, and sets of containers that it may hold open. */
#define KEEPER_THREADS 8u
#define KEEPER_SESSIONS 256u

static bool serve_keeper(const struct cmd_serve *s, struct wh_arena *a,
                         struct wh_err *err)
{
    struct keeper_config c = {.listen_fd = s->keeper_fd,
                              .run_dir = s->paths.run,
                              .keys_dir = s->paths.keys,
                              .custody_dir = s->paths.custody,
                              .peers = {geteuid()},
                              .npeers = 1,
                              .threads = KEEPER_THREADS,
                              .max_sessions = KEEPER_SESSIONS};
    struct line_set set = {0};

    if (!cmd_lines_load(a, s->conf, &set, err)) {
        return false;
    }
    for (size_t i = 0; i < set.n_enforced; i++) {
        c.lines[c.nlines++] = set.enforced[i].text;
    }
    return keeper_serve(&c, err);
}

int cmd_keeper_main(void *serve)
{
    const struct cmd_serve *s = serve;
    struct wh_err err = {0};
    struct wh_arena a;
    bool ok;

    wh_log_process("keeper");
    wh_arena_init(&a, (size_t)32 << 20);
    ok = serve_keeper(s, &a, &err);
    wh_arena_done(&a);
    return report("keeper", ok, &err);
}
