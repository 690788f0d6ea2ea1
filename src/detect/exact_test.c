/* Unit tests of detect/exact.h. */
#include "base/unit.h"
#include "detect/exact.h"
#include <math.h>

static void is(double got, double want, double within)
{
    if (!(fabs(got - want) <= within)) {
        print_error("%.10f is not %.10f\n", got, want);
        fail();
    }
}

/* 95 % intervals as statistics books and R's binom.test give them. */
static void published_intervals(void **state)
{
    (void)state;
    static const struct {
        uint64_t k, n;
        double lower, upper;
    } rows[] = {
        {0, 10, 0, 0.3085},        {1, 10, 0.0025, 0.4450},
        {5, 10, 0.1871, 0.8129},   {10, 10, 0.6915, 1},
        {2, 20, 0.0123, 0.3170},   {10, 100, 0.0490, 0.1762},
        {50, 100, 0.3983, 0.6017}, {0, 100, 0, 0.0362},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        is(detect_exact_lower(rows[i].k, rows[i].n, 0.025), rows[i].lower,
           5e-5);
        is(detect_exact_upper(rows[i].k, rows[i].n, 0.025), rows[i].upper,
           5e-5);
    }
}

/* Nothing in n trials has a closed form, and is about 3/n at 95 %. */
static void nothing_seen(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 10000000; n *= 10) {
        is(detect_exact_upper(0, n, 0.05), 1 - pow(0.05, 1 / (double)n), 1e-9);
    }
    assert_true(detect_exact_upper(0, 0, 0.05) == 1);
    assert_true(detect_exact_lower(0, 0, 0.05) == 0);
}

/* The bound is where the binomial tail is what may be missed. */
static void is_the_tail(void **state)
{
    (void)state;
    double p = detect_exact_upper(3, 40, 1e-3), tail = 0;
    for (int i = 0; i <= 3; i++) {
        tail += exp(lgamma(41) - lgamma(i + 1) - lgamma(41 - i) + i * log(p) +
                    (40 - i) * log1p(-p));
    }
    is(tail, 1e-3, 1e-12);
}

static void beta_values(void **state)
{
    (void)state;
    is(detect_exact_beta(1, 1, 0.3), 0.3, 1e-14);
    is(detect_exact_beta(2, 3, 0.5), 0.6875, 1e-14);
    is(detect_exact_beta(0.5, 0.5, 0.5), 0.5, 1e-13);
    is(detect_exact_beta(5, 2, 0), 0, 0);
    is(detect_exact_beta(5, 2, 1), 1, 0);
    is(detect_exact_beta(1e6, 1e6, 0.5), 0.5, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_intervals),
        cmocka_unit_test(nothing_seen),
        cmocka_unit_test(is_the_tail),
        cmocka_unit_test(beta_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
