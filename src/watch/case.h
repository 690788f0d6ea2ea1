/*
 * case.h - the file on a key, a person or an account: what was done, on which
 * evidence, until when, what was said against it, and who decided.
 * Owner: what is read lies in the caller's arena.
 * Never: opens a transaction (functions that change rows run inside a
 * db_write); has no end; gives a text to one reviewer alone.
 */
#ifndef WH_WATCH_CASE_H
#define WH_WATCH_CASE_H

#include "db/db.h"
#include "detect/sequence.h"
#include "watch/text.h"

#define WATCH_CASE_ID 32     /* hex digits */
#define WATCH_CASE_SECRET 43 /* base64url of 32 bytes */
#define WATCH_APPEAL_MAX 8192
#define WATCH_APPEALS_MAX 10 /* of one case */
#define WATCH_REASON_MAX 2048
#define WATCH_ALARMS_SHOWN 200
#define WATCH_READERS 2
/* A wish to read texts counts for so long. */
#define WATCH_WISH_US (INT64_C(7) * 86400 * 1000000)
/* A confirmed case lasts so much longer, then it lapses too. */
#define WATCH_CONFIRMED_US (INT64_C(90) * 86400 * 1000000)

enum watch_level { WATCH_KEY, WATCH_PERSON, WATCH_ACCOUNT, WATCH_LEVELS };

enum watch_state { WATCH_OPEN, WATCH_LIFTED, WATCH_CONFIRMED, WATCH_LAPSED };

/* What is counted in public. The order is stored. */
enum watch_happened {
    WATCH_N_REQUESTS, /* looked at */
    WATCH_N_ALARMS,
    WATCH_N_REFUSED, /* requests, by a rung */
    WATCH_N_CUT,     /* answers cut by an output rule */
    WATCH_N_CASES,   /* opened */
    WATCH_N_QUEUED,  /* reached the desk */
    WATCH_N_SUSPENDED,
    WATCH_N_REVOKED,
    WATCH_N_LIFTED,
    WATCH_N_CONFIRMED,
    WATCH_N_LAPSED,
    WATCH_N_APPEALS,
    WATCH_N_READINGS, /* of a case's texts, by two reviewers */
    WATCH_HAPPENED
};

/* A case as stored. */
struct watch_case {
    int64_t id;
    struct wh_str public_id;
    enum watch_level level;
    int64_t account, key; /* key 0: the whole account */
    struct wh_str person; /* 16 hex digits, or "" */
    enum detect_rung rung;
    enum watch_state state;
    int64_t log_e, score; /* millionths */
    struct wh_str layer, request, model;
    bool repeated;
    int64_t opened, acted, until, closed;
    struct wh_str reason;
    int64_t decider;
};

/* An alarmed request as stored. */
struct watch_alarm {
    int64_t id, at;
    struct wh_str request, model, layer, reasons; /* one a line */
    int64_t score, p0;
    int counted; /* enum watch_counted */
    int64_t log_e[WATCH_LEVELS];
    bool has_text;
};

struct watch_saying {
    struct wh_str text;
    int64_t at;
};

struct watch_reviewing {
    struct wh_str name, reason;
    int64_t at, account;
};

/* The secret of a case: HMAC of its id under the house's own, so that a copy of
 * the database shows nobody's page. And what is stored of it. */
void watch_case_secret(const uint8_t key[32], struct wh_str public_id,
                       char out[WATCH_CASE_SECRET + 1]);
void watch_case_secret_hash(struct wh_str secret, char hex[65]);

/* Open one; id and secret hash are c's. Raise one: does nothing when a person
 * closed it meanwhile. */
bool watch_case_insert(struct db *db, const uint8_t key[32],
                       const struct watch_case *c, struct wh_err *err) WH_CHECK;
bool watch_case_raise(struct db *db, const struct watch_case *c,
                      struct wh_err *err) WH_CHECK;
/* The secret that goes with this key, if another one is stored: after a backup
 * was restored without the key's file. */
bool watch_case_rekey(struct db *db, const uint8_t key[32],
                      const struct watch_case *c, struct wh_err *err) WH_CHECK;
/* By the public id (for reviewers and owners), by the secret (for anybody who
 * has it); WH_NOT_FOUND. */
bool watch_case_by_id(struct db *db, struct wh_arena *a, struct wh_str id,
                      struct watch_case *out, struct wh_err *err) WH_CHECK;
