/*
 * approve.c - rosters, proposals, signatures, holds and appeals over the API.
 *
 * Nobody is asked here who they are: a signature by a key of the roster is what
 * decides (line/approve.h). An operator's token opens nothing.
 */
#include "line/approve.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "hub/approvals.h"
#include "hub/view.h"

#define LIST_MAX 50u

/* ---- who may decide ---- */

static json_t *view_approver(const struct rule_roster *r, size_t i)
{
    const struct rule_approver *a = &r->approvers[i];
    json_t *keys = json_array();
    for (size_t k = 0; k < r->n_keys; k++) {
        if (r->keys[k].approver == i) {
            json_array_append_new(keys,
                                  json_pack("{s:o,s:s}", "key",
                                            wh_json_str(r->keys[k].line),
                                            "fingerprint", r->keys[k].digest));
        }
    }
    return json_pack("{s:o,s:o,s:b,s:b,s:o}", "id", wh_json_str(a->id),
                     "affiliation", wh_json_str(a->affiliation), "outside",
                     (int)a->outside, "demo", (int)a->demo, "keys", keys);
}

static uint64_t published(const struct front_req *q)
{
    struct register_status status;
    register_status_get(q->house->log, &status);
    return status.size;
}

bool api_approvers(struct front_req *q, struct wh_err *err)
{
    struct line_roster *list;
    size_t n;
    if (!line_rosters(q->db, q->a, published(q), &list, &n, err)) {
        return false;
    }
    const struct rule_roster *r = n > 0 ? list[n - 1].r : NULL;
    json_t *o = wh_json_own(q->a, json_object()), *people = json_array();
    for (size_t i = 0; r && i < r->n_approvers; i++) {
        json_array_append_new(people, view_approver(r, i));
    }
    json_object_set_new(o, "approvers", people);
    json_object_set_new(o, "self_run", json_boolean(!r || r->self_run));
    json_object_set_new(o, "demo", json_boolean(r && r->demo));
    json_object_set_new(o, "version", json_integer(r ? r->version : 0));
    json_object_set_new(o, "affiliations",
                        json_integer(r ? (json_int_t)r->affiliations : 0));
    json_object_set_new(o, "quorum",
                        json_integer(r ? r->quorum[RULE_ACT_OPEN] : 0));
    json_object_set_new(o, "cooling_off", json_integer(r ? r->cooling_off : 0));
    json_object_set_new(o, "index",
                        r ? json_integer(list[n - 1].index) : json_null());
    json_object_set_new(o, "digest",
                        r ? json_sprintf("sha256:%s", r->digest) : json_null());
    json_object_set_new(o, "roster",
                        r ? wh_json_str(list[n - 1].doc) : json_null());
    front_answer_json(q->net, 200, o);
    return true;
}

/* ---- proposals ---- */

static const char *const STATES[] = {"signing", "cooling-off", "done", "void"};

static bool view_proposal(struct front_req *q, const struct line_proposal *p,
                          json_t **out, struct wh_err *err)
{
    struct line_signature_row *rows;
    size_t n;
    json_t *yes = json_array(), *no = json_array();
    json_t *o = wh_json_own(q->a, json_object());
    json_object_set_new(o, "approvals", yes);
    json_object_set_new(o, "dissent", no);
    if (!line_proposal_signatures(q->db, q->a, p->id, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct wh_buf b;
        wh_buf_init(&b, CRYPTO_SSHSIG_TEXT);
        crypto_sshsig_armor(rows[i].sig, &b);
        json_array_append_new(rows[i].dissent ? no : yes,
                              json_pack("{s:o,s:o,s:o,s:o,s:o}", "approver",
                                        wh_json_str(rows[i].approver),
                                        "affiliation",
                                        wh_json_str(rows[i].affiliation), "key",
                                        wh_json_str(rows[i].key), "signature",
                                        wh_json_str(wh_buf_str(&b)), "at",
                                        hub_view_time(rows[i].created)));
        wh_buf_done(&b);
    }
    json_object_set_new(o, "id", wh_json_str(p->public_id));
    json_object_set_new(o, "digest", wh_json_str(p->digest));
    json_object_set_new(o, "act", json_string(rule_act_word(p->act)));
    json_object_set_new(o, "state", json_string(STATES[p->state]));
    json_object_set_new(o, "subject",
                        p->subject.n ? wh_json_str(p->subject) : json_null());
    json_object_set_new(o, "statement", wh_json_str(p->text));
    json_object_set_new(o, "roster",
                        p->paper.n ? wh_json_str(p->paper) : json_null());
    json_object_set_new(o, "void_after", hub_view_time(p->not_after * 1000000));
    json_object_set_new(o, "opens_at",
                        p->due ? hub_view_time(p->due * 1000000) : json_null());
    json_object_set_new(o, "created", hub_view_time(p->created));
    *out = o;
    return true;
}

bool api_proposals(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array()), *one;
    struct line_proposal *rows;
    size_t n;
    if (!line_proposals(q->db, q->a, INT64_MAX, false, LIST_MAX, &rows, &n,
                        err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!view_proposal(q, &rows[i], &one, err)) {
            return false;
        }
        json_array_append(list, one);
    }
    front_answer_json(q->net, 200, list);
    return true;
}

