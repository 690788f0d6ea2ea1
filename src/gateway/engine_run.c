/*
 * One engine. Its machine says what to do; here it is done: the program is
 * started in its cage, its end is seen through a pidfd, its output is read (and
 * forgotten, but for the last line before it was ready: nothing that a person
 * asked the model is kept), and GET /health is asked again and again.
 */
#include "gateway/engine_run.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* While it starts, it is asked again and again: the sooner, the shorter ago its
 * start is, so that little of the wait is for a question. */
#define PROBE_START_US 5000
#define PROBE_SHARE 16
/* A probe that could not even connect is tried again within its time. */
#define PROBE_AGAIN_US 50000
#define FILES 2048u
/* Weights that nobody asked to run are let go. */
#define UNWANTED_US (300 * 1000000LL)

void engine_clear(struct engine *e)
{
    *e = (struct engine){
        .file = -1, .pid_fd = -1, .out = -1, .dir = -1, .probe = -1};
}

void engine_take(struct engine *e, const char *weights, int file, void *map,
                 uint64_t bytes, int64_t until)
{
    engine_clear(e);
    memcpy(e->weights, weights, WH_SHA256_HEX + 1);
    e->file = file;
    e->map = map;
    e->bytes = bytes;
    e->until = until;
    e->given = wh_mono_us();
    e->since = wh_now_us();
}

void engine_drop(struct engine *e)
{
    wh_assert(e->pid == 0);
    wh_log(WH_INFO, "engine.drop", "weights=%.16s bytes=%llu", e->weights,
           (unsigned long long)e->bytes);
    if (e->map) {
        (void)munmap(e->map, (size_t)e->bytes);
    }
    wh_fd_close(&e->file);
    wh_fd_close(&e->pid_fd);
    wh_fd_close(&e->out);
    wh_fd_close(&e->dir);
    wh_fd_close(&e->probe);
    engine_clear(e);
}

/* ---- its socket ---- */

int engine_dial(int dir)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(sa.sun_path, sizeof sa.sun_path,
                   "/proc/self/fd/%d/" ENGINE_SOCKET, dir);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        int why = errno;
        wh_fd_close(&fd);
        errno = why;
    }
    return fd;
}

/* A folder of its own, empty. */
static bool make_dir(struct engine *e, const struct engine_world *w,
                     struct wh_err *err)
{
    char name[17];
    (void)snprintf(name, sizeof name, "%.16s", e->weights);
    if (mkdirat(w->dir, name, 0700) != 0 && errno != EEXIST) {
        return wh_fail_errno(err, WH_IO, "make a folder for an engine");
    }
    wh_fd_close(&e->dir);
    e->dir = openat(w->dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (e->dir < 0 ||
        (unlinkat(e->dir, ENGINE_SOCKET, 0) != 0 && errno != ENOENT)) {
        return wh_fail_errno(err, WH_IO, "open the folder of an engine");
    }
    return true;
}

/* ---- starting and ending ---- */

/* Texts of numbers in the program's arguments. */
struct numbers {
    char context[24], slots[16], threads[16], http[16];
};

static void set_args(struct proc_cage *c, const struct engine *e,
                     const struct engine_world *w, struct numbers *n)
{
    unsigned context = e->context ? e->context : GATEWAY_ENGINE_CONTEXT;
    (void)snprintf(n->context, sizeof n->context, "%llu",
                   (unsigned long long)context * e->slots);
    (void)snprintf(n->slots, sizeof n->slots, "%u", e->slots);
    (void)snprintf(n->threads, sizeof n->threads, "%u", w->threads);
    (void)snprintf(n->http, sizeof n->http, "%u", e->slots + 4);
    const char *const args[] = {"-m",
                                "/model.gguf",
                                "--host",
                                ENGINE_HOST,
                                "-c",
                                n->context,
                                "-np",
                                n->slots,
                                "-t",
                                n->threads,
                                "--threads-http",
                                n->http,
                                "--alias",
                                e->name};
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++) {
        c->args[i] = args[i];
    }
    /* What only some versions know is told by variables, which others ignore:
     * no copies of prompts beside the slots, nothing about slots to be asked,
     * no pages, no network. */
    static const char *const env[][2] = {
        {"LLAMA_ARG_CACHE_RAM", "0"}, {"LLAMA_ARG_ENDPOINT_SLOTS", "0"},
        {"LLAMA_ARG_UI", "0"},        {"LLAMA_ARG_WEBUI", "0"},
        {"LLAMA_ARG_OFFLINE", "1"},   {"HOME", "/"},
    };
    memcpy(c->env, env, sizeof env);
}

