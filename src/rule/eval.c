/*
 * eval.c - three-valued evaluation of a line.
 *
 * An interval is compared as a whole: "below" is yes only if its upper end,
 * times the margin, lies below the threshold; no only if its lower end does
 * not; unknown in between. Evidence that is missing, malformed, expired or not
 * independent enough is unknown. Kleene's tables join the answers, so losing
 * evidence can turn yes or no into unknown and never one into the other; the
 * loader (line.c) made sure that unknown opens least.
 *
 * eval.jq makes the same answers with jq alone; a change here is a change
 * there.
 */
#include "rule/eval.h"

#define SEEN_MAX 512

/* One rule being applied. */
struct applying {
    struct wh_arena *a;
    const struct rule_evidence *ev;
    struct rule_ruling *ruling;
};

static enum rule_three eval_node(struct applying *ap,
                                 const struct rule_expr *e);

static size_t count_checks(const struct rule_expr *e)
{
    if (rule_expr_compares(e)) {
        return 1;
    }
    size_t n = 0;
    for (size_t i = 0; i < e->n_kids; i++) {
        n += count_checks(&e->kids[i]);
    }
    return n;
}

static enum rule_three three_not(enum rule_three t)
{
    return (enum rule_three)(RULE_YES - t);
}

/* Is the interval below (or, with `touch`, at most at) the threshold? */
static enum rule_three is_below(const struct rule_expr *e,
                                const struct rule_item *item, bool touch)
{
    struct rule_dec spared;
    int least = touch ? 1 : 0; /* smallest comparison that is not below */

    if (rule_dec_mul(&item->hi, &e->margin, &spared) &&
        rule_dec_cmp(&spared, &e->threshold) < least) {
        return RULE_YES;
    }
    return rule_dec_cmp(&item->lo, &e->threshold) >= least ? RULE_NO
                                                           : RULE_UNKNOWN;
}

static enum rule_three is_one_of(const struct rule_expr *e, struct wh_str value)
{
    for (size_t i = 0; i < e->n_yes; i++) {
        if (wh_str_eq(e->yes[i], value)) {
            return RULE_YES;
        }
    }
    for (size_t i = 0; i < e->n_no; i++) {
        if (wh_str_eq(e->no[i], value)) {
            return RULE_NO;
        }
    }
    return RULE_UNKNOWN;
}

/* The answer that usable evidence gives. */
static enum rule_three compare(const struct rule_expr *e,
                               const struct rule_item *item)
{
    switch (e->op) {
    case RULE_OP_BELOW:
        return is_below(e, item, false);
    case RULE_OP_AT_MOST:
        return is_below(e, item, true);
    case RULE_OP_ABOVE:
        return three_not(is_below(e, item, true));
    case RULE_OP_AT_LEAST:
        return three_not(is_below(e, item, false));
    case RULE_OP_ONE_OF:
        return is_one_of(e, item->value);
    case RULE_OP_KNOWN:
        return RULE_YES;
    case RULE_OP_ALL:
    case RULE_OP_ANY:
    case RULE_OP_K_OF:
    case RULE_OP_NOT:
        break;
    }
    wh_panic(__FILE__, __LINE__, "not a comparison");
}

/* Usable evidence in words. */
static void words_of_used(const struct rule_claim *claim,
                          const struct rule_item *item, struct wh_buf *b)
{
    if (claim->kind == RULE_KIND_VALUE) {
        wh_buf_mem(b, item->value.p, item->value.n);
    } else {
        wh_buf_mem(b, item->lo_text.p, item->lo_text.n);
        if (!wh_str_eq(item->lo_text, item->hi_text)) {
            wh_buf_cstr(b, " to ");
            wh_buf_mem(b, item->hi_text.p, item->hi_text.n);
        }
        wh_buf_char(b, ' ');
        wh_buf_cstr(b, claim->unit);
    }
    wh_buf_fmt(b, ", attested by %s", rule_by_words(item->by));
}

