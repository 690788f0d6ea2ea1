/*
 * panels.c - weighing and decision in words and drawings.
 */
#include "web/panels.h"
#include "rule/decimal.h"
#include "web/number.h"
#include "web/page.h"
#include "web/scale.h"

/* ---- small readers ---- */

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = wh_json_text(o, key);

    return v ? wh_str_of(json_string_value(v)) : WH_S("");
}

const json_t *web_item_find(const json_t *items, const char *claim)
{
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (wh_str_is(text(item, "claim"), claim)) {
            return item;
        }
    }
    return NULL;
}

struct wh_str web_item_words(struct wh_arena *a, const json_t *item)
{
    struct wh_str lo = text(item, "lo"), hi = text(item, "hi");
    struct wh_str unit = text(item, "unit"), value = text(item, "value");
    const char *gap = unit.n ? " " : "";

    if (value.n > 0) {
        return value;
    }
    if (lo.n == 0 && hi.n == 0) {
        return WH_S("");
    }
    if (wh_str_eq(lo, hi)) {
        return wh_arena_fmt(a, "%.*s%s%.*s",
                            WH_FMT(web_number_text(a, hi, true)), gap,
                            WH_FMT(unit));
    }
    return wh_arena_fmt(
        a, "%.*s to %.*s%s%.*s", WH_FMT(web_number_text(a, lo, false)),
        WH_FMT(web_number_text(a, hi, true)), gap, WH_FMT(unit));
}

/* ---- scales ---- */

/* Claims that are drawn, and what the drawing is called. */
static const struct {
    const char *claim, *what, *unit;
} DRAWN[] = {
    {"compute.training", "Training compute", "FLOP"},
    {"size.params_total", "Parameters", ""},
};
#define DRAWN_N (sizeof DRAWN / sizeof *DRAWN)

struct marks {
    const char *claim;
    struct wh_str label;
    struct web_scale_line lines[WEB_SCALE_LINES_MAX];
    size_t n;
};

static void add_mark(struct marks *m, const struct rule_expr *e)
{
    double margin = 0;

    if (m->n == WEB_SCALE_LINES_MAX) {
        return;
    }
    if (e->margin_text.n > 0 && !web_number_log(e->margin_text, &margin)) {
        margin = 0;
    }
    m->lines[m->n++] =
        (struct web_scale_line){m->label, e->threshold_text, margin};
}

/* Thresholds about the claim, wherever they stand; the depth of an expression
 * is bounded by the loader. */
static void walk(struct marks *m, const struct rule_expr *e)
{
    for (size_t i = 0; i < e->n_kids; i++) {
        walk(m, &e->kids[i]);
    }
    if (rule_expr_compares(e) && e->threshold_text.n > 0 &&
        strcmp(e->claim->name, m->claim) == 0) {
        add_mark(m, e);
    }
}

static void mark_line(struct marks *m, const struct rule_line *line)
{
    m->label = line->name;
    for (size_t i = 0; i < line->n_rules; i++) {
        walk(m, line->rules[i].when);
    }
}

static json_t *draw(struct front_req *q, size_t k, const struct marks *m,
                    struct wh_str lo, struct wh_str hi)
{
    struct web_scale s = {.what = wh_str_of(DRAWN[k].what),
                          .unit = wh_str_of(DRAWN[k].unit),
                          .lo = lo,
                          .hi = hi,
                          .lines = m->lines,
                          .lines_n = m->n};

    return json_incref(web_scale_draw(q->a, &s));
}

json_t *web_scales(struct front_req *q, const json_t *items)
{
    const struct line_set *set = &q->house->lines;
    json_t *list = json_array();

    for (size_t k = 0; k < DRAWN_N; k++) {
        const json_t *item = web_item_find(items, DRAWN[k].claim);
        struct marks m = {.claim = DRAWN[k].claim};
        for (size_t i = 0; i < set->n_enforced; i++) {
            mark_line(&m, set->enforced[i].line);
        }
        for (size_t i = 0; i < set->n_shadow; i++) {
            mark_line(&m, set->shadow[i].line);
        }
        if (m.n > 0) {
            json_array_append_new(
                list, draw(q, k, &m, text(item, "lo"), text(item, "hi")));
        }
    }
    return list;
}

json_t *web_line_scale(struct front_req *q, const struct rule_line *line)
{
    for (size_t k = 0; k < DRAWN_N; k++) {
        struct marks m = {.claim = DRAWN[k].claim};
        mark_line(&m, line);
        if (m.n > 0) {
            return draw(q, k, &m, WH_S(""), WH_S(""));
        }
    }
    return json_null();
}

/* ---- the weighing ---- */

struct wh_str web_architecture(struct wh_arena *a, const json_t *architecture)
{
    struct wh_str out = text(architecture, "family");
    json_int_t layers =
        json_integer_value(json_object_get(architecture, "layers"));
    json_int_t width =
        json_integer_value(json_object_get(architecture, "width"));
    json_int_t vocab =
        json_integer_value(json_object_get(architecture, "vocab"));

