/*
 * Reads HTML strictly: a '<' begins a tag of the list with attributes of the
 * list in double quotes, or the page is refused. It shares nothing with the
 * renderer, so that it does not share its mistakes either: what a scanner
 * answers is a stranger's word until it was read here.
 */
#include "hub/card.h"

enum { NEST = 256 };

static const struct {
    const char *name, *attributes[4];
    bool empty; /* has no end tag */
} elements[] = {
    {"h2", {"id"}, false},
    {"h3", {"id"}, false},
    {"h4", {"id"}, false},
    {"h5", {"id"}, false},
    {"h6", {"id"}, false},
    {"p", {NULL}, false},
    {"br", {NULL}, true},
    {"hr", {NULL}, true},
    {"blockquote", {NULL}, false},
    {"ul", {NULL}, false},
    {"ol", {"start"}, false},
    {"li", {NULL}, false},
    {"em", {NULL}, false},
    {"strong", {NULL}, false},
    {"del", {NULL}, false},
    {"code", {NULL}, false},
    {"pre", {"tabindex"}, false},
    {"div", {"class", "tabindex"}, false},
    {"table", {NULL}, false},
    {"thead", {NULL}, false},
    {"tbody", {NULL}, false},
    {"tr", {NULL}, false},
    {"th", {"class"}, false},
    {"td", {"class"}, false},
    {"a", {"href", "rel", "title"}, false},
    {"img", {"src", "alt", "title", "loading"}, true},
};

enum { ELEMENTS = sizeof elements / sizeof *elements };

struct reader {
    struct wh_str s;
    struct wh_str files; /* pictures are below this path */
    size_t pos;
    int open[NEST];
    size_t open_n;
    bool in_link;
};

static char peek(const struct reader *r)
{
    return r->pos < r->s.n ? r->s.p[r->pos] : '\0';
}

static struct wh_str word(struct reader *r)
{
    size_t from = r->pos;

    while ((peek(r) >= 'a' && peek(r) <= 'z') ||
           (r->pos > from && peek(r) >= '0' && peek(r) <= '9')) {
        r->pos++;
    }
    return wh_str_sub(r->s, from, r->pos - from);
}

static int element_of(struct wh_str name)
{
    for (int i = 0; i < ELEMENTS; i++) {
        if (wh_str_is(name, elements[i].name)) {
            return i;
        }
    }
    return -1;
}

static bool attribute_known(int element, struct wh_str name)
{
    for (size_t i = 0; i < 4 && elements[element].attributes[i]; i++) {
        if (wh_str_is(name, elements[element].attributes[i])) {
            return true;
        }
    }
    return false;
}

/* "..", and what a browser takes for it. */
static bool dot_dot(struct wh_str s)
{
    static const char *const forms[] = {"..", ".%2e", "%2e.", "%2e%2e"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (wh_str_ieq(s, wh_str_of(forms[i]))) {
            return true;
        }
    }
    return false;
}

/* The path of a picture begins with `files` and only goes downwards. */
static bool below(struct wh_str path, struct wh_str files)
{
    struct wh_str rest, segment;
    size_t end = 0;
    bool more = true;

    while (end < path.n && path.p[end] != '?' && path.p[end] != '#') {
        end++;
    }
    rest = wh_str_sub(path, 0, end);
    if (!wh_str_starts(rest, files)) {
        return false;
    }
    while (more) {
        more = wh_str_cut(&rest, '/', &segment);
        if (dot_dot(segment)) {
            return false;
        }
    }
    return true;
}

static const char *bytes_check(struct wh_str v)
{
    for (size_t i = 0; i < v.n; i++) {
        if ((unsigned char)v.p[i] <= ' ' || (unsigned char)v.p[i] >= 0x7f ||
            v.p[i] == '\\') {
            return "an odd byte in an address";
        }
        if (v.p[i] == '&' &&
            !wh_str_starts(wh_str_sub(v, i, v.n), WH_S("&amp;"))) {
            return "a character reference in an address";
        }
    }
    return NULL;
}

