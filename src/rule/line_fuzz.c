/*
 * Fuzz target: any text is refused or is a line that can be checked, applied
 * and exported, and that opens no weights without evidence.
 */
#include "rule/check.h"
#include "rule/export_jq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_err err = {0};
    const struct rule_line *line;

    wh_arena_init(&a, 64U << 20);
    if (rule_line_load(&a, wh_str_mem(data, size), &line, &err)) {
        struct rule_problems problems;
        struct wh_buf b;
        wh_buf_init(&b, 4U << 20);
        wh_assert(rule_line_check(&a, line, &problems) == (problems.n == 0));
        rule_export_jq(line, &b);
        wh_assert(!b.over);
        wh_buf_done(&b);

        const struct rule_result *r = rule_eval(&a, line, NULL);
        wh_assert(r->answer != RULE_BELOW);
        wh_assert(r->tiers.part[RULE_PART_WEIGHTS] == RULE_TIER_HELD ||
                  r->tiers.part[RULE_PART_WEIGHTS] == RULE_TIER_PASS);
    } else {
        wh_assert(err.code != WH_NONE && err.msg[0] != '\0');
    }
    wh_arena_done(&a);
    return 0;
}
