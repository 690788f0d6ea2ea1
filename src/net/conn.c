/*
 * conn.c - the states of a connection. Each has a step function that does what
 * can be done without waiting (conn_read.c, conn_send.c); advance() calls steps
 * until one has to wait. Deadlines, opening and closing are here too.
 */
#include "net/conn.h"

#include "base/count.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <sys/socket.h>

/* Steps of one connection before the others of its loop have their turn. */
#define STEPS 16
/* While others wait for its room, a body has this many windows to come in. */
#define PRESSED_WINDOWS 8

/* --- waiting for the application ------------------------------------------ */

static bool step_work(struct net_conn *c)
{
    if (c->sock.broken || (c->sock.peer_done && net_task_wants_gone(c->task))) {
        net_conn_cut(c, "gone");
    }
    return false;
}

static bool step_hello(struct net_conn *c)
{
    enum net_io io = net_sock_shake(&c->sock);
    if (io == NET_IO_OK) {
        wh_count(WH_COUNT_TLS_HANDSHAKES, 1);
        c->state = NET_ST_IDLE;
        net_conn_deadline(c, c->srv->conf.limits.idle_ms);
        return true;
    }
    if (io != NET_IO_AGAIN) {
        wh_count(WH_COUNT_TLS_FAILURES, 1);
        net_sock_close(&c->sock, false);
    }
    return false;
}

static bool step_linger(struct net_conn *c)
{
    size_t n = 0;
    if (!c->sock.can_read) {
        return false;
    }
    enum net_io io = net_sock_read(&c->sock, c->sock.loop->rbuf, NET_RBUF, &n);
    c->mark += n;
    if (io == NET_IO_OK && c->mark <= c->srv->conf.limits.linger_bytes) {
        return true;
    }
    if (io != NET_IO_AGAIN) {
        net_sock_close(&c->sock, false);
    }
    return false;
}

static void advance(struct net_sock *s)
{
    struct net_conn *c = (struct net_conn *)s;
    bool more = true;
    for (unsigned i = 0; more && s->fd >= 0; i++) {
        if (i == STEPS) {
            net_sock_again(s);
            return;
        }
        switch (c->state) {
        case NET_ST_HELLO:
            more = step_hello(c);
            break;
        case NET_ST_IDLE:
        case NET_ST_HEAD:
            more = net_conn_read_head(c);
            break;
        case NET_ST_BODY:
            more = net_conn_read_body(c);
            break;
        case NET_ST_WORK:
            more = step_work(c);
            break;
        case NET_ST_WRITE:
            more = net_conn_send(c);
            break;
        case NET_ST_LIVE:
            more = net_conn_step_live(c);
            break;
        case NET_ST_LINGER:
            more = step_linger(c);
            break;
        }
    }
}

/* --- deadlines ------------------------------------------------------------ */

/* Another window for a sender that made enough progress, or that we keep
 * waiting. */
static void expire_body(struct net_conn *c)
{
    const struct net_limits *m = &c->srv->conf.limits;
    uint64_t least = m->body_window_bytes;
    if (c->waiting) {
        net_conn_fault(c, NET_NO_ROOM);
        return;
    }
    if (net_budget_pressed(&c->srv->budget, &c->task->claim) &&
        c->task->claim.bytes / PRESSED_WINDOWS > least) {
        least = c->task->claim.bytes / PRESSED_WINDOWS;
    }
    if (!c->stalled && c->parser.body_n - c->mark < least) {
        net_conn_fault(c, (struct net_fault){408, "the body came too slowly"});
        return;
    }
    c->mark = c->parser.body_n;
    net_conn_deadline(c, m->body_window_ms);
}

/* Progress is what the client has acknowledged, not what the kernel took. */
static void expire_write(struct net_conn *c)
{
    const struct net_limits *m = &c->srv->conf.limits;
    size_t unsent = net_sock_unsent(&c->sock);
    uint64_t acked = c->written > unsent ? c->written - unsent : 0;
    bool ours = c->vec_at == c->vec_n && c->pull_asked;
    if (!ours && acked - c->mark < m->write_window_bytes) {
        net_conn_cut(c, "slow reader");
        return;
    }
    c->mark = acked;
    net_conn_deadline(c, m->write_window_ms);
}

static void expire_live(struct net_conn *c)
{
    if (net_conn_live_slow(c)) {
        net_conn_cut(c, "slow reader");
    } else {
        net_conn_deadline(c, c->srv->conf.limits.write_window_ms);
    }
}

