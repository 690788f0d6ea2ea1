/* Unit tests of rule/models.h and rule/backtest.h: no false answers. */
#include "base/unit.h"
#include "rule/backtest.h"
#include "rule/shipped.h"

static void table(struct wh_arena *a, const struct rule_model **out, size_t *n)
{
    struct wh_err err;
    unit_ok(rule_models_read(a, rule_shipped_text(WH_S("models.tsv")), out, n,
                             &err),
            err);
}

static void the_table_is_large_and_mixed(void **state)
{
    (void)state;
    struct wh_arena a;
    const struct rule_model *m;
    size_t n, moe = 0, secret = 0, above = 0;
    struct rule_dec eu, compute;

    wh_arena_init(&a, 8U << 20);
    table(&a, &m, &n);
    assert_true(rule_dec_parse(WH_S("1e25"), &eu));
    for (size_t i = 0; i < n; i++) {
        moe += wh_str_is(m[i].kind, "moe");
        secret += !m[i].has_tokens;
        above += rule_model_compute(&m[i], &compute) &&
                 rule_dec_cmp(&compute, &eu) >= 0;
    }
    assert_true(n >= 60);
    assert_true(moe >= 10);
    assert_true(secret >= 5);
    assert_true(above >= 2);
    wh_arena_done(&a);
}

static void known_figures(void **state)
{
    (void)state;
    static const struct {
        const char *name, *compute;
    } rows[] = {
        {"meta-llama/Llama-3.1-405B", "3.7908e25"},
        {"OpenAI GPT-3 175B", "3.15e23"},
        {"deepseek-ai/DeepSeek-V3-Base", "3.2856e24"},
        {"HuggingFaceTB/SmolLM2-135M", "1.614180096e21"},
    };
    struct wh_arena a;
    const struct rule_model *m;
    size_t n;
    wh_arena_init(&a, 8U << 20);
    table(&a, &m, &n);
    for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
        struct rule_dec want, got;
        size_t i = 0;
        while (i < n && !wh_str_is(m[i].name, rows[k].name)) {
            i++;
        }
        assert_true(i < n);
        assert_true(rule_dec_parse(wh_str_of(rows[k].compute), &want));
        assert_true(rule_model_compute(&m[i], &got));
        assert_int_equal(rule_dec_cmp(&want, &got), 0);
    }
    wh_arena_done(&a);
}

static void no_shipped_line_answers_falsely(void **state)
{
    (void)state;
    /* least numbers of true answers with the table, and at the edges */
    static const struct {
        const char *name;
        unsigned below, above, unsure, edge_below, edge_above, edge_unsure;
    } rows[] = {
        {"demo.low", 4, 60, 1, 2, 1, 0},
        {"hold.unknown", 60, 0, 1, 0, 0, 0},
        {"limited.default", 50, 3, 5, 3, 2, 2},
        {"small.fast-track", 10, 20, 5, 3, 2, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        struct wh_err err;
        const struct rule_line *line;
        const struct rule_model *m;
        struct rule_backtest b;
        size_t n;
        wh_arena_init(&a, 64U << 20);
        table(&a, &m, &n);
        unit_ok(rule_line_load(&a,
                               rule_shipped_find(wh_str_of(rows[i].name))->text,
                               &line, &err),
                err);
        unit_ok(rule_backtest_run(&a, line, m, n, &b, &err), err);
        print_message("# %s: files %u/%u/%u, table %u/%u/%u, edges %u/%u/%u\n",
                      rows[i].name, b.files.true_below, b.files.true_above,
                      b.files.unsure, b.table.true_below, b.table.true_above,
                      b.table.unsure, b.edge.true_below, b.edge.true_above,
                      b.edge.unsure);
        assert_int_equal(b.files.wrong, 0);
        assert_int_equal(b.table.wrong, 0);
        assert_int_equal(b.edge.wrong, 0);
        assert_true(b.table.true_below >= rows[i].below);
        assert_true(b.table.true_above >= rows[i].above);
        assert_true(b.table.unsure >= rows[i].unsure);
        assert_true(b.edge.true_below >= rows[i].edge_below);
        assert_true(b.edge.true_above >= rows[i].edge_above);
        assert_true(b.edge.unsure >= rows[i].edge_unsure);
        json_t *json = wh_json_own(&a, rule_backtest_json(&b));
        assert_int_equal(json_array_size(json_object_get(json, "models")), n);
        wh_arena_done(&a);
    }
}

/* The back-test is able to find a false answer: a model that saw four times as
 * many tokens as the house holds possible is called small by its files. The
 * published figure contradicts that bound, and the answer becomes unsure. */
static void a_broken_bound_is_seen(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err;
    const struct rule_line *line;
    const struct rule_model *m;
    struct rule_backtest b;
    size_t n;
    wh_arena_init(&a, 64U << 20);
    unit_ok(rule_models_read(&a,
                             WH_S("glutton\tdense\t1e10\t1e10\t2e14\t-\t"
                                  "nobody\thttps://example.org/\n"),
                             &m, &n, &err),
            err);
    unit_ok(rule_line_load(&a, rule_shipped_find(WH_S("limited.default"))->text,
                           &line, &err),
            err);
    unit_ok(rule_backtest_run(&a, line, m, n, &b, &err), err);
    assert_int_equal(b.rows[0].truth, RULE_ABOVE);
    assert_int_equal(b.files.wrong, 1);
    assert_int_equal(b.table.wrong, 0);
    assert_int_equal(b.table.unsure, 1);
    wh_arena_done(&a);
}

static void refuses_a_malformed_table(void **state)
{
    (void)state;
#define REST "\t-\tsource\thttps://example.org/\n"
    static const char *const rows[] = {
        "x\n",
        "x\tdense\t1\t1\t1" REST "x\tdense\t1\t1\t1" REST,
        "x\tsparse\t1\t1\t1" REST,
        "x\tdense\t2\t1\t1" REST,
        "x\tmoe\t1\t2\t1" REST,
        "x\tmoe\t-\t2\t1" REST,
        "x\tmoe\t1\tmany\t1" REST,
        "x\tmoe\t1\t1\t1\t-\tsource\thttp://example.org/\n",
        "x\tmoe\t1\t1\t1\tpoetry\tsource\thttps://example.org/\n",
        "x\tmoe\t1\t1\t1"
        "\t-\tsource\thttps://example.org/\tmore\n",
        "x\tmoe\t\t1\t1" REST,
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        struct wh_err err;
        const struct rule_model *m;
        size_t n;
        wh_arena_init(&a, 8U << 20);
        unit_fails(rule_models_read(&a, wh_str_of(rows[i]), &m, &n, &err), err,
                   WH_CORRUPT);
        wh_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_large_and_mixed),
        cmocka_unit_test(known_figures),
        cmocka_unit_test(no_shipped_line_answers_falsely),
        cmocka_unit_test(a_broken_bound_is_seen),
        cmocka_unit_test(refuses_a_malformed_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
