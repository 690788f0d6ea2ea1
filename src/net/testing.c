/*
 * testing.c - the rude client. Every wait has a limit of ten seconds, which no
 * passing test comes near.
 */
#include "net/testing.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

int test_count_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d) != NULL) {
        n++;
    }
    closedir(d);
    return n;
}

struct net_limits test_limits(void)
{
    struct net_limits m = net_limits_default();
    m.head_ms = 300;
    m.idle_ms = 400;
    m.body_window_ms = 300;
    m.write_window_ms = 300;
    m.work_ms = 5000;
    m.linger_ms = 300;
    return m;
}

void test_server_up(struct test_server *t, struct net_conf *conf)
{
    struct wh_err err = {0};
    int fd = -1;
    wh_log_level(WH_ERROR);
    t->fds_before = test_count_fds();
    assert_true(net_listen("127.0.0.1", 0, &fd, &t->port, &err));
    conf->listen_fd = fd;
    assert_true(net_server_start(conf, &t->srv, &err));
}

void test_server_down(struct test_server *t, unsigned grace_ms)
{
    net_server_stop(&t->srv, grace_ms);
    assert_null(t->srv);
    assert_int_equal(test_count_fds(), t->fds_before);
}

static int connect_with(const struct test_server *t, int rcvbuf)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(t->port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (rcvbuf > 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    }
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

int test_connect(const struct test_server *t)
{
    return connect_with(t, 0);
}

int test_connect_small(const struct test_server *t)
{
    return connect_with(t, 4096);
}

void test_send(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t put = send(fd, at, n, MSG_NOSIGNAL);
        if (put < 0) {
            assert_true(errno == EPIPE || errno == ECONNRESET);
            return; /* the server had enough */
        }
        at += put;
        n -= (size_t)put;
    }
}

void test_say(int fd, const char *text)
{
    test_send(fd, text, strlen(text));
}

/* recv with a limit; 0 at the end, -1 on reset. */
static ssize_t patient_recv(int fd, void *p, size_t n)
{
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    int ready = poll(&pf, 1, PATIENCE_MS);
    if (ready <= 0) {
        fail_msg("nothing came in time");
    }
    return recv(fd, p, n, 0);
}

char *test_read_all(int fd, size_t *n, bool *reset)
{
    struct wh_buf b;
    wh_buf_init(&b, (size_t)1 << 30);
    ssize_t got;
    while ((got = patient_recv(fd, wh_buf_room(&b, 65536), 65536)) > 0) {
        wh_buf_grew(&b, (size_t)got);
    }
    if (reset != NULL) {
        *reset = got < 0;
    }
    if (n != NULL) {
        *n = b.n;
    }
    wh_buf_char(&b, '\0');
    return b.p;
}

static void read_byte(int fd, struct wh_buf *b)
{
    char c;
    assert_int_equal(patient_recv(fd, &c, 1), 1);
    wh_buf_char(b, c);
}

static void read_line(int fd, struct wh_buf *b)
{
    size_t at = b->n;
    do {
        read_byte(fd, b);
    } while (b->n - at < 2 || memcmp(b->p + b->n - 2, "\r\n", 2) != 0);
}

static void read_n(int fd, struct wh_buf *b, size_t n)
{
    while (n > 0) {
        ssize_t got = patient_recv(fd, wh_buf_room(b, n), n);
        assert_true(got > 0);
        wh_buf_grew(b, (size_t)got);
        n -= (size_t)got;
    }
}

int test_status(const char *answer)
{
    uint64_t status = 0;
    if (strncmp(answer, "HTTP/1.1 ", 9) == 0) {
        (void)wh_str_u64(wh_str_sub(wh_str_of(answer), 9, 3), &status);
    }
    return (int)status;
}

static void read_chunks(int fd, struct wh_buf *b)
{
    for (;;) {
        struct wh_buf line;
        wh_buf_init(&line, 1000);
        read_line(fd, &line);
        wh_buf_char(&line, '\0');
        size_t n = strtoul(line.p, NULL, 16);
        read_n(fd, b, n);
        wh_buf_reset(&line);
        read_line(fd, &line);
        assert_int_equal(line.n, 2);
        wh_buf_done(&line);
        if (n == 0) {
            return;
        }
    }
}

char *test_read_answer(int fd, bool head_only, int *status, char **body,
                       size_t *body_n)
{
    struct wh_buf b;
    wh_buf_init(&b, (size_t)1 << 30);
    size_t line;
    do {
        line = b.n;
        read_line(fd, &b);
    } while (b.n - line > 2);
    wh_buf_char(&b, '\0');
    size_t at = b.n;
    assert_int_not_equal(test_status(b.p), 0);
    *status = test_status(b.p);
    const char *length = strstr(b.p, "\r\nContent-Length: ");
    if (!head_only && length != NULL) {
        read_n(fd, &b, strtoul(length + 18, NULL, 10));
    } else if (!head_only && strstr(b.p, "\r\nTransfer-Encoding: chunked")) {
        read_chunks(fd, &b);
    }
    *body_n = b.n - at;
    wh_buf_char(&b, '\0');
    *body = b.p + at;
    return b.p;
}

int test_get(const struct test_server *t, const char *path)
{
    char req[4096];
    int status = 0, fd = test_connect(t);
    snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    test_say(fd, req);
    char *body;
    size_t n;
    wh_free(test_read_answer(fd, false, &status, &body, &n));
    close(fd);
    return status;
}

void test_wait(const _Atomic int *flag, int want)
{
    int64_t end = wh_mono_us() + (int64_t)PATIENCE_MS * 1000;
    while (*flag < want) {
        if (wh_mono_us() > end) {
            fail_msg("waited in vain");
        }
        usleep(1000);
    }
}
