/* Tests of connections and statements (db.c, sqlite.c). */
#include "db/db.h"
#include "db/fault.h"
#include "db/testdb.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The table of migrations is a plain table too: rows from 1000 on are ours. */
static bool put(struct db *db, int64_t n, struct wh_str name,
                struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATION_INSERT);
    db_bind_i64(s, 1, n);
    db_bind_text(s, 2, name);
    db_bind_hex(s, 3, "\x00\xab\xff", 3);
    db_bind_i64(s, 4, 7);
    return db_exec(s, err);
}

static size_t count(struct db *db, int64_t from)
{
    struct wh_err err = {0};
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATIONS_APPLIED);
    size_t n = 0;
    enum db_row r;
    while ((r = db_step(s, &err)) == DB_ROW) {
        n += db_col_i64(s, 0) >= from;
    }
    assert_int_equal(r, DB_DONE);
    db_finish(&s);
    assert_null(s);
    return n;
}

static int open_t(void **state)
{
    static struct testdb t;
    testdb_open(&t);
    *state = &t;
    return 0;
}

static int close_t(void **state)
{
    testdb_close(*state);
    return 0;
}

static void test_every_statement_prepares(void **state)
{
    struct testdb *t = *state;
    for (int q = 0; q < DBQ_COUNT; q++) {
        struct wh_err err = {0};
        if (!db_prepares(t->db, (enum db_query)q, &err)) {
            fail_msg("%s", err.detail);
        }
    }
}

static void test_values_round_trip(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    uint8_t back[3] = {0};
    char name[8];
    assert_true(put(t->db, INT64_MAX, WH_S("h\xc3\xa9"), &err));
    assert_int_equal(db_changes(t->db), 1);
    struct db_stmt *s = db_start(t->db, DBQ_DB_MIGRATIONS_APPLIED);
    enum db_row r;
    while ((r = db_step(s, &err)) == DB_ROW && db_col_i64(s, 0) != INT64_MAX) {
    }
    assert_int_equal(r, DB_ROW);
    assert_true(wh_str_is(db_col_text(s, 1), "h\xc3\xa9"));
    assert_false(db_col_is_null(s, 1));
    db_col_cstr(s, 1, name, sizeof name);
    assert_string_equal(name, "h\xc3\xa9");
    assert_true(wh_str_is(db_col_text(s, 2), "00abff"));
    assert_true(db_col_hex(s, 2, back, 3));
    assert_memory_equal(back, "\x00\xab\xff", 3);
    assert_false(db_col_hex(s, 2, back, 2));
    assert_false(db_col_hex(s, 1, back, 3));
    struct wh_arena a;
    wh_arena_init(&a, 1024);
    struct wh_str copy = db_col_dup(s, 2, &a);
    db_finish(&s);
    assert_true(wh_str_is(copy, "00abff"));
    wh_arena_done(&a);
}

