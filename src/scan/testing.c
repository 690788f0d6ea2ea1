/*
 * testing.c - the writing side of what this room reads.
 */
#include "scan/testing.h"

#include "base/mem.h"

#include <lz4frame.h>

void scan_testing_fill(uint8_t *p, size_t n, uint64_t seed)
{
    uint64_t s = seed;
    for (size_t i = 0; i < n; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(s >> 56);
    }
}

static void put24(struct wh_buf *b, size_t v)
{
    for (unsigned i = 0; i < 3; i++) {
        wh_buf_u8(b, (uint8_t)(v >> (8 * i)));
    }
}

static void header(struct wh_buf *b, size_t stored, int scheme, size_t raw)
{
    wh_buf_u8(b, 0);
    put24(b, stored);
    wh_buf_u8(b, (uint8_t)scheme);
    put24(b, raw);
}

void scan_testing_chunk(struct wh_buf *b, const void *p, size_t n, int scheme)
{
    const uint8_t *in = p;
    if (scheme == 0) {
        header(b, n, 0, n);
        wh_buf_mem(b, p, n);
        return;
    }
    uint8_t *grouped = wh_alloc(n);
    size_t at = 0;
    for (size_t g = 0; g < 4; g++) {
        for (size_t i = g; i < n; i += 4) {
            grouped[at++] = in[i];
        }
    }
    size_t cap = LZ4F_compressFrameBound(n, NULL);
    uint8_t *out = wh_alloc(cap);
    size_t stored =
        LZ4F_compressFrame(out, cap, scheme == 2 ? grouped : in, n, NULL);
    wh_assert(!LZ4F_isError(stored));
    header(b, stored, scheme, n);
    wh_buf_mem(b, out, stored);
    wh_free(out);
    wh_free(grouped);
}

static void zeros(struct wh_buf *b, size_t n)
{
    while (n-- > 0) {
        wh_buf_u8(b, 0);
    }
}

static void end_record(struct wh_buf *b)
{
    for (unsigned i = 0; i < 32; i++) {
        wh_buf_u8(b, 0xff);
    }
    zeros(b, 16);
}

static void put_file(struct wh_buf *b, const struct scan_shard_file *f)
{
    uint8_t sha256[32];
    bool ranges = f->count > 0 && f->terms[0].has_range;
    wh_buf_mem(b, f->hash.b, 32);
    wh_buf_u32le(b, (ranges ? 0x80000000u : 0) |
                        (f->has_sha256 ? 0x40000000u : 0));
    wh_buf_u32le(b, f->count);
    zeros(b, 8);
    for (uint32_t i = 0; i < f->count; i++) {
        wh_buf_mem(b, f->terms[i].xorb.b, 32);
        wh_buf_u32le(b, 0);
        wh_buf_u32le(b, f->terms[i].raw);
        wh_buf_u32le(b, f->terms[i].start);
        wh_buf_u32le(b, f->terms[i].end);
    }
    for (uint32_t i = 0; ranges && i < f->count; i++) {
        wh_buf_mem(b, f->terms[i].range.b, 32);
        zeros(b, 16);
    }
    if (f->has_sha256) {
        scan_xet_swap_sha256(f->sha256, sha256);
        wh_buf_mem(b, sha256, 32);
        zeros(b, 16);
    }
}

static void put_xorb(struct wh_buf *b, const struct scan_xorb_table *x)
{
    uint32_t at = 0;
    wh_buf_mem(b, x->hash.b, 32);
    wh_buf_u32le(b, 0);
    wh_buf_u32le(b, x->count);
    wh_buf_u32le(b, (uint32_t)x->raw);
    wh_buf_u32le(b, x->bytes);
    for (uint32_t i = 0; i < x->count; i++) {
        wh_buf_mem(b, x->chunks[i].hash.b, 32);
        wh_buf_u32le(b, at);
        wh_buf_u32le(b, x->chunks[i].raw);
        zeros(b, 8);
        at += x->chunks[i].raw;
    }
}

void scan_testing_shard(struct wh_buf *b, const struct scan_shard_file *files,
                        uint32_t nfiles, const struct scan_xorb_table *xorbs,
                        uint32_t nxorbs, uint32_t footer)
{
    static const uint8_t tag[32] = {
        0x48, 0x46, 0x52, 0x65, 0x70, 0x6f, 0x4d, 0x65, 0x74, 0x61, 0x44,
        0x61, 0x74, 0x61, 0x00, 0x55, 0x69, 0x67, 0x45, 0x6a, 0x7b, 0x81,
        0x57, 0x83, 0xa5, 0xbd, 0xd9, 0x5c, 0xcd, 0xd1, 0x4a, 0xa9};
    wh_buf_mem(b, tag, sizeof tag);
    wh_buf_u64le(b, 2);
    wh_buf_u64le(b, footer);
    for (uint32_t i = 0; i < nfiles; i++) {
        put_file(b, &files[i]);
    }
    end_record(b);
    for (uint32_t i = 0; i < nxorbs; i++) {
        put_xorb(b, &xorbs[i]);
    }
    end_record(b);
    zeros(b, footer);
}

struct scan_shard_term scan_testing_term(const struct scan_xorb_table *x,
                                         uint32_t start, uint32_t end)
{
    struct scan_shard_term t = {
        .xorb = x->hash, .start = start, .end = end, .has_range = true};
    struct scan_xet_range range;
    scan_xet_range_init(&range);
    for (uint32_t i = start; i < end; i++) {
        t.raw += x->chunks[i].raw;
        scan_xet_range_add(&range, &x->chunks[i].hash);
    }
    scan_xet_range_end(&range, &t.range);
    return t;
}

void scan_testing_file_hash(struct scan_shard_file *f,
                            const struct scan_xorb_table *x)
{
    struct scan_xet_tree tree = {0};
    for (uint32_t i = 0; i < f->count; i++) {
        for (uint32_t c = f->terms[i].start; c < f->terms[i].end; c++) {
            scan_xet_tree_add(&tree, &x->chunks[c].hash, x->chunks[c].raw);
        }
    }
    scan_xet_tree_file(&tree, &f->hash);
}
