/*
 * Tests of cards: what ordinary Markdown becomes, what hostile Markdown does
 * not become, and that large input ends in bounded output.
 */
#include "hub/card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct hub_card_links links = {{"/r/pages/", 9}, {"/r/files/", 9}};

/* As front and scanner do it together, in one process. */
static bool render(struct wh_arena *a, struct wh_str markdown,
                   struct wh_str *html, struct wh_err *err)
{
    const struct wh_src src = wh_src_mem(markdown.p, markdown.n);
    struct proc_job_request rq = {.type = HUB_CARD_JOB,
                                  .sources = &src,
                                  .nsources = 1,
                                  .data_fd = -1,
                                  .answer_max = HUB_CARD_HTML_MAX,
                                  .time_ms = 5000};
    const json_t *text;
    struct wh_str answer;
    struct wh_buf params;
    json_t *out = NULL;
    bool ok;

    wh_buf_init(&params, 100);
    wh_buf_u8(&params, 1);
    wh_buf_bytes(&params, links.pages);
    wh_buf_bytes(&params, links.files);
    rq.params = wh_buf_str(&params);
    ok = proc_job_inline(&hub_card_job, a, &rq, &answer, err);
    wh_buf_done(&params);
    if (!ok) {
        return false;
    }
    if (!hub_card_mark(a, answer, &links, &out, err)) {
        fail_msg("%.*s: %s", WH_FMT(markdown), err->detail);
    }
    assert_int_equal(json_object_size(out), 1);
    text = json_object_get(out, "html");
    *html = wh_str_mem(json_string_value(text), json_string_length(text));
    return true;
}

