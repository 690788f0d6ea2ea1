/*
 * xorb.h - serialized xorbs: chunk headers, decompression, the chunk table.
 * Owner: tables live in the arena given.
 * Never: allocates by a declared size; keeps more than one chunk in memory.
 */
#ifndef WH_SCAN_XORB_H
#define WH_SCAN_XORB_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/src.h"
#include "scan/xet.h"

/* Serialized, footer included. Clients fill a xorb up to 64 MiB of raw bytes;
 * headers, frames and a footer come on top. */
#define SCAN_XORB_BYTES_MAX (65u << 20)
#define SCAN_XORB_CHUNKS_MAX 8192u
#define SCAN_XORB_CHUNK_MAX (128u << 10) /* raw bytes of one chunk */
#define SCAN_XORB_HEADER 8u

/* One chunk of a xorb. */
struct scan_xorb_chunk {
    struct scan_xet_hash hash;
    uint32_t offset; /* of its header in the serialized xorb */
    uint32_t stored; /* bytes after the header */
    uint32_t raw;    /* bytes when decompressed */
};

/* A verified xorb. */
struct scan_xorb_table {
    struct scan_xet_hash hash;
    uint32_t bytes; /* serialized bytes without a footer */
    uint64_t raw;   /* sum of raw bytes */
    uint32_t count;
    struct scan_xorb_chunk *chunks;
};

/* Walk a serialized xorb, decompress and hash every chunk, compute its hash.
 * A footer of older clients is recognised and left out of `bytes`. Errors:
 * WH_BAD_REQUEST for malformed content, WH_TOO_LARGE over a limit. */
bool scan_xorb_verify(const struct wh_src *src, struct wh_arena *a,
                      struct scan_xorb_table *out, struct wh_err *err) WH_CHECK;

/* Decompress the chunk whose header stands at `offset`; out has room for
 * SCAN_XORB_CHUNK_MAX bytes. *next is the offset after it. */
struct scan_xorb_codec; /* decompression context and buffers */
struct scan_xorb_codec *scan_xorb_codec_new(void);
void scan_xorb_codec_free(struct scan_xorb_codec **c);
bool scan_xorb_chunk_read(struct scan_xorb_codec *c, const struct wh_src *src,
                          uint64_t offset, uint8_t *out, uint32_t *out_n,
                          uint64_t *next, struct wh_err *err) WH_CHECK;

/* The table as bytes: u8 version, 32 hash, u32 bytes, u32 count, count x {32
 * hash, u32 offset, u32 stored, u32 raw}. */
void scan_xorb_table_write(struct wh_buf *b, const struct scan_xorb_table *t);
/* Bounded reading of the same; also checks that offsets follow each other and
 * that the xorb hash is the root over the chunk hashes. WH_CORRUPT else. */
bool scan_xorb_table_read(struct wh_str s, struct wh_arena *a,
                          struct scan_xorb_table *out,
                          struct wh_err *err) WH_CHECK;

#endif
