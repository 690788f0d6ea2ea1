/*
 * exam.c - exams over the API: begun by an operator, seen by who sees the repo.
 */
#include "gateway/exam.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "line/exam.h"

/* The one that runs, or ran last. */
static json_t *view_run(const struct gateway_exam_view *v)
{
    return json_pack("{s:s,s:I,s:I,s:s,s:s}", "state",
                     gateway_exam_word(v->state), "asked", (json_int_t)v->asked,
                     "of", (json_int_t)v->of, "why", v->why, "waits", v->waits);
}

/* What is published about the newest revision, and what lines demand of it. */
static bool add_published(struct front_req *q, json_t *o, struct wh_err *err)
{
    int64_t repo = q->repo.is_private ? q->repo.id : 0;
    struct line_demand d;
    struct line_row row;
    struct wh_str subject = WH_S("");
    bool found = false;
    json_t *doc;

    json_object_set_new(o, "exam", json_null());
    json_object_set_new(o, "demand", json_null());
    if (q->repo.head.sha.n == 0 ||
        !line_revision_subject(q->db, q->a, q->repo.id, q->repo.head.sha,
                               &subject, err)) {
        return q->repo.head.sha.n == 0;
    }
    if (subject.n > 0 &&
        !line_current(q->db, q->a, subject, repo, &found, &row, err)) {
        return false;
    }
    if (!found) {
        return true;
    }
    if (!line_demand_ask(q->db, q->a, &q->house->lines, &row, repo,
                         wh_now_us() / 1000000, &d, err)) {
        return false;
    }
    json_object_set_new(
        o, "demand",
        json_pack("{s:b,s:b,s:o,s:O}", "asked", d.asked, "met", d.met, "words",
                  wh_json_str(line_demand_words(q->a, &d)), "lines", d.lines));
    if (d.examined) {
        if (!wh_json_parse(q->a, d.exam.doc, &doc, err)) {
            return false;
        }
        json_object_set_new(
            o, "exam",
            json_pack("{s:o,s:I,s:O}", "digest", wh_json_str(d.exam.digest),
                      "index", (json_int_t)d.exam.index, "document", doc));
    }
    return true;
}

static bool answer(struct front_req *q, int status, struct wh_err *err)
{
    struct gateway_exam_view v = {.state = GATEWAY_EXAM_NONE};
    json_t *o = wh_json_own(q->a, json_object());

    if (q->house->exams) {
        gateway_exams_look(q->house->exams, wh_str_of(q->repo.full), &v);
    }
    json_object_set_new(o, "run", view_run(&v));
    if (!add_published(q, o, err)) {
        return false;
    }
    front_answer_json(q->net, status, o);
    return true;
}

bool api_exam(struct front_req *q, struct wh_err *err)
{
    return answer(q, 200, err);
}

static bool read_count(const json_t *body, const char *key, uint64_t dflt,
                       uint64_t *out, struct wh_err *err)
{
    int64_t v;

    if (!wh_json_opt_i64(body, key, (int64_t)dflt, &v, err)) {
        return false;
    }
    *out = v < 0 ? 0 : (uint64_t)v;
    return v >= 0 || wh_fail(err, WH_BAD_REQUEST, "%s is a number", key);
}

bool api_exam_start(struct front_req *q, struct wh_err *err)
{
    struct gateway_exam_wish w = {.model = wh_str_of(q->repo.full)};
    json_t *body;

    if (!q->signed_in) {
        return wh_fail(err, WH_AUTH_REQUIRED, "");
    }
    if (!q->who.account.is_operator) {
        return wh_fail(err, WH_FORBIDDEN, "");
    }
    if (!front_req_credential(q, STORE_ROLE_ADMIN, err) ||
        !front_req_json(q, &body, err) ||
        !read_count(body, "harm", GATEWAY_EXAM_HARM, &w.harm, err) ||
        !read_count(body, "benign", GATEWAY_EXAM_BENIGN, &w.benign, err) ||
        !read_count(body, "seed", 1, &w.seed, err)) {
        return false;
    }
    if (!q->house->exams || q->repo.kind != STORE_MODEL) {
        return wh_fail(err, WH_REFUSED, "only models are examined");
    }
    return gateway_exams_start(q->house->exams, q->db, &w, err) &&
           answer(q, 202, err);
}
