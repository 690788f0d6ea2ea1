/* Tests of the name rules (name.c). */
#include "store/name.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#define TEN "aaaaaaaaaa"

struct name_case {
    const char *name;
    bool repo, account;
};

static const struct name_case cases[] = {
    {"a", true, true},
    {"7", true, true},
    {"_", true, true},
    {"__", true, true},
    {"gpt2", true, true},
    {"all-MiniLM-L6-v2", true, true},
    {"Qwen2.5_Math", true, true},
    {"a.b-c_d", true, true},
    {"", false, false},
    {"-a", false, false},
    {"a-", false, false},
    {".a", false, false},
    {"a.", false, false},
    {"a--b", false, false},
    {"a..b", false, false},
    {"a.-b", false, false},
    {".", false, false},
    {"..", false, false},
    {"a b", false, false},
    {"a/b", false, false},
    {"a%2fb", false, false},
    {"h\xc3\xa9", false, false},
    {"a\n", false, false},
    {"x.git", false, false},
    {"x.GIT", false, false},
    {"x.ipynb", false, false},
    {"git", true, true},
    {"x.gitx", true, true},
    {"models", true, false},
    {"API", true, false},
    {"V1", true, false},
    {"modelsx", true, true},
    {TEN TEN TEN TEN "aa", true, true},
    {TEN TEN TEN TEN "aaa", true, false},
    {TEN TEN TEN TEN TEN TEN TEN TEN TEN "aaaaaa", true, false},
    {TEN TEN TEN TEN TEN TEN TEN TEN TEN "aaaaaaa", false, false},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct name_case *c = &cases[i];
        struct wh_str name = wh_str_of(c->name);
        struct wh_err err = {0};
        if (store_repo_name_ok(name, &err) != c->repo) {
            fail_msg("as repo: \"%s\"", c->name);
        }
        assert_int_equal(err.code, c->repo ? WH_NONE : WH_BAD_NAME);
        err = (struct wh_err){0};
        if (store_account_name_ok(name, &err) != c->account) {
            fail_msg("as account: \"%s\"", c->name);
        }
        assert_int_equal(err.code, c->account ? WH_NONE : WH_BAD_NAME);
    }
    struct wh_err err = {0};
    assert_false(store_repo_name_ok(wh_str_mem("a\0b", 3), &err));
}

static void test_reserved_words_are_lower_case_names(void **state)
{
    (void)state;
    static const char *const words[] = {
#define WH_RESERVED(word) word,
#include "store/reserved.tbl"
#undef WH_RESERVED
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct wh_err err = {0};
        assert_true(store_name_reserved(wh_str_of(words[i])));
        assert_true(store_repo_name_ok(wh_str_of(words[i]), &err));
        for (const char *p = words[i]; *p; p++) {
            assert_false(*p >= 'A' && *p <= 'Z');
        }
        assert_true(i == 0 || strcmp(words[i - 1], words[i]) < 0);
    }
    assert_false(store_name_reserved(WH_S("")));
    assert_false(store_name_reserved(WH_S("admin")));
}

static void test_split(void **state)
{
    static const char *const bad[] = {"",     "a",     "/",    "a/",
                                      "/b",   "a/b/c", "a//b", "../b",
                                      "a/..", "a /b",  "-/b",  "a/b.git"};
    struct wh_str ns, name;
    struct wh_err err = {0};
    (void)state;
    assert_true(store_full_split(WH_S("models/b.c"), &ns, &name, &err));
    assert_true(wh_str_is(ns, "models"));
    assert_true(wh_str_is(name, "b.c"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct wh_err){0};
        if (store_full_split(wh_str_of(bad[i]), &ns, &name, &err)) {
            fail_msg("\"%s\"", bad[i]);
        }
        assert_int_equal(err.code, WH_BAD_NAME);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_reserved_words_are_lower_case_names),
        cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
