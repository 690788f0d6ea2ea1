/*
 * engines.c - the process of the engines, and the way of weights to it.
 */
#include "base/file.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/processes.h"
#include "gateway/engine_proc.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void cmd_shed(const struct cmd_serve *s, enum cmd_who who)
{
    const enum cmd_who ends[2] = {CMD_KEEPER, CMD_ENGINES};

    for (int i = 0; i < 2; i++) {
        int fd = s->hand_fds[i];
        if (ends[i] != who) {
            wh_fd_close(&fd);
        }
    }
}

/* Is this folder root's, and nobody else's to write in? */
static bool is_ours(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
           (st.st_mode & 07777) == 0711;
}

/* Where the sockets of the engines are. Whoever builds a cage walks to them by
 * their path, and in a house that root started the user of the engines may not
 * look into DATA, nor always at what lies above it. So they are in /tmp: in one
 * folder for each house, or in a new one where somebody else has that name. */
bool cmd_engines_prepare(struct wh_arena *a, struct cmd_serve *s,
                         struct wh_err *err)
{
    struct stat st;
    struct wh_str name;
    char *path;

    if (!s->users.own) {
        s->engines_dir = s->paths.run;
        return true;
    }
    if (stat(s->paths.run, &st) != 0) {
        return wh_fail_errno(err, WH_IO, "the folder of sockets");
    }
    name = wh_arena_fmt(a, "/tmp/weighhouse-engines-%jx-%jx",
                        (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    if (mkdir(name.p, 0700) == 0 && chmod(name.p, 0711) != 0) {
        (void)rmdir(name.p);
    }
    if (is_ours(name.p)) {
        s->engines_dir = name.p;
        return true;
    }
    path = wh_arena_alloc(a, sizeof "/tmp/weighhouse-engines-XXXXXX");
    memcpy(path, "/tmp/weighhouse-engines-XXXXXX",
           sizeof "/tmp/weighhouse-engines-XXXXXX");
    if (!mkdtemp(path) || chmod(path, 0711) != 0) {
        return wh_fail_errno(err, WH_IO,
                             "make a folder for the engines' sockets");
    }
    s->engines_dir = path;
    return true;
}

void cmd_engines_leave(const struct cmd_serve *s)
{
    struct wh_err err = {0};

    if (s->users.own && s->engines_dir &&
        !wh_dir_remove(s->engines_dir, &err)) {
        wh_log_err(WH_WARN, "engine.folder", &err);
    }
}

/* It drops its user itself: the program may lie where only root can look. */
int cmd_engines_main(void *serve)
{
    const struct cmd_serve *s = serve;
    const struct cmd_user *u = &s->users.of[CMD_ENGINES];
    struct wh_err err = {0};
    struct wh_arena a;
    bool ok;

    wh_log_process("engines");
    cmd_shed(s, CMD_ENGINES);
    wh_arena_init(&a, (size_t)64 << 10);
    struct gateway_engines_process c = {
        .listen_fd = s->engines_fd,
        .hand_fd = s->hand_fds[1],
        .run_dir = s->engines_dir,
        .uid = s->users.own ? u->uid : 0,
        .gid = u->gid,
        .program = wh_arena_cstr(&a, s->conf->gateway_engine),
        .budget = (uint64_t)s->conf->gateway_memory,
        .memory = (uint64_t)s->conf->gateway_working_memory,
        .threads = (unsigned)s->conf->gateway_threads};
    c.npeers = cmd_users_peers(&s->users, CMD_ENGINES, c.peers);
    ok = gateway_engines_serve(&c, &err);
    wh_arena_done(&a);
    if (!ok) {
        wh_log_err(WH_ERROR, "process.failed", &err);
        return cmd_fail("engines", &err);
    }
    return 0;
}
