/* Unit tests of base/buf.h. */
#include "base/buf.h"
#include "base/unit.h"

typedef void writer(struct wh_buf *b, struct wh_str s);

static void writes(writer *fn, struct wh_str in, const char *want)
{
    struct wh_buf b;
    wh_buf_init(&b, 10000);
    fn(&b, in);
    unit_str(wh_buf_str(&b), want);
    assert_false(b.over);
    wh_buf_done(&b);
}

static void grows(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 100000);
    for (int i = 0; i < 10000; i++) {
        wh_buf_cstr(&b, "0123456789");
    }
    assert_int_equal(b.n, 100000);
    assert_false(b.over);
    assert_memory_equal(b.p + 99990, "0123456789", 10);
    wh_buf_drop(&b, 99995);
    unit_str(wh_buf_str(&b), "56789");
    wh_buf_reset(&b);
    wh_buf_fmt(&b, "%s=%d", "n", 7);
    wh_buf_char(&b, ';');
    wh_buf_mem(&b, NULL, 0);
    unit_str(wh_buf_str(&b), "n=7;");
    wh_buf_done(&b);
    wh_buf_done(&b);
}

/* Into what is left, and into what has to be made. */
static void formats_whatever_the_room(void **state)
{
    (void)state;
    for (int before = 0; before < 300; before++) {
        struct wh_buf b;
        wh_buf_init(&b, 1000);
        for (int i = 0; i < before; i++) {
            wh_buf_char(&b, 'x');
        }
        wh_buf_fmt(&b, "%05d", 42);
        assert_int_equal(b.n, before + 5);
        assert_memory_equal(b.p + before, "00042", 5);
        wh_buf_done(&b);
    }
}

static void writes_numbers(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 200);
    for (uint64_t v = 1; v < UINT64_MAX / 10; v *= 10) {
        char want[48];
        (void)snprintf(want, sizeof want, "%llu,%llu",
                       (unsigned long long)(v - 1), (unsigned long long)v);
        wh_buf_reset(&b);
        wh_buf_u64(&b, v - 1);
        wh_buf_char(&b, ',');
        wh_buf_u64(&b, v);
        unit_str(wh_buf_str(&b), want);
    }
    wh_buf_reset(&b);
    wh_buf_u64(&b, UINT64_MAX);
    unit_str(wh_buf_str(&b), "18446744073709551615");
    wh_buf_done(&b);
}

static void stops_at_its_ceiling(void **state)
{
    (void)state;
    struct wh_buf b;
    struct wh_err err = {0};
    wh_buf_init(&b, 5);
    wh_buf_fmt(&b, "%s", "12345");
    unit_ok(wh_buf_ok(&b, &err), err);
    wh_buf_char(&b, '6');
    wh_buf_cstr(&b, "");
    unit_fails(wh_buf_ok(&b, &err), err, WH_TOO_LARGE);
    unit_str(wh_buf_str(&b), "12345");
    assert_null(wh_buf_room(&b, 0));
    wh_buf_reset(&b);
    assert_null(wh_buf_room(&b, SIZE_MAX));
    wh_buf_reset(&b);
    char *at = wh_buf_room(&b, 5);
    assert_non_null(at);
    memcpy(at, "abc", 4);
    wh_buf_grew(&b, 3);
    unit_str(wh_buf_str(&b), "abc");
    wh_buf_cstr(&b, "too long");
    wh_buf_char(&b, 'd');
    unit_str(wh_buf_str(&b), "abc");
    wh_buf_done(&b);
}

static void escapes_html(void **state)
{
    (void)state;
    writes(wh_buf_html, WH_S("<a href='x' b=\"y\">&amp;"),
           "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;");
    writes(wh_buf_html, WH_S("plain \xC3\xA4"), "plain \xC3\xA4");
    writes(wh_buf_html, WH_S(""), "");
}

static void escapes_urls(void **state)
{
    (void)state;
    writes(wh_buf_url, WH_S("a-Z_0.9~ /?#%+&=\xC3\xA4"),
           "a-Z_0.9~%20%2F%3F%23%25%2B%26%3D%C3%A4");
    writes(wh_buf_url_path, WH_S("dir/a b?"), "dir/a%20b%3F");
    writes(wh_buf_url, WH_S("\0\x7f"), "%00%7F");
}

static void escapes_json(void **state)
{
    (void)state;
    writes(wh_buf_json, WH_S("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f"),
           "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    writes(wh_buf_json, WH_S("\0"), "\"\\u0000\"");
    writes(wh_buf_json, WH_S("\xF0\x9F\x98\x80"), "\"\xF0\x9F\x98\x80\"");
    writes(wh_buf_json,
           WH_S("a\xFF"
                "b\xE2\x82"),
           "\"a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD\xEF\xBF\xBD\"");
    writes(wh_buf_json, WH_S(""), "\"\"");
}

static void escapes_log_values(void **state)
{
    (void)state;
    writes(wh_buf_logv, WH_S("plain/path"), "plain/path");
    writes(wh_buf_logv, WH_S(""), "\"\"");
    writes(wh_buf_logv, WH_S("two words"), "\"two words\"");
    writes(wh_buf_logv, WH_S("a\nb=c"), "\"a\\x0ab=c\"");
    writes(wh_buf_logv, WH_S("\"\\\x1b\xC3"), "\"\\\"\\\\\\x1b\\xc3\"");
}

static void writes_codes(void **state)
{
    (void)state;
    static const struct {
        const char *in, *base64, *base64url;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"\xFB\xFF\xFE", "+//+", "-__-"},
    };
    struct wh_buf b;
    wh_buf_init(&b, 100);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wh_buf_base64(&b, cases[i].in, strlen(cases[i].in));
        unit_str(wh_buf_str(&b), cases[i].base64);
        wh_buf_reset(&b);
        wh_buf_base64url(&b, cases[i].in, strlen(cases[i].in));
        unit_str(wh_buf_str(&b), cases[i].base64url);
        wh_buf_reset(&b);
    }
    wh_buf_hex(&b, "\x00\xAB\xFF", 3);
    unit_str(wh_buf_str(&b), "00abff");
    wh_buf_done(&b);
}

static void drop_too_much(void *b)
{
    wh_buf_drop(b, 1);
}

static void keeps_its_promises(void **state)
{
    (void)state;
    char said[500];
    struct wh_buf b;
    wh_buf_init(&b, 10);
    unit_dies(drop_too_much, &b, said, sizeof said);
    assert_non_null(strstr(said, "n <= b->n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(formats_whatever_the_room),
        cmocka_unit_test(writes_numbers),
        cmocka_unit_test(stops_at_its_ceiling),
        cmocka_unit_test(escapes_html),
        cmocka_unit_test(escapes_urls),
        cmocka_unit_test(escapes_json),
        cmocka_unit_test(escapes_log_values),
        cmocka_unit_test(writes_codes),
        cmocka_unit_test(keeps_its_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
