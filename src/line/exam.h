/*
 * exam.h - what exams measured, as published evidence; and whether what a line
 * demands before a hosted model is served is met.
 * Owner: texts and results live in the arena given.
 * Never: counts an exam whose leaf is not in the published register; lets what
 * is not known pass for met.
 *
 * A line may have a table "hosting" (docs/formats/line.md). Its rules are asked
 * of the claims of the newest exam of the subject and of the evidence that the
 * decision rests on, at the time of the question: what has expired counts for
 * nothing.
 */
#ifndef WH_LINE_EXAM_H
#define WH_LINE_EXAM_H

#include "line/rows.h"

/* Days for which an exam is evidence. */
#define LINE_EXAM_DAYS 180

struct line_exam {
    struct wh_str subject, digest, doc; /* doc: docs/formats/exam.md */
    int64_t repo, made, index;          /* made: microseconds */
};

/* Keep an exam and submit its leaf, inside a db_write function. repo: 0 for a
 * subject in the open, else the private repo that it is for; set: digest of the
 * set of prompts. digest and outbox are set, for register_wait. */
bool line_exam_keep(struct db *db, struct wh_arena *a, struct wh_str subject,
                    int64_t repo, const json_t *doc, struct wh_str set,
                    int64_t now_us, char digest[WH_SHA256_HEX + 1],
                    int64_t *outbox, struct wh_err *err) WH_CHECK;
/* The newest published exam of a subject, as seen from a private repo (0: from
 * none). */
bool line_exam_find(struct db *db, struct wh_arena *a, struct wh_str subject,
                    int64_t repo, bool *found, struct line_exam *out,
                    struct wh_err *err) WH_CHECK;
/* By the digest of its document; WH_NOT_FOUND. The caller checks out->repo. */
bool line_exam_by_digest(struct db *db, struct wh_arena *a,
                         struct wh_str digest, struct line_exam *out,
                         struct wh_err *err) WH_CHECK;

struct line_demand {
    bool asked; /* a line of the house demands something */
    bool met;   /* all of it; true where nothing is asked */
    bool examined;
    struct line_exam exam; /* if examined */
    /* Where it is not met: the first line, and what its table answers. */
    const struct rule_result *unmet;
    json_t *lines; /* [{line, version, met, rules}] of all that demand */
};

/* What the enforced lines demand before these weights are served, and whether
 * it is met now. row: the decision that hosts them. */
bool line_demand_ask(struct db *db, struct wh_arena *a,
                     const struct line_set *set, const struct line_row *row,
                     int64_t repo, int64_t now_s, struct line_demand *out,
                     struct wh_err *err) WH_CHECK;
/* What is missing, in one sentence for people: "line demo.low v2, rule ...:
 * ..."; empty where it is met. */
struct wh_str line_demand_words(struct wh_arena *a,
                                const struct line_demand *d);

#endif
