/*
 * testing.c - sets and evidence for the tests of line/.
 */
#include "line/testing.h"

#include "rule/combine.h"

static void add_all(struct wh_arena *a, struct wh_str names, bool shadow,
                    struct line_set *out)
{
    while (names.n > 0) {
        struct wh_err err = {0};
        struct wh_str name;
        (void)wh_str_cut(&names, ' ', &name);
        if (!line_set_add(out, a, name, WH_S(""), shadow, &err)) {
            wh_panic(__FILE__, __LINE__, err.msg);
        }
    }
}

void line_testing_set(struct wh_arena *a, const char *enforced,
                      const char *shadow, struct line_set *out)
{
    *out = (struct line_set){.n_enforced = 0};
    add_all(a, wh_str_of(enforced), false, out);
    add_all(a, wh_str_of(shadow), true, out);
}

json_t *line_testing_evidence(struct wh_arena *a, const char *params)
{
    static const char *const values[] = {"speciality.biological_sequences",
                                         "speciality.exploit_code",
                                         "lineage.held_ancestor"};
    const struct wh_str never = {"", 0};
    const struct wh_str method = WH_S("test");
    json_t *map = wh_json_own(a, json_object());
    struct rule_dec n, tokens, hi;
    struct rule_dec zero = {0};

    wh_assert(rule_dec_parse(wh_str_of(params), &n));
    wh_assert(rule_dec_parse(WH_S(RULE_TOKENS_MAX), &tokens));
    wh_assert(rule_compute(&n, &tokens, &hi));
    json_object_set_new(
        map, "size.params_total",
        rule_item_interval(&n, &n, RULE_BY_HOUSE, method, never));
    json_object_set_new(
        map, "compute.training",
        rule_item_interval(&zero, &hi, RULE_BY_HOUSE, method, never));
    json_object_set_new(
        map, "findings.danger",
        rule_item_interval(&zero, &zero, RULE_BY_HOUSE, method, never));
    json_object_set_new(
        map, "incident.open",
        rule_item_interval(&zero, &zero, RULE_BY_HOUSE, method, never));
    json_object_set_new(
        map, "files.verifiable",
        rule_item_value(WH_S("yes"), RULE_BY_HOUSE, method, never));
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        json_object_set_new(
            map, values[i],
            rule_item_value(WH_S("none-found"), RULE_BY_HOUSE, method, never));
    }
    return map;
}

void line_testing_decide(struct wh_arena *a, const struct line_set *set,
                         json_t *evidence, struct line_decision *out)
{
    struct line_question q = {.subject = WH_S(LINE_TESTING_SUBJECT),
                              .evidence = evidence,
                              .now = LINE_TESTING_NOW};
    struct wh_err err = {0};
    if (!line_decide(a, set, &q, out, &err)) {
        wh_panic(__FILE__, __LINE__, err.msg);
    }
}
