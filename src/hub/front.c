/*
 * Front matter: libyaml gives events, we build JSON from them and refuse at
 * the first event that is not plain data. The document loader of libyaml is
 * never used: on aliases and deep flow lists its time is not linear.
 */
#include "hub/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

/* A list or mapping that is open. */
struct level {
    json_t *into; /* owned by its parent, the outermost by the builder */
    char *key;    /* of a mapping: the key that waits for its value */
    size_t key_n;
};

struct builder {
    struct wh_arena *arena;
    struct level levels[HUB_FRONT_DEPTH];
    size_t depth;
    json_t *root;
    struct wh_err *err;
    const yaml_event_t *event;
};

static bool refuse(const struct builder *b, const char *what)
{
    return wh_fail(b->err, WH_BAD_REQUEST, "front matter, line %zu: %s",
                   b->event->start_mark.line + 1, what);
}

/* ---- scalars ---------------------------------------------------------- */

static bool one_of(struct wh_str s, const char *const *words)
{
    for (; *words; words++) {
        if (wh_str_is(s, *words)) {
            return true;
        }
    }
    return false;
}

/* Room for the longest number that is worth printing back. */
enum { NUMBER_MAX = 24 };

static bool looks_like_number(struct wh_str s)
{
    size_t digits = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c >= '0' && c <= '9') {
            digits++;
        } else if (!strchr("+-.eE", c)) {
            return false;
        }
    }
    return digits > 0 && s.n <= NUMBER_MAX;
}

/* A number, if its printed form is the text itself; else null. */
static json_t *number_of(struct wh_str s)
{
    char text[NUMBER_MAX + 1], back[64];
    long long i;
    double d;

    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    i = strtoll(text, NULL, 10);
    (void)snprintf(back, sizeof back, "%lld", i);
    if (wh_str_is(s, back)) {
        return json_integer(i);
    }
    d = strtod(text, NULL);
    (void)snprintf(back, sizeof back, "%.15g", d);
    if (strchr(back, '.') && wh_str_is(s, back)) {
        return json_real(d);
    }
    (void)snprintf(back, sizeof back, "%.15g.0", d);
    return wh_str_is(s, back) ? json_real(d) : NULL;
}

static json_t *plain_value(struct wh_str s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    json_t *number;

    if (one_of(s, nulls)) {
        return json_null();
    }
    if (one_of(s, trues) || one_of(s, falses)) {
        return json_boolean(one_of(s, trues));
    }
    number = looks_like_number(s) ? number_of(s) : NULL;
    return number ? number : wh_json_str(s);
}

/* ---- building --------------------------------------------------------- */

/* Put v (a reference that is taken) where the next value belongs. */
static bool put(struct builder *b, json_t *v)
{
    struct level *top = b->depth > 0 ? &b->levels[b->depth - 1] : NULL;

    wh_assert(v != NULL);
    if (!top) {
        b->root = wh_json_own(b->arena, v);
        return true;
    }
    if (json_is_array(top->into)) {
        return json_array_append_new(top->into, v) == 0 ||
               refuse(b, "a value that can not be kept");
    }
    wh_assert(top->key != NULL);
    if (json_object_set_new(top->into, top->key, v) != 0) {
        return refuse(b, "a value that can not be kept");
    }
    top->key = NULL;
    return true;
}

/* The next thing is a key of the innermost mapping. */
static bool at_key(const struct builder *b)
{
    return b->depth > 0 && json_is_object(b->levels[b->depth - 1].into) &&
           !b->levels[b->depth - 1].key;
}

static bool key_take(struct builder *b, struct wh_str s)
{
    struct level *top = &b->levels[b->depth - 1];
    char *key = wh_arena_cstr(b->arena, s);

    if (json_object_get(top->into, key)) {
        return refuse(b, "the same key twice");
    }
    top->key = key;
    return true;
}

static bool scalar(struct builder *b)
{
    const yaml_event_t *e = b->event;
    struct wh_str s = wh_str_mem(e->data.scalar.value, e->data.scalar.length);

    if (e->data.scalar.anchor || e->data.scalar.tag) {
        return refuse(b, "anchors and tags are not taken");
    }
    if (memchr(s.p, 0, s.n)) {
        return refuse(b, "a NUL byte");
    }
    if (at_key(b)) {
        return key_take(b, s);
    }
    if (b->depth == 0) {
        return refuse(b, "not a mapping of names to values");
    }
    return put(b, e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                      ? plain_value(s)
                      : wh_json_str(s));
}

