/*
 * json_pull_test.c - the strict reader: what it takes, what it refuses and why.
 */
#include "base/unit.h"

#include "base/json_pull.h"
#include "base/mem.h"

static const struct wh_pull_limits any = {
    .depth = WH_PULL_DEPTH, .keys = 1000, .string = 1000};
static const struct wh_pull_limits header = {
    .depth = 3, .keys = 3, .string = 8, .integers = true};

/* Tokens as one letter each: { } [ ] k s i r t f n, then . at the end. */
static const char letters[] = "{}[]ksirtfn.";

/* All tokens into out; the kind of the failure, or WH_PULL_FINE. */
static enum wh_pull_fault read_all(struct wh_str text,
                                   const struct wh_pull_limits *limits,
                                   char *out, struct wh_err *err)
{
    struct wh_src src = wh_src_mem(text.p, text.n);
    struct wh_win w;
    struct wh_pull j;
    enum wh_pull_token t = WH_PULL_OBJECT;
    wh_win_init(&w, &src, 0, src.size, err);
    wh_pull_init(&j, &w, limits, err);
    while (t != WH_PULL_END && wh_pull_next(&j, &t)) {
        *out++ = letters[t];
        assert_true(j.at <= text.n);
    }
    *out = 0;
    enum wh_pull_fault fault = j.fault;
    assert_true(fault == WH_PULL_FINE || !wh_pull_next(&j, &t));
    wh_pull_done(&j);
    wh_win_done(&w);
    return fault;
}

struct row {
    const char *text, *tokens;
    enum wh_pull_fault fault;
};

#define FINE WH_PULL_FINE
#define BAD WH_PULL_MALFORMED
#define TWICE WH_PULL_DUPLICATE
#define LIMIT WH_PULL_LIMIT

static const struct row rows[] = {
    {"{}", "{}.", FINE},
    {" [ ] ", "[].", FINE},
    {"7", "i.", FINE},
    {"\"a\"", "s.", FINE},
    {"true", "t.", FINE},
    {"null", "n.", FINE},
    {"[1,-1,0.5,1e3,18446744073709551615,18446744073709551616]", "[irrrir].",
     FINE},
    {"{\"a\":{\"a\":[false,null]},\"b\":\"\"}", "{k{k[fn]}ks}.", FINE},
    {"{\"a\":1,\"b\":{\"a\":1},\"c\":{\"a\":2}}", "{kik{ki}k{ki}}.", FINE},
    {"", "", BAD},
    {"  ", "", BAD},
    {"{", "{", BAD},
    {"{\"a\"}", "{", BAD},
    {"{\"a\":}", "{k", BAD},
    {"{\"a\":1,}", "{ki", BAD},
    {"{a:1}", "{", BAD},
    {"{\"a\":1]", "{ki", BAD},
    {"[1 2]", "[i", BAD},
    {"[,1]", "[", BAD},
    {"[1,]", "[i", BAD},
    {"[01]", "[", BAD},
    {"[-]", "[", BAD},
    {"[1.]", "[", BAD},
    {"[.5]", "[", BAD},
    {"[1e]", "[", BAD},
    {"[+1]", "[", BAD},
    {"[0x1]", "[i", BAD},
    {"[NaN]", "[", BAD},
    {"[nul]", "[", BAD},
    {"[tru", "[", BAD},
    {"['a']", "[", BAD},
    {"[\"a]", "[", BAD},
    {"[\"\\x\"]", "[", BAD},
    {"[\"\\u12\"]", "[", BAD},
    {"[\"\\u12g4\"]", "[", BAD},
    {"[\"\\ud800\"]", "[", BAD},
    {"[\"\\udc00\"]", "[", BAD},
    {"[\"\\ud800\\u0041\"]", "[", BAD},
    {"[\"\\u0000\"]", "[", BAD},
    {"[\"\n\"]", "[", BAD},
    {"[\"\xff\"]", "[", BAD},
    {"[\"\xc0\x80\"]", "[", BAD},
    {"[\"\xed\xa0\x80\"]", "[", BAD},
    {"\xef\xbb\xbf{}", "", BAD},
    {"{\"a\":1,\"a\":2}", "{ki", TWICE},
    {"{\"a\":1,\"\\u0061\":2}", "{ki", TWICE},
    {"{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", "{ki", TWICE},
    {"{\"a\":{\"b\":1,\"b\":1}}", "{k{ki", TWICE},
    {"{\"\":1,\"\":1}", "{ki", TWICE},
};

