/* Unit tests of rule/combine.h. */
#include "base/unit.h"
#include "rule/chance.h"
#include "rule/combine.h"

#define BOUNDS(lo, hi, by, expires)                     \
    "{\"lo\":\"" lo "\",\"hi\":\"" hi "\",\"by\":\"" by \
    "\",\"method\":\"counted\",\"expires\":" expires "}"
#define N(lo, hi) BOUNDS(lo, hi, "house", "null")
#define V(v)                                                     \
    "{\"value\":\"" v "\",\"by\":\"house\",\"method\":\"read\"," \
    "\"expires\":null}"
#define FILE_CLAIMS(params, danger, verifiable, bio)                \
    "{\"size.params_total\":" params ",\"findings.danger\":" danger \
    ",\"files.verifiable\":" verifiable                             \
    ",\"speciality.biological_sequences\":" bio                     \
    ",\"speciality.exploit_code\":" V("none-found") "}"
#define GOOD \
    FILE_CLAIMS(N("100", "100"), N("0", "0"), V("yes"), V("none-found"))

static json_t *parsed(struct wh_arena *a, const char *text)
{
    struct wh_err err;
    json_t *v;
    unit_ok(wh_json_parse(a, wh_str_of(text), &v, &err), err);
    return v;
}

/* One field of one item; "" when the claim is not there. */
static const char *field(json_t *map, const char *claim, const char *key)
{
    const char *s =
        json_string_value(json_object_get(json_object_get(map, claim), key));
    return s ? s : "";
}

static struct rule_file_claims weights(struct wh_arena *a, const char *digest,
                                       const char *claims)
{
    return (struct rule_file_claims){RULE_PART_WEIGHTS,
                                     wh_str_of(digest),
                                     claims ? parsed(a, claims) : NULL,
                                     {"", 0}};
}

static void adds_up_and_recomputes(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1U << 20);
    struct rule_file_claims files[] = {
        weights(&a, "a", GOOD),
        weights(&a, "b",
                FILE_CLAIMS(N("134515008", "134515008"), N("1", "2"), V("yes"),
                            V("found"))),
        weights(&a, "a", GOOD), /* the same content under another name */
        {RULE_PART_SOURCE,
         WH_S("c"),
         parsed(&a, "{\"files.verifiable\":" V("no") "}"),
         {"", 0}},
        {RULE_PART_SOURCE, WH_S("d"), NULL, {"", 0}},
    };
    json_t *m = rule_combine(&a, files, 5);
    assert_string_equal(field(m, "size.params_total", "lo"), "134515108");
    assert_string_equal(field(m, "size.params_total", "hi"), "134515108");
    assert_string_equal(field(m, "compute.training", "lo"), "0");
    assert_string_equal(field(m, "compute.training", "hi"), "4.03545324e22");
    assert_string_equal(field(m, "findings.danger", "lo"), "1");
    assert_string_equal(field(m, "findings.danger", "hi"), "2");
    assert_string_equal(field(m, "files.verifiable", "value"), "no");
    assert_string_equal(field(m, "speciality.biological_sequences", "value"),
                        "found");
    assert_string_equal(field(m, "speciality.exploit_code", "value"),
                        "none-found");
    assert_string_equal(field(m, "size.params_total", "by"), "house");
    assert_string_equal(field(m, "size.params_total", "method"), "counted");
    /* not claims about files */
    assert_null(json_object_get(m, "incident.open"));
    assert_null(json_object_get(m, "lineage.held_ancestor"));
    wh_arena_done(&a);
}

