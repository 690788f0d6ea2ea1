/*
 * set.h - the lines of a house: those that decide and those in shadow.
 * Owner: lines and texts live in the arena given, as long as the set is used.
 * Never: holds a line that does not answer its own cases.
 */
#ifndef WH_LINE_SET_H
#define WH_LINE_SET_H

#include "base/json.h"
#include "rule/enforced.h"
#include "rule/eval.h"

#define LINE_SET_MAX RULE_ENFORCED_MAX

struct line_entry {
    const struct rule_line *line;
    struct wh_str text; /* the document as it was read */
};

struct line_set {
    struct line_entry enforced[LINE_SET_MAX], shadow[LINE_SET_MAX];
    size_t n_enforced, n_shadow;
    /* What lines.enforce names, and every line whose text is at hand. */
    struct wh_str names[LINE_SET_MAX];
    size_t n_names;
    struct rule_known *known;
    size_t n_known;
};

/* Take in what may be enforced: the names; every line in the folder `dir`
 * (NAME.vVERSION.json; empty: no folder), and those shipped. A file there that
 * is no line is left out, and the log says so. WH_CONFLICT when a name stands
 * twice, WH_TOO_LARGE. */
bool line_set_gather(struct line_set *set, struct wh_arena *a,
                     const struct wh_str *names, size_t n, struct wh_str dir,
                     struct wh_err *err) WH_CHECK;
/* Take in a text from before, known by its digest. */
bool line_set_remember(struct line_set *set, struct wh_arena *a,
                       struct wh_str text, struct wh_err *err) WH_CHECK;
/* Fill `enforced` anew from the past and the names (rule/enforced.h), each line
 * checked with its cases. *out says what was found, and
 * which names count for nothing. Errors as there, and what is unfit about a
 * line. */
bool line_set_settle(struct line_set *set, struct wh_arena *a,
                     const struct rule_past *past, struct rule_enforced *out,
                     struct wh_err *err) WH_CHECK;

/* Add the line of a name ("limited.default": newest version) or of a label
 * ("limited.default.v1"): from the folder `dir` if it is not empty and has it
 * (NAME.vVERSION.json), else a shipped one. Loaded strictly and checked with
 * its cases. For lines in shadow, of which there is one version each, and for
 * tests. WH_NOT_FOUND, WH_CONFLICT (already there, in this or another version),
 * WH_TOO_LARGE, or why it is unfit. */
bool line_set_add(struct line_set *set, struct wh_arena *a, struct wh_str name,
                  struct wh_str dir, bool shadow, struct wh_err *err) WH_CHECK;

/* Does the line answer its cases? WH_BAD_REQUEST says which it does not. */
bool line_set_fit(struct wh_arena *a, const struct rule_line *line,
                  struct wh_err *err) WH_CHECK;
/* The enforced line of a name, the newest if there are several versions, or
 * null. */
const struct rule_line *line_set_find(const struct line_set *set,
                                      struct wh_str name);
/* The newest version of a line that is at hand; that of `line` if none is
 * newer. */
int64_t line_set_newest(const struct line_set *set,
                        const struct rule_line *line);

/* The digests of the enforced lines ("sha256:<hex>"), sorted; new reference.
 * A register's entry has the same form. */
json_t *line_set_digests(const struct line_set *set);

#endif
