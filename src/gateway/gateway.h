/*
 * gateway.h - requests to hosted models: checked, metered, sent to an engine,
 * and answered with what may be said of its answer.
 * Owner: gateway_new .. gateway_free, outliving the server that its requests
 * come from.
 * Never: sends a byte of an engine's text that the filter has not let go;
 * leaves an engine at work for a client that has left.
 */
#ifndef WH_GATEWAY_GATEWAY_H
#define WH_GATEWAY_GATEWAY_H

#include "gateway/ask.h"
#include "gateway/keys.h"
#include "gateway/route.h"
#include "net/server.h"

struct gateway;

struct gateway_config {
    struct db_writer *writer;
    struct wh_str places, serve;         /* see route.h */
    struct gateway_engines *engines;     /* null: none in this house */
    const struct line_set *lines;        /* see route.h */
    const struct gateway_filter *filter; /* null: gateway_filter_none */
    struct gateway_caps caps;            /* of a key that names none */
    unsigned context;                    /* tokens, of models elsewhere */
    int64_t first_us, silence_us;        /* until an engine's first byte, and
                                            between two */
};

/* Begin. Null with *err for a configuration that can not be read. */
struct gateway *gateway_new(const struct gateway_config *c, struct wh_err *err);
/* After the server has stopped. Null is fine. */
void gateway_free(struct gateway **g);

/* Its keys, its routes, and the limits of a key that names none. */
struct gateway_keys *gateway_keys(struct gateway *g);
struct gateway_routes *gateway_routes(struct gateway *g);
const struct gateway_caps *gateway_caps(const struct gateway *g);

/* One request, whose key has been found (it is not given back by this); the
 * job is its last. base: "http://host" as the caller spoke to us. */
void gateway_answer(struct gateway *g, struct net_req *r, struct db *db,
                    struct gateway_key *key, enum gateway_endpoint endpoint,
                    struct wh_str base);
/* The same on a loop, where nothing of it can block: a small request, to a
 * model that the filter does not look at, with a way to its engine at hand.
 * False, and nothing shows of it: gateway_answer is for a worker. */
bool gateway_answer_quick(struct gateway *g, struct net_req *r,
                          struct gateway_key *key,
                          enum gateway_endpoint endpoint);
/* Any other answer of /v1, with the headers that all of them have: JSON, or a
 * fault. key may be null. */
void gateway_answer_json(struct gateway *g, struct net_req *r,
                         struct gateway_key *key, struct wh_str json);
void gateway_answer_fault(struct gateway *g, struct net_req *r,
                          struct gateway_key *key,
                          const struct gateway_fault *f);

/* Whose requests are to end. */
enum gateway_whose { GATEWAY_OF_KEY, GATEWAY_OF_ACCOUNT, GATEWAY_OF_MODEL };

struct gateway_stop {
    enum gateway_whose whose;
    int64_t id;          /* of the key or the account */
    struct wh_str model; /* "demo/smollm2" */
    bool suspended;      /* OF_KEY: by a case, and not by its owner */
    struct wh_str why;   /* one sentence for who is cut off */
    struct wh_str url;   /* of the case, or the decision; may be empty */
};

/* Nothing new runs from now on, and every request that runs ends: with status
 * and error where nothing was sent yet, else with an error event that says why
 * and where to read on. Returns at once; the loops do it in their next turn.
 * Any thread. */
void gateway_stop(struct gateway *g, const struct gateway_stop *s);

/* For metrics and tests. */
struct gateway_figures {
    uint64_t open;    /* requests at engines */
    uint64_t begun;   /* ever */
    uint64_t stopped; /* by gateway_stop */
    uint64_t gone;    /* whose client left */
    uint64_t faults;  /* of engines */
    uint64_t pending; /* bytes of requests that engines have not taken */
};
/* The figures of now; any thread. */
struct gateway_figures gateway_figures(struct gateway *g);

#endif
