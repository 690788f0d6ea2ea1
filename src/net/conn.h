/*
 * conn.h - the server's side of a connection: one request after the other.
 * Owner: its loop; freed by the loop after it was closed.
 * Never: starts a request before the answer to the one before it is sent.
 */
#ifndef WH_NET_CONN_H
#define WH_NET_CONN_H

#include "net/parse.h"
#include "net/peers.h"
#include "net/pool.h"
#include "net/task.h"

#include <sys/uio.h>

#define NET_ANSWER_HEAD 131072 /* ceiling of the head of an answer */

enum net_state {
    NET_ST_HELLO, /* the TLS handshake */
    NET_ST_IDLE,  /* between requests; nothing of the next one has come */
    NET_ST_HEAD,  /* a head is coming in */
    NET_ST_BODY,  /* a body is coming in, to a buffer or to a sink */
    NET_ST_WORK,  /* the application has it */
    NET_ST_WRITE, /* the answer goes out */
    NET_ST_LIVE,  /* the answer is written on the loop (live.h) */
    NET_ST_LINGER /* all is sent; reading until the client closes */
};

struct net_server {
    struct net_conf conf;
    struct net_work work[NET_LANES];
    struct net_pool pool;
    struct net_peers peers;
    struct net_budget budget; /* of buffered bodies */
    struct net_shard *shards; /* one loop and its listener each */
    unsigned shard_n;
    char boot[13]; /* first half of request ids */
    _Atomic uint64_t requests, connections, accepted, refused, faults;
    _Atomic uint64_t bytes_in, bytes_out;
};

struct net_conn {
    struct net_sock sock; /* first */
    struct net_server *srv;
    enum net_state state;
    struct net_peer_key key;
    char peer[NET_PEER];
    struct net_parser parser;
    struct net_task *task; /* null between requests, and after a fault */

    /* reading */
    char *left; /* bytes that came with earlier ones and wait for their turn */
    size_t left_at, left_n;
    struct net_piece fill; /* the piece of a streaming body under way */
    uint64_t limit;        /* of this body */
    bool streaming;
    bool too_big; /* the body went over the limit */
    bool stalled; /* we do not read, because the sink is slow */
    bool waiting; /* we do not read, because there is no room for the body */

    /* writing */
    struct net_out *out;
    struct wh_buf head; /* of the answer */
    struct iovec vec[4];
    size_t vec_at, vec_n;
    uint64_t file_left;
    struct net_piece pull;
    uint64_t pull_n; /* bytes pulled so far */
    struct net_live *live;
    bool pull_asked, pull_end, pull_chunked;
    char frame[24];               /* head of a chunk */
    bool keep;                    /* another request may follow this answer */
    uint64_t head_bytes, written; /* of the answer: its head; all so far */

    uint64_t mark; /* progress when the present window began */
    bool stopping; /* the server stops: no further request */
};

/* Take a connection that was accepted (tls null: it is in the clear); the
 * descriptor is closed on failure. The address has been counted in srv->peers,
 * and is counted out by net. */
void net_conn_open(struct net_loop *l, struct net_server *srv, int fd,
                   const struct net_peer_key *key, const char *peer,
                   struct net_tls *tls);
/* The connection of a socket, or null if it is something else. */
struct net_conn *net_conn_of(struct net_sock *s);
/* Finish the request at work, if any, then close. */
void net_conn_stop(struct net_conn *c);
/* Reset the connection; its request is over. */
void net_conn_cut(struct net_conn *c, const char *why);

/* Between the parts: conn.c (states), conn_read.c, conn_send.c. */

/* One step of NET_ST_IDLE and NET_ST_HEAD, and of NET_ST_BODY; false: wait for
 * an event. */
bool net_conn_read_head(struct net_conn *c);
bool net_conn_read_body(struct net_conn *c);
/* The answer to a body for which no room is found. */
#define NET_NO_ROOM \
    ((struct net_fault){503, "too many large requests at once, try again"})
/* The body is to be buffered: claim room, and read it when there is some. */
void net_conn_take_body(struct net_conn *c);
/* There is room for the body: read it to its buffer. */
void net_conn_fill_body(struct net_conn *c);
/* The handler may run: the request is complete, or its body has to wait for
 * that. */
void net_conn_start_work(struct net_conn *c);
/* Begin to read the body; says "100 Continue" if the client waits for it. */
void net_conn_start_body(struct net_conn *c);
/* The parser's callback for body bytes; ctx is the connection. */
void net_conn_on_body(void *ctx, const char *p, size_t n);
/* Forget bytes that were kept for later. */
void net_conn_drop_left(struct net_conn *c);

/* Begin to send c->out: head first. */
void net_conn_answer(struct net_conn *c);
/* Answer by ourselves and close after that; ends the request. */
void net_conn_fault(struct net_conn *c, struct net_fault fault);
/* One step of NET_ST_WRITE; false: wait for an event. */
bool net_conn_send(struct net_conn *c);
/* The pull buffer has something. */
void net_conn_pulled(struct net_conn *c);
/* The answer is with the kernel: on to the next request, or linger. */
void net_conn_next(struct net_conn *c);
/* Append the head of the answer c->out to b. */
void net_conn_head(struct net_conn *c, struct wh_buf *b);
/* The answer is a live one (live.c): start it; one step of NET_ST_LIVE; its
 * end, if there is one; has the client taken too little in this window? */
void net_conn_live(struct net_conn *c);
bool net_conn_step_live(struct net_conn *c);
void net_conn_live_over(struct net_conn *c, bool complete);
bool net_conn_live_slow(struct net_conn *c);
/* Give back what belongs to the present request. */
void net_conn_drop_request(struct net_conn *c, bool complete);
/* ms from now, for the present state. */
void net_conn_deadline(struct net_conn *c, uint64_t ms);

#endif
