/*
 * Connections and statements over a driver.
 *
 * A statement is prepared at its first use on a connection and kept in a table
 * under its query number. What goes wrong before the first step is remembered
 * in the statement and comes out of the step, so that callers look for errors
 * in one place. Uses are counted: an unfinished statement is a bug of ours and
 * is found by the next db_close or commit, not by a reader that wonders why the
 * write-ahead log grows.
 */
#include "db/db.h"
#include "base/enc.h"
#include "base/mem.h"
#include "db/driver.h"
#include <stdio.h>

struct db_stmt {
    struct db *db;
    enum db_query query;
    void *h;      /* the driver's statement; null when preparing failed */
    bool open;    /* between start and finish */
    bool own;     /* not the kept one: finalized at finish */
    bool stepped; /* binding is over */
    bool row;     /* columns may be read */
    bool failed;  /* err is set */
    struct wh_err err;
};

struct db {
    const struct db_driver *driver;
    void *conn;
    int open_stmts;
    bool in_fn; /* inside db_read or db_tx */
    void *kept[DBQ_COUNT + 1];
    bool kept_busy[DBQ_COUNT + 1];
    struct db_stmt slots[DB_OPEN_MAX];
};

static struct db_stmt *free_slot(struct db *db)
{
    for (int i = 0; i < DB_OPEN_MAX; i++) {
        if (!db->slots[i].open) {
            return &db->slots[i];
        }
    }
    wh_panic(__FILE__, __LINE__, "too many open statements");
}

/* The driver's statement for s: the kept one, or one of its own if that is in
 * use further up the call stack. */
static void prepare(struct db *db, struct db_stmt *s)
{
    const struct db_query_row *q = &db_query_table[s->query];
    if (db->kept[s->query] && !db->kept_busy[s->query]) {
        s->h = db->kept[s->query];
        db->kept_busy[s->query] = true;
        return;
    }
    s->h = db->driver->prepare(db->conn, q->text, &s->err);
    if (!s->h) {
        s->failed = true;
        wh_err_detail(&s->err, " [query %s]", q->name);
        return;
    }
    wh_assert(db->driver->params(s->h) == q->params);
    if (!db->kept[s->query]) {
        db->kept[s->query] = s->h;
        db->kept_busy[s->query] = true;
    } else {
        s->own = true;
    }
}

struct db *db_open_with(const struct db_driver *driver, const char *path,
                        bool read_only, struct wh_err *err)
{
    void *conn = driver->open(path, read_only, err);
    if (!conn) {
        return NULL;
    }
    struct db *db = wh_alloc(sizeof *db);
    db->driver = driver;
    db->conn = conn;
    return db;
}

struct db *db_open(const char *path, bool read_only, struct wh_err *err)
{
    return db_open_with(db_sqlite_driver(), path, read_only, err);
}

void db_close(struct db **dbp)
{
    struct db *db = *dbp;
    if (!db) {
        return;
    }
    wh_assert(db->open_stmts == 0);
    wh_assert(!db->in_fn);
    for (int i = 0; i < DBQ_COUNT; i++) {
        if (db->kept[i]) {
            db->driver->finalize(db->kept[i]);
        }
    }
    db->driver->close(db->conn);
    wh_free(db);
    *dbp = NULL;
}

struct db_stmt *db_start(struct db *db, enum db_query q)
{
    wh_assert(q < DBQ_COUNT);
    struct db_stmt *s = free_slot(db);
    *s = (struct db_stmt){.db = db, .query = q, .open = true};
    db->open_stmts++;
    prepare(db, s);
    return s;
}

/* Whether a bind may go to the driver; a number out of range is our bug. */
static bool bindable(struct db_stmt *s, int i)
{
    wh_assert(s->open && !s->stepped);
    wh_assert(i >= 1 && i <= db_query_table[s->query].params);
    return !s->failed;
}

void db_bind_i64(struct db_stmt *s, int i, int64_t v)
{
    if (bindable(s, i)) {
        s->failed = !s->db->driver->bind_i64(s->h, i, v, &s->err);
    }
}

void db_bind_text(struct db_stmt *s, int i, struct wh_str v)
{
    if (!v.p) {
        db_bind_null(s, i);
        return;
    }
    if (!bindable(s, i)) {
        return;
    }
    if (wh_str_find(v, '\0') != SIZE_MAX) {
        s->failed = true;
        wh_fail(&s->err, WH_BAD_REQUEST, "a NUL byte where text is expected");
        return;
    }
    s->failed = !s->db->driver->bind_text(s->h, i, v, &s->err);
}

void db_bind_cstr(struct db_stmt *s, int i, const char *v)
{
    db_bind_text(s, i, wh_str_of(v));
}

void db_bind_blob(struct db_stmt *s, int i, const void *p, size_t n)
{
    if (!p) {
        db_bind_null(s, i);
    } else if (bindable(s, i)) {
        s->failed =
            !s->db->driver->bind_blob(s->h, i, wh_str_mem(p, n), &s->err);
    }
}

void db_bind_null(struct db_stmt *s, int i)
{
    if (bindable(s, i)) {
        s->failed = !s->db->driver->bind_null(s->h, i, &s->err);
    }
}

void db_bind_hex(struct db_stmt *s, int i, const void *p, size_t n)
{
    char hex[2 * 64 + 1];
    wh_assert(n <= 64);
    wh_hex_enc(p, n, hex);
    db_bind_text(s, i, wh_str_mem(hex, 2 * n));
}

