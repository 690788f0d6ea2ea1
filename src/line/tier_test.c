/* The tier machine: every cell of its table, and a search for a way round the
 * floor over random rosters, lines and acts. */
#include "base/unit.h"
#include "line/tier.h"
#include "rule/floor.h"

#define NOW INT64_C(1795456800)
#define DAY RULE_DAY_S
#define HOUR INT64_C(3600)

/* A roster of people by affiliation: "nnsw" are two of n, one of s, one of w;
 * a capital letter is an outside seat. A key each. */
static struct rule_roster people(const char *affiliations, unsigned quorum)
{
    struct rule_roster r = {.version = 1, .cooling_off = DAY};
    for (; affiliations[r.n_approvers]; r.n_approvers++) {
        size_t i = r.n_approvers;
        char c = affiliations[i];
        struct rule_approver *a = &r.approvers[i];
        a->outside = c >= 'A' && c <= 'Z';
        a->group = r.affiliations;
        for (size_t k = 0; k < i; k++) {
            if (affiliations[k] == c) {
                a->group = r.approvers[k].group;
            }
        }
        r.affiliations += a->group == r.affiliations;
        r.keys[r.n_keys++].approver = i;
    }
    for (int i = 0; i < RULE_ACT_COUNT; i++) {
        r.quorum[i] = quorum;
    }
    r.self_run = r.affiliations == 1;
    return r;
}

/* ---- every transition ---- */

/* The state of a mode as the table's rows find it: base held, but for closings,
 * which are of something that was granted. */
static struct line_state state_of(enum line_mode mode)
{
    switch (mode) {
    case LINE_MODE_GRANT:
        return (struct line_state){.mode = mode,
                                   .tier = RULE_TIER_HOSTED,
                                   .grant = RULE_TIER_HOSTED,
                                   .until = NOW + 90 * DAY,
                                   .grant_until = NOW + 90 * DAY};
    case LINE_MODE_EMERGENCY:
        return (struct line_state){.mode = mode,
                                   .tier = RULE_TIER_HELD,
                                   .grant = RULE_TIER_HOSTED,
                                   .grant_until = NOW + 90 * DAY,
                                   .until = NOW + 24 * HOUR,
                                   .emergency = NOW - 48 * HOUR};
    case LINE_MODE_HOLD:
        return (struct line_state){.mode = mode,
                                   .tier = RULE_TIER_HELD,
                                   .grant = RULE_TIER_HOSTED,
                                   .grant_until = NOW + 200 * DAY,
                                   .until = NOW + 90 * DAY,
                                   .holds = 1};
    case LINE_MODE_LINE:
    case LINE_MODE_COUNT:
        break;
    }
    return (struct line_state){.mode = LINE_MODE_LINE};
}

/* An act as it should be: by two affiliations and an outside seat, confirmed,
 * reasoned, with an end, after its delay. */
static struct line_act act_of(enum rule_act act, const struct rule_roster *r)
{
    const struct rule_act_row *row = rule_act_row(act);
    struct line_act a = {.act = act,
                         .target = row->closes            ? RULE_TIER_HELD
                                   : act == RULE_ACT_OPEN ? RULE_TIER_OPEN
                                   : act == RULE_ACT_GATE ? RULE_TIER_GATED
                                                          : RULE_TIER_HOSTED,
                         .base = RULE_TIER_HELD,
                         .now = NOW,
                         .until = row->ends ? NOW + row->longest : 0,
                         .reasoned = true,
                         .confirmed = true,
                         .quorum_at = NOW - 2 * DAY,
                         .roster = r,
                         .keys = UINT32_MAX};
    return a;
}

#define REFUSED(f)                                     \
    {                                                  \
        LINE_FLOOR_##f, LINE_MODE_LINE, RULE_TIER_HELD \
    }
#define TO(mode, tier)                                      \
    {                                                       \
        LINE_FLOOR_NONE, LINE_MODE_##mode, RULE_TIER_##tier \
    }

struct cell {
    enum line_floor floor;
    enum line_mode mode;
    enum rule_tier tier;
};

