/*
 * testing.h - for tests and benchmarks: a watch over a database of its own,
 * with a clock that stands still, and people who ask.
 * Owner: watch_testing_open .. watch_testing_close.
 * Never: linked into the binary.
 */
#ifndef WH_WATCH_TESTING_H
#define WH_WATCH_TESTING_H

#include "db/testdb.h"
#include "watch/watch.h"

struct watch_testing {
    struct testdb t;
    struct db *db; /* reads */
    struct watch *w;
    struct wh_arena arena; /* of the last request */
    char dir[128];
    struct wh_str classifier;
    int64_t now;
    unsigned stops, revokes; /* calls of the callback */
    int64_t stopped_key;
    struct watch_refusal no; /* the last one */
    uint64_t serial;
};

enum watch_met { WATCH_ANSWERED, WATCH_POLICY, WATCH_STOPPED, WATCH_SLOW };

/* A classifier that alarms on the word "herring", as a file; in the arena. */
struct wh_str watch_testing_model(struct wh_arena *a);
/* classifier: bytes that outlive it; empty: the one above is not used either.
 * Panics when anything fails. */
void watch_testing_open(struct watch_testing *t, struct wh_str classifier);
void watch_testing_close(struct watch_testing *t);
/* End the watch and begin it anew on the same database; `crash`: what waits is
 * lost. */
void watch_testing_restart(struct watch_testing *t, bool crash);
/* Ask once, as a conversation of one message, and let "ok" be answered. */
enum watch_met watch_testing_ask(struct watch_testing *t, int64_t key,
                                 const char *end_user, struct wh_str text);
/* The same with all that can be said. */
enum watch_met watch_testing_say(struct watch_testing *t,
                                 const struct watch_asked *q,
                                 struct wh_str answer, bool whole);
/* The newest case. */
bool watch_testing_case(struct watch_testing *t, struct watch_case *out);

#endif
