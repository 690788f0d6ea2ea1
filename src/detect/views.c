/*
 * views.c - the tree of views: fold, look, decode, and the same again with
 * what came out.
 */
#include "detect/views.h"
#include "base/err.h"
#include "base/mem.h"

/* Compatibility forms may be longer than what they stand for; what is beyond
 * twice the input is cut and said so. */
#define PLAIN_MAX (2 * DETECT_TEXT_MAX)

static void out_init(struct detect_out *o, size_t cap)
{
    *o = (struct detect_out){.p = wh_alloc(cap), .cap = cap};
}

static void out_done(struct detect_out *o)
{
    wh_free(o->p);
    *o = (struct detect_out){0};
}

void detect_views_init(struct detect_views *v)
{
    memset(v, 0, sizeof(*v));
    out_init(&v->plain, PLAIN_MAX);
    out_init(&v->clean, PLAIN_MAX);
    out_init(&v->raw, 2 * DETECT_VIEWS_BUDGET);
    out_init(&v->text, DETECT_VIEWS_BUDGET);
}

void detect_views_done(struct detect_views *v)
{
    out_done(&v->plain);
    out_done(&v->clean);
    out_done(&v->raw);
    out_done(&v->text);
    v->n = 0;
}

/* Decoders that would take their own output, or a text that was meant for
 * another, only make views that say the same twice. */
static bool may_follow(enum detect_kind before, enum detect_kind kind)
{
    bool letters = kind == DETECT_KIND_ROTATED || kind == DETECT_KIND_REVERSED;

    if (kind == DETECT_KIND_COLLAPSED && before != DETECT_KIND_PLAIN) {
        return before != DETECT_KIND_COLLAPSED;
    }
    return !(letters && before == kind);
}

/* A cleaned text `raw` as the view number v->n; false when there is no room. */
static bool add(struct detect_views *v, struct wh_str raw,
                const struct detect_view *row)
{
    size_t from = v->text.n;

    if (v->n == DETECT_VIEWS_MAX) {
        v->over = true;
        return false;
    }
    detect_fold_case(raw, &v->text, &v->marks);
    if (v->text.over) {
        v->over = true;
        v->text.over = false;
    }
    if (v->text.n == from) {
        return false;
    }
    v->view[v->n] = *row;
    v->view[v->n].text = wh_str_mem(v->text.p + from, v->text.n - from);
    v->n++;
    return true;
}

/* Decoded bytes may themselves hide things: clean them into v->raw. */
static struct wh_str clean_again(struct detect_views *v, struct wh_str text)
{
    size_t from = v->raw.n;

    if (detect_ascii(text)) {
        return text;
    }
    detect_fold_clean(text, &v->raw, &v->raw, &v->marks);
    v->over = v->over || v->raw.over;
    v->raw.over = false;
    return wh_str_mem(v->raw.p + from, v->raw.n - from);
}

static void unwrap(struct detect_views *v, struct wh_str clean, size_t parent)
{
    const struct detect_view *p = &v->view[parent];
    struct detect_hints hints;
    int kind;

    if (p->depth >= DETECT_VIEWS_DEPTH) {
        return;
    }
    detect_hints_of(clean, &hints);
    for (kind = DETECT_KIND_COLLAPSED; kind < DETECT_KIND_COUNT; kind++) {
        size_t from = v->raw.n, covered = 0, me = v->n;
        struct detect_out out = {.p = v->raw.p + from,
                                 .cap = v->raw.cap - from};
        struct detect_view row = {.kind = (enum detect_kind)kind,
                                  .depth = (uint8_t)(p->depth + 1),
                                  .parent = (uint8_t)parent};
        struct wh_str next;
        if (!may_follow(p->kind, row.kind) ||
            !detect_decode(row.kind, clean, &hints, &out, &covered)) {
            continue;
        }
        v->over = v->over || out.over;
        v->raw.n = from + out.n;
        row.covered = (uint32_t)covered;
        next = clean_again(v, wh_str_mem(v->raw.p + from, out.n));
        if (add(v, next, &row)) {
            unwrap(v, next, me);
        }
    }
}

/* The cleaned input; what was hidden in it goes to v->raw. */
static struct wh_str clean_input(struct detect_views *v, struct wh_str text)
{
    if (detect_ascii(text)) {
        return text;
    }
    detect_fold_clean(text, &v->clean, &v->raw, &v->marks);
    v->over = v->over || v->clean.over || v->raw.over;
    return detect_out_str(&v->clean);
}

void detect_views_make(struct detect_views *v, struct wh_str text)
{
    size_t budget = text.n * 4;
    struct wh_str clean, hidden;

    wh_assert(text.n <= DETECT_TEXT_MAX);
    budget = budget < DETECT_VIEWS_BUDGET ? budget : DETECT_VIEWS_BUDGET;
    v->n = 0;
    v->over = false;
    v->marks = (struct detect_marks){0};
    v->plain.n = v->clean.n = v->raw.n = v->text.n = 0;
    v->plain.over = v->clean.over = v->raw.over = v->text.over = false;
    v->text.cap = budget;
    v->raw.cap = 2 * budget;
    clean = clean_input(v, text);
    hidden = detect_out_str(&v->raw);
    detect_fold_case(clean, &v->plain, &v->marks);
    v->view[0] = (struct detect_view){.text = detect_out_str(&v->plain)};
    v->n = 1;
    if (hidden.n >= 4 && wh_str_utf8_ok(hidden)) {
        struct detect_view row = {.kind = DETECT_KIND_HIDDEN, .depth = 1};
        if (add(v, hidden, &row)) {
            unwrap(v, hidden, v->n - 1);
        }
    }
    unwrap(v, clean, 0);
}
