/*
 * pickle_test.c - what an unpickler would run, and what merely looks like it.
 */
#include "base/unit.h"

#include "scan/pickle.h"

struct row {
    struct wh_str bytes;
    bool yes;
};

#define R(bytes, yes)                   \
    {                                   \
        {bytes, sizeof(bytes) - 1}, yes \
    }

static const struct row rows[] = {
    R("", false),
    R("\x80", false),
    R("\x80\x02", false),
    R("\x80\x02.", false), /* STOP on an empty stack is an error */
    R("\x80\x02N.", true),
    R("\x80\x06N.", false),
    R("\x80\x04]\x94.", true),
    R("\x80\x04]\x94", false),
    R("\x80\x02"
      "cos\nsystem\n",
      true), /* imported before the break */
    R("\x80\x02"
      "cmy-module\nx\n",
      true),
    R("\x80\x02X\x05\0\0\0ab", false),
    R("\x80\x02X\xff\xff\xff\xff", false),
    R("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff", false),
    R("\x80\x02\x82\x01.", true),
    R("\x80\x04\x8c\x02os\x8c\x06system\x93.", true),
    R("\x80\x04\x93", false), /* nothing to name the import with */
    R("cos\nsystem\n(S'true'\ntR.", true),
    R("cos\nsystem\n(S'true'\ntR\xff", true),
    R("(S'true'\nios\nsystem\n.", true),
    R("(0cos\nsystem\n)R.", true), /* POP takes the mark */
    R("cos\nsystem\n", false),  /* an import alone may be two lines of text */
    R("cos\nsystem\nR", false), /* too few values for a call */
    R("cats\nare not\n.", false),
    R("cat\ndog\nbird\n", false),
    R("I1\n.", false), /* a number runs nothing */
    R("(lp0\n.", false),
    R("l\x82\xa5"
      "b",
      false),
    R("# text\n", false),
    R("{\"a\": 1}", false),
};

static void only_what_runs_is_called_a_pickle(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wh_src src = wh_src_mem(rows[i].bytes.p, rows[i].bytes.n);
        struct wh_err err = {0};
        bool yes;
        unit_ok(scan_pickle_looks(&src, &yes, &err), err);
        if (yes != rows[i].yes) {
            fail_msg("row %zu: %d", i, (int)yes);
        }
    }
}

/* Marks without end must not use memory without end, nor hide the rest. */
static void a_million_marks_are_a_pickle(void **state)
{
    (void)state;
    static char bytes[1 << 20];
    struct wh_err err = {0};
    bool yes;
    memset(bytes, '(', sizeof bytes);
    struct wh_src src = wh_src_mem(bytes, sizeof bytes);
    unit_ok(scan_pickle_looks(&src, &yes, &err), err);
    assert_true(yes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_runs_is_called_a_pickle),
        cmocka_unit_test(a_million_marks_are_a_pickle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
