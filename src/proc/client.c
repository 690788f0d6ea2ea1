/*
 * The asking side. Connections for calls are kept in a small pool, newest
 * first, and looked at before they are used again: a peer that was restarted
 * meanwhile has closed them, and that must not fail a request it never saw.
 * After a request has been sent nothing is repeated.
 */
#include "proc/client.h"

#include "base/count.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct proc_client {
    int dir;
    char name[40];
    unsigned max_conns, max_sessions;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    int *idle; /* stack of connections not in use */
    unsigned nidle, nconns, nsessions;
    uint32_t next_id;
};

struct proc_session {
    struct proc_client *c;
    int fd; /* -1 after a failure of transport */
};

static uint32_t new_id(struct proc_client *c)
{
    pthread_mutex_lock(&c->lock);
    uint32_t id = ++c->next_id;
    if (id == 0) { /* 0 is the id of answers to nobody */
        id = ++c->next_id;
    }
    pthread_mutex_unlock(&c->lock);
    return id;
}

/* Connect; a full backlog is waited for in small steps until the deadline. */
static int connect_to(const struct proc_client *c, int64_t deadline,
                      struct wh_err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "/proc/self/fd/%d/%s.sock",
                   c->dir, c->name);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        wh_fail_errno(err, WH_IO, "make a socket");
        return -1;
    }
    while (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        bool again = errno == EAGAIN || errno == EINTR;
        if (!again || wh_mono_us() >= deadline) {
            wh_fail_errno(err, WH_UNAVAILABLE, "connect to a helper process");
            wh_fd_close(&fd);
            return -1;
        }
        struct timespec ts = {.tv_nsec = 2000000};
        nanosleep(&ts, NULL);
    }
    return fd;
}

/* Nothing to read and not closed: fit for another request. */
static bool still_good(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Wait for a place or an idle connection; -1 with *err when there is none in
 * time, -2 when the caller is to connect. */
static int pool_take(struct proc_client *c, int64_t deadline,
                     struct wh_err *err)
{
    struct timespec ts = {.tv_sec = deadline / 1000000,
                          .tv_nsec = deadline % 1000000 * 1000};
    int fd = -2;
    pthread_mutex_lock(&c->lock);
    while (c->nidle == 0 && c->nconns >= c->max_conns) {
        if (pthread_cond_clockwait(&c->wake, &c->lock, CLOCK_MONOTONIC, &ts) !=
            0) {
            fd = -1;
            break;
        }
    }
    if (fd != -1 && c->nidle > 0) {
        fd = c->idle[--c->nidle];
    } else if (fd != -1) {
        c->nconns++;
    }
    pthread_mutex_unlock(&c->lock);
    if (fd == -1) {
        wh_fail(err, WH_UNAVAILABLE, "");
        wh_err_detail(err, "all connections to %s are in use", c->name);
    }
    return fd;
}

static void pool_give(struct proc_client *c, int fd)
{
    pthread_mutex_lock(&c->lock);
    if (fd >= 0) {
        c->idle[c->nidle++] = fd;
    } else {
        c->nconns--;
    }
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

/* A connection for one call, fresh or known to be alive. */
static int conn_take(struct proc_client *c, int64_t deadline,
                     struct wh_err *err)
{
    int fd = pool_take(c, deadline, err);
    if (fd == -1) {
        return -1;
    }
    if (fd >= 0 && still_good(fd)) {
        return fd;
    }
    wh_fd_close(&fd);
    fd = connect_to(c, deadline, err);
    if (fd < 0) {
        pool_give(c, -1);
    }
    return fd;
}

/* Receive; a peer that is gone may have said why before (it turned us away),
 * and the kernel reports the end first. */
static bool recv_last_words(int fd, int64_t deadline, struct proc_frame *reply,
                            struct wh_err *err)
{
    if (proc_msg_recv(fd, reply, deadline, err)) {
        return true;
    }
    struct wh_err none = {0};
    return err->code == WH_CHILD_DIED &&
           proc_msg_recv(fd, reply, wh_mono_us(), &none) &&
           reply->msg.type == PROC_MSG_ERROR;
}

/* Wait for the answer to `req` on fd. *dead says that the connection can not
 * be used again. */
static bool await(int fd, const struct proc_msg *req, int64_t deadline,
                  struct proc_frame *reply, bool *dead, struct wh_err *err)
{
    *dead = true;
    if (!recv_last_words(fd, deadline, reply, err)) {
        return false;
    }
    const struct proc_msg *m = &reply->msg;
    if (m->type == PROC_MSG_ERROR) {
        /* of another id: turned away at the door, or an earlier one-way
         * message failed, and with it what builds on it */
        *dead = m->id != req->id;
        *err = (struct wh_err){0};
        proc_msg_to_err(m, err);
        proc_frame_done(reply);
        return false;
    }
    if (m->id != req->id || m->type != (req->type | PROC_MSG_REPLY)) {
        proc_frame_done(reply);
        return wh_fail(err, WH_INTERNAL, "a helper gave the wrong answer");
    }
    *dead = false;
    return true;
}

/* Send and wait. A send that finds the peer gone is no reason not to read what
 * it said. */
static bool exchange(int fd, const struct proc_msg *req, int64_t deadline,
                     struct proc_frame *reply, bool *dead, struct wh_err *err)
{
    int64_t began = wh_mono_us();
    bool ok;
    *dead = true;
    ok =
        (proc_msg_send(fd, req, deadline, err) || err->code == WH_CHILD_DIED) &&
        await(fd, req, deadline, reply, dead, err);
    wh_count(WH_COUNT_SERVICE_CALLS, 1);
    wh_count(WH_COUNT_SERVICE_FAILURES, ok ? 0 : 1);
    wh_count(WH_COUNT_SERVICE_US, (uint64_t)(wh_mono_us() - began));
    return ok;
}

static bool session_dead(struct wh_err *err)
{
    return wh_fail(err, WH_CHILD_DIED, "");
}

struct proc_client *proc_client_new(const char *run_dir, const char *name,
                                    unsigned max_conns, unsigned max_sessions,
                                    struct wh_err *err)
{
    wh_assert(max_conns > 0 && strlen(name) < 33);
    int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        wh_fail_errno(err, WH_IO, "open the folder of sockets");
        return NULL;
    }
    struct proc_client *c = wh_alloc(sizeof *c);
    c->dir = dir;
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->max_conns = max_conns;
    c->max_sessions = max_sessions;
    c->idle = wh_calloc(max_conns, sizeof *c->idle);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
    return c;
}

void proc_client_free(struct proc_client **cp)
{
    struct proc_client *c = *cp;
    if (!c) {
        return;
    }
    wh_assert(c->nidle == c->nconns && c->nsessions == 0);
    for (unsigned i = 0; i < c->nidle; i++) {
        wh_fd_close(&c->idle[i]);
    }
    wh_fd_close(&c->dir);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->wake);
    wh_free(c->idle);
    wh_free(c);
    *cp = NULL;
}

