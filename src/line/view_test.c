#include "base/unit.h"
#include "line/view.h"

struct fixture {
    struct wh_arena a;
    struct line_set set;
};

static int begin(void **state)
{
    static struct fixture f;
    struct wh_err err = {0};

    f = (struct fixture){0};
    wh_arena_init(&f.a, (size_t)16 << 20);
    assert_true(
        line_set_add(&f.set, &f.a, WH_S("demo.low"), WH_S(""), false, &err));
    assert_true(line_set_add(&f.set, &f.a, WH_S("limited.default"), WH_S(""),
                             true, &err));
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    wh_arena_done(&f->a);
    return 0;
}

static const char *word(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static const json_t *find(const json_t *list, const char *key,
                          const char *value)
{
    const json_t *o;
    size_t i;

    json_array_foreach(list, i, o)
    {
        if (strcmp(word(o, key), value) == 0) {
            return o;
        }
    }
    return NULL;
}

static bool is(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

/* In force first, then in shadow, then what is only shipped; none twice. */
static void test_list(void **state)
{
    struct fixture *f = *state;
    struct wh_err err = {0};
    json_t *list;

    assert_true(line_view_list(&f->a, &f->set, &list, &err));
    assert_int_equal(json_array_size(list), 4);
    assert_string_equal(word(json_array_get(list, 0), "name"), "demo.low");
    assert_true(is(json_array_get(list, 0), "enforced"));
    assert_string_equal(word(json_array_get(list, 1), "name"),
                        "limited.default");
    assert_true(is(json_array_get(list, 1), "shadow"));
    assert_true(is(find(list, "name", "hold.unknown"), "shipped"));
    assert_string_equal(word(json_array_get(list, 0), "effective"),
                        "2026-11-24T00:00:00Z");
    json_decref(list);
}

static void test_find(void **state)
{
    struct fixture *f = *state;
    const struct rule_line *line;
    struct wh_err err = {0};
    json_t *o;

    assert_true(
        line_view_find(&f->a, &f->set, WH_S("demo.low"), 0, &line, &err));
    assert_ptr_equal(line, f->set.enforced[0].line);
    assert_true(line_view(&f->a, &f->set, line, &o, &err));
    assert_string_equal(word(o, "digest"), line->digest);
    assert_true(json_equal(json_object_get(o, "document"), line->doc));
    assert_int_equal(json_array_size(json_object_get(o, "versions")), 2);
    json_decref(o);
    assert_true(
        line_view_find(&f->a, &f->set, WH_S("hold.unknown"), 1, &line, &err));
    assert_false(
        line_view_find(&f->a, &f->set, WH_S("hold.unknown"), 2, &line, &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
    err = (struct wh_err){0};
    assert_false(line_view_find(&f->a, &f->set, WH_S("../x"), 0, &line, &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
}

/* Every claim is told, also what nobody knows. */
static void test_evidence(void **state)
{
    static const char text[] =
        "{\"v\":1,\"subject\":\"00000000000000000000000000000000"
        "00000000000000000000000000000000\",\"now\":\"2026-11-23T18:00:00Z\","
        "\"evidence\":{\"size.params_total\":{\"lo\":\"1\",\"hi\":\"2\","
        "\"by\":\"house\",\"method\":\"counted\",\"expires\":null},"
        "\"files.verifiable\":{\"value\":\"yes\",\"by\":\"house\","
        "\"method\":\"m\",\"expires\":\"2026-01-01T00:00:00Z\"}}}";
    struct fixture *f = *state;
    struct wh_err err = {0};
    const json_t *item;
    json_t *doc, *list;

    assert_true(wh_json_parse(&f->a, wh_str_of(text), &doc, &err));
    list = line_view_evidence(doc);
    item = find(list, "claim", "size.params_total");
    assert_true(is(item, "known"));
    assert_string_equal(word(item, "lo"), "1");
    assert_string_equal(word(item, "hi"), "2");
    assert_string_equal(word(item, "by"), "the house");
    assert_string_equal(word(item, "method"), "counted");
    item = find(list, "claim", "files.verifiable");
    assert_false(is(item, "known"));
    assert_string_equal(word(item, "state"), "expired");
    assert_true(json_is_null(json_object_get(item, "value")));
    item = find(list, "claim", "incident.open");
    assert_string_equal(word(item, "state"), "missing");
    json_decref(list);
    /* no document at all: nothing is known */
    list = line_view_evidence(NULL);
    assert_false(is(find(list, "claim", "size.params_total"), "known"));
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, begin, end),
        cmocka_unit_test_setup_teardown(test_find, begin, end),
        cmocka_unit_test_setup_teardown(test_evidence, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
