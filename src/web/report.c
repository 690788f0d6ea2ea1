/*
 * report.c - reports of danger: the form on a model, what became of one, the
 * public figures, and the desk of those who answer.
 */
#include "line/report.h"
#include "base/time.h"
#include "front/danger.h"
#include "hub/view.h"
#include "web/form.h"
#include "web/handlers.h"
#include "web/page.h"

/* ---- making one ---- */

static bool form_page(struct front_req *q, int status,
                      const struct line_reported *made, const char *wrong,
                      struct wh_str kind, struct wh_str text,
                      struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Report a danger"), ""), *one;
    json_t *kinds = line_report_kinds();
    size_t i;

    json_array_foreach(kinds, i, one)
    {
        json_object_set_new(
            one, "selected",
            json_boolean(wh_str_is(
                kind, json_string_value(json_object_get(one, "kind")))));
    }
    json_object_set_new(page, "kinds", kinds);
    json_object_set_new(page, "id", json_string(q->repo.full));
    json_object_set_new(
        page, "path",
        web_text(wh_arena_fmt(q->a, "%s%s", hub_kind_prefix(q->repo.kind),
                              q->repo.full)));
    json_object_set_new(page, "text", web_text_or_null(text));
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    json_object_set_new(page, "made",
                        made ? json_pack("{s:s,s:s,s:o}", "id", made->id,
                                         "receipt", made->receipt, "due",
                                         hub_view_time(made->due))
                             : json_null());
    return web_form_send_any(q, status, "report_new", page, err);
}

bool web_on_report_new(struct front_req *q, struct wh_err *err)
{
    return form_page(q, 200, NULL, NULL, WH_S(""), WH_S(""), err);
}

bool web_on_report_send(struct front_req *q, struct wh_err *err)
{
    struct line_reported made;
    struct wh_err why = {0};
    struct wh_str kind, text;
    struct net_pairs form;

    if (!web_form_open_any(q, &form, err)) {
        return false;
    }
    kind = web_field(&form, "kind");
    text = web_field(&form, "text");
    if (front_danger_take(q, kind, text, &made, &why)) {
        return form_page(q, 201, &made, NULL, WH_S(""), WH_S(""), err);
    }
    if (why.code != WH_BAD_REQUEST && why.code != WH_RATE_LIMITED) {
        *err = why;
        return false;
    }
    return form_page(q, wh_err_row(why.code)->http, NULL, why.msg, kind, text,
                     err);
}

/* ---- figures, and the desk ---- */

/* "3 hours", "2 days". */
static json_t *length_words(const json_t *seconds)
{
    long long s = (long long)json_integer_value(seconds);

    if (!json_is_integer(seconds)) {
        return json_null();
    }
    return s < 7200          ? json_sprintf("%lld minutes", s / 60)
           : s < 48 * 3600LL ? json_sprintf("%lld hours", s / 3600)
                             : json_sprintf("%lld days", s / 86400);
}

bool web_on_reports(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Reports of danger"), "register"), *o;

    if (!front_danger_list(q, &o, err)) {
        return false;
    }
    json_object_set_new(page, "median",
                        length_words(json_object_get(
                            json_object_get(o, "figures"), "median_seconds")));
    json_object_set(page, "figures", json_object_get(o, "figures"));
    json_object_set_new(
        page, "desk",
        json_is_array(json_object_get(o, "desk"))
            ? json_pack("{s:O}", "reports", json_object_get(o, "desk"))
            : json_null());
    return web_page_send(q, 200, "reports", page, err);
}

/* ---- one ---- */

static bool report_page(struct front_req *q, int status, const char *wrong,
                        struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Report of danger"), "register");
    struct wh_str receipt = WH_S("");
    struct line_report r;
    bool desk;

    (void)front_query(q->net->query, "receipt", 0, q->a, &receipt);
    if (!front_danger_find(q, receipt, &r, &desk, err)) {
        return false;
    }
    json_object_set_new(page, "report",
                        line_report_view(&r, true, wh_now_us()));
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    json_object_set_new(page, "asks", json_boolean(desk && r.answered == 0));
    json_object_set_new(
        page, "open_incident",
        json_boolean(desk && r.incident && r.incident_closed == 0));
    return web_form_send_any(q, status, "report", page, err);
}

bool web_on_report(struct front_req *q, struct wh_err *err)
{
    return report_page(q, 200, NULL, err);
}

bool web_on_report_answer(struct front_req *q, struct wh_err *err)
{
    struct wh_err why = {0};
    struct net_pairs form;

    if (!web_form_open_any(q, &form, err)) {
        return false;
    }
    if (front_danger_answer(q, web_field(&form, "outcome"),
                            web_field(&form, "reasons"), &why)) {
        web_redirect(q, wh_arena_fmt(q->a, "/reports/%.*s", WH_FMT(q->at.a)));
        return true;
    }
    if (why.code != WH_BAD_REQUEST && why.code != WH_REFUSED) {
        *err = why;
        return false;
    }
    return report_page(q, wh_err_row(why.code)->http, why.msg, err);
}
