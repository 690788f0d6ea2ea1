/*
 * act.h - what people, and time, can do to a subject.
 * Owner: all strings are static.
 * Never: knows an act that opens above the line without a quorum.
 */
#ifndef WH_RULE_ACT_H
#define WH_RULE_ACT_H

#include "rule/words.h"

enum rule_act {
    RULE_ACT_OPEN,
    RULE_ACT_HOST,
    RULE_ACT_GATE,
    RULE_ACT_CLOSE,
    RULE_ACT_RATIFY,
    RULE_ACT_RENEW,
    RULE_ACT_RECALL,
    RULE_ACT_LIFT,
    RULE_ACT_ANSWER,
    RULE_ACT_ROSTER,
    RULE_ACT_LINES,
    RULE_ACT_LAPSE,  /* by time */
    RULE_ACT_EXPIRE, /* by time */
    RULE_ACT_APPEAL, /* by whoever is concerned */
    RULE_ACT_COUNT
};

/* What must stand behind an act. */
enum rule_takes {
    RULE_TAKES_NOBODY, /* time has passed, or somebody appeals */
    RULE_TAKES_ONE,    /* one approver */
    RULE_TAKES_QUORUM  /* the roster's quorum, counted in affiliations */
};

/* One row of the table of acts. */
struct rule_act_row {
    const char *word, *words; /* "open", "opens the weights to anybody" */
    enum rule_takes takes;
    bool about_subject; /* false: the roster, the lines */
    bool sets_tiers;    /* the statement names tiers */
    bool opens;         /* makes something more open, above the line */
    bool irrevocable;   /* typed confirmation, cooling-off */
    bool closes;        /* makes something less open */
    bool ends;          /* what it does has an end ... */
    int64_t longest;    /* ... at most so many seconds after it was made */
};

/* The row of an act; it is a promise of the caller that it exists. */
const struct rule_act_row *rule_act_row(enum rule_act act);
const char *rule_act_word(enum rule_act act);
/* The act of a word; false, *out untouched, for any other text. */
bool rule_act_of(struct wh_str s, enum rule_act *out);

#endif
