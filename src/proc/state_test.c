/* Tests of what is told about processes (state.c). */
#include "proc/state.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on
#include "proc/sandbox.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_self_and_from_outside_agree(void **state)
{
    struct proc_state in, out;
    struct wh_err err = {0};
    (void)state;
    proc_state_self(false, &in);
    assert_true(proc_state_of(getpid(), &out, &err));
    assert_string_equal(in.name, out.name);
    assert_int_equal(in.uid, out.uid);
    assert_int_equal(in.gid, out.gid);
    assert_int_equal(in.groups, out.groups);
    assert_true(in.caps == out.caps);
    assert_int_equal(in.no_new_privs, out.no_new_privs);
    assert_int_equal(in.seccomp, out.seccomp);
    assert_int_equal(in.landlock, 0);
    assert_int_equal(out.landlock, PROC_STATE_UNKNOWN);
}

static void test_no_such_process(void **state)
{
    struct proc_state s;
    struct wh_err err = {0};
    (void)state;
    assert_false(proc_state_of(1 << 22, &s, &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
}

/* A child that gave up everything, seen from outside. */
static void test_a_locked_child(void **state)
{
    struct proc_sandbox box = {.uid = geteuid() == 0 ? 64123 : 0, .gid = 64123};
    struct wh_err err = {0};
    struct proc_state s;
    unsigned missing = 0;
    int ready[2];
    char c = 0;
    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = proc_sandbox_enter(&box, &missing, &err);
        c = ok ? 'y' : 'n';
        _exit(write(ready[1], &c, 1) == 1 && pause() == 0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    bool found = proc_state_of(pid, &s, &err);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
    assert_true(found);
    assert_true(s.caps == 0);
    assert_int_equal(s.no_new_privs, 1);
    if (box.uid != 0) {
        assert_int_equal(s.uid, 64123);
        assert_int_equal(s.gid, 64123);
        assert_int_equal(s.groups, 0);
    }
#ifndef WH_SANITIZED
    assert_int_equal(s.dumpable, 0);
#endif
}

static void test_text(void **state)
{
    struct proc_state s = {.uid = 7,
                           .gid = 8,
                           .caps = 0x21,
                           .dumpable = PROC_STATE_UNKNOWN,
                           .no_new_privs = 1,
                           .landlock = 6,
                           .seccomp = 2};
    struct wh_buf b;
    (void)state;
    wh_buf_init(&b, 256);
    proc_state_text(&b, &s);
    assert_true(wh_str_is(wh_buf_str(&b),
                          "uid=7 gid=8 groups=0 caps=21 dumpable=? "
                          "no_new_privs=1 landlock=6 seccomp=2"));
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_self_and_from_outside_agree),
        cmocka_unit_test(test_no_such_process),
        cmocka_unit_test(test_a_locked_child),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests_name("proc/state", tests, NULL, NULL);
}
