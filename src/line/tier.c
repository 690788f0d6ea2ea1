/*
 * tier.c - the table of transitions: mode by act, each cell a function.
 */
#include "line/tier.h"
#include "rule/floor.h"

typedef enum line_floor step_fn(const struct line_state *s,
                                const struct line_act *a,
                                struct line_state *out);

static const char *const WORDS[LINE_FLOOR_COUNT] = {
    [LINE_FLOOR_NONE] = "nothing stands against it",
    [LINE_FLOOR_ROSTER] = "this house has no approvers: nobody may decide that",
    [LINE_FLOOR_QUORUM] = "too few affiliations agree",
    [LINE_FLOOR_CONFIRM] =
        "it cannot be taken back, and not everybody confirmed that",
    [LINE_FLOOR_COOLING] = "the cooling-off is not over",
    [LINE_FLOOR_REASON] =
        "nothing is closed without a line, a rule and a reason",
    [LINE_FLOOR_END] = "nothing is closed without an end, or for too long",
    [LINE_FLOOR_SMALL] = "the lines open it by themselves: nobody need decide",
    [LINE_FLOOR_DIRECTION] =
        "the act would not change the tier in its direction",
    [LINE_FLOOR_AGAIN] =
        ("it was closed in an emergency within 180 days; a further closing "
         "takes a quorum"),
    [LINE_FLOOR_ENDLESS] = "it was held as often as anything may be",
    [LINE_FLOOR_OUTSIDE] = "the last renewal takes an outside seat",
    [LINE_FLOOR_APPEAL] = "an appeal waits for its answer",
    [LINE_FLOOR_TIME] = "its time has passed, or has not come",
    [LINE_FLOOR_STATE] = "there is nothing to do that to",
};

const char *line_floor_words(enum line_floor f)
{
    wh_assert((size_t)f < LINE_FLOOR_COUNT);
    return WORDS[f];
}

enum rule_tier line_state_tier(const struct line_state *s, enum rule_tier base)
{
    /* without a closing: what the lines say, or what was granted beyond */
    enum rule_tier under = s->grant > base ? s->grant : base;
    switch (s->mode) {
    case LINE_MODE_GRANT:
        return under;
    case LINE_MODE_EMERGENCY:
    case LINE_MODE_HOLD:
        return s->tier < under ? s->tier : under;
    case LINE_MODE_LINE:
    case LINE_MODE_COUNT:
        break;
    }
    return base;
}

bool line_tiers_ok(enum rule_act act, const struct rule_tiers *before,
                   const struct rule_tiers *after)
{
    const struct rule_act_row *row = rule_act_row(act);
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        if ((row->opens && after->part[p] < before->part[p]) ||
            (row->closes && after->part[p] > before->part[p])) {
            return false;
        }
    }
    return true;
}

/* ---- who ---- */

static enum line_floor need(const struct line_act *a, bool last)
{
    struct wh_err ignored = {0};
    if (!a->roster) {
        return LINE_FLOOR_ROSTER;
    }
    if (!rule_roster_enough(a->roster, a->act, a->keys, false, &ignored)) {
        return LINE_FLOOR_QUORUM;
    }
    return last && !rule_roster_enough(a->roster, a->act, a->keys, true,
                                       &ignored)
               ? LINE_FLOOR_OUTSIDE
               : LINE_FLOOR_NONE;
}

/* ---- opening ---- */

/* Back to what holds without the closing. */
static void go_back(const struct line_state *s, const struct line_act *a,
                    struct line_state *out)
{
    bool granted =
        s->grant > a->base && (s->grant_until == 0 || s->grant_until > a->now);
    *out = *s;
    out->mode = granted ? LINE_MODE_GRANT : LINE_MODE_LINE;
    out->tier = granted ? s->grant : a->base;
    out->until = granted ? s->grant_until : 0;
    if (!granted) {
        out->grant = RULE_TIER_HELD;
        out->grant_until = 0;
    }
}

static enum line_floor cooled(const struct line_act *a)
{
    if (!rule_act_row(a->act)->irrevocable) {
        return LINE_FLOOR_NONE;
    }
    if (!a->confirmed) {
        return LINE_FLOOR_CONFIRM;
    }
    return a->quorum_at > 0 && a->now - a->quorum_at >= a->roster->cooling_off
               ? LINE_FLOOR_NONE
               : LINE_FLOOR_COOLING;
}

