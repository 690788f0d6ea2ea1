/*
 * db.h - one database connection: named statements in, typed columns out.
 * Owner: db_open .. db_close; a connection and its statements belong to one
 * thread at a time. Readers open their own; writes go through db/writer.h.
 * Never: takes SQL text from C code; statements live in sql/queries.
 *
 * The usual shape of a query (a start never fails; what went wrong in start
 * and bind is kept and reported by the step):
 *
 *     struct db_stmt *s = db_start(db, DBQ_REPO_BY_NAME);
 *     db_bind_text(s, 1, ns);
 *     enum db_row r = db_step(s, err);
 *     if (r == DB_ROW) { id = db_col_i64(s, 0); }
 *     db_finish(&s);
 *     return db_found(r, WH_REPO_NOT_FOUND, err);
 */
#ifndef WH_DB_DB_H
#define WH_DB_DB_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/queries.h" /* enum db_query, made by tools/sqlgen.py */

struct db;
struct db_stmt;
struct db_driver;

/* Statements that may be open at once on a connection. */
#define DB_OPEN_MAX 32

/* DB_FAIL is zero, so that a forgotten case is a failure. */
enum db_row { DB_FAIL, DB_ROW, DB_DONE };

/* Open path with the house's settings (WAL, synchronous=FULL, foreign keys on,
 * temporary data in memory only). A writing connection creates the file with
 * mode 0600; a reading one wants it to exist. Null and *err on failure. */
struct db *db_open(const char *path, bool read_only,
                   struct wh_err *err) WH_CHECK;
/* The same with another driver (tests, and PostgreSQL when it comes). */
struct db *db_open_with(const struct db_driver *driver, const char *path,
                        bool read_only, struct wh_err *err) WH_CHECK;
/* Close and null the pointer; null is fine. All statements must be finished
 * (asserted). */
void db_close(struct db **db);

/* Begin one use of a named statement. Never null. Prepared once a connection
 * and kept; the same query may be started again while it is open (a recursive
 * walk). At most DB_OPEN_MAX statements are open at once (asserted). Each
 * start has exactly one db_finish or db_exec. */
struct db_stmt *db_start(struct db *db, enum db_query q);

/* Bind parameter $i (from 1) before the first step; unbound ones are NULL.
 * Values are copied. Text must not hold NUL bytes (the step then fails with
 * WH_BAD_REQUEST); a view with p == null binds NULL. */
void db_bind_i64(struct db_stmt *s, int i, int64_t v);
void db_bind_text(struct db_stmt *s, int i, struct wh_str v);
void db_bind_cstr(struct db_stmt *s, int i, const char *v);
void db_bind_blob(struct db_stmt *s, int i, const void *p, size_t n);
void db_bind_null(struct db_stmt *s, int i);
/* n bytes as 2n lower hex digits of text: how digests are kept. n <= 64. */
void db_bind_hex(struct db_stmt *s, int i, const void *p, size_t n);

/* The next row. DB_FAIL fills *err; a broken
 * UNIQUE is WH_CONFLICT, a full disk WH_NOSPACE, a busy database
 * WH_UNAVAILABLE, other I/O WH_IO, damage WH_CORRUPT. */
enum db_row db_step(struct db_stmt *s, struct wh_err *err) WH_CHECK;

/* Columns of the current row, from 0. NULL reads as 0 or as {null, 0}; a blob
 * read as text gives its bytes. Views live until the next step or the finish;
 * _dup copies into an arena. A wrong column number is asserted. */
int64_t db_col_i64(struct db_stmt *s, int i);
bool db_col_bool(struct db_stmt *s, int i);
struct wh_str db_col_text(struct db_stmt *s, int i);
struct wh_str db_col_blob(struct db_stmt *s, int i);
struct wh_str db_col_dup(struct db_stmt *s, int i, struct wh_arena *a);
bool db_col_is_null(struct db_stmt *s, int i);
/* Hex text into n bytes; false if it is NULL or not exactly 2n hex digits. */
bool db_col_hex(struct db_stmt *s, int i, void *out, size_t n) WH_CHECK;
/* The text and its NUL into out (size cap); longer is cut, which is asserted
 * not to happen: use it for columns whose length the schema bounds. */
void db_col_cstr(struct db_stmt *s, int i, char *out, size_t cap);

/* End this use; nulls the pointer, null is fine. */
void db_finish(struct db_stmt **s);
/* Run to the end, dropping rows, and finish. */
bool db_exec(struct db_stmt *s, struct wh_err *err);
/* Run to the end and finish; the one row gives its first column as integer, no
 * row gives dflt. The way to read RETURNING: a broken foreign key is reported
 * after the row, so a statement that writes counts only when it came to
 * DB_DONE. */
bool db_one_i64(struct db_stmt *s, int64_t dflt, int64_t *out,
                struct wh_err *err) WH_CHECK;
/* Rows that the last finished insert, update or delete changed. */
int64_t db_changes(struct db *db);

/* Whether the statement fits the schema: prepares it and no more. */
bool db_prepares(struct db *db, enum db_query q, struct wh_err *err) WH_CHECK;

/* What a :one query's step means to its caller: DB_ROW is true, DB_DONE fails
 * with `missing` and its default message, DB_FAIL is false with *err as the
 * step filled it. */
bool db_found(enum db_row r, enum wh_code missing, struct wh_err *err) WH_CHECK;

/* Work inside one transaction of this connection. */
typedef bool db_fn(struct db *db, void *ctx, struct wh_err *err);
/* One consistent view over several reads: begin, fn, end. fn must be short:
 * an open read keeps the write-ahead log from shrinking, so no waiting on a
 * network, a process or a lock inside. Inside another transaction fn is just
 * called: the view is one already. */
bool db_read(struct db *db, db_fn *fn, void *ctx, struct wh_err *err) WH_CHECK;
/* A write transaction on a connection that has no writer thread (commands,
 * tests): BEGIN IMMEDIATE, fn, COMMIT; rolled back when fn or the commit
 * fails. Servers use db_write. Does not nest (asserted). */
bool db_tx(struct db *db, db_fn *fn, void *ctx, struct wh_err *err) WH_CHECK;

/* Apply the migrations that this binary knows and the database has not seen,
 * each in a transaction of its own. WH_CORRUPT when an applied migration
 * differs from ours, when the database is newer than this binary, or when a
 * number was skipped. db must be writable. */
bool db_migrate(struct db *db, struct wh_err *err) WH_CHECK;
/* The same, but only migrations numbered <= last (tests of upgrades). */
bool db_migrate_to(struct db *db, int last, struct wh_err *err) WH_CHECK;

#endif
