/*
 * Tests of the front matter: what becomes of ordinary YAML, and what is
 * refused.
 */
#include "hub/front.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *card, *front, *body;
    bool found;
} cuts[] = {
    {"---\na: 1\n---\nbody", "a: 1\n", "body", true},
    {"\xef\xbb\xbf---\na: 1\n---\nbody", "a: 1\n", "body", true},
    {"\n\n---\r\na: 1\r\n---\r\nbody", "a: 1\r\n", "body", true},
    {"---  \n---\n", "", "", true},
    {"---\na: 1\n---", "a: 1\n", "", true},
    {"---\na: 1\n", "", "---\na: 1\n", false},
    {"# Title\n---\na: 1\n---\n", "", "# Title\n---\na: 1\n---\n", false},
    {"----\na\n----\n", "", "----\na\n----\n", false},
    {"", "", "", false},
    {"---", "", "---", false},
    {"---\na: |\n ---\n---\nx", "a: |\n ---\n", "x", true},
};

static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct wh_str front, body;
        bool found = hub_front_cut(wh_str_of(cuts[i].card), &front, &body);

        if (found != cuts[i].found || !wh_str_is(front, cuts[i].front) ||
            !wh_str_is(body, cuts[i].body)) {
            fail_msg("row %zu: front <%.*s>, body <%.*s>", i, WH_FMT(front),
                     WH_FMT(body));
        }
    }
}

static const struct {
    const char *yaml, *json;
} parsed[] = {
    {"", "{}"},
    {"# nothing\n", "{}"},
    {"license: apache-2.0\ntags:\n- a\n- b\n",
     "{\"license\":\"apache-2.0\",\"tags\":[\"a\",\"b\"]}"},
    {"a: no\nb: yes\nc: on\nd: true\ne: False\nf: ~\ng:\nh: null\n",
     "{\"a\":\"no\",\"b\":\"yes\",\"c\":\"on\",\"d\":true,\"e\":false,"
     "\"f\":null,\"g\":null,\"h\":null}"},
    {"a: 1\nb: -7\nc: 007\nd: 0x1F\ne: +1\nf: 1.10\ng: 0.85\nh: 2.0\n"
     "i: 1e5\nj: .inf\nk: 99999999999999999999\n",
     "{\"a\":1,\"b\":-7,\"c\":\"007\",\"d\":\"0x1F\",\"e\":\"+1\","
     "\"f\":\"1.10\",\"g\":0.85,\"h\":2.0,\"i\":\"1e5\",\"j\":\".inf\","
     "\"k\":\"99999999999999999999\"}"},
    {"a: '1'\nb: \"true\"\nc: |\n  x\n  y\nd: 2026-11-23\n",
     "{\"a\":\"1\",\"b\":\"true\",\"c\":\"x\\ny\\n\",\"d\":\"2026-11-23\"}"},
    {"m: {x: [1, {y: z}], w: []}\n",
     "{\"m\":{\"x\":[1,{\"y\":\"z\"}],\"w\":[]}}"},
    {"1: one\ntrue: two\n", "{\"1\":\"one\",\"true\":\"two\"}"},
    {"name: \xc3\xa4\xf0\x9f\x98\x80\n",
     "{\"name\":\"\xc3\xa4\xf0\x9f\x98\x80\"}"},
    {"<<: x\n", "{\"<<\":\"x\"}"},
};

static void test_parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parsed / sizeof *parsed; i++) {
        struct wh_err err = {0};
        struct wh_arena a;
        struct wh_buf b;
        json_t *v;

        wh_arena_init(&a, 1 << 20);
        wh_buf_init(&b, 1 << 16);
        if (!hub_front_parse(&a, wh_str_of(parsed[i].yaml), &v, &err)) {
            fail_msg("%s: %s", parsed[i].yaml, err.msg);
        }
        wh_json_write(&b, v, false);
        if (!wh_str_is(wh_buf_str(&b), parsed[i].json)) {
            fail_msg("%s gave %.*s", parsed[i].yaml, WH_FMT(wh_buf_str(&b)));
        }
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
}

static const struct {
    const char *yaml, *why;
} refused[] = {
    {"- a\n", "not a mapping"},
    {"word\n", "not a mapping"},
    {"a: &x 1\n", "anchors"},
    {"a: &x [1]\n", "anchors"},
    {"a: *x\n", "aliases"},
    {"a: &a [1]\nb: [*a,*a]\n", "anchors"},
    {"a: !!str 1\n", "tags"},
    {"a: !!python/object:os.system x\n", "tags"},
    {"a: !local {x: 1}\n", "tags"},
    {"%YAML 1.1\n---\na: 1\n", "directives"},
    {"%TAG ! tag:x,2000:\n---\na: 1\n", "directives"},
    {"a: 1\n---\nb: 2\n", "second document"},
    {"a: 1\n...\nb: 2\n", "line 3"},
    {"a: 1\nb: 2\na: 3\n", "line 3: the same key twice"},
    {"x: {a: 1, a: 2}\n", "the same key twice"},
    {"[a, b]: 1\n", "not a"},
    {"? {a: 1}\n: 2\n", "not a word"},
    {"a: [1, 2\n", "line"},
    {"a: \"x\n", "line"},
    {"a:\n\t- b\n", "line"},
    {"a: \"\\0\"\n", "NUL"},
    {"a: \xff\n", "UTF-8"},
    {"a: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", "too deep"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct wh_err err = {0};
        struct wh_arena a;
        json_t *v;

        wh_arena_init(&a, 1 << 20);
        if (hub_front_parse(&a, wh_str_of(refused[i].yaml), &v, &err)) {
            fail_msg("accepted: %s", refused[i].yaml);
        }
        if (!strstr(err.msg, refused[i].why)) {
            fail_msg("%s: %s", refused[i].yaml, err.msg);
        }
        wh_arena_done(&a);
    }
}

/* Bytes that are dangerous by their number, and UTF-16, which libyaml would
 * take. */
static void test_bytes(void **state)
{
    static const char utf16[] = "\xff\xfe"
                                "a\0:\0 \0001\0\n\0";
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf b;
    json_t *v;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    assert_false(
        hub_front_parse(&a, wh_str_mem(utf16, sizeof utf16 - 1), &v, &err));
    assert_false(hub_front_parse(&a, wh_str_mem("a: b\0c", 6), &v, &err));

    wh_buf_init(&b, 1 << 20);
    wh_buf_cstr(&b, "a: ");
    while (b.n < HUB_FRONT_MAX) {
        wh_buf_char(&b, '[');
    }
    err = (struct wh_err){0};
    assert_false(hub_front_parse(&a, wh_buf_str(&b), &v, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    wh_buf_char(&b, '[');
    assert_false(hub_front_parse(&a, wh_buf_str(&b), &v, &err));
    wh_buf_done(&b);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_parsed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bytes),
    };

    return cmocka_run_group_tests_name("front", tests, NULL, NULL);
}
