/*
 * line_print.h - lines, their answers and their back-tests as people read them.
 * Owner: nothing is owned; prints to standard output.
 * Never: decides anything.
 */
#ifndef WH_CMD_LINE_PRINT_H
#define WH_CMD_LINE_PRINT_H

#include "rule/backtest.h"

/* A whole line: title, summary, rules with reasons, outcomes, cases. */
void cmd_print_law(const struct rule_line *line);
/* What the table "hosting" of a line answers. */
void cmd_print_demand(const struct rule_result *result);
/* What a line says about a document, rule by rule, and what is missing. */
void cmd_print_result(const struct rule_result *result);
/* The table of models, the edges, and how answers stand to the truth. */
void cmd_print_backtest(const struct rule_backtest *b);

#endif
