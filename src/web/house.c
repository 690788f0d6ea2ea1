/*
 * house.c - pages about the house itself: assets, errors, and failures.
 */
#include "base/log.h"
#include "front/answer.h"
#include "web/handlers.h"
#include "web/page.h"

bool web_on_asset(struct front_req *q, struct wh_err *err)
{
    struct tmpl_asset asset;

    if (!tmpl_asset_get(q->a, web_of(q)->dir, q->at.a, &asset, err)) {
        return false;
    }
    net_answer(q->net, 200);
    net_answer_header(q->net, "Content-Type", wh_str_of(asset.type));
    net_answer_header(q->net, "X-Content-Type-Options", WH_S("nosniff"));
    net_answer_header(q->net, "Cache-Control",
                      asset.for_ever
                          ? WH_S("public, max-age=31536000, immutable")
                          : WH_S("no-cache"));
    net_answer_bytes(q->net, asset.bytes);
    net_answer_send(q->net);
    return true;
}

bool web_on_favicon(struct front_req *q, struct wh_err *err)
{
    (void)err;
    web_redirect(q, WH_S("/assets/mark.svg"));
    return true;
}

bool web_on_errors(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Errors"), ""), *list = json_array();

    json_object_set_new(page, "errors", list);
    for (int i = WH_NONE + 1; i < WH_CODE_COUNT; i++) {
        const struct wh_err_row *row = wh_err_row((enum wh_code)i);
        json_array_append_new(list, json_pack("{s:s,s:i,s:s,s:i,s:s}", "name",
                                              row->name, "http", row->http,
                                              "hub", row->hub_code, "exit",
                                              row->exit_code, "why", row->why));
    }
    return web_page_send(q, 200, "errors", page, err);
}

/* ---- failures ---- */

static void todo(json_t *list, const char *text, struct wh_str href,
                 const char *link)
{
    json_array_append_new(list,
                          json_pack("{s:s,s:o,s:s}", "text", text, "href",
                                    web_text_or_null(href), "link", link));
}

/* "/login?next=%2Fdemo%2Fx" for the page that was asked for. */
static struct wh_str login_href(struct front_req *q)
{
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, 16384);
    wh_buf_cstr(&b, "/login?next=");
    wh_buf_url(&b, q->net->path);
    out = b.over ? WH_S("/login") : wh_arena_dup(q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static void add_todo(struct front_req *q, enum wh_code code, json_t *list)
{
    if (code == WH_REPO_NOT_FOUND && !q->signed_in) {
        todo(list, "It may be private:", login_href(q), "sign in");
    }
    if (code == WH_REPO_NOT_FOUND || code == WH_NOT_FOUND) {
        todo(list, "Or look for it by a word of its name:", WH_S("/search"),
             "search");
    }
    if (code == WH_REVISION_NOT_FOUND || code == WH_ENTRY_NOT_FOUND) {
        struct wh_str home =
            wh_arena_fmt(q->a, "/%s%.*s/%.*s",
                         q->at.kind == STORE_DATASET ? "datasets/"
                         : q->at.kind == STORE_SPACE ? "spaces/"
                                                     : "",
                         WH_FMT(q->at.ns), WH_FMT(q->at.name));
        todo(list, "The repo itself is there:", home, "its card");
    }
    if (code == WH_CSRF) {
        todo(list,
             "Nothing was done. Go back, load the page again, and send the "
             "form once more.",
             WH_S(""), "");
    }
    if (code == WH_AUTH_INVALID) {
        todo(list, "Ask for a new one, or", WH_S("/login"), "sign in");
    }
}

/* The message begins a heading here. */
static struct wh_str sentence(struct front_req *q, const struct wh_err *err)
{
    char *s = wh_arena_cstr(q->a, wh_str_of(err->msg));

    if (s[0] >= 'a' && s[0] <= 'z') {
        s[0] = (char)(s[0] - 'a' + 'A');
    }
    return wh_str_of(s);
}

static json_t *error_values(struct front_req *q, const struct wh_err *err)
{
    const struct wh_err_row *row = wh_err_row(err->code);
    json_t *o = json_object(), *list = json_array();

    json_object_set_new(o, "status", json_integer(row->http));
    json_object_set_new(o, "name", json_string(row->name));
    json_object_set_new(o, "message", web_text(sentence(q, err)));
    json_object_set_new(o, "why", json_string(row->why));
    json_object_set_new(o, "notice", json_null());
    json_object_set_new(o, "request", json_string(q->net->id));
    add_todo(q, err->code, list);
    json_object_set_new(o, "todo", list);
    return o;
}

void web_fail(struct front_req *q, const struct wh_err *err)
{
    const struct wh_err_row *row = wh_err_row(err->code);
    struct wh_err again = {0};
    json_t *page;

    if (err->code == WH_AUTH_REQUIRED && q->net->method != NET_POST) {
        web_redirect(q, login_href(q));
        return;
    }
    if (row->http >= 500) {
        wh_log_err(WH_ERROR, "request.failed", err);
    }
    page = web_page(q, wh_str_of(err->msg), "");
    json_object_set_new(page, "error", error_values(q, err));
    if (!web_page_send(q, row->http, "error", page, &again)) {
        front_answer_error(q->net, row->http, err, NULL, &q->rate);
    }
}
