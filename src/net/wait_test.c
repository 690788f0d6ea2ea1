/*
 * wait_test.c - requests that wait: park and resume from another thread,
 * deadlines, clients that leave meanwhile, ending by tag, stopping.
 */
#include "net/testing.h"

#include "base/mem.h"
#include "base/time.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD 64

static _Atomic int parked_n, gone_calls, late_calls, ended_good, ended_bad;
static _Atomic int arenas_gone, inits, exits, loose_jobs;
static struct net_req *_Atomic held[HELD];
static int64_t wait_us;
static const uint8_t tag_a[NET_TAG] = {1}, tag_b[NET_TAG] = {2};

/* --- handlers ------------------------------------------------------------- */

static void arena_gone(void *p)
{
    (void)p;
    arenas_gone++;
}

static void give_back(struct net_req *r)
{
    wh_arena_defer(r->arena, arena_gone, r);
    int i = parked_n++;
    held[i] = r; /* the last thing: another thread may resume it now */
}

static void answer_ok(struct net_req *r)
{
    assert_non_null(net_req_worker(r));
    net_answer(r, 200);
    net_answer_bytes(r, WH_S("resumed"));
    net_answer_send(r);
}

static void answer_late(struct net_req *r)
{
    late_calls++;
    net_answer(r, 202);
    net_answer_bytes(r, WH_S("late"));
    net_answer_send(r);
}

static void on_gone(struct net_req *r, void *ctx)
{
    assert_ptr_equal(ctx, &gone_calls);
    assert_true(net_req_gone(r));
    gone_calls++;
}

static void on_end(struct net_req *r, void *ctx, bool complete)
{
    (void)r;
    (void)ctx;
    if (complete) {
        ended_good++;
    } else {
        ended_bad++;
    }
}

static void park_plain(struct net_req *r)
{
    net_on_end(r, on_end, NULL);
    net_park(r);
    give_back(r);
}

static void park_hooked(struct net_req *r)
{
    net_on_gone(r, on_gone, (void *)(uintptr_t)&gone_calls);
    park_plain(r);
}

static void park_deadline(struct net_req *r)
{
    net_on_end(r, on_end, NULL);
    net_park_until(r, wh_mono_us() + wait_us, answer_late);
    give_back(r);
}

/* Resumed before the handler has even returned, again and again. */
static void bounce(struct net_req *r)
{
    uintptr_t n = (uintptr_t)r->user;
    if (n == 100) {
        answer_ok(r);
        return;
    }
    r->user = (void *)(n + 1);
    net_park_until(r, wh_mono_us() + 10000000, answer_late);
    assert_true(net_resume(r, bounce));
}

/* A source that waits before each of three pieces. */
static enum net_pull_result wait_pull(struct net_req *r, void *ctx, char *buf,
                                      size_t cap, size_t *n)
{
    int *step = ctx;
    assert_true(cap >= 5);
    if (++*step % 2 == 1) {
        net_park(r);
        give_back(r);
        return NET_PULL_WAIT;
    }
    struct wh_str piece = WH_S("piece");
    memcpy(buf, piece.p, piece.n);
    *n = piece.n;
    return *step == 6 ? NET_PULL_END : NET_PULL_MORE;
}

static const struct net_pull waiting_pull = {wait_pull, on_end};

static void pull_waiting(struct net_req *r)
{
    net_answer(r, 200);
    net_answer_pull(r, NET_CHUNKED, &waiting_pull, WH_NEW(r->arena, int));
    net_answer_send(r);
}

static enum net_pull_result endless(struct net_req *r, void *ctx, char *buf,
                                    size_t cap, size_t *n)
{
    (void)r;
    (void)ctx;
    memset(buf, 'x', cap);
    *n = cap;
    return NET_PULL_MORE;
}

static void pull_tagged(struct net_req *r)
{
    static const struct net_pull pull = {endless, on_end};
    net_req_tag(r, wh_str_is(r->query, "a") ? tag_a : tag_b);
    net_answer(r, 200);
    net_answer_pull(r, NET_CHUNKED, &pull, NULL);
    net_answer_send(r);
}

