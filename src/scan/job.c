/*
 * job.c - the jobs of a scanner. Each reads its parameters with a sticky
 * reader, does its work with the functions of this room, and writes its answer
 * in the layout of job.h.
 */
#include "scan/job.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rd.h"
#include "base/win.h"
#include "scan/index.h"
#include "scan/scan.h"
#include "scan/shard.h"
#include "scan/xorb.h"

#define FLAG_SHA256 1u
#define FLAG_MUST_MATCH 1u
#define PATH_MAX_BYTES 4096u
#define TERM_BYTES 20u
#define PIECE (1u << 20) /* output is handed over in pieces of this size */

/* Memory of one job; scan.h and shard.h bound what they put there. */
#define FILE_ARENA (256u << 20)
#define XORB_ARENA (4u << 20)
#define SHARD_ARENA (512u << 20)

static bool malformed(struct wh_err *err)
{
    return wh_fail(err, WH_INTERNAL, "malformed parameters of a scan job");
}

static void begin(struct wh_rd *r, struct wh_str params)
{
    wh_rd_init(r, params.p, params.n);
    if (wh_rd_u8(r) != SCAN_JOB_VERSION) {
        r->bad = true;
    }
}

/* ---- scan.file ---- */

/* The configuration beside the file: from the parameters (*out is set then) or
 * from the second source. */
static bool read_config(const struct scan_io *io, struct wh_arena *a,
                        struct wh_str *out, struct wh_err *err)
{
    if (out->n > 0 || io->nsrc < 2 || io->src[1].size > SCAN_JOB_CONFIG_MAX) {
        return true; /* a hint; a config of that size gives none */
    }
    size_t n = (size_t)io->src[1].size;
    char *p = wh_arena_alloc(a, n);
    *out = wh_str_mem(p, n);
    return wh_src_read(&io->src[1], 0, p, n, err);
}

static bool scan_one(const struct scan_io *io, struct scan_options *opt,
                     struct wh_arena *a, struct wh_buf *answer,
                     struct wh_err *err)
{
    struct scan_report *report = WH_NEW(a, struct scan_report);
    if (!read_config(io, a, &opt->config, err) ||
        !scan_file(&io->src[0], opt, a, report, err)) {
        return false;
    }
    scan_report_json(answer, report);
    return wh_buf_ok(answer, err);
}

bool scan_job_file(struct wh_str params, const struct scan_io *io,
                   struct wh_buf *answer, struct wh_err *err)
{
    struct wh_rd r;
    struct wh_arena a;
    begin(&r, params);
    uint8_t flags = wh_rd_u8(&r);
    struct scan_options opt = {.path = wh_rd_bytes(&r, PATH_MAX_BYTES),
                               .sha256 = flags & FLAG_SHA256};
    if (wh_rd_left(&r) > 0) {
        opt.config = wh_rd_bytes(&r, SCAN_JOB_CONFIG_MAX);
    }
    if (!wh_rd_end(&r) || io->nsrc < 1) {
        return malformed(err);
    }
    wh_arena_init(&a, FILE_ARENA);
    bool ok = scan_one(io, &opt, &a, answer, err);
    wh_arena_done(&a);
    return ok;
}

/* ---- scan.xorb ---- */

static bool verify_one(const struct wh_src *src,
                       const struct scan_xet_hash *want, struct wh_arena *a,
                       struct wh_buf *answer, struct wh_err *err)
{
    struct scan_xorb_table t;
    if (!scan_xorb_verify(src, a, &t, err)) {
        return false;
    }
    if (!scan_xet_eq(&t.hash, want)) {
        char got[SCAN_XET_TEXT], expected[SCAN_XET_TEXT];
        scan_xet_text(&t.hash, got);
        scan_xet_text(want, expected);
        return wh_fail(err, WH_DIGEST_MISMATCH, "xorb: its hash is %s, not %s",
                       got, expected);
    }
    scan_xorb_table_write(answer, &t);
    return wh_buf_ok(answer, err);
}

