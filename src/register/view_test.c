#include "base/unit.h"
#include "register/leaf.h"
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
        {"{\"type\":\"decision\",\"by\":\"approvers\",\"act\":\"host\","
         "\"answer\":\"above\",\"approvals\":3,\"affiliations\":2,\"dissents\":"
         "1,"
         "\"until\":1779494400,\"tiers\":{\"weights\":\"hosted\"}}",
         "3 approvers of 2 affiliations have it hosted: asked here, downloaded "
         "by nobody, against an objection. Weights hosted until 2026-05-23."},
        {"{\"type\":\"decision\",\"by\":\"emergency\",\"act\":\"close\","
         "\"tiers\":{\"weights\":\"held\"}}",
         "One approver closed it in an emergency, which lapses unless a quorum "
         "ratifies it. Weights held."},
        {"{\"type\":\"decision\",\"by\":\"approvers\",\"act\":\"lapse\","
         "\"tiers\":{\"weights\":\"open\"}}",
         "An emergency closing has lapsed: no quorum ratified it. Weights "
         "open."},
        {"{\"type\":\"roster\",\"version\":1,\"keys\":[\"a\",\"b\",\"c\"],"
         "\"affiliations\":2,\"quorum\":2}",
         "Roster 1 founds the approvers: 3 keys of 2 affiliations, of which 2 "
         "have to agree."},
        {"{\"type\":\"roster\",\"version\":2,\"keys\":[\"a\",\"b\"],"
         "\"affiliations\":1,\"quorum\":2,\"previous\":4}",
         "Roster 2: all 2 keys are of one affiliation, so nothing above a line "
         "opens."},
        {"{\"type\":\"proposal\",\"act\":\"open\",\"until\":1779494400}",
         "An approver proposed to open it to anybody. Others may sign until "
         "2026-05-23."},
        {"{\"type\":\"approval\",\"act\":\"open\",\"approvals\":2,"
         "\"affiliations\":2,\"from\":1779494460}",
         "2 approvers of 2 affiliations agreed to open it to anybody. The "
         "cooling-off runs: nothing opens before 2026-05-23 00:01 UTC."},
        {"{\"type\":\"answer\",\"appeal\":7,\"outcome\":\"upheld\"}",
         "The appeal of entry #7 was answered: the decision stands."},
        {"{\"type\":\"notice\",\"act\":\"recall\",\"number\":1,"
         "\"reason\":\"safety\",\"scope\":\"this\",\"action\":\"destroy\","
         "\"until\":1779494400}",
         "Notice 1: approvers recalled a model, because it is a danger to "
         "people. Whoever has it is asked to destroy it. In force until "
         "2026-05-23."},
        {"{\"type\":\"notice\",\"act\":\"lift\",\"number\":2,\"ends\":9}",
         "Notice 2: the recall of entry #9 ends."},
        {"{\"type\":\"lines\",\"lines\":[\"a\"],\"roster\":3}",
         "From here on 1 line is in force, as approvers have signed."},
        {"{\"type\":\"exam\",\"set\":\"sha256:0123456789abcdef\","
         "\"evidence\":\"sha256:fedcba9876543210\",\"until\":1779494400}",
         "A model was examined with the prompts of set 0123456789ab. What was "
         "measured is document fedcba987654, evidence until 2026-05-23."},
        {"{\"type\":\"exam\",\"set\":\"sha256:0123456789abcdef\","
         "\"until\":1779494400}",
         "A model was examined with the prompts of set 0123456789ab. What was "
         "measured is only committed to, and is evidence until 2026-05-23."},
        {"{\"type\":\"strange\"}", "An entry of the type strange."},
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

/* No type of the table is left without a sentence of its own. */
static void test_every_type(void **state)
{
    size_t n;
    const struct register_leaf_row *rows = register_leaf_rows(&n);
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        json_t *leaf =
            wh_json_own(&a, json_pack("{s:s}", "type", rows[i].type));
        struct wh_str says = register_words(&a, leaf);
        if (strcmp(rows[i].type, "*") != 0) {
            assert_false(wh_str_starts(says, WH_S("An entry of the type")));
            assert_int_equal(says.p[says.n - 1], '.');
        }
    }
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_every_type)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
