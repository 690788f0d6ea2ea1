/*
 * bucket.h - token buckets by address: so many requests a minute, and no more
 * memory than a table of fixed size.
 * Owner: front_buckets_new .. front_buckets_free. Thread-safe.
 * Never: keeps an address longer than its bucket takes to fill again, or when
 * the place is needed.
 */
#ifndef WH_FRONT_BUCKET_H
#define WH_FRONT_BUCKET_H

#include "base/str.h"

struct front_buckets;

/* What is left, as the hub's RateLimit headers have it. */
struct front_rate {
    uint64_t limit; /* in a minute; 0: no limit applies */
    uint64_t left;
    uint64_t seconds; /* until one more is there; else until all are */
};

/* per_minute > 0 for each address; seed: random, so that nobody chooses ones
 * that collide. */
struct front_buckets *front_buckets_new(uint64_t per_minute, uint64_t seed);
void front_buckets_free(struct front_buckets **b);
/* Take one for this address at this time (any clock that only goes on); false
 * when there is none. Addresses of one IPv6 network (/64) are one. Those that
 * meet in a full neighbourhood share: the one that was away longest gives way.
 */
bool front_buckets_take(struct front_buckets *b, struct wh_str address,
                        int64_t now_us, struct front_rate *out);

#endif
