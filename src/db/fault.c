/*
 * A driver that counts the fallible calls of another and fails the chosen one
 * without passing it on: the way every error path above it gets walked.
 */
#include "db/fault.h"
#include "db/driver.h"
#include <stdatomic.h>

static atomic_ulong calls;
static atomic_ulong fail_at;
static enum wh_code fail_code = WH_IO;

/* True when this call is the one to fail; *err is filled then. */
static bool hit(struct wh_err *err)
{
    unsigned long n = atomic_fetch_add(&calls, 1) + 1;
    return n == atomic_load(&fail_at) &&
           !wh_fail(err, fail_code, "%s", wh_err_row(fail_code)->msg);
}

static const struct db_driver *real(void)
{
    return db_sqlite_driver();
}

static bool fault_control(void *conn, enum db_verb verb, struct wh_err *err)
{
    /* Undoing must work, or nobody could say what state the database is in. */
    if (verb == DB_ROLLBACK || !hit(err)) {
        return real()->control(conn, verb, err);
    }
    if (verb == DB_COMMIT) {
        struct wh_err ignored = {0};
        real()->control(conn, DB_ROLLBACK, &ignored);
    }
    return false;
}

static bool fault_script(void *conn, const char *text, struct wh_err *err)
{
    return !hit(err) && real()->script(conn, text, err);
}

static void *fault_prepare(void *conn, const char *text, struct wh_err *err)
{
    return hit(err) ? NULL : real()->prepare(conn, text, err);
}

static bool fault_bind_i64(void *stmt, int i, int64_t v, struct wh_err *err)
{
    return !hit(err) && real()->bind_i64(stmt, i, v, err);
}

static bool fault_bind_text(void *stmt, int i, struct wh_str v,
                            struct wh_err *err)
{
    return !hit(err) && real()->bind_text(stmt, i, v, err);
}

static bool fault_bind_blob(void *stmt, int i, struct wh_str v,
                            struct wh_err *err)
{
    return !hit(err) && real()->bind_blob(stmt, i, v, err);
}

static enum db_row fault_step(void *stmt, struct wh_err *err)
{
    return hit(err) ? DB_FAIL : real()->step(stmt, err);
}

/* Filled once: this driver is for single-threaded set-up. */
const struct db_driver *db_fault_driver(void)
{
    static struct db_driver driver;
    driver = *real();
    driver.name = "fault";
    driver.control = fault_control;
    driver.script = fault_script;
    driver.prepare = fault_prepare;
    driver.bind_i64 = fault_bind_i64;
    driver.bind_text = fault_bind_text;
    driver.bind_blob = fault_bind_blob;
    driver.step = fault_step;
    return &driver;
}

void db_fault_arm(unsigned long nth, enum wh_code code)
{
    fail_code = code;
    atomic_store(&calls, 0);
    atomic_store(&fail_at, nth);
}

unsigned long db_fault_calls(void)
{
    return atomic_load(&calls);
}
