/*
 * win.h - forward reading of a range of a source, or of memory, through one
 * window.
 * Owner: wh_win_init .. wh_win_done; the source is the caller's.
 * Never: reads outside the range; after the first shortage or failure all
 * numbers read as zero and `bad` stays set (`failed` if the source failed).
 */
#ifndef WH_BASE_WIN_H
#define WH_BASE_WIN_H

#include "base/err.h"
#include "base/src.h"
#include "base/str.h"

struct wh_win {
    const struct wh_src *src;
    uint64_t next, end; /* next byte to load; end of the range */
    const uint8_t *buf;
    uint8_t *own;      /* buf, where it is the window's own memory */
    size_t cap, n, at; /* bytes in buf, and how many were given out */
    bool swap;         /* numbers are big-endian */
    bool bad;          /* the range ended too early, or: */
    bool failed;       /* the source failed; *err says how */
    struct wh_err *err;
};

/* Read [from, end) of src; from <= end <= src->size. */
void wh_win_init(struct wh_win *w, const struct wh_src *src, uint64_t from,
                 uint64_t end, struct wh_err *err);
/* Read n bytes of memory, which is not copied. */
void wh_win_mem(struct wh_win *w, const void *p, size_t n, struct wh_err *err);
void wh_win_done(struct wh_win *w);
/* Offset of the next byte in the source, and bytes left in the range. */
uint64_t wh_win_offset(const struct wh_win *w);
uint64_t wh_win_left(const struct wh_win *w);

/* Load more if the window is used up; false at the end (or bad). Afterwards
 * buf[at .. n) is not empty. */
bool wh_win_fill(struct wh_win *w);
uint8_t wh_win_u8(struct wh_win *w);
uint32_t wh_win_u32(struct wh_win *w);
uint64_t wh_win_u64(struct wh_win *w);
/* Exactly n bytes to out; false if fewer are left. */
bool wh_win_copy(struct wh_win *w, void *out, size_t n);
/* Step over n bytes without reading what is not loaded yet. */
bool wh_win_skip(struct wh_win *w, uint64_t n);

#endif