static enum line_floor grant_end(const struct line_act *a)
{
    const struct rule_act_row *row = rule_act_row(a->act);
    if (!row->ends) {
        return LINE_FLOOR_NONE; /* what is open is open */
    }
    return a->until > a->now && a->until - a->now <= row->longest
               ? LINE_FLOOR_NONE
               : LINE_FLOOR_END;
}

/* The one tier that an act grants: hosting is no way to open. */
static enum rule_tier granted_tier(enum rule_act act)
{
    return act == RULE_ACT_OPEN   ? RULE_TIER_OPEN
           : act == RULE_ACT_GATE ? RULE_TIER_GATED
                                  : RULE_TIER_HOSTED;
}

/* open, gate, host; also once more at the same tier, before its end. */
static enum line_floor grant(const struct line_state *s,
                             const struct line_act *a, struct line_state *out)
{
    enum rule_tier now = line_state_tier(s, a->base);
    if (a->base == RULE_TIER_OPEN) {
        return LINE_FLOOR_SMALL;
    }
    if (a->target != granted_tier(a->act) || a->target <= a->base ||
        a->target < now || now == RULE_TIER_OPEN) {
        return LINE_FLOOR_DIRECTION;
    }
    enum line_floor f = need(a, false);
    f = f ? f : cooled(a);
    f = f ? f : grant_end(a);
    if (f) {
        return f;
    }
    *out = *s;
    out->mode = LINE_MODE_GRANT;
    out->tier = out->grant = a->target;
    out->until = out->grant_until = rule_act_row(a->act)->ends ? a->until : 0;
    return LINE_FLOOR_NONE;
}

static enum line_floor lift(const struct line_state *s,
                            const struct line_act *a, struct line_state *out)
{
    enum line_floor f = need(a, false);
    if (!f) {
        go_back(s, a, out);
        out->appealed = false; /* who appealed has what they asked for */
    }
    return f;
}

/* ---- closing ---- */

/* What is open may be recalled without being closed: it is marked. */
static bool marks(const struct line_state *s, const struct line_act *a)
{
    return a->act == RULE_ACT_RECALL && a->target == RULE_TIER_OPEN &&
           line_state_tier(s, a->base) == RULE_TIER_OPEN;
}

static enum line_floor closing(const struct line_state *s,
                               const struct line_act *a)
{
    if (!a->reasoned) {
        return LINE_FLOOR_REASON;
    }
    if (a->until <= a->now ||
        a->until - a->now > rule_act_row(a->act)->longest) {
        return LINE_FLOOR_END;
    }
    return a->target < line_state_tier(s, a->base) || marks(s, a)
               ? LINE_FLOOR_NONE
               : LINE_FLOOR_DIRECTION;
}

static enum line_floor emergency(const struct line_state *s,
                                 const struct line_act *a,
                                 struct line_state *out)
{
    enum line_floor f = need(a, false);
    f = f ? f : closing(s, a);
    if (f) {
        return f;
    }
    if (s->emergency > 0 && a->now - s->emergency < RULE_EMERGENCY_AGAIN_S) {
        return LINE_FLOOR_AGAIN;
    }
    *out = *s;
    out->mode = LINE_MODE_EMERGENCY;
    out->tier = a->target;
    out->until = a->until;
    out->emergency = a->now;
    return LINE_FLOOR_NONE;
}

/* One more hold of this subject, if there may be one. */
static enum line_floor hold(const struct line_state *s,
                            const struct line_act *a, struct line_state *out)
{
    if (s->holds > RULE_RENEWALS_MAX) {
        return LINE_FLOOR_ENDLESS;
    }
    enum line_floor f = need(a, s->holds == RULE_RENEWALS_MAX);
    if (f) {
        return f;
    }
    *out = *s;
    out->mode = LINE_MODE_HOLD;
    out->tier = a->target;
    out->until = a->until;
    out->holds = s->holds + 1;
    return LINE_FLOOR_NONE;
}

static enum line_floor recall(const struct line_state *s,
                              const struct line_act *a, struct line_state *out)
{
    enum line_floor f = closing(s, a);
    if (f) {
        return f;
    }
    f = hold(s, a, out);
    if (!f && !marks(s, a)) { /* withdrawn for good: no grant lives below */
        out->grant = RULE_TIER_HELD;
        out->grant_until = 0;
    }
    return f;
}

