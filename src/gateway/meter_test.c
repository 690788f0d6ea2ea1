/*
 * meter_test.c - limits: what is reserved counts, what was used counts, nothing
 * counts twice; windows and days go on, and never back.
 */
#include "base/unit.h"

#include "gateway/meter.h"

#define S ((int64_t)1000000)
#define DAY (86400 * S)

static const int64_t noon = 20000 * DAY + DAY / 2;

static struct gateway_want want(uint64_t prompt, uint64_t answer)
{
    return (struct gateway_want){.prompt = prompt, .want = answer};
}

static struct gateway_got take(struct gateway_meter *m,
                               const struct gateway_caps *caps, uint64_t prompt,
                               uint64_t answer, int64_t now)
{
    struct gateway_want w = want(prompt, answer);
    return gateway_meter_take(m, caps, &w, now);
}

static void requests_in_any_minute(void **state)
{
    (void)state;
    struct gateway_meter m = {0};
    struct gateway_caps caps = {.minute_requests = 3};
    for (int i = 0; i < 3; i++) {
        struct gateway_got got =
            take(&m, &caps, 1, 1, noon + (int64_t)i * 10 * S);
        assert_int_equal(got.limit, GATEWAY_LIMIT_NONE);
        gateway_meter_settle(&m, got.reserved, 2, noon + (int64_t)i * 10 * S);
    }
    struct gateway_got no = take(&m, &caps, 1, 1, noon + 59 * S);
    assert_int_equal(no.limit, GATEWAY_LIMIT_REQUESTS);
    assert_int_equal(no.wait_s, 1);
    assert_int_equal(take(&m, &caps, 1, 1, noon + 60 * S).limit,
                     GATEWAY_LIMIT_NONE);
    /* the second of the three leaves ten seconds later */
    assert_int_equal(take(&m, &caps, 1, 1, noon + 61 * S).wait_s, 9);
    assert_int_equal(take(&m, &caps, 1, 1, noon + 70 * S).limit,
                     GATEWAY_LIMIT_NONE);
}

static void what_is_reserved_counts(void **state)
{
    (void)state;
    struct gateway_meter m = {0};
    struct gateway_caps caps = {.minute_tokens = 100};
    struct gateway_got a = take(&m, &caps, 10, 50, noon);
    assert_int_equal(a.limit, GATEWAY_LIMIT_NONE);
    assert_int_equal(a.reserved, 60);
    assert_int_equal(take(&m, &caps, 10, 31, noon).limit, GATEWAY_LIMIT_TOKENS);
    /* an hour later it still runs, and still counts */
    assert_int_equal(take(&m, &caps, 10, 31, noon + 3600 * S).limit,
                     GATEWAY_LIMIT_TOKENS);
    gateway_meter_settle(&m, a.reserved, 20, noon + 3600 * S);
    struct gateway_got b = take(&m, &caps, 10, 70, noon + 3601 * S);
    assert_int_equal(b.limit, GATEWAY_LIMIT_NONE);
    gateway_meter_settle(&m, b.reserved, 80, noon + 3602 * S);
    assert_int_equal(take(&m, &caps, 1, 0, noon + 3603 * S).limit,
                     GATEWAY_LIMIT_TOKENS);
}

static void an_answer_takes_what_is_left(void **state)
{
    (void)state;
    struct gateway_meter m = {0};
    struct gateway_caps caps = {.minute_tokens = 100, .day_tokens = 500};
    struct gateway_want w = {
        .prompt = 10, .want = 4096, .least = 16, .flexible = true};
    struct gateway_got got = gateway_meter_take(&m, &caps, &w, noon);
    assert_int_equal(got.limit, GATEWAY_LIMIT_NONE);
    assert_int_equal(got.answer, 90);
    assert_int_equal(got.reserved, 100);
    assert_int_equal(gateway_meter_take(&m, &caps, &w, noon).limit,
                     GATEWAY_LIMIT_TOKENS);
    w.want = 8; /* less than the least is enough, if that is all it wants */
    w.prompt = 92;
    gateway_meter_settle(&m, got.reserved, 0, noon);
    assert_int_equal(gateway_meter_take(&m, &caps, &w, noon).answer, 8);
}

static void too_much_at_once_is_said_so(void **state)
{
    (void)state;
    struct gateway_meter m = {0};
    struct gateway_caps minute = {.minute_tokens = 100},
                        day = {.day_tokens = 100};
    assert_int_equal(take(&m, &minute, 50, 51, noon).limit, GATEWAY_LIMIT_SIZE);
    assert_int_equal(take(&m, &day, 50, 51, noon).limit, GATEWAY_LIMIT_SIZE);
    struct gateway_caps one = {.streams = 1};
    struct gateway_got got = take(&m, &one, 1, 1, noon);
    assert_int_equal(take(&m, &one, 1, 1, noon).limit, GATEWAY_LIMIT_STREAMS);
    gateway_meter_settle(&m, got.reserved, 0, noon);
    assert_int_equal(take(&m, &one, 1, 1, noon).limit, GATEWAY_LIMIT_NONE);
}