static void the_order_of_files_does_not_matter(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1U << 20);
    struct rule_file_claims x[] = {
        weights(&a, "a", GOOD),
        weights(&a, "b",
                FILE_CLAIMS(
                    BOUNDS("1", "7", "independent", "\"2027-01-01T00:00:00Z\""),
                    N("0", "0"), V("unknown"), V("none-found"))),
    };
    struct rule_file_claims y[] = {x[1], x[0]};
    assert_true(json_equal(rule_combine(&a, x, 2), rule_combine(&a, y, 2)));
    json_t *m = rule_combine(&a, x, 2);
    assert_string_equal(field(m, "size.params_total", "by"), "independent");
    assert_string_equal(field(m, "size.params_total", "expires"),
                        "2027-01-01T00:00:00Z");
    assert_string_equal(field(m, "compute.training", "expires"),
                        "2027-01-01T00:00:00Z");
    assert_string_equal(field(m, "files.verifiable", "value"), "unknown");
    wh_arena_done(&a);
}

/* Which files count, as it is defined: none of whose content stands earlier in
 * the list. */
static size_t counted_by_definition(const struct rule_file_claims *files,
                                    size_t n, struct rule_file_claims *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool before = false;
        for (size_t k = 0; k < i && !before; k++) {
            before = files[k].part == files[i].part &&
                     wh_str_eq(files[k].sha256, files[i].sha256);
        }
        if (!before) {
            out[kept++] = files[i];
        }
    }
    return kept;
}

/* Few names, so that content repeats, and answers that differ under one name:
 * only the first of them may count. */
static void equal_content_counts_as_defined(void **state)
{
    (void)state;
    static const char *const names[] = {"", "a", "b", "c", "cc", "d", "e"};
    struct wh_arena a;
    wh_arena_init(&a, 1U << 20);
    json_t *claims[4] = {
        parsed(&a, GOOD),
        parsed(&a, FILE_CLAIMS(N("7", "9"), N("1", "1"), V("no"), V("found"))),
        parsed(&a,
               FILE_CLAIMS(BOUNDS("3", "3", "self", "\"2027-01-01T00:00:00Z\""),
                           N("0", "0"), V("unknown"), V("none-found"))),
        NULL};
    struct rule_chance chance = {20261123};
    for (int round = 0; round < 500; round++) {
        struct rule_file_claims files[24], kept[24];
        size_t n = rule_chance_below(&chance, sizeof files / sizeof *files + 1);
        for (size_t i = 0; i < n; i++) {
            files[i] = (struct rule_file_claims){
                rule_chance_of(&chance, 50) ? RULE_PART_WEIGHTS
                                            : RULE_PART_SOURCE,
                wh_str_of(names[rule_chance_below(&chance, 7)]),
                claims[rule_chance_below(&chance, 4)],
                {"", 0}};
        }
        size_t n_kept = counted_by_definition(files, n, kept);
        struct wh_arena b;
        wh_arena_init(&b, 1U << 20);
        json_t *all = rule_combine(&b, files, n);
        json_t *once = rule_combine(&b, kept, n_kept);
        assert_true(json_equal(all, once));
        wh_arena_done(&b);
    }
    wh_arena_done(&a);
}

/* A revision may have so many files; a third of these are copies. */
static void many_files(void **state)
{
    (void)state;
    enum { FILES = 50000, NAMES = 33334, NAME = 8 };
    struct wh_arena a;
    wh_arena_init(&a, 16U << 20);
    struct rule_file_claims *files = wh_arena_array(&a, FILES, sizeof *files);
    char *names = wh_arena_alloc(&a, (size_t)NAMES * NAME);
    json_t *good = parsed(&a, GOOD);
    for (size_t i = 0; i < NAMES; i++) {
        (void)snprintf(names + i * NAME, NAME, "%zu", i);
    }
    for (size_t i = 0; i < FILES; i++) {
        files[i] = (struct rule_file_claims){
            RULE_PART_WEIGHTS,
            wh_str_of(names + i * 7919 % NAMES * NAME),
            good,
            {"", 0}};
    }
    json_t *m = rule_combine(&a, files, FILES);
    assert_string_equal(field(m, "size.params_total", "hi"), "3333400");
    struct wh_err err;
    assert_false(wh_arena_over(&a, &err));
    wh_arena_done(&a);
}

