/*
 * The answering side. The calling thread waits (epoll) and accepts; a ready
 * connection is handed to one thread of the pool, which reads, answers and
 * gives it back. A connection is armed for one event at a time, so it is never
 * with two threads, and an idle session holds no thread.
 */
#include "proc/service.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "proc/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define THREADS_MAX 64u
#define BACKLOG 512
#define NAME_MAX_LEN 32u
/* A peer that does not take its answer for this long is dropped. */
#define SEND_MS 30000
/* Messages of one connection before others get their turn. */
#define TURN 16u

struct conn {
    int fd;
    void *session;
    struct conn *prev, *next; /* all connections */
    struct conn *ready;       /* next in the queue of ready ones */
};

struct service {
    const struct proc_service *def;
    int epoll_fd, signal_fd;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    bool stopping;
    struct conn *all;
    struct conn *first, *last; /* ready */
    unsigned nconns;
};

/* What one thread of the pool works with. */
struct worker {
    struct service *sv;
    pthread_t thread;
    struct wh_arena arena;
    struct wh_buf errbuf;
    struct proc_frame frame;
};

static void queue_push(struct service *sv, struct conn *c)
{
    pthread_mutex_lock(&sv->lock);
    c->ready = NULL;
    if (sv->last) {
        sv->last->ready = c;
    } else {
        sv->first = c;
    }
    sv->last = c;
    pthread_cond_signal(&sv->wake);
    pthread_mutex_unlock(&sv->lock);
}

/* The next ready connection; null when the service stops. */
static struct conn *queue_pop(struct service *sv)
{
    pthread_mutex_lock(&sv->lock);
    while (!sv->first && !sv->stopping) {
        pthread_cond_wait(&sv->wake, &sv->lock);
    }
    struct conn *c = sv->stopping ? NULL : sv->first;
    if (c) {
        sv->first = c->ready;
        if (!sv->first) {
            sv->last = NULL;
        }
    }
    pthread_mutex_unlock(&sv->lock);
    return c;
}

static bool stopping(struct service *sv)
{
    pthread_mutex_lock(&sv->lock);
    bool s = sv->stopping;
    pthread_mutex_unlock(&sv->lock);
    return s;
}

static void conn_end(struct service *sv, struct conn *c)
{
    pthread_mutex_lock(&sv->lock);
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        sv->all = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    sv->nconns--;
    pthread_mutex_unlock(&sv->lock);
    if (c->session && sv->def->close) {
        sv->def->close(sv->def->ctx, c->session);
    }
    wh_fd_close(&c->fd);
    wh_free(c);
}

static void reply_done(struct proc_msg *reply)
{
    for (unsigned i = 0; i < reply->nfds; i++) {
        wh_fd_close(&reply->fds[i]);
    }
}

/* Answer the message in w->frame; false when the connection is to end. */
static bool answer(struct worker *w, struct conn *c)
{
    const struct proc_service *def = w->sv->def;
    const struct proc_msg *m = &w->frame.msg;
    struct wh_err err = {0};
    struct proc_msg reply = {.type = (uint16_t)(m->type | PROC_MSG_REPLY),
                             .id = m->id};
    struct proc_request rq = {.msg = m,
                              .frame = &w->frame,
                              .session = &c->session,
                              .arena = &w->arena,
                              .reply = &reply};
    bool good = false;
    if (m->type & PROC_MSG_REPLY) {
        wh_fail(&err, WH_BAD_REQUEST, "not a request");
    } else {
        good = def->handle(def->ctx, &rq, &err);
    }
    if (good) {
        good = !wh_arena_over(&w->arena, &err);
    }
    if (!good) {
        reply_done(&reply);
        proc_msg_of_err(&reply, m->id, &err, &w->errbuf);
    }
    bool sent = true;
    if (reply.type != 0) {
        sent = proc_msg_send(c->fd, &reply, proc_deadline(SEND_MS), &err);
    }
    reply_done(&reply);
    wh_arena_reset(&w->arena);
    return sent;
}

