/*
 * backtest.h - what a line would have said about models that everybody knows.
 * Owner: the result lives in the arena given.
 * Never: asks the network; uses more than the table and the line.
 */
#ifndef WH_RULE_BACKTEST_H
#define WH_RULE_BACKTEST_H

#include "rule/eval.h"
#include "rule/models.h"

/* One model. `files`: the answer on what the house can tell from the files
 * alone (N exact, compute up to 6 * N * 5e13); `table`: the same narrowed by
 * what is published. `truth`: the line without its margins on the published
 * figures, or on the upper bound where tokens are not published. */
struct rule_backtest_row {
    const struct rule_model *model;
    bool has_compute;
    struct rule_dec compute; /* 6 * active * tokens */
    enum rule_answer truth, files, table;
};

/* One value at the edge of a threshold, everything else as in case_ground. */
struct rule_backtest_edge {
    const struct rule_expr *expr;
    struct wh_str value;
    enum rule_answer truth, answer;
};

/* How answers stand to the truth. */
struct rule_backtest_count {
    unsigned true_below, true_above, unsure, wrong;
};

struct rule_backtest {
    const struct rule_line *line;
    struct rule_backtest_row *rows;
    struct rule_backtest_edge *edges;
    size_t n_rows, n_edges;
    struct rule_backtest_count files, table, edge;
};

/* Run a line over the table and over the edges of its thresholds. */
bool rule_backtest_run(struct wh_arena *a, const struct rule_line *line,
                       const struct rule_model *models, size_t n,
                       struct rule_backtest *out, struct wh_err *err) WH_CHECK;
/* The whole as JSON; new reference. */
json_t *rule_backtest_json(const struct rule_backtest *b);

#endif
