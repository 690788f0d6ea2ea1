/* Unit tests of scan/encoded.h, and of what a scan makes of it. */
#include "base/unit.h"
#include "scan/encoded.h"
#include "scan/scan.h"

#define SIXTY "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"

static const struct {
    const char *text;
    uint64_t total;
} rows[] = {
    {"", 0},
    {"A sentence of ordinary words, and 1234 numbers.", 0},
    {SIXTY, 60},
    {SIXTY "\n" SIXTY "\n", 120},
    {"\"" SIXTY "==\"", 62},
    {SIXTY ".", 60},
    {"bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567", 0},
    /* genes have no digits, numbers no letters */
    {"ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT", 0},
    {"0123456789012345678901234567890123456789012345678901234567890123", 0},
    {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 64},
};

/* However the text is cut into pieces. */
static void runs_are_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wh_str s = wh_str_of(rows[i].text);
        for (size_t cut = 0; cut <= s.n; cut++) {
            struct scan_encoded e = {0};
            scan_encoded_add(&e, (const uint8_t *)s.p, cut);
            scan_encoded_add(&e, (const uint8_t *)s.p + cut, s.n - cut);
            assert_int_equal(scan_encoded_total(&e), rows[i].total);
        }
    }
}

/* A text of n bytes: lines of 76, as encoders write them, or words. */
static void scan_text(size_t n, bool words, struct scan_report *r,
                      struct wh_arena *a)
{
    static const char line[] =
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01234567"
        "89abcd";
    struct wh_err err = {0};
    char *p = wh_arena_alloc(a, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = i % 77;
        p[i] = at == 76 ? '\n' : words && at % 9 == 0 ? ' ' : line[at];
    }
    struct wh_src src = wh_src_mem(p, n);
    unit_ok(scan_file(&src, NULL, a, r, &err), err);
}

static void a_binary_written_as_text_is_not_text(void **state)
{
    (void)state;
    static const struct {
        size_t mib;
        bool words;
        const char *class;
        bool verifiable;
    } files[] = {
        {1, false, "text", true},
        {15, false, "text", true}, /* pictures in a notebook */
        {17, false, "unknown", false},
        {17, true, "text", true},
        {33, true, "bulk", true},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct wh_arena a;
        struct scan_report r;
        struct wh_buf b;
        wh_arena_init(&a, (size_t)64 << 20);
        wh_buf_init(&b, 1 << 16);
        scan_text(files[i].mib << 20, files[i].words, &r, &a);
        assert_string_equal(scan_class_name(r.class), files[i].class);
        assert_int_equal(r.verifiable, files[i].verifiable);
        scan_report_json(&b, &r);
        /* what it could carry is claimed, except by what is not read at all */
        bool claims = wh_str_find_str(wh_buf_str(&b),
                                      WH_S("size.params_total")) != SIZE_MAX;
        assert_int_equal(claims, files[i].verifiable && files[i].mib > 1);
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_counted),
        cmocka_unit_test(a_binary_written_as_text_is_not_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
