/*
 * notice.c - pages of recalls.
 */
#include "line/notice.h"
#include "base/time.h"
#include "hub/view.h"
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

/* Repos with this subject that the caller may see. */
static bool find_repos(struct front_req *q, struct wh_str subject, json_t *list,
                       struct wh_err *err)
{
    int64_t *ids;
    size_t n;

    if (!line_subject_repos(q->db, q->a, subject, 0, &ids, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n && json_array_size(list) < REPOS_MAX; i++) {
        struct store_repo repo;
        struct wh_err gone = {0};
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
                                web_text(wh_arena_fmt(
                                    q->a, "%s%s", hub_kind_prefix(repo.kind),
                                    repo.full))));
        }
    }
    return true;
}

bool web_on_notice(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Notice"), "register");
    json_t *o, *repos = json_array();
    struct line_notice row;

    json_object_set_new(page, "repos", repos);
    if (!line_notice_by_id(q->db, q->a, q->at.a, &row, err)) {
        return false;
    }
    if (row.repo != 0) {
        return wh_fail(err, WH_NOT_FOUND, "there is no such notice");
    }
    if (!line_notice_view(q->db, q->a, &row, wh_now_us() / 1000000, &o, err) ||
        !find_repos(q, row.subject, repos, err)) {
        return false;
    }
    json_object_set(page, "recall", o);
    return web_page_send(q, 200, "notice", page, err);
}