bool api_proposal(struct front_req *q, struct wh_err *err)
{
    struct line_proposal p;
    json_t *o;
    if (!line_proposal_get(q->db, q->a, q->at.a, &p, err)) {
        return false;
    }
    if (p.repo != 0 && !front_req_sees_private(q)) {
        return wh_fail(err, WH_NOT_FOUND, "there is no such proposal");
    }
    if (!view_proposal(q, &p, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

/* A list of texts of the body. */
static bool read_texts(struct front_req *q, const json_t *body, const char *key,
                       size_t max, struct wh_str **out, size_t *n,
                       struct wh_err *err)
{
    const json_t *list = json_object_get(body, key);
    *n = json_array_size(list);
    if ((list && !json_is_array(list)) || *n > max) {
        return wh_fail(err, WH_BAD_REQUEST, "%s is a short list of texts", key);
    }
    *out = wh_arena_array(q->a, *n + 1, sizeof **out);
    for (size_t i = 0; i < *n; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_string(v)) {
            return wh_fail(err, WH_BAD_REQUEST, "%s is a list of texts", key);
        }
        (*out)[i] = wh_str_mem(json_string_value(v), json_string_length(v));
    }
    return true;
}

static bool read_asking(struct front_req *q, struct line_asking *out,
                        struct wh_err *err)
{
    struct wh_str act, tier, *rules = NULL, *reasons = NULL;
    int64_t hours;
    json_t *body;
    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "act", &act, err) ||
        !wh_json_opt_str(body, "subject", WH_S(""), &out->subject, err) ||
        !wh_json_opt_str(body, "tier", WH_S("held"), &tier, err) ||
        !wh_json_opt_i64(body, "hours", 0, &hours, err) ||
        !wh_json_opt_str(body, "paper", WH_S(""), &out->paper, err) ||
        !read_texts(q, body, "rules", RULE_STATEMENT_RULES_MAX, &rules,
                    &out->n_rules, err) ||
        !read_texts(q, body, "reasons", RULE_STATEMENT_REASONS_MAX, &reasons,
                    &out->n_reasons, err)) {
        return false;
    }
    out->rules = rules;
    out->reasons = reasons;
    if (!rule_act_of(act, &out->act) || !rule_tier_of(tier, &out->tier) ||
        out->tier == RULE_TIER_PASS || hours < 0 || hours > 24 * 366) {
        return wh_fail(err, WH_BAD_REQUEST, "unknown act, tier or time");
    }
    out->seconds = hours * 3600;
    return true;
}

bool api_proposal_draft(struct front_req *q, struct wh_err *err)
{
    struct line_asking asking = {0};
    struct line_house h;
    struct rule_statement st;
    struct wh_str text;
    char digest[WH_SHA256_HEX + 1], confirm[RULE_CONFIRM_MAX];
    line_house_make(q->a, q->house->log, &q->house->lines,
                    q->house->approvals.software, &h);
    if (!read_asking(q, &asking, err) ||
        !line_draft(q->db, q->a, &h, &asking, &text, err) ||
        !rule_statement_read(text, &st, err)) {
        return false;
    }
    wh_sha256_hex_of(text, digest);
    rule_statement_confirm(st.act, st.subject, confirm);
    front_answer_json(
        q->net, 200,
        wh_json_own(q->a,
                    json_pack("{s:o,s:s,s:s,s:s}", "statement",
                              wh_json_str(text), "digest", digest, "namespace",
                              RULE_NS_DECISION, "confirm", confirm)));
    return true;
}

