/*
 * sketch.h - keyed fingerprints by which near-duplicates of a request are
 * known without keeping it: MinHash of its words, and of the lengths of its
 * words, which survives noise inside the words.
 * Owner: plain values; a ring belongs to whoever has the account.
 * Never: allocates; keeps text. Without the seed a sketch says nothing, and a
 * seed that is destroyed takes all sketches of its time with it.
 */
#ifndef WH_DETECT_SKETCH_H
#define WH_DETECT_SKETCH_H

#include "base/str.h"

#define DETECT_SKETCH_LANES 64
#define DETECT_SKETCH_RING 32

/* Lanes of 16 bits: two sketches agree in a lane by chance once in 65,536. */
struct detect_sketch {
    uint16_t words[DETECT_SKETCH_LANES]; /* 5-word shingles */
    uint16_t shape[DETECT_SKETCH_LANES]; /* 4 word lengths in a row */
    uint32_t n_words;                    /* words seen, capped */
};

/* Sketch a text that is already folded (the plain view). Reads at most
 * DETECT_SKETCH_WORDS words; a text shorter than a shingle is one shingle.
 * seed: 64 secret bits of the period. */
#define DETECT_SKETCH_WORDS 4096
void detect_sketch_make(struct detect_sketch *s, struct wh_str text,
                        uint64_t seed);
/* Share of lanes that agree, 0 to 1: estimates the shingles' Jaccard
 * similarity, standard error at most 1/16. Empty texts are like nothing. */
double detect_sketch_words(const struct detect_sketch *a,
                           const struct detect_sketch *b);
double detect_sketch_shape(const struct detect_sketch *a,
                           const struct detect_sketch *b);

/* The last sketches of an account, oldest overwritten. Starts zeroed. */
struct detect_sketch_ring {
    struct detect_sketch slot[DETECT_SKETCH_RING];
    uint32_t n; /* ever added, modulo 2^32 */
};

/* What the ring holds that is like s, before s is added. */
struct detect_sketch_like {
    double words, shape;      /* the greatest similarity */
    uint32_t near_w, near_sh; /* how many are at least 0.5 alike */
};

/* Compare with all sketches of the ring; put one more in. */
void detect_sketch_look(const struct detect_sketch_ring *r,
                        const struct detect_sketch *s,
                        struct detect_sketch_like *out);
void detect_sketch_add(struct detect_sketch_ring *r,
                       const struct detect_sketch *s);

#endif
