/*
 * services.c - the small processes: signer, keeper, zygote.
 */
#include "base/file.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/lines.h"
#include "cmd/processes.h"
#include "keeper/keeper.h"
#include "proc/state.h"
#include "proc/supervise.h"
#include "register/signer.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
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

bool cmd_enter(const struct cmd_serve *s, enum cmd_who who, const char *folder,
               struct wh_err *err)
{
    const struct cmd_user *u = &s->users.of[who];

    if (chdir(folder) != 0) {
        return wh_fail_errno(err, WH_IO, folder);
    }
    return !s->users.own || proc_user_enter(u->uid, u->gid, err);
}

bool cmd_lock_in(const struct cmd_serve *s, enum cmd_who who,
                 const struct proc_path *paths, unsigned n, struct wh_err *err)
{
    struct proc_sandbox box = {.uid = s->users.own ? s->users.of[who].uid : 0,
                               .gid = s->users.of[who].gid,
                               .paths = paths,
                               .npaths = n,
                               .limit_files = FILES_MAX};
    unsigned missing = 0;

    if (!proc_sandbox_enter(&box, &missing, err)) {
        return false;
    }
    proc_state_log(missing);
    return true;
}

int cmd_signer_main(void *serve)
{
    const struct cmd_serve *s = serve;
    struct register_signer *signer = NULL;
    const struct proc_path keys = {".", true};
    struct wh_err err = {0};
    uid_t peers[CMD_WHO_COUNT];
    unsigned n = cmd_users_peers(&s->users, CMD_SIGNER, peers);
    bool ok;

    wh_log_process("signer");
    cmd_shed(s, CMD_SIGNER);
    ok = cmd_enter(s, CMD_SIGNER, s->paths.keys, &err) &&
         cmd_lock_in(s, CMD_SIGNER, &keys, 1, &err) &&
         register_signer_open(".", &signer, &err);
    if (ok) {
        ok = register_signer_serve(signer, s->signer_fd, peers, n, &err);
    }
    register_signer_close(&signer);
    return report("signer", ok, &err);
}

/* Scanners are forked from it, of the same user. */
int cmd_zygote_main(void *serve)
{
    const struct cmd_serve *s = serve;
    const struct cmd_user *u = &s->users.of[CMD_SCANNER];
    struct proc_zygote z = {.listen_fd = s->zygote_fd,
                            .max_jobs = 4,
                            .uid = s->users.own ? u->uid : 0,
                            .gid = u->gid};
    struct wh_err err = {0};

    wh_log_process("zygote");
    cmd_shed(s, CMD_SCANNER);
    z.types = cmd_jobs(&z.ntypes);
    z.npeers = cmd_users_peers(&s->users, CMD_SCANNER, z.peers);
    return report("zygote", chdir("/") == 0 && proc_zygote_run(&z, false, &err),
                  &err);
}

/* Threads of the keeper, and sets of containers that it may hold open. */
#define KEEPER_THREADS 8u
#define KEEPER_SESSIONS 256u

/* What the keeper reaches outside its working folder, keys.dir. */
struct reach {
    int run, custody;
    char run_path[32], custody_path[32];
};

/* A folder by a name that works when those above it are closed to us. */
static bool hold(const char *path, int *fd, char name[32], struct wh_err *err)
{
    *fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) {
        return wh_fail_errno(err, WH_IO, path);
    }
    (void)snprintf(name, 32, "/proc/self/fd/%d", *fd);
    return true;
}

/* While it may be root: all memory may be locked, as the keeper will want. */
static void allow_locked_memory(void)
{
    const struct rlimit all = {.rlim_cur = RLIM_INFINITY,
                               .rlim_max = RLIM_INFINITY};

    (void)setrlimit(RLIMIT_MEMLOCK, &all); /* the keeper tells what it got */
}

/* The texts of the lines may be closed to the keeper's user: read before. */
static bool keeper_lines(const struct cmd_serve *s, struct wh_arena *a,
                         struct keeper_config *c, struct wh_err *err)
{
    struct line_set *set = WH_NEW(a, struct line_set);
    struct rule_past *none = WH_NEW(a, struct rule_past);
    struct rule_enforced *e = WH_NEW(a, struct rule_enforced);
    struct wh_err ignored = {0};

    if (!cmd_lines_load(a, s->conf, set, err)) {
        return false;
    }
    /* what the names mean by themselves; the register may know better */
    if (line_set_settle(set, a, none, e, &ignored)) {
        for (size_t i = 0; i < set->n_enforced; i++) {
            c->lines[c->nlines++] = set->enforced[i].text;
        }
    }
    c->names = set->names;
    c->nnames = (unsigned)set->n_names;
    c->known = set->known;
    c->nknown = (unsigned)set->n_known;
    return true;
}

static bool serve_keeper(const struct cmd_serve *s, struct wh_arena *a,
                         struct wh_err *err)
{
    const struct cmd_user *u = &s->users.of[CMD_KEEPER];
    struct reach at = {-1, -1, "", ""};
    struct keeper_config c = {.listen_fd = s->keeper_fd,
                              .keys_dir = ".",
                              .hand_fd = s->hand_fds[0],
                              .uid = s->users.own ? u->uid : 0,
                              .gid = u->gid,
                              .threads = KEEPER_THREADS,
                              .max_sessions = KEEPER_SESSIONS};
    bool ok = keeper_lines(s, a, &c, err) &&
              hold(s->paths.run, &at.run, at.run_path, err) &&
              hold(s->paths.custody, &at.custody, at.custody_path, err);

    c.run_dir = at.run_path;
    c.custody_dir = at.custody_path;
    c.npeers = cmd_users_peers(&s->users, CMD_KEEPER, c.peers);
    allow_locked_memory();
    ok = ok && cmd_enter(s, CMD_KEEPER, s->paths.keys, err) &&
         keeper_serve(&c, err);
    wh_fd_close(&at.run);
    wh_fd_close(&at.custody);
    return ok;
}

int cmd_keeper_main(void *serve)
{
    const struct cmd_serve *s = serve;
    struct wh_err err = {0};
    struct wh_arena a;
    bool ok;

    wh_log_process("keeper");
    cmd_shed(s, CMD_KEEPER);
    wh_arena_init(&a, (size_t)32 << 20);
    ok = serve_keeper(s, &a, &err);
    wh_arena_done(&a);
    return report("keeper", ok, &err);
}
