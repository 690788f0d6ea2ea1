#include "base/unit.h"
#include "web/cards.h"

static void test_kept_and_found(void **state)
{
    struct web_cards *c = web_cards_new();
    struct wh_arena a;
    struct wh_str html;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    assert_false(web_cards_get(c, &a, WH_S("k"), &html));
    web_cards_put(c, WH_S("k"), WH_S("<p>x</p>"));
    web_cards_put(c, WH_S("k"), WH_S("other"));
    assert_true(web_cards_get(c, &a, WH_S("k"), &html));
    assert_true(wh_str_is(html, "<p>x</p>"));
    wh_arena_done(&a);
    web_cards_free(&c);
    assert_null(c);
    web_cards_free(&c);
}

/* The one that was not asked for the longest goes. */
static void test_bounded_in_number(void **state)
{
    struct web_cards *c = web_cards_new();
    struct wh_arena a;
    struct wh_str html;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    for (int i = 0; i < WEB_CARDS_MAX; i++) {
        web_cards_put(c, wh_arena_fmt(&a, "%d", i), WH_S("x"));
    }
    assert_true(web_cards_get(c, &a, WH_S("0"), &html));
    web_cards_put(c, WH_S("new"), WH_S("y"));
    assert_true(web_cards_get(c, &a, WH_S("0"), &html));
    assert_false(web_cards_get(c, &a, WH_S("1"), &html));
    assert_true(web_cards_get(c, &a, WH_S("new"), &html));
    wh_arena_done(&a);
    web_cards_free(&c);
}

static void test_bounded_in_bytes(void **state)
{
    size_t n = WEB_CARDS_BYTES / 4 - 2;
    struct web_cards *c = web_cards_new();
    struct wh_arena a;
    struct wh_str big, html;

    (void)state;
    wh_arena_init(&a, (size_t)64 << 20);
    big = wh_str_mem(wh_arena_alloc(&a, n + 8), n);
    for (int i = 0; i < 6; i++) {
        web_cards_put(c, wh_arena_fmt(&a, "%d", i), big);
    }
    assert_false(web_cards_get(c, &a, WH_S("1"), &html));
    assert_true(web_cards_get(c, &a, WH_S("5"), &html));
    assert_int_equal(html.n, n);
    web_cards_put(c, WH_S("large"), wh_str_mem(big.p, n + 8));
    assert_false(web_cards_get(c, &a, WH_S("large"), &html));
    wh_arena_done(&a);
    web_cards_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_found),
        cmocka_unit_test(test_bounded_in_number),
        cmocka_unit_test(test_bounded_in_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
