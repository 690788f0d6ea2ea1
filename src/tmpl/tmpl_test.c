/*
 * Tests of the template language: what is written, what is refused when
 * compiled, what is refused when rendered.
 */
#include "tmpl/tmpl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Compile "t" (and "p", a partial) and render it with JSON text. */
static bool render(const char *t, const char *p, const char *json, bool strict,
                   struct wh_buf *out, struct wh_err *err)
{
    struct tmpl_set *set = tmpl_set_new(strict);
    json_t *values = NULL;
    struct wh_arena a;
    bool ok;

    wh_arena_init(&a, 1 << 20);
    tmpl_set_asset(set, WH_S("a.css"), WH_S("/assets/a.1.css"));
    ok = wh_json_parse(&a, wh_str_of(json), &values, err) &&
         tmpl_set_add(set, WH_S("t"), wh_str_of(t), err) &&
         (!p || tmpl_set_add(set, WH_S("p"), wh_str_of(p), err)) &&
         tmpl_set_link(set, err) && tmpl_render(set, "t", values, out, err);
    wh_arena_done(&a);
    tmpl_set_free(&set);
    return ok;
}

static const struct {
    const char *t, *json, *want;
} written[] = {
    {"plain", "{}", "plain"},
    {"{{a}}", "{\"a\":\"<b>&\\\"'\"}", "&lt;b&gt;&amp;&quot;&#39;"},
    {"<p title=\"{{a}}\">", "{\"a\":\"\\\"><\"}",
     "<p title=\"&quot;&gt;&lt;\">"},
    {"{{ a.b.c }}", "{\"a\":{\"b\":{\"c\":7}}}", "7"},
    {"{{a}}{{b}}{{c}}", "{\"a\":true,\"b\":null}", "true"},
    {"{{{h}}}", "{\"h\":{\"html\":\"<b>x</b>\"}}", "<b>x</b>"},
    {"{{#l}}[{{.}}]{{/l}}", "{\"l\":[1,\"<\",3]}", "[1][&lt;][3]"},
    {"{{#l}}{{n}}{{o}} {{/l}}", "{\"o\":\"!\",\"l\":[{\"n\":1},{\"n\":2}]}",
     "1! 2! "},
    {"{{#o}}{{x}}{{/o}}", "{\"o\":{\"x\":1},\"x\":2}", "1"},
    {"{{#o}}{{#l}}{{x}}{{/l}}{{/o}}", "{\"o\":{\"l\":[{},{\"x\":3}],\"x\":1}}",
     "13"},
    {"{{#a}}no{{/a}}", "{\"a\":[]}", ""},
    {"{{#a}}no{{/a}}", "{\"a\":\"\"}", ""},
    {"{{#a}}no{{/a}}", "{\"a\":0}", ""},
    {"{{#a}}no{{/a}}", "{}", ""},
    {"{{#a}}yes{{/a}}", "{\"a\":\"0\"}", "yes"},
    {"{{^a}}none{{/a}}{{#a}}some{{/a}}", "{\"a\":false}", "none"},
    {"{{^a}}none{{/a}}{{#a}}some{{/a}}", "{\"a\":{}}", "some"},
    {"a{{! remark {x} }}b", "{}", "ab"},
    {"x\n  {{#a}}\n  y{{b}}\n  {{/a}}\nz\n", "{\"a\":{\"b\":1}}",
     "x\n  y1\nz\n"},
    {"{{#a}}\nq\n{{/a}}", "{\"a\":1}", "q\n"},
    {"<a href=\"/{{&path r}}?x={{&url q}}\">",
     "{\"r\":\"a/b c\",\"q\":\"1/2&3\"}", "<a href=\"/a/b%20c?x=1%2F2%263\">"},
    {"<a href=\"/{{&path r}}\">", "{\"r\":\"//evil\"}", "<a href=\"/evil\">"},
    {"<a href=\"{{&href u}}\">", "{\"u\":\"https://e.org/?a&b\"}",
     "<a href=\"https://e.org/?a&amp;b\">"},
    {"<a href=\"{{&href u}}\">", "{\"u\":\"javascript:alert(1)\"}",
     "<a href=\"#\">"},
    {"<a href=\"{{&href u}}\">", "{\"u\":\" javascript:x\"}", "<a href=\"#\">"},
    {"<a href=\"{{&href u}}\">", "{\"u\":\"//evil.example\"}",
     "<a href=\"#\">"},
    {"<a href=\"{{&href u}}\">", "{\"u\":\"/\\\\evil.example\"}",
     "<a href=\"#\">"},
    {"<a href=\"{{&href u}}\">", "{\"u\":\"/lines\"}", "<a href=\"/lines\">"},
    {"<link href=\"{{@a.css}}\">", "{}", "<link href=\"/assets/a.1.css\">"},
    {"<option {{#s}}selected{{/s}}>", "{\"s\":true}", "<option selected>"},
    {"<dd{{#s}} class=\"x\"{{/s}}>", "{\"s\":true}", "<dd class=\"x\">"},
    {"<a class=\"x\"{{#s}} id=\"y\"{{/s}} title=\"z\">", "{\"s\":true}",
     "<a class=\"x\" id=\"y\" title=\"z\">"},
    {"{{&count n}} {{&count s}} {{&count t}} {{&count z}}",
     "{\"n\":22713216,\"s\":\"134515008\",\"t\":\"unknown\",\"z\":0}",
     "22,713,216 134,515,008 unknown 0"},
    {"{{&count n}}", "{\"n\":100}", "100"},
    {"{{&size a}}|{{&size b}}|{{&size c}}|{{&size d}}",
     "{\"a\":612,\"b\":90868376,\"c\":999950,\"d\":1073741824}",
     "612 bytes|90.9 MB|1.0 MB|1.1 GB"},
    {"{{&size a}}", "{\"a\":9223372036854775807}", "9223.4 PB"},
    {"{{&date d}} / {{&time d}} / {{&date u}}",
     "{\"d\":\"2026-11-03T08:05:00Z\",\"u\":1763920860}",
     "3 Nov 2026 / 3 Nov 2026, 08:05 UTC / 23 Nov 2025"},
    {"<script src=\"{{@a.css}}\"></script>", "{}",
     "<script src=\"/assets/a.1.css\"></script>"},
};

