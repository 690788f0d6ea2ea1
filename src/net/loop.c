/*
 * loop.c - epoll, edge-triggered. A turn of the loop: wait, note readiness and
 * advance sockets, take the news, fire deadlines, advance those who asked for
 * another turn, free what was closed. Memory of a closed socket lives to the
 * end of the turn, so that an event already fetched for it finds a closed
 * socket and not a stranger.
 */
#include "net/loop.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define EVENTS 256
/* Steps of TLS handshakes in one turn: each may cost a signature, and the
 * others on the loop are not to wait for a crowd of them. */
#define SHAKES 16

static _Thread_local struct net_loop *here;

static void on_timer(struct net_timer *t)
{
    struct net_sock *s = (void *)((char *)t - offsetof(struct net_sock, timer));
    if (s->fd >= 0) {
        s->expire(s);
    }
}

static void on_event(struct net_sock *s, uint32_t events)
{
    if (s->fd < 0) {
        return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        s->can_read = true;
    }
    if (events & EPOLLOUT) {
        s->can_write = true;
    }
    if (events & (EPOLLRDHUP | EPOLLHUP)) {
        s->peer_done = true;
    }
    if (events & (EPOLLHUP | EPOLLERR)) {
        s->broken = true;
    }
    s->advance(s);
}

static void take_news(struct net_loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct net_news *n = l->inbox;
    l->inbox = NULL;
    l->inbox_end = &l->inbox;
    pthread_mutex_unlock(&l->lock);
    while (n != NULL) {
        struct net_news *next = n->next;
        n->next = NULL;
        n->fn(n);
        n = next;
    }
}

static bool has_news(struct net_loop *l)
{
    pthread_mutex_lock(&l->lock);
    bool some = l->inbox != NULL;
    pthread_mutex_unlock(&l->lock);
    return some;
}

static void run_again(struct net_loop *l)
{
    struct net_sock *s = l->run;
    l->run = NULL;
    l->run_end = &l->run;
    while (s != NULL) {
        struct net_sock *next = s->run_next;
        s->run_next = NULL;
        s->in_run = false;
        if (s->fd >= 0) {
            s->advance(s);
        }
        s = next;
    }
}

/* A closed socket that still stands in the run list is freed a turn later. */
static void free_dead(struct net_loop *l)
{
    struct net_sock *s = l->dead;
    l->dead = NULL;
    while (s != NULL) {
        struct net_sock *next = s->next;
        if (s->in_run) {
            s->next = l->dead;
            l->dead = s;
        } else {
            l->socks--;
            s->release(s);
        }
        s = next;
    }
}

static void turn(struct net_loop *l)
{
    struct epoll_event events[EVENTS];
    int timeout = net_wheel_wait_ms(&l->wheel, wh_mono_us());
    if (l->run != NULL || l->dead != NULL || has_news(l)) {
        timeout = 0;
    }
    int n = epoll_wait(l->ep, events, EVENTS, timeout);
    wh_assert(n >= 0 || errno == EINTR);
    l->now_us = wh_mono_us();
    l->shakes = SHAKES;
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL) {
            uint64_t count;
            (void)!read(l->wake, &count, sizeof count);
        } else {
            on_event(events[i].data.ptr, events[i].events);
        }
    }
    take_news(l);
    net_wheel_run(&l->wheel, l->now_us);
    run_again(l);
    free_dead(l);
}

bool net_loop_init(struct net_loop *l, void *owner, struct wh_err *err)
{
    *l = (struct net_loop){.owner = owner, .wake = -1, .date_s = -1};
    l->ep = epoll_create1(EPOLL_CLOEXEC);
    if (l->ep < 0) {
        return wh_fail_errno(err, WH_IO, "epoll_create1");
    }
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
    if (l->wake < 0 || epoll_ctl(l->ep, EPOLL_CTL_ADD, l->wake, &ev) != 0) {
        wh_fd_close(&l->wake);
        wh_fd_close(&l->ep);
        return wh_fail_errno(err, WH_IO, "eventfd");
    }
    l->run_end = &l->run;
    l->inbox_end = &l->inbox;
    l->rbuf = wh_alloc(NET_RBUF);
    l->tbuf = wh_alloc(NET_TLS_RECORD);
    l->now_us = wh_mono_us();
    net_wheel_init(&l->wheel, l->now_us);
    pthread_mutex_init(&l->lock, NULL);
    return true;
}

