/*
 * view.h - lines and evidence as JSON, for pages and API.
 * Owner: results are new references; what they are made of lives in the arena.
 * Never: leaves out a line that is in force.
 */
#ifndef WH_LINE_VIEW_H
#define WH_LINE_VIEW_H

#include "line/set.h"

/* All lines of the house: those in force, in shadow, and shipped beside them
 * (newest versions): [{name, version, title, summary, effective,
 * last_checked, digest, newest, enforced, shadow, shipped}]. Dates are RFC
 * 3339; newest is the newest version at hand, which may not be in force. */
bool line_view_list(struct wh_arena *a, const struct line_set *set,
                    json_t **out, struct wh_err *err) WH_CHECK;

/* One line by name ("limited.default": the one in force or in shadow, else the
 * newest shipped) and, if version is not 0, of that version. WH_NOT_FOUND. */
bool line_view_find(struct wh_arena *a, const struct line_set *set,
                    struct wh_str name, uint64_t version,
                    const struct rule_line **out, struct wh_err *err) WH_CHECK;

/* The fields of the list and "document", whose canonical form has the digest,
 * and "versions": [{version, current, enforced, effective}]. */
bool line_view(struct wh_arena *a, const struct line_set *set,
               const struct rule_line *line, json_t **out,
               struct wh_err *err) WH_CHECK;

/* The items of an evidence document in the order of claims.tbl, also those
 * that are not there: [{claim, words, unit, known, lo, hi, value, by, method,
 * expires}]; `by` in words, what does not apply is null. */
json_t *line_view_evidence(const json_t *doc);

#endif
