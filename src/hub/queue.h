/*
 * queue.h - long work that must not hold a worker: a few threads of their own,
 * each with its own reading connection.
 * Owner: hub_queue_new .. hub_queue_free, by front.
 * Never: holds more than its bound of waiting work; drops work silently.
 */
#ifndef WH_HUB_QUEUE_H
#define WH_HUB_QUEUE_H

#include "db/db.h"

struct hub_queue;

/* Work that may wait. */
#define HUB_QUEUE_MAX 10000u

/* A piece of work. db is the thread's connection, a an arena that is emptied
 * afterwards. */
typedef void hub_work(struct db *db, struct wh_arena *a, void *ctx);

/* Start the threads, 1..16 of them, each with a connection of its own. Null
 * with *err on failure. */
struct hub_queue *hub_queue_new(const char *db_path, unsigned threads,
                                struct wh_err *err) WH_CHECK;
/* Refuse new work, finish what runs, drop what waits (`dropped` is called for
 * each), stop. Others may still ask it for work afterwards, and are refused.
 * Null is fine. */
void hub_queue_stop(struct hub_queue *q);
/* Stop, and free it when nobody asks any more. Nulls the pointer; null is fine.
 */
void hub_queue_free(struct hub_queue **q);
/* Run work(db, a, ctx) on one of the threads. If the queue ends before,
 * dropped(ctx) is called instead (may be null). WH_UNAVAILABLE when too much
 * waits; neither is called then. */
bool hub_queue_add(struct hub_queue *q, hub_work *work,
                   void (*dropped)(void *ctx), void *ctx,
                   struct wh_err *err) WH_CHECK;
/* Has hub_queue_stop begun? Then the house stops, and long work elsewhere does
 * well to end. Null is "no". Any thread. */
bool hub_queue_stopping(struct hub_queue *q);
/* How much waits, for metrics. */
size_t hub_queue_depth(struct hub_queue *q);

#endif
