/*
 * xet.h - the hashes of the Xet protocol.
 * Owner: nothing is owned; all values are 32 raw bytes.
 * Never: allocates.
 *
 * Source: the Xet specification 1.1.0 (chunk, node, range and file hashes).
 */
#ifndef WH_SCAN_XET_H
#define WH_SCAN_XET_H

#include "base/blake3.h"
#include "base/str.h"

#define SCAN_XET_HASH 32
#define SCAN_XET_TEXT 65 /* 64 hex digits and a NUL */

struct scan_xet_hash {
    uint8_t b[SCAN_XET_HASH];
};

/* One leaf or inner node of a tree: hash and the bytes below it. */
struct scan_xet_node {
    struct scan_xet_hash hash;
    uint64_t size;
};

/* The string form: each group of eight bytes printed reversed. */
void scan_xet_text(const struct scan_xet_hash *h, char out[SCAN_XET_TEXT]);
/* 64 lower hex digits in string form; false for anything else. */
bool scan_xet_parse(struct wh_str s, struct scan_xet_hash *out);
bool scan_xet_eq(const struct scan_xet_hash *a, const struct scan_xet_hash *b);

/* Hash of one chunk's raw bytes. */
void scan_xet_chunk(const void *p, size_t n, struct scan_xet_hash *out);
/* A tree that grows to the right: entries in order, then its root. Memory does
 * not depend on their number. A plain value; zero bytes are the start. */
#define SCAN_XET_CHILDREN 9
#define SCAN_XET_LEVELS 64
struct scan_xet_level {
    struct scan_xet_node open[SCAN_XET_CHILDREN]; /* not yet in a group */
    unsigned n;
    uint64_t count; /* entries this level ever had */
};
struct scan_xet_tree {
    struct scan_xet_level level[SCAN_XET_LEVELS];
};

/* The next entry: its hash and the bytes below it. */
void scan_xet_tree_add(struct scan_xet_tree *t, const struct scan_xet_hash *h,
                       uint64_t size);
/* Root over all entries: the hash of a xorb over its chunks. One entry: its own
 * hash; none: zeros. Ends the tree. */
void scan_xet_tree_root(struct scan_xet_tree *t, struct scan_xet_hash *out);
/* The same for a file over all its chunks: the root, keyed once more; zeros for
 * an empty file. Ends the tree. */
void scan_xet_tree_file(struct scan_xet_tree *t, struct scan_xet_hash *out);
/* Verification hash of a term, over its raw chunk hashes in order. A plain
 * value. */
struct scan_xet_range {
    struct wh_blake3 h;
};

/* Begin; the next chunk; the hash of all chunks so far. */
void scan_xet_range_init(struct scan_xet_range *r);
void scan_xet_range_add(struct scan_xet_range *r,
                        const struct scan_xet_hash *chunk);
void scan_xet_range_end(const struct scan_xet_range *r,
                        struct scan_xet_hash *out);
/* SHA-256 as shards store it, to ordinary byte order, and back (the same
 * operation both ways). */
void scan_xet_swap_sha256(const uint8_t in[32], uint8_t out[32]);

#endif
