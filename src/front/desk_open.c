/*
 * desk_open.c - what waits for approvers: what is held, what people closed,
 * appeals.
 */
#include "base/time.h"
#include "front/desk.h"
#include "front/pass.h"
#include "hub/view.h"
#include "line/refusal.h"

#define LIST_MAX 50u

bool front_desk_repos(struct front_req *q, struct wh_str subject, size_t most,
                      json_t **out, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    int64_t *ids;
    size_t n;

    if (!line_subject_repos(q->db, q->a, subject, 0, &ids, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n && json_array_size(list) < most; i++) {
        struct wh_err gone = {0};
        struct store_repo repo;
        bool may = false;
        if (!store_repo_by_id(q->db, q->a, ids[i], &repo, &gone)) {
            continue;
        }
        if (!store_repo_readable(q->db, &repo, front_req_viewer(q), &may,
                                 err)) {
            return false;
        }
        if (may) {
            json_array_append_new(
                list, json_pack("{s:s,s:o}", "id", repo.full, "path",
                                wh_json_str(wh_arena_fmt(
                                    q->a, "%s%s", hub_kind_prefix(repo.kind),
                                    repo.full))));
        }
    }
    *out = json_incref(list);
    return true;
}

/* ---- held by lines ---- */

static bool view_waiting(struct front_req *q, int64_t id, json_t *list,
                         struct wh_err *err)
{
    struct line_refusal refusal = {.part = RULE_PART_WEIGHTS};
    json_t *o, *repos;
    struct line_row row;

    if (!line_by_row(q->db, q->a, id, &row, err) ||
        !wh_json_parse(q->a, row.doc, &refusal.decision, err) ||
        !front_desk_repos(q, row.subject, FRONT_DESK_REPOS, &repos, err)) {
        return false;
    }
    o = line_refusal_json(&refusal);
    json_object_set_new(o, "repos", repos);
    json_object_set_new(o, "subject", wh_json_str(row.subject));
    json_object_set_new(o, "decision", wh_json_str(row.public_id));
    json_array_append_new(list, o);
    return true;
}

bool front_desk_waiting(struct front_req *q, json_t **out, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    struct db_stmt *s = db_start(q->db, DBQ_DECISION_HELD);
    int64_t ids[LIST_MAX];
    enum db_row r;
    size_t n = 0;

    db_bind_i64(s, 1, wh_now_us() / 1000000);
    db_bind_i64(s, 2, LIST_MAX);
    while ((r = db_step(s, err)) == DB_ROW && n < LIST_MAX) {
        ids[n++] = db_col_i64(s, 0);
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!view_waiting(q, ids[i], list, err)) {
            return false;
        }
    }
    *out = list;
    return true;
}

/* ---- closed by people ---- */

bool front_desk_holds(struct front_req *q, json_t **out, struct wh_err *err)
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
    *out = list;
    return r != DB_FAIL;
}

bool front_desk_grants(struct front_req *q, json_t **out, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    struct db_stmt *s = db_start(q->db, DBQ_SUBJECT_TIER_GRANTS);
    enum db_row r;

    db_bind_i64(s, 1, LIST_MAX);
    while ((r = db_step(s, err)) == DB_ROW) {
        json_array_append_new(
            list,
            json_pack("{s:o,s:s,s:o}", "subject",
                      wh_json_str(db_col_text(s, 0)), "tier",
                      rule_tier_word((enum rule_tier)db_col_i64(s, 1)), "until",
                      hub_view_time(db_col_i64(s, 2) * 1000000)));
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

/* Counts and outcomes are public; the texts are for those who answer, and for
 * whom they are of. */
bool front_desk_appeals(struct front_req *q, json_t **out, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    int64_t me = front_req_viewer(q);
    struct front_pass pass;
    struct db_stmt *s;
    enum db_row r;

    if (!front_pass_shown(q, &pass, err)) {
        return false;
    }
    s = db_start(q->db, DBQ_APPEAL_LIST);
    db_bind_i64(s, 1, INT64_MAX);
    db_bind_i64(s, 2, LIST_MAX);
    while ((r = db_step(s, err)) == DB_ROW) {
        bool mine = me != 0 && db_col_i64(s, 8) == me;
        json_array_append_new(
            list,
            json_pack(
                "{s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
                wh_json_str(db_col_text(s, 0)), "mine", (int)mine, "decision",
                wh_json_str(db_col_text(s, 1)), "subject",
                wh_json_str(db_col_text(s, 2)), "text",
                mine || pass.approver.n > 0 ? wh_json_str(db_col_text(s, 3))
                                            : json_null(),
                "due", hub_view_time(db_col_i64(s, 4) * 1000000), "outcome",
                db_col_is_null(s, 5)
                    ? json_null()
                    : json_string(db_col_i64(s, 5) ? "changed" : "upheld"),
                "answer",
                db_col_is_null(s, 6) ? json_null()
                                     : wh_json_str(db_col_text(s, 6)),
                "created", hub_view_time(db_col_i64(s, 7))));
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}
