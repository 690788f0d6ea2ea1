/*
 * keyset.c - open addressing over XXH3-128 fingerprints. A round number in
 * each slot makes clearing free, because a header with a million small objects
 * clears its inner set a million times.
 */
#include "base/keyset.h"

#include "base/err.h"
#include "base/mem.h"

#include <xxhash.h>

#define FIRST_CAP 16u

static bool taken(const struct wh_keyset *s, size_t i)
{
    return s->slots[i].round == s->round;
}

/* Index of the slot with this fingerprint, or of the free one for it. */
static size_t find(const struct wh_keyset *s, uint64_t low, uint64_t high)
{
    size_t i = (size_t)low & (s->cap - 1);
    while (taken(s, i) &&
           (s->slots[i].low != low || s->slots[i].high != high)) {
        i = (i + 1) & (s->cap - 1);
    }
    return i;
}

static void grow(struct wh_keyset *s)
{
    struct wh_keyset old = *s;
    s->cap = old.cap ? old.cap * 2 : FIRST_CAP;
    s->slots = wh_calloc(s->cap, sizeof *s->slots);
    for (size_t i = 0; i < old.cap; i++) {
        if (taken(&old, i)) {
            s->slots[find(s, old.slots[i].low, old.slots[i].high)] =
                old.slots[i];
        }
    }
    wh_free(old.slots);
}

void wh_keyset_init(struct wh_keyset *s)
{
    *s = (struct wh_keyset){.round = 1};
}

void wh_keyset_done(struct wh_keyset *s)
{
    wh_free(s->slots);
    wh_keyset_init(s);
}

void wh_keyset_clear(struct wh_keyset *s)
{
    s->n = 0;
    s->round++;
    if (s->round == 0) {
        if (s->slots) {
            memset(s->slots, 0, s->cap * sizeof *s->slots);
        }
        s->round = 1;
    }
}

bool wh_keyset_add(struct wh_keyset *s, struct wh_str name)
{
    if (s->n + 1 > s->cap / 2) {
        grow(s);
    }
    XXH128_hash_t h = XXH3_128bits(name.p, name.n);
    size_t i = find(s, h.low64, h.high64);
    if (taken(s, i)) {
        return false;
    }
    s->slots[i] = (struct wh_keyset_slot){h.low64, h.high64, s->round};
    s->n++;
    return true;
}
