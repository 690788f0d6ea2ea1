/* Messages: what is sent arrives, limits hold, descriptors are never lost. */
#include "proc/msg.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Two ends of a channel and a frame for each test. */
struct pair {
    int a, b;
    struct proc_frame *f;
};

static int pair_up(void **state)
{
    int fd[2];
    struct pair *p = wh_alloc(sizeof *p);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    p->a = fd[0];
    p->b = fd[1];
    p->f = wh_alloc(sizeof *p->f);
    *state = p;
    return 0;
}

static int pair_down(void **state)
{
    struct pair *p = *state;
    proc_frame_done(p->f);
    wh_fd_close(&p->a);
    wh_fd_close(&p->b);
    wh_free(p->f);
    wh_free(p);
    return 0;
}

static int count_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

static void test_round_trip(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    char *big = wh_alloc(PROC_MSG_BODY);
    memset(big, 'x', PROC_MSG_BODY);
    const size_t sizes[] = {0, 1, 4096, PROC_MSG_BODY};
    for (size_t i = 0; i < 4; i++) {
        struct proc_msg m = {.type = 0x7777,
                             .id = 0xdeadbeef,
                             .body = wh_str_mem(big, sizes[i])};
        assert_true(proc_msg_send(p->a, &m, proc_deadline(1000), &err));
        assert_true(proc_msg_recv(p->b, p->f, proc_deadline(1000), &err));
        assert_int_equal(p->f->msg.type, 0x7777);
        assert_int_equal(p->f->msg.id, 0xdeadbeef);
        assert_true(wh_str_eq(p->f->msg.body, m.body));
    }
    struct proc_msg m = {.type = 1, .body = wh_str_mem(big, PROC_MSG_BODY + 1)};
    assert_false(proc_msg_send(p->a, &m, proc_deadline(1000), &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    wh_free(big);
}

static void test_descriptors(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    int before = count_fds();
    struct proc_msg m = {.type = 1, .fds = {0, 1, 2, p->a}, .nfds = 4};
    assert_true(proc_msg_send(p->a, &m, proc_deadline(1000), &err));
    assert_true(proc_msg_recv(p->b, p->f, proc_deadline(1000), &err));
    assert_int_equal(p->f->msg.nfds, 4);
    assert_int_equal(count_fds(), before + 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(fcntl(p->f->msg.fds[i], F_GETFD) & FD_CLOEXEC);
    }
    int mine = proc_frame_take_fd(p->f, 2);
    assert_true(mine >= 0);
    assert_int_equal(proc_frame_take_fd(p->f, 2), -1);
    assert_int_equal(proc_frame_take_fd(p->f, 9), -1);
    proc_frame_done(p->f);
    assert_int_equal(count_fds(), before + 1);
    wh_fd_close(&mine);
}

/* Send raw bytes with n copies of standard input. */
static void send_raw(int fd, const void *bytes, size_t len, size_t n)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } c = {0};
    uint8_t copy[64];
    memcpy(copy, bytes, len);
    struct iovec iov = {.iov_base = copy, .iov_len = len};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n > 0) {
        h.msg_control = c.bytes;
        h.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *cm = CMSG_FIRSTHDR(&h);
        wh_assert(cm);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN(n * sizeof(int));
        memset(CMSG_DATA(cm), 0, n * sizeof(int));
    }
    assert_int_equal(sendmsg(fd, &h, 0), (ssize_t)len);
}

static void test_malformed(void **state)
{
    static const struct {
        uint8_t bytes[9];
        size_t n, fds;
    } cases[] = {
        {{1, 0, 0, 0, 0, 0, 0}, 7, 0},       /* cut head */
        {{0, 0, 0, 0, 0, 0, 0, 0}, 8, 0},    /* no type */
        {{1, 0, 1, 0, 0, 0, 0, 0}, 8, 0},    /* reserved bytes in use */
        {{1, 0, 0, 0, 0, 0, 0, 0}, 8, 5},    /* too many descriptors */
        {{1, 0, 0, 0, 0, 0, 0, 0, 9}, 9, 8}, /* far too many */
    };
    struct pair *p = *state;
    int before = count_fds();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wh_err err = {0};
        send_raw(p->a, cases[i].bytes, cases[i].n, cases[i].fds);
        assert_false(proc_msg_recv(p->b, p->f, proc_deadline(1000), &err));
        assert_int_equal(err.code, WH_BAD_REQUEST);
        assert_int_equal(count_fds(), before);
    }
}