/* Every mode, every act. */
static const struct cell CELLS[LINE_MODE_COUNT][RULE_ACT_COUNT] = {
    [LINE_MODE_LINE] = {[RULE_ACT_OPEN] = TO(GRANT, OPEN),
                        [RULE_ACT_HOST] = TO(GRANT, HOSTED),
                        [RULE_ACT_GATE] = TO(GRANT, GATED),
                        [RULE_ACT_CLOSE] = REFUSED(DIRECTION),
                        [RULE_ACT_RATIFY] = REFUSED(STATE),
                        [RULE_ACT_RENEW] = REFUSED(STATE),
                        [RULE_ACT_RECALL] = REFUSED(DIRECTION),
                        [RULE_ACT_LIFT] = REFUSED(STATE),
                        [RULE_ACT_ANSWER] = REFUSED(STATE),
                        [RULE_ACT_ROSTER] = REFUSED(STATE),
                        [RULE_ACT_LINES] = REFUSED(STATE),
                        [RULE_ACT_LAPSE] = REFUSED(STATE),
                        [RULE_ACT_EXPIRE] = REFUSED(STATE),
                        [RULE_ACT_APPEAL] = TO(LINE, HELD)},
    [LINE_MODE_GRANT] = {[RULE_ACT_OPEN] = TO(GRANT, OPEN),
                         [RULE_ACT_HOST] = TO(GRANT, HOSTED),
                         [RULE_ACT_GATE] = TO(GRANT, GATED),
                         [RULE_ACT_CLOSE] = TO(EMERGENCY, HELD),
                         [RULE_ACT_RATIFY] = REFUSED(STATE),
                         [RULE_ACT_RENEW] = REFUSED(STATE),
                         [RULE_ACT_RECALL] = TO(HOLD, HELD),
                         [RULE_ACT_LIFT] = REFUSED(STATE),
                         [RULE_ACT_ANSWER] = REFUSED(STATE),
                         [RULE_ACT_ROSTER] = REFUSED(STATE),
                         [RULE_ACT_LINES] = REFUSED(STATE),
                         [RULE_ACT_LAPSE] = REFUSED(STATE),
                         [RULE_ACT_EXPIRE] = REFUSED(TIME),
                         [RULE_ACT_APPEAL] = TO(GRANT, HOSTED)},
    [LINE_MODE_EMERGENCY] = {[RULE_ACT_OPEN] = REFUSED(STATE),
                             [RULE_ACT_HOST] = REFUSED(STATE),
                             [RULE_ACT_GATE] = REFUSED(STATE),
                             [RULE_ACT_CLOSE] = REFUSED(STATE),
                             [RULE_ACT_RATIFY] = TO(HOLD, HELD),
                             [RULE_ACT_RENEW] = REFUSED(STATE),
                             [RULE_ACT_RECALL] = REFUSED(STATE),
                             [RULE_ACT_LIFT] = TO(GRANT, HOSTED),
                             [RULE_ACT_ANSWER] = REFUSED(STATE),
                             [RULE_ACT_ROSTER] = REFUSED(STATE),
                             [RULE_ACT_LINES] = REFUSED(STATE),
                             [RULE_ACT_LAPSE] = REFUSED(TIME),
                             [RULE_ACT_EXPIRE] = REFUSED(STATE),
                             [RULE_ACT_APPEAL] = TO(EMERGENCY, HELD)},
    [LINE_MODE_HOLD] = {[RULE_ACT_OPEN] = REFUSED(STATE),
                        [RULE_ACT_HOST] = REFUSED(STATE),
                        [RULE_ACT_GATE] = REFUSED(STATE),
                        [RULE_ACT_CLOSE] = REFUSED(STATE),
                        [RULE_ACT_RATIFY] = REFUSED(STATE),
                        [RULE_ACT_RENEW] = TO(HOLD, HELD),
                        [RULE_ACT_RECALL] = REFUSED(STATE),
                        [RULE_ACT_LIFT] = TO(GRANT, HOSTED),
                        [RULE_ACT_ANSWER] = REFUSED(STATE),
                        [RULE_ACT_ROSTER] = REFUSED(STATE),
                        [RULE_ACT_LINES] = REFUSED(STATE),
                        [RULE_ACT_LAPSE] = REFUSED(STATE),
                        [RULE_ACT_EXPIRE] = REFUSED(TIME),
                        [RULE_ACT_APPEAL] = TO(HOLD, HELD)},
};

