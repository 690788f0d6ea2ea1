/*
 * Tests of answers as a page and as events: both tell the same end, and what a
 * model says is never more than text.
 */
#include "tmpl/files.h"
#include "web/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What comes of an answer with these texts and this end. */
static void tell(struct web_talk *t, const char *const *texts,
                 const struct gateway_told *told, struct wh_buf *out)
{
    const struct gateway_face *f = web_talk_face(t);

    wh_buf_init(out, 1 << 20);
    f->open(t, out);
    for (size_t i = 0; texts[i]; i++) {
        f->text(t, wh_str_of(texts[i]), out);
    }
    f->end(t, told, out);
    f->done(t);
}

static bool has(const struct wh_buf *b, const char *text)
{
    return wh_str_find_str(wh_buf_str(b), wh_str_of(text)) != SIZE_MAX;
}

static size_t count(const struct wh_buf *b, const char *text)
{
    struct wh_str rest = wh_buf_str(b);
    size_t n = 0, at;

    while ((at = wh_str_find_str(rest, wh_str_of(text))) != SIZE_MAX) {
        rest = wh_str_sub(rest, at + 1, rest.n);
        n++;
    }
    return n;
}

static const struct gateway_told FINE = {
    .request = "r1", .finish = "stop", .cut = "", .prompt_tokens = 7};

static const char *const SAID[] = {"a <b> ", "\"c\" \xc3\xa4\n", NULL};
static const char *const NOTHING[] = {NULL};

/* ---- notices ---- */

static const struct {
    enum gateway_code code;
    const char *message, *url, *title, *why, *at;
    bool hard, appeal;
} faults[] = {
    {GATEWAY_F_POLICY, "it matches a rule", "",
     "This message was not passed on.", "It matches a rule.", "/cases", true,
     true},
    {GATEWAY_F_SUSPENDED, "Stopped!", "http://h/cases/1",
     "Nothing is answered at the moment.", "Stopped!", "http://h/cases/1", true,
     true},
    {GATEWAY_F_LOADING, "try again", "", "The model is not ready yet.",
     "Try again.", "", false, false},
    {GATEWAY_F_EXAM, "no exam yet", "/lines",
     "The model is not answered before its exam.", "No exam yet.", "/lines",
     false, false},
    {GATEWAY_F_ENGINE, "", "", "The answer did not come to its end.", "", "",
     false, false},
    {GATEWAY_F_TOO_LARGE, "x", "", "This message was not answered.", "X.", "",
     false, false},
    {GATEWAY_F_MODEL_DENIED, "x", "javascript:alert(1)",
     "This model can not be asked.", "X.", "/watch", true, false},
    {GATEWAY_F_MODEL_DENIED, "x", "//elsewhere.example",
     "This model can not be asked.", "X.", "/watch", true, false},
};

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct gateway_fault f = {.code = faults[i].code};
        json_t *o;
        (void)snprintf(f.message, sizeof f.message, "%s", faults[i].message);
        (void)snprintf(f.url, sizeof f.url, "%s", faults[i].url);
        o = web_talk_fault(&f, "r1");
        assert_string_equal(text_of(o, "title"), faults[i].title);
        assert_string_equal(text_of(o, "why"), faults[i].why);
        assert_string_equal(text_of(o, "url"), faults[i].at);
        assert_string_equal(text_of(o, "request"), "r1");
        assert_int_equal(json_is_true(json_object_get(o, "hard")),
                         faults[i].hard);
        assert_int_equal(json_is_true(json_object_get(o, "appeal")),
                         faults[i].appeal);
        json_decref(o);
    }
}

/* ---- events ---- */

static void test_events(void **state)
{
    struct gateway_told cut = FINE;
    struct wh_buf b;

    (void)state;
    tell(web_talk_events(), SAID, &FINE, &b);
    assert_true(has(&b, "event: text\ndata: \"a <b> \"\n\n"));
    assert_true(has(&b, "data: \"\\\"c\\\" \xc3\xa4\\n\"\n\n"));
    assert_true(has(&b, "\"notice\":null"));
    assert_int_equal(count(&b, "event: end\n"), 1);
    wh_buf_done(&b);
    cut.finish = "content_filter";
    cut.cut = "policy_violation";
    cut.why = WH_S("It went astray.");
    tell(web_talk_events(), SAID, &cut, &b);
    assert_true(has(&b, "\"category\":\"policy_violation\""));
    assert_true(has(&b, "\"why\":\"It went astray.\""));
    assert_true(has(&b, "\"url\":\"/cases\""));
    wh_buf_done(&b);
}

/* ---- pages ---- */

static json_t *page_of(void)
{
    json_t *o =
        json_pack("{s:b,s:b,s:b,s:s,s:{s:b},s:{s:s},s:{s:s}}", "begins", 1,
                  "ends", 1, "talks", 1, "id", "demo/x", "model", "hosted", 1,
                  "now", "user", "third & last", "user", "name", "ann");

    json_object_set_new(
        o, "turns",
        json_pack("[{s:s,s:s}]", "user", "first", "assistant", "second"));
    json_object_set_new(o, "quota",
                        json_pack("{s:i,s:i,s:i,s:i,s:i,s:i}", "requests", 5,
                                  "of_requests", 9, "tokens", 6, "of_tokens", 9,
                                  "of_day", 0, "seconds", 0));
    return o;
}

static void tell_page(const char *const *texts, const struct gateway_told *told,
                      struct wh_buf *b)
{
    struct web_talk *t = NULL;
    struct tmpl_set *set = NULL;
    struct wh_err err = {0};
    json_t *page = page_of();

    assert_true(tmpl_open(NULL, &set, &err));
    assert_true(web_talk_page(set, page, WH_S("third & last"), &t, &err));
    json_decref(page); /* the talk has its own */
    tell(t, texts, told, b);
    tmpl_set_free(&set);
}

static void test_page(void **state)
{
    struct gateway_told told = FINE;
    struct wh_buf b;

    (void)state;
    told.left.requests = 4;
    tell_page(SAID, &told, &b);
    assert_true(has(&b, "<div class=\"said\">a &lt;b&gt; &quot;c&quot; \xc3\xa4"
                        "\n</div></li>"));
    assert_int_equal(count(&b, "<!doctype html>"), 1);
    assert_int_equal(count(&b, "</html>"), 1);
    assert_int_equal(count(&b, "name=\"user\" value="), 2);
    assert_true(has(&b, "name=\"user\" value=\"third &amp; last\""));
    assert_true(has(&b, "name=\"assistant\" value=\"a &lt;b&gt; "));
    assert_true(has(&b, "<span id=\"left-requests\">4</span>"));
    assert_int_equal(count(&b, "role=\"note\""), 0);
    wh_buf_done(&b);
}

/* What was not answered is no turn, and says why. */
static void test_page_without_answer(void **state)
{
    struct gateway_fault f = {.code = GATEWAY_F_ENGINE, .message = "it <died>"};
    struct gateway_told told = FINE;
    struct wh_buf b;

    (void)state;
    told.fault = &f;
    tell_page(NOTHING, &told, &b);
    assert_int_equal(count(&b, "name=\"user\" value="), 1);
    assert_int_equal(count(&b, "role=\"note\""), 1);
    assert_true(has(&b, "It &lt;died&gt;."));
    assert_true(has(&b, "engine_error"));
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_page_without_answer),
    };

    return cmocka_run_group_tests_name("web/talk", tests, NULL, NULL);
}
