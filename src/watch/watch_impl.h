/*
 * watch_impl.h - what the files of the watch share; for watch/ only.
 * Owner: struct watch owns everything here; `lock` guards what says so.
 * Never: included from another room.
 */
#ifndef WH_WATCH_WATCH_IMPL_H
#define WH_WATCH_WATCH_IMPL_H

#include "detect/screen.h"
#include "detect/stream.h"
#include "watch/evidence.h"
#include "watch/ladder.h"
#include "watch/watch.h"

#include <pthread.h>

#define WATCH_SLOTS 4096u /* of the table, a power of two */
/* Entries, and keys whose last requests are remembered (16 KiB each). */
#define WATCH_ENTRIES_MAX 100000u
#define WATCH_MEMORIES_MAX 4096u
#define WATCH_FORGIVEN_MAX 3u
#define WATCH_KEPT_A_DAY 200u /* alarms of one key that are written */

/* The last requests and answers of a key. */
struct watch_memory {
    struct watch_recent recent;
    struct watch_history history;
    uint32_t turn; /* whose seed the sketches have */
    int64_t day;
    unsigned kept; /* alarms written that day */
};

/* A key, a person behind it, or an account. */
struct watch_entry {
    struct watch_entry *next;
    enum watch_level level;
    int64_t id, account;
    uint64_t person; /* keyed digest; 0 but at level PERSON */
    struct watch_trace trace;
    uint64_t forgiven; /* times that a narrower one took its evidence */
    enum detect_rung rung;
    bool confirmed;
    bool repeated;                   /* too many alarmed near-duplicates */
    char case_id[WATCH_CASE_ID + 1]; /* "": none is open */
    enum detect_rung case_rung;
    int64_t until;     /* of the case */
    int64_t slow_next; /* no request before */
    int64_t used;
    bool dirty;
    const char *layer; /* of the last alarm */
    int64_t score;
    char request[65];
    struct watch_memory *memory; /* of keys */
};

/* What waits for the writer. */
struct watch_pending_alarm {
    struct watch_pending_alarm *next;
    int64_t account, key, at, score, p0;
    char person[17];
    char request[65];
    const char *layer;
    char *model, *reasons;
    int counted;
    int64_t log_e[WATCH_LEVELS];
    struct watch_sealed text;
    uint8_t salt[WATCH_SALT];
};

struct watch_pending_case {
    struct watch_pending_case *next;
    bool is_new;
    enum watch_level level;
    int64_t account, key, log_e, score, acted, until;
    char person[17], id[WATCH_CASE_ID + 1], request[65];
    enum detect_rung before, rung;
    const char *layer;
    char *model;
    bool repeated;
};

struct watch_batch {
    struct watch_pending_alarm *alarms;
    struct watch_pending_case *cases, **cases_end;
    uint64_t counts[WATCH_HAPPENED];
    size_t n; /* rows */
};

/* Things that are lent: one user at a time each. */
struct watch_pool {
    pthread_mutex_t lock;
    void **item;
    size_t n, cap;
};

struct watch {
    struct watch_config c;
    struct detect_signatures *signatures;
    struct detect_model *model;
    uint8_t house_key[32]; /* secrets of cases, digests of persons */
    struct watch_pool screens, streams, scratches;

    pthread_mutex_t lock; /* all below */
    struct watch_entry *slot[WATCH_SLOTS];
    size_t entries, memories;
    struct watch_secrets secrets;
    uint64_t seed; /* of sketches, as long as secrets.turn */
    struct watch_vault vault;
    struct watch_batch waiting;

    pthread_mutex_t flushing; /* taken before lock */
    struct watch_batch batch; /* on its way; kept when the write failed */
    pthread_t thread;
    bool threaded, ending;
    pthread_cond_t wake;
};

/* The present. */
int64_t watch_now(const struct watch *w);

/* live.c: find or make; reads the stored evidence of who is not in memory. With
 * the lock. False when the database failed. */
bool watch_entry_get(struct watch *w, struct db *db, enum watch_level level,
                     int64_t id, uint64_t person, int64_t account,
                     struct watch_entry **out, struct wh_err *err) WH_CHECK;
struct watch_entry *watch_entry_find(struct watch *w, enum watch_level level,
                                     int64_t id, uint64_t person);
struct watch_memory *watch_entry_memory(struct watch *w, struct watch_entry *e);
/* A case is over: nothing is done any more; `clean`: nor anything known. */
void watch_entry_free_of(struct watch_entry *e, bool clean);
/* Forget who was not here for long; in a full table, for a minute. What is
 * stored of them is not forgotten. */
void watch_entries_shrink(struct watch *w, int64_t now);
void watch_entries_drop(struct watch *w);
/* 16 hex digits, or "". */
void watch_person_text(uint64_t person, char out[17]);

/* act.c: what the ladder says of these entries, narrowest first (nulls are
 * passed over); puts cases into `waiting`. Says whether anybody is stopped from
 * now on that was not before. With the lock. */
bool watch_act(struct watch *w, struct watch_entry *const e[WATCH_LEVELS],
               struct wh_str model, struct wh_str request, int64_t now);

/* output.c: the state of an answer to the conversation that ends in prefix. */
struct watch_run *watch_run_new(const struct watch_asked *q,
                                const struct watch_secrets *s, uint64_t prefix);

/* store.c: an empty batch; give back all it holds. */
void watch_batch_init(struct watch_batch *b);
void watch_batch_free(struct watch_batch *b);

/* pool.c: take one, or null when all are out; give it back. */
void watch_pool_init(struct watch_pool *p);
void *watch_pool_take(struct watch_pool *p);
void watch_pool_give(struct watch_pool *p, void *item);

#endif
