/*
 * Fuzz target: any text is refused or is a roster that keeps the floor, and
 * whose affiliations weigh what they should.
 */
#include "rule/floor.h"
#include "rule/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_err err = {0};
    wh_arena_init(&a, (size_t)8 << 20);
    struct rule_roster *r = WH_NEW(&a, struct rule_roster);
    if (!rule_roster_read(&a, wh_str_mem(data, size), r, &err)) {
        wh_assert(err.code != WH_NONE && err.msg[0] != '\0');
        wh_arena_done(&a);
        return 0;
    }
    struct rule_weight all;
    rule_roster_weigh(r, UINT32_MAX, &all);
    wh_assert(all.approvers == r->n_approvers);
    wh_assert(all.affiliations == r->affiliations);
    wh_assert(r->cooling_off >= RULE_COOLING_MIN_S || r->demo);
    for (int i = 0; i < RULE_ACT_COUNT; i++) {
        wh_assert(r->quorum[i] >= RULE_QUORUM_MIN);
    }
    /* one key alone opens nothing, and all of a self-run house do not either */
    for (size_t i = 0; i < r->n_keys; i++) {
        wh_assert(!rule_roster_enough(r, RULE_ACT_OPEN, UINT32_C(1) << i, false,
                                      &err));
    }
    wh_assert(rule_roster_enough(r, RULE_ACT_OPEN, UINT32_MAX, false, &err) !=
              r->self_run);
    wh_arena_done(&a);
    return 0;
}
