/*
 * desk.c - what waits for approvers, and one statement: shown in full, as the
 * bytes that are signed, with the form that takes a signature.
 *
 * A statement that nobody signed yet is kept nowhere: its form carries it.
 */
#include "front/desk.h"
#include "front/danger.h"
#include "front/pass.h"
#include "front/quota.h"
#include "web/desk.h"
#include "web/form.h"
#include "web/handlers.h"

#define SHORT_DIGITS 12

static struct wh_str text_of(const json_t *o, const char *key)
{
    const json_t *v = wh_json_text(o, key);

    return v ? wh_str_of(json_string_value(v)) : WH_S("");
}

static bool is(const json_t *o, const char *key, const char *word)
{
    return wh_str_is(text_of(o, key), word);
}

/* ---- names of matters ---- */

bool web_desk_about(struct front_req *q, json_t *o, struct wh_err *err)
{
    struct wh_str subject = text_of(o, "subject"), name = WH_S("");
    json_t *repos = NULL;

    if (subject.n > 0) {
        if (!front_desk_repos(q, subject, FRONT_DESK_REPOS, &repos, err)) {
            return false;
        }
        name = text_of(json_array_get(repos, 0), "id");
        if (name.n == 0) {
            name = wh_arena_fmt(q->a, "subject %.*s",
                                WH_FMT(wh_str_sub(subject, 0, SHORT_DIGITS)));
        }
    }
    json_object_set_new(o, "repos", repos ? repos : json_array());
    json_object_set_new(o, "about", web_text(name));
    return true;
}

static bool about_each(struct front_req *q, json_t *list, struct wh_err *err)
{
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (!web_desk_about(q, one, err)) {
            return false;
        }
    }
    return true;
}

/* ---- the desk ---- */

static bool add_proposals(struct front_req *q, json_t *page, struct wh_err *err)
{
    json_t *signing = json_array(), *cooling = json_array();
    json_t *past = json_array(), *all, *one;
    size_t i;

    json_object_set_new(page, "signing", signing);
    json_object_set_new(page, "cooling", cooling);
    json_object_set_new(page, "past", past);
    if (!front_desk_proposals(q, &all, err) || !about_each(q, all, err)) {
        return false;
    }
    json_array_foreach(all, i, one)
    {
        json_array_append(is(one, "state", "signing")       ? signing
                          : is(one, "state", "cooling-off") ? cooling
                                                            : past,
                          one);
    }
    return true;
}

static bool add_closed(struct front_req *q, json_t *page, struct wh_err *err)
{
    json_t *lapsing = json_array(), *holds = json_array(), *all, *one;
    size_t i;

    json_object_set_new(page, "lapsing", lapsing);
    json_object_set_new(page, "holds", holds);
    if (!front_desk_holds(q, &all, err) || !about_each(q, all, err)) {
        return false;
    }
    json_array_foreach(all, i, one)
    {
        json_array_append(is(one, "kind", "emergency") ? lapsing : holds, one);
    }
    return true;
}

static bool add_appeals(struct front_req *q, json_t *page, struct wh_err *err)
{
    json_t *list = json_array(), *all, *one;
    struct front_pass pass;
    size_t i;

    json_object_set_new(page, "appeals", list);
    if (!front_pass_shown(q, &pass, err) || !front_desk_appeals(q, &all, err) ||
        !about_each(q, all, err)) {
        return false;
    }
    json_object_set_new(page, "reader", web_text_or_null(pass.approver));
    json_array_foreach(all, i, one)
    {
        if (json_is_null(json_object_get(one, "outcome"))) {
            json_array_append(list, one);
        }
    }
    return true;
}

static int any(const json_t *list)
{
    return json_array_size(list) > 0;
}

