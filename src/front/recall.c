/*
 * recall.c - who meets recalled weights is told.
 */
#include "front/recall.h"
#include "base/time.h"
#include "line/rows.h"

bool front_recalls(struct front_req *q, struct wh_str sha,
                   struct line_notice **out, size_t *n, struct wh_err *err)
{
    struct wh_str subject;

    return line_revision_subject(q->db, q->a, q->repo.id, sha, &subject, err) &&
           line_notices_standing(q->db, q->a, subject, q->repo.id,
                                 wh_now_us() / 1000000, out, n, err);
}

void front_recall_headers(struct front_req *q, const struct line_notice *list,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char issued[WH_TIME_TEXT];
        wh_time_text(list[i].issued * 1000000, issued);
        net_answer_headerf(
            q->net, "X-HF-Warning",
            "recall-%.16s; %s was recalled on %.10s: %s. %.*s/notices/%.*s",
            wh_arena_cstr(q->a, list[i].subject), q->repo.full, issued,
            line_notice_reason_words(list[i].reason), WH_FMT(front_req_base(q)),
            WH_FMT(list[i].public_id));
    }
}

bool front_recall_leave_out(struct front_req *q, struct store_repo_query *list,
                            struct wh_err *err)
{
    int64_t *ids;

    if (front_query_bool(q->net->query, "recalled", q->a)) {
        return true;
    }
    if (!line_notice_repos(q->db, q->a, wh_now_us() / 1000000, &ids,
                           &list->n_leave_out, err)) {
        return false;
    }
    list->leave_out = ids;
    return true;
}