bool proc_call(struct proc_client *c, struct proc_msg *req, int64_t deadline,
               struct proc_frame *reply, struct wh_err *err)
{
    req->id = new_id(c);
    int fd = conn_take(c, deadline, err);
    if (fd < 0) {
        return false;
    }
    bool dead = true;
    bool ok = exchange(fd, req, deadline, reply, &dead, err);
    if (dead) {
        wh_fd_close(&fd);
    }
    pool_give(c, fd);
    return ok;
}

struct proc_session *proc_session_open(struct proc_client *c, int64_t deadline,
                                       struct wh_err *err)
{
    pthread_mutex_lock(&c->lock);
    bool full = c->nsessions >= c->max_sessions;
    c->nsessions += full ? 0 : 1;
    pthread_mutex_unlock(&c->lock);
    if (full) {
        wh_fail(err, WH_UNAVAILABLE, "too many uploads at once, try again");
        return NULL;
    }
    int fd = connect_to(c, deadline, err);
    if (fd < 0) {
        pthread_mutex_lock(&c->lock);
        c->nsessions--;
        pthread_mutex_unlock(&c->lock);
        return NULL;
    }
    struct proc_session *s = wh_alloc(sizeof *s);
    *s = (struct proc_session){.c = c, .fd = fd};
    return s;
}

void proc_session_close(struct proc_session **sp)
{
    struct proc_session *s = *sp;
    if (!s) {
        return;
    }
    wh_fd_close(&s->fd);
    pthread_mutex_lock(&s->c->lock);
    s->c->nsessions--;
    pthread_mutex_unlock(&s->c->lock);
    wh_free(s);
    *sp = NULL;
}

bool proc_session_call(struct proc_session *s, struct proc_msg *req,
                       int64_t deadline, struct proc_frame *reply,
                       struct wh_err *err)
{
    if (s->fd < 0) {
        return session_dead(err);
    }
    bool dead = true;
    req->id = new_id(s->c);
    bool ok = exchange(s->fd, req, deadline, reply, &dead, err);
    if (dead) {
        wh_fd_close(&s->fd);
    }
    return ok;
}

bool proc_session_send(struct proc_session *s, struct proc_msg *req,
                       int64_t deadline, struct wh_err *err)
{
    if (s->fd < 0) {
        return session_dead(err);
    }
    req->id = new_id(s->c);
    if (!proc_msg_send(s->fd, req, deadline, err)) {
        wh_fd_close(&s->fd);
        return false;
    }
    return true;
}

bool proc_session_recv(struct proc_session *s, int64_t deadline,
                       struct proc_frame *reply, struct wh_err *err)
{
    if (s->fd < 0) {
        return session_dead(err);
    }
    if (!proc_msg_recv(s->fd, reply, deadline, err)) {
        wh_fd_close(&s->fd);
        return false;
    }
    return true;
}
