/*
 * conn_read.c - reading: from bytes to a request, its plan and its body.
 */
#include "net/conn.h"

#include "base/mem.h"

#include <stdio.h>

/* Bytes read at once while a head is awaited. What comes behind a head is kept
 * until its turn, outside any budget: little, therefore. */
#define HEAD_READ 16384

/* --- bytes ---------------------------------------------------------------- */

void net_conn_drop_left(struct net_conn *c)
{
    wh_free(c->left);
    c->left = NULL;
    c->left_at = c->left_n = 0;
}

static size_t left(const struct net_conn *c)
{
    return c->left_n - c->left_at;
}

/* The next bytes to parse: kept ones, else fresh ones (at most cap) read to
 * `fresh`. False: none now; the end of the stream sets *end. */
static bool next_bytes(struct net_conn *c, char *fresh, size_t cap,
                       const char **p, size_t *n, bool *end)
{
    *end = false;
    if (left(c) > 0) {
        *p = c->left + c->left_at;
        *n = left(c);
        return true;
    }
    net_conn_drop_left(c);
    if (!c->sock.can_read) {
        return false;
    }
    enum net_io io = net_sock_read(&c->sock, fresh, cap, n);
    if (io == NET_IO_OK) {
        *p = fresh;
        c->srv->bytes_in += *n;
        return true;
    }
    *end = io != NET_IO_AGAIN;
    return false;
}

/* `used` of the n bytes at p are parsed: keep the others. */
static void keep_rest(struct net_conn *c, const char *p, size_t n, size_t used)
{
    if (c->left != NULL) {
        c->left_at += used;
        if (left(c) == 0) {
            net_conn_drop_left(c);
        }
    } else if (used < n) {
        c->left = wh_alloc(n - used);
        memcpy(c->left, p + used, n - used);
        c->left_n = n - used;
    }
}

/* --- the head ------------------------------------------------------------- */

static void make_id(struct net_server *srv, char out[NET_ID])
{
    uint64_t n = ++srv->requests & UINT64_C(0xffffffffffff);
    (void)snprintf(out, NET_ID, "%.12s%012llx", srv->boot,
                   (unsigned long long)n);
}

/* "http://host/path" is allowed (RFC 9112, 3.2.2) if it names the same host. */
static bool split_target(struct net_req *r, struct wh_str target)
{
    struct wh_str scheme = WH_S("http://");
    if (wh_str_starts(target, scheme)) {
        struct wh_str rest = wh_str_sub(target, scheme.n, target.n);
        size_t n = rest.n;
        for (size_t i = 0; i < rest.n && n == rest.n; i++) {
            n = rest.p[i] == '/' || rest.p[i] == '?' ? i : n;
        }
        if (!wh_str_ieq(wh_str_sub(rest, 0, n), r->authority)) {
            return false;
        }
        target = wh_str_sub(rest, n, rest.n);
        if (target.n == 0 || target.p[0] == '?') {
            r->path = WH_S("/");
            r->query = wh_str_sub(target, 1, target.n);
            return true;
        }
    }
    r->query = target;
    (void)wh_str_cut(&r->query, '?', &r->path);
    return (r->path.n > 0 && r->path.p[0] == '/') ||
           (r->method == NET_OPTIONS && wh_str_is(target, "*"));
}

/* Fill in what the application sees; false with *f set if it makes no sense. */
static bool fill_request(struct net_conn *c, struct net_fault *f)
{
    struct net_task *t = c->task;
    struct net_req *r = &t->pub;
    r->method = c->parser.method;
    r->length = c->parser.length;
    memcpy(r->peer, c->peer, sizeof r->peer);
    r->authority = net_head_find(&t->head, "host", NULL);
    t->host = wh_alloc(r->authority.n + 1);
    size_t n = 0;
    if (!net_host_split(r->authority, t->host, &n)) {
        *f = (struct net_fault){400, "malformed Host header"};
        return false;
    }
    r->host = wh_str_mem(t->host, n);
    if (!split_target(r, net_head_target(&t->head))) {
        *f = (struct net_fault){400, "malformed request target"};
        return false;
    }
    const struct net_conf *conf = &c->srv->conf;
    if (conf->host_ok != NULL && !conf->host_ok(conf->app, r->host)) {
        *f = (struct net_fault){421, "unknown host name"};
        return false;
    }
    return true;
}

void net_conn_start_work(struct net_conn *c)
{
    c->state = NET_ST_WORK;
    net_conn_deadline(c, c->srv->conf.limits.work_ms);
    net_task_start(c->task);
}

