/*
 * The renderer of cards. md4c parses and calls us back; every tag that is
 * written stands in this file, so what a page can contain is what can be read
 * here. Text is escaped, addresses go through card_url.c.
 */
#include "hub/card.h"

#include <md4c.h>

#include "hub/card_raw.h"
#include "hub/card_url.h"

enum {
    NEST_MAX = 24, /* lists and quotes, and spans, that are shown nested */
    ID_MAX = 64,   /* bytes of a heading's id */
    PAD = 64       /* zeros behind the text */
};

/* What a link or a picture of the card became. */
enum shown { SHOWN_NOTHING, SHOWN_LINK, SHOWN_IMAGE };

/* A span that is open. md4c does not always close what it opened (a code span
 * that is cut by the cells of a table), so the stack is ours. */
struct span {
    MD_SPANTYPE type;
    enum shown shown;
};

struct card {
    struct wh_buf out;
    const struct hub_card_links *links;
    size_t nested; /* lists and quotes open, shown or not */
    struct span spans[NEST_MAX];
    size_t spans_n;
    size_t spans_hidden; /* open beyond NEST_MAX or inside an alt text */
    bool in_link;        /* links do not nest in HTML */
    bool in_alt;         /* inside an alt text only text is written */
    bool heading;
    size_t begin;       /* in out, where the heading or raw HTML began */
    struct wh_buf id;   /* the words of the heading */
    json_t *ids;        /* of the headings so far, and how often */
    struct wh_buf url;  /* the address at hand, decoded */
    struct wh_buf safe; /* the same, judged and escaped */
    struct hub_card_raw raw;
};

static void put(struct card *c, const char *html)
{
    wh_buf_cstr(&c->out, html);
}

/* ---- addresses -------------------------------------------------------- */

/* The decoded text of an attribute into c->url; false when a character
 * reference is of no known name. */
static bool attribute_decode(struct card *c, const MD_ATTRIBUTE *a)
{
    bool ok = true;

    wh_buf_reset(&c->url);
    for (size_t i = 0; a->size > 0 && a->substr_offsets[i] < a->size; i++) {
        struct wh_str part =
            wh_str_mem(a->text + a->substr_offsets[i],
                       a->substr_offsets[i + 1] - a->substr_offsets[i]);
        if (a->substr_types[i] == MD_TEXT_ENTITY) {
            ok = hub_card_entity(&c->url, part) && ok;
        } else if (a->substr_types[i] == MD_TEXT_NULLCHAR) {
            ok = false;
        } else {
            wh_buf_add(&c->url, part);
        }
    }
    return ok && !c->url.over;
}

/* Judge an address; its safe form is then in c->safe. */
static enum hub_card_url address(struct card *c, const MD_ATTRIBUTE *a,
                                 struct wh_str prefix)
{
    enum hub_card_url kind;

    wh_buf_reset(&c->safe);
    if (!attribute_decode(c, a)) {
        return HUB_CARD_URL_NONE;
    }
    kind = hub_card_url(&c->safe, wh_buf_str(&c->url), prefix);
    return c->safe.over ? HUB_CARD_URL_NONE : kind;
}

static void title_put(struct card *c, const MD_ATTRIBUTE *title)
{
    if (title->size > 0 && attribute_decode(c, title)) {
        put(c, " title=\"");
        wh_buf_html(&c->out, wh_buf_str(&c->url));
        put(c, "\"");
    }
}

static void link_open(struct card *c)
{
    put(c, "<a href=\"");
    wh_buf_add(&c->out, wh_buf_str(&c->safe));
    put(c, "\" rel=\"nofollow\"");
}

/* ---- headings --------------------------------------------------------- */

static bool word_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c >= 0x80;
}

/* Words of a heading as an id: lower case, one '-' between words, cut between
 * characters. */
