/*
 * decision.c - composing the enforced lines into one decision and giving the
 * reasons for it.
 *
 * Per part the strictest line stands (rule_compose). The reasons are those of
 * the lines that bind: whose word about the most closed part is the word of
 * the decision. A decision that closes anything lasts as long as the shortest
 * of its lines says; one that closes nothing needs no end, since what is open
 * can not be taken back.
 */
#include "line/decision.h"

#include "base/time.h"

#define TEXT_MAX (1U << 20)
#define DAY_S 86400

/* One decision being made. */
/* Bytes of a method that a reason shows. */
#define METHOD_MAX 200

struct deciding {
    struct wh_arena *a;
    struct wh_err *err;
    struct line_decision *d;
    enum rule_part part; /* the most closed one */
    bool silent;         /* no line says anything about it */
    json_t *reasons, *missing;
    const json_t *evidence; /* the map of the question */
};

void line_time_text(int64_t s, char out[LINE_TIME_TEXT])
{
    char text[WH_TIME_TEXT];
    wh_time_text(s * 1000000, text);
    memcpy(out, text, 19);
    out[19] = 'Z';
    out[20] = '\0';
}

bool line_time_parse(struct wh_str text, int64_t *out)
{
    int64_t us;
    if (!rule_time_ok(text) || !wh_time_parse(text, &us)) {
        return false;
    }
    *out = us / 1000000;
    return true;
}

/* Canonical text and its digest. */
static bool seal(struct wh_arena *a, const json_t *v, struct wh_str *text,
                 char digest[WH_SHA256_HEX + 1], struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, TEXT_MAX);
    bool ok = wh_json_canonical(&b, v, err) && wh_buf_ok(&b, err);
    if (ok) {
        *text = wh_arena_dup(a, wh_buf_str(&b));
        wh_sha256_hex_of(*text, digest);
    }
    wh_buf_done(&b);
    return ok;
}

static bool is_subject(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (!digit && (s.p[i] < 'a' || s.p[i] > 'f')) {
            return false;
        }
    }
    return s.n == WH_SHA256_HEX;
}

static bool ask(struct deciding *g, const struct line_set *set,
                const struct line_question *q)
{
    struct line_decision *d = g->d;
    char now[LINE_TIME_TEXT];
    json_t *doc = wh_json_own(g->a, json_object());

    line_time_text(q->now, now);
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "subject", wh_json_str(q->subject));
    json_object_set_new(doc, "now", json_string(now));
    json_object_set(doc, "evidence", q->evidence);
    if (!seal(g->a, doc, &d->evidence, d->evidence_digest, g->err)) {
        return false;
    }
    d->n_enforced = set->n_enforced;
    d->n_shadow = set->n_shadow;
    for (size_t i = 0; i < set->n_enforced; i++) {
        d->enforced[i] = rule_eval(g->a, set->enforced[i].line, doc);
    }
    for (size_t i = 0; i < set->n_shadow; i++) {
        d->shadow[i] = rule_eval(g->a, set->shadow[i].line, doc);
    }
    rule_compose(d->enforced, d->n_enforced, &d->tiers);
    return true;
}

/* The most closed part; weights where several are. */
static enum rule_part most_closed(const struct rule_tiers *t)
{
    enum rule_part part = RULE_PART_WEIGHTS;
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        if (t->part[p] < t->part[part]) {
            part = (enum rule_part)p;
        }
    }
    return part;
}

static bool all_silent(const struct line_decision *d, enum rule_part part)
{
    for (size_t i = 0; i < d->n_enforced; i++) {
        if (d->enforced[i]->tiers.part[part] != RULE_TIER_PASS) {
            return false;
        }
    }
    return true;
}

/* Does this line's word make the decision about the part? When no line opens
 * it, the silence of all of them does. */
static bool binds(const struct deciding *g, const struct rule_result *r)
{
    return g->silent || r->tiers.part[g->part] == g->d->tiers.part[g->part];
}

/* Above before unsure before below. */
static unsigned gravity(enum rule_answer answer)
{
    return answer == RULE_ABOVE ? 2 : answer == RULE_UNSURE ? 1 : 0;
}

