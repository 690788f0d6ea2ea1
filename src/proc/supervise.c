/*
 * The parent. It has one thread and one loop: signals come through a
 * descriptor, "ready" through a pipe of each child, restarts through the
 * timeout of poll. Nothing here can block for long, and nothing here knows
 * what the children do.
 */
#include "proc/supervise.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_CHECK
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define HAS_LEAK_CHECK
#endif
#ifdef HAS_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

#define CHILDREN_MAX 16u
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS 5000
#define LONG_LIFE_US (60 * 1000000LL)
#define EXIT_OUTSIDE 4

/* One row of the table, alive. */
struct child {
    const struct proc_child *def;
    pid_t pid;        /* 0: not running */
    int ready_fd;     /* reading end; -1 after it spoke or died */
    bool was_ready;   /* in any of its lives */
    int64_t started;  /* of this life */
    int64_t start_at; /* when to start it again; 0: not planned */
    int backoff_ms;
};

struct house {
    struct child c[CHILDREN_MAX];
    unsigned n, begun; /* begun: how many were ever started */
    int signal_fd;
    int exit_code;
    bool stop, hurry;
};

static int ready_pipe = -1; /* in a child: writing end */

/* The end of a child. Handlers that the parent's command may have registered
 * with atexit are its own. */
static _Noreturn void child_exit(int code)
{
    (void)fflush(NULL);
#ifdef HAS_LEAK_CHECK
    __lsan_do_leak_check();
#endif
    _exit(code);
}

static _Noreturn void child_run(struct house *h, struct child *c, int wfd)
{
    for (unsigned i = 0; i < h->n; i++) {
        wh_fd_close(&h->c[i].ready_fd);
    }
    wh_fd_close(&h->signal_fd);
    ready_pipe = wfd;
    proc_die_with_parent(SIGKILL);
    (void)prctl(PR_SET_NAME, c->def->name, 0, 0, 0);
    (void)signal(SIGINT, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    wh_log_process(c->def->name);
    child_exit(c->def->run(c->def->arg));
}

static void child_start(struct house *h, struct child *c)
{
    int p[2];
    c->start_at = 0;
    if (pipe2(p, O_CLOEXEC | O_NONBLOCK) != 0) {
        c->start_at = wh_mono_us() + BACKOFF_MOST_MS * 1000LL;
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        wh_fd_close(&p[0]);
        if (getppid() != parent) {
            _exit(EXIT_OUTSIDE);
        }
        child_run(h, c, p[1]);
    }
    wh_fd_close(&p[1]);
    if (pid < 0) {
        wh_fd_close(&p[0]);
        c->start_at = wh_mono_us() + BACKOFF_MOST_MS * 1000LL;
        wh_log(WH_ERROR, "child.fork", "child=%s", c->def->name);
        return;
    }
    c->pid = pid;
    c->ready_fd = p[0];
    c->started = wh_mono_us();
    wh_log(WH_INFO, "child.start", "child=%s pid=%d", c->def->name, (int)pid);
}

/* Start the first child that never ran, if all before it are ready. */
static void start_next(struct house *h)
{
    if (h->begun < h->n && (h->begun == 0 || h->c[h->begun - 1].was_ready)) {
        child_start(h, &h->c[h->begun]);
        h->begun++;
    }
}

static void give_up(struct house *h, int code)
{
    if (!h->stop) {
        h->stop = true;
        h->exit_code = code;
    }
}

static void plan_restart(struct child *c)
{
    if (wh_mono_us() - c->started > LONG_LIFE_US || c->backoff_ms == 0) {
        c->backoff_ms = BACKOFF_FIRST_MS;
    } else {
        c->backoff_ms *= 2;
        if (c->backoff_ms > BACKOFF_MOST_MS) {
            c->backoff_ms = BACKOFF_MOST_MS;
        }
    }
    c->start_at = wh_mono_us() + c->backoff_ms * 1000LL;
}

static void child_ended(struct house *h, struct child *c, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    c->pid = 0;
    wh_fd_close(&c->ready_fd);
    wh_log(h->stop ? WH_INFO : WH_ERROR, "child.end",
           "child=%s exit=%d signal=%d", c->def->name, code,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    if (h->stop) {
        return;
    }
    if (code == 2 || code == 3) {
        give_up(h, code);
    } else if (!c->was_ready) {
        give_up(h, code > 0 ? code : EXIT_OUTSIDE);
    } else {
        plan_restart(c);
    }
}

static void reap(struct house *h)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (unsigned i = 0; i < h->n; i++) {
            if (h->c[i].pid == pid) {
                child_ended(h, &h->c[i], status);
            }
        }
    }
}

