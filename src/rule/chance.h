/*
 * chance.h - random lines and random evidence documents, for tests.
 * Owner: what is made lives in the arena given.
 * Never: linked into the binary; different for the same seed.
 */
#ifndef WH_RULE_CHANCE_H
#define WH_RULE_CHANCE_H

#include "rule/line.h"

struct rule_chance {
    uint64_t state; /* the seed; any value */
};

/* A number below n (n > 0). */
uint64_t rule_chance_below(struct rule_chance *c, uint64_t n);
/* True in k of 100 cases. */
bool rule_chance_of(struct rule_chance *c, unsigned k);

/* An evidence document for a line: mostly well formed, its numbers close to
 * the line's thresholds; some items missing, null, of garbage type, huge,
 * expired, self-attested or malformed, and some documents broken as a whole. */
json_t *rule_chance_document(struct rule_chance *c, struct wh_arena *a,
                             const struct rule_line *line);
/* The same with every item well formed and usable by a shipped line. */
json_t *rule_chance_good_document(struct rule_chance *c, struct wh_arena *a,
                                  const struct rule_line *line);
/* A line that loads: random conditions, thresholds, margins and outcomes. */
const struct rule_line *rule_chance_line(struct rule_chance *c,
                                         struct wh_arena *a);

/* Ways in which evidence gets worse. */
enum rule_loss {
    RULE_LOSS_REMOVED,
    RULE_LOSS_NULL,
    RULE_LOSS_EXPIRED,
    RULE_LOSS_SELF,    /* attested by the publisher only */
    RULE_LOSS_UNKNOWN, /* the value is "unknown" */
    RULE_LOSS_WIDENED, /* lo down or hi up */
    RULE_LOSS_GARBAGE,
    RULE_LOSS_COUNT
};

/* Take information out of one random item of a document, in place. */
void rule_chance_lose(struct rule_chance *c, json_t *doc, enum rule_loss how);
/* Make one random item speak more against the model, in place: larger numbers,
 * the strictest value. */
void rule_chance_worsen(struct rule_chance *c, json_t *doc);

#endif
