/* Unit tests of line/decision.h. */
#include "base/unit.h"
#include "line/decision.h"
#include "line/testing.h"
#include "rule/chance.h"
#include "rule/combine.h"

static const char *weights(const struct line_decision *d)
{
    return rule_tier_word(d->tiers.part[RULE_PART_WEIGHTS]);
}

static void decides_as_the_lines_say(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *params, *weights, *answer, *first_rule;
        bool silent;
    } rows[] = {
        {"limited.default", "22713216", "open", "below",
         "limited.default/compute", false},
        {"limited.default hold.unknown", "22713216", "open", "below",
         "limited.default/compute", false},
        {"limited.default demo.low", "22713216", "open", "below",
         "limited.default/compute", false},
        {"limited.default demo.low", "134515008", "held", "above",
         "demo.low/size", false},
        {"demo.low limited.default", "134515008", "held", "above",
         "demo.low/size", false},
        {"limited.default hold.unknown", "7e10", "held", "unsure",
         "limited.default/compute", false},
        {"small.fast-track", "22713216", "open", "below",
         "small.fast-track/compute", false},
        {"small.fast-track", "134515008", "held", "unsure",
         "small.fast-track/compute", true},
        {"small.fast-track limited.default", "134515008", "open", "below",
         "limited.default/compute", false},
        {"hold.unknown", "22713216", "held", "below", "hold.unknown/size",
         true},
        {"", "22713216", "held", "unsure", NULL, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        struct line_set set;
        struct line_decision d;
        wh_arena_init(&a, 64U << 20);
        line_testing_set(&a, rows[i].lines, "", &set);
        line_testing_decide(&a, &set, line_testing_evidence(&a, rows[i].params),
                            &d);
        assert_string_equal(weights(&d), rows[i].weights);
        assert_string_equal(rule_answer_word(d.answer), rows[i].answer);
        assert_int_equal(json_is_true(json_object_get(d.doc, "silent")),
                         rows[i].silent);
        if (rows[i].first_rule != NULL) {
            assert_true(d.n_rules > 0);
            unit_str(d.rules[0], rows[i].first_rule);
        } else {
            assert_int_equal(d.n_rules, 0);
        }
        bool open = strcmp(rows[i].weights, "open") == 0;
        assert_true(d.until ==
                    (open ? 0 : LINE_TESTING_NOW + INT64_C(180) * 86400));
        assert_int_equal(json_is_null(json_object_get(d.doc, "until")), open);
        wh_arena_done(&a);
    }
}

/* A repo's earlier weights are held ancestors of its next ones: the size that
 * holds both is still what is told first. */
static void what_the_files_show_is_told_first(void **state)
{
    (void)state;
    static const char *const sets[] = {"limited.default demo.low",
                                       "demo.low limited.default"};
    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        struct wh_arena a;
        struct line_set set;
        struct line_decision d;
        wh_arena_init(&a, 64U << 20);
        line_testing_set(&a, sets[i], "", &set);
        json_t *map = line_testing_evidence(&a, "134515008");
        json_t *found = rule_item_value(WH_S("found"), RULE_BY_HOUSE,
                                        WH_S("test"), WH_S(""));
        json_object_set_new(map, "lineage.held_ancestor", found);
        line_testing_decide(&a, &set, map, &d);
        assert_int_equal(d.n_rules, 2);
        unit_str(d.rules[0], "demo.low/size");
        unit_str(d.rules[1], "limited.default/ancestor");
        wh_arena_done(&a);
    }
}

static void the_document_says_everything(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "v",       "type",      "subject",  "decided", "until",  "by",
        "answer",  "tiers",     "evidence", "lines",   "silent", "reasons",
        "missing", "approvals", "dissent",  "appeal"};
    struct wh_arena a;
    struct line_set set;
    struct line_decision d;
    wh_arena_init(&a, 64U << 20);
    line_testing_set(&a, "limited.default demo.low", "small.fast-track", &set);
    line_testing_decide(&a, &set, line_testing_evidence(&a, "134515008"), &d);
    assert_int_equal(json_object_size(d.doc), sizeof(keys) / sizeof(*keys));
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        assert_non_null(json_object_get(d.doc, keys[i]));
    }
    assert_string_equal(json_string_value(json_object_get(d.doc, "decided")),
                        "2026-11-23T18:00:00Z");
    assert_string_equal(json_string_value(json_object_get(d.doc, "until")),
                        "2027-05-22T18:00:00Z");
    assert_string_equal(json_string_value(json_object_get(d.doc, "appeal")),
                        "/decisions/" LINE_TESTING_SUBJECT);
    json_t *reasons = json_object_get(d.doc, "reasons");
    assert_int_equal(json_array_size(reasons), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(reasons, 0), "seen")),
        "size: 134515008 parameters, attested by the house");
    assert_int_equal(json_array_size(json_object_get(d.doc, "lines")), 2);
    assert_int_equal(d.n_shadow, 1);
    assert_int_equal(d.shadow[0]->answer, RULE_UNSURE);
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(d.evidence, hex);
    assert_string_equal(hex, d.evidence_digest);
    assert_string_equal(json_string_value(json_object_get(d.doc, "evidence")),
                        hex);
    wh_arena_done(&a);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    struct wh_arena a;
    struct line_set set;
    struct line_decision d;
    wh_arena_init(&a, 64U << 20);
    line_testing_set(&a, "limited.default hold.unknown", "", &set);
    json_t *map = line_testing_evidence(&a, "22713216");
    json_object_del(map, "speciality.exploit_code");
    json_object_del(map, "size.params_total");
    line_testing_decide(&a, &set, map, &d);
    assert_string_equal(weights(&d), "held");
    assert_int_equal(d.answer, RULE_UNSURE);
    json_t *missing = json_object_get(d.doc, "missing");
    assert_int_equal(json_array_size(missing), 2);
    assert_string_equal(json_string_value(json_array_get(missing, 0)),
                        "speciality.exploit_code");
    assert_string_equal(json_string_value(json_array_get(missing, 1)),
                        "size.params_total");
    wh_arena_done(&a);
}

