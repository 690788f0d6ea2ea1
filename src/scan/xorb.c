/*
 * xorb.c - a serialized xorb is chunk after chunk: eight bytes of header, then
 * the stored bytes. Each is decompressed into one buffer of the largest chunk
 * allowed; what a frame would give beyond its declared size is an error, not
 * an allocation.
 */
#include "scan/xorb.h"

#include "base/mem.h"
#include "base/rd.h"

#include <lz4frame.h>

#define VERSION 1
/* An LZ4 frame of incompressible data is a little larger than the data. */
#define STORED_MAX (SCAN_XORB_CHUNK_MAX + (8u << 10))
#define FOOTER_IDENT "XETBLOB"
#define FOOTER_MIN 12u

enum scheme { SCHEME_NONE = 0, SCHEME_LZ4 = 1, SCHEME_GROUPED_LZ4 = 2 };

struct scan_xorb_codec {
    LZ4F_dctx *lz4;
    uint8_t stored[STORED_MAX];
    uint8_t grouped[SCAN_XORB_CHUNK_MAX];
};

struct header {
    uint8_t version, scheme;
    uint32_t stored, raw;
};

struct scan_xorb_codec *scan_xorb_codec_new(void)
{
    struct scan_xorb_codec *c = wh_alloc(sizeof *c);
    LZ4F_errorCode_t rc =
        LZ4F_createDecompressionContext(&c->lz4, LZ4F_VERSION);
    wh_assert(!LZ4F_isError(rc)); /* fails only without memory */
    return c;
}

void scan_xorb_codec_free(struct scan_xorb_codec **c)
{
    if (*c) {
        (void)LZ4F_freeDecompressionContext((*c)->lz4);
        wh_free(*c);
        *c = NULL;
    }
}

static struct header read_header(const uint8_t p[SCAN_XORB_HEADER])
{
    return (struct header){
        .version = p[0],
        .stored = (uint32_t)p[1] | (uint32_t)p[2] << 8 | (uint32_t)p[3] << 16,
        .scheme = p[4],
        .raw = (uint32_t)p[5] | (uint32_t)p[6] << 8 | (uint32_t)p[7] << 16};
}

static bool check_header(const struct header *h, uint64_t offset, uint64_t left,
                         struct wh_err *err)
{
    if (h->version != 0 || h->scheme > SCHEME_GROUPED_LZ4) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "xorb: no chunk header at byte %llu",
                       (unsigned long long)offset);
    }
    if (h->raw == 0 || h->raw > SCAN_XORB_CHUNK_MAX || h->stored == 0 ||
        h->stored > STORED_MAX) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "xorb: the chunk at byte %llu has %u stored and %u raw "
                       "bytes; at most %u raw bytes are allowed",
                       (unsigned long long)offset, h->stored, h->raw,
                       SCAN_XORB_CHUNK_MAX);
    }
    if (h->stored > left) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "xorb: it ends inside the chunk at byte %llu",
                       (unsigned long long)offset);
    }
    return true;
}

/* One whole frame from `in` must give exactly raw bytes and use all of in. */
static bool unpack(struct scan_xorb_codec *c, const uint8_t *in, size_t n,
                   uint8_t *out, size_t raw)
{
    size_t done = 0, got = 0, left = 1;
    LZ4F_resetDecompressionContext(c->lz4);
    while (left != 0 && done < n) {
        size_t room = raw - got, part = n - done;
        left =
            LZ4F_decompress(c->lz4, out + got, &room, in + done, &part, NULL);
        if (LZ4F_isError(left) || (room == 0 && part == 0)) {
            return false;
        }
        got += room;
        done += part;
    }
    return left == 0 && done == n && got == raw;
}

/* Undo the grouping by position modulo four: the groups stand one behind the
 * other, the first ones longer by one where the length does not divide. */
static void ungroup(const uint8_t *in, size_t n, uint8_t *out)
{
    size_t at = 0;
    for (size_t g = 0; g < 4; g++) {
        for (size_t i = g; i < n; i += 4) {
            out[i] = in[at++];
        }
    }
}

