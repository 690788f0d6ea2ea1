/*
 * pool.h - fixed buffers of NET_CHUNK bytes for bodies and pull sources.
 * Owner: the server owns the pool; a buffer belongs to who took it.
 * Never: grows without its user knowing: `taken` is a figure of net_stats.
 */
#ifndef WH_NET_POOL_H
#define WH_NET_POOL_H

#include <pthread.h>
#include <stddef.h>

struct net_pool {
    pthread_mutex_t lock;
    void *spare; /* list through the first bytes of each */
    size_t spares, keep, taken;
};

/* keep: how many buffers stay at hand when nobody uses them. */
void net_pool_init(struct net_pool *p, size_t keep);
/* Every buffer must have been given back (asserted). */
void net_pool_done(struct net_pool *p);
/* NET_CHUNK bytes, not cleared; any thread. */
char *net_pool_take(struct net_pool *p);
/* Give back and null *buf; null is fine. */
void net_pool_give(struct net_pool *p, char **buf);
size_t net_pool_taken(struct net_pool *p);

#endif
