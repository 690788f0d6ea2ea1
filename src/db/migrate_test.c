/* Tests of migrations (migrate.c). */
#include "base/buf.h"
#include "db/db.h"
#include "db/fault.h"
#include "db/testdb.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

/* A database of its own beside the migrated one. */
struct pair {
    struct testdb full, other;
};

static int open_t(void **state)
{
    static struct pair p;
    testdb_open(&p.full);
    testdb_open_empty(&p.other);
    *state = &p;
    return 0;
}

static int close_t(void **state)
{
    struct pair *p = *state;
    testdb_close(&p->full);
    testdb_close(&p->other);
    return 0;
}

/* The schema as text, in an order of its own. */
static void dump(struct db *db, struct wh_buf *out)
{
    struct wh_err err = {0};
    struct db_stmt *s = db_start(db, DBQ_DB_SCHEMA);
    enum db_row r;
    while ((r = db_step(s, &err)) == DB_ROW) {
        wh_buf_add(out, db_col_text(s, 0));
        wh_buf_char(out, '\n');
    }
    assert_int_equal(r, DB_DONE);
    db_finish(&s);
}

static void assert_same_schema(struct db *a, struct db *b)
{
    struct wh_buf x, y;
    wh_buf_init(&x, 1 << 20);
    wh_buf_init(&y, 1 << 20);
    dump(a, &x);
    dump(b, &y);
    assert_int_equal(x.n, y.n);
    assert_true(x.n > 0);
    assert_memory_equal(x.p, y.p, x.n);
    wh_buf_done(&x);
    wh_buf_done(&y);
}

static void test_fresh_and_again(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    assert_true(db_migration_count > 0);
    assert_true(db_migrate(p->full.db, &err)); /* the second time */
    assert_true(db_migrate(p->other.db, &err));
    assert_same_schema(p->full.db, p->other.db);
}

static void test_step_by_step_is_the_same(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    for (size_t i = 0; i < db_migration_count; i++) {
        assert_true(
            db_migrate_to(p->other.db, db_migration_table[i].number, &err));
    }
    assert_same_schema(p->full.db, p->other.db);
}

static bool insert(struct db *db, int64_t number, const char *sha256)
{
    struct wh_err err = {0};
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATION_INSERT);
    db_bind_i64(s, 1, number);
    db_bind_cstr(s, 2, db_migration_table[0].name);
    db_bind_cstr(s, 3, sha256);
    db_bind_i64(s, 4, 0);
    return db_exec(s, &err);
}

static void test_changed_migration_is_refused(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    assert_true(db_migrate_to(p->other.db, 0, &err)); /* only the record */
    assert_true(insert(p->other.db, db_migration_table[0].number, "00"));
    assert_false(db_migrate(p->other.db, &err));
    assert_int_equal(err.code, WH_CORRUPT);
}

static void test_newer_database_is_refused(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    assert_true(insert(p->full.db, 999, "00"));
    assert_false(db_migrate(p->full.db, &err));
    assert_int_equal(err.code, WH_CORRUPT);
    assert_non_null(strstr(err.msg, "newer"));
}

static void test_interrupted_migration_leaves_none_of_itself(void **state)
{
    struct pair *p = *state;
    struct wh_err err = {0};
    struct db *db = db_open_with(db_fault_driver(), p->other.path, false, &err);
    assert_non_null(db);
    bool ok = false;
    for (unsigned long n = 1; !ok && n < 1000; n++) {
        db_fault_arm(n, WH_IO);
        err = (struct wh_err){0};
        ok = db_migrate(db, &err);
        assert_true(ok || err.code == WH_IO);
    }
    db_fault_arm(0, WH_IO);
    assert_true(ok);
    db_close(&db);
    assert_same_schema(p->full.db, p->other.db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_t, close_t)
    const struct CMUnitTest tests[] = {
        T(test_fresh_and_again),
        T(test_step_by_step_is_the_same),
        T(test_changed_migration_is_refused),
        T(test_newer_database_is_refused),
        T(test_interrupted_migration_leaves_none_of_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
