/*
 * enforced.h - which lines a house enforces: those in force by its register,
 * and what its configuration adds (docs/decisions/0011). Worked out by front,
 * and by the keeper again.
 * Owner: digests and lines live in the arena of whoever gave them.
 * Never: lets go of a line in force without a signature of approvers; puts
 * another version in the place of one that is in force.
 */
#ifndef WH_RULE_ENFORCED_H
#define WH_RULE_ENFORCED_H

#include "rule/line.h"

#define RULE_ENFORCED_MAX 32
#define RULE_PAST_GONE_MAX 256

/* What the register's entries about lines come to. Digests are bare hex. */
struct rule_past {
    struct wh_str now[RULE_ENFORCED_MAX]; /* in force */
    bool signed_for[RULE_ENFORCED_MAX];   /* by the newest statement */
    size_t n;
    struct wh_str gone[RULE_PAST_GONE_MAX]; /* what approvers took out */
    size_t n_gone;
    bool begun; /* there was an entry */
};

/* Take in the next entry's list ["sha256:<hex>"], which outlives `past`; by
 * people: approvers signed it. WH_ROLLED_BACK if a line is missing of those in
 * force before and nobody signed that; WH_CORRUPT if it is no such list. */
bool rule_past_add(struct rule_past *past, const json_t *lines, bool by_people,
                   struct wh_err *err) WH_CHECK;
/* Place of a digest among those in force; SIZE_MAX. */
size_t rule_past_find(const struct rule_past *past, struct wh_str digest);

/* Where a text comes from: the house's own folder of lines before those in the
 * binary; and what was only kept, or shown, from before: good for what is in
 * force, never for what configuration adds. */
enum rule_origin { RULE_FROM_FOLDER, RULE_FROM_BINARY, RULE_FROM_BEFORE };
struct rule_known {
    const struct rule_line *line;
    struct wh_str text;
    enum rule_origin from;
};

/* The lines that are enforced, as places in `known`; and which names of the
 * configuration count for nothing, since approvers took that line out. */
struct rule_enforced {
    size_t at[RULE_ENFORCED_MAX];
    size_t n;
    struct wh_str idle[RULE_ENFORCED_MAX];
    size_t n_idle;
};

/* All lines in force; and of the names those that are not: a label
 * ("demo.low.v2") that version; a bare name, if no version of the line is in
 * force or was, the newest. Every line in force has to be named, by label or
 * bare name, unless approvers signed for it. WH_ROLLED_BACK says what to do
 * about one that is not; WH_NOT_FOUND: a line in force without a text, or a
 * name without a line; WH_TOO_LARGE. */
bool rule_enforced_find(struct wh_arena *a, const struct rule_past *past,
                        const struct wh_str *names, size_t n_names,
                        const struct rule_known *known, size_t n_known,
                        struct rule_enforced *out, struct wh_err *err) WH_CHECK;

/* The line of a digest, of a label, or the newest of a bare name, among what
 * configuration may name; SIZE_MAX. By digest also what is from before. */
size_t rule_known_digest(const struct rule_known *known, size_t n,
                         struct wh_str digest);
size_t rule_known_name(struct wh_arena *a, const struct rule_known *known,
                       size_t n, struct wh_str name);

#endif
