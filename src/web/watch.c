/*
 * watch.c - what is watched, in public; the desk of the reviewers; and the page
 * of the person whom a case is about, which needs no sign-in.
 */
#include "base/mem.h"
#include "watch/desk.h"
#include "web/form.h"
#include "web/handlers.h"
#include "web/page.h"
#include <math.h>

/* The curve: a drawing of WIDTH units, evidence from 1 to 10^7. */
#define WIDTH 340
#define HEIGHT 150
#define LEFT 44
#define RIGHT 332
#define TOP 8
#define BOTTOM 132
#define DECADES 7

static bool must_watch(const struct front_req *q, struct wh_err *err)
{
    return q->house->watch ||
           wh_fail(err, WH_NOT_FOUND, "Nothing is watched in this house");
}

bool web_on_watch(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("What is watched"), ""), *o;

    if (!must_watch(q, err) ||
        !watch_desk_public(q->house->watch, q->db, q->a, &o, err)) {
        return false;
    }
    json_object_set(page, "watch", o);
    return web_page_send(q, 200, "watch", page, err);
}

bool web_on_cases(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Cases"), ""), *o;

    if (!must_watch(q, err) || !watch_desk_list(q->house->watch, q->db, q->a,
                                                q->who.account.id, &o, err)) {
        return false;
    }
    json_object_update(page, o);
    return web_page_send(q, 200, "cases", page, err);
}

/* ---- the curve ---- */

static long height_of(double log_e)
{
    double decades = log_e / 2.302585092994046;

    decades = decades < 0 ? 0 : decades > DECADES ? DECADES : decades;
    return lround(BOTTOM - (BOTTOM - TOP) * decades / DECADES);
}

static json_t *rungs(void)
{
    static const struct {
        int decade;
        const char *label;
    } rows[] = {{0, "1"},   {1, "10"},  {2, "100"},
                {3, "10³"}, {4, "10⁴"}, {6, "10⁶"}};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_array_append_new(
            list,
            json_pack("{s:I, s:s}", "y",
                      (json_int_t)height_of(rows[i].decade * 2.302585092994046),
                      "label", rows[i].label));
    }
    return list;
}

/* Alarms come newest first; the curve goes from the oldest on. Between two of
 * them evidence falls a little with every request that raises none. */
static json_t *curve(struct front_req *q, const json_t *alarms)
{
    size_t n = json_array_size(alarms);
    json_t *dots = json_array();
    struct wh_buf b;
    json_t *o;

    wh_buf_init(&b, 65536);
    wh_buf_fmt(&b, "%d,%d", LEFT, BOTTOM);
    for (size_t i = 0; i < n; i++) {
        const json_t *alarm = json_array_get(alarms, n - 1 - i);
        double e = 1e-6 * (double)json_integer_value(
                              json_object_get(alarm, "ln_evidence_millionths"));
        long x = LEFT + (long)((RIGHT - LEFT) * (i + 1) / n);
        wh_buf_fmt(&b, " %ld,%ld", x, height_of(e));
        json_array_append_new(dots, json_pack("{s:I, s:I}", "x", (json_int_t)x,
                                              "y", (json_int_t)height_of(e)));
    }
    o = json_pack("{s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "width", WIDTH,
                  "height", HEIGHT, "left", LEFT, "right", RIGHT, "points",
                  web_text(wh_arena_dup(q->a, wh_buf_str(&b))), "rungs",
                  rungs(), "dots", dots, "alarms", json_integer((json_int_t)n));
    wh_buf_done(&b);
    return o;
}

/* ---- one case ---- */

static bool find(struct front_req *q, struct watch_case *c,
                 enum watch_seer *seer, struct wh_err *err)
{
    return must_watch(q, err) &&
           watch_desk_find(q->db, q->a, q->at.a, front_req_account(q), c, seer,
                           err);
}

static bool case_page(struct front_req *q, int status,
                      const struct watch_case *c, enum watch_seer seer,
                      const char *wrong, const json_t *texts,
                      struct wh_err *err)
{
    json_t *page, *o;