/* The client waits for leave to send its body. */
static void say_continue(struct net_conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!c->parser.expect_continue || c->parser.complete || left(c) > 0) {
        return;
    }
    struct iovec v = {(void *)(uintptr_t)text, sizeof text - 1};
    size_t n = 0;
    /* a socket that does not take 25 bytes between two messages is not worth
     * a state of its own */
    if (net_sock_write(&c->sock, &v, 1, false, &n) != NET_IO_OK ||
        n != v.iov_len) {
        net_conn_cut(c, "continue");
    }
}

void net_conn_start_body(struct net_conn *c)
{
    c->state = NET_ST_BODY;
    c->mark = 0;
    c->stalled = false;
    net_conn_deadline(c, c->srv->conf.limits.body_window_ms);
    say_continue(c);
}

/* Work out the limit of the body; false: 413, a longer one is announced. */
static bool length_fits(struct net_conn *c)
{
    const struct net_task *t = c->task;
    uint64_t most = c->srv->conf.limits.body_bytes;
    c->limit = t->plan.limit;
    if (t->plan.body == NET_BODY_NONE) {
        c->limit = 0;
    } else if (t->plan.body == NET_BODY_BUFFER && c->limit > most) {
        c->limit = most;
    }
    if (t->pub.length != NET_CHUNKED && t->pub.length > c->limit) {
        net_conn_fault(c, (struct net_fault){413, "the body is too large"});
        return false;
    }
    return true;
}

/* The buffer has the size of the announced body: it does not grow, and holds
 * memory only for what has come. Where no length is announced, it grows by
 * doubling, within a claim for the limit. */
void net_conn_fill_body(struct net_conn *c)
{
    struct wh_buf *body = &c->task->body;
    c->waiting = false;
    wh_buf_init(body, c->limit);
    if (c->task->pub.length != NET_CHUNKED) {
        (void)wh_buf_room(body, (size_t)c->task->pub.length);
    }
    net_conn_start_body(c);
}

void net_conn_take_body(struct net_conn *c)
{
    struct net_task *t = c->task;
    if (!length_fits(c)) {
        return;
    }
    uint64_t need = t->pub.length != NET_CHUNKED ? t->pub.length : c->limit;
    enum net_claim_state got =
        need == 0 ? NET_CLAIM_HELD : net_task_claim(t, &c->key, need);
    if (got == NET_CLAIM_HELD) {
        net_conn_fill_body(c);
    } else if (got == NET_CLAIM_WAIT) {
        c->state = NET_ST_BODY;
        c->waiting = true;
        net_conn_deadline(c, c->srv->conf.limits.body_wait_ms);
    } else {
        net_conn_fault(c, NET_NO_ROOM);
    }
}

static void on_head(struct net_conn *c)
{
    struct net_task *t = c->task;
    const struct net_conf *conf = &c->srv->conf;
    struct net_fault fault;
    if (!fill_request(c, &fault)) {
        net_conn_fault(c, fault);
        return;
    }
    conf->plan(conf->app, &t->pub, &t->plan);
    wh_assert(t->plan.handle != NULL);
    wh_assert((!t->plan.on_loop && t->plan.quick == NULL) ||
              t->plan.body != NET_BODY_STREAM);
    wh_assert(t->plan.lane < NET_LANES);
    t->pub.route = t->plan.route;
    t->work = &c->srv->work[t->plan.lane];
    if (!length_fits(c)) {
        return;
    }
    if (c->parser.complete || t->plan.body == NET_BODY_STREAM) {
        net_conn_start_work(c);
        return;
    }
    if (t->plan.admit != NULL && t->pub.length > NET_ADMIT) {
        t->admit = true;
        net_conn_start_work(c);
        return;
    }
    net_conn_take_body(c);
}

