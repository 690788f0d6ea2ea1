/*
 * bucket_test.c - a bucket gives what it holds, fills with time, and is its
 * owner's alone.
 */
#include "base/unit.h"
#include "front/bucket.h"

#define S 1000000LL

static unsigned take_many(struct front_buckets *b, const char *key, int64_t at,
                          unsigned n)
{
    struct front_rate r;
    unsigned got = 0;

    for (unsigned i = 0; i < n; i++) {
        got += front_buckets_take(b, wh_str_of(key), at, &r);
    }
    return got;
}

static void test_fills(void **state)
{
    struct front_buckets *b = front_buckets_new(60, 7);
    struct front_rate r;

    (void)state;
    assert_true(front_buckets_take(b, WH_S("a"), 5 * S, &r));
    assert_int_equal(r.limit, 60);
    assert_int_equal(r.left, 59);
    assert_int_equal(r.seconds, 1);
    assert_int_equal(take_many(b, "a", 5 * S, 100), 59);
    assert_false(front_buckets_take(b, WH_S("a"), 5 * S, &r));
    assert_int_equal(r.left, 0);
    assert_int_equal(r.seconds, 1);
    /* another address has its own */
    assert_int_equal(take_many(b, "b", 5 * S, 100), 60);
    assert_int_equal(take_many(b, "a", 5 * S + S - 1, 100), 0);
    assert_int_equal(take_many(b, "a", 6 * S, 100), 1);
    assert_int_equal(take_many(b, "a", 16 * S, 100), 10);
    /* it holds a minute's worth at most */
    assert_int_equal(take_many(b, "a", 10000 * S, 100), 60);
    front_buckets_free(&b);
    assert_null(b);
}

/* A stranger with many addresses can not bring anybody more than a full bucket,
 * and the table does not grow. */
static void test_crowd(void **state)
{
    struct front_buckets *b = front_buckets_new(10, 99);
    char key[32];
    unsigned got = 0;

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        snprintf(key, sizeof key, "10.%u.%u.%u", i >> 16, i >> 8 & 255,
                 i & 255);
        got += take_many(b, key, 1 * S, 1);
    }
    assert_int_equal(got, 200000);
    assert_true(take_many(b, "192.0.2.1", 1 * S, 100) <= 10);
    front_buckets_free(&b);
}

/* One person may have 2^64 addresses: they are no 2^64 buckets. */
static void test_networks(void **state)
{
    static const char *const same[] = {
        "2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:3:4:5:6",
        "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2:0:1::"};
    static const char *const other[] = {
        "2001:db8:1:3::1", "2001:db8:1::1",    "2001:db8::2",     "192.0.2.1",
        "192.0.2.2",       "::ffff:192.0.2.1", "::ffff:192.0.2.2"};
    struct front_buckets *b = front_buckets_new(60, 7);
    unsigned got = 0;

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        got += take_many(b, same[i], 5 * S, 100);
    }
    assert_int_equal(got, 60);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_int_equal(take_many(b, other[i], 5 * S, 100), 60);
    }
    front_buckets_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fills),
                                       cmocka_unit_test(test_crowd),
                                       cmocka_unit_test(test_networks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