bool web_on_desk(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Desk"), ""), *roster, *waiting, *danger;
    json_t *grants;

    if (!front_desk_roster(q, &roster, err) ||
        !front_desk_waiting(q, &waiting, err) || !about_each(q, waiting, err) ||
        !front_desk_grants(q, &grants, err) || !about_each(q, grants, err) ||
        !front_danger_list(q, &danger, err) || !add_proposals(q, page, err) ||
        !add_closed(q, page, err) || !add_appeals(q, page, err)) {
        return false;
    }
    json_object_set_new(page, "any",
                        json_pack("{s:b,s:b,s:b}", "signing",
                                  any(json_object_get(page, "signing")),
                                  "waiting", any(waiting), "appeals",
                                  any(json_object_get(page, "appeals"))));
    json_object_set(page, "roster", roster);
    json_object_set(page, "waiting", waiting);
    json_object_set(page, "grants", grants);
    json_object_set(page, "reports", json_object_get(danger, "figures"));
    return web_page_send(q, 200, "desk", page, err);
}

/* ---- one statement ---- */

/* The lines that a statement names: those in force have names. */
static json_t *view_lines(struct front_req *q, const struct rule_statement *st)
{
    const struct line_set *set = &q->house->lines;
    json_t *list = json_array();

    for (size_t i = 0; i < set->n_enforced; i++) {
        const struct rule_line *line = set->enforced[i].line;
        for (size_t k = 0; k < st->n_lines; k++) {
            if (wh_str_is(st->lines[k], line->digest)) {
                json_array_append_new(
                    list, json_pack("{s:o,s:I}", "name", web_text(line->name),
                                    "version", (json_int_t)line->version));
            }
        }
    }
    return list;
}

static void add_statement(struct front_req *q, json_t *o,
                          const struct rule_statement *st)
{
    char confirm[RULE_CONFIRM_MAX], until[RULE_TIME_TEXT];
    json_t *reasons = json_array(), *rules = json_array(), *states;

    rule_statement_confirm(st->act, st->subject, confirm);
    rule_time_write(st->until, until);
    for (size_t i = 0; i < st->n_reasons; i++) {
        json_array_append_new(reasons, web_text(st->reasons[i]));
    }
    for (size_t i = 0; i < st->n_rules; i++) {
        json_array_append_new(rules, web_text(st->rules[i]));
    }
    states = json_pack("{s:b}",
                       is(o, "state", "cooling-off")
                           ? "cooling"
                           : json_string_value(json_object_get(o, "state")),
                       1);
    json_object_set_new(o, "in", states);
    json_object_set_new(o, "lines", view_lines(q, st));
    json_object_set_new(o, "reasons", reasons);
    json_object_set_new(o, "rules", rules);
    json_object_set_new(o, "confirm", web_text(wh_str_of(confirm)));
    json_object_set_new(
        o, "weights",
        rule_act_row(st->act)->sets_tiers
            ? json_string(rule_tier_word(st->tiers.part[RULE_PART_WEIGHTS]))
            : json_null());
    json_object_set_new(o, "until",
                        st->until ? json_string(until) : json_null());
}

bool web_desk_statement(struct front_req *q, int status,
                        const struct web_statement *s, const char *wrong,
                        struct wh_err *err)
{
    struct rule_statement st;
    json_t *page, *o;

    if (!rule_statement_read(s->text, &st, err) ||
        !front_desk_statement(q, s->text, s->paper, &o, err) ||
        !web_desk_about(q, o, err)) {
        return false;
    }
    add_statement(q, o, &st);
    page = web_page(q,
                    wh_arena_fmt(q->a, "%s %.*s", rule_act_word(st.act),
                                 WH_FMT(text_of(o, "about"))),
                    "");
    json_object_set(page, "matter", o);
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    json_object_set_new(page, "typed",
                        json_pack("{s:o,s:o}", "signature",
                                  web_text(s->signature), "confirm",
                                  web_text(s->confirm)));
    return web_form_send_any(q, status, "matter", page, err);
}

/* The matter of the path: a statement by its id or digest. */
static bool statement_at(struct front_req *q, struct web_statement *s,
                         struct wh_err *err)
{
    json_t *o;

    *s = (struct web_statement){0};
    if (!front_desk_proposal(q, q->at.a, &o, err)) {
        return false;
    }
    s->text = text_of(o, "statement");
    s->paper = text_of(o, "roster");
    return true;
}

