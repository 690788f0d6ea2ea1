/*
 * The bounded reader. take() is the only place that moves the position, so
 * the bounds check stands once.
 */
#include "base/rd.h"

/* The next n bytes, or null (and bad for good) when fewer are left. */
static const uint8_t *take(struct wh_rd *r, size_t n)
{
    if (r->bad || n > r->n - r->pos) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = n > 0 ? r->p + r->pos : r->p;
    r->pos += n;
    return at;
}

static uint64_t take_le(struct wh_rd *r, size_t n)
{
    const uint8_t *at = take(r, n);
    uint64_t v = 0;
    for (size_t i = n; at && i > 0; i--) {
        v = v << 8 | at[i - 1];
    }
    return v;
}

static uint64_t take_be(struct wh_rd *r, size_t n)
{
    const uint8_t *at = take(r, n);
    uint64_t v = 0;
    for (size_t i = 0; at && i < n; i++) {
        v = v << 8 | at[i];
    }
    return v;
}

void wh_rd_init(struct wh_rd *r, const void *p, size_t n)
{
    *r = (struct wh_rd){.p = p, .n = n};
}

size_t wh_rd_left(const struct wh_rd *r)
{
    return r->bad ? 0 : r->n - r->pos;
}

bool wh_rd_end(const struct wh_rd *r)
{
    return !r->bad && r->pos == r->n;
}

uint8_t wh_rd_u8(struct wh_rd *r)
{
    return (uint8_t)take_le(r, 1);
}

uint16_t wh_rd_u16be(struct wh_rd *r)
{
    return (uint16_t)take_be(r, 2);
}

uint16_t wh_rd_u16le(struct wh_rd *r)
{
    return (uint16_t)take_le(r, 2);
}

uint32_t wh_rd_u32le(struct wh_rd *r)
{
    return (uint32_t)take_le(r, 4);
}

uint32_t wh_rd_u32be(struct wh_rd *r)
{
    return (uint32_t)take_be(r, 4);
}

uint64_t wh_rd_u64le(struct wh_rd *r)
{
    return take_le(r, 8);
}

uint64_t wh_rd_u64be(struct wh_rd *r)
{
    return take_be(r, 8);
}

struct wh_str wh_rd_take(struct wh_rd *r, size_t n)
{
    const uint8_t *at = take(r, n);
    return at ? wh_str_mem(at, n) : (struct wh_str){NULL, 0};
}

struct wh_str wh_rd_bytes(struct wh_rd *r, size_t max)
{
    uint32_t n = wh_rd_u32le(r);
    if (n > max) {
        r->bad = true;
    }
    return wh_rd_take(r, n);
}

void wh_rd_copy(struct wh_rd *r, void *out, size_t n)
{
    const uint8_t *at = take(r, n);
    if (n == 0) {
        return;
    }
    if (at) {
        memcpy(out, at, n);
    } else {
        memset(out, 0, n);
    }
}
