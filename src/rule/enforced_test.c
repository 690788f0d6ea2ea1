/* Unit tests of rule/enforced.h. */
#include "base/json.h"
#include "base/unit.h"
#include "rule/enforced.h"
#include "rule/shipped.h"

static struct wh_arena arena;

/* demo.low v1 to v4 and another line; v2 from the folder, v4 from before. */
enum { LOW1, LOW2, LOW3, LOW4, OTHER, LINES };
static struct rule_known known[LINES];

static const struct rule_line *make(const char *name, int version)
{
    struct wh_str text = rule_shipped_text(WH_S("demo.low.v1.json"));
    const struct rule_line *line;
    struct wh_err err;
    json_t *doc;
    unit_ok(wh_json_parse(&arena, text, &doc, &err), err);
    json_object_set_new(doc, "name", json_string(name));
    json_object_set_new(doc, "version", json_integer(version));
    unit_ok(rule_line_read(&arena, doc, &line, &err), err);
    return line;
}

static int setup(void **state)
{
    (void)state;
    wh_arena_init(&arena, 64U << 20);
    for (int i = LOW1; i <= LOW4; i++) {
        known[i] = (struct rule_known){.line = make("demo.low", i + 1),
                                       .from = RULE_FROM_BINARY};
    }
    known[LOW4].from = RULE_FROM_BEFORE;
    known[OTHER] =
        (struct rule_known){.line = make("other", 1), .from = RULE_FROM_BINARY};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wh_arena_done(&arena);
    return 0;
}

/* "13" -> the digests of known 1 and 3. */
static json_t *entry(const char *which)
{
    json_t *list = wh_json_own(&arena, json_array());
    for (; *which; which++) {
        json_array_append_new(
            list, json_sprintf("sha256:%s", known[*which - '0'].line->digest));
    }
    return list;
}

/* A past in words: entries apart by blanks, "!" before a signed one. */
static bool past_of(const char *words, struct rule_past *out,
                    struct wh_err *err)
{
    struct wh_str rest = wh_str_of(words), one;
    *out = (struct rule_past){.n = 0};
    while (rest.n > 0) {
        (void)wh_str_cut(&rest, ' ', &one);
        bool people = wh_str_starts(one, WH_S("!"));
        one = people ? wh_str_sub(one, 1, one.n) : one;
        if (!rule_past_add(out, entry(wh_arena_cstr(&arena, one)), people,
                           err)) {
            return false;
        }
    }
    return true;
}

struct row {
    const char *past, *names;
    const char *found; /* places in `known`, sorted; or null */
    int idle;          /* names that count for nothing */
    enum wh_code code;
};

static const struct row rows[] = {
    /* a new house: the newest, or what the label says */
    {"", "demo.low", "2", 0, WH_NONE},
    {"", "demo.low.v1 other", "04", 0, WH_NONE},
    {"", "demo.low.v1 demo.low.v2", "01", 0, WH_NONE},
    {"", "demo.low demo.low.v1", "0", 0, WH_NONE},
    {"", "demo.low.v4", NULL, 0, WH_NOT_FOUND},
    {"", "none", NULL, 0, WH_NOT_FOUND},
    /* a bare name is the version in force, whatever else is shipped */
    {"0", "demo.low", "0", 0, WH_NONE},
    {"0 01", "demo.low", "01", 0, WH_NONE},
    {"3", "demo.low", "3", 0, WH_NONE},
    {"3", "demo.low.v4", "3", 0, WH_NONE},
    {"3", "demo.low.v4 demo.low.v3", "23", 0, WH_NONE},
    /* another version may be added, not put instead */
    {"0", "demo.low.v1 demo.low.v2", "01", 0, WH_NONE},
    {"0", "demo.low demo.low.v2", "01", 0, WH_NONE},
    {"0", "demo.low.v2", NULL, 0, WH_ROLLED_BACK},
    {"0", "other", NULL, 0, WH_ROLLED_BACK},
    {"04", "demo.low", NULL, 0, WH_ROLLED_BACK},
    /* what approvers signed holds, whatever the configuration says */
    {"0 !1", "demo.low", "1", 0, WH_NONE},
    {"0 !1", "demo.low.v1", "1", 1, WH_NONE},
    {"0 !1", "demo.low.v2", "1", 0, WH_NONE},
    {"0 !1", "other", "14", 0, WH_NONE},
    {"0 !1 14", "demo.low", NULL, 0, WH_ROLLED_BACK},
    {"0 !1", "demo.low.v1 demo.low.v3", "12", 1, WH_NONE},
    /* a line that they took out, by any name; and one that came back */
    {"04 !4", "demo.low", "4", 1, WH_NONE},
    {"04 !4", "demo.low.v1 other", "4", 1, WH_NONE},
    {"04 !4", "demo.low.v3", "24", 0, WH_NONE},
    {"04 !4 !04", "demo.low", "04", 0, WH_NONE},
    {"0 !1 !0", "demo.low.v2", "0", 1, WH_NONE},
    {"0 !", "demo.low", "", 1, WH_NONE},
    /* an entry that nobody signed lets go of nothing */
    {"01 0", "demo.low", NULL, 0, WH_ROLLED_BACK},
    {"0 !1 0", "demo.low", NULL, 0, WH_ROLLED_BACK},
    {"00", "demo.low", NULL, 0, WH_CORRUPT},
};