static void id_add(struct card *c, struct wh_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        bool inside = ((unsigned char)ch & 0xc0) == 0x80;
        if (!inside && c->id.n + 4 > ID_MAX) {
            return;
        }
        if (ch >= 'A' && ch <= 'Z') {
            ch = (char)(ch - 'A' + 'a');
        }
        if (word_byte((unsigned char)ch)) {
            wh_buf_char(&c->id, ch);
        } else if ((ch == ' ' || ch == '-') && c->id.n > 0 &&
                   c->id.p[c->id.n - 1] != '-') {
            wh_buf_char(&c->id, '-');
        }
    }
}

/* The opening tag; the second heading of the same words gets a number. */
static void heading_tag(struct card *c, unsigned level)
{
    json_int_t before;
    const char *id;

    if (c->id.n == 0) {
        wh_buf_fmt(&c->out, "<h%u>", level);
        return;
    }
    wh_buf_char(&c->id, '\0');
    id = c->id.p;
    before = json_integer_value(json_object_get(c->ids, id));
    json_object_set_new(c->ids, id, json_integer(before + 1));
    wh_buf_fmt(&c->out, "<h%u id=\"card-%s", level, id);
    if (before > 0) {
        wh_buf_fmt(&c->out, "-%lld", (long long)before);
    }
    put(c, "\">");
}

/* The text of the heading was written; put its tag with the id before it. */
static void heading_close(struct card *c, unsigned level)
{
    struct wh_buf text;

    wh_buf_init(&text, HUB_CARD_HTML_MAX);
    wh_buf_add(&text, wh_str_sub(wh_buf_str(&c->out), c->begin, SIZE_MAX));
    c->out.n = c->begin;
    heading_tag(c, level);
    wh_buf_add(&c->out, wh_buf_str(&text));
    wh_buf_fmt(&c->out, "</h%u>\n", level);
    wh_buf_done(&text);
    c->heading = false;
}

static void heading_open(struct card *c)
{
    c->heading = true;
    c->begin = c->out.n;
    wh_buf_reset(&c->id);
}

/* ---- blocks ----------------------------------------------------------- */

static void cell_open(struct card *c, const MD_BLOCK_TD_DETAIL *d,
                      const char *tag)
{
    const char *class = d->align == MD_ALIGN_RIGHT    ? " class=\"n\""
                        : d->align == MD_ALIGN_CENTER ? " class=\"c\""
                                                      : "";

    wh_buf_fmt(&c->out, "<%s%s>", tag, class);
}

static void item_open(struct card *c, const MD_BLOCK_LI_DETAIL *d)
{
    put(c, "<li>");
    if (d->is_task) {
        put(c, d->task_mark == ' ' ? "\xe2\x98\x90 " : "\xe2\x98\x91 ");
    }
}

static void list_open(struct card *c, const MD_BLOCK_OL_DETAIL *d)
{
    if (d->start == 1) {
        put(c, "<ol>\n");
    } else {
        wh_buf_fmt(&c->out, "<ol start=\"%u\">\n", d->start);
    }
}

static void raw_begin(struct card *c)
{
    c->raw.block = true;
    c->begin = c->out.n;
    put(c, "<p>");
}

/* A block that held tags only leaves nothing. */
static void raw_end(struct card *c)
{
    struct wh_str text =
        wh_str_sub(wh_buf_str(&c->out), c->begin + 3, SIZE_MAX);

    c->raw.block = false;
    if (wh_str_trim(text).n == 0) {
        c->out.n = c->begin;
    } else {
        put(c, "</p>\n");
    }
}

