/*
 * Tests of the templates that ship: each compiles, and the assets answer to
 * both of their names and to no other.
 */
#include "tmpl/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tmpl/blob.h"

static void test_embedded_compile(void **state)
{
    struct tmpl_set *set = NULL;
    struct wh_err err = {0};

    (void)state;
    if (!tmpl_open(NULL, &set, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(tmpl_set_count(set), tmpl_templates_n);
    assert_true(tmpl_set_count(set) > 0);
    tmpl_set_free(&set);
}

/* The folder of the sources is what was embedded. */
static void test_dir_same(void **state)
{
    const char *dir = getenv("WH_SOURCE");
    struct tmpl_set *set = NULL;
    struct wh_err err = {0};

    (void)state;
    assert_non_null(dir);
    if (!tmpl_open(dir, &set, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(tmpl_set_count(set), tmpl_templates_n);
    tmpl_set_free(&set);
    assert_false(tmpl_open("/nonexistent", &set, &err));
    assert_null(set);
}

static void test_assets(void **state)
{
    struct tmpl_asset plain, hashed;
    struct wh_err err = {0};
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    assert_true(tmpl_assets_n > 0);
    for (size_t i = 0; i < tmpl_assets_n; i++) {
        struct wh_str name = wh_str_of(tmpl_assets[i].name);
        size_t dot = wh_str_find(name, '.');
        struct wh_str with = wh_arena_fmt(
            &a, "%.*s.%s%.*s", (int)dot, name.p, tmpl_assets[i].digest,
            WH_FMT(wh_str_sub(name, dot, name.n)));

        assert_true(tmpl_asset_get(&a, NULL, name, &plain, &err));
        assert_true(tmpl_asset_get(&a, NULL, with, &hashed, &err));
        assert_false(plain.for_ever);
        assert_true(hashed.for_ever);
        assert_ptr_equal(plain.bytes.p, hashed.bytes.p);
        assert_non_null(plain.type);
        assert_true(
            tmpl_asset_get(&a, getenv("WH_SOURCE"), name, &hashed, &err));
        assert_true(wh_str_eq(plain.bytes, hashed.bytes));
    }
    wh_arena_done(&a);
}

static void test_asset_names(void **state)
{
    static const char *const bad[] = {
        "",           "house",        "nothing.css",
        "../x.css",   "a/b.css",      ".css",
        "house..css", "house.0.css",  "house.0000000000000000.css",
        "HOUSE.css",  "house.css%00", "..%2fhouse.css",
    };
    struct tmpl_asset out;
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct wh_err err = {0};
        assert_false(tmpl_asset_get(&a, NULL, wh_str_of(bad[i]), &out, &err));
        assert_int_equal(err.code, WH_NOT_FOUND);
        assert_false(tmpl_asset_get(&a, getenv("WH_SOURCE"), wh_str_of(bad[i]),
                                    &out, &err));
    }
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embedded_compile),
        cmocka_unit_test(test_dir_same),
        cmocka_unit_test(test_assets),
        cmocka_unit_test(test_asset_names),
    };

    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