/* A statement with one signature: files it, adds to it, objects to it. */
bool api_proposal_sign(struct front_req *q, struct wh_err *err)
{
    struct line_signing in = {0};
    struct line_signed out;
    struct wh_str armour;
    json_t *body;
    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "statement", &in.text, err) ||
        !wh_json_get_str(body, "signature", &armour, err) ||
        !wh_json_opt_str(body, "roster", WH_S(""), &in.paper, err) ||
        !wh_json_opt_str(body, "confirm", WH_S(""), &in.confirm, err) ||
        !crypto_sshsig_unarmor(q->a, armour, &in.sig, err) ||
        !hub_approvals_sign(&q->house->approvals, q->a, &in, &out, err)) {
        return false;
    }
    front_answer_json(
        q->net, 201,
        wh_json_own(q->a,
                    json_pack("{s:o,s:o,s:b,s:s}", "id",
                              wh_json_str(out.proposal), "approver",
                              wh_json_str(out.approver), "dissent",
                              (int)out.dissent, "state", STATES[out.state])));
    return true;
}

/* ---- holds and appeals ---- */

bool api_holds(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    struct db_stmt *s = db_start(q->db, DBQ_SUBJECT_TIER_HOLDS);
    enum db_row r;
    db_bind_i64(s, 1, LIST_MAX);
    while ((r = db_step(s, err)) == DB_ROW) {
        json_array_append_new(
            list,
            json_pack("{s:o,s:s,s:s,s:o,s:I,s:o}", "subject",
                      wh_json_str(db_col_text(s, 0)), "kind",
                      db_col_i64(s, 2) == LINE_MODE_EMERGENCY ? "emergency"
                                                              : "hold",
                      "tier", rule_tier_word((enum rule_tier)db_col_i64(s, 3)),
                      "until", hub_view_time(db_col_i64(s, 4) * 1000000),
                      "holds", (json_int_t)db_col_i64(s, 5), "decision",
                      wh_json_str(db_col_text(s, 6))));
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    front_answer_json(q->net, 200, list);
    return true;
}

/* Counts and outcomes are public, the texts are not. */
bool api_appeals(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    struct db_stmt *s = db_start(q->db, DBQ_APPEAL_LIST);
    int64_t me = front_req_account(q);
    enum db_row r;
    db_bind_i64(s, 1, INT64_MAX);
    db_bind_i64(s, 2, LIST_MAX);
    while ((r = db_step(s, err)) == DB_ROW) {
        bool mine = me != 0 && db_col_i64(s, 8) == me;
        json_array_append_new(
            list,
            json_pack(
                "{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
                wh_json_str(db_col_text(s, 0)), "decision",
                wh_json_str(db_col_text(s, 1)), "text",
                mine ? wh_json_str(db_col_text(s, 3)) : json_null(), "due",
                hub_view_time(db_col_i64(s, 4) * 1000000), "outcome",
                db_col_is_null(s, 5)
                    ? json_null()
                    : json_string(db_col_i64(s, 5) ? "changed" : "upheld"),
                "answer",
                db_col_is_null(s, 6) ? json_null()
                                     : wh_json_str(db_col_text(s, 6)),
                "created", hub_view_time(db_col_i64(s, 7))));
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    front_answer_json(q->net, 200, list);
    return true;
}

struct appealing {
    struct wh_arena *a;
    struct line_house h;
    struct line_row row;
    int64_t account;
    struct wh_str text, id;
};

static bool appeal_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct appealing *x = ctx;
    return line_appeal(db, x->a, &x->h, &x->row, x->account, x->text, &x->id,
                       err);
}

bool api_appeal_new(struct front_req *q, struct wh_err *err)
{
    struct appealing x = {.a = q->a, .account = q->who.account.id};
    struct wh_str decision;
    json_t *body;
    line_house_make(q->a, q->house->log, &q->house->lines,
                    q->house->approvals.software, &x.h);
    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "decision", &decision, err) ||
        !wh_json_get_str(body, "text", &x.text, err) ||
        !line_by_id(q->db, q->a, decision, &x.row, err)) {
        return false;
    }
    if (x.row.repo != 0) {
        return wh_fail(err, WH_NOT_FOUND, "there is no such decision");
    }
    if (!db_write(q->house->writer, appeal_fn, &x, err)) {
        return false;
    }
    register_kick(q->house->log);
    front_answer_json(
        q->net, 201,
        wh_json_own(q->a, json_pack("{s:o}", "id", wh_json_str(x.id))));
    return true;
}
