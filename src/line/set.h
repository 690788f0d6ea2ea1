/*
 * set.h - the lines of a house: those that decide and those in shadow.
 * Owner: lines and texts live in the arena given, as long as the set is used.
 * Never: holds a line that does not answer its own cases.
 */
#ifndef WH_LINE_SET_H
#define WH_LINE_SET_H

#include "rule/eval.h"

#define LINE_SET_MAX 32

struct line_entry {
    const struct rule_line *line;
    struct wh_str text; /* the document as it was read */
};

struct line_set {
    struct line_entry enforced[LINE_SET_MAX], shadow[LINE_SET_MAX];
    size_t n_enforced, n_shadow;
};

/* Add the line of a name ("limited.default": newest version) or of a label
 * ("limited.default.v1"): from the folder `dir` if it is not empty and has it
 * (NAME.vVERSION.json), else a shipped one. Loaded strictly and checked with
 * its cases. WH_NOT_FOUND, WH_CONFLICT (already there, in this or another
 * version), WH_TOO_LARGE, or why it is unfit. */
bool line_set_add(struct line_set *set, struct wh_arena *a, struct wh_str name,
                  struct wh_str dir, bool shadow, struct wh_err *err) WH_CHECK;

/* The enforced line of a name, or null. */
const struct rule_line *line_set_find(const struct line_set *set,
                                      struct wh_str name);

/* Is every line whose digest ("sha256:<hex>") stands in the list `digests`
 * enforced here? Configuration may add lines to those on the register, never
 * take one away: WH_ROLLED_BACK names the first that is missing. */
bool line_set_covers(const struct line_set *set, const json_t *digests,
                     struct wh_err *err) WH_CHECK;
/* The digests of the enforced lines in that form, sorted; new reference. */
json_t *line_set_digests(const struct line_set *set);

#endif
