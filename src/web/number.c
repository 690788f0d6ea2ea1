/*
 * Decimals as evidence writes them, for drawing and for reading. They are cut
 * and rounded as text, so that what is printed is never on the wrong side.
 */
#include "web/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIGITS_MAX = 40,   /* significant digits that are read */
    EXPONENT_MAX = 300 /* larger ones are not drawn */
};

/* A decimal: 0.DIGITS * 10^exponent, no leading zero digit. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    size_t n;
    long exponent;
};

static bool exponent_read(struct wh_str s, long *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    uint64_t v;

    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
        s = wh_str_sub(s, 1, s.n);
    }
    while (s.n > 1 && s.p[0] == '0') {
        s = wh_str_sub(s, 1, s.n);
    }
    if (!wh_str_u64(s, &v) || v > EXPONENT_MAX) {
        return false;
    }
    *out = minus ? -(long)v : (long)v;
    return true;
}

/* Digits before 'e', with at most one point. Zero has no digits. */
static bool mantissa_read(struct wh_str s, struct decimal *d)
{
    bool point = false, any = false;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || d->n == DIGITS_MAX) {
            return false;
        }
        any = true;
        if (d->n == 0 && s.p[i] == '0') {
            d->exponent -= point;
            continue;
        }
        d->digits[d->n++] = s.p[i];
        d->exponent += !point;
    }
    return any;
}

static bool decimal_read(struct wh_str s, struct decimal *d)
{
    struct wh_str head = s, tail = WH_S("0");
    size_t e = wh_str_find(s, 'e');
    long exponent;

    *d = (struct decimal){0};
    if (e != SIZE_MAX) {
        head = wh_str_sub(s, 0, e);
        tail = wh_str_sub(s, e + 1, s.n);
    }
    if (!mantissa_read(head, d) || !exponent_read(tail, &exponent)) {
        return false;
    }
    d->exponent = d->n == 0 ? 0 : d->exponent + exponent;
    while (d->n > 0 && d->digits[d->n - 1] == '0') {
        d->n--;
    }
    return true;
}

static double decimal_log(const struct decimal *d)
{
    char text[DIGITS_MAX + 8];

    (void)snprintf(text, sizeof text, "0.%.*s", (int)d->n, d->digits);
    return log10(strtod(text, NULL)) + (double)d->exponent;
}

/* To three digits, up or down. */
static void decimal_round(struct decimal *d, bool up)
{
    size_t i = 3;

    if (d->n <= 3) {
        return;
    }
    d->n = 3;
    if (!up) {
        return;
    }
    while (i > 0 && d->digits[i - 1] == '9') {
        d->digits[--i] = '0';
    }
    if (i > 0) {
        d->digits[i - 1]++;
    } else {
        d->digits[0] = '1';
        d->exponent++;
    }
}

static struct wh_str grouped(struct wh_arena *a, const struct decimal *d)
{
    size_t n = (size_t)d->exponent;
    char out[32];
    size_t o = 0;

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            out[o++] = ',';
        }
        out[o++] = i < d->n ? d->digits[i] : '0';
    }
    return wh_arena_dup(a, wh_str_mem(out, o));
}

bool web_number_log(struct wh_str s, double *out)
{
    struct decimal d;

    if (s.n == 0 || !decimal_read(s, &d) || d.n == 0) {
        return false;
    }
    *out = decimal_log(&d);
    return true;
}

struct wh_str web_number_text(struct wh_arena *a, struct wh_str decimal,
                              bool up)
{
    struct decimal d;

    if (decimal.n == 0 || !decimal_read(decimal, &d)) {
        return decimal;
    }
    if (d.n == 0) {
        return WH_S("0");
    }
    if (d.exponent > 0 && d.exponent <= 15 && d.n <= (size_t)d.exponent) {
        return grouped(a, &d);
    }
    decimal_round(&d, up);
    while (d.n > 1 && d.digits[d.n - 1] == '0') {
        d.n--;
    }
    return wh_arena_fmt(a, "%c%s%.*se%ld", d.digits[0], d.n > 1 ? "." : "",
                        (int)d.n - 1, d.digits + 1, d.exponent - 1);
}
