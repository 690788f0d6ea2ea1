/* Unit tests of base/err.h and its table. */
#include "base/err.h"
#include "base/unit.h"

#include <errno.h>

static void fills(void **state)
{
    (void)state;
    struct wh_err err = {0};
    assert_int_equal(err.code, WH_NONE);
    assert_false(wh_fail(&err, WH_NOT_FOUND, "no %s here", "file"));
    assert_int_equal(err.code, WH_NOT_FOUND);
    assert_string_equal(err.msg, "no file here");
    assert_string_equal(err.detail, "");
    assert_non_null(strstr(err.file, "err_test.c"));
    assert_true(err.line > 0);
    assert_false(wh_fail(&err, WH_HELD, ""));
    assert_string_equal(err.msg, wh_err_row(WH_HELD)->msg);
}

static void wraps_and_details(void **state)
{
    (void)state;
    struct wh_err err = {0};
    (void)wh_fail(&err, WH_BAD_JSON, "line %d", 3);
    assert_false(wh_err_wrap(&err, "%s", "config.json"));
    assert_string_equal(err.msg, "config.json: line 3");
    assert_false(wh_err_detail(&err, "offset %d", 9));
    assert_false(wh_err_detail(&err, "again"));
    assert_string_equal(err.detail, "offset 9; again");
    /* an argument may come from the error itself */
    (void)wh_fail(&err, WH_IO, "then %s", err.msg);
    assert_string_equal(err.msg, "then config.json: line 3");
    assert_string_equal(err.detail, ""); /* of the failure before */
}

static void names_system_failures(void **state)
{
    (void)state;
    struct wh_err err = {0};
    errno = EACCES;
    assert_false(wh_fail_errno(&err, WH_IO, "open the thing"));
    assert_int_equal(err.code, WH_IO);
    assert_null(strstr(err.msg, "thing"));
    assert_string_equal(err.detail, "open the thing: Permission denied");
    errno = ENOSPC;
    assert_false(wh_fail_errno(&err, WH_IO, "write"));
    assert_int_equal(err.code, WH_NOSPACE);
    errno = EDQUOT;
    assert_false(wh_fail_errno(&err, WH_IO, "write"));
    assert_int_equal(err.code, WH_NOSPACE);
}

/* A message cut by the buffer's end stays valid UTF-8, for every alignment. */
static void cuts_at_characters(void **state)
{
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        char text[800];
        memset(text, 'x', sizeof text);
        for (size_t i = (size_t)shift; i + 4 < sizeof text; i += 4) {
            memcpy(text + i, "\xF0\x9F\x98\x80", 4);
        }
        text[sizeof text - 1] = '\0';
        struct wh_err err = {0};
        (void)wh_fail(&err, WH_IO, "%s", text);
        struct wh_str msg = wh_str_of(err.msg);
        assert_true(wh_str_utf8_ok(msg));
        assert_in_range(msg.n, sizeof err.msg - 4, sizeof err.msg - 1);
        (void)wh_err_wrap(&err, "%s", "a");
        assert_true(wh_str_utf8_ok(wh_str_of(err.msg)));
    }
}

/* Every row can be shown: complete, a sentence, in range. */
static void table_is_sound(void **state)
{
    (void)state;
    for (int c = WH_NONE + 1; c < WH_CODE_COUNT; c++) {
        const struct wh_err_row *row = wh_err_row((enum wh_code)c);
        assert_in_range(row->http, 400, 599);
        assert_in_range(row->exit_code, 1, 4);
        assert_true(strlen(row->openai_type) > 0 && strlen(row->msg) > 0);
        assert_int_equal(row->why[strlen(row->why) - 1], '.');
        for (int d = c + 1; d < WH_CODE_COUNT; d++) {
            assert_string_not_equal(row->name,
                                    wh_err_row((enum wh_code)d)->name);
        }
    }
    assert_string_equal(wh_err_row(WH_REPO_NOT_FOUND)->name, "REPO_NOT_FOUND");
    assert_ptr_equal(wh_err_row(WH_CODE_COUNT), wh_err_row(WH_INTERNAL));
}

static void break_promise(void *p)
{
    wh_panic_context("req-17 GET /x");
    wh_assert(p != NULL);
}

static void panics_with_context(void **state)
{
    (void)state;
    char said[600];
    unit_dies(break_promise, NULL, said, sizeof said);
    assert_non_null(strstr(said, "assertion failed: p != NULL"));
    assert_non_null(strstr(said, "task=req-17 GET /x"));
    assert_non_null(strstr(said, "err_test.c"));
    wh_panic_context(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills),
        cmocka_unit_test(wraps_and_details),
        cmocka_unit_test(names_system_failures),
        cmocka_unit_test(cuts_at_characters),
        cmocka_unit_test(table_is_sound),
        cmocka_unit_test(panics_with_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