static void asked_again_the_same_bytes(void **state)
{
    (void)state;
    struct wh_arena a;
    struct line_set set;
    struct line_decision x, y;
    wh_arena_init(&a, 64U << 20);
    line_testing_set(&a, "limited.default demo.low", "", &set);
    line_testing_decide(&a, &set, line_testing_evidence(&a, "134515008"), &x);
    line_testing_decide(&a, &set, line_testing_evidence(&a, "134515008"), &y);
    assert_true(wh_str_eq(x.text, y.text));
    assert_string_equal(x.digest, y.digest);
    line_testing_decide(&a, &set, line_testing_evidence(&a, "134515009"), &y);
    assert_string_not_equal(x.digest, y.digest);
    wh_arena_done(&a);
}

/* The liberty floor and its counterpart, over random lines and evidence: what
 * is closed has an end and an appeal, and a rule unless all lines are silent;
 * what is open was opened by a line; no part passes. */
static void no_decision_without_its_reasons(void **state)
{
    (void)state;
    struct rule_chance c = {11};
    for (int round = 0; round < 1500; round++) {
        struct wh_arena a;
        struct line_set set = {.n_enforced = 1 + rule_chance_below(&c, 3)};
        struct line_decision d;
        wh_arena_init(&a, 64U << 20);
        for (size_t i = 0; i < set.n_enforced; i++) {
            set.enforced[i].line = rule_chance_line(&c, &a);
        }
        json_t *doc = rule_chance_document(&c, &a, set.enforced[0].line);
        json_t *map = json_object_get(doc, "evidence");
        struct line_question q = {
            .subject = WH_S(LINE_TESTING_SUBJECT),
            .evidence =
                json_is_object(map) ? map : wh_json_own(&a, json_object()),
            .now = LINE_TESTING_NOW};
        struct wh_err err;
        if (!line_decide(&a, &set, &q, &d, &err)) {
            wh_arena_done(&a); /* a real number in the evidence */
            continue;
        }
        bool closed = false;
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            assert_int_not_equal(d.tiers.part[p], RULE_TIER_PASS);
            closed = closed || d.tiers.part[p] != RULE_TIER_OPEN;
        }
        assert_int_equal(d.until > d.decided, closed);
        assert_true(d.until <= d.decided + INT64_C(180) * 86400);
        assert_true(json_is_string(json_object_get(d.doc, "appeal")));
        assert_true(d.n_rules > 0);
        for (size_t i = 0; i < d.n_rules; i++) {
            assert_true(d.rules[i].n <= 64); /* a name of the register */
        }
        wh_arena_done(&a);
    }
}

static void refuses_what_has_no_canonical_form(void **state)
{
    (void)state;
    struct wh_arena a;
    struct line_set set;
    struct line_decision d;
    struct wh_err err;
    wh_arena_init(&a, 64U << 20);
    line_testing_set(&a, "demo.low", "", &set);
    struct line_question q = {.subject = WH_S("ABC"),
                              .evidence = line_testing_evidence(&a, "1"),
                              .now = LINE_TESTING_NOW};
    unit_fails(line_decide(&a, &set, &q, &d, &err), err, WH_BAD_REQUEST);
    q.subject = WH_S(LINE_TESTING_SUBJECT);
    json_object_set_new(q.evidence, "note", json_real(0.5));
    unit_fails(line_decide(&a, &set, &q, &d, &err), err, WH_BAD_REQUEST);
    wh_arena_done(&a);
}

static void times_go_there_and_back(void **state)
{
    (void)state;
    char text[LINE_TIME_TEXT];
    int64_t s;
    line_time_text(LINE_TESTING_NOW, text);
    assert_string_equal(text, "2026-11-23T18:00:00Z");
    assert_true(line_time_parse(wh_str_of(text), &s));
    assert_true(s == LINE_TESTING_NOW);
    assert_false(line_time_parse(WH_S("2026-11-23"), &s));
    assert_false(line_time_parse(WH_S("2026-02-31T00:00:00Z"), &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_as_the_lines_say),
        cmocka_unit_test(what_the_files_show_is_told_first),
        cmocka_unit_test(the_document_says_everything),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(asked_again_the_same_bytes),
        cmocka_unit_test(no_decision_without_its_reasons),
        cmocka_unit_test(refuses_what_has_no_canonical_form),
        cmocka_unit_test(times_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