static void every_transition(void **state)
{
    struct rule_roster r = people("nnsW", 2);
    (void)state;
    for (int m = 0; m < LINE_MODE_COUNT; m++) {
        for (int i = 0; i < RULE_ACT_COUNT; i++) {
            const struct cell *want = &CELLS[m][i];
            struct line_state s = state_of((enum line_mode)m), out = s;
            struct line_act a = act_of((enum rule_act)i, &r);
            enum line_floor f = line_tier_step(&s, &a, &out);
            bool same = f == want->floor &&
                        (f || (out.mode == want->mode &&
                               line_state_tier(&out, a.base) == want->tier));
            if (!same) {
                print_error("mode %d, %s: %s\n", m,
                            rule_act_word((enum rule_act)i),
                            line_floor_words(f));
                fail();
            }
            assert_true(line_floor_words(f)[0]);
        }
    }
}

/* What each transition wants, taken away one by one. */
static const struct {
    const char *what;
    enum line_mode mode;
    enum rule_act act;
    enum line_floor floor;
    /* what is changed */
    bool no_roster, unconfirmed, unreasoned, base_open, appealed;
    const char *affiliations;
    uint32_t keys;
    int64_t quorum_at, until, now, emergency;
    unsigned holds;
} CONDITIONS[] = {
    {"no roster", LINE_MODE_LINE, RULE_ACT_OPEN, LINE_FLOOR_ROSTER,
     .no_roster = true},
    {"no roster", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_ROSTER,
     .no_roster = true},
    {"one house", LINE_MODE_LINE, RULE_ACT_OPEN, LINE_FLOOR_QUORUM, .keys = 3},
    {"self-run", LINE_MODE_LINE, RULE_ACT_HOST, LINE_FLOOR_QUORUM,
     .affiliations = "nnnn"},
    {"self-run", LINE_MODE_EMERGENCY, RULE_ACT_RATIFY, LINE_FLOOR_QUORUM,
     .affiliations = "nnnn"},
    {"nobody", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_QUORUM,
     .keys = UINT32_C(1) << 31},
    {"one closes", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_NONE, .keys = 1},
    {"one recalls", LINE_MODE_GRANT, RULE_ACT_RECALL, LINE_FLOOR_QUORUM,
     .keys = 1},
    {"one lifts", LINE_MODE_EMERGENCY, RULE_ACT_LIFT, LINE_FLOOR_QUORUM,
     .keys = 1},
    {"not typed", LINE_MODE_LINE, RULE_ACT_OPEN, LINE_FLOOR_CONFIRM,
     .unconfirmed = true},
    {"not typed", LINE_MODE_LINE, RULE_ACT_GATE, LINE_FLOOR_CONFIRM,
     .unconfirmed = true},
    {"no delay", LINE_MODE_LINE, RULE_ACT_OPEN, LINE_FLOOR_COOLING,
     .quorum_at = NOW},
    {"nearly", LINE_MODE_LINE, RULE_ACT_GATE, LINE_FLOOR_COOLING,
     .quorum_at = NOW - DAY + 1},
    {"just", LINE_MODE_LINE, RULE_ACT_OPEN, LINE_FLOOR_NONE,
     .quorum_at = NOW - DAY},
    {"small", LINE_MODE_LINE, RULE_ACT_OPEN, LINE_FLOOR_SMALL,
     .base_open = true},
    {"small", LINE_MODE_LINE, RULE_ACT_HOST, LINE_FLOOR_SMALL,
     .base_open = true},
    {"no reason", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_REASON,
     .unreasoned = true},
    {"no reason", LINE_MODE_HOLD, RULE_ACT_RENEW, LINE_FLOOR_REASON,
     .unreasoned = true},
    {"no end", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_END, .until = NOW},
    {"four days", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_END,
     .until = NOW + 96 * HOUR},
    {"a year", LINE_MODE_EMERGENCY, RULE_ACT_RATIFY, LINE_FLOOR_END,
     .until = NOW + 365 * DAY},
    {"a year", LINE_MODE_LINE, RULE_ACT_HOST, LINE_FLOOR_END,
     .until = NOW + 365 * DAY},
    {"closed a month ago", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_AGAIN,
     .emergency = NOW - 30 * DAY},
    {"closed half a year ago", LINE_MODE_GRANT, RULE_ACT_CLOSE, LINE_FLOOR_NONE,
     .emergency = NOW - 180 * DAY},
    {"after 72 hours", LINE_MODE_EMERGENCY, RULE_ACT_RATIFY, LINE_FLOOR_TIME,
     .now = NOW + 24 * HOUR},
    {"the last one, insiders", LINE_MODE_HOLD, RULE_ACT_RENEW,
     LINE_FLOOR_OUTSIDE, .holds = 3, .keys = 5},
    {"the last one", LINE_MODE_HOLD, RULE_ACT_RENEW, LINE_FLOOR_NONE,
     .holds = 3, .keys = 9},
    {"one more", LINE_MODE_HOLD, RULE_ACT_RENEW, LINE_FLOOR_ENDLESS,
     .holds = 4},
    {"one more, anew", LINE_MODE_GRANT, RULE_ACT_RECALL, LINE_FLOOR_ENDLESS,
     .holds = 4},
    {"one more, anew", LINE_MODE_EMERGENCY, RULE_ACT_RATIFY, LINE_FLOOR_ENDLESS,
     .holds = 4},
    {"an appeal waits", LINE_MODE_HOLD, RULE_ACT_RENEW, LINE_FLOOR_APPEAL,
     .appealed = true},
    {"answered", LINE_MODE_HOLD, RULE_ACT_ANSWER, LINE_FLOOR_NONE,
     .appealed = true},
    {"answered by one", LINE_MODE_HOLD, RULE_ACT_ANSWER, LINE_FLOOR_QUORUM,
     .appealed = true, .keys = 1},
    {"its end", LINE_MODE_EMERGENCY, RULE_ACT_LAPSE, LINE_FLOOR_NONE,
     .now = NOW + 24 * HOUR},
    {"its end", LINE_MODE_HOLD, RULE_ACT_EXPIRE, LINE_FLOOR_NONE,
     .now = NOW + 90 * DAY},
    {"its end", LINE_MODE_GRANT, RULE_ACT_EXPIRE, LINE_FLOOR_NONE,
     .now = NOW + 90 * DAY},
};

