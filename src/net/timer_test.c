/*
 * timer_test.c - the wheel against a made-up clock, and the table of addresses.
 */
#include "net/peers.h"
#include "net/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above */
#include <cmocka.h>

#define COUNT 2000

struct item {
    struct net_timer timer; /* first */
    int64_t fired_at, want;
};

static struct net_wheel wheel;
static struct item items[COUNT];
static int fired;

static void fire(struct net_timer *t)
{
    struct item *it = (void *)t;
    it->fired_at = wheel.now_us;
    fired++;
}

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525u + 1013904223u;
    return *x >> 8;
}

/* Every timer fires once, not early, and not more than a tick and a step late.
 */
static void test_random(void **state)
{
    (void)state;
    const int64_t step = 7000;
    int64_t now = 123456789;
    uint32_t x = 1;
    net_wheel_init(&wheel, now);
    assert_int_equal(net_wheel_wait_ms(&wheel, now), -1);
    memset(items, 0, sizeof items);
    fired = 0;
    for (int i = 0; i < COUNT; i++) {
        items[i].timer.fire = fire;
        items[i].want = now + (int64_t)(next_random(&x) % 30000000);
        net_timer_set(&wheel, &items[i].timer, items[i].want);
    }
    /* move every third, back or forth; clear every seventh */
    int cleared = 0;
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 == 0) {
            items[i].want = now + (int64_t)(next_random(&x) % 60000000);
            net_timer_set(&wheel, &items[i].timer, items[i].want);
        }
        if (i % 7 == 0) {
            net_timer_clear(&wheel, &items[i].timer);
            net_timer_clear(&wheel, &items[i].timer);
            cleared++;
        }
    }
    for (int64_t end = now + 61000000; now < end; now += step) {
        net_wheel_run(&wheel, now);
    }
    assert_int_equal(fired, COUNT - cleared);
    for (int i = 0; i < COUNT; i++) {
        if (i % 7 == 0) {
            assert_int_equal(items[i].fired_at, 0);
        } else {
            assert_true(items[i].fired_at >= items[i].want);
            assert_true(items[i].fired_at <=
                        items[i].want + NET_TICK_US + 2 * step);
        }
    }
    assert_int_equal(net_wheel_wait_ms(&wheel, now), -1);
}

/* The wait is never longer than to the next deadline (plus a tick). */
static void test_wait(void **state)
{
    (void)state;
    static const int64_t in_ms[] = {0, 1, 9, 10, 11, 500, 5000, 10230, 30000};
    for (size_t i = 0; i < sizeof in_ms / sizeof *in_ms; i++) {
        int64_t now = 55555;
        struct item it = {.timer.fire = fire};
        net_wheel_init(&wheel, now);
        fired = 0;
        net_timer_set(&wheel, &it.timer, now + in_ms[i] * 1000);
        int turns = 0;
        while (fired == 0 && turns++ < 10) {
            int ms = net_wheel_wait_ms(&wheel, now);
            assert_true(ms >= 0 && ms <= in_ms[i] + 20);
            now += (int64_t)ms * 1000;
            net_wheel_run(&wheel, now);
        }
        assert_int_equal(fired, 1);
        assert_true(now >= 55555 + in_ms[i] * 1000);
        assert_true(now <= 55555 + in_ms[i] * 1000 + 20000);
    }
}

static void set_again(struct net_timer *t)
{
    if (++fired < 5) {
        net_timer_set(&wheel, t, wheel.now_us);
    }
    net_timer_clear(&wheel, &items[1].timer);
}

/* Timers set and cleared from within fire; a clock that jumps far ahead. */
static void test_reentry(void **state)
{
    (void)state;
    int64_t now = 1000000;
    net_wheel_init(&wheel, now);
    memset(items, 0, sizeof items);
    fired = 0;
    items[0].timer.fire = set_again;
    items[1].timer.fire = fire;
    net_timer_set(&wheel, &items[1].timer, now + 20000);
    net_timer_set(&wheel, &items[0].timer, now + 20000);
    for (int i = 0; i < 10; i++) {
        now += 3600000000LL;
        net_wheel_run(&wheel, now);
    }
    assert_int_equal(fired, 5);
    assert_int_equal(items[1].fired_at, 0);
}

static struct net_peer_key key(uint32_t i)
{
    struct net_peer_key k = {{0}};
    memcpy(k.b + 12, &i, 4);
    return k;
}

/* Two thousand addresses come and go; every count is kept, none is left. */
static void test_peers(void **state)
{
    (void)state;
    struct net_peers p;
    static int open[COUNT];
    uint32_t x = 7;
    net_peers_init(&p, 3, 0x1234567890abcdefULL);
    memset(open, 0, sizeof open);
    for (int i = 0; i < 200000; i++) {
        uint32_t who = next_random(&x) % COUNT;
        struct net_peer_key k = key(who);
        if (next_random(&x) % 2 == 0) {
            bool good = net_peers_enter(&p, &k);
            assert_int_equal(good, open[who] < 3);
            open[who] += good;
        } else if (open[who] > 0) {
            net_peers_leave(&p, &k);
            open[who]--;
        }
    }
    for (uint32_t who = 0; who < COUNT; who++) {
        struct net_peer_key k = key(who);
        for (; open[who] > 0; open[who]--) {
            net_peers_leave(&p, &k);
        }
    }
    net_peers_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_reentry),
        cmocka_unit_test(test_peers),
    };
    return cmocka_run_group_tests_name("net/timer", tests, NULL, NULL);
}
