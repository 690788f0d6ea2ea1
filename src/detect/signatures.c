/*
 * signatures.c - rule file to phrases, for prompts, and to expressions, which
 * find their way through pieces of output as it comes.
 */
#include "detect/signatures.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "detect/phrase.h"
#include <hs/hs.h>

struct detect_signatures {
    struct wh_arena arena;
    struct detect_rule rule[DETECT_RULES_MAX];
    size_t n, width;
    struct detect_phrases *phrases;
    hs_database_t *stream;
};

struct detect_scratch {
    struct detect_trail *trail;
    hs_scratch_t *hs;
};

static const struct detect_category_row categories[DETECT_CATEGORY_COUNT] = {
    [DETECT_CATEGORY_OVERRIDE] = {"override",
                                  "asks the model to drop its instructions"},
    [DETECT_CATEGORY_PERSONA] = {"persona",
                                 "gives the model a role without rules"},
    [DETECT_CATEGORY_SUPPRESSION] = {"suppression",
                                     "forbids the model to decline or warn"},
    [DETECT_CATEGORY_EXTRACTION] = {"extraction",
                                    "asks for the model's own instructions"},
    [DETECT_CATEGORY_INJECTION] = {"injection",
                                   "a document gives orders to the model"},
    [DETECT_CATEGORY_SMUGGLING] = {"smuggling",
                                   "has the model take its orders from an "
                                   "encoding"},
    [DETECT_CATEGORY_PRIVILEGE] = {"privilege",
                                   "claims a right to switch protections off"},
};

const struct detect_category_row *detect_category_row(enum detect_category c)
{
    wh_assert(c < DETECT_CATEGORY_COUNT);
    return &categories[c];
}

/* ---- the file ---- */

struct reader {
    struct detect_signatures *s;
    const json_t *classes, *provenance;
    struct wh_err *err;
};

static bool category_of(struct wh_str name, enum detect_category *out)
{
    int i;

    for (i = 0; i < DETECT_CATEGORY_COUNT; i++) {
        if (wh_str_is(name, categories[i].name)) {
            *out = (enum detect_category)i;
            return true;
        }
    }
    return false;
}

/* Words are lower-case letters, digits, single blanks, hyphens and apostrophes,
 * so that none of them can be an expression, and begin with none of those last
 * three. */
static bool word_ok(const char *w)
{
    size_t i, n = strlen(w);

    for (i = 0; i < n; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789 '-", w[i])) {
            return false;
        }
    }
    return n > 0 && n <= DETECT_WORD_MAX && !strchr(" '-", w[0]) &&
           w[n - 1] != ' ' && !strstr(w, "  ");
}

static bool read_class(struct reader *r, const char *name,
                       const char *const **out)
{
    const json_t *list = json_object_get(r->classes, name);
    size_t n = json_array_size(list), i;
    const char **words;

    if (n == 0 || n > DETECT_WORDS_MAX) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "class %.60s has no words, or too many", name);
    }
    words = wh_arena_array(&r->s->arena, n + 1, sizeof(*words));
    for (i = 0; i < n; i++) {
        words[i] = json_string_value(json_array_get(list, i));
        if (!words[i] || !word_ok(words[i])) {
            return wh_fail(r->err, WH_BAD_REQUEST,
                           "class %.60s: word %zu is none", name, i);
        }
    }
    *out = words;
    return true;
}

static bool read_seq(struct reader *r, const json_t *o,
                     struct detect_rule *rule)
{
    const json_t *seq = json_object_get(o, "seq");
    size_t i;

    rule->n_seq = json_array_size(seq);
    if (rule->n_seq < 2 || rule->n_seq > DETECT_SEQ_MAX) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "a rule has 2 to %d classes in a row", DETECT_SEQ_MAX);
    }
    for (i = 0; i < rule->n_seq; i++) {
        const char *name = json_string_value(json_array_get(seq, i));
        if (!read_class(r, name ? name : "", &rule->seq[i])) {
            return false;
        }
    }
    return true;
}

