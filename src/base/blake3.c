/*
 * blake3.c - the tree of BLAKE3 over one-input and many-input kernels.
 *
 * Input is cut into 1 KiB chunks, the leaves of a binary tree whose left
 * subtrees are always full. The stack holds the roots of finished subtrees; as
 * many merges are due after chunk number n as n has trailing zero bits. Whole
 * runs of 64 (or 8) chunks that start at a multiple of their length are full
 * subtrees, so their chunks and inner nodes are hashed side by side. The last
 * chunk always stays open: only wh_blake3_get knows that it is the last.
 */
#include "base/blake3.h"

#include "base/blake3_wide.h"
#include "base/err.h"

#define CHUNK 1024u
#define BLOCK 64u
#define BLOCKS (CHUNK / BLOCK)
#define WIDE_MAX 8u
#define RUN_MAX 64u /* chunks of the longest run hashed in one go */

const uint32_t wh_blake3_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                  0xa54ff53a, 0x510e527f, 0x9b05688c,
                                  0x1f83d9ab, 0x5be0cd19};

const uint8_t wh_blake3_order[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

static unsigned forced_width;

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static uint32_t rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static void mix(uint32_t *v, const size_t at[4], uint32_t x, uint32_t y)
{
    uint32_t a = v[at[0]], b = v[at[1]], c = v[at[2]], d = v[at[3]];
    a += b + x;
    d = rotr(d ^ a, 16);
    c += d;
    b = rotr(b ^ c, 12);
    a += b + y;
    d = rotr(d ^ a, 8);
    c += d;
    b = rotr(b ^ c, 7);
    v[at[0]] = a;
    v[at[1]] = b;
    v[at[2]] = c;
    v[at[3]] = d;
}

/* One block of one input; the new chaining value may overwrite the old. */
static void compress(const uint32_t cv[8], const uint8_t block[BLOCK],
                     uint64_t counter, uint32_t len, uint32_t flags,
                     uint32_t out[8])
{
    static const size_t lanes[8][4] = {
        {0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
        {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14}};
    uint32_t m[16], v[16];
    for (size_t i = 0; i < 16; i++) {
        m[i] = get32(block + 4 * i);
    }
    memcpy(v, cv, 32);
    memcpy(v + 8, wh_blake3_iv, 16);
    v[12] = (uint32_t)counter;
    v[13] = (uint32_t)(counter >> 32);
    v[14] = len;
    v[15] = flags;
    for (size_t r = 0; r < 7; r++) {
        const uint8_t *o = wh_blake3_order[r];
        for (size_t i = 0; i < 8; i++) {
            mix(v, lanes[i], m[o[2 * i]], m[o[2 * i + 1]]);
        }
    }
    for (size_t i = 0; i < 8; i++) {
        out[i] = v[i] ^ v[i + 8];
    }
}

/* Hash n inputs of equal length into chaining values, as many at once as the
 * width allows. Missing lanes of the last batch repeat its first input. */
static void hash_many(const uint8_t *const *in, size_t n,
                      const struct wh_blake3_batch *kind, uint32_t (*out)[8])
{
    unsigned width = wh_blake3_width();
    for (size_t done = 0; done < n; done += width) {
        const uint8_t *lane[WIDE_MAX];
        uint32_t cv[WIDE_MAX][8];
        size_t here = n - done < width ? n - done : width;
        for (size_t i = 0; i < width; i++) {
            lane[i] = in[done + (i < here ? i : 0)];
        }
        struct wh_blake3_batch b = *kind;
        b.in = lane;
        b.out = cv;
        b.counter = kind->counter + (kind->counting ? done : 0);
        if (width == 8) {
            wh_blake3_x8(&b);
        } else {
            wh_blake3_x4(&b);
        }
        memcpy(out + done, cv, here * sizeof cv[0]);
    }
}

static void serialize(const uint32_t cv[8], uint8_t *out)
{
    for (size_t i = 0; i < 8; i++) {
        put32(out + 4 * i, cv[i]);
    }
}

/* Inner node over two chaining values. */
static void parent(const struct wh_blake3 *h, const uint32_t left[8],
                   const uint32_t right[8], uint32_t flags, uint32_t out[8])
{
    uint8_t block[BLOCK];
    serialize(left, block);
    serialize(right, block + 32);
    compress(h->key, block, 0, BLOCK, h->flags | WH_BLAKE3_PARENT | flags, out);
}

/* Root of a full subtree over `n` whole chunks (a power of two, 8..64). */
static void subtree(const struct wh_blake3 *h, const uint8_t *p, size_t n,
                    uint32_t out[8])
{
    const uint8_t *in[RUN_MAX];
    uint32_t cv[RUN_MAX][8];
    uint8_t blocks[RUN_MAX / 2][BLOCK];
    for (size_t i = 0; i < n; i++) {
        in[i] = p + i * CHUNK;
    }
    struct wh_blake3_batch kind = {.key = h->key,
                                   .counter = h->chunks,
                                   .counting = true,
                                   .blocks = BLOCKS,
                                   .flags = h->flags,
                                   .first = WH_BLAKE3_CHUNK_START,
                                   .last = WH_BLAKE3_CHUNK_END};
    hash_many(in, n, &kind, cv);
    kind = (struct wh_blake3_batch){
        .key = h->key, .blocks = 1, .flags = h->flags | WH_BLAKE3_PARENT};
    for (n /= 2; n > 0; n /= 2) {
        for (size_t i = 0; i < n; i++) {
            serialize(cv[2 * i], blocks[i]);
            serialize(cv[2 * i + 1], blocks[i] + 32);
            in[i] = blocks[i];
        }
        hash_many(in, n, &kind, cv);
    }
    memcpy(out, cv[0], sizeof cv[0]);
}

/* Put the root of a finished subtree of `n` chunks on the stack and merge the
 * pairs that became full. */
static void push(struct wh_blake3 *h, const uint32_t cv[8], size_t n)
{
    uint32_t top[8];
    memcpy(top, cv, sizeof top);
    h->chunks += n;
    for (uint64_t left = h->chunks / n; !(left & 1); left >>= 1) {
        wh_assert(h->depth > 0);
        h->depth--;
        parent(h, h->stack[h->depth], top, 0, top);
    }
    wh_assert(h->depth < WH_BLAKE3_DEPTH);
    memcpy(h->stack[h->depth++], top, sizeof top);
}

static uint32_t chunk_flags(const struct wh_blake3 *h)
{
    return h->flags | (h->blocks == 0 ? WH_BLAKE3_CHUNK_START : 0);
}

static void open_chunk(struct wh_blake3 *h)
{
    memcpy(h->cv, h->key, sizeof h->cv);
    h->blocks = 0;
    h->buffered = 0;
}

/* Chunks of the longest full subtree that starts here and leaves at least one
 * byte of the n, so that the last chunk stays open; 0 if there is none. */
static size_t longest_run(const struct wh_blake3 *h, size_t n)
{
    for (size_t run = RUN_MAX; run >= WIDE_MAX; run /= 8) {
        if (h->chunks % run == 0 && n > run * CHUNK) {
            return run;
        }
    }
    return 0;
}

/* Whole subtrees straight from the input; returns the bytes taken. */
static size_t add_runs(struct wh_blake3 *h, const uint8_t *p, size_t n)
{
    if (h->blocks > 0 || h->buffered > 0 || wh_blake3_width() == 1) {
        return 0;
    }
    size_t taken = 0, run;
    while ((run = longest_run(h, n - taken)) > 0) {
        uint32_t cv[8];
        subtree(h, p + taken, run, cv);
        push(h, cv, run);
        taken += run * CHUNK;
    }
    return taken;
}

/* Close the current chunk if it is full; more input is known to follow. */
static void close_full(struct wh_blake3 *h)
{
    if (h->buffered < BLOCK) {
        return;
    }
    bool last = h->blocks == BLOCKS - 1;
    uint32_t flags = chunk_flags(h) | (last ? WH_BLAKE3_CHUNK_END : 0);
    compress(h->cv, h->buf, h->chunks, BLOCK, flags, h->cv);
    h->blocks++;
    h->buffered = 0;
    if (last) {
        uint32_t cv[8];
        memcpy(cv, h->cv, sizeof cv);
        push(h, cv, 1);
        open_chunk(h);
    }
}

void wh_blake3_init(struct wh_blake3 *h, const uint8_t *key)
{
    memset(h, 0, sizeof *h);
    memcpy(h->key, wh_blake3_iv, sizeof h->key);
    if (key) {
        for (size_t i = 0; i < 8; i++) {
            h->key[i] = get32(key + 4 * i);
        }
        h->flags = WH_BLAKE3_KEYED;
    }
    open_chunk(h);
}

void wh_blake3_add(struct wh_blake3 *h, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0) {
        close_full(h);
        size_t take = add_runs(h, p, n);
        if (take == 0) {
            take = BLOCK - h->buffered;
            if (take > n) {
                take = n;
            }
            memcpy(h->buf + h->buffered, p, take);
            h->buffered += take;
        }
        p += take;
        n -= take;
    }
}

void wh_blake3_get(const struct wh_blake3 *h, uint8_t out[WH_BLAKE3_LEN])
{
    uint8_t block[BLOCK] = {0};
    uint32_t cv[8];
    uint32_t root = h->depth == 0 ? WH_BLAKE3_ROOT : 0;
    memcpy(block, h->buf, h->buffered);
    compress(h->cv, block, h->chunks, (uint32_t)h->buffered,
             chunk_flags(h) | WH_BLAKE3_CHUNK_END | root, cv);
    for (unsigned i = h->depth; i > 0; i--) {
        parent(h, h->stack[i - 1], cv, i == 1 ? WH_BLAKE3_ROOT : 0, cv);
    }
    serialize(cv, out);
}

void wh_blake3_of(const uint8_t *key, struct wh_str s,
                  uint8_t out[WH_BLAKE3_LEN])
{
    struct wh_blake3 h;
    wh_blake3_init(&h, key);
    wh_blake3_add(&h, s.p, s.n);
    wh_blake3_get(&h, out);
}

unsigned wh_blake3_width(void)
{
    if (forced_width) {
        return forced_width;
    }
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") ? 8 : 4;
#else
    return 4;
#endif
}

void wh_blake3_force_width(unsigned width)
{
    wh_assert(width == 0 || width == 1 || width == 4 || width == 8);
    forced_width = width;
}
