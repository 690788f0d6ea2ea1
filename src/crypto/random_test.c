/*
 * random_test.c - what can be tested of randomness: it fills exactly what was
 * asked, and does not repeat.
 */
#include "crypto/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fills_exactly_what_was_asked(void **state)
{
    (void)state;
    unsigned char b[600];
    for (size_t n = 0; n <= 512; n += 64) {
        memset(b, 0xa5, sizeof b);
        crypto_random(b + 8, n);
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(b[i], 0xa5);
            assert_int_equal(b[8 + n + i], 0xa5);
        }
        size_t same = 0;
        for (size_t i = 0; i < n; i++) {
            same += b[8 + i] == 0xa5;
        }
        assert_true(same <= n / 8);
    }
}

static void does_not_repeat(void **state)
{
    (void)state;
    unsigned char a[32], b[32];
    crypto_random(a, sizeof a);
    crypto_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_exactly_what_was_asked),
        cmocka_unit_test(does_not_repeat),
    };
    return cmocka_run_group_tests_name("crypto/random", tests, NULL, NULL);
}
