/*
 * win.c - see win.h. One buffer, refilled when it is used up; skips move the
 * load position, so that long values are not read.
 */
#include "base/win.h"

#include "base/mem.h"

#define WINDOW (256u << 10)

void wh_win_init(struct wh_win *w, const struct wh_src *src, uint64_t from,
                 uint64_t end, struct wh_err *err)
{
    wh_assert(from <= end && end <= src->size);
    *w = (struct wh_win){.src = src, .next = from, .end = end, .err = err};
    w->cap = end - from < WINDOW ? (size_t)(end - from) : WINDOW;
    w->buf = w->own = wh_alloc(w->cap ? w->cap : 1);
}

void wh_win_mem(struct wh_win *w, const void *p, size_t n, struct wh_err *err)
{
    *w = (struct wh_win){.next = n, .end = n, .buf = p, .n = n, .err = err};
}

void wh_win_done(struct wh_win *w)
{
    wh_free(w->own);
    *w = (struct wh_win){.bad = true};
}

uint64_t wh_win_offset(const struct wh_win *w)
{
    return w->next - (w->n - w->at);
}

uint64_t wh_win_left(const struct wh_win *w)
{
    return w->bad ? 0 : w->end - wh_win_offset(w);
}

bool wh_win_fill(struct wh_win *w)
{
    if (w->at < w->n) {
        return true;
    }
    if (w->bad || w->next == w->end) {
        return false;
    }
    size_t n = w->end - w->next < w->cap ? (size_t)(w->end - w->next) : w->cap;
    if (!wh_src_read(w->src, w->next, w->own, n, w->err)) {
        w->bad = w->failed = true;
        return false;
    }
    w->next += n;
    w->n = n;
    w->at = 0;
    return true;
}

bool wh_win_copy(struct wh_win *w, void *out, size_t n)
{
    uint8_t *p = out;
    if (n > wh_win_left(w)) {
        w->bad = true;
        w->at = w->n = 0;
        memset(out, 0, n);
        return false;
    }
    while (n > 0) {
        if (!wh_win_fill(w)) {
            memset(p, 0, n);
            return false;
        }
        size_t here = w->n - w->at < n ? w->n - w->at : n;
        memcpy(p, w->buf + w->at, here);
        w->at += here;
        p += here;
        n -= here;
    }
    return true;
}

uint8_t wh_win_u8(struct wh_win *w)
{
    uint8_t v;
    (void)wh_win_copy(w, &v, 1);
    return v;
}

static uint64_t number(struct wh_win *w, size_t n)
{
    uint8_t b[8];
    uint64_t v = 0;
    (void)wh_win_copy(w, b, n);
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | b[w->swap ? i : n - 1 - i];
    }
    return v;
}

uint32_t wh_win_u32(struct wh_win *w)
{
    return (uint32_t)number(w, 4);
}

uint64_t wh_win_u64(struct wh_win *w)
{
    return number(w, 8);
}

bool wh_win_skip(struct wh_win *w, uint64_t n)
{
    if (n > wh_win_left(w)) {
        w->bad = true;
        w->at = w->n = 0;
        return false;
    }
    size_t loaded = w->n - w->at;
    if (n <= loaded) {
        w->at += (size_t)n;
    } else {
        w->next += n - loaded;
        w->at = w->n = 0;
    }
    return true;
}
