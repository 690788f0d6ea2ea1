/*
 * The scanner's side of a job: a fresh fork gives away everything that it does
 * not need, then reads the stranger's file, answers, and ends. What it needs
 * later (buffers, the window) is made before the filter is loaded.
 */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/job.h"
#include "proc/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FD_CHANNEL 3
#define FD_DATA 4
/* Sequential readers get twice as much each time, from here to the window. */
#define NICE 10
#define AHEAD_FIRST (64u << 10)

/* One source as the requester shows it. */
struct input {
    struct scanner *sc;
    unsigned index;
};

struct scanner {
    struct proc_job job;
    const struct proc_job_start *start;
    int channel, data;
    const uint8_t *window;
    /* what the window holds */
    unsigned win_source;
    uint64_t win_off, win_n;
    uint64_t ahead;
    uint32_t next_id;
    struct input inputs[PROC_JOB_SOURCES];
    struct wh_src sources[PROC_JOB_SOURCES];
    struct proc_frame frame;
};

static bool send_bytes(struct scanner *sc, uint16_t type, struct wh_str s,
                       struct wh_err *err)
{
    struct proc_msg m = {.type = type, .id = ++sc->next_id, .body = s};
    return proc_msg_send(sc->channel, &m, PROC_FOREVER, err);
}

/* Ask the requester to put [off, off + n) of a source into the window. */
static bool window_load(struct scanner *sc, unsigned source, uint64_t off,
                        uint64_t n, struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, 64);
    wh_buf_u32le(&b, source);
    wh_buf_u64le(&b, off);
    wh_buf_u32le(&b, (uint32_t)n);
    bool ok = send_bytes(sc, PROC_JOB_READ, wh_buf_str(&b), err);
    wh_buf_done(&b);
    if (!ok || !proc_msg_recv(sc->channel, &sc->frame, PROC_FOREVER, err)) {
        return false;
    }
    if (sc->frame.msg.type == PROC_MSG_ERROR) {
        return proc_msg_to_err(&sc->frame.msg, err);
    }
    sc->win_source = source;
    sc->win_off = off;
    sc->win_n = n;
    return true;
}

/* How much to ask for at `off`, where at least one byte is wanted. */
static uint64_t ahead_of(struct scanner *sc, unsigned source, uint64_t off,
                         uint64_t want)
{
    bool follows = sc->win_n > 0 && sc->win_source == source &&
                   sc->win_off + sc->win_n == off;
    sc->ahead = follows ? sc->ahead * 2 : AHEAD_FIRST;
    if (sc->ahead < want) {
        sc->ahead = want;
    }
    if (sc->ahead > PROC_JOB_WINDOW) {
        sc->ahead = PROC_JOB_WINDOW;
    }
    uint64_t left = sc->sources[source].size - off;
    return sc->ahead < left ? sc->ahead : left;
}

static bool window_read_at(void *ctx, uint64_t off, void *buf, size_t n,
                           struct wh_err *err)
{
    struct input *in = ctx;
    struct scanner *sc = in->sc;
    uint8_t *out = buf;
    while (n > 0) {
        bool here = sc->win_n > 0 && sc->win_source == in->index &&
                    off >= sc->win_off && off < sc->win_off + sc->win_n;
        if (!here && !window_load(sc, in->index, off,
                                  ahead_of(sc, in->index, off, n), err)) {
            return false;
        }
        uint64_t at = off - sc->win_off;
        size_t k = (size_t)(sc->win_n - at);
        k = k < n ? k : n;
        memcpy(out, sc->window + at, k);
        out += k;
        off += k;
        n -= k;
    }
    return true;
}

static bool file_read_at(void *ctx, uint64_t off, void *buf, size_t n,
                         struct wh_err *err)
{
    struct input *in = ctx;
    return wh_fd_pread(in->sc->data, off, buf, n, err);
}

static bool channel_write(struct proc_job *j, struct wh_str bytes,
                          struct wh_err *err)
{
    struct scanner *sc = j->ctx;
    for (size_t at = 0; at < bytes.n; at += PROC_MSG_BODY) {
        struct wh_str piece = wh_str_sub(bytes, at, PROC_MSG_BODY);
        if (!send_bytes(sc, PROC_JOB_OUT, piece, err)) {
            return false;
        }
    }
    return true;
}

static void scanner_init(struct scanner *sc, const struct proc_job_start *st)
{
    sc->start = st;
    sc->channel = FD_CHANNEL;
    sc->data = FD_DATA;
    for (unsigned i = 0; i < st->nsources; i++) {
        sc->inputs[i] = (struct input){.sc = sc, .index = i};
        sc->sources[i] = (struct wh_src){.size = st->sizes[i],
                                         .read_at = st->input == PROC_JOB_BY_FD
                                                        ? file_read_at
                                                        : window_read_at,
                                         .ctx = &sc->inputs[i]};
    }
    sc->job = (struct proc_job){.kind = st->type,
                                .params = st->params,
                                .sources = sc->sources,
                                .nsources = st->nsources,
                                .write = channel_write,
                                .ctx = sc};
}

