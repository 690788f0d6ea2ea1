/*
 * buf.h - a growing byte buffer with a ceiling.
 * Owner: wh_buf_init .. wh_buf_done; the memory is the buffer's own.
 * Never: grows over its ceiling: it then sets `over` and ignores further adds,
 * so writers check once at the end (wh_buf_ok).
 */
#ifndef WH_BASE_BUF_H
#define WH_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct wh_buf {
    char *p;
    size_t n, cap, ceiling;
    bool over;
};

/* An empty buffer that may grow to ceiling bytes; done frees its memory (and
 * may be called twice). */
void wh_buf_init(struct wh_buf *b, size_t ceiling);
void wh_buf_done(struct wh_buf *b);
/* Empty it, keep the memory. */
void wh_buf_reset(struct wh_buf *b);
/* Drop the first n bytes (moves the rest down). */
void wh_buf_drop(struct wh_buf *b, size_t n);
/* Room for n more bytes; returns where to write them, or null when over. Call
 * wh_buf_grew with what was really written. */
char *wh_buf_room(struct wh_buf *b, size_t n);
void wh_buf_grew(struct wh_buf *b, size_t n);
/* All bytes so far; valid until the next call that may grow the buffer. */
struct wh_str wh_buf_str(const struct wh_buf *b);
/* True when nothing was cut; else fills *err with WH_TOO_LARGE. */
bool wh_buf_ok(const struct wh_buf *b, struct wh_err *err) WH_CHECK;

/* Append a view, n bytes, a C string, one byte, printf text. What does not fit
 * is left out whole and sets `over`. */
void wh_buf_add(struct wh_buf *b, struct wh_str s);
void wh_buf_mem(struct wh_buf *b, const void *p, size_t n);
void wh_buf_cstr(struct wh_buf *b, const char *c);
void wh_buf_char(struct wh_buf *b, char c);
void wh_buf_u64(struct wh_buf *b, uint64_t v); /* in decimal digits */
void wh_buf_fmt(struct wh_buf *b, const char *fmt, ...) WH_PRINTF(2, 3);

/* Text for a place: HTML text or attribute value; one URL path segment or
 * query value (RFC 3986 unreserved stay); a path ('/' stays too); a JSON
 * string with its quotes (input must be UTF-8); a log value (quoted if it has
 * blanks, control bytes escaped). */
void wh_buf_html(struct wh_buf *b, struct wh_str s);
void wh_buf_url(struct wh_buf *b, struct wh_str s);
void wh_buf_url_path(struct wh_buf *b, struct wh_str s);
void wh_buf_json(struct wh_buf *b, struct wh_str s);
void wh_buf_logv(struct wh_buf *b, struct wh_str s);

/* Binary, for messages and formats. */
void wh_buf_u8(struct wh_buf *b, uint8_t v);
void wh_buf_u16be(struct wh_buf *b, uint16_t v);
void wh_buf_u32le(struct wh_buf *b, uint32_t v);
void wh_buf_u32be(struct wh_buf *b, uint32_t v);
void wh_buf_u64le(struct wh_buf *b, uint64_t v);
void wh_buf_u64be(struct wh_buf *b, uint64_t v);
/* u32le length, then the bytes: the string form of our own messages. */
void wh_buf_bytes(struct wh_buf *b, struct wh_str s);

/* Text codes. */
void wh_buf_hex(struct wh_buf *b, const void *p, size_t n);
void wh_buf_base64(struct wh_buf *b, const void *p, size_t n);
void wh_buf_base64url(struct wh_buf *b, const void *p, size_t n); /* no pad */

#endif