static void park_tagged(struct net_req *r)
{
    net_req_tag(r, tag_b);
    net_req_tag(r, tag_a);
    park_hooked(r);
}

static void plain(struct net_req *r)
{
    net_on_end(r, on_end, NULL);
    answer_ok(r);
}

static const struct {
    const char *path;
    void (*handle)(struct net_req *r);
} routes[] = {
    {"/park", park_plain},     {"/hooked", park_hooked},
    {"/until", park_deadline}, {"/bounce", bounce},
    {"/pull", pull_waiting},   {"/tagged", pull_tagged},
    {"/parktag", park_tagged},
};

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    (void)app;
    p->handle = plain;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (wh_str_is(r->path, routes[i].path)) {
            p->handle = routes[i].handle;
        }
    }
}

static bool init(void *app, unsigned index, void **state, struct wh_err *err)
{
    if (app != NULL && index == *(unsigned *)app) {
        return wh_fail(err, WH_UNAVAILABLE, "no worker %u", index);
    }
    inits++;
    *state = wh_alloc(8);
    return true;
}

static void fini(void *app, void *state)
{
    (void)app;
    exits++;
    wh_free(state);
}

static struct test_server server;

static struct net_conf make_conf(void)
{
    return (struct net_conf){.loops = 2,
                             .workers = 3,
                             .long_workers = 2,
                             .limits = net_limits_default(),
                             .plan = plan,
                             .worker_init = init,
                             .worker_exit = fini};
}

static void up_with(unsigned loops)
{
    struct net_conf conf = make_conf();
    conf.loops = loops;
    parked_n = gone_calls = late_calls = ended_good = ended_bad = 0;
    arenas_gone = inits = exits = 0;
    memset((void *)(uintptr_t)held, 0, sizeof held);
    test_server_up(&server, &conf);
    assert_int_equal(inits, 5);
}

static int up(void **state)
{
    (void)state;
    up_with(2);
    return 0;
}

static int down(void **state)
{
    (void)state;
    test_server_down(&server, 0);
    assert_int_equal(exits, 5);
    return 0;
}

/* --- the client ----------------------------------------------------------- */

static int ask(const char *path)
{
    char req[200];
    int fd = test_connect(&server);
    snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    test_say(fd, req);
    return fd;
}

static void expect(int fd, int want, const char *text)
{
    int status;
    char *body;
    size_t n;
    char *head = test_read_answer(fd, false, &status, &body, &n);
    assert_int_equal(status, want);
    assert_string_equal(body, text);
    wh_free(head);
}

static struct net_req *wait_held(int i)
{
    for (int k = 0; k < 10000 && held[i] == NULL; k++) {
        usleep(1000);
    }
    assert_non_null(held[i]);
    return held[i];
}

/* --- tests ---------------------------------------------------------------- */

static void test_resume(void **state)
{
    (void)state;
    int fd = ask("/park");
    struct net_req *r = wait_held(0);
    assert_true(net_resume(r, answer_ok));
    expect(fd, 200, "resumed");
    test_wait(&ended_good, 1);
    test_wait(&arenas_gone, 1);
    close(fd);
}

static void test_bounce(void **state)
{
    (void)state;
    int fd = ask("/bounce");
    expect(fd, 200, "resumed");
    close(fd);
}

/* The answer comes at the deadline; the hold comes back later and finds the
 * request gone, but its memory still there. */
