/* Unit tests of base/file.h and base/src.h, in a folder of their own. */
#include "base/file.h"
#include "base/src.h"
#include "base/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

static char dir[] = "/tmp/wh-file-XXXXXX";

static const char *path_of(struct wh_arena *a, const char *name)
{
    return wh_arena_fmt(a, "%s/%s", dir, name).p;
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static size_t entries(const char *path)
{
    DIR *d = opendir(path);
    assert_non_null(d);
    size_t n = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        n += e->d_name[0] != '.';
    }
    (void)closedir(d);
    return n;
}

static void writes_and_reads(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    struct wh_str got;
    wh_arena_init(&a, 1 << 20);
    const char *path = path_of(&a, "one");
    unit_ok(wh_file_write_atomic(path, WH_S("first"), 0600, &err), err);
    unit_ok(wh_file_write_atomic(path, WH_S("second"), 0640, &err), err);
    unit_ok(wh_file_read(&a, path, 6, &got, &err), err);
    unit_str(got, "second");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    unit_ok(wh_file_write_atomic(path, WH_S(""), 0600, &err), err);
    unit_ok(wh_file_read(&a, path, 0, &got, &err), err);
    unit_str(got, "");
    assert_int_equal(entries(dir), 1);
    wh_arena_done(&a);
}

static void refuses_to_read(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    struct wh_str got;
    wh_arena_init(&a, 1000);
    const char *path = path_of(&a, "big");
    unit_ok(wh_file_write_atomic(path, WH_S("0123456789"), 0600, &err), err);
    unit_fails(wh_file_read(&a, path, 9, &got, &err), err, WH_TOO_LARGE);
    unit_fails(wh_file_read(&a, path_of(&a, "none"), 9, &got, &err), err,
               WH_NOT_FOUND);
    unit_fails(wh_file_read(&a, dir, 9, &got, &err), err, WH_IO);
    /* what the arena may not hold is refused, whatever max says */
    char big[2000];
    memset(big, 'x', sizeof big);
    unit_ok(wh_file_write_atomic(path, wh_str_mem(big, sizeof big), 0600, &err),
            err);
    unit_fails(wh_file_read(&a, path, 9999, &got, &err), err, WH_TOO_LARGE);
    wh_arena_done(&a);
}

static void leaves_nothing_half_written(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    wh_arena_init(&a, 100000);
    const char *sub = path_of(&a, "taken");
    unit_ok(wh_dir_make(path_of(&a, "taken/by/folder"), 0700, &err), err);
    size_t before = entries(dir);
    unit_fails(wh_file_write_atomic(sub, WH_S("x"), 0600, &err), err, WH_IO);
    assert_int_equal(entries(dir), before);
    unit_fails(
        wh_file_write_atomic(path_of(&a, "no/such/x"), WH_S(""), 0600, &err),
        err, WH_IO);
    unit_fails(wh_file_write_atomic("", WH_S("x"), 0600, &err), err,
               WH_BAD_NAME);
    wh_arena_done(&a);
}

static void makes_folders(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    wh_arena_init(&a, 100000);
    const char *deep = path_of(&a, "a//b/c/");
    unit_ok(wh_dir_make(deep, 0700, &err), err);
    unit_ok(wh_dir_make(deep, 0700, &err), err);
    struct stat st;
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    const char *file = path_of(&a, "a/file");
    unit_ok(wh_file_write_atomic(file, WH_S(""), 0600, &err), err);
    unit_fails(wh_dir_make(path_of(&a, "a/file"), 0700, &err), err, WH_IO);
    unit_fails(wh_dir_make(path_of(&a, "a/file/x"), 0700, &err), err, WH_IO);
    unit_fails(wh_dir_make("", 0700, &err), err, WH_BAD_NAME);
    unit_fails(wh_dir_sync(path_of(&a, "none"), &err), err, WH_IO);
    wh_arena_done(&a);
}

