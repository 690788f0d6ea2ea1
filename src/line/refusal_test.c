/* Unit tests of line/refusal.h. */
#include "base/unit.h"
#include "line/refusal.h"
#include "line/testing.h"

#define URL "http://127.0.0.1:8080/demo/smollm2-135m-instruct/decision"
#define MANY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct line_decision decide(struct wh_arena *a, const char *lines,
                                   const char *params, const char *without)
{
    struct line_set set;
    struct line_decision d;
    line_testing_set(a, lines, "", &set);
    json_t *map = line_testing_evidence(a, params);
    json_object_del(map, without);
    line_testing_decide(a, &set, map, &d);
    return d;
}

static void says_all_that_a_refusal_owes(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *params, *without, *want;
    } rows[] = {
        {"limited.default demo.low", "134515008", "-",
         "The weights of demo/smollm2-135m-instruct are held by line demo.low "
         "v2, rule size: The model has at most 1e8 parameters, as "
         "counted by the house. Seen: size: 134515008 parameters, attested by "
         "the house. Until 2027-05-22. Read on or object: " URL},
        {"limited.default", "22713216", "lineage.held_ancestor",
         "The weights of demo/smollm2-135m-instruct are held by line "
         "limited.default v1, rule ancestor: The model does not descend "
         "from a model whose weights are held. Seen: descent from a model "
         "that is held: missing. Missing evidence: lineage.held_ancestor. "
         "Until 2027-05-22. Read on or object: " URL},
        {"", "22713216", "-",
         "The weights of demo/smollm2-135m-instruct are held: no line in "
         "force opens them. Until 2027-05-22. Read on or object: " URL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        struct wh_buf b;
        wh_arena_init(&a, 64U << 20);
        wh_buf_init(&b, 4096);
        struct line_decision d =
            decide(&a, rows[i].lines, rows[i].params, rows[i].without);
        struct line_refusal r = {.name = WH_S("demo/smollm2-135m-instruct"),
                                 .part = RULE_PART_WEIGHTS,
                                 .decision = d.doc,
                                 .url = WH_S(URL)};
        line_refusal_short(&r, &b);
        unit_str(wh_buf_str(&b), rows[i].want);
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
}

/* No rule refuses what can not be weighed: a limit does, and says which. */
static void what_can_not_be_weighed_says_why(void **state)
{
    (void)state;
    struct wh_buf b;
    struct line_refusal r = {.name = WH_S("a/b"),
                             .part = RULE_PART_DATA,
                             .why = WH_S("it has 7 files, and 5 are the most"),
                             .url = WH_S("http://h/a/b/decision")};
    wh_buf_init(&b, 4096);
    line_refusal_short(&r, &b);
    unit_str(wh_buf_str(&b),
             "The data of a/b are held, because this revision can not be "
             "weighed: it has 7 files, and 5 are the most. Read on or object: "
             "http://h/a/b/decision");
    wh_buf_done(&b);
    json_t *o = line_refusal_json(&r);
    assert_string_equal(json_string_value(json_object_get(o, "headline")),
                        "The data are held.");
    assert_string_equal(json_string_value(json_object_get(o, "tone")), "held");
    assert_string_equal(json_string_value(json_object_get(o, "why")),
                        "it has 7 files, and 5 are the most");
    json_decref(o);
}

static void before_a_decision_it_says_so(void **state)
{
    (void)state;
    struct wh_buf b;
    struct line_refusal r = {.name = WH_S("a/b"),
                             .part = RULE_PART_WEIGHTS,
                             .url = WH_S("http://h/a/b/decision")};
    wh_buf_init(&b, 4096);
    line_refusal_short(&r, &b);
    unit_str(wh_buf_str(&b),
             "The weights of a/b are held until they are weighed and decided; "
             "nothing opens before that. Try again in a moment. Read on or "
             "object: http://h/a/b/decision");
    wh_buf_done(&b);
    json_t *o = line_refusal_json(&r);
    assert_string_equal(json_string_value(json_object_get(o, "headline")),
                        "The weights are being weighed.");
    assert_int_equal(json_array_size(json_object_get(o, "reasons")), 0);
    assert_true(json_is_null(json_object_get(o, "missing")));
    assert_true(json_is_null(json_object_get(o, "until")));
    json_decref(o);
}

/* What approvers have hosted is not called held. */
static void hosted_by_people_says_so(void **state)
{
    static const char doc[] =
        "{\"act\":\"host\",\"by\":\"approvers\",\"tiers\":{\"weights\":"
        "\"hosted\"},\"until\":\"2027-05-22T00:00:00Z\",\"reasons\":[{\"line\":"
        "\"demo.low\",\"version\":2,\"rule\":\"size\",\"answer\":\"no\","
        "\"sentence\":\"It is small.\",\"seen\":\"5\"}]}";
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf b;
    struct line_refusal r = {.name = WH_S("a/b"),
                             .part = RULE_PART_WEIGHTS,
                             .url = WH_S("http://h/a/b/decision")};
    (void)state;
    wh_arena_init(&a, 1 << 20);
    assert_true(wh_json_parse(&a, wh_str_of(doc), &r.decision, &err));
    wh_buf_init(&b, 4096);
    line_refusal_short(&r, &b);
    unit_str(wh_buf_str(&b),
             "The weights of a/b are hosted by decision of approvers: asked "
             "here, downloaded by nobody. Otherwise held by line demo.low v2, "
             "rule size: It is small. Seen: 5. Until 2027-05-22. Read on or "
             "object: http://h/a/b/decision");
    wh_buf_done(&b);
    json_t *o = line_refusal_json(&r);
    assert_string_equal(json_string_value(json_object_get(o, "headline")),
                        "The weights are hosted by decision of approvers: "
                        "asked here, downloaded by nobody.");
    assert_string_equal(json_string_value(json_object_get(o, "tone")),
                        "hosted");
    json_decref(o);
    wh_arena_done(&a);
}

/* Whatever stands in the decision and the name: at most 400 printable ASCII
 * bytes, with the address at the end. */
static void always_fits_a_header(void **state)
{
    (void)state;
    static const char *const names[] = {"a/b", "\xC3\xA4/\xE2\x88\x9A",
                                        "x\r\nX-Evil: 1",
                                        MANY MANY MANY "/" MANY MANY MANY};
    static const char *const urls[] = {
        URL, "http://127.0.0.1:8080/" MANY MANY "/decision", ""};
    static const char *const sentences[] = {
        "Short.", MANY " " MANY " " MANY " " MANY " " MANY " " MANY " " MANY,
        "Gr\303\266\303\237e\177"};
    for (size_t i = 0; i < 36; i++) {
        struct wh_arena a;
        struct wh_buf b;
        wh_arena_init(&a, 64U << 20);
        wh_buf_init(&b, 4096);
        struct line_decision d =
            decide(&a, "limited.default demo.low hold.unknown", "134515008",
                   i % 2 ? "files.verifiable" : "-");
        json_t *reason = json_array_get(json_object_get(d.doc, "reasons"), 0);
        json_object_set_new(reason, "sentence", json_string(sentences[i / 12]));
        struct line_refusal r = {.name = wh_str_of(names[i % 4]),
                                 .part = (enum rule_part)(i % RULE_PART_COUNT),
                                 .decision = d.doc,
                                 .url = wh_str_of(urls[i / 4 % 3])};
        line_refusal_short(&r, &b);
        struct wh_str s = wh_buf_str(&b);
        assert_true(s.n <= LINE_REFUSAL_MAX);
        assert_true(wh_str_ends(s, r.url));
        for (size_t k = 0; k < s.n; k++) {
            assert_true(s.p[k] >= 0x20 && s.p[k] < 0x7F);
        }
        assert_true(wh_str_find_str(s, WH_S("Until 2027-05-22.")) != SIZE_MAX);
        assert_int_equal(
            wh_str_find_str(s, WH_S("Missing evidence: files.v")) != SIZE_MAX,
            i % 2);
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
}

static void the_long_form_has_every_reason(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 64U << 20);
    struct line_decision d =
        decide(&a, "limited.default hold.unknown", "7e10", "incident.open");
    struct line_refusal r = {.name = WH_S("a/b"),
                             .part = RULE_PART_WEIGHTS,
                             .decision = d.doc,
                             .url = WH_S(URL)};
    json_t *o = wh_json_own(&a, line_refusal_json(&r));
    assert_string_equal(json_string_value(json_object_get(o, "headline")),
                        "The weights are held.");
    assert_string_equal(json_string_value(json_object_get(o, "tone")), "held");
    /* compute, incidents; the last of hold.unknown again */
    assert_int_equal(json_array_size(json_object_get(o, "reasons")), 3);
    json_t *items = json_object_get(json_object_get(o, "missing"), "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(json_string_value(json_object_get(o, "until")),
                        "2027-05-22T18:00:00Z");
    assert_string_equal(json_string_value(json_object_get(o, "link")), URL);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_all_that_a_refusal_owes),
        cmocka_unit_test(what_can_not_be_weighed_says_why),
        cmocka_unit_test(before_a_decision_it_says_so),
        cmocka_unit_test(hosted_by_people_says_so),
        cmocka_unit_test(always_fits_a_header),
        cmocka_unit_test(the_long_form_has_every_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
