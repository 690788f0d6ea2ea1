/* Unit tests of base/str.h. */
#include "base/str.h"
#include "base/unit.h"

static void compares(void **state)
{
    (void)state;
    assert_true(wh_str_eq(WH_S("ab"), WH_S("ab")));
    assert_false(wh_str_eq(WH_S("ab"), WH_S("aB")));
    assert_true(wh_str_eq((struct wh_str){NULL, 0}, WH_S("")));
    assert_true(wh_str_is(WH_S("x"), "x"));
    assert_false(wh_str_is(WH_S("x\0y"), "x"));
    assert_true(wh_str_ieq(WH_S("Content-LENGTH"), WH_S("content-length")));
    assert_false(wh_str_ieq(WH_S("a@"), WH_S("a`")));
    assert_false(wh_str_ieq(WH_S("a"), WH_S("ab")));
    assert_true(wh_str_eq_secret(WH_S("hf_x"), WH_S("hf_x")));
    assert_false(wh_str_eq_secret(WH_S("hf_x"), WH_S("hf_y")));
    assert_false(wh_str_eq_secret(WH_S("hf_x"), WH_S("hf_")));
}

static void orders(void **state)
{
    (void)state;
    static const struct {
        struct wh_str a, b;
        int sign;
    } cases[] = {
        {WH_SI(""), WH_SI(""), 0},      {WH_SI("a"), WH_SI("b"), -1},
        {WH_SI("a"), WH_SI("ab"), -1},  {WH_SI("b"), WH_SI("ab"), 1},
        {WH_SI("ab"), WH_SI("ab"), 0},  {WH_SI("\x80"), WH_SI("\x7f"), 1},
        {WH_SI("a"), WH_SI("a\0"), -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int c = wh_str_cmp(cases[i].a, cases[i].b);
        assert_int_equal((c > 0) - (c < 0), cases[i].sign);
        c = wh_str_cmp(cases[i].b, cases[i].a);
        assert_int_equal((c > 0) - (c < 0), -cases[i].sign);
    }
}

static void searches(void **state)
{
    (void)state;
    assert_int_equal(wh_str_find(WH_S("abca"), 'a'), 0);
    assert_int_equal(wh_str_find(WH_S("abca"), 'c'), 2);
    assert_true(wh_str_find(WH_S("abca"), 'x') == SIZE_MAX);
    assert_true(wh_str_find((struct wh_str){NULL, 0}, 'x') == SIZE_MAX);
    assert_int_equal(wh_str_find_str(WH_S("hello"), WH_S("llo")), 2);
    assert_int_equal(wh_str_find_str(WH_S("hello"), WH_S("")), 0);
    assert_true(wh_str_find_str(WH_S("he"), WH_S("hello")) == SIZE_MAX);
    assert_true(wh_str_starts(WH_S("refs/heads"), WH_S("refs/")));
    assert_false(wh_str_starts(WH_S("ref"), WH_S("refs/")));
    assert_true(wh_str_ends(WH_S("a.gguf"), WH_S(".gguf")));
    assert_false(wh_str_ends(WH_S("gguf"), WH_S(".gguf")));
    assert_true(wh_str_ends(WH_S(""), WH_S("")));
}

static void cuts(void **state)
{
    (void)state;
    unit_str(wh_str_sub(WH_S("hello"), 1, 3), "ell");
    unit_str(wh_str_sub(WH_S("hello"), 4, 99), "o");
    unit_str(wh_str_sub(WH_S("hello"), 99, 1), "");
    unit_str(wh_str_sub(WH_S("hello"), 2, SIZE_MAX), "llo");
    unit_str(wh_str_sub((struct wh_str){NULL, 0}, 2, 2), "");
    unit_str(wh_str_trim(WH_S(" \t a b\r\n")), "a b");
    unit_str(wh_str_trim(WH_S(" \t\r\n")), "");
    unit_str(wh_str_trim(WH_S("")), "");

    struct wh_str rest = WH_S("a,,b");
    struct wh_str head;
    assert_true(wh_str_cut(&rest, ',', &head));
    unit_str(head, "a");
    assert_true(wh_str_cut(&rest, ',', &head));
    unit_str(head, "");
    assert_false(wh_str_cut(&rest, ',', &head));
    unit_str(head, "b");
    unit_str(rest, "");
}

static void reads_decimals(void **state)
{
    (void)state;
    static const struct {
        struct wh_str text;
        bool ok;
        uint64_t v;
    } cases[] = {
        {WH_SI("0"), true, 0},
        {WH_SI("42"), true, 42},
        {WH_SI("18446744073709551615"), true, UINT64_MAX},
        {WH_SI("18446744073709551616"), false, 0},
        {WH_SI("99999999999999999999"), false, 0},
        {WH_SI(""), false, 0},
        {WH_SI("01"), false, 0},
        {WH_SI("00"), false, 0},
        {WH_SI("-1"), false, 0},
        {WH_SI("+1"), false, 0},
        {WH_SI(" 1"), false, 0},
        {WH_SI("1 "), false, 0},
        {WH_SI("1a"), false, 0},
        {WH_SI("1\0"), false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v = 7;
        assert_int_equal(wh_str_u64(cases[i].text, &v), cases[i].ok);
        assert_true(v == (cases[i].ok ? cases[i].v : 7));
    }
}

/* The classes of RFC 3629, section 4, and what lies just outside them. */
static void knows_utf8(void **state)
{
    (void)state;
    static const struct {
        struct wh_str text;
        bool ok;
    } cases[] = {
        {WH_SI(""), true},
        {WH_SI("plain"), true},
        {WH_SI("\0"), true},
        {WH_SI("\x7f"), true},
        {WH_SI("\xC2\x80"), true},
        {WH_SI("\xDF\xBF"), true},
        {WH_SI("\xE0\xA0\x80"), true},
        {WH_SI("\xED\x9F\xBF"), true},
        {WH_SI("\xEE\x80\x80"), true},
        {WH_SI("\xEF\xBF\xBF"), true},
        {WH_SI("\xF0\x90\x80\x80"), true},
        {WH_SI("\xF4\x8F\xBF\xBF"), true},
        {WH_SI("12345678\xC3\xA4"
               "12345678\xC3\xA4"),
         true},
        {WH_SI("\x80"), false},
        {WH_SI("\xC0\x80"), false},
        {WH_SI("\xC1\xBF"), false},
        {WH_SI("\xC2"), false},
        {WH_SI("\xC2\x7F"), false},
        {WH_SI("\xE0\x9F\xBF"), false},
        {WH_SI("\xED\xA0\x80"), false},
        {WH_SI("\xE2\x82"), false},
        {WH_SI("\xE2\x82\x20"), false},
        {WH_SI("\xF0\x8F\xBF\xBF"), false},
        {WH_SI("\xF0\x90\x80\xC0"), false},
        {WH_SI("\xF4\x90\x80\x80"), false},
        {WH_SI("\xF5\x80\x80\x80"), false},
        {WH_SI("\xFF"), false},
        {WH_SI("12345678\xC3"
               "12345678"),
         false},
        {WH_SI("1234567890123456789\xE2\x82"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (wh_str_utf8_ok(cases[i].text) != cases[i].ok) {
            fail_msg("case %zu", i);
        }
    }
    assert_int_equal(wh_str_utf8_len(WH_S("\xE2\x82\xAC!")), 3);
    assert_int_equal(wh_str_utf8_len(WH_S("")), 0);
}

static void adds_and_multiplies(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(wh_add_u64(UINT64_MAX - 1, 1, &v));
    assert_true(v == UINT64_MAX);
    assert_false(wh_add_u64(UINT64_MAX, 1, &v));
    assert_true(wh_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 31, &v));
    assert_true(v == UINT64_C(1) << 63);
    assert_false(wh_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(orders),
        cmocka_unit_test(searches),
        cmocka_unit_test(cuts),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(reads_decimals),
        cmocka_unit_test(adds_and_multiplies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
