/*
 * words.h - the fixed words of lines, evidence and decisions.
 * Owner: all strings are static.
 * Never: accepts another spelling.
 */
#ifndef WH_RULE_WORDS_H
#define WH_RULE_WORDS_H

#include "base/str.h"

/* The parts of a model that a line may speak about. Knowledge (cards, papers)
 * is no such part: it is always open. */
enum rule_part {
    RULE_PART_SOURCE,
    RULE_PART_SOFTWARE,
    RULE_PART_DATA,
    RULE_PART_WEIGHTS,
    RULE_PART_COUNT
};

/* What people may do with a part, from least to most open. PASS is a line's
 * "no objection, and no opening either"; it is never the tier of a part. */
enum rule_tier {
    RULE_TIER_HELD,
    RULE_TIER_HOSTED,
    RULE_TIER_GATED,
    RULE_TIER_OPEN,
    RULE_TIER_PASS,
    RULE_TIER_COUNT
};

/* Who attests, from least to most independent of the publisher. */
enum rule_by {
    RULE_BY_SELF,
    RULE_BY_CONTRACTED,
    RULE_BY_INDEPENDENT,
    RULE_BY_HOUSE,
    RULE_BY_AUTHORITY,
    RULE_BY_COUNT
};

/* The answer of one comparison or rule. */
enum rule_three { RULE_NO, RULE_UNKNOWN, RULE_YES, RULE_THREE_COUNT };

/* The answer of a whole line. */
enum rule_answer { RULE_BELOW, RULE_ABOVE, RULE_UNSURE, RULE_ANSWER_COUNT };

/* Why evidence counts or does not. */
enum rule_state {
    RULE_STATE_USED,
    RULE_STATE_MISSING,
    RULE_STATE_MALFORMED,
    RULE_STATE_UNKNOWN,
    RULE_STATE_EXPIRED,
    RULE_STATE_DEPENDENT, /* attested by somebody not independent enough */
    RULE_STATE_COUNT
};

enum rule_kind { RULE_KIND_INTERVAL, RULE_KIND_VALUE };
enum rule_fold {
    RULE_FOLD_SUM,
    RULE_FOLD_SIZE,
    RULE_FOLD_COMPUTE,
    RULE_FOLD_STRICTEST,
    RULE_FOLD_NONE
};

#define RULE_CLAIM_VALUES_MAX 4

/* One row of claims.tbl. */
struct rule_claim {
    const char *name, *unit, *words;
    enum rule_kind kind;
    enum rule_fold fold;
    const char *values; /* blank-separated, from harmless to strict */
};

/* The word of an enumerator; it is a promise of the caller that it exists. */
const char *rule_part_word(enum rule_part part);
const char *rule_tier_word(enum rule_tier tier);
const char *rule_by_word(enum rule_by by);
const char *rule_three_word(enum rule_three three);
const char *rule_answer_word(enum rule_answer answer);
const char *rule_state_word(enum rule_state state);
/* "the house", "the publisher itself": who attests, for sentences. */
const char *rule_by_words(enum rule_by by);

/* The enumerator of a word; false, *out untouched, for any other text. */
bool rule_part_of(struct wh_str s, enum rule_part *out);
bool rule_tier_of(struct wh_str s, enum rule_tier *out);
bool rule_by_of(struct wh_str s, enum rule_by *out);
bool rule_answer_of(struct wh_str s, enum rule_answer *out);

/* The row of a claim, or null. */
const struct rule_claim *rule_claim_find(struct wh_str name);
/* Row i, or null behind the last one. */
const struct rule_claim *rule_claim_at(size_t i);
/* Place of a value in the claim's list (0 is the most harmless), or -1. */
int rule_claim_value(const struct rule_claim *c, struct wh_str value);
/* Value i of the claim, empty behind the last one. */
struct wh_str rule_claim_value_at(const struct rule_claim *c, size_t i);

/* A time of an evidence document: "2026-11-23T18:00:00Z" and no other form, so
 * that text order is time order for every tool. */
bool rule_time_ok(struct wh_str s);

#endif
