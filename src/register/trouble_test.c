/*
 * trouble_test.c - what the register does when clock, files, database, disk or
 * a second register misbehave.
 */
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "base/unit.h"
#include "db/fault.h"
#include "register/testing.h"
#include <pthread.h>
#include <string.h>

/* A clock that goes back stops the log until it has caught up. */
static void clock_back_stalls(void **state)
{
    struct register_testing *h = *state;
    struct wh_err err;
    struct register_place place;
    struct register_status s;
    (void)register_testing_logged(h, 1);
    register_testing_clock(-INT64_C(3600000000));
    struct register_testing_event e = register_testing_event(2);
    unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
    unit_fails(
        register_wait(h->log, e.outbox, wh_mono_us() + 300000, &place, &err),
        err, WH_TIMEOUT);
    register_status_get(h->log, &s);
    assert_true(s.stalled && s.size == 2);
    unit_fails(register_admit(h->log, &err), err, WH_UNAVAILABLE);
    register_testing_clock(0);
    unit_ok(
        register_wait(h->log, e.outbox, REGISTER_TESTING_SOON, &place, &err),
        err);
    assert_true(place.index == 2);
    register_status_get(h->log, &s);
    assert_false(s.stalled);
    unit_ok(register_admit(h->log, &err), err);
    register_testing_scrub(h);
}

static void *wait_long(void *arg)
{
    struct register_testing *h = arg;
    struct register_place place;
    struct wh_err err;
    int64_t hour = wh_mono_us() + INT64_C(3600000000);
    unit_fails(register_wait(h->log, INT32_MAX, hour, &place, &err), err,
               WH_TIMEOUT);
    return NULL;
}

/* Whoever stops the house waits for nobody who waits for the log. */
static void in_a_hurry_nobody_waits(void **state)
{
    struct register_testing *h = *state;
    pthread_t before;
    (void)register_testing_logged(h, 1);
    register_testing_clock(-INT64_C(3600000000));
    assert_int_equal(pthread_create(&before, NULL, wait_long, h), 0);
    register_hurry(h->log, wh_mono_us() + 50000);
    assert_int_equal(pthread_join(before, NULL), 0);
    (void)wait_long(h);
    register_testing_clock(0);
}