bool scan_job_xorb(struct wh_str params, const struct scan_io *io,
                   struct wh_buf *answer, struct wh_err *err)
{
    struct wh_rd r;
    struct wh_arena a;
    struct scan_xet_hash want;
    begin(&r, params);
    wh_rd_copy(&r, want.b, sizeof want.b);
    if (!wh_rd_end(&r) || io->nsrc != 1) {
        return malformed(err);
    }
    wh_arena_init(&a, XORB_ARENA);
    bool ok = verify_one(&io->src[0], &want, &a, answer, err);
    wh_arena_done(&a);
    return ok;
}

/* ---- scan.rebuild ---- */

struct rebuild {
    const struct scan_io *io;
    struct scan_xorb_codec *codec;
    struct scan_xet_tree tree;
    struct wh_buf piece; /* output not yet handed over */
    uint64_t size, want_size;
    uint8_t *chunk;
    struct wh_err *err;
};

static bool flush(struct rebuild *b)
{
    bool ok = b->piece.n == 0 ||
              b->io->emit(b->io->ctx, wh_buf_str(&b->piece), b->err);
    wh_buf_reset(&b->piece);
    return ok;
}

/* One chunk of a term: decompress, hash, hand over. */
static bool rebuild_chunk(struct rebuild *b, const struct wh_src *src,
                          uint64_t *offset, uint64_t *raw)
{
    struct scan_xet_hash hash;
    uint32_t n;
    if (!scan_xorb_chunk_read(b->codec, src, *offset, b->chunk, &n, offset,
                              b->err)) {
        return false;
    }
    if (n > b->want_size - b->size) {
        return wh_fail(b->err, WH_BAD_REQUEST,
                       "the file's chunks give more than its %llu bytes",
                       (unsigned long long)b->want_size);
    }
    b->size += n;
    *raw += n;
    scan_xet_chunk(b->chunk, n, &hash);
    scan_xet_tree_add(&b->tree, &hash, n);
    if (b->piece.n + n > PIECE && !flush(b)) {
        return false;
    }
    wh_buf_mem(&b->piece, b->chunk, n);
    return true;
}

static bool rebuild_term(struct rebuild *b, const struct scan_rebuild_term *t)
{
    uint64_t offset = t->offset, raw = 0;
    if (t->source == 0 || t->source >= b->io->nsrc ||
        t->chunks > SCAN_XORB_CHUNKS_MAX) {
        return malformed(b->err);
    }
    for (uint32_t i = 0; i < t->chunks; i++) {
        if (!rebuild_chunk(b, &b->io->src[t->source], &offset, &raw)) {
            return false;
        }
    }
    return raw == t->raw ||
           wh_fail(b->err, WH_BAD_REQUEST,
                   "a term of the file gives %llu bytes, not %u",
                   (unsigned long long)raw, t->raw);
}

static bool rebuild_all(struct rebuild *b, uint32_t terms)
{
    struct wh_win w;
    bool ok = true;
    wh_win_init(&w, &b->io->src[0], 0, b->io->src[0].size, b->err);
    for (uint32_t i = 0; ok && i < terms; i++) {
        struct scan_rebuild_term t;
        t.source = wh_win_u32(&w);
        t.offset = wh_win_u64(&w);
        t.chunks = wh_win_u32(&w);
        t.raw = wh_win_u32(&w);
        ok = !w.bad && rebuild_term(b, &t);
    }
    wh_win_done(&w);
    return ok && flush(b);
}

static bool rebuild_answer(struct rebuild *b, const struct scan_xet_hash *want,
                           struct wh_buf *answer)
{
    struct scan_xet_hash hash;
    scan_xet_tree_file(&b->tree, &hash);
    if (b->size != b->want_size) {
        return wh_fail(b->err, WH_BAD_REQUEST,
                       "the file's chunks give %llu bytes, not %llu",
                       (unsigned long long)b->size,
                       (unsigned long long)b->want_size);
    }
    if (want && !scan_xet_eq(&hash, want)) {
        return wh_fail(b->err, WH_DIGEST_MISMATCH,
                       "the file's chunks do not make its Xet hash");
    }
    wh_buf_u8(answer, SCAN_JOB_VERSION);
    wh_buf_mem(answer, hash.b, sizeof hash.b);
    wh_buf_u64le(answer, b->size);
    return wh_buf_ok(answer, b->err);
}