/* Read and answer what is there; false when the connection has ended. */
static bool serve_turn(struct worker *w, struct conn *c)
{
    for (unsigned i = 0; i < TURN; i++) {
        struct wh_err err = {0};
        if (stopping(w->sv)) {
            return true;
        }
        if (!proc_msg_recv(c->fd, &w->frame, wh_mono_us(), &err)) {
            if (err.code == WH_TIMEOUT) {
                return true;
            }
            if (err.code != WH_CHILD_DIED) {
                wh_log_err(WH_WARN, "service.peer", &err);
            }
            return false;
        }
        bool on = answer(w, c);
        proc_frame_done(&w->frame);
        if (!on) {
            return false;
        }
    }
    return true;
}

/* Give the connection back. Under the lock, so that what this thread wrote to
 * its session is there for the next one, who takes it out of the queue. */
static bool rearm(struct service *sv, struct conn *c)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
                             .data.ptr = c};
    pthread_mutex_lock(&sv->lock);
    bool ok = epoll_ctl(sv->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) == 0;
    pthread_mutex_unlock(&sv->lock);
    return ok;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    wh_panic_context(w->sv->def->name);
    for (struct conn *c; (c = queue_pop(w->sv)) != NULL;) {
        if (!serve_turn(w, c) || !rearm(w->sv, c)) {
            conn_end(w->sv, c);
        }
    }
    return NULL;
}

static bool peer_allowed(const struct proc_service *def, int fd)
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
    wh_log(WH_WARN, "service.stranger", "service=%s uid=%u pid=%d", def->name,
           cred.uid, cred.pid);
    return false;
}

/* Say why and hang up. */
static void turn_away(int fd, enum wh_code code, const char *msg)
{
    struct wh_err why = {0}, err = {0};
    struct wh_buf b;
    struct proc_msg m;
    wh_fail(&why, code, "%s", msg);
    wh_buf_init(&b, 2048);
    proc_msg_of_err(&m, 0, &why, &b);
    if (!proc_msg_send(fd, &m, wh_mono_us(), &err)) {
        wh_log_err(WH_DEBUG, "service.turn_away", &err);
    }
    wh_buf_done(&b);
    wh_fd_close(&fd);
}

static void conn_new(struct service *sv, int fd)
{
    struct conn *c = wh_alloc(sizeof *c);
    c->fd = fd;
    pthread_mutex_lock(&sv->lock);
    c->next = sv->all;
    if (sv->all) {
        sv->all->prev = c;
    }
    sv->all = c;
    sv->nconns++;
    pthread_mutex_unlock(&sv->lock);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
                             .data.ptr = c};
    if (epoll_ctl(sv->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
        conn_end(sv, c);
    }
}

static void accept_one(struct service *sv)
{
    int fd = accept4(sv->def->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return; /* gone again, or out of descriptors: tried at the next event */
    }
    pthread_mutex_lock(&sv->lock);
    bool full = sv->nconns >= sv->def->max_conns;
    pthread_mutex_unlock(&sv->lock);
    if (!peer_allowed(sv->def, fd)) {
        turn_away(fd, WH_FORBIDDEN, "not a process of this house");
    } else if (full) {
        turn_away(fd, WH_UNAVAILABLE, "too many requests at once, try again");
    } else {
        conn_new(sv, fd);
    }
}