static void test_errors_have_their_code(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    assert_true(put(t->db, 1000, WH_S("a"), &err));
    assert_false(put(t->db, 1000, WH_S("b"), &err));
    assert_int_equal(err.code, WH_CONFLICT);
    assert_non_null(strstr(err.detail, "db_migration_insert"));
    assert_null(strstr(err.msg, "sqlite"));
    /* What goes wrong at bind comes out of the step. */
    err = (struct wh_err){0};
    assert_false(put(t->db, 1001, WH_S("a\0b"), &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    /* NULL where the schema forbids it. */
    err = (struct wh_err){0};
    assert_false(put(t->db, 1001, (struct wh_str){NULL, 0}, &err));
    assert_int_equal(err.code, WH_INTERNAL);
    assert_int_equal(count(t->db, 1000), 1);
}

static void test_found(void **state)
{
    struct wh_err err = {0};
    (void)state;
    assert_true(db_found(DB_ROW, WH_NOT_FOUND, &err));
    assert_int_equal(err.code, WH_NONE);
    assert_false(db_found(DB_DONE, WH_REPO_NOT_FOUND, &err));
    assert_int_equal(err.code, WH_REPO_NOT_FOUND);
    err = (struct wh_err){.code = WH_IO};
    assert_false(db_found(DB_FAIL, WH_NOT_FOUND, &err));
    assert_int_equal(err.code, WH_IO);
}

static void test_same_query_nests(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    assert_true(put(t->db, 1000, WH_S("a"), &err));
    assert_true(put(t->db, 1001, WH_S("b"), &err));
    size_t all = count(t->db, 0), seen = 0;
    struct db_stmt *s = db_start(t->db, DBQ_DB_MIGRATIONS_APPLIED);
    while (db_step(s, &err) == DB_ROW) {
        assert_int_equal(count(t->db, 0), all);
        seen++;
    }
    db_finish(&s);
    assert_int_equal(seen, all);
}

static bool put_two(struct db *db, void *ctx, struct wh_err *err)
{
    int64_t *n = ctx;
    return put(db, n[0], WH_S("x"), err) && put(db, n[1], WH_S("y"), err);
}

static void test_tx_is_all_or_nothing(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    assert_true(db_tx(t->db, put_two, (int64_t[]){1000, 1001}, &err));
    assert_false(db_tx(t->db, put_two, (int64_t[]){1002, 1001}, &err));
    assert_int_equal(err.code, WH_CONFLICT);
    assert_int_equal(count(t->db, 1000), 2);
}

struct view {
    struct db *writer;
    size_t before, after;
};

static bool look_twice(struct db *db, void *ctx, struct wh_err *err)
{
    struct view *v = ctx;
    v->before = count(db, 1000);
    bool ok = put(v->writer, 1000, WH_S("late"), err);
    v->after = count(db, 1000);
    return ok;
}

static void test_read_is_one_view(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct db *reader = testdb_reader(t);
    struct view v = {.writer = t->db, .before = 9, .after = 9};
    assert_true(db_read(reader, look_twice, &v, &err));
    assert_int_equal(v.before, 0);
    assert_int_equal(v.after, 0);
    assert_int_equal(count(reader, 1000), 1);
    assert_false(put(reader, 1001, WH_S("no"), &err));
    assert_int_equal(err.code, WH_IO); /* read only */
    db_close(&reader);
    assert_null(reader);
}

static void test_open_failures(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    char path[160];
    struct stat st;
    assert_null(db_open("/nonexistent/house.db", false, &err));
    assert_int_equal(err.code, WH_IO);
    snprintf(path, sizeof path, "%s/none.db", t->dir);
    assert_null(db_open(path, true, &err));
    assert_int_equal(err.code, WH_IO);
    snprintf(path, sizeof path, "%s/garbage.db", t->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 4096; i++) {
        fputc('x', f);
    }
    fclose(f);
    assert_null(db_open(path, false, &err));
    assert_int_equal(err.code, WH_CORRUPT);
    unlink(path);
    /* Nobody else reads the database or its log. */
    assert_int_equal(stat(t->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s-wal", t->path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_faults_surface_and_pass(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct db *db = db_open_with(db_fault_driver(), t->path, false, &err);
    assert_non_null(db);
    size_t failures = 0;
    for (unsigned long n = 1; n < 100; n++) {
        err = (struct wh_err){0};
        db_fault_arm(n, WH_NOSPACE);
        bool ok = db_tx(db, put_two, (int64_t[]){1000, 1001}, &err);
        bool reached = db_fault_calls() >= n;
        db_fault_arm(0, WH_IO);
        assert_int_equal(ok, !reached);
        assert_int_equal(count(db, 1000), ok ? 2 : 0);
        if (ok) {
            break;
        }
        assert_int_equal(err.code, WH_NOSPACE);
        failures++;
    }
    /* begin, 2 * (4 binds, step), commit; the statement is prepared once */
    assert_int_equal(failures, 12);
    db_close(&db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_t, close_t)
    const struct CMUnitTest tests[] = {
        T(test_every_statement_prepares), T(test_values_round_trip),
        T(test_errors_have_their_code),   cmocka_unit_test(test_found),
        T(test_same_query_nests),         T(test_tx_is_all_or_nothing),
        T(test_read_is_one_view),         T(test_open_failures),
        T(test_faults_surface_and_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
