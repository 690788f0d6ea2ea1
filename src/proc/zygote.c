/*
 * The zygote: one thread, one loop over poll. A connection is a job: it waits
 * for its START, then for its turn, then for its scanner to end. Every fork
 * comes from here, so that scanners start from a small process that never saw
 * a key or a stranger's byte.
 */
#include "proc/zygote.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/time.h"
#include "proc/job.h"
#include "proc/state.h"
#include "proc/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 64u   /* running at once */
#define CONNS_MAX 320u /* running, waiting their turn, or just connected */
#define START_MS 5000  /* for a START to come after connecting */
#define TIME_MS_MAX (60u * 60 * 1000)

enum state { JOB_NEW, JOB_WAITS, JOB_RUNS };

/* One connection. */
struct conn {
    enum state state;
    int fd;
    bool gone;        /* the requester hung up, or broke the rules */
    bool timed_out;   /* and therefore killed */
    pid_t pid;        /* of its scanner */
    int64_t deadline; /* of the state it is in */
    uint64_t turn;    /* lower goes first */
    uint32_t start_id;
    const struct proc_job_type *type;
    struct proc_job_start *start;
    struct proc_frame *frame;
};

struct zygote {
    const struct proc_zygote *def;
    struct proc_filter *filter;
    int signal_fd, nowhere;
    int statm_fd; /* how much memory is mapped here */
    bool stop;
    unsigned running;
    uint64_t turns;
    struct conn *c[CONNS_MAX];
    unsigned n;
};

static const struct proc_job_type *type_of(const struct proc_zygote *def,
                                           uint16_t type)
{
    for (unsigned i = 0; i < def->ntypes; i++) {
        if (def->types[i].type == type) {
            return &def->types[i];
        }
    }
    return NULL;
}

bool proc_job_start_read(const struct proc_msg *m, struct proc_job_start *out,
                         struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, m->body.p, m->body.n);
    out->type = wh_rd_u16le(&r);
    uint8_t input = wh_rd_u8(&r);
    uint8_t zero = wh_rd_u8(&r);
    out->time_ms = wh_rd_u32le(&r);
    out->answer_max = wh_rd_u32le(&r);
    out->sink_max = wh_rd_u64le(&r);
    uint32_t n = wh_rd_u32le(&r);
    if (r.bad || zero != 0 || input > PROC_JOB_BY_FD || n > PROC_JOB_SOURCES ||
        out->answer_max > PROC_JOB_ANSWER || out->time_ms > TIME_MS_MAX ||
        m->type != PROC_JOB_START ||
        m->nfds != (input == PROC_JOB_NONE ? 1u : 2u) ||
        (input == PROC_JOB_BY_FD && n != 1)) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed job");
    }
    out->input = (enum proc_job_input)input;
    out->nsources = n;
    for (uint32_t i = 0; i < n; i++) {
        out->sizes[i] = wh_rd_u64le(&r);
    }
    out->params = wh_rd_take(&r, wh_rd_left(&r));
    if (r.bad || out->params.n > PROC_JOB_PARAMS) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed job");
    }
    return true;
}

static void conn_free(struct conn *c)
{
    wh_fd_close(&c->fd);
    if (c->frame) {
        proc_frame_done(c->frame);
        wh_free(c->frame);
    }
    wh_free(c->start);
    wh_free(c);
}

/* Tell the requester how it ended; then the connection is over. */
static void conn_end(struct conn *c, enum proc_job_end how, int code)
{
    uint8_t body[5] = {(uint8_t)how, (uint8_t)code, 0, 0, 0};
    struct proc_msg m = {.type = PROC_JOB_START | PROC_MSG_REPLY,
                         .id = c->start_id,
                         .body = wh_str_mem(body, sizeof body)};
    struct wh_err err = {0};
    if (!c->gone && !proc_msg_send(c->fd, &m, wh_mono_us(), &err)) {
        wh_log_err(WH_DEBUG, "zygote.end", &err);
    }
    c->gone = true;
}