static void what_one_file_does_not_say_is_lost(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        const char *lost; /* a claim that is gone, or "" */
    } rows[] = {
        {NULL, "size.params_total"},
        {NULL, "files.verifiable"},
        {NULL, "compute.training"},
        {"{}", "findings.danger"},
        {FILE_CLAIMS("null", N("0", "0"), V("yes"), V("none-found")),
         "compute.training"},
        {FILE_CLAIMS("7", N("0", "0"), V("yes"), V("none-found")),
         "size.params_total"},
        {FILE_CLAIMS(N("2", "1"), N("0", "0"), V("yes"), V("none-found")),
         "size.params_total"},
        {FILE_CLAIMS(N("1", "1"), N("0", "0"), V("fine"), V("none-found")),
         "files.verifiable"},
        {FILE_CLAIMS(V("unknown"), N("0", "0"), V("yes"), V("none-found")),
         "size.params_total"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        wh_arena_init(&a, 1U << 20);
        struct rule_file_claims files[] = {weights(&a, "a", GOOD),
                                           weights(&a, "b", rows[i].claims)};
        json_t *m = rule_combine(&a, files, 2);
        assert_null(json_object_get(m, rows[i].lost));
        wh_arena_done(&a);
    }
}

static void no_weights_weigh_nothing(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1U << 20);
    json_t *m = rule_combine(&a, NULL, 0);
    assert_string_equal(field(m, "size.params_total", "hi"), "0");
    assert_string_equal(field(m, "compute.training", "hi"), "0");
    assert_string_equal(field(m, "files.verifiable", "value"), "yes");
    wh_arena_done(&a);
}

static void a_claimed_lower_end_counts(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1U << 20);
    struct rule_file_claims files[] = {
        weights(&a, "a",
                "{\"size.params_total\":" N(
                    "10", "10") ",\"compute.training\":" N("1e14", "1e15") "}"),
        weights(&a, "b",
                "{\"size.params_total\":" N(
                    "10", "10") ",\"compute.training\":" N("9e20", "9e20") "}"),
    };
    json_t *m = rule_combine(&a, files, 2);
    assert_string_equal(field(m, "compute.training", "lo"), "9e20");
    assert_string_equal(field(m, "compute.training", "hi"), "9e20");
    m = rule_combine(&a, files, 1);
    assert_string_equal(field(m, "compute.training", "lo"), "100000000000000");
    assert_string_equal(field(m, "compute.training", "hi"), "3000000000000000");
    wh_arena_done(&a);
}

