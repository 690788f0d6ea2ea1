/*
 * Tests of the drawing: everything is inside the picture, and no label runs
 * into another or is crossed by a line.
 */
#include "web/scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A box that a label covers; widths as the style sheet's font has them. */
struct box {
    double x0, x1, y0, y1;
};

static double num(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    assert_true(json_is_integer(v));
    return (double)json_integer_value(v);
}

static struct box label_box(const json_t *o, bool centred)
{
    double x = num(o, "label_x"), y = num(o, "label_y"), width;
    struct box b;

    width = 6.6 * (double)json_string_length(json_object_get(o, "label"));
    b.x0 = centred ? x - width / 2 : x;
    b.x1 = b.x0 + width;
    b.y0 = y - 9;
    b.y1 = y + 2;
    return b;
}

static bool apart(struct box a, struct box b)
{
    return a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0;
}

/* No label of a line touches another, or is crossed by another line. */
static void look_at_lines(const json_t *drawing)
{
    const json_t *lines = json_object_get(drawing, "lines");

    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *one = json_array_get(lines, i);
        struct box a = label_box(one, false);

        assert_true(a.x0 >= 0 && a.x1 <= WEB_SCALE_WIDTH + 1);
        assert_true(a.y0 >= 0);
        assert_true(num(one, "bottom") > num(one, "top"));
        for (size_t j = 0; j < json_array_size(lines); j++) {
            const json_t *other = json_array_get(lines, j);
            double x = num(other, "x"), top = num(other, "top");
            struct box line = {x - 0.5, x + 0.5, top, num(other, "bottom")};

            if (i != j) {
                assert_true(apart(a, label_box(other, false)));
                assert_true(apart(a, line));
            }
        }
    }
}

static void look_at(const json_t *drawing)
{
    const json_t *bar = json_object_get(drawing, "bar");
    const json_t *ticks = json_object_get(drawing, "ticks");

    assert_true(json_array_size(ticks) >= 2 && json_array_size(ticks) <= 16);
    look_at_lines(drawing);
    if (bar) {
        struct box b = label_box(bar, true);
        assert_true(b.x0 >= 0 && b.x1 <= WEB_SCALE_WIDTH);
        assert_true(num(bar, "x") >= 0 && num(bar, "width") > 0);
        assert_true(num(bar, "x") + num(bar, "width") <= WEB_SCALE_WIDTH);
    }
}

static const struct {
    const char *lo, *hi, *text;
    bool open_left, open_right, point;
} bars[] = {
    {"0", "4.03545024e22", "at most 4.04e22", true, false, false},
    {"", "4.03545024e22", "at most 4.04e22", true, false, false},
    {"1e20", "", "at least 1e20", false, true, false},
    {"1e20", "5e22", "1e20 to 5e22", false, false, false},
    {"134515008", "134515008", "134,515,008", false, false, true},
};

static void test_bars(void **state)
{
    static const struct web_scale_line lines[] = {
        {{"fast track", 10}, {"1e23", 4}, 0},
        {{"EU systemic", 11}, {"1e25", 4}, 0.5},
    };
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof bars / sizeof *bars; i++) {
        const struct web_scale in = {.what = WH_S("Training compute"),
                                     .unit = WH_S("FLOP"),
                                     .lo = wh_str_of(bars[i].lo),
                                     .hi = wh_str_of(bars[i].hi),
                                     .lines = lines,
                                     .lines_n = 2};
        const json_t *d = web_scale_draw(&a, &in);
        const json_t *bar = json_object_get(d, "bar");
        const char *label = json_string_value(json_object_get(bar, "label"));

        look_at(d);
        assert_string_equal(label, bars[i].text);
        assert_int_equal(json_is_true(json_object_get(bar, "open_left")),
                         bars[i].open_left);
        assert_int_equal(json_is_true(json_object_get(bar, "open_right")),
                         bars[i].open_right);
        assert_int_equal(json_is_true(json_object_get(bar, "point")),
                         bars[i].point);
    }
    wh_arena_done(&a);
}

/* Below the line is drawn left of it, above it right. */
static void test_sides(void **state)
{
    static const struct web_scale_line line = {{"demo.low", 8}, {"1e8", 3}, 0};
    struct web_scale in = {
        .what = WH_S("Parameters"), .lines = &line, .lines_n = 1};
    const json_t *d, *drawn;
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    in.lo = in.hi = WH_S("22713216");
    d = web_scale_draw(&a, &in);
    drawn = json_array_get(json_object_get(d, "lines"), 0);
    assert_true(num(json_object_get(d, "bar"), "x") < num(drawn, "x"));
    in.lo = in.hi = WH_S("134515008");
    d = web_scale_draw(&a, &in);
    drawn = json_array_get(json_object_get(d, "lines"), 0);
    assert_true(num(json_object_get(d, "bar"), "x") > num(drawn, "x"));
    assert_string_equal(json_string_value(json_object_get(d, "text")),
                        "Parameters: 134,515,008. Lines: demo.low at "
                        "100,000,000.");
    wh_arena_done(&a);
}

/* Unknown evidence has no bar; lines that are no numbers are left out. */
static void test_unknown(void **state)
{
    static const struct web_scale_line lines[] = {
        {{"good", 4}, {"1e25", 4}, 0},
        {{"bad", 3}, {"ten", 3}, 0},
        {{"zero", 4}, {"0", 1}, 0},
    };
    struct web_scale in = {.what = WH_S("X"), .lines = lines, .lines_n = 3};
    struct wh_arena a;
    json_t *d;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    d = web_scale_draw(&a, &in);
    look_at(d);
    assert_null(json_object_get(d, "bar"));
    assert_int_equal(json_array_size(json_object_get(d, "lines")), 1);
    in.lines_n = 0;
    look_at(web_scale_draw(&a, &in));
    wh_arena_done(&a);
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Many pictures with lines at random, close together and far apart. */
static void test_random(void **state)
{
    static const char words[] = "a line with quite a long name";
    struct web_scale_line lines[WEB_SCALE_LINES_MAX];
    char text[WEB_SCALE_LINES_MAX][16], lo[16], hi[16];
    uint32_t seed = 7;
    struct wh_arena a;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct web_scale in = {.what = WH_S("X"), .lines = lines};
        uint32_t span = 1 + next(&seed) % 30;
        wh_arena_init(&a, 1 << 20);
        in.lines_n = next(&seed) % 5;
        for (size_t i = 0; i < in.lines_n; i++) {
            (void)snprintf(text[i], sizeof text[i], "%ue%u",
                           1 + next(&seed) % 9, next(&seed) % span);
            lines[i].at = wh_str_of(text[i]);
            lines[i].label =
                wh_str_mem(words, 1 + next(&seed) % (sizeof words - 1));
            lines[i].margin = next(&seed) % 3 ? 0 : 0.5;
        }
        (void)snprintf(lo, sizeof lo, "1e%u", next(&seed) % span);
        (void)snprintf(hi, sizeof hi, "9e%u", next(&seed) % span);
        in.lo = next(&seed) % 2 ? wh_str_of(lo) : WH_S("0");
        in.hi = next(&seed) % 4 ? wh_str_of(hi) : WH_S("");
        look_at(web_scale_draw(&a, &in));
        wh_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars),
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
