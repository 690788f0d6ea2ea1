/*
 * lists.c - the front page, lists with filters, search, and what an account
 * owns.
 */
#include "front/list.h"
#include "hub/papers.h"
#include "hub/view.h"
#include "line/view.h"
#include "web/handlers.h"
#include "web/page.h"

enum {
    FRONT_ITEMS = 6,   /* of each list on the front page */
    PAGE_ITEMS = 30,   /* of a list */
    SEARCH_ITEMS = 15, /* of each kind, when all are searched */
    OWNER_ITEMS = 200, /* of each kind, on an account's page */
    COMMON_TAGS = 40   /* offered as filters */
};

/* What a page calls a kind. */
static const struct {
    enum store_kind kind;
    const char *word, *nav, *heading, *path;
} KINDS[] = {
    {STORE_MODEL, "model", "models", "Models", "/models"},
    {STORE_DATASET, "dataset", "datasets", "Datasets", "/datasets"},
    {STORE_SPACE, "app", "spaces", "Apps", "/spaces"},
};
#define KINDS_N (sizeof KINDS / sizeof *KINDS)

/* ---- one item ---- */

/* How many parameters were counted, as decimal text; "" when that is not
 * known. */
static bool find_parameters(struct front_req *q, const struct store_repo *repo,
                            struct wh_str *out, struct wh_err *err)
{
    struct wh_str subject, text;
    struct line_row row;
    const json_t *item;
    json_t *doc;
    bool found;

    *out = WH_S("");
    if (repo->head.sha.n == 0) {
        return true;
    }
    if (!line_revision_subject(q->db, q->a, repo->id, repo->head.sha, &subject,
                               err) ||
        (subject.n > 0 &&
         !line_current(q->db, q->a, subject, repo->is_private ? repo->id : 0,
                       &found, &row, err))) {
        return false;
    }
    if (subject.n == 0 || !found) {
        return true;
    }
    if (!line_evidence_get(q->db, q->a, row.evidence, &text, err) ||
        !wh_json_parse(q->a, text, &doc, err)) {
        return false;
    }
    item =
        json_object_get(json_object_get(doc, "evidence"), "size.params_total");
    if (wh_json_text(item, "hi")) {
        *out = wh_str_of(json_string_value(wh_json_text(item, "hi")));
    }
    return true;
}

static const char *weights_word(const struct store_repo *repo)
{
    enum store_tier tier = repo->head.tiers[STORE_PART_WEIGHTS];

    if (repo->kind != STORE_MODEL) {
        return "";
    }
    if (repo->head.state == STORE_REPO_WEIGHING && tier == STORE_TIER_NONE) {
        return "weighing";
    }
    return tier == STORE_TIER_NONE ? "" : hub_tier_name(tier);
}

static bool add_item(struct front_req *q, const struct store_repo *repo,
                     const char *kind, json_t *list, struct wh_err *err)
{
    struct wh_str parameters = WH_S("");
    json_t *o;

    if (repo->kind == STORE_MODEL &&
        !find_parameters(q, repo, &parameters, err)) {
        return false;
    }
    o = json_object();
    json_object_set_new(o, "id", json_string(repo->full));
    json_object_set_new(
        o, "path",
        web_text(wh_arena_fmt(q->a, "%s%s", hub_kind_prefix(repo->kind),
                              repo->full)));
    json_object_set_new(o, "kind", json_string(kind));
    json_object_set_new(o, "weights", json_string(weights_word(repo)));
    json_object_set_new(o, "parameters", web_text(parameters));
    json_object_set_new(o, "pipeline_tag", web_text(repo->head.pipeline_tag));
    json_object_set_new(o, "private", json_boolean(repo->is_private));
    json_object_set_new(o, "lastModified", hub_view_time(repo->modified));
    json_object_set_new(o, "downloads", json_integer(repo->downloads));
    json_array_append_new(list, o);
    return true;
}

/* ---- the query behind a list ---- */

struct ask {
    struct front_req *q;
    struct store_repo_query query;
    struct wh_str words[STORE_FILTERS_MAX], tags[STORE_FILTERS_MAX];
    struct wh_str text; /* the words as they were written */
    bool taken;         /* only what was downloaded */
};

static void set_words(struct ask *x, const char *field)
{
    struct wh_str rest, one;

    if (!front_query(x->q->net->query, field, 0, x->q->a, &x->text)) {
        x->text = WH_S("");
    }
    rest = x->text;
    while (rest.n > 0 && x->query.n_words < STORE_FILTERS_MAX) {
        wh_str_cut(&rest, ' ', &one);
        if (one.n > 0) {
            x->words[x->query.n_words++] = one;
        }
    }
    x->query.words = x->words;
    x->query.names = x->q->house->names;
}

