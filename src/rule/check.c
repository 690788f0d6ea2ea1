/*
 * check.c - the cases of a line are its tests.
 */
#include "rule/check.h"

static void add(struct rule_problems *p, struct wh_str text)
{
    if (p->n < RULE_PROBLEMS_MAX) {
        p->text[p->n++] = text;
    }
}

/* Run one case; marks the rules that it does not answer with yes. */
static void run_case(struct wh_arena *a, const struct rule_line *line, size_t i,
                     bool *shown, struct rule_problems *out)
{
    const struct rule_case *c = &line->cases[i];
    const struct rule_result *r = rule_eval(a, line, c->evidence);

    if (r->answer != c->answer) {
        add(out,
            wh_arena_fmt(a, "case %zu says %s, the line answers %s: %.*s",
                         i + 1, rule_answer_word(c->answer),
                         rule_answer_word(r->answer), WH_FMT(c->sentence)));
    }
    for (size_t k = 0; k < line->n_rules; k++) {
        shown[k] = shown[k] || r->rulings[k].answer != RULE_YES;
    }
}

static void check_one(struct wh_arena *a, const struct rule_line *line,
                      struct rule_problems *out)
{
    bool shown[RULE_LINE_RULES_MAX] = {false};
    bool below = false;

    for (size_t i = 0; i < line->n_cases; i++) {
        run_case(a, line, i, shown, out);
        below = below || line->cases[i].answer == RULE_BELOW;
    }
    for (size_t k = 0; k < line->n_rules; k++) {
        if (!shown[k]) {
            add(out, wh_arena_fmt(a, "no case shows what rule \"%.*s\" stops",
                                  WH_FMT(line->rules[k].id)));
        }
    }
    if (!below) {
        add(out, WH_S("no case shows what is below the line"));
    }
}

bool rule_line_check(struct wh_arena *a, const struct rule_line *line,
                     struct rule_problems *out)
{
    out->n = 0;
    check_one(a, line, out);
    if (line->hosting != NULL) {
        size_t before = out->n;
        check_one(a, line->hosting, out);
        for (size_t i = before; i < out->n; i++) {
            out->text[i] =
                wh_arena_fmt(a, "table hosting: %.*s", WH_FMT(out->text[i]));
        }
    }
    return out->n == 0;
}
