/*
 * pass.c - an approver's pass: the text to be signed, the signature, and the
 * cookie that comes of it.
 */
#include "front/pass.h"
#include "base/time.h"
#include "front/quota.h"
#include "web/form.h"
#include "web/handlers.h"

static bool pass_page(struct front_req *q, int status, int64_t until,
                      const char *wrong, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Read as an approver"), ""), *o;
    char end[WH_TIME_TEXT];
    struct front_pass have;

    if (!front_pass_shown(q, &have, err)) {
        return false;
    }
    wh_time_text(until * 1000000, end);
    o = json_pack("{s:o,s:s,s:I,s:n}", "text",
                  web_text(front_pass_text(q, until)), "until", end, "hours",
                  (json_int_t)(FRONT_PASS_SECONDS / 3600), "have");
    if (have.approver.n > 0) {
        wh_time_text(have.until * 1000000, end);
        json_object_set_new(o, "have",
                            json_pack("{s:o,s:s}", "approver",
                                      web_text(have.approver), "until", end));
    }
    json_object_set_new(page, "pass", o);
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    return web_form_send_any(q, status, "pass", page, err);
}

static int64_t fresh_end(void)
{
    return wh_now_us() / 1000000 + FRONT_PASS_SECONDS;
}

bool web_on_pass(struct front_req *q, struct wh_err *err)
{
    return pass_page(q, 200, fresh_end(), NULL, err);
}

bool web_on_pass_new(struct front_req *q, struct wh_err *err)
{
    struct front_pass pass;
    struct wh_err why = {0};
    struct net_pairs form;
    int64_t end;

    if (!web_form_open_any(q, &form, err)) {
        return false;
    }
    if (!wh_time_parse(web_field(&form, "until"), &end)) {
        end = 0;
    }
    if (front_quota_signature(q, &why) &&
        front_pass_give(q, end / 1000000, web_field(&form, "signature"), &pass,
                        &why)) {
        web_redirect_cookie(q, WH_S("/desk#appeals"), FRONT_PASS_COOKIE,
                            wh_arena_cstr(q->a, pass.value),
                            (long)(pass.until - wh_now_us() / 1000000));
        return true;
    }
    if (wh_err_row(why.code)->http >= 500) {
        *err = why;
        return false;
    }
    return pass_page(
        q, wh_err_row(why.code)->http, fresh_end(),
        wh_arena_cstr(q->a, wh_arena_fmt(q->a, "Not taken: %s.", why.msg)),
        err);
}

bool web_on_pass_end(struct front_req *q, struct wh_err *err)
{
    struct net_pairs form;

    if (!web_form_open_any(q, &form, err)) {
        return false;
    }
    web_redirect_cookie(q, WH_S("/desk"), FRONT_PASS_COOKIE, "", 0);
    return true;
}
