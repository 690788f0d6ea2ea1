/*
 * Fuzz target: any JSON object is evidence to be decided on; the decision has
 * an end if it closes anything, its refusal fits a header, and asked again it
 * has the same bytes.
 */
#include "line/refusal.h"
#include "line/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refuse(struct line_decision *d)
{
    struct line_refusal r = {.name = WH_S("demo/model"),
                             .part = RULE_PART_WEIGHTS,
                             .decision = d->doc,
                             .url = WH_S("http://127.0.0.1:8080/decision")};
    struct wh_buf b;
    wh_buf_init(&b, 4096);
    line_refusal_short(&r, &b);
    wh_assert(b.n <= LINE_REFUSAL_MAX && wh_str_ends(wh_buf_str(&b), r.url));
    wh_buf_done(&b);
    json_decref(line_refusal_json(&r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wh_arena keep;
    static struct line_set set;
    struct wh_arena a;
    struct wh_err err;
    json_t *map;

    if (set.n_enforced == 0) {
        wh_arena_init(&keep, 64U << 20);
        line_testing_set(&keep, "limited.default hold.unknown demo.low",
                         "small.fast-track", &set);
    }
    wh_arena_init(&a, 64U << 20);
    if (wh_json_parse(&a, wh_str_mem(data, size), &map, &err)) {
        struct line_question q = {.subject = WH_S(LINE_TESTING_SUBJECT),
                                  .evidence = map,
                                  .now = LINE_TESTING_NOW};
        struct line_decision d, again;
        if (line_decide(&a, &set, &q, &d, &err)) {
            wh_assert(line_decide(&a, &set, &q, &again, &err));
            wh_assert(wh_str_eq(d.text, again.text));
            bool open = d.tiers.part[RULE_PART_WEIGHTS] == RULE_TIER_OPEN;
            wh_assert(open || (d.until > d.decided && d.n_rules > 0));
            refuse(&d);
        }
    }
    wh_arena_done(&a);
    return 0;
}
