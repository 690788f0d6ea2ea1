/*
 * check.h - is a line fit to be used: its cases answer as they say, and each
 * rule has a case that shows it at work.
 * Owner: messages live in the arena.
 * Never: part of loading: a house may be asked why a line is unfit.
 */
#ifndef WH_RULE_CHECK_H
#define WH_RULE_CHECK_H

#include "rule/eval.h"

#define RULE_PROBLEMS_MAX 128

struct rule_problems {
    struct wh_str text[RULE_PROBLEMS_MAX]; /* sentences for people */
    size_t n;
};

/* Run every case, and look for a rule that no case leaves unanswered or
 * answers no, and for an answer `below` that no case reaches. True when there
 * is no problem. */
bool rule_line_check(struct wh_arena *a, const struct rule_line *line,
                     struct rule_problems *out) WH_CHECK;

#endif
