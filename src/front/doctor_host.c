/*
 * doctor_host.c - checks of what the host gives: swap, core dumps, name spaces,
 * Landlock, seccomp, the clock.
 */
#include "base/time.h"
#include "front/doctor_impl.h"
#include "proc/sandbox.h"
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

/* 2026-01-01: no clock that is right is before it. */
#define NEVER_BEFORE_US (1767225600LL * 1000000)
/* How long `bwrap true` may take. */
#define CAGE_US 3000000LL

void doctor_cores(struct doctor *d, struct doctor_row *r)
{
    struct wh_str pattern = WH_S("");
    struct wh_str open = WH_S("");

    for (unsigned i = 0; i < d->nprocs; i++) {
        const struct proc_state *s = &d->procs[i];
        uint64_t limit;
        bool self = d->at->inside && s->pid == getpid();
        if (!self && s->dumpable == 1 &&
            (!doctor_limit(d, s->pid, "Max core file size", &limit) ||
             limit > 0)) {
            open = wh_arena_fmt(d->a, "%.*s%s%s", WH_FMT(open),
                                open.n ? ", " : "", s->name);
        }
    }
    (void)doctor_read(d, "/proc/sys/kernel/core_pattern", &pattern);
    pattern = wh_str_sub(wh_str_trim(pattern), 0, 200);
    if (open.n > 0) {
        doctor_say(d, r, DOCTOR_FAIL,
                   "may leave a core dump: %.*s (core_pattern is %.*s)",
                   WH_FMT(open), WH_FMT(pattern));
        doctor_advise(r, WH_S("restart the house; if it stays so, report it"));
    } else if (d->nprocs == 0) {
        doctor_say(d, r, DOCTOR_UNKNOWN,
                   "the house does not run, or its processes can not be seen "
                   "from here (core_pattern is %.*s)",
                   WH_FMT(pattern));
    } else {
        doctor_say(d, r, DOCTOR_OK, "no process of the house leaves one");
    }
}

/* ---- swap ---- */

/* Is the block device one of dm-crypt, or memory again (zram)? */
static bool swap_is_closed(const struct doctor *d, const char *device)
{
    struct stat st;
    struct wh_str uuid;
    const char *path;

    if (stat(device, &st) != 0 || !S_ISBLK(st.st_mode)) {
        return false;
    }
    if (wh_str_find_str(wh_str_of(device), WH_S("/zram")) != SIZE_MAX) {
        return true;
    }
    path = wh_arena_fmt(d->a, "/sys/dev/block/%u:%u/dm/uuid", major(st.st_rdev),
                        minor(st.st_rdev))
               .p;
    return doctor_read(d, path, &uuid) && wh_str_starts(uuid, WH_S("CRYPT-"));
}

void doctor_swap(struct doctor *d, struct doctor_row *r)
{
    struct wh_str text, line, device, open = WH_S("");
    unsigned n = 0;

    if (!doctor_read(d, "/proc/swaps", &text)) {
        doctor_say(d, r, DOCTOR_UNKNOWN, "/proc/swaps can not be read");
        return;
    }
    (void)wh_str_cut(&text, '\n', &line); /* names of the columns */
    while (wh_str_cut(&text, '\n', &line)) {
        (void)wh_str_cut(&line, ' ', &device);
        device = wh_str_trim(device);
        n++;
        if (!swap_is_closed(d, wh_arena_cstr(d->a, device))) {
            open = wh_arena_fmt(d->a, "%.*s%s%.*s", WH_FMT(open),
                                open.n ? ", " : "", WH_FMT(device));
        }
    }
    if (n == 0) {
        doctor_say(d, r, DOCTOR_OK, "there is no swap");
    } else if (open.n > 0) {
        doctor_say(d, r, DOCTOR_WARN,
                   "swap that is not known as encrypted: "
                   "%.*s",
                   WH_FMT(open));
        doctor_advise(r, WH_S("turn it off (swapoff -a), or put it on dm-crypt "
                              "with a random key (crypttab: /dev/urandom "
                              "swap)"));
    } else {
        doctor_say(d, r, DOCTOR_OK, "%u swap areas, all encrypted or in memory",
                   n);
    }
}

/* ---- cages ---- */

