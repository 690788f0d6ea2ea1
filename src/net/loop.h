/*
 * loop.h - one event loop: sockets with their readiness, deadlines, and news
 * from other threads. It knows nothing of HTTP; both sides of the gateway and
 * the listeners live on it.
 * Owner: the server owns its loops; whoever opens a socket embeds struct
 * net_sock and frees it in `release`.
 * Never: blocks outside epoll_wait.
 */
#ifndef WH_NET_LOOP_H
#define WH_NET_LOOP_H

#include "base/err.h"
#include "base/time.h"
#include "net/timer.h"
#include "net/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define NET_RBUF 65536 /* the loop's buffer for reading heads */

struct net_loop;

/* Something another thread tells the loop. The sender links it once; fn runs on
 * the loop and may free it. */
struct net_news {
    struct net_news *next;
    void (*fn)(struct net_news *n);
};

/* A socket on a loop; part of a bigger struct; touched by its loop only.
 * Registered once, edge-triggered: can_read and can_write remember what epoll
 * said until a call would block. */
struct net_sock {
    int fd;                   /* -1: closed */
    struct net_tls_link *tls; /* null: in the clear; ends with the socket */
    struct net_loop *loop;
    struct net_sock *next, **prev; /* all sockets of the loop */
    struct net_sock *run_next;
    struct net_timer timer;
    bool can_read, can_write;
    bool peer_done; /* the other end has closed its sending side, or more */
    bool broken;    /* reset or error: nothing can be sent any more */
    bool in_run;
    void (*advance)(struct net_sock *s); /* go on as far as possible */
    void (*expire)(struct net_sock *s);  /* the deadline has passed */
    void (*release)(struct net_sock *s); /* closed; free the memory */
};

struct net_loop {
    int ep, wake;
    void *owner;
    struct net_wheel wheel;
    int64_t now_us;
    struct net_sock *all, *run, **run_end, *dead;
    size_t socks;
    size_t held; /* things that keep the loop alive, see net_loop_quit */
    bool quitting;
    char *rbuf;      /* NET_RBUF bytes, valid within one call */
    char *tbuf;      /* NET_TLS_RECORD bytes, the same */
    unsigned shakes; /* steps of handshakes that this turn may still take */
    int64_t date_s;
    char date[WH_TIME_HTTP];
    pthread_mutex_t lock; /* guards the inbox */
    struct net_news *inbox, **inbox_end;
};

/* Make epoll and the wake-up descriptor; owner is for the callbacks. WH_IO. */
bool net_loop_init(struct net_loop *l, void *owner,
                   struct wh_err *err) WH_CHECK;
/* Nothing may be left on it (asserted); also after a failed or no init. */
void net_loop_done(struct net_loop *l);
/* Run until net_loop_quit was called and no socket and nothing held is left. */
void net_loop_run(struct net_loop *l);
/* On the loop: return from net_loop_run as soon as everything is gone. */
void net_loop_quit(struct net_loop *l);
/* Any thread: have n->fn run on the loop soon. */
void net_loop_post(struct net_loop *l, struct net_news *n);
/* Are we on this loop's thread? */
bool net_loop_here(const struct net_loop *l);
/* "Date" for this second. */
const char *net_loop_date(struct net_loop *l);

enum net_io {
    NET_IO_OK,    /* *n > 0 bytes went */
    NET_IO_AGAIN, /* nothing now; `advance` will be called */
    NET_IO_END,   /* reading: the other end has closed its sending side */
    NET_IO_BAD    /* broken */
};
struct iovec;

/* Put a connected, non-blocking socket on the loop; callbacks must be set. On
 * failure the descriptor stays the caller's. */
bool net_sock_open(struct net_loop *l, struct net_sock *s, int fd,
                   struct wh_err *err) WH_CHECK;
/* The same for a listening socket, shared by loops: only can_read is used, and
 * only one loop is woken for a connection. */
bool net_sock_listen(struct net_loop *l, struct net_sock *s, int fd,
                     struct wh_err *err) WH_CHECK;
/* Take a listening socket off epoll until `expire` (at at_us) puts it back. */
void net_sock_pause(struct net_sock *s, int64_t at_us);
void net_sock_unpause(struct net_sock *s);
/* Close; with reset, bytes on the way are thrown away. `release` runs at the
 * end of the loop's turn. Nothing if already closed. */
void net_sock_close(struct net_sock *s, bool reset);
/* Have `advance` called again in the loop's next turn, after all others. */
void net_sock_again(struct net_sock *s);
/* One step of the socket's TLS handshake. NET_IO_OK: it is done; NET_IO_AGAIN:
 * `advance` will be called. A loop takes few of them in a turn. */
enum net_io net_sock_shake(struct net_sock *s);
/* Nothing more will be written: tell the other end. */
void net_sock_finish(struct net_sock *s);
/* Set the one deadline of the socket. */
void net_sock_deadline(struct net_sock *s, int64_t at_us);

/* Read up to cap > 0 bytes; *n is set for NET_IO_OK. */
enum net_io net_sock_read(struct net_sock *s, char *buf, size_t cap, size_t *n);
/* more: further bytes follow at once, so that no short packet is sent. */
enum net_io net_sock_write(struct net_sock *s, const struct iovec *iov,
                           size_t count, bool more, size_t *n);
/* From a file at *off, which is advanced. A file that ends early is
 * NET_IO_BAD. */
enum net_io net_sock_sendfile(struct net_sock *s, int fd, uint64_t *off,
                              size_t len, size_t *n);
/* Bytes given to the kernel that the other end has not yet acknowledged. */
size_t net_sock_unsent(const struct net_sock *s);

#endif
