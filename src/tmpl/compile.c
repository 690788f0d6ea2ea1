/*
 * The compiler: one pass over the text of a template. Text between tags goes
 * through the place machine, so that at each {{value}} it is known whether
 * escaping for text and quoted attributes is the right one; if it is not, the
 * template is refused.
 */
#include "tmpl/node.h"
#include "tmpl/place.h"

/* A section that is open at this point of the text. */
struct open_section {
    size_t node;
    struct wh_str name;
    struct tmpl_place place;
};

struct compiler {
    struct tmpl_set *set;
    struct tmpl_file *file;
    struct wh_str text;
    size_t pos;
    int line;
    struct tmpl_place place;
    struct open_section open[TMPL_OPEN_MAX];
    size_t open_n;
    struct wh_err *err;
};

/* One {{...}} of the text. */
struct tag {
    struct wh_str body; /* between the braces, trimmed, sigil included */
    bool triple;
};

static bool wrong(struct compiler *c, const char *what)
{
    return wh_fail(c->err, WH_INTERNAL, "%.*s:%d: %s", WH_FMT(c->file->name),
                   c->line, what);
}

static struct tmpl_node *node_new(struct compiler *c, enum tmpl_op op)
{
    struct tmpl_node *n = &c->file->nodes[c->file->n++];

    n->op = op;
    n->line = c->line;
    return n;
}

static bool name_byte(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
           (ch >= '0' && ch <= '9') || ch == '_' || ch == '-';
}

static bool path_parse(struct compiler *c, struct wh_str name,
                       struct tmpl_path *path)
{
    struct wh_str rest = name, head;
    bool more = true;

    if (wh_str_is(name, ".")) {
        return true;
    }
    while (more) {
        more = wh_str_cut(&rest, '.', &head);
        if (head.n == 0 || path->n == TMPL_SEGMENTS_MAX) {
            return wrong(c, "malformed name");
        }
        for (size_t i = 0; i < head.n; i++) {
            if (!name_byte(head.p[i])) {
                return wrong(c, "malformed name");
            }
        }
        path->segments[path->n++] = wh_arena_cstr(&c->set->arena, head);
    }
    return true;
}

static bool text_add(struct compiler *c, struct wh_str s)
{
    const char *what;

    if (s.n == 0) {
        return true;
    }
    what = tmpl_place_step(&c->place, s);
    if (what) {
        return wrong(c, what);
    }
    node_new(c, TMPL_OP_TEXT)->text = wh_arena_dup(&c->set->arena, s);
    return true;
}

/* A value may stand in text and in quotes; where the attribute is a URL, only
 * through a form made for that. */
static bool value_allowed(struct compiler *c, const struct tmpl_form *form)
{
    if (c->place.where == TMPL_WHERE_TEXT && !c->place.script) {
        return !(form && form->url_start) ||
               wrong(c, "{{&href}} is for the beginning of a URL attribute");
    }
    if (c->place.where != TMPL_WHERE_QUOTED) {
        return wrong(c, "a value may stand in text or in quotes only");
    }
    if (c->place.url && !(form && form->for_url)) {
        return wrong(c, "a URL attribute takes {{&url}}, {{&path}}, {{&href}}");
    }
    if (c->place.url && c->place.start && !form->url_start) {
        return wrong(c, "a URL may begin with text or {{&href}} only");
    }
    if (form && form->url_start && !(c->place.url && c->place.start)) {
        return wrong(c, "{{&href}} is for the beginning of a URL attribute");
    }
    c->place.start = false;
    return true;
}

static bool value_add(struct compiler *c, struct wh_str name,
                      const struct tmpl_form *form)
{
    struct tmpl_node *n;

    if (!value_allowed(c, form)) {
        return false;
    }
    n = node_new(c, TMPL_OP_VALUE);
    n->form = form;
    return path_parse(c, name, &n->path);
}

static bool form_add(struct compiler *c, struct wh_str body)
{
    struct wh_str name;
    const struct tmpl_form *form;

    wh_str_cut(&body, ' ', &name);
    form = tmpl_form_find(name);
    if (!form) {
        return wrong(c, "unknown form");
    }
    return value_add(c, wh_str_trim(body), form);
}

