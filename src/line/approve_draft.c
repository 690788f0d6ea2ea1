/*
 * approve_draft.c - a statement as it may be signed now.
 */
#include "base/enc.h"
#include "crypto/random.h"
#include "line/approve_impl.h"
#include "rule/floor.h"

#include <stdlib.h>

/* Days in which signatures may come in, besides the cooling-off. */
#define SIGNING_S (14 * RULE_DAY_S)

struct drafting {
    struct db *db;
    struct wh_arena *a;
    const struct line_house *h;
    const struct line_asking *q;
    struct rule_statement st;
    struct line_roster roster;
};

static bool about_roster(struct drafting *d, struct wh_err *err)
{
    struct rule_roster *next = WH_NEW(d->a, struct rule_roster);
    if (!rule_roster_read(d->a, d->q->paper, next, err)) {
        return false;
    }
    d->st.subject = wh_arena_dup(d->a, wh_str_of(next->digest));
    d->st.replaces = d->roster.index;
    return true;
}

static int by_text(const void *x, const void *y)
{
    const struct wh_str *a = x, *b = y;
    return wh_str_cmp(*a, *b);
}

/* The index of the entry that told the lines in force. */
static bool lines_entry(struct drafting *d, struct wh_err *err)
{
    return db_one_i64(db_start(d->db, DBQ_LINE_RECORDED_AT), -1,
                      &d->st.replaces, err);
}

/* A digest, or the line that a name means: of a bare one the version in force,
 * else the newest. */
static bool digest_of(const struct drafting *d, struct wh_str name,
                      struct wh_str *out, struct wh_err *err)
{
    const struct line_set *set = d->h->lines;
    const struct rule_line *line = line_set_find(set, name);
    *out = name;
    if (name.n == WH_SHA256_HEX && wh_str_find(name, '.') == SIZE_MAX) {
        return true;
    }
    for (size_t i = 0; !line && i < set->n_enforced; i++) {
        const struct rule_line *one = set->enforced[i].line;
        line = wh_str_eq(name, rule_line_label(d->a, one)) ? one : NULL;
    }
    if (!line) {
        size_t i = rule_known_name(d->a, set->known, set->n_known, name);
        line = i != SIZE_MAX ? set->known[i].line : NULL;
    }
    if (!line) {
        return wh_fail(err, WH_BAD_REQUEST, "there is no line \"%.*s\"",
                       (int)(name.n < 100 ? name.n : 100), name.p);
    }
    *out = wh_str_of(line->digest);
    return true;
}

static bool about_lines(struct drafting *d, struct wh_err *err)
{
    struct wh_str rest = d->q->paper, one;
    while (rest.n > 0 && d->st.n_lines < RULE_STATEMENT_LINES_MAX) {
        (void)wh_str_cut(&rest, ' ', &one);
        if (one.n > 0 &&
            !digest_of(d, one, &d->st.lines[d->st.n_lines++], err)) {
            return false;
        }
    }
    qsort(d->st.lines, d->st.n_lines, sizeof *d->st.lines, by_text);
    return lines_entry(d, err);
}

/* The tiers afterwards: the weights as the act says, the other parts as they
 * are, or open where it opens. */
static void find_tiers(struct drafting *d, const struct line_row *row)
{
    const struct rule_act_row *act = rule_act_row(d->q->act);
    enum rule_tier *weights = &d->st.tiers.part[RULE_PART_WEIGHTS];
    d->st.tiers = row->tiers;
    if (act->opens) {
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            d->st.tiers.part[p] = RULE_TIER_OPEN;
        }
    }
    *weights = d->q->act == RULE_ACT_OPEN   ? RULE_TIER_OPEN
               : d->q->act == RULE_ACT_GATE ? RULE_TIER_GATED
               : d->q->act == RULE_ACT_HOST ? RULE_TIER_HOSTED
                                            : d->q->tier;
}

/* Where a closing that is lifted leads. */
static bool find_lifted(struct drafting *d, const struct line_row *row,
                        struct wh_err *err)
{
    struct line_decision *base = WH_NEW(d->a, struct line_decision);
    struct line_tier_row t;
    if (!line_base(d->db, d->a, d->h, row, base, err) ||
        !line_tier_read(d->db, d->q->subject, d->q->repo, &t, err)) {
        return false;
    }
    d->st.tiers = base->tiers;
    enum rule_tier *w = &d->st.tiers.part[RULE_PART_WEIGHTS];
    if (t.state.grant > *w && (t.state.grant_until == 0 ||
                               t.state.grant_until > d->h->now / 1000000)) {
        *w = t.state.grant;
    }
    return true;
}

static bool all_open(const struct rule_tiers *t)
{
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        if (t->part[p] != RULE_TIER_OPEN) {
            return false;
        }
    }
    return true;
}

