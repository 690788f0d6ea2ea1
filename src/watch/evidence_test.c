/*
 * Unit tests of watch/evidence.h.
 */
#include "base/unit.h"
#include "watch/evidence.h"
#include <math.h>

static struct watch_recent recent;
static struct watch_trace trace;
static int64_t now;
static unsigned serial;

static int begin(void **state)
{
    (void)state;
    memset(&recent, 0, sizeof recent);
    watch_trace_init(&trace);
    now = WATCH_HOUR_US;
    return 0;
}

/* Words that no other text has; `shape`: of how many letters. */
static struct wh_str text(unsigned n, unsigned shape)
{
    static char out[256];
    size_t at = 0;
    for (unsigned w = 0; w < 12; w++) {
        size_t len = 2 + (w * shape + w / 2) % 6;
        for (size_t k = 0; k < len; k++) {
            n = n * 1664525u + 1013904223u;
            out[at++] = (char)('a' + (n >> 24) % 26);
        }
        out[at++] = ' ';
    }
    return (struct wh_str){out, at};
}

static struct watch_judged judge(struct wh_str words, bool alarm,
                                 unsigned retry, uint64_t digest)
{
    struct watch_attempt t = {.digest = digest,
                              .now = now,
                              .retry = retry,
                              .calibrated = true,
                              .alarm = alarm,
                              .p0 = 0.02};
    struct watch_judged j;
    detect_sketch_make(&t.sketch, words, 99);
    watch_recent_judge(&recent, &t, &j);
    watch_trace_add(&trace, &j);
    return j;
}

static struct watch_judged fresh(bool alarm)
{
    serial++;
    now += WATCH_MINUTE_US;
    return judge(text(serial, serial % 5 + 1), alarm, 0, serial);
}

static void alarms_add_up_and_honest_use_takes_off(void **state)
{
    (void)state;
    assert_true(fabs(watch_trace_log(&trace)) < 1e-9);
    (void)fresh(true);
    double one = watch_trace_log(&trace);
    assert_true(one > 1);
    (void)fresh(false);
    assert_true(watch_trace_log(&trace) < one);
    assert_int_equal(trace.requests, 2);
    assert_int_equal(trace.alarms, 1);
}

static void what_is_not_new_is_not_counted(void **state)
{
    (void)state;
    assert_int_equal(judge(text(1, 2), true, 0, 1).counted, WATCH_COUNTED);
    double after = watch_trace_log(&trace);
    /* a retry that is one, and one that is only called so */
    assert_int_equal(judge(text(1, 2), true, 1, 1).counted, WATCH_RETRIED);
    assert_int_equal(judge(text(7, 4), true, 1, 2).counted, WATCH_COUNTED);
    double second = watch_trace_log(&trace);
    assert_true(second > after);
    /* the same words within the hour, alarmed or not */
    now += WATCH_HOUR_US - 1;
    assert_int_equal(judge(text(1, 2), true, 0, 3).counted, WATCH_ALIKE_SEEN);
    assert_int_equal(judge(text(1, 2), false, 0, 4).counted, WATCH_ALIKE_SEEN);
    assert_true(fabs(watch_trace_log(&trace) - second) < 1e-9);
    now += WATCH_HOUR_US;
    assert_int_equal(judge(text(1, 2), true, 0, 5).counted, WATCH_COUNTED);
}

static void a_session_has_a_share(void **state)
{
    (void)state;
    unsigned counted = 0;
    for (int i = 0; i < 40; i++) {
        counted += fresh(true).counted == WATCH_COUNTED;
    }
    assert_true(counted <= WATCH_SESSION_ALARMS);
    assert_true(counted >= WATCH_SESSION_ALARMS / 2);
    assert_int_equal(fresh(false).counted, WATCH_SESSION_FULL);
    now += WATCH_SESSION_GAP_US;
    assert_int_equal(fresh(true).counted, WATCH_COUNTED);
}

static void mutants(void **state)
{
    (void)state;
    /* the shape of one that was alarmed */
    (void)judge(text(1, 3), true, 0, 1);
    now += WATCH_MINUTE_US;
    assert_true(judge(text(2, 3), false, 0, 2).mutant);
    /* of several that were not */
    memset(&recent, 0, sizeof recent);
    for (unsigned i = 0; i < WATCH_MUTANTS; i++) {
        assert_false(judge(text(10 + i, 4), false, 0, 10 + i).mutant);
    }
    assert_true(judge(text(20, 4), false, 0, 20).mutant);
    /* another shape is none, and short texts have no shape */
    assert_false(judge(text(30, 1), false, 0, 30).mutant);
    memset(&recent, 0, sizeof recent);
    (void)judge(WH_S("ab cd efg"), true, 0, 40);
    assert_false(judge(WH_S("xy uv rst"), false, 0, 41).mutant);
}

static void without_a_classifier_nothing_is_counted(void **state)
{
    (void)state;
    struct watch_attempt t = {.now = now, .alarm = true, .p0 = 0.5};
    struct watch_judged j;
    watch_recent_judge(&recent, &t, &j);
    assert_int_equal(j.counted, WATCH_UNCALIBRATED);
    watch_trace_add(&trace, &j);
    assert_true(fabs(watch_trace_log(&trace)) < 1e-9);
}

/* The sum of both detectors is never more than either would allow: on average
 * over honest use at p0 it does not grow. */
static void honest_use_stays_below(void **state)
{
    (void)state;
    unsigned reached = 0, x = 1;
    for (int life = 0; life < 2000; life++) {
        double most = 0;
        watch_trace_init(&trace);
        for (int i = 0; i < 200; i++) {
            x = x * 1664525u + 1013904223u;
            struct watch_judged j = {.counted = WATCH_COUNTED,
                                     .alarm = (x >> 8) % 50 == 0,
                                     .p0 = 0.02};
            watch_trace_add(&trace, &j);
            most = fmax(most, watch_trace_log(&trace));
        }
        reached += most >= log(100);
    }
    assert_true(reached <= 20 + 14); /* 2000 * 0.01 and three deviations */
}

static void bytes_and_back(void **state)
{
    (void)state;
    uint8_t bytes[WATCH_TRACE_BYTES];
    struct watch_trace out;
    for (int i = 0; i < 9; i++) {
        (void)fresh(i % 3 == 0);
    }
    watch_trace_write(&trace, bytes);
    assert_true(watch_trace_read(wh_str_mem(bytes, sizeof bytes), &out));
    assert_true(fabs(watch_trace_log(&out) - watch_trace_log(&trace)) < 1e-12);
    assert_int_equal(out.requests, trace.requests);
    assert_false(watch_trace_read(wh_str_mem(bytes, sizeof bytes - 1), &out));
    bytes[0] ^= 1;
    assert_false(watch_trace_read(wh_str_mem(bytes, sizeof bytes), &out));
    bytes[0] ^= 1;
    memset(bytes + 32, 0xff, 8);
    assert_false(watch_trace_read(wh_str_mem(bytes, sizeof bytes), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(alarms_add_up_and_honest_use_takes_off, begin),
        cmocka_unit_test_setup(what_is_not_new_is_not_counted, begin),
        cmocka_unit_test_setup(a_session_has_a_share, begin),
        cmocka_unit_test_setup(mutants, begin),
        cmocka_unit_test_setup(without_a_classifier_nothing_is_counted, begin),
        cmocka_unit_test_setup(honest_use_stays_below, begin),
        cmocka_unit_test_setup(bytes_and_back, begin),
    };
    return cmocka_run_group_tests_name("watch/evidence", tests, NULL, NULL);
}
