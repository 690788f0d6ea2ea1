/*
 * xet.c - see xet.h. All hashes are keyed BLAKE3 with published keys, one per
 * purpose, so that a chunk can not be passed off as a node.
 */
#include "scan/xet.h"

#include "base/enc.h"
#include "base/err.h"

#include <stdio.h>

/* Keys of the protocol (specification 1.1.0, "Hashing"). */
static const uint8_t chunk_key[32] = {
    0x66, 0x97, 0xf5, 0x77, 0x5b, 0x95, 0x50, 0xde, 0x31, 0x35, 0xcb,
    0xac, 0xa5, 0x97, 0x18, 0x1c, 0x9d, 0xe4, 0x21, 0x10, 0x9b, 0xeb,
    0x2b, 0x58, 0xb4, 0xd0, 0xb0, 0x4b, 0x93, 0xad, 0xf2, 0x29};
static const uint8_t node_key[32] = {
    0x01, 0x7e, 0xc5, 0xc7, 0xa5, 0x47, 0x29, 0x96, 0xfd, 0x94, 0x66,
    0x66, 0xb4, 0x8a, 0x02, 0xe6, 0x5d, 0xdd, 0x53, 0x6f, 0x37, 0xc7,
    0x6d, 0xd2, 0xf8, 0x63, 0x52, 0xe6, 0x4a, 0x53, 0x71, 0x3f};
static const uint8_t range_key[32] = {
    0x7f, 0x18, 0x57, 0xd6, 0xce, 0x56, 0xed, 0x66, 0x12, 0x7f, 0xf9,
    0x13, 0xe7, 0xa5, 0xc3, 0xf3, 0xa4, 0xcd, 0x26, 0xd5, 0xb5, 0xdb,
    0x49, 0xe6, 0x41, 0x24, 0x98, 0x7f, 0x28, 0xfb, 0x94, 0xc3};
static const uint8_t file_key[32] = {0};

/* Reverse each group of eight bytes. */
static void swap_groups(const uint8_t in[32], uint8_t out[32])
{
    for (unsigned i = 0; i < 32; i++) {
        out[i] = in[(i & ~7u) + 7 - (i & 7u)];
    }
}

void scan_xet_text(const struct scan_xet_hash *h, char out[SCAN_XET_TEXT])
{
    uint8_t swapped[SCAN_XET_HASH];
    swap_groups(h->b, swapped);
    wh_hex_enc(swapped, SCAN_XET_HASH, out);
}

bool scan_xet_parse(struct wh_str s, struct scan_xet_hash *out)
{
    uint8_t swapped[SCAN_XET_HASH];
    if (s.n != SCAN_XET_TEXT - 1 ||
        !wh_hex_dec(s, swapped, SCAN_XET_HASH, false)) {
        return false;
    }
    swap_groups(swapped, out->b);
    return true;
}

bool scan_xet_eq(const struct scan_xet_hash *a, const struct scan_xet_hash *b)
{
    return memcmp(a->b, b->b, SCAN_XET_HASH) == 0;
}

void scan_xet_swap_sha256(const uint8_t in[32], uint8_t out[32])
{
    swap_groups(in, out);
}

void scan_xet_chunk(const void *p, size_t n, struct scan_xet_hash *out)
{
    wh_blake3_of(chunk_key, wh_str_mem(p, n), out->b);
}

void scan_xet_range_init(struct scan_xet_range *r)
{
    wh_blake3_init(&r->h, range_key);
}

void scan_xet_range_add(struct scan_xet_range *r,
                        const struct scan_xet_hash *chunk)
{
    wh_blake3_add(&r->h, chunk->b, SCAN_XET_HASH);
}

void scan_xet_range_end(const struct scan_xet_range *r,
                        struct scan_xet_hash *out)
{
    wh_blake3_get(&r->h, out->b);
}

/* A hash whose last eight bytes, little-endian, divide by four ends a group. */
static bool ends_group(const struct scan_xet_hash *h)
{
    return (h->b[SCAN_XET_HASH - 8] & 3) == 0;
}

/* Inner node over n children: a keyed hash of their printed list. */
static void node_hash(const struct scan_xet_node *p, size_t n,
                      struct scan_xet_node *out)
{
    struct wh_blake3 h;
    uint64_t size = 0;
    wh_blake3_init(&h, node_key);
    for (size_t i = 0; i < n; i++) {
        char line[SCAN_XET_TEXT + 32];
        scan_xet_text(&p[i].hash, line);
        int len = snprintf(line + SCAN_XET_TEXT - 1, 32, " : %llu\n",
                           (unsigned long long)p[i].size);
        wh_blake3_add(&h, line, SCAN_XET_TEXT - 1 + (size_t)len);
        size += p[i].size;
    }
    wh_blake3_get(&h, out->hash.b);
    out->size = size;
}

static void push(struct scan_xet_tree *t, unsigned level,
                 const struct scan_xet_node *node);

/* Make one parent of all open entries of a level. */
static void close_group(struct scan_xet_tree *t, unsigned level)
{
    struct scan_xet_level *l = &t->level[level];
    struct scan_xet_node parent;
    node_hash(l->open, l->n, &parent);
    l->n = 0;
    push(t, level + 1, &parent);
}

/* A group ends after nine entries, or after an entry behind its second whose
 * hash says so. Recursion is bounded by the levels. */
static void push(struct scan_xet_tree *t, unsigned level,
                 const struct scan_xet_node *node)
{
    wh_assert(level < SCAN_XET_LEVELS);
    struct scan_xet_level *l = &t->level[level];
    l->open[l->n++] = *node;
    l->count++;
    if (l->n == SCAN_XET_CHILDREN || (l->n > 2 && ends_group(&node->hash))) {
        close_group(t, level);
    }
}

void scan_xet_tree_add(struct scan_xet_tree *t, const struct scan_xet_hash *h,
                       uint64_t size)
{
    struct scan_xet_node node = {*h, size};
    push(t, 0, &node);
}

void scan_xet_tree_root(struct scan_xet_tree *t, struct scan_xet_hash *out)
{
    memset(out->b, 0, SCAN_XET_HASH);
    /* The root is the only entry that its level ever had. What is left open
     * below it is a group, however short. */
    for (unsigned i = 0; i < SCAN_XET_LEVELS && t->level[i].count > 0; i++) {
        if (t->level[i].count == 1) {
            *out = t->level[i].open[0].hash;
            return;
        }
        if (t->level[i].n > 0) {
            close_group(t, i);
        }
    }
}

void scan_xet_tree_file(struct scan_xet_tree *t, struct scan_xet_hash *out)
{
    struct scan_xet_hash root;
    bool empty = t->level[0].count == 0;
    scan_xet_tree_root(t, &root);
    if (empty) {
        *out = root;
        return;
    }
    wh_blake3_of(file_key, wh_str_mem(root.b, SCAN_XET_HASH), out->b);
}
