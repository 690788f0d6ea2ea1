/*
 * budget_test.c - who gets room, who waits and who comes next; at the end of
 * every test all room is free again, which net_budget_done asserts.
 */
#include "net/budget.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the headers above */
#include <cmocka.h>

static const struct net_peer_key A = {{1}}, B = {{2}}, C = {{3}};

static void held(struct net_budget *b, uint64_t want_used,
                 uint64_t want_waiting)
{
    uint64_t used, waiting;
    net_budget_figures(b, &used, &waiting);
    assert_int_equal(used, want_used);
    assert_int_equal(waiting, want_waiting);
}

/* Give c back and expect exactly these to get their room, in this order. */
static void give(struct net_budget *b, struct net_claim *c,
                 struct net_claim *first, struct net_claim *second)
{
    struct net_claim *got = net_budget_give(b, c);
    assert_ptr_equal(got, first);
    if (first != NULL) {
        assert_ptr_equal(first->next, second);
        assert_true(second == NULL || second->next == NULL);
    }
}

static void cancel(struct net_budget *b, struct net_claim *c,
                   struct net_claim *first)
{
    bool waited;
    assert_ptr_equal(net_budget_cancel(b, c, &waited), first);
    assert_true(waited);
    assert_null(net_budget_cancel(b, c, &waited));
    assert_false(waited);
}

static void test_share(void **state)
{
    (void)state;
    struct net_budget b;
    struct net_claim c[6] = {0};
    net_budget_init(&b, 100, 40, 2, 7);
    assert_int_equal(net_budget_ask(&b, &c[0], &A, 30), NET_CLAIM_HELD);
    assert_int_equal(net_budget_ask(&b, &c[1], &A, 20), NET_CLAIM_WAIT);
    /* small enough, but the line is kept */
    assert_int_equal(net_budget_ask(&b, &c[2], &A, 5), NET_CLAIM_WAIT);
    assert_int_equal(net_budget_ask(&b, &c[3], &A, 5), NET_CLAIM_NONE);
    assert_true(net_budget_pressed(&b, &c[0]));
    /* another address is not touched by this */
    assert_int_equal(net_budget_ask(&b, &c[4], &B, 40), NET_CLAIM_HELD);
    assert_false(net_budget_pressed(&b, &c[4]));
    held(&b, 70, 2);
    give(&b, &c[0], &c[1], &c[2]);
    held(&b, 65, 0);
    give(&b, &c[0], NULL, NULL); /* it holds nothing any more */
    for (size_t i = 1; i < 5; i++) {
        give(&b, &c[i], NULL, NULL);
    }
    net_budget_done(&b);
}

/* The whole is used up: a large body is not overtaken by small ones, and
 * addresses take turns. */
static void test_whole(void **state)
{
    (void)state;
    struct net_budget b;
    struct net_claim a[4] = {0}, o[3] = {0};
    net_budget_init(&b, 100, 60, 10, 7);
    assert_int_equal(net_budget_ask(&b, &a[0], &A, 55), NET_CLAIM_HELD);
    assert_int_equal(net_budget_ask(&b, &o[0], &B, 40), NET_CLAIM_HELD);
    assert_int_equal(net_budget_ask(&b, &o[1], &C, 50), NET_CLAIM_WAIT);
    assert_int_equal(net_budget_ask(&b, &a[1], &A, 5), NET_CLAIM_WAIT);
    assert_int_equal(net_budget_ask(&b, &a[2], &A, 5), NET_CLAIM_WAIT);
    assert_int_equal(net_budget_ask(&b, &o[2], &B, 5), NET_CLAIM_WAIT);
    assert_true(net_budget_pressed(&b, &a[0]));
    assert_true(net_budget_pressed(&b, &o[0]));
    give(&b, &o[0], NULL, NULL); /* 45 are free, and kept for o[1] */
    held(&b, 55, 4);
    /* 100 are free: C, then A, B and A in turn */
    struct net_claim *got = net_budget_give(&b, &a[0]);
    struct net_claim *const want[] = {&o[1], &a[1], &o[2], &a[2]};
    for (size_t i = 0; i < 4; i++) {
        assert_ptr_equal(got, want[i]);
        got = got->next;
    }
    assert_null(got);
    held(&b, 65, 0);
    for (size_t i = 0; i < 4; i++) {
        give(&b, want[i], NULL, NULL);
    }
    net_budget_done(&b);
}

/* Who gives up lets those behind him through. */
static void test_cancel(void **state)
{
    (void)state;
    struct net_budget b;
    struct net_claim c[5] = {0};
    bool waited;
    net_budget_init(&b, 100, 100, 10, 7);
    assert_int_equal(net_budget_ask(&b, &c[0], &A, 60), NET_CLAIM_HELD);
    assert_int_equal(net_budget_ask(&b, &c[1], &B, 50), NET_CLAIM_WAIT);
    assert_int_equal(net_budget_ask(&b, &c[2], &C, 30), NET_CLAIM_WAIT);
    assert_int_equal(net_budget_ask(&b, &c[3], &C, 20), NET_CLAIM_WAIT);
    assert_null(net_budget_cancel(&b, &c[0], &waited));
    assert_false(waited);
    cancel(&b, &c[1], &c[2]);
    held(&b, 90, 1);
    cancel(&b, &c[3], NULL);
    assert_int_equal(net_budget_ask(&b, &c[4], &A, 10), NET_CLAIM_HELD);
    give(&b, &c[0], NULL, NULL);
    give(&b, &c[2], NULL, NULL);
    give(&b, &c[4], NULL, NULL);
    net_budget_done(&b);
}

#define CLAIMS 300
#define STEPS 20000

/* A long random run against the plain sums. */
static void test_random(void **state)
{
    (void)state;
    struct net_budget b;
    struct net_claim c[CLAIMS] = {0};
    uint64_t seed = 5, sum = 0, waiting = 0;
    net_budget_init(&b, 1000, 300, 20, 11);
    for (unsigned i = 0; i < STEPS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        struct net_claim *x = &c[(seed >> 33) % CLAIMS], *got = NULL;
        struct net_peer_key key = {{0}};
        bool waited;
        key.b[3] = (uint8_t)((seed >> 20) % 12);
        switch (x->state) {
        case NET_CLAIM_NONE:
            (void)net_budget_ask(&b, x, &key, 1 + (seed >> 40) % 300);
            sum += x->state == NET_CLAIM_HELD ? x->bytes : 0;
            waiting += x->state == NET_CLAIM_WAIT;
            break;
        case NET_CLAIM_WAIT:
            got = net_budget_cancel(&b, x, &waited);
            assert_true(waited);
            waiting--;
            break;
        case NET_CLAIM_HELD:
            sum -= x->bytes;
            got = net_budget_give(&b, x);
            break;
        }
        for (; got != NULL; got = got->next) {
            assert_int_equal(got->state, NET_CLAIM_HELD);
            sum += got->bytes;
            waiting--;
        }
        assert_true(sum <= 1000);
        held(&b, sum, waiting);
        assert_true(sum > 0 || waiting == 0); /* nobody waits for nobody */
    }
    for (size_t i = 0; i < CLAIMS; i++) {
        bool waited;
        (void)net_budget_cancel(&b, &c[i], &waited);
    }
    for (size_t i = 0; i < CLAIMS; i++) {
        (void)net_budget_give(&b, &c[i]);
    }
    held(&b, 0, 0);
    net_budget_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