/* A recall of what is open may mark it: it stays open, what was granted stays
 * granted, and it takes a quorum, a reason and an end like any other. */
static void a_recall_marks(void **state)
{
    struct rule_roster r = people("nnsW", 2);
    (void)state;
    for (int granted = 0; granted < 2; granted++) {
        struct line_state s = {.mode = LINE_MODE_LINE}, out;
        struct line_act a = act_of(RULE_ACT_RECALL, &r);
        a.target = RULE_TIER_OPEN;
        a.base = granted ? RULE_TIER_HELD : RULE_TIER_OPEN;
        if (granted) {
            s = (struct line_state){.mode = LINE_MODE_GRANT,
                                    .tier = RULE_TIER_OPEN,
                                    .grant = RULE_TIER_OPEN};
        }
        assert_int_equal(line_tier_step(&s, &a, &out), LINE_FLOOR_NONE);
        assert_int_equal(line_state_tier(&out, a.base), RULE_TIER_OPEN);
        assert_true(out.until > NOW);
        struct line_act l = act_of(RULE_ACT_LIFT, &r);
        l.base = a.base;
        assert_int_equal(line_tier_step(&out, &l, &out), LINE_FLOOR_NONE);
        assert_int_equal(line_state_tier(&out, a.base), RULE_TIER_OPEN);
        a.keys = 1;
        assert_int_equal(line_tier_step(&s, &a, &out), LINE_FLOOR_QUORUM);
        a = act_of(RULE_ACT_RECALL, &r);
        a.target = RULE_TIER_OPEN;
        a.base = RULE_TIER_OPEN;
        a.reasoned = false;
        assert_int_equal(line_tier_step(&s, &a, &out), LINE_FLOOR_REASON);
    }
    /* what is held is not opened by a recall */
    struct line_state s = {.mode = LINE_MODE_LINE}, out;
    struct line_act a = act_of(RULE_ACT_RECALL, &r);
    a.target = RULE_TIER_OPEN;
    a.base = RULE_TIER_HELD;
    assert_int_equal(line_tier_step(&s, &a, &out), LINE_FLOOR_DIRECTION);
}

