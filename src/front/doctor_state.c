/*
 * doctor_state.c - checks of the processes of a house, as the kernel shows
 * them to whoever asks.
 */
#include "front/doctor_impl.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOT_RUNNING \
    "the house does not run, or its processes can not be seen from here"
#define HELPERS 4u /* front, keeper, signer, zygote */

/* From /proc/PID/stat: what follows the name, which may hold blanks and
 * brackets. */
static bool parent_of(const struct doctor *d, pid_t pid, pid_t *out)
{
    const char *path = wh_arena_fmt(d->a, "/proc/%d/stat", (int)pid).p;
    struct wh_str s, word;
    size_t end = SIZE_MAX;
    uint64_t ppid;

    if (!doctor_read(d, path, &s)) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        end = s.p[i] == ')' ? i : end;
    }
    if (end == SIZE_MAX) {
        return false;
    }
    /* ") S 123 ...": the state is one letter */
    s = wh_str_trim(wh_str_sub(s, end + 1, s.n));
    s = wh_str_trim(wh_str_sub(s, 1, s.n));
    if (!wh_str_cut(&s, ' ', &word) || !wh_str_u64(word, &ppid)) {
        return false;
    }
    *out = (pid_t)ppid;
    return true;
}

/* The parent wrote its number at its start. It may be gone, and the number
 * somebody else's: then it has no child called front. */
static pid_t find_parent(const struct doctor *d)
{
    struct wh_str text;
    uint64_t pid;

    if (d->at->parent != 0) {
        return d->at->parent;
    }
    return doctor_read(d, doctor_path(d, "run/parent.pid"), &text) &&
                   wh_str_u64(wh_str_trim(text), &pid) && pid <= INT32_MAX
               ? (pid_t)pid
               : 0;
}

static void take(struct doctor *d, pid_t pid, pid_t parent)
{
    struct wh_err ignored = {0};
    pid_t is;

    if (d->nprocs < DOCTOR_PROCS && parent_of(d, pid, &is) && is == parent &&
        proc_state_of(pid, &d->procs[d->nprocs], &ignored)) {
        d->nprocs++;
    }
}

static const struct proc_state *find(const struct doctor *d, const char *name)
{
    for (unsigned i = 0; i < d->nprocs; i++) {
        if (strcmp(d->procs[i].name, name) == 0) {
            return &d->procs[i];
        }
    }
    return NULL;
}

