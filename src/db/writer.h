/*
 * writer.h - the one thread that writes: group commit over one connection.
 * Owner: db_writer_new .. db_writer_free, by the process that serves.
 * Never: answers before the commit that holds the work is on disk; retries a
 * function; runs two functions at once.
 */
#ifndef WH_DB_WRITER_H
#define WH_DB_WRITER_H

#include "db/db.h"

struct db_writer;

/* Requests that may wait, and requests in one commit. */
#define DB_WRITER_QUEUE 1024
#define DB_WRITER_BATCH 64

/* Open path for writing (the schema must be migrated already) and start the
 * thread. driver null means SQLite. Null and *err on failure. */
struct db_writer *db_writer_new(const struct db_driver *driver,
                                const char *path, struct wh_err *err) WH_CHECK;
/* Refuse new work, finish what is queued, stop the thread, close; nulls the
 * pointer, null is fine. No db_write may be in progress on another thread. */
void db_writer_free(struct db_writer **w);

/* Run fn(db, ctx, err) on the writer thread, inside a savepoint, and wait until
 * the commit that contains it is durable. False with *err:
 *  - what fn failed with: its savepoint, and only that, is rolled back;
 *  - what the commit failed with (WH_NOSPACE, WH_IO ...): nothing of the whole
 *    batch was stored, although fn itself may have succeeded;
 *  - WH_UNAVAILABLE: the queue is full, or the writer is stopping: fn did not
 *    run.
 * fn runs once at most. What it writes to ctx counts only if db_write returns
 * true. fn must be short (at most about 500 rows), must finish every statement,
 * and must not wait for a network, a process, or db_write (asserted). Requests
 * commit in the order in which they were queued. */
bool db_write(struct db_writer *w, db_fn *fn, void *ctx,
              struct wh_err *err) WH_CHECK;

/* Called on the writer thread when the outcome is durable; err is null on
 * success. Must be quick; may queue more work with db_write_async. */
typedef void db_done(void *ctx, const struct wh_err *err);
/* The same without waiting, for parked requests. True: queued, and done will be
 * called exactly once; ctx must live until then. False with *err
 * (WH_UNAVAILABLE): not queued, done will not be called. */
bool db_write_async(struct db_writer *w, db_fn *fn, void *ctx, db_done *done,
                    struct wh_err *err) WH_CHECK;

/* Work that waits now, for /metrics. */
size_t db_writer_depth(struct db_writer *w);

#endif
