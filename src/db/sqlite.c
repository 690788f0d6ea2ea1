/*
 * The SQLite driver: settings, transactions, and the meaning of its errors.
 *
 * Connections are opened without SQLite's own mutex: one thread has each. The
 * write-ahead log is brought back into the database after a commit has been
 * answered, not inside it, so that nobody waits for that sync; when readers
 * keep the log from starting over and it grows large, the writer waits for
 * them a moment, at most once a second.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "db/driver.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#define BUSY_MS 5000
#define CHECKPOINT_PAGES 1000 /* new pages in the log before a checkpoint */
#define LOG_LARGE_PAGES 16384 /* 64 MiB: insist on starting over */
#define INSIST_MS 50
#define INSIST_EVERY_US 1000000

struct conn {
    sqlite3 *h;
    int log_pages;       /* in the write-ahead log, as of the last commit */
    int checkpointed_at; /* log_pages at the last checkpoint */
    int64_t insisted_us;
};

static const char SETTINGS_BOTH[] = "PRAGMA foreign_keys = ON;"
                                    "PRAGMA trusted_schema = OFF;"
                                    "PRAGMA cell_size_check = ON;"
                                    "PRAGMA temp_store = MEMORY;"
                                    "PRAGMA mmap_size = 1073741824;";
static const char SETTINGS_READER[] = "PRAGMA cache_size = -8192;";
static const char SETTINGS_WRITER[] = "PRAGMA synchronous = FULL;"
                                      "PRAGMA journal_size_limit = 67108864;"
                                      "PRAGMA cache_size = -32768;";

static enum wh_code code_of(sqlite3 *h, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return WH_NOSPACE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: {
        int e = sqlite3_system_errno(h);
        return e == ENOSPC || e == EDQUOT ? WH_NOSPACE : WH_IO;
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return WH_UNAVAILABLE;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_UNIQUE ||
                       rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       rc == SQLITE_CONSTRAINT_ROWID
                   ? WH_CONFLICT
                   : WH_INTERNAL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return WH_CORRUPT;
    case SQLITE_TOOBIG:
        return WH_TOO_LARGE;
    case SQLITE_NOMEM:
        return WH_NOMEM;
    default:
        return WH_INTERNAL;
    }
}

/* Fill *err from what the last call on h left behind; always false. */
static bool fail(sqlite3 *h, struct wh_err *err)
{
    int rc = sqlite3_extended_errcode(h);
    enum wh_code code = code_of(h, rc);
    wh_fail(err, code, "%s", wh_err_row(code)->msg);
    return wh_err_detail(err, "sqlite %d: %s", rc, sqlite3_errmsg(h));
}

static int on_commit(void *ctx, sqlite3 *h, const char *schema, int pages)
{
    struct conn *c = ctx;
    (void)h;
    (void)schema;
    c->log_pages = pages;
    return SQLITE_OK;
}

static bool lite_script(void *conn, const char *text, struct wh_err *err)
{
    struct conn *c = conn;
    return sqlite3_exec(c->h, text, NULL, NULL, NULL) == SQLITE_OK ||
           fail(c->h, err);
}

/* Write-ahead logging is what everything above relies on: check that it is
 * really on (some file systems can not do it). */
static bool use_wal(struct conn *c, struct wh_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->h, "PRAGMA journal_mode = WAL", -1, &s, NULL) !=
            SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW) {
        fail(c->h, err);
        sqlite3_finalize(s);
        return false;
    }
    const unsigned char *mode = sqlite3_column_text(s, 0);
    bool wal = mode && memcmp(mode, "wal", 4) == 0;
    sqlite3_finalize(s);
    return wal || wh_fail(err, WH_OUTSIDE,
                          "the database's file system can not do "
                          "write-ahead logging");
}

/* A new database is made by us first, so that nobody else may read it. An
 * existing one is not touched: closing a second descriptor would drop SQLite's
 * locks. */
static bool create_private(const char *path, struct wh_err *err)
{
    int fd =
        open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ||
               wh_fail_errno(err, WH_IO, "create the database");
    }
    close(fd);
    return true;
}