static const struct {
    const char *markdown, *html;
} rows[] = {
    {"plain", "<p>plain</p>\n"},
    {"# A & B", "<h2 id=\"card-a-b\">A &amp; B</h2>\n"},
    {"###### Deep *x*", "<h6 id=\"card-deep-x\">Deep <em>x</em></h6>\n"},
    {"# Same\n# Same",
     "<h2 id=\"card-same\">Same</h2>\n<h2 id=\"card-same-1\">Same</h2>\n"},
    {"# !!!", "<h2>!!!</h2>\n"},
    {"# \xc3\x9c"
     "ber uns",
     "<h2 id=\"card-\xc3\x9c"
     "ber-uns\">\xc3\x9c"
     "ber uns</h2>\n"},
    {"*a* **b** `c<` ~~d~~",
     "<p><em>a</em> <strong>b</strong> <code>c&lt;</code> <del>d</del></p>\n"},
    {"a  \nb\nc", "<p>a<br>\nb\nc</p>\n"},
    {"```py\nx = 1 < 2\n```",
     "<pre tabindex=\"0\"><code>x = 1 &lt; 2\n</code></pre>\n"},
    {"> q", "<blockquote>\n<p>q</p>\n</blockquote>\n"},
    {"- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"},
    {"3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"},
    {"- [x] done\n- [ ] not",
     "<ul>\n<li>\xe2\x98\x91 done</li>\n<li>\xe2\x98\x90 not</li>\n</ul>\n"},
    {"|a|b|\n|---|---:|\n|1|2|",
     "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead>\n<tr><th>a</th>"
     "<th class=\"n\">b</th></tr>\n</thead>\n<tbody>\n<tr><td>1</td>"
     "<td class=\"n\">2</td></tr>\n</tbody>\n</table></div>\n"},
    {"[x](https://e.org/?a=1&b=2 \"t<\")",
     "<p><a href=\"https://e.org/?a=1&amp;b=2\" rel=\"nofollow\" "
     "title=\"t&lt;\">x</a></p>\n"},
    {"[x](docs/a.md)",
     "<p><a href=\"/r/pages/docs/a.md\" rel=\"nofollow\">x</a></p>\n"},
    {"[x](./a b.md)", "<p>[x](./a b.md)</p>\n"},
    {"[x](<./a b.md>)",
     "<p><a href=\"/r/pages/a%20b.md\" rel=\"nofollow\">x</a></p>\n"},
    {"[x](#Part)", "<p><a href=\"#card-Part\" rel=\"nofollow\">x</a></p>\n"},
    {"[x](/lines)", "<p><a href=\"/lines\" rel=\"nofollow\">x</a></p>\n"},
    {"[x](mailto:a@e.org)",
     "<p><a href=\"mailto:a@e.org\" rel=\"nofollow\">x</a></p>\n"},
    {"https://e.org/x",
     "<p><a href=\"https://e.org/x\" rel=\"nofollow\">https://e.org/x</a>"
     "</p>\n"},
    {"(see http://e.org/a?b&c, d) https://e.org. https:// xhttps://e.org",
     "<p>(see <a href=\"http://e.org/a?b&amp;c\" "
     "rel=\"nofollow\">http://e.org/a?b&amp;c</a>, d) "
     "<a href=\"https://e.org\" rel=\"nofollow\">https://e.org</a>. https:// "
     "xhttps://e.org</p>\n"},
    {"[https://a.org](https://b.org)",
     "<p><a href=\"https://b.org\" rel=\"nofollow\">https://a.org</a></p>\n"},
    {"![alt *x*](img/a.png \"t\")",
     "<p><img src=\"/r/files/img/a.png\" alt=\"alt x\" loading=\"lazy\" "
     "title=\"t\"></p>\n"},
    {"![alt](https://e.org/a.png)",
     "<p><a href=\"https://e.org/a.png\" rel=\"nofollow\">[picture] alt</a>"
     "</p>\n"},
    {"![alt](/logout)",
     "<p><a href=\"/logout\" rel=\"nofollow\">[picture] alt</a></p>\n"},
    {"[![b](https://e.org/b.svg)](https://e.org)",
     "<p><a href=\"https://e.org\" rel=\"nofollow\">b</a></p>\n"},
    {"[![b](b.png)](https://e.org)",
     "<p><a href=\"https://e.org\" rel=\"nofollow\"><img "
     "src=\"/r/files/b.png\" alt=\"b\" loading=\"lazy\"></a></p>\n"},
    {"&lt;b&gt; &copy; &#60;", "<p>&lt;b&gt; &copy; &#60;</p>\n"},
    /* raw HTML loses its tags */
    {"<div align=\"center\">\n  <img src=\"x\">\n</div>\n\ntext",
     "<p>text</p>\n"},
    {"<p align=center>Hello &amp; <b>you</b> 1 < 2</p>",
     "<p>Hello &amp; you 1 &lt; 2\n</p>\n"},
    {"a <b>c</b><br/>d <!-- no --> e", "<p>a c<br>d  e</p>\n"},
    {"<script>\nalert(1)\n</script>\n\nx", "<p>x</p>\n"},
    {"<a\n  href='javascript:x'\n  title='y'>z</a>", "<p>z</p>\n"},
    /* addresses that are not followed */
    {"[x](javascript:alert(1))", "<p>x</p>\n"},
    {"[x](JaVaScRiPt:alert)", "<p>x</p>\n"},
    {"[x](&#106;avascript:x)", "<p>x</p>\n"},
    {"[x](&#x6A;avascript&colon;x)", "<p>x</p>\n"},
    {"[x](<java&Tab;script:x>)", "<p>x</p>\n"},
    {"[x](<java&#9;script:x>)", "<p>x</p>\n"},
    {"[x](< javascript:x>)", "<p>x</p>\n"},
    {"[x](&#1;javascript:x)", "<p>x</p>\n"},
    {"[x](vbscript:x)", "<p>x</p>\n"},
    {"[x](data:text/html,x)", "<p>x</p>\n"},
    {"[x](file:///etc/passwd)", "<p>x</p>\n"},
    {"[x](//evil.example)", "<p>x</p>\n"},
    {"[x](/\\evil.example)", "<p>x</p>\n"},
    {"[x](https:evil.example)", "<p>x</p>\n"},
    {"[x](https:///evil.example)", "<p>x</p>\n"},
    {"[x](../../settings)", "<p>x</p>\n"},
    {"[x](a/%2E./%2e%2E/b)", "<p>x</p>\n"},
    {"[x](?a)", "<p>x</p>\n"},
    {"[x]()", "<p>x</p>\n"},
    {"<javascript:x>", "<p>javascript:x</p>\n"},
    {"[x][r]\n\n[r]: javascript:x", "<p>x</p>\n"},
    {"![x](javascript:y)", "<p>x</p>\n"},
    {"![\"onerror=alert(1) x=\"](a.png)",
     "<p><img src=\"/r/files/a.png\" alt=\"&quot;onerror=alert(1) "
     "x=&quot;\" loading=\"lazy\"></p>\n"},
    {"[x](https://e.org/\"onclick=\"x)",
     "<p><a href=\"https://e.org/%22onclick=%22x\" rel=\"nofollow\">x</a>"
     "</p>\n"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wh_err err = {0};
        struct wh_arena a;
        struct wh_str html = {0};

        wh_arena_init(&a, 1 << 24);
        if (!render(&a, wh_str_of(rows[i].markdown), &html, &err)) {
            fail_msg("%s: %s", rows[i].markdown, err.msg);
        }
        if (!wh_str_is(html, rows[i].html)) {
            fail_msg("%s\ngot  %.*s\nwant %s", rows[i].markdown, WH_FMT(html),
                     rows[i].html);
        }
        wh_arena_done(&a);
    }
}