void net_loop_done(struct net_loop *l)
{
    if (l->rbuf == NULL) {
        return;
    }
    wh_assert(l->all == NULL && l->inbox == NULL && l->held == 0);
    wh_fd_close(&l->wake);
    wh_fd_close(&l->ep);
    wh_free(l->rbuf);
    wh_free(l->tbuf);
    l->rbuf = NULL;
    pthread_mutex_destroy(&l->lock);
}

void net_loop_run(struct net_loop *l)
{
    here = l;
    while (!l->quitting || l->socks > 0 || l->held > 0 || has_news(l)) {
        turn(l);
    }
    here = NULL;
}

void net_loop_quit(struct net_loop *l)
{
    l->quitting = true;
}

void net_loop_post(struct net_loop *l, struct net_news *n)
{
    wh_assert(n->next == NULL && n->fn != NULL);
    pthread_mutex_lock(&l->lock);
    bool first = l->inbox == NULL;
    *l->inbox_end = n;
    l->inbox_end = &n->next;
    /* written under the lock: the loop may go away once it has seen the news */
    if (first && here != l) {
        uint64_t one = 1;
        (void)!write(l->wake, &one, sizeof one);
    }
    pthread_mutex_unlock(&l->lock);
}

bool net_loop_here(const struct net_loop *l)
{
    return here == l;
}

const char *net_loop_date(struct net_loop *l)
{
    int64_t s = wh_now_us() / 1000000;
    if (s != l->date_s) {
        l->date_s = s;
        wh_time_http(s * 1000000, l->date);
    }
    return l->date;
}

static bool add_sock(struct net_loop *l, struct net_sock *s, int fd,
                     uint32_t events, struct wh_err *err)
{
    wh_assert(s->advance != NULL && s->expire != NULL && s->release != NULL);
    struct epoll_event ev = {.events = events, .data.ptr = s};
    if (epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) != 0) {
        return wh_fail_errno(err, WH_IO, "epoll_ctl");
    }
    s->fd = fd;
    s->loop = l;
    s->timer.fire = on_timer;
    s->next = l->all;
    s->prev = &l->all;
    if (s->next != NULL) {
        s->next->prev = &s->next;
    }
    l->all = s;
    l->socks++;
    return true;
}

bool net_sock_open(struct net_loop *l, struct net_sock *s, int fd,
                   struct wh_err *err)
{
    return add_sock(l, s, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, err);
}

bool net_sock_listen(struct net_loop *l, struct net_sock *s, int fd,
                     struct wh_err *err)
{
    return add_sock(l, s, fd, EPOLLIN | EPOLLEXCLUSIVE, err);
}

void net_sock_pause(struct net_sock *s, int64_t at_us)
{
    (void)epoll_ctl(s->loop->ep, EPOLL_CTL_DEL, s->fd, NULL);
    net_sock_deadline(s, at_us);
}

void net_sock_unpause(struct net_sock *s)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = s};
    wh_assert(epoll_ctl(s->loop->ep, EPOLL_CTL_ADD, s->fd, &ev) == 0);
}

void net_sock_close(struct net_sock *s, bool reset)
{
    if (s->fd < 0) {
        return;
    }
    if (reset) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    net_timer_clear(&s->loop->wheel, &s->timer);
    if (s->tls && !reset) {
        net_tls_bye(s->tls);
    }
    net_tls_close(&s->tls);
    /* closing alone does not end the registration of a duplicated socket */
    (void)epoll_ctl(s->loop->ep, EPOLL_CTL_DEL, s->fd, NULL);
    wh_fd_close(&s->fd);
    *s->prev = s->next;
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    s->next = s->loop->dead;
    s->loop->dead = s;
}

void net_sock_again(struct net_sock *s)
{
    if (!s->in_run) {
        s->in_run = true;
        s->run_next = NULL;
        *s->loop->run_end = s;
        s->loop->run_end = &s->run_next;
    }
}

void net_sock_deadline(struct net_sock *s, int64_t at_us)
{
    net_timer_set(&s->loop->wheel, &s->timer, at_us);
}

/* The outcome of a call that moved `got` bytes, or failed with errno. */
static enum net_io outcome(struct net_sock *s, ssize_t got, bool *ready)
{
    if (got > 0) {
        return NET_IO_OK;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        *ready = false;
        return NET_IO_AGAIN;
    }
    s->broken = true;
    return NET_IO_BAD;
}

/* What TLS says, as the loop says it. What waits for the socket has readiness
 * taken away; the other direction's stays, and is tried again with any event.
 */