/* A page's one filter, and the words that other pages of the hub link with. */
static void set_tags(struct ask *x)
{
    static const char *const fields[] = {"filter", "pipeline_tag", "library"};
    struct wh_str v;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (front_query(x->q->net->query, fields[i], 0, x->q->a, &v) &&
            v.n > 0) {
            x->tags[x->query.n_tags++] = v;
        }
    }
    x->query.tags = x->tags;
}

static bool begin(struct ask *x, struct front_req *q, enum store_kind kind,
                  size_t limit, struct wh_err *err)
{
    *x = (struct ask){
        .q = q,
        .query = {.kind = kind, .sort = STORE_SORT_MODIFIED, .limit = limit}};
    return front_list_readable(q, &x->query, err);
}

/* The repos of a page into list; *next may be null. */
static bool run(struct ask *x, const char *kind, json_t *list,
                struct store_cursor *next, struct wh_err *err)
{
    struct store_repo_page page;

    if (!store_repo_list(x->q->db, x->q->a, &x->query, &page, err)) {
        return false;
    }
    for (size_t i = 0; i < page.n; i++) {
        /* what nobody took is not among what is taken most */
        if ((!x->taken || page.repos[i].downloads > 0) &&
            !add_item(x->q, &page.repos[i], kind, list, err)) {
            return false;
        }
    }
    if (next) {
        *next = page.next;
    }
    return true;
}

/* ---- the front page ---- */

static bool front_list(struct front_req *q, json_t *page, const char *name,
                       enum store_kind kind, enum store_sort sort,
                       struct wh_err *err)
{
    json_t *list = json_array();
    struct ask x;

    json_object_set_new(page, name, list);
    if (!begin(&x, q, kind, FRONT_ITEMS, err)) {
        return false;
    }
    x.query.sort = sort;
    x.taken = sort == STORE_SORT_DOWNLOADS;
    return run(&x, "", list, NULL, err);
}

/* A model that a visitor can really download. */
static json_t *example(const json_t *models)
{
    const json_t *m;
    size_t i;

    json_array_foreach(models, i, m)
    {
        const char *weights = json_string_value(json_object_get(m, "weights"));
        if (weights && strcmp(weights, "open") == 0) {
            return json_incref(json_object_get(m, "id"));
        }
    }
    return json_string("OWNER/MODEL");
}

static json_t *lines_in_force(const struct front_req *q)
{
    const struct line_set *set = &q->house->lines;
    json_t *list = json_array();

    for (size_t i = 0; i < set->n_enforced; i++) {
        const struct rule_line *l = set->enforced[i].line;
        json_array_append_new(list, json_pack("{s:o,s:I,s:o}", "name",
                                              web_text(l->name), "version",
                                              (json_int_t)l->version, "title",
                                              web_text(l->title)));
    }
    return list;
}

bool web_on_front(struct front_req *q, struct wh_err *err)
{
    json_t *page =
        web_page(q, WH_S("Models, weighed before they are opened"), "");

    if (!front_list(q, page, "models", STORE_MODEL, STORE_SORT_MODIFIED, err) ||
        !front_list(q, page, "trending", STORE_MODEL, STORE_SORT_DOWNLOADS,
                    err) ||
        !front_list(q, page, "datasets", STORE_DATASET, STORE_SORT_MODIFIED,
                    err) ||
        !front_list(q, page, "spaces", STORE_SPACE, STORE_SORT_MODIFIED, err)) {
        return false;
    }
    json_object_set_new(page, "example",
                        example(json_object_get(page, "models")));
    json_object_set_new(page, "lines", lines_in_force(q));
    json_object_set_new(page, "register", web_register_head(q));
    return web_page_send(q, 200, "front", page, err);
}

/* ---- lists ---- */

static const struct {
    const char *value, *label, *words;
    enum store_sort sort;
} SORTS[] = {
    {"modified", "last changed", "last changed first", STORE_SORT_MODIFIED},
    {"downloads", "most downloaded", "most downloaded first",
     STORE_SORT_DOWNLOADS},
    {"created", "newest", "newest first", STORE_SORT_CREATED},
};
#define SORTS_N (sizeof SORTS / sizeof *SORTS)

static size_t find_sort(const struct front_req *q)
{
    struct wh_str v;

    if (front_query(q->net->query, "sort", 0, q->a, &v)) {
        for (size_t i = 0; i < SORTS_N; i++) {
            if (wh_str_is(v, SORTS[i].value)) {
                return i;
            }
        }
    }
    return 0;
}

static json_t *option(struct wh_str value, struct wh_str label, bool selected)
{
    return json_pack("{s:o,s:o,s:b}", "value", web_text(value), "label",
                     web_text(label), "selected", selected);
}