static void removes_folders(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    struct stat st;
    wh_arena_init(&a, 100000);
    const char *kept = path_of(&a, "kept");
    const char *going = path_of(&a, "going");
    unit_ok(wh_dir_make(path_of(&a, "kept"), 0700, &err), err);
    unit_ok(wh_file_write_atomic(path_of(&a, "kept/x"), WH_S("x"), 0600, &err),
            err);
    unit_ok(wh_dir_make(path_of(&a, "going/a/b"), 0700, &err), err);
    unit_ok(
        wh_file_write_atomic(path_of(&a, "going/a/b/x"), WH_S("x"), 0600, &err),
        err);
    /* links out of it are removed, and what they lead to stays */
    assert_int_equal(symlink(kept, path_of(&a, "going/a/link")), 0);
    assert_int_equal(symlink(path_of(&a, "kept/x"), path_of(&a, "going/f")), 0);
    unit_ok(wh_dir_remove(going, &err), err);
    assert_int_not_equal(lstat(going, &st), 0);
    assert_int_equal(stat(path_of(&a, "kept/x"), &st), 0);
    unit_ok(wh_dir_remove(going, &err), err);
    /* deeper than it goes */
    struct wh_str deep = wh_arena_fmt(&a, "%s", path_of(&a, "deep"));
    for (unsigned i = 0; i < WH_DIR_DEPTH + 2; i++) {
        deep = wh_arena_fmt(&a, "%.*s/d", WH_FMT(deep));
    }
    unit_ok(wh_dir_make(wh_arena_cstr(&a, deep), 0700, &err), err);
    unit_fails(wh_dir_remove(path_of(&a, "deep"), &err), err, WH_IO);
    unit_ok(wh_dir_remove(path_of(&a, "deep/d/d/d"), &err), err);
    unit_ok(wh_dir_remove(path_of(&a, "deep"), &err), err);
    wh_arena_done(&a);
}

static void reads_at_offsets(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    wh_arena_init(&a, 10000);
    int fd = open(path_of(&a, "at"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    unit_ok(wh_fd_write(fd, "0123456789", 10, &err), err);
    unit_ok(wh_fd_pwrite(fd, 3, "abc", 3, &err), err);
    char got[11] = "";
    unit_ok(wh_fd_pread(fd, 1, got, 9, &err), err);
    assert_string_equal(got, "12abc6789");
    unit_fails(wh_fd_pread(fd, 5, got, 6, &err), err, WH_CORRUPT);
    unit_fails(wh_fd_pread(fd, UINT64_MAX, got, 1, &err), err, WH_BAD_RANGE);
    unit_fails(wh_fd_pwrite(fd, UINT64_MAX, got, 1, &err), err, WH_BAD_RANGE);
    wh_fd_close(&fd);
    assert_int_equal(fd, -1);
    wh_fd_close(&fd);
    unit_fails(wh_fd_write(fd, "x", 1, &err), err, WH_IO);
    unit_fails(wh_fd_pread(fd, 0, got, 1, &err), err, WH_IO);
    wh_arena_done(&a);
}

/* A full disk is told apart from a broken one. */
static void names_a_full_disk(void **state)
{
    (void)state;
    struct wh_err err = {0};
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    unit_fails(wh_fd_write(fd, "x", 1, &err), err, WH_NOSPACE);
    wh_fd_close(&fd);
}

static void sources_check_ranges(void **state)
{
    (void)state;
    struct wh_err err = {0};
    char got[8] = "";
    FILE *f = tmpfile();
    assert_non_null(f);
    unit_ok(wh_fd_write(fileno(f), "hello", 5, &err), err);
    struct wh_src both[] = {wh_src_mem("hello", 5), wh_src_fd(fileno(f), 5)};
    for (size_t i = 0; i < 2; i++) {
        memset(got, 0, sizeof got);
        unit_ok(wh_src_read(&both[i], 1, got, 4, &err), err);
        assert_string_equal(got, "ello");
        unit_ok(wh_src_read(&both[i], 5, got, 0, &err), err);
        unit_fails(wh_src_read(&both[i], 2, got, 4, &err), err, WH_BAD_RANGE);
        unit_fails(wh_src_read(&both[i], 6, got, 0, &err), err, WH_BAD_RANGE);
        unit_fails(wh_src_read(&both[i], UINT64_MAX, got, 1, &err), err,
                   WH_BAD_RANGE);
    }
    struct wh_src longer = wh_src_fd(fileno(f), 6);
    unit_fails(wh_src_read(&longer, 0, got, 6, &err), err, WH_CORRUPT);
    (void)fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads),
        cmocka_unit_test(refuses_to_read),
        cmocka_unit_test(leaves_nothing_half_written),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(removes_folders),
        cmocka_unit_test(reads_at_offsets),
        cmocka_unit_test(names_a_full_disk),
        cmocka_unit_test(sources_check_ranges),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