static void test_oversized_packet(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    size_t n = PROC_MSG_HEAD + PROC_MSG_BODY + 1;
    uint8_t *bytes = wh_alloc(n);
    bytes[0] = 1;
    assert_int_equal(send(p->a, bytes, n, 0), (ssize_t)n);
    assert_false(proc_msg_recv(p->b, p->f, proc_deadline(1000), &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    wh_free(bytes);
}

static void test_ends(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    assert_false(proc_msg_recv(p->b, p->f, wh_mono_us(), &err));
    assert_int_equal(err.code, WH_TIMEOUT);
    wh_fd_close(&p->a);
    err = (struct wh_err){0};
    assert_false(proc_msg_recv(p->b, p->f, proc_deadline(1000), &err));
    assert_int_equal(err.code, WH_CHILD_DIED);
    err = (struct wh_err){0};
    struct proc_msg m = {.type = 1};
    assert_false(proc_msg_send(p->b, &m, proc_deadline(1000), &err));
    assert_int_equal(err.code, WH_CHILD_DIED);
}

static void test_full_socket_times_out(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    char body[4096] = "";
    struct proc_msg m = {.type = 1, .body = wh_str_mem(body, sizeof body)};
    bool sent = true;
    for (int i = 0; i < 10000 && sent; i++) {
        sent = proc_msg_send(p->a, &m, wh_mono_us(), &err);
    }
    assert_false(sent);
    assert_int_equal(err.code, WH_TIMEOUT);
}

static void test_errors_travel(void **state)
{
    (void)state;
    struct wh_err in = {0}, out = {0};
    struct wh_buf b;
    struct proc_msg m;
    wh_buf_init(&b, 2048);
    wh_fail(&in, WH_HELD, "held by %s", "limited.default");
    wh_err_detail(&in, "log only");
    proc_msg_of_err(&m, 7, &in, &b);
    assert_false(proc_msg_to_err(&m, &out));
    assert_int_equal(out.code, WH_HELD);
    assert_string_equal(out.msg, "held by limited.default");
    assert_non_null(strstr(out.detail, "log only"));
    for (size_t cut = 0; cut < m.body.n; cut++) {
        struct proc_msg part = m;
        part.body.n = cut;
        out = (struct wh_err){0};
        assert_false(proc_msg_to_err(&part, &out));
        assert_int_equal(out.code, WH_INTERNAL);
    }
    wh_buf_done(&b);
}

static void test_bulk(void **state)
{
    (void)state;
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_str got;
    int fd = -1;
    wh_arena_init(&a, 1 << 20);
    assert_true(proc_bulk_make(WH_S("many bytes"), &fd, &err));
    assert_true(proc_bulk_read(&a, fd, 10, &got, &err));
    assert_true(wh_str_is(got, "many bytes"));
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_not_equal(ftruncate(fd, 0), 0);
    assert_false(proc_bulk_read(&a, fd, 9, &got, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    wh_fd_close(&fd);
    /* memory that its sender could still change */
    fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    err = (struct wh_err){0};
    assert_false(proc_bulk_read(&a, fd, 10, &got, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    wh_fd_close(&fd);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, pair_up, pair_down),
        cmocka_unit_test_setup_teardown(test_descriptors, pair_up, pair_down),
        cmocka_unit_test_setup_teardown(test_malformed, pair_up, pair_down),
        cmocka_unit_test_setup_teardown(test_oversized_packet, pair_up,
                                        pair_down),
        cmocka_unit_test_setup_teardown(test_ends, pair_up, pair_down),
        cmocka_unit_test_setup_teardown(test_full_socket_times_out, pair_up,
                                        pair_down),
        cmocka_unit_test(test_errors_travel),
        cmocka_unit_test(test_bulk),
    };
    return cmocka_run_group_tests_name("proc/msg", tests, NULL, NULL);
}
