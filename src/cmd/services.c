/*
 * services.c - the small processes: signer, keeper, zygote.
 */
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/processes.h"
#include "proc/sandbox.h"
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

int cmd_signer_main(void *serve)
{
    const struct cmd_serve *s = serve;
    struct register_signer *signer = NULL;
    struct wh_err err = {0};
    uid_t peers[] = {geteuid()};
    bool ok;

    wh_log_process("signer");
    ok = register_signer_open(s->paths.keys, &signer, &err);
    if (ok) {
        proc_child_ready();
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
    proc_child_ready();
    return report("zygote", proc_zygote_run(&z, false, &err), &err);
}
