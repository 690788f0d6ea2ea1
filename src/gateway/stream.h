/*
 * stream.h - one request at an engine, and its answer on the way to the client;
 * both sides on one loop. Only for gateway.c, stream.c and tell.c.
 * Owner: made by a worker, given to the loop with the answer, freed there when
 * both sides are over.
 * Never: touched by two threads at once, save `news` while it is on its way.
 */
#ifndef WH_GATEWAY_STREAM_H
#define WH_GATEWAY_STREAM_H

#include "gateway/gateway.h"
#include "gateway/heard.h"
#include "gateway/portal.h"
#include "gateway/sse.h"
#include "net/live.h"
#include "net/upstream.h"

/* An answer that is not streamed, and requests on their way, all together. */
#define GATEWAY_ANSWER_MAX ((size_t)16 << 20)
#define GATEWAY_PENDING_MAX ((uint64_t)128 << 20)
/* Most loops that a server has. */
#define GATEWAY_LANES 256u

/* What a loop keeps for its streams. Only its loop touches it; other threads
 * read pools[].idle. */
struct gateway_lane {
    struct gateway_stream *first;
    struct wh_pull *reader;  /* of requests that need no worker */
    struct gateway_ear *ear; /* made with the first stream */
    struct wh_buf out;       /* what is written in this step */
    struct wh_buf text;      /* what was released of a channel */
    struct net_up_pool pools[GATEWAY_TARGETS];
};

/* One field of one choice, while the filter keeps some of it back. */
struct gateway_channel {
    unsigned choice, call;
    enum gateway_field field;
    bool named; /* a call whose id and name have gone */
    struct wh_buf held;
};

/* x-ratelimit-*, as it was when the request was taken. */
struct gateway_rates {
    struct gateway_caps caps;
    struct gateway_left left;
};

struct gateway {
    struct gateway_config conf;
    struct gateway_keys *keys;
    struct gateway_routes *routes;
    _Atomic(struct net_server *) server; /* known from its first request */
    struct gateway_lane lanes[GATEWAY_LANES];
    _Atomic uint64_t open, begun, stopped, gone, faults, pending;
};

struct gateway_stream {
    struct gateway *g;
    struct gateway_lane *lane;
    struct gateway_stream *next, **prev; /* in the lane; prev null: not in it */
    struct gateway_key *key;
    struct gateway_route *route;
    void *filter_state;              /* null: not watched */
    const struct gateway_face *face; /* null: it is told as JSON */
    void *face_ctx;
    enum gateway_finish face_finish;

    /* the request */
    enum gateway_endpoint endpoint;
    bool stream, include_usage, obfuscate, custody;
    unsigned choices;
    uint64_t prompt_bound, answer_bound, reserved;
    struct wh_buf request; /* until the engine answers */
    size_t request_from;   /* where in it the request begins */
    uint64_t request_n;    /* counted in g->pending */
    int fd;                /* connected for us, or -1: from the pool */
    char id[NET_ID];
    int64_t created, began_us;
    struct gateway_rates rates;

    /* the two sides */
    struct net_live *live;
    struct net_up *up;
    struct net_server *server;
    struct net_loop *loop;
    bool dialing, dialed; /* a worker connects; it has been tried again */
    struct gateway_fault *dial_fault; /* of the second try */
    struct net_news news;

    /* the answer */
    int status;    /* of the engine */
    bool events;   /* it is a stream of events */
    bool done;     /* the engine said so */
    bool answered; /* the client's answer is complete */
    bool settled;
    bool quiet; /* nothing was sent since the last look */
    struct net_timer alive;
    struct gateway_sse sse;
    struct wh_buf whole;
    struct gateway_channel *channels;
    size_t channels_n, channels_cap;
    uint8_t role_sent[GATEWAY_CHOICES_MAX / 8];
    uint8_t finished[GATEWAY_CHOICES_MAX / 8];
    struct gateway_cut cut;
    bool is_cut;
    bool has_usage;
    uint64_t prompt_tokens, completion_tokens, cached, reasoning;
    uint64_t pieces, bytes; /* of text */
};

/* stream.c: the answer of a request that is ready to be sent to its engine. */
extern const struct net_live_ops gateway_stream_ops;
/* Free one that was never given to a loop; settles it with nothing used. */
void gateway_stream_free(struct gateway_stream *s);
/* Make the usage a number that can be: what the engine says, but not more than
 * was reserved; where it says nothing, what was seen. */
void gateway_stream_count(struct gateway_stream *s);
/* On its loop: end it, as gateway_stop says. */
void gateway_stream_stop(struct gateway_stream *s,
                         const struct gateway_fault *f);

/* What a fault is answered with, beside its body: names and values. */
#define GATEWAY_HEADS 12
struct gateway_heads {
    struct {
        const char *name;
        char value[64];
    } v[GATEWAY_HEADS];
    size_t n;
};
/* Headers of every answer; f: of a fault, else null. */
void gateway_heads_fill(struct gateway_heads *h,
                        const struct gateway_rates *rates, int64_t took_us,
                        const struct gateway_fault *f);

/* tell.c: all write to lane->out. */

/* Texts of one event, as far as the filter lets them go. False: cut, see
 * s->cut; what went before has been written. */
bool gateway_tell_event(struct gateway_stream *s,
                        const struct gateway_heard *h) WH_CHECK;
/* The same for a whole answer: the JSON of it. */
bool gateway_tell_whole(struct gateway_stream *s,
                        const struct gateway_heard *h) WH_CHECK;
/* Every choice that is not finished ends with this reason. */
void gateway_tell_finish(struct gateway_stream *s, enum gateway_finish why);
/* The event of usage, if it was asked for, then [DONE]. */
void gateway_tell_done(struct gateway_stream *s);
/* An event that is an error. */
void gateway_tell_error(struct gateway_stream *s,
                        const struct gateway_fault *f);

#endif