static bool open_level(struct builder *b, json_t *into, bool named)
{
    json_t *keep = json_incref(into);
    bool ok;

    if (named) {
        ok = refuse(b, "anchors and tags are not taken");
    } else if (at_key(b)) {
        ok = refuse(b, "a key that is not a word");
    } else if (b->depth == 0 && !json_is_object(into)) {
        ok = refuse(b, "not a mapping of names to values");
    } else if (b->depth == HUB_FRONT_DEPTH) {
        ok = wh_fail(b->err, WH_TOO_LARGE,
                     "front matter, line %zu: nested too deep",
                     b->event->start_mark.line + 1);
    } else {
        ok = put(b, json_incref(into));
    }
    if (ok) {
        b->levels[b->depth++] = (struct level){.into = into};
    }
    json_decref(keep);
    json_decref(into); /* its parent, or the arena, keeps it */
    return ok;
}

static bool document(struct builder *b)
{
    const yaml_event_t *e = b->event;

    if (b->root) {
        return refuse(b, "a second document");
    }
    if (e->data.document_start.version_directive ||
        e->data.document_start.tag_directives.start !=
            e->data.document_start.tag_directives.end) {
        return refuse(b, "directives are not taken");
    }
    return true;
}

static bool event_take(struct builder *b)
{
    const yaml_event_t *e = b->event;

    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return document(b);
    case YAML_ALIAS_EVENT:
        return refuse(b, "aliases are not taken");
    case YAML_SCALAR_EVENT:
        return scalar(b);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(b, json_array(),
                          e->data.sequence_start.anchor ||
                              e->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_level(b, json_object(),
                          e->data.mapping_start.anchor ||
                              e->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        wh_assert(b->depth > 0);
        b->depth--;
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return refuse(b, "an unknown event");
}

static bool malformed(const yaml_parser_t *p, struct wh_err *err)
{
    return wh_fail(err, WH_BAD_REQUEST, "front matter, line %zu: %s",
                   p->problem_mark.line + 1,
                   p->problem ? p->problem : "malformed YAML");
}

/* Each event costs at least a byte of input, so this ends. */
static bool events_take(yaml_parser_t *p, struct builder *b)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    yaml_event_t *event = WH_NEW(b->arena, yaml_event_t);
    bool ok = true;

    b->event = event;
    while (ok && type != YAML_STREAM_END_EVENT) {
        if (!yaml_parser_parse(p, event)) {
            return malformed(p, b->err);
        }
        type = event->type;
        ok = event_take(b) && !wh_arena_over(b->arena, b->err);
        yaml_event_delete(event);
    }
    return ok;
}

/* ---- public ------------------------------------------------------------ */

/* Take a line off *rest, without its end; blanks at its end are dropped. */
static struct wh_str line_take(struct wh_str *rest)
{
    struct wh_str line;

    wh_str_cut(rest, '\n', &line);
    while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1])) {
        line.n--;
    }
    return line;
}

bool hub_front_cut(struct wh_str card, struct wh_str *front,
                   struct wh_str *body)
{
    struct wh_str rest = card, line;
    size_t begin;

    if (wh_str_starts(rest, WH_S("\xef\xbb\xbf"))) {
        rest = wh_str_sub(rest, 3, rest.n);
    }
    do {
        line = line_take(&rest);
    } while (line.n == 0 && rest.n > 0);
    *front = WH_S("");
    *body = card;
    if (!wh_str_is(line, "---")) {
        return false;
    }
    begin = card.n - rest.n;
    while (rest.n > 0) {
        size_t end = card.n - rest.n;
        if (wh_str_is(line_take(&rest), "---")) {
            *front = wh_str_sub(card, begin, end - begin);
            *body = rest;
            return true;
        }
    }
    return false;
}

bool hub_front_parse(struct wh_arena *a, struct wh_str yaml, json_t **out,
                     struct wh_err *err)
{
    struct builder b = {.arena = a, .err = err};
    yaml_parser_t parser;
    bool ok;

    if (yaml.n > HUB_FRONT_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "the front matter is over 256 KiB");
    }
    if (!wh_str_utf8_ok(yaml) || memchr(yaml.p, 0, yaml.n)) {
        return wh_fail(err, WH_BAD_REQUEST, "the front matter is not UTF-8");
    }
    if (!yaml_parser_initialize(&parser)) {
        return wh_fail(err, WH_NOMEM, "no memory for the front matter");
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p,
                                 yaml.n);
    ok = events_take(&parser, &b);
    yaml_parser_delete(&parser);
    if (ok) {
        *out = b.root ? b.root : wh_json_own(a, json_object());
    }
    return ok;
}
