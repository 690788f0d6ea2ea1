/*
 * stream_test.c - bodies that stream into a sink: refusal before the first
 * byte, back-pressure, parked sinks, early answers, clients that leave.
 */
#include "net/testing.h"

#include "base/enc.h"
#include "base/mem.h"
#include "base/sha256.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT (64u << 20)

/* --- the application ------------------------------------------------------ */

struct upload {
    struct wh_sha256 hash;
    uint64_t n;
    size_t largest;
    bool big; /* a piece was larger than NET_CHUNK, or empty */
    _Atomic int inside;
};

static _Atomic int data_calls, gone_calls, overlaps, handled;
static struct net_req *_Atomic parked; /* the request that waits for us */

static void hash_done(void *p)
{
    wh_sha256_done(p);
}

static void take_data(struct net_req *r, void *ctx, struct wh_str piece)
{
    struct upload *u = ctx;
    (void)r;
    if (++u->inside > 1) {
        overlaps++;
    }
    wh_sha256_add(&u->hash, piece.p, piece.n);
    u->n += piece.n;
    u->big = u->big || piece.n == 0 || piece.n > NET_CHUNK;
    data_calls++;
    u->inside--;
}

static void say_digest(struct net_req *r, void *ctx)
{
    struct upload *u = ctx;
    uint8_t digest[WH_SHA256_LEN];
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_get(&u->hash, digest);
    wh_hex_enc(digest, sizeof digest, hex);
    net_answer(r, u->big ? 500 : 200);
    net_answer_bytes(
        r, wh_arena_fmt(r->arena, "%llu %s", (unsigned long long)u->n, hex));
    net_answer_send(r);
}

static void count_gone(struct net_req *r, void *ctx)
{
    (void)r;
    (void)ctx;
    gone_calls++;
}

static struct upload *new_upload(struct net_req *r)
{
    struct upload *u = WH_NEW(r->arena, struct upload);
    wh_sha256_init(&u->hash);
    wh_arena_defer(r->arena, hash_done, &u->hash);
    handled++;
    return u;
}

static void take(struct net_req *r)
{
    static const struct net_sink sink = {take_data, say_digest, count_gone};
    net_stream(r, &sink, new_upload(r));
}

static void refuse(struct net_req *r)
{
    handled++;
    net_answer_fault(r, 401, "who are you");
}

/* Parks in every piece; somebody else resumes it. */
static void park_data(struct net_req *r, void *ctx, struct wh_str piece)
{
    take_data(r, ctx, piece);
    net_park(r);
    parked = r;
}

static void take_stalling(struct net_req *r)
{
    static const struct net_sink sink = {park_data, say_digest, count_gone};
    net_stream(r, &sink, new_upload(r));
}

/* Enough after the first piece. */
static void enough(struct net_req *r, void *ctx, struct wh_str piece)
{
    take_data(r, ctx, piece);
    net_answer_fault(r, 409, "enough");
}

static void take_first(struct net_req *r)
{
    static const struct net_sink sink = {enough, say_digest, count_gone};
    net_stream(r, &sink, new_upload(r));
}

/* Decides somewhere else whether to take the body. */
static void take_after_park(struct net_req *r)
{
    net_park(r);
    assert_true(net_resume(r, take));
}

static void park_at_end(struct net_req *r, void *ctx)
{
    struct upload *u = ctx;
    net_park(r);
    r->user = u;
    parked = r;
}

static void take_park_end(struct net_req *r)
{
    static const struct net_sink sink = {take_data, park_at_end, count_gone};
    net_stream(r, &sink, new_upload(r));
}

static void answer_parked(struct net_req *r)
{
    say_digest(r, r->user);
}

static void nothing(struct net_req *r, void *ctx)
{
    (void)r;
    (void)ctx;
}

static void take_forget(struct net_req *r)
{
    static const struct net_sink sink = {take_data, nothing, count_gone};
    net_stream(r, &sink, new_upload(r));
}

static const struct {
    const char *path;
    void (*handle)(struct net_req *r);
} routes[] = {
    {"/take", take},
    {"/refuse", refuse},
    {"/stall", take_stalling},
    {"/first", take_first},
    {"/later", take_after_park},
    {"/parkend", take_park_end},
    {"/forget", take_forget},
};

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    (void)app;
    p->body = NET_BODY_STREAM;
    p->limit = LIMIT;
    p->handle = take;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (wh_str_is(r->path, routes[i].path)) {
            p->handle = routes[i].handle;
        }
    }
}