static void grammar_is_strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char tokens[200];
        struct wh_err err = {0};
        enum wh_pull_fault fault =
            read_all(wh_str_of(rows[i].text), &any, tokens, &err);
        if (fault != rows[i].fault || strcmp(tokens, rows[i].tokens) != 0) {
            fail_msg("%s: fault %d, tokens %s", rows[i].text, (int)fault,
                     tokens);
        }
        assert_int_equal(fault == FINE, err.code == WH_NONE);
    }
}

static const struct row header_rows[] = {
    {"{\"a\":{\"b\":[1,2]}}", "{k{k[ii]}}.", FINE},
    {"{\"a\":{\"b\":[[1]]}}", "{k{k[", LIMIT},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{kikiki}.", FINE},
    {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "{kikiki", LIMIT},
    {"{\"12345678\":1}", "{ki}.", FINE},
    {"{\"123456789\":1}", "{", LIMIT},
    {"{\"a\":1.0}", "{k", BAD},
    {"{\"a\":-1}", "{k", BAD},
    {"{\"a\":1e1}", "{k", BAD},
    {"{\"a\":18446744073709551615}", "{k", LIMIT}, /* 20 digits, 8 allowed */
};

static void limits_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof header_rows / sizeof header_rows[0]; i++) {
        char tokens[200];
        struct wh_err err = {0};
        enum wh_pull_fault fault =
            read_all(wh_str_of(header_rows[i].text), &header, tokens, &err);
        if (fault != header_rows[i].fault ||
            strcmp(tokens, header_rows[i].tokens) != 0) {
            fail_msg("%s: fault %d, tokens %s", header_rows[i].text, (int)fault,
                     tokens);
        }
    }
}

static void depth_has_an_end(void **state)
{
    (void)state;
    for (unsigned depth = 63; depth <= 66; depth++) {
        char text[200], tokens[300];
        struct wh_err err = {0};
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        enum wh_pull_fault fault =
            read_all(wh_str_mem(text, (size_t)2 * depth), &any, tokens, &err);
        assert_int_equal(fault, depth <= WH_PULL_DEPTH ? FINE : LIMIT);
    }
}

static void strings_are_unescaped(void **state)
{
    (void)state;
    struct wh_str text =
        WH_S("\"\\u00e9\\ud83d\\ude00\\n\\t\\\"\\\\\\/\\b\\f\\r x\"");
    struct wh_src src = wh_src_mem(text.p, text.n);
    struct wh_err err = {0};
    struct wh_win w;
    struct wh_pull j;
    enum wh_pull_token t;
    wh_win_init(&w, &src, 0, src.size, &err);
    wh_pull_init(&j, &w, &any, &err);
    assert_true(wh_pull_next(&j, &t));
    assert_int_equal(t, WH_PULL_STRING);
    unit_str(wh_pull_text(&j), "\xc3\xa9\xf0\x9f\x98\x80\n\t\"\\/\b\f\r x");
    wh_pull_done(&j);
    wh_win_done(&w);
}

static void a_value_can_be_stepped_over(void **state)
{
    (void)state;
    struct wh_str text = WH_S("[[1,{\"a\":[]}],7,\"x\"]");
    struct wh_src src = wh_src_mem(text.p, text.n);
    struct wh_err err = {0};
    struct wh_win w;
    struct wh_pull j;
    enum wh_pull_token t;
    wh_win_init(&w, &src, 0, src.size, &err);
    wh_pull_init(&j, &w, &any, &err);
    assert_true(wh_pull_want(&j, WH_PULL_ARRAY, "an array"));
    assert_true(wh_pull_next(&j, &t) && wh_pull_skip(&j, t));
    assert_true(wh_pull_want(&j, WH_PULL_INT, "a number"));
    assert_int_equal(j.integer, 7);
    unit_fails(wh_pull_want(&j, WH_PULL_INT, "a number"), err, WH_BAD_JSON);
    assert_string_equal(err.msg, "a number was expected");
    wh_pull_done(&j);
    wh_win_done(&w);
}

