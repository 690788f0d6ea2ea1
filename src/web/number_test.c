/*
 * Tests of numbers for people: what is rounded stays on its side.
 */
#include "web/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *decimal, *up, *down;
} numbers[] = {
    {"0", "0", "0"},
    {"1", "1", "1"},
    {"999", "999", "999"},
    {"1000", "1,000", "1,000"},
    {"22713216", "22,713,216", "22,713,216"},
    {"134515008", "134,515,008", "134,515,008"},
    {"999999999999999", "999,999,999,999,999", "999,999,999,999,999"},
    {"4.03545024e22", "4.04e22", "4.03e22"},
    {"6.8139648e21", "6.82e21", "6.81e21"},
    {"1e25", "1e25", "1e25"},
    {"10000000000000000000000000", "1e25", "1e25"},
    {"9.999e24", "1e25", "9.99e24"},
    {"9.99000000001e24", "1e25", "9.99e24"},
    {"3.1622552e24", "3.17e24", "3.16e24"},
    {"0.25", "2.5e-1", "2.5e-1"},
    {"0.0001", "1e-4", "1e-4"},
    {"1.50e3", "1,500", "1,500"},
    {"unknown", "unknown", "unknown"},
    {"", "", ""},
    {"1e", "1e", "1e"},
    {"1e9999", "1e9999", "1e9999"},
    {"-5", "-5", "-5"},
    {"1.2.3", "1.2.3", "1.2.3"},
};

static void test_numbers(void **state)
{
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct wh_str d = wh_str_of(numbers[i].decimal);
        struct wh_str up = web_number_text(&a, d, true);
        struct wh_str down = web_number_text(&a, d, false);

        if (!wh_str_is(up, numbers[i].up) ||
            !wh_str_is(down, numbers[i].down)) {
            fail_msg("%s: %.*s, %.*s", numbers[i].decimal, WH_FMT(up),
                     WH_FMT(down));
        }
    }
    wh_arena_done(&a);
}

static void test_log(void **state)
{
    static const struct {
        const char *decimal;
        double log;
    } good[] = {{"1", 0},      {"1000", 3},    {"1e25", 25},
                {"0.001", -3}, {"1.0e-3", -3}, {"3.16227766e24", 24.5},
                {"10e24", 25}, {"0.1e26", 25}};
    static const char *const bad[] = {"", "0", "0.0", "x", "1e", "e5", "-1"};
    double log = 7;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(web_number_log(wh_str_of(good[i].decimal), &log));
        assert_true(fabs(log - good[i].log) < 1e-6);
    }
    log = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(web_number_log(wh_str_of(bad[i]), &log));
        assert_true(log == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_log),
    };

    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