static void test_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        struct wh_err err = {0};
        struct wh_buf out;

        wh_buf_init(&out, 4096);
        if (!render(written[i].t, NULL, written[i].json, false, &out, &err)) {
            fail_msg("%s: %s", written[i].t, err.msg);
        }
        if (!wh_str_is(wh_buf_str(&out), written[i].want)) {
            fail_msg("%s: got %.*s, want %s", written[i].t,
                     WH_FMT(wh_buf_str(&out)), written[i].want);
        }
        wh_buf_done(&out);
    }
}

/* Each of these is refused when compiled, with these words. */
static const struct {
    const char *t, *why;
} refused[] = {
    {"{{a", "without end"},
    {"{{{a}}", "without end"},
    {"{{}}", "empty tag"},
    {"{{a b}}", "malformed name"},
    {"{{a..b}}", "malformed name"},
    {"{{a.b.c.d.e.f.g}}", "malformed name"},
    {"{{#a}}", "not closed"},
    {"{{/a}}", "not the one"},
    {"{{#a}}{{#b}}{{/a}}{{/b}}", "not the one"},
    {"{{&nope a}}", "unknown form"},
    {"{{>nope}}", "no template nope"},
    {"{{>t}}", "contains itself"},
    {"<a href=\"{{@b.css}}\">", "unknown asset"},
    {"{{@a.css}}", "URL attribute only"},
    {"<a {{x}}>", "text or in quotes"},
    {"<a title={{x}}>", "text or in quotes"},
    {"<{{x}}>", "text or in quotes"},
    {"<a href=\"{{x}}\">", "URL attribute takes"},
    {"<a href=\"/{{x}}\">", "URL attribute takes"},
    {"<a href=\"{{&path x}}\">", "may begin with"},
    {"<a href='{{#a}}/x{{/a}}{{&path x}}'>", "may begin with"},
    {"<a href=\"/{{&href x}}\">", "beginning of a URL"},
    {"{{&href x}}", "beginning of a URL"},
    {"<a href=\"{{&count x}}\">", "URL attribute takes"},
    {"<p style=\"x\">", "style attribute"},
    {"<p STYLE='{{x}}'>", "style attribute"},
    {"<p onclick=\"x\">", "event handler"},
    {"<style>a{}</style>", "style element"},
    {"<script>alert(1)</script>", "script element with content"},
    {"<script>{{x}}</script>", "text or in quotes"},
    {"<!-- x -->", "HTML comment"},
    {"<!--x-->", "HTML comment"},
    {"<p title=\"{{{x}}}\">", "in text only"},
    {"<p title=\"{{>t}}\">", "in text only"},
    {"<p title=\"{{#a}}\">{{/a}}", "another place"},
    {"<p {{#a}}title=\"{{/a}}x\">", "another place"},
    {"<p title=\"x", "inside a tag"},
    {"<p {{#a}}x{{/a}}click=\"x\">", "set apart"},
    {"<p {{#a}}on{{/a}} title=\"x\">", "event handler"},
    {"<style{{#a}} x{{/a}}>", "style element"},
    {"<{{#a}}p{{/a}}>", "middle of a word"},
    {"<p title=\"a\"class=\"b\">", "set apart"},
    {"<p on{{#a}}click{{/a}}=\"x\">", "middle of a word"},
    {"<p =\"x\">", "not plainly written"},
    {"\xff", "not UTF-8"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct wh_err err = {0};
        struct wh_buf out;

        wh_buf_init(&out, 4096);
        if (render(refused[i].t, NULL, "{}", false, &out, &err)) {
            fail_msg("accepted: %s", refused[i].t);
        }
        if (!strstr(err.msg, refused[i].why)) {
            fail_msg("%s: %s", refused[i].t, err.msg);
        }
        wh_buf_done(&out);
    }
}