static bool read_rule(struct reader *r, const json_t *o)
{
    struct detect_rule *rule = &r->s->rule[r->s->n];
    struct wh_str id, category, on, provenance;
    int64_t weight, gap;

    if (!wh_json_get_str(o, "id", &id, r->err) ||
        !wh_json_get_str(o, "category", &category, r->err) ||
        !wh_json_get_str(o, "on", &on, r->err) ||
        !wh_json_get_str(o, "provenance", &provenance, r->err) ||
        !wh_json_get_i64(o, "weight", &weight, r->err) ||
        !wh_json_get_i64(o, "gap", &gap, r->err)) {
        return false;
    }
    rule->id = id.p;
    rule->provenance =
        json_string_value(json_object_get(r->provenance, provenance.p));
    rule->prompt = wh_str_is(on, "prompt") || wh_str_is(on, "both");
    rule->output = wh_str_is(on, "output") || wh_str_is(on, "both");
    if (!category_of(category, &rule->category) || !rule->provenance ||
        !(rule->prompt || rule->output)) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "category, provenance or place is unknown");
    }
    if (weight < 1 || weight > 100 || gap < 1 || gap > DETECT_GAP_MAX) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "weight is 1 to 100, gap 1 to %d", DETECT_GAP_MAX);
    }
    rule->weight = (double)weight / 10;
    rule->gap = (size_t)gap;
    if (!read_seq(r, o, rule)) {
        return false;
    }
    r->s->n++;
    return true;
}

static bool read_file(struct detect_signatures *s, struct wh_str text,
                      struct wh_err *err)
{
    struct reader r = {.s = s, .err = err};
    const json_t *rules;
    json_t *root;
    size_t i, n;

    if (!wh_json_parse(&s->arena, text, &root, err)) {
        return false;
    }
    r.classes = json_object_get(root, "classes");
    r.provenance = json_object_get(root, "provenance");
    rules = json_object_get(root, "rules");
    n = json_array_size(rules);
    if (json_object_size(r.classes) > DETECT_CLASSES_MAX || n == 0 ||
        n > DETECT_RULES_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "1 to %d rules, %d classes at most",
                       DETECT_RULES_MAX, DETECT_CLASSES_MAX);
    }
    for (i = 0; i < n; i++) {
        if (!read_rule(&r, json_array_get(rules, i))) {
            return wh_err_wrap(err, "rule %zu", i);
        }
    }
    return !wh_arena_over(&s->arena, err);
}

/* ---- expressions ---- */

static void add_class(struct wh_buf *b, const char *const *words)
{
    size_t i, k;

    wh_buf_cstr(b, "\\b(?:");
    for (i = 0; words[i]; i++) {
        wh_buf_cstr(b, i ? "|" : "");
        for (k = 0; words[i][k]; k++) {
            if (words[i][k] == ' ') {
                wh_buf_cstr(b, "\\s{1,3}");
            } else {
                wh_buf_char(b, words[i][k]);
            }
        }
    }
    wh_buf_cstr(b, ")\\b");
}

