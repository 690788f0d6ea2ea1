/* Unit tests of rule/line.h and rule/expr.h: what a line may not say. */
#include "base/unit.h"
#include "rule/line.h"
#include "rule/shipped.h"

/* The demonstration line with `from` replaced by `to`. */
static struct wh_str changed(struct wh_arena *a, const char *from,
                             const char *to)
{
    struct wh_str text = rule_shipped_text(WH_S("demo.low.v1.json"));
    size_t at = wh_str_find_str(text, wh_str_of(from));
    if (at == SIZE_MAX) {
        print_error("\"%s\" is not in the line\n", from);
        fail();
    }
    size_t end = at + strlen(from);
    return wh_arena_fmt(a, "%.*s%s%.*s", (int)at, text.p, to,
                        (int)(text.n - end), text.p + end);
}

static void reads_every_field(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err;
    const struct rule_line *line;
    wh_arena_init(&a, 4U << 20);
    unit_ok(rule_line_load(&a, rule_shipped_text(WH_S("demo.low.v1.json")),
                           &line, &err),
            err);
    unit_str(line->name, "demo.low");
    assert_int_equal(line->version, 1);
    assert_int_equal(line->days, 180);
    unit_str(line->effective, "2026-11-23");
    unit_str(line->last_checked, "2026-11-23");
    unit_str(rule_line_label(&a, line), "demo.low.v1");
    assert_int_equal(strlen(line->digest), 64);
    assert_int_equal(line->n_rules, 1);
    assert_int_equal(line->rules[0].if_no, RULE_ABOVE);
    assert_int_equal(line->rules[0].by, RULE_BY_HOUSE);
    assert_int_equal(line->rules[0].when->op, RULE_OP_AT_MOST);
    unit_str(line->rules[0].when->need, "at most 1e8 parameters");
    assert_int_equal(line->outcome[RULE_BELOW].part[RULE_PART_WEIGHTS],
                     RULE_TIER_PASS);
    assert_int_equal(line->outcome[RULE_ABOVE].part[RULE_PART_WEIGHTS],
                     RULE_TIER_HELD);
    wh_arena_done(&a);
}

static void the_digest_is_of_the_meaning_not_of_the_layout(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err;
    const struct rule_line *x, *y, *z;
    wh_arena_init(&a, 4U << 20);
    unit_ok(rule_line_load(&a, rule_shipped_text(WH_S("demo.low.v1.json")), &x,
                           &err),
            err);
    unit_ok(rule_line_load(&a, changed(&a, "{\n  \"v\": 1,", "{\"v\":1,"), &y,
                           &err),
            err);
    assert_string_equal(x->digest, y->digest);
    unit_ok(rule_line_load(&a, changed(&a, "\"1e8\"", "\"1e9\""), &z, &err),
            err);
    assert_string_not_equal(x->digest, z->digest);
    wh_arena_done(&a);
}

#define WHEN                                      \
    "{\"claim\": \"size.params_total\", \"op\": " \
    "\"at-most\", \"threshold\": \"1e8\"}"

