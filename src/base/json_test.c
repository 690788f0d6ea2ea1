/* Unit tests of base/json.h. */
#include "base/json.h"
#include "base/unit.h"

/* Inputs of house.md 5.9 and relatives: what is no strict JSON is refused. */
static void parses_strictly(void **state)
{
    (void)state;
    static const struct {
        struct wh_str text;
        bool ok;
    } cases[] = {
        {WH_SI("{}"), true},
        {WH_SI(" [1, 2.5, \"x\", null, true] "), true},
        {WH_SI("\"text\""), true},
        {WH_SI("9007199254740993"), true},
        {WH_SI("9223372036854775807"), true},
        {WH_SI("{\"a\":\"\\u00e4\\ud83d\\ude00\"}"), true},
        {WH_SI(""), false},
        {WH_SI(" "), false},
        {WH_SI("{\"a\":1,\"a\":2}"), false},
        {WH_SI("{\"a\":1,\"\\u0061\":2}"), false},
        {WH_SI("{} {}"), false},
        {WH_SI("{}x"), false},
        {WH_SI("{}\0"), false},
        {WH_SI("[1,]"), false},
        {WH_SI("[01]"), false},
        {WH_SI("[NaN]"), false},
        {WH_SI("[1e999]"), false},
        {WH_SI("{'a':1}"), false},
        {WH_SI("[\"\n\"]"), false},
        {WH_SI("[\"\xFF\"]"), false},
        {WH_SI("[\"\\ud800\"]"), false},
        {WH_SI("[\"\\u0000\"]"), false},
        {WH_SI("{\"\\u0000\":1}"), false},
        {WH_SI("18446744073709551615"), false},
        {WH_SI("[1"), false},
        {WH_SI("// c\n[]"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wh_arena a;
        struct wh_err err = {0};
        json_t *v = NULL;
        wh_arena_init(&a, 100000);
        bool ok = wh_json_parse(&a, cases[i].text, &v, &err);
        if (ok != cases[i].ok) {
            fail_msg("case %zu: %s", i, err.msg);
        }
        assert_int_equal(err.code, ok ? WH_NONE : WH_BAD_JSON);
        assert_int_equal(v != NULL, ok);
        wh_arena_done(&a);
    }
}

static void limits_depth(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    json_t *v = NULL;
    char text[200];
    wh_arena_init(&a, 100000);
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    unit_ok(wh_json_parse(&a, wh_str_mem(text, 128), &v, &err), err);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    unit_fails(wh_json_parse(&a, wh_str_mem(text, 130), &v, &err), err,
               WH_TOO_LARGE);
    /* brackets inside strings do not count, an escaped quote ends none */
    text[0] = '[';
    text[1] = '"';
    memset(text + 2, '[', 100);
    text[50] = '\\';
    text[51] = '"';
    text[102] = '"';
    text[103] = ']';
    unit_ok(wh_json_parse(&a, wh_str_mem(text, 104), &v, &err), err);
    wh_arena_done(&a);
}

/* The client sees where and what, never a piece of the input. */
static void says_where(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    json_t *v = NULL;
    wh_arena_init(&a, 100000);
    unit_fails(wh_json_parse(&a, WH_S("{\"a\":\n  secret}"), &v, &err), err,
               WH_BAD_JSON);
    assert_non_null(strstr(err.msg, "line 2, column"));
    assert_null(strstr(err.msg, "secret"));
    wh_arena_done(&a);
}

static void canonical(struct wh_str in, const char *want)
{
    struct wh_arena a;
    struct wh_buf b;
    struct wh_err err = {0};
    json_t *v = NULL;
    wh_arena_init(&a, 1 << 20);
    wh_buf_init(&b, 10000);
    unit_ok(wh_json_parse(&a, in, &v, &err), err);
    if (want) {
        unit_ok(wh_json_canonical(&b, v, &err), err);
        unit_str(wh_buf_str(&b), want);
    } else {
        unit_fails(wh_json_canonical(&b, v, &err), err, WH_BAD_REQUEST);
    }
    wh_buf_done(&b);
    wh_arena_done(&a);
}

static void writes_canonical_form(void **state)
{
    (void)state;
    canonical(WH_S(" { \"b\" : [ 1 , -2 ] , \"a\" : { } } "),
              "{\"a\":{},\"b\":[1,-2]}");
    canonical(WH_S("[true,false,null,\"\\u00e4\\/\\u001f\"]"),
              "[true,false,null,\"\xC3\xA4/\\u001f\"]");
    canonical(WH_S("{\"a\":1,\"B\":2,\"\":3,\"aa\":4}"),
              "{\"\":3,\"B\":2,\"a\":1,\"aa\":4}");
    /* RFC 8785, 3.2.3: U+FB33 sorts after U+1F600 in UTF-16 */
    canonical(WH_S("{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u00f6\":3,"
                   "\"\\u20ac\":4}"),
              "{\"\xC3\xB6\":3,\"\xE2\x82\xAC\":4,\"\xF0\x9F\x98\x80\":2,"
              "\"\xEF\xAC\xB3\":1}");
    canonical(WH_S("[9007199254740991,-9007199254740991]"),
              "[9007199254740991,-9007199254740991]");
    canonical(WH_S("[9007199254740992]"), NULL);
    canonical(WH_S("[-9007199254740992]"), NULL);
    canonical(WH_S("[1.5]"), NULL);
    canonical(WH_S("{\"a\":[{\"b\":1e2}]}"), NULL);
}

static void canonical_has_limits(void **state)
{
    (void)state;
    struct wh_buf b;
    struct wh_err err = {0};
    json_t *v = json_array();
    for (int i = 0; i < 70; i++) {
        json_t *outer = json_array();
        assert_int_equal(json_array_append_new(outer, v), 0);
        v = outer;
    }
    wh_buf_init(&b, 1000);
    unit_fails(wh_json_canonical(&b, v, &err), err, WH_TOO_LARGE);
    wh_buf_done(&b);
    wh_buf_init(&b, 3);
    json_t *text = json_string("four");
    unit_fails(wh_json_canonical(&b, text, &err), err, WH_TOO_LARGE);
    wh_buf_done(&b);
    json_decref(text);
    json_decref(v);
}

static void reads_fields(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    json_t *o = NULL;
    wh_arena_init(&a, 100000);
    unit_ok(wh_json_parse(&a,
                          WH_S("{\"s\":\"x\",\"i\":-7,\"b\":true,\"z\":null,"
                               "\"r\":1.5}"),
                          &o, &err),
            err);
    struct wh_str s;
    int64_t i;
    bool b;
    unit_ok(wh_json_get_str(o, "s", &s, &err), err);
    unit_str(s, "x");
    unit_fails(wh_json_get_str(o, "i", &s, &err), err, WH_BAD_REQUEST);
    assert_string_equal(err.msg, "the field \"i\" must be a string");
    unit_fails(wh_json_get_str(o, "no", &s, &err), err, WH_BAD_REQUEST);
    assert_string_equal(err.msg, "the field \"no\" is missing");
    unit_fails(wh_json_get_str(o, "z", &s, &err), err, WH_BAD_REQUEST);
    unit_ok(wh_json_opt_str(o, "z", WH_S("d"), &s, &err), err);
    unit_str(s, "d");
    unit_ok(wh_json_opt_str(o, "s", WH_S("d"), &s, &err), err);
    unit_str(s, "x");
    unit_ok(wh_json_get_i64(o, "i", &i, &err), err);
    assert_true(i == -7);
    unit_fails(wh_json_get_i64(o, "r", &i, &err), err, WH_BAD_REQUEST);
    unit_ok(wh_json_opt_i64(o, "no", 42, &i, &err), err);
    assert_true(i == 42);
    unit_fails(wh_json_opt_i64(o, "s", 42, &i, &err), err, WH_BAD_REQUEST);
    unit_ok(wh_json_opt_bool(o, "b", false, &b, &err), err);
    assert_true(b);
    unit_ok(wh_json_opt_bool(o, "z", true, &b, &err), err);
    assert_true(b);
    unit_fails(wh_json_opt_bool(o, "i", true, &b, &err), err, WH_BAD_REQUEST);
    assert_string_equal(json_string_value(wh_json_text(o, "s")), "x");
    assert_null(wh_json_text(o, "i"));
    assert_null(wh_json_text(o, "no"));
    /* no object at all: even optional fields are refused */
    unit_fails(wh_json_opt_bool(json_object_get(o, "i"), "x", true, &b, &err),
               err, WH_BAD_REQUEST);
    unit_fails(wh_json_opt_str(NULL, "x", WH_S(""), &s, &err), err,
               WH_BAD_REQUEST);
    wh_arena_done(&a);
}

static void writes_text(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 1000);
    json_t *o = json_pack("{s:f, s:i}", "z", 0.1, "a", 1);
    wh_json_write(&b, o, false);
    unit_str(wh_buf_str(&b), "{\"z\":0.1,\"a\":1}");
    wh_buf_reset(&b);
    wh_json_write(&b, o, true);
    unit_str(wh_buf_str(&b), "{\n  \"z\": 0.1,\n  \"a\": 1\n}");
    json_decref(o);
    wh_buf_done(&b);
}

static void repairs_strings(void **state)
{
    (void)state;
    static const struct {
        struct wh_str in;
        const char *want;
    } cases[] = {
        {WH_SI(""), ""},
        {WH_SI("ok \xC3\xA4"), "ok \xC3\xA4"},
        {WH_SI("\xFFz\xC3"), "\xEF\xBF\xBDz\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *v = wh_json_str(cases[i].in);
        assert_string_equal(json_string_value(v), cases[i].want);
        json_decref(v);
    }
    json_t *none = wh_json_str((struct wh_str){NULL, 0});
    assert_string_equal(json_string_value(none), "");
    json_decref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_strictly),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(says_where),
        cmocka_unit_test(writes_canonical_form),
        cmocka_unit_test(canonical_has_limits),
        cmocka_unit_test(reads_fields),
        cmocka_unit_test(writes_text),
        cmocka_unit_test(repairs_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
