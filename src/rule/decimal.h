/*
 * decimal.h - exact non-negative decimals of any exponent.
 * Owner: plain values; nothing is allocated.
 * Never: rounds, or touches a floating-point number.
 */
#ifndef WH_RULE_DECIMAL_H
#define WH_RULE_DECIMAL_H

#include "base/buf.h"

#define RULE_DEC_DIGITS 192      /* significant digits a value can hold */
#define RULE_DEC_MANTISSA_MAX 96 /* digits that parsed text may write out */
#define RULE_DEC_TEXT_MAX 112    /* bytes of parsed text */

/* d[0].d[1]d[2]... * 10^exp, without leading or trailing zeros; n == 0 is
 * zero (then exp is 0). One value has exactly one such form. */
struct rule_dec {
    int64_t exp;
    uint32_t n;
    uint8_t d[RULE_DEC_DIGITS]; /* 0..9, not text */
};

/* Read "0", "125", "0.25", "4.03545024e22": digits without superfluous leading
 * zeros, optional fraction, optional exponent of at most 9 digits with a sign
 * if wanted; the first digit that is not zero stands for 10^-999999999 to
 * 10^999999999. No sign in front, no blanks. False, *out untouched, otherwise.
 */
bool rule_dec_parse(struct wh_str s, struct rule_dec *out) WH_CHECK;
void rule_dec_u64(uint64_t v, struct rule_dec *out);
/* <0, 0, >0 by exact value. */
int rule_dec_cmp(const struct rule_dec *a, const struct rule_dec *b);
/* Exact product and sum; false, *out untouched, if the result has more than
 * RULE_DEC_DIGITS digits. out may be a or b. */
bool rule_dec_mul(const struct rule_dec *a, const struct rule_dec *b,
                  struct rule_dec *out) WH_CHECK;
bool rule_dec_add(const struct rule_dec *a, const struct rule_dec *b,
                  struct rule_dec *out) WH_CHECK;
/* True for 0, 1, 2, ...: a value that can be a count. */
bool rule_dec_is_whole(const struct rule_dec *a);
/* The one text form of a value: plain up to 18 digits before the point and, for
 * up to 64 digits, six zeros after it ("134515008", "0.25"), else
 * "4.03545024e22". What was parsed, or has as few digits and as small an
 * exponent, parses back to the same value. */
void rule_dec_text(const struct rule_dec *a, struct wh_buf *b);

#endif
