/*
 * refusal.c - the words of a refusal, short for a header and long for a page.
 *
 * The short form is what `hf` and git print for people who never see a page,
 * so it carries everything that a refusal owes: what, line and rule, what was
 * seen or is missing, until when, where to object.
 */
#include "line/refusal.h"

#include <stdio.h>

#define URL_MAX 200
#define NAME_MAX_BYTES 140
#define MISSING_MAX 120
#define BY_PEOPLE " by decision of approvers: asked here, downloaded by nobody"

static struct wh_str text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v)) {
        return (struct wh_str){"", 0};
    }
    return wh_str_mem(json_string_value(v), json_string_length(v));
}

/* Add what fits before `limit`, as printable ASCII; a cut is shown by "...". */
static void add_ascii(struct wh_buf *b, struct wh_str s, size_t limit)
{
    bool cut = b->n + s.n > limit;
    size_t n = s.n;
    if (cut) {
        n = limit > b->n + 3 ? limit - b->n - 3 : 0;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x80 || c >= 0xC0) { /* one mark for a whole character */
            wh_buf_char(b, c >= 0x20 && c < 0x7F ? (char)c : '?');
        }
    }
    if (cut && n > 0) {
        wh_buf_cstr(b, "...");
    }
}

static void add(struct wh_buf *b, const char *c, size_t limit)
{
    add_ascii(b, wh_str_of(c), limit);
}

/* " by line demo.low v1, rule size: <sentence> Seen: <seen>." */
static void add_reason(struct wh_buf *b, const json_t *decision, size_t limit)
{
    const json_t *reason =
        json_array_get(json_object_get(decision, "reasons"), 0);
    bool silent = json_is_true(json_object_get(decision, "silent"));
    char version[32];

    if (silent) {
        add(b, ": no line in force opens them.", limit);
    }
    if (reason == NULL) {
        return;
    }
    (void)snprintf(
        version, sizeof(version), " v%lld",
        (long long)json_integer_value(json_object_get(reason, "version")));
    bool met = wh_str_is(text_of(reason, "answer"), "yes");
    add(b, silent ? " Line " : " by line ", limit);
    add_ascii(b, text_of(reason, "line"), limit);
    add(b, version, limit);
    add(b, ", rule ", limit);
    add_ascii(b, text_of(reason, "rule"), limit);
    add(b, met ? ", is met: " : ": ", limit);
    add_ascii(b, text_of(reason, "sentence"), limit);
    add(b, " Seen: ", limit);
    add_ascii(b, text_of(reason, "seen"), limit);
    add(b, ".", limit);
}

/* Names of claims; it stands in the part that is never cut, so it is short. */
static void add_missing(struct wh_buf *b, const json_t *decision, size_t limit)
{
    const json_t *list = json_object_get(decision, "missing");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        add(b, i == 0 ? " Missing evidence: " : ", ", limit);
        add(b, name ? name : "", limit);
    }
    add(b, json_array_size(list) > 0 ? "." : "", limit);
}

/* Hosted by people: the lines named are those that it is hosted in spite of. */
static bool granted(const struct line_refusal *r)
{
    return r->why.n == 0 &&
           wh_str_is(text_of(r->decision, "by"), "approvers") &&
           wh_str_is(text_of(r->decision, "act"), "host");
}

/* "The weights of demo/x are held": what follows goes on from here. */
static void add_head(struct wh_buf *b, const struct line_refusal *r)
{
    bool plural = r->part == RULE_PART_WEIGHTS || r->part == RULE_PART_DATA;
    wh_buf_fmt(b, "The %s of ", rule_part_word(r->part));
    add_ascii(b, wh_str_sub(r->name, 0, NAME_MAX_BYTES), LINE_REFUSAL_MAX);
    wh_buf_cstr(b, plural ? " are " : " is ");
    if (r->why.n > 0) {
        wh_buf_cstr(b, "held, because this revision can not be weighed: ");
        add_ascii(b, r->why, LINE_REFUSAL_MAX);
        wh_buf_cstr(b, ".");
        return;
    }
    if (r->decision == NULL) {
        wh_buf_cstr(b, "held until they are weighed and decided; nothing "
                       "opens before that. Try again in a moment.");
        return;
    }
    add_ascii(
        b,
        text_of(json_object_get(r->decision, "tiers"), rule_part_word(r->part)),
        LINE_REFUSAL_MAX);
    if (granted(r)) {
        wh_buf_cstr(b, BY_PEOPLE ". Otherwise held");
    }
}

