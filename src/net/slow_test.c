/*
 * slow_test.c - slowness and numbers: senders and readers that stall, idle
 * crowds, limits of connections, clients that leave in mid-answer. What is
 * checked is how a thing ends, never how long it took.
 */
#include "net/testing.h"

#include "base/file.h"
#include "base/mem.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CROWD 2000
#define BIG (64u << 20)

static _Atomic int pull_ended, parked;
static struct net_req *_Atomic waiting;

/* --- handlers ------------------------------------------------------------- */

static void small(struct net_req *r)
{
    net_answer(r, 200);
    net_answer_bytes(r, WH_S("small"));
    net_answer_send(r);
}

static void big_file(struct net_req *r)
{
    int fd = memfd_create("big", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, BIG), 0);
    net_answer(r, 200);
    net_answer_file(r, fd, 0, BIG);
    net_answer_send(r);
}

/* The file is shorter than announced. */
static void short_file(struct net_req *r)
{
    int fd = memfd_create("short", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 100000), 0);
    net_answer(r, 200);
    net_answer_file(r, fd, 0, 200000);
    net_answer_send(r);
}

static enum net_pull_result fill(struct net_req *r, void *ctx, char *buf,
                                 size_t cap, size_t *n)
{
    (void)r;
    (void)ctx;
    memset(buf, 'x', cap);
    *n = cap;
    return NET_PULL_MORE;
}

static void ended(struct net_req *r, void *ctx, bool complete)
{
    (void)r;
    (void)ctx;
    assert_false(complete);
    pull_ended++;
}

static void endless(struct net_req *r)
{
    static const struct net_pull pull = {fill, ended};
    net_answer(r, 200);
    net_answer_pull(r, NET_CHUNKED, &pull, NULL);
    net_answer_send(r);
}

static void park(struct net_req *r)
{
    net_park(r);
    parked++;
    waiting = r;
}

static const struct {
    const char *path;
    void (*handle)(struct net_req *r);
} routes[] = {
    {"/file", big_file},
    {"/short", short_file},
    {"/pull", endless},
    {"/park", park},
};

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    (void)app;
    p->body = NET_BODY_BUFFER;
    p->limit = 1 << 20;
    p->handle = small;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (wh_str_is(r->path, routes[i].path)) {
            p->handle = routes[i].handle;
        }
    }
}

static struct test_server server;

static void up_with(struct net_limits limits)
{
    struct net_conf conf = {
        .loops = 2, .workers = 3, .limits = limits, .plan = plan};
    pull_ended = parked = 0;
    test_server_up(&server, &conf);
}

static int up(void **state)
{
    (void)state;
    up_with(test_limits());
    return 0;
}

static int down(void **state)
{
    (void)state;
    for (int i = 0; i < 5000 && net_server_stats(server.srv).connections > 0;
         i++) {
        usleep(1000);
    }
    assert_int_equal(net_server_stats(server.srv).buffers, 0);
    test_server_down(&server, 0);
    return 0;
}

/* --- slow senders --------------------------------------------------------- */

static void expect_end(int fd, const char *begin)
{
    char *all = test_read_all(fd, NULL, NULL);
    if (strncmp(all, begin, strlen(begin)) != 0 ||
        (*begin == '\0' && *all != '\0')) {
        fail_msg("wanted '%s':\n%s", begin, all);
    }
    wh_free(all);
    close(fd);
}

static void test_silent(void **state)
{
    (void)state;
    expect_end(test_connect(&server), "");
}