static bool spawn(struct engine *e, const struct engine_world *w,
                  struct wh_err *err)
{
    struct numbers n;
    struct proc_cage c = {.bwrap = &w->bwrap,
                          .program = &w->program,
                          .file = e->file,
                          .filter = w->filter,
                          .memory = w->memory,
                          .files = FILES};
    int p[2];
    if (!make_dir(e, w, err)) {
        return false;
    }
    if (pipe2(p, O_CLOEXEC) != 0) {
        return wh_fail_errno(err, WH_OUTSIDE, "make a pipe");
    }
    (void)fcntl(p[0], F_SETFL, O_NONBLOCK);
    c.socket_dir = e->dir;
    c.out = p[1];
    set_args(&c, e, w, &n);
    bool ok = proc_cage_start(&c, &e->pid, err);
    wh_fd_close(&p[1]);
    e->out = p[0];
    e->said_n = 0;
    e->said_end = false;
    if (!ok) {
        wh_fd_close(&e->out);
        return false;
    }
    e->pid_fd = (int)syscall(SYS_pidfd_open, e->pid, 0);
    e->spawned = wh_mono_us();
    e->probe_next = e->spawned + PROBE_START_US;
    wh_log(WH_INFO, "engine.start", "weights=%.16s pid=%d", e->weights,
           (int)e->pid);
    return true;
}

static void end_probe(struct engine *e)
{
    wh_fd_close(&e->probe);
    e->probe_end = 0;
    e->head_n = 0;
}

/* It is gone (waited for), or never came. */
static void gone(struct engine *e)
{
    end_probe(e);
    wh_fd_close(&e->pid_fd);
    wh_fd_close(&e->out);
    e->pid = 0;
    if (e->dir >= 0) {
        (void)unlinkat(e->dir, ENGINE_SOCKET, 0);
    }
}

/* Why it is not running, in words. */
static void explain(struct engine *e)
{
    const char *sep = e->said_n > 0 ? ": " : "";
    e->said[e->said_n] = '\0';
    if (e->m.slow) {
        (void)snprintf(e->why, sizeof e->why,
                       "it did not answer in its time to start%s%s", sep,
                       e->said);
    } else if (e->m.hung) {
        (void)snprintf(e->why, sizeof e->why,
                       "it stopped answering and was ended");
    } else if (WIFSIGNALED(e->ended)) {
        (void)snprintf(e->why, sizeof e->why, "it was ended by signal %d%s%s",
                       WTERMSIG(e->ended), sep, e->said);
    } else {
        (void)snprintf(e->why, sizeof e->why, "it ended with code %d%s%s",
                       WEXITSTATUS(e->ended), sep, e->said);
    }
}

/* ---- the machine ---- */

static bool step(struct engine *e, const struct engine_world *w,
                 enum engine_event ev, int64_t now);

/* Do what the machine said. */
static void act(struct engine *e, const struct engine_world *w,
                enum engine_act a, int64_t now)
{
    struct wh_err err = {0};
    switch (a) {
    case ENGINE_DO_SPAWN:
        if (!spawn(e, w, &err)) {
            wh_log_err(WH_ERROR, "engine.spawn", &err);
            (void)step(e, w, ENGINE_EV_ENDED, now);
            (void)snprintf(e->why, sizeof e->why, "%.200s", err.msg);
        }
        break;
    case ENGINE_DO_END:
    case ENGINE_DO_KILL:
        /* bubblewrap takes everything inside with it */
        if (e->pid != 0) {
            (void)kill(e->pid, a == ENGINE_DO_END ? SIGTERM : SIGKILL);
        }
        break;
    case ENGINE_DO_DROP:
        engine_drop(e);
        break;
    case ENGINE_DO_NOTHING:
    default:
        break;
    }
}

