/*
 * server_test.c - requests and answers through a real server: methods, bodies,
 * files, pull sources, pipelining, keep-alive, faults.
 */
#include "net/testing.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const char pattern[] = "0123456789abcdef";

/* --- handlers ------------------------------------------------------------- */

static void say_hello(struct net_req *r)
{
    net_answer(r, 200);
    net_answer_header(r, "Content-Type", WH_S("text/plain"));
    net_answer_bytes(r, WH_S("hello "));
    net_answer_bytes(r, r->path);
    net_answer_send(r);
}

/* Says back what arrived: method, query, host, body. */
static void echo(struct net_req *r)
{
    struct wh_str body = net_req_body(r);
    net_answer(r, 200);
    net_answer_bytes(r, wh_arena_fmt(r->arena, "%s|%.*s|%.*s|%.*s|%.*s",
                                     net_method_name(r->method),
                                     WH_FMT(r->query), WH_FMT(r->host),
                                     WH_FMT(net_req_header(r, "X-Test")),
                                     WH_FMT(body)));
    net_answer_send(r);
}

static int pattern_file(size_t n)
{
    int fd = memfd_create("pattern", MFD_CLOEXEC);
    assert_true(fd >= 0);
    struct wh_err err = {0};
    for (size_t i = 0; i < n; i += 16) {
        assert_true(wh_fd_write(fd, pattern, 16, &err));
    }
    return fd;
}

static void give_file(struct net_req *r)
{
    net_answer(r, 206);
    net_answer_file(r, pattern_file(1 << 20), 3, 500000);
    net_answer_send(r);
}

struct counter {
    size_t left;
    bool known;
};

static _Atomic int pull_done_good, pull_done_bad;

static enum net_pull_result count_down(struct net_req *r, void *ctx, char *buf,
                                       size_t cap, size_t *n)
{
    struct counter *c = ctx;
    (void)r;
    *n = c->left < cap ? c->left : cap;
    for (size_t i = 0; i < *n; i++) {
        buf[i] = pattern[i % 16];
    }
    c->left -= *n;
    return c->left == 0 ? NET_PULL_END : NET_PULL_MORE;
}

static void count_done(struct net_req *r, void *ctx, bool complete)
{
    (void)r;
    (void)ctx;
    if (complete) {
        pull_done_good++;
    } else {
        pull_done_bad++;
    }
}

static const struct net_pull counter_pull = {count_down, count_done};

static void pull_with(struct net_req *r, size_t bring, uint64_t say)
{
    struct counter *c = WH_NEW(r->arena, struct counter);
    c->left = bring;
    net_answer(r, 200);
    net_answer_pull(r, say, &counter_pull, c);
    net_answer_send(r);
}

static void pull_known(struct net_req *r)
{
    pull_with(r, 700000, 700000);
}

static void pull_chunked(struct net_req *r)
{
    pull_with(r, 700000, NET_CHUNKED);
}

static void pull_short(struct net_req *r)
{
    pull_with(r, 1000, 2000);
}

static void pull_long(struct net_req *r)
{
    pull_with(r, 3000, 2000);
}

static void forget(struct net_req *r)
{
    (void)r;
}

static void no_content(struct net_req *r)
{
    net_answer(r, 204);
    net_answer_send(r);
}

static void bad_header(struct net_req *r)
{
    net_answer(r, 200);
    net_answer_header(r, "X-Evil", WH_S("a\r\nSet-Cookie: b"));
    net_answer_send(r);
}

static void close_after(struct net_req *r)
{
    net_answer(r, 200);
    net_answer_close(r);
    net_answer_send(r);
}

static void fault_404(struct net_req *r)
{
    net_answer_fault(r, 404, "no such page");
}

static void length_only(struct net_req *r)
{
    net_answer(r, 200);
    net_answer_length(r, 12345);
    net_answer_send(r);
}

static void too_much(struct net_req *r)
{
    net_answer(r, 200);
    for (int i = 0; i < 40; i++) {
        net_answer_bytes(r, wh_arena_dup(r->arena, WH_S("0123456789")));
    }
    net_answer_send(r);
}

