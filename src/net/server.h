/*
 * server.h - the HTTP/1.1 server: loops move bytes, workers run handlers.
 * Owner: net_server_start .. net_server_stop; a request belongs to net and is
 * lent to the application from its handler to the end stated below.
 * Never: runs two calls of one request at once; blocks a loop; lets a slow
 * client hold a worker.
 *
 * The life of a request
 *   1. A loop parses the head and asks conf.plan (on the loop: no blocking, no
 *      arena) what is to happen: which handler, and what of the body.
 *   2. NET_BODY_NONE, NET_BODY_BUFFER: the loop reads the whole body (413 over
 *      the limit), then the handler runs on a worker.
 *      Room for the whole body is claimed before its first byte is read, and
 *      given back with the request; where there is none, the connection is not
 *      read (limits.body_memory). Before a body of more than NET_ADMIT bytes
 *      is taken, plan.admit is asked, if there is one.
 *      NET_BODY_STREAM: the handler runs on a worker *before* any body byte is
 *      read and before "100 Continue". It either answers (401, 413, ...: the
 *      body is then never taken), or calls net_stream and returns; the sink
 *      gets the body as worker jobs.
 *   3. Every call into the application (handler, sink, pull, resumed function,
 *      gone, end) is a job on a worker; jobs of one request never overlap and
 *      see each other's writes, but may run on different workers.
 *   4. A job ends in one of four ways: the answer was sent (net_answer_send);
 *      the request is parked (net_park); in a sink: the chunk was taken; or
 *      none of these, which is a broken promise and is answered with 500.
 *   5. Once the answer is sent, the request is no longer the application's when
 *      the sending job returns, except for what it asked for: pull source,
 *      net_on_end. The arena and its deferred actions end after the last job,
 *      on a worker.
 *
 * Client gone: nothing of the application is interrupted. Answers to a client
 * that left are dropped without error. The gone hook of a parked or streaming
 * request tells at once; then the request is over.
 */
#ifndef WH_NET_SERVER_H
#define WH_NET_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/tls.h"
#include <stdint.h>

/* Length of a body that is not known in advance (chunked). */
#define NET_CHUNKED UINT64_MAX
/* Largest piece of a body given to a sink, and the buffer of a pull source. */
#define NET_CHUNK 262144
/* A longer body that is to be buffered, or one of unknown length, needs leave
 * (plan.admit). */
#define NET_ADMIT 65536
/* Bytes of a tag, tags of a request. */
#define NET_TAG 32
#define NET_TAGS 4
/* Text of a request id with its NUL; text of a peer address with its NUL. */
#define NET_ID 25
#define NET_PEER 46

enum net_method {
    NET_GET,
    NET_HEAD,
    NET_POST,
    NET_PUT,
    NET_PATCH,
    NET_DELETE,
    NET_OPTIONS,
    NET_METHOD_COUNT /* any other method is answered with 501 by net itself */
};

enum net_body { NET_BODY_NONE, NET_BODY_BUFFER, NET_BODY_STREAM };

/* Which workers run the jobs of a request. Each lane has its own, and its own
 * queue, first come first served; so what takes long waits for its like alone,
 * and what is short never waits behind it. */
enum net_lane {
    NET_LANE_SHORT,
    NET_LANE_LONG, /* many milliseconds of computing: lists, searches. Its
                    * threads give way to others where there are not cores for
                    * all, but always have a share of them */
    NET_LANES
};

struct net_server;

/* A request, as the application sees it. The views (and those that
 * net_req_header and net_req_body give) live as long as the request. */
struct net_req {
    struct wh_arena *arena; /* memory of this request; in worker jobs only */
    struct net_server *server;
    enum net_method method;
    struct wh_str path;      /* undecoded, begins with '/' ("*": OPTIONS *) */
    struct wh_str query;     /* undecoded, without '?'; may be empty */
    struct wh_str host;      /* lower case, without the port */
    struct wh_str authority; /* the Host header as sent: host[:port] */
    uint64_t length;         /* of the body: announced, or NET_CHUNKED */
    char id[NET_ID];         /* sent as X-Request-Id, logged */
    char peer[NET_PEER];     /* address of the other end, text, no port */
    const void *route;       /* from the plan */
    void *user;              /* the application's own, starts as null */
};

