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
#include "scan/scan.h"

#define SCAN_JOB_VERSION 1
/* Ceilings of what a job gives back, in bytes. */
#define SCAN_JOB_FILE_ANSWER (256u << 10)
#define SCAN_JOB_XORB_ANSWER (512u << 10)
#define SCAN_JOB_REBUILD_ANSWER 64u
#define SCAN_JOB_SHARD_ANSWER 64u
#define SCAN_JOB_INDEX_ANSWER (64u << 10)
#define SCAN_JOB_KINDS_ANSWER (4u << 10)
#define SCAN_JOB_SHARD_OUT (96u << 20)
/* Most terms of one rebuild, and sources (the list of terms included). */
#define SCAN_JOB_TERMS_MAX (1u << 20)
#define SCAN_JOB_SOURCES_MAX 1024u
#define SCAN_JOB_CONFIG_MAX (1u << 20)
/* Most files of one scan.kinds, and bytes of each and of all together. */
#define SCAN_JOB_KINDS_MAX 256u
#define SCAN_JOB_KINDS_EACH ((uint64_t)64 << 10)
#define SCAN_JOB_KINDS_ALL ((uint64_t)4 << 20)

/* What a job sees of the world. */
struct scan_io {
    const struct wh_src *src;
    size_t nsrc;
    /* Takes the next piece of output, in order; null when there is none. */
    bool (*emit)(void *ctx, struct wh_str piece, struct wh_err *err);
    void *ctx;
};

enum scan_job_type {
    SCAN_JOB_FILE = 1,
    SCAN_JOB_XORB = 2,
    SCAN_JOB_REBUILD = 3,
    SCAN_JOB_SHARD = 4,
    SCAN_JOB_INDEX = 5,
    SCAN_JOB_KINDS = 6,
};

/* One row of the table from which the zygote starts jobs. */
struct scan_job_row {
    enum scan_job_type type;
    const char *name; /* "scan.file" */
    bool (*run)(struct wh_str params, const struct scan_io *io,
                struct wh_buf *answer, struct wh_err *err);
    size_t answer_max;
    uint64_t out_max; /* bytes through emit; 0: none */
    uint64_t memory;  /* bytes the job may need at most */
    unsigned cpu_s;   /* seconds of CPU it may need at most */
};

/* Weigh a file (src[0]).
 * params: u8 version, u8 flags (bit 0: compute SHA-256), bytes path, and, if
 * the caller likes, bytes config: the text of the config.json beside the file.
 * A longer config may come as src[1] instead, up to SCAN_JOB_CONFIG_MAX.
 * answer: the canonical scan result (JSON text). */
bool scan_job_file(struct wh_str params, const struct scan_io *io,
                   struct wh_buf *answer, struct wh_err *err) WH_CHECK;
/* Verify a xorb (src[0]): walk, decompress, hash; WH_DIGEST_MISMATCH if its
 * hash is not the expected one, WH_BAD_REQUEST if it is malformed.
 * params: u8 version, 32 expected hash.
 * answer: a chunk table; read it with scan_xorb_table_read (xorb.h). */
bool scan_job_xorb(struct wh_str params, const struct scan_io *io,
                   struct wh_buf *answer, struct wh_err *err) WH_CHECK;
/* Rebuild a file from chunks of xorbs; the file goes to io->emit in pieces of
 * at most 1 MiB.
 * params: u8 version, u8 flags (bit 0: the file hash must match), 32 expected
 *         Xet file hash, u64 expected size, u32 number of terms.
 * src[0]: the terms, 20 bytes each: u32 source index (>= 1), u64 byte offset
 *         of the first chunk in the serialized xorb, u32 number of chunks,
 *         u32 raw bytes. src[1..]: the xorbs.
 * answer: u8 version, 32 Xet file hash of what was emitted, u64 its size. */
bool scan_job_rebuild(struct wh_str params, const struct scan_io *io,
                      struct wh_buf *answer, struct wh_err *err) WH_CHECK;
/* Parse an uploaded shard (src[0]).
 * params: u8 version.
 * output: the parsed shard; read it with scan_shard_read (shard.h).
 * answer: u8 version, u32 files, u32 xorbs. */
bool scan_job_shard(struct wh_str params, const struct scan_io *io,
                    struct wh_buf *answer, struct wh_err *err) WH_CHECK;

/* Hold a shard index (src[0]) against what is known of its shards (src[1]).
 * params: u8 version.
 * src[1]: per shard: bytes file name, 32 names digest, u64 tensor bytes.
 * answer: a JSON array of findings, as in a scan result. */
bool scan_job_index(struct wh_str params, const struct scan_io *io,
                    struct wh_buf *answer, struct wh_err *err) WH_CHECK;

/* Say what each of several small files is (src[0..]), nothing more: one process
 * reads them all, so only the word about a file's kind comes of it, and whoever
 * asks takes no worse word from here than "text" or "data" (weigh/look.h).
 * params: u8 version.
 * answer: u8 version, then per file u8 class (enum scan_class), u8 format (enum
 * scan_format). */
bool scan_job_kinds(struct wh_str params, const struct scan_io *io,
                    struct wh_buf *answer, struct wh_err *err) WH_CHECK;

/* One run of chunks in a rebuild. */
struct scan_rebuild_term {
    uint32_t source; /* index into the job's sources, from 1 */
    uint64_t offset; /* of the first chunk's header in the serialized xorb */
    uint32_t chunks; /* how many */
    uint32_t raw;    /* bytes they give together */
};

/* Parameter blocks in the layouts above, and the list of terms. */
void scan_job_file_params(struct wh_buf *b, struct wh_str path, bool sha256);
/* After it, if wanted: the config. */
void scan_job_file_config(struct wh_buf *b, struct wh_str config);
void scan_job_xorb_params(struct wh_buf *b, const uint8_t hash[32]);
void scan_job_shard_params(struct wh_buf *b);
void scan_job_index_params(struct wh_buf *b);
void scan_job_kinds_params(struct wh_buf *b);
/* One entry of the list of shards, for src[1]. */
void scan_job_index_shard(struct wh_buf *b, struct wh_str file,
                          const uint8_t names[32], uint64_t tensor_bytes);
/* hash null: the file hash is computed, not demanded. */
void scan_job_rebuild_params(struct wh_buf *b, const uint8_t *hash,
                             uint64_t size, uint32_t terms);
void scan_job_rebuild_term(struct wh_buf *b, const struct scan_rebuild_term *t);
/* Bounded reading of a rebuild's answer; WH_CORRUPT if malformed. */
bool scan_job_rebuild_read(struct wh_str answer, uint8_t hash[32],
                           uint64_t *size, struct wh_err *err) WH_CHECK;

/* What scan.kinds says of one file. */
struct scan_kind {
    enum scan_class class;
    enum scan_format format;
};
/* Bounded reading of its answer about n files; WH_CORRUPT if malformed. */
bool scan_job_kinds_read(struct wh_str answer, struct scan_kind *out, size_t n,
                         struct wh_err *err) WH_CHECK;

/* Load what the libraries load on first use (OpenSSL's configuration, the seed
 * of jansson's hash table), so that a job in a locked-in fork of this process
 * needs no file any more. Call before the first fork; cheap when repeated. */
void scan_jobs_prepare(void);

/* All jobs, in the order of enum scan_job_type. */
extern const struct scan_job_row scan_jobs[];
extern const size_t scan_jobs_count;

#endif
