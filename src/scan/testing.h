/*
 * testing.h - xorbs and shards for the tests of this room.
 * Owner: buffers are the caller's.
 * Never: part of the product.
 */
#ifndef WH_SCAN_TESTING_H
#define WH_SCAN_TESTING_H

#include "base/buf.h"
#include "scan/shard.h"

/* n bytes of the generator that the Xet vectors use, from `seed` on. */
void scan_testing_fill(uint8_t *p, size_t n, uint64_t seed);
/* Append one serialized chunk; scheme 0, 1 or 2. */
void scan_testing_chunk(struct wh_buf *b, const void *p, size_t n, int scheme);
/* Append what an upload of one file says: the file with its terms, one entry
 * per xorb, and a footer of `footer` bytes. */
void scan_testing_shard(struct wh_buf *b, const struct scan_shard_file *files,
                        uint32_t nfiles, const struct scan_xorb_table *xorbs,
                        uint32_t nxorbs, uint32_t footer);
/* The term over chunks [start, end) of a xorb, with its verification hash. */
struct scan_shard_term scan_testing_term(const struct scan_xorb_table *x,
                                         uint32_t start, uint32_t end);
/* Fill f->hash from its terms over one xorb. */
void scan_testing_file_hash(struct scan_shard_file *f,
                            const struct scan_xorb_table *x);

#endif
