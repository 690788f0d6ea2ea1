/*
 * danger.c - who may report, how often, and who answers.
 */
#include "front/danger.h"
#include "base/time.h"
#include "front/bucket.h"
#include "line/rows.h"

#define DESK_MAX 200u
/* The buckets count by the minute; an hour of ours is a minute of theirs. */
#define SLOWER 60

struct taking {
    struct line_report_new in;
    struct line_reported *out;
};

static bool take_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct taking *t = ctx;

    return line_report_add(db, &t->in, wh_now_us(), t->out, err);
}

static bool may_report(struct front_req *q, struct wh_err *err)
{
    struct front_rate rate;

    return !q->house->reporters ||
           front_buckets_take(q->house->reporters, wh_str_of(q->net->peer),
                              wh_mono_us() / SLOWER, &rate) ||
           wh_fail(err, WH_RATE_LIMITED,
                   "from this address came %llu reports within an hour: come "
                   "back later, or tell them all in one",
                   (unsigned long long)rate.limit);
}

bool front_danger_take(struct front_req *q, struct wh_str kind,
                       struct wh_str text, struct line_reported *out,
                       struct wh_err *err)
{
    struct taking t = {.in = {.repo = q->repo.id, .kind = kind, .text = text},
                       .out = out};

    if (q->repo.head.sha.n > 0 &&
        !line_revision_subject(q->db, q->a, q->repo.id, q->repo.head.sha,
                               &t.in.subject, err)) {
        return false;
    }
    return may_report(q, err) && db_write(q->house->writer, take_fn, &t, err);
}

bool front_danger_desk(struct front_req *q, bool *out, struct wh_err *err)
{
    struct db_stmt *s;
    int64_t since;

    *out = false;
    if (!q->signed_in) {
        return true;
    }
    s = db_start(q->db, DBQ_WATCH_REVIEWER_IS);
    db_bind_i64(s, 1, q->who.account.id);
    if (!db_one_i64(s, 0, &since, err)) {
        return false;
    }
    *out = since != 0;
    return true;
}

bool front_danger_find(struct front_req *q, struct wh_str receipt,
                       struct line_report *out, bool *desk, struct wh_err *err)
{
    return line_report_get(q->db, q->a, q->at.a, out, err) &&
           front_danger_desk(q, desk, err) &&
           (*desk || line_report_is_theirs(out, receipt) ||
            wh_fail(err, WH_NOT_FOUND, "there is no such report"));
}

struct answering {
    struct line_report r;
    struct wh_str outcome, reasons;
    int64_t account;
};

static bool answer_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct answering *x = ctx;

    return wh_str_is(x->outcome, "closed")
               ? line_incident_close(db, &x->r, x->reasons, x->account,
                                     wh_now_us(), err)
               : line_report_answer(db, &x->r, x->outcome, x->reasons,
                                    x->account, wh_now_us(), err);
}

bool front_danger_answer(struct front_req *q, struct wh_str outcome,
                         struct wh_str reasons, struct wh_err *err)
{
    struct answering x = {.outcome = outcome, .reasons = reasons};
    bool desk;

    if (!front_danger_desk(q, &desk, err)) {
        return false;
    }
    if (!desk) {
        return wh_fail(err, WH_FORBIDDEN,
                       "reports are answered by reviewers of this house");
    }
    x.account = q->who.account.id;
    return line_report_get(q->db, q->a, q->at.a, &x.r, err) &&
           db_write(q->house->writer, answer_fn, &x, err);
}

bool front_danger_list(struct front_req *q, json_t **out, struct wh_err *err)
{
    json_t *o = wh_json_own(q->a, json_object()), *figures, *list;
    struct line_report *rows;
    bool desk;
    size_t n;

    if (!line_report_figures(q->db, q->a, wh_now_us(), &figures, err) ||
        !front_danger_desk(q, &desk, err)) {
        return false;
    }
    json_object_set(o, "figures", figures);
    json_object_set_new(o, "desk", json_null());
    *out = o;
    if (!desk) {
        return true;
    }
    if (!line_report_desk(q->db, q->a, DESK_MAX, &rows, &n, err)) {
        return false;
    }
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list,
                              line_report_view(&rows[i], true, wh_now_us()));
    }
    json_object_set_new(o, "desk", list);
    return true;
}
