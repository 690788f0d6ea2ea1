/*
 * testing.h - for tests of this room: sets of lines and evidence at hand.
 * Owner: everything lives in the arena given.
 * Never: linked into the binary.
 */
#ifndef WH_LINE_TESTING_H
#define WH_LINE_TESTING_H

#include "line/decision.h"

/* A set of shipped lines: names separated by blanks; panics on failure. */
void line_testing_set(struct wh_arena *a, const char *enforced,
                      const char *shadow, struct line_set *out);
/* What the house knows of a model of n parameters that it has read: nothing
 * found, compute from 0 to 6 * n * 5e13. */
json_t *line_testing_evidence(struct wh_arena *a, const char *params);
/* Decide about it at 2026-11-23T18:00:00Z, subject "1111..." */
void line_testing_decide(struct wh_arena *a, const struct line_set *set,
                         json_t *evidence, struct line_decision *out);

#define LINE_TESTING_NOW INT64_C(1795456800)
#define LINE_TESTING_SUBJECT \
    "1111111111111111111111111111111111111111111111111111111111111111"

#endif
