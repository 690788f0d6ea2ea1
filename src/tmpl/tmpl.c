/*
 * Sets of templates, and the renderer: a walk over the compiled nodes with a
 * stack of values. All ceilings of tmpl.h are kept here.
 */
#include "tmpl/tmpl.h"

#include "base/mem.h"
#include "tmpl/node.h"

enum { SET_MEMORY = 16 * 1024 * 1024 };

/* One rendering. */
struct render {
    const struct tmpl_set *set;
    const struct tmpl_file *file;
    const json_t *stack[TMPL_DEPTH_MAX + 1];
    size_t depth; /* values on the stack */
    size_t open;  /* sections and partials open */
    size_t steps;
    struct wh_buf *out;
    struct wh_err *err;
};

static bool wrong(const struct render *r, const struct tmpl_node *n,
                  const char *what)
{
    return wh_fail(r->err, WH_INTERNAL, "%.*s:%d: %s", WH_FMT(r->file->name),
                   n->line, what);
}

/* The value of a name: its first word from the innermost value outwards, the
 * rest inside what was found. Null when there is none. */
static const json_t *lookup(const struct render *r,
                            const struct tmpl_path *path)
{
    const json_t *v = NULL;

    if (path->n == 0) {
        return r->stack[r->depth - 1];
    }
    for (size_t i = r->depth; i-- > 0 && !v;) {
        v = json_object_get(r->stack[i], path->segments[0]);
    }
    for (size_t i = 1; i < path->n && v; i++) {
        v = json_object_get(v, path->segments[i]);
    }
    return v;
}

static bool shown(const json_t *v)
{
    if (!v || json_is_null(v) || json_is_false(v)) {
        return false;
    }
    if (json_is_string(v)) {
        return json_string_length(v) > 0;
    }
    if (json_is_integer(v)) {
        return json_integer_value(v) != 0;
    }
    return !json_is_array(v) || json_array_size(v) > 0;
}

static bool value_write(struct render *r, const struct tmpl_node *n)
{
    const json_t *v = lookup(r, &n->path);

    if (!v && r->set->strict) {
        return wrong(r, n, "the values have no such name");
    }
    if (!(n->form ? n->form->write : tmpl_form_plain)(r->out, v)) {
        return wrong(r, n, "the value is not of the type its place needs");
    }
    return true;
}

static bool raw_write(struct render *r, const struct tmpl_node *n)
{
    const json_t *v = lookup(r, &n->path);
    const json_t *html = json_object_get(v, "html");

    if (!v && !r->set->strict) {
        return true;
    }
    if (!json_is_string(html) || json_object_size(v) != 1) {
        return wrong(r, n, "raw form of a value that is not marked as HTML");
    }
    wh_buf_mem(r->out, json_string_value(html), json_string_length(html));
    return true;
}

static bool walk(struct render *r, const struct tmpl_file *file, size_t from,
                 size_t to);

/* The inside of a section, once, with v innermost. */
static bool inside(struct render *r, const struct tmpl_file *file, size_t at,
                   const json_t *v)
{
    bool ok;

    r->stack[r->depth++] = v;
    ok = walk(r, file, at + 1, file->nodes[at].end);
    r->depth--;
    return ok;
}

static bool section(struct render *r, const struct tmpl_file *file, size_t at)
{
    const json_t *v = lookup(r, &file->nodes[at].path);

    if (!shown(v)) {
        return true;
    }
    if (!json_is_array(v)) {
        return inside(r, file, at, v);
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (!inside(r, file, at, json_array_get(v, i))) {
            return false;
        }
    }
    return true;
}

/* One node; sections move *at behind their end. */
static bool node_render(struct render *r, const struct tmpl_file *file,
                        size_t *at)
{
    const struct tmpl_node *n = &file->nodes[*at];
    size_t here = *at;

    *at = here + 1;
    switch (n->op) {
    case TMPL_OP_TEXT:
        wh_buf_add(r->out, n->text);
        return true;
    case TMPL_OP_VALUE:
        return value_write(r, n);
    case TMPL_OP_RAW:
        return raw_write(r, n);
    case TMPL_OP_SECTION:
        *at = n->end;
        return section(r, file, here);
    case TMPL_OP_INVERTED:
        *at = n->end;
        return shown(lookup(r, &n->path)) || walk(r, file, here + 1, n->end);
    case TMPL_OP_PARTIAL:
        return walk(r, n->partial, 0, n->partial->n);
    }
    wh_assert(false);
    return false;
}

static bool walk(struct render *r, const struct tmpl_file *file, size_t from,
                 size_t to)
{
    const struct tmpl_file *outer = r->file;
    bool ok = true;

    r->file = file;
    if (++r->open > TMPL_DEPTH_MAX) {
        ok = wh_fail(r->err, WH_INTERNAL, "%.*s: nested too deep",
                     WH_FMT(file->name));
    }
    for (size_t at = from; at < to && ok;) {
        if (r->out->over) {
            ok = wh_buf_ok(r->out, r->err);
        } else if (++r->steps > TMPL_STEPS_MAX) {
            ok = wh_fail(r->err, WH_TOO_LARGE, "the page is too large");
        } else {
            ok = node_render(r, file, &at);
        }
    }
    r->open--;
    r->file = outer;
    return ok;
}

