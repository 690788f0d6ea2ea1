/* Service and client: answers, errors, sessions, death, restart, strangers. */
#include "proc/client.h"
#include "proc/service.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define T_ECHO 1   /* body back */
#define T_FAIL 2   /* WH_HELD */
#define T_DIE 3    /* the process ends */
#define T_ADD 4    /* session: adds the body's length; one-way */
#define T_SUM 5    /* session: the sum */
#define T_BAD1 6   /* one-way that fails */
#define T_SLOW 7   /* a quarter of a second */
#define T_BIG 8    /* an answer over the arena's ceiling */
#define T_FD 9     /* a bulk descriptor back */
#define T_HELLO 10 /* never answered: no handler sends a reply */

struct world {
    char dir[64];
    int listen_fd;
    pid_t pid;
    struct proc_client *c;
    struct proc_frame *f;
};

static bool handle(void *ctx, struct proc_request *rq, struct wh_err *err)
{
    (void)ctx;
    size_t *sum = *rq->session;
    struct timespec quarter = {.tv_nsec = 250000000};
    switch (rq->msg->type) {
    case T_ECHO:
        rq->reply->body = wh_arena_dup(rq->arena, rq->msg->body);
        return true;
    case T_FAIL:
        return wh_fail(err, WH_HELD, "no");
    case T_DIE:
        _exit(9);
    case T_ADD:
        if (!sum) {
            *rq->session = sum = wh_alloc(sizeof *sum);
        }
        *sum += rq->msg->body.n;
        rq->reply->type = 0;
        return true;
    case T_SUM:
        rq->reply->body =
            wh_arena_fmt(rq->arena, "%zu", sum ? *sum : (size_t)0);
        return true;
    case T_BAD1:
        return wh_fail(err, WH_CORRUPT, "one-way failed");
    case T_SLOW:
        nanosleep(&quarter, NULL);
        return true;
    case T_BIG:
        rq->reply->body = wh_str_mem(wh_arena_alloc(rq->arena, 70000), 70000);
        return true;
    case T_FD:
        rq->reply->nfds = 1;
        return proc_bulk_make(WH_S("bulk"), &rq->reply->fds[0], err);
    case T_HELLO:
        rq->reply->type = 0;
        return true;
    default:
        return wh_fail(err, WH_BAD_REQUEST, "unknown");
    }
}

static void end_session(void *ctx, void *session)
{
    (void)ctx;
    wh_free(session);
}

static pid_t serve(int listen_fd, uid_t peer)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    struct wh_err err = {0};
    struct proc_service s = {.name = "test",
                             .listen_fd = listen_fd,
                             .threads = 3,
                             .max_conns = 4,
                             .peers = {peer},
                             .npeers = 1,
                             .arena_ceiling = 65536,
                             .handle = handle,
                             .close = end_session};
    _exit(proc_service_run(&s, &err) ? 0 : 1);
}

