/*
 * route.h - which row of a route table a request belongs to.
 * Owner: captures are views into memory of the matcher's caller.
 * Never: touches the database; decides who may call.
 *
 * A pattern is a path with placeholders, a segment each:
 *   literal    this very segment
 *   :kinds     models | datasets | spaces            -> kind
 *   ?kind      an optional datasets | spaces prefix   -> kind (else model)
 *   :ns :repo  a namespace and a repo name, decoded
 *   :repo.git  the same, the ending .git taken off
 *   :rev       one decoded segment, or the raw forms refs/pr/N, refs/convert/X
 *   :a :b      any one decoded segment
 *   *path      the rest, decoded as a whole, may be empty
 */
#ifndef WH_FRONT_ROUTE_H
#define WH_FRONT_ROUTE_H

#include "base/arena.h"
#include "store/repo.h"

struct front_captures {
    enum store_kind kind;
    bool has_kind;
    struct wh_str ns, name; /* "" when the pattern names none */
    struct wh_str rev;
    struct wh_str path;
    struct wh_str a, b;
};

/* Does the raw path fit the pattern? Decodes nothing, needs no memory: fit for
 * the loop. */
bool front_route_fits(const char *pattern, struct wh_str path);
/* The same, and decode the captures into the arena. False for a path that fits
 * but does not decode (broken escapes, NUL, invalid UTF-8): WH_BAD_REQUEST. */
bool front_route_capture(const char *pattern, struct wh_str path,
                         struct wh_arena *a, struct front_captures *out,
                         struct wh_err *err) WH_CHECK;

/* Query fields: the decoded value of the i-th `key` (or `key[]`), false when
 * there is none. Broken escapes read as absent. */
bool front_query(struct wh_str query, const char *key, size_t i,
                 struct wh_arena *a, struct wh_str *out);
/* true, True, 1 -> true; anything else and absent -> false. */
bool front_query_bool(struct wh_str query, const char *key, struct wh_arena *a);
/* Decimal between lo and hi, dflt when absent; out of range is clamped. */
uint64_t front_query_u64(struct wh_str query, const char *key, uint64_t dflt,
                         uint64_t lo, uint64_t hi, struct wh_arena *a);

#endif
