/*
 * files.c - the files of a revision, folder by folder, and one file.
 */
#include "base/buf.h"
#include "base/file.h"
#include "hub/release.h"
#include "hub/view.h"
#include "web/handlers.h"
#include "web/repo.h"
#include <fcntl.h>
#include <unistd.h>

enum {
    PAGE_FILES = 500,         /* rows of one page of a folder */
    SHOWN_BYTES = 256 * 1024, /* of a text file */
    SHOWN_LINES = 5000
};

/* "/demo/x/tree/main/sub%20dir" */
static struct wh_str href(const struct web_repo *r, const char *word,
                          struct wh_str path)
{
    struct wh_str out;
    struct wh_buf b;

    wh_buf_init(&b, 65536);
    wh_buf_char(&b, '/');
    wh_buf_url_path(&b, r->path);
    wh_buf_fmt(&b, "/%s/", word);
    wh_buf_url(&b, r->rev);
    if (path.n > 0) {
        wh_buf_char(&b, '/');
        wh_buf_url_path(&b, path);
    }
    out = wh_arena_dup(r->q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static void add_step(json_t *steps, struct wh_str name, struct wh_str link)
{
    json_array_append_new(steps, json_pack("{s:o,s:o}", "name", web_text(name),
                                           "href", web_text_or_null(link)));
}

json_t *web_repo_trail(const struct web_repo *r, struct wh_str path)
{
    json_t *steps = json_array();
    struct wh_str rest = path, step, name = wh_str_of(r->q->repo.full), owner;

    wh_str_cut(&name, '/', &owner);
    add_step(steps, name, href(r, "tree", WH_S("")));
    while (rest.n > 0) {
        bool last = !wh_str_cut(&rest, '/', &step);
        struct wh_str above =
            wh_str_mem(path.p, (size_t)(step.p + step.n - path.p));
        add_step(steps, step, last ? WH_S("") : href(r, "tree", above));
    }
    return json_pack("{s:o}", "steps", steps);
}

/* ---- a folder ---- */

static bool add_commit(struct web_repo *r, struct wh_err *err)
{
    struct hub_commit c;
    json_t *o;

    if (!r->has_commit) {
        json_object_set_new(r->page, "commit",
                            json_pack("{s:s,s:s,s:s,s:o}", "id", "", "short",
                                      "", "title", "nothing was pushed yet",
                                      "date",
                                      hub_view_time(r->q->repo.created)));
        return true;
    }
    if (!hub_git_commit(r->git, &r->commit, r->q->a, &c, err)) {
        return false;
    }
    o = hub_view_commit(&c);
    json_object_set_new(o, "short",
                        web_text(wh_str_sub(wh_str_of(r->sha), 0, 8)));
    json_object_set_new(r->page, "commit", o);
    return true;
}

static json_t *folder_pager(const struct web_repo *r, struct wh_str path,
                            bool more, struct wh_str last)
{
    struct wh_str next = WH_S("");
    struct wh_buf b;

    if (more) {
        wh_buf_init(&b, 65536);
        wh_buf_fmt(&b, "%.*s?after=", WH_FMT(href(r, "tree", path)));
        wh_buf_url(&b, last);
        next = wh_arena_dup(r->q->a, wh_buf_str(&b));
        wh_buf_done(&b);
    }
    return web_pager(WH_S(""), next);
}

static bool add_rows(struct web_repo *r, struct wh_str path, struct wh_err *err)
{
    struct hub_listing listing = web_repo_listing(r);
    struct wh_str after = WH_S(""), last = WH_S("");
    json_t *rows = json_array(), *row;
    struct hub_entry *list = NULL;
    bool more = false;
    size_t n = 0;

    json_object_set_new(r->page, "files", json_pack("{s:o}", "rows", rows));
    front_query(r->q->net->query, "after", 0, r->q->a, &after);
    if (r->has_commit &&
        !hub_git_list(r->git, &r->commit, path, false, after, PAGE_FILES,
                      r->q->a, &list, &n, &more, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!hub_listing_row(&listing, &list[i], &row, err)) {
            return false;
        }
        json_array_append_new(rows, row);
        last = list[i].path;
    }
    json_object_set_new(r->page, "pager", folder_pager(r, path, more, last));
    return true;
}

static bool show_folder(struct web_repo *r, struct wh_err *err)
{
    enum store_kind kind = r->q->repo.kind;
    struct wh_str path = r->q->at.path;

    json_object_set_new(r->page, "trail",
                        path.n ? web_repo_trail(r, path) : json_null());
    json_object_set_new(
        r->page, "type",
        kind == STORE_MODEL ? json_null() : json_string(store_kind_name(kind)));
    return add_commit(r, err) && add_rows(r, path, err) &&
           web_page_send(r->q, 200, "files", r->page, err);
}

bool web_on_files(struct front_req *q, struct wh_err *err)
{
    struct web_repo r;
    bool ok;

    if (!web_repo_open(q, "files", &r, err)) {
        return false;
    }
    ok = show_folder(&r, err);
    web_repo_close(&r);
    return ok;
}

/* ---- one file ---- */

/* The first bytes of what lies in the clear. */
static bool read_open(const struct web_repo *r, const char *path,
                      struct wh_str *out, struct wh_err *err)
{
    char *p = wh_arena_alloc(r->q->a, SHOWN_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : pread(fd, p, SHOWN_BYTES, 0);

    wh_fd_close(&fd);
    if (n < 0) {
        return wh_fail_errno(err, WH_IO, "reading an open file");
    }
    *out = wh_str_mem(p, (size_t)n);
    return true;
}

/* Cut at the end of a character; false when it is no text. */
static bool is_text(struct wh_str *s)
{
    if (wh_str_find(*s, '\0') != SIZE_MAX) {
        return false;
    }
    for (size_t cut = 0; cut < 4 && cut <= s->n; cut++) {
        struct wh_str t = wh_str_sub(*s, 0, s->n - cut);
        if (wh_str_utf8_ok(t)) {
            *s = t;
            return true;
        }
    }
    return false;
}

static json_t *view_text(struct wh_str s, uint64_t size)
{
    json_t *lines = json_array();
    struct wh_str rest = s, line;
    json_int_t n = 0;

    while (rest.n > 0 && n < SHOWN_LINES) {
        wh_str_cut(&rest, '\n', &line);
        json_array_append_new(
            lines, json_pack("{s:I,s:o}", "n", ++n, "text", web_text(line)));
    }
    return json_pack("{s:o,s:o}", "lines", lines, "cut",
                     rest.n > 0 || s.n < size
                         ? json_string("The file goes on; download it to see "
                                       "the rest.")
                         : json_null());
}

static void set_why_not(struct web_repo *r, const char *why)
{
    json_object_set_new(r->page, "text", json_null());
    json_object_set_new(r->page, "why_not", json_string(why));
}

static void set_text(struct web_repo *r, const struct hub_entry *e,
                     struct wh_str data)
{
    if (e->size == 0) {
        set_why_not(r, "The file is empty.");
    } else if (is_text(&data)) {
        json_object_set_new(r->page, "text", view_text(data, e->size));
        json_object_set_new(r->page, "why_not", json_string(""));
    } else {
        set_why_not(r, "This file is not text, so it is not shown here.");
    }
}

/* A large file: shown when it lies in the clear, else refused. */
static bool add_large(struct web_repo *r, const struct hub_entry *e,
                      bool *download, struct wh_err *err)
{
    struct front_req *q = r->q;
    struct hub_access access;
    struct wh_str data = WH_S("");

    *download = false;
    if (!hub_access_find(&q->house->vault, q->db, q->a, &q->repo, &r->commit, e,
                         &access, err)) {
        return false;
    }
    if (access.kind != HUB_ACCESS_OPEN) {
        json_object_set_new(r->page, "notice", web_repo_notice(r));
        set_why_not(r, "This file is being weighed; it can be had when that "
                       "is done.");
        return true;
    }
    if (!read_open(r, access.path, &data, err)) {
        return false;
    }
    *download = true;
    set_text(r, e, data);
    return true;
}

static bool add_small(struct web_repo *r, const struct hub_entry *e,
                      struct wh_err *err)
{
    struct front_req *q = r->q;
    struct wh_str data = WH_S("");
    bool ok;

    if (e->sha256[0]) {
        ok = read_open(r, hub_open_path(&q->house->vault, q->a, e->sha256),
                       &data, err);
    } else {
        ok = hub_git_blob(r->git, &e->oid, HUB_BLOB_ROW_MAX, q->a, &data, err);
    }
    if (ok) {
        set_text(r, e, data);
    }
    return ok;
}

/* The row of the table in other words. */
static bool add_file(struct web_repo *r, const struct hub_entry *e,
                     struct wh_err *err)
{
    struct hub_listing listing = web_repo_listing(r);
    json_t *row, *finding;

    if (!hub_listing_row(&listing, e, &row, err)) {
        return false;
    }
    finding = json_object_get(row, "finding");
    finding = json_is_object(finding) ? json_object_get(finding, "text") : NULL;
    finding = finding ? json_incref(finding) : json_null();
    json_object_set_new(row, "finding", finding);
    if (json_is_null(json_object_get(r->page, "parts"))) {
        json_object_set_new(row, "part", json_null());
        json_object_set_new(row, "tier", json_null());
    }
    json_object_set_new(r->page, "file", row);
    json_object_set_new(r->page, "sha256",
                        e->sha256[0] ? json_string(e->sha256) : json_null());
    return true;
}

static bool show_file(struct web_repo *r, struct wh_err *err)
{
    struct wh_str path = r->q->at.path;
    struct hub_entry e;
    bool download = true;

    if (!r->has_commit ||
        !hub_git_entry(r->git, &r->commit, path, r->q->a, &e, err)) {
        return false;
    }
    if (e.dir) {
        web_redirect(r->q, href(r, "tree", path));
        return true;
    }
    json_object_set_new(r->page, "notice", json_null());
    if (!add_file(r, &e, err) ||
        !(e.lfs ? add_large(r, &e, &download, err) : add_small(r, &e, err))) {
        return false;
    }
    json_object_set_new(r->page, "trail", web_repo_trail(r, path));
    json_object_set_new(r->page, "download",
                        download ? web_text(href(r, "resolve", path))
                                 : json_null());
    return web_page_send(r->q, 200, "blob", r->page, err);
}

bool web_on_blob(struct front_req *q, struct wh_err *err)
{
    struct web_repo r;
    bool ok;

    if (!web_repo_open(q, "files", &r, err)) {
        return false;
    }
    ok = show_file(&r, err);
    web_repo_close(&r);
    return ok;
}
