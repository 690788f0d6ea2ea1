/*
 * driver.h - what a database engine must offer to db.c; inside src/db only.
 * Owner: a driver is static; conn and stmt are its own heap objects.
 * Never: seen by other rooms.
 */
#ifndef WH_DB_DRIVER_H
#define WH_DB_DRIVER_H

#include "db/db.h"

/* The verbs of a transaction. One savepoint at a time is enough for us. */
enum db_verb {
    DB_BEGIN_READ,
    DB_BEGIN_WRITE,
    DB_COMMIT,
    DB_ROLLBACK,
    DB_SAVE,      /* set the savepoint */
    DB_SAVE_KEEP, /* forget it, keep its work */
    DB_SAVE_UNDO, /* undo its work and forget it */
};

/* Everything that returns bool or a pointer, and step, may fail and fills *err
 * then. Pointers are never null on entry. */
struct db_driver {
    const char *name;
    void *(*open)(const char *path, bool read_only, struct wh_err *err);
    void (*close)(void *conn);
    bool (*control)(void *conn, enum db_verb verb, struct wh_err *err);
    /* False also when an error has ended the transaction by itself. */
    bool (*in_tx)(void *conn);
    /* Several statements, no parameters, no rows: migrations. */
    bool (*script)(void *conn, const char *text, struct wh_err *err);
    int64_t (*changes)(void *conn);
    /* After a commit has been answered: checkpoint when it is time. */
    void (*maintain)(void *conn);

    void *(*prepare)(void *conn, const char *text, struct wh_err *err);
    void (*finalize)(void *stmt);
    int (*params)(void *stmt);
    bool (*bind_i64)(void *stmt, int i, int64_t v, struct wh_err *err);
    bool (*bind_text)(void *stmt, int i, struct wh_str v, struct wh_err *err);
    bool (*bind_blob)(void *stmt, int i, struct wh_str v, struct wh_err *err);
    bool (*bind_null)(void *stmt, int i, struct wh_err *err);
    enum db_row (*step)(void *stmt, struct wh_err *err);
    /* Ready for the next use: rows dropped, parameters NULL. */
    void (*reset)(void *stmt);
    int (*columns)(void *stmt);
    int64_t (*col_i64)(void *stmt, int i);
    struct wh_str (*col_bytes)(void *stmt, int i);
    bool (*col_is_null)(void *stmt, int i);
};

/* The engine of today. */
const struct db_driver *db_sqlite_driver(void);

/* For writer.c and migrate.c: the same verbs on a connection of ours. */
bool db_control(struct db *db, enum db_verb verb, struct wh_err *err) WH_CHECK;
bool db_in_tx(struct db *db);
bool db_script(struct db *db, const char *text, struct wh_err *err) WH_CHECK;
void db_maintain(struct db *db);
/* Statements started and not finished. */
int db_open_stmts(const struct db *db);

#endif