bool scan_job_rebuild(struct wh_str params, const struct scan_io *io,
                      struct wh_buf *answer, struct wh_err *err)
{
    struct rebuild b = {.io = io, .err = err};
    struct scan_xet_hash want;
    struct wh_rd r;
    begin(&r, params);
    uint8_t flags = wh_rd_u8(&r);
    wh_rd_copy(&r, want.b, sizeof want.b);
    b.want_size = wh_rd_u64le(&r);
    uint32_t terms = wh_rd_u32le(&r);
    if (!wh_rd_end(&r) || io->nsrc < 1 || !io->emit ||
        terms > SCAN_JOB_TERMS_MAX ||
        io->src[0].size != (uint64_t)terms * TERM_BYTES) {
        return malformed(err);
    }
    b.codec = scan_xorb_codec_new();
    b.chunk = wh_alloc(SCAN_XORB_CHUNK_MAX);
    wh_buf_init(&b.piece, PIECE);
    bool ok =
        rebuild_all(&b, terms) &&
        rebuild_answer(&b, flags & FLAG_MUST_MATCH ? &want : NULL, answer);
    wh_buf_done(&b.piece);
    wh_free(b.chunk);
    scan_xorb_codec_free(&b.codec);
    return ok;
}

/* ---- scan.shard ---- */

static bool shard_out(const struct scan_shard *s, const struct scan_io *io,
                      struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, SCAN_JOB_SHARD_OUT);
    scan_shard_write(&b, s);
    bool ok = wh_buf_ok(&b, err);
    struct wh_str rest = wh_buf_str(&b);
    while (ok && rest.n > 0) {
        struct wh_str piece = wh_str_sub(rest, 0, PIECE);
        ok = io->emit(io->ctx, piece, err);
        rest = wh_str_sub(rest, piece.n, rest.n);
    }
    wh_buf_done(&b);
    return ok;
}

bool scan_job_shard(struct wh_str params, const struct scan_io *io,
                    struct wh_buf *answer, struct wh_err *err)
{
    struct scan_shard s;
    struct wh_arena a;
    struct wh_rd r;
    begin(&r, params);
    if (!wh_rd_end(&r) || io->nsrc != 1 || !io->emit) {
        return malformed(err);
    }
    wh_arena_init(&a, SHARD_ARENA);
    bool ok =
        scan_shard_parse(&io->src[0], &a, &s, err) && shard_out(&s, io, err);
    if (ok) {
        wh_buf_u8(answer, SCAN_JOB_VERSION);
        wh_buf_u32le(answer, s.nfiles);
        wh_buf_u32le(answer, s.nxorbs);
        ok = wh_buf_ok(answer, err);
    }
    wh_arena_done(&a);
    return ok;
}

/* ---- scan.index ---- */

/* The list of shards; names stay views into `text`. */
static bool read_shards(struct wh_str text, struct wh_arena *a,
                        struct scan_index_shard **out, size_t *n)
{
    struct wh_rd r;
    wh_rd_init(&r, text.p, text.n);
    *out = wh_arena_array(a, SCAN_INDEX_FILES_MAX, sizeof **out);
    for (*n = 0; wh_rd_left(&r) > 0; ++*n) {
        if (*n == SCAN_INDEX_FILES_MAX) {
            return false;
        }
        struct scan_index_shard *s = &(*out)[*n];
        s->file = wh_rd_bytes(&r, PATH_MAX_BYTES);
        wh_rd_copy(&r, s->names, sizeof s->names);
        s->tensor_bytes = wh_rd_u64le(&r);
    }
    return wh_rd_end(&r);
}

