/*
 * repo.c - the head of all pages of a repo, and its first page.
 */
#include "web/repo.h"
#include "base/buf.h"
#include "base/time.h"
#include "front/recall.h"
#include "hub/card.h"
#include "hub/front.h"
#include "hub/view.h"
#include "line/refusal.h"
#include "line/view.h"
#include "web/handlers.h"
#include "web/hosted.h"
#include "web/number.h"
#include "web/panels.h"

enum {
    CARD_FILES = 12,     /* rows of files under a card */
    COUNT_FILES = 20000, /* files that are counted at most */
};

static const char *kind_word(enum store_kind kind)
{
    return kind == STORE_DATASET ? "Dataset"
           : kind == STORE_SPACE ? "App"
                                 : "Model";
}

static const char *kind_nav(enum store_kind kind)
{
    return kind == STORE_DATASET ? "datasets"
           : kind == STORE_SPACE ? "spaces"
                                 : "models";
}

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = wh_json_text(o, key);

    return v ? wh_str_of(json_string_value(v)) : WH_S("");
}

/* ---- reading the revision ---- */

static bool read_items(struct web_repo *r, struct wh_err *err)
{
    struct front_req *q = r->q;
    struct wh_str doc;
    json_t *evidence;

    if (!r->papers.decided) {
        return true;
    }
    if (!wh_json_parse(q->a, r->papers.row.doc, &r->decision, err) ||
        !line_evidence_get(q->db, q->a, r->papers.row.evidence, &doc, err) ||
        !wh_json_parse(q->a, doc, &evidence, err)) {
        return false;
    }
    r->items = wh_json_own(q->a, line_view_evidence(evidence));
    return true;
}

static bool read_papers(struct web_repo *r, struct wh_err *err)
{
    struct front_req *q = r->q;

    if (!r->has_commit) {
        return true;
    }
    if (!hub_papers_read(q->db, q->a, &q->repo, &r->commit, &r->papers, err) ||
        !read_items(r, err)) {
        return false;
    }
    if (r->papers.subject.n == 0) {
        return true;
    }
    if (!hub_weighing_read(q->db, q->a, r->papers.subject, &r->weighing, err)) {
        return false;
    }
    if (r->weighing.found) {
        r->view = wh_json_own(q->a, hub_weighing_view(&r->weighing));
    }
    return true;
}

static bool read_commit(struct web_repo *r, struct wh_err *err)
{
    struct front_req *q = r->q;
    struct wh_err why = {0};

    r->rev = q->at.rev.n ? q->at.rev : WH_S("main");
    if (!hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, &r->git,
                      err)) {
        return false;
    }
    r->has_commit = hub_git_resolve(r->git, r->rev, &r->commit, &why);
    if (!r->has_commit) {
        if (why.code == WH_REVISION_NOT_FOUND && q->at.rev.n == 0) {
            return true;
        }
        *err = why;
        return false;
    }
    hub_oid_hex(&r->commit, r->sha);
    return true;
}

/* ---- the head ---- */

static struct wh_str license(const struct web_repo *r)
{
    struct wh_str card = r->q->repo.head.card;
    struct wh_err ignored = {0};
    json_t *v;

    return card.n > 0 && wh_json_parse(r->q->a, card, &v, &ignored)
               ? text(v, "license")
               : WH_S("");
}

static void add_fact(struct wh_buf *b, struct wh_str fact)
{
    if (fact.n > 0) {
        wh_buf_cstr(b, b->n ? " \u00b7 " : "");
        wh_buf_add(b, fact);
    }
}

/* "safetensors F32" of the first file that has parameters. */
static struct wh_str format_words(const struct web_repo *r)
{
    const json_t *file = json_array_get(json_object_get(r->view, "files"), 0);
    const json_t *dtypes = json_object_get(file, "dtypes");
    struct wh_str out = text(file, "format");

    if (json_array_size(dtypes) == 1) {
        out = wh_arena_fmt(r->q->a, "%.*s %.*s", WH_FMT(out),
                           WH_FMT(text(json_array_get(dtypes, 0), "name")));
    }
    return out;
}

/* "134,515,008 parameters . GGUF . apache-2.0" */
static json_t *facts(const struct web_repo *r)
{
    struct wh_str n = text(web_item_find(r->items, "size.params_total"), "hi");
    json_t *list = json_array();
    struct wh_buf b;

    wh_buf_init(&b, 4096);
    if (n.n > 0) {
        add_fact(&b, wh_arena_fmt(r->q->a, "%.*s parameters",
                                  WH_FMT(web_number_text(r->q->a, n, true))));
    }
    add_fact(&b, format_words(r));
    add_fact(&b, license(r));
    if (b.n > 0) {
        json_array_append_new(list, web_text(wh_buf_str(&b)));
    }
    wh_buf_done(&b);
    return list;
}