bool web_on_matter(struct front_req *q, struct wh_err *err)
{
    struct web_statement s;

    return statement_at(q, &s, err) &&
           web_desk_statement(q, 200, &s, NULL, err);
}

/* ---- its bytes ---- */

/* ASCII of one form, read before it is given out: nobody's page, nobody's
 * script. */
static bool send_file(struct front_req *q, struct wh_str text,
                      struct wh_err *err)
{
    struct rule_statement st;

    if (!rule_statement_read(text, &st, err)) {
        return false;
    }
    net_answer(q->net, 200);
    net_answer_header(q->net, "Content-Type",
                      WH_S("text/plain; charset=us-ascii"));
    net_answer_header(q->net, "Content-Disposition",
                      WH_S("attachment; filename=\"statement.txt\""));
    net_answer_header(q->net, "X-Content-Type-Options", WH_S("nosniff"));
    net_answer_header(q->net, "Cache-Control", WH_S("no-store"));
    net_answer_bytes(q->net, text);
    net_answer_send(q->net);
    return true;
}

bool web_on_matter_file(struct front_req *q, struct wh_err *err)
{
    struct web_statement s;

    return statement_at(q, &s, err) && send_file(q, s.text, err);
}

/* Browsers send lines ended by CR LF. */
static struct wh_str without_cr(struct front_req *q, struct wh_str s)
{
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, WEB_FORM_MAX);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\r') {
            wh_buf_char(&b, s.p[i]);
        }
    }
    out = wh_arena_dup(q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

bool web_on_draft_file(struct front_req *q, struct wh_err *err)
{
    struct net_pairs form;

    return web_form_open_any(q, &form, err) &&
           send_file(q, without_cr(q, web_field(&form, "statement")), err);
}

/* ---- a signature comes in ---- */

static const struct {
    enum wh_code code;
    const char *says;
} ADVICE[] = {
    {WH_BAD_REQUEST,
     "Hand in the whole of statement.txt.sig, from BEGIN to END."},
    {WH_FORBIDDEN,
     "It has to be made by a key of the roster, over exactly the bytes below, "
     "with -n decision@weighhouse."},
    {WH_REFUSED, "The statement stands as it was; nothing was counted."},
    {WH_CONFLICT,
     "Look at the desk for what has happened meanwhile. A matter that goes on "
     "is drafted anew."},
};

/* "Not taken: <what>. <what to do>" */
static const char *refusal(struct front_req *q, const struct wh_err *why)
{
    const char *advice = "";

    for (size_t i = 0; i < sizeof ADVICE / sizeof *ADVICE; i++) {
        if (ADVICE[i].code == why->code) {
            advice = ADVICE[i].says;
        }
    }
    return wh_arena_cstr(
        q->a, wh_arena_fmt(q->a, "Not taken: %s. %s", why->msg, advice));
}

bool web_on_matter_sign(struct front_req *q, struct wh_err *err)
{
    struct line_signing in = {0};
    struct web_statement s;
    struct wh_err why = {0};
    struct net_pairs form;
    json_t *o;

    if (!web_form_open_any(q, &form, err)) {
        return false;
    }
    s = (struct web_statement){
        .text = without_cr(q, web_field(&form, "statement")),
        .paper = wh_str_trim(without_cr(q, web_field(&form, "roster"))),
        .signature = without_cr(q, web_field(&form, "signature")),
        .confirm = wh_str_trim(web_field(&form, "confirm"))};
    in = (struct line_signing){
        .text = s.text, .paper = s.paper, .confirm = s.confirm};
    if (front_quota_signature(q, &why) &&
        front_desk_sign(q, &in, s.signature, &o, &why)) {
        web_redirect(q, wh_arena_fmt(q->a, "/desk/%.*s#signed",
                                     WH_FMT(text_of(o, "id"))));
        return true;
    }
    if (wh_err_row(why.code)->http >= 500) {
        *err = why;
        return false;
    }
    return web_desk_statement(q, wh_err_row(why.code)->http, &s,
                              refusal(q, &why), err);
}
