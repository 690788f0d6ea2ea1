/*
 * The drawing of an interval against the lines. Positions are doubles, since
 * a pixel is not a verdict; the numbers that are printed are made from the
 * decimal text, rounded away from the evidence's favour.
 *
 * From top to bottom: a row for each label of a line that would otherwise run
 * into another one, the label of the bar, the axis with the bar on it, the
 * ticks, the caption.
 */
#include "web/scale.h"

#include <math.h>
#include <stdlib.h>

#include "web/number.h"

enum {
    LEFT = 12,
    RIGHT = WEB_SCALE_WIDTH - 12,
    ROW = 15,      /* height of a row of labels */
    FIRST = 12,    /* baseline of the first row */
    LABEL_MAX = 22 /* characters of a line's label */
};

/* Width of a character of the drawing's fixed-width font, in units. */
static const double char_width = 6.7;

struct placed {
    const struct web_scale_line *line;
    struct wh_str label;
    double log;
    int x, row;
};

struct drawing {
    const struct web_scale *in;
    struct wh_arena *arena;
    double from, to, step; /* exponents of ten */
    bool has_lo, has_hi;
    double lo, hi;
    struct placed lines[WEB_SCALE_LINES_MAX];
    size_t n;
    int rows, axis_y;
};

/* ---- the axis ---------------------------------------------------------- */

static int x_of(const struct drawing *d, double log)
{
    double part = (log - d->from) / (d->to - d->from);

    if (part < 0) {
        part = 0;
    }
    if (part > 1) {
        part = 1;
    }
    return (int)lround(LEFT + part * (RIGHT - LEFT));
}

static double label_width(struct wh_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    }
    return (double)n * char_width;
}

/* Decades between ticks, so that there are six or seven at most. */
static double step_for(double span)
{
    static const double steps[] = {1, 2, 3, 5, 10, 20, 50, 100};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (span / steps[i] <= 6) {
            return steps[i];
        }
    }
    return 200;
}

static void range_of(const struct drawing *d, double *min, double *max)
{
    *min = INFINITY;
    *max = -INFINITY;
    for (size_t i = 0; i < d->n; i++) {
        *min = fmin(*min, d->lines[i].log - d->lines[i].line->margin);
        *max = fmax(*max, d->lines[i].log);
    }
    if (d->has_lo) {
        *min = fmin(*min, d->lo);
        *max = fmax(*max, d->lo);
    }
    if (d->has_hi) {
        *min = fmin(*min, d->hi);
        *max = fmax(*max, d->hi);
    }
    if (!isfinite(*min)) {
        *min = 0;
        *max = 10;
    }
}

/* The exponent at the right edge with which every label fits behind its line.
 * A label is shorter than half of the axis, so there is one. */
static double edge_for(const struct drawing *d, double max)
{
    double edge = max + 0.5;

    for (size_t i = 0; i < d->n; i++) {
        double part = (label_width(d->lines[i].label) + 4) / (RIGHT - LEFT);
        wh_assert(part < 0.6);
        edge = fmax(edge, d->from + (d->lines[i].log - d->from) / (1 - part));
    }
    return edge;
}

/* Room to the left for what is open there, to the right for labels; whole
 * steps at both ends. A longer step moves the left end, so the right one is
 * found again; steps only grow, so this ends. */
static void axis_choose(struct drawing *d)
{
    double min, max, before = 0;

    range_of(d, &min, &max);
    d->from = floor(min - (d->has_lo ? 0.5 : 2.5));
    d->step = 1;
    while (d->step > before) {
        before = d->step;
        d->from = floor(d->from / d->step) * d->step;
        d->to = ceil(edge_for(d, max) / d->step) * d->step;
        d->step = fmax(d->step, step_for(d->to - d->from));
    }
}

/* ---- lines ------------------------------------------------------------- */

static int by_log(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    return (x->log > y->log) - (x->log < y->log);
}

static struct wh_str label_cut(struct wh_str s)
{
    size_t chars = 0, i = 0;

    while (i < s.n && chars < LABEL_MAX) {
        i++;
        while (i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80) {
            i++;
        }
        chars++;
    }
    return wh_str_sub(s, 0, i);
}