/* Datasets and apps have parts only where some of them is weighed. */
static json_t *parts(const struct web_repo *r)
{
    const struct store_repo *repo = &r->q->repo;
    json_t *tiers;

    if (repo->kind != STORE_MODEL && r->papers.subject.n == 0) {
        return json_null();
    }
    tiers = hub_view_tiers(repo->head.tiers);
    if (r->papers.weighing &&
        repo->head.tiers[STORE_PART_WEIGHTS] == STORE_TIER_NONE) {
        json_object_set_new(tiers, "weights", json_string("weighing"));
    }
    /* a part that stands in no file has no tier, not even an absent one */
    for (int i = 0; i < STORE_PARTS; i++) {
        const char *name = hub_part_name((enum store_part)i);
        if (!json_object_get(tiers, name)) {
            json_object_set_new(tiers, name, json_null());
        }
    }
    return json_pack("{s:o,s:o}", "tiers", tiers, "facts", facts(r));
}

bool web_repo_hosted(const struct web_repo *r)
{
    const struct store_repo *repo = &r->q->repo;

    return r->q->house->gateway && repo->kind == STORE_MODEL &&
           repo->head.tiers[STORE_PART_WEIGHTS] == STORE_TIER_HOSTED;
}

static void fill_head(struct web_repo *r, const char *tab)
{
    const struct store_repo *repo = &r->q->repo;
    struct wh_str owner, name = wh_str_of(repo->full);
    json_t *o = r->page;

    wh_str_cut(&name, '/', &owner);
    json_object_set_new(o, "kind", json_string(kind_word(repo->kind)));
    json_object_set_new(o, "owner", web_text(owner));
    json_object_set_new(o, "name", web_text(name));
    json_object_set_new(o, "id", json_string(repo->full));
    json_object_set_new(o, "path", web_text(r->path));
    json_object_set_new(o, "rev", web_text(r->rev));
    json_object_set_new(o, "tab", json_pack("{s:b}", tab, 1));
    json_object_set_new(o, "chat", json_boolean(web_repo_hosted(r)));
    json_object_set_new(
        o, "repo",
        json_pack("{s:s,s:b}", "id", repo->full, "private", repo->is_private));
    json_object_set_new(o, "parts", parts(r));
}

/* What approvers recalled says so on every page of it. */
static bool add_recalls(struct web_repo *r, struct wh_err *err)
{
    struct front_req *q = r->q;
    json_t *list = json_array(), *one;
    struct line_notice *rows;
    size_t n;

    json_object_set_new(r->page, "recalls", list);
    if (!r->has_commit) {
        return true;
    }
    if (!front_recalls(q, wh_str_of(r->sha), &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!line_notice_view(q->db, q->a, &rows[i], wh_now_us() / 1000000,
                              &one, err)) {
            return false;
        }
        json_array_append(list, one);
    }
    return true;
}

bool web_repo_open(struct front_req *q, const char *tab, struct web_repo *out,
                   struct wh_err *err)
{
    *out = (struct web_repo){.q = q};
    out->path =
        wh_arena_fmt(q->a, "%s%s", hub_kind_prefix(q->repo.kind), q->repo.full);
    if (!read_commit(out, err) || !read_papers(out, err)) {
        web_repo_close(out);
        return false;
    }
    out->page = web_page(q, wh_str_of(q->repo.full), kind_nav(q->repo.kind));
    fill_head(out, tab);
    if (!add_recalls(out, err)) {
        web_repo_close(out);
        return false;
    }
    return true;
}

void web_repo_close(struct web_repo *r)
{
    hub_git_close(&r->git);
}

/* ---- what several pages show ---- */

/* Is every part that it has, but the weights, open? */
static bool others_open(const struct store_repo *repo)
{
    for (int i = 0; i < STORE_PARTS; i++) {
        enum store_tier tier = repo->head.tiers[i];
        if (i != STORE_PART_WEIGHTS && tier != STORE_TIER_NONE &&
            tier != STORE_TIER_OPEN) {
            return false;
        }
    }
    return true;
}

json_t *web_repo_notice(const struct web_repo *r)
{
    struct wh_arena *a = r->q->a;
    struct line_refusal refusal = {
        .name = wh_str_of(r->q->repo.full),
        .part = r->papers.why.n > 0 && r->q->repo.kind != STORE_MODEL
                    ? RULE_PART_DATA
                    : RULE_PART_WEIGHTS,
        .decision = r->decision,
        .why = r->papers.why,
        .url = wh_arena_fmt(a, "/%.*s/decision", WH_FMT(r->path))};
    bool open =
        r->decision &&
        wh_str_is(text(json_object_get(r->decision, "tiers"), "weights"),
                  "open");
    json_t *o;

    if (open || (!r->decision && !r->papers.weighing && r->papers.why.n == 0)) {
        return json_null();
    }
    o = line_refusal_json(&refusal);
    if (r->decision && others_open(&r->q->repo)) {
        json_object_set_new(
            o, "headline",
            json_sprintf("%s Everything else of it is open.",
                         json_string_value(json_object_get(o, "headline"))));
    }
    json_object_set_new(o, "appeal",
                        r->decision
                            ? web_text(wh_arena_fmt(a, "/%.*s/decision#object",
                                                    WH_FMT(r->path)))
                            : json_null());
    return o;
}