static bool check_index(const struct scan_io *io, struct wh_arena *a,
                        struct wh_buf *answer, struct wh_err *err)
{
    struct scan_findings found;
    struct scan_index_shard *shards;
    size_t n, len = (size_t)io->src[1].size;
    char *list = wh_arena_alloc(a, len);
    if (!wh_src_read(&io->src[1], 0, list, len, err)) {
        return false;
    }
    if (!read_shards(wh_str_mem(list, len), a, &shards, &n)) {
        return malformed(err);
    }
    scan_findings_init(&found, a);
    if (!scan_index_check(&io->src[0], shards, n, &found, err)) {
        return false;
    }
    scan_findings_json(answer, &found);
    return wh_buf_ok(answer, err);
}

bool scan_job_index(struct wh_str params, const struct scan_io *io,
                    struct wh_buf *answer, struct wh_err *err)
{
    struct wh_rd r;
    struct wh_arena a;
    begin(&r, params);
    if (!wh_rd_end(&r) || io->nsrc != 2 ||
        io->src[1].size > SCAN_JOB_CONFIG_MAX) {
        return malformed(err);
    }
    wh_arena_init(&a, XORB_ARENA);
    bool ok = check_index(io, &a, answer, err);
    wh_arena_done(&a);
    return ok;
}

/* ---- scan.kinds ---- */

/* Each file has the arena to itself: none pays for what another one needed. */
static bool kind_of(const struct wh_src *src, struct wh_arena *a,
                    struct wh_buf *answer, struct wh_err *err)
{
    struct scan_options none = {.sha256 = false};
    struct scan_report *report = WH_NEW(a, struct scan_report);
    bool ok = scan_file(src, &none, a, report, err);
    if (ok) {
        /* data with something dangerous in it is to be looked at alone */
        bool dangerous =
            report->class == SCAN_CLASS_DATA && scan_report_dangers(report) > 0;
        wh_buf_u8(answer,
                  (uint8_t)(dangerous ? SCAN_CLASS_PROGRAM : report->class));
        wh_buf_u8(answer, (uint8_t)report->format);
    }
    wh_arena_reset(a);
    return ok;
}

bool scan_job_kinds(struct wh_str params, const struct scan_io *io,
                    struct wh_buf *answer, struct wh_err *err)
{
    struct wh_rd r;
    struct wh_arena a;
    uint64_t all = 0;
    begin(&r, params);
    bool ok = wh_rd_end(&r) && io->nsrc > 0 && io->nsrc <= SCAN_JOB_KINDS_MAX;
    for (size_t i = 0; ok && i < io->nsrc; i++) {
        ok = io->src[i].size <= SCAN_JOB_KINDS_EACH;
        all += io->src[i].size;
    }
    if (!ok || all > SCAN_JOB_KINDS_ALL) {
        return malformed(err);
    }
    wh_arena_init(&a, FILE_ARENA);
    wh_buf_u8(answer, SCAN_JOB_VERSION);
    for (size_t i = 0; ok && i < io->nsrc; i++) {
        ok = kind_of(&io->src[i], &a, answer, err);
    }
    wh_arena_done(&a);
    return ok && wh_buf_ok(answer, err);
}

bool scan_job_kinds_read(struct wh_str answer, struct scan_kind *out, size_t n,
                         struct wh_err *err)
{
    struct wh_rd r;
    begin(&r, answer);
    for (size_t i = 0; i < n; i++) {
        uint8_t class = wh_rd_u8(&r), format = wh_rd_u8(&r);
        if (class > SCAN_CLASS_UNKNOWN || format >= SCAN_FMT_COUNT) {
            r.bad = true;
            break;
        }
        out[i] = (struct scan_kind){(enum scan_class) class,
                                    (enum scan_format)format};
    }
    return wh_rd_end(&r) ||
           wh_fail(err, WH_CORRUPT, "a malformed answer about kinds of files");
}

/* ---- parameter blocks ---- */

void scan_job_file_params(struct wh_buf *b, struct wh_str path, bool sha256)
{
    wh_buf_u8(b, SCAN_JOB_VERSION);
    wh_buf_u8(b, sha256 ? FLAG_SHA256 : 0);
    wh_buf_bytes(b, wh_str_sub(path, 0, PATH_MAX_BYTES));
}

