/*
 * form_test.c - forms: their type, and that they decode like queries.
 */
#include "net/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the headers above */
#include <cmocka.h>

static const struct {
    const char *type, *body;
    bool good;
} cases[] = {
    {"application/x-www-form-urlencoded", "name=a+b", true},
    {"Application/X-WWW-Form-URLencoded; charset=utf-8", "name=a%20b", true},
    {"application/x-www-form-urlencoded ", "x=&name=a b", true},
    {"application/x-www-form-urlencoded", "name=%zz", false},
    {"application/x-www-form-urlencodedx", "name=a+b", false},
    {"text/plain", "name=a+b", false},
    {"multipart/form-data; boundary=x", "name=a+b", false},
    {"", "name=a+b", false},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wh_arena a;
        struct wh_err err = {0};
        struct net_pairs p;
        struct wh_str v;
        wh_arena_init(&a, 100000);
        bool good = net_form_parse_body(&a, wh_str_of(cases[i].type),
                                        wh_str_of(cases[i].body), &p, &err);
        assert_int_equal(good, cases[i].good);
        if (good) {
            assert_true(net_pairs_get(&p, "name", 0, &v));
            assert_true(wh_str_is(v, "a b"));
        } else {
            assert_int_equal(err.code, WH_BAD_REQUEST);
        }
        wh_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
    return cmocka_run_group_tests_name("net/form", tests, NULL, NULL);
}