/* Bytes of address space that this process has now; 0 if that is not known. */
static uint64_t mapped_now(const struct zygote *z)
{
    char text[64];
    ssize_t n = pread(z->statm_fd, text, sizeof text, 0);
    struct wh_str s = wh_str_mem(text, n > 0 ? (size_t)n : 0), head;
    uint64_t pages = 0;
    if (!wh_str_cut(&s, ' ', &head) || !wh_str_u64(head, &pages)) {
        return 0;
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* In the fork: what a scanner must not have is closed by it. */
static void job_fork(struct zygote *z, struct conn *c)
{
    struct proc_nest nest = {
        .filter = z->filter, .nowhere = z->nowhere, .mapped = mapped_now(z)};
    pid_t zygote = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        struct proc_msg *m = &c->frame->msg;
        if (getppid() != zygote) {
            _exit(PROC_JOB_EXIT_UNSAFE);
        }
        proc_scanner_main(c->type, c->start, m->fds[0],
                          m->nfds > 1 ? m->fds[1] : -1, &nest);
    }
    /* the scanner's now; ours would hide its end from the requester */
    for (unsigned i = 0; i < c->frame->msg.nfds; i++) {
        wh_fd_close(&c->frame->msg.fds[i]);
    }
    if (pid < 0) {
        wh_log(WH_ERROR, "zygote.fork", "errno=%d", errno);
        conn_end(c, PROC_JOB_NOT_STARTED, 0);
        return;
    }
    c->pid = pid;
    c->state = JOB_RUNS;
    z->running++;
}

/* Fork for those whose turn it is. */
static void start_jobs(struct zygote *z)
{
    while (z->running < z->def->max_jobs) {
        struct conn *first = NULL;
        for (unsigned i = 0; i < z->n; i++) {
            struct conn *c = z->c[i];
            if (c->state == JOB_WAITS && !c->gone &&
                (!first || c->turn < first->turn)) {
                first = c;
            }
        }
        if (!first) {
            return;
        }
        job_fork(z, first);
    }
}

static void read_start(struct zygote *z, struct conn *c)
{
    struct wh_err err = {0};
    c->frame = wh_alloc(sizeof *c->frame);
    c->start = wh_alloc(sizeof *c->start);
    if (!proc_msg_recv(c->fd, c->frame, wh_mono_us(), &err) ||
        !proc_job_start_read(&c->frame->msg, c->start, &err)) {
        if (err.code != WH_CHILD_DIED) {
            wh_log_err(WH_WARN, "zygote.request", &err);
        }
        c->gone = true;
        return;
    }
    c->start_id = c->frame->msg.id;
    c->type = type_of(z->def, c->start->type);
    if (!c->type) {
        wh_log(WH_WARN, "zygote.type", "type=%u", c->start->type);
        c->gone = true;
        return;
    }
    c->state = JOB_WAITS;
    c->turn = ++z->turns;
    c->deadline = proc_deadline(c->start->time_ms);
}

static bool peer_allowed(const struct proc_zygote *def, int fd)
{
    struct ucred cred;
    socklen_t n = sizeof cred;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0) {
        return false;
    }
    for (unsigned i = 0; i < def->npeers; i++) {
        if (def->peers[i] == cred.uid) {
            return true;
        }
    }
    wh_log(WH_WARN, "zygote.stranger", "uid=%u pid=%d", cred.uid, cred.pid);
    return false;
}