static void find_answer(struct deciding *g)
{
    g->d->answer = g->d->n_enforced == 0 ? RULE_UNSURE : RULE_BELOW;
    for (size_t i = 0; i < g->d->n_enforced; i++) {
        const struct rule_result *r = g->d->enforced[i];
        if (binds(g, r) && gravity(r->answer) > gravity(g->d->answer)) {
            g->d->answer = r->answer;
        }
    }
}

/* " (2 of 3 pieces came)": how a value was found that speaks against the
 * subject; the number of an interval speaks for itself. */
static void add_method(struct wh_buf *b, const struct rule_check *c,
                       const json_t *evidence)
{
    const json_t *item = json_object_get(evidence, c->expr->claim->name);
    const char *method = json_string_value(json_object_get(item, "method"));
    if (c->answer == RULE_NO && c->expr->claim->kind == RULE_KIND_VALUE &&
        method) {
        wh_buf_fmt(b, " (%.*s)", METHOD_MAX, method);
    }
}

/* "0 to 6.8e21 FLOP, attested by the house; ..." of the checks that matter. */
static struct wh_str seen_by(struct wh_arena *a, const struct rule_ruling *g,
                             const json_t *evidence)
{
    struct wh_buf b;
    wh_buf_init(&b, 4096);
    for (size_t i = 0; i < g->n_checks; i++) {
        const struct rule_check *c = &g->checks[i];
        if (g->answer != RULE_YES && c->answer == RULE_YES) {
            continue;
        }
        wh_buf_cstr(&b, b.n > 0 ? "; " : "");
        wh_buf_fmt(&b, "%s: ", c->expr->claim->words);
        wh_buf_add(&b, c->seen);
        add_method(&b, c, evidence);
    }
    struct wh_str s = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return s;
}

static void add_reason(struct deciding *g, const struct rule_result *r,
                       const struct rule_ruling *ruling)
{
    const struct rule_rule *rule = ruling->rule;
    if (g->d->n_rules == LINE_RULES_MAX) {
        return;
    }
    g->d->rules[g->d->n_rules++] = wh_arena_fmt(
        g->a, "%.*s/%.*s", WH_FMT(r->line->name), WH_FMT(rule->id));
    json_array_append_new(
        g->reasons, json_pack("{s:o, s:I, s:s, s:o, s:s, s:o, s:o, s:o}",
                              "line", wh_json_str(r->line->name), "version",
                              (json_int_t)r->line->version, "digest",
                              r->line->digest, "rule", wh_json_str(rule->id),
                              "answer", rule_three_word(ruling->answer),
                              "sentence", wh_json_str(rule->sentence), "reason",
                              wh_json_str(rule->reason), "seen",
                              wh_json_str(seen_by(g->a, ruling, g->evidence))));
}

/* Is what speaks against the subject in its own files? */
static bool is_own(const struct rule_ruling *g)
{
    for (size_t i = 0; i < g->n_checks; i++) {
        const struct rule_check *c = &g->checks[i];
        if (c->answer == RULE_NO && c->expr->claim->fold == RULE_FOLD_NONE) {
            return false;
        }
    }
    return true;
}

/* The rules of the binding lines with this answer; of those that say no, only
 * the ones that mean what `grave` and `own` say. */
static void add_reasons(struct deciding *g, enum rule_three answer, bool grave,
                        bool own)
{
    for (size_t i = 0; i < g->d->n_enforced; i++) {
        const struct rule_result *r = g->d->enforced[i];
        for (size_t k = 0; binds(g, r) && k < r->line->n_rules; k++) {
            const struct rule_ruling *ruling = &r->rulings[k];
            bool above = ruling->rule->if_no == RULE_ABOVE;
            if (ruling->answer == answer &&
                (answer != RULE_NO ||
                 (above == grave && is_own(ruling) == own))) {
                add_reason(g, r, ruling);
            }
        }
    }
}

/* Most telling first: what stands in the subject's own files before what points
 * elsewhere, since a repo's earlier weights are ancestors of its next ones. A
 * decision that closes something is not explained by the rules that it met. */