static void a_day_ends_at_midnight(void **state)
{
    (void)state;
    struct gateway_meter m = {0};
    struct gateway_caps caps = {.day_tokens = 100};
    struct gateway_got got = take(&m, &caps, 50, 50, noon);
    gateway_meter_settle(&m, got.reserved, 100, noon);
    got = take(&m, &caps, 1, 0, noon + S);
    assert_int_equal(got.limit, GATEWAY_LIMIT_DAY);
    assert_int_equal(got.wait_s, 43199);
    assert_int_equal(take(&m, &caps, 1, 0, noon + DAY / 2).limit,
                     GATEWAY_LIMIT_NONE);
}

/* Random takes and settlements: no 60 seconds use more than the limit, and the
 * sums are those of the steps. */
static void no_window_overruns(void **state)
{
    (void)state;
    enum { STEPS = 4000, OPEN = 16 };
    struct gateway_meter m = {0};
    struct gateway_caps caps = {.minute_tokens = 1000, .minute_requests = 40};
    uint64_t used_at[STEPS] = {0}, reserved[OPEN] = {0};
    uint32_t seed = 7, asked_at[STEPS] = {0};
    for (int t = 0; t < STEPS; t++) {
        int64_t now = noon + t * S;
        for (int k = 0; k < 3; k++) {
            seed = seed * 1664525u + 1013904223u;
            unsigned slot = seed >> 28, n = (seed >> 8) % 300 + 1;
            if (reserved[slot] > 0) {
                uint64_t used = reserved[slot] * (seed >> 20 & 15) / 15;
                gateway_meter_settle(&m, reserved[slot], used, now);
                used_at[t] += used;
                reserved[slot] = 0;
            } else {
                struct gateway_got got = take(&m, &caps, n / 2, n / 2, now);
                if (got.limit == GATEWAY_LIMIT_NONE) {
                    reserved[slot] = got.reserved;
                    asked_at[t]++;
                }
            }
        }
        uint64_t tokens = 0, requests = 0;
        for (int i = t - 59 < 0 ? 0 : t - 59; i <= t; i++) {
            tokens += used_at[i];
            requests += asked_at[i];
        }
        assert_true(tokens <= caps.minute_tokens);
        assert_true(requests <= caps.minute_requests);
        struct gateway_left left = gateway_meter_left(&m, &caps, now);
        assert_int_equal(left.requests, caps.minute_requests - requests);
        assert_true(left.tokens <= caps.minute_tokens - tokens);
    }
}

/* Either both have it, or neither has anything of it. */
static void two_at_once(void **state)
{
    (void)state;
    struct gateway_meter one = {0}, two = {0}, all = {0};
    struct gateway_caps caps = {.minute_tokens = 50};
    struct gateway_caps of_all = {.minute_tokens = 80, .minute_requests = 3};
    struct gateway_want w = want(10, 40);
    struct gateway_got a =
        gateway_meter_take_both(&one, &caps, &all, &of_all, &w, noon);
    assert_int_equal(a.limit, GATEWAY_LIMIT_NONE);
    assert_int_equal(all.reserved, 50);
    /* the first has no more, though all together have */
    w = want(10, 0);
    assert_int_equal(
        gateway_meter_take_both(&one, &caps, &all, &of_all, &w, noon).limit,
        GATEWAY_LIMIT_TOKENS);
    assert_int_equal(all.reserved, 50);
    assert_int_equal(all.requests_sum, 1);
    /* the second would have enough, all together have not */
    w = want(10, 30);
    assert_int_equal(
        gateway_meter_take_both(&two, &caps, &all, &of_all, &w, noon).limit,
        GATEWAY_LIMIT_TOKENS);
    assert_int_equal(two.reserved + two.requests_sum + two.open, 0);
    /* what is flexible takes what both leave */
    w = (struct gateway_want){
        .prompt = 10, .want = 4096, .least = 16, .flexible = true};
    struct gateway_got b =
        gateway_meter_take_both(&two, &caps, &all, &of_all, &w, noon);
    assert_int_equal(b.limit, GATEWAY_LIMIT_NONE);
    assert_int_equal(b.answer, 20);
    assert_int_equal(two.reserved, 30);
    assert_int_equal(all.reserved, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_in_any_minute),
        cmocka_unit_test(what_is_reserved_counts),
        cmocka_unit_test(an_answer_takes_what_is_left),
        cmocka_unit_test(too_much_at_once_is_said_so),
        cmocka_unit_test(a_day_ends_at_midnight),
        cmocka_unit_test(no_window_overruns),
        cmocka_unit_test(two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