static void find_end(struct drafting *d)
{
    const struct rule_act_row *act = rule_act_row(d->q->act);
    int64_t longest = act->ends ? act->longest : RULE_HOLD_MAX_S;
    if (!act->sets_tiers ||
        (all_open(&d->st.tiers) && d->q->act != RULE_ACT_RECALL)) {
        return;
    }
    d->st.until = d->st.made + (d->q->seconds > 0 && d->q->seconds < longest
                                    ? d->q->seconds
                                    : longest);
}

static bool about_subject(struct drafting *d, struct wh_err *err)
{
    struct line_row row;
    bool found;
    if (!line_current(d->db, d->a, d->q->subject, d->q->repo, &found, &row,
                      err)) {
        return false;
    }
    if (!found) {
        return wh_fail(err, WH_NOT_FOUND,
                       "no decision about this subject is in effect");
    }
    d->st.subject = d->q->subject;
    d->st.evidence = row.evidence;
    d->st.replaces = row.index;
    d->st.n_lines = line_enforced(d->a, d->h, d->st.lines);
    if (d->q->act == RULE_ACT_LIFT) {
        if (!find_lifted(d, &row, err)) {
            return false;
        }
    } else if (rule_act_row(d->q->act)->sets_tiers) {
        find_tiers(d, &row);
    }
    find_end(d);
    return true;
}

static bool find_texts(struct drafting *d, struct wh_err *err)
{
    if (d->q->n_rules > RULE_STATEMENT_RULES_MAX ||
        d->q->n_reasons > RULE_STATEMENT_REASONS_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "too many rules or reasons");
    }
    for (size_t i = 0; i < d->q->n_rules; i++) {
        d->st.rules[d->st.n_rules++] = d->q->rules[i];
    }
    for (size_t i = 0; i < d->q->n_reasons; i++) {
        d->st.reasons[d->st.n_reasons++] = d->q->reasons[i];
    }
    return true;
}

static void find_times(struct drafting *d)
{
    int64_t cooling = rule_act_row(d->q->act)->irrevocable && d->roster.r
                          ? d->roster.r->cooling_off
                          : 0;
    d->st.made = d->h->now / 1000000;
    d->st.not_before = d->st.made + cooling;
    d->st.not_after = d->st.not_before + SIGNING_S;
    if (d->q->act == RULE_ACT_CLOSE) { /* it would have lapsed by then */
        d->st.not_after = d->st.made + RULE_EMERGENCY_S;
    }
}

static bool finish(struct drafting *d, struct wh_str *text, struct wh_err *err)
{
    uint8_t nonce[16];
    char hex[33];
    struct rule_statement read;
    struct wh_buf b;
    crypto_random(nonce, sizeof nonce);
    wh_hex_enc(nonce, sizeof nonce, hex);
    d->st.nonce = wh_arena_dup(d->a, wh_str_of(hex));
    wh_buf_init(&b, RULE_STATEMENT_MAX);
    rule_statement_write(&d->st, &b);
    bool ok = wh_buf_ok(&b, err);
    if (ok) {
        *text = wh_arena_dup(d->a, wh_buf_str(&b));
        ok = rule_statement_read(*text, &read, err);
    }
    wh_buf_done(&b);
    return ok;
}

bool line_draft(struct db *db, struct wh_arena *a, const struct line_house *h,
                const struct line_asking *q, struct wh_str *text,
                struct wh_err *err)
{
    struct drafting d = {.db = db, .a = a, .h = h, .q = q};
    if (rule_act_row(q->act)->takes == RULE_TAKES_NOBODY) {
        return wh_fail(err, WH_BAD_REQUEST, "that is not decided by signing");
    }
    if (!line_roster_now(db, a, h->size, &d.roster, err)) {
        return false;
    }
    d.st = (struct rule_statement){.act = q->act,
                                   .origin = h->origin,
                                   .tree_size = h->size,
                                   .tree_root = h->root,
                                   .replaces = -1};
    if (d.roster.r) {
        d.st.roster = d.roster.r->version;
        d.st.roster_digest = wh_str_of(d.roster.r->digest);
    } else if (q->act != RULE_ACT_ROSTER) {
        return wh_fail(err, WH_REFUSED, "%s",
                       line_floor_words(LINE_FLOOR_ROSTER));
    }
    find_times(&d);
    bool ok = q->act == RULE_ACT_ROSTER  ? about_roster(&d, err)
              : q->act == RULE_ACT_LINES ? about_lines(&d, err)
                                         : about_subject(&d, err);
    if (ok && q->act == RULE_ACT_ANSWER) {
        d.st.until = 0;
    }
    return ok && find_texts(&d, err) && finish(&d, text, err);
}