static struct tmpl_file *file_find(const struct tmpl_set *set,
                                   struct wh_str name)
{
    struct tmpl_file *f = set->files;

    while (f && !wh_str_eq(f->name, name)) {
        f = f->next;
    }
    return f;
}

/* Depth first over the partials; a template met while it is still open calls
 * itself. */
static bool link_file(struct tmpl_set *set, struct tmpl_file *f, size_t depth,
                      struct wh_err *err)
{
    if (f->mark == TMPL_MARK_OPEN || depth > TMPL_DEPTH_MAX) {
        return wh_fail(err, WH_INTERNAL, "%.*s: a template contains itself",
                       WH_FMT(f->name));
    }
    if (f->mark == TMPL_MARK_DONE) {
        return true;
    }
    f->mark = TMPL_MARK_OPEN;
    for (size_t i = 0; i < f->n; i++) {
        struct tmpl_node *n = &f->nodes[i];
        struct tmpl_file *p;

        if (n->op != TMPL_OP_PARTIAL) {
            continue;
        }
        p = file_find(set, n->text);
        if (!p) {
            return wh_fail(err, WH_INTERNAL, "%.*s:%d: no template %.*s",
                           WH_FMT(f->name), n->line, WH_FMT(n->text));
        }
        if (!link_file(set, p, depth + 1, err)) {
            return false;
        }
        n->partial = p;
    }
    f->mark = TMPL_MARK_DONE;
    return true;
}

struct wh_str tmpl_asset_url(const struct tmpl_set *set, struct wh_str name)
{
    for (const struct tmpl_asset_url *a = set->assets; a; a = a->next) {
        if (wh_str_eq(a->name, name)) {
            return a->url;
        }
    }
    return WH_S("");
}

struct tmpl_set *tmpl_set_new(bool strict)
{
    struct tmpl_set *set = wh_alloc(sizeof *set);

    wh_arena_init(&set->arena, SET_MEMORY);
    set->strict = strict;
    return set;
}

void tmpl_set_free(struct tmpl_set **set)
{
    if (*set) {
        wh_arena_done(&(*set)->arena);
        wh_free(*set);
        *set = NULL;
    }
}

void tmpl_set_asset(struct tmpl_set *set, struct wh_str name, struct wh_str url)
{
    struct tmpl_asset_url *a = WH_NEW(&set->arena, struct tmpl_asset_url);

    a->name = wh_arena_dup(&set->arena, name);
    a->url = wh_arena_dup(&set->arena, url);
    a->next = set->assets;
    set->assets = a;
}

bool tmpl_set_add(struct tmpl_set *set, struct wh_str name, struct wh_str text,
                  struct wh_err *err)
{
    struct tmpl_file *f;

    wh_assert(!set->linked);
    if (file_find(set, name)) {
        return wh_fail(err, WH_INTERNAL, "%.*s: given twice", WH_FMT(name));
    }
    f = WH_NEW(&set->arena, struct tmpl_file);
    f->name = wh_arena_dup(&set->arena, name);
    if (!tmpl_compile(set, f, text, err) || wh_arena_over(&set->arena, err)) {
        return false;
    }
    f->next = set->files;
    set->files = f;
    set->count++;
    return true;
}

bool tmpl_set_link(struct tmpl_set *set, struct wh_err *err)
{
    for (struct tmpl_file *f = set->files; f; f = f->next) {
        if (!link_file(set, f, 0, err)) {
            return false;
        }
    }
    set->linked = true;
    return true;
}

size_t tmpl_set_count(const struct tmpl_set *set)
{
    return set->count;
}

struct wh_str tmpl_set_name(const struct tmpl_set *set, size_t i)
{
    const struct tmpl_file *f = set->files;

    while (f && i-- > 0) {
        f = f->next;
    }
    return f ? f->name : WH_S("");
}

bool tmpl_render(const struct tmpl_set *set, const char *name,
                 const json_t *values, struct wh_buf *out, struct wh_err *err)
{
    struct render r = {.set = set, .out = out, .err = err};
    const struct tmpl_file *f = file_find(set, wh_str_of(name));

    wh_assert(set->linked);
    if (!f) {
        return wh_fail(err, WH_NOT_FOUND, "no template %s", name);
    }
    r.stack[r.depth++] = values;
    return walk(&r, f, 0, f->n) && wh_buf_ok(out, err);
}

json_t *tmpl_html(struct wh_str html)
{
    json_t *o = json_object();
    int set = json_object_set_new(o, "html", wh_json_str(html));

    wh_assert(set == 0);
    return o;
}
