/*
 * upstream.h - the client's side of HTTP/1.1 on a loop: one request to an
 * engine, its answer as it comes, and connections that are used again.
 * Owner: net owns an exchange from net_up_start to `over` or net_up_drop;
 * a pool is its maker's and must outlive the loops.
 * Never: blocks; dials (a descriptor is given); calls back from within a call
 * into it; keeps a byte of the answer.
 */
#ifndef WH_NET_UPSTREAM_H
#define WH_NET_UPSTREAM_H

#include "net/head.h"
#include "net/loop.h"
#include "net/parse.h"

struct net_up;

/* Idle connections to one place, of one loop. Only `idle` may be read by other
 * threads. All bytes zero: keeps none. */
struct net_up_pool {
    struct net_up *first;
    size_t max;      /* connections that are kept */
    int64_t keep_us; /* for so long */
    _Atomic size_t idle;
};

enum net_up_end {
    NET_UP_DONE,    /* the answer is complete */
    NET_UP_STALE,   /* a used connection ended before it said anything: the
                       request may be sent again on a new one */
    NET_UP_REFUSED, /* could not be connected */
    NET_UP_LATE,    /* took longer than it may */
    NET_UP_BROKE,   /* ended in the middle */
    NET_UP_BAD      /* was not HTTP, or more than the limits */
};

/* All on the loop; each may call net_up_drop and net_up_hold. */
struct net_up_ops {
    /* The head of the answer; length as in the parser (NET_CHUNKED: unknown).
     * From here on the request's bytes are no longer needed. */
    void (*head)(void *ctx, int status, const struct net_head *h,
                 uint64_t length);
    void (*data)(void *ctx, const char *p, size_t n);
    /* The last call; not after net_up_drop. */
    void (*over)(void *ctx, enum net_up_end how);
};

struct net_up_call {
    struct net_loop *loop;
    struct net_up_pool *pool; /* where the connection goes afterwards, and
                                 comes from if fd is -1; null: nowhere */
    int fd; /* connected or connecting, non-blocking; becomes net's, also on
               failure. -1: an idle one of the pool */
    struct wh_str
        request; /* head and body; must live until `head` or the end */
    int64_t connect_us, first_us, idle_us; /* to connect; from the request to
                                              the head; between two pieces */
    const struct net_up_ops *ops;
    void *ctx;
};

/* Begin. Null: the pool has no idle connection (fd -1), or the descriptor can
 * not be watched. */
struct net_up *net_up_start(const struct net_up_call *call);
/* Do not read any more, until told otherwise: whoever takes it is slow. */
void net_up_hold(struct net_up *u, bool hold);
/* Nobody is interested any more: the connection is closed, which tells the
 * engine; no further calls. Null is fine. */
void net_up_drop(struct net_up *u);
/* Close what idles on a loop (which stops). */
void net_up_close_idle(struct net_loop *l);

#endif
