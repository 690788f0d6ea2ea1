/*
 * edge.h - the right edge of the tree in memory: the hashes of the last tile of
 * each level, and what one cycle adds.
 * Owner: a plain value of about 130 KiB, inside the log.
 * Never: reads or writes files or the database by itself.
 */
#ifndef WH_REGISTER_EDGE_H
#define WH_REGISTER_EDGE_H

#include "tlog/tile.h"

/* Entries in one cycle: one bundle's worth. */
#define REGISTER_BATCH 256

struct register_edge {
    struct tlog_frontier frontier;
    struct register_edge_level {
        uint64_t first; /* index of h[0]: a multiple of 256 */
        size_t n;
        struct tlog_hash h[TLOG_TILE_WIDTH + REGISTER_BATCH];
    } level[TLOG_TILE_LEVELS];
};

/* Add the hash of the next leaf. At most REGISTER_BATCH between two trims
 * (asserted). */
void register_edge_add(struct register_edge *e, const struct tlog_hash *leaf);
/* Forget full tiles: they are on disk. */
void register_edge_trim(struct register_edge *e);
/* Bytes of a tile that lies in the edge (asserted): its first `width` hashes.
 */
struct wh_str register_edge_tile(const struct register_edge *e,
                                 const struct tlog_tile *t);
/* Hash of the full subtree (level, index) of the tree, as a tlog_reader gives
 * it; false if its hashes lie left of the edge. */
bool register_edge_node(const struct register_edge *e, unsigned level,
                        uint64_t index, struct tlog_hash *out);

#endif