void doctor_find_processes(struct doctor *d)
{
    pid_t parent = find_parent(d);
    DIR *dir = parent > 1 ? opendir("/proc") : NULL;
    const struct dirent *e;

    while (dir && (e = readdir(dir)) != NULL) {
        uint64_t pid;
        if (wh_str_u64(wh_str_of(e->d_name), &pid) && pid <= INT32_MAX) {
            take(d, (pid_t)pid, parent);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    if (!find(d, "front")) {
        d->nprocs = 0;
    }
}

bool doctor_limit(const struct doctor *d, pid_t pid, const char *name,
                  uint64_t *out)
{
    const char *path = wh_arena_fmt(d->a, "/proc/%d/limits", (int)pid).p;
    struct wh_str s, line;

    if (!doctor_read(d, path, &s)) {
        return false;
    }
    while (wh_str_cut(&s, '\n', &line)) {
        struct wh_str word;
        if (!wh_str_starts(line, wh_str_of(name))) {
            continue;
        }
        line = wh_str_trim(wh_str_sub(line, strlen(name), line.n));
        (void)wh_str_cut(&line, ' ', &word);
        if (wh_str_is(word, "unlimited")) {
            *out = UINT64_MAX;
            return true;
        }
        return wh_str_u64(word, out);
    }
    return false;
}

static bool same_user(const struct doctor *d, unsigned i)
{
    for (unsigned k = 0; k < i; k++) {
        if (d->procs[k].uid == d->procs[i].uid) {
            return true;
        }
    }
    return false;
}

void doctor_users(struct doctor *d, struct doctor_row *r)
{
    struct wh_str list = WH_S("");
    bool shared = false, root = false;

    for (unsigned i = 0; i < d->nprocs; i++) {
        const struct proc_state *s = &d->procs[i];
        list = wh_arena_fmt(d->a, "%.*s%s%s: %d", WH_FMT(list),
                            list.n ? ", " : "", s->name, (int)s->uid);
        shared = shared || same_user(d, i);
        root = root || s->uid == 0;
    }
    if (d->nprocs < HELPERS) {
        doctor_say(d, r, DOCTOR_UNKNOWN, NOT_RUNNING);
    } else if (root) {
        doctor_say(d, r, DOCTOR_FAIL, "a process runs as root (%.*s)",
                   WH_FMT(list));
        doctor_advise(r, WH_S("start `weighhouse serve` as root on a host that "
                              "lets it change users, or as an ordinary user"));
    } else if (shared) {
        doctor_say(d, r, DOCTOR_WARN,
                   "processes share a user (%.*s): what keeps them apart is "
                   "Landlock, and that their memory is closed",
                   WH_FMT(list));
        doctor_advise(r, WH_S("start it as root: then each process has a user "
                              "of its own (docs/users.md)"));
    } else {
        doctor_say(d, r, DOCTOR_OK, "%.*s", WH_FMT(list));
    }
}

/* A process that may not gain rights, holds none and shows its memory to
 * nobody. */
static bool is_closed(const struct proc_state *s)
{
    return s->dumpable != 1 && s->caps == 0;
}

void doctor_closed(struct doctor *d, struct doctor_row *r)
{
    struct wh_str open = WH_S("");
    unsigned asked = 0;

    for (unsigned i = 0; i < d->nprocs; i++) {
        const struct proc_state *s = &d->procs[i];
        if (d->at->inside && s->pid == getpid()) {
            continue; /* it is about to lock itself in: front.closed */
        }
        asked++;
        if (!is_closed(s)) {
            open = wh_arena_fmt(d->a, "%.*s%s%s", WH_FMT(open),
                                open.n ? ", " : "", s->name);
        }
    }
    if (asked == 0) {
        doctor_say(d, r, DOCTOR_UNKNOWN, NOT_RUNNING);
    } else if (open.n > 0) {
        doctor_say(d, r, DOCTOR_FAIL,
                   "open to other processes of its user, or with rights of "
                   "root: %.*s",
                   WH_FMT(open));
        doctor_advise(r, WH_S("restart the house; if it stays so, report it"));
    } else {
        doctor_say(d, r, DOCTOR_OK,
                   "%u processes: not dumpable, without capabilities", asked);
    }
}

static void say_front(const struct doctor *d, struct doctor_row *r,
                      const struct proc_state *s)
{
    struct wh_buf b;

    wh_buf_init(&b, 512);
    proc_state_text(&b, s);
    doctor_say(d, r, DOCTOR_OK, "%.*s", WH_FMT(wh_buf_str(&b)));
    wh_buf_done(&b);
    if (!is_closed(s)) {
        r->state = DOCTOR_FAIL;
        doctor_advise(r, WH_S("restart the house; if it stays so, report it"));
    } else if (s->no_new_privs == 0) {
        r->state = DOCTOR_WARN;
        doctor_advise(r, WH_S("a program that it starts could gain rights: use "
                              "a kernel with no_new_privs"));
    }
}

void doctor_front(struct doctor *d, struct doctor_row *r)
{
    const struct proc_state *other = find(d, "front");
    struct proc_state self;

    if (d->at->inside) {
        proc_state_self(false, &self);
        self.landlock = PROC_STATE_UNKNOWN;
        say_front(d, r, &self);
    } else if (other) {
        say_front(d, r, other);
    } else {
        doctor_say(d, r, DOCTOR_UNKNOWN, NOT_RUNNING);
    }
}

void doctor_memlock(struct doctor *d, struct doctor_row *r)
{
    const struct proc_state *keeper = find(d, "keeper");
    uint64_t limit;

    if (!keeper || !doctor_limit(d, keeper->pid, "Max locked memory", &limit)) {
        doctor_say(d, r, DOCTOR_UNKNOWN, NOT_RUNNING);
    } else if (limit == UINT64_MAX) {
        doctor_say(d, r, DOCTOR_OK, "the keeper may lock all its memory");
    } else {
        doctor_say(d, r, DOCTOR_WARN,
                   "the keeper may lock %" PRIu64 " KiB of memory",
                   limit / 1024);
        doctor_advise(r, WH_S("start it as root, or set LimitMEMLOCK=infinity: "
                              "held weights and keys that are not locked can "
                              "be written to swap"));
    }
}

void doctor_files(struct doctor *d, struct doctor_row *r)
{
    const struct proc_state *front = find(d, "front");
    struct rlimit lim = {0};
    uint64_t n = 0;
    const uint64_t wanted = 16384;

    if (d->at->inside && getrlimit(RLIMIT_NOFILE, &lim) == 0) {
        n = lim.rlim_cur;
    } else if (!front || !doctor_limit(d, front->pid, "Max open files", &n)) {
        doctor_say(d, r, DOCTOR_UNKNOWN, NOT_RUNNING);
        return;
    }
    doctor_say(d, r, n < wanted ? DOCTOR_WARN : DOCTOR_OK,
               "front may have %" PRIu64 " files and connections open", n);
    if (n < wanted) {
        doctor_advise(r, WH_S("raise the limit (ulimit -Hn, LimitNOFILE=65536)"
                              ": a full house refuses connections"));
    }
}
