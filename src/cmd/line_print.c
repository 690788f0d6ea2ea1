/*
 * line_print.c - lines, their answers and their back-tests as people read them.
 */
#include "cmd/line_print.h"

#include "base/buf.h"

#include <stdio.h>

#define WRAP 78
#define NAME_COLUMN 38

/* Text wrapped at blanks, each line after the margin. */
static void print_wrapped(const char *margin, struct wh_str s)
{
    size_t room = WRAP - strlen(margin);
    while (s.n > 0) {
        size_t n = s.n;
        if (n > room) {
            n = room;
            while (n > 0 && s.p[n] != ' ') {
                n--;
            }
            n = n == 0 ? room : n;
        }
        printf("%s%.*s\n", margin, (int)n, s.p);
        s = wh_str_trim(wh_str_sub(s, n, s.n));
    }
}

static void print_tiers(const struct rule_tiers *t)
{
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        printf("%s%s %s", p == 0 ? "" : ", ", rule_part_word((enum rule_part)p),
               rule_tier_word(t->part[p]));
    }
    printf("\n");
}

/* "below" of the table "hosting": its demand is met. */
static const char *hosting_word(enum rule_answer a)
{
    return a == RULE_BELOW ? "yes" : a == RULE_ABOVE ? "no" : "unknown";
}

static void print_rules(const struct rule_line *line, bool hosting)
{
    const json_t *rules = json_object_get(line->doc, "rules");
    for (size_t i = 0; i < line->n_rules; i++) {
        const struct rule_rule *rule = &line->rules[i];
        struct wh_buf when;
        wh_buf_init(&when, RULE_LINE_TEXT_MAX);
        wh_json_write(&when, json_object_get(json_array_get(rules, i), "when"),
                      false);
        printf("\n%zu. (%.*s)\n", i + 1, WH_FMT(rule->id));
        print_wrapped("   ", rule->sentence);
        printf("   Reason:\n");
        print_wrapped("     ", rule->reason);
        printf("   Attested at least by %s.%s%s\n", rule_by_words(rule->by),
               hosting ? "" : " If not: ",
               hosting ? "" : rule_answer_word(rule->if_no));
        printf("   Machine form: %.*s\n", WH_FMT(wh_buf_str(&when)));
        wh_buf_done(&when);
    }
}

static void print_ruling(const struct rule_ruling *g)
{
    printf("\n%-8s", rule_three_word(g->answer));
    printf("%.*s\n", WH_FMT(g->rule->sentence));
    for (size_t i = 0; i < g->n_checks; i++) {
        const struct rule_check *c = &g->checks[i];
        printf("        %s, needed: %.*s\n          seen: %.*s\n",
               c->expr->claim->words, WH_FMT(c->expr->need), WH_FMT(c->seen));
    }
}

static void print_count(const char *what, const struct rule_backtest_count *n)
{
    printf("  %-34s %10u %10u %10u %10u\n", what, n->true_below, n->true_above,
           n->unsure, n->wrong);
}

/* The table "hosting", as it stands in the law. */
static void print_hosting(const struct rule_line *h)
{
    printf("\nWhere weights are hosted, they are served when all of this is "
           "known:\n");
    print_rules(h, true);
    printf("\nCases:\n");
    for (size_t i = 0; i < h->n_cases; i++) {
        printf("  %-7s %.*s\n", hosting_word(h->cases[i].answer),
               WH_FMT(h->cases[i].sentence));
    }
}

void cmd_print_law(const struct rule_line *line)
{
    printf("%.*s, version %lld\n%.*s\n\n", WH_FMT(line->name),
           (long long)line->version, WH_FMT(line->title));
    print_wrapped("", line->summary);
    print_rules(line, false);
    printf("\n");
    for (int i = 0; i < RULE_ANSWER_COUNT; i++) {
        printf("%-7s ", rule_answer_word((enum rule_answer)i));
        print_tiers(&line->outcome[i]);
    }
    printf("\nCases:\n");
    for (size_t i = 0; i < line->n_cases; i++) {
        printf("  %-7s %.*s\n", rule_answer_word(line->cases[i].answer),
               WH_FMT(line->cases[i].sentence));
    }
    if (line->hosting != NULL) {
        print_hosting(line->hosting);
    }
    printf("\nIn effect since %.*s, checked against its sources on %.*s. A "
           "decision by\nthis line lasts %lld days.\nsha256 %s\n",
           WH_FMT(line->effective), WH_FMT(line->last_checked),
           (long long)line->days, line->digest);
}

void cmd_print_demand(const struct rule_result *result)
{
    printf("\nmay it be served where it is hosted: %s\n",
           hosting_word(result->answer));
    for (size_t i = 0; i < result->line->n_rules; i++) {
        print_ruling(&result->rulings[i]);
    }
}

void cmd_print_result(const struct rule_result *result)
{
    const struct rule_line *line = result->line;
    printf("%.*s, version %lld, says: %s\n", WH_FMT(line->name),
           (long long)line->version, rule_answer_word(result->answer));
    print_tiers(&result->tiers);
    for (size_t i = 0; i < line->n_rules; i++) {
        print_ruling(&result->rulings[i]);
    }
    if (result->n_missing > 0) {
        printf("\nWithout usable evidence:\n");
    }
    for (size_t i = 0; i < result->n_missing; i++) {
        printf("        %s (%s)\n", result->missing[i]->words,
               result->missing[i]->name);
    }
}

void cmd_print_backtest(const struct rule_backtest *b)
{
    printf("%.*s, version %lld\n\n", WH_FMT(b->line->name),
           (long long)b->line->version);
    printf("%-38s %-5s %11s %9s %13s %-7s %-7s %-7s\n", "model", "kind",
           "parameters", "active", "tokens", "truth", "files", "table");
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct rule_backtest_row *row = &b->rows[i];
        const struct rule_model *m = row->model;
        struct wh_str name = wh_str_sub(m->name, 0, NAME_COLUMN);
        printf("%-38.*s %-5.*s %11.*s %9.*s %13.*s %-7s %-7s %-7s\n",
               WH_FMT(name), WH_FMT(m->kind), WH_FMT(m->params_text),
               WH_FMT(m->active_text), WH_FMT(m->tokens_text),
               rule_answer_word(row->truth), rule_answer_word(row->files),
               rule_answer_word(row->table));
    }
    for (size_t i = 0; i < b->n_edges; i++) {
        const struct rule_backtest_edge *e = &b->edges[i];
        printf("%s%-34.34s %-39.*s %-7s %-7s\n",
               i == 0 ? "\nedges: claim, value, truth, answer\n" : "",
               e->expr->claim->name, WH_FMT(e->value),
               rule_answer_word(e->truth), rule_answer_word(e->answer));
    }
    printf("\n  %-34s %10s %10s %10s %10s\n", "", "true below", "true above",
           "unsure", "false");
    print_count("from the files alone", &b->files);
    print_count("with what is published", &b->table);
    print_count("at the edges", &b->edge);
    printf("\n");
}
