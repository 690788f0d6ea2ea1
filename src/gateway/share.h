/*
 * share.h - how often of how many, and how sure that is: Wilson's interval for
 * a share.
 * Owner: plain values.
 * Never: rounds an interval narrower than it is.
 */
#ifndef WH_GATEWAY_SHARE_H
#define WH_GATEWAY_SHARE_H

#include <stdint.h>

/* Shares are counted in ten-thousandths. */
#define GATEWAY_SHARE 10000u

/* lo rounded down, hi rounded up, point to the nearest. */
struct gateway_share {
    uint32_t lo, point, hi;
};

/* The 95 % interval of k of n by Wilson's score, without correction for
 * continuity (E. B. Wilson, JASA 22 (1927), 209-212). k is at most n; of
 * nothing, everything may be true: 0 to 1. */
struct gateway_share gateway_share_of(uint32_t k, uint32_t n);

#endif
