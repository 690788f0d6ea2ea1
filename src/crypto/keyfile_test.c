/*
 * keyfile_test.c - key files are made once, and refused when anybody else could
 * have a hand in them.
 */
#include "base/str.h"
#include "crypto/keyfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/wh-keyfile-XXXXXX";
static char path[PATH_MAX];

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? snprintf(path, sizeof path, "%s/k", dir) < 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void created_once_and_read_back(void **state)
{
    (void)state;
    struct wh_err err = {0};
    char out[8] = "";
    assert_false(crypto_keyfile_read(path, out, 8, &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
    assert_true(crypto_keyfile_create(path, "12345678", 8, &err));
    assert_true(crypto_keyfile_read(path, out, 8, &err));
    assert_memory_equal(out, "12345678", 8);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_nlink, 1);

    assert_false(crypto_keyfile_create(path, "abcdefgh", 8, &err));
    assert_int_equal(err.code, WH_CONFLICT);
    assert_true(crypto_keyfile_read(path, out, 8, &err));
    assert_memory_equal(out, "12345678", 8);
}

static void nothing_is_left_beside_it(void **state)
{
    (void)state;
    struct wh_err err = {0};
    assert_true(crypto_keyfile_create(path, "12345678", 8, &err));
    assert_false(crypto_keyfile_create(path, "12345678", 8, &err));
    DIR *d = opendir(dir);
    int names = 0;
    while (readdir(d) != NULL) {
        names++;
    }
    closedir(d);
    assert_int_equal(names, 3); /* ".", "..", "k" */
}

static void refused(enum wh_code code)
{
    struct wh_err err = {0};
    char out[8] = "........";
    assert_false(crypto_keyfile_read(path, out, 8, &err));
    assert_int_equal(err.code, code);
    assert_memory_equal(out, "........", 8);
}

static void rights_for_others_are_refused(void **state)
{
    (void)state;
    struct wh_err err = {0};
    assert_true(crypto_keyfile_create(path, "12345678", 8, &err));
    static const mode_t bad[] = {0640, 0620, 0610, 0604, 0602, 0601, 0644};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        refused(WH_FORBIDDEN);
    }
    assert_int_equal(chmod(path, 0400), 0);
    char out[8];
    assert_true(crypto_keyfile_read(path, out, 8, &err));
}

static void other_owner_is_refused(void **state)
{
    (void)state;
    struct wh_err err = {0};
    assert_true(crypto_keyfile_create(path, "12345678", 8, &err));
    if (chown(path, 12345, (gid_t)-1) == 0) { /* only root can try this */
        refused(WH_FORBIDDEN);
    }
}

static void wrong_kinds_are_refused(void **state)
{
    (void)state;
    struct wh_err err = {0};
    assert_true(crypto_keyfile_create(path, "1234567", 7, &err));
    refused(WH_CORRUPT); /* too short */
    unlink(path);
    assert_true(crypto_keyfile_create(path, "123456789", 9, &err));
    refused(WH_CORRUPT); /* too long */
    unlink(path);
    assert_int_equal(symlink("/dev/zero", path), 0);
    refused(WH_FORBIDDEN);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(WH_FORBIDDEN);
}

static void ensure_makes_it_once(void **state)
{
    (void)state;
    struct wh_err err = {0};
    uint8_t a[32] = {0}, b[32] = {0};
    static const uint8_t zero[32] = {0};
    assert_true(crypto_keyfile_ensure(path, a, sizeof a, &err));
    assert_memory_not_equal(a, zero, sizeof a);
    assert_true(crypto_keyfile_ensure(path, b, sizeof b, &err));
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(crypto_keyfile_ensure(path, b, sizeof b, &err));
    assert_int_equal(err.code, WH_FORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(created_once_and_read_back, clear),
        cmocka_unit_test_teardown(nothing_is_left_beside_it, clear),
        cmocka_unit_test_teardown(rights_for_others_are_refused, clear),
        cmocka_unit_test_teardown(other_owner_is_refused, clear),
        cmocka_unit_test_teardown(wrong_kinds_are_refused, clear),
        cmocka_unit_test_teardown(ensure_makes_it_once, clear),
    };
    return cmocka_run_group_tests_name("crypto/keyfile", tests, setup,
                                       teardown);
}
