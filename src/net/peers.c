/*
 * peers.c - a small hash table from address to count, with backward-shift
 * deletion, so that it never fills with tombstones.
 */
#include "net/peers.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define FIRST_ROWS 64

struct net_peer_row {
    struct net_peer_key key;
    uint64_t count; /* 0: the row is free */
};

/* The row of k, or the free row where it would go. */
static size_t find(const struct net_peers *p, const struct net_peer_key *k)
{
    size_t i = net_peer_hash(k, p->seed) & (p->cap - 1);
    while (p->rows[i].count != 0 &&
           memcmp(&p->rows[i].key, k, sizeof *k) != 0) {
        i = (i + 1) & (p->cap - 1);
    }
    return i;
}

static void grow(struct net_peers *p)
{
    struct net_peer_row *old = p->rows;
    size_t n = p->cap;
    p->cap = n * 2;
    p->rows = wh_calloc(p->cap, sizeof *p->rows);
    for (size_t i = 0; i < n; i++) {
        if (old[i].count != 0) {
            p->rows[find(p, &old[i].key)] = old[i];
        }
    }
    wh_free(old);
}

/* Empty row i and pull back later rows of its chain that may move up. */
static void erase(struct net_peers *p, size_t i)
{
    size_t mask = p->cap - 1;
    for (size_t j = (i + 1) & mask; p->rows[j].count != 0; j = (j + 1) & mask) {
        size_t home = net_peer_hash(&p->rows[j].key, p->seed) & mask;
        if (((j - home) & mask) >= ((j - i) & mask)) {
            p->rows[i] = p->rows[j];
            i = j;
        }
    }
    p->rows[i] = (struct net_peer_row){0};
    p->used--;
}

void net_peers_init(struct net_peers *p, uint64_t max, uint64_t seed)
{
    *p = (struct net_peers){.cap = FIRST_ROWS, .max = max, .seed = seed};
    p->rows = wh_calloc(p->cap, sizeof *p->rows);
    pthread_mutex_init(&p->lock, NULL);
}

void net_peers_done(struct net_peers *p)
{
    wh_assert(p->used == 0);
    wh_free(p->rows);
    pthread_mutex_destroy(&p->lock);
}

bool net_peers_enter(struct net_peers *p, const struct net_peer_key *k)
{
    pthread_mutex_lock(&p->lock);
    if ((p->used + 1) * 2 > p->cap) {
        grow(p);
    }
    struct net_peer_row *row = &p->rows[find(p, k)];
    bool good = row->count < p->max;
    if (good && row->count++ == 0) {
        row->key = *k;
        p->used++;
    }
    pthread_mutex_unlock(&p->lock);
    return good;
}

void net_peers_leave(struct net_peers *p, const struct net_peer_key *k)
{
    pthread_mutex_lock(&p->lock);
    size_t i = find(p, k);
    wh_assert(p->rows[i].count > 0);
    if (--p->rows[i].count == 0) {
        p->rows[i].count = 1; /* still part of its chain while it is erased */
        erase(p, i);
    }
    pthread_mutex_unlock(&p->lock);
}

size_t net_peer_hash(const struct net_peer_key *k, uint64_t seed)
{
    uint64_t a, b;
    memcpy(&a, k->b, 8);
    memcpy(&b, k->b + 8, 8);
    uint64_t h = (a ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 32) ^ b ^ (seed << 1)) * UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(h ^ (h >> 32));
}

struct net_peer_key net_peer_key_of(const struct sockaddr_storage *a)
{
    struct net_peer_key k = {{0}};
    if (a->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        k.b[10] = k.b[11] = 0xff;
        memcpy(k.b + 12, &in.sin_addr, 4);
    } else if (a->ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, a, sizeof in);
        /* an address that maps IPv4 counts as that; else the /64 counts */
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in.sin6_addr);
        memcpy(k.b, &in.sin6_addr, mapped ? 16 : 8);
    }
    return k;
}

void net_peer_text(const struct sockaddr_storage *a, char *out)
{
    memcpy(out, "local", 6);
    if (a->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, out, NET_PEER);
    } else if (a->ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, a, sizeof in);
        (void)inet_ntop(AF_INET6, &in.sin6_addr, out, NET_PEER);
    }
}
