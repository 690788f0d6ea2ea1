/*
 * Unit tests of watch/ladder.h.
 */
#include "base/unit.h"
#include "watch/ladder.h"
#include <math.h>

static void rungs_follow_the_evidence(void **state)
{
    (void)state;
    static const struct {
        enum detect_rung now;
        double e;
        enum detect_rung next;
    } rows[] = {
        {DETECT_RUNG_NONE, 1, DETECT_RUNG_NONE},
        {DETECT_RUNG_NONE, 9.99, DETECT_RUNG_NONE},
        {DETECT_RUNG_NONE, 10.01, DETECT_RUNG_LOOK},
        {DETECT_RUNG_NONE, 100.1, DETECT_RUNG_THROTTLE},
        {DETECT_RUNG_NONE, 1001, DETECT_RUNG_QUEUE},
        {DETECT_RUNG_NONE, 10010, DETECT_RUNG_SUSPEND},
        {DETECT_RUNG_LOOK, 999999, DETECT_RUNG_SUSPEND},
        {DETECT_RUNG_LOOK, 1000001, DETECT_RUNG_CUT},
        /* the mild ones go back by themselves */
        {DETECT_RUNG_LOOK, 2, DETECT_RUNG_NONE},
        {DETECT_RUNG_THROTTLE, 20, DETECT_RUNG_LOOK},
        /* the others wait for a person */
        {DETECT_RUNG_QUEUE, 0.1, DETECT_RUNG_QUEUE},
        {DETECT_RUNG_SUSPEND, 0.1, DETECT_RUNG_SUSPEND},
        {DETECT_RUNG_CUT, 0.1, DETECT_RUNG_CUT},
        {DETECT_RUNG_QUEUE, 20000, DETECT_RUNG_SUSPEND},
        {DETECT_RUNG_SUSPEND, 2e6, DETECT_RUNG_CUT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(watch_ladder_next(rows[i].now, log(rows[i].e)),
                         rows[i].next);
    }
}

/* A higher rung never does less, everything that is done has an end, and only
 * from the desk upwards is anybody stopped. */
static void a_higher_rung_does_more(void **state)
{
    (void)state;
    for (int i = 0; i + 1 < DETECT_RUNG_COUNT; i++) {
        const struct watch_step *a = watch_ladder_step((enum detect_rung)i);
        const struct watch_step *b =
            watch_ladder_step((enum detect_rung)(i + 1));
        assert_true(a->refuse_alarmed <= b->refuse_alarmed);
        assert_true(a->slow <= b->slow && a->human <= b->human);
        assert_true(a->stop <= b->stop && a->revoke <= b->revoke);
        assert_true(a->lasts_us <= b->lasts_us);
        assert_true(b->lasts_us > 0 && b->lasts_us <= 14 * WATCH_DAY_US);
        assert_true(!b->stop || b->human);
        assert_true(
            strcmp(b->name, detect_rung_row((enum detect_rung)(i + 1))->name) ==
            0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rungs_follow_the_evidence),
        cmocka_unit_test(a_higher_rung_does_more),
    };
    return cmocka_run_group_tests_name("watch/ladder", tests, NULL, NULL);
}
