/*
 * testing.h - for the tests of this room: a server on a free port of 127.0.0.1
 * and a client that is as rude as a test needs.
 * Owner: the test; test_server_up .. test_server_down.
 * Never: part of the product.
 */
#ifndef WH_NET_TESTING_H
#define WH_NET_TESTING_H

#include "net/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the headers above */
#include <cmocka.h>

struct test_server {
    struct net_server *srv;
    uint16_t port;
    int fds_before; /* open descriptors of the process before it started */
};

/* conf: plan and what the test wants; listen_fd is filled in here. */
void test_server_up(struct test_server *t, struct net_conf *conf);
/* Stop; then as many descriptors are open as before, or the test fails. */
void test_server_down(struct test_server *t, unsigned grace_ms);
/* Limits short enough for tests of slowness. */
struct net_limits test_limits(void);

/* A connection to the server. */
int test_connect(const struct test_server *t);
/* The same with a small receive buffer, for slow readers. */
int test_connect_small(const struct test_server *t);
void test_send(int fd, const void *p, size_t n);
void test_say(int fd, const char *text);
/* Read until the other end closes or resets (*reset tells, may be null); the
 * text is NUL-terminated, its length goes to *n (may be null). */
char *test_read_all(int fd, size_t *n, bool *reset);
/* Read exactly one answer of known Content-Length or chunked; the body is
 * decoded; *status is filled. head_only: after a HEAD request. The result is
 * head, NUL, body, NUL; *body points into it. */
char *test_read_answer(int fd, bool head_only, int *status, char **body,
                       size_t *body_n);
/* The status of an answer, or 0 if it is none. */
int test_status(const char *answer);
/* One GET on a connection of its own: the status. */
int test_get(const struct test_server *t, const char *path);
/* Wait (at most ten seconds) until *flag is at least `want`. */
void test_wait(const _Atomic int *flag, int want);
int test_count_fds(void);

#endif
