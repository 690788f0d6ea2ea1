/*
 * live.c - answers that are written on the loop. What is written waits in one
 * buffer for the connection's next step, in the same turn of the loop where
 * possible: so an event and the end behind it are one call of the kernel, and
 * every call into the user comes from that step, never from a call of the user.
 * Whoever writes looks at net_live_waiting and stops until `room`.
 */
#include "net/live.h"
#include "net/conn.h"

#include "base/mem.h"

#include <stdio.h>

/* A user that does not look at net_live_waiting is a bug, not a client. */
#define WAITING_MAX ((size_t)256 << 20)
/* Memory that an answer keeps while nothing waits. */
#define KEEP 16384

struct net_live {
    struct net_conn *conn;
    const struct net_live_ops *ops;
    void *ctx;
    struct wh_buf buf; /* waits for the client, from `at` */
    size_t at;
    bool begun, headed, ended;
    bool wants_room; /* something was written since `room` */
    bool cut;
};

static struct net_out *out_of(struct net_live *l)
{
    wh_assert(l->conn != NULL && l->conn->out != NULL);
    return l->conn->out;
}

/* To the kernel what it takes. */
static void send_some(struct net_live *l)
{
    struct net_conn *c = l->conn;
    while (l->at < l->buf.n && c->sock.can_write && !c->sock.broken) {
        struct iovec v = {l->buf.p + l->at, l->buf.n - l->at};
        size_t n = 0;
        if (net_sock_write(&c->sock, &v, 1, false, &n) != NET_IO_OK) {
            break;
        }
        l->at += n;
        c->written += n;
        c->srv->bytes_out += n;
    }
    if (l->at == l->buf.n) {
        l->at = 0;
        wh_buf_reset(&l->buf);
        if (l->buf.cap > KEEP) {
            wh_buf_done(&l->buf);
            wh_buf_init(&l->buf, WAITING_MAX);
        }
    }
}

/* There is something to be sent. */
static void wrote(struct net_live *l)
{
    l->wants_room = true;
    net_sock_again(&l->conn->sock);
}

/* Room for a head and `more` bytes. */
#define HEAD_ROOM 1024

static void end_head(struct net_live *l, uint64_t length, size_t more)
{
    struct net_out *o = out_of(l);
    wh_assert(l->begun && !l->headed);
    o->length = length;
    l->headed = true;
    (void)wh_buf_room(&l->buf, HEAD_ROOM + more);
    net_conn_head(l->conn, &l->buf);
    l->conn->head_bytes = l->buf.n;
}

/* --- for the user --------------------------------------------------------- */

void net_live_begin(struct net_live *l, int status)
{
    wh_assert(!l->begun && status >= 200 && status <= 599);
    l->begun = true;
    out_of(l)->status = status;
}

void net_live_header(struct net_live *l, const char *name, struct wh_str value)
{
    wh_assert(l->begun && !l->headed);
    net_out_line(out_of(l), name, value);
}

void net_live_whole(struct net_live *l, struct wh_str body)
{
    end_head(l, body.n, body.n);
    wh_buf_add(&l->buf, body);
    l->ended = true;
    wrote(l);
}

void net_live_write(struct net_live *l, struct wh_str bytes)
{
    char frame[24];
    wh_assert(!l->ended);
    if (!l->headed) {
        end_head(l, NET_CHUNKED, 0);
    }
    if (bytes.n > 0 && l->conn->pull_chunked) {
        int n = snprintf(frame, sizeof frame, "%zx\r\n", bytes.n);
        wh_buf_mem(&l->buf, frame, (size_t)n);
    }
    wh_buf_add(&l->buf, bytes);
    if (bytes.n > 0 && l->conn->pull_chunked) {
        wh_buf_cstr(&l->buf, "\r\n");
    }
    wh_assert(!l->buf.over);
    wrote(l);
}

void net_live_end(struct net_live *l)
{
    wh_assert(!l->ended);
    if (!l->headed) {
        end_head(l, NET_CHUNKED, 0);
    }
    if (l->conn->pull_chunked) {
        wh_buf_cstr(&l->buf, "0\r\n\r\n");
    }
    l->ended = true;
    wrote(l);
}

void net_live_cut(struct net_live *l)
{
    l->cut = true;
    net_sock_again(&l->conn->sock);
}

size_t net_live_waiting(const struct net_live *l)
{
    return l->buf.n - l->at;
}

bool net_live_begun(const struct net_live *l)
{
    return l->begun;
}

struct net_loop *net_live_loop(const struct net_live *l)
{
    return l->conn->sock.loop;
}

/* --- for the connection --------------------------------------------------- */

void net_conn_live(struct net_conn *c)
{
    struct net_live *l = wh_alloc(sizeof *l);
    struct net_out *o = c->out;
    l->conn = c;
    l->ops = o->live;
    l->ctx = o->live_ctx;
    o->live = NULL; /* `over` is what ends it from now on */
    wh_buf_init(&l->buf, WAITING_MAX);
    c->live = l;
    c->state = NET_ST_LIVE;
    c->written = c->mark = c->head_bytes = 0;
    net_conn_deadline(c, c->srv->conf.limits.write_window_ms);
    l->ops->start(l->ctx, l);
}

void net_conn_live_over(struct net_conn *c, bool complete)
{
    struct net_live *l = c->live;
    if (l != NULL) {
        c->live = NULL;
        l->ops->over(l->ctx, complete);
        wh_buf_done(&l->buf);
        wh_free(l);
    }
}

bool net_conn_step_live(struct net_conn *c)
{
    struct net_live *l = c->live;
    if (l->cut || c->sock.broken || (c->sock.peer_done && !l->ended)) {
        net_conn_cut(c, l->cut ? "ended" : "gone");
        return false;
    }
    if (l->at < l->buf.n) {
        send_some(l);
    }
    if (c->sock.broken) {
        net_conn_cut(c, "gone");
        return false;
    }
    if (l->at < l->buf.n || !l->wants_room) {
        return false;
    }
    l->wants_room = false;
    if (l->ended) {
        net_conn_live_over(c, true);
        net_conn_next(c);
        return true;
    }
    l->ops->room(l->ctx);
    return false;
}

bool net_conn_live_slow(struct net_conn *c)
{
    struct net_live *l = c->live;
    size_t unsent = net_sock_unsent(&c->sock);
    uint64_t acked = c->written > unsent ? c->written - unsent : 0;
    bool slow = l->at < l->buf.n &&
                acked - c->mark < c->srv->conf.limits.write_window_bytes;
    c->mark = acked;
    return slow;
}
