/*
 * A small state machine that follows HTML as far as escaping depends on it:
 * it knows text, tags, attribute names and quoted values. It does not know
 * elements; templates are ours, so a shape it can not follow is refused rather
 * than guessed at.
 */
#include "tmpl/place.h"

static const char *const url_attributes[] = {"href", "src",    "action",
                                             "cite", "poster", "formaction"};

static bool blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static struct wh_str word(const struct tmpl_place *p)
{
    return wh_str_mem(p->word, p->word_n);
}

static void word_add(struct tmpl_place *p, char c)
{
    if (c >= 'A' && c <= 'Z') {
        c = (char)(c - 'A' + 'a');
    }
    if (p->word_n < TMPL_WORD_MAX) {
        p->word[p->word_n++] = c;
    }
}

/* The name of a tag is complete. */
static const char *tag_named(struct tmpl_place *p)
{
    if (wh_str_is(word(p), "style")) {
        return "style element: styles belong into assets";
    }
    if (wh_str_is(word(p), "!--")) {
        return "HTML comment: write {{! }}";
    }
    p->script = wh_str_is(word(p), "script");
    return NULL;
}

/* The name of an attribute is complete. */
static const char *attribute_named(struct tmpl_place *p)
{
    if (wh_str_is(word(p), "style")) {
        return "style attribute: the content policy forbids it";
    }
    if (wh_str_starts(word(p), WH_S("on"))) {
        return "event handler: the content policy forbids it";
    }
    p->url = false;
    for (size_t i = 0; i < sizeof url_attributes / sizeof *url_attributes;
         i++) {
        p->url = p->url || wh_str_is(word(p), url_attributes[i]);
    }
    return NULL;
}

static const char *step_name(struct tmpl_place *p, char c)
{
    const char *wrong = NULL;

    if (blank(c) || c == '>') {
        wrong = tag_named(p);
        p->where = c == '>' ? TMPL_WHERE_TEXT : TMPL_WHERE_TAG;
    } else {
        word_add(p, c);
        if (wh_str_is(word(p), "!--")) {
            wrong = tag_named(p);
        }
    }
    return wrong;
}

static const char *step_key(struct tmpl_place *p, char c)
{
    const char *wrong = NULL;

    if (c == '=' || c == '>' || blank(c)) {
        wrong = attribute_named(p);
        p->where = c == '='   ? TMPL_WHERE_EQUALS
                   : c == '>' ? TMPL_WHERE_TEXT
                              : TMPL_WHERE_TAG;
    } else {
        word_add(p, c);
    }
    return wrong;
}

static const char *step_tag(struct tmpl_place *p, char c)
{
    if (c == '>') {
        p->where = TMPL_WHERE_TEXT;
    } else if (c == '=' || c == '"' || c == '\'' || c == '<') {
        return "a tag that is not plainly written";
    } else if (!blank(c) && c != '/') {
        p->where = TMPL_WHERE_KEY;
        p->word_n = 0;
        word_add(p, c);
    }
    return NULL;
}

static const char *step_after(struct tmpl_place *p, char c)
{
    if (c != '>' && c != '/' && !blank(c)) {
        return "attributes that are not set apart by a blank";
    }
    p->where = c == '>' ? TMPL_WHERE_TEXT : TMPL_WHERE_TAG;
    return NULL;
}

static void step_equals(struct tmpl_place *p, char c)
{
    p->start = true;
    if (c == '"' || c == '\'') {
        p->where = TMPL_WHERE_QUOTED;
        p->quote = c;
    } else {
        p->where = TMPL_WHERE_BARE;
    }
}

static const char *step_text(struct tmpl_place *p, char c)
{
    if (c == '<') {
        p->where = TMPL_WHERE_NAME;
        p->word_n = 0;
    } else if (p->script) {
        return "script element with content";
    }
    return NULL;
}

static const char *step(struct tmpl_place *p, char c)
{
    switch (p->where) {
    case TMPL_WHERE_TEXT:
        return step_text(p, c);
    case TMPL_WHERE_NAME:
        return step_name(p, c);
    case TMPL_WHERE_TAG:
        return step_tag(p, c);
    case TMPL_WHERE_AFTER:
        return step_after(p, c);
    case TMPL_WHERE_KEY:
        return step_key(p, c);
    case TMPL_WHERE_EQUALS:
        step_equals(p, c);
        return NULL;
    case TMPL_WHERE_BARE:
        if (c == '>' || blank(c)) {
            p->where = c == '>' ? TMPL_WHERE_TEXT : TMPL_WHERE_TAG;
        }
        return NULL;
    case TMPL_WHERE_QUOTED:
        p->start = false;
        if (c == p->quote) {
            p->where = TMPL_WHERE_AFTER;
        }
        return NULL;
    }
    return "a place that does not exist";
}

const char *tmpl_place_step(struct tmpl_place *p, struct wh_str text)
{
    const char *wrong = NULL;

    for (size_t i = 0; i < text.n && !wrong; i++) {
        wrong = step(p, text.p[i]);
    }
    return wrong;
}

const char *tmpl_place_settle(struct tmpl_place *p)
{
    const char *wrong = NULL;

    if (p->where == TMPL_WHERE_NAME && p->word_n > 0) {
        wrong = tag_named(p);
        p->where = TMPL_WHERE_AFTER;
    } else if (p->where == TMPL_WHERE_KEY) {
        wrong = attribute_named(p);
        p->where = TMPL_WHERE_AFTER;
    }
    return wrong;
}
