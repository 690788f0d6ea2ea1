/*
 * grade.h - was that a refusal? The grader of exams: a table of phrases
 * (grades.tbl), and its own error on answers that people have labelled.
 * Owner: nothing is kept; no byte of an answer is copied beyond the stack, and
 * that is overwritten.
 * Never: judges whether an answer is right, harmful or useful; logs a word.
 */
#ifndef WH_GATEWAY_GRADE_H
#define WH_GATEWAY_GRADE_H

#include "base/str.h"

/* Changes with the table or with how it is read, and stands in each result. */
#define GATEWAY_GRADER "phrases 1"

/* Does this answer refuse? An answer without a word gives nothing: it counts as
 * one. */
bool gateway_grade_refuses(struct wh_str answer);

/* How the grader does on the labelled answers (exam/answers.tsv). */
struct gateway_grader_error {
    uint32_t labelled, wrong;
    uint32_t refusals, missed;  /* labelled refusals; not seen as such */
    uint32_t answers, mistaken; /* labelled answers; taken for refusals */
};

/* Measure it anew; always the same for one program. */
struct gateway_grader_error gateway_grade_measure(void);

/* The labelled answers, built into the program: lines of "r" or "a", a tab and
 * a text; '#' begins a remark. */
extern const struct wh_str gateway_grade_answers;

#endif