static bool watch(struct service *sv, int fd, void *mark)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = mark};
    return epoll_ctl(sv->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool service_init(struct service *sv, const struct proc_service *def,
                         struct wh_err *err)
{
    *sv = (struct service){.def = def, .epoll_fd = -1, .signal_fd = -1};
    pthread_mutex_init(&sv->lock, NULL);
    pthread_cond_init(&sv->wake, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sv->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    sv->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (sv->signal_fd < 0 || sv->epoll_fd < 0 ||
        !watch(sv, sv->signal_fd, &sv->signal_fd) ||
        !watch(sv, def->listen_fd, &sv->epoll_fd)) {
        return wh_fail_errno(err, WH_IO, "start a service");
    }
    return true;
}

static void service_loop(struct service *sv)
{
    for (;;) {
        struct epoll_event evs[64];
        int n = epoll_wait(sv->epoll_fd, evs, 64, -1);
        for (int i = 0; i < n; i++) {
            void *p = evs[i].data.ptr;
            if (p == &sv->signal_fd) {
                return;
            }
            if (p == &sv->epoll_fd) {
                accept_one(sv);
            } else {
                queue_push(sv, p);
            }
        }
    }
}

static void worker_init(struct worker *w, struct service *sv)
{
    w->sv = sv;
    wh_arena_init(&w->arena, sv->def->arena_ceiling);
    wh_buf_init(&w->errbuf, 2048);
}

static void worker_done(struct worker *w)
{
    proc_frame_done(&w->frame);
    wh_arena_done(&w->arena);
    wh_buf_done(&w->errbuf);
}

static void service_stop(struct service *sv)
{
    pthread_mutex_lock(&sv->lock);
    sv->stopping = true;
    pthread_cond_broadcast(&sv->wake);
    pthread_mutex_unlock(&sv->lock);
}

static void service_done(struct service *sv)
{
    while (sv->all) {
        conn_end(sv, sv->all);
    }
    wh_fd_close(&sv->signal_fd);
    wh_fd_close(&sv->epoll_fd);
    pthread_mutex_destroy(&sv->lock);
    pthread_cond_destroy(&sv->wake);
}

static bool name_ok(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= NAME_MAX_LEN &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* Bind below the folder `dir`; the address is short whatever the folder. */
static bool bind_in(int fd, int dir, const char *name, mode_t mode,
                    struct wh_err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char file[NAME_MAX_LEN + 8];
    (void)snprintf(file, sizeof file, "%s.sock", name);
    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "/proc/self/fd/%d/%s", dir,
                   file);
    if (unlinkat(dir, file, 0) != 0 && errno != ENOENT) {
        return wh_fail_errno(err, WH_IO, "remove an old socket");
    }
    mode_t old = umask(0177);
    int r = bind(fd, (struct sockaddr *)&sa, sizeof sa);
    umask(old);
    if (r != 0 || fchmodat(dir, file, mode, 0) != 0 ||
        listen(fd, BACKLOG) != 0) {
        return wh_fail_errno(err, WH_IO, "listen on a socket");
    }
    return true;
}

int proc_listen(const char *run_dir, const char *name, mode_t mode,
                struct wh_err *err)
{
    wh_assert(name_ok(name));
    int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = true;
    if (dir < 0 || fd < 0) {
        ok = wh_fail_errno(err, WH_IO, "open the folder of sockets");
    }
    ok = ok && bind_in(fd, dir, name, mode, err);
    wh_fd_close(&dir);
    if (!ok) {
        wh_fd_close(&fd);
    }
    return fd;
}

bool proc_service_run(const struct proc_service *s, struct wh_err *err)
{
    wh_assert(s->threads > 0 && s->threads <= THREADS_MAX);
    wh_assert(s->npeers <= PROC_SERVICE_PEERS && s->max_conns > 0);
    struct service sv;
    struct worker *pool = wh_calloc(s->threads, sizeof *pool);
    unsigned started = 0;
    bool ok = service_init(&sv, s, err);
    while (ok && started < s->threads) {
        struct worker *w = &pool[started];
        worker_init(w, &sv);
        int r = pthread_create(&w->thread, NULL, worker_main, w);
        if (r != 0) {
            worker_done(w);
            errno = r;
            ok = wh_fail_errno(err, WH_IO, "start a thread");
        } else {
            started++;
        }
    }
    if (ok) {
        proc_child_ready();
        service_loop(&sv);
    }
    service_stop(&sv);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(pool[i].thread, NULL);
        worker_done(&pool[i]);
    }
    service_done(&sv);
    wh_free(pool);
    return ok;
}