/* These compile, and fail with their values. */
static const struct {
    const char *t, *json;
    bool strict;
} failing[] = {
    {"{{{h}}}", "{\"h\":\"<b>\"}", false},
    {"{{{h}}}", "{\"h\":{\"html\":\"x\",\"more\":1}}", false},
    {"{{{h}}}", "{\"h\":{\"html\":7}}", false},
    {"{{h}}", "{\"h\":{\"html\":\"x\"}}", false},
    {"{{l}}", "{\"l\":[1]}", false},
    {"{{&size a}}", "{\"a\":\"12\"}", false},
    {"{{&size a}}", "{\"a\":-1}", false},
    {"{{&date a}}", "{\"a\":\"yesterday\"}", false},
    {"{{&date a}}", "{\"a\":253402300800}", false},
    {"{{missing}}", "{}", true},
    {"{{{missing}}}", "{}", true},
    {"{{a.b}}", "{\"a\":{}}", true},
};

static void test_failing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        struct wh_err err = {0};
        struct wh_buf out;

        wh_buf_init(&out, 4096);
        if (render(failing[i].t, NULL, failing[i].json, failing[i].strict, &out,
                   &err)) {
            fail_msg("rendered: %s with %s", failing[i].t, failing[i].json);
        }
        assert_int_equal(err.code, WH_INTERNAL);
        wh_buf_done(&out);
    }
}

