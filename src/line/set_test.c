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

/* What the folder and the binary have, and what a name means. */
static void names_mean_lines(void **state)
{
    (void)state;
    char dir[] = "/tmp/wh-lines-XXXXXX";
    struct line_set *set = WH_NEW(&arena, struct line_set);
    struct rule_past *none = WH_NEW(&arena, struct rule_past);
    struct rule_enforced e;
    struct wh_err err;
    const struct wh_str names[] = {WH_S("demo.low.v1"), WH_S("demo.low.v2"),
                                   WH_S("own"), WH_S("hold.unknown")};
    const struct wh_str bad[] = {WH_S("bad")}, twice[] = {names[0], names[0]};
    assert_non_null(mkdtemp(dir));
    write_line(dir, "own.v1.json", "\"demo.low\"", "\"own\"");
    write_line(dir, "bad.v1.json", "\"days\": 180", "\"days\": 181");
    write_line(dir, "other.v1.json", "\"days\": 180", "\"days\": 179");

    unit_ok(line_set_gather(set, &arena, names, 4, wh_str_of(dir), &err), err);
    unit_ok(line_set_settle(set, &arena, none, &e, &err), err);
    assert_int_equal(set->n_enforced, 4);
    assert_int_equal(line_set_find(set, WH_S("demo.low"))->version, 2);
    assert_int_equal(line_set_newest(set, set->enforced[0].line), 2);
    unit_fails(line_set_gather(set, &arena, bad, 1, wh_str_of(dir), &err), err,
               WH_BAD_REQUEST);
    unit_fails(line_set_gather(set, &arena, twice, 2, WH_S(""), &err), err,
               WH_CONFLICT);
    unit_fails(
        line_set_gather(set, &arena, names, 1, WH_S("/nonexistent"), &err), err,
        WH_NOT_FOUND);

    static const char *const files[] = {"own.v1", "bad.v1", "other.v1"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        (void)unlink(wh_arena_fmt(&arena, "%s/%s.json", dir, files[i]).p);
    }
    assert_int_equal(rmdir(dir), 0);
}

/* A version that the binary no longer has holds on, by its kept text. */
static void a_text_from_before_holds_on(void **state)
{
    (void)state;
    struct line_set *set = WH_NEW(&arena, struct line_set);
    struct rule_past *past = WH_NEW(&arena, struct rule_past);
    struct rule_enforced e;
    struct wh_err err;
    const struct wh_str name = WH_S("demo.low");
    const struct rule_line *line;
    struct wh_str text = rule_shipped_text(WH_S("demo.low.v1.json"));
    size_t at = wh_str_find_str(text, WH_S("\"version\": 1"));
    struct wh_str old =
        wh_arena_fmt(&arena, "%.*s\"version\": 7%.*s", (int)at, text.p,
                     (int)(text.n - at - 12), text.p + at + 12);
    unit_ok(rule_line_load(&arena, old, &line, &err), err);
    json_t *list = wh_json_own(
        &arena, json_pack("[o]", json_sprintf("sha256:%s", line->digest)));
    unit_ok(rule_past_add(past, list, false, &err), err);
    unit_ok(line_set_gather(set, &arena, &name, 1, WH_S(""), &err), err);
    unit_fails(line_set_settle(set, &arena, past, &e, &err), err, WH_NOT_FOUND);
    assert_non_null(strstr(err.msg, line->digest));
    assert_non_null(strstr(err.msg, "lines.dir"));
    unit_ok(line_set_remember(set, &arena, old, &err), err);
    unit_ok(line_set_settle(set, &arena, past, &e, &err), err);
    assert_int_equal(set->n_enforced, 1);
    assert_int_equal(set->enforced[0].line->version, 7);
    assert_int_equal(line_set_newest(set, set->enforced[0].line), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(adds_shipped_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_comes_before_what_is_shipped,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(names_mean_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_from_before_holds_on, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
