/* Unit tests of the route patterns and query readers. */
#include "front/route.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *pattern, *path;
    bool fits;
    const char *got; /* kind ns/name rev path a b */
} CASES[] = {
    {"/", "/", true, "- / - - - -"},
    {"/lines", "/lines", true, "- / - - - -"},
    {"/lines", "/lines/", false, NULL},
    {"/lines/:a", "/lines/demo.low", true, "- / - - demo.low -"},
    {"/api/:kinds/:ns/:repo", "/api/models/a/b", true, "model a/b - - - -"},
    {"/api/:kinds/:ns/:repo", "/api/things/a/b", false, NULL},
    {"/api/:kinds/:ns/:repo", "/api/models/a", false, NULL},
    {"/api/:kinds/:ns/:repo", "/api/models/a/", false, NULL},
    {"/api/:kinds/:ns/:repo/tree/:rev/*path", "/api/datasets/a/b/tree/main",
     true, "dataset a/b main - - -"},
    {"/api/:kinds/:ns/:repo/tree/:rev/*path",
     "/api/datasets/a/b/tree/refs%2Fpr%2F1/sub%2F%C3%A9%20x", true,
     "dataset a/b refs/pr/1 sub/\xc3\xa9 x - -"},
    {"/api/:kinds/:ns/:repo/tree/:rev/*path",
     "/api/models/a/b/tree/refs/pr/1/sub/dir", true,
     "model a/b refs/pr/1 sub/dir - -"},
    {"/api/:kinds/:ns/:repo/tree/:rev/*path",
     "/api/models/a/b/tree/refs/heads/main", true,
     "model a/b refs heads/main - -"},
    {"/?kind/:ns/:repo/resolve/:rev/*path", "/a/b/resolve/main/f", true,
     "model a/b main f - -"},
    {"/?kind/:ns/:repo/resolve/:rev/*path", "/spaces/a/b/resolve/main/f/g",
     true, "space a/b main f/g - -"},
    {"/?kind/:ns/:repo.git/info/lfs/objects/batch",
     "/datasets/a/b.git/info/lfs/objects/batch", true, "dataset a/b - - - -"},
    {"/?kind/:ns/:repo.git/info/lfs/objects/batch",
     "/a/b/info/lfs/objects/batch", false, NULL},
    {"/?kind/:ns/:repo.git/x", "/a/.git/x", false, NULL},
    {"/:ns/:repo", "//b", false, NULL},
    {"/:ns/:repo", "/a%2Fb/c", true, "- a/b/c - - - -"},
};

static void test_cases(void **state)
{
    static const char *const KINDS[] = {"-", "model", "dataset", "space"};

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct wh_arena a;
        struct front_captures c;
        struct wh_err err = {0};
        struct wh_str path = wh_str_of(CASES[i].path), got;
        if (front_route_fits(CASES[i].pattern, path) != CASES[i].fits) {
            fail_msg("%s against %s", CASES[i].pattern, CASES[i].path);
        }
        if (!CASES[i].fits) {
            continue;
        }
        wh_arena_init(&a, 1 << 16);
        assert_true(front_route_capture(CASES[i].pattern, path, &a, &c, &err));
#define OR_DASH(s) (s).n ? (int)(s).n : 1, (s).n ? (s).p : "-"
        got = wh_arena_fmt(&a, "%s %.*s/%.*s %.*s %.*s %.*s %.*s",
                           KINDS[c.has_kind ? (int)c.kind : 0], WH_FMT(c.ns),
                           WH_FMT(c.name), OR_DASH(c.rev), OR_DASH(c.path),
                           OR_DASH(c.a), OR_DASH(c.b));
        if (!wh_str_is(got, CASES[i].got)) {
            fail_msg("%s: %.*s", CASES[i].path, WH_FMT(got));
        }
        wh_arena_done(&a);
    }
}

static void test_broken_escapes(void **state)
{
    static const char *const BAD[] = {"/a/b%zz", "/a/%00", "/a/%ff", "/a/%"};

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct wh_arena a;
        struct front_captures c;
        struct wh_err err = {0};
        wh_arena_init(&a, 1 << 16);
        assert_false(
            front_route_capture("/:ns/:repo", wh_str_of(BAD[i]), &a, &c, &err));
        assert_int_equal(err.code, WH_BAD_REQUEST);
        wh_arena_done(&a);
    }
}

static void test_queries(void **state)
{
    struct wh_arena a;
    struct wh_str q = WH_S("a=1&b=x%20y+z&expand[]=s&expand%5B%5D=t&expand=u&"
                           "flag=True&n=99&bad=%zz&empty=&last"),
                  v;

    (void)state;
    wh_arena_init(&a, 1 << 16);
    assert_true(front_query(q, "b", 0, &a, &v));
    assert_true(wh_str_is(v, "x y z"));
    for (size_t i = 0; i < 3; i++) {
        assert_true(front_query(q, "expand", i, &a, &v));
        assert_int_equal(v.p[0], "stu"[i]);
    }
    assert_false(front_query(q, "expand", 3, &a, &v));
    assert_false(front_query(q, "bad", 0, &a, &v));
    assert_true(front_query(q, "empty", 0, &a, &v));
    assert_true(front_query(q, "last", 0, &a, &v));
    assert_true(front_query_bool(q, "flag", &a));
    assert_false(front_query_bool(q, "none", &a));
    assert_int_equal(front_query_u64(q, "n", 5, 1, 50, &a), 50);
    assert_int_equal(front_query_u64(q, "none", 5, 1, 50, &a), 5);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_broken_escapes),
        cmocka_unit_test(test_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
