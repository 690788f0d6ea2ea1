/*
 * keyset.h - has this name been seen before? A set of 128-bit fingerprints.
 * Owner: wh_keyset_init .. wh_keyset_done; the memory is the set's own.
 * Never: keeps the names; answers "new" for a name it has seen (two different
 * names with one fingerprint would be called a duplicate, which fails closed).
 */
#ifndef WH_BASE_KEYSET_H
#define WH_BASE_KEYSET_H

#include "base/str.h"

struct wh_keyset_slot {
    uint64_t low, high;
    uint32_t round; /* of the fill that wrote it; 0 is free */
};

struct wh_keyset {
    struct wh_keyset_slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t n;
    uint32_t round;
};

/* An empty set; done gives back its memory. */
void wh_keyset_init(struct wh_keyset *s);
void wh_keyset_done(struct wh_keyset *s);
/* Forget all names in constant time; the memory stays. */
void wh_keyset_clear(struct wh_keyset *s);
/* True if the name is new; it is in the set afterwards. */
bool wh_keyset_add(struct wh_keyset *s, struct wh_str name);

#endif
