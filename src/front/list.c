/*
 * list.c - whose private repos a list may show, and where its next page is.
 */
#include "front/list.h"
#include "base/buf.h"
#include "front/recall.h"

bool front_list_readable(struct front_req *q, struct store_repo_query *list,
                         struct wh_err *err)
{
    struct store_membership *orgs;
    int64_t *ids;
    size_t n;

    if (!front_recall_leave_out(q, list, err)) {
        return false;
    }
    if (front_req_viewer(q) == 0) {
        return true;
    }
    if (!store_member_orgs(q->db, q->a, q->who.account.id, &orgs, &n, err)) {
        return false;
    }
    ids = wh_arena_array(q->a, n + 1, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        ids[i] = orgs[i].org.id;
    }
    ids[n] = q->who.account.id;
    list->readable = ids;
    list->n_readable = n + 1;
    return true;
}

struct wh_str front_list_next(const struct front_req *q,
                              const struct store_cursor *next)
{
    struct wh_str rest = q->net->query, pair, out;
    char text[STORE_CURSOR_TEXT];
    struct wh_buf b;

    if (!next->set) {
        return WH_S("");
    }
    wh_buf_init(&b, 16384);
    wh_buf_add(&b, q->net->path);
    wh_buf_char(&b, '?');
    while (rest.n > 0) {
        wh_str_cut(&rest, '&', &pair);
        if (pair.n > 0 && !wh_str_starts(pair, WH_S("cursor="))) {
            wh_buf_add(&b, pair);
            wh_buf_char(&b, '&');
        }
    }
    store_cursor_text(next, text);
    wh_buf_cstr(&b, "cursor=");
    wh_buf_url(&b, wh_str_of(text));
    out = b.over ? WH_S("") : wh_arena_dup(q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}