/* Every limit: see limits.tbl. */
struct net_limits {
#define NET_L(field, dflt, unit, why) uint64_t field;
#include "net/limits.tbl"
#undef NET_L
};
/* The defaults of the table. */
struct net_limits net_limits_default(void);

/* What is to happen with a request whose head has arrived. */
struct net_plan {
    enum net_body body;
    uint64_t limit; /* of the body, in bytes; longer is answered with 413.
                     * NET_BODY_NONE: no body is taken, limit is ignored */
    void (*handle)(struct net_req *r); /* must be set */
    /* NET_BODY_BUFFER: may this body of more than NET_ADMIT bytes be taken?
     * Runs on a worker before any of it is read and before "100 Continue". It
     * answers, which refuses the body, or returns: then the body is taken and
     * the handler runs. It may call net_body_limit, and must not park. May be
     * null. */
    void (*admit)(struct net_req *r);
    /* Tried on the loop when the request is complete: it must not block and has
     * no worker state. True: it has answered, as `handle` would. False: nothing
     * shows of it, and `handle` runs on a worker. Not with NET_BODY_STREAM. May
     * be null. */
    bool (*quick)(struct net_req *r);
    const void *route;  /* becomes r->route */
    bool on_loop;       /* run `handle` on the loop itself: only for what never
                         * blocks and answers at once with bytes; no worker state;
                         * not with NET_BODY_STREAM */
    enum net_lane lane; /* for all jobs of the request */
};

/* An answer that net gives by itself, before or without a handler. */
struct net_fault {
    int status;
    const char *message; /* static text, fit for the client */
};

struct net_conf {
    int listen_fd;    /* bound and listening (net_listen); net owns it now */
    unsigned loops;   /* 0: one per core */
    unsigned workers; /* of the short lane; 0: 8 */
    unsigned long_workers; /* of the long lane; 0: half as many, at least one */
    struct net_limits limits;
    struct net_tls *tls; /* null: in the clear. It outlives the server */
    void *app;           /* first argument of the callbacks */

    /* The decision on a head. On a loop; must not block. Must fill *plan. */
    void (*plan)(void *app, const struct net_req *r, struct net_plan *plan);
    /* May this house be called by that name (lower case, no port)? On a loop.
     * Null: any name is good. A no is answered with 421. */
    bool (*host_ok)(void *app, struct wh_str host);
    /* Body of a fault: write it to out and set *type (static text). `r` is null
     * when no whole head was read. On a loop or a worker; must not block.
     * Null: {"error": message} as application/json. X-Error-Message is added by
     * net in both cases. */
    void (*fault)(void *app, const struct net_req *r, struct net_fault fault,
                  struct wh_buf *out, const char **type);
    /* A request has been answered, or given up (status 0, if nothing was sent).
     * On the loop: for counting, no more. r->route is null when no whole head
     * was read. Null: nobody counts. */
    void (*over)(void *app, const struct net_req *r, int status, uint64_t bytes,
                 int64_t us);
    /* State of one worker (its read connection): made in the worker's thread
     * before its first job, ended in it after its last. Null: none. A failure
     * of worker_init makes net_server_start fail. Those of the long lane have
     * the indexes after the others. */
    bool (*worker_init)(void *app, unsigned index, void **state,
                        struct wh_err *err);
    void (*worker_exit)(void *app, void *state);
};

/* Bind and listen; host is a numeric IPv4 or IPv6 address. *fd is the caller's,
 * *port the real one (for port 0). Fails with WH_IO, WH_USAGE. */
bool net_listen(const char *host, uint16_t port, int *fd, uint16_t *out_port,
                struct wh_err *err) WH_CHECK;