static const char *link_check(struct wh_str v)
{
    if (v.n > 1 && v.p[0] == '/' && v.p[1] == '/') {
        return "an address of another host in disguise";
    }
    if (v.n > 0 && (v.p[0] == '/' || v.p[0] == '#')) {
        return NULL;
    }
    if (wh_str_ieq(wh_str_sub(v, 0, 7), WH_S("http://")) ||
        wh_str_ieq(wh_str_sub(v, 0, 8), WH_S("https://")) ||
        wh_str_ieq(wh_str_sub(v, 0, 7), WH_S("mailto:"))) {
        return NULL;
    }
    return "an address of a scheme that is not allowed";
}

static const char *value_check(const struct reader *r, struct wh_str name,
                               struct wh_str v)
{
    const char *wrong;

    if (wh_str_find(v, '<') != SIZE_MAX || wh_str_find(v, '>') != SIZE_MAX) {
        return "an angle bracket in an attribute";
    }
    if (wh_str_is(name, "href")) {
        wrong = bytes_check(v);
        return wrong ? wrong : link_check(v);
    }
    if (wh_str_is(name, "src")) {
        wrong = bytes_check(v);
        return wrong                ? wrong
               : below(v, r->files) ? NULL
                                    : "a picture from outside of the repo";
    }
    if (wh_str_is(name, "id") && !wh_str_starts(v, WH_S("card-"))) {
        return "an id without its prefix";
    }
    if (wh_str_is(name, "rel") && !wh_str_is(v, "nofollow")) {
        return "a link that is followed";
    }
    if (wh_str_is(name, "class") && !wh_str_is(v, "scroll") &&
        !wh_str_is(v, "n") && !wh_str_is(v, "c")) {
        return "a class that is not of the list";
    }
    return NULL;
}

static const char *attribute(struct reader *r, int element, bool *rel)
{
    struct wh_str name, value;
    size_t end;

    r->pos++;
    name = word(r);
    if (!attribute_known(element, name)) {
        return "an attribute that is not of the list";
    }
    if (peek(r) != '=' || r->pos + 1 >= r->s.n || r->s.p[r->pos + 1] != '"') {
        return "an attribute without quotes";
    }
    r->pos += 2;
    end = wh_str_find(wh_str_sub(r->s, r->pos, r->s.n), '"');
    if (end == SIZE_MAX) {
        return "an attribute without end";
    }
    value = wh_str_sub(r->s, r->pos, end);
    r->pos += end + 1;
    *rel = *rel || wh_str_is(name, "rel");
    return value_check(r, name, value);
}

static const char *tag_end(struct reader *r)
{
    int element;

    r->pos++;
    element = element_of(word(r));
    if (element < 0 || peek(r) != '>') {
        return "an end tag that is not of the list";
    }
    r->pos++;
    if (r->open_n == 0 || r->open[--r->open_n] != element) {
        return "tags that are not well nested";
    }
    if (wh_str_is(wh_str_of(elements[element].name), "a")) {
        r->in_link = false;
    }
    return NULL;
}

static const char *tag_start(struct reader *r)
{
    int element = element_of(word(r));
    const char *wrong = NULL;
    bool rel = false, link;

    if (element < 0) {
        return "an element that is not of the list";
    }
    while (peek(r) == ' ' && !wrong) {
        wrong = attribute(r, element, &rel);
    }
    if (wrong) {
        return wrong;
    }
    if (peek(r) != '>') {
        return "a tag without end";
    }
    r->pos++;
    link = wh_str_is(wh_str_of(elements[element].name), "a");
    if (link && (r->in_link || !rel)) {
        return "a link within a link, or one that is followed";
    }
    r->in_link = r->in_link || link;
    if (!elements[element].empty) {
        if (r->open_n == NEST) {
            return "nested too deep";
        }
        r->open[r->open_n++] = element;
    }
    return NULL;
}

const char *hub_card_check(struct wh_str html, struct wh_str files)
{
    struct reader r = {.s = html, .files = files};
    const char *wrong = NULL;

    if (!wh_str_utf8_ok(html)) {
        return "not UTF-8";
    }
    while (r.pos < html.n && !wrong) {
        if (peek(&r) == '<') {
            r.pos++;
            wrong = peek(&r) == '/' ? tag_end(&r) : tag_start(&r);
        } else if (peek(&r) == '>') {
            wrong = "a stray '>'";
        } else {
            r.pos++;
        }
    }
    if (!wrong && r.open_n > 0) {
        wrong = "an element that is not closed";
    }
    return wrong;
}
