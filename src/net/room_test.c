/*
 * room_test.c - bodies that are buffered share a memory: who finds it used up
 * waits unread, is served when there is room, or is told to come back; and
 * large bodies are asked for leave first. At the end nothing is held any more.
 */
#include "net/testing.h"

#include "base/file.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY 100000 /* two of them are one address's share */

static _Atomic int admitted, handled, parked;
static struct net_req *_Atomic waiting;

/* --- the application ------------------------------------------------------ */

/* Says how long the body was, and whether it came as it was sent. */
static void measure(struct net_req *r)
{
    struct wh_str b = net_req_body(r);
    char text[64];
    bool good = true;
    for (size_t i = 0; i < b.n; i++) {
        good = good && b.p[i] == (char)('a' + i % 23);
    }
    handled++;
    int n = snprintf(text, sizeof text, "%zu %s", b.n, good ? "good" : "bad");
    net_answer(r, 200);
    net_answer_bytes(r, wh_str_mem(text, (size_t)n));
    net_answer_send(r);
}

static void park(struct net_req *r)
{
    net_park(r);
    waiting = r;
    parked++;
}

static void admit(struct net_req *r)
{
    admitted++;
    if (wh_str_is(r->path, "/no")) {
        net_answer(r, 401);
        net_answer_send(r);
    } else if (wh_str_is(r->path, "/less")) {
        net_body_limit(r, 70000);
    } else if (wh_str_is(r->path, "/more")) {
        net_body_limit(r, UINT64_MAX);
    }
}

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    (void)app;
    p->body = NET_BODY_BUFFER;
    p->limit = 150000;
    p->handle = wh_str_is(r->path, "/park") ? park : measure;
    p->admit = wh_str_is(r->path, "/free") || wh_str_is(r->path, "/park")
                   ? NULL
                   : admit;
}

static struct test_server server;

static struct net_limits room_limits(void)
{
    struct net_limits m = test_limits();
    m.body_window_ms = m.body_wait_ms = m.idle_ms = 20000;
    m.body_memory = 3 * BODY;
    m.body_share = 2 * BODY;
    return m;
}

static void up_with(struct net_limits limits)
{
    struct net_conf conf = {
        .loops = 2, .workers = 2, .limits = limits, .plan = plan};
    admitted = handled = parked = 0;
    test_server_up(&server, &conf);
}

static int up(void **state)
{
    (void)state;
    up_with(room_limits());
    return 0;
}

/* Wait until so much is claimed, and so many wait. */
static void expect_room(uint64_t bytes, uint64_t waiters)
{
    struct net_stats s = {0};
    for (int i = 0; i < 10000; i++) {
        s = net_server_stats(server.srv);
        if (s.body_bytes == bytes && s.body_waiting == waiters) {
            return;
        }
        usleep(1000);
    }
    fail_msg("%llu bytes are claimed, %llu wait",
             (unsigned long long)s.body_bytes,
             (unsigned long long)s.body_waiting);
}

static int down(void **state)
{
    (void)state;
    expect_room(0, 0);
    test_server_down(&server, 0);
    return 0;
}

/* --- clients -------------------------------------------------------------- */

