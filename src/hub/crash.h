/*
 * crash.h - numbered places where a test may kill front while content is sealed
 * again.
 * Owner: nothing is owned.
 * Never: compiled into the product unless meson's crash_points option says so.
 */
#ifndef WH_HUB_CRASH_H
#define WH_HUB_CRASH_H

/* The steps of hub/retier.h, in order. */
enum hub_step {
    HUB_AT_CLOSED = 1, /* published; nothing done */
    HUB_AT_CUT,        /* downloads have ended */
    HUB_AT_BEGUN,      /* the container's key is on record */
    HUB_AT_LINKED,     /* the container is whole and has its name */
    HUB_AT_SETTLED,    /* the keeper read it back; no row says so */
    HUB_AT_SEALED,     /* a repo has its sealed form */
    HUB_AT_DROPPED,    /* no row names the plain file, which is there */
    HUB_AT_REMOVED,    /* the plain file is gone */
    HUB_STEPS = HUB_AT_REMOVED
};

#ifdef HUB_CRASH_POINTS
/* Kill the process at once if WEIGHHOUSE_HUB_CRASH_AT names the step. */
void hub_crash_point(enum hub_step step);
#else
static inline void hub_crash_point(enum hub_step step)
{
    (void)step;
}
#endif

#endif