static void read_signals(struct house *h)
{
    struct signalfd_siginfo si;
    while (read(h->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT) {
            h->hurry = h->stop; /* asked twice */
            h->stop = true;
        }
    }
    reap(h);
}

/* A child spoke (one byte) or died (end of file). */
static void read_ready(struct house *h, struct child *c)
{
    char b;
    ssize_t n = read(c->ready_fd, &b, 1);
    if (n < 0) {
        return;
    }
    wh_fd_close(&c->ready_fd);
    if (n == 1) {
        c->was_ready = true;
        start_next(h);
    }
}

/* Wait at most ms (-1: without end) and deal with whatever happened. */
static void turn(struct house *h, int64_t ms)
{
    struct pollfd p[CHILDREN_MAX + 1];
    struct child *who[CHILDREN_MAX + 1];
    nfds_t n = 0;
    p[n++] = (struct pollfd){.fd = h->signal_fd, .events = POLLIN};
    for (unsigned i = 0; i < h->n; i++) {
        if (h->c[i].ready_fd >= 0) {
            who[n] = &h->c[i];
            p[n++] = (struct pollfd){.fd = h->c[i].ready_fd, .events = POLLIN};
        }
    }
    if (poll(p, n, (int)ms) <= 0) {
        return;
    }
    for (nfds_t i = 1; i < n; i++) {
        if (p[i].revents && who[i]->ready_fd == p[i].fd) {
            read_ready(h, who[i]);
        }
    }
    if (p[0].revents) {
        read_signals(h);
    }
}

/* Start what is due; milliseconds until the next start, -1 if none is. */
static int64_t restarts(struct house *h)
{
    int64_t next = -1;
    for (unsigned i = 0; i < h->n; i++) {
        struct child *c = &h->c[i];
        if (c->start_at == 0) {
            continue;
        }
        int64_t left = (c->start_at - wh_mono_us() + 999) / 1000;
        if (left <= 0) {
            child_start(h, c);
        } else if (next < 0 || left < next) {
            next = left;
        }
    }
    return next;
}

static void child_stop(struct house *h, struct child *c)
{
    if (c->pid == 0) {
        return;
    }
    kill(c->pid, SIGTERM);
    int64_t deadline = wh_mono_us() + c->def->stop_ms * 1000LL;
    while (c->pid != 0 && !h->hurry) {
        int64_t left = (deadline - wh_mono_us() + 999) / 1000;
        if (left <= 0) {
            break;
        }
        turn(h, left);
    }
    if (c->pid != 0) {
        wh_log(WH_WARN, "child.kill", "child=%s pid=%d why=%s", c->def->name,
               (int)c->pid, h->hurry ? "asked twice" : "too slow");
        kill(c->pid, SIGKILL);
        h->exit_code = h->exit_code ? h->exit_code : EXIT_OUTSIDE;
    }
    while (c->pid != 0) {
        turn(h, 1000);
    }
}

static int signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int proc_supervise(const struct proc_child *children, unsigned n)
{
    wh_assert(n > 0 && n <= CHILDREN_MAX);
    struct house *h = wh_alloc(sizeof *h);
    h->n = n;
    for (unsigned i = 0; i < n; i++) {
        h->c[i] = (struct child){.def = &children[i], .ready_fd = -1};
    }
    h->signal_fd = signals_open();
    if (h->signal_fd < 0) {
        wh_free(h);
        return EXIT_OUTSIDE;
    }
    start_next(h);
    while (!h->stop) {
        turn(h, restarts(h));
    }
    for (unsigned i = n; i-- > 0;) {
        child_stop(h, &h->c[i]);
    }
    int code = h->exit_code;
    wh_fd_close(&h->signal_fd);
    wh_free(h);
    return code;
}

void proc_child_ready(void)
{
    if (ready_pipe >= 0) {
        ssize_t w = write(ready_pipe, "r", 1);
        (void)w; /* the parent is gone: so are we, soon */
        wh_fd_close(&ready_pipe);
    }
}

void proc_die_with_parent(int sig)
{
    wh_assert(prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0) == 0);
}