static void find_reasons(struct deciding *g)
{
    add_reasons(g, RULE_NO, true, true);
    add_reasons(g, RULE_NO, true, false);
    add_reasons(g, RULE_NO, false, true);
    add_reasons(g, RULE_NO, false, false);
    add_reasons(g, RULE_UNKNOWN, false, false);
    if (g->d->n_rules == 0) {
        add_reasons(g, RULE_YES, false, false);
    }
}

/* Claims without usable evidence in the binding lines, each once. */
static void find_missing(struct deciding *g)
{
    for (size_t i = 0; i < g->d->n_enforced; i++) {
        const struct rule_result *r = g->d->enforced[i];
        for (size_t k = 0; binds(g, r) && k < r->n_missing; k++) {
            const char *name = r->missing[k]->name;
            bool known = false;
            for (size_t j = 0; j < json_array_size(g->missing); j++) {
                const char *old =
                    json_string_value(json_array_get(g->missing, j));
                known = known || strcmp(old, name) == 0;
            }
            if (!known) {
                json_array_append_new(g->missing, json_string(name));
            }
        }
    }
}

/* Days until a decision that closes something ends. */
static int64_t days_of(const struct line_decision *d)
{
    int64_t days = RULE_LINE_DAYS_MAX;
    for (size_t i = 0; i < d->n_enforced; i++) {
        int64_t own = d->enforced[i]->line->days;
        days = own < days ? own : days;
    }
    return days;
}

static json_t *json_of_tiers(const struct rule_tiers *t)
{
    json_t *o = json_object();
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        json_object_set_new(o, rule_part_word((enum rule_part)p),
                            json_string(rule_tier_word(t->part[p])));
    }
    return o;
}

static json_t *json_of_answers(const struct line_decision *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->n_enforced; i++) {
        json_array_append_new(list, rule_result_json(d->enforced[i]));
    }
    return list;
}

static bool write_document(struct deciding *g)
{
    struct line_decision *d = g->d;
    char decided[LINE_TIME_TEXT];
    char until[LINE_TIME_TEXT];
    json_t *o = wh_json_own(g->a, json_object());

    line_time_text(d->decided, decided);
    line_time_text(d->until, until);
    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "type", json_string("decision"));
    json_object_set_new(o, "subject", wh_json_str(d->subject));
    json_object_set_new(o, "decided", json_string(decided));
    json_object_set_new(o, "until",
                        d->until ? json_string(until) : json_null());
    json_object_set_new(o, "by", json_string("line"));
    json_object_set_new(o, "answer", json_string(rule_answer_word(d->answer)));
    json_object_set_new(o, "tiers", json_of_tiers(&d->tiers));
    json_object_set_new(o, "evidence", json_string(d->evidence_digest));
    json_object_set_new(o, "lines", json_of_answers(d));
    json_object_set_new(o, "silent", json_boolean(g->silent));
    json_object_set(o, "reasons", g->reasons);
    json_object_set(o, "missing", g->missing);
    json_object_set_new(o, "approvals", json_array());
    json_object_set_new(o, "dissent", json_array());
    json_object_set_new(o, "appeal",
                        json_sprintf("/decisions/%.*s", WH_FMT(d->subject)));
    d->doc = o;
    return seal(g->a, o, &d->text, d->digest, g->err);
}

bool line_decide(struct wh_arena *a, const struct line_set *set,
                 const struct line_question *q, struct line_decision *out,
                 struct wh_err *err)
{
    struct deciding g = {.a = a,
                         .err = err,
                         .d = out,
                         .reasons = wh_json_own(a, json_array()),
                         .missing = wh_json_own(a, json_array()),
                         .evidence = q->evidence};

    *out = (struct line_decision){.subject = q->subject, .decided = q->now};
    if (!is_subject(q->subject)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a subject is named by 64 hex digits");
    }
    if (!ask(&g, set, q)) {
        return false;
    }
    g.part = most_closed(&out->tiers);
    g.silent = all_silent(out, g.part);
    if (out->tiers.part[g.part] < RULE_TIER_OPEN) {
        out->until = q->now + days_of(out) * DAY_S;
    }
    find_answer(&g);
    find_reasons(&g);
    find_missing(&g);
    return write_document(&g);
}