static void every_condition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CONDITIONS / sizeof *CONDITIONS; i++) {
        struct rule_roster r = people(
            CONDITIONS[i].affiliations ? CONDITIONS[i].affiliations : "nnsW",
            2);
        struct line_state s = state_of(CONDITIONS[i].mode), out = s;
        struct line_act a = act_of(CONDITIONS[i].act, &r);
        a.roster = CONDITIONS[i].no_roster ? NULL : &r;
        a.confirmed = !CONDITIONS[i].unconfirmed;
        a.reasoned = !CONDITIONS[i].unreasoned;
        a.base = CONDITIONS[i].base_open ? RULE_TIER_OPEN : a.base;
        a.keys = CONDITIONS[i].keys ? CONDITIONS[i].keys : a.keys;
        a.quorum_at =
            CONDITIONS[i].quorum_at ? CONDITIONS[i].quorum_at : a.quorum_at;
        a.until = CONDITIONS[i].until ? CONDITIONS[i].until : a.until;
        a.now = CONDITIONS[i].now ? CONDITIONS[i].now : a.now;
        s.emergency =
            CONDITIONS[i].emergency ? CONDITIONS[i].emergency : s.emergency;
        s.holds = CONDITIONS[i].holds ? CONDITIONS[i].holds : s.holds;
        s.appealed = CONDITIONS[i].appealed;
        enum line_floor f = line_tier_step(&s, &a, &out);
        if (f != CONDITIONS[i].floor) {
            print_error("row %zu, %s: %s\n", i, CONDITIONS[i].what,
                        line_floor_words(f));
            fail();
        }
    }
}

/* What was granted holds again after a closing, what was recalled does not. */
static void what_comes_back(void **state)
{
    struct rule_roster r = people("nnsW", 2);
    struct line_state s = state_of(LINE_MODE_GRANT), out;
    (void)state;
    struct line_act a = act_of(RULE_ACT_CLOSE, &r);
    assert_int_equal(line_tier_step(&s, &a, &s), LINE_FLOOR_NONE);
    assert_int_equal(line_state_tier(&s, RULE_TIER_HELD), RULE_TIER_HELD);
    a = act_of(RULE_ACT_LAPSE, &r);
    a.roster = NULL; /* time needs nobody */
    a.now = s.until;
    assert_int_equal(line_tier_step(&s, &a, &out), LINE_FLOOR_NONE);
    assert_int_equal(line_state_tier(&out, RULE_TIER_HELD), RULE_TIER_HOSTED);
    a.now = NOW + 100 * DAY; /* the grant has ended meanwhile */
    assert_int_equal(line_tier_step(&s, &a, &out), LINE_FLOOR_NONE);
    assert_int_equal(line_state_tier(&out, RULE_TIER_HELD), RULE_TIER_HELD);
    assert_int_equal(line_state_tier(&out, RULE_TIER_OPEN), RULE_TIER_OPEN);
    s = state_of(LINE_MODE_GRANT);
    a = act_of(RULE_ACT_RECALL, &r);
    assert_int_equal(line_tier_step(&s, &a, &s), LINE_FLOOR_NONE);
    a = act_of(RULE_ACT_LIFT, &r);
    assert_int_equal(line_tier_step(&s, &a, &s), LINE_FLOOR_NONE);
    assert_int_equal(line_state_tier(&s, RULE_TIER_HELD), RULE_TIER_HELD);
}

static void other_parts(void **state)
{
    struct rule_tiers open = {
        {RULE_TIER_OPEN, RULE_TIER_OPEN, RULE_TIER_OPEN, RULE_TIER_OPEN}};
    struct rule_tiers less = open;
    (void)state;
    less.part[RULE_PART_SOURCE] = RULE_TIER_HELD;
    assert_true(line_tiers_ok(RULE_ACT_HOST, &open, &open));
    assert_false(line_tiers_ok(RULE_ACT_HOST, &open, &less));
    assert_true(line_tiers_ok(RULE_ACT_HOST, &less, &open));
    assert_true(line_tiers_ok(RULE_ACT_CLOSE, &open, &less));
    assert_false(line_tiers_ok(RULE_ACT_CLOSE, &less, &open));
    assert_true(line_tiers_ok(RULE_ACT_LIFT, &less, &open));
}

/* ---- a way round? ---- */

struct chance {
    uint64_t x;
};

static uint32_t draw(struct chance *c, uint32_t below)
{
    c->x ^= c->x << 13;
    c->x ^= c->x >> 7;
    c->x ^= c->x << 17;
    return (uint32_t)(c->x >> 33) % below;
}

