/* Unit tests of detect/sequence.h. */
#include "base/unit.h"
#include "detect/exact.h"
#include "detect/sequence.h"
#include <math.h>

static uint64_t chance = 88172645463325252ULL;

static double uniform(void)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (double)(chance >> 11) * 0x1p-53;
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want)))) {
        print_error("%.12f is not %.12f\n", got, want);
        fail();
    }
}

/* The formula of the header, in plain numbers. */
static void same_as_the_formula(void **state)
{
    (void)state;
    static const double ways[] = {0.25, 0.5, 0.9};
    const double p0 = 0.02;
    struct detect_sequence s;
    double sum[3] = {0};
    detect_sequence_init(&s);
    near(detect_sequence_log(&s), 0);
    for (int t = 1; t <= 200; t++) {
        bool x = t % 7 == 3;
        double mean = 0;
        for (int i = 0; i < 3; i++) {
            double e = x ? ways[i] / p0 : (1 - ways[i]) / (1 - p0);
            sum[i] = (sum[i] + 1.0 / t / (t + 1)) * e;
            mean += (sum[i] + 1.0 / (t + 1)) / 3;
        }
        detect_sequence_add(&s, p0, x);
        near(detect_sequence_log(&s), log(mean));
    }
    assert_int_equal(s.t, 200);
}

/* Accounts whose alarms come exactly at p0 reach a rung no more often than its
 * alpha allows. 4,000 accounts: a rung of true chance alpha is passed by the
 * bound below once in ten thousand runs, and the numbers are always the same.
 */
static void honest_accounts_stay_below(void **state)
{
    (void)state;
    uint64_t reached[DETECT_RUNG_COUNT] = {0};
    const uint64_t accounts = 4000;
    for (uint64_t a = 0; a < accounts; a++) {
        struct detect_sequence s;
        enum detect_rung worst = DETECT_RUNG_NONE;
        detect_sequence_init(&s);
        for (int t = 0; t < 400; t++) {
            detect_sequence_add(&s, 0.02, uniform() < 0.02);
            enum detect_rung now = detect_rung_of(detect_sequence_log(&s));
            worst = now > worst ? now : worst;
        }
        for (int r = 0; r <= (int)worst; r++) {
            reached[r]++;
        }
    }
    for (int r = DETECT_RUNG_LOOK; r < DETECT_RUNG_COUNT; r++) {
        double alpha = detect_rung_row((enum detect_rung)r)->alpha;
        assert_true(detect_exact_lower(reached[r], accounts, 1e-4) <= alpha);
    }
    assert_true(reached[DETECT_RUNG_LOOK] > 0); /* the test has teeth */
}

static int requests_until(struct detect_sequence *s, double share)
{
    for (int t = 1; t < 100000; t++) {
        detect_sequence_add(s, 0.01, uniform() < share);
        if (detect_rung_of(detect_sequence_log(s)) >= DETECT_RUNG_SUSPEND) {
            return t;
        }
    }
    return 100000;
}

/* A key is stolen after 2,000 honest requests: the past does not protect. */
static void a_stolen_key_is_stopped(void **state)
{
    (void)state;
    static const struct {
        double share;
        int within;
    } rows[] = {{0.9, 15}, {0.5, 40}, {0.25, 150}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct detect_sequence s;
        detect_sequence_init(&s);
        for (int t = 0; t < 2000; t++) {
            detect_sequence_add(&s, 0.01, t % 400 == 399);
        }
        assert_int_equal(detect_rung_of(detect_sequence_log(&s)),
                         DETECT_RUNG_NONE);
        assert_in_range(requests_until(&s, rows[i].share), 3, rows[i].within);
    }
}

/* Where p0 is above every alternative nothing can be learnt, and nothing is. */
static void useless_p0_moves_nothing(void **state)
{
    (void)state;
    struct detect_sequence s;
    detect_sequence_init(&s);
    for (int t = 0; t < 1000; t++) {
        detect_sequence_add(&s, 0.95, true);
    }
    near(detect_sequence_log(&s), 0);
}

static void rungs_and_means(void **state)
{
    (void)state;
    static const struct {
        double e;
        enum detect_rung want;
    } rows[] = {
        {1, DETECT_RUNG_NONE},         {9.99, DETECT_RUNG_NONE},
        {10.01, DETECT_RUNG_LOOK},     {100.1, DETECT_RUNG_THROTTLE},
        {1001, DETECT_RUNG_QUEUE},     {10001, DETECT_RUNG_SUSPEND},
        {999999, DETECT_RUNG_SUSPEND}, {1000001, DETECT_RUNG_CUT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(detect_rung_of(log(rows[i].e)), rows[i].want);
    }
    const double logs[] = {log(2), log(4), log(12)};
    near(detect_sequence_mean(logs, 3), log(6));
    const double far[] = {800, -800};
    near(detect_sequence_mean(far, 2), 800 - log(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_the_formula),
        cmocka_unit_test(honest_accounts_stay_below),
        cmocka_unit_test(a_stolen_key_is_stopped),
        cmocka_unit_test(useless_p0_moves_nothing),
        cmocka_unit_test(rungs_and_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