static bool set_up(struct conn *c, bool read_only, struct wh_err *err)
{
    sqlite3_extended_result_codes(c->h, 1);
    sqlite3_busy_timeout(c->h, BUSY_MS);
    sqlite3_db_config(c->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (!lite_script(c, SETTINGS_BOTH, err)) {
        return false;
    }
    if (read_only) {
        return lite_script(c, SETTINGS_READER, err);
    }
    if (!use_wal(c, err) || !lite_script(c, SETTINGS_WRITER, err)) {
        return false;
    }
    sqlite3_wal_hook(c->h, on_commit, c); /* replaces the automatic one */
    return true;
}

static void lite_close(void *conn)
{
    struct conn *c = conn;
    wh_assert(sqlite3_close(c->h) == SQLITE_OK);
    wh_free(c);
}

/* SQLite makes names full and looks at each folder on the way. A process whose
 * user may not do that has the database in its working folder, and the name as
 * it is serves. */
static int (*full_name)(sqlite3_vfs *, const char *, int, char *);
static sqlite3_vfs files; /* the system's, but for that */
static pthread_once_t files_once = PTHREAD_ONCE_INIT;
#define FILES_NAME "weighhouse"

static int name_in_folder(sqlite3_vfs *vfs, const char *name, int cap,
                          char *out)
{
    int rc = full_name(vfs, name, cap, out);
    if ((rc & 0xff) == SQLITE_CANTOPEN && name[0] != '/' &&
        strlen(name) < (size_t)cap) {
        memcpy(out, name, strlen(name) + 1);
        return SQLITE_OK;
    }
    return rc;
}

static void files_make(void)
{
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    wh_assert(system != NULL);
    files = *system;
    full_name = files.xFullPathname;
    files.zName = FILES_NAME;
    files.pNext = NULL;
    files.xFullPathname = name_in_folder;
    wh_assert(sqlite3_vfs_register(&files, 0) == SQLITE_OK);
}

static void *lite_open(const char *path, bool read_only, struct wh_err *err)
{
    pthread_once(&files_once, files_make);
    if (!read_only && !create_private(path, err)) {
        return NULL;
    }
    struct conn *c = wh_alloc(sizeof *c);
    int flags = SQLITE_OPEN_NOMUTEX |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    if (sqlite3_open_v2(path, &c->h, flags, FILES_NAME) != SQLITE_OK) {
        fail(c->h, err);
        lite_close(c);
        return NULL;
    }
    if (!set_up(c, read_only, err)) {
        lite_close(c);
        return NULL;
    }
    return c;
}

static bool lite_control(void *conn, enum db_verb verb, struct wh_err *err)
{
    static const char *const text[] = {
        [DB_BEGIN_READ] = "BEGIN",
        [DB_BEGIN_WRITE] = "BEGIN IMMEDIATE",
        [DB_COMMIT] = "COMMIT",
        [DB_ROLLBACK] = "ROLLBACK",
        [DB_SAVE] = "SAVEPOINT one",
        [DB_SAVE_KEEP] = "RELEASE one",
        [DB_SAVE_UNDO] = "ROLLBACK TO one; RELEASE one",
    };
    return lite_script(conn, text[verb], err);
}

static bool lite_in_tx(void *conn)
{
    struct conn *c = conn;
    return sqlite3_get_autocommit(c->h) == 0;
}

static int64_t lite_changes(void *conn)
{
    struct conn *c = conn;
    return sqlite3_changes64(c->h);
}

static void checkpoint(struct conn *c, int mode)
{
    int in_log = 0, done = 0;
    int rc = sqlite3_wal_checkpoint_v2(c->h, "main", mode, &in_log, &done);
    c->checkpointed_at = c->log_pages;
    if (rc == SQLITE_OK) {
        if (mode == SQLITE_CHECKPOINT_TRUNCATE) {
            c->log_pages = c->checkpointed_at = 0;
        }
    } else if (rc != SQLITE_BUSY && rc != SQLITE_LOCKED) {
        /* Nothing is lost: the log still has it, and the next try comes. */
        struct wh_err err = {0};
        fail(c->h, &err);
        wh_log_err(WH_WARN, "db.checkpoint", &err);
    }
}

static void lite_maintain(void *conn)
{
    struct conn *c = conn;
    if (c->log_pages < c->checkpointed_at) {
        c->checkpointed_at = 0; /* the log has started over */
    }
    if (c->log_pages - c->checkpointed_at < CHECKPOINT_PAGES) {
        return;
    }
    int64_t now = wh_mono_us();
    if (c->log_pages < LOG_LARGE_PAGES ||
        now - c->insisted_us < INSIST_EVERY_US) {
        checkpoint(c, SQLITE_CHECKPOINT_PASSIVE);
        return;
    }
    c->insisted_us = now;
    sqlite3_busy_timeout(c->h, INSIST_MS);
    checkpoint(c, SQLITE_CHECKPOINT_TRUNCATE);
    sqlite3_busy_timeout(c->h, BUSY_MS);
}

static void *lite_prepare(void *conn, const char *text, struct wh_err *err)
{
    struct conn *c = conn;
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v3(c->h, text, -1, SQLITE_PREPARE_PERSISTENT, &s,
                           NULL) != SQLITE_OK) {
        fail(c->h, err);
        return NULL;
    }
    return s;
}

