/*
 * register.h - the house's public log at work: one per server process.
 * Owner: register_open .. register_close; made and closed by cmd.
 * Never: lets anybody believe an event is logged before a published checkpoint
 * covers it; goes on after it found a contradiction.
 *
 * An event enters the outbox with register_submit, in its own transaction. The
 * sequencer's thread gives it an index, has the new head signed, writes tiles
 * and bundles, then the checkpoint, and only then tells those who wait.
 */
#ifndef WH_REGISTER_REGISTER_H
#define WH_REGISTER_REGISTER_H

#include "db/writer.h"
#include "register/signer.h"
#include "register/submit.h"

struct register_log;

/* What the first leaf says. The lists hold digests of documents (64 hex). */
struct register_genesis {
    const char *software; /* "0.1.0" */
    const struct wh_str *lines;
    size_t nlines;
};

struct register_config {
    const char *dir;     /* DATA/register */
    const char *db_path; /* a read connection of its own is opened */
    struct db_writer *writer;
    struct register_signing signing; /* its ctx outlives the log */
    struct register_genesis genesis;
    /* 0 takes the default: time between two cycles under load (200 ms), age of
     * a checkpoint before its partial tiles may be swept (600 s). */
    int64_t cadence_us, sweep_age_us;
    /* New events are refused when less than this part of the disk is free, in
     * percent, or fewer bytes (0: 4 MiB). */
    unsigned free_percent;
    uint64_t free_min;
    /* Null: the wall clock. Tests turn it back. */
    int64_t (*now_us)(void);
};

/* The published state, for pages, metrics and health. */
struct register_status {
    char origin[TLOG_NAME_MAX + 1];
    char vkey[TLOG_VKEY_TEXT];
    uint64_t size; /* of the published checkpoint */
    struct tlog_hash root;
    int64_t published_at; /* us */
    bool halted;          /* found a contradiction; only people can go on */
    bool stalled;         /* the clock went back: waiting for it */
    bool low_space;
    enum wh_code trouble; /* of the last failed cycle, WH_NONE when well */
};

/* Where an event is in the log. */
struct register_place {
    uint64_t index;
    uint64_t size; /* of a published checkpoint that covers it */
};

/* Lock the folder, compare database, files and signer, repair what a crash left
 * behind, begin the log if there is none anywhere, publish what waits, start
 * the thread. The schema must be migrated. Fails with WH_ROLLED_BACK when the
 * signer or the checkpoint is ahead of the database, WH_CORRUPT when they
 * contradict each other or the data, WH_CONFLICT when another process runs this
 * log, WH_UNAVAILABLE (or what the disk says) when it may be tried again. */
bool register_open(const struct register_config *cfg, struct register_log **out,
                   struct wh_err *err) WH_CHECK;
/* Finish the cycle at work, fail those who wait (WH_UNAVAILABLE), stop; nulls
 * the pointer, null is fine. */
void register_close(struct register_log **log);

/* May a new event come in? WH_UNAVAILABLE when the log is halted or stalled,
 * WH_NOSPACE when its disk is nearly full. Ask before work that ends in
 * register_submit. */
bool register_admit(struct register_log *log, struct wh_err *err) WH_CHECK;
/* There may be something in the outbox: to be called after the db_write that
 * held register_submit. register_wait does it too. */
void register_kick(struct register_log *log);

/* Wait until a published checkpoint covers the event, at most until the
 * deadline (wh_mono_us clock): WH_TIMEOUT then; it will be published all the
 * same. WH_UNAVAILABLE when the log closes, WH_CORRUPT when it has halted. */
bool register_wait(struct register_log *log, int64_t outbox, int64_t deadline,
                   struct register_place *out, struct wh_err *err) WH_CHECK;
/* Called exactly once, from the sequencer's thread, with either place or err
 * (the other is null). Must be quick. */
typedef void register_done(void *ctx, const struct register_place *place,
                           const struct wh_err *err);
/* The same as register_wait without a thread that waits. */
void register_wait_async(struct register_log *log, int64_t outbox,
                         int64_t deadline, register_done *done, void *ctx);
/* The house is about to stop: no wait, begun or to come, lasts longer than
 * until this time (wh_mono_us), however long the log stands still. */
void register_hurry(struct register_log *log, int64_t deadline);

/* What is published now, and how the log is. */
void register_status_get(struct register_log *log, struct register_status *out);

#endif
