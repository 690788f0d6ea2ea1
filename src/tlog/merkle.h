/*
 * merkle.h - the Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes,
 * growing frontier, proofs and their verification.
 * Owner: plain values; nothing is allocated.
 * Never: stores the tree; proofs ask a reader for the hashes of full subtrees.
 */
#ifndef WH_TLOG_MERKLE_H
#define WH_TLOG_MERKLE_H

#include "base/err.h"
#include "base/str.h"

#define TLOG_HASH 32
/* Hashes in one proof: ceil(log2(size)) + 1 at most, for sizes below 2^62. */
#define TLOG_PATH_MAX 63
#define TLOG_SIZE_MAX (UINT64_C(1) << 62)

struct tlog_hash {
    uint8_t b[TLOG_HASH];
};

/* A proof's hashes in the order of the RFC: leaf side first. */
struct tlog_path {
    size_t n;
    struct tlog_hash h[TLOG_PATH_MAX];
};

/* Roots of the full subtrees of a tree: level[l] counts when bit l of size is
 * set. All bytes zero is the empty tree. */
struct tlog_frontier {
    uint64_t size;
    struct tlog_hash level[64];
};

/* Gives the hash of the full subtree that covers the leaves
 * [index << level, (index + 1) << level). Asked only for subtrees inside the
 * size that the proof is about. */
struct tlog_reader {
    bool (*node)(void *ctx, unsigned level, uint64_t index,
                 struct tlog_hash *out, struct wh_err *err);
    void *ctx;
};

/* Same bytes? */
bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b);
/* SHA-256(0x00 || entry). */
void tlog_hash_leaf(struct wh_str entry, struct tlog_hash *out);
/* SHA-256(0x01 || left || right); out may be one of the inputs. */
void tlog_hash_node(const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *out);

/* Add the hash of the next leaf. */
void tlog_frontier_add(struct tlog_frontier *f, const struct tlog_hash *leaf);
/* Root of the tree so far; the empty tree's is SHA-256 of nothing. */
void tlog_frontier_root(const struct tlog_frontier *f, struct tlog_hash *out);
/* The frontier of the first `size` leaves, through a reader. */
bool tlog_frontier_read(const struct tlog_reader *r, uint64_t size,
                        struct tlog_frontier *out, struct wh_err *err) WH_CHECK;

/* Proof that leaf `index` is in the tree of `size` leaves; WH_BAD_RANGE unless
 * index < size <= TLOG_SIZE_MAX. */
bool tlog_inclusion(const struct tlog_reader *r, uint64_t index, uint64_t size,
                    struct tlog_path *out, struct wh_err *err) WH_CHECK;
/* Proof that the tree of `from` leaves is a prefix of the tree of `to` leaves;
 * WH_BAD_RANGE unless from <= to <= TLOG_SIZE_MAX. Empty when from is 0 or
 * equals to. */
bool tlog_consistency(const struct tlog_reader *r, uint64_t from, uint64_t to,
                      struct tlog_path *out, struct wh_err *err) WH_CHECK;

/* Verify the two kinds of proof. From size 0 to anything is consistent with an
 * empty proof, provided that the old root is that of the empty tree. */
bool tlog_inclusion_ok(const struct tlog_hash *leaf, uint64_t index,
                       uint64_t size, const struct tlog_path *path,
                       const struct tlog_hash *root) WH_CHECK;
bool tlog_consistency_ok(uint64_t from, const struct tlog_hash *from_root,
                         uint64_t to, const struct tlog_hash *to_root,
                         const struct tlog_path *path) WH_CHECK;

#endif
