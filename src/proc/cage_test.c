/* Programs are found and opened, the filter is made, bubblewrap is asked. What
 * a caged program can not do is tested with one that tries
 * (tests/functional/test_engine.py). */
#include "proc/cage.h"

#include "base/file.h"
#include "base/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

static void finds_programs(void **state)
{
    struct wh_err err;
    struct proc_cage_program p;
    (void)state;
    unit_ok(proc_cage_find("sh", &p, &err), err);
    assert_true(p.file >= 0 && p.dir >= 0 && p.dynamic);
    assert_int_equal(p.path[0], '/');
    assert_int_equal(fcntl(p.file, F_GETFD), FD_CLOEXEC);
    proc_cage_program_done(&p);
    assert_true(p.file == -1 && p.dir == -1);
    proc_cage_program_done(&p);
    unit_ok(proc_cage_find("/bin/sh", &p, &err), err);
    proc_cage_program_done(&p);
    const char *const not_there[] = {"no-such-program",
                                     "/no/such/program",
                                     "/etc/passwd",
                                     "/etc",
                                     "/",
                                     "./sh",
                                     ""};
    for (size_t i = 0; i < sizeof not_there / sizeof not_there[0]; i++) {
        unit_fails(proc_cage_find(not_there[i], &p, &err), err, WH_NOT_FOUND);
        assert_true(p.file == -1 && p.dir == -1 && p.path[0] == '\0');
    }
}

static void without_a_path(void **state)
{
    struct wh_err err;
    struct proc_cage_program p;
    static const char *const odd[] = {NULL, "", ":", "::/no/such:", "/etc"};
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        unit_fails(proc_cage_find_in(odd[i], "sh", &p, &err), err,
                   WH_NOT_FOUND);
    }
    unit_ok(proc_cage_find_in("/no/such::/bin:/usr/bin", "sh", &p, &err), err);
    proc_cage_program_done(&p);
}

static void makes_a_filter(void **state)
{
    struct wh_err err = {0};
    struct stat st;
    (void)state;
    int fd = proc_cage_filter(&err);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(st.st_size > 100 && st.st_size % 8 == 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    wh_fd_close(&fd);
}

/* What stands where bubblewrap should and does not lock anything in. */
static void asks_bubblewrap(void **state)
{
    struct wh_err err;
    struct proc_cage_program p;
    (void)state;
    unit_ok(proc_cage_find("false", &p, &err), err);
    unit_fails(proc_cage_check(&p, &err), err, WH_OUTSIDE);
    assert_non_null(strstr(err.msg, "bubblewrap can not lock a program in"));
    proc_cage_program_done(&p);
    err = (struct wh_err){0};
    if (proc_cage_find("bwrap", &p, &err)) {
        unit_ok(proc_cage_check(&p, &err), err);
        proc_cage_program_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_programs),
        cmocka_unit_test(without_a_path),
        cmocka_unit_test(makes_a_filter),
        cmocka_unit_test(asks_bubblewrap),
    };
    return cmocka_run_group_tests_name("proc/cage", tests, NULL, NULL);
}
