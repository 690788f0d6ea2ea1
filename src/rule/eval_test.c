/* Unit tests of rule/eval.h and rule/evidence.h. */
#include "base/unit.h"
#include "rule/eval.h"
#include "rule/shipped.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static json_t *parsed(struct wh_arena *a, struct wh_str text)
{
    struct wh_err err;
    json_t *v;
    unit_ok(wh_json_parse(a, text, &v, &err), err);
    return v;
}

/* demo.low with another machine form, evaluated on one evidence map. */
static const struct rule_result *ask(struct wh_arena *a, const char *when,
                                     const char *map)
{
    struct wh_err err;
    const struct rule_line *line;
    json_t *doc = parsed(a, rule_shipped_text(WH_S("demo.low.v1.json")));
    json_t *rule = json_array_get(json_object_get(doc, "rules"), 0);
    json_object_set(rule, "when", parsed(a, wh_str_of(when)));
    json_object_set_new(rule, "by", json_string("independent"));
    unit_ok(rule_line_read(a, doc, &line, &err), err);
    return rule_eval(
        a, line,
        parsed(a, wh_arena_fmt(a,
                               "{\"v\":1,\"subject\":\"" ZEROS
                               "\",\"now\":\"2026-11-23T18:00:00Z\","
                               "\"evidence\":{%s}}",
                               map)));
}

#define SIZE(lo, hi)                                        \
    "\"size.params_total\":{\"lo\":\"" lo "\",\"hi\":\"" hi \
    "\",\"by\":\"house\",\"method\":\"m\",\"expires\":null}"
#define SIZE_OP(op, rest) \
    "{\"claim\":\"size.params_total\",\"op\":\"" op "\"" rest "}"
#define FILES(v)                           \
    "\"files.verifiable\":{\"value\":\"" v \
    "\",\"by\":\"house\",\"method\":\"m\",\"expires\":null}"

