/* Unit tests of detect/stream.h. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/unit.h"
#include "detect/stream.h"

#define RULES                                                                \
    "{\"v\":1,\"classes\":{\"a\":[\"salt\"],\"b\":[\"grain\",\"herring\"]}," \
    "\"provenance\":{\"t\":\"test\"},\"rules\":[{\"id\":\"cargo\","          \
    "\"category\":\"persona\",\"weight\":10,\"on\":\"output\","              \
    "\"provenance\":\"t\",\"seq\":[\"a\",\"b\"],\"gap\":12}]}"
#define SECRET \
    "Only the harbour master knows how deep the channel is at low tide."

static struct detect_signatures *signatures;
static struct detect_scratch *scratch;
static struct detect_stream *stream;
static struct detect_protected *secret;
static char out[1 << 20];
static size_t out_n;

static enum detect_verdict feed(struct wh_str bytes)
{
    struct wh_str got;
    enum detect_verdict v = detect_stream_add(stream, scratch, bytes, &got);
    assert_true(v == DETECT_VERDICT_GOOD || got.n == 0);
    assert_true(got.n == 0 || wh_str_utf8_ok(got));
    assert_true(out_n + got.n <= sizeof(out));
    memcpy(out + out_n, got.p, got.n);
    out_n += got.n;
    return v;
}

static enum detect_verdict finish(void)
{
    struct wh_str got;
    enum detect_verdict v = detect_stream_end(stream, scratch, &got);
    assert_true(v == DETECT_VERDICT_GOOD || got.n == 0);
    memcpy(out + out_n, got.p, got.n);
    out_n += got.n;
    return v;
}

/* Send the text in pieces of the given sizes, in turn. */
static enum detect_verdict run(struct wh_str text, const size_t *sizes,
                               size_t n)
{
    enum detect_verdict v = DETECT_VERDICT_GOOD;
    out_n = 0;
    detect_stream_begin(stream, scratch, secret);
    for (size_t i = 0, at = 0; at < text.n && v == DETECT_VERDICT_GOOD; i++) {
        v = feed(wh_str_sub(text, at, sizes[i % n]));
        at += sizes[i % n];
    }
    return v == DETECT_VERDICT_GOOD ? finish() : v;
}

static const size_t cuts[][3] = {{1, 1, 1},   {2, 3, 5},     {7, 1, 64},
                                 {255, 1, 3}, {1000, 1, 17}, {4096, 4096, 1}};

/* `bad` after `before` bytes of innocent text with characters of every width:
 * wherever it is cut, nothing of it comes out. */
static void planted(const char *bad, enum detect_verdict want)
{
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    for (size_t before = 0; before < 1200; before += 97) {
        wh_buf_reset(&b);
        while (b.n < before) {
            wh_buf_cstr(&b, "tar \xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa2 ");
        }
        size_t begin = b.n;
        wh_buf_cstr(&b, bad);
        for (int i = 0; i < 100; i++) {
            wh_buf_cstr(&b, " and so on");
        }
        for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
            assert_int_equal(run(wh_buf_str(&b), cuts[i], 3), want);
            assert_true(out_n <= begin);
            assert_memory_equal(out, b.p, out_n);
        }
    }
    wh_buf_done(&b);
}

static void a_rule_cuts_before(void **state)
{
    (void)state;
    planted("SALT with some GRAIN", DETECT_VERDICT_RULE);
    planted("salt\n\nherring", DETECT_VERDICT_RULE);
    assert_string_equal(detect_stream_rule(stream)->id, "cargo");
}

static void protected_text_does_not_come_out(void **state)
{
    (void)state;
    struct wh_buf b;
    planted(SECRET, DETECT_VERDICT_PROTECTED);
    planted("ONLY THE HARBOUR MASTER KNOWS HOW DEEP THE CHANNEL IS",
            DETECT_VERDICT_PROTECTED);
    wh_buf_init(&b, 4096);
    for (size_t lead = 0; lead < 3; lead++) {
        wh_buf_reset(&b);
        char plain[200];
        (void)snprintf(plain, sizeof(plain), "%.*s" SECRET, (int)lead, "xyz");
        wh_buf_base64(&b, plain, strlen(plain));
        wh_buf_char(&b, '\0');
        planted(b.p, DETECT_VERDICT_PROTECTED);
    }
    wh_buf_reset(&b);
    for (size_t i = sizeof(SECRET) - 1; i > 0; i--) {
        wh_buf_char(&b, SECRET[i - 1]);
    }
    wh_buf_char(&b, '\0');
    planted(b.p, DETECT_VERDICT_PROTECTED);
    wh_buf_done(&b);
}

