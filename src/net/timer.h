/*
 * timer.h - a wheel of deadlines for one loop.
 * Owner: a timer lies inside its user's struct; the wheel only links it.
 * Never: thread-safe; fires early. It may fire up to NET_TICK_US late.
 */
#ifndef WH_NET_TIMER_H
#define WH_NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define NET_TICK_US 10000
#define NET_SLOTS 1024

/* All bytes zero is a timer that is not set. */
struct net_timer {
    struct net_timer *next, **prev; /* prev != null: linked */
    int64_t at_us;
    void (*fire)(struct net_timer *t);
};

struct net_wheel {
    struct net_timer *slots[NET_SLOTS];
    uint64_t used[NET_SLOTS / 64]; /* a bit per slot that has timers */
    int64_t tick; /* all slots up to here have been looked at */
    int64_t now_us;
};

/* now_us: any clock that never goes back; the same for all calls. */
void net_wheel_init(struct net_wheel *w, int64_t now_us);
/* Set or move a timer; times in the past fire at the next run. fire must be
 * set. Moving a deadline to a later time costs nothing: the timer stays where
 * it is and is moved when its old place comes up. */
void net_timer_set(struct net_wheel *w, struct net_timer *t, int64_t at_us);
void net_timer_clear(struct net_wheel *w, struct net_timer *t);
/* Fire what is due. fire may set and clear any timer. */
void net_wheel_run(struct net_wheel *w, int64_t now_us);
/* Milliseconds until the next slot with timers, -1 if there is none: the
 * timeout of epoll_wait. */
int net_wheel_wait_ms(const struct net_wheel *w, int64_t now_us);

#endif