static bool step(struct engine *e, const struct engine_world *w,
                 enum engine_event ev, int64_t now)
{
    enum engine_phase before = e->m.phase;
    enum engine_act a = engine_step(&e->m, &w->times, ev, now);
    bool changed = e->m.phase != before || a == ENGINE_DO_DROP;
    if (changed) {
        e->since = wh_now_us();
        wh_log(e->m.phase == ENGINE_ENDING || e->m.phase == ENGINE_WAITING
                   ? WH_WARN
                   : WH_INFO,
               "engine.state", "weights=%.16s from=%s to=%s", e->weights,
               engine_phase_word(before), engine_phase_word(e->m.phase));
    }
    if (e->m.phase == ENGINE_READY) {
        e->why[0] = '\0';
    } else if (ev == ENGINE_EV_ENDED) {
        explain(e);
    }
    act(e, w, a, now);
    return changed;
}

/* ---- probes ---- */

static const char question[] =
    "GET /health HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n";

/* Until the next probe, after one that came to nothing. */
static int64_t pause_of(const struct engine *e, int64_t now)
{
    int64_t us = (now - e->spawned) / PROBE_SHARE;
    if (e->m.phase != ENGINE_STARTING || us > PROBE_AGAIN_US) {
        return PROBE_AGAIN_US;
    }
    return us > PROBE_START_US ? us : PROBE_START_US;
}

static void dial_probe(struct engine *e, int64_t now)
{
    e->probe = engine_dial(e->dir);
    if (e->probe >= 0 && send(e->probe, question, sizeof question - 1,
                              MSG_NOSIGNAL) != (ssize_t)sizeof question - 1) {
        wh_fd_close(&e->probe);
    }
    if (e->probe < 0) {
        e->probe_next = now + pause_of(e, now);
    }
}

/* A probe ended well or not. While it starts, "not yet" is no event. */
static bool probed(struct engine *e, const struct engine_world *w, bool well,
                   int64_t now)
{
    bool ready = e->m.phase == ENGINE_READY;
    end_probe(e);
    e->probe_next = now + (ready ? w->times.probe_every : pause_of(e, now));
    if (!well && !ready) {
        return false;
    }
    return step(e, w, well ? ENGINE_EV_HEALTHY : ENGINE_EV_SICK, now);
}

static bool turn_probe(struct engine *e, const struct engine_world *w,
                       int64_t now)
{
    if (e->m.phase != ENGINE_STARTING && e->m.phase != ENGINE_READY) {
        return false;
    }
    if (e->probe_end != 0 && now >= e->probe_end) {
        return probed(e, w, false, now);
    }
    if (e->probe < 0 && now >= e->probe_next) {
        if (e->probe_end == 0) {
            e->probe_end = now + w->times.probe_wait;
        }
        dial_probe(e, now);
    }
    return false;
}

