/*
 * downloads.c - an open-addressed table of counts under a lock.
 */
#include "hub/downloads.h"
#include "base/mem.h"
#include "store/repo.h"
#include <pthread.h>

/* Repos counted between two rounds; further ones count from the next round. */
#define SLOTS 4096u
/* Rows changed in one transaction. */
#define BATCH 200u

struct count {
    int64_t repo; /* 0: free */
    int64_t n;
};

struct hub_downloads {
    pthread_mutex_t lock;
    struct count slots[SLOTS];
    unsigned used;
};

struct hub_downloads *hub_downloads_new(void)
{
    struct hub_downloads *d = wh_alloc(sizeof *d);

    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void hub_downloads_free(struct hub_downloads **d)
{
    if (*d) {
        pthread_mutex_destroy(&(*d)->lock);
        wh_free(*d);
        *d = NULL;
    }
}

/* The slot of this repo, or a free one; null when the table is half full and
 * the repo is not in it. Under the lock. */
static struct count *find_slot(struct hub_downloads *d, int64_t repo)
{
    size_t i = (size_t)((uint64_t)repo * UINT64_C(0x9e3779b97f4a7c15) >> 52);

    while (d->slots[i].repo && d->slots[i].repo != repo) {
        i = (i + 1) % SLOTS;
    }
    return d->slots[i].repo || d->used < SLOTS / 2 ? &d->slots[i] : NULL;
}

void hub_downloads_add(struct hub_downloads *d, int64_t repo)
{
    struct count *c;

    pthread_mutex_lock(&d->lock);
    c = find_slot(d, repo);
    if (c) {
        d->used += c->repo == 0;
        c->repo = repo;
        c->n++;
    }
    pthread_mutex_unlock(&d->lock);
}

struct batch {
    const struct count *list;
    size_t n;
};

static bool write_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct batch *b = ctx;

    for (size_t i = 0; i < b->n; i++) {
        if (!store_repo_downloads_add(db, b->list[i].repo, b->list[i].n, err)) {
            return false;
        }
    }
    return true;
}

/* All counts, taken out of the table. */
static size_t take_all(struct hub_downloads *d, struct count *out)
{
    size_t n = 0;

    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < SLOTS; i++) {
        if (d->slots[i].repo) {
            out[n++] = d->slots[i];
            d->slots[i] = (struct count){0};
        }
    }
    d->used = 0;
    pthread_mutex_unlock(&d->lock);
    return n;
}

bool hub_downloads_write(struct hub_downloads *d, struct db_writer *w,
                         struct wh_err *err)
{
    struct count *all = wh_calloc(SLOTS, sizeof *all);
    size_t n = take_all(d, all);
    bool ok = true;

    for (size_t i = 0; ok && i < n; i += BATCH) {
        struct batch b = {all + i, n - i < BATCH ? n - i : BATCH};
        ok = db_write(w, write_fn, &b, err);
    }
    wh_free(all);
    return ok;
}
