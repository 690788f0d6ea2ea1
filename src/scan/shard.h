/*
 * shard.h - uploaded Xet shards: which files are made of which chunks.
 * Owner: parsed lists live in the arena given.
 * Never: believes a count before that many bytes are there.
 */
#ifndef WH_SCAN_SHARD_H
#define WH_SCAN_SHARD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/src.h"
#include "scan/xet.h"
#include "scan/xorb.h"

#define SCAN_SHARD_BYTES_MAX (64u << 20)
#define SCAN_SHARD_CHUNKS_MAX ((uint64_t)1 << 26) /* 4 TiB of usual chunks */

/* One run of chunks of one xorb. */
struct scan_shard_term {
    struct scan_xet_hash xorb;
    uint32_t raw;        /* bytes the run gives */
    uint32_t start, end; /* chunk indices, end exclusive */
    bool has_range;
    struct scan_xet_hash range; /* verification hash */
};

struct scan_shard_file {
    struct scan_xet_hash hash;
    bool has_sha256;
    uint8_t sha256[32]; /* ordinary byte order, as sha256sum prints it */
    uint32_t count;
    struct scan_shard_term *terms;
};

struct scan_shard_chunk {
    struct scan_xet_hash hash;
    uint32_t start, raw; /* in the xorb's raw bytes */
};

struct scan_shard_xorb {
    struct scan_xet_hash hash;
    uint32_t raw, stored;
    uint32_t count;
    struct scan_shard_chunk *chunks;
};

struct scan_shard {
    uint32_t nfiles, nxorbs;
    struct scan_shard_file *files;
    struct scan_shard_xorb *xorbs;
};

/* Parse an uploaded shard, with or without a footer. WH_BAD_REQUEST for
 * malformed content, WH_TOO_LARGE over SCAN_SHARD_BYTES_MAX. */
bool scan_shard_parse(const struct wh_src *src, struct wh_arena *a,
                      struct scan_shard *out, struct wh_err *err) WH_CHECK;

/* Our own byte form of a parsed shard, and its bounded reading (WH_CORRUPT):
 * u8 version; u32 files; per file: 32 hash, u8 flags (1: sha256), 32 sha256,
 * u32 terms, per term: 32 xorb, u32 raw, u32 start, u32 end, u8 flags
 * (1: range), 32 range; u32 xorbs; per xorb: 32 hash, u32 raw, u32 stored,
 * u32 chunks, per chunk: 32 hash, u32 start, u32 raw. */
void scan_shard_write(struct wh_buf *b, const struct scan_shard *s);
bool scan_shard_read(struct wh_str text, struct wh_arena *a,
                     struct scan_shard *out, struct wh_err *err) WH_CHECK;

/* The caller's knowledge of xorbs: a verified table, or null if the caller may
 * not refer to that xorb (absent, or of another repo). */
struct scan_shard_world {
    const struct scan_xorb_table *(*xorb)(void *ctx,
                                          const struct scan_xet_hash *hash);
    void *ctx;
    /* Chunks that may still be looked at, over all files of one shard; start
     * with SCAN_SHARD_CHUNKS_MAX. A shard of 64 MiB can name far more. */
    uint64_t chunks_left;
};

/* Hold a file of a shard against the xorbs it names: chunk ranges, raw byte
 * counts, verification hashes (which prove possession) and the file hash.
 * *size is the file's length. WH_BAD_REQUEST with the first contradiction,
 * WH_TOO_LARGE when world->chunks_left is used up. */
bool scan_shard_check_file(const struct scan_shard_file *f,
                           struct scan_shard_world *world, uint64_t *size,
                           struct wh_err *err) WH_CHECK;
/* The same for an entry of the xorb section: it must agree with the table. */
bool scan_shard_check_xorb(const struct scan_shard_xorb *x,
                           const struct scan_shard_world *world,
                           struct wh_err *err) WH_CHECK;

#endif