/* What was seen for a comparison, in words. */
static struct wh_str words_of(struct wh_arena *a, const struct rule_expr *e,
                              const struct rule_item *item)
{
    struct wh_buf b;
    wh_buf_init(&b, SEEN_MAX);
    switch (item->state) {
    case RULE_STATE_USED:
        words_of_used(e->claim, item, &b);
        break;
    case RULE_STATE_EXPIRED:
        wh_buf_fmt(&b, "expired on %.*s", WH_FMT(item->expires));
        break;
    case RULE_STATE_DEPENDENT:
        wh_buf_fmt(&b, "attested only by %s", rule_by_words(item->by));
        break;
    case RULE_STATE_MISSING:
    case RULE_STATE_MALFORMED:
    case RULE_STATE_UNKNOWN:
    case RULE_STATE_COUNT:
        wh_buf_cstr(&b, rule_state_word(item->state));
        break;
    }
    struct wh_str words = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return words;
}

static enum rule_three eval_comparison(struct applying *ap,
                                       const struct rule_expr *e)
{
    struct rule_check *c = &ap->ruling->checks[ap->ruling->n_checks++];
    struct rule_item item;

    rule_evidence_look(ap->ev, e->claim, e->by, &item);
    c->expr = e;
    c->state = item.state;
    c->seen = words_of(ap->a, e, &item);
    c->answer =
        item.state == RULE_STATE_USED ? compare(e, &item) : RULE_UNKNOWN;
    return c->answer;
}

/* At least k of the kids: with k = n "all", with k = 1 "any". Every kid is
 * evaluated, so that the checks are complete. */
static enum rule_three eval_k_of(struct applying *ap, const struct rule_expr *e,
                                 size_t k)
{
    size_t n[RULE_THREE_COUNT] = {0};
    for (size_t i = 0; i < e->n_kids; i++) {
        n[eval_node(ap, &e->kids[i])]++;
    }
    if (n[RULE_YES] >= k) {
        return RULE_YES;
    }
    return n[RULE_YES] + n[RULE_UNKNOWN] < k ? RULE_NO : RULE_UNKNOWN;
}

static enum rule_three eval_node(struct applying *ap, const struct rule_expr *e)
{
    if (rule_expr_compares(e)) {
        return eval_comparison(ap, e);
    }
    if (e->op == RULE_OP_NOT) {
        return three_not(eval_node(ap, &e->kids[0]));
    }
    size_t k = e->op == RULE_OP_ALL   ? e->n_kids
               : e->op == RULE_OP_ANY ? 1
                                      : e->k;
    return eval_k_of(ap, e, k);
}

/* All rules yes: below. A rule that says no and is a reason for above: above.
 * Everything else: unsure. */
static enum rule_answer answer_of(const struct rule_result *r)
{
    enum rule_answer answer = RULE_BELOW;
    for (size_t i = 0; i < r->line->n_rules; i++) {
        const struct rule_ruling *g = &r->rulings[i];
        if (g->answer == RULE_NO && g->rule->if_no == RULE_ABOVE) {
            return RULE_ABOVE;
        }
        if (g->answer != RULE_YES) {
            answer = RULE_UNSURE;
        }
    }
    return answer;
}

static void add_missing(struct rule_result *r, const struct rule_claim *claim)
{
    for (size_t i = 0; i < r->n_missing; i++) {
        if (r->missing[i] == claim) {
            return;
        }
    }
    r->missing[r->n_missing++] = claim;
}

static void find_missing(struct wh_arena *a, struct rule_result *r)
{
    size_t rows = 0;
    while (rule_claim_at(rows) != NULL) {
        rows++;
    }
    r->missing = wh_arena_array(a, rows, sizeof(struct rule_claim *));
    for (size_t i = 0; i < r->line->n_rules; i++) {
        const struct rule_ruling *g = &r->rulings[i];
        for (size_t k = 0; g->answer == RULE_UNKNOWN && k < g->n_checks; k++) {
            if (g->checks[k].state != RULE_STATE_USED) {
                add_missing(r, g->checks[k].expr->claim);
            }
        }
    }
}

