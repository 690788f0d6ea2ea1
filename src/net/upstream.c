/*
 * upstream.c - an exchange is a socket with four states: connecting, sending,
 * answering, idle in a pool. A connection is used again only if its answer was
 * complete, not a byte followed, and both sides want to keep it.
 */
#include "net/upstream.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <sys/socket.h>
#include <sys/uio.h>

#define HEAD_MAX 32768
#define HEAD_LINES 96
/* Answers before the answer (100 Continue, 103 ...). */
#define INTERIM_MAX 8
/* Pieces of one exchange before others of the loop have their turn. */
#define PIECES 4

enum up_state { UP_CONNECT, UP_SEND, UP_ANSWER, UP_IDLE, UP_OVER };

struct net_up {
    struct net_sock sock; /* first */
    enum up_state state;
    struct net_up_call call;
    struct net_up *next, **prev; /* in its pool */
    struct net_parser parser;
    struct net_head head;
    size_t sent;
    unsigned interim;
    bool used;  /* the connection has carried an exchange before */
    bool heard; /* a byte of this answer has come */
    bool held, dropped;
};

static void leave_pool(struct net_up *u)
{
    if (u->prev != NULL) {
        *u->prev = u->next;
        if (u->next != NULL) {
            u->next->prev = u->prev;
        }
        u->prev = NULL;
        u->call.pool->idle--;
    }
}

static void finish(struct net_up *u)
{
    leave_pool(u);
    u->state = UP_OVER;
    net_sock_close(&u->sock, false);
}

/* End the exchange, close the connection, tell its user. */
static void fail(struct net_up *u, enum net_up_end how)
{
    if (u->state == UP_OVER) {
        return;
    }
    const struct net_up_ops *ops = u->call.ops;
    void *ctx = u->call.ctx;
    bool tell = !u->dropped;
    if (how != NET_UP_REFUSED && u->used && !u->heard && how != NET_UP_LATE) {
        how = NET_UP_STALE;
    }
    finish(u);
    if (tell) {
        u->dropped = true;
        ops->over(ctx, how);
    }
}

static void deadline(struct net_up *u, int64_t us)
{
    net_sock_deadline(&u->sock, u->sock.loop->now_us + us);
}

static void complete(struct net_up *u, bool clean)
{
    struct net_up_pool *p = u->call.pool;
    const struct net_up_ops *ops = u->call.ops;
    void *ctx = u->call.ctx;
    bool keep = clean && p != NULL && u->parser.keep_alive &&
                p->idle < p->max && !u->sock.loop->quitting &&
                !u->sock.peer_done && u->sent == u->call.request.n;
    if (!keep) {
        fail(u, NET_UP_DONE);
        return;
    }
    u->state = UP_IDLE;
    u->used = true;
    u->next = p->first;
    u->prev = &p->first;
    if (u->next != NULL) {
        u->next->prev = &u->next;
    }
    p->first = u;
    p->idle++;
    deadline(u, p->keep_us);
    ops->over(ctx, NET_UP_DONE);
}

/* --- the answer ----------------------------------------------------------- */

static void on_body(void *ctx, const char *p, size_t n)
{
    struct net_up *u = ctx;
    if (!u->dropped && u->parser.status >= 200) {
        u->call.ops->data(u->call.ctx, p, n);
    }
}

/* A whole message has come: the answer, or one before it. */
static bool message_done(struct net_up *u, bool clean)
{
    if (u->parser.status >= 200) {
        complete(u, clean);
        return false;
    }
    if (++u->interim > INTERIM_MAX) {
        fail(u, NET_UP_BAD);
        return false;
    }
    net_head_done(&u->head);
    net_head_init(&u->head, HEAD_MAX, HEAD_LINES, 0);
    net_parser_begin(&u->parser, &u->head);
    return true;
}

/* Feed what was read; false: the exchange is over (or dropped). */
static bool feed(struct net_up *u, const char *p, size_t n)
{
    while (n > 0 && u->state == UP_ANSWER && !u->dropped) {
        size_t used = 0;
        enum net_event ev = net_parser_feed(&u->parser, p, n, &used);
        p += used;
        n -= used;
        if (u->dropped) {
            break;
        }
        if (ev == NET_EV_BAD) {
            fail(u, NET_UP_BAD);
            return false;
        }
        if (ev == NET_EV_HEAD && u->parser.status >= 200) {
            u->call.ops->head(u->call.ctx, u->parser.status, &u->head,
                              u->parser.length);
        }
        bool done =
            ev == NET_EV_DONE || (ev == NET_EV_HEAD && u->parser.complete);
        if (done && !u->dropped && !message_done(u, n == 0)) {
            return false;
        }
    }
    if (u->dropped && u->state != UP_OVER) {
        finish(u);
    }
    return u->state == UP_ANSWER;
}