static json_t *filter(const char *name, const char *label, json_t *options)
{
    return json_pack("{s:s,s:s,s:o}", "name", name, "label", label, "options",
                     options);
}

static json_t *sort_filter(size_t sort)
{
    json_t *options = json_array();

    for (size_t i = 0; i < SORTS_N; i++) {
        json_array_append_new(options,
                              option(wh_str_of(SORTS[i].value),
                                     wh_str_of(SORTS[i].label), i == sort));
    }
    return filter("sort", "Order", options);
}

/* The switch for what is recalled: left out, unless somebody asks. */
static json_t *recalled_filter(const struct front_req *q)
{
    bool shown = front_query_bool(q->net->query, "recalled", q->a);
    json_t *options = json_array();

    json_array_append_new(options, option(WH_S(""), WH_S("left out"), !shown));
    json_array_append_new(options,
                          option(WH_S("true"), WH_S("shown, marked"), shown));
    return filter("recalled", "Recalled", options);
}

static bool tag_filter(const struct ask *x, json_t **out, struct wh_err *err)
{
    struct wh_str chosen = x->query.n_tags ? x->tags[0] : WH_S("");
    json_t *options = json_array();
    struct store_tag *tags;
    bool there = chosen.n == 0;
    size_t n;

    if (!store_tag_common(x->q->db, x->q->a, x->query.kind, COMMON_TAGS, &tags,
                          &n, err)) {
        json_decref(options);
        return false;
    }
    json_array_append_new(options, option(WH_S(""), WH_S("any"), there));
    for (size_t i = 0; i < n; i++) {
        bool selected = wh_str_eq(tags[i].name, chosen);
        there = there || selected;
        json_array_append_new(options,
                              option(tags[i].name, tags[i].name, selected));
    }
    if (!there) {
        json_array_append_new(options, option(chosen, chosen, true));
    }
    *out = filter("filter", "Tag", options);
    return true;
}

/* The sentence above a list. How many there are is known only where nothing
 * narrows it. */
static bool list_result(const struct ask *x, size_t k, size_t sort,
                        const json_t *items, json_t **out, struct wh_err *err)
{
    bool narrowed = x->query.n_words > 0 || x->query.n_tags > 0;
    size_t shown = json_array_size(items);
    int64_t total;

    if (!store_repo_total(x->q->db, x->query.kind, &total, err)) {
        return false;
    }
    if (narrowed || x->query.after.set || (size_t)total < shown) {
        *out = json_sprintf("%zu %s%s on this page, %s", shown, KINDS[k].word,
                            shown == 1 ? "" : "s", SORTS[sort].words);
    } else {
        *out = json_sprintf("%lld %s%s, %s", (long long)total, KINDS[k].word,
                            total == 1 ? "" : "s", SORTS[sort].words);
    }
    return true;
}

static const char *empty_words(const struct ask *x)
{
    return x->query.n_words || x->query.n_tags
               ? "Nothing fits. Fewer words find more."
               : "Nothing has been pushed yet.";
}

static bool list_page(struct front_req *q, size_t k, struct wh_err *err)
{
    json_t *page = web_page(q, wh_str_of(KINDS[k].heading), KINDS[k].nav);
    json_t *items = json_array(), *filters = json_array(), *tags, *result;
    size_t sort = find_sort(q);
    struct store_cursor next;
    struct wh_str cursor;
    struct ask x;

    json_object_set_new(page, "items", items);
    json_object_set_new(page, "filters", filters);
    if (!begin(&x, q, KINDS[k].kind, PAGE_ITEMS, err)) {
        return false;
    }
    set_words(&x, "search");
    set_tags(&x);
    x.query.sort = SORTS[sort].sort;
    if ((front_query(q->net->query, "cursor", 0, q->a, &cursor) &&
         !store_cursor_parse(cursor, x.query.sort, &x.query.after, err)) ||
        !run(&x, "", items, &next, err) ||
        !list_result(&x, k, sort, items, &result, err)) {
        return false;
    }
    json_object_set_new(page, "result", result);
    if (!tag_filter(&x, &tags, err)) {
        return false;
    }
    json_array_append_new(filters, sort_filter(sort));
    json_array_append_new(filters, tags);
    json_array_append_new(filters, recalled_filter(q));
    json_object_set_new(page, "heading", json_string(KINDS[k].heading));
    json_object_set_new(page, "action", json_string(KINDS[k].path));
    json_object_set_new(page, "words_name", json_string("search"));
    json_object_set_new(page, "q", web_text(x.text));
    json_object_set_new(page, "empty", json_string(empty_words(&x)));
    json_object_set_new(page, "pager",
                        web_pager(WH_S(""), front_list_next(q, &next)));
    return web_page_send(q, 200, "list", page, err);
}