/* One subject's life, and what the floor has to remember about it. */
struct life {
    struct chance c;
    struct rule_roster r;
    struct line_state s;
    enum rule_tier base;
    int64_t now;
    int64_t closed_since; /* below what it would be without people; 0: not */
    unsigned holds, steps_taken;
};

static struct rule_roster any_roster(struct chance *c)
{
    char who[9] = {0};
    uint32_t n = 1 + draw(c, 8), kinds = 1 + draw(c, 4);
    for (uint32_t i = 0; i < n; i++) {
        who[i] = "nsWe"[draw(c, kinds)];
    }
    struct rule_roster r = people(who, 2);
    r.cooling_off = DAY * (1 + draw(c, 30));
    for (int i = 0; i < RULE_ACT_COUNT; i++) {
        r.quorum[i] = r.affiliations > 2 ? 2 + draw(c, 2) : 2;
    }
    return r;
}

static struct line_act any_act(struct life *l)
{
    struct chance *c = &l->c;
    static const int64_t ENDS[] = {-DAY,      0,         HOUR,      72 * HOUR,
                                   73 * HOUR, 180 * DAY, 181 * DAY, 3650 * DAY};
    static const int64_t AGO[] = {0, 1, DAY - 1, DAY, 40 * DAY};
    struct line_act a = {.act = (enum rule_act)draw(c, RULE_ACT_COUNT),
                         .target = (enum rule_tier)draw(c, 4),
                         .base = l->base,
                         .now = l->now,
                         .reasoned = draw(c, 4) > 0,
                         .confirmed = draw(c, 4) > 0,
                         .roster = draw(c, 8) > 0 ? &l->r : NULL,
                         .keys = draw(c, 2) ? UINT32_MAX : draw(c, 256)};
    a.until = draw(c, 8) ? l->now + ENDS[draw(c, 8)] : 0;
    a.quorum_at = draw(c, 4) ? l->now - AGO[draw(c, 5)] : 0;
    return a;
}

/* How often, and by whom, something may be held; and what waits for nobody. */
static void judge_held(const struct life *l, const struct line_act *a,
                       const struct line_state *was,
                       const struct line_state *is, const struct rule_weight *w)
{
    if (is->mode == LINE_MODE_HOLD && is->holds > was->holds) {
        assert_true(w->affiliations >= 2 && a->reasoned);
        assert_true(is->holds <= RULE_RENEWALS_MAX + 1);
        assert_true(is->holds <= RULE_RENEWALS_MAX || w->outside);
    }
    if (l->base == RULE_TIER_OPEN && was->mode == LINE_MODE_LINE) {
        /* a small model waits for nobody, and is closed by a quorum, or for
         * 72 hours */
        assert_true(line_state_tier(was, l->base) == RULE_TIER_OPEN);
    }
}

/* Each sentence of the floor, asked of one step that was allowed. */
static void judge_step(const struct life *l, const struct line_act *a,
                       const struct line_state *was,
                       const struct line_state *is)
{
    enum rule_tier before = line_state_tier(was, l->base);
    enum rule_tier after = line_state_tier(is, l->base);
    struct rule_weight w = {0};
    if (a->roster) {
        rule_roster_weigh(a->roster, a->keys, &w);
    }
    bool by_time = a->act == RULE_ACT_LAPSE || a->act == RULE_ACT_EXPIRE;
    if (after > l->base && after > before && !by_time) {
        /* above the line: two affiliations, never of a self-run house */
        assert_true(w.affiliations >= 2 && !a->roster->self_run);
        /* and for the first time, not back to what was granted */
        if (after > was->grant && after >= RULE_TIER_GATED) {
            assert_true(a->confirmed && a->quorum_at > 0 &&
                        l->now - a->quorum_at >= a->roster->cooling_off);
        }
    }
    if (after > before && by_time) { /* only what a quorum granted before */
        assert_true(after <= (was->grant > l->base ? was->grant : l->base));
    }
    if (after < before && !by_time) {
        assert_true(a->reasoned && is->until > l->now && w.approvers > 0);
        assert_true(is->until - l->now <= (is->mode == LINE_MODE_EMERGENCY
                                               ? RULE_EMERGENCY_S
                                               : RULE_HOLD_MAX_S));
        assert_true(is->mode == LINE_MODE_EMERGENCY || w.affiliations >= 2);
    }
    judge_held(l, a, was, is, &w);
}

