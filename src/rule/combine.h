/*
 * combine.h - from claims about files to the evidence about their subject.
 * Owner: maps returned belong to the arena given.
 * Never: lets a file that was not weighed, or a statement of the publisher,
 * make a subject look smaller or safer.
 */
#ifndef WH_RULE_COMBINE_H
#define WH_RULE_COMBINE_H

#include "rule/evidence.h"

/* Tokens that no training run has reached: more than any known corpus. */
#define RULE_TOKENS_MAX "5e13"

/* One file of a subject's manifest. */
struct rule_file_claims {
    enum rule_part part;
    struct wh_str sha256; /* equal content counts once */
    const json_t *claims; /* "claims" of its scan result; null: not scanned */
    struct wh_str path;   /* of the manifest; empty: not numbered */
};

/* The evidence map of a subject, from claims about its files:
 *  - findings are added up, and the sizes of files of weights,
 *  - compute: lo is the largest lo of a file, hi is 6 * N * 5e13 of all
 *    parameters, whatever the files claim,
 *  - of values the strictest stands, and "unknown" over any but the strictest,
 *  - weights of which a numbered piece is missing are not verifiable
 *    (rule/shards.h).
 * A claim that a file of weights does not make in usable form is left out of
 * the map, and so becomes unknown; other files count as far as they make
 * claims. Attester: the least independent; expiry: the earliest. Without files
 * of weights there is nothing to be weighed: sizes are zero. */
json_t *rule_combine(struct wh_arena *a, const struct rule_file_claims *files,
                     size_t n);

/* Put one more statement about a claim into a map. A statement that is not
 * well formed changes nothing. Intervals: lo is the larger one; hi is the
 * smaller one if the new statement is at least `independent`, otherwise it
 * stays; where they contradict each other (lo > hi), hi is the larger one.
 * Values: the stricter one; "unknown" gives way to an attester who is at least
 * as independent. */
void rule_combine_statement(json_t *map, const struct rule_claim *claim,
                            json_t *item);

/* 6 * n * tokens, exact; false if it has too many digits. */
bool rule_compute(const struct rule_dec *n, const struct rule_dec *tokens,
                  struct rule_dec *out) WH_CHECK;
/* An interval item; new reference. expires may be empty: never. */
json_t *rule_item_interval(const struct rule_dec *lo, const struct rule_dec *hi,
                           enum rule_by by, struct wh_str method,
                           struct wh_str expires);
/* A value item; new reference. */
json_t *rule_item_value(struct wh_str value, enum rule_by by,
                        struct wh_str method, struct wh_str expires);

#endif
