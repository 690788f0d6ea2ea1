/*
 * cards.c - a small cache, searched from end to end: a few hundred keys are
 * compared faster than a card is written to a socket.
 */
#include "web/cards.h"
#include "base/mem.h"
#include <pthread.h>

struct card {
    char *memory; /* of both: key, then html */
    struct wh_str key, html;
    uint64_t used;
};

struct web_cards {
    pthread_mutex_t lock;
    struct card list[WEB_CARDS_MAX];
    size_t n, bytes;
    uint64_t clock;
};

struct web_cards *web_cards_new(void)
{
    struct web_cards *c = wh_alloc(sizeof *c);

    memset(c, 0, sizeof *c);
    wh_assert(pthread_mutex_init(&c->lock, NULL) == 0);
    return c;
}

/* The last one takes the place of the one that goes. */
static void drop(struct web_cards *c, size_t i)
{
    c->bytes -= c->list[i].key.n + c->list[i].html.n;
    wh_free(c->list[i].memory);
    c->list[i] = c->list[--c->n];
}

void web_cards_free(struct web_cards **cards)
{
    struct web_cards *c = *cards;

    if (!c) {
        return;
    }
    while (c->n > 0) {
        drop(c, c->n - 1);
    }
    pthread_mutex_destroy(&c->lock);
    wh_free(c);
    *cards = NULL;
}

static struct card *find(struct web_cards *c, struct wh_str key)
{
    for (size_t i = 0; i < c->n; i++) {
        if (wh_str_eq(c->list[i].key, key)) {
            return &c->list[i];
        }
    }
    return NULL;
}

bool web_cards_get(struct web_cards *cards, struct wh_arena *a,
                   struct wh_str key, struct wh_str *html)
{
    struct card *card;

    pthread_mutex_lock(&cards->lock);
    card = find(cards, key);
    if (card) {
        card->used = ++cards->clock;
        *html = wh_arena_dup(a, card->html);
    }
    pthread_mutex_unlock(&cards->lock);
    return card != NULL;
}

static void drop_oldest(struct web_cards *c)
{
    size_t oldest = 0;

    for (size_t i = 1; i < c->n; i++) {
        if (c->list[i].used < c->list[oldest].used) {
            oldest = i;
        }
    }
    drop(c, oldest);
}

void web_cards_put(struct web_cards *cards, struct wh_str key,
                   struct wh_str html)
{
    size_t n = key.n + html.n;
    char *memory;

    if (n > WEB_CARDS_BYTES / 4) {
        return;
    }
    memory = wh_alloc(n + 1);
    memcpy(memory, key.p, key.n);
    memcpy(memory + key.n, html.p, html.n);
    pthread_mutex_lock(&cards->lock);
    if (find(cards, key)) {
        wh_free(memory);
    } else {
        while (cards->n == WEB_CARDS_MAX ||
               (cards->n > 0 && cards->bytes + n > WEB_CARDS_BYTES)) {
            drop_oldest(cards);
        }
        cards->list[cards->n++] = (struct card){
            memory, {memory, key.n}, {memory + key.n, html.n}, ++cards->clock};
        cards->bytes += n;
    }
    pthread_mutex_unlock(&cards->lock);
}