void web_repo_panels(struct web_repo *r)
{
    const struct line_row *row = &r->papers.row;
    bool decided = r->papers.decided;

    json_object_set_new(r->page, "decision",
                        decided ? web_decision_panel(row, r->decision)
                                : json_null());
    json_object_set_new(r->page, "register",
                        decided ? web_register_panel(r->q, row) : json_null());
}

struct hub_listing web_repo_listing(const struct web_repo *r)
{
    return (struct hub_listing){.db = r->q->db,
                                .a = r->q->a,
                                .repo = &r->q->repo,
                                .papers = &r->papers,
                                .decision = r->decision};
}

/* ---- the card ---- */

/* README.md of the revision; *found false when there is none or it is no text
 * in git. */
static bool read_card(const struct web_repo *r, bool *found,
                      struct hub_entry *e, struct wh_str *out,
                      const char **trouble, struct wh_err *err)
{
    struct wh_err why = {0};

    *found = false;
    if (!r->has_commit || !hub_git_entry(r->git, &r->commit, WH_S("README.md"),
                                         r->q->a, e, &why)) {
        if (why.code != WH_NONE && why.code != WH_ENTRY_NOT_FOUND) {
            *err = why;
            return false;
        }
        return true;
    }
    if (e->dir || e->lfs || e->size > HUB_CARD_MAX) {
        *trouble = e->dir ? NULL : "It is too large.";
        return true;
    }
    *found = true;
    return hub_git_blob(r->git, &e->oid, HUB_CARD_MAX, r->q->a, out, err);
}

static struct wh_str url_path(struct wh_arena *a, const char *before,
                              struct wh_str path, const char *word,
                              struct wh_str rev)
{
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, 16384);
    wh_buf_cstr(&b, before);
    wh_buf_url_path(&b, path);
    wh_buf_cstr(&b, word);
    wh_buf_url(&b, rev);
    wh_buf_char(&b, '/');
    out = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

/* The card as safe HTML, from the cache or from a scanner. */
static bool show_card(const struct web_repo *r, const struct hub_entry *e,
                      struct wh_str markdown, json_t **out, struct wh_err *err)
{
    struct front_req *q = r->q;
    struct hub_card_links links = {
        .pages = url_path(q->a, "/", r->path, "/blob/", r->rev),
        .files = url_path(q->a, "/", r->path, "/resolve/", r->rev)};
    struct wh_str front, body, key, html;
    char oid[HUB_OID_HEX + 1];

    hub_oid_hex(&e->oid, oid);
    key = wh_arena_fmt(q->a, "%s %.*s", oid, WH_FMT(links.pages));
    if (web_cards_get(web_of(q)->cards, q->a, key, &html)) {
        *out = wh_json_own(q->a, tmpl_html(html));
        return true;
    }
    body = markdown;
    hub_front_cut(markdown, &front, &body);
    if (!hub_card_show(q->house->vault.zygote, q->a, body, &links, out, err)) {
        return false;
    }
    web_cards_put(web_of(q)->cards, key, text(*out, "html"));
    return true;
}

static bool add_card(struct web_repo *r, struct wh_err *err)
{
    const char *trouble = NULL;
    struct wh_err why = {0};
    struct wh_str markdown;
    struct hub_entry e;
    json_t *body = NULL;
    bool found;

    if (!read_card(r, &found, &e, &markdown, &trouble, err)) {
        return false;
    }
    if (found && !show_card(r, &e, markdown, &body, &why)) {
        trouble = wh_arena_cstr(r->q->a, wh_str_of(why.msg));
    }
    json_object_set_new(r->page, "card",
                        body ? json_pack("{s:O}", "body", body) : json_null());
    json_object_set_new(r->page, "card_trouble",
                        trouble ? json_string(trouble) : json_null());
    return true;
}

/* ---- the files below the card ---- */

