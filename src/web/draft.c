/*
 * draft.c - what may be proposed about a subject, and the statement that says
 * so, drafted against what is published now.
 */
#include "front/desk.h"
#include "line/refusal.h"
#include "line/view.h"
#include "rule/floor.h"
#include "web/desk.h"
#include "web/form.h"
#include "web/handlers.h"

#define PAPER_MAX ((size_t)65536)

/* What the form was filled with. */
struct draft {
    struct front_req *q;
    struct wh_str act, subject, tier, days, rules, reasons, paper;
    enum rule_act which;
    bool chosen; /* `which` is an act that is signed */
    struct line_row row;
    json_t *doc;           /* the document of the decision in effect, or null */
    bool closed, appealed; /* by people; and somebody objects */
};

static struct wh_str hex_of(struct wh_str s)
{
    return wh_str_starts(s, WH_S("sha256:")) ? wh_str_sub(s, 7, s.n) : s;
}

/* Does somebody wait for an answer about this subject? */
static bool read_appeals(struct draft *d, struct wh_err *err)
{
    json_t *list, *one;
    size_t i;

    if (!front_desk_appeals(d->q, &list, err)) {
        return false;
    }
    json_array_foreach(list, i, one)
    {
        const char *subject =
            json_string_value(json_object_get(one, "subject"));
        d->appealed =
            d->appealed || (json_is_null(json_object_get(one, "outcome")) &&
                            subject && wh_str_is(d->subject, subject));
    }
    return true;
}

/* The decision in effect, and whether people closed it. */
static bool read_decision(struct draft *d, struct wh_err *err)
{
    enum rule_act act;
    const char *word;
    bool found;

    if (!line_current(d->q->db, d->q->a, d->subject, 0, &found, &d->row, err)) {
        return false;
    }
    if (!found) {
        return true;
    }
    if (!wh_json_parse(d->q->a, d->row.doc, &d->doc, err)) {
        return false;
    }
    word = json_string_value(json_object_get(d->doc, "act"));
    d->closed = d->row.made_by != LINE_MADE_BY_LINE && word &&
                rule_act_of(wh_str_of(word), &act) && rule_act_row(act)->closes;
    return read_appeals(d, err);
}

static bool choose(struct draft *d, struct wh_err *err)
{
    d->subject = hex_of(wh_str_trim(d->subject));
    d->chosen = rule_act_of(d->act, &d->which) &&
                rule_act_row(d->which)->takes != RULE_TAKES_NOBODY;
    return d->subject.n == 0 || read_decision(d, err);
}

/* ---- the page ---- */

/* Acts worth a link here; the machine of tiers has the last word on all. */
static bool offered(const struct draft *d, enum rule_act act)
{
    const struct rule_act_row *a = rule_act_row(act);
    enum rule_tier weights = d->row.tiers.part[RULE_PART_WEIGHTS];

    if (a->takes == RULE_TAKES_NOBODY || a->about_subject != (d->doc != NULL)) {
        return false;
    }
    if (!d->doc) {
        return true;
    }
    if (act == RULE_ACT_RATIFY) {
        return d->row.made_by == LINE_MADE_BY_EMERGENCY;
    }
    if (act == RULE_ACT_RENEW || act == RULE_ACT_LIFT) {
        return d->closed;
    }
    if (act == RULE_ACT_ANSWER) {
        return d->appealed;
    }
    return a->opens    ? weights < RULE_TIER_OPEN
           : a->closes ? weights > RULE_TIER_HELD
                       : true;
}

static json_t *view_acts(const struct draft *d)
{
    json_t *list = json_array();

    for (int i = 0; i < RULE_ACT_COUNT; i++) {
        const struct rule_act_row *a = rule_act_row((enum rule_act)i);
        if (offered(d, (enum rule_act)i)) {
            json_array_append_new(
                list, json_pack("{s:s,s:s,s:b}", "word", a->word, "does",
                                a->words, "one", a->takes == RULE_TAKES_ONE));
        }
    }
    return list;
}

static json_t *view_tiers(const struct draft *d)
{
    json_t *list = json_array();

    if (!rule_act_row(d->which)->closes) {
        return list;
    }
    for (int t = RULE_TIER_HELD; t <= RULE_TIER_OPEN; t++) {
        const char *word = rule_tier_word((enum rule_tier)t);
        if (t == RULE_TIER_OPEN && d->which != RULE_ACT_RECALL) {
            break;
        }
        json_array_append_new(list,
                              json_pack("{s:s,s:b}", "word", word, "selected",
                                        wh_str_is(d->tier, word)));
    }
    return list;
}

