/*
 * conn_send.c - writing: an answer's head, then its bytes, its file or what its
 * pull source brings.
 */
#include "net/conn.h"

#include "base/log.h"

#include <stdio.h>
#include <sys/socket.h>

/* One connection sends at most this much before the others of its loop. */
#define SLICE 1048576U
#define SLICES 2

/* --- the head ------------------------------------------------------------- */

static void put_length(struct net_conn *c, const struct net_out *o,
                       struct wh_buf *b)
{
    bool none = !net_status_has_body(o->status);
    uint64_t length = o->kind == NET_OUT_BYTES ? o->body.n : o->length;
    c->pull_chunked = false;
    if (o->has_length) {
        length = o->length;
    } else if (none) {
        return;
    }
    if (length != NET_CHUNKED) {
        wh_buf_fmt(b, "Content-Length: %llu\r\n", (unsigned long long)length);
    } else if (c->parser.http10) {
        c->keep = false; /* the end of the connection is the end of the body */
    } else {
        c->pull_chunked = true;
        wh_buf_cstr(b, "Transfer-Encoding: chunked\r\n");
    }
}

void net_conn_head(struct net_conn *c, struct wh_buf *b)
{
    const struct net_out *o = c->out;
    wh_buf_fmt(b,
               "HTTP/1.1 %d %s\r\nServer: weighhouse\r\nDate: %s\r\n"
               "X-Request-Id: %s\r\n",
               o->status, net_status_text(o->status),
               net_loop_date(c->sock.loop), c->task->pub.id);
    if (c->sock.tls != NULL) {
        wh_buf_cstr(b, "Strict-Transport-Security: max-age=31536000\r\n");
    }
    wh_buf_add(b, wh_buf_str(&o->lines));
    put_length(c, o, b);
    if (!c->keep) {
        wh_buf_cstr(b, "Connection: close\r\n");
    } else if (c->parser.http10) {
        wh_buf_cstr(b, "Connection: keep-alive\r\n");
    }
    wh_buf_cstr(b, "\r\n");
    wh_assert(!b->over);
}

/* Links that open something for whoever has them name 32 random bytes, in
 * base64url. */
#define SECRET_LEN 43
#define LOGGED_MAX 128

