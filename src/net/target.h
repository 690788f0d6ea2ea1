/*
 * target.h - paths and queries of requests, split and percent-decoded.
 * Owner: raw views belong to the request, decoded ones to the arena.
 * Never: lets through NUL, invalid UTF-8, or "." and ".." as segments; treats
 * an escaped slash as a separator.
 */
#ifndef WH_NET_TARGET_H
#define WH_NET_TARGET_H

#include "base/arena.h"

#define NET_SEGMENTS 64
#define NET_PAIRS 256

/* "/a/b%2Fc/" has the segments "a", "b%2Fc" (decoded "b/c") and slash = true.
 */
struct net_path {
    struct wh_str seg[NET_SEGMENTS];
    size_t n;
    bool slash; /* ends in '/' (also "/" itself) */
};

/* Split without decoding and without memory: for the choice of a route, whose
 * fixed segments are plain ASCII. Empty segments ("//") are refused, as are too
 * many. */
bool net_path_split(struct wh_str raw, struct net_path *out,
                    struct wh_err *err) WH_CHECK;
/* The same path with each segment decoded. */
bool net_path_decode(struct wh_arena *a, const struct net_path *raw,
                     struct net_path *out, struct wh_err *err) WH_CHECK;
/* Segments from..n-1 of a decoded path, joined by '/'. */
struct wh_str net_path_rest(struct wh_arena *a, const struct net_path *p,
                            size_t from);

struct net_pair {
    struct wh_str name, value;
};

/* Decoded name=value pairs in order; names may repeat. */
struct net_pairs {
    const struct net_pair *v;
    size_t n;
};

/* "a=b&c&a=d": '+' is a blank, a name without '=' has the value "". At most
 * NET_PAIRS. Used for queries and for forms. */
bool net_query_parse(struct wh_arena *a, struct wh_str raw,
                     struct net_pairs *out, struct wh_err *err) WH_CHECK;
/* The index-th value (0: first) of a name, or false. */
bool net_pairs_get(const struct net_pairs *p, const char *name, size_t index,
                   struct wh_str *out);

#endif