/* Names of the rules that may be named: of the lines in force. */
static json_t *view_rules(const struct draft *d)
{
    const struct line_set *set = &d->q->house->lines;
    json_t *list = json_array();

    for (size_t i = 0; i < set->n_enforced; i++) {
        const struct rule_line *line = set->enforced[i].line;
        for (size_t k = 0; k < line->n_rules; k++) {
            json_array_append_new(
                list,
                web_text(wh_arena_fmt(d->q->a, "%.*s/%.*s", WH_FMT(line->name),
                                      WH_FMT(line->rules[k].id))));
        }
    }
    return list;
}

/* Digests of the lines in force, one a line: those that are to go are taken
 * out. */
static struct wh_str lines_now(const struct draft *d)
{
    json_t *list = line_set_digests(&d->q->house->lines);
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, PAPER_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *s = json_string_value(json_array_get(list, i));
        wh_buf_cstr(&b, i ? "\n" : "");
        wh_buf_add(&b, hex_of(wh_str_of(s)));
    }
    out = wh_arena_dup(d->q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    json_decref(list);
    return out;
}

static json_t *view_form(const struct draft *d)
{
    const struct rule_act_row *a;
    struct wh_str paper = d->paper;
    json_t *o;

    if (!d->chosen) {
        return json_null();
    }
    a = rule_act_row(d->which);
    if (d->which == RULE_ACT_LINES && paper.n == 0) {
        paper = lines_now(d);
    }
    o = json_object();
    json_object_set_new(o, "act", json_string(a->word));
    json_object_set_new(o, "does", json_string(a->words));
    json_object_set_new(o, "subject",
                        a->about_subject ? web_text(d->subject) : json_null());
    json_object_set_new(o, "tiers", view_tiers(d));
    json_object_set_new(o, "has_tiers", json_boolean(a->closes));
    json_object_set_new(o, "days",
                        a->ends && a->longest > RULE_EMERGENCY_S
                            ? json_pack("{s:I,s:o}", "most",
                                        (json_int_t)(a->longest / RULE_DAY_S),
                                        "value", web_text(d->days))
                            : json_null());
    json_object_set_new(o, "names_rules", json_boolean(a->about_subject));
    json_object_set_new(o, "needs_rules", json_boolean(a->closes));
    json_object_set_new(o, "recall", json_boolean(d->which == RULE_ACT_RECALL));
    json_object_set_new(o, "roster_paper",
                        json_boolean(d->which == RULE_ACT_ROSTER));
    json_object_set_new(o, "lines_paper",
                        json_boolean(d->which == RULE_ACT_LINES));
    json_object_set_new(o, "rules", web_text(d->rules));
    json_object_set_new(o, "reasons", web_text(d->reasons));
    json_object_set_new(o, "paper", web_text(paper));
    return o;
}

static json_t *view_notice(const struct draft *d)
{
    struct line_refusal refusal = {.part = RULE_PART_WEIGHTS,
                                   .decision = d->doc};

    return d->doc && d->row.tiers.part[RULE_PART_WEIGHTS] < RULE_TIER_OPEN
               ? line_refusal_json(&refusal)
               : json_null();
}

static bool draft_page(struct draft *d, int status, const char *wrong,
                       struct wh_err *err)
{
    json_t *page = web_page(d->q, WH_S("Draft a statement"), "");
    json_t *o = wh_json_own(d->q->a, json_object());

    json_object_set_new(o, "subject", web_text_or_null(d->subject));
    if (!web_desk_about(d->q, o, err)) {
        return false;
    }
    json_object_set_new(page, "notice", view_notice(d));
    json_object_set_new(o, "found", json_boolean(d->doc != NULL));
    json_object_set_new(o, "acts", view_acts(d));
    json_object_set_new(o, "form", view_form(d));
    json_object_set_new(o, "known_rules", view_rules(d));
    json_object_set(page, "draft", o);
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    return web_form_send_any(d->q, status, "draft", page, err);
}

static struct wh_str asked(struct front_req *q, const char *key)
{
    struct wh_str v;

    return front_query(q->net->query, key, 0, q->a, &v) ? v : WH_S("");
}