static void one_more_statement(void **state)
{
    (void)state;
    static const struct {
        const char *old, *item, *lo, *hi, *by;
    } rows[] = {
        /* an independent statement narrows both ends */
        {N("0", "4e22"), BOUNDS("1e21", "2e21", "independent", "null"), "1e21",
         "2e21", "independent"},
        /* the publisher raises, and never lowers */
        {N("0", "4e22"), BOUNDS("1e21", "2e21", "self", "null"), "1e21", "4e22",
         "house"},
        {N("0", "4e22"), BOUNDS("0", "9e22", "contracted", "null"), "0", "4e22",
         "house"},
        /* contradictions never narrow */
        {N("0", "4e22"), BOUNDS("5e22", "6e22", "self", "null"), "5e22", "6e22",
         "self"},
        {N("5e22", "6e22"), BOUNDS("0", "1e22", "authority", "null"), "5e22",
         "6e22", "house"},
        /* what is malformed changes nothing */
        {N("0", "4e22"), BOUNDS("2", "1", "authority", "null"), "0", "4e22",
         "house"},
        {N("0", "4e22"), "7", "0", "4e22", "house"},
        /* something instead of nothing */
        {"null", BOUNDS("1", "2", "self", "null"), "1", "2", "self"},
        {V("unknown"), BOUNDS("1", "2", "self", "null"), "", "", "house"},
        {V("unknown"), BOUNDS("1", "2", "authority", "null"), "1", "2",
         "authority"},
    };
    const struct rule_claim *c = rule_claim_find(WH_S("compute.training"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        wh_arena_init(&a, 1U << 20);
        json_t *m = wh_json_own(&a, json_object());
        json_object_set(m, c->name, parsed(&a, rows[i].old));
        rule_combine_statement(m, c, parsed(&a, rows[i].item));
        assert_string_equal(field(m, c->name, "lo"), rows[i].lo);
        assert_string_equal(field(m, c->name, "hi"), rows[i].hi);
        assert_string_equal(field(m, c->name, "by"), rows[i].by);
        wh_arena_done(&a);
    }
}

static void the_stricter_value_stands(void **state)
{
    (void)state;
    static const struct {
        const char *old, *item, *value;
    } rows[] = {
        {V("none-found"), V("found"), "found"},
        {V("found"), V("none-found"), "found"},
        {V("unknown"), V("none-found"), "none-found"},
        {V("none-found"), V("unknown"), "none-found"},
        {V("none-found"), V("nonsense"), "none-found"},
        {V("unknown"),
         "{\"value\":\"none-found\",\"by\":\"self\",\"method\":\"card\","
         "\"expires\":null}",
         "unknown"},
    };
    const struct rule_claim *c =
        rule_claim_find(WH_S("speciality.exploit_code"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct wh_arena a;
        wh_arena_init(&a, 1U << 20);
        json_t *m = wh_json_own(&a, json_object());
        json_object_set(m, c->name, parsed(&a, rows[i].old));
        rule_combine_statement(m, c, parsed(&a, rows[i].item));
        assert_string_equal(field(m, c->name, "value"), rows[i].value);
        wh_arena_done(&a);
    }
}

/* What a text could carry counts only where it is judged as weights. */
static void only_weights_have_a_size(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1U << 20);
    struct rule_file_claims files[] = {
        weights(&a, "a", GOOD),
        {RULE_PART_SOFTWARE,
         WH_S("b"),
         parsed(&a, FILE_CLAIMS(N("0", "4000"), N("1", "1"), V("yes"),
                                V("none-found"))),
         {"", 0}},
    };
    json_t *m = rule_combine(&a, files, 2);
    assert_string_equal(field(m, "size.params_total", "hi"), "100");
    assert_string_equal(field(m, "findings.danger", "hi"), "1");
    files[1].part = RULE_PART_WEIGHTS;
    m = rule_combine(&a, files, 2);
    assert_string_equal(field(m, "size.params_total", "hi"), "4100");
    wh_arena_done(&a);
}

static void a_missing_piece_is_not_verifiable(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1U << 20);
    struct rule_file_claims files[] = {weights(&a, "a", GOOD),
                                       weights(&a, "b", GOOD)};
    files[0].path = WH_S("m-00001-of-00002.safetensors");
    files[1].path = WH_S("m-00002-of-00002.safetensors");
    json_t *m = rule_combine(&a, files, 2);
    assert_string_equal(field(m, "files.verifiable", "value"), "yes");
    m = rule_combine(&a, files, 1);
    assert_string_equal(field(m, "files.verifiable", "value"), "no");
    assert_string_equal(field(m, "files.verifiable", "method"),
                        "of the 2 numbered pieces of weights, 1 came");
    files[0].part = RULE_PART_SOFTWARE; /* a text of that name */
    m = rule_combine(&a, files, 1);
    assert_string_equal(field(m, "files.verifiable", "value"), "yes");
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_weights_have_a_size),
        cmocka_unit_test(a_missing_piece_is_not_verifiable),
        cmocka_unit_test(adds_up_and_recomputes),
        cmocka_unit_test(the_order_of_files_does_not_matter),
        cmocka_unit_test(equal_content_counts_as_defined),
        cmocka_unit_test(many_files),
        cmocka_unit_test(what_one_file_does_not_say_is_lost),
        cmocka_unit_test(no_weights_weigh_nothing),
        cmocka_unit_test(a_claimed_lower_end_counts),
        cmocka_unit_test(one_more_statement),
        cmocka_unit_test(the_stricter_value_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
