/*
 * Fuzz target: any JSON is an evidence document for the shipped lines; the
 * answer has a canonical form, every open part is opened by all, and without
 * the claims that a line asks for nothing is open.
 */
#include "rule/eval.h"
#include "rule/shipped.h"

#define LINES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The shipped lines, loaded once for the life of the process. */
static const struct rule_line *lines[LINES_MAX];
static size_t n_lines;

static void load_lines(void)
{
    static struct wh_arena a;
    const struct rule_file *f;
    struct wh_err err;
    wh_arena_init(&a, 64U << 20);
    while ((f = rule_shipped_line(n_lines)) != NULL) {
        wh_assert(n_lines < LINES_MAX);
        wh_assert(rule_line_load(&a, f->text, &lines[n_lines], &err));
        n_lines++;
    }
}

static void check_result(struct wh_arena *a, const struct rule_result *r)
{
    struct wh_err err;
    struct wh_buf b;
    wh_buf_init(&b, 1U << 20);
    wh_assert(wh_json_canonical(&b, wh_json_own(a, rule_result_json(r)), &err));
    wh_buf_done(&b);
    for (size_t i = 0; i < r->line->n_rules; i++) {
        const struct rule_ruling *g = &r->rulings[i];
        wh_assert(r->answer != RULE_BELOW || g->answer == RULE_YES);
        for (size_t k = 0; k < g->n_checks; k++) {
            wh_assert(g->checks[k].answer == RULE_UNKNOWN ||
                      g->checks[k].state == RULE_STATE_USED);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_err err;
    json_t *doc;
    const struct rule_result *results[LINES_MAX];
    struct rule_tiers tiers;

    if (n_lines == 0) {
        load_lines();
    }
    wh_arena_init(&a, 64U << 20);
    if (wh_json_parse(&a, wh_str_mem(data, size), &doc, &err)) {
        for (size_t i = 0; i < n_lines; i++) {
            results[i] = rule_eval(&a, lines[i], doc);
            check_result(&a, results[i]);
        }
        rule_compose(results, n_lines, &tiers);
        for (size_t i = 0; i < n_lines; i++) {
            wh_assert(tiers.part[RULE_PART_WEIGHTS] <=
                      results[i]->tiers.part[RULE_PART_WEIGHTS]);
        }
    }
    wh_arena_done(&a);
    return 0;
}