static void test_partial(void **state)
{
    struct wh_err err = {0};
    struct wh_buf out;

    (void)state;
    wh_buf_init(&out, 4096);
    assert_true(render("{{#l}}\n{{>p}}\n{{/l}}\n", "<{{! }}b>{{n}}</b>\n",
                       "{\"l\":[{\"n\":1},{\"n\":2}]}", true, &out, &err));
    assert_true(wh_str_is(wh_buf_str(&out), "<b>1</b>\n<b>2</b>\n"));
    wh_buf_reset(&out);
    assert_false(render("{{>p}}", "{{>t}}", "{}", true, &out, &err));
    assert_non_null(strstr(err.msg, "contains itself"));
    wh_buf_done(&out);
}

static void test_line_numbers(void **state)
{
    struct wh_err err = {0};
    struct wh_buf out;

    (void)state;
    wh_buf_init(&out, 4096);
    assert_false(render("one\n{{#a}}\n{{! two\nlines }}\n{{&no x}}{{/a}}", NULL,
                        "{}", false, &out, &err));
    assert_string_equal(err.msg, "t:5: unknown form");
    wh_buf_done(&out);
}

/* Output, depth and work each have an end. */
static void test_ceilings(void **state)
{
    struct wh_err err = {0};
    struct wh_buf out, deep;

    (void)state;
    wh_buf_init(&out, 100);
    assert_false(render("{{#l}}0123456789{{/l}}", NULL,
                        "{\"l\":[1,2,3,4,5,6,7,8,9,10,11]}", false, &out,
                        &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    wh_buf_done(&out);

    wh_buf_init(&out, 100);
    wh_buf_init(&deep, 4096);
    for (int i = 0; i <= TMPL_OPEN_MAX; i++) {
        wh_buf_cstr(&deep, "{{#a}}");
    }
    wh_buf_char(&deep, '\0');
    err = (struct wh_err){0};
    assert_false(render(deep.p, NULL, "{}", false, &out, &err));
    assert_non_null(strstr(err.msg, "too many sections"));
    wh_buf_done(&deep);
    wh_buf_done(&out);
}

/* Six nested loops over forty elements write nothing and still end. */
static void test_steps(void **state)
{
    struct wh_err err = {0};
    struct wh_buf out, json;

    (void)state;
    wh_buf_init(&out, 100);
    wh_buf_init(&json, 4096);
    wh_buf_cstr(&json, "{\"l\":[0");
    for (int i = 0; i < 40; i++) {
        wh_buf_cstr(&json, ",1");
    }
    wh_buf_cstr(&json, "]}");
    wh_buf_char(&json, '\0');
    assert_false(render("{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{! }}"
                        "{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}",
                        NULL, json.p, false, &out, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    wh_buf_done(&json);
    wh_buf_done(&out);
}

static void test_html_marked(void **state)
{
    json_t *v = json_object();
    struct tmpl_set *set = tmpl_set_new(true);
    struct wh_err err = {0};
    struct wh_buf out;

    (void)state;
    wh_buf_init(&out, 100);
    json_object_set_new(v, "x", tmpl_html(WH_S("<i>")));
    assert_true(tmpl_set_add(set, WH_S("t"), WH_S("{{{x}}}"), &err));
    assert_false(tmpl_set_add(set, WH_S("t"), WH_S("again"), &err));
    assert_true(tmpl_set_link(set, &err));
    assert_true(tmpl_render(set, "t", v, &out, &err));
    assert_true(wh_str_is(wh_buf_str(&out), "<i>"));
    assert_false(tmpl_render(set, "u", v, &out, &err));
    assert_int_equal(tmpl_set_count(set), 1);
    assert_true(wh_str_is(tmpl_set_name(set, 0), "t"));
    assert_int_equal(tmpl_set_name(set, 1).n, 0);
    wh_buf_done(&out);
    tmpl_set_free(&set);
    tmpl_set_free(&set);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_failing),      cmocka_unit_test(test_partial),
        cmocka_unit_test(test_line_numbers), cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_steps),        cmocka_unit_test(test_html_marked),
    };

    return cmocka_run_group_tests_name("tmpl", tests, NULL, NULL);
}
