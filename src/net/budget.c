/*
 * budget.c - a row for each address that holds or waits, found by hash; those
 * with a line are also in a ring, so that they take turns.
 */
#include "net/budget.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

struct net_share {
    struct net_peer_key key;
    struct net_share *same_hash;
    uint64_t used;
    struct net_claim *first, **last; /* its line */
    size_t waiting;
    struct net_share *before, *after; /* in the ring, while it has a line */
};

/* --- rows ----------------------------------------------------------------- */

static struct net_share **slot(struct net_budget *b,
                               const struct net_peer_key *k)
{
    struct net_share **at =
        &b->rows[net_peer_hash(k, b->seed) % NET_BUDGET_ROWS];
    while (*at != NULL && memcmp(&(*at)->key, k, sizeof *k) != 0) {
        at = &(*at)->same_hash;
    }
    return at;
}

static struct net_share *row_of(struct net_budget *b,
                                const struct net_peer_key *k)
{
    struct net_share **at = slot(b, k);
    if (*at == NULL) {
        *at = wh_alloc(sizeof **at);
        (*at)->key = *k;
        (*at)->last = &(*at)->first;
    }
    return *at;
}

static void drop_if_unused(struct net_budget *b, struct net_share *s)
{
    if (s->used == 0 && s->first == NULL) {
        struct net_share **at = slot(b, &s->key);
        wh_assert(*at == s);
        *at = s->same_hash;
        wh_free(s);
    }
}

/* --- the ring ------------------------------------------------------------- */

/* Behind all others, that is before whose turn it is. */
static void ring_add(struct net_budget *b, struct net_share *s)
{
    if (b->turn == NULL) {
        b->turn = s->before = s->after = s;
        return;
    }
    s->after = b->turn;
    s->before = b->turn->before;
    s->before->after = s;
    s->after->before = s;
}

static void ring_drop(struct net_budget *b, struct net_share *s)
{
    if (b->turn == s) {
        b->turn = s->after == s ? NULL : s->after;
    }
    s->before->after = s->after;
    s->after->before = s->before;
    s->before = s->after = NULL;
}

/* --- lines ---------------------------------------------------------------- */

static void line_add(struct net_budget *b, struct net_share *s,
                     struct net_claim *c)
{
    if (s->first == NULL) {
        ring_add(b, s);
    }
    *s->last = c;
    s->last = &c->next;
    s->waiting++;
    b->waiting++;
}

/* `at` is the link to the claim that goes. */
static struct net_claim *line_drop(struct net_budget *b, struct net_share *s,
                                   struct net_claim **at)
{
    struct net_claim *c = *at;
    *at = c->next;
    if (*at == NULL) {
        s->last = at;
    }
    c->next = NULL;
    s->waiting--;
    b->waiting--;
    if (s->first == NULL) {
        ring_drop(b, s);
    }
    return c;
}

static bool fits_share(const struct net_budget *b, const struct net_share *s,
                       uint64_t bytes)
{
    return bytes <= b->per_address - s->used;
}

static bool fits(const struct net_budget *b, uint64_t bytes)
{
    return bytes <= b->max - b->used;
}

static void hold(struct net_budget *b, struct net_share *s, struct net_claim *c)
{
    c->state = NET_CLAIM_HELD;
    s->used += c->bytes;
    b->used += c->bytes;
}

/* The next claim that there is room for, or null. An address whose share is
 * used up is passed over; where the whole is used up nobody is served before
 * whose turn it is. */
static struct net_claim *next_granted(struct net_budget *b)
{
    struct net_share *s = b->turn, *end = s;
    b->short_of = false;
    if (s == NULL) {
        return NULL;
    }
    while (!fits_share(b, s, s->first->bytes)) {
        s = s->after;
        if (s == end) {
            return NULL;
        }
    }
    b->turn = s;
    if (!fits(b, s->first->bytes)) {
        b->short_of = true;
        return NULL;
    }
    b->turn = s->after;
    struct net_claim *c = line_drop(b, s, &s->first);
    hold(b, s, c);
    return c;
}

