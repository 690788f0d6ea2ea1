/*
 * register.c - the public log, page by page, with proofs that the reader's own
 * browser can check.
 */
#include "base/buf.h"
#include "hub/view.h"
#include "line/rows.h"
#include "register/view.h"
#include "tlog/note.h"
#include "web/handlers.h"
#include "web/page.h"

enum { PAGE_ENTRIES = 50, ENTRY_LINKS = 10 };

static const char *state_words(const json_t *state)
{
    if (json_is_true(json_object_get(state, "halted"))) {
        return "halted";
    }
    return json_is_true(json_object_get(state, "stalled")) ? "waiting" : "well";
}

static json_t *trouble(const json_t *state)
{
    if (json_is_true(json_object_get(state, "halted"))) {
        return json_string(
            "The log found a contradiction in its own data and has stopped. "
            "What was published stays as it is; nothing new is decided.");
    }
    if (json_is_true(json_object_get(state, "stalled"))) {
        return json_string(
            "The clock of this machine went back; the log waits for it.");
    }
    return json_null();
}

static json_t *witnesses(const json_t *state)
{
    size_t n = json_array_size(json_object_get(state, "witnesses"));

    return n ? json_sprintf("%zu", n) : json_string("");
}

json_t *web_register_head(struct front_req *q)
{
    json_t *state = register_state_json(q->house->log);

    json_object_set_new(state, "state", json_string(state_words(state)));
    json_object_set_new(state, "trouble", trouble(state));
    json_object_set_new(state, "witnesses", witnesses(state));
    return state;
}

/* Templates show the time of a leaf under "t". */
static void add_times(json_t *entries)
{
    json_t *e;
    size_t i;

    json_array_foreach(entries, i, e)
    {
        json_object_set(e, "t", json_object_get(e, "time"));
    }
}

static bool add_checkpoint(struct front_req *q, json_t *head, uint64_t size,
                           struct wh_err *err)
{
    struct wh_buf note;
    bool ok;

    wh_buf_init(&note, TLOG_NOTE_MAX);
    ok = register_checkpoint_at(q->db, size, size, &note, err);
    json_object_set_new(head, "checkpoint", web_text(wh_buf_str(&note)));
    wh_buf_done(&note);
    return ok;
}

static json_t *entries_pager(struct front_req *q, uint64_t before,
                             uint64_t size, const json_t *entries)
{
    const json_t *last = json_array_get(entries, json_array_size(entries) - 1);
    uint64_t index =
        (uint64_t)json_integer_value(json_object_get(last, "index"));
    uint64_t newer = before + PAGE_ENTRIES;
    struct wh_str prev = WH_S(""), next = WH_S("");

    if (before < size) {
        prev = newer >= size ? WH_S("/register")
                             : wh_arena_fmt(q->a, "/register?before=%llu",
                                            (unsigned long long)newer);
    }
    if (last && index > 0) {
        next = wh_arena_fmt(q->a, "/register?before=%llu",
                            (unsigned long long)index);
    }
    return web_pager(prev, next);
}

bool web_on_register(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Register"), "register"), *entries;
    json_t *head = web_register_head(q);
    uint64_t size = (uint64_t)json_integer_value(json_object_get(head, "size"));
    uint64_t before =
        front_query_u64(q->net->query, "before", size, 0, size, q->a);

    json_object_set_new(page, "register", head);
    if (!register_view_entries(q->db, q->a, before, size, PAGE_ENTRIES,
                               &entries, err)) {
        return false;
    }
    add_times(entries);
    json_object_set_new(head, "entries", entries);
    json_object_set_new(page, "pager", entries_pager(q, before, size, entries));
    return add_checkpoint(q, head, size, err) &&
           web_page_send(q, 200, "register", page, err);
}

/* ---- one entry ---- */

/* May the caller know of this repo? */
static bool visible(struct front_req *q, int64_t id, struct store_repo *repo,
                    bool *out, struct wh_err *err)
{
    struct wh_err why = {0};

    if (!store_repo_by_id(q->db, q->a, id, repo, &why)) {
        *out = false;
        if (why.code != WH_REPO_NOT_FOUND) {
            *err = why;
        }
        return why.code == WH_REPO_NOT_FOUND;
    }
    return store_repo_readable(q->db, repo, front_req_viewer(q), out, err);
}

