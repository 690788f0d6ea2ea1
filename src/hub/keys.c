/*
 * keys.c - a short list under a lock: contents are in it for the seconds
 * between a decision and the end of bringing them into the clear.
 */
#include "hub/keys.h"
#include "base/mem.h"
#include <pthread.h>

struct entry {
    struct entry *next;
    char sha256[WH_SHA256_HEX + 1];
    size_t n;
    struct store_container_row *rows;
    uint8_t (*keys)[STORE_CONTAINER_KEY];
};

struct hub_keys {
    pthread_mutex_t lock;
    struct entry *list;
    unsigned count;
};

struct hub_keys *hub_keys_new(void)
{
    struct hub_keys *k = wh_alloc(sizeof *k);

    pthread_mutex_init(&k->lock, NULL);
    return k;
}

static void free_entry(struct entry *e)
{
    wh_wipe(e->keys, e->n * sizeof *e->keys);
    wh_free(e->keys);
    wh_free(e->rows);
    wh_free(e);
}

void hub_keys_free(struct hub_keys **kp)
{
    struct hub_keys *k = *kp;

    if (!k) {
        return;
    }
    while (k->list) {
        struct entry *e = k->list;
        k->list = e->next;
        free_entry(e);
    }
    pthread_mutex_destroy(&k->lock);
    wh_free(k);
    *kp = NULL;
}

static struct entry *find(const struct hub_keys *k, const char *sha256)
{
    struct entry *e = k->list;

    while (e && strcmp(e->sha256, sha256) != 0) {
        e = e->next;
    }
    return e;
}

void hub_keys_put(struct hub_keys *k, const char *sha256,
                  const struct store_container_row *rows,
                  uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n)
{
    struct entry *e;

    wh_assert(strlen(sha256) == WH_SHA256_HEX);
    pthread_mutex_lock(&k->lock);
    if (!find(k, sha256) && k->count < HUB_KEYS_MAX) {
        e = wh_alloc(sizeof *e);
        memcpy(e->sha256, sha256, sizeof e->sha256);
        e->n = n;
        e->rows = wh_calloc(n, sizeof *e->rows);
        e->keys = wh_calloc(n, sizeof *e->keys);
        memcpy(e->rows, rows, n * sizeof *rows);
        memcpy(e->keys, keys, n * sizeof *keys);
        e->next = k->list;
        k->list = e;
        k->count++;
    }
    pthread_mutex_unlock(&k->lock);
}

void hub_keys_drop(struct hub_keys *k, const char *sha256)
{
    struct entry **at, *e = NULL;

    pthread_mutex_lock(&k->lock);
    for (at = &k->list; *at; at = &(*at)->next) {
        if (strcmp((*at)->sha256, sha256) == 0) {
            e = *at;
            *at = e->next;
            k->count--;
            break;
        }
    }
    pthread_mutex_unlock(&k->lock);
    if (e) {
        free_entry(e);
    }
}

/* ---- reading ---- */

static void close_container(void *arg)
{
    struct store_container *c = arg;

    store_container_close(&c);
}

/* Copies of one entry, so that the lock is not held while files are opened. */
static size_t copy_entry(struct hub_keys *k, struct wh_arena *a,
                         const char *sha256, struct store_container_row **rows,
                         uint8_t (**keys)[STORE_CONTAINER_KEY])
{
    const struct entry *e;
    size_t n = 0;

    pthread_mutex_lock(&k->lock);
    e = find(k, sha256);
    if (e) {
        n = e->n;
        *rows = wh_arena_array(a, n, sizeof **rows);
        *keys = wh_arena_array(a, n, sizeof **keys);
        memcpy(*rows, e->rows, n * sizeof **rows);
        memcpy(*keys, e->keys, n * sizeof **keys);
    }
    pthread_mutex_unlock(&k->lock);
    return n;
}

bool hub_keys_open(struct hub_keys *k, int sealed, struct wh_arena *a,
                   const char *sha256, bool *found, struct wh_src *out,
                   struct wh_err *err)
{
    struct store_container_row *rows;
    uint8_t(*keys)[STORE_CONTAINER_KEY];
    struct wh_src *parts;
    size_t n = copy_entry(k, a, sha256, &rows, &keys);
    bool ok = true;

    *found = n > 0;
    if (n == 0) {
        return true;
    }
    parts = wh_arena_array(a, n, sizeof *parts);
    for (size_t i = 0; ok && i < n; i++) {
        int fd = store_container_open_file(sealed, rows[i].id, err);
        struct store_container *c =
            fd < 0 ? NULL : store_container_open(fd, rows[i].id, keys[i], err);
        ok = c != NULL;
        if (ok) {
            wh_arena_defer(a, close_container, c);
            parts[i] = *store_container_src(c);
        }
    }
    wh_wipe(keys, n * sizeof *keys);
    return ok && store_joined_src(a, parts, n, out, err);
}
