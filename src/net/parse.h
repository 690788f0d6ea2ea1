/*
 * parse.h - one HTTP/1.1 message after the other out of a stream of bytes, for
 * both sides: requests for the server, responses for the gateway's engines.
 * Owner: the caller owns the parser, the head it fills and the bytes it feeds.
 * Never: touches a socket; keeps body bytes; is lenient.
 */
#ifndef WH_NET_PARSE_H
#define WH_NET_PARSE_H

#include "net/head.h"
#include "net/server.h"

#include <llhttp.h>

enum net_side { NET_REQUEST, NET_RESPONSE };

enum net_event {
    NET_EV_MORE, /* all bytes were used, more are needed */
    NET_EV_HEAD, /* the head is complete; `complete` tells if that was all */
    NET_EV_DONE, /* the message is complete */
    NET_EV_BAD   /* refused: see fault; the connection must be closed */
};

struct net_parser {
    llhttp_t ll;
    struct net_head *head;
    void (*body)(void *ctx, const char *p, size_t n);
    void *ctx;
    size_t max_head;
    struct net_fault fault;
    uint64_t length; /* of the body: announced, NET_CHUNKED, or 0 */
    uint64_t body_n; /* body bytes given so far */
    uint64_t
        around_n;  /* framing bytes fed since the head: chunk heads, trailers */
    size_t head_n; /* bytes fed since the message began, until its head ended */
    int status;    /* responses */
    enum net_method method; /* requests */
    bool in_head, complete, keep_alive, expect_continue, http10;
    bool no_body; /* responses: set before the head, after a HEAD request */
};

/* body gets the bytes of bodies as views into what is fed. */
void net_parser_init(struct net_parser *p, enum net_side side, size_t max_head,
                     void (*body)(void *ctx, const char *p, size_t n),
                     void *ctx);
/* Expect a new message, whose head goes to `head` (already initialised). */
void net_parser_begin(struct net_parser *p, struct net_head *head);
/* Feed n > 0 bytes. Stops after a head and after a message: *used tells how far
 * it came, the rest must be fed again. */
enum net_event net_parser_feed(struct net_parser *p, const char *data, size_t n,
                               size_t *used);
/* The stream ended: NET_EV_DONE if that completes a response, else
 * NET_EV_BAD. */
enum net_event net_parser_eof(struct net_parser *p);

/* Host header: split "name:port" into the name in lower case (written to out,
 * which has room for s.n bytes) without the port. False if malformed. */
bool net_host_split(struct wh_str s, char *out, size_t *out_n);

#endif