const struct rule_result *rule_eval(struct wh_arena *a,
                                    const struct rule_line *line, json_t *doc)
{
    struct rule_result *r = WH_NEW(a, struct rule_result);
    r->line = line;
    rule_evidence_open(doc, &r->evidence);
    for (size_t i = 0; i < line->n_rules; i++) {
        struct rule_ruling *g = &r->rulings[i];
        struct applying ap = {a, &r->evidence, g};
        g->rule = &line->rules[i];
        g->checks =
            wh_arena_array(a, count_checks(g->rule->when), sizeof(*g->checks));
        g->answer = eval_node(&ap, g->rule->when);
    }
    r->answer = answer_of(r);
    r->tiers = line->outcome[r->answer];
    find_missing(a, r);
    return r;
}

static json_t *json_of_check(const struct rule_check *c)
{
    json_t *o = json_object();
    json_object_set_new(o, "answer", json_string(rule_three_word(c->answer)));
    json_object_set_new(o, "claim", json_string(c->expr->claim->name));
    json_object_set_new(o, "need", wh_json_str(c->expr->need));
    json_object_set_new(o, "seen", wh_json_str(c->seen));
    json_object_set_new(o, "state", json_string(rule_state_word(c->state)));
    return o;
}

static json_t *json_of_ruling(const struct rule_ruling *g)
{
    json_t *o = json_object();
    json_t *checks = json_array();
    for (size_t i = 0; i < g->n_checks; i++) {
        json_array_append_new(checks, json_of_check(&g->checks[i]));
    }
    json_object_set_new(o, "answer", json_string(rule_three_word(g->answer)));
    json_object_set_new(o, "checks", checks);
    json_object_set_new(o, "id", wh_json_str(g->rule->id));
    json_object_set_new(o, "sentence", wh_json_str(g->rule->sentence));
    return o;
}

/* A text, or null when empty. */
static json_t *json_or_null(struct wh_str s)
{
    return s.n == 0 ? json_null() : wh_json_str(s);
}

json_t *rule_result_json(const struct rule_result *r)
{
    json_t *o = json_object();
    json_t *missing = json_array();
    json_t *rules = json_array();
    json_t *tiers = json_object();

    for (size_t i = 0; i < r->n_missing; i++) {
        json_array_append_new(missing, json_string(r->missing[i]->name));
    }
    for (size_t i = 0; i < r->line->n_rules; i++) {
        json_array_append_new(rules, json_of_ruling(&r->rulings[i]));
    }
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        json_object_set_new(tiers, rule_part_word((enum rule_part)p),
                            json_string(rule_tier_word(r->tiers.part[p])));
    }
    json_object_set_new(o, "answer", json_string(rule_answer_word(r->answer)));
    json_object_set_new(o, "digest", json_string(r->line->digest));
    json_object_set_new(o, "line", wh_json_str(r->line->name));
    json_object_set_new(o, "missing", missing);
    json_object_set_new(o, "now", json_or_null(r->evidence.now));
    json_object_set_new(o, "rules", rules);
    json_object_set_new(o, "subject", json_or_null(r->evidence.subject));
    json_object_set_new(o, "tiers", tiers);
    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "version", json_integer(r->line->version));
    return o;
}

void rule_compose(const struct rule_result *const *results, size_t n,
                  struct rule_tiers *out)
{
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        enum rule_tier strictest = RULE_TIER_PASS;
        for (size_t i = 0; i < n; i++) {
            enum rule_tier t = results[i]->tiers.part[p];
            if (t < strictest) { /* PASS stands above every tier */
                strictest = t;
            }
        }
        out->part[p] = strictest == RULE_TIER_PASS ? RULE_TIER_HELD : strictest;
    }
}
