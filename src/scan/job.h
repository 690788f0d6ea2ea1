/*
 * job.h - the scanner's jobs: parameter bytes and sources in, answer out.
 * Owner: the caller owns everything in scan_io for the time of the call.
 * Never: opens, connects, forks or keeps state; each job may run in a process
 * that can only read, compute and answer.
 *
 * All integers little-endian; "bytes" is u32 length + bytes (wh_buf_bytes);
 * hashes of Xet are the 32 raw bytes. The first byte of every parameter block
 * and of every binary answer is the layout's version, 1. Whoever receives an
 * answer takes it from a process that has read strangers' bytes, so it goes
 * through the bounded readers named below. docs/formats/scan-jobs.md.
 */
#ifndef WH_SCAN_JOB_H
#define WH_SCAN_JOB_H

#include "base/buf.h"
#include "base/err.h"
#include "base/src.h"

#define SCAN_JOB_VERSION 1
/* Ceiling of one answer of each job, in bytes. */
#define SCAN_JOB_FILE_MAX (256u << 10)
#define SCAN_JOB_XORB_MAX (512u << 10)
#define SCAN_JOB_SHARD_MAX (96u << 20)
#define SCAN_JOB_REBUILD_MAX 4096u

/* What a job sees of the world. */
struct scan_io {
    const struct wh_src *src; /* nsrc sources; most jobs take exactly one */
    size_t nsrc;
    /* Rebuild only: takes the next piece of the file, in order, at most
     * 128 KiB at a time. */
    bool (*emit)(void *ctx, const void *p, size_t n, struct wh_err *err);
    void *ctx;
};

/* One row of the table from which the zygote starts jobs. */
struct scan_job_row {
    const char *name; /* "scan.file" */
    bool (*run)(struct wh_str params, const struct scan_io *io,
                struct wh_buf *answer, struct wh_err *err);
    size_t answer_max;
};

/* Weigh a file.
 * params: u8 version, u8 flags (bit 0: compute SHA-256), bytes path,
 *         bytes config (both may be empty; config at most 1 MiB).
 * answer: the canonical scan result (JSON text). */
bool scan_job_file(struct wh_str params, const struct scan_io *io,
                   struct wh_buf *answer, struct wh_err *err) WH_CHECK;
/* Verify a xorb: walk, decompress, hash; WH_DIGEST_MISMATCH if its hash is not
 * the expected one, WH_BAD_REQUEST if it is malformed.
 * params: u8 version, 32 expected hash.
 * answer: a chunk table; read it with scan_xorb_table_read (xorb.h). */
bool scan_job_xorb(struct wh_str params, const struct scan_io *io,
                   struct wh_buf *answer, struct wh_err *err) WH_CHECK;
/* Rebuild a file from chunks of xorbs; pieces go to io->emit.
 * params: u8 version, u8 flags (bit 0: the file hash must match), 32 expected
 *         Xet file hash, u64 expected size, u32 number of terms (<= 1048576),
 *         then per term: u32 source index, u64 byte offset of its first chunk
 *         in the serialized xorb, u32 number of chunks, u32 raw bytes.
 * answer: u8 version, 32 Xet file hash of what was emitted, u64 its size. */
bool scan_job_rebuild(struct wh_str params, const struct scan_io *io,
                      struct wh_buf *answer, struct wh_err *err) WH_CHECK;
/* Parse an uploaded shard.
 * params: u8 version.
 * answer: read it with scan_shard_read (shard.h). */
bool scan_job_shard(struct wh_str params, const struct scan_io *io,
                    struct wh_buf *answer, struct wh_err *err) WH_CHECK;

/* Parameter blocks in the layouts above. */
void scan_job_file_params(struct wh_buf *b, struct wh_str path,
                          struct wh_str config, bool sha256);
void scan_job_xorb_params(struct wh_buf *b, const uint8_t hash[32]);
void scan_job_shard_params(struct wh_buf *b);
struct scan_rebuild_term {
    uint32_t source;  /* index into scan_io.src */
    uint64_t offset;  /* of the first chunk's header in the serialized xorb */
    uint32_t chunks;  /* how many */
    uint32_t raw;     /* bytes they give together */
};
/* hash null: the file hash is computed, not demanded. */
void scan_job_rebuild_params(struct wh_buf *b, const uint8_t *hash,
                             uint64_t size,
                             const struct scan_rebuild_term *terms, uint32_t n);

/* All jobs, by name: scan.file, scan.xorb, scan.rebuild, scan.shard. */
extern const struct scan_job_row scan_jobs[];
extern const size_t scan_jobs_count;

#endif