static void expire(struct net_sock *s)
{
    struct net_conn *c = (struct net_conn *)s;
    switch (c->state) {
    case NET_ST_HELLO:
        wh_count(WH_COUNT_TLS_FAILURES, 1);
        net_sock_close(s, true);
        return;
    case NET_ST_IDLE:
    case NET_ST_LINGER:
        net_sock_close(s, false);
        return;
    case NET_ST_HEAD:
        net_conn_fault(c, (struct net_fault){408, "the head came too slowly"});
        break;
    case NET_ST_BODY:
        expire_body(c);
        break;
    case NET_ST_WORK:
        net_conn_fault(c, (struct net_fault){503, "this took too long"});
        break;
    case NET_ST_WRITE:
        expire_write(c);
        break;
    case NET_ST_LIVE:
        expire_live(c);
        break;
    }
    advance(s);
}

static void release(struct net_sock *s)
{
    struct net_conn *c = (struct net_conn *)s;
    wh_assert(c->task == NULL && c->out == NULL && c->fill.p == NULL);
    net_conn_drop_left(c);
    wh_buf_done(&c->head);
    net_peers_leave(&c->srv->peers, &c->key);
    c->srv->connections--;
    wh_free(c);
}

/* --- public --------------------------------------------------------------- */

void net_conn_open(struct net_loop *l, struct net_server *srv, int fd,
                   const struct net_peer_key *key, const char *peer,
                   struct net_tls *tls)
{
    struct net_conn *c = wh_alloc(sizeof *c);
    struct wh_err err = {0};
    c->sock.advance = advance;
    c->sock.expire = expire;
    c->sock.release = release;
    c->srv = srv;
    c->key = *key;
    memcpy(c->peer, peer, sizeof c->peer);
    c->state = NET_ST_IDLE;
    wh_buf_init(&c->head, NET_ANSWER_HEAD);
    net_parser_init(&c->parser, NET_REQUEST, srv->conf.limits.head_bytes,
                    net_conn_on_body, c);
    srv->connections++;
    if (!net_sock_open(l, &c->sock, fd, &err)) {
        wh_log_err(WH_ERROR, "http.accept", &err);
        (void)shutdown(fd, SHUT_RDWR);
        wh_fd_close(&fd);
        release(&c->sock);
        return;
    }
    if (tls != NULL) {
        c->sock.tls = net_tls_open(tls, fd);
        c->state = NET_ST_HELLO;
        net_conn_deadline(c, srv->conf.limits.tls_ms);
    } else {
        net_conn_deadline(c, srv->conf.limits.idle_ms);
    }
}

struct net_conn *net_conn_of(struct net_sock *s)
{
    return s->advance == advance ? (struct net_conn *)s : NULL;
}

void net_conn_stop(struct net_conn *c)
{
    c->stopping = true;
    if (c->state == NET_ST_HELLO || c->state == NET_ST_IDLE) {
        net_sock_close(&c->sock, false);
    }
}

void net_conn_deadline(struct net_conn *c, uint64_t ms)
{
    net_sock_deadline(&c->sock, c->sock.loop->now_us + (int64_t)ms * 1000);
}

void net_conn_drop_request(struct net_conn *c, bool complete)
{
    net_pool_give(&c->srv->pool, &c->fill.p);
    net_pool_give(&c->srv->pool, &c->pull.p);
    c->fill.n = c->pull.n = 0;
    if (c->task != NULL) {
        struct net_task *t = c->task;
        c->task = NULL;
        net_task_detach(t, complete);
    }
}

void net_conn_news(struct net_conn *c, struct net_task *t, unsigned posts)
{
    wh_assert(c->task == t);
    if (posts & NET_POST_STREAM) {
        c->streaming = true;
        if (c->parser.complete) {
            net_task_body_done(t);
        } else {
            net_conn_start_body(c);
        }
    }
    if (posts & NET_POST_ADMIT) {
        net_conn_take_body(c);
    }
    if ((posts & NET_POST_ROOM) && c->waiting) {
        net_conn_fill_body(c);
    }
    if (c->sock.fd >= 0 && (posts & NET_POST_ANSWER)) {
        c->out = t->out;
        t->out = NULL;
        net_conn_answer(c);
    }
    if (c->sock.fd >= 0 && (posts & NET_POST_PULLED)) {
        net_conn_pulled(c);
    }
    if (c->sock.fd >= 0) {
        advance(&c->sock);
    }
}
