/*
 * notice.c - recalls over the API, and the list that others follow.
 */
#include "line/notice.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "register/read.h"

#define LIST_MAX 200u

static int64_t now_s(void)
{
    return wh_now_us() / 1000000;
}

bool api_notices(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array()), *one;
    struct line_notice *rows;
    size_t n;

    if (!line_notices(q->db, q->a, INT64_MAX, false, LIST_MAX, &rows, &n,
                      err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!line_notice_view(q->db, q->a, &rows[i], now_s(), &one, err)) {
            return false;
        }
        json_array_append(list, one);
    }
    front_answer_json(q->net, 200, list);
    return true;
}

bool api_notice(struct front_req *q, struct wh_err *err)
{
    struct line_notice row;
    json_t *o;

    if (!line_notice_by_id(q->db, q->a, q->at.a, &row, err)) {
        return false;
    }
    if (row.repo != 0) { /* its repo's pages show it to those who may see it */
        return wh_fail(err, WH_NOT_FOUND, "there is no such notice");
    }
    if (!line_notice_view(q->db, q->a, &row, now_s(), &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

/* ---- the signed list ---- */

/* A leaf with its proof: whoever has the log's key needs nothing else. */
static bool proved(struct front_req *q, const struct line_notice *n,
                   json_t **out, struct wh_err *err)
{
    struct wh_buf b;
    bool ok;

    wh_buf_init(&b, 65536);
    ok = register_proof(q->house->reader, (uint64_t)n->index, &b, err);
    if (ok) {
        *out = json_pack("{s:I,s:I,s:o,s:o}", "number", (json_int_t)n->number,
                         "index", (json_int_t)n->index, "leaf",
                         wh_json_str(n->leaf), "proof",
                         wh_json_str(wh_buf_str(&b)));
    }
    wh_buf_done(&b);
    return ok;
}

bool api_notice_list(struct front_req *q, struct wh_err *err)
{
    json_t *o = wh_json_own(q->a, json_object()), *list = json_array(), *one;
    struct line_notice *rows;
    struct register_status status;
    int64_t version;
    size_t n;

    json_object_set_new(o, "notices", list);
    register_status_get(q->house->log, &status);
    if (!line_notice_version(q->db, &version, err) ||
        !line_notices(q->db, q->a, INT64_MAX, false, LIST_MAX, &rows, &n,
                      err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (line_notice_stands(&rows[i], now_s()) &&
            (uint64_t)rows[i].index < status.size) {
            if (!proved(q, &rows[i], &one, err)) {
                return false;
            }
            json_array_append_new(list, one);
        }
    }
    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "version", json_integer((json_int_t)version));
    json_object_set_new(o, "origin", json_string(status.origin));
    json_object_set_new(o, "size", json_integer((json_int_t)status.size));
    front_answer_json(q->net, 200, o);
    return true;
}