static const char *expression(struct detect_signatures *s,
                              const struct detect_rule *rule)
{
    struct wh_buf b;
    const char *out;
    size_t i;

    wh_buf_init(&b, (size_t)64 * 1024);
    for (i = 0; i < rule->n_seq; i++) {
        if (i > 0) {
            wh_buf_fmt(&b, "[^.!?]{1,%zu}", rule->gap);
        }
        add_class(&b, rule->seq[i]);
    }
    out = wh_arena_cstr(&s->arena, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

/* The rules for output as one database. */
static bool compile(struct detect_signatures *s, struct wh_err *err)
{
    const char *text[DETECT_RULES_MAX];
    unsigned flags[DETECT_RULES_MAX], id[DETECT_RULES_MAX], n = 0;
    hs_compile_error_t *why = NULL;
    size_t i;

    for (i = 0; i < s->n; i++) {
        const struct detect_rule *rule = &s->rule[i];
        if (rule->output) {
            text[n] = expression(s, rule);
            flags[n] = HS_FLAG_DOTALL | HS_FLAG_CASELESS;
            id[n++] = (unsigned)i;
        }
    }
    if (n == 0) {
        return true;
    }
    if (hs_compile_multi(text, flags, id, n, HS_MODE_STREAM, NULL, &s->stream,
                         &why) != HS_SUCCESS) {
        (void)wh_fail(err, WH_BAD_REQUEST, "the rules can not be compiled");
        (void)wh_err_detail(err, "%s", why ? why->message : "");
        (void)hs_free_compile_error(why);
        return false;
    }
    return true;
}

/* The greatest width of an output rule. */
static bool measure(struct detect_signatures *s, struct wh_err *err)
{
    size_t i;

    for (i = 0; i < s->n; i++) {
        hs_compile_error_t *why = NULL;
        hs_expr_info_t *info = NULL;
        if (!s->rule[i].output) {
            continue;
        }
        if (hs_expression_info(expression(s, &s->rule[i]),
                               HS_FLAG_DOTALL | HS_FLAG_CASELESS, &info,
                               &why) != HS_SUCCESS) {
            (void)hs_free_compile_error(why);
            return wh_fail(err, WH_BAD_REQUEST, "a rule has no width");
        }
        s->width = info->max_width > s->width ? info->max_width : s->width;
        wh_free(info);
    }
    return true;
}

bool detect_signatures_new(struct wh_str json, struct detect_signatures **out,
                           struct wh_err *err)
{
    struct detect_signatures *s;

    if (hs_valid_platform() != HS_SUCCESS) {
        return wh_fail(err, WH_UNAVAILABLE,
                       "this processor can not run the pattern matcher");
    }
    (void)hs_set_misc_allocator(wh_alloc, wh_free);
    s = wh_alloc(sizeof(*s));
    wh_arena_init(&s->arena, (size_t)16 << 20);
    if (!read_file(s, json, err) || !compile(s, err) || !measure(s, err)) {
        detect_signatures_free(&s);
        return false;
    }
    s->phrases = detect_phrases_new(s->rule, s->n);
    *out = s;
    return true;
}

void detect_signatures_free(struct detect_signatures **s)
{
    if (*s) {
        detect_phrases_free(&(*s)->phrases);
        (void)hs_free_database((*s)->stream);
        wh_arena_done(&(*s)->arena);
        wh_free(*s);
        *s = NULL;
    }
}

const struct detect_rule *
detect_signatures_rule(const struct detect_signatures *s, size_t i)
{
    return i < s->n ? &s->rule[i] : NULL;
}

size_t detect_signatures_width(const struct detect_signatures *s)
{
    return s->width;
}

const void *detect_signatures_stream(const struct detect_signatures *s)
{
    return s->stream;
}

bool detect_scratch_new(const struct detect_signatures *s,
                        struct detect_scratch **out, struct wh_err *err)
{
    struct detect_scratch *made = wh_alloc(sizeof(*made));

    made->trail = detect_trail_new(s->phrases);
    if (s->stream && hs_alloc_scratch(s->stream, &made->hs) != HS_SUCCESS) {
        detect_scratch_free(&made);
        return wh_fail(err, WH_INTERNAL, "");
    }
    *out = made;
    return true;
}

void detect_scratch_free(struct detect_scratch **s)
{
    if (*s) {
        detect_trail_free(&(*s)->trail);
        (void)hs_free_scratch((*s)->hs);
        wh_free(*s);
        *s = NULL;
    }
}

void *detect_scratch_raw(const struct detect_scratch *s)
{
    return s->hs;
}

void detect_signatures_scan(const struct detect_signatures *s,
                            struct detect_scratch *scratch, struct wh_str text,
                            struct detect_hits *hits)
{
    detect_phrases_find(s->phrases, scratch->trail, text, hits);
}