static void block_open(struct card *c, MD_BLOCKTYPE type, const void *detail)
{
    switch (type) {
    case MD_BLOCK_DOC:
        break;
    case MD_BLOCK_QUOTE:
        put(c, "<blockquote>\n");
        break;
    case MD_BLOCK_UL:
        put(c, "<ul>\n");
        break;
    case MD_BLOCK_OL:
        list_open(c, detail);
        break;
    case MD_BLOCK_LI:
        item_open(c, detail);
        break;
    case MD_BLOCK_HR:
        put(c, "<hr>\n");
        break;
    case MD_BLOCK_H:
        heading_open(c);
        break;
    case MD_BLOCK_CODE:
        put(c, "<pre tabindex=\"0\"><code>");
        break;
    case MD_BLOCK_HTML:
        raw_begin(c);
        break;
    case MD_BLOCK_P:
        put(c, "<p>");
        break;
    case MD_BLOCK_TABLE:
        put(c, "<div class=\"scroll\" tabindex=\"0\"><table>\n");
        break;
    case MD_BLOCK_THEAD:
        put(c, "<thead>\n");
        break;
    case MD_BLOCK_TBODY:
        put(c, "<tbody>\n");
        break;
    case MD_BLOCK_TR:
        put(c, "<tr>");
        break;
    case MD_BLOCK_TH:
        cell_open(c, detail, "th");
        break;
    case MD_BLOCK_TD:
        cell_open(c, detail, "td");
        break;
    }
}

static void block_close(struct card *c, MD_BLOCKTYPE type, const void *detail)
{
    static const char *const ends[] = {
        [MD_BLOCK_DOC] = "",
        [MD_BLOCK_QUOTE] = "</blockquote>\n",
        [MD_BLOCK_UL] = "</ul>\n",
        [MD_BLOCK_OL] = "</ol>\n",
        [MD_BLOCK_LI] = "</li>\n",
        [MD_BLOCK_HR] = "",
        [MD_BLOCK_H] = "",
        [MD_BLOCK_CODE] = "</code></pre>\n",
        [MD_BLOCK_HTML] = "",
        [MD_BLOCK_P] = "</p>\n",
        [MD_BLOCK_TABLE] = "</table></div>\n",
        [MD_BLOCK_THEAD] = "</thead>\n",
        [MD_BLOCK_TBODY] = "</tbody>\n",
        [MD_BLOCK_TR] = "</tr>\n",
        [MD_BLOCK_TH] = "</th>",
        [MD_BLOCK_TD] = "</td>",
    };

    wh_assert((size_t)type < sizeof ends / sizeof *ends);
    if (type == MD_BLOCK_H) {
        unsigned level = ((const MD_BLOCK_H_DETAIL *)detail)->level + 1;
        heading_close(c, level > 6 ? 6 : level);
    } else if (type == MD_BLOCK_HTML) {
        raw_end(c);
    }
    put(c, ends[type]);
}

/* ---- spans ------------------------------------------------------------ */

static enum shown link_enter(struct card *c, const MD_SPAN_A_DETAIL *d)
{
    if (c->in_link ||
        address(c, &d->href, c->links->pages) == HUB_CARD_URL_NONE) {
        return SHOWN_NOTHING;
    }
    link_open(c);
    title_put(c, &d->title);
    put(c, ">");
    c->in_link = true;
    return SHOWN_LINK;
}

/* A picture of this repo, else a link to it, else (or inside a link) its alt
 * text alone. */
static enum shown image_enter(struct card *c, const MD_SPAN_IMG_DETAIL *d)
{
    enum hub_card_url kind = address(c, &d->src, c->links->files);

    if (kind == HUB_CARD_URL_REPO) {
        put(c, "<img src=\"");
        wh_buf_add(&c->out, wh_buf_str(&c->safe));
        put(c, "\" alt=\"");
        c->in_alt = true;
        return SHOWN_IMAGE;
    }
    if (kind == HUB_CARD_URL_NONE || c->in_link) {
        return SHOWN_NOTHING;
    }
    link_open(c);
    put(c, ">[picture] ");
    c->in_link = true;
    return SHOWN_LINK;
}

static const char *span_tag(MD_SPANTYPE type, bool close)
{
    switch (type) {
    case MD_SPAN_EM:
        return close ? "</em>" : "<em>";
    case MD_SPAN_STRONG:
        return close ? "</strong>" : "<strong>";
    case MD_SPAN_CODE:
        return close ? "</code>" : "<code>";
    case MD_SPAN_DEL:
        return close ? "</del>" : "<del>";
    case MD_SPAN_A:
    case MD_SPAN_IMG:
    case MD_SPAN_LATEXMATH:
    case MD_SPAN_LATEXMATH_DISPLAY:
    case MD_SPAN_WIKILINK:
    case MD_SPAN_U:
        return "";
    }
    return "";
}

