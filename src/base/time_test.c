/* Unit tests of base/time.h. */
#include "base/time.h"
#include "base/unit.h"

#include <stdlib.h>
#include <time.h>

static const struct {
    struct wh_str text; /* milliseconds, as written */
    int64_t us;
    const char *http;
} known[] = {
    {WH_SI("1970-01-01T00:00:00.000Z"), 0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {WH_SI("1969-12-31T23:59:59.999Z"), -1000, "Wed, 31 Dec 1969 23:59:59 GMT"},
    {WH_SI("2026-11-23T17:51:00.250Z"), INT64_C(1795456260250000),
     "Mon, 23 Nov 2026 17:51:00 GMT"},
    {WH_SI("2000-02-29T12:00:00.000Z"), INT64_C(951825600000000),
     "Tue, 29 Feb 2000 12:00:00 GMT"},
    {WH_SI("1994-11-06T08:49:37.000Z"), INT64_C(784111777000000),
     "Sun, 06 Nov 1994 08:49:37 GMT"},
    {WH_SI("9999-12-31T23:59:59.999Z"), INT64_C(253402300799999000),
     "Fri, 31 Dec 9999 23:59:59 GMT"},
    {WH_SI("0000-01-01T00:00:00.000Z"), INT64_C(-62167219200000000),
     "Sat, 01 Jan 0000 00:00:00 GMT"},
};

static void writes_and_parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[WH_TIME_TEXT];
        char http[WH_TIME_HTTP];
        int64_t us = 1;
        wh_time_text(known[i].us, text);
        unit_str(known[i].text, text);
        wh_time_http(known[i].us, http);
        assert_string_equal(http, known[i].http);
        assert_true(wh_time_parse(known[i].text, &us));
        assert_true(us == known[i].us);
    }
}

/* Every day of eight centuries, against the C library. */
static void agrees_with_libc(void **state)
{
    (void)state;
    for (time_t s = -12219292800; s < 13000000000; s += 86399) {
        struct tm tm;
        char want[64];
        char got[WH_TIME_TEXT];
        assert_non_null(gmtime_r(&s, &tm));
        assert_true(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000Z", &tm));
        wh_time_text((int64_t)s * 1000000, got);
        assert_string_equal(got, want);
        assert_true(
            strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm));
        char http[WH_TIME_HTTP];
        wh_time_http((int64_t)s * 1000000, http);
        assert_string_equal(http, want);
        int64_t us = 1;
        assert_true(wh_time_parse(wh_str_of(got), &us));
        assert_true(us == (int64_t)s * 1000000);
    }
}

static void clamps(void **state)
{
    (void)state;
    char text[WH_TIME_TEXT];
    wh_time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    wh_time_text(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void parses_fractions(void **state)
{
    (void)state;
    int64_t us = 0;
    assert_true(wh_time_parse(WH_S("1970-01-01T00:00:01Z"), &us));
    assert_true(us == 1000000);
    assert_true(wh_time_parse(WH_S("1970-01-01T00:00:00.5Z"), &us));
    assert_true(us == 500000);
    assert_true(wh_time_parse(WH_S("1970-01-01T00:00:00.1234569Z"), &us));
    assert_true(us == 123456);
}

static void refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Z",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-01-01t00:00:00z",
        "1970-01-01T00:00:00+00:00",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00.12xZ",
        "1970-1-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:60Z",
        "19700-01-01T00:00:00Z",
        "-970-01-01T00:00:00Z",
        " 1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00Z ",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t us = 7;
        if (wh_time_parse(wh_str_of(bad[i]), &us) || us != 7) {
            fail_msg("accepted %s", bad[i]);
        }
    }
}

static void clocks_run(void **state)
{
    (void)state;
    int64_t before = wh_mono_us();
    assert_true(wh_mono_us() >= before);
    /* after this file was written, before the year 2200 */
    assert_true(wh_now_us() > INT64_C(1750000000000000));
    assert_true(wh_now_us() < INT64_C(7258118400000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_parses),
        cmocka_unit_test(agrees_with_libc),
        cmocka_unit_test(clamps),
        cmocka_unit_test(parses_fractions),
        cmocka_unit_test(refuses),
        cmocka_unit_test(clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