/* Faults in the language of this application. */
static void say_fault(void *app, const struct net_req *r,
                      struct net_fault fault, struct wh_buf *out,
                      const char **type)
{
    (void)app;
    wh_buf_fmt(out, "<%d %s %.*s>", fault.status, fault.message,
               r != NULL ? (int)r->path.n : 0, r != NULL ? r->path.p : "");
    *type = "text/fault";
}

static struct test_server server;

static int up(void **state)
{
    (void)state;
    struct net_conf conf = {.loops = 2,
                            .workers = 4,
                            .limits = net_limits_default(),
                            .plan = plan,
                            .fault = say_fault};
    conf.limits.linger_ms = 300;
    test_server_up(&server, &conf);
    return 0;
}

static int down(void **state)
{
    (void)state;
    assert_int_equal(overlaps, 0);
    test_server_down(&server, 1000);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    data_calls = gone_calls = handled = 0;
    parked = NULL;
    return 0;
}

static int settled(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        if (net_server_stats(server.srv).buffers == 0) {
            return 0;
        }
        usleep(1000);
    }
    fail_msg("buffers are still out");
    return 1;
}

/* --- the client ----------------------------------------------------------- */

static char *make_body(size_t n)
{
    char *p = wh_alloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        p[i] = (char)((i * 31 + (i >> 8)) & 0xff);
    }
    return p;
}

static void start(int fd, const char *path, size_t n, const char *more)
{
    char head[300];
    snprintf(head, sizeof head,
             "PUT %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s\r\n",
             path, n, more);
    test_say(fd, head);
}

static void expect_digest(int fd, const char *body, size_t n)
{
    char hex[WH_SHA256_HEX + 1], want[100], *got;
    int status;
    size_t got_n;
    wh_sha256_hex_of(wh_str_mem(body, n), hex);
    snprintf(want, sizeof want, "%zu %s", n, hex);
    char *head = test_read_answer(fd, false, &status, &got, &got_n);
    assert_int_equal(status, 200);
    assert_string_equal(got, want);
    wh_free(head);
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,      1,      65535,  65536,  262143,
                                   262144, 262145, 786432, 5000001};
    static const char *const paths[] = {"/take", "/later"};
    int fd = test_connect(&server);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *body = make_body(sizes[i]);
        for (size_t k = 0; k < 2; k++) {
            start(fd, paths[k], sizes[i], "");
            test_send(fd, body, sizes[i]);
            expect_digest(fd, body, sizes[i]);
        }
        wh_free(body);
    }
    close(fd);
}

static void test_chunked(void **state)
{
    (void)state;
    static const size_t chunks[] = {1, 7, 4096, 70000, 1000000};
    int fd = test_connect(&server);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        size_t n = chunks[i] < 10 ? 3000 : 3000000;
        char *body = make_body(n);
        test_say(fd, "PUT /take HTTP/1.1\r\nHost: h\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < n; at += chunks[i]) {
            char line[32];
            size_t part = n - at < chunks[i] ? n - at : chunks[i];
            snprintf(line, sizeof line, "%zx\r\n", part);
            test_say(fd, line);
            test_send(fd, body + at, part);
            test_say(fd, "\r\n");
        }
        test_say(fd, "0\r\n\r\n");
        expect_digest(fd, body, n);
        wh_free(body);
    }
    close(fd);
}

/* A body and the next request in one write. */
static void test_pipelined(void **state)
{
    (void)state;
    char *body = make_body(300000), text[200];
    struct wh_buf b;
    wh_buf_init(&b, 4 << 20);
    for (int i = 0; i < 4; i++) {
        bool chunked = i % 2 == 1;
        snprintf(text, sizeof text, "PUT /take HTTP/1.1\r\nHost: h\r\n%s\r\n",
                 chunked ? "Transfer-Encoding: chunked\r\n"
                         : "Content-Length: 300000\r\n");
        wh_buf_cstr(&b, text);
        wh_buf_cstr(&b, chunked ? "493e0\r\n" : "");
        wh_buf_mem(&b, body, 300000);
        wh_buf_cstr(&b, chunked ? "\r\n0\r\n\r\n" : "");
    }
    int fd = test_connect(&server);
    test_send(fd, b.p, b.n);
    for (int i = 0; i < 4; i++) {
        expect_digest(fd, body, 300000);
    }
    wh_buf_done(&b);
    wh_free(body);
    close(fd);
}

