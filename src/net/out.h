/*
 * out.h - one answer on its way: what a handler (or a fault) asked for.
 * Owner: built by one job, then given to the connection, which ends it.
 * Never: shared; touched by two threads.
 */
#ifndef WH_NET_OUT_H
#define WH_NET_OUT_H

#include "net/server.h"

enum net_out_kind { NET_OUT_BYTES, NET_OUT_FILE, NET_OUT_PULL, NET_OUT_LIVE };

struct net_live_ops;

struct net_out {
    int status;
    enum net_out_kind kind;
    struct wh_buf lines; /* the caller's header lines, each with its CRLF */
    struct wh_buf body;  /* NET_OUT_BYTES */
    int fd;              /* NET_OUT_FILE; -1 else */
    uint64_t off;
    uint64_t length; /* announced; NET_CHUNKED */
    bool
        has_length; /* given by net_answer_length, for an answer without body */
    bool close;
    /* NET_OUT_LIVE, until it has started (live.h) */
    const struct net_live_ops *live;
    void *live_ctx;
};

/* An empty answer of kind NET_OUT_BYTES; its body may grow to max_body. */
struct net_out *net_out_new(int status, size_t max_body);
/* Frees everything, closes the file, nulls *o; null is fine. */
void net_out_free(struct net_out **o);
/* One header line; controls in the value become blanks. */
void net_out_line(struct net_out *o, const char *name, struct wh_str value);
/* Make it the answer to a fault: body by conf->fault or the default. */
void net_out_fault(struct net_out *o, const struct net_conf *conf,
                   const struct net_req *r, struct net_fault fault);
/* "Not Found", or "Status" for codes without a name. */
const char *net_status_text(int status);
/* May an answer of that status have a body at all? */
bool net_status_has_body(int status);

#endif
