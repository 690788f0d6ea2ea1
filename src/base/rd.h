/*
 * rd.h - reader over bytes: the only way parsers touch foreign memory.
 * Owner: the bytes belong to the caller and must outlive the reader.
 * Never: reads past the end; after the first failure everything reads as zero
 * and `bad` stays set, so parsers check once per record.
 */
#ifndef WH_BASE_RD_H
#define WH_BASE_RD_H

#include "base/str.h"

struct wh_rd {
    const uint8_t *p;
    size_t n, pos;
    bool bad;
};

/* Read from n bytes at p; p may be null when n is 0. */
void wh_rd_init(struct wh_rd *r, const void *p, size_t n);
/* Bytes not read yet; 0 once bad. */
size_t wh_rd_left(const struct wh_rd *r);
/* All bytes were read and nothing failed. */
bool wh_rd_end(const struct wh_rd *r);

/* The next integer of that width and byte order; 0 when bad. */
uint8_t wh_rd_u8(struct wh_rd *r);
uint16_t wh_rd_u16be(struct wh_rd *r);
uint16_t wh_rd_u16le(struct wh_rd *r);
uint32_t wh_rd_u32le(struct wh_rd *r);
uint32_t wh_rd_u32be(struct wh_rd *r);
uint64_t wh_rd_u64le(struct wh_rd *r);
uint64_t wh_rd_u64be(struct wh_rd *r);
/* View of the next n bytes; empty and bad if fewer are left. */
struct wh_str wh_rd_take(struct wh_rd *r, size_t n);
/* u32le length + bytes, as wh_buf_bytes writes; at most max. */
struct wh_str wh_rd_bytes(struct wh_rd *r, size_t max);
/* Copy the next n bytes to out (zeroed when bad). */
void wh_rd_copy(struct wh_rd *r, void *out, size_t n);

#endif
