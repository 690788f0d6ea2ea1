/*
 * exam_ask.c - a small client of HTTP, whose memory is its own and is
 * overwritten after each answer. net/fetch.h keeps what it reads in places that
 * nobody can wipe.
 */
#include "gateway/exam_ask.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"
#include "gateway/grade.h"
#include "net/parse.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define WAIT_MS 200 /* how often `stop` is looked at */
#define HEAD_MAX ((size_t)65536)
#define HEAD_LINES 100

struct gateway_asker {
    struct gateway_ear ear;
    struct net_parser parser;
    struct net_head head;
    struct wh_buf request;
    char raw[16384];
    char body[GATEWAY_EXAM_ANSWER_MAX];
    size_t body_n;
    bool over;
};

static void on_body(void *ctx, const char *p, size_t n)
{
    struct gateway_asker *a = ctx;

    if (n > sizeof a->body - a->body_n) {
        a->over = true;
        return;
    }
    memcpy(a->body + a->body_n, p, n);
    a->body_n += n;
}

struct gateway_asker *gateway_asker_new(void)
{
    struct gateway_asker *a = wh_alloc(sizeof *a);

    gateway_ear_init(&a->ear);
    wh_buf_init(&a->request, (size_t)1 << 20);
    return a;
}

static void wipe(struct gateway_asker *a)
{
    wh_wipe(a->raw, sizeof a->raw);
    wh_wipe(a->body, a->body_n);
    wh_wipe(a->ear.scratch.p, a->ear.scratch.n);
    wh_wipe(a->ear.pull.text.p, a->ear.pull.text.n);
    wh_wipe(a->request.p, a->request.n);
    wh_buf_reset(&a->request);
    a->body_n = 0;
}

void gateway_asker_free(struct gateway_asker **asker)
{
    struct gateway_asker *a = *asker;

    if (a == NULL) {
        return;
    }
    *asker = NULL;
    wipe(a);
    gateway_ear_done(&a->ear);
    wh_buf_done(&a->request);
    wh_wipe(a, sizeof *a);
    wh_free(a);
}

/* ---- the wire ---- */

static void write_request(struct gateway_asker *a,
                          const struct gateway_question *q)
{
    struct wh_buf body;

    wh_buf_init(&body, (size_t)1 << 20);
    wh_buf_cstr(&body, "{\"model\":");
    wh_buf_json(&body, q->model);
    wh_buf_cstr(&body, ",\"messages\":[{\"role\":\"user\",\"content\":");
    wh_buf_json(&body, q->text);
    wh_buf_fmt(&body,
               "}],\"max_tokens\":%u,\"temperature\":0,\"seed\":%llu,"
               "\"stream\":false}",
               q->max_tokens, (unsigned long long)q->seed);
    wh_buf_fmt(&a->request,
               "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: application/json\r\nConnection: close\r\n"
               "Content-Length: %zu\r\n",
               body.n);
    if (q->token.n > 0) {
        wh_buf_fmt(&a->request, "Authorization: Bearer %.*s\r\n",
                   WH_FMT(q->token));
    }
    wh_buf_cstr(&a->request, "\r\n");
    wh_buf_add(&a->request, wh_buf_str(&body));
    wh_wipe(body.p, body.n);
    wh_buf_done(&body);
}

/* Until the socket is ready. */
static bool wait_for(const struct gateway_question *q, short what,
                     struct wh_err *err)
{
    struct pollfd p = {.fd = q->fd, .events = what};

    while (true) {
        if (*q->stop) {
            return wh_fail(err, WH_UNAVAILABLE, "the exam was stopped");
        }
        if (wh_mono_us() > q->deadline) {
            return wh_fail(err, WH_TIMEOUT,
                           "the engine did not answer in time");
        }
        int n = poll(&p, 1, WAIT_MS);
        if (n > 0) {
            return true;
        }
        if (n < 0 && errno != EINTR) {
            return wh_fail_errno(err, WH_OUTSIDE, "waiting for the engine");
        }
    }
}

static bool send_all(struct gateway_asker *a, const struct gateway_question *q,
                     struct wh_err *err)
{
    struct wh_str rest = wh_buf_str(&a->request);

    while (rest.n > 0) {
        ssize_t n = send(q->fd, rest.p, rest.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            rest = wh_str_sub(rest, (size_t)n, rest.n);
        } else if (errno == EAGAIN || errno == ENOTCONN) {
            if (!wait_for(q, POLLOUT, err)) {
                return false;
            }
        } else if (errno != EINTR) {
            return wh_fail_errno(err, WH_OUTSIDE, "asking the engine");
        }
    }
    return true;
}

