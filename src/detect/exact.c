/*
 * exact.c - the incomplete beta function, and Clopper and Pearson's bounds as
 * its inverse by bisection: slow and sure, since nobody calls it for a request.
 */
#include "detect/exact.h"
#include "base/err.h"
#include <math.h>

#define TERMS 20000
#define TINY 1e-300

/* The coefficient d_m of the fraction, DLMF 8.17.23. */
static double coefficient(double a, double b, double x, int i)
{
    int half = i / 2;
    double m = (double)half;

    if (i % 2 == 0) {
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    }
    return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
}

static double away_from_zero(double v)
{
    return fabs(v) < TINY ? TINY : v;
}

/* 1 / (1 + d1 / (1 + d2 / ...)), for x < (a + 1) / (a + b + 2). */
static double fraction(double a, double b, double x)
{
    double c = 1, d = 1 / away_from_zero(1 + coefficient(a, b, x, 1)), f = d;
    int i;

    for (i = 2; i < TERMS; i++) {
        double e = coefficient(a, b, x, i);
        d = 1 / away_from_zero(1 + e * d);
        c = away_from_zero(1 + e / c);
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15) {
            break;
        }
    }
    return f;
}

double detect_exact_beta(double a, double b, double x)
{
    double front;

    wh_assert(a > 0 && b > 0);
    if (x <= 0 || x >= 1) {
        return x <= 0 ? 0 : 1;
    }
    front =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) {
        return front * fraction(a, b, x) / a;
    }
    return 1 - front * fraction(b, a, 1 - x) / b;
}

/* The x at which I_x(a, b) = want. */
static double inverse(double a, double b, double want)
{
    double lo = 0, hi = 1;
    int i;

    for (i = 0; i < 200 && hi - lo > 1e-16; i++) {
        double mid = (lo + hi) / 2;
        if (detect_exact_beta(a, b, mid) < want) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return (lo + hi) / 2;
}

double detect_exact_upper(uint64_t k, uint64_t n, double miss)
{
    wh_assert(k <= n && miss > 0 && miss < 1);
    if (k == n) {
        return 1;
    }
    return inverse((double)k + 1, (double)(n - k), 1 - miss);
}

double detect_exact_lower(uint64_t k, uint64_t n, double miss)
{
    wh_assert(k <= n && miss > 0 && miss < 1);
    if (k == 0) {
        return 0;
    }
    return inverse((double)k, (double)(n - k) + 1, miss);
}