static int up(void **state)
{
    struct wh_err err = {0};
    struct world *w = wh_alloc(sizeof *w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/wh-service-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->listen_fd = proc_listen(w->dir, "test", 0600, &err);
    assert_true(w->listen_fd >= 0);
    w->pid = serve(w->listen_fd, geteuid());
    w->c = proc_client_new(w->dir, "test", 3, 2, &err);
    assert_non_null(w->c);
    w->f = wh_alloc(sizeof *w->f);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    char path[96];
    proc_frame_done(w->f);
    wh_free(w->f);
    proc_client_free(&w->c);
    if (w->pid > 0) {
        int status = 0;
        kill(w->pid, SIGTERM);
        assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    wh_fd_close(&w->listen_fd);
    (void)snprintf(path, sizeof path, "%s/test.sock", w->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(w->dir), 0);
    wh_free(w);
    return 0;
}

/* One call with a body; the code of its failure, or WH_NONE. */
static enum wh_code call(struct world *w, uint16_t type, struct wh_str body)
{
    struct wh_err err = {0};
    struct proc_msg m = {.type = type, .body = body};
    bool ok = proc_call(w->c, &m, proc_deadline(10000), w->f, &err);
    assert_true(ok == (err.code == WH_NONE));
    return err.code;
}

static void test_answers(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(call(w, T_ECHO, WH_S("hello")), WH_NONE);
        assert_true(wh_str_is(w->f->msg.body, "hello"));
        assert_int_equal(call(w, T_FAIL, WH_S("")), WH_HELD);
    }
    assert_int_equal(call(w, 0x7fff, WH_S("")), WH_BAD_REQUEST);
    assert_int_equal(call(w, T_BIG, WH_S("")), WH_NOMEM);
    assert_int_equal(call(w, T_ECHO, WH_S("still here")), WH_NONE);
}

static void test_bulk_answer(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_str s;
    wh_arena_init(&a, 4096);
    assert_int_equal(call(w, T_FD, WH_S("")), WH_NONE);
    assert_int_equal(w->f->msg.nfds, 1);
    assert_true(proc_bulk_read(&a, w->f->msg.fds[0], 100, &s, &err));
    assert_true(wh_str_is(s, "bulk"));
    wh_arena_done(&a);
}

static void test_deadline(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct proc_msg m = {.type = T_HELLO};
    assert_false(proc_call(w->c, &m, proc_deadline(20), w->f, &err));
    assert_int_equal(err.code, WH_TIMEOUT);
    assert_int_equal(call(w, T_ECHO, WH_S("next")), WH_NONE);
}

static void test_session(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    int64_t d = proc_deadline(10000);
    struct proc_session *s = proc_session_open(w->c, d, &err);
    struct proc_session *t = proc_session_open(w->c, d, &err);
    assert_non_null(s);
    assert_non_null(t);
    assert_null(proc_session_open(w->c, d, &err));
    assert_int_equal(err.code, WH_UNAVAILABLE);
    for (int i = 0; i < 100; i++) {
        struct proc_msg m = {.type = T_ADD, .body = WH_S("12345")};
        assert_true(proc_session_send(s, &m, d, &err));
    }
    struct proc_msg m = {.type = T_SUM};
    assert_true(proc_session_call(s, &m, d, w->f, &err));
    assert_true(wh_str_is(w->f->msg.body, "500"));
    assert_true(proc_session_call(t, &m, d, w->f, &err));
    assert_true(wh_str_is(w->f->msg.body, "0"));
    /* a one-way message that fails surfaces at the next call */
    struct proc_msg bad = {.type = T_BAD1};
    assert_true(proc_session_send(t, &bad, d, &err));
    err = (struct wh_err){0};
    assert_false(proc_session_call(t, &m, d, w->f, &err));
    assert_int_equal(err.code, WH_CORRUPT);
    err = (struct wh_err){0};
    assert_false(proc_session_call(t, &m, d, w->f, &err));
    assert_int_equal(err.code, WH_CHILD_DIED);
    proc_session_close(&s);
    proc_session_close(&t);
    proc_session_close(&t);
}

static void test_death_and_restart(void **state)
{
    struct world *w = *state;
    int status = 0;
    assert_int_equal(call(w, T_ECHO, WH_S("x")), WH_NONE);
    assert_int_equal(call(w, T_DIE, WH_S("")), WH_CHILD_DIED);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    assert_int_equal(WEXITSTATUS(status), 9);
    /* nobody serves, the listener lives: a call waits until its deadline */
    struct wh_err err = {0};
    struct proc_msg m = {.type = T_ECHO};
    assert_false(proc_call(w->c, &m, proc_deadline(20), w->f, &err));
    assert_int_equal(err.code, WH_TIMEOUT);
    /* and one that waits is answered by the process that comes */
    w->pid = serve(w->listen_fd, geteuid());
    assert_int_equal(call(w, T_ECHO, WH_S("again")), WH_NONE);
    assert_true(wh_str_is(w->f->msg.body, "again"));
    /* pooled connections to a process that was killed meanwhile are noticed */
    kill(w->pid, SIGKILL);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    w->pid = serve(w->listen_fd, geteuid());
    assert_int_equal(call(w, T_ECHO, WH_S("third")), WH_NONE);
}

static void test_strangers(void **state)
{
    struct world *w = *state;
    int status = 0;
    kill(w->pid, SIGTERM);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    w->pid = serve(w->listen_fd, geteuid() + 1);
    assert_int_equal(call(w, T_ECHO, WH_S("let me in")), WH_FORBIDDEN);
}

static void test_too_many(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct proc_client *many = proc_client_new(w->dir, "test", 1, 8, &err);
    struct proc_session *s[5];
    struct proc_msg m = {.type = T_SUM};
    for (int i = 0; i < 5; i++) {
        s[i] = proc_session_open(many, proc_deadline(10000), &err);
        assert_non_null(s[i]);
        bool ok = proc_session_call(s[i], &m, proc_deadline(10000), w->f, &err);
        assert_true(ok == (i < 4));
    }
    assert_int_equal(err.code, WH_UNAVAILABLE);
    for (int i = 0; i < 5; i++) {
        proc_session_close(&s[i]);
    }
    assert_null(s[0]);
    proc_client_free(&many);
}

static void *caller(void *arg)
{
    struct world *w = arg;
    struct proc_frame *f = wh_alloc(sizeof *f);
    uintptr_t bad = 0;
    for (int i = 0; i < 200; i++) {
        char text[32];
        struct wh_err err = {0};
        (void)snprintf(text, sizeof text, "%p %d", (void *)f, i);
        struct proc_msg m = {.type = T_ECHO, .body = wh_str_of(text)};
        if (!proc_call(w->c, &m, proc_deadline(20000), f, &err) ||
            !wh_str_is(f->msg.body, text)) {
            bad++;
        }
    }
    proc_frame_done(f);
    wh_free(f);
    return (void *)bad; /* NOLINT: a count, carried by pthread_join */
}

static void test_threads(void **state)
{
    pthread_t t[6];
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, caller, *state), 0);
    }
    for (int i = 0; i < 6; i++) {
        void *bad = NULL;
        assert_int_equal(pthread_join(t[i], &bad), 0);
        assert_null(bad);
    }
}

