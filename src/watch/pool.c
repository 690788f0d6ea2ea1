/*
 * pool.c - things that are too large for each thread to have one of each.
 */
#include "base/mem.h"
#include "watch/watch_impl.h"

void watch_pool_init(struct watch_pool *p)
{
    *p = (struct watch_pool){0};
    (void)pthread_mutex_init(&p->lock, NULL);
}

void *watch_pool_take(struct watch_pool *p)
{
    void *item;

    (void)pthread_mutex_lock(&p->lock);
    item = p->n > 0 ? p->item[--p->n] : NULL;
    (void)pthread_mutex_unlock(&p->lock);
    return item;
}

void watch_pool_give(struct watch_pool *p, void *item)
{
    (void)pthread_mutex_lock(&p->lock);
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 16;
        p->item = wh_realloc(p->item, p->cap * sizeof *p->item);
    }
    p->item[p->n++] = item;
    (void)pthread_mutex_unlock(&p->lock);
}
