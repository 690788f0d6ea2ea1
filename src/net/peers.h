/*
 * peers.h - how many connections each address has open.
 * Owner: the server; every successful net_peers_enter is matched by one leave.
 * Never: keeps an address after its last connection went.
 */
#ifndef WH_NET_PEERS_H
#define WH_NET_PEERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An IPv6 /64 or an IPv4 address (as ::ffff:a.b.c.d/128). */
struct net_peer_key {
    uint8_t b[16];
};

struct net_peers {
    pthread_mutex_t lock;
    struct net_peer_row *rows; /* open addressing, a power of two */
    size_t cap, used;
    uint64_t max, seed;
};

/* seed: random, so that nobody can choose addresses that collide. */
void net_peers_init(struct net_peers *p, uint64_t max, uint64_t seed);
void net_peers_done(struct net_peers *p);
/* Count one connection in; false when that address has its share already. */
bool net_peers_enter(struct net_peers *p, const struct net_peer_key *k);
void net_peers_leave(struct net_peers *p, const struct net_peer_key *k);

/* For tables of addresses; seed: random, as above. */
size_t net_peer_hash(const struct net_peer_key *k, uint64_t seed);

/* The key, and the text of the whole address (room for NET_PEER bytes). Sockets
 * of other families share one key and the text "local". */
struct net_peer_key net_peer_key_of(const struct sockaddr_storage *a);
void net_peer_text(const struct sockaddr_storage *a, char *out);

#endif
