/*
 * blake3.h - BLAKE3: plain and keyed hash, streaming and in one call.
 * Owner: the state is a plain value; nothing to release.
 * Never: allocates or fails.
 *
 * Source: "BLAKE3: one function, fast everywhere" (O'Connor, Aumasson, Neves,
 * Wilcox-O'Hearn, 2020), sections 2 and 5. Only the 32-byte output is offered.
 */
#ifndef WH_BASE_BLAKE3_H
#define WH_BASE_BLAKE3_H

#include "base/str.h"

#define WH_BLAKE3_LEN 32
#define WH_BLAKE3_DEPTH 54 /* levels of a tree over 2^64 bytes */

struct wh_blake3 {
    uint32_t key[8];
    uint32_t flags;
    uint64_t chunks; /* finished before the current one */
    /* The current chunk: chaining value, blocks done, bytes not yet hashed. */
    uint32_t cv[8];
    unsigned blocks;
    size_t buffered;
    uint8_t buf[64];
    /* Roots of finished subtrees, largest first. */
    unsigned depth;
    uint32_t stack[WH_BLAKE3_DEPTH][8];
};

/* key null: the plain hash; else 32 bytes. */
void wh_blake3_init(struct wh_blake3 *h, const uint8_t *key);
void wh_blake3_add(struct wh_blake3 *h, const void *data, size_t n);
/* Hash of all added so far; the state stays usable for more adds. */
void wh_blake3_get(const struct wh_blake3 *h, uint8_t out[WH_BLAKE3_LEN]);
/* In one call; key as above. */
void wh_blake3_of(const uint8_t *key, struct wh_str s,
                  uint8_t out[WH_BLAKE3_LEN]);

/* How many chunks this machine hashes at once: 8 with AVX2, else 4. Tests may
 * force a width (1, 4, 8; 0 = the best there is); the result never depends on
 * it. */
unsigned wh_blake3_width(void);
void wh_blake3_force_width(unsigned width);

#endif