/* What is changed in the demonstration line, and what the loader says. */
static const struct {
    const char *from, *to;
    enum wh_code code;
    const char *says; /* somewhere in the message */
} refusals[] = {
    {"{", "", WH_BAD_JSON, ""},
    {"\"v\": 1,", "\"v\": 2,", WH_BAD_REQUEST, "\"v\" must be 1"},
    {"\"v\": 1,", "\"v\": 1, \"v\": 1,", WH_BAD_JSON, "duplicate"},
    {"\"v\": 1,", "\"v\": 1, \"publisher\": \"x\",", WH_BAD_REQUEST,
     "unknown key \"publisher\""},
    {"\"demo.low\"", "\"Demo low\"", WH_BAD_REQUEST, "name"},
    {"\"demo.low\"", "\"demo.low.\"", WH_BAD_REQUEST, "name"},
    {"\"demo.low\"", "\"1demo.low\"", WH_BAD_REQUEST, "name"},
    {"\"demo.low\"", "\"demo.low.demo.low.demo.low.demo.l\"", WH_BAD_REQUEST,
     "at most 31"},
    {"\"version\": 1", "\"version\": 0", WH_BAD_REQUEST, "version"},
    {"\"version\": 1", "\"version\": \"1\"", WH_BAD_REQUEST, "version"},
    {"\"days\": 180", "\"days\": 181", WH_BAD_REQUEST, "for ever"},
    {"\"days\": 180", "\"days\": 0", WH_BAD_REQUEST, "for ever"},
    {"\"effective\": \"2026-11-23\"", "\"effective\": \"2026-11-33\"",
     WH_BAD_REQUEST, "date"},
    {"\"last_checked\": \"2026-11-23\",", "", WH_BAD_REQUEST, "last_checked"},
    {"\"title\": \"Weighhouse,", "\"titel\": \"Weighhouse,", WH_BAD_REQUEST,
     "unknown key \"titel\""},
    {"\"rules\": [", "\"rules\": [7, ", WH_BAD_REQUEST, "rule 1"},
    {"\"id\": \"size\",", "\"id\": \"size\", \"who\": \"x\",", WH_BAD_REQUEST,
     "unknown key \"who\""},
    {"\"reason\":", "\"raison\":", WH_BAD_REQUEST, "raison"},
    {"\"sentence\": \"The model", "\"sentence\": \"\\u0007The model",
     WH_BAD_REQUEST, "sentence"},
    {"\"by\": \"house\",\n      \"if_no\"",
     "\"by\": \"friend\",\n      \"if_no\"", WH_BAD_REQUEST, "by"},
    {"\"if_no\": \"above\"", "\"if_no\": \"below\"", WH_BAD_REQUEST, "if_no"},
    {"\"size.params_total\", \"op\"", "\"publisher.name\", \"op\"",
     WH_BAD_REQUEST, "no claim \"publisher.name\""},
    {"\"at-most\"", "\"<\"", WH_BAD_REQUEST, "does not compare"},
    {"\"at-most\"", "\"one-of\"", WH_BAD_REQUEST, "does not compare"},
    {"\"threshold\": \"1e8\"", "\"threshold\": 100000000", WH_BAD_REQUEST,
     "threshold"},
    {"\"threshold\": \"1e8\"", "\"threshold\": \"-1\"", WH_BAD_REQUEST,
     "threshold"},
    {"\"1e8\"}", "\"1e8\", \"margin\": \"0.9\"}", WH_BAD_REQUEST, "at least 1"},
    {"\"1e8\"}", "\"1e8\", \"margin\": \"1.000000000001\"}", WH_BAD_REQUEST,
     "at most 12 digits"},
    {"\"1e8\"}", "\"1e8\", \"by\": \"self\"}", WH_BAD_REQUEST, "by"},
    {"\"1e8\"}", "\"1e8\", \"unless\": \"x\"}", WH_BAD_REQUEST, "unless"},
    {WHEN, "{\"all\": []}", WH_BAD_REQUEST, "1 to 16"},
    {WHEN, "{\"all\": [], \"any\": []}", WH_BAD_REQUEST, "unknown key"},
    {WHEN, "{\"not\": []}", WH_BAD_REQUEST, ""},
    {WHEN,
     "{\"at-least\": 2, \"of\": [{\"claim\": \"incident.open\", "
     "\"op\": \"known\"}]}",
     WH_BAD_REQUEST, "at-least"},
    {WHEN,
     "{\"claim\": \"files.verifiable\", \"op\": \"one-of\", "
     "\"yes\": [\"yes\"], \"no\": [\"yes\"]}",
     WH_BAD_REQUEST, "\"yes\" and under \"no\""},
    {WHEN,
     "{\"claim\": \"files.verifiable\", \"op\": \"one-of\", "
     "\"yes\": [\"perhaps\"], \"no\": [\"no\"]}",
     WH_BAD_REQUEST, "does not have"},
    {WHEN,
     "{\"claim\": \"files.verifiable\", \"op\": \"one-of\", "
     "\"yes\": [\"yes\"]}",
     WH_BAD_REQUEST, "\"no\""},
    {WHEN,
     "{\"not\": {\"not\": {\"not\": {\"not\": {\"not\": {\"not\": "
     "{\"not\": {\"not\": {\"claim\": \"incident.open\", \"op\": "
     "\"known\"}}}}}}}}}",
     WH_TOO_LARGE, "levels"},
    {"\"weights\": \"pass\"", "\"weights\": \"free\"", WH_BAD_REQUEST,
     "weights"},
    {"\"weights\": \"pass\"",
     "\"weights\": \"pass\", \"knowledge\": "
     "\"held\"",
     WH_BAD_REQUEST, "knowledge"},
    {"\"weights\": \"held\"", "\"weights\": \"hosted\"", WH_BAD_REQUEST,
     "lets no weights out"},
    {"\"source\": \"pass\"", "\"source\": \"held\"", WH_BAD_REQUEST,
     "losing evidence"},
    {"\"answer\": \"below\"", "\"answer\": \"maybe\"", WH_BAD_REQUEST,
     "case 1"},
    {"\"with\": {}", "\"with\": []", WH_BAD_REQUEST, "case 1"},
};