static bool raw_add(struct compiler *c, struct wh_str name)
{
    if (c->place.where != TMPL_WHERE_TEXT || c->place.script) {
        return wrong(c, "safe HTML may stand in text only");
    }
    return path_parse(c, name, &node_new(c, TMPL_OP_RAW)->path);
}

/* Between the attributes of a tag. */
static bool in_tag(const struct tmpl_place *p)
{
    return p->where == TMPL_WHERE_TAG || p->where == TMPL_WHERE_AFTER;
}

/* A section may begin in text, in a quoted value, and between attributes. */
static bool may_begin(struct compiler *c)
{
    const char *what = NULL;

    if (c->place.where == TMPL_WHERE_NAME) {
        what = tmpl_place_settle(&c->place); /* "<a{{#x}} class=..." */
    }
    if (what) {
        return wrong(c, what);
    }
    return c->place.where == TMPL_WHERE_TEXT || in_tag(&c->place) ||
           c->place.where == TMPL_WHERE_QUOTED ||
           wrong(c, "a section may not begin in the middle of a word");
}

static bool section_open(struct compiler *c, struct wh_str name,
                         enum tmpl_op op)
{
    struct open_section *o;

    if (c->open_n == TMPL_OPEN_MAX) {
        return wrong(c, "too many sections open");
    }
    if (!may_begin(c)) {
        return false;
    }
    o = &c->open[c->open_n++];
    o->node = c->file->n;
    o->name = name;
    o->place = c->place;
    return path_parse(c, name, &node_new(c, op)->path);
}

/* A section may be shown or not: both ways must lead to the same place. */
static bool same_place(const struct tmpl_place *a, const struct tmpl_place *b)
{
    if (in_tag(a) || a->where != b->where) {
        return in_tag(a) && in_tag(b);
    }
    return a->script == b->script &&
           (a->where != TMPL_WHERE_QUOTED || a->quote == b->quote);
}

static bool section_close(struct compiler *c, struct wh_str name)
{
    struct open_section *o;
    const char *what;

    if (c->open_n == 0 || !wh_str_eq(c->open[c->open_n - 1].name, name)) {
        return wrong(c, "this section is not the one that is open");
    }
    o = &c->open[--c->open_n];
    what = tmpl_place_settle(&c->place); /* "{{#on}}checked{{/on}}" */
    if (what) {
        return wrong(c, what);
    }
    if (!same_place(&o->place, &c->place)) {
        return wrong(c, "the section ends in another place of a tag");
    }
    /* go on from the stricter of the two */
    if (c->place.where != TMPL_WHERE_AFTER) {
        c->place = o->place;
    }
    c->file->nodes[o->node].end = c->file->n;
    return true;
}

static bool partial_add(struct compiler *c, struct wh_str name)
{
    if (c->place.where != TMPL_WHERE_TEXT || c->place.script) {
        return wrong(c, "a partial may stand in text only");
    }
    node_new(c, TMPL_OP_PARTIAL)->text = wh_arena_dup(&c->set->arena, name);
    return true;
}

static bool asset_add(struct compiler *c, struct wh_str name)
{
    struct wh_str url = tmpl_asset_url(c->set, name);

    if (url.n == 0) {
        return wrong(c, "unknown asset");
    }
    if (c->place.where != TMPL_WHERE_QUOTED || !c->place.url) {
        return wrong(c, "an asset stands in a URL attribute only");
    }
    return text_add(c, url);
}

static bool tag_add(struct compiler *c, const struct tag *t)
{
    struct wh_str rest = wh_str_trim(wh_str_sub(t->body, 1, t->body.n));

    if (t->body.n == 0) {
        return wrong(c, "empty tag");
    }
    if (t->triple) {
        return raw_add(c, t->body);
    }
    switch (t->body.p[0]) {
    case '#':
        return section_open(c, rest, TMPL_OP_SECTION);
    case '^':
        return section_open(c, rest, TMPL_OP_INVERTED);
    case '/':
        return section_close(c, rest);
    case '>':
        return partial_add(c, rest);
    case '&':
        return form_add(c, rest);
    case '@':
        return asset_add(c, rest);
    case '!':
        return true;
    default:
        return value_add(c, t->body, NULL);
    }
}