static enum net_io tls_outcome(struct net_sock *s, enum net_tls_result r)
{
    switch (r) {
    case NET_TLS_OK:
        return NET_IO_OK;
    case NET_TLS_WANT_READ:
        s->can_read = false;
        return NET_IO_AGAIN;
    case NET_TLS_WANT_WRITE:
        s->can_write = false;
        return NET_IO_AGAIN;
    case NET_TLS_END:
        s->peer_done = true;
        return NET_IO_END;
    case NET_TLS_BAD:
        break;
    }
    s->broken = true;
    return NET_IO_BAD;
}

enum net_io net_sock_shake(struct net_sock *s)
{
    if (s->loop->shakes == 0) {
        net_sock_again(s);
        return NET_IO_AGAIN;
    }
    s->loop->shakes--;
    return tls_outcome(s, net_tls_shake(s->tls));
}

void net_sock_finish(struct net_sock *s)
{
    if (s->tls) {
        net_tls_bye(s->tls);
    }
    (void)shutdown(s->fd, SHUT_WR);
}

enum net_io net_sock_read(struct net_sock *s, char *buf, size_t cap, size_t *n)
{
    wh_assert(cap > 0);
    if (s->tls) {
        return tls_outcome(s, net_tls_get(s->tls, buf, cap, n));
    }
    ssize_t got;
    do {
        got = recv(s->fd, buf, cap, 0);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        s->peer_done = true;
        return NET_IO_END;
    }
    enum net_io io = outcome(s, got, &s->can_read);
    if (io == NET_IO_OK) {
        *n = (size_t)got;
        /* a short read has emptied the socket, and what comes later is a new
         * event; only an end that is already known gives none */
        if (*n < cap && !s->peer_done) {
            s->can_read = false;
        }
    }
    return io;
}

/* As many bytes as fit a record go together. When the socket took none, the
 * next call begins with the same bytes: nothing else is written between. */
static enum net_io tls_write(struct net_sock *s, const struct iovec *iov,
                             size_t count, size_t *n)
{
    size_t have = 0;
    for (size_t i = 0; i < count && have < NET_TLS_RECORD; i++) {
        size_t room = NET_TLS_RECORD - have;
        size_t part = iov[i].iov_len < room ? iov[i].iov_len : room;
        memcpy(s->loop->tbuf + have, iov[i].iov_base, part);
        have += part;
    }
    return tls_outcome(s, net_tls_put(s->tls, s->loop->tbuf, have, n));
}

static enum net_io tls_sendfile(struct net_sock *s, int fd, uint64_t *off,
                                size_t len, size_t *n)
{
    enum net_io io;
    ssize_t got;
    if (net_tls_in_kernel(s->tls)) {
        io = tls_outcome(s, net_tls_sendfile(s->tls, fd, *off, len, n));
    } else {
        len = len < NET_TLS_RECORD ? len : NET_TLS_RECORD;
        got = pread(fd, s->loop->tbuf, len, (off_t)*off);
        if (got <= 0) {
            s->broken = true; /* the file has shrunk, or its disk fails */
            return NET_IO_BAD;
        }
        io = tls_outcome(s, net_tls_put(s->tls, s->loop->tbuf, (size_t)got, n));
    }
    *off += io == NET_IO_OK ? *n : 0;
    return io;
}

enum net_io net_sock_write(struct net_sock *s, const struct iovec *iov,
                           size_t count, bool more, size_t *n)
{
    if (s->tls) {
        return tls_write(s, iov, count, n);
    }
    struct iovec copy[4];
    size_t total = 0;
    wh_assert(count > 0 && count <= sizeof copy / sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = iov[i];
        total += iov[i].iov_len;
    }
    struct msghdr msg = {.msg_iov = copy, .msg_iovlen = count};
    ssize_t put;
    do {
        put = sendmsg(s->fd, &msg, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    } while (put < 0 && errno == EINTR);
    enum net_io io = outcome(s, put, &s->can_write);
    if (io == NET_IO_OK) {
        *n = (size_t)put;
        s->can_write = *n == total;
    }
    return io;
}

enum net_io net_sock_sendfile(struct net_sock *s, int fd, uint64_t *off,
                              size_t len, size_t *n)
{
    if (s->tls) {
        return tls_sendfile(s, fd, off, len, n);
    }
    off_t at = (off_t)*off;
    ssize_t put;
    do {
        put = sendfile(s->fd, fd, &at, len);
    } while (put < 0 && errno == EINTR);
    enum net_io io = outcome(s, put, &s->can_write);
    if (io == NET_IO_OK) {
        *n = (size_t)put;
        *off = (uint64_t)at;
    }
    return io;
}

size_t net_sock_unsent(const struct net_sock *s)
{
    int n = 0;
    return ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}
