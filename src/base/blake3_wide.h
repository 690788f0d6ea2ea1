/*
 * blake3_wide.h - the kernels that hash several BLAKE3 inputs side by side.
 * Owner: private to blake3.c.
 * Never: used for the root of a tree.
 */
#ifndef WH_BASE_BLAKE3_WIDE_H
#define WH_BASE_BLAKE3_WIDE_H

#include "base/str.h"

#define WH_BLAKE3_CHUNK_START 1u
#define WH_BLAKE3_CHUNK_END 2u
#define WH_BLAKE3_PARENT 4u
#define WH_BLAKE3_ROOT 8u
#define WH_BLAKE3_KEYED 16u

/* The first eight words of SHA-256's initial value. */
extern const uint32_t wh_blake3_iv[8];
/* Word order of the message in each of the seven rounds. */
extern const uint8_t wh_blake3_order[7][16];

/* Work for one call: as many inputs as the kernel is wide, each of `blocks`
 * 64-byte blocks. */
struct wh_blake3_batch {
    const uint8_t *const *in;
    const uint32_t *key;
    uint64_t counter; /* of the first input */
    bool counting;    /* inputs have consecutive counters (chunks) */
    size_t blocks;
    uint32_t flags, first, last; /* all blocks; first block; last block */
    uint32_t (*out)[8];
};

/* Four inputs side by side in the vectors every compiler has. */
void wh_blake3_x4(const struct wh_blake3_batch *b);
/* Needs AVX2; on other processors it is the same as two calls of x4. */
void wh_blake3_x8(const struct wh_blake3_batch *b);

#endif
