/*
 * live.h - an answer that is written on the loop, piece by piece, by somebody
 * who waits on that loop for something else (an engine on its own socket).
 * Owner: net owns the live answer from `start` to `over`; ctx is the caller's.
 * Never: calls back from within a call into it; blocks.
 *
 * The job that answers with net_answer_live is the request's last: arena and
 * buffered body end with it, and a stream that is open for an hour holds
 * neither. What must live longer lies in ctx.
 */
#ifndef WH_NET_LIVE_H
#define WH_NET_LIVE_H

#include "base/buf.h"
#include "net/loop.h"
#include "net/server.h"

struct net_live;

/* All on the loop of the connection, unless stated otherwise. */
struct net_live_ops {
    /* The answer may be written from now on. */
    void (*start)(void *ctx, struct net_live *l);
    /* Everything that was written has gone to the kernel. */
    void (*room)(void *ctx);
    /* The last call: the answer is with the kernel (complete), or can not be:
     * the client left, was too slow, or was cut. */
    void (*over)(void *ctx, bool complete);
    /* Instead of all others: the client left before `start`. On any thread. */
    void (*never)(void *ctx);
};

/* From a job: answer live. Instead of net_answer .. net_answer_send. */
void net_answer_live(struct net_req *r, const struct net_live_ops *ops,
                     void *ctx);
/* Which loop of the server the request is on, 0 .. net_server_loops - 1. */
unsigned net_req_loop(const struct net_req *r);
unsigned net_server_loops(const struct net_server *s);
/* The loop of that number. */
struct net_loop *net_server_loop(struct net_server *s, unsigned i);

/* Begin: status, then header lines; net adds its own as for every answer. */
void net_live_begin(struct net_live *l, int status);
void net_live_header(struct net_live *l, const char *name, struct wh_str value);
/* The whole body at once, with its length; ends the answer. */
void net_live_whole(struct net_live *l, struct wh_str body);
/* The next bytes of a body of unknown length; copied. The first call ends the
 * head. None after net_live_end. */
void net_live_write(struct net_live *l, struct wh_str bytes);
void net_live_end(struct net_live *l);
/* Reset the connection in the loop's next step; `over` follows. */
void net_live_cut(struct net_live *l);
/* Bytes that were not sent yet: the latest, and what the client does not take.
 */
size_t net_live_waiting(const struct net_live *l);
/* Has anything been begun, so that the status can not be chosen any more? */
bool net_live_begun(const struct net_live *l);
struct net_loop *net_live_loop(const struct net_live *l);

#endif
