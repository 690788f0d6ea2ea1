/*
 * range.c - one range is served; a request for several gets the whole, which
 * RFC 9110 (14.2) leaves to the server and every client copes with.
 */
#include "net/range.h"

#include <stdio.h>

/* Digits at the start of *s; more than 64 bits count as UINT64_MAX. False: no
 * digit there. */
static bool take_number(struct wh_str *s, uint64_t *out)
{
    size_t i = 0;
    uint64_t v = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        if (!wh_mul_u64(v, 10, &v) ||
            !wh_add_u64(v, (uint64_t)(s->p[i] - '0'), &v)) {
            v = UINT64_MAX;
        }
    }
    *s = wh_str_sub(*s, i, s->n);
    *out = v;
    return i > 0;
}

/* "-n": the last n bytes. */
static enum net_range_kind suffix(uint64_t n, uint64_t size,
                                  struct net_range *out)
{
    if (n == 0) {
        return NET_RANGE_BAD;
    }
    if (size == 0) {
        return NET_RANGE_ALL;
    }
    n = n < size ? n : size;
    *out = (struct net_range){size - n, n};
    return NET_RANGE_PART;
}

enum net_range_kind net_range_parse(struct wh_str header, uint64_t size,
                                    struct net_range *out)
{
    struct wh_str s = wh_str_trim(header), unit = WH_S("bytes=");
    uint64_t first = 0, last = UINT64_MAX;
    if (!wh_str_ieq(wh_str_sub(s, 0, unit.n), unit)) {
        return NET_RANGE_ALL;
    }
    s = wh_str_trim(wh_str_sub(s, unit.n, s.n));
    bool has_first = take_number(&s, &first);
    if (s.n == 0 || s.p[0] != '-') {
        return NET_RANGE_ALL;
    }
    s = wh_str_sub(s, 1, s.n);
    bool has_last = take_number(&s, &last);
    if (!has_last) {
        last = UINT64_MAX;
    }
    if (s.n > 0 || (!has_first && !has_last) || (has_first && first > last)) {
        return NET_RANGE_ALL;
    }
    if (!has_first) {
        return suffix(last, size, out);
    }
    if (first >= size) {
        return NET_RANGE_BAD;
    }
    last = last < size ? last : size - 1;
    *out = (struct net_range){first, last - first + 1};
    return NET_RANGE_PART;
}

void net_range_text(const struct net_range *r, uint64_t size,
                    char out[NET_RANGE_TEXT])
{
    if (r == NULL) {
        (void)snprintf(out, NET_RANGE_TEXT, "bytes */%llu",
                       (unsigned long long)size);
        return;
    }
    (void)snprintf(
        out, NET_RANGE_TEXT, "bytes %llu-%llu/%llu", (unsigned long long)r->off,
        (unsigned long long)(r->off + r->len - 1), (unsigned long long)size);
}
