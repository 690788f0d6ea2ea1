/* Unit tests of line/set.h. */
#include "base/file.h"
#include "base/unit.h"
#include "line/set.h"
#include "rule/shipped.h"

#include <stdlib.h>

static struct wh_arena arena;

static int setup(void **state)
{
    (void)state;
    wh_arena_init(&arena, 64U << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wh_arena_done(&arena);
    return 0;
}

static void adds_shipped_lines(void **state)
{
    (void)state;
    struct line_set set = {.n_enforced = 0};
    struct wh_err err;
    struct wh_str none = WH_S("");
    unit_ok(
        line_set_add(&set, &arena, WH_S("limited.default"), none, false, &err),
        err);
    unit_ok(
        line_set_add(&set, &arena, WH_S("hold.unknown.v1"), none, false, &err),
        err);
    unit_ok(line_set_add(&set, &arena, WH_S("demo.low"), none, true, &err),
            err);
    assert_int_equal(set.n_enforced, 2);
    assert_int_equal(set.n_shadow, 1);
    assert_non_null(line_set_find(&set, WH_S("hold.unknown")));
    assert_null(line_set_find(&set, WH_S("demo.low")));
    unit_fails(line_set_add(&set, &arena, WH_S("limited.default.v1"), none,
                            false, &err),
               err, WH_CONFLICT);
    unit_fails(line_set_add(&set, &arena, WH_S("no.such"), none, false, &err),
               err, WH_NOT_FOUND);
    unit_fails(line_set_add(&set, &arena, WH_S("models"), none, false, &err),
               err, WH_NOT_FOUND);
}

/* Write demo.low with one change into the folder. */
static void write_line(const char *dir, const char *file, const char *from,
                       const char *to)
{
    struct wh_err err;
    struct wh_str text = rule_shipped_text(WH_S("demo.low.v1.json"));
    size_t at = wh_str_find_str(text, wh_str_of(from));
    assert_true(at != SIZE_MAX);
    size_t end = at + strlen(from);
    struct wh_str out = wh_arena_fmt(&arena, "%.*s%s%.*s", (int)at, text.p, to,
                                     (int)(text.n - end), text.p + end);
    struct wh_str path = wh_arena_fmt(&arena, "%s/%s", dir, file);
    unit_ok(wh_file_write_atomic(path.p, out, 0600, &err), err);
}

static void a_folder_comes_before_what_is_shipped(void **state)
{
    (void)state;
    char dir[] = "/tmp/wh-lines-XXXXXX";
    struct wh_err err;
    struct line_set set = {.n_enforced = 0};
    assert_non_null(mkdtemp(dir));
    write_line(dir, "demo.low.v2.json", "\"version\": 1", "\"version\": 2");
    write_line(dir, "demo.low.v10.json", "\"version\": 1", "\"version\": 10");
    write_line(dir, "own.v1.json", "\"demo.low\"", "\"own\"");
    write_line(dir, "bad.v1.json", "\"days\": 180", "\"days\": 181");
    write_line(dir, "unfit.v1.json", "\"threshold\": \"1e8\"",
               "\"threshold\": \"1e9\"");

    unit_ok(line_set_add(&set, &arena, WH_S("demo.low"), wh_str_of(dir), false,
                         &err),
            err);
    assert_int_equal(set.enforced[0].line->version, 10);
    unit_ok(
        line_set_add(&set, &arena, WH_S("own.v1"), wh_str_of(dir), false, &err),
        err);
    unit_ok(line_set_add(&set, &arena, WH_S("limited.default"), wh_str_of(dir),
                         false, &err),
            err);
    unit_ok(line_set_add(&set, &arena, WH_S("demo.low.v2"), wh_str_of(dir),
                         true, &err),
            err);
    unit_fails(
        line_set_add(&set, &arena, WH_S("bad"), wh_str_of(dir), false, &err),
        err, WH_BAD_REQUEST);
    unit_fails(
        line_set_add(&set, &arena, WH_S("unfit"), wh_str_of(dir), false, &err),
        err, WH_CONFLICT); /* it is called demo.low */
    set.n_enforced = 0;
    unit_fails(
        line_set_add(&set, &arena, WH_S("unfit"), wh_str_of(dir), false, &err),
        err, WH_BAD_REQUEST);
    assert_non_null(strstr(err.msg, "case 3"));
    unit_fails(line_set_add(&set, &arena, WH_S("own"), WH_S("/nonexistent"),
                            false, &err),
               err, WH_NOT_FOUND);

    static const char *const files[] = {"demo.low.v2", "demo.low.v10", "own.v1",
                                        "bad.v1", "unfit.v1"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        (void)unlink(wh_arena_fmt(&arena, "%s/%s.json", dir, files[i]).p);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void nothing_recorded_can_be_taken_away(void **state)
{
    (void)state;
    struct line_set two = {.n_enforced = 0};
    struct line_set one = {.n_enforced = 0};
    struct wh_err err;
    unit_ok(line_set_add(&two, &arena, WH_S("limited.default"), WH_S(""), false,
                         &err),
            err);
    unit_ok(line_set_add(&two, &arena, WH_S("demo.low"), WH_S(""), false, &err),
            err);
    unit_ok(line_set_add(&one, &arena, WH_S("demo.low"), WH_S(""), false, &err),
            err);
    unit_ok(line_set_add(&one, &arena, WH_S("limited.default"), WH_S(""), true,
                         &err),
            err);
    json_t *both = wh_json_own(&arena, line_set_digests(&two));
    json_t *low = wh_json_own(&arena, line_set_digests(&one));
    assert_int_equal(json_array_size(both), 2);
    assert_true(strcmp(json_string_value(json_array_get(both, 0)),
                       json_string_value(json_array_get(both, 1))) < 0);
    unit_ok(line_set_covers(&two, both, &err), err);
    unit_ok(line_set_covers(&two, low, &err), err);
    unit_ok(line_set_covers(&one, low, &err), err);
    unit_fails(line_set_covers(&one, both, &err), err, WH_ROLLED_BACK);
    assert_non_null(strstr(err.msg, "(limited.default.v1, which is shipped"));
    json_array_append_new(low, json_integer(7));
    unit_fails(line_set_covers(&one, low, &err), err, WH_ROLLED_BACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(adds_shipped_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_comes_before_what_is_shipped,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_recorded_can_be_taken_away,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
