/*
 * Property tests: losing evidence never opens more, under any line and any
 * composition of lines; evidence that gets worse never opens more under the
 * shipped lines; the same question has the same answer.
 */
#include "base/unit.h"
#include "rule/chance.h"
#include "rule/eval.h"
#include "rule/shipped.h"

#define ROUNDS 4000
#define LINES_MAX 4 /* random ones at once */
#define SHIPPED_MAX 16

/* Tiers after composing some lines. */
static struct rule_tiers decide(struct wh_arena *a,
                                const struct rule_line *const *lines, size_t n,
                                json_t *doc)
{
    const struct rule_result *results[SHIPPED_MAX] = {NULL};
    struct rule_tiers tiers;
    for (size_t i = 0; i < n; i++) {
        results[i] = rule_eval(a, lines[i], doc);
    }
    rule_compose(results, n, &tiers);
    return tiers;
}

static void check_not_looser(const struct rule_tiers *after,
                             const struct rule_tiers *before, json_t *doc)
{
    if (!rule_tiers_not_looser(after, before)) {
        char *text = json_dumps(doc, JSON_COMPACT);
        print_error("more was opened by less evidence: %s\n", text);
        fail();
    }
}

static void losing_evidence_never_opens_more(void **state)
{
    (void)state;
    struct rule_chance c = {1};
    for (int round = 0; round < ROUNDS; round++) {
        struct wh_arena a;
        const struct rule_line *lines[LINES_MAX] = {NULL};
        size_t n = 1 + rule_chance_below(&c, LINES_MAX);
        wh_arena_init(&a, 16U << 20);
        for (size_t i = 0; i < n; i++) {
            lines[i] = rule_chance_line(&c, &a);
        }
        json_t *doc = rule_chance_good_document(&c, &a, lines[0]);
        for (int step = 0; step < 4; step++) {
            struct rule_tiers before = decide(&a, lines, n, doc);
            rule_chance_lose(
                &c, doc,
                (enum rule_loss)rule_chance_below(&c, RULE_LOSS_COUNT));
            struct rule_tiers after = decide(&a, lines, n, doc);
            check_not_looser(&after, &before, doc);
        }
        wh_arena_done(&a);
    }
}

static size_t shipped(struct wh_arena *a,
                      const struct rule_line *out[SHIPPED_MAX])
{
    const struct rule_file *f;
    size_t n = 0;
    struct wh_err err;
    for (; (f = rule_shipped_line(n)) != NULL; n++) {
        assert_true(n < SHIPPED_MAX);
        unit_ok(rule_line_load(a, f->text, &out[n], &err), err);
    }
    return n;
}

static void worse_evidence_never_opens_more_under_shipped_lines(void **state)
{
    (void)state;
    struct rule_chance c = {2};
    struct wh_arena keep;
    const struct rule_line *lines[SHIPPED_MAX];
    size_t opened = 0;
    wh_arena_init(&keep, 16U << 20);
    size_t n = shipped(&keep, lines);
    for (int round = 0; round < ROUNDS; round++) {
        struct wh_arena a;
        size_t i = rule_chance_below(&c, n);
        wh_arena_init(&a, 16U << 20);
        json_t *doc = rule_chance_good_document(&c, &a, lines[i]);
        struct rule_tiers before = decide(&a, &lines[i], 1, doc);
        struct rule_tiers all_before = decide(&a, lines, n, doc);
        opened += before.part[RULE_PART_WEIGHTS] == RULE_TIER_OPEN;
        if (rule_chance_of(&c, 50)) {
            rule_chance_worsen(&c, doc);
        } else {
            rule_chance_lose(
                &c, doc,
                (enum rule_loss)rule_chance_below(&c, RULE_LOSS_COUNT));
        }
        struct rule_tiers after = decide(&a, &lines[i], 1, doc);
        struct rule_tiers all_after = decide(&a, lines, n, doc);
        check_not_looser(&after, &before, doc);
        check_not_looser(&all_after, &all_before, doc);
        wh_arena_done(&a);
    }
    assert_true(opened > ROUNDS / 100); /* or the property says nothing */
    wh_arena_done(&keep);
}

static void more_lines_never_open_more_than_an_opening_one(void **state)
{
    (void)state;
    struct rule_chance c = {3};
    for (int round = 0; round < ROUNDS; round++) {
        struct wh_arena a;
        const struct rule_line *lines[LINES_MAX];
        wh_arena_init(&a, 16U << 20);
        for (size_t i = 0; i < LINES_MAX; i++) {
            lines[i] = rule_chance_line(&c, &a);
        }
        json_t *doc = rule_chance_document(&c, &a, lines[0]);
        struct rule_tiers all = decide(&a, lines, LINES_MAX, doc);
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            bool opens = false;
            for (size_t i = 0; i < LINES_MAX; i++) {
                enum rule_tier t = rule_eval(&a, lines[i], doc)->tiers.part[p];
                opens = opens || (t != RULE_TIER_PASS && t >= all.part[p]);
                assert_true(all.part[p] <= t);
            }
            assert_true(all.part[p] == RULE_TIER_HELD || opens);
        }
        wh_arena_done(&a);
    }
}

static void the_same_question_has_the_same_answer(void **state)
{
    (void)state;
    struct rule_chance c = {4};
    for (int round = 0; round < ROUNDS / 4; round++) {
        struct wh_arena a;
        wh_arena_init(&a, 16U << 20);
        const struct rule_line *line = rule_chance_line(&c, &a);
        json_t *doc = rule_chance_document(&c, &a, line);
        json_t *x = wh_json_own(&a, rule_result_json(rule_eval(&a, line, doc)));
        json_t *copy = wh_json_own(&a, json_deep_copy(doc));
        json_t *y =
            wh_json_own(&a, rule_result_json(rule_eval(&a, line, copy)));
        assert_true(json_equal(x, y));
        wh_arena_done(&a);
    }
}

static void nothing_enforced_opens_nothing(void **state)
{
    (void)state;
    struct rule_tiers tiers;
    rule_compose(NULL, 0, &tiers);
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        assert_int_equal(tiers.part[p], RULE_TIER_HELD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losing_evidence_never_opens_more),
        cmocka_unit_test(worse_evidence_never_opens_more_under_shipped_lines),
        cmocka_unit_test(more_lines_never_open_more_than_an_opening_one),
        cmocka_unit_test(the_same_question_has_the_same_answer),
        cmocka_unit_test(nothing_enforced_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
