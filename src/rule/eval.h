/*
 * eval.h - what a line says about an evidence document, in three values.
 * Owner: results live in the arena given; they point into line and document.
 * Never: guesses, rounds, or lets an absent fact open anything.
 */
#ifndef WH_RULE_EVAL_H
#define WH_RULE_EVAL_H

#include "rule/evidence.h"
#include "rule/line.h"

/* One comparison: what was asked (expr->need), what was seen, the answer. */
struct rule_check {
    const struct rule_expr *expr;
    enum rule_three answer;
    enum rule_state state;
    struct wh_str seen; /* "0 to 6.8e21 FLOP, attested by the house" */
};

/* One rule applied. */
struct rule_ruling {
    const struct rule_rule *rule;
    enum rule_three answer;
    struct rule_check *checks; /* in the order of the document */
    size_t n_checks;
};

struct rule_result {
    const struct rule_line *line;
    struct rule_evidence evidence;
    enum rule_answer answer;
    struct rule_tiers tiers; /* line->outcome[answer] */
    struct rule_ruling rulings[RULE_LINE_RULES_MAX];
    /* Claims without usable evidence in rules that are not answered, each
     * once, in the order of the document. */
    const struct rule_claim **missing;
    size_t n_missing;
};

/* Apply a line. Total: any JSON value is a document, a malformed one leaves
 * every rule unknown. Same line and document, same result, on any machine. */
const struct rule_result *rule_eval(struct wh_arena *a,
                                    const struct rule_line *line, json_t *doc);

/* The result as JSON (docs/formats/line.md, "The answer"); new reference. Its
 * canonical form is byte for byte what the exported jq program prints under
 * jq -cS. */
json_t *rule_result_json(const struct rule_result *r);

/* Compose lines that are all enforced: per part the strictest wins, and a part
 * that no line opens is held. n may be 0: then everything is held. */
void rule_compose(const struct rule_result *const *results, size_t n,
                  struct rule_tiers *out);

#endif