static bool is_secret(struct wh_str segment)
{
    bool all = segment.n == SECRET_LEN;

    for (size_t i = 0; all && i < segment.n; i++) {
        char b = segment.p[i];
        all = (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
              (b >= '0' && b <= '9') || b == '-' || b == '_';
    }
    return all;
}

/* The path for the log, whose readers are not those whom a link is for. */
static struct wh_str logged_path(struct wh_str path, char out[LOGGED_MAX])
{
    struct wh_str rest = path, segment;

    while (rest.n > 0) {
        (void)wh_str_cut(&rest, '/', &segment);
        if (is_secret(segment)) {
            size_t at = (size_t)(segment.p - path.p);
            int n = snprintf(out, LOGGED_MAX, "%.*s***%s%.*s",
                             WH_FMT(wh_str_sub(path, 0, at < 48 ? at : 48)),
                             rest.n > 0 ? "/" : "",
                             WH_FMT(wh_str_sub(rest, 0, 48)));
            return wh_str_mem(out, (size_t)n);
        }
    }
    return path;
}

static void log_request(const struct net_conn *c, const char *cut)
{
    char path[LOGGED_MAX];
    const struct net_req *r = &c->task->pub;
    int64_t us = c->sock.loop->now_us - c->task->began_us;
    uint64_t body = c->written > c->head_bytes ? c->written - c->head_bytes : 0;
    bool head = c->parser.head != NULL && !c->parser.in_head;
    wh_log(WH_INFO, "http.request",
           "id=%s method=%s path=%s status=%d bytes=%llu ms=%lld.%03lld%s%s",
           r->id, head ? net_method_name(r->method) : "-",
           head ? wh_log_q(logged_path(r->path, path)) : "-",
           c->out != NULL ? c->out->status : 0, (unsigned long long)body,
           (long long)(us / 1000), (long long)(us % 1000),
           cut != NULL ? " cut=" : "",
           cut != NULL ? wh_log_q(wh_str_of(cut)) : "");
    if (c->srv->conf.over != NULL) {
        c->srv->conf.over(c->srv->conf.app, r,
                          c->out != NULL ? c->out->status : 0, body, us);
    }
}

/* --- what is to be written ------------------------------------------------ */

static void push(struct net_conn *c, const void *p, size_t n)
{
    if (c->vec_at == c->vec_n) {
        c->vec_at = c->vec_n = 0;
    }
    if (n > 0) {
        wh_assert(c->vec_n < sizeof c->vec / sizeof *c->vec);
        c->vec[c->vec_n++] = (struct iovec){(void *)(uintptr_t)p, n};
    }
}

static void wrote(struct net_conn *c, size_t n)
{
    c->written += n;
    c->srv->bytes_out += n;
    while (n > 0) {
        struct iovec *v = &c->vec[c->vec_at];
        size_t part = n < v->iov_len ? n : v->iov_len;
        v->iov_base = (char *)v->iov_base + part;
        v->iov_len -= part;
        n -= part;
        c->vec_at += v->iov_len == 0;
    }
}

static enum net_io send_vec(struct net_conn *c)
{
    size_t n = 0;
    enum net_io io = net_sock_write(&c->sock, &c->vec[c->vec_at],
                                    c->vec_n - c->vec_at, c->file_left > 0, &n);
    if (io == NET_IO_OK) {
        wrote(c, n);
    }
    return io;
}

static enum net_io send_file(struct net_conn *c)
{
    size_t n = 0, len = c->file_left < SLICE ? (size_t)c->file_left : SLICE;
    enum net_io io =
        net_sock_sendfile(&c->sock, c->out->fd, &c->out->off, len, &n);
    if (io == NET_IO_OK) {
        c->file_left -= n;
        c->written += n;
        c->srv->bytes_out += n;
    }
    return io;
}

static bool body_wanted(const struct net_conn *c)
{
    return c->task->pub.method != NET_HEAD &&
           net_status_has_body(c->out->status);
}

/* --- public (to conn.c) --------------------------------------------------- */

void net_conn_answer(struct net_conn *c)
{
    const struct net_out *o = c->out;
    c->keep =
        c->parser.complete && c->parser.keep_alive && !o->close && !c->stopping;
    net_pool_give(&c->srv->pool, &c->fill.p);
    c->fill.n = 0;
    if (o->kind == NET_OUT_LIVE) {
        net_conn_live(c);
        return;
    }
    wh_buf_reset(&c->head);
    net_conn_head(c, &c->head);
    c->vec_at = c->vec_n = 0;
    c->written = c->mark = c->pull_n = c->file_left = 0;
    c->head_bytes = c->head.n;
    c->pull_asked = false;
    c->pull_end = true;
    push(c, c->head.p, c->head.n);
    if (body_wanted(c)) {
        if (o->kind == NET_OUT_BYTES) {
            push(c, o->body.p, o->body.n);
        } else if (o->kind == NET_OUT_FILE) {
            c->file_left = o->length;
        } else {
            c->pull_end = o->length == 0;
        }
    }
    c->state = NET_ST_WRITE;
    net_conn_deadline(c, c->srv->conf.limits.write_window_ms);
}

void net_conn_fault(struct net_conn *c, struct net_fault fault)
{
    struct net_task *t = c->task;
    wh_assert(t != NULL);
    bool head = !c->parser.in_head;
    c->srv->faults++;
    net_out_free(&c->out);
    c->out = net_out_new(fault.status, c->srv->conf.limits.answer_bytes);
    c->out->close = true;
    net_out_fault(c->out, &c->srv->conf, head ? &t->pub : NULL, fault);
    net_conn_answer(c);
    log_request(c, NULL);
    net_conn_drop_request(c, false);
}

void net_conn_cut(struct net_conn *c, const char *why)
{
    if (c->task != NULL) {
        log_request(c, why);
    }
    net_conn_live_over(c, false);
    net_out_free(&c->out);
    net_conn_drop_request(c, false);
    net_sock_close(&c->sock, true);
}

void net_conn_next(struct net_conn *c)
{
    if (c->task != NULL) {
        log_request(c, NULL);
    }
    net_out_free(&c->out);
    net_conn_drop_request(c, true);
    wh_buf_done(&c->head);
    wh_buf_init(&c->head, NET_ANSWER_HEAD);
    if (c->keep && !c->stopping) {
        c->state = NET_ST_IDLE;
        net_conn_deadline(c, c->srv->conf.limits.idle_ms);
        return;
    }
    net_sock_finish(&c->sock);
    c->state = NET_ST_LINGER;
    c->mark = 0;
    net_conn_deadline(c, c->srv->conf.limits.linger_ms);
}

/* Send what is ready; at the end of everything, go on to the next request. */
static bool send_next(struct net_conn *c, enum net_io *io)
{
    *io = NET_IO_OK;
    if (c->vec_at < c->vec_n) {
        *io = send_vec(c);
    } else if (c->file_left > 0) {
        *io = send_file(c);
    } else if (c->pull_end) {
        net_conn_next(c);
        return false;
    } else {
        net_pool_give(&c->srv->pool, &c->pull.p);
        if (!c->pull_asked) {
            c->pull_asked = true;
            net_task_want_pull(c->task);
        }
        return false;
    }
    return *io == NET_IO_OK;
}

bool net_conn_send(struct net_conn *c)
{
    if (c->sock.broken || (c->sock.peer_done && c->task != NULL &&
                           net_task_wants_gone(c->task))) {
        net_conn_cut(c, "gone");
        return false;
    }
    for (unsigned i = 0; i < SLICES; i++) {
        enum net_io io;
        bool pending = c->vec_at < c->vec_n || c->file_left > 0;
        if (pending && !c->sock.can_write) {
            return false;
        }
        if (!send_next(c, &io)) {
            if (io == NET_IO_BAD) {
                net_conn_cut(c, "write");
            }
            return c->state != NET_ST_WRITE;
        }
    }
    net_sock_again(&c->sock);
    return false;
}

void net_conn_pulled(struct net_conn *c)
{
    wh_assert(c->pull_asked && c->pull.p == NULL);
    enum net_pull_result res = net_task_pulled(c->task, &c->pull);
    uint64_t length = c->out->length;
    c->pull_asked = false;
    c->pull_n += c->pull.n;
    c->pull_end = res == NET_PULL_END;
    bool wrong = length != NET_CHUNKED &&
                 (c->pull_n > length || (c->pull_end && c->pull_n < length));
    if (res == NET_PULL_FAIL || wrong) {
        net_conn_cut(c, wrong ? "pull source of wrong length" : "pull failed");
        return;
    }
    if (c->pull_chunked && c->pull.n > 0) {
        int n = snprintf(c->frame, sizeof c->frame, "%zx\r\n", c->pull.n);
        push(c, c->frame, (size_t)n);
    }
    push(c, c->pull.p, c->pull.n);
    if (c->pull_chunked) {
        struct wh_str tail = c->pull_end ? WH_S("\r\n0\r\n\r\n") : WH_S("\r\n");
        size_t skip = c->pull.n == 0 ? 2 : 0; /* no chunk to be closed */
        push(c, tail.p + skip, tail.n - skip);
    }
    if (c->pull_n == length) {
        c->pull_end = true;
    }
}