/* SIGTERM in the middle of a message: it is answered first. */
static void *slow_caller(void *arg)
{
    struct world *w = arg;
    struct proc_frame *f = wh_alloc(sizeof *f);
    struct wh_err err = {0};
    struct proc_msg m = {.type = T_SLOW};
    bool ok = proc_call(w->c, &m, proc_deadline(20000), f, &err);
    proc_frame_done(f);
    wh_free(f);
    return ok ? arg : NULL;
}

static void test_graceful_stop(void **state)
{
    struct world *w = *state;
    pthread_t t;
    int status = 0;
    void *ok = NULL;
    struct timespec tenth = {.tv_nsec = 100000000};
    assert_int_equal(call(w, T_ECHO, WH_S("up")), WH_NONE);
    assert_int_equal(pthread_create(&t, NULL, slow_caller, w), 0);
    nanosleep(&tenth, NULL);
    kill(w->pid, SIGTERM);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    w->pid = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(pthread_join(t, &ok), 0);
    assert_non_null(ok);
}

static void test_long_path(void **state)
{
    (void)state;
    struct wh_err err = {0};
    char base[] = "/tmp/wh-long-XXXXXX", dir[512];
    assert_non_null(mkdtemp(base));
    (void)snprintf(dir, sizeof dir, "%s/%0200d", base, 7);
    assert_true(wh_dir_make(dir, 0700, &err));
    int fd = proc_listen(dir, "keeper", 0600, &err);
    assert_true(fd >= 0);
    struct proc_client *c = proc_client_new(dir, "keeper", 1, 1, &err);
    struct proc_session *s = proc_session_open(c, proc_deadline(1000), &err);
    assert_non_null(s);
    proc_session_close(&s);
    proc_client_free(&c);
    wh_fd_close(&fd);
    char sock[600];
    (void)snprintf(sock, sizeof sock, "%s/keeper.sock", dir);
    assert_int_equal(unlink(sock), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(base), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_answers),           T(test_bulk_answer),
        T(test_deadline),          T(test_session),
        T(test_death_and_restart), T(test_strangers),
        T(test_too_many),          T(test_threads),
        T(test_graceful_stop),     cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests_name("proc/service", tests, NULL, NULL);
}
