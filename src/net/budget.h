/*
 * budget.h - the memory of bodies that are buffered whole: so much for the
 * server, and a share of it for each address.
 * Owner: the server; a claim lies inside its task and is given back once.
 * Never: promises a part of a body: who has its claim has room for all of it,
 * so that no two half-read bodies can wait for each other.
 *
 * Who does not fit waits; addresses take turns, and within an address it is
 * first come, first served. Nobody who waits is overtaken because his body is
 * large.
 */
#ifndef WH_NET_BUDGET_H
#define WH_NET_BUDGET_H

#include "net/peers.h"

#include <stddef.h>

enum net_claim_state {
    NET_CLAIM_NONE, /* never asked, or given back */
    NET_CLAIM_WAIT,
    NET_CLAIM_HELD
};

/* One body. Zeroed at first; touched by budget.c only, with its lock held. */
struct net_claim {
    enum net_claim_state state;
    uint64_t bytes;
    struct net_share *share;
    struct net_claim *next; /* in the line of its address; among the granted */
};

#define NET_BUDGET_ROWS 1024

struct net_budget {
    pthread_mutex_t lock;
    uint64_t max, per_address, seed;
    uint64_t used;
    uint64_t waiting; /* claims */
    size_t queue;     /* claims of one address that may wait */
    bool short_of;    /* the next in turn waits for the whole, not its share */
    struct net_share *turn; /* ring of the addresses with a line; next one */
    struct net_share *rows[NET_BUDGET_ROWS]; /* by hash of the address */
};

/* max bytes for all, per_address <= max for each; queue claims of an address
 * may wait; seed: random. */
void net_budget_init(struct net_budget *b, uint64_t max, uint64_t per_address,
                     size_t queue, uint64_t seed);
/* Every claim has been given back (asserted). */
void net_budget_done(struct net_budget *b);
/* Claim 1..per_address bytes. NET_CLAIM_HELD: go on. NET_CLAIM_WAIT: the claim
 * will be among those that net_budget_give returns, unless it is cancelled.
 * NET_CLAIM_NONE: too many of that address wait already. */
enum net_claim_state net_budget_ask(struct net_budget *b, struct net_claim *c,
                                    const struct net_peer_key *key,
                                    uint64_t bytes);
/* Stop waiting; *waited is false when the claim did not wait (any more). Claims
 * that stood behind it and have room now are returned, as by net_budget_give.
 */
struct net_claim *net_budget_cancel(struct net_budget *b, struct net_claim *c,
                                    bool *waited);
/* Give back what the claim holds, if anything; it must not wait. The claims
 * that got their room by this are returned, linked by `next`; *c is not touched
 * afterwards. */
struct net_claim *net_budget_give(struct net_budget *b, struct net_claim *c);
/* Does anybody wait for the room that this claim holds? */
bool net_budget_pressed(struct net_budget *b, const struct net_claim *c);
/* Bytes held, claims waiting; either may be null. */
void net_budget_figures(struct net_budget *b, uint64_t *used,
                        uint64_t *waiting);

#endif
