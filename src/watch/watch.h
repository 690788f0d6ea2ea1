/*
 * watch.h - the watch over hosted models while the house runs: looks at
 * requests and answers, keeps the evidence, acts by the ladder.
 * Owner: watch_open .. watch_close; a run belongs to its request, from
 * watch_request to watch_end.
 * Never: looks at a request to a model that no line wants watched; writes
 * a text in the clear; lets a request through that it could not look at; waits
 * in watch_text and watch_end.
 *
 * Evidence is kept in memory and written every half second; a crash loses at
 * most the last second of it. Suspensions are on disk before they are told.
 */
#ifndef WH_WATCH_WATCH_H
#define WH_WATCH_WATCH_H

#include "base/arena.h"
#include "db/writer.h"
#include "watch/case.h"
#include "watch/history.h"

struct watch;

struct watch_config {
    struct db_writer *writer;
    const char *db_path;
    const char *dir;          /* DATA/watch: halves of keys */
    struct wh_str classifier; /* bytes of its file; empty: absent */
    bool thread;              /* write and tidy in the background */
    /* Microseconds; null: the wall clock. */
    int64_t (*now)(void *ctx);
    /* Does a line want this model watched? Null: its weights are hosted. */
    bool (*demands)(void *ctx, struct db *db, struct wh_str model, bool *out,
                    struct wh_err *err);
    /* End what runs of this key (0: all of the account), and revoke the key if
     * said. On a worker; nothing of the watch is locked. May be null. */
    void (*stop)(void *ctx, int64_t account, int64_t key, bool revoke,
                 struct wh_str why, struct wh_str url);
    /* There is a new event for the register. May be null. */
    void (*kick)(void *ctx);
    void *ctx;
};

/* Open keys and detectors, and take up the cases in force. WH_BAD_REQUEST for a
 * classifier that is none. */
bool watch_open(const struct watch_config *c, struct watch **out,
                struct wh_err *err) WH_CHECK;
/* Writes what is left. Null is fine. */
void watch_close(struct watch **w);

/* ---- one request ---- */

struct watch_asked {
    int64_t key, account;
    struct wh_str model, request, end_user, base; /* base: "http://host" */
    unsigned retry;
    bool chat;
    bool exam; /* the house asks: everything is looked at as ever, and nothing
                  is counted, kept or held against anybody */
    const struct watch_said *said;
    size_t n_said;
};

enum watch_no { WATCH_NO_POLICY, WATCH_NO_SUSPENDED, WATCH_NO_SLOWER };

struct watch_refusal {
    enum watch_no kind;
    struct wh_str message, url; /* in the arena, or static */
    unsigned retry_after;       /* s; 0: none */
};

struct watch_run;

/* May this request run? db is the worker's reading connection. *run is null
 * where the model is not watched. */
bool watch_request(struct watch *w, struct db *db, struct wh_arena *a,
                   const struct watch_asked *q, struct watch_run **run,
                   struct watch_refusal *no);

/* A piece of an answer, as gateway/filter.h says it. */
struct watch_piece {
    unsigned channel;
    bool content; /* what a client sends back as the assistant's turn */
    struct wh_str text;
    size_t fresh;
    bool last;
};
#define WATCH_CHANNELS 256u

/* How much may go; false: cut behind it, *why is a static sentence. */
bool watch_text(struct watch *w, struct watch_run *run,
                const struct watch_piece *piece, size_t *release,
                const char **why);
/* The request is over; whole: the caller has all of the answer. Frees run. */
void watch_end(struct watch *w, struct watch_run *run, bool whole);

/* ---- for cases, pages and tests ---- */

/* Write what waits. False only when the database failed; it is tried again. */
bool watch_flush(struct watch *w, struct wh_err *err);
/* What is to be done once in a while: lapses, keys that are over, counts. */
bool watch_tidy(struct watch *w, struct wh_err *err);
/* A person has decided: what memory holds follows. */
void watch_case_changed(struct watch *w, const struct watch_case *c);
/* The secret of a case, for its address. */
void watch_secret_of(const struct watch *w, struct wh_str public_id,
                     char out[WATCH_CASE_SECRET + 1]);
/* Open a text of an alarm; watch_case_read came before. */
bool watch_text_of(struct watch *w, struct db *db, struct wh_arena *a,
                   const struct watch_alarm *alarm, struct wh_str *text,
                   bool *cut, struct wh_err *err) WH_CHECK;
/* The evidence in memory, ln; 0 for who is not there. For tests. */
double watch_log_of(struct watch *w, enum watch_level level, int64_t id);
struct detect_model; /* detect/linear.h */

/* The classifier, or null. */
const struct detect_model *watch_model(const struct watch *w);

#endif