static void lines_take(struct drawing *d)
{
    for (size_t i = 0; i < d->in->lines_n && d->n < WEB_SCALE_LINES_MAX; i++) {
        struct placed p = {.line = &d->in->lines[i]};
        p.label = label_cut(p.line->label);
        if (web_number_log(p.line->at, &p.log)) {
            d->lines[d->n++] = p;
        }
    }
    if (d->n > 1) {
        qsort(d->lines, d->n, sizeof *d->lines, by_log);
    }
}

/* The row of a label, counted upwards from the axis. A line goes from its
 * label down to the axis, so a label that would reach over a line to its right
 * (or over its margin) stands above that line's own label. */
static int row_for(const struct drawing *d, size_t i)
{
    const struct placed *p = &d->lines[i];
    double end = p->x + 6 + label_width(p->label);
    int row = 0;

    for (size_t j = i + 1; j < d->n; j++) {
        const struct placed *right = &d->lines[j];
        if (x_of(d, right->log - right->line->margin) <= end &&
            right->row >= row) {
            row = right->row + 1;
        }
    }
    return row;
}

static void lines_place(struct drawing *d)
{
    for (size_t i = d->n; i-- > 0;) {
        struct placed *p = &d->lines[i];
        p->x = x_of(d, p->log);
        p->row = row_for(d, i);
        d->rows = p->row + 1 > d->rows ? p->row + 1 : d->rows;
    }
}

/* ---- JSON -------------------------------------------------------------- */

static void set(json_t *o, const char *key, int v)
{
    json_object_set_new(o, key, json_integer(v));
}

static void set_text(json_t *o, const char *key, struct wh_str s)
{
    json_object_set_new(o, key, wh_json_str(s));
}

static json_t *line_json(const struct drawing *d, const struct placed *p)
{
    int y = FIRST + (d->rows - 1 - p->row) * ROW;
    json_t *o = json_object();

    set(o, "x", p->x);
    set(o, "top", y - 9);
    set(o, "bottom", d->axis_y);
    set_text(o, "label", p->label);
    set(o, "label_x", p->x + 4);
    set(o, "label_y", y);
    if (p->line->margin > 0) {
        int x = x_of(d, p->log - p->line->margin);
        json_t *band = json_object();
        set(band, "x", x);
        set(band, "width", p->x - x);
        set(band, "y", y - 9);
        set(band, "height", d->axis_y - y + 9);
        json_object_set_new(o, "band", band);
    }
    return o;
}

static json_t *ticks_json(const struct drawing *d)
{
    json_t *list = json_array();

    for (int i = 0; i < 16 && d->from + i * d->step <= d->to + 0.5; i++) {
        json_t *o = json_object();
        double e = d->from + i * d->step;
        int x = x_of(d, e);
        set(o, "x", x);
        set_text(o, "anchor",
                 x == LEFT    ? WH_S("start")
                 : x == RIGHT ? WH_S("end")
                              : WH_S("middle"));
        set_text(o, "label", wh_arena_fmt(d->arena, "1e%d", (int)lround(e)));
        json_array_append_new(list, o);
    }
    return list;
}

/* "at most 4.04e22", "between 1e20 and 2e20", "134,515,008". */
static struct wh_str words(const struct drawing *d)
{
    struct wh_str lo = web_number_text(d->arena, d->in->lo, false);
    struct wh_str hi = web_number_text(d->arena, d->in->hi, true);

    if (d->has_lo && d->has_hi) {
        return wh_str_eq(d->in->lo, d->in->hi)
                   ? hi
                   : wh_arena_fmt(d->arena, "%.*s to %.*s", WH_FMT(lo),
                                  WH_FMT(hi));
    }
    if (d->has_hi) {
        return wh_arena_fmt(d->arena, "at most %.*s", WH_FMT(hi));
    }
    if (d->has_lo) {
        return wh_arena_fmt(d->arena, "at least %.*s", WH_FMT(lo));
    }
    return wh_str_is(d->in->hi, "0") ? WH_S("0") : WH_S("unknown");
}

/* How many lines run through a label that is centred there. */
static int crossings(const struct drawing *d, double at, double half)
{
    int n = 0;

    for (size_t i = 0; i < d->n; i++) {
        n += d->lines[i].x > at - half - 2 && d->lines[i].x < at + half + 2;
    }
    return n;
}

/* The middle of a label, moved inwards at the edges. */
static double inside(double at, double half)
{
    return fmax(LEFT - 6 + half, fmin(RIGHT + 6 - half, at));
}

/* The label of the bar stands over its middle, or beside the nearest line if
 * one would run through it. */
