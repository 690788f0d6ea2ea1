/*
 * blake3_x8.c - eight BLAKE3 inputs at once, with AVX2. The caller asks the
 * processor first; elsewhere this is two runs of the four-lane kernel.
 */
#include "base/blake3_wide.h"

#ifdef __x86_64__

#define LANES 8u
#define TARGET __attribute__((target("avx2")))
#define KERNEL wh_blake3_x8

typedef uint32_t vec __attribute__((vector_size(32)));

#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define LOW2(a, b) PICK(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH2(a, b) PICK(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW4(a, b) PICK(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH4(a, b) PICK(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW8(a, b) PICK(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH8(a, b) PICK(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

/* Turn the 64-byte blocks of eight inputs into sixteen word vectors: two 8x8
 * transpositions, each by words, word pairs and halves. */
TARGET static void load_block(const uint8_t *const *in, size_t at, vec m[16])
{
    for (size_t q = 0; q < 2; q++) {
        vec r[8], a[8], b[8];
        for (size_t i = 0; i < 8; i++) {
            memcpy(&r[i], in[i] + at + q * 32, sizeof r[i]);
        }
        for (size_t i = 0; i < 8; i += 2) {
            a[i] = LOW2(r[i], r[i + 1]);
            a[i + 1] = HIGH2(r[i], r[i + 1]);
        }
        for (size_t i = 0; i < 8; i += 4) {
            b[i] = LOW4(a[i], a[i + 2]);
            b[i + 1] = HIGH4(a[i], a[i + 2]);
            b[i + 2] = LOW4(a[i + 1], a[i + 3]);
            b[i + 3] = HIGH4(a[i + 1], a[i + 3]);
        }
        for (size_t i = 0; i < 4; i++) {
            m[q * 8 + i] = LOW8(b[i], b[i + 4]);
            m[q * 8 + 4 + i] = HIGH8(b[i], b[i + 4]);
        }
    }
}

#include "base/blake3_lanes.inc"

#else

void wh_blake3_x8(const struct wh_blake3_batch *b)
{
    struct wh_blake3_batch half = *b;
    wh_blake3_x4(&half);
    half.in = b->in + 4;
    half.out = b->out + 4;
    half.counter = b->counter + (b->counting ? 4 : 0);
    wh_blake3_x4(&half);
}

#endif
