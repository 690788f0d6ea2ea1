/*
 * parse_test.c - the parser without a socket: responses (the gateway's side),
 * messages in a row, Host names.
 */
#include "net/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the headers above */
#include <cmocka.h>

struct got {
    struct wh_buf body;
    int status;
    uint64_t length;
    bool complete, keep_alive, bad;
};

static void on_body(void *ctx, const char *p, size_t n)
{
    struct got *g = ctx;
    wh_buf_mem(&g->body, p, n);
}

/* Feed one response in pieces, then the end of the stream. */
static void feed(struct got *g, const char *text, size_t piece, bool no_body)
{
    struct net_parser p;
    struct net_head h;
    wh_buf_init(&g->body, 1000);
    net_head_init(&h, 4096, 16, 100);
    net_parser_init(&p, NET_RESPONSE, 4096, on_body, g);
    net_parser_begin(&p, &h);
    p.no_body = no_body;
    size_t n = strlen(text), used = 0;
    enum net_event ev = NET_EV_MORE;
    while (n > 0 && !p.complete && ev != NET_EV_BAD) {
        ev = net_parser_feed(&p, text, n < piece ? n : piece, &used);
        text += used;
        n -= used;
    }
    if (!p.complete && ev != NET_EV_BAD) {
        ev = net_parser_eof(&p);
    }
    g->bad = ev == NET_EV_BAD;
    g->status = p.status;
    g->length = p.length;
    g->complete = p.complete;
    g->keep_alive = p.keep_alive;
    net_head_done(&h);
}

static const struct {
    const char *text;
    bool no_body;
    int status;
    const char *body; /* null: refused */
    bool keep_alive;
} responses[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, 200, "abc",
     true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
     false, 200, "abc", true},
    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", false, 200, "until the end",
     false},
    {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304, "",
     true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", true, 200, "", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
     false, 200, "abc", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, 200, "abc",
     false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", false, 200, NULL,
     false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", false, 200,
     NULL, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
     false, 0, NULL, false},
    {"HTTP/1.1 152 Odd\r\nContent-Length: 9\r\n\r\n", false, 152, "", true},
    {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "
     "x\r\n\r\n",
     false, 101, NULL, false},
    {"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, NULL, false},
    {"SSH-2.0-OpenSSH\r\n", false, 0, NULL, false},
};

static void test_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
        for (size_t piece = 1; piece < 200; piece += 7) {
            struct got g;
            feed(&g, responses[i].text, piece, responses[i].no_body);
            bool good = responses[i].body != NULL;
            if (g.bad == good ||
                (good && (g.status != responses[i].status ||
                          !wh_str_is(wh_buf_str(&g.body), responses[i].body) ||
                          g.keep_alive != responses[i].keep_alive))) {
                fail_msg("case %zu in pieces of %zu: bad %d status %d '%.*s'",
                         i, piece, g.bad, g.status,
                         WH_FMT(wh_buf_str(&g.body)));
            }
            wh_buf_done(&g.body);
        }
    }
}

static const struct {
    const char *host;
    const char *name; /* null: refused */
} hosts[] = {
    {"example.com", "example.com"},
    {"Example.COM:8080", "example.com"},
    {"a--b.spaces.localhost:1", "a--b.spaces.localhost"},
    {"a_b", "a_b"},
    {"127.0.0.1:80", "127.0.0.1"},
    {"[::1]", "[::1]"},
    {"[::FFFF:1.2.3.4]:80", "[::ffff:1.2.3.4]"},
    {"h:", "h"},
    {"", ""},
    {"h:x", NULL},
    {"h:65536", NULL},
    {"h:-1", NULL},
    {"h:80:80", NULL},
    {"[::1", NULL},
    {"[::1]x", NULL},
    {"[]", NULL},
    {"[g]", NULL},
    {"a b", NULL},
    {"user@h", NULL},
    {"h/x", NULL},
    {"h?x", NULL},
    {"h%41", NULL},
    {"\xc3\xa9", NULL},
};

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char out[100];
        size_t n = 0;
        bool good = net_host_split(wh_str_of(hosts[i].host), out, &n);
        if (good != (hosts[i].name != NULL) ||
            (good && !wh_str_is(wh_str_mem(out, n), hosts[i].name))) {
            fail_msg("'%s'", hosts[i].host);
        }
    }
}

static void test_head(void **state)
{
    (void)state;
    struct net_head h;
    struct wh_str name, value;
    size_t count;
    net_head_init(&h, 100, 3, 10);
    assert_true(net_head_add_target(&h, "/ab", 3));
    assert_true(net_head_add_target(&h, "c", 1));
    assert_true(net_head_add_name(&h, "Co", 2));
    assert_true(net_head_add_name(&h, "Lor", 3));
    assert_true(net_head_end_name(&h));
    assert_true(net_head_add_value(&h, "re", 2));
    assert_true(net_head_add_value(&h, "d ", 2));
    assert_true(net_head_add_name(&h, "x", 1));
    assert_true(net_head_end_name(&h));
    assert_true(net_head_add_name(&h, "color", 5));
    assert_true(net_head_end_name(&h));
    assert_true(net_head_add_value(&h, "blue", 4));
    assert_true(wh_str_is(net_head_target(&h), "/abc"));
    assert_true(wh_str_is(net_head_find(&h, "COLOR", &count), "red"));
    assert_int_equal(count, 2);
    assert_true(net_head_at(&h, 1, &name, &value));
    assert_true(wh_str_is(name, "x") && value.n == 0);
    assert_true(net_head_at(&h, 2, &name, &value));
    assert_true(wh_str_is(value, "blue"));
    assert_false(net_head_at(&h, 3, &name, &value));
    assert_null(net_head_find(&h, "col", NULL).p);
    assert_false(h.too_long);
    assert_false(net_head_add_name(&h, "y", 1));
    assert_true(h.too_long);
    net_head_done(&h);
    net_head_init(&h, 100, 3, 10);
    assert_true(net_head_add_target(&h, "0123456789", 10));
    assert_false(net_head_add_target(&h, "x", 1));
    net_head_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_responses),
                                       cmocka_unit_test(test_hosts),
                                       cmocka_unit_test(test_head)};
    return cmocka_run_group_tests_name("net/parse", tests, NULL, NULL);
}
