/*
 * approve.c - rosters, proposals, signatures, holds, appeals and passes over
 * the API.
 *
 * Nobody is asked here who they are: a signature by a key of the roster is what
 * decides (line/approve.h). An operator's token opens nothing.
 */
#include "line/approve.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/desk.h"
#include "front/pass.h"
#include "front/quota.h"
#include "hub/view.h"

/* ---- who may decide, and what is proposed ---- */

bool api_approvers(struct front_req *q, struct wh_err *err)
{
    json_t *o;

    if (!front_desk_roster(q, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

bool api_proposals(struct front_req *q, struct wh_err *err)
{
    json_t *list;

    if (!front_desk_proposals(q, &list, err)) {
        return false;
    }
    front_answer_json(q->net, 200, list);
    return true;
}

bool api_proposal(struct front_req *q, struct wh_err *err)
{
    json_t *o;

    if (!front_desk_proposal(q, q->at.a, &o, err)) {
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
        out->tier == RULE_TIER_PASS || hours < 0 || hours > INT64_C(24) * 366) {
        return wh_fail(err, WH_BAD_REQUEST, "unknown act, tier or time");
    }
    out->seconds = hours * 3600;
    return true;
}

bool api_proposal_draft(struct front_req *q, struct wh_err *err)
{
    struct line_asking asking = {0};
    json_t *o;

    if (!read_asking(q, &asking, err) ||
        !front_desk_draft(q, &asking, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

/* A statement with one signature: files it, adds to it, objects to it. */
bool api_proposal_sign(struct front_req *q, struct wh_err *err)
{
    struct line_signing in = {0};
    struct wh_str armour;
    json_t *body, *o;

    if (!front_quota_signature(q, err) || !front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "statement", &in.text, err) ||
        !wh_json_get_str(body, "signature", &armour, err) ||
        !wh_json_opt_str(body, "roster", WH_S(""), &in.paper, err) ||
        !wh_json_opt_str(body, "confirm", WH_S(""), &in.confirm, err) ||
        !front_desk_sign(q, &in, armour, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 201, o);
    return true;
}

/* ---- holds and appeals ---- */

bool api_holds(struct front_req *q, struct wh_err *err)
{
    json_t *list;

    if (!front_desk_holds(q, &list, err)) {
        return false;
    }
    front_answer_json(q->net, 200, list);
    return true;
}

bool api_appeals(struct front_req *q, struct wh_err *err)
{
    json_t *list;

    if (!front_desk_appeals(q, &list, err)) {
        return false;
    }
    front_answer_json(q->net, 200, list);
    return true;
}

bool api_appeal_new(struct front_req *q, struct wh_err *err)
{
    struct wh_str decision, text, id;
    json_t *body;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "decision", &decision, err) ||
        !wh_json_get_str(body, "text", &text, err) ||
        !front_desk_appeal(q, decision, text, &id, err)) {
        return false;
    }
    front_answer_json(
        q->net, 201,
        wh_json_own(q->a, json_pack("{s:o}", "id", wh_json_str(id))));
    return true;
}

/* ---- an approver's pass ---- */

bool api_pass_text(struct front_req *q, struct wh_err *err)
{
    int64_t until = wh_now_us() / 1000000 + FRONT_PASS_SECONDS;

    (void)err;
    front_answer_json(
        q->net, 200,
        wh_json_own(q->a, json_pack("{s:o,s:s,s:o}", "text",
                                    wh_json_str(front_pass_text(q, until)),
                                    "namespace", FRONT_PASS_NS, "until",
                                    hub_view_time(until * 1000000))));
    return true;
}

bool api_pass_new(struct front_req *q, struct wh_err *err)
{
    struct wh_str until, armour;
    struct front_pass pass;
    json_t *body;
    int64_t end;

    if (!front_quota_signature(q, err) || !front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "until", &until, err) ||
        !wh_json_get_str(body, "signature", &armour, err)) {
        return false;
    }
    if (!wh_time_parse(until, &end)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "until is the time that the signed text says");
    }
    if (!front_pass_give(q, end / 1000000, armour, &pass, err)) {
        return false;
    }
    front_answer_json(
        q->net, 201,
        wh_json_own(q->a, json_pack("{s:o,s:s,s:o,s:o}", "pass",
                                    wh_json_str(pass.value), "header",
                                    FRONT_PASS_HEADER, "approver",
                                    wh_json_str(pass.approver), "until",
                                    hub_view_time(pass.until * 1000000))));
    return true;
}
