/*
 * exam_set_test.c - sets of prompts: read strictly, drawn by hazard, the same
 * each time.
 */
#include "base/unit.h"

#include "base/buf.h"
#include "gateway/exam_set.h"

#define DRAWN 30u

/* Rows of three hazards, of which the last has few, and benign ones. */
static void make(struct gateway_set *s, struct wh_buf *b)
{
    struct wh_err err = {0};

    for (unsigned i = 0; i < 100; i++) {
        wh_buf_fmt(b,
                   "{\"id\":\"h/%u\",\"source\":\"s\",\"kind\":\"harm\","
                   "\"hazard\":[\"%s\"],\"text\":\"t\"}\n"
                   "{\"id\":\"b/%u\",\"source\":\"s\",\"kind\":\"benign\","
                   "\"text\":\"t\"}\n"
                   "{\"id\":\"p/%u\",\"source\":\"s\",\"kind\":\"harm\","
                   "\"family\":\"text\",\"text\":\"t\"}\n",
                   i,
                   i < 4   ? "few"
                   : i % 2 ? "odd"
                           : "even",
                   i, i);
    }
    gateway_set_init(s);
    unit_ok(gateway_set_add(s, WH_S("a.jsonl"), wh_buf_str(b), &err), err);
    unit_ok(gateway_set_close(s, &err), err);
}

static void drawn_by_hazard(void **state)
{
    (void)state;
    const struct gateway_prompt *one[2 * DRAWN], *two[2 * DRAWN];
    struct wh_err err = {0};
    struct gateway_set s, again;
    struct wh_buf b, b2;
    size_t few = 0, odd = 0, even = 0, differ = 0;

    wh_buf_init(&b, (size_t)1 << 20);
    make(&s, &b);
    assert_int_equal(s.harm, 100); /* passages are not asked */
    assert_int_equal(s.benign, 100);
    unit_ok(gateway_set_draw(&s, 1, DRAWN, DRAWN, one, &err), err);
    for (size_t i = 0; i < DRAWN; i++) {
        assert_true(one[i]->harm && !one[DRAWN + i]->harm);
        few += wh_str_is(one[i]->hazard, "few");
        odd += wh_str_is(one[i]->hazard, "odd");
        even += wh_str_is(one[i]->hazard, "even");
    }
    assert_int_equal(few, 4);
    assert_int_equal(odd, 13);
    assert_int_equal(even, 13);
    unit_fails(gateway_set_draw(&s, 1, 101, 1, one, &err), err, WH_BAD_REQUEST);
    wh_buf_init(&b2, (size_t)1 << 20);
    make(&again, &b2);
    unit_ok(gateway_set_draw(&s, 1, DRAWN, DRAWN, one, &err), err);
    unit_ok(gateway_set_draw(&again, 1, DRAWN, DRAWN, two, &err), err);
    for (size_t i = 0; i < 2 * (size_t)DRAWN; i++) {
        assert_true(wh_str_eq(one[i]->id, two[i]->id));
    }
    unit_ok(gateway_set_draw(&again, 2, DRAWN, DRAWN, two, &err), err);
    for (size_t i = 0; i < 2 * (size_t)DRAWN; i++) {
        differ += !wh_str_eq(one[i]->id, two[i]->id);
    }
    assert_true(differ > 0);
    gateway_set_done(&s);
    gateway_set_done(&again);
    wh_buf_done(&b);
    wh_buf_done(&b2);
}

static void read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x",
        "[]",
        "{\"id\":1}",
        "{\"id\":\"a b\",\"source\":\"s\",\"kind\":\"harm\"}",
        "{\"id\":\"a\",\"source\":\"s\",\"kind\":\"harm\",\"hazard\":\"h\"}",
        "{\"id\":\"a\",\"source\":\"s\",\"kind\":\"harm\",\"hazard\":[1]}",
        "\x1f\x8b damaged",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct wh_err err = {0};
        struct gateway_set s;
        gateway_set_init(&s);
        assert_false(gateway_set_add(&s, WH_S("f"), wh_str_of(bad[i]), &err));
        assert_true(wh_str_starts(wh_str_of(err.msg), WH_S("f")));
        gateway_set_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_by_hazard),
        cmocka_unit_test(read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
