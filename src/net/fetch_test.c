/*
 * fetch_test.c - the fetcher against a server that does as it is told, line by
 * line.
 */
#include "base/unit.h"
#include "net/fetch.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* What the server answers to GET /<n>; null holds the line until the peer goes.
 */
static const char *const answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
    "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: /0\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", /* broken off */
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "not HTTP at all\r\n\r\n",
    NULL,
    "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
};
/* What the last client sent, up to its last piece. */
static char seen[4096];

static int listener = -1;
static unsigned port;

static void answer(int fd)
{
    char in[64];
    ssize_t n = recv(fd, seen, sizeof seen - 1, 0);
    if (n <= 0) {
        return;
    }
    seen[n] = '\0';
    const char *slash = strchr(seen, '/');
    size_t which = slash ? (size_t)(slash[1] - '0') : SIZE_MAX;
    if (which >= sizeof answers / sizeof *answers) {
        return;
    }
    const char *text = answers[which];
    if (!text) {
        (void)recv(fd, in, sizeof in, 0); /* until the client gives up */
        return;
    }
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        answer(fd);
        close(fd);
    }
}

static pthread_t thread;

static int setup(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    if (bind(listener, (struct sockaddr *)&a, n) != 0 ||
        listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&a, &n) != 0) {
        return -1;
    }
    port = ntohs(a.sin_port);
    return pthread_create(&thread, NULL, serve, NULL);
}

static int teardown(void **state)
{
    (void)state;
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    return 0;
}

static bool get(unsigned which, size_t max, int64_t ms, struct wh_buf *out,
                struct wh_err *err)
{
    char url[64];
    struct net_fetch *f = net_fetch_new();
    snprintf(url, sizeof url, "http://127.0.0.1:%u/%u", port, which);
    bool ok = net_fetch_get(f, url, max, ms, out, err);
    net_fetch_free(&f);
    assert_null(f);
    return ok;
}

static void good_answers(void **state)
{
    (void)state;
    struct wh_buf b;
    struct wh_err err;
    wh_buf_init(&b, 100);
    wh_buf_cstr(&b, "> ");
    unit_ok(get(0, 5, 5000, &b, &err), err);
    unit_ok(get(5, 5, 5000, &b, &err), err);
    unit_str(wh_buf_str(&b), "> helloabc");
    wh_buf_done(&b);
}

static void failures_leave_nothing(void **state)
{
    (void)state;
    static const struct {
        unsigned which;
        size_t max;
        int64_t ms;
        enum wh_code code;
    } cases[] = {
        {0, 4, 5000, WH_TOO_LARGE},     {1, 100, 5000, WH_NOT_FOUND},
        {2, 100, 5000, WH_UNAVAILABLE}, {3, 100, 5000, WH_OUTSIDE},
        {4, 100, 5000, WH_OUTSIDE},     {6, 100, 5000, WH_OUTSIDE},
        {7, 100, 200, WH_TIMEOUT},      {8, 100, 5000, WH_OUTSIDE},
        {9, 100, 5000, WH_OUTSIDE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wh_buf b;
        struct wh_err err;
        wh_buf_init(&b, 100);
        wh_buf_cstr(&b, "> ");
        unit_fails(get(cases[i].which, cases[i].max, cases[i].ms, &b, &err),
                   err, cases[i].code);
        unit_str(wh_buf_str(&b), "> ");
        wh_buf_done(&b);
    }
}

static void other_protocols_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/",
                                       "gopher://127.0.0.1/", "nonsense://x",
                                       ""};
    struct net_fetch *f = net_fetch_new();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct wh_buf b;
        struct wh_err err;
        wh_buf_init(&b, 4096);
        unit_fails(net_fetch_get(f, urls[i], 4096, 1000, &b, &err), err,
                   WH_OUTSIDE);
        assert_int_equal(b.n, 0);
        wh_buf_done(&b);
    }
    net_fetch_free(&f);
}

static void calls_send_what_they_say(void **state)
{
    (void)state;
    char url[64];
    struct wh_buf b;
    struct wh_err err;
    int status = 0;
    struct net_fetch *f = net_fetch_new();
    struct net_fetch_call call = {.method = "DELETE",
                                  .url = url,
                                  .token = "hf_x",
                                  .json = WH_S("{\"a\":1}"),
                                  .max = 100,
                                  .timeout_ms = 5000};
    wh_buf_init(&b, 100);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/1", port);
    unit_ok(net_fetch_do(f, &call, &b, &status, &err), err);
    assert_int_equal(status, 404); /* an answer, not a failure */
    unit_str(wh_buf_str(&b), "no");
    assert_ptr_equal(strstr(seen, "DELETE /1 HTTP/1.1\r\n"), seen);
    assert_non_null(strstr(seen, "\r\nAuthorization: Bearer hf_x\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Length: 7\r\n"));
    static const char *const bad[] = {"", "a b", "a\r\nX: y", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        call.token = bad[i];
        unit_fails(net_fetch_do(f, &call, &b, &status, &err), err, WH_USAGE);
    }
    wh_buf_done(&b);
    net_fetch_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers),
        cmocka_unit_test(failures_leave_nothing),
        cmocka_unit_test(other_protocols_are_refused),
        cmocka_unit_test(calls_send_what_they_say),
    };
    return cmocka_run_group_tests_name("net/fetch", tests, setup, teardown);
}
