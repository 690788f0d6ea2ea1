/*
 * share_test.c - intervals against values that others have published or that
 * follow from the formula by hand.
 */
#include "base/unit.h"

#include "gateway/share.h"

/* R's prop.test(k, n, correct = FALSE). */
static void known_values(void **state)
{
    (void)state;
    static const struct {
        uint32_t k, n;
        double lo, hi;
    } cases[] = {
        {0, 10, 0.0, 0.2775328},         {10, 10, 0.7224672, 1.0},
        {1, 10, 0.01787621, 0.4041500},  {5, 10, 0.2365931, 0.7634069},
        {81, 263, 0.2552885, 0.3662096}, /* Newcombe 1998, table I */
        {15, 148, 0.0623864, 0.1604872}, /* the same */
        {0, 20, 0.0, 0.1611252},         /* the same */
        {1, 29, 0.0061130, 0.1717552},   /* the same */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gateway_share s = gateway_share_of(cases[i].k, cases[i].n);
        double lo = (double)s.lo / GATEWAY_SHARE;
        double hi = (double)s.hi / GATEWAY_SHARE;
        /* never narrower, and by less than one step wider */
        assert_true(lo <= cases[i].lo + 2e-6 && lo > cases[i].lo - 1.02e-4);
        assert_true(hi >= cases[i].hi - 2e-6 && hi < cases[i].hi + 1.02e-4);
        assert_true(s.lo <= s.point && s.point <= s.hi);
    }
}

static void edges(void **state)
{
    (void)state;
    struct gateway_share s = gateway_share_of(0, 0);
    assert_int_equal(s.lo, 0);
    assert_int_equal(s.hi, GATEWAY_SHARE);
    for (uint32_t n = 1; n <= 400; n++) {
        assert_int_equal(gateway_share_of(0, n).lo, 0);
        assert_int_equal(gateway_share_of(n, n).hi, GATEWAY_SHARE);
        for (uint32_t k = 0; k <= n; k += 1 + n / 7) {
            struct gateway_share a = gateway_share_of(k, n);
            struct gateway_share b = gateway_share_of(n - k, n);
            assert_true(a.lo <= a.point && a.point <= a.hi);
            assert_true(a.hi <= GATEWAY_SHARE);
            /* counting the others gives the same interval, mirrored */
            assert_int_equal(a.lo + b.hi, GATEWAY_SHARE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