static const struct {
    const char *path;
    enum net_body body;
    uint64_t limit;
    void (*handle)(struct net_req *r);
    bool on_loop;
} routes[] = {
    {"/echo", NET_BODY_BUFFER, 100000, echo, false},
    {"/tiny", NET_BODY_BUFFER, 10, echo, false},
    {"/file", NET_BODY_NONE, 0, give_file, false},
    {"/pull", NET_BODY_NONE, 0, pull_known, false},
    {"/chunked", NET_BODY_NONE, 0, pull_chunked, false},
    {"/short", NET_BODY_NONE, 0, pull_short, false},
    {"/long", NET_BODY_NONE, 0, pull_long, false},
    {"/forget", NET_BODY_NONE, 0, forget, false},
    {"/204", NET_BODY_NONE, 0, no_content, false},
    {"/evil", NET_BODY_NONE, 0, bad_header, false},
    {"/close", NET_BODY_NONE, 0, close_after, false},
    {"/404", NET_BODY_NONE, 0, fault_404, false},
    {"/length", NET_BODY_NONE, 0, length_only, false},
    {"/toomuch", NET_BODY_NONE, 0, too_much, false},
    {"/quick", NET_BODY_NONE, 0, say_hello, true},
};

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    (void)app;
    p->handle = say_hello;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (wh_str_is(r->path, routes[i].path)) {
            p->handle = routes[i].handle;
            p->body = routes[i].body;
            p->limit = routes[i].limit;
            p->on_loop = routes[i].on_loop;
        }
    }
}

static bool host_ok(void *app, struct wh_str host)
{
    (void)app;
    return !wh_str_is(host, "evil.example");
}

static struct test_server server;

static int up(void **state)
{
    (void)state;
    struct net_conf conf = {.loops = 2,
                            .workers = 3,
                            .limits = net_limits_default(),
                            .plan = plan,
                            .host_ok = host_ok};
    conf.limits.answer_bytes = 300;
    conf.limits.linger_ms = 200;
    test_server_up(&server, &conf);
    return 0;
}

static int down(void **state)
{
    (void)state;
    assert_int_equal(net_server_stats(server.srv).buffers, 0);
    test_server_down(&server, 1000);
    return 0;
}

/* --- one request, one answer ---------------------------------------------- */

