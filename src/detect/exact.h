/*
 * exact.h - exact bounds for a probability that was counted: Clopper and
 * Pearson, by the regularised incomplete beta function.
 * Owner: nothing is owned.
 * Never: allocates; approximates by the normal distribution.
 */
#ifndef WH_DETECT_EXACT_H
#define WH_DETECT_EXACT_H

#include <stdint.h>

/* I_x(a, b) for a, b > 0 and x in [0, 1]: the probability that a beta variable
 * is at most x. Continued fraction by Lentz's method (DLMF 8.17.22), absolute
 * error below 1e-12 for a, b up to 1e7. */
double detect_exact_beta(double a, double b, double x);

/* One-sided bounds for the probability behind k events in n trials (k <= n):
 * the true value is above `upper`, or below `lower`, with probability at most
 * `miss` (0 < miss < 1). A 95 % interval has miss = 0.025 at both ends. n = 0
 * gives 0 and 1. */
double detect_exact_upper(uint64_t k, uint64_t n, double miss);
double detect_exact_lower(uint64_t k, uint64_t n, double miss);

#endif
