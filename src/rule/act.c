/*
 * act.c - the table of acts.
 */
#include "rule/act.h"
#include "base/err.h"
#include "rule/floor.h"

static const struct rule_act_row ROWS[RULE_ACT_COUNT] = {
    [RULE_ACT_OPEN] = {.word = "open",
                       .words = "opens parts to anybody",
                       .takes = RULE_TAKES_QUORUM,
                       .about_subject = true,
                       .sets_tiers = true,
                       .opens = true,
                       .irrevocable = true},
    [RULE_ACT_HOST] = {.word = "host",
                       .words = "lets people use the model through the gateway",
                       .takes = RULE_TAKES_QUORUM,
                       .about_subject = true,
                       .sets_tiers = true,
                       .opens = true,
                       .ends = true,
                       .longest = RULE_GRANT_MAX_S},
    [RULE_ACT_GATE] = {.word = "gate",
                       .words = "lets named people download",
                       .takes = RULE_TAKES_QUORUM,
                       .about_subject = true,
                       .sets_tiers = true,
                       .opens = true,
                       .irrevocable = true,
                       .ends = true,
                       .longest = RULE_GRANT_MAX_S},
    [RULE_ACT_CLOSE] = {.word = "close",
                        .words = "closes in an emergency",
                        .takes = RULE_TAKES_ONE,
                        .about_subject = true,
                        .sets_tiers = true,
                        .closes = true,
                        .ends = true,
                        .longest = RULE_EMERGENCY_S},
    [RULE_ACT_RATIFY] = {.word = "ratify",
                         .words = "makes an emergency closing a hold",
                         .takes = RULE_TAKES_QUORUM,
                         .about_subject = true,
                         .sets_tiers = true,
                         .closes = true,
                         .ends = true,
                         .longest = RULE_HOLD_MAX_S},
    [RULE_ACT_RENEW] = {.word = "renew",
                        .words = "reasons a hold anew",
                        .takes = RULE_TAKES_QUORUM,
                        .about_subject = true,
                        .sets_tiers = true,
                        .closes = true,
                        .ends = true,
                        .longest = RULE_HOLD_MAX_S},
    [RULE_ACT_RECALL] = {.word = "recall",
                         .words = "takes back what was open or granted",
                         .takes = RULE_TAKES_QUORUM,
                         .about_subject = true,
                         .sets_tiers = true,
                         .closes = true,
                         .ends = true,
                         .longest = RULE_HOLD_MAX_S},
    [RULE_ACT_LIFT] = {.word = "lift",
                       .words = "ends a closing before its time",
                       .takes = RULE_TAKES_QUORUM,
                       .about_subject = true,
                       .sets_tiers = true},
    [RULE_ACT_ANSWER] = {.word = "answer",
                         .words = "dismisses an appeal, with reasons",
                         .takes = RULE_TAKES_QUORUM,
                         .about_subject = true},
    [RULE_ACT_ROSTER] = {.word = "roster",
                         .words = "changes who the approvers are",
                         .takes = RULE_TAKES_QUORUM},
    [RULE_ACT_LINES] = {.word = "lines",
                        .words = "takes a line out of force",
                        .takes = RULE_TAKES_QUORUM},
    [RULE_ACT_LAPSE] = {.word = "lapse",
                        .words = "ends an emergency closing that nobody "
                                 "ratified",
                        .takes = RULE_TAKES_NOBODY,
                        .about_subject = true},
    [RULE_ACT_EXPIRE] = {.word = "expire",
                         .words = "ends what nobody renewed",
                         .takes = RULE_TAKES_NOBODY,
                         .about_subject = true},
    [RULE_ACT_APPEAL] = {.word = "appeal",
                         .words = "asks for a decision to be looked at again",
                         .takes = RULE_TAKES_NOBODY,
                         .about_subject = true},
};

const struct rule_act_row *rule_act_row(enum rule_act act)
{
    wh_assert((size_t)act < RULE_ACT_COUNT);
    return &ROWS[act];
}

const char *rule_act_word(enum rule_act act)
{
    return rule_act_row(act)->word;
}

bool rule_act_of(struct wh_str s, enum rule_act *out)
{
    for (int i = 0; i < RULE_ACT_COUNT; i++) {
        if (wh_str_is(s, ROWS[i].word)) {
            *out = (enum rule_act)i;
            return true;
        }
    }
    return false;
}
