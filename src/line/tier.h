/*
 * tier.h - the tier machine: what an act, or time, makes of a subject's tier.
 * Pure.
 * Owner: values only.
 * Never: opens above the line without a quorum of affiliations; lets anything
 * be closed without line, rule, reason, end and appeal; knows an operator.
 *
 * One machine a subject, about its weights (the other parts follow what the
 * statement says of them, under the same rules). What the lines say by
 * themselves is the base: it stands wherever nobody has decided, without
 * anybody's doing.
 */
#ifndef WH_LINE_TIER_H
#define WH_LINE_TIER_H

#include "rule/line.h"
#include "rule/roster.h"

enum line_mode {
    LINE_MODE_LINE,      /* the lines' own answer stands */
    LINE_MODE_GRANT,     /* approvers opened it further than the lines do */
    LINE_MODE_EMERGENCY, /* one approver closed it; lapses */
    LINE_MODE_HOLD,      /* a quorum closed it; expires */
    LINE_MODE_COUNT
};

struct line_state {
    enum line_mode mode;
    enum rule_tier tier;  /* unless mode is LINE: then it is the base */
    int64_t until;        /* unix seconds; 0: no end */
    enum rule_tier grant; /* what approvers granted, also below a closing ... */
    int64_t grant_until;  /* ... and until when; grant HELD: nothing */
    int64_t emergency;    /* when one approver last closed it; 0: never */
    unsigned holds;       /* ratified, recalled, renewed: how often so far */
    bool appealed;        /* an appeal waits for its answer */
};

/* What is to happen, and what stands behind it. */
struct line_act {
    enum rule_act act;
    enum rule_tier target; /* of the weights, where the act sets tiers */
    enum rule_tier base;   /* what the lines say now */
    int64_t now, until;    /* until: of the statement; 0: none */
    bool reasoned;         /* names a line's rule, and gives a reason */
    bool confirmed;        /* each signer typed the sentence */
    int64_t quorum_at;     /* when the quorum came onto the register; 0: not */
    const struct rule_roster *roster; /* in force; null: none yet */
    uint32_t keys;                    /* those that signed */
};

/* Which sentence of the floor an act meets. */
enum line_floor {
    LINE_FLOOR_NONE,
    LINE_FLOOR_ROSTER,    /* nobody is entitled to decide */
    LINE_FLOOR_QUORUM,    /* too few affiliations */
    LINE_FLOOR_CONFIRM,   /* nobody confirmed */
    LINE_FLOOR_COOLING,   /* the delay is not over */
    LINE_FLOOR_REASON,    /* no line, rule or reason */
    LINE_FLOOR_END,       /* no end, or too late a one */
    LINE_FLOOR_SMALL,     /* the lines open it: nobody need decide */
    LINE_FLOOR_DIRECTION, /* it opens what it should close, or the reverse */
    LINE_FLOOR_AGAIN,     /* a second emergency */
    LINE_FLOOR_ENDLESS,   /* held often enough */
    LINE_FLOOR_OUTSIDE,   /* the last renewal has no outside seat */
    LINE_FLOOR_APPEAL,    /* an appeal waits */
    LINE_FLOOR_TIME,      /* its time has passed, or has not come */
    LINE_FLOOR_STATE,     /* there is nothing to do that to */
    LINE_FLOOR_COUNT
};

/* One sentence for people. */
const char *line_floor_words(enum line_floor f);

/* The tier that holds in this state, given the base. */
enum rule_tier line_state_tier(const struct line_state *s, enum rule_tier base);

/* Of the other parts: an act that opens closes none, one that closes opens
 * none. */
bool line_tiers_ok(enum rule_act act, const struct rule_tiers *before,
                   const struct rule_tiers *after) WH_CHECK;

/* The state after the act, or the floor that it meets and *out untouched. */
enum line_floor line_tier_step(const struct line_state *s,
                               const struct line_act *act,
                               struct line_state *out) WH_CHECK;

#endif
