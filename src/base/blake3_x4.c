/*
 * blake3_x4.c - four BLAKE3 inputs at once, for any processor with 128-bit
 * vectors (the compiler falls back to plain code where there are none).
 */
#include "base/blake3_wide.h"

#define LANES 4u
#define TARGET
#define KERNEL wh_blake3_x4

typedef uint32_t vec __attribute__((vector_size(16)));

#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/* Turn the 64-byte blocks of four inputs into sixteen word vectors: four 4x4
 * transpositions. */
static void load_block(const uint8_t *const *in, size_t at, vec m[16])
{
    for (size_t q = 0; q < 4; q++) {
        vec r[4];
        for (size_t i = 0; i < 4; i++) {
            memcpy(&r[i], in[i] + at + q * 16, sizeof r[i]);
        }
        vec a = PICK(r[0], r[1], 0, 4, 1, 5), b = PICK(r[2], r[3], 0, 4, 1, 5);
        vec c = PICK(r[0], r[1], 2, 6, 3, 7), d = PICK(r[2], r[3], 2, 6, 3, 7);
        m[q * 4 + 0] = PICK(a, b, 0, 1, 4, 5);
        m[q * 4 + 1] = PICK(a, b, 2, 3, 6, 7);
        m[q * 4 + 2] = PICK(c, d, 0, 1, 4, 5);
        m[q * 4 + 3] = PICK(c, d, 2, 3, 6, 7);
    }
}

#include "base/blake3_lanes.inc"