/* Run it without input and output; its exit code, or -1. */
static int run_quietly(char *const argv[])
{
    posix_spawn_file_actions_t io;
    char *const env[] = {NULL};
    int64_t end = wh_mono_us() + CAGE_US;
    pid_t pid, got = 0;
    int status = -1, bad;

    if (posix_spawn_file_actions_init(&io) != 0) {
        return -1;
    }
    bad = posix_spawn_file_actions_addopen(&io, 0, "/dev/null", 0, 0) |
          posix_spawn_file_actions_addopen(&io, 1, "/dev/null", 1, 0) |
          posix_spawn_file_actions_addopen(&io, 2, "/dev/null", 1, 0);
    bad = bad != 0 ? bad : posix_spawn(&pid, argv[0], &io, NULL, argv, env);
    (void)posix_spawn_file_actions_destroy(&io);
    if (bad != 0) {
        return -1;
    }
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && wh_mono_us() < end) {
        (void)usleep(2000);
    }
    if (got == 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        return -1;
    }
    return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Literals of argv are not const in its type. */
static char *word(const struct doctor *d, const char *text)
{
    return wh_arena_cstr(d->a, wh_str_of(text));
}

void doctor_cages(struct doctor *d, struct doctor_row *r)
{
    static const char *const words[] = {"/usr/bin/bwrap",
                                        "--unshare-all",
                                        "--die-with-parent",
                                        "--ro-bind",
                                        "/",
                                        "/",
                                        "/bin/true"};
    char *argv[sizeof words / sizeof *words + 1] = {0};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        argv[i] = word(d, words[i]);
    }
    if (access(argv[0], X_OK) != 0) {
        doctor_say(d, r, DOCTOR_WARN, "bubblewrap is absent (%s)", argv[0]);
        doctor_advise(r, WH_S("install the package bubblewrap: without it no "
                              "hosted model can be run here"));
        return;
    }
    if (run_quietly(argv) == 0) {
        doctor_say(d, r, DOCTOR_OK, "bwrap --unshare-all runs");
        return;
    }
    doctor_say(d, r, DOCTOR_WARN,
               "bwrap --unshare-all does not run as user %d: name spaces are "
               "closed",
               (int)geteuid());
    doctor_advise(r, WH_S("allow user name spaces to ordinary users (sysctl "
                          "kernel.unprivileged_userns_clone=1; in a "
                          "container, ask whoever runs it): without them no "
                          "hosted model can be run here"));
}

void doctor_landlock(struct doctor *d, struct doctor_row *r)
{
    int abi = proc_sandbox_landlock();

    if (abi > 0) {
        doctor_say(d, r, DOCTOR_OK, "ABI %d", abi);
        return;
    }
    doctor_say(d, r, DOCTOR_WARN, "this kernel has no Landlock");
    doctor_advise(r, WH_S("a kernel of 5.13 or later, with lsm=...,landlock: "
                          "without it a process is kept from files by its "
                          "user alone"));
}

void doctor_seccomp(struct doctor *d, struct doctor_row *r)
{
    if (proc_sandbox_host() & PROC_GUARD_SECCOMP) {
        doctor_say(d, r, DOCTOR_OK, "filters can be loaded");
        return;
    }
    doctor_say(d, r, DOCTOR_FAIL, "this kernel takes no seccomp filter");
    doctor_advise(r, WH_S("a kernel with CONFIG_SECCOMP_FILTER: without it no "
                          "stranger's file is read"));
}

void doctor_clock(struct doctor *d, struct doctor_row *r)
{
    struct timex t = {.modes = 0};
    char now[WH_TIME_TEXT];
    int64_t us = wh_now_us();
    int state = adjtimex(&t);

    wh_time_text(us, now);
    if (us < NEVER_BEFORE_US) {
        doctor_say(d, r, DOCTOR_FAIL, "it says %s", now);
        doctor_advise(r, WH_S("set the clock: the register takes no entry that "
                              "is older than its last"));
    } else if (state == -1) {
        doctor_say(d, r, DOCTOR_UNKNOWN,
                   "it says %s; whether it is kept right can not be asked here",
                   now);
    } else if (t.status & STA_UNSYNC) {
        doctor_say(d, r, DOCTOR_WARN,
                   "it says %s; nothing on this host keeps it right", now);
        doctor_advise(r, WH_S("run systemd-timesyncd, chrony or ntpd; in a "
                              "container, the host's counts and may not be "
                              "seen from here"));
    } else {
        doctor_say(d, r, DOCTOR_OK, "it says %s, and is kept right", now);
    }
}