/* ratify, renew: it stays where it is, or is held less. */
static enum line_floor go_on(const struct line_state *s,
                             const struct line_act *a, struct line_state *out)
{
    if (a->now >= s->until) {
        return LINE_FLOOR_TIME;
    }
    if (!a->reasoned) {
        return LINE_FLOOR_REASON;
    }
    if (a->until <= a->now ||
        a->until - a->now > rule_act_row(a->act)->longest) {
        return LINE_FLOOR_END;
    }
    if (a->target < s->tier || a->target == RULE_TIER_OPEN) {
        return LINE_FLOOR_DIRECTION;
    }
    if (a->act == RULE_ACT_RENEW && s->appealed) {
        return LINE_FLOOR_APPEAL;
    }
    return hold(s, a, out);
}

/* ---- time ---- */

static enum line_floor run_out(const struct line_state *s,
                               const struct line_act *a, struct line_state *out)
{
    if (s->until == 0 || a->now < s->until) {
        return LINE_FLOOR_TIME;
    }
    if (s->mode == LINE_MODE_GRANT) {
        struct line_state ended = *s;
        ended.grant = RULE_TIER_HELD;
        ended.grant_until = 0;
        go_back(&ended, a, out);
    } else {
        go_back(s, a, out);
    }
    return LINE_FLOOR_NONE;
}

/* ---- appeals ---- */

static enum line_floor appeal(const struct line_state *s,
                              const struct line_act *a, struct line_state *out)
{
    if (line_state_tier(s, a->base) == RULE_TIER_OPEN) {
        return LINE_FLOOR_STATE;
    }
    *out = *s;
    out->appealed = true;
    return LINE_FLOOR_NONE;
}

static enum line_floor answer(const struct line_state *s,
                              const struct line_act *a, struct line_state *out)
{
    if (!s->appealed) {
        return LINE_FLOOR_STATE;
    }
    if (!a->reasoned) {
        return LINE_FLOOR_REASON;
    }
    enum line_floor f = need(a, false);
    if (!f) {
        *out = *s;
        out->appealed = false;
    }
    return f;
}

/* ---- the table ---- */

/* Every cell that is empty refuses: there is nothing to do that to. */
static step_fn *const TABLE[LINE_MODE_COUNT][RULE_ACT_COUNT] = {
    [LINE_MODE_LINE] = {[RULE_ACT_OPEN] = grant,
                        [RULE_ACT_HOST] = grant,
                        [RULE_ACT_GATE] = grant,
                        [RULE_ACT_CLOSE] = emergency,
                        [RULE_ACT_RECALL] = recall,
                        [RULE_ACT_APPEAL] = appeal,
                        [RULE_ACT_ANSWER] = answer},
    [LINE_MODE_GRANT] = {[RULE_ACT_OPEN] = grant,
                         [RULE_ACT_HOST] = grant,
                         [RULE_ACT_GATE] = grant,
                         [RULE_ACT_CLOSE] = emergency,
                         [RULE_ACT_RECALL] = recall,
                         [RULE_ACT_EXPIRE] = run_out,
                         [RULE_ACT_APPEAL] = appeal,
                         [RULE_ACT_ANSWER] = answer},
    [LINE_MODE_EMERGENCY] = {[RULE_ACT_RATIFY] = go_on,
                             [RULE_ACT_LIFT] = lift,
                             [RULE_ACT_LAPSE] = run_out,
                             [RULE_ACT_APPEAL] = appeal,
                             [RULE_ACT_ANSWER] = answer},
    [LINE_MODE_HOLD] = {[RULE_ACT_RENEW] = go_on,
                        [RULE_ACT_LIFT] = lift,
                        [RULE_ACT_EXPIRE] = run_out,
                        [RULE_ACT_APPEAL] = appeal,
                        [RULE_ACT_ANSWER] = answer},
};

enum line_floor line_tier_step(const struct line_state *s,
                               const struct line_act *act,
                               struct line_state *out)
{
    wh_assert((size_t)s->mode < LINE_MODE_COUNT &&
              (size_t)act->act < RULE_ACT_COUNT);
    step_fn *f = TABLE[s->mode][act->act];
    return f ? f(s, act, out) : LINE_FLOOR_STATE;
}