static const struct {
    const char *request;
    int status;
    const char *head; /* must occur in the head, or null */
    const char *body; /* the whole body, or null: any */
} exchanges[] = {
    {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, "Content-Type: text/plain\r\n",
     "hello /a"},
    {"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n", 200, "Server: weighhouse\r\n",
     "hello /quick"},
    {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, "\r\nDate: ", NULL},
    {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, "\r\nX-Request-Id: ", NULL},
    {"GET /echo?a=b&c HTTP/1.1\r\nHost: H.Example:80\r\nx-tEst:  v \r\n\r\n",
     200, "Content-Length: 22\r\n", "GET|a=b&c|h.example|v|"},
    {"GET http://h/echo?q HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL, "GET|q|h||"},
    {"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL, "hello /"},
    {"GET http://h?x HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL, "hello /"},
    {"GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, NULL},
    {"GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, NULL},
    {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL, "hello *"},
    {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, NULL},
    {"GET / HTTP/1.1\r\nHost: evil.example:80\r\n\r\n", 421,
     "X-Error-Message: unknown host name",
     "{\"error\":\"unknown host name\"}\n"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, NULL, NULL},
    {"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400, NULL, NULL},
    {"GET /echo HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, NULL, "GET||[::1]||"},
    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 200,
     NULL, "POST||h||abc"},
    {"PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n",
     200, NULL, "PUT||h||abcde"},
    {"PATCH /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 200, NULL,
     "PATCH||h||"},
    {"DELETE /echo HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL, "DELETE||h||"},
    {"BREW /echo HTTP/1.1\r\nHost: h\r\n\r\n", 501, NULL, NULL},
    {"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 501, NULL, NULL},
    {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501, NULL, NULL},
    {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, NULL, NULL},
    {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505, NULL, NULL},
    {"GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n", 417, NULL, NULL},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: "
     "websocket\r\n\r\n",
     200, NULL, "hello /"},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 413,
     "Connection: close\r\n", NULL},
    {"POST /tiny HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 413, NULL,
     NULL},
    {"POST /tiny HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789",
     200, NULL, "POST||h||0123456789"},
    {"POST /tiny HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
     "chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
     413, NULL, NULL},
    {"GET /204 HTTP/1.1\r\nHost: h\r\n\r\n", 204, NULL, ""},
    {"GET /evil HTTP/1.1\r\nHost: h\r\n\r\n", 200,
     "X-Evil: a  Set-Cookie: b\r\n", ""},
    {"GET /close HTTP/1.1\r\nHost: h\r\n\r\n", 200, "Connection: close\r\n",
     ""},
    {"GET /404 HTTP/1.1\r\nHost: h\r\n\r\n", 404,
     "X-Error-Message: no such page\r\n", "{\"error\":\"no such page\"}\n"},
    {"GET /forget HTTP/1.1\r\nHost: h\r\n\r\n", 500, NULL,
     "{\"error\":\"internal error\"}\n"},
    {"GET /toomuch HTTP/1.1\r\nHost: h\r\n\r\n", 507, NULL, NULL},
    {"GET / HTTP/1.0\r\nHost: h\r\n\r\n", 200, "Connection: close\r\n", NULL},
    {"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", 200,
     "Connection: keep-alive\r\n", NULL},
};

static void test_exchanges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        int fd = test_connect(&server), status;
        char *body;
        size_t n;
        test_say(fd, exchanges[i].request);
        char *head = test_read_answer(fd, false, &status, &body, &n);
        bool good =
            status == exchanges[i].status &&
            (exchanges[i].head == NULL ||
             strstr(head, exchanges[i].head) != NULL) &&
            (exchanges[i].body == NULL || strcmp(body, exchanges[i].body) == 0);
        if (!good) {
            fail_msg("case %zu: %s\n--\n%s%s", i, exchanges[i].request, head,
                     body);
        }
        wh_free(head);
        close(fd);
    }
}

/* Byte by byte the same requests get the same answers. */
static void test_dribble(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        int fd = test_connect(&server), status;
        char *body;
        size_t n;
        for (const char *p = exchanges[i].request; *p != '\0'; p++) {
            test_send(fd, p, 1);
        }
        char *head = test_read_answer(fd, false, &status, &body, &n);
        if (status != exchanges[i].status) {
            fail_msg("case %zu: %d", i, status);
        }
        wh_free(head);
        close(fd);
    }
}

/* --- bodies of answers ---------------------------------------------------- */

static void check_pattern(const char *body, size_t n, size_t phase)
{
    for (size_t i = 0; i < n; i++) {
        if (body[i] != pattern[(i + phase) % 16]) {
            fail_msg("wrong byte at %zu", i);
        }
    }
}

static void test_big_answers(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int status;
        size_t n, phase;
    } cases[] = {{"/file", 206, 500000, 3},
                 {"/pull", 200, 700000, 0},
                 {"/chunked", 200, 700000, 0}};
    int fd = test_connect(&server);
    pull_done_good = 0;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            char req[100], *body;
            int status;
            size_t n;
            snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n",
                     cases[i].path);
            test_say(fd, req);
            char *head = test_read_answer(fd, false, &status, &body, &n);
            assert_int_equal(status, cases[i].status);
            assert_int_equal(n, cases[i].n);
            check_pattern(body, n, cases[i].phase);
            wh_free(head);
        }
    }
    close(fd);
    test_wait(&pull_done_good, 4);
}

static void test_pull_http10(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    size_t n;
    test_say(fd, "GET /chunked HTTP/1.0\r\nHost: h\r\n\r\n");
    char *all = test_read_all(fd, &n, NULL);
    char *body = strstr(all, "\r\n\r\n") + 4;
    assert_null(strstr(all, "Transfer-Encoding"));
    assert_int_equal(n - (size_t)(body - all), 700000);
    check_pattern(body, 700000, 0);
    wh_free(all);
    close(fd);
}

/* A source that lies about its length never looks like a whole answer. */
static void test_pull_lies(void **state)
{
    (void)state;
    const char *paths[] = {"/short", "/long"};
    for (size_t i = 0; i < 2; i++) {
        int fd = test_connect(&server);
        char req[100];
        bool reset;
        size_t n;
        pull_done_bad = 0;
        snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n",
                 paths[i]);
        test_say(fd, req);
        char *all = test_read_all(fd, &n, &reset);
        assert_true(reset);
        assert_true(n < 2000);
        wh_free(all);
        close(fd);
        test_wait(&pull_done_bad, 1);
    }
}

