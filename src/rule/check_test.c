/* Unit tests of rule/check.h and rule/shipped.h: every shipped line is fit. */
#include "base/unit.h"
#include "rule/check.h"
#include "rule/shipped.h"

static void every_shipped_line_answers_its_cases(void **state)
{
    (void)state;
    const struct rule_file *f;
    size_t n = 0;
    for (; (f = rule_shipped_line(n)) != NULL; n++) {
        struct wh_arena a;
        struct wh_err err;
        const struct rule_line *line;
        struct rule_problems problems;
        wh_arena_init(&a, 16U << 20);
        unit_ok(rule_line_load(&a, f->text, &line, &err), err);
        struct wh_str label = rule_line_label(&a, line);
        assert_true(
            wh_str_eq(label, wh_str_sub(wh_str_of(f->name), 0, label.n)));
        if (!rule_line_check(&a, line, &problems)) {
            print_error("%s: %.*s\n", f->name, WH_FMT(problems.text[0]));
            fail();
        }
        assert_true(line->n_cases >= line->n_rules);
        wh_arena_done(&a);
    }
    assert_int_equal(n, 5);
}

static void finds_lines_by_name_and_label(void **state)
{
    (void)state;
    assert_string_equal(rule_shipped_find(WH_S("demo.low"))->name,
                        "demo.low.v2.json");
    assert_string_equal(rule_shipped_find(WH_S("demo.low.v1"))->name,
                        "demo.low.v1.json");
    assert_null(rule_shipped_find(WH_S("demo.low.v3")));
    assert_null(rule_shipped_find(WH_S("demo")));
    assert_null(rule_shipped_find(WH_S("")));
    assert_null(rule_shipped_find(WH_S("models")));
    assert_true(rule_shipped_text(WH_S("models.tsv")).n > 1000);
    assert_int_equal(rule_shipped_text(WH_S("nothing")).n, 0);
}

/* A line with one fault in it, made from the demonstration line. */
static const struct rule_line *faulty(struct wh_arena *a, const char *from,
                                      const char *to)
{
    struct wh_err err;
    const struct rule_line *line;
    struct wh_str text = rule_shipped_text(WH_S("demo.low.v1.json"));
    size_t at = wh_str_find_str(text, wh_str_of(from));
    assert_true(at != SIZE_MAX);
    struct wh_str bad = wh_arena_fmt(a, "%.*s%s%.*s", (int)at, text.p, to,
                                     (int)(text.n - at - strlen(from)),
                                     text.p + at + strlen(from));
    unit_ok(rule_line_load(a, bad, &line, &err), err);
    return line;
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *problem;
    } rows[] = {
        {"\"threshold\": \"1e8\"", "\"threshold\": \"2e8\"",
         "case 3 says above, the line answers below"},
        {"\"threshold\": \"1e8\"", "\"threshold\": \"1e7\"",
         "case 1 says below, the line answers above"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        struct rule_problems p;
        wh_arena_init(&a, 16U << 20);
        assert_false(
            rule_line_check(&a, faulty(&a, rows[i].from, rows[i].to), &p));
        assert_true(wh_str_starts(p.text[0], wh_str_of(rows[i].problem)));
        wh_arena_done(&a);
    }
}

/* A rule that every case answers with yes: it asks for nothing but counts that
 * somebody, anybody, made, and the cases without one are taken out. */
static void wants_a_case_for_each_rule(void **state)
{
    (void)state;
    struct wh_arena a;
    struct rule_problems p;
    wh_arena_init(&a, 16U << 20);
    const struct rule_line *line =
        faulty(&a, "\"by\": \"house\",\n      \"if_no\"",
               "\"by\": \"self\",\n      \"if_no\"");
    assert_false(rule_line_check(&a, line, &p));
    line = faulty(&a, "\"threshold\": \"1e8\"", "\"threshold\": \"1e9\"");
    ((struct rule_line *)(uintptr_t)line)->n_cases = 2;
    assert_false(rule_line_check(&a, line, &p));
    unit_str(p.text[0], "no case shows what rule \"size\" stops");
    ((struct rule_line *)(uintptr_t)line)->n_cases = 0;
    assert_false(rule_line_check(&a, line, &p));
    assert_int_equal(p.n, 2);
    unit_str(p.text[1], "no case shows what is below the line");
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_line_answers_its_cases),
        cmocka_unit_test(finds_lines_by_name_and_label),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(wants_a_case_for_each_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
