/* Unit tests of base/enc.h. */
#include "base/enc.h"
#include "base/unit.h"

static void decodes_hex(void **state)
{
    (void)state;
    unsigned char out[4] = {9, 9, 9, 9};
    assert_true(wh_hex_dec(WH_S("00abff"), out, 3, false));
    assert_memory_equal(out, "\x00\xAB\xFF\x09", 4);
    assert_true(wh_hex_dec(WH_S("aBFf"), out, 2, true));
    assert_false(wh_hex_dec(WH_S("AB"), out, 1, false));
    assert_false(wh_hex_dec(WH_S("abc"), out, 1, false));
    assert_false(wh_hex_dec(WH_S("abcd"), out, 1, false));
    assert_false(wh_hex_dec(WH_S("0x"), out, 1, true));
    assert_false(wh_hex_dec(WH_S("g0"), out, 1, true));
    assert_true(wh_hex_dec(WH_S(""), out, 0, false));
    char text[7];
    wh_hex_enc("\x00\xAB\xFF", 3, text);
    assert_string_equal(text, "00abff");
}

static void decodes_base64(void **state)
{
    (void)state;
    static const struct {
        struct wh_str text;
        const char *std, *url; /* null: refused */
    } cases[] = {
        {WH_SI(""), "", ""},
        {WH_SI("Zg=="), "f", NULL},
        {WH_SI("Zm8="), "fo", NULL},
        {WH_SI("Zm9v"), "foo", "foo"},
        {WH_SI("Zg"), NULL, "f"},
        {WH_SI("Zm8"), NULL, "fo"},
        {WH_SI("Zh=="), NULL, NULL},
        {WH_SI("Zm9="), NULL, NULL},
        {WH_SI("Zh"), NULL, NULL},
        {WH_SI("Zg="), NULL, NULL},
        {WH_SI("Z"), NULL, NULL},
        {WH_SI("Z==="), NULL, NULL},
        {WH_SI("===="), NULL, NULL},
        {WH_SI("Zm9v\n"), NULL, NULL},
        {WH_SI("Zm 9"), NULL, NULL},
        {WH_SI("Zg==Zg=="), NULL, NULL},
        {WH_SI("+//+"), "\xFB\xFF\xFE", NULL},
        {WH_SI("-__-"), NULL, "\xFB\xFF\xFE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[6];
        size_t n = 0;
        bool ok = wh_base64_dec(cases[i].text, out, sizeof out, &n);
        assert_int_equal(ok, cases[i].std != NULL);
        if (ok) {
            unit_str(wh_str_mem(out, n), cases[i].std);
        }
        ok = wh_base64url_dec(cases[i].text, out, sizeof out, &n);
        assert_int_equal(ok, cases[i].url != NULL);
        if (ok) {
            unit_str(wh_str_mem(out, n), cases[i].url);
        }
    }
}

static void respects_capacity(void **state)
{
    (void)state;
    char out[3] = {0};
    size_t n = 77;
    assert_false(wh_base64_dec(WH_S("Zm9vYg=="), out, 3, &n));
    assert_int_equal(n, 77);
    assert_true(wh_base64_dec(WH_S("Zm9v"), out, 3, &n));
    assert_int_equal(n, 3);
    assert_false(wh_base64url_dec(WH_S("Zm8"), out, 1, &n));
}

static void decodes_percent(void **state)
{
    (void)state;
    static const struct {
        struct wh_str text;
        bool plus;
        const char *want; /* null: refused */
    } cases[] = {
        {WH_SI(""), false, ""},         {WH_SI("a%20b"), false, "a b"},
        {WH_SI("a+b"), false, "a+b"},   {WH_SI("a+b"), true, "a b"},
        {WH_SI("%2B%2f"), true, "+/"},  {WH_SI("%C3%A4"), false, "\xC3\xA4"},
        {WH_SI("%2525"), false, "%25"}, {WH_SI("%"), false, NULL},
        {WH_SI("%2"), false, NULL},     {WH_SI("%zz"), false, NULL},
        {WH_SI("%00"), false, NULL},    {WH_SI("a\0"), false, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[32];
        size_t n = 0;
        bool ok = wh_url_dec(cases[i].text, cases[i].plus, out, &n);
        assert_int_equal(ok, cases[i].want != NULL);
        if (ok) {
            unit_str(wh_str_mem(out, n), cases[i].want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_hex),
        cmocka_unit_test(decodes_base64),
        cmocka_unit_test(respects_capacity),
        cmocka_unit_test(decodes_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
