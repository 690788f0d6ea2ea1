/*
 * papers.c - why a model is open or held: its weighing, its decision, and how
 * both came about.
 */
#include "front/desk.h"
#include "hub/view.h"
#include "line/refusal.h"
#include "line/rows.h"
#include "web/handlers.h"
#include "web/number.h"
#include "web/panels.h"
#include "web/repo.h"

enum {
    PAGE_COMMITS = 40, /* of one page of the history */
    DECISIONS = 10     /* of a repo, beside it */
};

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = wh_json_text(o, key);

    return v ? wh_str_of(json_string_value(v)) : WH_S("");
}

static bool run(struct front_req *q, const char *tab,
                bool (*show)(struct web_repo *r, struct wh_err *err),
                struct wh_err *err)
{
    struct web_repo r;
    bool ok;

    if (!web_repo_open(q, tab, &r, err)) {
        return false;
    }
    ok = show(&r, err);
    web_repo_close(&r);
    return ok;
}

/* ---- the weighing ---- */

static const char *headline(const json_t *view)
{
    const json_t *list = json_object_get(view, "findings"), *f;
    bool danger = false;
    size_t i;

    json_array_foreach(list, i, f)
    {
        danger = danger || wh_str_is(text(f, "severity"), "danger");
    }
    if (!json_is_true(json_object_get(view, "verifiable"))) {
        return "Not every file could be read to its last byte, so nothing is "
               "claimed about this subject.";
    }
    return danger ? "Everything was read to its last byte, and something "
                    "dangerous was found."
                  : "Everything was read to its last byte; nothing dangerous "
                    "was found in the files.";
}

