/*
 * lane_test.c - two lanes of workers: what is short is served while long
 * requests fill theirs, and the other way round; whoever waits in a full lane
 * has his turn in the order in which he came; a stop serves what waits. Gates
 * hold the handlers, so nothing here depends on how fast the machine is.
 */
#include "net/testing.h"

#include "base/mem.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORKERS 2
#define LONG_WORKERS 2
#define WAITING 5 /* behind those that fill a lane */

/* --- the application ------------------------------------------------------ */

/* Handlers of a gate stay in it while it is shut. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool shut;
    _Atomic int inside; /* came in so far */
};

static struct gate gates[NET_LANES];
static _Atomic int most_long, now_long;
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
static char order[2 * WAITING + 1]; /* the queries, as they were served */

static void shut_gate(struct gate *g, bool shut)
{
    pthread_mutex_lock(&g->lock);
    g->shut = shut;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

static void pass(struct gate *g)
{
    g->inside++;
    pthread_mutex_lock(&g->lock);
    while (g->shut) {
        pthread_cond_wait(&g->moved, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
}

static void note(const struct net_req *r)
{
    pthread_mutex_lock(&order_lock);
    size_t n = strlen(order);
    if (r->query.n == 1 && n + 1 < sizeof order) {
        order[n] = r->query.p[0];
        order[n + 1] = 0;
    }
    pthread_mutex_unlock(&order_lock);
}

static void answer(struct net_req *r)
{
    net_answer(r, 200);
    net_answer_send(r);
}

static void serve_short(struct net_req *r)
{
    note(r);
    pass(&gates[NET_LANE_SHORT]);
    answer(r);
}

static void serve_long(struct net_req *r)
{
    int n = ++now_long;
    if (n > most_long) {
        most_long = n;
    }
    note(r);
    pass(&gates[NET_LANE_LONG]);
    now_long--;
    answer(r);
}

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    (void)app;
    bool is_long = wh_str_is(r->path, "/long");
    p->lane = is_long ? NET_LANE_LONG : NET_LANE_SHORT;
    p->handle = is_long ? serve_long : serve_short;
}

static struct test_server server;

static void up_with(unsigned workers, unsigned long_workers)
{
    struct net_conf conf = {.loops = 2,
                            .workers = workers,
                            .long_workers = long_workers,
                            .limits = net_limits_default(),
                            .plan = plan};
    for (int i = 0; i < NET_LANES; i++) {
        pthread_mutex_init(&gates[i].lock, NULL);
        pthread_cond_init(&gates[i].moved, NULL);
        gates[i].shut = false;
        gates[i].inside = 0;
    }
    order[0] = 0;
    most_long = now_long = 0;
    test_server_up(&server, &conf);
}

static int up(void **state)
{
    (void)state;
    up_with(WORKERS, LONG_WORKERS);
    return 0;
}

static void gates_done(void)
{
    for (int i = 0; i < NET_LANES; i++) {
        pthread_mutex_destroy(&gates[i].lock);
        pthread_cond_destroy(&gates[i].moved);
    }
}

static int down(void **state)
{
    (void)state;
    test_server_down(&server, 0);
    gates_done();
    return 0;
}

/* --- clients -------------------------------------------------------------- */

/* Ask; '.': without a query, which is not noted. */
static int ask(const char *path, char query)
{
    char text[100];
    int fd = test_connect(&server);
    (void)snprintf(text, sizeof text,
                   "GET %s%s%.1s HTTP/1.1\r\nHost: h\r\n\r\n", path,
                   query == '.' ? "" : "?", query == '.' ? "" : &query);
    test_say(fd, text);
    return fd;
}

static void expect_ok(int fd)
{
    int status;
    char *body;
    size_t n;
    wh_free(test_read_answer(fd, false, &status, &body, &n));
    assert_int_equal(status, 200);
    close(fd);
}

/* Reset the connection. */
static void leave(int fd)
{
    struct linger hard = {1, 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard),
                     0);
    close(fd);
}

/* Wait until so many jobs stand in the queues. */
static void expect_waiting(uint64_t want)
{
    uint64_t n = 0;
    for (int i = 0; i < 10000; i++) {
        n = net_server_stats(server.srv).jobs_waiting;
        if (n == want) {
            return;
        }
        usleep(1000);
    }
    fail_msg("%llu jobs wait, not %llu", (unsigned long long)n,
             (unsigned long long)want);
}

/* Shut the gate of a lane; have `workers` requests in it and WAITING behind
 * them, which came in the order of their letters. */
static void fill(enum net_lane lane, int workers, int *fds)
{
    const char *path = lane == NET_LANE_LONG ? "/long" : "/short";
    struct gate *g = &gates[lane];
    int before = g->inside;
    uint64_t queued = net_server_stats(server.srv).jobs_waiting;
    shut_gate(g, true);
    for (int i = 0; i < workers; i++) {
        fds[i] = ask(path, '.');
    }
    test_wait(&g->inside, before + workers);
    for (int i = 0; i < WAITING; i++) {
        fds[workers + i] = ask(path, (char)('a' + i));
        expect_waiting(queued + (uint64_t)i + 1);
    }
    assert_int_equal(g->inside, before + workers);
}

static void empty(enum net_lane lane, int workers, int *fds)
{
    shut_gate(&gates[lane], false);
    for (int i = 0; i < workers + WAITING; i++) {
        expect_ok(fds[i]);
    }
}

/* --- tests ---------------------------------------------------------------- */

/* The long lane is full and more wait in it: short ones are served. */
static void test_short_passes_long(void **state)
{
    (void)state;
    int fds[LONG_WORKERS + WAITING];
    fill(NET_LANE_LONG, LONG_WORKERS, fds);
    for (int i = 0; i < 20; i++) {
        expect_ok(ask("/short", '.'));
    }
    expect_waiting(WAITING);
    empty(NET_LANE_LONG, LONG_WORKERS, fds);
    assert_int_equal(most_long, LONG_WORKERS);
}

/* And the other way round: nor does the long lane starve. */
static void test_long_passes_short(void **state)
{
    (void)state;
    int fds[WORKERS + WAITING];
    fill(NET_LANE_SHORT, WORKERS, fds);
    for (int i = 0; i < 20; i++) {
        expect_ok(ask("/long", '.'));
    }
    expect_waiting(WAITING);
    empty(NET_LANE_SHORT, WORKERS, fds);
}

/* Both are full: each opens by itself, and leaves the other as it is. */
static void test_both_full(void **state)
{
    (void)state;
    int slow[LONG_WORKERS + WAITING], quick[WORKERS + WAITING];
    fill(NET_LANE_LONG, LONG_WORKERS, slow);
    fill(NET_LANE_SHORT, WORKERS, quick);
    empty(NET_LANE_SHORT, WORKERS, quick);
    expect_waiting(WAITING);
    assert_int_equal(gates[NET_LANE_LONG].inside, LONG_WORKERS);
    empty(NET_LANE_LONG, LONG_WORKERS, slow);
}

/* One worker a lane: whoever waits has his turn in the order of coming. */
static void test_order(void **state)
{
    (void)state;
    int fds[1 + WAITING];
    for (int lane = 0; lane < NET_LANES; lane++) {
        up_with(1, 1);
        fill((enum net_lane)lane, 1, fds);
        empty((enum net_lane)lane, 1, fds);
        assert_string_equal(order, "abcde");
        assert_true(most_long <= 1);
        down(NULL);
    }
}

/* Of workers that nobody numbered, half as many are for what is long. */
static void test_default(void **state)
{
    (void)state;
    int fds[2 + WAITING];
    up_with(3, 0);
    fill(NET_LANE_LONG, 2, fds);
    empty(NET_LANE_LONG, 2, fds);
    assert_int_equal(most_long, 2);
    down(NULL);
}

/* Who leaves while he waits in a full lane is not served there. */
static void test_gone(void **state)
{
    (void)state;
    int fds[LONG_WORKERS + WAITING];
    fill(NET_LANE_LONG, LONG_WORKERS, fds);
    for (int i = 0; i < WAITING; i++) {
        leave(fds[LONG_WORKERS + i]);
    }
    for (int i = 0;
         i < 10000 && net_server_stats(server.srv).connections != LONG_WORKERS;
         i++) {
        usleep(1000);
    }
    assert_int_equal(net_server_stats(server.srv).connections, LONG_WORKERS);
    shut_gate(&gates[NET_LANE_LONG], false);
    for (int i = 0; i < LONG_WORKERS; i++) {
        expect_ok(fds[i]);
    }
    expect_waiting(0);
    assert_int_equal(gates[NET_LANE_LONG].inside, LONG_WORKERS);
}

static void *stop_later(void *arg)
{
    (void)arg;
    net_server_stop(&server.srv, 60000);
    return NULL;
}

/* A stop in good time answers those that run in a full lane, and those that
 * wait behind them. */
static void test_stop(void **state)
{
    (void)state;
    int fds[LONG_WORKERS + WAITING], idle;
    char c;
    pthread_t id;
    up_with(WORKERS, LONG_WORKERS);
    idle = test_connect(&server);
    fill(NET_LANE_LONG, LONG_WORKERS, fds);
    assert_int_equal(pthread_create(&id, NULL, stop_later, NULL), 0);
    assert_int_equal(read(idle, &c, 1), 0); /* the stop has begun */
    close(idle);
    empty(NET_LANE_LONG, LONG_WORKERS, fds);
    pthread_join(id, NULL);
    assert_int_equal(strlen(order), WAITING);
    assert_int_equal(test_count_fds(), server.fds_before);
    gates_done();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_short_passes_long),   TEST(test_long_passes_short),
        TEST(test_both_full),           cmocka_unit_test(test_order),
        cmocka_unit_test(test_default), TEST(test_gone),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests_name("net/lane", tests, NULL, NULL);
}