static void innocent_text_comes_out_whole(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    for (int i = 0; i < 400; i++) {
        wh_buf_cstr(&b, "salty water, no cargo. \xf0\x9f\x9a\xa2 \xc3\xa9 ");
    }
    wh_buf_cstr(&b, "salt far away from any mention of grain");
    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        assert_int_equal(run(wh_buf_str(&b), cuts[i], 3), DETECT_VERDICT_GOOD);
        assert_int_equal(out_n, b.n);
        assert_memory_equal(out, b.p, b.n);
    }
    /* a match that only the end decides */
    assert_int_equal(run(WH_S("salt grain"), cuts[0], 3), DETECT_VERDICT_RULE);
    assert_int_equal(out_n, 0);
    wh_buf_done(&b);
}

static void pausing_holds_and_overflow_cuts(void **state)
{
    (void)state;
    char chunk[4096];
    struct wh_str got;
    memset(chunk, 'x', sizeof(chunk));
    out_n = 0;
    detect_stream_begin(stream, scratch, NULL);
    detect_stream_pause(stream, true);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(feed(wh_str_mem(chunk, sizeof(chunk))),
                         DETECT_VERDICT_GOOD);
    }
    assert_int_equal(out_n, 0);
    detect_stream_pause(stream, false);
    assert_int_equal(feed(WH_S("")), DETECT_VERDICT_GOOD);
    assert_int_equal(out_n, 4 * sizeof(chunk) - detect_stream_hold(stream));
    detect_stream_pause(stream, true);
    enum detect_verdict v = DETECT_VERDICT_GOOD;
    for (size_t i = 0; i <= DETECT_STREAM_CAP / sizeof(chunk); i++) {
        v = detect_stream_add(stream, scratch, wh_str_mem(chunk, sizeof(chunk)),
                              &got);
        assert_int_equal(got.n, 0);
    }
    assert_int_equal(v, DETECT_VERDICT_OVERFLOW);
    detect_stream_pause(stream, false); /* it stays cut */
    assert_int_equal(feed(WH_S("y")), DETECT_VERDICT_OVERFLOW);
    assert_int_equal(finish(), DETECT_VERDICT_OVERFLOW);
}

static void what_can_be_protected(void **state)
{
    (void)state;
    struct detect_protected *p = NULL;
    struct wh_err err;
    unit_fails(detect_protected_new(WH_S("short"), &p, &err), err,
               WH_BAD_REQUEST);
    unit_ok(detect_protected_new(WH_S("the tide is at nine"), &p, &err), err);
    detect_stream_begin(stream, scratch, p);
    out_n = 0;
    assert_int_equal(feed(WH_S("He said: the tide is at nine.")),
                     DETECT_VERDICT_PROTECTED);
    detect_protected_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_cuts_before),
        cmocka_unit_test(protected_text_does_not_come_out),
        cmocka_unit_test(innocent_text_comes_out_whole),
        cmocka_unit_test(pausing_holds_and_overflow_cuts),
        cmocka_unit_test(what_can_be_protected),
    };
    struct wh_err err = {0};
    if (!detect_signatures_new(WH_S(RULES), &signatures, &err) ||
        !detect_scratch_new(signatures, &scratch, &err) ||
        !detect_stream_new(signatures, &stream, &err) ||
        !detect_protected_new(WH_S(SECRET), &secret, &err)) {
        print_error("%s %s\n", err.msg, err.detail);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    detect_stream_free(&stream);
    detect_scratch_free(&scratch);
    detect_protected_free(&secret);
    detect_signatures_free(&signatures);
    return failed;
}
