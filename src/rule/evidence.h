/*
 * evidence.h - reading an evidence document, item by item, failing closed.
 * Owner: the document belongs to the caller; views point into it.
 * Never: refuses a document: what is wrong with it becomes "unknown".
 */
#ifndef WH_RULE_EVIDENCE_H
#define WH_RULE_EVIDENCE_H

#include "base/json.h"
#include "rule/decimal.h"
#include "rule/words.h"

/* An evidence document (docs/formats/evidence.md). */
struct rule_evidence {
    const json_t *map;     /* null when the document is malformed */
    struct wh_str subject; /* 64 hex digits, or empty when malformed */
    struct wh_str now;     /* time of the question, or empty */
};

/* One item as a comparison sees it. lo, hi, value are set when state is USED
 * and of the claim's kind; by and expires as far as the item is well formed. */
struct rule_item {
    enum rule_state state;
    enum rule_by by;
    struct wh_str lo_text, hi_text, value, expires;
    struct rule_dec lo, hi;
};

/* Look at a whole document. Total: any JSON value gives a result. */
void rule_evidence_open(const json_t *doc, struct rule_evidence *out);
/* Look at the item for a claim, attested at least by `by`. Total. */
void rule_evidence_look(const struct rule_evidence *ev,
                        const struct rule_claim *claim, enum rule_by by,
                        struct rule_item *out);
/* The same for an item at hand (null: missing); `now` empty: never expired. */
void rule_item_read(const json_t *item, const struct rule_claim *claim,
                    enum rule_by by, struct wh_str now, struct rule_item *out);

#endif
