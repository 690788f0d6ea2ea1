/*
 * count_test.c - nothing that threads count is lost, also when they end.
 */
#include "base/count.h"
#include "base/unit.h"
#include <pthread.h>

#define THREADS 8
#define ROUNDS 20000
#define FAR (WH_COUNT_MAX - 1)

static void *count_much(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        wh_count(WH_COUNT_SCANS, 1);
        wh_count(FAR, 3);
    }
    return arg;
}

static void test_sums(void **state)
{
    pthread_t ids[THREADS];
    uint64_t last = 0;

    (void)state;
    for (unsigned round = 1; round <= 3; round++) {
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&ids[i], NULL, count_much, NULL),
                             0);
        }
        for (int i = 0; i < 100; i++) {
            uint64_t now = wh_count_get(FAR);
            assert_true(now >= last);
            last = now;
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(ids[i], NULL), 0);
        }
        assert_int_equal(wh_count_get(WH_COUNT_SCANS),
                         (uint64_t)round * THREADS * ROUNDS);
        assert_int_equal(wh_count_get(FAR),
                         (uint64_t)round * THREADS * ROUNDS * 3);
    }
    assert_int_equal(wh_count_get(WH_COUNT_UPLOADS), 0);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(wh_count_name(WH_COUNT_SCANS), "scans");
    for (int i = 0; i < WH_COUNT_FIRST_FREE; i++) {
        const char *help = wh_count_help((enum wh_count_id)i);
        assert_int_equal(help[strlen(help) - 1], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums),
                                       cmocka_unit_test(test_names)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