/* Either bound alone is enough; a small disk that is empty is neither. */
static void a_full_disk_refuses_events(void **state)
{
    struct register_testing *h = *state;
    static const struct {
        uint64_t min;
        unsigned percent;
        bool refused;
    } rows[] = {{UINT64_MAX, 0, true}, {1, 101, true}, {1, 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wh_err err = {0};
        register_close(&h->log);
        h->cfg.free_min = rows[i].min;
        h->cfg.free_percent = rows[i].percent;
        unit_ok(register_open(&h->cfg, &h->log, &err), err);
        assert_int_equal(register_admit(h->log, &err), !rows[i].refused);
        assert_int_equal(err.code, rows[i].refused ? WH_NOSPACE : WH_NONE);
    }
}

static void second_log_on_one_folder_is_refused(void **state)
{
    struct register_testing *h = *state;
    struct register_log *other = NULL;
    struct wh_err err;
    unit_fails(register_open(&h->cfg, &other, &err), err, WH_CONFLICT);
    (void)register_testing_logged(h, 1);
}

/* The lock was got round: the epoch stops the older one at its next event. */
static void second_log_past_the_lock_stops_the_first(void **state)
{
    struct register_testing *h = *state;
    struct register_log *other = NULL;
    struct register_place place;
    struct wh_err err;
    char lock[128];
    (void)register_testing_logged(h, 1);
    snprintf(lock, sizeof lock, "%s/lock", h->dir);
    assert_int_equal(unlink(lock), 0);
    unit_ok(register_open(&h->cfg, &other, &err), err);
    struct register_testing_event e = register_testing_event(2);
    unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
    register_kick(h->log);
    bool ok =
        register_wait(h->log, e.outbox, REGISTER_TESTING_SOON, &place, &err);
    assert_false(ok);
    assert_int_equal(err.code, WH_CORRUPT);
    unit_ok(register_wait(other, e.outbox, REGISTER_TESTING_SOON, &place, &err),
            err);
    register_close(&other);
    register_testing_scrub(h);
}

/* A file where a folder should be: the cycle fails, and recovers when the
 * obstacle is gone. Nobody is told anything before. */
static void an_obstacle_on_disk_delays(void **state)
{
    struct register_testing *h = *state;
    struct register_place place;
    struct wh_err err;
    char path[160];
    assert_true(register_testing_log_many(h, 255) ==
                256); /* 001.p does not exist yet */
    snprintf(path, sizeof path, "%s/tile/0/001.p", h->dir);
    unit_ok(wh_file_write_atomic(path, WH_S("in the way"), 0600, &err), err);
    struct register_testing_event e = register_testing_event(300);
    unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
    unit_fails(
        register_wait(h->log, e.outbox, wh_mono_us() + 300000, &place, &err),
        err, WH_TIMEOUT);
    struct register_status s;
    register_status_get(h->log, &s);
    assert_true(s.size == 256 && s.trouble != WH_NONE && !s.halted);
    assert_int_equal(unlink(path), 0);
    unit_ok(
        register_wait(h->log, e.outbox, REGISTER_TESTING_SOON, &place, &err),
        err);
    assert_true(place.index == 256);
    register_testing_scrub(h);
}

static void a_changed_file_halts(void **state)
{
    struct register_testing *h = *state;
    struct register_place place;
    struct wh_err err;
    char path[160];
    /* what the next event will have to write, with other bytes */
    snprintf(path, sizeof path, "%s/tile/0/000.p/2", h->dir);
    unit_ok(wh_file_write_atomic(path,
                                 WH_S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
                                 0600, &err),
            err);
    struct register_testing_event e = register_testing_event(1);
    unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
    unit_fails(
        register_wait(h->log, e.outbox, REGISTER_TESTING_SOON, &place, &err),
        err, WH_CORRUPT);
    unit_fails(register_admit(h->log, &err), err, WH_UNAVAILABLE);
    struct register_status s;
    register_status_get(h->log, &s);
    assert_true(s.halted && s.size == 1);
}

/* The nth database call fails, for every n of a cycle: the event is published
 * once, later, and nothing contradicts anything. */
static void database_failures(void **state)
{
    struct register_testing *h = *state;
    struct wh_err err;
    static const enum wh_code codes[] = {WH_IO, WH_NOSPACE, WH_UNAVAILABLE};
    register_close(&h->log);
    db_writer_free(&h->t.w);
    h->t.w = db_writer_new(db_fault_driver(), h->t.path, &err);
    assert_non_null(h->t.w);
    unit_ok(register_testing_start(h, &err), err);
    wh_log_level(WH_ERROR + 1);
    uint64_t want = 1;
    for (unsigned nth = 1; nth <= 60; nth++) {
        struct register_testing_event e = register_testing_event(nth);
        struct register_place place;
        unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
        db_fault_arm(nth, codes[nth % 3]);
        unit_ok(register_wait(h->log, e.outbox, REGISTER_TESTING_SOON, &place,
                              &err),
                err);
        db_fault_arm(0, WH_NONE);
        assert_true(place.index == want);
        want++;
    }
    wh_log_level(WH_INFO);
    register_testing_scrub(h);
}

static bool house_acts(struct db *db, void *ctx, struct wh_err *err)
{
    (void)ctx;
    int64_t outbox;
    json_t *leaf =
        json_pack("{s:s,s:[i],s:[s],s:s}", "type", "erasure", "erased", 0,
                  "fields", "submitter", "basis", "request");
    bool ok = register_submit(db, leaf, &outbox, err);
    json_decref(leaf);
    return ok;
}

/* Put the events that wait in again, as if they had come long ago. */
static bool age_oldest(struct db *db, void *ctx, struct wh_err *err)
{
    (void)ctx;
    struct db_stmt *row = db_start(db, DBQ_REGISTER_OUTBOX_TAKE);
    db_bind_i64(row, 1, 1);
    enum db_row r = db_step(row, err);
    assert_true(r == DB_ROW);
    int64_t id = db_col_i64(row, 0);
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OUTBOX_ADD);
    db_bind_i64(s, 1, wh_now_us() - REGISTER_OUTBOX_AGE_US - 1000000);
    db_bind_text(s, 2, db_col_text(row, 1));
    db_bind_i64(s, 3, db_col_i64(row, 2));
    db_bind_text(s, 4, db_col_text(row, 3));
    db_bind_blob(s, 5, db_col_blob(row, 4).p, db_col_blob(row, 4).n);
    db_bind_blob(s, 6, db_col_blob(row, 5).p, db_col_blob(row, 5).n);
    db_finish(&row);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_REGISTER_OUTBOX_DROP);
    db_bind_i64(s, 1, id + 1); /* it and the one behind it */
    return db_exec(s, err);
}

/* An outbox whose oldest event is too old takes acts of the house only. */
static void back_pressure(void **state)
{
    struct register_testing *h = *state;
    struct wh_err err;
    struct register_testing_event e = register_testing_event(1);
    register_close(&h->log); /* nobody empties it now */
    unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
    struct register_testing_event more = register_testing_event(2);
    unit_ok(db_write(h->t.w, register_testing_submit, &more, &err), err);
    unit_ok(db_write(h->t.w, age_oldest, NULL, &err), err);
    unit_fails(db_write(h->t.w, register_testing_submit, &more, &err), err,
               WH_UNAVAILABLE);
    unit_ok(db_write(h->t.w, house_acts, NULL, &err), err);
    unit_ok(register_testing_start(h, &err), err);
    unit_ok(db_write(h->t.w, register_testing_submit, &more, &err), err);
}

#define WITH_HOUSE(f)                                          \
    cmocka_unit_test_setup_teardown(f, register_testing_setup, \
                                    register_testing_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOUSE(clock_back_stalls),
        WITH_HOUSE(in_a_hurry_nobody_waits),
        WITH_HOUSE(a_full_disk_refuses_events),
        WITH_HOUSE(second_log_on_one_folder_is_refused),
        WITH_HOUSE(second_log_past_the_lock_stops_the_first),
        WITH_HOUSE(an_obstacle_on_disk_delays),
        WITH_HOUSE(a_changed_file_halts),
        WITH_HOUSE(database_failures),
        WITH_HOUSE(back_pressure),
    };
    return cmocka_run_group_tests_name("register/trouble", tests, NULL, NULL);
}
