/*
 * route.h - which model is meant by a name, whether it may be asked here by
 * this caller, and where it runs.
 * Owner: gateway_routes_new .. gateway_routes_free; a route that was found is
 * shared and given back with gateway_route_drop.
 * Never: serves a model that the decision in effect does not host or open, or
 * one that waits for an exam which a line demands;
 * tells a stranger that a private repo exists.
 */
#ifndef WH_GATEWAY_ROUTE_H
#define WH_GATEWAY_ROUTE_H

#include "db/db.h"
#include "gateway/engine.h"
#include "gateway/fault.h"
#include "line/set.h"
#include "net/upstream.h"

#include <stdatomic.h>

#define GATEWAY_MODEL_MAX 256
#define GATEWAY_PLACES_MAX 64u
#define GATEWAY_TARGETS (GATEWAY_PLACES_MAX + GATEWAY_ENGINES_MAX)

/* Somewhere that answers like an engine, by configuration. */
struct gateway_place {
    struct wh_str model; /* "demo/smollm2", or "*": whatever has no other */
    struct wh_str there; /* the name that it knows the model by */
    bool is_unix;
    char address[108]; /* path, or numeric address */
    uint16_t port;
};

/* One model that may be asked. */
struct gateway_route {
    char model[GATEWAY_MODEL_MAX + 1]; /* as the repo writes it */
    int64_t repo, owner, created;
    bool is_private;
    bool custody;    /* hosted, and not open: its weights are guarded */
    bool waits;      /* a line demands an exam that is not there: nobody is
                        answered but the exam itself */
    int place;       /* index, or -1: an engine of the house */
    unsigned target; /* for pools of connections: below
                        GATEWAY_TARGETS, or that: none is kept */
    _Atomic unsigned running;
    unsigned most;        /* that may run; 0: no bound */
    char weights[65];     /* of the engine; "" else */
    unsigned context;     /* tokens */
    _Atomic bool stopped; /* was recalled; nothing runs on it any more */
    _Atomic unsigned refs;
    int64_t checked;
    struct gateway_route *next;
};

struct gateway_routes;

struct gateway_routes_config {
    struct wh_str
        places;          /* "demo/a=unix:/run/a.sock,org/b=http://[::1]:8000" */
    struct wh_str serve; /* open models that are asked here too */
    unsigned context;    /* of a model that is somewhere else */
    struct gateway_engines *engines; /* null: none */
    const struct line_set *lines;    /* what they demand before a hosted model
                                        is served; null: nothing */
};

/* Reads the configuration: WH_USAGE, with what is wrong. */
struct gateway_routes *gateway_routes_new(const struct gateway_routes_config *c,
                                          struct wh_err *err);
/* Every route was given back. Null is fine. */
void gateway_routes_free(struct gateway_routes **r);

/* The route for a name, for a caller (0: nobody). base: "http://host", for the
 * address in a refusal. False with the fault: unknown, or denied with the
 * sentence of the refusal. */
bool gateway_route_find(struct gateway_routes *r, struct db *db,
                        struct wh_arena *a, struct wh_str name, int64_t account,
                        struct wh_str base, struct gateway_route **out,
                        struct gateway_fault *f) WH_CHECK;
/* The same for the exam of this model: what lines demand is not asked, and a
 * private repo is seen. Only for requests of the house itself. */
bool gateway_route_exam(struct gateway_routes *r, struct db *db,
                        struct wh_arena *a, struct wh_str name,
                        struct gateway_route **out,
                        struct gateway_fault *f) WH_CHECK;
/* Which model is examined now; empty: none. For the words of who has to wait.
 */
void gateway_routes_examine(struct gateway_routes *r, struct wh_str name);
/* The same, if the route is at hand and everybody may use it: no database, fit
 * for loops. Null: gateway_route_find tells. */
struct gateway_route *gateway_route_peek(struct gateway_routes *r,
                                         struct wh_str name);
/* Another reference to the same route; and its end, which nulls the pointer. */
struct gateway_route *gateway_route_hold(struct gateway_route *route);
void gateway_route_drop(struct gateway_route **route);
/* Names that may be asked for, for a caller's list; those it may not see are
 * among them: gateway_route_find tells. */
bool gateway_route_names(struct gateway_routes *r, struct db *db,
                         struct wh_arena *a, struct wh_str **out, size_t *n,
                         struct wh_err *err) WH_CHECK;
/* Nothing new runs on this model, until its decision is looked at again. */
void gateway_routes_stop(struct gateway_routes *r, struct wh_str model);
/* A place of the configuration. */
const struct gateway_place *gateway_routes_place(const struct gateway_routes *r,
                                                 int place);
/* How the engine of this house is that a route leads to. False: nothing runs
 * yet, which the first request changes, or the route leads elsewhere. As cheap
 * as gateway_engine_look. */
bool gateway_route_look(struct gateway_routes *r,
                        const struct gateway_route *route,
                        struct gateway_engine_view *out);
/* Connect: non-blocking, perhaps not yet connected. For workers. -1 with the
 * fault: loading, not reachable. To a place of the configuration (place >= 0)
 * it never blocks: also for loops. */
int gateway_route_dial(struct gateway_routes *r,
                       const struct gateway_route *route,
                       struct gateway_fault *f);

#endif