/* One piece; false: wait for an event. */
static bool read_some(struct net_up *u)
{
    size_t n = 0;
    if (u->held || !u->sock.can_read) {
        return false;
    }
    enum net_io io = net_sock_read(&u->sock, u->sock.loop->rbuf, NET_RBUF, &n);
    if (io == NET_IO_AGAIN) {
        return false;
    }
    if (io == NET_IO_OK) {
        u->heard = true;
        deadline(u, u->call.idle_us);
        return feed(u, u->sock.loop->rbuf, n);
    }
    if (io == NET_IO_END && u->heard &&
        net_parser_eof(&u->parser) == NET_EV_DONE) {
        complete(u, false);
    } else {
        fail(u, NET_UP_BROKE);
    }
    return false;
}

/* --- the request ---------------------------------------------------------- */

static bool connected(struct net_up *u)
{
    int e = 0;
    socklen_t n = sizeof e;
    if (getsockopt(u->sock.fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0 || e != 0) {
        fail(u, NET_UP_REFUSED);
        return false;
    }
    if (!u->sock.can_write) {
        return false;
    }
    u->state = UP_SEND;
    deadline(u, u->call.first_us);
    return true;
}

static bool send_some(struct net_up *u)
{
    while (u->sent < u->call.request.n) {
        struct wh_str rest = wh_str_sub(u->call.request, u->sent, SIZE_MAX);
        struct iovec v = {(void *)(uintptr_t)rest.p, rest.n};
        size_t n = 0;
        if (!u->sock.can_write) {
            return false;
        }
        enum net_io io = net_sock_write(&u->sock, &v, 1, false, &n);
        if (io == NET_IO_BAD) {
            fail(u, NET_UP_BROKE);
            return false;
        }
        if (io != NET_IO_OK) {
            return false;
        }
        u->sent += n;
    }
    u->state = UP_ANSWER;
    deadline(u, u->call.first_us);
    return true;
}

/* --- the socket's callbacks ----------------------------------------------- */

static void advance(struct net_sock *s)
{
    struct net_up *u = (struct net_up *)s;
    bool more = true;
    for (unsigned i = 0; more && s->fd >= 0; i++) {
        if (i == PIECES) {
            net_sock_again(s);
            return;
        }
        switch (u->state) {
        case UP_CONNECT:
            more = connected(u);
            break;
        case UP_SEND:
            more = send_some(u);
            break;
        case UP_ANSWER:
            more = read_some(u);
            break;
        case UP_IDLE:
            /* it was closed, or speaks without being asked */
            if (s->can_read || s->peer_done || s->broken) {
                finish(u);
            }
            more = false;
            break;
        case UP_OVER:
            more = false;
            break;
        }
    }
}

static void expire(struct net_sock *s)
{
    struct net_up *u = (struct net_up *)s;
    if (u->state == UP_IDLE || u->dropped) {
        finish(u);
    } else if (u->held) {
        deadline(u, u->call.idle_us);
    } else {
        fail(u, u->state == UP_CONNECT ? NET_UP_REFUSED : NET_UP_LATE);
    }
}

static void release(struct net_sock *s)
{
    struct net_up *u = (struct net_up *)s;
    net_head_done(&u->head);
    wh_free(u);
}

/* --- public --------------------------------------------------------------- */

/* The pool's newest, which is the least likely to be closed by now. */
static struct net_up *from_pool(const struct net_up_call *call)
{
    struct net_up *u = call->pool != NULL ? call->pool->first : NULL;
    if (u != NULL) {
        leave_pool(u);
    }
    return u;
}

static struct net_up *open_new(const struct net_up_call *call)
{
    struct net_up *u = wh_alloc(sizeof *u);
    struct wh_err err = {0};
    u->sock.advance = advance;
    u->sock.expire = expire;
    u->sock.release = release;
    if (!net_sock_open(call->loop, &u->sock, call->fd, &err)) {
        int fd = call->fd;
        wh_log_err(WH_ERROR, "upstream.open", &err);
        wh_fd_close(&fd);
        wh_free(u);
        return NULL;
    }
    net_parser_init(&u->parser, NET_RESPONSE, HEAD_MAX, on_body, u);
    return u;
}

struct net_up *net_up_start(const struct net_up_call *call)
{
    struct net_up *u = call->fd < 0 ? from_pool(call) : open_new(call);
    if (u == NULL) {
        return NULL;
    }
    u->call = *call;
    u->sent = 0;
    u->interim = 0;
    u->heard = u->held = u->dropped = false;
    net_head_done(&u->head);
    net_head_init(&u->head, HEAD_MAX, HEAD_LINES, 0);
    net_parser_begin(&u->parser, &u->head);
    u->state = u->used ? UP_SEND : UP_CONNECT;
    deadline(u, u->used ? call->first_us : call->connect_us);
    net_sock_again(&u->sock);
    return u;
}

void net_up_hold(struct net_up *u, bool hold)
{
    u->held = hold;
    if (!hold) {
        net_sock_again(&u->sock);
    }
}

void net_up_drop(struct net_up *u)
{
    if (u != NULL && !u->dropped) {
        u->dropped = true;
        finish(u);
    }
}

void net_up_close_idle(struct net_loop *l)
{
    for (struct net_sock *s = l->all, *next; s != NULL; s = next) {
        next = s->next;
        struct net_up *u = (struct net_up *)s;
        if (s->advance == advance && u->state == UP_IDLE) {
            finish(u);
        }
    }
}