static bool count_files(struct web_repo *r, json_t *o, struct wh_err *err)
{
    struct hub_entry *list;
    uint64_t size = 0;
    size_t n, files = 0;
    bool more;

    if (!hub_git_list(r->git, &r->commit, WH_S(""), true, WH_S(""), COUNT_FILES,
                      r->q->a, &list, &n, &more, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        files += !list[i].dir;
        size += list[i].size;
    }
    json_object_set_new(o, "count", json_integer((json_int_t)files));
    json_object_set_new(o, "size", json_integer((json_int_t)size));
    return true;
}

static bool add_files(struct web_repo *r, struct wh_err *err)
{
    struct hub_listing listing = web_repo_listing(r);
    json_t *o = json_object(), *rows = json_array(), *row;
    struct hub_entry *list;
    bool more;
    size_t n;

    json_object_set_new(r->page, "files", o);
    json_object_set_new(o, "rows", rows);
    if (!hub_git_list(r->git, &r->commit, WH_S(""), false, WH_S(""), CARD_FILES,
                      r->q->a, &list, &n, &more, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!hub_listing_row(&listing, &list[i], &row, err)) {
            return false;
        }
        json_array_append_new(rows, row);
    }
    json_object_set_new(o, "more", json_boolean(more));
    return count_files(r, o, err);
}

/* ---- facts and use ---- */

static void about_fact(json_t *list, const char *term, struct wh_str value,
                       struct wh_str href)
{
    if (value.n > 0) {
        json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "term", term,
                                              "value", web_text(value), "href",
                                              web_text_or_null(href)));
    }
}

static struct wh_str filter_href(const struct web_repo *r, struct wh_str tag)
{
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, 4096);
    wh_buf_fmt(&b, "/%s?filter=", kind_nav(r->q->repo.kind));
    wh_buf_url(&b, tag);
    out = wh_arena_dup(r->q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static json_t *about(const struct web_repo *r)
{
    const struct store_repo *repo = &r->q->repo;
    struct wh_str owner, rest = wh_str_of(repo->full), n;
    json_t *list = json_array();
    struct wh_arena *a = r->q->a;

    wh_str_cut(&rest, '/', &owner);
    n = wh_arena_fmt(a, "%lld", (long long)repo->downloads);
    about_fact(list, "Licence", license(r), WH_S(""));
    about_fact(list, "Task", repo->head.pipeline_tag,
               filter_href(r, repo->head.pipeline_tag));
    about_fact(list, "Library", repo->head.library,
               filter_href(r, repo->head.library));
    about_fact(list, "Kind", repo->head.sdk, WH_S(""));
    about_fact(list, "Downloads", web_number_text(a, n, true), WH_S(""));
    about_fact(list, "Owner", owner, wh_arena_fmt(a, "/%.*s", WH_FMT(owner)));
    return json_pack("{s:o}", "facts", list);
}

/* Lines to copy, where there is something to be had. */
static json_t *use(const struct web_repo *r, const json_t *notice)
{
    const struct store_repo *repo = &r->q->repo;
    struct wh_str base = front_req_base(r->q);

    if (!r->has_commit || json_is_object(notice)) {
        return json_null();
    }
    return web_text(wh_arena_fmt(
        r->q->a, "export HF_ENDPOINT=%.*s\nhf download %s%s%s", WH_FMT(base),
        repo->full, repo->kind == STORE_MODEL ? "" : " --repo-type ",
        repo->kind == STORE_MODEL ? "" : store_kind_name(repo->kind)));
}

static bool fill_hosted(struct web_repo *r, struct wh_err *err)
{
    bool hosted = web_repo_hosted(r);
    json_t *by = json_null(), *exam = json_null();

    if (hosted &&
        (!web_hosted_by(r, &by, err) || !web_hosted_exam(r, &exam, err))) {
        json_decref(by);
        return false;
    }
    json_object_set_new(r->page, "hosted", json_boolean(hosted));
    json_object_set_new(r->page, "hosted_by", by);
    json_object_set_new(r->page, "exam", exam);
    json_object_set_new(
        r->page, "engine",
        hosted ? web_hosted_engine(r->q, wh_str_of(r->q->repo.full))
               : json_null());
    return true;
}

static bool fill_repo(struct web_repo *r, struct wh_err *err)
{
    json_t *notice = web_repo_notice(r);

    json_object_set_new(r->page, "notice", notice);
    json_object_set_new(r->page, "use", use(r, notice));
    json_object_set_new(r->page, "files", json_null());
    if (!add_card(r, err) || (r->has_commit && !add_files(r, err))) {
        return false;
    }
    json_object_set_new(r->page, "weighing",
                        r->view ? web_weighing_panel(r->q, r->view, r->items)
                                : json_null());
    web_repo_panels(r);
    json_object_set_new(r->page, "about", about(r));
    return fill_hosted(r, err);
}

bool web_on_repo(struct front_req *q, struct wh_err *err)
{
    struct web_repo r;
    bool ok;

    if (!web_repo_open(q, "card", &r, err)) {
        return false;
    }
    ok =
        fill_repo(&r, err) &&
        (web_repo_hosted(&r) ? web_page_send_asking(q, 200, "repo", r.page, err)
                             : web_page_send(q, 200, "repo", r.page, err));
    web_repo_close(&r);
    return ok;
}
