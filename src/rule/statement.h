/*
 * statement.h - the one text that approvers sign (docs/formats/approvals.md).
 * Owner: a statement that was read is views into its text.
 * Never: has two forms; is good for two acts.
 */
#ifndef WH_RULE_STATEMENT_H
#define WH_RULE_STATEMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "rule/act.h"
#include "rule/line.h"

#define RULE_STATEMENT_MAX ((size_t)16384)
#define RULE_STATEMENT_LINES_MAX 32
#define RULE_STATEMENT_RULES_MAX 8
#define RULE_STATEMENT_REASONS_MAX 8
#define RULE_REASON_MAX 500 /* bytes of one reason */
#define RULE_CONFIRM_MAX 80
#define RULE_NS_DECISION "decision@weighhouse"
#define RULE_NS_DISSENT "dissent@weighhouse"
/* "2026-11-23T18:00:00Z" and a NUL. */
#define RULE_TIME_TEXT 21

struct rule_statement {
    enum rule_act act;
    struct wh_str origin;
    uint64_t tree_size;
    struct wh_str tree_root; /* base64 */
    int64_t roster;          /* version; 0: before the founding one */
    struct wh_str roster_digest, subject, evidence; /* 64 hex digits or "" */
    struct rule_tiers tiers;                        /* if the act sets tiers */
    struct wh_str lines[RULE_STATEMENT_LINES_MAX];  /* 64 hex digits, sorted */
    struct wh_str rules[RULE_STATEMENT_RULES_MAX];  /* "line/rule" */
    struct wh_str reasons[RULE_STATEMENT_REASONS_MAX];
    size_t n_lines, n_rules, n_reasons;
    int64_t replaces; /* index in the register, or -1 */
    int64_t made, not_before, not_after, until; /* unix seconds; until 0: no */
    struct wh_str nonce;                        /* 32 hex digits */
};

/* Append the text. What a statement may say is checked by the reader. */
void rule_statement_write(const struct rule_statement *s, struct wh_buf *out);
/* Read a text of exactly the form above, keeping the floor: times, ends, the
 * confirmation. WH_BAD_REQUEST names the line that is wrong. */
bool rule_statement_read(struct wh_str text, struct rule_statement *out,
                         struct wh_err *err) WH_CHECK;
/* What the approvers of an act that can not be taken back type themselves:
 * "this cannot be taken back: open 1111111111111111". Empty for other acts. */
void rule_statement_confirm(enum rule_act act, struct wh_str subject,
                            char out[RULE_CONFIRM_MAX]);

/* Unix seconds as text, and back (false for another form). */
void rule_time_write(int64_t s, char out[RULE_TIME_TEXT]);
bool rule_time_read(struct wh_str text, int64_t *out) WH_CHECK;

#endif
