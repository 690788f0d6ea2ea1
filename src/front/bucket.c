/*
 * bucket.c - an open table with short probes. A bucket is the moment at which
 * it was (or will be) empty: what it holds now follows from the time since, so
 * that a full bucket is one that nobody needs to remember.
 */
#include "front/bucket.h"
#include "base/err.h"
#include "base/mem.h"
#include <pthread.h>

#define ROWS 16384u /* a power of two */
#define PROBES 8u
#define MINUTE_US 60000000LL

struct row {
    uint64_t key;  /* a hash; 0: free */
    int64_t empty; /* when the bucket was empty, us */
};

struct front_buckets {
    pthread_mutex_t lock;
    uint64_t limit, seed;
    struct row rows[ROWS];
};

struct front_buckets *front_buckets_new(uint64_t per_minute, uint64_t seed)
{
    struct front_buckets *b = wh_alloc(sizeof *b);

    wh_assert(per_minute > 0);
    pthread_mutex_init(&b->lock, NULL);
    b->limit = per_minute;
    b->seed = seed;
    return b;
}

void front_buckets_free(struct front_buckets **b)
{
    if (*b) {
        pthread_mutex_destroy(&(*b)->lock);
        wh_free(*b);
        *b = NULL;
    }
}

/* Whoever has one IPv6 address has a /64 of them: its first four groups, as
 * the kernel writes them. */
static struct wh_str network_of(struct wh_str address)
{
    unsigned colons = 0;

    for (size_t i = 0; i < address.n; i++) {
        if (address.p[i] != ':') {
            continue;
        }
        colons++;
        if (colons == 4 || (i + 1 < address.n && address.p[i + 1] == ':')) {
            return wh_str_starts(address, WH_S("::ffff:"))
                       ? address
                       : wh_str_sub(address, 0, i);
        }
    }
    return address;
}

/* FNV-1a with a secret start, mixed. */
static uint64_t hash(const struct front_buckets *b, struct wh_str key)
{
    uint64_t h = b->seed ^ 0xcbf29ce484222325u;

    for (size_t i = 0; i < key.n; i++) {
        h = (h ^ (uint8_t)key.p[i]) * 0x100000001b3u;
    }
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    return h ? h : 1;
}

/* The row of this key; else a free one, or the one that was empty longest ago:
 * the fullest, that is, who loses least. */
static struct row *find(struct front_buckets *b, uint64_t key)
{
    struct row *best = &b->rows[key % ROWS];

    for (size_t i = 0; i < PROBES; i++) {
        struct row *r = &b->rows[(key + i) % ROWS];
        if (r->key == key) {
            return r;
        }
        if (r->key == 0 || (best->key != 0 && r->empty < best->empty)) {
            best = best->key == 0 ? best : r;
        }
    }
    *best = (struct row){.key = key, .empty = INT64_MIN / 2};
    return best;
}

bool front_buckets_take(struct front_buckets *b, struct wh_str address,
                        int64_t now_us, struct front_rate *out)
{
    int64_t each = MINUTE_US / (int64_t)b->limit, since;
    struct row *r;
    bool ok;

    each = each > 0 ? each : 1;
    pthread_mutex_lock(&b->lock);
    r = find(b, hash(b, network_of(address)));
    if (r->empty < now_us - each * (int64_t)b->limit) {
        r->empty = now_us - each * (int64_t)b->limit; /* it is full */
    }
    ok = now_us - r->empty >= each;
    r->empty += ok ? each : 0;
    since = now_us - r->empty;
    pthread_mutex_unlock(&b->lock);
    out->limit = b->limit;
    out->left = since > 0 ? (uint64_t)(since / each) : 0;
    out->seconds = (uint64_t)((out->left > 0 ? each * (int64_t)b->limit - since
                                             : each - since) +
                              999999) /
                   1000000;
    return ok;
}