static void bar_label(const struct drawing *d, json_t *o, int x, int width)
{
    struct wh_str text = words(d);
    double half = label_width(text) / 2, middle = x + width / 2.0;
    double best = inside(middle, half), far = INFINITY;
    bool crossed = crossings(d, best, half) > 0;

    for (size_t i = 0; i < 2 * d->n && crossed; i++) {
        const struct placed *line = &d->lines[i / 2];
        double aside = i % 2 ? 4 + half : -4 - half;
        double at = inside(line->x + aside, half);
        if (crossings(d, at, half) == 0 && fabs(at - middle) < far) {
            far = fabs(at - middle);
            best = at;
        }
    }
    set_text(o, "label", text);
    set(o, "label_x", (int)lround(best));
    set(o, "label_y", d->axis_y - 12);
}

static json_t *bar_json(const struct drawing *d)
{
    int from = d->has_lo ? x_of(d, d->lo) : LEFT;
    int to = d->has_hi ? x_of(d, d->hi) : RIGHT;
    bool point = d->has_lo && d->has_hi && to - from < 4;
    json_t *o = json_object();

    if (point) {
        from = (from + to) / 2 - 3;
        to = from + 6;
    }
    set(o, "x", from);
    set(o, "width", to > from ? to - from : 1);
    set(o, "y", d->axis_y - 6);
    set(o, "middle", d->axis_y);
    set(o, "above", d->axis_y - 6);
    set(o, "below", d->axis_y + 6);
    json_object_set_new(o, "open_left", json_boolean(!d->has_lo));
    json_object_set_new(o, "open_right", json_boolean(!d->has_hi));
    json_object_set_new(o, "point", json_boolean(point));
    bar_label(d, o, from, to - from);
    return o;
}

/* The whole drawing in a sentence. */
static struct wh_str sentence(const struct drawing *d)
{
    struct wh_str value = words(d), s = d->in->what, unit = d->in->unit;

    s = wh_arena_fmt(d->arena, "%.*s: %.*s%s%.*s.", WH_FMT(s), WH_FMT(value),
                     unit.n > 0 ? " " : "", WH_FMT(unit));
    for (size_t i = 0; i < d->n; i++) {
        struct wh_str at =
            web_number_text(d->arena, d->lines[i].line->at, false);
        s = wh_arena_fmt(d->arena, "%.*s %s %.*s at %.*s%s", WH_FMT(s),
                         i == 0 ? "Lines:" : "", WH_FMT(d->lines[i].label),
                         WH_FMT(at), i + 1 < d->n ? "," : ".");
    }
    return s;
}

static json_t *drawing_json(struct drawing *d)
{
    json_t *o = json_object(), *lines = json_array(), *axis = json_object();
    struct wh_str caption = d->in->what;

    d->axis_y = FIRST + d->rows * ROW + 22;
    for (size_t i = 0; i < d->n; i++) {
        json_array_append_new(lines, line_json(d, &d->lines[i]));
    }
    if (d->in->unit.n > 0) {
        caption = wh_arena_fmt(d->arena, "%.*s, %.*s", WH_FMT(d->in->what),
                               WH_FMT(d->in->unit));
    }
    set(axis, "from", LEFT);
    set(axis, "to", RIGHT);
    set(axis, "y", d->axis_y);
    set(axis, "tick_top", d->axis_y - 3);
    set(axis, "tick_bottom", d->axis_y + 3);
    set(axis, "label_y", d->axis_y + 20);
    set(axis, "caption_y", d->axis_y + 38);
    set(o, "width", WEB_SCALE_WIDTH);
    set(o, "height", d->axis_y + 44);
    set_text(o, "text", sentence(d));
    set_text(o, "caption", caption);
    json_object_set_new(o, "axis", axis);
    json_object_set_new(o, "ticks", ticks_json(d));
    json_object_set_new(o, "lines", lines);
    if (d->has_lo || d->has_hi) {
        json_object_set_new(o, "bar", bar_json(d));
    }
    return o;
}

json_t *web_scale_draw(struct wh_arena *a, const struct web_scale *s)
{
    struct drawing d = {.in = s, .arena = a};

    d.has_lo = web_number_log(s->lo, &d.lo);
    d.has_hi = web_number_log(s->hi, &d.hi);
    lines_take(&d);
    axis_choose(&d);
    lines_place(&d);
    return wh_json_own(a, drawing_json(&d));
}