/* Everything that runs out, runs out without anybody's doing: the sweep. */
static void pass_time(struct life *l, int64_t seconds)
{
    l->now += seconds;
    for (int i = 0; i < 3; i++) {
        static const enum rule_act BY_TIME[] = {RULE_ACT_LAPSE,
                                                RULE_ACT_EXPIRE};
        for (size_t k = 0; k < 2; k++) {
            struct line_act a = {
                .act = BY_TIME[k], .base = l->base, .now = l->now};
            struct line_state out;
            if (line_tier_step(&l->s, &a, &out) == LINE_FLOOR_NONE) {
                judge_step(l, &a, &l->s, &out);
                l->s = out;
            }
        }
    }
    /* a closing that stands has an end to come */
    if (l->s.mode == LINE_MODE_EMERGENCY || l->s.mode == LINE_MODE_HOLD) {
        assert_true(l->s.until > l->now);
    }
}

/* No longer closed by people, in one piece, than the floor allows. */
static void judge_hold(struct life *l)
{
    enum rule_tier free = l->s.grant > l->base ? l->s.grant : l->base;
    bool closed = line_state_tier(&l->s, l->base) < free ||
                  l->s.mode == LINE_MODE_EMERGENCY ||
                  l->s.mode == LINE_MODE_HOLD;
    if (!closed) {
        l->closed_since = 0;
        return;
    }
    l->closed_since = l->closed_since ? l->closed_since : l->now;
    assert_true(l->now - l->closed_since <=
                RULE_EMERGENCY_S + (RULE_RENEWALS_MAX + 1) * RULE_HOLD_MAX_S);
}

static void no_way_round(void **state)
{
    unsigned allowed = 0, floors[LINE_FLOOR_COUNT] = {0};
    unsigned modes[LINE_MODE_COUNT] = {0};
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct life l = {.c = {seed * UINT64_C(0x9e3779b97f4a7c15)},
                         .now = NOW};
        l.r = any_roster(&l.c);
        l.base = (enum rule_tier)draw(&l.c, 4);
        for (int i = 0; i < 200; i++) {
            struct line_act a = any_act(&l);
            struct line_state out;
            enum line_floor f = line_tier_step(&l.s, &a, &out);
            floors[f]++;
            if (f == LINE_FLOOR_NONE) {
                judge_step(&l, &a, &l.s, &out);
                l.s = out;
                allowed++;
            }
            modes[l.s.mode]++;
            judge_hold(&l);
            if (draw(&l.c, 3) == 0) {
                pass_time(&l, (int64_t)draw(&l.c, 40) * DAY / 2);
            }
            if (draw(&l.c, 40) == 0) {
                l.r = any_roster(&l.c); /* approvers come and go */
            }
            if (draw(&l.c, 40) == 0) {
                l.base = (enum rule_tier)draw(&l.c, 4); /* and lines */
            }
        }
    }
    /* the search has been everywhere, else it says nothing */
    for (int i = 0; i < LINE_MODE_COUNT; i++) {
        assert_true(modes[i] > 1000);
    }
    for (int i = 0; i < LINE_FLOOR_COUNT; i++) {
        if (floors[i] == 0) {
            print_error("never met: %s\n",
                        line_floor_words((enum line_floor)i));
            fail();
        }
    }
    assert_true(allowed > 10000);
}

/* A self-run house can close for 72 hours, and nothing else. */
static void self_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct life l = {.c = {seed * UINT64_C(0x9e3779b97f4a7c15)},
                         .now = NOW};
        l.r = people("nnnn", 2);
        l.base = (enum rule_tier)draw(&l.c, 4);
        for (int i = 0; i < 100; i++) {
            struct line_act a = any_act(&l);
            struct line_state out;
            if (line_tier_step(&l.s, &a, &out) == LINE_FLOOR_NONE) {
                l.s = out;
            }
            assert_true(l.s.mode == LINE_MODE_LINE ||
                        l.s.mode == LINE_MODE_EMERGENCY);
            assert_true(line_state_tier(&l.s, l.base) <= l.base);
            pass_time(&l, (int64_t)draw(&l.c, 20) * DAY);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transition), cmocka_unit_test(every_condition),
        cmocka_unit_test(a_recall_marks),   cmocka_unit_test(what_comes_back),
        cmocka_unit_test(other_parts),      cmocka_unit_test(no_way_round),
        cmocka_unit_test(self_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