static void refuses_what_a_line_may_not_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct wh_arena a;
        struct wh_err err;
        const struct rule_line *line = NULL;
        wh_arena_init(&a, 4U << 20);
        struct wh_str text = changed(&a, refusals[i].from, refusals[i].to);
        unit_fails(rule_line_load(&a, text, &line, &err), err,
                   refusals[i].code);
        if (strstr(err.msg, refusals[i].says) == NULL) {
            print_error("row %zu: %s\n", i, err.msg);
            fail();
        }
        assert_null(line);
        wh_arena_done(&a);
    }
}

static void joins_and_asks_for_more_independence(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err;
    const struct rule_line *line;
    wh_arena_init(&a, 4U << 20);
    struct wh_str text = changed(
        &a,
        "{\"claim\": \"size.params_total\", \"op\": \"at-most\", "
        "\"threshold\": \"1e8\"}",
        "{\"at-least\": 2, \"of\": [{\"claim\": \"incident.open\", \"op\": "
        "\"known\", \"by\": \"authority\"}, {\"not\": {\"claim\": "
        "\"compute.training\", \"op\": \"above\", \"threshold\": \"1e25\", "
        "\"margin\": \"3.1623\"}}, {\"any\": [{\"claim\": "
        "\"files.verifiable\", \"op\": \"one-of\", \"yes\": [\"yes\"], "
        "\"no\": [\"no\"]}]}]}");
    unit_ok(rule_line_load(&a, text, &line, &err), err);
    const struct rule_expr *e = line->rules[0].when;
    assert_int_equal(e->op, RULE_OP_K_OF);
    assert_int_equal(e->k, 2);
    assert_int_equal(e->n_kids, 3);
    assert_int_equal(e->kids[0].by, RULE_BY_AUTHORITY);
    assert_int_equal(e->kids[1].op, RULE_OP_NOT);
    unit_str(e->kids[1].kids[0].need,
             "above 1e25 FLOP, with a factor of 3.1623 to spare");
    assert_int_equal(e->kids[2].kids[0].by, RULE_BY_HOUSE);
    unit_str(e->kids[2].kids[0].need, "yes");
    wh_arena_done(&a);
}

static void knows_what_is_looser(void **state)
{
    (void)state;
    /* row: a; column: b; held hosted gated open pass; 1: a opens no more */
    static const bool want[RULE_TIER_COUNT][RULE_TIER_COUNT] = {
        {1, 1, 1, 1, 1}, {0, 1, 1, 1, 0}, {0, 0, 1, 1, 0},
        {0, 0, 0, 1, 0}, {0, 0, 0, 1, 1},
    };
    for (int i = 0; i < RULE_TIER_COUNT; i++) {
        for (int j = 0; j < RULE_TIER_COUNT; j++) {
            assert_int_equal(
                rule_tier_not_looser((enum rule_tier)i, (enum rule_tier)j),
                want[i][j]);
        }
    }
}

static void knows_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"2026-11-23T18:00:00Z", true},    {"0000-01-01T00:00:00Z", true},
        {"9999-12-31T23:59:59Z", true},    {"2026-11-23T18:00:00", false},
        {"2026-11-23T18:00:00z", false},   {"2026-13-23T18:00:00Z", false},
        {"2026-00-23T18:00:00Z", false},   {"2026-11-00T18:00:00Z", false},
        {"2026-11-23T24:00:00Z", false},   {"2026-11-23T18:60:00Z", false},
        {"2026-11-23T18:00:60Z", false},   {"2026-11-23 18:00:00Z", false},
        {"2026-11-23T18:00:00.0Z", false}, {"", false},
        {"2026-1a-23T18:00:00Z", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(rule_time_ok(wh_str_of(rows[i].text)), rows[i].ok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(the_digest_is_of_the_meaning_not_of_the_layout),
        cmocka_unit_test(refuses_what_a_line_may_not_say),
        cmocka_unit_test(joins_and_asks_for_more_independence),
        cmocka_unit_test(knows_what_is_looser),
        cmocka_unit_test(knows_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