static void lite_finalize(void *stmt)
{
    sqlite3_finalize(stmt);
}

static int lite_params(void *stmt)
{
    return sqlite3_bind_parameter_count(stmt);
}

static bool bound(void *stmt, int rc, struct wh_err *err)
{
    return rc == SQLITE_OK || fail(sqlite3_db_handle(stmt), err);
}

static bool lite_bind_i64(void *stmt, int i, int64_t v, struct wh_err *err)
{
    return bound(stmt, sqlite3_bind_int64(stmt, i, v), err);
}

static bool lite_bind_text(void *stmt, int i, struct wh_str v,
                           struct wh_err *err)
{
    return bound(
        stmt,
        sqlite3_bind_text64(stmt, i, v.p, v.n, SQLITE_TRANSIENT, SQLITE_UTF8),
        err);
}

static bool lite_bind_blob(void *stmt, int i, struct wh_str v,
                           struct wh_err *err)
{
    return bound(stmt, sqlite3_bind_blob64(stmt, i, v.p, v.n, SQLITE_TRANSIENT),
                 err);
}

static bool lite_bind_null(void *stmt, int i, struct wh_err *err)
{
    return bound(stmt, sqlite3_bind_null(stmt, i), err);
}

static enum db_row lite_step(void *stmt, struct wh_err *err)
{
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW:
        return DB_ROW;
    case SQLITE_DONE:
        return DB_DONE;
    default:
        fail(sqlite3_db_handle(stmt), err);
        return DB_FAIL;
    }
}

static void lite_reset(void *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

static int lite_columns(void *stmt)
{
    return sqlite3_column_count(stmt);
}

static int64_t lite_col_i64(void *stmt, int i)
{
    return sqlite3_column_int64(stmt, i);
}

static struct wh_str lite_col_bytes(void *stmt, int i)
{
    if (sqlite3_column_type(stmt, i) == SQLITE_NULL) {
        return (struct wh_str){NULL, 0};
    }
    const void *p = sqlite3_column_blob(stmt, i);
    int n = sqlite3_column_bytes(stmt, i);
    return p ? wh_str_mem(p, (size_t)n) : WH_S(""); /* zero-length blob */
}

static bool lite_col_is_null(void *stmt, int i)
{
    return sqlite3_column_type(stmt, i) == SQLITE_NULL;
}

const struct db_driver *db_sqlite_driver(void)
{
    static const struct db_driver driver = {
        .name = "sqlite",
        .open = lite_open,
        .close = lite_close,
        .control = lite_control,
        .in_tx = lite_in_tx,
        .script = lite_script,
        .changes = lite_changes,
        .maintain = lite_maintain,
        .prepare = lite_prepare,
        .finalize = lite_finalize,
        .params = lite_params,
        .bind_i64 = lite_bind_i64,
        .bind_text = lite_bind_text,
        .bind_blob = lite_bind_blob,
        .bind_null = lite_bind_null,
        .step = lite_step,
        .reset = lite_reset,
        .columns = lite_columns,
        .col_i64 = lite_col_i64,
        .col_bytes = lite_col_bytes,
        .col_is_null = lite_col_is_null,
    };
    return &driver;
}