static void test_head(void **state)
{
    (void)state;
    static const struct {
        const char *path, *length;
    } cases[] = {{"/a", "Content-Length: 8\r\n"},
                 {"/file", "Content-Length: 500000\r\n"},
                 {"/pull", "Content-Length: 700000\r\n"},
                 {"/chunked", "Transfer-Encoding: chunked\r\n"},
                 {"/length", "Content-Length: 12345\r\n"},
                 {"/404", "Content-Length: 25\r\n"}};
    int fd = test_connect(&server);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char req[200], *body;
        int status;
        size_t n;
        /* the GET behind it would be misread if HEAD had sent a body */
        snprintf(req, sizeof req,
                 "HEAD %s HTTP/1.1\r\nHost: h\r\n\r\n"
                 "GET /after HTTP/1.1\r\nHost: h\r\n\r\n",
                 cases[i].path);
        test_say(fd, req);
        char *head = test_read_answer(fd, true, &status, &body, &n);
        assert_non_null(strstr(head, cases[i].length));
        wh_free(head);
        head = test_read_answer(fd, false, &status, &body, &n);
        assert_string_equal(body, "hello /after");
        wh_free(head);
    }
    close(fd);
}

/* --- many requests on a connection ---------------------------------------- */

static void test_pipeline(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    int fd = test_connect(&server);
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 == 0) {
            wh_buf_fmt(&b,
                       "POST /echo HTTP/1.1\r\nHost: h\r\n"
                       "Content-Length: 4\r\n\r\n%04d",
                       i);
        } else {
            wh_buf_fmt(&b, "GET /%s%d HTTP/1.1\r\nHost: h\r\n\r\n",
                       i % 3 == 1 ? "" : "x", i);
        }
    }
    test_send(fd, b.p, b.n);
    wh_buf_done(&b);
    for (int i = 0; i < COUNT; i++) {
        char want[50], *body;
        int status;
        size_t n;
        if (i % 3 == 0) {
            snprintf(want, sizeof want, "POST||h||%04d", i);
        } else {
            snprintf(want, sizeof want, "hello /%s%d", i % 3 == 1 ? "" : "x",
                     i);
        }
        char *head = test_read_answer(fd, false, &status, &body, &n);
        assert_int_equal(status, 200);
        assert_string_equal(body, want);
        wh_free(head);
    }
    close(fd);
}

static void test_continue(void **state)
{
    (void)state;
    int fd = test_connect(&server), status;
    char *body;
    size_t n;
    test_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                 "Content-Length: 5\r\n\r\n");
    char *head = test_read_answer(fd, true, &status, &body, &n);
    assert_int_equal(status, 100);
    assert_string_equal(head, "HTTP/1.1 100 Continue\r\n\r\n");
    wh_free(head);
    test_say(fd, "12345");
    head = test_read_answer(fd, false, &status, &body, &n);
    assert_int_equal(status, 200);
    assert_string_equal(body, "POST||h||12345");
    wh_free(head);
    /* too large: refused before the client sends a byte of it */
    test_say(fd, "POST /tiny HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                 "Content-Length: 5000\r\n\r\n");
    char *all = test_read_all(fd, NULL, NULL);
    assert_memory_equal(all, "HTTP/1.1 413 ", 13);
    wh_free(all);
    close(fd);
}

/* A client that closes its sending side still gets its answer. */
static void test_half_close(void **state)
{
    (void)state;
    const char *paths[] = {"/a", "/file", "/chunked"};
    size_t least[] = {8, 500000, 700000};
    for (size_t i = 0; i < 3; i++) {
        int fd = test_connect(&server);
        char req[100];
        bool reset;
        size_t n;
        snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n",
                 paths[i]);
        test_say(fd, req);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        char *all = test_read_all(fd, &n, &reset);
        assert_false(reset);
        assert_memory_equal(all, "HTTP/1.1 20", 11);
        assert_true(n > least[i]);
        wh_free(all);
        close(fd);
    }
}

static void test_broken_off(void **state)
{
    (void)state;
    const char *starts[] = {
        "GET / HTTP/1.1\r\nHo",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc",
        ("POST /echo HTTP/1.1\r\nHost: h\r\n"
         "Transfer-Encoding: chunked\r\n\r\n5\r\nab")};
    for (size_t i = 0; i < 3; i++) {
        int fd = test_connect(&server);
        test_say(fd, starts[i]);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        char *all = test_read_all(fd, NULL, NULL);
        assert_memory_equal(all, "HTTP/1.1 400 ", 13);
        wh_free(all);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges),   cmocka_unit_test(test_dribble),
        cmocka_unit_test(test_big_answers), cmocka_unit_test(test_pull_http10),
        cmocka_unit_test(test_pull_lies),   cmocka_unit_test(test_head),
        cmocka_unit_test(test_pipeline),    cmocka_unit_test(test_continue),
        cmocka_unit_test(test_half_close),  cmocka_unit_test(test_broken_off),
    };
    return cmocka_run_group_tests_name("net/server", tests, up, down);
}
