/*
 * number.h - decimals of evidence, for people's eyes.
 * Owner: results live in the arena, or are the text that was given.
 * Never: used to decide; rule/decimal.h is exact, this rounds.
 */
#ifndef WH_WEB_NUMBER_H
#define WH_WEB_NUMBER_H

#include "base/arena.h"

/* Base-10 logarithm of "134515008" or "4.03545024e22"; false, *out untouched,
 * for zero, nothing, and text that is no decimal. */
bool web_number_log(struct wh_str s, double *out);

/* A decimal for people: whole numbers below 10^15 with commas, others with
 * three digits and an exponent, rounded up or down so that a bound stays true.
 * Text that is no decimal comes back as it is. */
struct wh_str web_number_text(struct wh_arena *a, struct wh_str decimal,
                              bool up);

#endif