static void accept_one(struct zygote *z)
{
    int fd = accept4(z->def->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (!peer_allowed(z->def, fd)) {
        wh_fd_close(&fd);
        return;
    }
    struct conn *c = wh_alloc(sizeof *c);
    c->fd = fd;
    c->deadline = proc_deadline(START_MS);
    z->c[z->n++] = c;
}

/* A scanner ended: find its connection. */
static void scanner_ended(struct zygote *z, pid_t pid, int status)
{
    for (unsigned i = 0; i < z->n; i++) {
        struct conn *c = z->c[i];
        if (c->state != JOB_RUNS || c->pid != pid) {
            continue;
        }
        z->running--;
        c->pid = 0;
        if (c->timed_out) {
            wh_log(WH_WARN, "scanner.timeout", "job=%s pid=%d", c->type->name,
                   (int)pid);
            conn_end(c, PROC_JOB_TIMED_OUT, 0);
        } else if (WIFSIGNALED(status)) {
            if (!c->gone) {
                wh_log(WH_WARN, "scanner.crashed", "job=%s pid=%d signal=%d",
                       c->type->name, (int)pid, WTERMSIG(status));
            }
            conn_end(c, PROC_JOB_KILLED, WTERMSIG(status));
        } else {
            conn_end(c, PROC_JOB_EXITED, WEXITSTATUS(status));
        }
        return;
    }
}

static void read_signals(struct zygote *z)
{
    struct signalfd_siginfo si;
    while (read(z->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        z->stop = z->stop || si.ssi_signo == SIGTERM;
    }
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        scanner_ended(z, pid, status);
    }
}

/* Kill what is over its time, or whose requester went; forget what is over.
 * Milliseconds until the next deadline, -1 when there is none. */
static int sweep(struct zygote *z)
{
    int64_t now = wh_mono_us(), next = -1;
    unsigned kept = 0;
    for (unsigned i = 0; i < z->n; i++) {
        struct conn *c = z->c[i];
        bool late = now >= c->deadline;
        if (c->state == JOB_RUNS && c->pid != 0) {
            if (late || c->gone) {
                c->timed_out = late && !c->gone;
                kill(c->pid, SIGKILL); /* its end comes as a signal */
                c->deadline = INT64_MAX;
            }
        } else if (late && !c->gone) {
            conn_end(c, PROC_JOB_TIMED_OUT, 0);
        }
        if (c->gone && c->pid == 0) {
            conn_free(c);
            continue;
        }
        if (c->deadline != INT64_MAX && (next < 0 || c->deadline < next)) {
            next = c->deadline;
        }
        z->c[kept++] = c;
    }
    z->n = kept;
    return next < 0 ? -1 : (int)((next - now) / 1000 + 1);
}

/* Data after START, or the end of the connection: both end the job. */
static void conn_event(struct zygote *z, struct conn *c)
{
    if (c->state == JOB_NEW) {
        read_start(z, c);
    } else {
        c->gone = true;
    }
}

static void turn(struct zygote *z, int ms)
{
    struct pollfd p[CONNS_MAX + 2];
    struct conn *who[CONNS_MAX + 2] = {0};
    nfds_t n = 0;
    p[n++] = (struct pollfd){.fd = z->signal_fd, .events = POLLIN};
    bool room = z->n < CONNS_MAX;
    p[n++] =
        (struct pollfd){.fd = room ? z->def->listen_fd : -1, .events = POLLIN};
    for (unsigned i = 0; i < z->n; i++) {
        if (!z->c[i]->gone) {
            who[n] = z->c[i];
            p[n++] = (struct pollfd){.fd = z->c[i]->fd, .events = POLLIN};
        }
    }
    if (poll(p, n, ms) <= 0) {
        return;
    }
    if (p[0].revents) {
        read_signals(z);
    }
    for (nfds_t i = 2; i < n; i++) {
        if (p[i].revents && !who[i]->gone) {
            conn_event(z, who[i]);
        }
    }
    if (p[1].revents) {
        accept_one(z);
    }
}

static void stop_all(struct zygote *z)
{
    for (unsigned i = 0; i < z->n; i++) {
        struct conn *c = z->c[i];
        if (c->pid != 0) {
            kill(c->pid, SIGKILL);
            (void)waitpid(c->pid, NULL, 0);
        }
        conn_free(c);
    }
    wh_fd_close(&z->signal_fd);
    wh_fd_close(&z->nowhere);
    wh_fd_close(&z->statm_fd);
    proc_filter_free(&z->filter);
}

static bool make_filter(struct zygote *z, bool weaker, struct wh_err *err)
{
    z->filter = proc_filter_new(err);
    if (!z->filter && weaker) {
        wh_log_err(WH_WARN, "zygote.no_filter", err);
        return true;
    }
    return z->filter != NULL;
}

/* From here on neither the zygote nor a scanner opens a file. */
static bool lock_in(const struct zygote *z, struct wh_err *err)
{
    struct proc_sandbox s = {.uid = z->def->uid, .gid = z->def->gid};
    unsigned missing = 0;
    struct wh_buf b;
    if (!proc_sandbox_enter(&s, &missing, err)) {
        return false;
    }
    if (z->filter) {
        missing &= ~(unsigned)PROC_GUARD_SECCOMP;
    }
    proc_state_log(missing);
    /* A user of its own is for a supervised house; the rest should be there. */
    missing &= ~(unsigned)PROC_GUARD_UID;
#ifdef WH_SANITIZED /* by its build, not by its host */
    missing &= ~(unsigned)PROC_GUARD_DUMP;
#endif
    if (missing) {
        wh_buf_init(&b, 256);
        proc_guard_list(&b, missing);
        wh_log(WH_WARN, "zygote.guards", "missing=%.*s",
               WH_FMT(wh_buf_str(&b)));
        wh_buf_done(&b);
    }
    return true;
}

static bool zygote_init(struct zygote *z, bool weaker, struct wh_err *err)
{
    uint8_t digest[WH_SHA256_LEN];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    z->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    z->nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    z->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (z->signal_fd < 0 || z->nowhere < 0 || z->statm_fd < 0) {
        return wh_fail_errno(err, WH_IO, "start the zygote");
    }
    wh_sha256_of(WH_S(""), digest); /* OpenSSL reads its files now */
    return make_filter(z, weaker, err) && lock_in(z, err);
}

bool proc_zygote_run(const struct proc_zygote *def, bool weaker,
                     struct wh_err *err)
{
    wh_assert(def->max_jobs > 0 && def->max_jobs <= JOBS_MAX);
    wh_assert(def->npeers <= PROC_SERVICE_PEERS);
    struct zygote *z = wh_alloc(sizeof *z);
    z->def = def;
    z->signal_fd = z->nowhere = z->statm_fd = -1;
    bool ok = zygote_init(z, weaker, err);
    if (ok) {
        proc_child_ready();
    }
    while (ok && !z->stop) {
        start_jobs(z);
        turn(z, sweep(z));
    }
    stop_all(z);
    wh_free(z);
    return ok;
}