/* A hundred thousand keys, across many windows, and the first one again. */
static void many_keys_are_remembered(void **state)
{
    (void)state;
    static const struct wh_pull_limits wide = {
        .depth = 2, .keys = 1u << 20, .string = 64};
    enum { KEYS = 100000 };
    for (int again = 0; again < 2; again++) {
        struct wh_buf b;
        struct wh_err err = {0};
        wh_buf_init(&b, 16u << 20);
        wh_buf_char(&b, '{');
        for (int i = 0; i < KEYS; i++) {
            wh_buf_fmt(&b, "\"key %d\":{\"a\":%d},", i, i);
        }
        wh_buf_fmt(&b, "\"key %d\":0}", again ? 0 : KEYS);
        char *tokens = wh_alloc((size_t)KEYS * 6);
        enum wh_pull_fault fault =
            read_all(wh_buf_str(&b), &wide, tokens, &err);
        assert_int_equal(fault, again ? TWICE : FINE);
        wh_free(tokens);
        wh_buf_done(&b);
    }
}

static bool broken_read(void *ctx, uint64_t off, void *buf, size_t n,
                        struct wh_err *err)
{
    (void)ctx;
    (void)off;
    memset(buf, ' ', n);
    return wh_fail(err, WH_IO, "a broken disk");
}

static void a_failing_source_keeps_its_own_error(void **state)
{
    (void)state;
    struct wh_src src = {.size = 10, .read_at = broken_read};
    struct wh_err err = {0};
    struct wh_win w;
    struct wh_pull j;
    enum wh_pull_token t;
    wh_win_init(&w, &src, 0, src.size, &err);
    wh_pull_init(&j, &w, &any, &err);
    unit_fails(wh_pull_next(&j, &t), err, WH_IO);
    assert_int_equal(j.fault, WH_PULL_SOURCE);
    wh_pull_done(&j);
    wh_win_done(&w);
}

/* A document out of memory, with one reader for all; surrogates as in lenient
 * limits. */
static void lone_surrogates_can_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want; /* null: refused all the same */
    } cases[] = {
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ude00a\"", "\xef\xbf\xbd"
                         "a"},
        {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ud83d\\u0000\"", NULL},
        {"\"\\ud83d\\x\"", NULL},
        {"\"\\ud83d\\u12\"", NULL},
        {"\"\\ud83d", NULL},
    };
    struct wh_pull_limits lenient = any;
    struct wh_err err = {0};
    struct wh_win w;
    struct wh_pull j;
    lenient.surrogates = true;
    wh_win_mem(&w, "", 0, &err);
    wh_pull_init(&j, &w, &lenient, &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum wh_pull_token t = WH_PULL_END;
        wh_win_mem(&w, cases[i].text, strlen(cases[i].text), &err);
        wh_pull_again(&j, &w, &err);
        bool ok = wh_pull_next(&j, &t);
        assert_int_equal(ok, cases[i].want != NULL);
        if (ok) {
            assert_int_equal(t, WH_PULL_STRING);
            unit_str(wh_pull_text(&j), cases[i].want);
        }
        wh_win_done(&w);
    }
    wh_pull_done(&j);
}

/* Whatever stands at whatever distance from the quote: bytes that stand for
 * themselves and bytes that do not are told apart one by one. */
static void each_byte_counts_at_each_place(void **state)
{
    char text[32], out[64];
    struct wh_err err = {0};
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        for (size_t at = 1; at < 26; at++) {
            memset(text, 'x', sizeof text);
            text[0] = text[27] = '"';
            text[at] = (char)c;
            bool plain = c >= 0x20 && c != '"' && c != '\\';
            enum wh_pull_fault got =
                read_all(wh_str_mem(text, 28), &any, out, &err);
            /* "x is no escape; after a quote the value is over */
            assert_int_equal(got, plain || c == '"' ? FINE : BAD);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grammar_is_strict),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(depth_has_an_end),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(each_byte_counts_at_each_place),
        cmocka_unit_test(a_value_can_be_stepped_over),
        cmocka_unit_test(many_keys_are_remembered),
        cmocka_unit_test(a_failing_source_keeps_its_own_error),
        cmocka_unit_test(lone_surrogates_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
