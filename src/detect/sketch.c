/*
 * sketch.c - one-permutation MinHash: one hash for each shingle decides lane
 * and value, empty lanes borrow from the next full one. 64 hashes for each
 * shingle would say the same and cost the whole budget.
 */
#include "detect/sketch.h"

#define SHINGLE 5
#define SHAPE 4

/* The finisher of MurmurHash3 (public domain). */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ULL;
    h ^= h >> 33;
    return h;
}

static bool is_word(char c)
{
    unsigned char u = (unsigned char)c;

    return (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') ||
           (u >= 'A' && u <= 'Z') || u >= 0x80;
}

struct lanes {
    uint64_t low[DETECT_SKETCH_LANES];
    bool any;
};

static void lanes_init(struct lanes *l)
{
    size_t i;

    for (i = 0; i < DETECT_SKETCH_LANES; i++) {
        l->low[i] = UINT64_MAX;
    }
    l->any = false;
}

static void lanes_add(struct lanes *l, uint64_t h)
{
    size_t lane = (size_t)(h >> 58);

    if (h << 6 < l->low[lane]) {
        l->low[lane] = h << 6;
    }
    l->any = true;
}

/* Empty lanes take the next full one's value, mixed with the distance, so that
 * two sketches agree there exactly if they agree at the source. */
static void lanes_close(const struct lanes *l, uint16_t *out)
{
    size_t i, step;

    for (i = 0; i < DETECT_SKETCH_LANES; i++) {
        uint64_t v = 0;
        for (step = 0; step < DETECT_SKETCH_LANES && l->any; step++) {
            v = l->low[(i + step) % DETECT_SKETCH_LANES];
            if (v != UINT64_MAX) {
                break;
            }
        }
        out[i] = (uint16_t)(mix(v + step) >> 48);
    }
}

/* The last words, as hashes and lengths, newest at n - 1 modulo SHINGLE. */
struct window {
    uint64_t word[SHINGLE], length[SHINGLE];
    size_t n;
};

/* A polynomial of the last n values; one mixing step makes a hash of it. */
static uint64_t run_hash(const uint64_t *ring, size_t end, size_t n,
                         uint64_t seed)
{
    uint64_t h = seed;
    size_t i;

    for (i = end - n; i < end; i++) {
        h = (h ^ ring[i % SHINGLE]) * 0x9e3779b97f4a7c15ULL + n;
    }
    return mix(h);
}

static void window_shingles(const struct window *w, uint64_t seed, size_t words,
                            size_t shape, struct lanes *a, struct lanes *b)
{
    if (words > 0) {
        lanes_add(a, run_hash(w->word, w->n, words, seed));
    }
    if (shape > 0) {
        lanes_add(b, run_hash(w->length, w->n, shape, ~seed));
    }
}

void detect_sketch_make(struct detect_sketch *s, struct wh_str text,
                        uint64_t seed)
{
    struct window w = {.n = 0};
    struct lanes a, b;
    size_t i = 0;

    lanes_init(&a);
    lanes_init(&b);
    while (i < text.n && w.n < DETECT_SKETCH_WORDS) {
        uint64_t h = 0xcbf29ce484222325ULL, length = 0;
        for (; i < text.n && is_word(text.p[i]); i++, length++) {
            h = (h ^ (unsigned char)text.p[i]) * 0x100000001b3ULL;
        }
        if (length == 0) {
            i++;
            continue;
        }
        w.word[w.n % SHINGLE] = h;
        w.length[w.n % SHINGLE] = length;
        w.n++;
        window_shingles(&w, seed, w.n >= SHINGLE ? SHINGLE : 0,
                        w.n >= SHAPE ? SHAPE : 0, &a, &b);
    }
    if (w.n > 0 && w.n < SHINGLE) {
        window_shingles(&w, seed, w.n, w.n < SHAPE ? w.n : 0, &a, &b);
    }
    lanes_close(&a, s->words);
    lanes_close(&b, s->shape);
    s->n_words = (uint32_t)w.n;
}

static double agree(const uint16_t *a, const uint16_t *b)
{
    unsigned same = 0;
    size_t i;

    for (i = 0; i < DETECT_SKETCH_LANES; i++) {
        same += a[i] == b[i];
    }
    return (double)same / DETECT_SKETCH_LANES;
}

double detect_sketch_words(const struct detect_sketch *a,
                           const struct detect_sketch *b)
{
    return a->n_words && b->n_words ? agree(a->words, b->words) : 0;
}

double detect_sketch_shape(const struct detect_sketch *a,
                           const struct detect_sketch *b)
{
    return a->n_words && b->n_words ? agree(a->shape, b->shape) : 0;
}

void detect_sketch_look(const struct detect_sketch_ring *r,
                        const struct detect_sketch *s,
                        struct detect_sketch_like *out)
{
    size_t i;

    *out = (struct detect_sketch_like){0};
    for (i = 0; i < DETECT_SKETCH_RING; i++) {
        double words = detect_sketch_words(&r->slot[i], s);
        double shape = detect_sketch_shape(&r->slot[i], s);
        out->words = words > out->words ? words : out->words;
        out->shape = shape > out->shape ? shape : out->shape;
        out->near_w += words >= 0.5;
        out->near_sh += shape >= 0.5;
    }
}

void detect_sketch_add(struct detect_sketch_ring *r,
                       const struct detect_sketch *s)
{
    r->slot[r->n % DETECT_SKETCH_RING] = *s;
    r->n++;
}
