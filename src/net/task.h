/*
 * task.h - a request inside net: what server.h shows, and the machinery that
 * runs its jobs one at a time.
 * Owner: made and freed on its loop; lives while the connection, the
 * application or news on the way refer to it.
 * Never: calls the application with its lock held.
 *
 * The loop tells the task what happened (net_task_*), the task tells the loop
 * what to do by posting NET_POST_* bits; net_conn_news gets them on the loop.
 */
#ifndef WH_NET_TASK_H
#define WH_NET_TASK_H

#include "net/budget.h"
#include "net/head.h"
#include "net/loop.h"
#include "net/out.h"
#include "net/work.h"

#define NET_TASK_MAGIC 0x7a51c17eU
#define NET_PIECES 2 /* buffers of one streaming body */

struct net_conn;
struct net_pool;

enum net_post {
    NET_POST_STREAM = 1, /* the handler takes the body: read it */
    NET_POST_TAKEN = 2,  /* the sink took a piece: go on reading */
    NET_POST_ANSWER = 4, /* `out` is ready */
    NET_POST_PULLED = 8, /* the pull buffer has been filled */
    NET_POST_PARK = 16,  /* the park deadline was set or fell away */
    NET_POST_FREE = 32,  /* nobody refers to the task any more */
    NET_POST_ADMIT = 64, /* the body may be taken */
    NET_POST_ROOM = 128  /* there is room for the body now */
};

enum net_phase {
    NET_PH_NEW,    /* the handler has not run */
    NET_PH_RUN,    /* it ran, nothing is sent, no body streams */
    NET_PH_STREAM, /* a sink takes the body */
    NET_PH_SENT,   /* answered with bytes or a file */
    NET_PH_PULL,   /* answered from a pull source */
    NET_PH_LAST,   /* the application has had its last call */
    NET_PH_OVER    /* the arena is gone */
};

struct net_piece {
    char *p;
    size_t n;
};

struct net_task {
    struct net_req pub; /* first: net_req_task relies on it */
    uint32_t magic;
    struct net_loop *loop;
    struct net_pool *pool;
    const struct net_conf *conf;
    struct net_work *work;
    struct net_head head;
    struct wh_arena arena;
    struct net_plan plan;
    struct wh_buf body; /* NET_BODY_BUFFER */
    struct net_budget *budget;
    struct net_claim claim; /* for the body; waiting, it is a reference */
    char *host;
    int64_t began_us;

    /* the loop's */
    struct net_conn *conn; /* null: detached */
    struct net_timer park_timer;
    bool timer_held; /* the set timer counts as a reference */

    /* the running job's, handed over by posting */
    struct net_out *out;
    bool sent; /* net_answer_send was called in this job */

    pthread_mutex_t lock; /* guards all below */
    struct net_news news;
    struct net_job job;
    unsigned refs, posts, holds;
    bool posted; /* news is on its way */
    bool queued; /* the job waits or runs */
    enum net_phase phase;
    bool ready;    /* NET_PH_NEW: the handler (or plan.admit) may run */
    bool admit;    /* plan.admit is to be asked first */
    bool quick;    /* plan.quick is to be tried first, on the loop */
    bool declined; /* it was, and wants a worker */
    bool parked, resumed, late_due;
    bool gone;      /* the connection has given the task up */
    bool wire_done; /* the answer is with the kernel */
    bool body_done; /* the whole body has arrived */
    bool end_told;  /* sink.end has been called */
    bool want_pull; /* the loop waits for the pull buffer */
    void (*resume_fn)(struct net_req *r);
    void (*late_fn)(struct net_req *r);
    int64_t late_us; /* 0: none */
    void (*gone_fn)(struct net_req *r, void *ctx);
    void *gone_ctx;
    void (*end_fn)(struct net_req *r, void *ctx, bool complete);
    void *end_ctx;
    struct net_sink sink;
    void *sink_ctx;
    struct net_piece waiting[NET_PIECES]; /* for the sink, in order */
    size_t waiting_n;
    struct net_piece taken; /* at the sink now */
    struct net_pull pull;
    void *pull_ctx;
    struct net_piece pulled;
    enum net_pull_result pull_result;
    uint8_t tags[NET_TAGS][NET_TAG];
    unsigned tag_n;
};

/* The task behind a request that an application holds (asserted). */
struct net_task *net_req_task(const struct net_req *r);

/* On the loop. A new task has one reference, that of its connection, and one of
 * the application, dropped after the last job. */
struct net_task *net_task_new(struct net_loop *l, const struct net_conf *conf,
                              struct net_work *work, struct net_pool *pool,
                              struct net_budget *budget,
                              struct net_server *server);
/* Claim room for the body (budget.h); NET_CLAIM_WAIT: NET_POST_ROOM will come.
 */
enum net_claim_state net_task_claim(struct net_task *t,
                                    const struct net_peer_key *key,
                                    uint64_t bytes);
/* Claims that got their room: tell their connections. Any thread. */
void net_task_tell_room(struct net_claim *granted);
/* The handler (or plan.admit, if t->admit) may run now. */
void net_task_start(struct net_task *t);
/* A piece of the body for the sink (its buffer goes with it); the body ends. */
void net_task_piece(struct net_task *t, struct net_piece piece);
void net_task_body_done(struct net_task *t);
/* How many pieces wait at the sink or before it. */
size_t net_task_pieces(struct net_task *t);
/* The pull buffer has been sent, fill it again. */
void net_task_want_pull(struct net_task *t);
/* Take what the pull brought; the buffer becomes the caller's. */
enum net_pull_result net_task_pulled(struct net_task *t, struct net_piece *out);
/* The connection is done with the task: the answer is with the kernel
 * (complete), or the client is gone. The task may be freed by this. */
void net_task_detach(struct net_task *t, bool complete);
/* The client closed its sending side while the handler is at work: is that the
 * end of the request (there is a hook for it)? */
bool net_task_wants_gone(struct net_task *t);
bool net_task_has_tag(struct net_task *t, const uint8_t tag[NET_TAG]);
/* Is the task waiting for its application (parked)? */
bool net_task_parked(struct net_task *t);

/* Between the parts. With the lock held: queue the task if there is something
 * to do and it is not queued or running already. */
void net_task_wake(struct net_task *t);
/* The job of a task: do all there is to do. `worker` is not used. */
void net_task_run(struct net_job *j, void *worker);
/* net_resume; any thread. */
bool net_task_resume(struct net_task *t, void (*fn)(struct net_req *r));

/* Given by conn.c: what a task tells its connection; t->conn is set. */
void net_conn_news(struct net_conn *c, struct net_task *t, unsigned posts);

#endif