/* A connection from another address of this machine. */
static int connect_from(const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET},
                       to = {.sin_family = AF_INET,
                             .sin_port = htons(server.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_part(int fd, size_t from, size_t to)
{
    char *p = wh_alloc(to - from + 1);
    for (size_t i = from; i < to; i++) {
        p[i - from] = (char)('a' + i % 23);
    }
    test_send(fd, p, to - from);
    wh_free(p);
}

/* Announce a body and send the first `part` bytes of it. */
static void begin(int fd, const char *path, size_t length, size_t part)
{
    char head[128];
    (void)snprintf(head, sizeof head,
                   "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
                   path, length);
    test_say(fd, head);
    send_part(fd, 0, part);
}

static int half(const char *path)
{
    int fd = test_connect(&server);
    begin(fd, path, BODY, BODY / 2);
    return fd;
}

static void expect_answer(int fd, int want, const char *text)
{
    int status;
    char *body;
    size_t n;
    char *all = test_read_answer(fd, false, &status, &body, &n);
    if (status != want || (text != NULL && strcmp(body, text) != 0)) {
        fail_msg("wanted %d '%s', got %d '%s'", want, text != NULL ? text : "",
                 status, body);
    }
    if (status == 503) {
        assert_non_null(strstr(all, "\r\nRetry-After: 5\r\n"));
        assert_non_null(strstr(all, "\r\nX-Error-Message: too many"));
        assert_non_null(strstr(all, "\r\nConnection: close\r\n"));
    }
    wh_free(all);
}

static void finish(int fd)
{
    send_part(fd, BODY / 2, BODY);
    expect_answer(fd, 200, "100000 good");
    close(fd);
}

/* Two half-sent bodies: the share of this address is used up. */
static void use_up(int fd[2])
{
    fd[0] = half("/free");
    fd[1] = half("/free");
    expect_room(2 * (uint64_t)BODY, 0);
}

/* --- waiting for room ----------------------------------------------------- */

static void test_waits_and_is_served(void **state)
{
    (void)state;
    int fd[2];
    use_up(fd);
    int third = test_connect(&server), fourth = half("/free");
    expect_room(2 * (uint64_t)BODY, 1);
    /* "100 Continue" is not said before there is room */
    test_say(third, "POST /free HTTP/1.1\r\nHost: h\r\n"
                    "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
    expect_room(2 * (uint64_t)BODY, 2);
    finish(fd[0]);
    finish(fourth);
    char leave[25];
    assert_int_equal(recv(third, leave, sizeof leave, MSG_WAITALL), 25);
    assert_memory_equal(leave, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    expect_room(2 * (uint64_t)BODY, 0);
    finish(fd[1]);
    send_part(third, 0, BODY / 2);
    finish(third);
}

static void test_no_room_in_time(void **state)
{
    (void)state;
    struct net_limits m = room_limits();
    int fd[2];
    m.body_wait_ms = 200;
    up_with(m);
    use_up(fd);
    int third = half("/free");
    expect_answer(third, 503, NULL);
    close(third);
    finish(fd[0]);
    finish(fd[1]);
    down(NULL);
}

static void test_line_is_full(void **state)
{
    (void)state;
    struct net_limits m = room_limits();
    int fd[2];
    m.body_queue = 1;
    up_with(m);
    use_up(fd);
    int third = half("/free");
    expect_room(2 * (uint64_t)BODY, 1);
    int fourth = half("/free");
    expect_answer(fourth, 503, NULL);
    close(fourth);
    finish(fd[0]);
    finish(third);
    finish(fd[1]);
    down(NULL);
}

/* All room is held by bodies that never end: their time limit frees it. */
static void test_half_sent_bodies_end(void **state)
{
    (void)state;
    struct net_limits m = room_limits();
    int fd[2];
    m.body_window_ms = 300;
    up_with(m);
    use_up(fd);
    int third = half("/free");
    send_part(third, BODY / 2, BODY);
    expect_answer(third, 200, "100000 good");
    close(third);
    for (int i = 0; i < 2; i++) {
        expect_answer(fd[i], 408, NULL);
        close(fd[i]);
    }
    down(NULL);
}

/* A body above the floor may take its time, until others wait for its room. */
static void test_pressed(void **state)
{
    (void)state;
    struct net_limits m = room_limits();
    int fd[2], third = -1, sent = 0;
    m.body_window_ms = 200;
    m.body_window_bytes = 1;
    up_with(m);
    for (int i = 0; i < 2; i++) {
        fd[i] = test_connect(&server);
        begin(fd[i], "/free", BODY, 1000);
    }
    expect_room(2 * (uint64_t)BODY, 0);
    for (; sent < 100; sent++) {
        usleep(20000);
        send_part(fd[0], 0, 10);
        send_part(fd[1], 0, 10);
    }
    expect_room(2 * (uint64_t)BODY, 0);
    third = half("/free");
    expect_answer(fd[0], 408, NULL);
    expect_answer(fd[1], 408, NULL);
    close(fd[0]);
    close(fd[1]);
    finish(third);
    down(NULL);
}

static void test_others_have_their_share(void **state)
{
    (void)state;
    int fd[2], line[20];
    use_up(fd);
    for (size_t i = 0; i < 20; i++) {
        line[i] = half("/free");
    }
    expect_room(2 * (uint64_t)BODY, 20);
    for (int i = 0; i < 5; i++) {
        int other = connect_from("127.0.0.2");
        begin(other, "/free", BODY, BODY / 2);
        finish(other);
    }
    expect_room(2 * (uint64_t)BODY, 20);
    for (int i = 0; i < 2; i++) {
        finish(fd[i]);
    }
    /* two loops took them in: who is first in line is not the first here */
    for (size_t i = 0; i < 20; i++) {
        send_part(line[i], BODY / 2, BODY);
    }
    for (size_t i = 0; i < 20; i++) {
        expect_answer(line[i], 200, "100000 good");
        close(line[i]);
    }
}

/* Clients that leave, at every stage, leave nothing behind. */
static void test_clients_leave(void **state)
{
    (void)state;
    struct net_limits m = room_limits();
    int fd[2];
    m.body_wait_ms = 200;
    up_with(m);
    use_up(fd);
    close(half("/free")); /* while it waits */
    expect_room(2 * (uint64_t)BODY, 1);
    close(fd[0]); /* in the middle of its body */
    close(fd[1]);
    expect_room(0, 0);
    int gone = half("/park"); /* while its handler is at work */
    send_part(gone, BODY / 2, BODY);
    test_wait(&parked, 1);
    close(gone);
    expect_room(BODY, 0);
    (void)net_resume(waiting, measure);
    down(NULL);
}

static void test_stop_while_waiting(void **state)
{
    (void)state;
    int fd[2];
    use_up(fd);
    int third = half("/free");
    expect_room(2 * (uint64_t)BODY, 1);
    net_server_stop(&server.srv, 0);
    close(fd[0]);
    close(fd[1]);
    close(third);
    assert_int_equal(test_count_fds(), server.fds_before);
}

/* --- leave for large bodies ----------------------------------------------- */

static void test_admit(void **state)
{
    static const struct {
        const char *path;
        size_t length;
        int status, asked;
        const char *text;
    } rows[] = {
        {"/yes", 65536, 200, 0, "65536 good"},
        {"/no", 65536, 200, 0, "65536 good"},
        {"/yes", 65537, 200, 1, "65537 good"},
        {"/less", 70000, 200, 1, "70000 good"},
        {"/less", 70001, 413, 1, NULL},
        {"/more", 150000, 200, 1, "150000 good"},
        {"/more", 150001, 413, 0, NULL},
        {"/no", 65537, 401, 1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = test_connect(&server);
        int before = admitted, runs = handled;
        begin(fd, rows[i].path, rows[i].length, rows[i].length);
        expect_answer(fd, rows[i].status, rows[i].text);
        assert_int_equal(admitted - before, rows[i].asked);
        assert_int_equal(handled - runs, rows[i].status == 200);
        if (rows[i].status == 200) { /* the connection goes on */
            begin(fd, "/yes", 3, 3);
            expect_answer(fd, 200, "3 good");
        }
        close(fd);
    }
}

/* A body of unknown length needs leave, and room for all that it may become. */
static void test_admit_chunked(void **state)
{
    static const char head[] = "POST /%s HTTP/1.1\r\nHost: h\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    (void)state;
    int fd = test_connect(&server);
    char text[128];
    (void)snprintf(text, sizeof text, head, "less");
    test_say(fd, text);
    expect_room(70000, 0);
    test_say(fd, "5\r\nabcde\r\n0\r\n\r\n");
    expect_answer(fd, 200, "5 good");
    assert_int_equal(admitted, 1);
    close(fd);
    fd = test_connect(&server);
    (void)snprintf(text, sizeof text, head, "no");
    test_say(fd, text);
    expect_answer(fd, 401, NULL);
    close(fd);
    fd = test_connect(&server);
    (void)snprintf(text, sizeof text, head, "less");
    test_say(fd, text);
    test_say(fd, "11171\r\n"); /* 70001 */
    send_part(fd, 0, 70001);
    expect_answer(fd, 413, NULL);
    close(fd);
}

/* Nothing is asked of the client before it has leave. */
static void test_admit_continue(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    test_say(fd, "POST /no HTTP/1.1\r\nHost: h\r\n"
                 "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
    expect_answer(fd, 401, NULL);
    close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_waits_and_is_served),
        cmocka_unit_test(test_no_room_in_time),
        cmocka_unit_test(test_line_is_full),
        cmocka_unit_test(test_half_sent_bodies_end),
        cmocka_unit_test(test_pressed),
        TEST(test_others_have_their_share),
        cmocka_unit_test(test_clients_leave),
        cmocka_unit_test_setup(test_stop_while_waiting, up),
        TEST(test_admit),
        TEST(test_admit_chunked),
        TEST(test_admit_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