/* Close the innermost span; detail is null when md4c did not close it. */
static void span_pop(struct card *c, const void *detail)
{
    const struct span *s = &c->spans[--c->spans_n];

    if (s->shown == SHOWN_LINK) {
        put(c, "</a>");
        c->in_link = false;
    } else if (s->shown == SHOWN_IMAGE) {
        put(c, "\" loading=\"lazy\"");
        if (detail) {
            title_put(c, &((const MD_SPAN_IMG_DETAIL *)detail)->title);
        }
        put(c, ">");
        c->in_alt = false;
    } else {
        put(c, span_tag(s->type, true));
    }
}

/* At the end of a block nothing of it stays open. */
static void spans_end(struct card *c)
{
    while (c->spans_n > 0) {
        span_pop(c, NULL);
    }
    c->spans_hidden = 0;
}

/* ---- text -------------------------------------------------------------- */

/* Bytes of a bare address that s begins with, or 0. It ends at a blank or a
 * byte that addresses do not hold, and without the punctuation of the
 * sentence around it. */
static size_t bare_address(struct wh_str s)
{
    size_t n = 0;

    if (!wh_str_starts(s, WH_S("https://")) &&
        !wh_str_starts(s, WH_S("http://"))) {
        return 0;
    }
    while (n < s.n && (unsigned char)s.p[n] > ' ' &&
           !strchr("<>\"'`()[]{}|\\^*", s.p[n])) {
        n++;
    }
    while (n > 0 && strchr(".,;:!?_~", s.p[n - 1])) {
        n--;
    }
    return n > 8 ? n : 0;
}

/* Plain text; bare addresses in it become links. */
static void text_put(struct card *c, struct wh_str s)
{
    size_t from = 0;

    for (size_t i = 0; i < s.n && !c->in_link && !c->in_alt; i++) {
        bool start = i == 0 || strchr(" \t(\n", s.p[i - 1]);
        size_t n = 0;
        if (s.p[i] == 'h' && start) {
            n = bare_address(wh_str_sub(s, i, s.n));
        }
        wh_buf_reset(&c->safe);
        if (n > 0 && hub_card_url(&c->safe, wh_str_sub(s, i, n), WH_S("")) ==
                         HUB_CARD_URL_OUT) {
            wh_buf_html(&c->out, wh_str_sub(s, from, i - from));
            link_open(c);
            put(c, ">");
            wh_buf_html(&c->out, wh_str_sub(s, i, n));
            put(c, "</a>");
            from = i + n;
            i = from - 1;
        }
    }
    wh_buf_html(&c->out, wh_str_sub(s, from, s.n));
}

/* ---- what md4c calls --------------------------------------------------- */

static int going_on(const struct card *c)
{
    return c->out.over ? -1 : 0; /* md4c stops at negative values only */
}

static bool nests(MD_BLOCKTYPE type)
{
    return type == MD_BLOCK_QUOTE || type == MD_BLOCK_UL || type == MD_BLOCK_OL;
}

/* Lists and quotes beyond NEST_MAX leave their text only, items too. */
static bool hidden(const struct card *c, MD_BLOCKTYPE type)
{
    return c->nested > NEST_MAX && (nests(type) || type == MD_BLOCK_LI);
}

static int on_block_open(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    struct card *c = ctx;

    spans_end(c);
    c->nested += nests(type);
    hub_card_raw_reset(&c->raw);
    if (!hidden(c, type)) {
        block_open(c, type, detail);
    }
    return going_on(c);
}

static int on_block_close(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    struct card *c = ctx;

    spans_end(c);
    if (!hidden(c, type)) {
        block_close(c, type, detail);
    }
    c->nested -= nests(type);
    return going_on(c);
}