static void test_deadline(void **state)
{
    (void)state;
    wait_us = 50000;
    int fd = ask("/until");
    expect(fd, 202, "late");
    struct net_req *r = wait_held(0);
    test_wait(&ended_good, 1);
    assert_int_equal(arenas_gone, 0);
    test_say(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(fd, 200, "resumed");
    assert_false(net_resume(r, answer_ok));
    test_wait(&arenas_gone, 1);
    close(fd);
}

static void test_before_deadline(void **state)
{
    (void)state;
    wait_us = 3600000000LL;
    int fd = ask("/until");
    assert_true(net_resume(wait_held(0), answer_ok));
    expect(fd, 200, "resumed");
    assert_int_equal(late_calls, 0);
    close(fd);
}

/* With a hook the request ends at once, also when the client only closes its
 * sending side. */
static void test_gone_hooked(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int fd = ask("/hooked");
        struct net_req *r = wait_held(i);
        if (i == 0) {
            close(fd);
        } else {
            shutdown(fd, SHUT_WR);
        }
        test_wait(&gone_calls, i + 1);
        test_wait(&ended_bad, i + 1);
        assert_int_equal(arenas_gone, i);
        assert_false(net_resume(r, answer_ok));
        test_wait(&arenas_gone, i + 1);
        if (i == 1) {
            close(fd);
        }
    }
}

/* Without a hook nothing is interrupted: the work goes on, its answer falls. */
static void test_gone_plain(void **state)
{
    (void)state;
    int fd = ask("/park");
    struct net_req *r = wait_held(0);
    struct linger hard = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    for (int i = 0; i < 5000 && !net_req_gone(r); i++) {
        usleep(1000);
    }
    assert_true(net_req_gone(r));
    assert_true(net_resume(r, answer_ok));
    test_wait(&ended_bad, 1);
    test_wait(&arenas_gone, 1);
}

static void test_half_closed_plain(void **state)
{
    (void)state;
    int fd = ask("/park");
    shutdown(fd, SHUT_WR);
    usleep(20000);
    assert_true(net_resume(wait_held(0), answer_ok));
    expect(fd, 200, "resumed");
    close(fd);
}

static void test_pull_waits(void **state)
{
    (void)state;
    int fd = ask("/pull");
    for (int i = 0; i < 3; i++) {
        struct net_req *r = wait_held(i);
        assert_int_equal(net_server_stats(server.srv).buffers, 0);
        assert_true(net_resume(r, NULL));
    }
    expect(fd, 200, "piecepiecepiece");
    test_wait(&ended_good, 1);
    close(fd);
    /* and one that is left alone in the middle */
    fd = ask("/pull");
    struct net_req *r = wait_held(3);
    struct linger hard = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    test_wait(&ended_bad, 1);
    assert_false(net_resume(r, NULL));
}

static void test_end_matching(void **state)
{
    (void)state;
    int a1 = ask("/tagged?a"), a2 = ask("/tagged?a"), b = ask("/tagged?b");
    int p = ask("/parktag");
    char buf[1000];
    bool reset;
    assert_true(recv(a1, buf, sizeof buf, MSG_WAITALL) > 0);
    assert_true(recv(a2, buf, sizeof buf, MSG_WAITALL) > 0);
    assert_true(recv(b, buf, sizeof buf, MSG_WAITALL) > 0);
    struct net_req *r = wait_held(0);
    net_server_end_matching(server.srv, tag_a);
    wh_free(test_read_all(a1, NULL, &reset));
    assert_true(reset);
    wh_free(test_read_all(a2, NULL, &reset));
    assert_true(reset);
    size_t n;
    wh_free(test_read_all(p, &n, &reset));
    assert_true(reset && n == 0);
    test_wait(&gone_calls, 1);
    test_wait(&ended_bad, 3);
    assert_false(net_resume(r, answer_ok));
    assert_true(recv(b, buf, sizeof buf, MSG_WAITALL) > 0);
    assert_int_equal(ended_bad, 3);
    close(a1);
    close(a2);
    close(b);
    close(p);
}

static void loose(void *worker, void *arg)
{
    assert_non_null(worker);
    assert_ptr_equal(arg, &loose_jobs);
    loose_jobs++;
}

static void test_loose_jobs(void **state)
{
    (void)state;
    loose_jobs = 0;
    for (int i = 0; i < 100; i++) {
        net_server_run(server.srv, loose, (void *)(uintptr_t)&loose_jobs);
    }
    test_wait(&loose_jobs, 100);
}

