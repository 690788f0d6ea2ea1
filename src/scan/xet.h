/*
 * xet.h - the hashes of the Xet protocol.
 * Owner: nothing is owned; all values are 32 raw bytes.
 * Never: allocates, save the tree, which keeps a few hashes per level.
 *
 * Source: the Xet specification 1.1.0 (chunk, node, range and file hashes).
 */
#ifndef WH_SCAN_XET_H
#define WH_SCAN_XET_H

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
/* Root over a list of nodes; n = 1 gives that node's hash, n = 0 zeros. The
 * array is overwritten with inner nodes. */
void scan_xet_root(struct scan_xet_node *nodes, size_t n,
                   struct scan_xet_hash *out);
/* File hash: the root over all chunks of the file, keyed with zeros; the zero
 * hash for an empty file (n = 0). The array is overwritten. */
void scan_xet_file(struct scan_xet_node *nodes, size_t n,
                   struct scan_xet_hash *out);
/* Verification hash of a term: over its raw chunk hashes in order. */
void scan_xet_range(const struct scan_xet_hash *chunks, size_t n,
                    struct scan_xet_hash *out);
/* SHA-256 as shards store it, to ordinary byte order, and back (the same
 * operation both ways). */
void scan_xet_swap_sha256(const uint8_t in[32], uint8_t out[32]);

#endif