/* Start all threads; conf is copied. On failure nothing is left running and
 * listen_fd is closed. */
bool net_server_start(const struct net_conf *conf, struct net_server **out,
                      struct wh_err *err) WH_CHECK;
/* Stop accepting, close idle connections, let running requests finish for at
 * most grace_ms, then cut what is left (gone hooks run), wait for all holds
 * (net_park) to be given back, end workers, free everything and null *s.
 * Whoever holds parked requests must therefore outlive this call. */
void net_server_stop(struct net_server **s, unsigned grace_ms);
/* Cut every request that carries this tag, also one whose answer has not begun:
 * its connection is reset. Any thread; returns before it is done. A handler
 * that sets the tag *before* it checks whether it may answer can not be missed.
 */
void net_server_end_matching(struct net_server *s, const uint8_t tag[NET_TAG]);
/* Take a stream socket that the program itself made for a connection, as if a
 * client had come; without TLS. It is non-blocking, and net's from now on.
 * peer, shorter than NET_PEER, is what net_req.peer says: a text that is no
 * address, so that nobody else can have it. Any thread. */
void net_server_adopt(struct net_server *s, int fd, const char *peer);
/* Queue a job that belongs to no request: fn(worker state, arg). Any thread. */
void net_server_run(struct net_server *s, void (*fn)(void *worker, void *arg),
                    void *arg);

/* Figures for /metrics and for tests; each is read atomically. */
struct net_stats {
    uint64_t connections, accepted, refused, requests, faults;
    uint64_t bytes_in, bytes_out, parked, buffers, jobs_waiting;
    uint64_t body_bytes;   /* claimed by bodies that are buffered */
    uint64_t body_waiting; /* requests that wait for such room */
};
/* The figures of now; any thread. */
struct net_stats net_server_stats(struct net_server *s);

/* "GET". */
const char *net_method_name(enum net_method m);

/* --- reading a request ------------------------------------------------- */

/* First header of that name (case does not matter), or {NULL, 0}. */
struct wh_str net_req_header(const struct net_req *r, const char *name);
/* The i-th header line in order of arrival; false at the end. Names are in
 * lower case. */
bool net_req_header_at(const struct net_req *r, size_t i, struct wh_str *name,
                       struct wh_str *value);
/* The whole body of a NET_BODY_BUFFER route (empty for others). */
struct wh_str net_req_body(const struct net_req *r);
/* In plan.admit: take no more than n bytes of body (if that is less than the
 * plan's limit); longer is answered with 413. */
void net_body_limit(struct net_req *r, uint64_t n);
/* conf.app of the server. */
void *net_req_app(const struct net_req *r);
/* State of the worker that runs the present job; null on a loop. */
void *net_req_worker(const struct net_req *r);
/* The client has left (or was cut): an answer would be dropped. */
bool net_req_gone(const struct net_req *r);
/* Mark the request, for net_server_end_matching; at most NET_TAGS (asserted).
 */
void net_req_tag(struct net_req *r, const uint8_t tag[NET_TAG]);

/* --- a body that streams ------------------------------------------------ */

struct net_sink {
    /* The next piece, 1..NET_CHUNK bytes. It is valid until this job ends or,
     * if the job parks, until the function of net_resume has returned. May
     * answer early (net_answer_send): nothing more is read then. */
    void (*data)(struct net_req *r, void *ctx, struct wh_str chunk);
    /* The body is complete: answer, or park. */
    void (*end)(struct net_req *r, void *ctx);
    /* The body will never be complete: client gone, too slow, malformed, over
     * the limit, cut, or the server stops. Last call for this request (save
     * net_on_end); no answer is possible. May be null. */
    void (*gone)(struct net_req *r, void *ctx);
};
/* Take the body of a NET_BODY_STREAM request, from its handler (or from a
 * function resumed for it). While two pieces wait, the socket is not read. */
void net_stream(struct net_req *r, const struct net_sink *sink, void *ctx);

/* --- answering ---------------------------------------------------------- */

