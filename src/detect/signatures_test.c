/*
 * Unit tests of detect/signatures.h. The shipped rules are tried on sentences
 * put together from their own classes: no attack is quoted.
 */
#include "base/buf.h"
#include "base/unit.h"
#include "detect/signatures.h"

static struct detect_signatures *shipped;
static struct detect_scratch *scratch;

/* One word of each class with `between` between them. pick chooses the word of
 * class `at`; the first elsewhere. */
static void sentence(struct wh_buf *b, const struct detect_rule *r, size_t at,
                     size_t pick, const char *between)
{
    wh_buf_reset(b);
    wh_buf_cstr(b, "so, ");
    for (size_t i = 0; i < r->n_seq; i++) {
        wh_buf_cstr(b, i ? between : "");
        wh_buf_cstr(b, r->seq[i][i == at ? pick : 0]);
    }
    wh_buf_cstr(b, " and so on.");
}

static bool hits(const struct detect_signatures *s, size_t rule,
                 struct wh_str text)
{
    struct detect_hits h = {{0}};
    detect_signatures_scan(s, scratch, text, &h);
    return detect_hits_has(&h, rule);
}

static void every_word_of_every_rule(void **state)
{
    (void)state;
    const struct detect_rule *r;
    struct wh_buf b;
    size_t tried = 0;
    wh_buf_init(&b, 1 << 16);
    for (size_t i = 0; (r = detect_signatures_rule(shipped, i)); i++) {
        for (size_t at = 0; r->prompt && at < r->n_seq; at++) {
            for (size_t w = 0; r->seq[at][w]; w++) {
                sentence(&b, r, at, w, " of ");
                if (r->gap >= 4 && !hits(shipped, i, wh_buf_str(&b))) {
                    print_error("%s: class %zu word %zu\n", r->id, at, w);
                    fail();
                }
                tried++;
            }
        }
    }
    assert_true(tried > 500);
    wh_buf_done(&b);
}

/* Words too far apart, in different sentences, or one of them missing. */
static void structure_is_needed(void **state)
{
    (void)state;
    const struct detect_rule *r;
    struct wh_buf b;
    char far[DETECT_GAP_MAX + 2];
    wh_buf_init(&b, 1 << 16);
    for (size_t i = 0; (r = detect_signatures_rule(shipped, i)); i++) {
        memset(far, '-', sizeof(far));
        far[r->gap + 1] = '\0';
        sentence(&b, r, 0, 0, far);
        assert_false(hits(shipped, i, wh_buf_str(&b)));
        sentence(&b, r, 0, 0, ". ");
        assert_false(hits(shipped, i, wh_buf_str(&b)));
        for (size_t k = 0; k < r->n_seq; k++) {
            assert_false(hits(shipped, i, wh_str_of(r->seq[k][0])));
        }
    }
    wh_buf_done(&b);
}

static void rows_are_whole(void **state)
{
    (void)state;
    const struct detect_rule *r;
    size_t n = 0;
    for (size_t i = 0; (r = detect_signatures_rule(shipped, i)); i++, n++) {
        assert_true(r->weight > 0 && r->weight <= 10);
        assert_true(strlen(r->provenance) > 0);
        assert_true(strlen(detect_category_row(r->category)->reason) > 0);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(r->id,
                                    detect_signatures_rule(shipped, k)->id);
        }
    }
    assert_true(n > 30);
    assert_true(detect_signatures_width(shipped) > 0);
    assert_non_null(detect_signatures_stream(shipped));
}

#define HEAD                                                    \
    "{\"v\":1,\"classes\":{\"a\":[\"salt\"],\"b\":[\"grain\"]," \
    "\"bad\":[\"x.*\"],\"hyphen\":[\"-x\"],\"blanks\":[\"x  "   \
    "y\"],\"none\":[]},"                                        \
    "\"provenance\":{\"t\":\"test\"},"
#define RULE(category, weight, seq, gap)                                    \
    HEAD "\"rules\":[{\"id\":\"r\",\"category\":\"" category                \
         "\",\"weight\":" weight ",\"on\":\"prompt\",\"provenance\":\"t\"," \
         "\"seq\":[" seq "],\"gap\":" gap "}]}"

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "[]",
        "{}",
        HEAD "\"rules\":[]}",
        RULE("persona", "0", "\"a\",\"b\"", "10"),
        RULE("persona", "101", "\"a\",\"b\"", "10"),
        RULE("persona", "1", "\"a\",\"b\"", "0"),
        RULE("persona", "1", "\"a\",\"b\"", "121"),
        RULE("persona", "1", "\"a\"", "10"),
        RULE("persona", "1", "\"a\",\"c\"", "10"),
        RULE("persona", "1", "\"a\",\"bad\"", "10"),
        RULE("persona", "1", "\"a\",\"hyphen\"", "10"),
        RULE("persona", "1", "\"a\",\"blanks\"", "10"),
        RULE("persona", "1", "\"a\",\"none\"", "10"),
        RULE("persona", "1", "\"a\",7", "10"),
        RULE("nonsense", "1", "\"a\",\"b\"", "10"),
    };
    struct detect_signatures *s = NULL;
    struct wh_err err;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        unit_fails(detect_signatures_new(wh_str_of(rows[i]), &s, &err), err,
                   WH_BAD_REQUEST);
    }
    unit_fails(detect_signatures_new(WH_S("{"), &s, &err), err, WH_BAD_JSON);
    unit_ok(detect_signatures_new(
                wh_str_of(RULE("persona", "1", "\"a\",\"b\"", "10")), &s, &err),
            err);
    detect_signatures_free(&s);
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_of_every_rule),
        cmocka_unit_test(structure_is_needed),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(bad_files_are_refused),
    };
    struct wh_err err = {0};
    if (!detect_signatures_new(detect_signatures_shipped, &shipped, &err) ||
        !detect_scratch_new(shipped, &scratch, &err)) {
        print_error("%s %s\n", err.msg, err.detail);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    detect_scratch_free(&scratch);
    detect_signatures_free(&shipped);
    return failed;
}
