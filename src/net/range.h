/*
 * range.h - the Range header (RFC 9110, 14) against the size of what is served.
 * Owner: nothing is owned.
 * Never: gives bytes outside the size; fails on a header it does not understand
 * (such a header is to be ignored).
 */
#ifndef WH_NET_RANGE_H
#define WH_NET_RANGE_H

#include "base/str.h"

struct net_range {
    uint64_t off, len; /* len > 0, off + len <= size */
};

enum net_range_kind {
    NET_RANGE_ALL,  /* no, malformed, foreign or several ranges: 200, all of it
                     */
    NET_RANGE_PART, /* 206 with *out */
    NET_RANGE_BAD   /* 416 with "Content-Range: bytes * /size" */
};

/* *out is set for NET_RANGE_PART only. header may be {NULL, 0}. */
enum net_range_kind net_range_parse(struct wh_str header, uint64_t size,
                                    struct net_range *out);
/* The Content-Range value "bytes a-b/size", or "bytes * /size" (without the
 * blank) when r is null. */
#define NET_RANGE_TEXT 80
void net_range_text(const struct net_range *r, uint64_t size,
                    char out[NET_RANGE_TEXT]);

#endif