static bool subject_each(struct front_req *q, struct wh_str subject,
                         void (*each)(void *ctx, const struct store_repo *repo),
                         void *ctx, struct wh_err *err)
{
    int64_t *ids;
    size_t n;

    if (!line_subject_repos(q->db, q->a, subject, 0, &ids, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n && i < ENTRY_LINKS; i++) {
        struct store_repo repo;
        bool shown;
        if (!visible(q, ids[i], &repo, &shown, err)) {
            return false;
        }
        if (shown) {
            each(ctx, &repo);
        }
    }
    return true;
}

struct links {
    struct front_req *q;
    json_t *list;
    bool decision;
};

static void add_link(void *ctx, const struct store_repo *repo)
{
    struct links *l = ctx;

    json_array_append_new(
        l->list,
        json_pack("{s:s,s:o,s:s}", "text",
                  l->decision ? "It is explained on the page of"
                              : "These are the files of",
                  "href",
                  web_text(wh_arena_fmt(l->q->a, "/%s%s/%s",
                                        hub_kind_prefix(repo->kind), repo->full,
                                        l->decision ? "decision" : "weighing")),
                  "name", repo->full));
}

/* "sha256:<hex>" of the leaf's subject, in the open only. */
static struct wh_str leaf_subject(const json_t *leaf)
{
    const json_t *v = json_array_get(json_object_get(leaf, "subject"), 0);
    struct wh_str s = v ? wh_str_of(json_string_value(v)) : WH_S("");

    return wh_str_sub(s, 7, 64);
}

static bool add_links(struct front_req *q, json_t *entry, struct wh_err *err)
{
    const json_t *leaf = json_object_get(entry, "leaf");
    const char *type = json_string_value(json_object_get(entry, "type"));
    struct links l = {q, json_array(), type && strcmp(type, "decision") == 0};
    struct wh_str subject = leaf_subject(leaf);

    json_object_set_new(entry, "links", l.list);
    return subject.n != 64 || subject_each(q, subject, add_link, &l, err);
}

static json_t *lines_of(const json_t *list)
{
    struct wh_buf b;
    const json_t *one;
    json_t *out;
    size_t i;

    wh_buf_init(&b, 65536);
    json_array_foreach(list, i, one)
    {
        wh_buf_cstr(&b, i ? "\n" : "");
        wh_buf_cstr(&b, json_string_value(one));
    }
    out = web_text(wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static json_t *indented(const json_t *v)
{
    struct wh_buf b;
    json_t *out;

    wh_buf_init(&b, (size_t)1 << 20);
    wh_json_write(&b, v, true);
    out = web_text(wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

/* {"n": "12"}: text, since a section would not show the number 0. */
static json_t *neighbour(uint64_t index, bool there)
{
    return there ? json_pack("{s:o}", "n",
                             json_sprintf("%llu", (unsigned long long)index))
                 : json_null();
}

static void add_shown(json_t *entry, const json_t *state, uint64_t index,
                      uint64_t size)
{
    json_t *proof = json_object_get(entry, "proof");
    uint64_t before = index - 1, after = index + 1;

    json_object_set(entry, "t", json_object_get(entry, "time"));
    json_object_set_new(entry, "leaf_pretty",
                        indented(json_object_get(entry, "leaf")));
    json_object_set_new(entry, "proof_length",
                        json_integer((json_int_t)json_array_size(proof)));
    json_object_set_new(entry, "proof", lines_of(proof));
    json_object_set(entry, "vkey", json_object_get(state, "vkey"));
    json_object_set_new(entry, "prev", neighbour(before, index > 0));
    json_object_set_new(entry, "next", neighbour(after, after < size));
}

bool web_on_entry(struct front_req *q, struct wh_err *err)
{
    json_t *state = wh_json_own(q->a, web_register_head(q)), *entry, *page;
    uint64_t size =
        (uint64_t)json_integer_value(json_object_get(state, "size"));
    uint64_t index;

    if (!wh_str_u64(q->at.a, &index)) {
        return wh_fail(err, WH_NOT_FOUND,
                       "Entries of the register are numbers");
    }
    if (!register_view_entry(q->db, q->a, q->house->reader, index, size, &entry,
                             err)) {
        return false;
    }
    wh_json_own(q->a, entry);
    add_shown(entry, state, index, size);
    if (!add_links(q, entry, err)) {
        return false;
    }
    page = web_page(
        q, wh_arena_fmt(q->a, "Entry #%llu", (unsigned long long)index),
        "register");
    json_object_set(page, "entry", entry);
    return web_page_send(q, 200, "entry", page, err);
}

/* ---- where refusals point to ---- */

static void keep_first(void *ctx, const struct store_repo *repo)
{
    struct links *l = ctx;

    if (json_array_size(l->list) == 0) {
        add_link(l, repo);
    }
}

/* /decisions/<subject or decision>: to the page of a repo that has it. */
bool web_on_decision_of(struct front_req *q, struct wh_err *err)
{
    struct links l = {q, wh_json_own(q->a, json_array()), true};
    struct wh_str subject = q->at.a;
    struct line_row row;

    if (subject.n != 64) {
        if (!line_by_id(q->db, q->a, subject, &row, err)) {
            return false;
        }
        subject = row.subject;
    }
    if (!subject_each(q, subject, keep_first, &l, err)) {
        return false;
    }
    if (json_array_size(l.list) == 0) {
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    web_redirect(q, wh_arena_fmt(q->a, "%s#object",
                                 json_string_value(json_object_get(
                                     json_array_get(l.list, 0), "href"))));
    return true;
}