/* --- stopping ------------------------------------------------------------- */

static void *stop_later(void *arg)
{
    net_server_stop(&server.srv, *(unsigned *)arg);
    return NULL;
}

/* Running requests are finished and told to close, idle ones closed at once. */
static void test_stop_graceful(void **state)
{
    (void)state;
    unsigned grace = 10000;
    pthread_t id;
    up_with(1); /* so that all learn of the stop together */
    int idle = ask("/"), busy = ask("/park");
    expect(idle, 200, "resumed");
    struct net_req *r = wait_held(0);
    pthread_create(&id, NULL, stop_later, &grace);
    size_t n;
    wh_free(test_read_all(idle, &n, NULL));
    assert_int_equal(n, 0);
    assert_true(net_resume(r, answer_ok));
    char *all = test_read_all(busy, &n, NULL);
    assert_non_null(strstr(all, "Connection: close\r\n"));
    assert_non_null(strstr(all, "resumed"));
    wh_free(all);
    close(busy);
    close(idle);
    pthread_join(id, NULL);
    assert_int_equal(test_count_fds(), server.fds_before);
}

/* What is not done in time is cut; holds are waited for all the same. */
static void test_stop_hard(void **state)
{
    (void)state;
    unsigned grace = 50;
    pthread_t id;
    up_with(2);
    int busy = ask("/hooked"), endless_one = ask("/tagged?a");
    struct net_req *r = wait_held(0);
    char c;
    assert_int_equal(recv(endless_one, &c, 1, 0), 1);
    pthread_create(&id, NULL, stop_later, &grace);
    bool reset;
    wh_free(test_read_all(busy, NULL, &reset));
    assert_true(reset);
    wh_free(test_read_all(endless_one, NULL, &reset));
    assert_true(reset);
    test_wait(&gone_calls, 1);
    assert_int_equal(exits, 0);
    assert_false(net_resume(r, answer_ok));
    pthread_join(id, NULL);
    assert_int_equal(exits, 5);
    close(busy);
    close(endless_one);
    assert_int_equal(test_count_fds(), server.fds_before);
}

/* The worker of that index has no state: nothing is left running. */
static void fail_start(unsigned index)
{
    struct net_conf conf = make_conf();
    struct wh_err err = {0};
    struct net_server *srv = NULL;
    uint16_t port;
    int fd, before = test_count_fds();
    char words[20];
    inits = exits = 0;
    conf.app = &index;
    assert_true(net_listen("::1", 0, &conf.listen_fd, &port, &err) ||
                net_listen("127.0.0.1", 0, &conf.listen_fd, &port, &err));
    assert_false(net_server_start(&conf, &srv, &err));
    (void)snprintf(words, sizeof words, "no worker %u", index);
    assert_string_equal(err.msg, words);
    assert_int_equal(inits, exits);
    assert_int_equal(test_count_fds(), before);
    assert_false(net_listen("localhost", 0, &fd, &port, &err));
    assert_int_equal(err.code, WH_USAGE);
}

/* In the short lane, or in the long one. */
static void test_failed_start(void **state)
{
    (void)state;
    struct net_server *srv = NULL;
    fail_start(2);
    fail_start(3);
    net_server_stop(&srv, 0); /* null is fine */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_resume),
        TEST(test_bounce),
        TEST(test_deadline),
        TEST(test_before_deadline),
        TEST(test_gone_hooked),
        TEST(test_gone_plain),
        TEST(test_half_closed_plain),
        TEST(test_pull_waits),
        TEST(test_end_matching),
        TEST(test_loose_jobs),
        cmocka_unit_test(test_stop_graceful),
        cmocka_unit_test(test_stop_hard),
        cmocka_unit_test(test_failed_start),
    };
    return cmocka_run_group_tests_name("net/wait", tests, NULL, NULL);
}