static void test_idle_after_answer(void **state)
{
    (void)state;
    int fd = test_connect(&server), status;
    char *body;
    size_t n;
    test_say(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    wh_free(test_read_answer(fd, false, &status, &body, &n));
    expect_end(fd, "");
}

static void test_slow_head(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    test_say(fd, "GET / HTTP/1.1\r\nHost: h\r\n");
    /* a byte now and then does not help */
    for (int i = 0; i < 20; i++) {
        test_say(fd, "X");
        usleep(20000);
    }
    expect_end(fd, "HTTP/1.1 408 ");
}

static void test_slow_body(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    test_say(fd,
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        test_say(fd, "X");
        usleep(20000);
    }
    expect_end(fd, "HTTP/1.1 408 ");
}

/* Windows wide enough that a busy machine does not make a steady client slow.
 */
static void up_steady(void)
{
    struct net_limits m = test_limits();
    m.body_window_ms = m.write_window_ms = 1000;
    up_with(m);
}

/* Slow, but above the floor (4 KiB in a window) over several windows. */
static void test_steady_body(void **state)
{
    (void)state;
    char kib[1024];
    up_steady();
    int fd = test_connect(&server), status;
    char *body;
    size_t n;
    memset(kib, 'k', sizeof kib);
    test_say(fd,
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 122880\r\n\r\n");
    for (int i = 0; i < 120; i++) {
        test_send(fd, kib, sizeof kib);
        usleep(20000);
    }
    wh_free(test_read_answer(fd, false, &status, &body, &n));
    assert_int_equal(status, 200);
    close(fd);
    down(NULL);
}

/* --- slow readers --------------------------------------------------------- */

static void test_stalled_reader(void **state)
{
    (void)state;
    const char *reqs[] = {"GET /file HTTP/1.1\r\nHost: h\r\n\r\n",
                          "GET /pull HTTP/1.1\r\nHost: h\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        int fd = test_connect_small(&server);
        char c;
        test_say(fd, reqs[i]);
        assert_int_equal(recv(fd, &c, 1, 0), 1);
        for (int k = 0;
             k < 10000 && net_server_stats(server.srv).connections != 0; k++) {
            usleep(1000);
        }
        assert_int_equal(net_server_stats(server.srv).connections, 0);
        bool reset;
        wh_free(test_read_all(fd, NULL, &reset));
        assert_true(reset);
        close(fd);
    }
    test_wait(&pull_ended, 1);
}

/* Reads slowly, but above the floor: gets more than a stalled one could. */
static void test_steady_reader(void **state)
{
    (void)state;
    up_steady();
    int fd = test_connect_small(&server);
    char buf[16384];
    test_say(fd, "GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 120; i++) {
        size_t got = 0;
        while (got < sizeof buf) {
            ssize_t n = recv(fd, buf, sizeof buf - got, 0);
            if (n <= 0) {
                fail_msg("cut after %d pieces", i);
            }
            got += (size_t)n;
        }
        usleep(20000);
    }
    close(fd);
    down(NULL);
}

/* --- leaving -------------------------------------------------------------- */

static void test_gone_in_answer(void **state)
{
    (void)state;
    const char *reqs[] = {"GET /file HTTP/1.1\r\nHost: h\r\n\r\n",
                          "GET /pull HTTP/1.1\r\nHost: h\r\n\r\n"};
    for (int i = 0; i < 20; i++) {
        int fd = test_connect(&server);
        char c;
        test_say(fd, reqs[i % 2]);
        assert_int_equal(recv(fd, &c, 1, 0), 1);
        close(fd);
    }
    test_wait(&pull_ended, 10);
}

static void test_file_too_short(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    bool reset;
    size_t n;
    test_say(fd, "GET /short HTTP/1.1\r\nHost: h\r\n\r\n");
    wh_free(test_read_all(fd, &n, &reset));
    assert_true(reset);
    assert_true(n < 200000);
    close(fd);
}

static void test_work_too_long(void **state)
{
    (void)state;
    struct net_limits m = test_limits();
    m.work_ms = 100;
    up_with(m);
    int fd = test_connect(&server);
    test_say(fd, "GET /park HTTP/1.1\r\nHost: h\r\n\r\n");
    test_wait(&parked, 1);
    expect_end(fd, "HTTP/1.1 503 ");
    assert_true(net_resume(waiting, small)); /* the answer falls */
    down(NULL);
}

/* --- numbers -------------------------------------------------------------- */

static void raise_limit(void)
{
    struct rlimit rl;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
    if (rl.rlim_cur < CROWD * 2 + 200) {
        rl.rlim_cur = rl.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
    }
    assert_true(rl.rlim_cur >= CROWD * 2 + 200);
}

static long resident_kib(void)
{
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_str s, head;
    uint64_t pages = 0;
    wh_arena_init(&a, 100000);
    assert_true(wh_file_read(&a, "/proc/self/statm", 1000, &s, &err));
    (void)wh_str_cut(&s, ' ', &head);
    (void)wh_str_cut(&s, ' ', &head);
    assert_true(wh_str_u64(head, &pages));
    wh_arena_done(&a);
    return (long)(pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

/* Two thousand connections that have each had an answer and now wait; all are
 * served again; then they leave, and nothing stays behind. */
static void test_idle_crowd(void **state)
{
    (void)state;
    static int fds[CROWD];
    raise_limit();
    up_with(net_limits_default());
    long before = resident_kib();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CROWD; i++) {
            int status;
            char *body;
            size_t n;
            if (round == 0) {
                fds[i] = test_connect(&server);
            }
            test_say(fds[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            wh_free(test_read_answer(fds[i], false, &status, &body, &n));
            assert_int_equal(status, 200);
        }
        assert_int_equal(net_server_stats(server.srv).connections, CROWD);
        if (round == 0) {
            printf("# idle connections: %ld bytes each\n",
                   (resident_kib() - before) * 1024 / CROWD);
        }
    }
    for (int i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
    down(NULL);
}

static void test_per_address(void **state)
{
    (void)state;
    struct net_limits m = net_limits_default();
    m.per_address = 10;
    up_with(m);
    int fds[10];
    for (int i = 0; i < 10; i++) {
        int status;
        char *body;
        size_t n;
        fds[i] = test_connect(&server);
        test_say(fds[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        wh_free(test_read_answer(fds[i], false, &status, &body, &n));
    }
    expect_end(test_connect(&server), "HTTP/1.1 503 ");
    assert_int_equal(net_server_stats(server.srv).refused, 1);
    close(fds[0]);
    for (int i = 0; i < 5000 && net_server_stats(server.srv).connections == 10;
         i++) {
        usleep(1000);
    }
    assert_int_equal(test_get(&server, "/"), 200);
    for (int i = 1; i < 10; i++) {
        close(fds[i]);
    }
    down(NULL);
}

static void test_all_connections(void **state)
{
    (void)state;
    struct net_limits m = net_limits_default();
    m.connections = 5;
    up_with(m);
    int fds[5];
    for (int i = 0; i < 5; i++) {
        fds[i] = test_connect(&server);
    }
    for (int i = 0; i < 5000 && net_server_stats(server.srv).connections < 5;
         i++) {
        usleep(1000);
    }
    expect_end(test_connect(&server), "HTTP/1.1 503 ");
    for (int i = 0; i < 5; i++) {
        close(fds[i]);
    }
    down(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_silent),
        TEST(test_idle_after_answer),
        TEST(test_slow_head),
        TEST(test_slow_body),
        cmocka_unit_test(test_steady_body),
        TEST(test_stalled_reader),
        cmocka_unit_test(test_steady_reader),
        TEST(test_gone_in_answer),
        TEST(test_file_too_short),
        cmocka_unit_test(test_work_too_long),
        cmocka_unit_test(test_idle_crowd),
        cmocka_unit_test(test_per_address),
        cmocka_unit_test(test_all_connections),
    };
    return cmocka_run_group_tests_name("net/slow", tests, NULL, NULL);
}