static bool decode(struct scan_xorb_codec *c, const struct header *h,
                   uint8_t *out)
{
    switch ((enum scheme)h->scheme) {
    case SCHEME_NONE:
        if (h->stored != h->raw) {
            return false;
        }
        memcpy(out, c->stored, h->raw);
        return true;
    case SCHEME_LZ4:
        return unpack(c, c->stored, h->stored, out, h->raw);
    case SCHEME_GROUPED_LZ4:
        if (!unpack(c, c->stored, h->stored, c->grouped, h->raw)) {
            return false;
        }
        ungroup(c->grouped, h->raw, out);
        return true;
    }
    return false;
}

bool scan_xorb_chunk_read(struct scan_xorb_codec *c, const struct wh_src *src,
                          uint64_t offset, uint8_t *out, uint32_t *out_n,
                          uint64_t *next, struct wh_err *err)
{
    uint8_t head[SCAN_XORB_HEADER];
    if (offset > src->size || src->size - offset < SCAN_XORB_HEADER) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "xorb: it ends inside a chunk header");
    }
    if (!wh_src_read(src, offset, head, sizeof head, err)) {
        return false;
    }
    struct header h = read_header(head);
    if (!check_header(&h, offset, src->size - offset - SCAN_XORB_HEADER, err) ||
        !wh_src_read(src, offset + SCAN_XORB_HEADER, c->stored, h.stored,
                     err)) {
        return false;
    }
    if (!decode(c, &h, out)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "xorb: the chunk at byte %llu does not decompress to "
                       "the %u bytes it declares",
                       (unsigned long long)offset, h.raw);
    }
    *out_n = h.raw;
    *next = offset + SCAN_XORB_HEADER + h.stored;
    return true;
}

/* Older clients append "XETBLOB", sections, and the length of all that in the
 * last four bytes (which do not count themselves). *end becomes the end of the
 * chunks. */
static bool strip_footer(const struct wh_src *src, uint64_t *end,
                         struct wh_err *err)
{
    uint8_t tail[4], ident[sizeof FOOTER_IDENT - 1];
    struct wh_rd r;
    *end = src->size;
    if (src->size < FOOTER_MIN) {
        return true;
    }
    if (!wh_src_read(src, src->size - 4, tail, 4, err)) {
        return false;
    }
    wh_rd_init(&r, tail, 4);
    uint64_t n = wh_rd_u32le(&r);
    if (n < sizeof ident || n > src->size - 4) {
        return true;
    }
    if (!wh_src_read(src, src->size - 4 - n, ident, sizeof ident, err)) {
        return false;
    }
    if (memcmp(ident, FOOTER_IDENT, sizeof ident) == 0) {
        *end = src->size - 4 - n;
    }
    return true;
}

struct walk {
    struct scan_xorb_codec *codec;
    struct wh_src src; /* without the footer */
    struct scan_xorb_chunk *list;
    uint32_t n;
    uint64_t raw;
    uint8_t *chunk;
};

static bool walk_chunks(struct walk *k, struct wh_err *err)
{
    for (uint64_t at = 0; at < k->src.size; k->n++) {
        struct scan_xorb_chunk *c = &k->list[k->n];
        uint64_t next = at;
        if (k->n == SCAN_XORB_CHUNKS_MAX) {
            return wh_fail(err, WH_TOO_LARGE, "xorb: more than %u chunks",
                           SCAN_XORB_CHUNKS_MAX);
        }
        if (!scan_xorb_chunk_read(k->codec, &k->src, at, k->chunk, &c->raw,
                                  &next, err)) {
            return false;
        }
        scan_xet_chunk(k->chunk, c->raw, &c->hash);
        c->offset = (uint32_t)at;
        c->stored = (uint32_t)(next - at - SCAN_XORB_HEADER);
        k->raw += c->raw;
        at = next;
    }
    return k->n > 0 || wh_fail(err, WH_BAD_REQUEST, "xorb: it has no chunks");
}

/* Root over the chunks, as the xorb's name is made. */
static void root_of(const struct scan_xorb_chunk *list, uint32_t n,
                    struct scan_xet_hash *out)
{
    struct scan_xet_tree tree = {0};
    for (uint32_t i = 0; i < n; i++) {
        scan_xet_tree_add(&tree, &list[i].hash, list[i].raw);
    }
    scan_xet_tree_root(&tree, out);
}