    if (layers > 0 && width > 0) {
        out = wh_arena_fmt(a, "%.*s%s%lld layers of width %lld", WH_FMT(out),
                           out.n ? ", " : "", (long long)layers,
                           (long long)width);
    }
    if (vocab > 0) {
        struct wh_str n = wh_arena_fmt(a, "%lld", (long long)vocab);
        out = wh_arena_fmt(a, "%.*s%svocabulary %.*s", WH_FMT(out),
                           out.n ? ", " : "",
                           WH_FMT(web_number_text(a, n, true)));
    }
    return out;
}

static void add_term(json_t *list, const char *term, struct wh_str value,
                     bool num)
{
    if (value.n > 0) {
        json_array_append_new(list,
                              json_pack("{s:s,s:o,s:b}", "term", term, "value",
                                        web_text(value), "num", num));
    }
}

/* The most that can not be ruled out. */
static struct wh_str at_most(struct wh_arena *a, const json_t *item)
{
    struct wh_str hi = text(item, "hi");

    return hi.n == 0 ? WH_S("unknown")
                     : wh_arena_fmt(a, "\u2264 %.*s %.*s",
                                    WH_FMT(web_number_text(a, hi, true)),
                                    WH_FMT(text(item, "unit")));
}

static void add_count(struct wh_buf *b, size_t n, const char *one,
                      const char *many)
{
    if (n > 0) {
        wh_buf_fmt(b, "%s%zu %s", b->n ? ", " : "", n, n == 1 ? one : many);
    }
}

static struct wh_str finding_words(struct wh_arena *a, const json_t *view)
{
    const json_t *list = json_object_get(view, "findings"), *f;
    size_t i, danger = 0, warn = 0, note = 0;
    struct wh_str out;
    struct wh_buf b;

    json_array_foreach(list, i, f)
    {
        struct wh_str severity = text(f, "severity");
        danger += wh_str_is(severity, "danger");
        warn += wh_str_is(severity, "warn");
        note += wh_str_is(severity, "note");
    }
    if (danger + warn + note == 0) {
        return WH_S("none");
    }
    wh_buf_init(&b, 256);
    add_count(&b, danger, "danger", "dangers");
    add_count(&b, warn, "to look at", "to look at");
    add_count(&b, note, "note", "notes");
    out = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

json_t *web_weighing_panel(struct front_req *q, const json_t *view,
                           const json_t *items)
{
    json_t *o = json_object(), *summary = json_array();
    struct wh_arena *a = q->a;
    const json_t *size = web_item_find(items, "size.params_total");
    const json_t *lineage = web_item_find(items, "lineage.held_ancestor");
    struct wh_str ancestor = web_item_words(a, lineage);

    json_object_set_new(o, "scanner", web_text(text(view, "scanner")));
    json_object_set_new(o, "took", json_null());
    json_object_set_new(o, "scales", web_scales(q, items));
    json_object_set_new(o, "summary", summary);
    add_term(summary, "Parameters", web_number_text(a, text(size, "hi"), true),
             true);
    add_term(summary, "Architecture",
             web_architecture(a, json_object_get(view, "architecture")), false);
    add_term(summary, "Compute",
             at_most(a, web_item_find(items, "compute.training")), true);
    add_term(summary, "Read to the end",
             json_is_true(json_object_get(view, "verifiable"))
                 ? WH_S("every file")
                 : WH_S("not every file"),
             false);
    add_term(summary, "Findings", finding_words(a, view), false);
    add_term(summary, "Held ancestor",
             wh_str_is(ancestor, "none-found") ? WH_S("none found") : ancestor,
             false);
    return o;
}

/* ---- the decision ---- */

static json_t *panel_lines(const json_t *doc)
{
    json_t *list = json_array(), *line;
    size_t i;

    json_array_foreach(json_object_get(doc, "lines"), i, line)
    {
        json_array_append_new(
            list,
            json_pack("{s:O,s:O,s:O}", "line", json_object_get(line, "line"),
                      "version", json_object_get(line, "version"), "answer",
                      json_object_get(line, "answer")));
    }
    return list;
}

json_t *web_decision_panel(const struct line_row *row, const json_t *doc)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", web_text(row->public_id));
    json_object_set(o, "decided", json_object_get(doc, "decided"));
    json_object_set(o, "until", json_object_get(doc, "until"));
    json_object_set_new(
        o, "weights",
        json_string(rule_tier_word(row->tiers.part[RULE_PART_WEIGHTS])));
    json_object_set_new(o, "lines", panel_lines(doc));
    json_object_set_new(o, "by",
                        wh_str_is(text(doc, "by"), "line")
                            ? json_string("the lines themselves")
                            : web_text(text(doc, "by")));
    return o;
}

json_t *web_register_panel(struct front_req *q, const struct line_row *row)
{
    json_t *head = web_register_head(q), *o = json_object();

    json_object_set_new(o, "index",
                        json_sprintf("%lld", (long long)row->index));
    json_object_set(o, "size", json_object_get(head, "size"));
    json_object_set(o, "published", json_object_get(head, "published"));
    json_object_set(o, "witnesses", json_object_get(head, "witnesses"));
    json_decref(head);
    return o;
}