static void close_from(unsigned first)
{
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) {
        return;
    }
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = (int)first; fd < most; fd++) {
        close(fd);
    }
}

/* Move the two descriptors to their fixed places and close all others. What a
 * scanner prints goes nowhere: it could forge the house's log. */
static bool keep_descriptors(int channel, int data, int nowhere)
{
    /* away from the places they might be in each other's way */
    int c = fcntl(channel, F_DUPFD_CLOEXEC, 16);
    int d = data < 0 ? -1 : fcntl(data, F_DUPFD_CLOEXEC, 16);
    int null = fcntl(nowhere, F_DUPFD_CLOEXEC, 16);
    bool ok =
        c >= 0 && (data < 0 || d >= 0) && null >= 0 && dup2(c, FD_CHANNEL) >= 0;
    if (ok && d >= 0) {
        ok = dup2(d, FD_DATA) >= 0;
    } else if (ok) {
        close(FD_DATA);
    }
    ok = ok && dup2(null, 0) >= 0 && dup2(null, 1) >= 0;
#ifndef WH_SANITIZED /* their reports are for us */
    ok = ok && dup2(null, 2) >= 0;
#endif
    close_from(FD_DATA + 1);
    return ok;
}

static bool limit(int what, uint64_t n)
{
    struct rlimit l = {.rlim_cur = n, .rlim_max = n};
    return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

static bool limits_enter(const struct proc_job_type *t, uint64_t mapped)
{
    bool ok = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 16) &&
              limit(RLIMIT_CPU, t->cpu_s);
#ifndef WH_SANITIZED /* their shadow memory is terabytes of address space */
    ok = ok && mapped > 0 && limit(RLIMIT_AS, mapped + t->memory);
#else
    ok = ok && mapped > 0;
#endif
    return ok;
}

static bool window_map(struct scanner *sc)
{
    if (sc->start->input != PROC_JOB_BY_WINDOW) {
        return true;
    }
    void *p = mmap(NULL, PROC_JOB_WINDOW, PROT_READ, MAP_SHARED, FD_DATA, 0);
    close(FD_DATA);
    if (p == MAP_FAILED) {
        return false;
    }
    sc->window = p;
    return true;
}

static bool lock_in(struct scanner *sc, const struct proc_job_type *t,
                    const struct proc_nest *nest)
{
    struct wh_err err = {0};
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_IGN);
    (void)prctl(PR_SET_NAME, "scanner", 0, 0, 0);
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* requests come first */
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && window_map(sc) &&
           limits_enter(t, nest->mapped) &&
           (!nest->filter || proc_filter_load(nest->filter, &err));
}

static void give_answer(struct scanner *sc, struct wh_str s)
{
    struct wh_err err = {0};
    bool ok = true;
    for (size_t at = 0; ok && at < s.n; at += PROC_MSG_BODY) {
        ok = send_bytes(sc, PROC_JOB_PART, wh_str_sub(s, at, PROC_MSG_BODY),
                        &err);
    }
    uint8_t n[4] = {(uint8_t)s.n, (uint8_t)(s.n >> 8), (uint8_t)(s.n >> 16),
                    (uint8_t)(s.n >> 24)};
    if (ok && !send_bytes(sc, PROC_JOB_DONE, wh_str_mem(n, sizeof n), &err)) {
        return; /* nobody is waiting any more */
    }
}

static void give_failure(struct scanner *sc, const struct wh_err *e)
{
    struct wh_err err = {0};
    struct wh_buf b;
    struct proc_msg m;
    wh_buf_init(&b, 2048);
    proc_msg_of_err(&m, ++sc->next_id, e, &b);
    if (!proc_msg_send(sc->channel, &m, PROC_FOREVER, &err)) {
        return;
    }
}

_Noreturn void proc_scanner_main(const struct proc_job_type *t,
                                 const struct proc_job_start *start,
                                 int channel, int data,
                                 const struct proc_nest *nest)
{
    proc_die_with_parent(SIGKILL);
    struct scanner *sc = wh_alloc(sizeof *sc);
    struct wh_buf answer;
    struct wh_err err = {0};
    scanner_init(sc, start);
    wh_buf_init(&answer, start->answer_max);
    wh_panic_context(t->name);
    if (!keep_descriptors(channel, data, nest->nowhere) ||
        !lock_in(sc, t, nest)) {
        _exit(PROC_JOB_EXIT_UNSAFE);
    }
    if (t->run(&sc->job, &answer, &err) && wh_buf_ok(&answer, &err)) {
        give_answer(sc, wh_buf_str(&answer));
    } else {
        give_failure(sc, &err);
    }
    _exit(0);
}

uint16_t proc_job_kind(const struct proc_job *j)
{
    return j->kind;
}

struct wh_str proc_job_params(const struct proc_job *j)
{
    return j->params;
}

const struct wh_src *proc_job_sources(const struct proc_job *j, unsigned *n)
{
    *n = j->nsources;
    return j->sources;
}

bool proc_job_write(struct proc_job *j, struct wh_str bytes, struct wh_err *err)
{
    return j->write(j, bytes, err);
}
