/* The parent: order of start, restarts, when it gives up, order of stop. Each
 * child writes one letter at start and one at its end into a pipe. */
#include "proc/supervise.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What one child does. */
struct script {
    int fd;
    char letter;
    bool ready;  /* says so */
    int exit_at; /* exit code once ready; -1: wait for SIGTERM */
    bool deaf;   /* ignores SIGTERM */
};

static void say(const struct script *s, char c)
{
    assert_int_equal(write(s->fd, &c, 1), 1);
}

static int child_main(void *arg)
{
    struct script *s = arg;
    sigset_t term;
    int sig;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, NULL);
    say(s, s->letter);
    if (s->ready) {
        proc_child_ready();
    }
    if (s->exit_at >= 0) {
        _exit(s->exit_at);
    }
    if (s->deaf) {
        pause();
    }
    sigwait(&term, &sig);
    say(s, (char)(s->letter - 'a' + 'A'));
    _exit(0);
}

struct world {
    int pipe[2];
    pid_t pid;
};

static void start(struct world *w, struct script *scripts, unsigned n)
{
    struct proc_child table[4];
    assert_int_equal(pipe(w->pipe), 0);
    w->pid = fork();
    if (w->pid == 0) {
        wh_log_level(WH_ERROR + 1);
        for (unsigned i = 0; i < n; i++) {
            scripts[i].fd = w->pipe[1];
            table[i] =
                (struct proc_child){.name = "child",
                                    .run = child_main,
                                    .arg = &scripts[i],
                                    .stop_ms = scripts[i].deaf ? 50 : 20000};
        }
        _exit(proc_supervise(table, n));
    }
    close(w->pipe[1]);
}

/* The next n letters must be these. */
static void expect(struct world *w, const char *letters)
{
    for (; *letters; letters++) {
        char c = 0;
        assert_int_equal(read(w->pipe[0], &c, 1), 1);
        assert_int_equal(c, *letters);
    }
}

static int stop(struct world *w)
{
    int status = 0;
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_end(struct world *w)
{
    char c;
    assert_int_equal(read(w->pipe[0], &c, 1), 0);
    close(w->pipe[0]);
}

static void test_order(void **state)
{
    (void)state;
    struct world w;
    struct script s[3] = {{.letter = 'a', .ready = true, .exit_at = -1},
                          {.letter = 'b', .ready = true, .exit_at = -1},
                          {.letter = 'c', .ready = true, .exit_at = -1}};
    start(&w, s, 3);
    expect(&w, "abc");
    kill(w.pid, SIGTERM);
    assert_int_equal(stop(&w), 0);
    expect(&w, "CBA");
    expect_end(&w);
}

static void test_restart(void **state)
{
    (void)state;
    struct world w;
    struct script s[2] = {{.letter = 'a', .ready = true, .exit_at = 4},
                          {.letter = 'b', .ready = true, .exit_at = -1}};
    start(&w, s, 2);
    int a = 0, b = 0;
    while (a < 4) { /* b starts once, somewhere between the lives of a */
        char c = 0;
        assert_int_equal(read(w.pipe[0], &c, 1), 1);
        a += c == 'a';
        b += c == 'b';
    }
    assert_int_equal(b, 1);
    kill(w.pid, SIGINT);
    assert_int_equal(stop(&w), 0);
    close(w.pipe[0]);
}

static void test_killed_child(void **state)
{
    (void)state;
    struct world w;
    struct script s[2] = {{.letter = 'a', .ready = true, .exit_at = -1},
                          {.letter = 'b', .ready = true, .exit_at = -1}};
    start(&w, s, 2);
    expect(&w, "ab"); /* b runs, so a has said that it is ready */
    char path[64];
    struct wh_arena a;
    struct wh_str list, first;
    struct wh_err err = {0};
    uint64_t pid = 0;
    wh_arena_init(&a, 1 << 16);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", w.pid,
                   w.pid);
    assert_true(wh_file_read(&a, path, 100, &list, &err));
    assert_true(wh_str_cut(&list, ' ', &first));
    assert_true(wh_str_u64(first, &pid));
    kill((pid_t)pid, SIGKILL);
    expect(&w, "a");
    kill(w.pid, SIGTERM);
    assert_int_equal(stop(&w), 0);
    expect(&w, "BA");
    expect_end(&w);
    wh_arena_done(&a);
}

static void test_gives_up(void **state)
{
    (void)state;
    static const struct {
        bool ready;
        int exit_at, want;
    } cases[] = {
        {false, 4, 4}, /* never ready: restarting is of no use */
        {false, 0, 4}, /* ended without having begun */
        {true, 2, 2},  /* says so itself */
        {true, 3, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        struct script s[2] = {{.letter = 'a', .ready = true, .exit_at = -1},
                              {.letter = 'b',
                               .ready = cases[i].ready,
                               .exit_at = cases[i].exit_at}};
        start(&w, s, 2);
        assert_int_equal(stop(&w), cases[i].want);
        expect(&w, "abA");
        expect_end(&w);
    }
}

static void test_deaf_child_is_killed(void **state)
{
    (void)state;
    struct world w;
    struct script s[2] = {
        {.letter = 'a', .ready = true, .exit_at = -1},
        {.letter = 'b', .ready = true, .exit_at = -1, .deaf = true}};
    start(&w, s, 2);
    expect(&w, "ab");
    kill(w.pid, SIGTERM);
    assert_int_equal(stop(&w), 4); /* that was no stop in order */
    expect(&w, "A");
    expect_end(&w);
}

static void test_children_die_with_the_parent(void **state)
{
    (void)state;
    struct world w;
    int status;
    struct script s[1] = {{.letter = 'a', .ready = true, .exit_at = -1}};
    start(&w, s, 1);
    expect(&w, "a");
    kill(w.pid, SIGKILL);
    assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
    expect_end(&w); /* the pipe's last writer is gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_killed_child),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_deaf_child_is_killed),
        cmocka_unit_test(test_children_die_with_the_parent),
    };
    return cmocka_run_group_tests_name("proc/supervise", tests, NULL, NULL);
}