/* The answer comes although no byte of the body was sent, and no "continue". */
static void test_refused_first(void **state)
{
    (void)state;
    const char *more[] = {"", "Expect: 100-continue\r\n"};
    for (size_t i = 0; i < 2; i++) {
        int fd = test_connect(&server);
        start(fd, "/refuse", 1000000, more[i]);
        char *all = test_read_all(fd, NULL, NULL);
        assert_memory_equal(all, "HTTP/1.1 401 ", 13);
        assert_non_null(strstr(all, "Connection: close\r\n"));
        wh_free(all);
        close(fd);
    }
    assert_int_equal(handled, 2);
}

/* Over the limit: refused by the head, the handler does not even run. */
static void test_over_limit(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    start(fd, "/take", LIMIT + 1, "Expect: 100-continue\r\n");
    char *all = test_read_all(fd, NULL, NULL);
    assert_memory_equal(all, "HTTP/1.1 413 ", 13);
    assert_non_null(strstr(all, "\r\nContent-Type: text/fault\r\n"));
    assert_non_null(strstr(all, "<413 the body is too large /take>"));
    wh_free(all);
    close(fd);
    fd = test_connect(&server);
    test_say(fd, "nonsense\r\n\r\n");
    all = test_read_all(fd, NULL, NULL);
    assert_non_null(strstr(all, "<501 this method is not served here >"));
    wh_free(all);
    close(fd);
    assert_int_equal(handled, 0);
}

static void test_continue(void **state)
{
    (void)state;
    char *body = make_body(1000), *got;
    size_t n;
    int fd = test_connect(&server), status;
    start(fd, "/take", 1000, "Expect: 100-continue\r\n");
    char *head = test_read_answer(fd, true, &status, &got, &n);
    assert_int_equal(status, 100);
    assert_int_equal(handled, 1);
    wh_free(head);
    test_send(fd, body, 1000);
    expect_digest(fd, body, 1000);
    wh_free(body);
    close(fd);
}

static void wait_parked(void)
{
    for (int i = 0; i < 10000 && parked == NULL; i++) {
        usleep(1000);
    }
    assert_non_null(parked);
}

/* Send without blocking until the socket takes nothing for a while. */
static size_t push_all(int fd, const char *body, size_t n)
{
    size_t sent = 0;
    for (int idle = 0; idle < 20 && sent < n;) {
        ssize_t put =
            send(fd, body + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) {
            sent += (size_t)put;
            idle = 0;
        } else {
            idle++;
            usleep(10000);
        }
    }
    return sent;
}

/* While the sink waits, what was accepted is bounded by its two pieces and the
 * kernel's buffers; then it all arrives. */