static int on_span_open(MD_SPANTYPE type, void *detail, void *ctx)
{
    struct card *c = ctx;
    struct span *s = &c->spans[c->spans_n];

    if (c->spans_n == NEST_MAX || c->in_alt) {
        c->spans_hidden++;
        return going_on(c);
    }
    c->spans_n++;
    s->type = type;
    s->shown = SHOWN_NOTHING;
    if (type == MD_SPAN_A) {
        s->shown = link_enter(c, detail);
    } else if (type == MD_SPAN_IMG) {
        s->shown = image_enter(c, detail);
    }
    put(c, span_tag(type, false));
    return going_on(c);
}

static int on_span_close(MD_SPANTYPE type, void *detail, void *ctx)
{
    struct card *c = ctx;
    size_t at = c->spans_n;

    if (c->spans_hidden > 0) {
        c->spans_hidden--;
        return going_on(c);
    }
    while (at > 0 && c->spans[at - 1].type != type) {
        at--;
    }
    while (at > 0 && c->spans_n >= at) {
        span_pop(c, c->spans_n == at ? detail : NULL);
    }
    return going_on(c);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size,
                   void *ctx)
{
    struct card *c = ctx;
    struct wh_str s = wh_str_mem(text, size);

    switch (type) {
    case MD_TEXT_NULLCHAR:
        put(c, "\xef\xbf\xbd");
        break;
    case MD_TEXT_BR:
        put(c, c->in_alt ? " " : "<br>\n");
        break;
    case MD_TEXT_SOFTBR:
        put(c, "\n");
        break;
    case MD_TEXT_ENTITY:
        wh_buf_add(&c->out, s);
        break;
    case MD_TEXT_HTML:
        hub_card_raw(&c->raw, &c->out, s, c->in_alt ? " " : "<br>");
        break;
    case MD_TEXT_NORMAL:
        text_put(c, s);
        break;
    case MD_TEXT_CODE:
    case MD_TEXT_LATEXMATH:
        wh_buf_html(&c->out, s);
        break;
    }
    if (c->heading && (type == MD_TEXT_NORMAL || type == MD_TEXT_CODE)) {
        id_add(c, s);
    }
    return going_on(c);
}

/* Without md4c's own search for bare addresses: its time on them is quadratic,
 * and up to version 0.5.0 it can corrupt memory. */
static const MD_PARSER parser = {
    .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS,
    .enter_block = on_block_open,
    .leave_block = on_block_close,
    .enter_span = on_span_open,
    .leave_span = on_span_close,
    .text = on_text,
};

/* md4c is given a copy with zeros behind it: older versions look a few bytes
 * ahead. */
static bool render(struct wh_arena *a, struct card *c, struct wh_str markdown,
                   struct wh_err *err)
{
    char *copy = wh_arena_alloc(a, markdown.n + PAD);

    memcpy(copy, markdown.p, markdown.n);
    if (md_parse(copy, (MD_SIZE)markdown.n, &parser, c) != 0 && !c->out.over) {
        return wh_fail(err, WH_NOMEM, "no memory for the card");
    }
    return wh_buf_ok(&c->out, err);
}

bool hub_card_render(struct wh_arena *a, struct wh_str markdown,
                     const struct hub_card_links *links, struct wh_buf *html,
                     struct wh_err *err)
{
    struct card c = {.links = links};
    bool ok;

    if (markdown.n > HUB_CARD_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "the card is over 1 MiB");
    }
    if (!wh_str_utf8_ok(markdown)) {
        return wh_fail(err, WH_BAD_REQUEST, "the card is not UTF-8");
    }
    wh_buf_init(&c.out, HUB_CARD_HTML_MAX);
    wh_buf_init(&c.id, ID_MAX + 1);
    wh_buf_init(&c.url, 4096);
    wh_buf_init(&c.safe, 16384);
    c.ids = json_object();
    ok = render(a, &c, markdown, err);
    if (ok) {
        wh_buf_add(html, wh_buf_str(&c.out));
        ok = wh_buf_ok(html, err);
    }
    json_decref(c.ids);
    wh_buf_done(&c.out);
    wh_buf_done(&c.id);
    wh_buf_done(&c.url);
    wh_buf_done(&c.safe);
    return ok;
}
