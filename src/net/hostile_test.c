/*
 * hostile_test.c - requests that two readers could understand differently. Each
 * is followed on the same connection by a request that would be the smuggled
 * one: it must not be answered, and the first must not be answered with
 * success.
 */
#include "net/testing.h"

#include "base/mem.h"

#include <sys/socket.h>
#include <unistd.h>

#define GOOD "POST / HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED GOOD "Transfer-Encoding: chunked\r\n\r\n"

static const struct vector {
    const char *name;
    const char *text;
    size_t n; /* 0: strlen; for texts with a NUL */
} vectors[] = {
    {"Content-Length and Transfer-Encoding",
     GOOD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     0},
    {"Content-Length twice",
     GOOD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", 0},
    {"Content-Length +5", GOOD "Content-Length: +5\r\n\r\nabcde", 0},
    {"Content-Length 5,5", GOOD "Content-Length: 5,5\r\n\r\nabcde", 0},
    {"Content-Length 0x5", GOOD "Content-Length: 0x5\r\n\r\nabcde", 0},
    {"Content-Length over 64 bits",
     GOOD "Content-Length: 18446744073709551621\r\n\r\nabcde", 0},
    {"Transfer-Encoding xchunked",
     GOOD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0},
    {"Transfer-Encoding chunked, identity",
     GOOD "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 0},
    {"Transfer-Encoding twice",
     GOOD "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
          "chunked\r\n\r\n0\r\n\r\n",
     0},
    {"Transfer-Encoding in HTTP/1.0",
     "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n"
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     0},
    {"blank before the colon of Content-Length",
     GOOD "Content-Length : 5\r\n\r\nabcde", 0},
    {"blank before the colon of Transfer-Encoding",
     GOOD "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 0},
    {"request line ends in a bare LF", "GET / HTTP/1.1\nHost: h\r\n\r\n", 0},
    {"header line ends in a bare LF", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
     0},
    {"bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 0},
    {"folded line", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 0},
    {"folded Transfer-Encoding",
     GOOD "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 0},
    {"first header led by a blank",
     "POST / HTTP/1.1\r\n Content-Length: 5\r\nHost: h\r\n\r\nabcde", 0},
    {"empty header name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 0},
    {"no colon", "GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n", 0},
    {"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
     sizeof "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n" - 1},
    {"chunk size 0x5", CHUNKED "0x5\r\nabcde\r\n0\r\n\r\n", 0},
    {"chunk size led by a blank", CHUNKED " 5\r\nabcde\r\n0\r\n\r\n", 0},
    {"chunk size followed by a blank", CHUNKED "5 \r\nabcde\r\n0\r\n\r\n", 0},
    {"chunk size negative", CHUNKED "-5\r\nabcde\r\n0\r\n\r\n", 0},
    {"chunk size over 64 bits",
     CHUNKED "10000000000000005\r\nabcde\r\n0\r\n\r\n", 0},
    {"bare LF after the chunk size", CHUNKED "5\nabcde\r\n0\r\n\r\n", 0},
    {"bare LF after a chunk extension", CHUNKED "5;a=b\nabcde\r\n0\r\n\r\n", 0},
    {"no CRLF after chunk data", CHUNKED "5\r\nabcde0\r\n\r\n", 0},
    {"no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 0},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: evil\r\n\r\n", 0},
    {"CR LF CR X ends the head (CVE-2025-23167)",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\rX", 0},
    /* and some of our own */
    {"two equal Content-Lengths",
     GOOD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 0},
    {"Content-Length empty", GOOD "Content-Length:\r\n\r\nabcde", 0},
    {"Content-Length with a blank inside",
     GOOD "Content-Length: 1 0\r\n\r\nabcde", 0},
    {"Transfer-Encoding gzip, chunked",
     GOOD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0},
    {"Transfer-Encoding identity",
     GOOD "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nabcde", 0},
    {"chunk size empty", CHUNKED "\r\nabcde\r\n0\r\n\r\n", 0},
    {"chunk extension without an end of line",
     CHUNKED "5;a\rb\r\nabcde\r\n0\r\n\r\n", 0},
    {"trailer line without a colon", CHUNKED "0\r\nnonsense\r\n\r\n", 0},
    {"blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"control in the target", "GET /a\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"high byte in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"tab before the version", "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"no version", "GET /\r\n\r\n", 0},
    {"lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n", 0},
    {"lower-case method", "get / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
};

static const char smuggled[] = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
static _Atomic int smuggled_runs;

static void handle(struct net_req *r)
{
    if (wh_str_is(r->path, "/smuggled")) {
        smuggled_runs++;
    }
    net_answer(r, 200);
    net_answer_bytes(r, WH_S("answered"));
    net_answer_send(r);
}

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    (void)app;
    (void)r;
    p->body = NET_BODY_BUFFER;
    p->limit = 1000;
    p->handle = handle;
}

static struct test_server server;

static int up(void **state)
{
    (void)state;
    struct net_conf conf = {
        .loops = 1, .workers = 2, .limits = net_limits_default(), .plan = plan};
    conf.limits.linger_ms = 100;
    test_server_up(&server, &conf);
    return 0;
}

static int down(void **state)
{
    (void)state;
    test_server_down(&server, 1000);
    return 0;
}

static size_t count_answers(const char *all)
{
    size_t n = 0;
    for (const char *p = all; (p = strstr(p, "\r\nServer: weighhouse")) != NULL;
         p++) {
        n++;
    }
    return n;
}

/* One refusal, 4xx or 5xx, that closes; and nothing after it. */
static void check(const struct vector *v, const char *all, const char *how)
{
    bool refused = strncmp(all, "HTTP/1.1 4", 10) == 0 ||
                   strncmp(all, "HTTP/1.1 5", 10) == 0;
    if (!refused || count_answers(all) != 1 ||
        strstr(all, "\r\nConnection: close\r\n") == NULL ||
        strstr(all, "\r\nX-Error-Message: ") == NULL || smuggled_runs != 0) {
        fail_msg("%s (%s):\n%s", v->name, how, all);
    }
}

static void test_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        char text[2048];
        size_t n = v->n != 0 ? v->n : strlen(v->text);
        memcpy(text, v->text, n);
        memcpy(text + n, smuggled, sizeof smuggled - 1);
        int fd = test_connect(&server);
        test_send(fd, text, n + sizeof smuggled - 1);
        char *all = test_read_all(fd, NULL, NULL);
        check(v, all, "at once");
        wh_free(all);
        close(fd);
    }
}

/* The same in single bytes: no decision may depend on where a read ended. */
static void test_in_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        size_t n = v->n != 0 ? v->n : strlen(v->text);
        int fd = test_connect(&server);
        for (size_t k = 0; k < n; k++) {
            test_send(fd, v->text + k, 1);
        }
        test_say(fd, smuggled);
        char *all = test_read_all(fd, NULL, NULL);
        check(v, all, "in bytes");
        wh_free(all);
        close(fd);
    }
}

/* The vectors prove nothing if the server refused everything. */
static void test_honest_neighbour(void **state)
{
    (void)state;
    static const char *const good[] = {
        GOOD "Content-Length: 5\r\n\r\nabcde",
        CHUNKED "5\r\nabcde\r\n0\r\n\r\n",
        CHUNKED "5;a=b\r\nabcde\r\n0\r\nT: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\tb\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int fd = test_connect(&server), status;
        char *body;
        size_t n;
        test_say(fd, good[i]);
        test_say(fd, "GET /second HTTP/1.1\r\nHost: h\r\n\r\n");
        for (int k = 0; k < 2; k++) {
            char *head = test_read_answer(fd, false, &status, &body, &n);
            assert_int_equal(status, 200);
            assert_string_equal(body, "answered");
            wh_free(head);
        }
        close(fd);
    }
}

/* Heads at and over each ceiling. */
static void test_ceilings(void **state)
{
    (void)state;
    static const struct {
        size_t target, lines, value, blanks;
        int status;
    } cases[] = {
        {8000, 0, 0, 0, 200},    {8300, 0, 0, 0, 414},
        {200000, 0, 0, 0, 414},  {1, 90, 10, 0, 200},
        {1, 100, 10, 0, 431},    {1, 20000, 1, 0, 431},
        {1, 1, 20000, 0, 200},   {1, 1, 40000, 0, 431},
        {1, 1, 10, 20000, 200},  {1, 1, 10, 200000, 431},
        {1, 1, 1000000, 0, 431},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wh_buf b;
        wh_buf_init(&b, 8 << 20);
        wh_buf_cstr(&b, "GET /");
        for (size_t k = 1; k < cases[i].target; k++) {
            wh_buf_char(&b, 'a');
        }
        wh_buf_cstr(&b, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
        for (size_t k = 0; k < cases[i].lines; k++) {
            wh_buf_fmt(&b, "X%zu:", k);
            for (size_t m = 0; m < cases[i].blanks; m++) {
                wh_buf_char(&b, ' ');
            }
            for (size_t m = 0; m < cases[i].value; m++) {
                wh_buf_char(&b, 'v');
            }
            wh_buf_cstr(&b, "\r\n");
        }
        wh_buf_cstr(&b, "\r\n");
        int fd = test_connect(&server);
        test_send(fd, b.p, b.n);
        char *all = test_read_all(fd, NULL, NULL);
        int status = test_status(all);
        if (status != cases[i].status || count_answers(all) != 1) {
            fail_msg("case %zu: %s", i, all);
        }
        wh_free(all);
        wh_buf_done(&b);
        close(fd);
    }
}

/* Framing that never ends: chunk extensions and trailers without a body. */
static void test_endless_framing(void **state)
{
    (void)state;
    static const char *const starts[] = {CHUNKED "1;", CHUNKED "0\r\nX: "};
    for (size_t i = 0; i < 2; i++) {
        char a[1024];
        memset(a, 'a', sizeof a);
        int fd = test_connect(&server);
        test_say(fd, starts[i]);
        for (int k = 0; k < 200; k++) {
            test_send(fd, a, sizeof a);
        }
        char *all = test_read_all(fd, NULL, NULL);
        if (all[0] != '\0') { /* a reset may have come before the answer */
            assert_memory_equal(all, "HTTP/1.1 400 ", 13);
        }
        assert_null(strstr(all, "answered"));
        wh_free(all);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_in_bytes),
        cmocka_unit_test(test_honest_neighbour),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_endless_framing),
    };
    return cmocka_run_group_tests_name("net/hostile", tests, up, down);
}
