#include "base/unit.h"
#include "register/view.h"

/* What an entry says: its leaf, and nothing else. */
static void test_words(void **state)
{
    static const struct {
        const char *leaf, *says;
    } cases[] = {
        {"{\"type\":\"genesis\",\"lines\":[\"a\"],\"roster\":[]}",
         "The log begins, with 1 line in force and no approvers."},
        {"{\"type\":\"genesis\",\"lines\":[\"a\",\"b\"],\"roster\":[\"k\"]}",
         "The log begins, with 2 lines in force and a roster of approvers."},
        {"{\"type\":\"lines\",\"lines\":[\"a\",\"b\",\"c\"]}",
         "From here on 3 lines are in force."},
        {"{\"type\":\"submission\",\"kind\":\"space\"}",
         "An app was submitted to be weighed."},
        {"{\"type\":\"weighing\",\"verifiable\":\"yes\"}",
         "A subject was weighed; every file was read to its last byte."},
        {"{\"type\":\"weighing\",\"verifiable\":\"no\"}",
         "A subject was weighed; not every file could be read to its last "
         "byte."},
        {"{\"type\":\"decision\",\"by\":\"line\",\"answer\":\"above\","
         "\"tiers\":{\"weights\":\"held\"}}",
         "By the lines themselves: above. Weights held."},
        {"{\"type\":\"erasure\"}", "An entry of the type erasure."},
        {"{}", "An entry of the type ."},
    };
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wh_err err = {0};
        json_t *leaf;
        assert_true(wh_json_parse(&a, wh_str_of(cases[i].leaf), &leaf, &err));
        assert_string_equal(wh_arena_cstr(&a, register_words(&a, leaf)),
                            cases[i].says);
    }
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
