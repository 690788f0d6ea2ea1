/*
 * share.c - Wilson's interval.
 */
#include "gateway/share.h"
#include "base/err.h"
#include <math.h>

/* The two-sided 95 % quantile of the normal distribution. */
#define Z 1.959963984540054
/* Twice what doubles lose on the way: a bound that is exact is not moved by
 * it. */
#define SLACK 1e-9

struct gateway_share gateway_share_of(uint32_t k, uint32_t n)
{
    double p, z2n, middle, half, scale = GATEWAY_SHARE;
    struct gateway_share s = {0, 0, GATEWAY_SHARE};

    wh_assert(k <= n);
    if (n == 0) {
        return s;
    }
    p = (double)k / n;
    z2n = Z * Z / n;
    middle = (p + z2n / 2) / (1 + z2n);
    half = Z / (1 + z2n) * sqrt(p * (1 - p) / n + z2n / (4 * n));
    s.lo = k == 0 ? 0 : (uint32_t)floor((middle - half) * scale + SLACK);
    s.hi = k == n ? GATEWAY_SHARE
                  : (uint32_t)ceil((middle + half) * scale - SLACK);
    s.point = (uint32_t)lround(p * scale);
    return s;
}
