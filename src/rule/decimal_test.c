/* Unit tests of rule/decimal.h. */
#include "base/unit.h"
#include "rule/decimal.h"

static struct rule_dec dec(const char *text)
{
    struct rule_dec d;
    if (!rule_dec_parse(wh_str_of(text), &d)) {
        print_error("\"%s\" is not read\n", text);
        fail();
    }
    return d;
}

static void check_text(const struct rule_dec *d, const char *want)
{
    struct wh_buf b;
    wh_buf_init(&b, 1000);
    rule_dec_text(d, &b);
    unit_str(wh_buf_str(&b), want);
    wh_buf_done(&b);
}

static void reads_and_prints_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"0", "0"},
        {"0.000", "0"},
        {"0e999999999", "0"},
        {"1", "1"},
        {"10", "10"},
        {"134515008", "134515008"},
        {"134515008.50", "134515008.5"},
        {"123456789012345678", "123456789012345678"},
        {"1234567890123456789", "1.234567890123456789e18"},
        {"40354502400000000000000", "4.03545024e22"},
        {"4.03545024e22", "4.03545024e22"},
        {"4.03545024E+22", "4.03545024e22"},
        {"0.25", "0.25"},
        {"25e-2", "0.25"},
        {"0.0000001", "0.0000001"},
        {"0.00000001", "1e-8"},
        {"12e-9", "1.2e-8"},
        {"1e-000000002", "0.01"},
        {"1e999999999", "1e999999999"},
        {"1.5e-999999999", "1.5e-999999999"},
        {"0.1e-999999998", "1e-999999999"},
        {"0."
         "00010000000000000000000000000000000000000000000000000000000000000001",
         "1.0000000000000000000000000000000000000000000000000000000000000001e-"
         "4"},
        {"9007199254740993", "9007199254740993"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct rule_dec d = dec(rows[i].in);
        check_text(&d, rows[i].out);
        struct rule_dec again = dec(rows[i].out);
        assert_int_equal(rule_dec_cmp(&d, &again), 0);
        assert_memory_equal(&d, &again, sizeof(d));
    }
}

static void refuses_everything_else(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",     " 1",       "1 ",    "+1",           "-1",
        "01",   "00",       "1.",    ".5",           "1.e5",
        "1e",   "1e+",      "1e1.5", "1e1234567890", "nan",
        "inf",  "0x10",     "1_000", "1,000",        "1e5e5",
        "1..5", "\n1",      "1\n",   "1e --1",       "e5",
        "1E",   "Infinity", "null",  "10e999999999", "0.1e-999999999",
    };
    struct rule_dec d;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rule_dec_parse(wh_str_of(rows[i]), &d)) {
            print_error("\"%s\" was read\n", rows[i]);
            fail();
        }
    }
    assert_false(rule_dec_parse(wh_str_mem("1\0", 2), &d));
    char digits[RULE_DEC_MANTISSA_MAX + 1];
    memset(digits, '9', sizeof(digits));
    assert_true(rule_dec_parse(wh_str_mem(digits, RULE_DEC_MANTISSA_MAX), &d));
    assert_false(rule_dec_parse(wh_str_mem(digits, sizeof(digits)), &d));
    char zeros[RULE_DEC_TEXT_MAX + 1];
    memset(zeros, '0', sizeof(zeros));
    zeros[1] = '.';
    assert_true(rule_dec_parse(wh_str_mem(zeros, 50), &d));
    assert_false(rule_dec_parse(wh_str_mem(zeros, sizeof(zeros)), &d));
}