static struct net_claim *grant(struct net_budget *b)
{
    struct net_claim *granted = NULL, **end = &granted, *c;
    while ((c = next_granted(b)) != NULL) {
        *end = c;
        end = &c->next;
    }
    return granted;
}

/* --- public --------------------------------------------------------------- */

void net_budget_init(struct net_budget *b, uint64_t max, uint64_t per_address,
                     size_t queue, uint64_t seed)
{
    wh_assert(per_address > 0 && per_address <= max);
    *b = (struct net_budget){
        .max = max, .per_address = per_address, .queue = queue, .seed = seed};
    pthread_mutex_init(&b->lock, NULL);
}

void net_budget_done(struct net_budget *b)
{
    wh_assert(b->used == 0 && b->waiting == 0);
    pthread_mutex_destroy(&b->lock);
}

enum net_claim_state net_budget_ask(struct net_budget *b, struct net_claim *c,
                                    const struct net_peer_key *key,
                                    uint64_t bytes)
{
    wh_assert(c->state == NET_CLAIM_NONE);
    wh_assert(bytes > 0 && bytes <= b->per_address);
    pthread_mutex_lock(&b->lock);
    struct net_share *s = row_of(b, key);
    c->bytes = bytes;
    c->share = s;
    c->next = NULL;
    bool first = s->first == NULL;
    if (first && fits_share(b, s, bytes) && !b->short_of && fits(b, bytes)) {
        hold(b, s, c);
    } else if (s->waiting < b->queue) {
        c->state = NET_CLAIM_WAIT;
        line_add(b, s, c);
        /* whose turn is next may have come to a stop at the whole by this */
        b->short_of = b->short_of || (first && fits_share(b, s, bytes));
    } else {
        drop_if_unused(b, s);
    }
    enum net_claim_state state = c->state;
    pthread_mutex_unlock(&b->lock);
    return state;
}

struct net_claim *net_budget_cancel(struct net_budget *b, struct net_claim *c,
                                    bool *waited)
{
    struct net_claim *granted = NULL;
    pthread_mutex_lock(&b->lock);
    *waited = c->state == NET_CLAIM_WAIT;
    if (*waited) {
        struct net_share *s = c->share;
        struct net_claim **at = &s->first;
        while (*at != c) {
            at = &(*at)->next;
        }
        (void)line_drop(b, s, at);
        c->state = NET_CLAIM_NONE;
        granted = grant(b);
        drop_if_unused(b, s);
    }
    pthread_mutex_unlock(&b->lock);
    return granted;
}

struct net_claim *net_budget_give(struct net_budget *b, struct net_claim *c)
{
    struct net_claim *granted = NULL;
    pthread_mutex_lock(&b->lock);
    wh_assert(c->state != NET_CLAIM_WAIT);
    if (c->state == NET_CLAIM_HELD) {
        struct net_share *s = c->share;
        c->state = NET_CLAIM_NONE;
        s->used -= c->bytes;
        b->used -= c->bytes;
        granted = grant(b);
        drop_if_unused(b, s);
    }
    pthread_mutex_unlock(&b->lock);
    return granted;
}

bool net_budget_pressed(struct net_budget *b, const struct net_claim *c)
{
    pthread_mutex_lock(&b->lock);
    bool pressed =
        c->state == NET_CLAIM_HELD && (b->short_of || c->share->first != NULL);
    pthread_mutex_unlock(&b->lock);
    return pressed;
}

void net_budget_figures(struct net_budget *b, uint64_t *used, uint64_t *waiting)
{
    pthread_mutex_lock(&b->lock);
    if (used != NULL) {
        *used = b->used;
    }
    if (waiting != NULL) {
        *waiting = b->waiting;
    }
    pthread_mutex_unlock(&b->lock);
}