bool net_conn_read_head(struct net_conn *c)
{
    const char *p;
    size_t n, used = 0;
    bool end;
    if (!next_bytes(c, c->sock.loop->rbuf, HEAD_READ, &p, &n, &end)) {
        if (end && c->state == NET_ST_HEAD && !c->sock.broken) {
            net_conn_fault(c, (struct net_fault){400, "the head broke off"});
            return true;
        }
        if (end) {
            net_conn_drop_request(c, false);
            net_sock_close(&c->sock, false);
        }
        return false;
    }
    if (c->state == NET_ST_IDLE) {
        struct net_server *srv = c->srv;
        c->task = net_task_new(c->sock.loop, &srv->conf, srv->work, &srv->pool,
                               &srv->budget, srv);
        c->task->conn = c;
        make_id(srv, c->task->pub.id);
        net_parser_begin(&c->parser, &c->task->head);
        c->streaming = c->too_big = c->waiting = false;
        c->state = NET_ST_HEAD;
        net_conn_deadline(c, srv->conf.limits.head_ms);
    }
    enum net_event ev = net_parser_feed(&c->parser, p, n, &used);
    if (ev == NET_EV_BAD) {
        net_conn_fault(c, c->parser.fault);
        return true;
    }
    keep_rest(c, p, n, used);
    if (ev == NET_EV_HEAD) {
        on_head(c);
    }
    return true;
}

/* --- the body ------------------------------------------------------------- */

/* A piece of body out of the parser. A streaming body that was read straight to
 * its buffer is already where it belongs. */
void net_conn_on_body(void *ctx, const char *p, size_t n)
{
    struct net_conn *c = ctx;
    if (c->parser.body_n > c->limit) {
        c->too_big = true;
        return;
    }
    if (!c->streaming) {
        wh_buf_mem(&c->task->body, p, n);
        return;
    }
    wh_assert(n <= NET_CHUNK - c->fill.n);
    if (p != c->fill.p + c->fill.n) {
        memmove(c->fill.p + c->fill.n, p, n);
    }
    c->fill.n += n;
}

static void hand_over(struct net_conn *c)
{
    if (c->fill.n > 0) {
        struct net_piece piece = c->fill;
        c->fill = (struct net_piece){0};
        net_task_piece(c->task, piece);
    }
}

static void body_done(struct net_conn *c)
{
    if (!c->streaming) {
        net_conn_start_work(c);
        return;
    }
    hand_over(c);
    net_pool_give(&c->srv->pool, &c->fill.p);
    c->state = NET_ST_WORK;
    net_conn_deadline(c, c->srv->conf.limits.work_ms);
    net_task_body_done(c->task);
}

/* Make sure of a buffer for the sink's next piece; false: two wait already. */
static bool have_buffer(struct net_conn *c)
{
    if (c->fill.p == NULL) {
        c->stalled = net_task_pieces(c->task) >= NET_PIECES;
        if (c->stalled) {
            return false;
        }
        c->fill.p = net_pool_take(&c->srv->pool);
    }
    return true;
}

/* Where and how much to read: a body of known length goes straight to the
 * sink's buffer and not one byte further; everything else by way of the loop's
 * buffer, because framing and the next request may be among it. */
static void read_target(struct net_conn *c, char **to, size_t *cap)
{
    size_t room = c->streaming ? NET_CHUNK - c->fill.n : NET_RBUF;
    *to = c->sock.loop->rbuf;
    *cap = room < NET_RBUF ? room : NET_RBUF;
    if (c->streaming && c->parser.length != NET_CHUNKED) {
        uint64_t rest = c->parser.length - c->parser.body_n;
        *to = c->fill.p + c->fill.n;
        *cap = rest < room ? (size_t)rest : room;
    }
}

bool net_conn_read_body(struct net_conn *c)
{
    if (c->sock.broken) {
        net_conn_cut(c, "gone");
        return false;
    }
    if (c->waiting || (c->streaming && !have_buffer(c))) {
        return false;
    }
    char *to;
    const char *p;
    size_t cap, n, used = 0;
    bool end;
    read_target(c, &to, &cap);
    if (!next_bytes(c, to, cap, &p, &n, &end)) {
        if (end) {
            net_conn_fault(c, (struct net_fault){400, "the body broke off"});
            return true;
        }
        if (c->streaming && net_task_pieces(c->task) == 0) {
            hand_over(c); /* the sink has nothing to do: give what there is */
        }
        return false;
    }
    size_t take =
        c->streaming && n > NET_CHUNK - c->fill.n ? NET_CHUNK - c->fill.n : n;
    enum net_event ev = net_parser_feed(&c->parser, p, take, &used);
    if (ev == NET_EV_BAD || c->too_big) {
        net_conn_fault(c, c->too_big
                              ? (struct net_fault){413, "the body is too large"}
                              : c->parser.fault);
        return true;
    }
    keep_rest(c, p, n, used);
    if (ev == NET_EV_DONE) {
        body_done(c);
    } else if (c->streaming && c->fill.n == NET_CHUNK) {
        hand_over(c);
    }
    return true;
}