    if (!watch_desk_case(q->house->watch, q->db, q->a, c, seer,
                         front_req_account(q), &o, err)) {
        return false;
    }
    page = web_page(q, wh_arena_fmt(q->a, "Case %.8s", c->public_id.p), "");
    json_object_set(page, "case", o);
    json_object_set_new(page, "at", web_text(q->at.a));
    json_object_set_new(page, "curve", curve(q, json_object_get(o, "alarms")));
    json_object_set_new(page, "desk", json_boolean(seer == WATCH_REVIEWER));
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    json_object_set_new(page, "texts",
                        texts ? json_deep_copy(texts) : json_null());
    if (!q->signed_in) {
        return web_form_send(q, status, "case", page, err);
    }
    return web_page_send(q, status, "case", page, err);
}

bool web_on_case(struct front_req *q, struct wh_err *err)
{
    enum watch_seer seer;
    struct watch_case c;

    return find(q, &c, &seer, err) &&
           case_page(q, 200, &c, seer, NULL, NULL, err);
}

static bool form_of(struct front_req *q, struct net_pairs *form,
                    struct wh_err *err)
{
    return q->signed_in ? web_form(q, form, err) : web_form_open(q, form, err);
}

/* It was done: the page again, by its own address. A mistake of the person: the
 * page with what is wrong. */
static bool done(struct front_req *q, bool ok, const struct watch_case *c,
                 enum watch_seer seer, const struct wh_err *why,
                 struct wh_err *err)
{
    int status = wh_err_row(why->code)->http;

    if (ok) {
        web_redirect(q,
                     wh_arena_fmt(q->a, "/cases/%.*s#said", WH_FMT(q->at.a)));
        return true;
    }
    if (status >= 500) {
        *err = *why;
        return false;
    }
    return case_page(q, status, c, seer, why->msg, NULL, err);
}

bool web_on_case_appeal(struct front_req *q, struct wh_err *err)
{
    struct wh_err why = {0};
    struct net_pairs form;
    enum watch_seer seer;
    struct watch_case c;
    bool ok;

    if (!form_of(q, &form, err) || !find(q, &c, &seer, err)) {
        return false;
    }
    if (seer != WATCH_HOLDER) {
        return wh_fail(err, WH_FORBIDDEN,
                       "An appeal is for the one whom it is about");
    }
    ok = watch_desk_appeal(q->house->watch, &c, web_field(&form, "text"), &why);
    return done(q, ok, &c, seer, &why, err);
}

bool web_on_case_decide(struct front_req *q, struct wh_err *err)
{
    struct wh_err why = {0};
    struct net_pairs form;
    enum watch_seer seer;
    struct watch_case c;
    struct wh_str outcome;
    bool ok;

    if (!web_form(q, &form, err) || !find(q, &c, &seer, err)) {
        return false;
    }
    outcome = web_field(&form, "outcome");
    if (!wh_str_is(outcome, "lift") && !wh_str_is(outcome, "confirm")) {
        return case_page(q, 400, &c, seer,
                         "Say whether it is lifted or "
                         "confirmed.",
                         NULL, err);
    }
    ok = watch_desk_decide(q->house->watch, &c, q->who.account.id,
                           wh_str_is(outcome, "lift"),
                           web_field(&form, "reason"), &why);
    return done(q, ok, &c, seer, &why, err);
}

bool web_on_case_wish(struct front_req *q, struct wh_err *err)
{
    struct wh_err why = {0};
    struct net_pairs form;
    enum watch_seer seer;
    struct watch_case c;
    bool ok;

    if (!web_form(q, &form, err) || !find(q, &c, &seer, err)) {
        return false;
    }
    ok = watch_desk_wish(q->house->watch, &c, q->who.account.id,
                         web_field(&form, "reason"), &why);
    return done(q, ok, &c, seer, &why, err);
}

/* Reading is a deed, so it is a POST; the texts are shown once, by its answer.
 */
bool web_on_case_texts(struct front_req *q, struct wh_err *err)
{
    struct wh_err why = {0};
    struct net_pairs form;
    enum watch_seer seer;
    struct watch_case c;
    json_t *texts;

    if (!web_form(q, &form, err) || !find(q, &c, &seer, err)) {
        return false;
    }
    if (!watch_desk_texts(q->house->watch, q->db, q->a, &c, q->who.account.id,
                          &texts, &why)) {
        return done(q, false, &c, seer, &why, err);
    }
    return case_page(q, 200, &c, seer, NULL, texts, err);
}
