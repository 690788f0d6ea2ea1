/*
 * decimal.c - exact decimals: parse, compare, multiply, add, print.
 *
 * A line compares numbers such as 9.999999999999999e24 with 1e25 and counts of
 * any size, and outsiders must reach the same answer with other tools. So
 * values are digit strings with an exponent, and the only operations are those
 * that stay exact. There is no division and no root: a margin is a factor.
 */
#include "rule/decimal.h"

#define EXP_DIGITS_MAX 9
#define EXP_MAX 999999999
#define PLAIN_DIGITS_MAX 18
#define PLAIN_ZEROS_MAX 6
#define PLAIN_FRACTION_MAX 64

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cut leading and trailing zeros off m digits whose first one stands for
 * 10^exp, and store what is left. The caller checked that it fits. */
static void store(struct rule_dec *out, const uint8_t *d, size_t m, int64_t exp)
{
    size_t from = 0;
    while (from < m && d[from] == 0) {
        from++;
    }
    while (m > from && d[m - 1] == 0) {
        m--;
    }
    *out = (struct rule_dec){0};
    if (from == m) {
        return;
    }
    wh_assert(m - from <= RULE_DEC_DIGITS);
    out->n = (uint32_t)(m - from);
    out->exp = exp - (int64_t)from;
    memcpy(out->d, d + from, m - from);
}

/* Read the exponent that starts at s.p[at], behind the 'e'. */
static bool parse_exponent(struct wh_str s, size_t at, int64_t *out)
{
    bool minus = at < s.n && s.p[at] == '-';
    if (at < s.n && (s.p[at] == '-' || s.p[at] == '+')) {
        at++;
    }
    if (at == s.n || s.n - at > EXP_DIGITS_MAX) {
        return false;
    }
    int64_t e = 0;
    for (; at < s.n; at++) {
        if (!is_digit(s.p[at])) {
            return false;
        }
        e = e * 10 + (s.p[at] - '0');
    }
    *out = minus ? -e : e;
    return true;
}

/* Take a run of digits at *at into d[*n]; returns how many, or 0 when there is
 * none or it would be too long. */
static size_t take_digits(struct wh_str s, size_t *at, uint8_t *d, size_t *n)
{
    size_t start = *at;
    while (*at < s.n && is_digit(s.p[*at])) {
        if (*n == RULE_DEC_MANTISSA_MAX) {
            return 0;
        }
        d[(*n)++] = (uint8_t)(s.p[(*at)++] - '0');
    }
    return *at - start;
}

bool rule_dec_parse(struct wh_str s, struct rule_dec *out)
{
    uint8_t d[RULE_DEC_MANTISSA_MAX];
    size_t n = 0;
    size_t at = 0;
    int64_t e = 0;

    if (s.n > RULE_DEC_TEXT_MAX) {
        return false;
    }
    size_t whole = take_digits(s, &at, d, &n);
    if (whole == 0 || (whole > 1 && d[0] == 0)) {
        return false;
    }
    if (at < s.n && s.p[at] == '.') {
        at++;
        if (take_digits(s, &at, d, &n) == 0) {
            return false;
        }
    }
    if (at < s.n) {
        if ((s.p[at] != 'e' && s.p[at] != 'E') ||
            !parse_exponent(s, at + 1, &e)) {
            return false;
        }
    }
    struct rule_dec v;
    store(&v, d, n, e + (int64_t)whole - 1);
    if (v.exp > EXP_MAX || v.exp < -EXP_MAX) {
        return false;
    }
    *out = v;
    return true;
}

void rule_dec_u64(uint64_t v, struct rule_dec *out)
{
    uint8_t d[20];
    for (size_t i = sizeof(d); i-- > 0; v /= 10) {
        d[i] = (uint8_t)(v % 10);
    }
    store(out, d, sizeof(d), (int64_t)sizeof(d) - 1);
}

