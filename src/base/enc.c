/*
 * Decoding of hex, base64 and percent escapes. Each form has one spelling
 * that is accepted: two texts that decode to the same bytes would be two
 * names for one thing.
 */
#include "base/enc.h"

/* Value of a hex digit, or -1. */
static int hex_value(char c, bool any_case)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (any_case && c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* Value of a base64 digit, or -1; c62 and c63 are the two last digits. */
static int base64_value(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == c62) {
        return 62;
    }
    return c == c63 ? 63 : -1;
}

/* Decode digits without padding. The unused low bits of a short last group
 * must be zero. */
static bool base64_body(struct wh_str s, char c62, char c63, unsigned char *out,
                        size_t cap, size_t *out_n)
{
    size_t n = s.n / 4 * 3 + (s.n % 4 ? s.n % 4 - 1 : 0);
    if (s.n % 4 == 1 || n > cap) {
        return false;
    }
    uint32_t bits = 0;
    unsigned held = 0;
    size_t at = 0;
    for (size_t i = 0; i < s.n; i++) {
        int v = base64_value(s.p[i], c62, c63);
        if (v < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[at++] = (unsigned char)(bits >> held);
            bits &= (1U << held) - 1;
        }
    }
    if (bits != 0) {
        return false;
    }
    *out_n = at;
    return true;
}

bool wh_hex_dec(struct wh_str s, void *out, size_t n, bool any_case)
{
    if (s.n % 2 != 0 || s.n / 2 != n) {
        return false;
    }
    unsigned char *to = out;
    for (size_t i = 0; i < n; i++) {
        int hi = hex_value(s.p[2 * i], any_case);
        int lo = hex_value(s.p[2 * i + 1], any_case);
        if (hi < 0 || lo < 0) {
            return false;
        }
        to[i] = (unsigned char)(hi * 16 + lo);
    }
    return true;
}

void wh_hex_enc(const void *p, size_t n, char *out)
{
    const unsigned char *in = p;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[in[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[in[i] & 15U];
    }
    out[2 * n] = '\0';
}

bool wh_base64_dec(struct wh_str s, void *out, size_t cap, size_t *out_n)
{
    if (s.n % 4 != 0) {
        return false;
    }
    size_t n = s.n;
    while (n > 0 && s.n - n < 2 && s.p[n - 1] == '=') {
        n--;
    }
    return base64_body(wh_str_sub(s, 0, n), '+', '/', out, cap, out_n);
}

bool wh_base64url_dec(struct wh_str s, void *out, size_t cap, size_t *out_n)
{
    return base64_body(s, '-', '_', out, cap, out_n);
}

bool wh_url_dec(struct wh_str s, bool plus, char *out, size_t *out_n)
{
    size_t n = 0;
    size_t i = 0;
    while (i < s.n) {
        char c = s.p[i++];
        if (c == '%') {
            unsigned char u;
            if (!wh_hex_dec(wh_str_sub(s, i, 2), &u, 1, true)) {
                return false;
            }
            c = (char)u;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0') {
            return false;
        }
        out[n++] = c;
    }
    *out_n = n;
    return true;
}
