/*
 * tls.h - TLS on the server's side of a connection, and reading certificates.
 * Owner: net_tls_new .. net_tls_free; links belong to their sockets and may
 * outlive the certificate that they began with.
 * Never: blocks; renegotiates; speaks anything older than TLS 1.2.
 */
#ifndef WH_NET_TLS_H
#define WH_NET_TLS_H

#include "base/err.h"
#include "base/str.h"
#include <stddef.h>
#include <stdint.h>

/* Largest piece of plaintext in one record. */
#define NET_TLS_RECORD 16384
/* Largest certificate file (with its chain), and key file. */
#define NET_TLS_FILE_MAX ((size_t)256 << 10)

/* Certificate, key and rules; thread-safe. */
struct net_tls;
/* One connection's state. */
struct net_tls_link;

/* From the texts of two PEM files: the certificate with its chain, and its key.
 * WH_USAGE when they are none, or do not belong together. Ignores SIGPIPE in
 * this process. */
bool net_tls_new(struct wh_str certificate, struct wh_str key,
                 struct net_tls **out, struct wh_err *err) WH_CHECK;
/* Nulls the pointer; null is fine. Links go on. */
void net_tls_free(struct net_tls **t);
/* Another certificate for connections that begin from now on; on failure the
 * old one stays. */
bool net_tls_replace(struct net_tls *t, struct wh_str certificate,
                     struct wh_str key, struct wh_err *err) WH_CHECK;

/* What a certificate says of itself. */
struct net_tls_about {
    char subject[256];
    int64_t from, until; /* us since 1970 */
};
/* The first certificate of a PEM text; WH_USAGE when there is none. */
bool net_tls_read(struct wh_str certificate, struct net_tls_about *out,
                  struct wh_err *err) WH_CHECK;

enum net_tls_result {
    NET_TLS_OK,
    NET_TLS_WANT_READ,  /* the socket has nothing more to read */
    NET_TLS_WANT_WRITE, /* the socket takes nothing more */
    NET_TLS_END,        /* the other end closed its sending side */
    NET_TLS_BAD
};

/* Begin on a connected, non-blocking socket, which stays the caller's. */
struct net_tls_link *net_tls_open(struct net_tls *t, int fd);
/* Free it; nothing is sent. Nulls the pointer; null is fine. */
void net_tls_close(struct net_tls_link **l);
/* One step of the handshake; NET_TLS_OK when it is done. */
enum net_tls_result net_tls_shake(struct net_tls_link *l);
/* Up to n bytes; *done > 0 with NET_TLS_OK. A write that returned
 * NET_TLS_WANT_WRITE is repeated with the same bytes, or more of them. */
enum net_tls_result net_tls_get(struct net_tls_link *l, char *p, size_t n,
                                size_t *done);
enum net_tls_result net_tls_put(struct net_tls_link *l, const char *p, size_t n,
                                size_t *done);
/* From a file, by the kernel; only if net_tls_in_kernel. */
enum net_tls_result net_tls_sendfile(struct net_tls_link *l, int fd,
                                     uint64_t off, size_t n, size_t *done);
/* Does the kernel encrypt what is sent? */
bool net_tls_in_kernel(const struct net_tls_link *l);
/* Tell the other end that nothing more comes; best effort. */
void net_tls_bye(struct net_tls_link *l);

#endif
