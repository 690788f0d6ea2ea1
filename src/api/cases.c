/*
 * cases.c - the watch over the API: what is watched, cases, appeals, decisions,
 * texts, and who reviews.
 */
#include "api/handlers.h"
#include "front/answer.h"
#include "watch/desk.h"

static bool must_watch(const struct front_req *q, struct wh_err *err)
{
    return q->house->watch ||
           wh_fail(err, WH_NOT_FOUND, "nothing is watched in this house");
}

bool api_watch(struct front_req *q, struct wh_err *err)
{
    json_t *o;

    if (!must_watch(q, err) ||
        !watch_desk_public(q->house->watch, q->db, q->a, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

bool api_case_list(struct front_req *q, struct wh_err *err)
{
    json_t *o;

    if (!must_watch(q, err) || !watch_desk_list(q->house->watch, q->db, q->a,
                                                q->who.account.id, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

static bool find(struct front_req *q, struct watch_case *c,
                 enum watch_seer *seer, struct wh_err *err)
{
    return must_watch(q, err) &&
           watch_desk_find(q->db, q->a, q->at.a, front_req_account(q), c, seer,
                           err);
}

/* The case as it is now. */
static bool answer_case(struct front_req *q, const struct watch_case *c,
                        enum watch_seer seer, struct wh_err *err)
{
    json_t *o;

    if (!watch_desk_case(q->house->watch, q->db, q->a, c, seer,
                         front_req_account(q), &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

bool api_case(struct front_req *q, struct wh_err *err)
{
    enum watch_seer seer;
    struct watch_case c;

    return find(q, &c, &seer, err) && answer_case(q, &c, seer, err);
}

static bool read_text(struct front_req *q, const char *key, struct wh_str *out,
                      json_t **body, struct wh_err *err)
{
    return front_req_json(q, body, err) &&
           wh_json_get_str(*body, key, out, err);
}

bool api_case_appeal(struct front_req *q, struct wh_err *err)
{
    enum watch_seer seer;
    struct watch_case c;
    struct wh_str text;
    json_t *body;

    if (!find(q, &c, &seer, err) || !read_text(q, "text", &text, &body, err)) {
        return false;
    }
    if (seer != WATCH_HOLDER) {
        return wh_fail(err, WH_FORBIDDEN,
                       "An appeal is for the one whom it is about");
    }
    return watch_desk_appeal(q->house->watch, &c, text, err) &&
           answer_case(q, &c, seer, err);
}

bool api_case_decide(struct front_req *q, struct wh_err *err)
{
    struct wh_str outcome, reason;
    enum watch_seer seer;
    struct watch_case c;
    json_t *body;

    if (!front_req_credential(q, STORE_ROLE_WRITE, err) ||
        !find(q, &c, &seer, err) ||
        !read_text(q, "outcome", &outcome, &body, err) ||
        !wh_json_get_str(body, "reason", &reason, err)) {
        return false;
    }
    if (!wh_str_is(outcome, "lift") && !wh_str_is(outcome, "confirm")) {
        return wh_fail(err, WH_BAD_REQUEST, "outcome is lift or confirm");
    }
    return watch_desk_decide(q->house->watch, &c, q->who.account.id,
                             wh_str_is(outcome, "lift"), reason, err) &&
           answer_case(q, &c, seer, err);
}

bool api_case_wish(struct front_req *q, struct wh_err *err)
{
    enum watch_seer seer;
    struct watch_case c;
    struct wh_str reason;
    json_t *body;

    return front_req_credential(q, STORE_ROLE_WRITE, err) &&
           find(q, &c, &seer, err) &&
           read_text(q, "reason", &reason, &body, err) &&
           watch_desk_wish(q->house->watch, &c, q->who.account.id, reason,
                           err) &&
           answer_case(q, &c, seer, err);
}

bool api_case_texts(struct front_req *q, struct wh_err *err)
{
    enum watch_seer seer;
    struct watch_case c;
    json_t *list;

    if (!front_req_credential(q, STORE_ROLE_WRITE, err) ||
        !find(q, &c, &seer, err) ||
        !watch_desk_texts(q->house->watch, q->db, q->a, &c, q->who.account.id,
                          &list, err)) {
        return false;
    }
    front_answer_json(q->net, 200, list);
    return true;
}

/* ---- reviewers ---- */

static bool set_reviewer(struct front_req *q, bool on, struct wh_err *err)
{
    struct store_account who;

    if (!must_watch(q, err) ||
        !front_req_credential(q, STORE_ROLE_ADMIN, err) ||
        !store_account_by_name(q->db, q->at.a, &who, err) ||
        !watch_desk_reviewer(q->house->watch, who.id, on, err)) {
        return false;
    }
    front_answer_json(q->net, 200,
                      wh_json_own(q->a, json_pack("{s:s, s:b}", "name",
                                                  who.name, "reviewer", on)));
    return true;
}

bool api_reviewer_set(struct front_req *q, struct wh_err *err)
{
    return set_reviewer(q, true, err);
}

bool api_reviewer_drop(struct front_req *q, struct wh_err *err)
{
    return set_reviewer(q, false, err);
}
