/*
 * work.h - the worker threads of a lane and their one queue.
 * Owner: the server, one for each lane. A job lies inside its user's struct;
 * the queue only links it.
 * Never: runs a job twice; drops a job, also not at the end.
 */
#ifndef WH_NET_WORK_H
#define WH_NET_WORK_H

#include "net/server.h"

#include <pthread.h>

struct net_job {
    struct net_job *next;
    void (*fn)(struct net_job *j, void *worker);
};

struct net_idle;

struct net_work {
    pthread_mutex_t lock;
    pthread_cond_t started;
    struct net_job *first, **last;
    struct net_idle *idle; /* threads without a job; the last one to come first:
                            * its memory and its statements are still warm */
    size_t waiting;
    unsigned threads, ready;
    bool stop, failed;
    struct wh_err err; /* of the first worker_init that failed */
    const struct net_conf *conf;
    enum net_lane lane;
    pthread_t *ids;
    _Atomic uint64_t parked; /* requests that wait; a figure of net_stats */
};

/* Start the threads of this lane, as many as conf says, and wait until each has
 * its state. */
bool net_work_start(struct net_work *w, const struct net_conf *conf,
                    enum net_lane lane, struct wh_err *err) WH_CHECK;
/* Let the queue run empty, end the threads. */
void net_work_stop(struct net_work *w);
/* Any thread. */
void net_work_push(struct net_work *w, struct net_job *j);
size_t net_work_waiting(struct net_work *w);
/* State of the worker on whose thread we are, else null. */
void *net_work_state(void);

#endif
