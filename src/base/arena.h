/*
 * arena.h - memory that belongs to a request or a job.
 * Owner: whoever calls wh_arena_init; everything goes with wh_arena_done.
 * Never: thread-safe; used for streams; freed piece by piece.
 */
#ifndef WH_BASE_ARENA_H
#define WH_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct wh_arena {
    struct wh_arena_block *head;
    struct wh_arena_defer *defers; /* run in reverse order by reset and done */
    size_t used, ceiling;
    bool over; /* went over the ceiling: the edge answers WH_NOMEM */
    bool wipe; /* overwrite memory before it is given back */
};

/* ceiling: bytes this arena may hand out before `over` is set; at 8 times the
 * ceiling it panics, because a loop of ours had no bound. */
void wh_arena_init(struct wh_arena *a, size_t ceiling);
/* Run the deferred actions, newest first, then release all memory. */
void wh_arena_done(struct wh_arena *a);
/* The same, but ready for use again (keeps one block). */
void wh_arena_reset(struct wh_arena *a);

/* n zeroed bytes, aligned for any type; never null. */
void *wh_arena_alloc(struct wh_arena *a, size_t n);
/* count * size, overflow panics. */
void *wh_arena_array(struct wh_arena *a, size_t count, size_t size);
#define WH_NEW(a, type) ((type *)wh_arena_alloc((a), sizeof(type)))
/* Copies that live in the arena. cstr is NUL-terminated. */
struct wh_str wh_arena_dup(struct wh_arena *a, struct wh_str s);
char *wh_arena_cstr(struct wh_arena *a, struct wh_str s);
/* printf into the arena. */
struct wh_str wh_arena_fmt(struct wh_arena *a, const char *fmt, ...)
    WH_PRINTF(2, 3);
/* Run fn(p) when the arena ends: close a file, drop a JSON value, ... */
void wh_arena_defer(struct wh_arena *a, void (*fn)(void *), void *p);
/* True, with *err filled (WH_NOMEM), when the ceiling was passed. */
bool wh_arena_over(const struct wh_arena *a, struct wh_err *err);

#endif
