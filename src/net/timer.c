/*
 * timer.c - a hashed wheel: a deadline hangs in the slot of its tick modulo the
 * number of slots. Deadlines move far more often than they pass, so moving to a
 * later time only writes the new time; the slot puts it where it belongs when
 * it comes up.
 */
#include "net/timer.h"

#include "base/err.h"

#include <stddef.h>

static int64_t tick_of(int64_t us)
{
    return (us + NET_TICK_US - 1) / NET_TICK_US;
}

static void link_timer(struct net_wheel *w, struct net_timer *t, int64_t tick)
{
    size_t slot = (size_t)(tick % NET_SLOTS);
    t->next = w->slots[slot];
    t->prev = &w->slots[slot];
    if (t->next != NULL) {
        t->next->prev = &t->next;
    }
    w->slots[slot] = t;
    w->used[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static void unlink_timer(struct net_timer *t)
{
    *t->prev = t->next;
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
    t->next = NULL;
    t->prev = NULL;
}

static int64_t slot_tick(const struct net_wheel *w, int64_t at_us)
{
    int64_t tick = tick_of(at_us);
    return tick > w->tick ? tick : w->tick + 1;
}

/* Take the timers of a slot out and fire or re-hang each. The list is detached
 * first, because fire may link and unlink timers of the same slot. */
static void run_slot(struct net_wheel *w, size_t slot, int64_t now_us)
{
    struct net_timer *todo = w->slots[slot];
    w->slots[slot] = NULL;
    w->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    if (todo != NULL) {
        todo->prev = &todo;
    }
    while (todo != NULL) {
        struct net_timer *t = todo;
        unlink_timer(t);
        if (t->at_us <= now_us) {
            t->fire(t);
        } else {
            link_timer(w, t, slot_tick(w, t->at_us));
        }
    }
}

void net_wheel_init(struct net_wheel *w, int64_t now_us)
{
    *w = (struct net_wheel){.tick = now_us / NET_TICK_US, .now_us = now_us};
}

void net_timer_set(struct net_wheel *w, struct net_timer *t, int64_t at_us)
{
    wh_assert(t->fire != NULL);
    if (t->prev != NULL) {
        if (at_us >= t->at_us) {
            t->at_us = at_us;
            return;
        }
        unlink_timer(t);
    }
    t->at_us = at_us;
    link_timer(w, t, slot_tick(w, at_us));
}

void net_timer_clear(struct net_wheel *w, struct net_timer *t)
{
    (void)w;
    if (t->prev != NULL) {
        unlink_timer(t);
    }
}

void net_wheel_run(struct net_wheel *w, int64_t now_us)
{
    int64_t last = now_us / NET_TICK_US;
    w->now_us = now_us;
    /* after a long sleep one round looks at every slot */
    if (last - w->tick > NET_SLOTS) {
        w->tick = last - NET_SLOTS;
    }
    while (w->tick < last) {
        w->tick++;
        size_t slot = (size_t)(w->tick % NET_SLOTS);
        if (w->slots[slot] != NULL) {
            run_slot(w, slot, now_us);
        } else {
            w->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
        }
    }
}

int net_wheel_wait_ms(const struct net_wheel *w, int64_t now_us)
{
    for (int64_t i = 1; i <= NET_SLOTS; i++) {
        size_t slot = (size_t)((w->tick + i) % NET_SLOTS);
        if (w->used[slot / 64] == 0) {
            i += 63 - (int64_t)(slot % 64); /* a whole word of empty slots */
            continue;
        }
        if (w->slots[slot] != NULL) {
            int64_t us = (w->tick + i) * NET_TICK_US - now_us;
            return us <= 0 ? 0 : (int)((us + 999) / 1000);
        }
    }
    return -1;
}