/* Only the status counts; the rest of what it says is not read. */
static bool read_probe(struct engine *e, const struct engine_world *w,
                       int64_t now)
{
    static const char good[] = "HTTP/1.1 200";
    ssize_t n =
        recv(e->probe, e->head + e->head_n, sizeof e->head - e->head_n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    e->head_n += n > 0 ? (size_t)n : 0;
    if (n > 0 && e->head_n < sizeof good - 1) {
        return false;
    }
    bool well = e->head_n >= sizeof good - 1 &&
                memcmp(e->head, good, sizeof good - 1) == 0;
    if (well || e->m.phase == ENGINE_STARTING) {
        return probed(e, w, well, now);
    }
    wh_fd_close(&e->probe); /* again, until the time is over */
    e->head_n = 0;
    e->probe_next = now + PROBE_AGAIN_US;
    return false;
}

/* ---- output and end ---- */

static void read_output(struct engine *e)
{
    char buf[4096];
    for (;;) {
        ssize_t n = read(e->out, buf, sizeof buf);
        if (n <= 0) {
            if (n == 0) {
                wh_fd_close(&e->out);
            }
            return;
        }
        for (ssize_t i = 0; e->m.phase == ENGINE_STARTING && i < n; i++) {
            if (buf[i] == '\n') {
                e->said_end = true;
            } else if (buf[i] >= ' ' && buf[i] < 127) {
                e->said_n = e->said_end ? 0 : e->said_n;
                e->said_end = false;
                e->said[e->said_n] = buf[i];
                e->said_n += e->said_n + 1 < sizeof e->said ? 1 : 0;
            }
        }
    }
}

static bool read_end(struct engine *e, const struct engine_world *w,
                     int64_t now)
{
    int status;
    if (e->pid == 0 || waitpid(e->pid, &status, WNOHANG) != e->pid) {
        return false;
    }
    if (e->out >= 0) {
        read_output(e);
    }
    e->ended = status;
    wh_log(WH_INFO, "engine.end", "weights=%.16s pid=%d exit=%d signal=%d",
           e->weights, (int)e->pid,
           WIFEXITED(status) ? WEXITSTATUS(status) : -1,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    gone(e);
    return step(e, w, ENGINE_EV_ENDED, now);
}

/* ---- turns ---- */

static bool over(const struct engine *e)
{
    return e->until != 0 && wh_now_us() / 1000000 >= e->until;
}

bool engine_turn(struct engine *e, const struct engine_world *w, int64_t now)
{
    bool changed = false;
    bool unwanted =
        !e->wanted && e->m.phase == ENGINE_IDLE && now - e->given > UNWANTED_US;
    if (e->ask_stop || unwanted || (over(e) && e->m.phase != ENGINE_STOPPING)) {
        e->ask_stop = e->ask_start = e->wanted = false;
        changed = step(e, w, ENGINE_EV_STOP, now);
    } else if (e->ask_start) {
        e->ask_start = false;
        changed = step(e, w, ENGINE_EV_START, now);
    }
    if (e->weights[0] == '\0') {
        return true; /* it was let go */
    }
    if (e->m.due != 0 && now >= e->m.due) {
        changed = step(e, w, ENGINE_EV_DUE, now) || changed;
    }
    return turn_probe(e, w, now) || changed;
}

static void sooner(int64_t *next, int64_t at)
{
    if (at != 0 && at < *next) {
        *next = at;
    }
}

unsigned engine_polls(const struct engine *e, struct pollfd *p, int64_t *next)
{
    const int fds[ENGINE_POLLS] = {e->pid_fd, e->out, e->probe};
    bool asks = e->m.phase == ENGINE_STARTING || e->m.phase == ENGINE_READY;
    for (unsigned i = 0; i < ENGINE_POLLS; i++) {
        p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    sooner(next, e->m.due);
    if (asks) {
        sooner(next, e->probe_end);
        if (e->probe < 0) {
            sooner(next, e->probe_next);
        }
    }
    return ENGINE_POLLS;
}

bool engine_events(struct engine *e, const struct engine_world *w,
                   const struct pollfd *p, unsigned n, int64_t now)
{
    bool changed = false;
    wh_assert(n == ENGINE_POLLS);
    if (p[1].revents != 0 && e->out == p[1].fd && e->out >= 0) {
        read_output(e);
    }
    if (p[2].revents != 0 && e->probe == p[2].fd && e->probe >= 0) {
        changed = read_probe(e, w, now);
    }
    if (p[0].revents != 0) {
        changed = read_end(e, w, now) || changed;
    }
    return changed;
}

/* ---- how it is ---- */

static enum gateway_engine_state state_of(enum engine_phase p)
{
    switch (p) {
    case ENGINE_IDLE:
    case ENGINE_STARTING:
        return GATEWAY_ENGINE_STARTING;
    case ENGINE_READY:
        return GATEWAY_ENGINE_READY;
    case ENGINE_STOPPING:
        return GATEWAY_ENGINE_STOPPING;
    case ENGINE_ENDING:
    case ENGINE_WAITING:
    case ENGINE_PHASES:
    default:
        return GATEWAY_ENGINE_FAILED;
    }
}

void engine_view(const struct engine *e, const struct engine_world *w,
                 struct gateway_engine_view *out)
{
    (void)w;
    *out = (struct gateway_engine_view){
        .state = state_of(e->m.phase),
        .slots = e->slots,
        .context = e->context ? e->context : GATEWAY_ENGINE_CONTEXT,
        .bytes = e->bytes,
        .locked = e->map != NULL,
        .restarts = e->m.restarts,
        .since = e->since};
    memcpy(out->weights, e->weights, sizeof out->weights);
    memcpy(out->name, e->name, sizeof out->name);
    if (out->state == GATEWAY_ENGINE_FAILED) {
        (void)snprintf(out->why, sizeof out->why, "%s",
                       e->why[0] ? e->why : "it stopped answering");
    }
    if (e->m.phase == ENGINE_WAITING) {
        out->retry_at = wh_now_us() + (e->m.due - wh_mono_us());
    }
}