void line_refusal_short(const struct line_refusal *r, struct wh_buf *b)
{
    struct wh_str url = r->url.n <= URL_MAX ? r->url : (struct wh_str){"", 0};
    struct wh_str until = wh_str_sub(text_of(r->decision, "until"), 0, 10);
    struct wh_buf head, tail;

    wh_buf_init(&head, 4096);
    wh_buf_init(&tail, 4096);
    add_missing(&tail, r->decision, MISSING_MAX);
    if (until.n > 0) {
        wh_buf_fmt(&tail, " Until %.*s.", WH_FMT(until));
    }
    wh_buf_cstr(&tail, " Read on or object: ");
    add_ascii(&tail, url, LINE_REFUSAL_MAX);
    size_t limit = LINE_REFUSAL_MAX - tail.n;
    add_head(&head, r);
    if (r->decision != NULL) {
        add_reason(&head, r->decision, limit);
    }
    wh_buf_add(b, wh_str_sub(wh_buf_str(&head), 0, limit));
    wh_buf_add(b, wh_buf_str(&tail));
    wh_buf_done(&head);
    wh_buf_done(&tail);
}

/* The tier of the part, as a word; "held" without a decision. */
static const char *tier_of(const struct line_refusal *r)
{
    enum rule_tier tier = RULE_TIER_HELD;
    struct wh_str word =
        text_of(json_object_get(r->decision, "tiers"), rule_part_word(r->part));
    (void)rule_tier_of(word, &tier);
    return rule_tier_word(tier);
}

/* A list as the templates want it: {"items": [...]}, or null when empty. */
static json_t *items_or_null(const json_t *list)
{
    json_t *items = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_array_append(items, json_array_get(list, i));
    }
    if (json_array_size(items) == 0) {
        json_decref(items);
        return json_null();
    }
    return json_pack("{s:o}", "items", items);
}

static json_t *text_or_null(struct wh_str s)
{
    return s.n > 0 ? wh_json_str(s) : json_null();
}

json_t *line_refusal_json(const struct line_refusal *r)
{
    bool plural = r->part == RULE_PART_WEIGHTS || r->part == RULE_PART_DATA;
    json_t *o = json_object();
    const char *tier = tier_of(r);

    bool weighing = r->decision == NULL && r->why.n == 0;

    json_object_set_new(
        o, "headline",
        weighing ? json_sprintf("The %s %s being weighed.",
                                rule_part_word(r->part), plural ? "are" : "is")
                 : json_sprintf("The %s %s %s%s.", rule_part_word(r->part),
                                plural ? "are" : "is", tier,
                                granted(r) ? BY_PEOPLE : ""));
    json_object_set_new(o, "tone", json_string(weighing ? "unsure" : tier));
    json_object_set_new(o, "why", text_or_null(r->why));
    json_object_set_new(
        o, "silent",
        json_boolean(json_is_true(json_object_get(r->decision, "silent"))));
    json_t *reasons = json_object_get(r->decision, "reasons");
    json_object_set_new(o, "reasons",
                        reasons ? json_copy(reasons) : json_array());
    json_object_set_new(o, "missing",
                        items_or_null(json_object_get(r->decision, "missing")));
    json_object_set_new(o, "decided",
                        text_or_null(text_of(r->decision, "decided")));
    json_object_set_new(o, "until",
                        text_or_null(text_of(r->decision, "until")));
    json_object_set_new(o, "link", text_or_null(r->url));
    json_object_set_new(o, "appeal",
                        text_or_null(text_of(r->decision, "appeal")));
    return o;
}