bool watch_case_by_secret(struct db *db, struct wh_arena *a,
                          struct wh_str secret, struct watch_case *out,
                          struct wh_err *err) WH_CHECK;
/* Open ones first: of at least this rung, of an account (0: all), at most
 * `most`. */
bool watch_case_list(struct db *db, struct wh_arena *a, enum detect_rung rung,
                     int64_t account, size_t most, struct watch_case **out,
                     size_t *n, struct wh_err *err) WH_CHECK;
/* What is in force at `now`. */
bool watch_case_in_force(struct db *db, struct wh_arena *a, int64_t now,
                         struct watch_case **out, size_t *n,
                         struct wh_err *err) WH_CHECK;
/* The alarms behind a case, newest first: those of the 30 days before it and
 * all since, until it was closed. */
bool watch_case_alarms(struct db *db, struct wh_arena *a,
                       const struct watch_case *c, struct watch_alarm **out,
                       size_t *n, struct wh_err *err) WH_CHECK;

/* What the person says: WH_BAD_REQUEST for an empty or long text, WH_TOO_LARGE
 * for too many, WH_CONFLICT when the case is closed. */
bool watch_case_appeal(struct db *db, const struct watch_case *c,
                       struct wh_str text, int64_t now,
                       struct wh_err *err) WH_CHECK;
bool watch_case_appeals(struct db *db, struct wh_arena *a,
                        const struct watch_case *c, struct watch_saying **out,
                        size_t *n, struct wh_err *err) WH_CHECK;

/* Lift or confirm, with a reason of at least ten characters. WH_CONFLICT when
 * somebody else was faster; WH_FORBIDDEN for who is no reviewer, or is the one
 * it is about. */
bool watch_case_decide(struct db *db, const struct watch_case *c,
                       int64_t reviewer, bool lift, struct wh_str reason,
                       int64_t now, struct wh_err *err) WH_CHECK;
/* Close what is past its end, a hundred at most. */
bool watch_case_lapse(struct db *db, int64_t now, struct wh_err *err) WH_CHECK;

/* ---- reviewers ---- */

/* Name or release one. WH_FORBIDDEN for operators: who runs the house does not
 * read. */
bool watch_reviewer_set(struct db *db, int64_t account, bool on, int64_t now,
                        struct wh_err *err) WH_CHECK;
bool watch_reviewer_is(struct db *db, int64_t account, bool *out,
                       struct wh_err *err) WH_CHECK;
bool watch_reviewer_list(struct db *db, struct wh_arena *a,
                         struct watch_reviewing **out, size_t *n,
                         struct wh_err *err) WH_CHECK;
/* Say that one wants to read the texts of a case, and why. */
bool watch_case_wish(struct db *db, const struct watch_case *c,
                     int64_t reviewer, struct wh_str reason, int64_t now,
                     struct wh_err *err) WH_CHECK;
bool watch_case_wishes(struct db *db, struct wh_arena *a,
                       const struct watch_case *c, int64_t now,
                       struct watch_reviewing **out, size_t *n,
                       struct wh_err *err) WH_CHECK;
/* Inside a write: may this reviewer read now? Two who wished it, of whom he is
 * one: then the reading is recorded and counted, before any text is opened.
 * Else WH_FORBIDDEN. */
bool watch_case_read(struct db *db, const struct watch_case *c,
                     int64_t reviewer, size_t texts, int64_t now,
                     struct wh_err *err) WH_CHECK;
/* When it was read; text stays empty. */
bool watch_case_readings(struct db *db, struct wh_arena *a,
                         const struct watch_case *c, struct watch_saying **out,
                         size_t *n, struct wh_err *err) WH_CHECK;

/* ---- counts ---- */

/* Add to a day's count. */
bool watch_count(struct db *db, int64_t now, enum watch_happened what,
                 uint64_t n, struct wh_err *err) WH_CHECK;
/* Sums of the days from and to, both included (since 1970). */
bool watch_counts(struct db *db, int64_t from, int64_t to,
                  int64_t out[WATCH_HAPPENED], struct wh_err *err) WH_CHECK;
/* Inside a write: once a day, the counts of the days that are over, as a leaf.
 * *submitted: there is something for the sequencer. */
bool watch_counts_log(struct db *db, int64_t now, bool *submitted,
                      struct wh_err *err) WH_CHECK;

#endif
