/* Unit tests of base/log.h: what arrives on standard error. */
#include "base/log.h"
#include "base/unit.h"

#include <fcntl.h>
#include <stdlib.h>

static char said[20000];

/* Run fn with standard error going to said. */
static void capture(void (*fn)(void))
{
    FILE *f = tmpfile();
    assert_non_null(f);
    int old = dup(STDERR_FILENO);
    assert_true(old >= 0 && dup2(fileno(f), STDERR_FILENO) >= 0);
    fn();
    assert_true(dup2(old, STDERR_FILENO) >= 0);
    (void)close(old);
    ssize_t n = pread(fileno(f), said, sizeof said - 1, 0);
    assert_true(n >= 0);
    said[n] = '\0';
    (void)fclose(f);
}

static size_t lines(void)
{
    size_t n = 0;
    for (const char *c = said; *c != '\0'; c++) {
        n += *c == '\n';
    }
    return n;
}

static void plain(void)
{
    wh_log(WH_INFO, "hub.commit", "files=%d repo=%s", 3,
           wh_log_q(WH_S("a b\nc")));
    wh_log(WH_DEBUG, "hub.dropped", "x=%d", 1);
    wh_log(WH_WARN, "bare", "%s", "");
    wh_log(WH_WARN, "bare", "");
}

static void writes_lines(void **state)
{
    (void)state;
    capture(plain);
    assert_int_equal(lines(), 3);
    assert_int_equal(said[4], '-');
    assert_int_equal(said[23], 'Z');
    assert_non_null(strstr(
        said, " info weighhouse hub.commit files=3 repo=\"a b\\x0ac\"\n"));
    assert_non_null(strstr(said, " warn weighhouse bare\n"));
    wh_log_process("keeper");
    wh_log_level(WH_DEBUG);
    capture(plain);
    assert_int_equal(lines(), 4);
    assert_non_null(strstr(said, " debug keeper hub.dropped x=1\n"));
    wh_log_level(WH_ERROR);
    capture(plain);
    assert_int_equal(lines(), 0);
    wh_log_level(WH_INFO);
}

static void long_and_broken(void)
{
    char text[8000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    wh_log(WH_ERROR, "long", "text=%s", text);
    wh_log(WH_ERROR, text, "text=%s", text);
    wh_log(WH_ERROR, "split", "text=%s", "a\nb\rc");
}

static void keeps_one_line(void **state)
{
    (void)state;
    capture(long_and_broken);
    assert_int_equal(lines(), 3);
    assert_int_equal(strchr(said, '\n') - said, 4096 - 2);
    assert_non_null(strstr(said, "split text=a b c\n"));
}

static void quotes(void **state)
{
    (void)state;
    const char *first = wh_log_q(WH_S("one"));
    for (int i = 0; i < 7; i++) {
        (void)wh_log_q(WH_S("other"));
    }
    assert_string_equal(first, "one");
    (void)wh_log_q(WH_S("ninth"));
    assert_string_equal(first, "ninth");
    char big[1000];
    memset(big, '\xFF', sizeof big);
    const char *cut = wh_log_q(wh_str_mem(big, sizeof big));
    assert_int_equal(strlen(cut), 400 * 4 + 2 + 3);
}

static void error_line(void)
{
    struct wh_err err = {0};
    (void)wh_fail(&err, WH_IO, "reading failed");
    (void)wh_err_detail(&err, "/secret/path");
    wh_log_err(WH_ERROR, "store.read", &err);
}

static void logs_errors(void **state)
{
    (void)state;
    capture(error_line);
    assert_int_equal(lines(), 1);
    assert_non_null(strstr(said, "store.read code=IO msg=\"reading failed\" "
                                 "detail=/secret/path at="));
    assert_non_null(strstr(said, "log_test.c:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_lines),
        cmocka_unit_test(keeps_one_line),
        cmocka_unit_test(quotes),
        cmocka_unit_test(logs_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
