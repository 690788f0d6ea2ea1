/*
 * backup.c - SQLite's own backup, all pages in one read transaction: writers go
 * on in the write-ahead log meanwhile.
 */
#include "db/backup.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 10000

static bool fail(sqlite3 *h, const char *what, struct wh_err *err)
{
    int rc = h ? sqlite3_errcode(h) : SQLITE_NOMEM;
    enum wh_code code = rc == SQLITE_FULL ? WH_NOSPACE
                        : rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB
                            ? WH_CORRUPT
                        : rc == SQLITE_BUSY ? WH_UNAVAILABLE
                                            : WH_IO;

    wh_fail(err, code, "%s: %s", what, h ? sqlite3_errmsg(h) : "no memory");
    return false;
}

static bool open_one(const char *path, int flags, sqlite3 **out,
                     struct wh_err *err)
{
    if (sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        fail(*out, "the database can not be opened", err);
        sqlite3_close(*out);
        *out = NULL;
        return false;
    }
    sqlite3_busy_timeout(*out, BUSY_MS);
    return true;
}

/* All pages, and then no write-ahead log: the copy is one file. */
static bool copy(sqlite3 *from, sqlite3 *to, struct wh_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int rc;

    if (!b) {
        return fail(to, "the copy of the database", err);
    }
    rc = sqlite3_backup_step(b, -1);
    if (sqlite3_backup_finish(b) != SQLITE_OK || rc != SQLITE_DONE) {
        return fail(to, "the copy of the database", err);
    }
    return sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) ==
               SQLITE_OK ||
           fail(to, "the copy of the database", err);
}

static bool make_new(const char *to, struct wh_err *err)
{
    int fd = open(to, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        return errno == EEXIST
                   ? wh_fail(err, WH_CONFLICT, "there is a file %.200s", to)
                   : wh_fail_errno(err, WH_IO, to);
    }
    close(fd);
    return true;
}

static bool sync_file(const char *path, struct wh_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok) {
        wh_fail_errno(err, WH_IO, path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

bool db_backup(const char *from, const char *to, struct wh_err *err)
{
    sqlite3 *src = NULL, *dst = NULL;
    bool ok;

    if (!make_new(to, err)) {
        return false;
    }
    ok = open_one(from, SQLITE_OPEN_READONLY, &src, err) &&
         open_one(to, SQLITE_OPEN_READWRITE, &dst, err) && copy(src, dst, err);
    sqlite3_close(src);
    if (sqlite3_close(dst) != SQLITE_OK && ok) {
        ok = wh_fail(err, WH_INTERNAL, "");
    }
    ok = ok && sync_file(to, err);
    if (!ok) {
        unlink(to);
    }
    return ok;
}

/* The first line of PRAGMA integrity_check, and of foreign_key_check. */
static bool ask(sqlite3 *h, const char *text, const char *good,
                struct wh_err *err)
{
    sqlite3_stmt *s = NULL;
    const char *said;
    int rc;
    bool ok;

    if (sqlite3_prepare_v2(h, text, -1, &s, NULL) != SQLITE_OK) {
        return fail(h, "the database can not be checked", err);
    }
    rc = sqlite3_step(s);
    said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    ok = good ? said && strcmp(said, good) == 0 : rc == SQLITE_DONE;
    if (!ok) {
        wh_fail(err, WH_CORRUPT, "the database is damaged: %.200s",
                said ? said : "its references do not hold");
    }
    sqlite3_finalize(s);
    return ok;
}

bool db_sound(const char *path, struct wh_err *err)
{
    sqlite3 *h = NULL;
    bool ok = open_one(path, SQLITE_OPEN_READONLY, &h, err) &&
              ask(h, "PRAGMA integrity_check(1)", "ok", err) &&
              ask(h, "PRAGMA foreign_key_check", NULL, err);

    sqlite3_close(h);
    return ok;
}
