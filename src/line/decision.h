/*
 * decision.h - what the enforced lines decide about a subject: pure.
 * Owner: a decision lives in the arena given.
 * Never: looks at a clock, a database or a publisher; closes anything without
 * line, rule, reason, expiry and appeal.
 */
#ifndef WH_LINE_DECISION_H
#define WH_LINE_DECISION_H

#include "line/set.h"

/* Rules named in a decision: what one leaf of the register may list. */
#define LINE_RULES_MAX 32
/* "2026-11-23T18:00:00Z" and a NUL. */
#define LINE_TIME_TEXT 21

struct line_question {
    struct wh_str subject; /* 64 lower hex digits */
    json_t *evidence;      /* map of claims (rule/combine.h) */
    int64_t now;           /* unix seconds */
};

/* The decision, and what it is made of. Everything follows from the question
 * and the set alone: asked again, the same bytes. */
struct line_decision {
    struct wh_str subject;
    enum rule_answer answer; /* of the line that decided */
    struct rule_tiers tiers; /* no part is RULE_TIER_PASS */
    int64_t decided, until;  /* unix seconds; until 0: nothing is closed */
    json_t *doc;             /* docs/formats/decision.md */
    struct wh_str text;      /* its canonical form */
    char digest[WH_SHA256_HEX + 1];
    struct wh_str evidence; /* the evidence document, canonical */
    char evidence_digest[WH_SHA256_HEX + 1];
    struct wh_str rules[LINE_RULES_MAX]; /* "line/rule", most telling first */
    size_t n_rules;
    const struct rule_result *enforced[LINE_SET_MAX], *shadow[LINE_SET_MAX];
    size_t n_enforced, n_shadow;
};

/* Decide. Fails only when the evidence has no canonical form (a real number,
 * more than 1 MiB) or the subject is malformed. */
bool line_decide(struct wh_arena *a, const struct line_set *set,
                 const struct line_question *q, struct line_decision *out,
                 struct wh_err *err) WH_CHECK;

/* Unix seconds as text, and back (false for another form). */
void line_time_text(int64_t s, char out[LINE_TIME_TEXT]);
bool line_time_parse(struct wh_str text, int64_t *out) WH_CHECK;

#endif