int rule_dec_cmp(const struct rule_dec *a, const struct rule_dec *b)
{
    if (a->n == 0 || b->n == 0) {
        return (a->n != 0) - (b->n != 0);
    }
    if (a->exp != b->exp) {
        return a->exp < b->exp ? -1 : 1;
    }
    size_t both = a->n < b->n ? a->n : b->n;
    int c = memcmp(a->d, b->d, both);
    if (c != 0) {
        return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

bool rule_dec_mul(const struct rule_dec *a, const struct rule_dec *b,
                  struct rule_dec *out)
{
    uint32_t sum[2 * RULE_DEC_DIGITS] = {0};
    uint8_t d[2 * RULE_DEC_DIGITS];
    size_t n = (size_t)a->n + b->n; /* one more than the columns: the carry */

    if (a->n == 0 || b->n == 0) {
        *out = (struct rule_dec){0};
        return true;
    }
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            sum[i + j + 1] += (uint32_t)a->d[i] * b->d[j];
        }
    }
    uint32_t carry = 0;
    for (size_t i = n; i-- > 0;) {
        carry += sum[i];
        d[i] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    wh_assert(carry == 0);
    while (n > 0 && d[n - 1] == 0) {
        n--;
    }
    if (n - (d[0] == 0) > RULE_DEC_DIGITS) {
        return false;
    }
    store(out, d, n, a->exp + b->exp + 1);
    return true;
}

/* The digit of a that stands for 10^place. */
static uint8_t digit_at(const struct rule_dec *a, int64_t place)
{
    int64_t i = a->exp - place;
    return i < 0 || i >= (int64_t)a->n ? 0 : a->d[i];
}

bool rule_dec_add(const struct rule_dec *a, const struct rule_dec *b,
                  struct rule_dec *out)
{
    uint8_t d[RULE_DEC_DIGITS + 1] = {0};

    if (a->n == 0 || b->n == 0) {
        *out = a->n == 0 ? *b : *a;
        return true;
    }
    int64_t top = a->exp > b->exp ? a->exp : b->exp;
    int64_t low_a = a->exp - (int64_t)a->n + 1;
    int64_t low_b = b->exp - (int64_t)b->n + 1;
    int64_t low = low_a < low_b ? low_a : low_b;
    if (top - low >= RULE_DEC_DIGITS) {
        return false;
    }
    size_t n = (size_t)(top - low) + 2; /* the carry's place in front */
    uint8_t carry = 0;
    for (size_t i = n; i-- > 0;) {
        int64_t place = top + 1 - (int64_t)i;
        carry = (uint8_t)(carry + digit_at(a, place) + digit_at(b, place));
        d[i] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    if (d[0] != 0 && n > RULE_DEC_DIGITS) {
        return false;
    }
    store(out, d, n, top + 1);
    return true;
}

bool rule_dec_is_whole(const struct rule_dec *a)
{
    return a->n == 0 || a->exp >= (int64_t)a->n - 1;
}

/* Digits d[from..to), zero beyond the stored ones. */
static void put_digits(const struct rule_dec *a, size_t from, size_t to,
                       struct wh_buf *b)
{
    for (size_t i = from; i < to; i++) {
        wh_buf_char(b, (char)('0' + (i < a->n ? a->d[i] : 0)));
    }
}

void rule_dec_text(const struct rule_dec *a, struct wh_buf *b)
{
    if (a->n == 0) {
        wh_buf_char(b, '0');
    } else if (a->exp >= 0 && a->exp < PLAIN_DIGITS_MAX) {
        size_t whole = (size_t)a->exp + 1;
        put_digits(a, 0, whole, b);
        if (a->n > whole) {
            wh_buf_char(b, '.');
            put_digits(a, whole, a->n, b);
        }
    } else if (a->exp < 0 && a->exp >= -PLAIN_ZEROS_MAX - 1 &&
               a->n <= PLAIN_FRACTION_MAX) {
        wh_buf_cstr(b, "0.");
        for (int64_t i = -1; i > a->exp; i--) {
            wh_buf_char(b, '0');
        }
        put_digits(a, 0, a->n, b);
    } else {
        put_digits(a, 0, 1, b);
        if (a->n > 1) {
            wh_buf_char(b, '.');
            put_digits(a, 1, a->n, b);
        }
        wh_buf_fmt(b, "e%lld", (long long)a->exp);
    }
}
