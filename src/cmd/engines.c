/*
 * engines.c - the process of the engines, and the way of weights to it.
 */
#include "base/file.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/processes.h"
#include "gateway/engine_proc.h"
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
        .run_dir = s->paths.run,
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