/* Everything that came so far; *done: the answer is complete. */
static bool take(struct gateway_asker *a, size_t n, bool *done,
                 struct wh_err *err)
{
    for (size_t at = 0; at < n && !*done;) {
        size_t used = 0;
        enum net_event ev =
            net_parser_feed(&a->parser, a->raw + at, n - at, &used);
        at += used;
        if (ev == NET_EV_BAD || a->over) {
            return wh_fail(err, WH_OUTSIDE,
                           "the engine's answer can not be "
                           "read");
        }
        *done = ev == NET_EV_DONE || (ev == NET_EV_HEAD && a->parser.complete);
        if (ev == NET_EV_MORE) {
            return true;
        }
    }
    return true;
}

static bool receive(struct gateway_asker *a, const struct gateway_question *q,
                    struct wh_err *err)
{
    bool done = false;

    while (!done) {
        ssize_t n = recv(q->fd, a->raw, sizeof a->raw, MSG_DONTWAIT);
        if (n > 0) {
            if (!take(a, (size_t)n, &done, err)) {
                return false;
            }
        } else if (n == 0) {
            return net_parser_eof(&a->parser) == NET_EV_DONE ||
                   wh_fail(err, WH_OUTSIDE, "the engine ended in the middle");
        } else if (errno == EAGAIN) {
            if (!wait_for(q, POLLIN, err)) {
                return false;
            }
        } else if (errno != EINTR) {
            return wh_fail_errno(err, WH_OUTSIDE, "the engine's answer");
        }
    }
    return true;
}

/* ---- what it says ---- */

static bool is_house(const struct gateway_question *q)
{
    return q->token.n > 0;
}

/* What a failure means: only the house's own words are believed. */
static enum gateway_reply judge_failure(struct gateway_asker *a,
                                        const struct gateway_question *q,
                                        struct wh_err *err)
{
    int status = a->parser.status;
    struct wh_str body = wh_str_mem(a->body, a->body_n);
    bool kept = wh_str_find_str(body, WH_S("\"code\":\"content_filter\"")) !=
                    SIZE_MAX ||
                wh_str_find_str(body, WH_S("\"code\":\"policy_violation\"")) !=
                    SIZE_MAX;

    if (is_house(q) && status == 400 && kept) {
        return GATEWAY_KEPT;
    }
    if (status == 429 || status >= 500) {
        (void)wh_fail(err, WH_OUTSIDE, "%s answers with status %d",
                      is_house(q) ? "the gateway" : "the engine", status);
        return GATEWAY_AGAIN;
    }
    (void)wh_fail(err, WH_OUTSIDE, "%s does not take the question: status %d",
                  is_house(q) ? "the gateway" : "the engine", status);
    return GATEWAY_ENDED;
}

static enum gateway_reply judge(struct gateway_asker *a,
                                const struct gateway_question *q,
                                struct wh_err *err)
{
    const struct gateway_heard *h = &a->ear.heard;
    struct wh_str said = WH_S("");

    if (a->parser.status != 200) {
        return judge_failure(a, q, err);
    }
    if (!gateway_ear_hear(&a->ear, wh_str_mem(a->body, a->body_n), 1, false) ||
        h->is_error || h->n_choices != 1) {
        (void)wh_fail(err, WH_OUTSIDE, "the engine's answer can not be read");
        return GATEWAY_AGAIN;
    }
    if (is_house(q) && h->choices[0].finish == GATEWAY_FILTERED) {
        return GATEWAY_KEPT;
    }
    for (size_t i = 0; i < h->n_texts; i++) {
        if (h->texts[i].field == GATEWAY_REFUSED && h->texts[i].n > 0) {
            return GATEWAY_REFUSES;
        }
        if (h->texts[i].field == GATEWAY_CONTENT) {
            said = gateway_ear_text(&a->ear, h->texts[i].from, h->texts[i].n);
        }
    }
    return gateway_grade_refuses(said) ? GATEWAY_REFUSES : GATEWAY_ANSWERED;
}

enum gateway_reply gateway_asker_ask(struct gateway_asker *a,
                                     const struct gateway_question *q,
                                     struct wh_err *err)
{
    enum gateway_reply reply = GATEWAY_AGAIN;
    int fd = q->fd;

    a->over = false;
    a->body_n = 0;
    net_head_init(&a->head, HEAD_MAX, HEAD_LINES, 0);
    net_parser_init(&a->parser, NET_RESPONSE, HEAD_MAX, on_body, a);
    net_parser_begin(&a->parser, &a->head);
    write_request(a, q);
    if (send_all(a, q, err) && receive(a, q, err)) {
        reply = judge(a, q, err);
    }
    wipe(a);
    net_head_done(&a->head);
    wh_fd_close(&fd);
    return reply;
}