void scan_job_file_config(struct wh_buf *b, struct wh_str config)
{
    wh_buf_bytes(b, config);
}

void scan_job_xorb_params(struct wh_buf *b, const uint8_t hash[32])
{
    wh_buf_u8(b, SCAN_JOB_VERSION);
    wh_buf_mem(b, hash, SCAN_XET_HASH);
}

void scan_job_shard_params(struct wh_buf *b)
{
    wh_buf_u8(b, SCAN_JOB_VERSION);
}

void scan_job_index_params(struct wh_buf *b)
{
    wh_buf_u8(b, SCAN_JOB_VERSION);
}

void scan_job_kinds_params(struct wh_buf *b)
{
    wh_buf_u8(b, SCAN_JOB_VERSION);
}

void scan_job_index_shard(struct wh_buf *b, struct wh_str file,
                          const uint8_t names[32], uint64_t tensor_bytes)
{
    wh_buf_bytes(b, file);
    wh_buf_mem(b, names, WH_SHA256_LEN);
    wh_buf_u64le(b, tensor_bytes);
}

void scan_job_rebuild_params(struct wh_buf *b, const uint8_t *hash,
                             uint64_t size, uint32_t terms)
{
    static const uint8_t none[SCAN_XET_HASH] = {0};
    wh_buf_u8(b, SCAN_JOB_VERSION);
    wh_buf_u8(b, hash ? FLAG_MUST_MATCH : 0);
    wh_buf_mem(b, hash ? hash : none, SCAN_XET_HASH);
    wh_buf_u64le(b, size);
    wh_buf_u32le(b, terms);
}

void scan_job_rebuild_term(struct wh_buf *b, const struct scan_rebuild_term *t)
{
    wh_buf_u32le(b, t->source);
    wh_buf_u64le(b, t->offset);
    wh_buf_u32le(b, t->chunks);
    wh_buf_u32le(b, t->raw);
}

bool scan_job_rebuild_read(struct wh_str answer, uint8_t hash[32],
                           uint64_t *size, struct wh_err *err)
{
    struct wh_rd r;
    begin(&r, answer);
    wh_rd_copy(&r, hash, SCAN_XET_HASH);
    *size = wh_rd_u64le(&r);
    return wh_rd_end(&r) ||
           wh_fail(err, WH_CORRUPT, "a malformed answer of a rebuild");
}

void scan_jobs_prepare(void)
{
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(WH_S(""), hex);
    json_decref(json_pack("{s:i}", "v", 1));
    scan_xorb_codec_free(&(struct scan_xorb_codec *){scan_xorb_codec_new()});
}

const struct scan_job_row scan_jobs[] = {
    {SCAN_JOB_FILE, "scan.file", scan_job_file, SCAN_JOB_FILE_ANSWER, 0,
     (uint64_t)1 << 30, 3600},
    {SCAN_JOB_XORB, "scan.xorb", scan_job_xorb, SCAN_JOB_XORB_ANSWER, 0,
     (uint64_t)64 << 20, 60},
    {SCAN_JOB_REBUILD, "scan.rebuild", scan_job_rebuild,
     SCAN_JOB_REBUILD_ANSWER, UINT64_MAX, (uint64_t)64 << 20, 3600},
    {SCAN_JOB_SHARD, "scan.shard", scan_job_shard, SCAN_JOB_SHARD_ANSWER,
     SCAN_JOB_SHARD_OUT, (uint64_t)1 << 30, 60},
    {SCAN_JOB_INDEX, "scan.index", scan_job_index, SCAN_JOB_INDEX_ANSWER, 0,
     (uint64_t)512 << 20, 60},
    {SCAN_JOB_KINDS, "scan.kinds", scan_job_kinds, SCAN_JOB_KINDS_ANSWER, 0,
     (uint64_t)1 << 30, 10},
};
const size_t scan_jobs_count = sizeof scan_jobs / sizeof scan_jobs[0];