static void compares_whole_intervals(void **state)
{
    (void)state;
    static const char below[] =
        SIZE_OP("below", ",\"threshold\":\"1e25\",\"margin\":\"2\"");
    static const char at_most[] =
        SIZE_OP("at-most", ",\"threshold\":\"1e25\",\"margin\":\"2\"");
    static const char above[] =
        SIZE_OP("above", ",\"threshold\":\"1e25\",\"margin\":\"2\"");
    static const char at_least[] =
        SIZE_OP("at-least", ",\"threshold\":\"1e25\",\"margin\":\"2\"");
    static const struct {
        const char *map;
        enum rule_three below, at_most, above, at_least;
    } rows[] = {
        {SIZE("0", "0"), RULE_YES, RULE_YES, RULE_NO, RULE_NO},
        {SIZE("0", "4.999999999999999999999999e24"), RULE_YES, RULE_YES,
         RULE_NO, RULE_NO},
        {SIZE("0", "5e24"), RULE_UNKNOWN, RULE_YES, RULE_NO, RULE_UNKNOWN},
        {SIZE("0", "5.000000000000000000000001e24"), RULE_UNKNOWN, RULE_UNKNOWN,
         RULE_UNKNOWN, RULE_UNKNOWN},
        {SIZE("9.999999999999999e24", "9.999999999999999e24"), RULE_UNKNOWN,
         RULE_UNKNOWN, RULE_UNKNOWN, RULE_UNKNOWN},
        {SIZE("1e25", "1e25"), RULE_NO, RULE_UNKNOWN, RULE_UNKNOWN, RULE_YES},
        {SIZE("10000000000000000000000001", "1e999999999"), RULE_NO, RULE_NO,
         RULE_YES, RULE_YES},
        {SIZE("0", "1e999999999"), RULE_UNKNOWN, RULE_UNKNOWN, RULE_UNKNOWN,
         RULE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        wh_arena_init(&a, 8U << 20);
        assert_int_equal(ask(&a, below, rows[i].map)->rulings[0].answer,
                         rows[i].below);
        assert_int_equal(ask(&a, at_most, rows[i].map)->rulings[0].answer,
                         rows[i].at_most);
        assert_int_equal(ask(&a, above, rows[i].map)->rulings[0].answer,
                         rows[i].above);
        assert_int_equal(ask(&a, at_least, rows[i].map)->rulings[0].answer,
                         rows[i].at_least);
        wh_arena_done(&a);
    }
}

#define ITEM(text) "\"size.params_total\":" text
#define TAIL ",\"by\":\"house\",\"method\":\"m\",\"expires\":null}"

static void says_why_evidence_does_not_count(void **state)
{
    (void)state;
    static const struct {
        const char *map, *seen;
        enum rule_state state;
    } rows[] = {
        {SIZE("1", "1"), "1 parameters, attested by the house",
         RULE_STATE_USED},
        {SIZE("1", "2"), "1 to 2 parameters, attested by the house",
         RULE_STATE_USED},
        {"", "missing", RULE_STATE_MISSING},
        {ITEM("null"), "missing", RULE_STATE_MISSING},
        {ITEM("0"), "malformed", RULE_STATE_MALFORMED},
        {ITEM("[]"), "malformed", RULE_STATE_MALFORMED},
        {ITEM("{}"), "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":0,\"hi\":0" TAIL), "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":\"0\"" TAIL), "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"hi\":\"0\"" TAIL), "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":\"2\",\"hi\":\"1\"" TAIL), "malformed",
         RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"value\":\"yes\"" TAIL), "malformed",
         RULE_STATE_MALFORMED},
        {ITEM("{\"value\":\"unknown\"" TAIL), "unknown", RULE_STATE_UNKNOWN},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"me\",\"method\":\"m\","
              "\"expires\":null}"),
         "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"house\",\"method\":\"\","
              "\"expires\":null}"),
         "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"house\",\"method\":\"m\"}"),
         "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"house\",\"method\":\"m\","
              "\"expires\":\"soon\"}"),
         "malformed", RULE_STATE_MALFORMED},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"house\",\"method\":\"m\","
              "\"expires\":\"2026-11-23T18:00:00Z\"}"),
         "expired on 2026-11-23T18:00:00Z", RULE_STATE_EXPIRED},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"house\",\"method\":\"m\","
              "\"expires\":\"2026-11-23T18:00:01Z\"}"),
         "1 to 2 parameters, attested by the house", RULE_STATE_USED},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"self\",\"method\":\"m\","
              "\"expires\":null}"),
         "attested only by the publisher itself", RULE_STATE_DEPENDENT},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"contracted\","
              "\"method\":\"m\",\"expires\":null}"),
         "attested only by somebody whom the publisher pays",
         RULE_STATE_DEPENDENT},
        {ITEM("{\"lo\":\"1\",\"hi\":\"2\",\"by\":\"authority\","
              "\"method\":\"m\",\"expires\":null,\"note\":\"x\"}"),
         "1 to 2 parameters, attested by an authority", RULE_STATE_USED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        wh_arena_init(&a, 8U << 20);
        const struct rule_result *r =
            ask(&a, SIZE_OP("at-most", ",\"threshold\":\"1e8\""), rows[i].map);
        const struct rule_check *c = &r->rulings[0].checks[0];
        unit_str(c->seen, rows[i].seen);
        assert_int_equal(c->state, rows[i].state);
        bool used = rows[i].state == RULE_STATE_USED;
        assert_int_equal(c->answer, used ? RULE_YES : RULE_UNKNOWN);
        assert_int_equal(r->answer, used ? RULE_BELOW : RULE_UNSURE);
        assert_int_equal(r->n_missing, used ? 0 : 1);
        wh_arena_done(&a);
    }
}

static void joins_three_values(void **state)
{
    (void)state;
#define Y SIZE_OP("at-most", ",\"threshold\":\"5\"")
#define N SIZE_OP("at-most", ",\"threshold\":\"3\"")
#define U "{\"claim\":\"incident.open\",\"op\":\"at-most\",\"threshold\":\"0\"}"
    static const struct {
        const char *when;
        enum rule_three want;
    } rows[] = {
        {Y, RULE_YES},
        {N, RULE_NO},
        {U, RULE_UNKNOWN},
        {"{\"not\":" Y "}", RULE_NO},
        {"{\"not\":" N "}", RULE_YES},
        {"{\"not\":" U "}", RULE_UNKNOWN},
        {"{\"all\":[" Y "," Y "]}", RULE_YES},
        {"{\"all\":[" Y "," U "]}", RULE_UNKNOWN},
        {"{\"all\":[" U "," N "]}", RULE_NO},
        {"{\"any\":[" N "," N "]}", RULE_NO},
        {"{\"any\":[" N "," U "]}", RULE_UNKNOWN},
        {"{\"any\":[" U "," Y "]}", RULE_YES},
        {"{\"at-least\":2,\"of\":[" Y "," N "," U "]}", RULE_UNKNOWN},
        {"{\"at-least\":2,\"of\":[" Y "," Y "," U "]}", RULE_YES},
        {"{\"at-least\":2,\"of\":[" N "," N "," U "]}", RULE_NO},
        {"{\"at-least\":3,\"of\":[" Y "," Y "," N "]}", RULE_NO},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        wh_arena_init(&a, 8U << 20);
        assert_int_equal(
            ask(&a, rows[i].when, SIZE("4", "4"))->rulings[0].answer,
            rows[i].want);
        wh_arena_done(&a);
    }
}

