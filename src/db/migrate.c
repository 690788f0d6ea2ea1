/*
 * Migrations: numbered files, each run once, recorded with the digest of its
 * text. The record is compared at every start: a database whose history is not
 * a prefix of ours is refused, because nobody knows what its tables mean.
 */
#include "base/time.h"
#include "db/driver.h"

/* The table that everything else is recorded in; the one statement that can
 * not be a migration itself. */
static const char CREATE_RECORD[] =
    "CREATE TABLE IF NOT EXISTS schema_migration ("
    "  number INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  applied INTEGER NOT NULL"
    ") STRICT";

static bool same(struct db_stmt *s, const struct db_migration *m)
{
    return db_col_i64(s, 0) == m->number &&
           wh_str_is(db_col_text(s, 1), m->name) &&
           wh_str_is(db_col_text(s, 2), m->sha256);
}

/* How many of our migrations the database has; fails unless they are the
 * first ones, unchanged. */
static bool applied_prefix(struct db *db, size_t *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATIONS_APPLIED);
    enum db_row r = DB_FAIL;
    size_t n = 0;
    bool ok = true;
    while (ok && (r = db_step(s, err)) == DB_ROW) {
        if (n == db_migration_count) {
            ok = wh_fail(err, WH_CORRUPT,
                         "the database was made by a newer version");
        } else if (!same(s, &db_migration_table[n])) {
            ok = wh_fail(err, WH_CORRUPT,
                         "migration %lld of the database is not migration %d "
                         "of this version",
                         (long long)db_col_i64(s, 0),
                         db_migration_table[n].number);
        } else {
            n++;
        }
    }
    ok = ok && r == DB_DONE;
    db_finish(&s);
    if (ok) {
        *out = n;
    }
    return ok;
}

static bool apply(struct db *db, void *ctx, struct wh_err *err)
{
    const struct db_migration *m = ctx;
    if (!db_script(db, m->text, err)) {
        return wh_err_wrap(err, "migration %03d_%s", m->number, m->name);
    }
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATION_INSERT);
    db_bind_i64(s, 1, m->number);
    db_bind_cstr(s, 2, m->name);
    db_bind_cstr(s, 3, m->sha256);
    db_bind_i64(s, 4, wh_now_us());
    return db_exec(s, err);
}

bool db_migrate_to(struct db *db, int last, struct wh_err *err)
{
    size_t i = 0;
    if (!db_script(db, CREATE_RECORD, err) || !applied_prefix(db, &i, err)) {
        return false;
    }
    for (; i < db_migration_count; i++) {
        struct db_migration m = db_migration_table[i];
        if (m.number > last) {
            break;
        }
        if (!db_tx(db, apply, &m, err)) {
            return false;
        }
    }
    return true;
}

bool db_migrate(struct db *db, struct wh_err *err)
{
    return db_migrate_to(db, INT32_MAX, err);
}