/* Begin the answer; a second call starts over. Net adds Content-Length or
 * Transfer-Encoding, Date, Server, X-Request-Id, Connection: callers never set
 * these. */
void net_answer(struct net_req *r, int status);
/* Add a header line. name is a token of ours; bytes of the value that may not
 * stand in a header (CR, LF, NUL, other controls) become blanks. */
void net_answer_header(struct net_req *r, const char *name,
                       struct wh_str value);
void net_answer_headerf(struct net_req *r, const char *name, const char *fmt,
                        ...) WH_PRINTF(3, 4);
/* Body from memory: copied, may be called repeatedly. Over limits.answer_bytes
 * the answer becomes a 507. */
void net_answer_bytes(struct net_req *r, struct wh_str bytes);
/* Body from len bytes of a file at off; net owns fd from now on. The file must
 * not shrink; if it does the connection is cut. */
void net_answer_file(struct net_req *r, int fd, uint64_t off, uint64_t len);
/* The length to announce when no body is given: for HEAD and 304 only. */
void net_answer_length(struct net_req *r, uint64_t len);
/* Close the connection after this answer. */
void net_answer_close(struct net_req *r);

enum net_pull_result {
    NET_PULL_MORE, /* *n > 0 bytes were written, more will follow */
    NET_PULL_END,  /* *n bytes were written, the last ones */
    NET_PULL_FAIL, /* the rest can not be had: the connection is cut */
    NET_PULL_WAIT  /* nothing yet: the job called net_park; the pull function
                    * is called again after net_resume */
};
struct net_pull {
    /* Write up to cap bytes to buf. Called again when they are on the way. */
    enum net_pull_result (*pull)(struct net_req *r, void *ctx, char *buf,
                                 size_t cap, size_t *n);
    /* Exactly once, the last call: complete, or the client left. May be null.
     */
    void (*done)(struct net_req *r, void *ctx, bool complete);
};
/* Body from a pull source: len bytes, or NET_CHUNKED. For HEAD only `done` is
 * called. A source that ends early or brings more than len is cut (and
 * logged). */
void net_answer_pull(struct net_req *r, uint64_t len, const struct net_pull *p,
                     void *ctx);
/* Send it. Nothing may be added after. */
void net_answer_send(struct net_req *r);
/* A whole answer in the form of conf.fault: begin, body, send. */
void net_answer_fault(struct net_req *r, int status, const char *message);

/* --- waiting ------------------------------------------------------------ */

/* Keep the request without a worker: the present job may return with nothing
 * sent. Gives out one hold: somebody must call net_resume exactly once, from
 * any thread, even after the deadline passed or the client left; until then the
 * request and its arena stay in memory. Call it before you hand the request to
 * that somebody. */
void net_park(struct net_req *r);
/* The same with a time limit (wh_mono_us): at the deadline, if net_resume did
 * not come before, `late` runs as a job. It must answer, and may neither park
 * nor answer from a pull source that parks: the first hold is still out. */
void net_park_until(struct net_req *r, int64_t deadline_us,
                    void (*late)(struct net_req *r));
/* Give the hold back and queue fn as a job (null, in a sink or a pull: go on).
 * False: too late (deadline passed, client gone): fn will not run, and r must
 * not be touched again. Any thread; at most once per park. */
bool net_resume(struct net_req *r, void (*fn)(struct net_req *r));
/* Runs at once when the client leaves while the request is parked (a sink and a
 * pull source are told by their own gone and done instead); then the request is
 * over (the hold must still be given back). A client that only closes its
 * sending side counts as gone for requests with such a hook, and is answered
 * normally otherwise. */
void net_on_gone(struct net_req *r, void (*fn)(struct net_req *r, void *ctx),
                 void *ctx);
/* Runs as the last job of the request, when its answer has been handed to the
 * kernel (complete) or can not be. Keeps the arena until then. */
void net_on_end(struct net_req *r,
                void (*fn)(struct net_req *r, void *ctx, bool complete),
                void *ctx);

#endif