static void a_value_on_neither_side_is_unknown(void **state)
{
    (void)state;
    static const char when[] =
        "{\"claim\":\"files.verifiable\",\"op\":\"one-of\",\"yes\":[\"yes\"],"
        "\"no\":[\"no\"]}";
    static const struct {
        const char *map;
        enum rule_three want;
    } rows[] = {{FILES("yes"), RULE_YES},
                {FILES("no"), RULE_NO},
                {FILES("unknown"), RULE_UNKNOWN},
                {FILES("maybe"), RULE_UNKNOWN},
                {FILES(""), RULE_UNKNOWN}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        wh_arena_init(&a, 8U << 20);
        assert_int_equal(ask(&a, when, rows[i].map)->rulings[0].answer,
                         rows[i].want);
        wh_arena_done(&a);
    }
}

static void any_json_is_a_document(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "null",
        "7",
        "[]",
        "{}",
        "\"text\"",
        "{\"v\":1}",
        "{\"v\":2,\"subject\":\"" ZEROS
        "\",\"now\":\"2026-11-23T18:00:00Z\",\"evidence\":{}}",
        "{\"v\":1,\"subject\":\"" ZEROS
        "\",\"now\":\"2026-11-23\",\"evidence\":{}}",
        "{\"v\":1,\"subject\":\"0\",\"now\":\"2026-11-23T18:00:00Z\","
        "\"evidence\":{}}",
        "{\"v\":1,\"subject\":\"" ZEROS
        "\",\"now\":\"2026-11-23T18:00:00Z\",\"evidence\":[]}",
    };
    const struct rule_file *f;
    for (size_t k = 0; (f = rule_shipped_line(k)) != NULL; k++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
            struct wh_arena a;
            struct wh_err err;
            const struct rule_line *line;
            wh_arena_init(&a, 8U << 20);
            unit_ok(rule_line_load(&a, f->text, &line, &err), err);
            const struct rule_result *r =
                rule_eval(&a, line, parsed(&a, wh_str_of(rows[i])));
            assert_int_equal(r->answer, RULE_UNSURE);
            assert_int_not_equal(r->tiers.part[RULE_PART_WEIGHTS],
                                 RULE_TIER_OPEN);
            assert_true(r->n_missing > 0);
            wh_arena_done(&a);
        }
    }
}

static void composes_the_strictest(void **state)
{
    (void)state;
    static const struct {
        enum rule_tier a, b, want;
    } rows[] = {
        {RULE_TIER_OPEN, RULE_TIER_OPEN, RULE_TIER_OPEN},
        {RULE_TIER_OPEN, RULE_TIER_PASS, RULE_TIER_OPEN},
        {RULE_TIER_PASS, RULE_TIER_PASS, RULE_TIER_HELD},
        {RULE_TIER_OPEN, RULE_TIER_HELD, RULE_TIER_HELD},
        {RULE_TIER_PASS, RULE_TIER_HELD, RULE_TIER_HELD},
        {RULE_TIER_OPEN, RULE_TIER_GATED, RULE_TIER_GATED},
        {RULE_TIER_PASS, RULE_TIER_GATED, RULE_TIER_GATED},
        {RULE_TIER_HOSTED, RULE_TIER_GATED, RULE_TIER_HOSTED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct rule_result a = {
            .tiers = {{rows[i].a, rows[i].a, rows[i].a, rows[i].a}}};
        struct rule_result b = {
            .tiers = {{rows[i].b, rows[i].b, rows[i].b, rows[i].b}}};
        const struct rule_result *both[] = {&a, &b};
        const struct rule_result *turned[] = {&b, &a};
        struct rule_tiers x, y;
        rule_compose(both, 2, &x);
        rule_compose(turned, 2, &y);
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            assert_int_equal(x.part[p], rows[i].want);
            assert_int_equal(y.part[p], rows[i].want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_whole_intervals),
        cmocka_unit_test(says_why_evidence_does_not_count),
        cmocka_unit_test(joins_three_values),
        cmocka_unit_test(a_value_on_neither_side_is_unknown),
        cmocka_unit_test(any_json_is_a_document),
        cmocka_unit_test(composes_the_strictest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
