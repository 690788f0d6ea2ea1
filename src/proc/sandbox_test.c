/* The sandbox: what was allowed still works, everything else does not; what
 * the host lacks is told. Each case runs in a fork. */
#include "proc/sandbox.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/wh-sandbox-XXXXXX";
static char ro[64], rw[64];

static int make_dirs(void **state)
{
    (void)state;
    struct wh_err err = {0};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    (void)snprintf(ro, sizeof ro, "%s/ro", dir);
    (void)snprintf(rw, sizeof rw, "%s/rw", dir);
    assert_true(wh_dir_make(ro, 0755, &err));
    assert_true(wh_dir_make(rw, 0777, &err));
    assert_int_equal(chmod(rw, 0777), 0);
    char path[96];
    (void)snprintf(path, sizeof path, "%s/file", ro);
    assert_true(wh_file_write_atomic(path, WH_S("text"), 0644, &err));
    return 0;
}

static int remove_dirs(void **state)
{
    (void)state;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/file", ro);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(ro), 0);
    assert_int_equal(rmdir(rw), 0);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

/* Run fn in a fork; its exit code. */
static int in_fork(int (*fn)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(fn());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool can_open(const char *folder, const char *name, int flags)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    close(fd);
    if (flags & O_CREAT) {
        return unlink(path) == 0;
    }
    return true;
}

static int files(void)
{
    struct proc_path paths[] = {{ro, false}, {rw, true}};
    struct proc_sandbox s = {.paths = paths, .npaths = 2};
    struct wh_err err = {0};
    unsigned missing = 0;
    if (!proc_sandbox_enter(&s, &missing, &err)) {
        return 1;
    }
    if (proc_sandbox_landlock() == 0) {
        return (missing & PROC_GUARD_LANDLOCK) ? 0 : 2;
    }
    if (missing & PROC_GUARD_LANDLOCK) {
        return 3;
    }
    if (!can_open(ro, "file", O_RDONLY) ||
        !can_open(rw, "new", O_CREAT | O_RDWR)) {
        return 4;
    }
    if (can_open(ro, "new", O_CREAT | O_RDWR) || can_open(ro, "file", O_RDWR) ||
        can_open("/etc", "passwd", O_RDONLY) ||
        can_open(dir, "new", O_CREAT | O_RDWR)) {
        return 5;
    }
    return 0;
}

static int nothing_reachable(void)
{
    struct proc_sandbox s = {.limit_files = 20};
    struct wh_err err = {0};
    unsigned missing = 0;
    struct rlimit l;
    if (!proc_sandbox_enter(&s, &missing, &err)) {
        return 1;
    }
    bool dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
    if (dumpable != ((missing & PROC_GUARD_DUMP) != 0) ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        return 2;
    }
    if (getrlimit(RLIMIT_CORE, &l) != 0 || l.rlim_max != 0 ||
        getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_max != 20) {
        return 3;
    }
    if (proc_sandbox_landlock() > 0 && can_open(ro, "file", O_RDONLY)) {
        return 4;
    }
    return 0;
}

static int other_user(void)
{
    struct proc_sandbox s = {.uid = 64123, .gid = 64123, .files = true};
    struct wh_err err = {0};
    unsigned missing = 0;
    int sig = 0;
    bool entered = proc_sandbox_enter(&s, &missing, &err);
    if (getuid() != 64123) { /* the tests run as an ordinary user */
        return !entered && err.code == WH_OUTSIDE ? 0 : 1;
    }
    if (!entered || (missing & PROC_GUARD_UID) || geteuid() != 64123 ||
        getgid() != 64123) {
        return 2;
    }
    if (setuid(0) == 0) {
        return 3;
    }
    if (prctl(PR_GET_PDEATHSIG, &sig) != 0 || sig != SIGKILL) {
        return 4;
    }
    if (getgroups(0, NULL) != 0 || !proc_user_enter(64123, 64123, &err) ||
        proc_user_enter(64124, 64124, &err)) {
        return 6;
    }
    return can_open(ro, "file", O_RDONLY) ? 0 : 5;
}

static int missing_folder(void)
{
    struct proc_path paths[] = {{"/nonexistent/folder", false}};
    struct proc_sandbox s = {.paths = paths, .npaths = 1};
    struct wh_err err = {0};
    unsigned missing = 0;
    bool entered = proc_sandbox_enter(&s, &missing, &err);
    return entered == (proc_sandbox_landlock() == 0) ? 0 : 1;
}

static void test_files(void **state)
{
    (void)state;
    assert_int_equal(in_fork(files), 0);
}

static void test_nothing_reachable(void **state)
{
    (void)state;
    assert_int_equal(in_fork(nothing_reachable), 0);
}

static void test_other_user(void **state)
{
    (void)state;
    assert_int_equal(in_fork(other_user), 0);
}

static void test_missing_folder(void **state)
{
    (void)state;
    assert_int_equal(in_fork(missing_folder), 0);
}

static void test_host(void **state)
{
    (void)state;
    struct wh_buf b;
    unsigned have = proc_sandbox_host();
    wh_buf_init(&b, 256);
    assert_true(have & PROC_GUARD_DUMP);
    proc_guard_list(&b, PROC_GUARD_DUMP | PROC_GUARD_UID | PROC_GUARD_SECCOMP);
    assert_true(wh_str_is(wh_buf_str(&b), "dump,uid,seccomp"));
    assert_non_null(strstr(proc_guard_text(PROC_GUARD_LANDLOCK), "files"));
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_nothing_reachable),
        cmocka_unit_test(test_other_user),
        cmocka_unit_test(test_missing_folder),
        cmocka_unit_test(test_host),
    };
    return cmocka_run_group_tests_name("proc/sandbox", tests, make_dirs,
                                       remove_dirs);
}
