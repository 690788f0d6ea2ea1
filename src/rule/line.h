/*
 * line.h - a line: a versioned, public rule document (docs/formats/line.md).
 * Owner: a loaded line lives in the arena it was loaded into.
 * Never: changed after loading; partly loaded.
 */
#ifndef WH_RULE_LINE_H
#define WH_RULE_LINE_H

#include "base/sha256.h"
#include "rule/expr.h"

#define RULE_LINE_TEXT_MAX ((size_t)256 * 1024)
#define RULE_LINE_RULES_MAX 32
#define RULE_LINE_CASES_MAX 64
#define RULE_LINE_DAYS_MAX 180 /* no decision lasts longer without reasons */

/* One rule. `when` is the condition for being below the line. */
struct rule_rule {
    struct wh_str id, sentence, reason;
    enum rule_by by;
    enum rule_answer if_no; /* ABOVE or UNSURE */
    const struct rule_expr *when;
};

/* What a line says about each part, for one of its answers. */
struct rule_tiers {
    enum rule_tier part[RULE_PART_COUNT];
};

/* A worked example that the line must answer as it says. */
struct rule_case {
    struct wh_str sentence;
    json_t *evidence; /* a whole evidence document */
    enum rule_answer answer;
};

struct rule_line {
    struct wh_str name, title, summary, effective, last_checked;
    int64_t version, days; /* days a decision by this line lasts */
    json_t *doc;           /* the whole document */
    json_t *citation;
    struct rule_rule rules[RULE_LINE_RULES_MAX];
    size_t n_rules;
    struct rule_tiers outcome[RULE_ANSWER_COUNT];
    struct rule_case cases[RULE_LINE_CASES_MAX];
    size_t n_cases;
    char digest[WH_SHA256_HEX + 1]; /* of the canonical form */
    /* What has to be known before a hosted model is served: the table "hosting"
     * as a line of its own, with the name, version and digest of this one. It
     * opens and closes no part; "below" means that the demand is met. Null: no
     * demand. */
    const struct rule_line *hosting;
};

/* Load a document strictly: every key known, every text present, outcomes that
 * no loss of evidence can turn more open (rule_tiers_not_looser), weights held
 * or passed unless the answer is below. Cases are read, not run: see
 * rule/check.h. Fails with WH_BAD_JSON, WH_BAD_REQUEST or WH_TOO_LARGE and a
 * message that names the place. */
bool rule_line_load(struct wh_arena *a, struct wh_str text,
                    const struct rule_line **out, struct wh_err *err) WH_CHECK;
/* The same for a parsed document, which the arena must outlive. */
bool rule_line_read(struct wh_arena *a, json_t *doc,
                    const struct rule_line **out, struct wh_err *err) WH_CHECK;

/* True when a never opens more than b, alone or composed with other lines. */
bool rule_tier_not_looser(enum rule_tier a, enum rule_tier b);
bool rule_tiers_not_looser(const struct rule_tiers *a,
                           const struct rule_tiers *b);

/* "limited.default.v1" into the arena. */
struct wh_str rule_line_label(struct wh_arena *a, const struct rule_line *line);

#endif