/* Read the tag at pos, which begins with "{{"; moves pos behind it. */
static bool tag_read(struct compiler *c, struct tag *t)
{
    struct wh_str rest = wh_str_sub(c->text, c->pos, c->text.n);
    size_t end;

    t->triple = wh_str_starts(rest, WH_S("{{{"));
    end = wh_str_find_str(rest, t->triple ? WH_S("}}}") : WH_S("}}"));
    if (end == SIZE_MAX) {
        return wrong(c, "tag without end");
    }
    t->body =
        t->triple ? wh_str_sub(rest, 3, end - 3) : wh_str_sub(rest, 2, end - 2);
    c->pos += end + (t->triple ? 3 : 2);
    for (size_t i = 0; i < t->body.n; i++) {
        c->line += t->body.p[i] == '\n';
    }
    t->body = wh_str_trim(t->body);
    return true;
}

/* Section tags, partials and remarks that are alone on their line leave no
 * empty line behind: drop the blanks before (of *before) and the line end. */
static void alone_on_line(struct compiler *c, const struct tag *t,
                          struct wh_str *before)
{
    size_t start = before->n, end = c->pos;
    bool first = before->p == c->text.p;

    if (t->triple || t->body.n == 0 || !strchr("#^/>!", t->body.p[0])) {
        return;
    }
    while (start > 0 && before->p[start - 1] == ' ') {
        start--;
    }
    if (start > 0 ? before->p[start - 1] != '\n'
                  : !first && before->p[-1] != '\n') {
        return;
    }
    while (end < c->text.n && c->text.p[end] == ' ') {
        end++;
    }
    if (end < c->text.n && c->text.p[end] != '\n') {
        return;
    }
    before->n = start;
    c->pos = end < c->text.n ? end + 1 : end;
    c->line += end < c->text.n;
}

static bool text_and_tag(struct compiler *c)
{
    struct wh_str rest = wh_str_sub(c->text, c->pos, c->text.n), before;
    size_t at = wh_str_find_str(rest, WH_S("{{"));
    int added = 0;
    struct tag t = {0};

    before = wh_str_sub(rest, 0, at == SIZE_MAX ? rest.n : at);
    for (size_t i = 0; i < before.n; i++) {
        added += before.p[i] == '\n';
    }
    c->pos += before.n;
    if (at == SIZE_MAX) {
        return text_add(c, before);
    }
    c->line += added;
    if (!tag_read(c, &t)) {
        return false;
    }
    alone_on_line(c, &t, &before);
    return text_add(c, before) && tag_add(c, &t);
}

/* No tag makes more than one node, and no text more than one between tags. */
static size_t nodes_at_most(struct wh_str text)
{
    size_t n = 1, at = wh_str_find_str(text, WH_S("{{"));

    while (at != SIZE_MAX) {
        n += 2;
        text = wh_str_sub(text, at + 2, text.n);
        at = wh_str_find_str(text, WH_S("{{"));
    }
    return n;
}

bool tmpl_compile(struct tmpl_set *set, struct tmpl_file *file,
                  struct wh_str text, struct wh_err *err)
{
    struct compiler c = {
        .set = set, .file = file, .text = text, .line = 1, .err = err};
    size_t most;

    if (text.n > TMPL_TEXT_MAX || !wh_str_utf8_ok(text)) {
        return wrong(&c, "too long, or not UTF-8");
    }
    most = nodes_at_most(text);
    file->nodes = wh_arena_array(&set->arena, most, sizeof *file->nodes);
    while (c.pos < text.n) {
        if (!text_and_tag(&c)) {
            return false;
        }
    }
    wh_assert(file->n <= most);
    if (c.open_n > 0) {
        return wrong(&c, "a section is not closed");
    }
    if (c.place.where != TMPL_WHERE_TEXT || c.place.script) {
        return wrong(&c, "the template ends inside a tag");
    }
    return true;
}
