/*
 * Views of text and bytes. memchr and friends may not be given null even for
 * no bytes at all, and an empty view may be null: each call looks first.
 */
#include "base/str.h"

static unsigned char byte_at(struct wh_str s, size_t i)
{
    return (unsigned char)s.p[i];
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_tail(unsigned char c)
{
    return (c & 0xC0U) == 0x80U;
}

bool wh_str_eq(struct wh_str a, struct wh_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool wh_str_is(struct wh_str a, const char *c)
{
    return wh_str_eq(a, wh_str_of(c));
}

bool wh_str_ieq(struct wh_str a, struct wh_str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower(byte_at(a, i)) != lower(byte_at(b, i))) {
            return false;
        }
    }
    return true;
}

int wh_str_cmp(struct wh_str a, struct wh_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    if (c != 0) {
        return c;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

bool wh_str_starts(struct wh_str s, struct wh_str prefix)
{
    return s.n >= prefix.n && wh_str_eq(wh_str_sub(s, 0, prefix.n), prefix);
}

bool wh_str_ends(struct wh_str s, struct wh_str suffix)
{
    return s.n >= suffix.n &&
           wh_str_eq(wh_str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

size_t wh_str_find(struct wh_str s, char c)
{
    const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t wh_str_find_str(struct wh_str s, struct wh_str needle)
{
    if (needle.n == 0) {
        return 0;
    }
    const char *at =
        s.n >= needle.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

struct wh_str wh_str_sub(struct wh_str s, size_t from, size_t n)
{
    if (!s.p) {
        return s;
    }
    if (from > s.n) {
        from = s.n;
    }
    if (n > s.n - from) {
        n = s.n - from;
    }
    return (struct wh_str){s.p + from, n};
}

struct wh_str wh_str_trim(struct wh_str s)
{
    size_t from = 0;
    size_t to = s.n;
    while (from < to && is_blank(byte_at(s, from))) {
        from++;
    }
    while (to > from && is_blank(byte_at(s, to - 1))) {
        to--;
    }
    return wh_str_sub(s, from, to - from);
}

bool wh_str_cut(struct wh_str *s, char c, struct wh_str *head)
{
    struct wh_str all = *s;
    size_t at = wh_str_find(all, c);
    if (at == SIZE_MAX) {
        *head = all;
        *s = wh_str_sub(all, all.n, 0);
        return false;
    }
    *head = wh_str_sub(all, 0, at);
    *s = wh_str_sub(all, at + 1, all.n);
    return true;
}

bool wh_str_u64(struct wh_str s, uint64_t *out)
{
    if (s.n == 0 || (s.n > 1 && s.p[0] == '0')) {
        return false;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = byte_at(s, i);
        if (c < '0' || c > '9' || !wh_mul_u64(v, 10, &v) ||
            !wh_add_u64(v, (uint64_t)(c - '0'), &v)) {
            return false;
        }
    }
    *out = v;
    return true;
}

/* Length of the sequence a lead byte announces, and the range its second byte
 * must lie in (RFC 3629 table: no overlong forms, no surrogates, no code
 * point above U+10FFFF). 0 for a byte that can not lead. */
static size_t utf8_lead(unsigned char c, unsigned char *lo, unsigned char *hi)
{
    *lo = 0x80;
    *hi = 0xBF;
    if (c >= 0xC2 && c <= 0xDF) {
        return 2;
    }
    if (c >= 0xE0 && c <= 0xEF) {
        *lo = c == 0xE0 ? 0xA0 : 0x80;
        *hi = c == 0xED ? 0x9F : 0xBF;
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        *lo = c == 0xF0 ? 0x90 : 0x80;
        *hi = c == 0xF4 ? 0x8F : 0xBF;
        return 4;
    }
    return 0;
}

size_t wh_str_utf8_len(struct wh_str s)
{
    if (s.n == 0) {
        return 0;
    }
    if (byte_at(s, 0) < 0x80) {
        return 1;
    }
    unsigned char lo;
    unsigned char hi;
    size_t n = utf8_lead(byte_at(s, 0), &lo, &hi);
    if (n == 0 || s.n < n || byte_at(s, 1) < lo || byte_at(s, 1) > hi) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (!is_tail(byte_at(s, i))) {
            return 0;
        }
    }
    return n;
}

/* How many of the first bytes are plain ASCII, eight at a time while they are
 * all. */
static size_t ascii_run(struct wh_str s)
{
    size_t i = 0;
    uint64_t word;
    while (s.n - i >= sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        if ((word & 0x8080808080808080U) != 0) {
            break;
        }
        i += sizeof word;
    }
    while (i < s.n && (unsigned char)s.p[i] < 0x80) {
        i++;
    }
    return i;
}

bool wh_str_utf8_ok(struct wh_str s)
{
    size_t i = s.n > 0 ? ascii_run(s) : 0;
    while (i < s.n) {
        size_t n = wh_str_utf8_len(wh_str_sub(s, i, 4));
        if (n == 0) {
            return false;
        }
        i += n;
        i += ascii_run(wh_str_sub(s, i, s.n));
    }
    return true;
}

bool wh_str_eq_secret(struct wh_str a, struct wh_str b)
{
    if (a.n != b.n) {
        return false;
    }
    volatile unsigned char diff = 0;
    for (size_t i = 0; i < a.n; i++) {
        diff = (unsigned char)(diff | (byte_at(a, i) ^ byte_at(b, i)));
    }
    return diff == 0;
}
