/*
 * target_test.c - paths and queries.
 */
#include "net/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the headers above */
#include <cmocka.h>

static const struct {
    const char *raw;
    const char *want; /* decoded segments joined by '|'; null: refused */
    bool slash;
} paths[] = {
    {"/", "", true},
    {"/a", "a", false},
    {"/a/", "a", true},
    {"/a/b/c", "a|b|c", false},
    {"/a/refs%2Fpr%2F1/b", "a|refs/pr/1|b", false},
    {"/a%20b+c", "a b+c", false},
    {"/%C3%A9", "\xc3\xa9", false},
    {"/a%25b", "a%b", false},
    {"/...", "...", false},
    {"", NULL, false},
    {"a", NULL, false},
    {"*", NULL, false},
    {"//", NULL, false},
    {"//a", NULL, false},
    {"/a//b", NULL, false},
    {"/a/./b", NULL, false},
    {"/a/../b", NULL, false},
    {"/a/%2e%2E/b", NULL, false},
    {"/a%00b", NULL, false},
    {"/a%", NULL, false},
    {"/a%2", NULL, false},
    {"/a%zz", NULL, false},
    {"/%ff", NULL, false},
    {"/%C3", NULL, false},
    {"/%ed%a0%80", NULL, false},
};

static void join(const struct net_path *p, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < p->n; i++) {
        n += (size_t)snprintf(out + n, cap - n, "%s%.*s", i > 0 ? "|" : "",
                              WH_FMT(p->seg[i]));
        assert_true(n < cap);
    }
}

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct wh_arena a;
        struct wh_err err = {0};
        struct net_path raw, p;
        char text[200] = "";
        wh_arena_init(&a, 100000);
        bool good = net_path_split(wh_str_of(paths[i].raw), &raw, &err) &&
                    net_path_decode(&a, &raw, &p, &err);
        if (good) {
            join(&p, text, sizeof text);
        }
        if (good != (paths[i].want != NULL) ||
            (good &&
             (strcmp(text, paths[i].want) != 0 || p.slash != paths[i].slash)) ||
            (!good && err.code != WH_BAD_REQUEST)) {
            fail_msg("'%s': %d '%s'", paths[i].raw, good, text);
        }
        wh_arena_done(&a);
    }
}

static void test_many_segments(void **state)
{
    (void)state;
    for (size_t n = NET_SEGMENTS - 1; n <= NET_SEGMENTS + 1; n++) {
        char text[2 * NET_SEGMENTS + 10];
        struct wh_err err = {0};
        struct net_path p;
        for (size_t i = 0; i < n; i++) {
            text[2 * i] = '/';
            text[2 * i + 1] = 'a';
        }
        assert_int_equal(net_path_split(wh_str_mem(text, 2 * n), &p, &err),
                         n <= NET_SEGMENTS);
    }
}

static void test_rest(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    struct net_path raw, p;
    wh_arena_init(&a, 100000);
    assert_true(net_path_split(WH_S("/a/b%2Fc/d%20e/f"), &raw, &err));
    assert_true(net_path_decode(&a, &raw, &p, &err));
    assert_true(wh_str_is(net_path_rest(&a, &p, 1), "b/c/d e/f"));
    assert_true(wh_str_is(net_path_rest(&a, &p, 3), "f"));
    assert_int_equal(net_path_rest(&a, &p, 4).n, 0);
    wh_arena_done(&a);
}

static const struct {
    const char *raw;
    const char *want; /* name=value| for each pair; null: refused */
} queries[] = {
    {"", ""},
    {"a", "a=|"},
    {"a=b", "a=b|"},
    {"a=b&c=d&a=e", "a=b|c=d|a=e|"},
    {"&&a=b&", "a=b|"},
    {"a=b=c", "a=b=c|"},
    {"=v", "=v|"},
    {"a+b=c+d", "a b=c d|"},
    {"a%26b=c%3Dd%2B", "a&b=c=d+|"},
    {"expand%5B%5D=x", "expand[]=x|"},
    {"a=%00", NULL},
    {"a=%f", NULL},
    {"%ff=a", NULL},
};

static void test_queries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct wh_arena a;
        struct wh_err err = {0};
        struct net_pairs p = {NULL, 0};
        char text[200] = "";
        size_t n = 0;
        wh_arena_init(&a, 100000);
        bool good = net_query_parse(&a, wh_str_of(queries[i].raw), &p, &err);
        for (size_t k = 0; k < p.n; k++) {
            n += (size_t)snprintf(text + n, sizeof text - n, "%.*s=%.*s|",
                                  WH_FMT(p.v[k].name), WH_FMT(p.v[k].value));
        }
        if (good != (queries[i].want != NULL) ||
            (good && strcmp(text, queries[i].want) != 0)) {
            fail_msg("'%s': %d '%s'", queries[i].raw, good, text);
        }
        wh_arena_done(&a);
    }
}

static void test_pairs_get(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    struct net_pairs p;
    struct wh_str v;
    wh_arena_init(&a, 100000);
    assert_true(net_query_parse(&a, WH_S("a=1&b=2&a=3"), &p, &err));
    assert_true(net_pairs_get(&p, "a", 0, &v) && wh_str_is(v, "1"));
    assert_true(net_pairs_get(&p, "a", 1, &v) && wh_str_is(v, "3"));
    assert_false(net_pairs_get(&p, "a", 2, &v));
    assert_false(net_pairs_get(&p, "c", 0, &v));
    char many[NET_PAIRS + 10];
    memset(many, '&', sizeof many);
    assert_false(net_query_parse(&a, wh_str_mem(many, sizeof many), &p, &err));
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),     cmocka_unit_test(test_many_segments),
        cmocka_unit_test(test_rest),      cmocka_unit_test(test_queries),
        cmocka_unit_test(test_pairs_get),
    };
    return cmocka_run_group_tests_name("net/target", tests, NULL, NULL);
}