static json_t *view_evidence(const struct web_repo *r)
{
    json_t *list = json_array(), *item;
    size_t i;

    json_array_foreach(r->items, i, item)
    {
        json_t *o = json_copy(item);
        struct wh_str by = text(item, "by"), method = text(item, "method");
        json_object_set_new(o, "value",
                            web_text(web_item_words(r->q->a, item)));
        json_object_set_new(o, "by", web_text(by.n ? by : WH_S("\u2013")));
        json_object_set_new(o, "method", web_text(method));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *long_weighing(const struct web_repo *r)
{
    json_t *o = web_weighing_panel(r->q, r->view, r->items);

    json_object_set_new(o, "headline", json_string(headline(r->view)));
    json_object_set_new(
        o, "architecture",
        web_text_or_null(web_architecture(
            r->q->a, json_object_get(r->view, "architecture"))));
    json_object_set(o, "files", json_object_get(r->view, "files"));
    json_object_set(o, "findings", json_object_get(r->view, "findings"));
    json_object_set_new(o, "evidence", view_evidence(r));
    return o;
}

static bool show_weighing(struct web_repo *r, struct wh_err *err)
{
    json_object_set_new(r->page, "weighing",
                        r->view ? long_weighing(r) : json_null());
    json_object_set_new(r->page, "subject",
                        web_text_or_null(r->papers.subject));
    web_repo_panels(r);
    return web_page_send(r->q, 200, "weighing", r->page, err);
}

bool web_on_weighing(struct front_req *q, struct wh_err *err)
{
    return run(q, "weighing", show_weighing, err);
}

/* ---- the decision ---- */

/* The title of a line by the digest of its document. */
static bool line_title(const struct web_repo *r, struct wh_str digest,
                       json_t **out, struct wh_err *err)
{
    struct wh_str doc;
    json_t *line;

    if (!line_document_get(r->q->db, r->q->a, digest, &doc, err) ||
        !wh_json_parse(r->q->a, doc, &line, err)) {
        return false;
    }
    *out = web_text(text(line, "title"));
    return true;
}

static bool add_result(const struct web_repo *r, json_t *list,
                       const json_t *result, bool enforced, struct wh_err *err)
{
    json_t *o, *title;

    if (!line_title(r, text(result, "digest"), &title, err)) {
        return false;
    }
    o = json_deep_copy(result);
    json_object_set_new(o, "title", title);
    json_object_set_new(o, "enforced", json_boolean(enforced));
    json_array_append_new(list, o);
    return true;
}

static bool add_results(const struct web_repo *r, json_t *list,
                        struct wh_err *err)
{
    const json_t *lines = json_object_get(r->decision, "lines"), *line;
    struct wh_str *shadow;
    size_t i, n;
    json_t *v;

    json_array_foreach(lines, i, line)
    {
        if (!add_result(r, list, line, true, err)) {
            return false;
        }
    }
    if (!line_shadow_of(r->q->db, r->q->a, r->papers.subject, &shadow, &n,
                        err)) {
        return false;
    }
    for (i = 0; i < n; i++) {
        if (!wh_json_parse(r->q->a, shadow[i], &v, err) ||
            !add_result(r, list, v, false, err)) {
            return false;
        }
    }
    return true;
}

/* Whom to write to besides. */
static json_t *contact(const struct web_repo *r)
{
    struct wh_str at = r->q->house->conf->house_contact;

    return at.n ? web_text(at) : json_null();
}

/* What closes something can be objected to: its number, else null. What is of a
 * private repo is on no desk. */
static json_t *may_object(const struct web_repo *r)
{
    return r->papers.row.until > 0 && !r->q->repo.is_private
               ? web_text(r->papers.row.public_id)
               : json_null();
}

static bool add_decision(struct web_repo *r, struct wh_err *err)
{
    json_t *o = json_object_get(r->page, "decision"), *list = json_array();

    json_object_set_new(o, "results", list);
    json_object_set_new(o, "index", json_integer(r->papers.row.index));
    json_object_set_new(o, "contact", contact(r));
    json_object_set_new(o, "may_object", may_object(r));
    json_object_set_new(
        o, "evidence_path",
        web_text(wh_arena_fmt(r->q->a,
                              "/api/weighhouse/v1/decisions/%.*s/evidence",
                              WH_FMT(r->papers.row.public_id))));
    return add_results(r, list, err);
}

static bool show_decision(struct web_repo *r, struct wh_err *err)
{
    json_t *notice = web_repo_notice(r);

    if (json_is_object(notice)) {
        json_object_set_new(notice, "link", json_null());
    }
    json_object_set_new(r->page, "notice", notice);
    json_object_set_new(r->page, "desk",
                        r->papers.decided && !r->q->repo.is_private
                            ? web_text(r->papers.row.subject)
                            : json_null());
    web_repo_panels(r);
    if (r->papers.decided && !add_decision(r, err)) {
        return false;
    }
    return web_page_send(r->q, 200, "decision", r->page, err);
}

bool web_on_decision(struct front_req *q, struct wh_err *err)
{
    return run(q, "decision", show_decision, err);
}

bool web_on_decision_appeal(struct front_req *q, struct wh_err *err)
{
    struct net_pairs form;
    struct wh_str id;

    if (!web_form(q, &form, err) ||
        !front_desk_appeal(q, q->at.a, web_field(&form, "text"), &id, err)) {
        return false;
    }
    web_redirect(q, WH_S("/desk#appeals"));
    return true;
}

/* ---- the history ---- */

/* The subject of a commit, "" when it has none on record. */
static bool subject_at(const struct web_repo *r, const struct hub_oid *commit,
                       struct wh_str *out, struct wh_err *err)
{
    char sha[HUB_OID_HEX + 1];

    hub_oid_hex(commit, sha);
    return line_revision_subject(r->q->db, r->q->a, r->q->repo.id,
                                 wh_str_of(sha), out, err);
}

static bool add_commit(const struct web_repo *r, const struct hub_commit *c,
                       json_t *list, struct wh_err *err)
{
    struct wh_str now, before = WH_S("");
    json_t *o;

    if (!subject_at(r, &c->oid, &now, err) ||
        (!hub_oid_zero(&c->parent) &&
         !subject_at(r, &c->parent, &before, err))) {
        return false;
    }
    o = hub_view_commit(c);
    json_object_set_new(o, "short", web_text(wh_str_sub(text(o, "id"), 0, 8)));
    json_object_set_new(o, "subject_changed",
                        json_boolean(now.n > 0 && !wh_str_eq(now, before)));
    json_array_append_new(list, o);
    return true;
}

static struct wh_str commits_href(const struct web_repo *r, size_t skip)
{
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, 16384);
    wh_buf_char(&b, '/');
    wh_buf_url_path(&b, r->path);
    wh_buf_cstr(&b, "/commits/");
    wh_buf_url(&b, r->rev);
    if (skip > 0) {
        wh_buf_fmt(&b, "?skip=%zu", skip);
    }
    out = wh_arena_dup(r->q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static bool add_commits(struct web_repo *r, struct wh_err *err)
{
    size_t skip = (size_t)front_query_u64(r->q->net->query, "skip", 0, 0,
                                          UINT32_MAX, r->q->a);
    json_t *list = json_array();
    struct hub_commit *commits = NULL;
    size_t n = 0, total = 0;

    json_object_set_new(r->page, "commits", list);
    if (r->has_commit && !hub_git_log(r->git, &r->commit, skip, PAGE_COMMITS,
                                      r->q->a, &commits, &n, &total, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!add_commit(r, &commits[i], list, err)) {
            return false;
        }
    }
    json_object_set_new(
        r->page, "pager",
        web_pager(skip == 0
                      ? WH_S("")
                      : commits_href(
                            r, skip > PAGE_COMMITS ? skip - PAGE_COMMITS : 0),
                  skip + n < total ? commits_href(r, skip + n) : WH_S("")));
    return true;
}

static bool add_decisions(struct web_repo *r, struct wh_err *err)
{
    json_t *list = json_array(), *doc, *o;
    struct line_row *rows;
    size_t n;

    json_object_set_new(r->page, "decisions", json_pack("{s:o}", "list", list));
    if (!line_of_repo(r->q->db, r->q->a, r->q->repo.id, DECISIONS, &rows, &n,
                      err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!rows[i].published) {
            continue;
        }
        if (!wh_json_parse(r->q->a, rows[i].doc, &doc, err)) {
            return false;
        }
        o = web_decision_panel(&rows[i], doc);
        json_object_set_new(o, "index",
                            json_sprintf("%lld", (long long)rows[i].index));
        json_array_append_new(list, o);
    }
    return true;
}

static bool show_commits(struct web_repo *r, struct wh_err *err)
{
    return add_commits(r, err) && add_decisions(r, err) &&
           web_page_send(r->q, 200, "commits", r->page, err);
}

bool web_on_commits(struct front_req *q, struct wh_err *err)
{
    return run(q, "history", show_commits, err);
}

/* The address that clients print after a commit. */
static bool show_commit(struct web_repo *r, struct wh_err *err)
{
    (void)err;
    web_redirect(r->q, commits_href(r, 0));
    return true;
}

bool web_on_commit(struct front_req *q, struct wh_err *err)
{
    return run(q, "history", show_commit, err);
}