bool web_on_models(struct front_req *q, struct wh_err *err)
{
    return list_page(q, 0, err);
}

bool web_on_datasets(struct front_req *q, struct wh_err *err)
{
    return list_page(q, 1, err);
}

bool web_on_spaces(struct front_req *q, struct wh_err *err)
{
    return list_page(q, 2, err);
}

/* ---- search over all kinds ---- */

/* The kind that the search is limited to, or KINDS_N. */
static size_t search_kind(const struct front_req *q)
{
    struct wh_str v;

    if (front_query(q->net->query, "type", 0, q->a, &v)) {
        for (size_t k = 0; k < KINDS_N; k++) {
            if (wh_str_is(v, KINDS[k].word)) {
                return k;
            }
        }
    }
    return KINDS_N;
}

static json_t *kind_filter(size_t chosen)
{
    json_t *options = json_array();

    json_array_append_new(
        options, option(WH_S(""), WH_S("everything"), chosen == KINDS_N));
    for (size_t k = 0; k < KINDS_N; k++) {
        json_array_append_new(options,
                              json_pack("{s:s,s:s+,s:b}", "value",
                                        KINDS[k].word, "label", KINDS[k].word,
                                        "s", "selected", k == chosen));
    }
    return filter("type", "Kind", options);
}

static bool search_items(struct front_req *q, size_t only, json_t *items,
                         struct wh_str *text, struct wh_err *err)
{
    struct ask x;

    for (size_t k = 0; k < KINDS_N; k++) {
        if (only != KINDS_N && k != only) {
            continue;
        }
        if (!begin(&x, q, KINDS[k].kind, only == k ? PAGE_ITEMS : SEARCH_ITEMS,
                   err)) {
            return false;
        }
        set_words(&x, "q");
        *text = x.text;
        if (x.query.n_words > 0 && !run(&x, KINDS[k].word, items, NULL, err)) {
            return false;
        }
    }
    return true;
}

static json_t *search_result(struct wh_str text, size_t n)
{
    if (text.n == 0) {
        return json_string("Write a word or two of what you look for.");
    }
    return n == 0 ? json_string("Nothing found")
                  : json_sprintf("%zu result%s", n, n == 1 ? "" : "s");
}

bool web_on_search(struct front_req *q, struct wh_err *err)
{
    size_t only = search_kind(q);
    json_t *page = web_page(q, WH_S("Search"), "");
    json_t *items = json_array(), *filters = json_array();
    struct wh_str text = WH_S("");

    json_object_set_new(page, "items", items);
    json_object_set_new(page, "filters", filters);
    json_array_append_new(filters, kind_filter(only));
    json_array_append_new(filters, recalled_filter(q));
    if (!search_items(q, only, items, &text, err)) {
        return false;
    }
    json_object_set_new(page, "heading", json_string("Search"));
    json_object_set_new(page, "action", json_string("/search"));
    json_object_set_new(page, "words_name", json_string("q"));
    json_object_set_new(page, "q", web_text(text));
    json_object_set_new(page, "result",
                        search_result(text, json_array_size(items)));
    json_object_set_new(
        page, "empty",
        json_string(text.n ? "Nothing has these words in its name. Fewer "
                             "words find more."
                           : ""));
    json_object_set_new(page, "pager", json_null());
    return web_page_send(q, 200, "list", page, err);
}

/* ---- what an account owns ---- */

bool web_on_owner(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, q->at.ns, ""), *items = json_array();
    struct store_account owner;
    struct ask x;

    json_object_set_new(page, "items", items);
    if (!store_account_by_name(q->db, q->at.ns, &owner, err)) {
        return false;
    }
    for (size_t k = 0; k < KINDS_N; k++) {
        if (!begin(&x, q, KINDS[k].kind, OWNER_ITEMS, err)) {
            return false;
        }
        x.query.owner = owner.id;
        x.query.n_leave_out = 0; /* here they stand, marked */
        set_words(&x, "search");
        if (!run(&x, KINDS[k].word, items, NULL, err)) {
            return false;
        }
    }
    json_object_set_new(page, "heading", json_string(owner.name));
    json_object_set_new(page, "action",
                        web_text(wh_arena_fmt(q->a, "/%s", owner.name)));
    json_object_set_new(page, "words_name", json_string("search"));
    json_object_set_new(page, "q", web_text(x.text));
    json_object_set_new(page, "filters", json_array());
    json_object_set_new(
        page, "result",
        json_sprintf("%zu repo%s of the %s %s", json_array_size(items),
                     json_array_size(items) == 1 ? "" : "s",
                     owner.org ? "organisation" : "account", owner.name));
    json_object_set_new(page, "empty", json_string(empty_words(&x)));
    json_object_set_new(page, "pager", json_null());
    return web_page_send(q, 200, "list", page, err);
}
