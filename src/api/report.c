/*
 * report.c - reports of danger over the API.
 */
#include "line/report.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/danger.h"
#include "hub/view.h"

bool api_report_new(struct front_req *q, struct wh_err *err)
{
    struct line_reported made;
    struct wh_str kind, text;
    json_t *body;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "kind", &kind, err) ||
        !wh_json_get_str(body, "text", &text, err) ||
        !front_danger_take(q, kind, text, &made, err)) {
        return false;
    }
    front_answer_json(
        q->net, 201,
        wh_json_own(q->a,
                    json_pack("{s:s,s:s,s:o}", "id", made.id, "receipt",
                              made.receipt, "due", hub_view_time(made.due))));
    return true;
}

bool api_reports(struct front_req *q, struct wh_err *err)
{
    json_t *o;

    if (!front_danger_list(q, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

bool api_report(struct front_req *q, struct wh_err *err)
{
    struct wh_str receipt = WH_S("");
    struct line_report r;
    bool desk;

    (void)front_query(q->net->query, "receipt", 0, q->a, &receipt);
    if (!front_danger_find(q, receipt, &r, &desk, err)) {
        return false;
    }
    front_answer_json(
        q->net, 200,
        wh_json_own(q->a, line_report_view(&r, desk, wh_now_us())));
    return true;
}

bool api_report_answer(struct front_req *q, struct wh_err *err)
{
    struct wh_str outcome, reasons;
    json_t *body;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "outcome", &outcome, err) ||
        !wh_json_get_str(body, "reasons", &reasons, err) ||
        !front_danger_answer(q, outcome, reasons, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}