enum db_row db_step(struct db_stmt *s, struct wh_err *err)
{
    wh_assert(s->open);
    s->row = false;
    s->stepped = true;
    if (s->failed) {
        *err = s->err;
        return DB_FAIL;
    }
    enum db_row r = s->db->driver->step(s->h, err);
    if (r == DB_FAIL) {
        wh_err_detail(err, " [query %s]", db_query_table[s->query].name);
        s->failed = true;
        s->err = *err;
    }
    s->row = r == DB_ROW;
    return r;
}

/* The driver's statement, positioned on a row that has a column i. */
static void *row_of(struct db_stmt *s, int i)
{
    wh_assert(s->open && s->row);
    wh_assert(i >= 0 && i < s->db->driver->columns(s->h));
    return s->h;
}

int64_t db_col_i64(struct db_stmt *s, int i)
{
    return s->db->driver->col_i64(row_of(s, i), i);
}

bool db_col_bool(struct db_stmt *s, int i)
{
    return db_col_i64(s, i) != 0;
}

struct wh_str db_col_text(struct db_stmt *s, int i)
{
    return s->db->driver->col_bytes(row_of(s, i), i);
}

struct wh_str db_col_blob(struct db_stmt *s, int i)
{
    return s->db->driver->col_bytes(row_of(s, i), i);
}

struct wh_str db_col_dup(struct db_stmt *s, int i, struct wh_arena *a)
{
    struct wh_str v = db_col_text(s, i);
    return v.p ? wh_arena_dup(a, v) : v;
}

bool db_col_is_null(struct db_stmt *s, int i)
{
    return s->db->driver->col_is_null(row_of(s, i), i);
}

bool db_col_hex(struct db_stmt *s, int i, void *out, size_t n)
{
    struct wh_str v = db_col_text(s, i);
    return v.n == 2 * n && wh_hex_dec(v, out, n, false);
}

void db_col_cstr(struct db_stmt *s, int i, char *out, size_t cap)
{
    struct wh_str v = db_col_text(s, i);
    wh_assert(v.n < cap);
    if (v.n > 0) {
        memcpy(out, v.p, v.n);
    }
    out[v.n] = '\0';
}

void db_finish(struct db_stmt **sp)
{
    struct db_stmt *s = *sp;
    if (!s) {
        return;
    }
    struct db *db = s->db;
    wh_assert(s->open && db->open_stmts > 0);
    if (s->own) {
        db->driver->finalize(s->h);
    } else if (s->h) {
        db->driver->reset(s->h);
        db->kept_busy[s->query] = false;
    }
    s->open = false;
    db->open_stmts--;
    *sp = NULL;
}

bool db_exec(struct db_stmt *s, struct wh_err *err)
{
    enum db_row r;
    do {
        r = db_step(s, err);
    } while (r == DB_ROW);
    db_finish(&s);
    return r == DB_DONE;
}

bool db_one_i64(struct db_stmt *s, int64_t dflt, int64_t *out,
                struct wh_err *err)
{
    int64_t v = dflt;
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        v = db_col_i64(s, 0);
        r = db_step(s, err); /* foreign keys are checked after the last row */
        wh_assert(r != DB_ROW);
    }
    db_finish(&s);
    if (r == DB_DONE) {
        *out = v;
    }
    return r == DB_DONE;
}

int64_t db_changes(struct db *db)
{
    return db->driver->changes(db->conn);
}

bool db_prepares(struct db *db, enum db_query q, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, q);
    bool ok = !s->failed;
    if (!ok) {
        *err = s->err;
    }
    db_finish(&s);
    return ok;
}

bool db_found(enum db_row r, enum wh_code missing, struct wh_err *err)
{
    if (r == DB_DONE) {
        return wh_fail(err, missing, "%s", wh_err_row(missing)->msg);
    }
    return r == DB_ROW;
}

bool db_control(struct db *db, enum db_verb verb, struct wh_err *err)
{
    return db->driver->control(db->conn, verb, err);
}

bool db_in_tx(struct db *db)
{
    return db->driver->in_tx(db->conn);
}

bool db_script(struct db *db, const char *text, struct wh_err *err)
{
    return db->driver->script(db->conn, text, err);
}

void db_maintain(struct db *db)
{
    db->driver->maintain(db->conn);
}

int db_open_stmts(const struct db *db)
{
    return db->open_stmts;
}

/* fn between a begin verb and a commit, or a rollback when either fails. */
static bool in_transaction(struct db *db, enum db_verb begin, db_fn *fn,
                           void *ctx, struct wh_err *err)
{
    if (!db_control(db, begin, err)) {
        return false;
    }
    int before = db->open_stmts;
    db->in_fn = true;
    bool ok = fn(db, ctx, err);
    db->in_fn = false;
    wh_assert(db->open_stmts == before);
    ok = ok && db_control(db, DB_COMMIT, err);
    if (!ok && db_in_tx(db)) {
        struct wh_err ignored = {0};
        wh_assert(db_control(db, DB_ROLLBACK, &ignored) || !db_in_tx(db));
    }
    return ok;
}

bool db_read(struct db *db, db_fn *fn, void *ctx, struct wh_err *err)
{
    if (db_in_tx(db)) {
        return fn(db, ctx, err); /* already one consistent view */
    }
    return in_transaction(db, DB_BEGIN_READ, fn, ctx, err);
}

bool db_tx(struct db *db, db_fn *fn, void *ctx, struct wh_err *err)
{
    wh_assert(!db->in_fn);
    bool ok = in_transaction(db, DB_BEGIN_WRITE, fn, ctx, err);
    db_maintain(db);
    return ok;
}
