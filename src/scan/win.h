/*
 * win.h - forward reading of a range of a source through one window.
 * Owner: scan_win_init .. scan_win_done; the source is the caller's.
 * Never: reads outside the range; after the first shortage or failure all
 * numbers read as zero and `bad` stays set (`failed` if the source failed).
 */
#ifndef WH_SCAN_WIN_H
#define WH_SCAN_WIN_H

#include "base/err.h"
#include "base/src.h"
#include "base/str.h"

struct scan_win {
    const struct wh_src *src;
    uint64_t next, end; /* next byte to load; end of the range */
    uint8_t *buf;
    size_t cap, n, at; /* bytes in buf, and how many were given out */
    bool swap;         /* numbers are big-endian */
    bool bad;          /* the range ended too early, or: */
    bool failed;       /* the source failed; *err says how */
    struct wh_err *err;
};

/* Read [from, end) of src; from <= end <= src->size. */
void scan_win_init(struct scan_win *w, const struct wh_src *src, uint64_t from,
                   uint64_t end, struct wh_err *err);
void scan_win_done(struct scan_win *w);
/* Offset of the next byte in the source, and bytes left in the range. */
uint64_t scan_win_offset(const struct scan_win *w);
uint64_t scan_win_left(const struct scan_win *w);

/* Load more if the window is used up; false at the end (or bad). Afterwards
 * buf[at .. n) is not empty. */
bool scan_win_fill(struct scan_win *w);
uint8_t scan_win_u8(struct scan_win *w);
uint32_t scan_win_u32(struct scan_win *w);
uint64_t scan_win_u64(struct scan_win *w);
/* Exactly n bytes to out; false if fewer are left. */
bool scan_win_copy(struct scan_win *w, void *out, size_t n);
/* Step over n bytes without reading what is not loaded yet. */
bool scan_win_skip(struct scan_win *w, uint64_t n);

#endif
