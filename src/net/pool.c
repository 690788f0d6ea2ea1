/*
 * pool.c - a short list of spare buffers, so that a stream of uploads does not
 * ask the kernel for fresh pages again and again.
 */
#include "net/pool.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/server.h"

struct spare {
    struct spare *next;
};

void net_pool_init(struct net_pool *p, size_t keep)
{
    *p = (struct net_pool){.keep = keep};
    pthread_mutex_init(&p->lock, NULL);
}

void net_pool_done(struct net_pool *p)
{
    wh_assert(p->taken == 0);
    for (struct spare *s = p->spare; s != NULL;) {
        struct spare *next = s->next;
        wh_free(s);
        s = next;
    }
    pthread_mutex_destroy(&p->lock);
}

char *net_pool_take(struct net_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct spare *s = p->spare;
    if (s != NULL) {
        p->spare = s->next;
        p->spares--;
    }
    p->taken++;
    pthread_mutex_unlock(&p->lock);
    return s != NULL ? (char *)s : wh_alloc(NET_CHUNK);
}

void net_pool_give(struct net_pool *p, char **buf)
{
    struct spare *s = (void *)*buf;
    if (s == NULL) {
        return;
    }
    *buf = NULL;
    pthread_mutex_lock(&p->lock);
    p->taken--;
    bool keep = p->spares < p->keep;
    if (keep) {
        s->next = p->spare;
        p->spare = s;
        p->spares++;
    }
    pthread_mutex_unlock(&p->lock);
    if (!keep) {
        wh_free(s);
    }
}

size_t net_pool_taken(struct net_pool *p)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->taken;
    pthread_mutex_unlock(&p->lock);
    return n;
}