/* The reader that the tests trust refuses what it should. */
static void test_check(void **state)
{
    static const char *const bad[] = {
        "<script>",
        "<p onclick=\"x\"></p>",
        "<p><b></b></p>",
        "<p>",
        "</p>",
        "<p></div>",
        "<a href=\"javascript:x\" rel=\"nofollow\">x</a>",
        "<a href=\"&#106;avascript:x\" rel=\"nofollow\">x</a>",
        "<a href=\"//e.org\" rel=\"nofollow\">x</a>",
        "<a href=\"https://e.org\">x</a>",
        "<a href=https://e.org rel=\"nofollow\">x</a>",
        "<img src=\"https://e.org/a.png\" alt=\"\">",
        "<img src=\"/r/files/a/../../x\" alt=\"\">",
        "<img src=\"/r/files/a/.%2E/x\" alt=\"\">",
        "<img src=\"/r/other/a.png\" alt=\"\">",
        "<p style=\"x\"></p>",
        "<h2 id=\"main\"></h2>",
        "<div class=\"top\"></div>",
        "a > b",
        "<!-- x -->",
        "<p\n>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!hub_card_check(wh_str_of(bad[i]), WH_S("/r/files/"))) {
            fail_msg("not noticed: %s", bad[i]);
        }
    }
    assert_null(hub_card_check(WH_S("<p>a<br>b &lt; c</p>"), WH_S("/")));
}

/* Shapes that are small to write and large, deep or slow to render. Either
 * they render to something safe or they are refused for their size. */
static void test_large(void **state)
{
    static const struct {
        const char *begin, *again;
    } shapes[] = {
        {"", ">"},
        {"", "> "},
        {"", "- "},
        {"", "*a "},
        {"", "**a "},
        {"", "_a*"},
        {"", "["},
        {"", "![a"},
        {"", "[a]("},
        {"", "<"},
        {"", "<a "},
        {"", "<!--"},
        {"", "`"},
        {"", "&amp;"},
        {"", "&"},
        {"", "\\["},
        {"", "a@b.c "},
        {"", "https://e.org "},
        {"", "www.e.org "},
        {"", "# x\n"},
        {"", "1. a\n"},
        {"", "|"},
        {"|a|\n|---|\n", "||||||||\n"},
        {"", "[a]: /b\n"},
        {"", "- a\n  - b\n"},
        {"", "~~a~~"},
        {"[a]: /b\n\n", "[a]"},
        {"<div>\n", "<b>x\n"},
        {"", "\xf0\x9f\x98\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct wh_err err = {0};
        struct wh_arena a;
        struct wh_buf b;
        struct wh_str html;

        wh_arena_init(&a, 1 << 28);
        wh_buf_init(&b, HUB_CARD_MAX);
        wh_buf_cstr(&b, shapes[i].begin);
        while (b.n < 20000) {
            wh_buf_cstr(&b, shapes[i].again);
        }
        if (render(&a, wh_buf_str(&b), &html, &err)) {
            assert_true(html.n <= HUB_CARD_HTML_MAX);
        } else {
            assert_int_equal(err.code, WH_TOO_LARGE);
        }
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
}

/* A wide table with many short rows would be filled up without end. */
static void test_output_ceiling(void **state)
{
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf b;
    struct wh_str html;

    (void)state;
    wh_arena_init(&a, 1 << 24);
    wh_buf_init(&b, HUB_CARD_MAX);
    for (int i = 0; i < 4000; i++) {
        wh_buf_cstr(&b, "|a");
    }
    wh_buf_cstr(&b, "|\n");
    for (int i = 0; i < 4000; i++) {
        wh_buf_cstr(&b, "|---");
    }
    wh_buf_cstr(&b, "|\n");
    for (int i = 0; i < 4000; i++) {
        wh_buf_cstr(&b, "|x|\n");
    }
    assert_false(b.over);
    assert_false(render(&a, wh_buf_str(&b), &html, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    wh_buf_done(&b);
    wh_arena_done(&a);
}

static void test_refused(void **state)
{
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf b;
    struct wh_str html;

    (void)state;
    wh_arena_init(&a, 1 << 24);
    wh_buf_init(&b, HUB_CARD_MAX + 1);
    for (size_t i = 0; i <= HUB_CARD_MAX; i++) {
        wh_buf_char(&b, 'a');
    }
    assert_false(render(&a, wh_buf_str(&b), &html, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    err = (struct wh_err){0};
    assert_false(render(&a, WH_S("a\xff"), &html, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    assert_true(render(&a, WH_S(""), &html, &err));
    assert_int_equal(html.n, 0);
    wh_buf_done(&b);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_check),
        cmocka_unit_test(test_large),   cmocka_unit_test(test_output_ceiling),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests_name("card", tests, NULL, NULL);
}