static void keep_table(const struct walk *k, struct wh_arena *a,
                       struct scan_xorb_table *out)
{
    *out = (struct scan_xorb_table){
        .bytes = (uint32_t)k->src.size, .raw = k->raw, .count = k->n};
    out->chunks = wh_arena_array(a, k->n, sizeof *out->chunks);
    memcpy(out->chunks, k->list, k->n * sizeof *out->chunks);
    root_of(k->list, k->n, &out->hash);
}

bool scan_xorb_verify(const struct wh_src *src, struct wh_arena *a,
                      struct scan_xorb_table *out, struct wh_err *err)
{
    struct walk k = {.src = *src};
    if (src->size > SCAN_XORB_BYTES_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "xorb: larger than %u bytes",
                       SCAN_XORB_BYTES_MAX);
    }
    if (!strip_footer(src, &k.src.size, err)) {
        return false;
    }
    k.codec = scan_xorb_codec_new();
    k.chunk = wh_alloc(SCAN_XORB_CHUNK_MAX);
    k.list = wh_calloc(SCAN_XORB_CHUNKS_MAX, sizeof *k.list);
    bool ok = walk_chunks(&k, err);
    if (ok) {
        keep_table(&k, a, out);
    }
    wh_free(k.list);
    wh_free(k.chunk);
    scan_xorb_codec_free(&k.codec);
    return ok && !wh_arena_over(a, err);
}

void scan_xorb_table_write(struct wh_buf *b, const struct scan_xorb_table *t)
{
    wh_buf_u8(b, VERSION);
    wh_buf_mem(b, t->hash.b, SCAN_XET_HASH);
    wh_buf_u32le(b, t->bytes);
    wh_buf_u32le(b, t->count);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct scan_xorb_chunk *c = &t->chunks[i];
        wh_buf_mem(b, c->hash.b, SCAN_XET_HASH);
        wh_buf_u32le(b, c->offset);
        wh_buf_u32le(b, c->stored);
        wh_buf_u32le(b, c->raw);
    }
}

/* The chunks of a table; each must begin where the one before ended. */
static bool read_chunks(struct wh_rd *r, struct scan_xorb_table *t)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        struct scan_xorb_chunk *c = &t->chunks[i];
        wh_rd_copy(r, c->hash.b, SCAN_XET_HASH);
        c->offset = wh_rd_u32le(r);
        c->stored = wh_rd_u32le(r);
        c->raw = wh_rd_u32le(r);
        if (r->bad || c->offset != at || c->raw == 0 ||
            c->raw > SCAN_XORB_CHUNK_MAX || c->stored > STORED_MAX) {
            return false;
        }
        at += (uint64_t)SCAN_XORB_HEADER + c->stored;
        t->raw += c->raw;
    }
    return at == t->bytes;
}

bool scan_xorb_table_read(struct wh_str s, struct wh_arena *a,
                          struct scan_xorb_table *out, struct wh_err *err)
{
    enum { CHUNK_BYTES = SCAN_XET_HASH + 12 };
    struct scan_xorb_table t = {0};
    struct scan_xet_hash root;
    struct wh_rd r;
    wh_rd_init(&r, s.p, s.n);
    uint8_t version = wh_rd_u8(&r);
    wh_rd_copy(&r, t.hash.b, SCAN_XET_HASH);
    t.bytes = wh_rd_u32le(&r);
    t.count = wh_rd_u32le(&r);
    if (r.bad || version != VERSION || t.count == 0 ||
        t.count > SCAN_XORB_CHUNKS_MAX || t.bytes > SCAN_XORB_BYTES_MAX ||
        wh_rd_left(&r) != (size_t)t.count * CHUNK_BYTES) {
        return wh_fail(err, WH_CORRUPT, "a malformed chunk table");
    }
    t.chunks = wh_arena_array(a, t.count, sizeof *t.chunks);
    if (!read_chunks(&r, &t) || !wh_rd_end(&r)) {
        return wh_fail(err, WH_CORRUPT, "a malformed chunk table");
    }
    root_of(t.chunks, t.count, &root);
    if (!scan_xet_eq(&root, &t.hash)) {
        return wh_fail(err, WH_CORRUPT,
                       "a chunk table whose hashes do not make its name");
    }
    *out = t;
    return !wh_arena_over(a, err);
}