static void compares_exactly(void **state)
{
    (void)state;
    /* in rising order; equal ones share a rank */
    static const struct {
        const char *text;
        int rank;
    } rows[] = {
        {"0", 0},
        {"0e5", 0},
        {"1e-999999999", 1},
        {"0.1", 2},
        {"1e-1", 2},
        {"0.10000000000000000000000000000000001", 3},
        {"9", 4},
        {"10", 5},
        {"9007199254740992", 6},
        {"9007199254740993", 7},
        {"9.999999999999999e24", 8},
        {"9999999999999999999999999", 9},
        {"1e25", 10},
        {"10000000000000000000000000", 10},
        {"10000000000000000000000000.0", 10},
        {"10000000000000000000000001", 11},
        {"1e26", 12},
        {"1e999999999", 13},
        {"1.0000000000000001e999999999", 14},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (size_t j = 0; j < sizeof(rows) / sizeof(*rows); j++) {
            struct rule_dec a = dec(rows[i].text);
            struct rule_dec b = dec(rows[j].text);
            int want =
                (rows[i].rank > rows[j].rank) - (rows[i].rank < rows[j].rank);
            int got = rule_dec_cmp(&a, &b);
            assert_int_equal((got > 0) - (got < 0), want);
        }
    }
}

static void multiplies_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *product;
    } rows[] = {
        {"0", "1e25", "0"},
        {"1", "1", "1"},
        {"3.1622552e24", "3.1623", "9.99999961896e24"},
        {"99", "99", "9801"},
        {"2", "5", "10"},
        {"25", "4", "100"},
        {"0.5", "0.02", "0.01"},
        {"134515008", "3e14", "4.03545024e22"},
        {"999999999999999999", "999999999999999999",
         "9.99999999999999998000000000000000001e35"},
        {"1e999999999", "1e999999999", "1e1999999998"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct rule_dec a = dec(rows[i].a);
        struct rule_dec b = dec(rows[i].b);
        struct rule_dec p;
        assert_true(rule_dec_mul(&a, &b, &p));
        check_text(&p, rows[i].product);
        assert_true(rule_dec_mul(&b, &a, &a)); /* out may be an operand */
        assert_memory_equal(&p, &a, sizeof(p));
    }
}

static void adds_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *sum;
    } rows[] = {
        {"0", "0", "0"},
        {"0", "7", "7"},
        {"22713216", "134515008", "157228224"},
        {"999", "1", "1000"},
        {"0.1", "0.2", "0.3"},
        {"1e25", "1", "1.0000000000000000000000001e25"},
        {"5e-3", "5", "5.005"},
        {"9.99e-2", "1e-4", "0.1"},
        {"18446744073709551615", "1", "1.8446744073709551616e19"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct rule_dec a = dec(rows[i].a);
        struct rule_dec b = dec(rows[i].b);
        struct rule_dec s;
        assert_true(rule_dec_add(&a, &b, &s));
        check_text(&s, rows[i].sum);
        assert_true(rule_dec_add(&b, &a, &b));
        assert_memory_equal(&s, &b, sizeof(s));
    }
}

static void says_when_digits_do_not_suffice(void **state)
{
    (void)state;
    struct rule_dec big = dec("1e300");
    struct rule_dec one = dec("1");
    struct rule_dec out;
    assert_false(rule_dec_add(&big, &one, &out));
    char nines[RULE_DEC_MANTISSA_MAX];
    memset(nines, '9', sizeof(nines));
    assert_true(rule_dec_parse(wh_str_mem(nines, sizeof(nines)), &big));
    assert_true(rule_dec_mul(&big, &big, &out)); /* 192 digits: fits */
    assert_int_equal(out.n, RULE_DEC_DIGITS);
    assert_false(rule_dec_mul(&out, &big, &one));
    check_text(&one, "1"); /* untouched */
}

static void counts_are_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool whole;
    } rows[] = {{"0", true},    {"1", true},     {"1e25", true},
                {"1.5", false}, {"1.5e1", true}, {"1.25e1", false},
                {"1e-1", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct rule_dec d = dec(rows[i].text);
        assert_int_equal(rule_dec_is_whole(&d), rows[i].whole);
    }
    struct rule_dec max;
    rule_dec_u64(UINT64_MAX, &max);
    check_text(&max, "1.8446744073709551615e19");
    rule_dec_u64(0, &max);
    check_text(&max, "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_prints_one_form),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(compares_exactly),
        cmocka_unit_test(multiplies_exactly),
        cmocka_unit_test(adds_exactly),
        cmocka_unit_test(says_when_digits_do_not_suffice),
        cmocka_unit_test(counts_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