static void test_back_pressure(void **state)
{
    (void)state;
    size_t n = 40u << 20;
    char *body = make_body(n);
    int fd = test_connect(&server), small = 65536;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    uint64_t before = net_server_stats(server.srv).bytes_in;
    start(fd, "/stall", n, "");
    size_t sent = push_all(fd, body, n);
    wait_parked();
    assert_true(sent < n);
    uint64_t taken = net_server_stats(server.srv).bytes_in - before;
    assert_true(taken <= 2 * NET_CHUNK + 65536);
    assert_int_equal(net_server_stats(server.srv).buffers, 2);
    assert_int_equal(data_calls, 1);
    assert_int_equal(net_server_stats(server.srv).parked, 1);
    for (int unread = 0; unread == 0;) {
        struct net_req *r = parked;
        if (r != NULL) {
            parked = NULL;
            assert_true(net_resume(r, NULL));
        }
        ssize_t put = sent == n ? 0
                                : send(fd, body + sent, n - sent,
                                       MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += put > 0 ? (size_t)put : 0;
        if (r == NULL && put <= 0) {
            usleep(200);
        }
        ioctl(fd, FIONREAD, &unread);
    }
    expect_digest(fd, body, n);
    wh_free(body);
    close(fd);
}

/* A stalled sink holds no worker: four workers, ten stalled uploads, and an
 * eleventh request is answered. */
static void test_stalled_hold_no_worker(void **state)
{
    (void)state;
    enum { COUNT = 10 };
    int fds[COUNT];
    struct net_req *held[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = test_connect(&server);
        start(fds[i], "/stall", 1000, "");
        test_say(fds[i], "some bytes");
        wait_parked();
        held[i] = parked;
        parked = NULL;
    }
    assert_int_equal(test_get(&server, "/refuse"), 401);
    for (int i = 0; i < COUNT; i++) {
        close(fds[i]);
    }
    test_wait(&gone_calls, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_false(net_resume(held[i], NULL));
    }
}

static void test_early_answer(void **state)
{
    (void)state;
    size_t n = 10u << 20;
    char *body = make_body(n);
    int fd = test_connect(&server);
    start(fd, "/first", n, "");
    test_send(fd, body, 300000);
    char *all = test_read_all(fd, NULL, NULL);
    assert_memory_equal(all, "HTTP/1.1 409 ", 13);
    assert_int_equal(data_calls, 1);
    assert_int_equal(gone_calls, 0);
    wh_free(all);
    wh_free(body);
    close(fd);
}

static void test_parked_end(void **state)
{
    (void)state;
    char *body = make_body(5000);
    int fd = test_connect(&server);
    start(fd, "/parkend", 5000, "");
    test_send(fd, body, 5000);
    wait_parked();
    assert_true(net_resume(parked, answer_parked));
    expect_digest(fd, body, 5000);
    wh_free(body);
    close(fd);
}

static void test_forgotten_end(void **state)
{
    (void)state;
    int fd = test_connect(&server), status;
    char *got;
    size_t n;
    start(fd, "/forget", 3, "");
    test_say(fd, "abc");
    char *head = test_read_answer(fd, false, &status, &got, &n);
    assert_int_equal(status, 500);
    wh_free(head);
    close(fd);
}

/* However the client leaves, gone is called once and the end never. */
static void test_client_leaves(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        fresh(NULL);
        int fd = test_connect(&server);
        start(fd, "/take", 1000000, "");
        test_say(fd, "a few bytes");
        test_wait(&data_calls, 1);
        if (how == 0) {
            close(fd);
        } else if (how == 1) {
            struct linger hard = {1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
            close(fd);
        } else {
            shutdown(fd, SHUT_WR);
            char *all = test_read_all(fd, NULL, NULL);
            assert_memory_equal(all, "HTTP/1.1 400 ", 13);
            wh_free(all);
            close(fd);
        }
        test_wait(&gone_calls, 1);
        assert_int_equal(gone_calls, 1);
    }
}

static void test_malformed_middle(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    test_say(fd, "PUT /take HTTP/1.1\r\nHost: h\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    test_wait(&data_calls, 1);
    test_say(fd, "zz\r\n");
    char *all = test_read_all(fd, NULL, NULL);
    assert_memory_equal(all, "HTTP/1.1 400 ", 13);
    test_wait(&gone_calls, 1);
    wh_free(all);
    close(fd);
}

struct crowd {
    size_t n;
    int rounds;
};

static void *upload_many(void *arg)
{
    struct crowd *c = arg;
    char *body = make_body(c->n);
    int fd = test_connect(&server);
    for (int i = 0; i < c->rounds; i++) {
        start(fd, i % 2 == 0 ? "/take" : "/later", c->n, "");
        test_send(fd, body, c->n);
        expect_digest(fd, body, c->n);
    }
    close(fd);
    wh_free(body);
    return NULL;
}

static void test_crowd(void **state)
{
    (void)state;
    pthread_t ids[8];
    struct crowd crowd[8];
    for (size_t i = 0; i < 8; i++) {
        crowd[i] = (struct crowd){100000 * (i + 1) + i, 6};
        assert_int_equal(pthread_create(&ids[i], NULL, upload_many, &crowd[i]),
                         0);
    }
    for (size_t i = 0; i < 8; i++) {
        pthread_join(ids[i], NULL);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, settled)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sizes),
        TEST(test_chunked),
        TEST(test_pipelined),
        TEST(test_refused_first),
        TEST(test_over_limit),
        TEST(test_continue),
        TEST(test_back_pressure),
        TEST(test_stalled_hold_no_worker),
        TEST(test_early_answer),
        TEST(test_parked_end),
        TEST(test_forgotten_end),
        TEST(test_client_leaves),
        TEST(test_malformed_middle),
        TEST(test_crowd),
    };
    return cmocka_run_group_tests_name("net/stream", tests, up, down);
}
