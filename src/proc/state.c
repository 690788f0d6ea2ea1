/*
 * What a process may do. Of itself it asks the kernel by system calls, since
 * the sandbox may have closed /proc; of others it reads /proc/PID/status.
 */
#include "proc/state.h"

#include "base/log.h"
#include "base/rd.h"
#include "proc/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_MAX 65536u

static uint64_t own_caps(void)
{
    struct __user_cap_header_struct head = {.version =
                                                _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    if (syscall(SYS_capget, &head, d) != 0) {
        return UINT64_MAX;
    }
    return d[0].effective | (uint64_t)d[1].effective << 32;
}

void proc_state_self(bool landlocked, struct proc_state *out)
{
    struct proc_state s = {.pid = getpid(),
                           .uid = geteuid(),
                           .gid = getegid(),
                           .groups = getgroups(0, NULL),
                           .caps = own_caps()};
    (void)prctl(PR_GET_NAME, s.name, 0, 0, 0);
    s.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    s.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    s.seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    s.landlock = landlocked ? proc_sandbox_landlock() : 0;
    *out = s;
}

/* The nth word behind "Name:"; empty when there is none. */
static struct wh_str word_of(struct wh_str status, const char *name, unsigned n)
{
    struct wh_str line, word = WH_S("");
    while (wh_str_cut(&status, '\n', &line) || line.n > 0) {
        if (!wh_str_starts(line, wh_str_of(name))) {
            continue;
        }
        line = wh_str_trim(wh_str_sub(line, strlen(name), line.n));
        for (unsigned i = 0; i <= n; i++) {
            size_t end = 0;
            while (end < line.n && line.p[end] != ' ' && line.p[end] != '\t') {
                end++;
            }
            word = wh_str_sub(line, 0, end);
            line = wh_str_trim(wh_str_sub(line, end, line.n));
        }
        return word;
    }
    return word;
}

static uint64_t number_of(struct wh_str status, const char *name, unsigned n,
                          int base)
{
    char text[32];
    struct wh_str w = word_of(status, name, n);
    (void)snprintf(text, sizeof text, "%.*s", WH_FMT(w));
    return strtoull(text, NULL, base);
}

static int groups_of(struct wh_str status)
{
    int n = 0;
    while (word_of(status, "Groups:", (unsigned)n).n > 0) {
        n++;
    }
    return n;
}

static bool read_status(pid_t pid, struct wh_buf *b, struct wh_err *err)
{
    char path[64];
    size_t n;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f) {
        return errno == ENOENT || errno == ESRCH
                   ? wh_fail(err, WH_NOT_FOUND, "there is no such process")
                   : wh_fail_errno(err, WH_IO, "ask about a process");
    }
    char *room = wh_buf_room(b, STATUS_MAX);
    n = fread(room, 1, STATUS_MAX, f);
    wh_buf_grew(b, n);
    (void)fclose(f);
    return n > 0 || wh_fail(err, WH_NOT_FOUND, "there is no such process");
}

/* The kernel gives what belongs to a process that is not dumpable to root; of
 * a process of root that says nothing. */
static int dumpable_of(pid_t pid, uid_t uid)
{
    char path[64];
    struct stat st;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (uid == 0 || stat(path, &st) != 0) {
        return PROC_STATE_UNKNOWN;
    }
    return st.st_uid == uid;
}

bool proc_state_of(pid_t pid, struct proc_state *out, struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, STATUS_MAX);
    bool ok = read_status(pid, &b, err);
    if (ok) {
        struct wh_str s = wh_buf_str(&b);
        *out = (struct proc_state){
            .pid = pid,
            .uid = (uid_t)number_of(s, "Uid:", 1, 10),
            .gid = (gid_t)number_of(s, "Gid:", 1, 10),
            .groups = groups_of(s),
            .caps = number_of(s, "CapEff:", 0, 16),
            .no_new_privs = (int)number_of(s, "NoNewPrivs:", 0, 10),
            .landlock = PROC_STATE_UNKNOWN,
            .seccomp = (int)number_of(s, "Seccomp:", 0, 10)};
        (void)snprintf(out->name, sizeof out->name, "%.*s",
                       WH_FMT(word_of(s, "Name:", 0)));
        out->dumpable = dumpable_of(pid, out->uid);
    }
    wh_buf_done(&b);
    return ok;
}

static void add(struct wh_buf *b, const char *name, int value)
{
    if (value == PROC_STATE_UNKNOWN) {
        wh_buf_fmt(b, " %s=?", name);
    } else {
        wh_buf_fmt(b, " %s=%d", name, value);
    }
}

void proc_state_text(struct wh_buf *b, const struct proc_state *s)
{
    wh_buf_fmt(b, "uid=%u gid=%u", s->uid, s->gid);
    add(b, "groups", s->groups);
    wh_buf_fmt(b, " caps=%llx", (unsigned long long)s->caps);
    add(b, "dumpable", s->dumpable);
    add(b, "no_new_privs", s->no_new_privs);
    add(b, "landlock", s->landlock);
    add(b, "seccomp", s->seccomp);
}

void proc_state_log(unsigned missing)
{
    struct proc_state s;
    struct wh_buf b;
    wh_buf_init(&b, 1024);
    proc_state_self(!(missing & PROC_GUARD_LANDLOCK), &s);
    proc_state_text(&b, &s);
    wh_buf_fmt(&b, " missing=");
    proc_guard_list(&b, missing);
    wh_log(WH_INFO, "process.state", "%.*s", WH_FMT(wh_buf_str(&b)));
    wh_buf_done(&b);
}