static void check(const struct row *r)
{
    struct wh_str names[8], rest = wh_str_of(r->names);
    struct rule_enforced out = {.n = 0};
    struct rule_past past;
    struct wh_err err = {0};
    size_t n = 0;
    char got[LINES + 1];
    while (rest.n > 0) {
        (void)wh_str_cut(&rest, ' ', &names[n++]);
    }
    bool ok =
        past_of(r->past, &past, &err) &&
        rule_enforced_find(&arena, &past, names, n, known, LINES, &out, &err);
    if (!r->found) {
        assert_false(ok);
        assert_int_equal(err.code, r->code);
        assert_true(err.msg[0] != 0);
        return;
    }
    unit_ok(ok, err);
    size_t m = 0;
    for (size_t i = 0; i < LINES; i++) {
        for (size_t k = 0; k < out.n; k++) {
            if (out.at[k] == i) {
                got[m++] = (char)('0' + i);
            }
        }
    }
    got[m] = 0;
    assert_int_equal(m, out.n);
    assert_string_equal(got, r->found);
    assert_int_equal(out.n_idle, r->idle);
}

static void a_register_and_a_configuration(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("# %s | %s\n", rows[i].past, rows[i].names);
        check(&rows[i]);
    }
}

/* The house's own file of a version is meant before the shipped one. */
static void the_folder_stands_first(void **state)
{
    (void)state;
    struct rule_known two[] = {known[LOW1], known[LOW3]};
    two[0].from = RULE_FROM_FOLDER;
    assert_int_equal(rule_known_name(&arena, two, 2, WH_S("demo.low")), 0);
    assert_int_equal(rule_known_name(&arena, two, 2, WH_S("demo.low.v3")), 1);
    assert_true(rule_known_name(&arena, two, 2, WH_S("demo.low.v4")) ==
                SIZE_MAX);
}

static void the_refusal_says_what_to_do(void **state)
{
    (void)state;
    const struct wh_str names[] = {WH_S("demo.low.v2")};
    struct rule_enforced out;
    struct rule_past past;
    struct wh_err err;
    unit_ok(past_of("0", &past, &err), err);
    unit_fails(
        rule_enforced_find(&arena, &past, names, 1, known, LINES, &out, &err),
        err, WH_ROLLED_BACK);
    assert_non_null(strstr(err.msg, "write demo.low.v1 there again"));
    assert_non_null(strstr(err.msg, "weighhouse decision statement lines -"));
    assert_non_null(strstr(err.msg, "decision sign")); /* not cut off */
}

static void no_list_is_no_entry(void **state)
{
    (void)state;
    static const char *const docs[] = {"null", "{}", "[1]", "[\"sha256:00\"]",
                                       "[\"\"]"};
    struct wh_err err;
    for (size_t i = 0; i < sizeof(docs) / sizeof(*docs); i++) {
        struct rule_past past = {.n = 0};
        json_t *doc;
        struct wh_str text = wh_arena_fmt(&arena, "{\"l\":%s}", docs[i]);
        unit_ok(wh_json_parse(&arena, text, &doc, &err), err);
        unit_fails(rule_past_add(&past, json_object_get(doc, "l"), true, &err),
                   err, WH_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_register_and_a_configuration, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_folder_stands_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_refusal_says_what_to_do, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_list_is_no_entry, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