bool web_on_draft(struct front_req *q, struct wh_err *err)
{
    struct draft d = {.q = q,
                      .act = asked(q, "act"),
                      .subject = asked(q, "subject"),
                      .row = {.subject = WH_S("")}};

    return choose(&d, err) && draft_page(&d, 200, NULL, err);
}

/* ---- the statement ---- */

/* Lines that say something, trimmed; at most max. */
static size_t lines_of(struct wh_str text, struct wh_str *out, size_t max)
{
    struct wh_str one;
    size_t n = 0;

    while (text.n > 0 && n < max) {
        (void)wh_str_cut(&text, '\n', &one);
        one = wh_str_trim(one);
        if (one.n > 0) {
            out[n++] = one;
        }
    }
    return n;
}

/* Digests that stay: one a line becomes blank separated. */
static struct wh_str joined(struct front_req *q, struct wh_str text)
{
    struct wh_str lines[RULE_STATEMENT_LINES_MAX], out;
    size_t n = lines_of(text, lines, RULE_STATEMENT_LINES_MAX);
    struct wh_buf b;

    wh_buf_init(&b, PAPER_MAX);
    for (size_t i = 0; i < n; i++) {
        wh_buf_cstr(&b, i ? " " : "");
        wh_buf_add(&b, hex_of(lines[i]));
    }
    out = wh_arena_dup(q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static bool read_days(const struct draft *d, int64_t *seconds,
                      struct wh_err *err)
{
    uint64_t days = 0;

    if (d->days.n > 0 &&
        (!wh_str_u64(d->days, &days) || days == 0 || days > 366)) {
        return wh_fail(err, WH_BAD_REQUEST, "days are a whole number");
    }
    *seconds = (int64_t)days * RULE_DAY_S;
    return true;
}

/* One more than there may be, so that the drafting can say so. */
static bool make(struct draft *d, struct web_statement *out, struct wh_err *err)
{
    struct wh_str rules[RULE_STATEMENT_RULES_MAX + 1];
    struct wh_str reasons[RULE_STATEMENT_REASONS_MAX + 1];
    struct line_asking asking = {.act = d->which,
                                 .subject = d->subject,
                                 .rules = rules,
                                 .reasons = reasons,
                                 .paper = d->paper};
    json_t *o;

    if (!d->chosen) {
        return wh_fail(err, WH_BAD_REQUEST, "no act was chosen");
    }
    asking.n_rules = lines_of(d->rules, rules, RULE_STATEMENT_RULES_MAX + 1);
    asking.n_reasons =
        lines_of(d->reasons, reasons, RULE_STATEMENT_REASONS_MAX + 1);
    if (asking.n_reasons == 0) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a statement says why: write a reason");
    }
    if (d->tier.n > 0 && !rule_tier_of(d->tier, &asking.tier)) {
        return wh_fail(err, WH_BAD_REQUEST, "that is no tier");
    }
    if (d->which == RULE_ACT_LINES) {
        asking.paper = joined(d->q, d->paper);
    }
    if (!read_days(d, &asking.seconds, err) ||
        !front_desk_draft(d->q, &asking, &o, err)) {
        return false;
    }
    *out = (struct web_statement){
        .text = wh_str_of(json_string_value(json_object_get(o, "statement"))),
        .paper = d->which == RULE_ACT_ROSTER ? d->paper : WH_S("")};
    return true;
}

bool web_on_draft_made(struct front_req *q, struct wh_err *err)
{
    struct draft d = {.q = q, .row = {.subject = WH_S("")}};
    struct web_statement s;
    struct wh_err why = {0};
    struct net_pairs form;

    if (!web_form_open_any(q, &form, err)) {
        return false;
    }
    d.act = web_field(&form, "act");
    d.subject = web_field(&form, "subject");
    d.tier = web_field(&form, "tier");
    d.days = wh_str_trim(web_field(&form, "days"));
    d.rules = web_field(&form, "rules");
    d.reasons = web_field(&form, "reasons");
    d.paper = wh_str_trim(web_field(&form, "paper"));
    if (!choose(&d, err)) {
        return false;
    }
    if (make(&d, &s, &why)) {
        return web_desk_statement(q, 200, &s, NULL, err);
    }
    if (wh_err_row(why.code)->http >= 500) {
        *err = why;
        return false;
    }
    return draft_page(
        &d, wh_err_row(why.code)->http,
        wh_arena_cstr(q->a, wh_arena_fmt(q->a, "Not drafted: %s.", why.msg)),
        err);
}
