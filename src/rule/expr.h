/*
 * expr.h - the machine form of a rule: comparisons joined by and/or/not/k-of.
 * Owner: everything lives in the arena of the line document.
 * Never: names anything that claims.tbl does not list.
 */
#ifndef WH_RULE_EXPR_H
#define WH_RULE_EXPR_H

#include "base/json.h"
#include "rule/decimal.h"
#include "rule/words.h"

#define RULE_EXPR_DEPTH_MAX 8
#define RULE_EXPR_NODES_MAX 64
#define RULE_MARGIN_DIGITS_MAX 12 /* eval.jq multiplies by it at once */

enum rule_op {
    RULE_OP_ALL,      /* every one of kids */
    RULE_OP_ANY,      /* one of kids */
    RULE_OP_K_OF,     /* at least k of kids */
    RULE_OP_NOT,      /* kids[0] is "no" */
    RULE_OP_BELOW,    /* < threshold, with the margin to spare */
    RULE_OP_AT_MOST,  /* <= threshold, with the margin to spare */
    RULE_OP_ABOVE,    /* > threshold */
    RULE_OP_AT_LEAST, /* >= threshold */
    RULE_OP_ONE_OF,   /* a value of `yes` or `no` */
    RULE_OP_KNOWN     /* there is usable evidence, whatever it says */
};

/* One node. A comparison (BELOW and later) has a claim, a node before it has
 * kids. */
struct rule_expr {
    enum rule_op op;
    const struct rule_expr *kids;
    size_t n_kids, k;

    const struct rule_claim *claim;
    enum rule_by by; /* least independence of the evidence */
    struct wh_str threshold_text, margin_text; /* empty: no margin */
    struct rule_dec threshold, margin;
    const struct wh_str *yes, *no;
    size_t n_yes, n_no;
    struct wh_str
        need; /* "below 1e25 FLOP, with a factor of 3.1623 to spare" */
};

/* True for a node that compares evidence. */
bool rule_expr_compares(const struct rule_expr *e);
/* "all", "below", ...: the key or the operator in the document. */
const char *rule_op_word(enum rule_op op);

/* Read the machine form of one rule whose evidence must be attested at least
 * by `by`; a comparison may ask for more, not for less. Refuses unknown keys,
 * claims and operators, operators that do not fit the claim's kind, more than
 * RULE_EXPR_NODES_MAX nodes, and more than RULE_EXPR_DEPTH_MAX levels. */
bool rule_expr_parse(struct wh_arena *a, json_t *when, enum rule_by by,
                     const struct rule_expr **out, struct wh_err *err) WH_CHECK;

/* Refuse keys of o that are not among `keys` (null at the end); what names o
 * in the message. */
bool rule_only_keys(json_t *o, const char *const *keys, const char *what,
                    struct wh_err *err) WH_CHECK;

#endif
