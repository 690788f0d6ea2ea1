/*
 * notice.c - pages of recalls.
 */
#include "line/notice.h"
#include "base/time.h"
#include "front/desk.h"
#include "web/handlers.h"
#include "web/page.h"

#define LIST_MAX 200u
#define REPOS_MAX 20u

bool web_on_notices(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Notices"), "register");
    json_t *list = json_array(), *one;
    struct line_notice *rows;
    size_t n;

    json_object_set_new(page, "notices", list);
    if (!line_notices(q->db, q->a, INT64_MAX, false, LIST_MAX, &rows, &n,
                      err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!line_notice_view(q->db, q->a, &rows[i], wh_now_us() / 1000000,
                              &one, err)) {
            return false;
        }
        json_array_append(list, one);
    }
    return web_page_send(q, 200, "notices", page, err);
}

bool web_on_notice(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Notice"), "register");
    json_t *o, *repos;
    struct line_notice row;

    if (!line_notice_by_id(q->db, q->a, q->at.a, &row, err)) {
        return false;
    }
    if (row.repo != 0) {
        return wh_fail(err, WH_NOT_FOUND, "there is no such notice");
    }
    if (!line_notice_view(q->db, q->a, &row, wh_now_us() / 1000000, &o, err) ||
        !front_desk_repos(q, row.subject, REPOS_MAX, &repos, err)) {
        return false;
    }
    json_object_set_new(page, "repos", repos);
    json_object_set(page, "recall", o);
    return web_page_send(q, 200, "notice", page, err);
}
