/*
 * fetch.h - small requests to a URL, blocking: for commands.
 * Owner: net_fetch_new .. net_fetch_free; one thread at a time.
 * Never: follows a redirect, speaks anything but http and https, keeps more
 * bytes or waits longer than it was told. Servers do not use it: it blocks, and
 * it goes wherever the operator's URL says.
 */
#ifndef WH_NET_FETCH_H
#define WH_NET_FETCH_H

#include "base/buf.h"
#include "base/err.h"

struct net_fetch;

/* A fetcher that keeps its connection between calls; never null. */
struct net_fetch *net_fetch_new(void);
/* Close its connections; nulls the pointer, null is fine. */
void net_fetch_free(struct net_fetch **f);
/* GET url and append the body to out: at most max bytes (WH_TOO_LARGE), within
 * timeout_ms in all (WH_TIMEOUT). Only a 200 is good: 404 is WH_NOT_FOUND, 429
 * and 503 are WH_UNAVAILABLE, everything else WH_OUTSIDE. On failure out is as
 * it was. */
bool net_fetch_get(struct net_fetch *f, const char *url, size_t max,
                   int64_t timeout_ms, struct wh_buf *out,
                   struct wh_err *err) WH_CHECK;

struct net_fetch_call {
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *url;
    const char *token;  /* sent as Authorization: Bearer; null: none */
    struct wh_str json; /* the body; empty: none */
    size_t max;         /* bytes of the answer at most */
    int64_t timeout_ms;
};
/* Send one request and append the body of whatever answer comes to out: *status
 * is its status, and what that means is the caller's to say. WH_USAGE for a
 * token that is none, WH_TOO_LARGE, WH_TIMEOUT, WH_OUTSIDE as above. */
bool net_fetch_do(struct net_fetch *f, const struct net_fetch_call *call,
                  struct wh_buf *out, int *status, struct wh_err *err) WH_CHECK;

#endif
