/* Unit tests of the decision between regular and large files. */
#include "hub/attributes.h"
#include "hub/ops.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *pattern, *text;
    bool hit;
} GLOBS[] = {
    {"*.bin", "a.bin", true},
    {"*.bin", "a.bins", false},
    {"*.bin", "d/a.bin", false},
    {"a?c", "abc", true},
    {"a?c", "a/c", false},
    {"[a-c]x", "bx", true},
    {"[!a-c]x", "bx", false},
    {"[!a-c]x", "dx", true},
    {"[]x", "]x", false},
    {"[", "[", false},
    {"**/x", "a/b/x", true},
    {"**/x", "x", true},
    {"saved/**/*", "saved/a", true},
    {"saved/**/*", "saved/a/b/c", true},
    {"saved/**/*", "other/a", false},
    {"*tfevents*", "x.tfevents.1", true},
    {"\\*", "*", true},
    {"\\*", "x", false},
    {"", "", true},
    {"", "x", false},
    {"*", "", true},
    {"a*b*c", "axxbyyc", true},
};

static void test_globs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GLOBS / sizeof *GLOBS; i++) {
        uint64_t steps = HUB_GLOB_STEPS;
        if (hub_glob(wh_str_of(GLOBS[i].pattern), wh_str_of(GLOBS[i].text),
                     &steps) != GLOBS[i].hit) {
            fail_msg("%s against %s", GLOBS[i].pattern, GLOBS[i].text);
        }
    }
}

static void test_hostile_glob_ends(void **state)
{
    char text[900];
    uint64_t steps = 100000, before;

    (void)state;
    memset(text, 'a', sizeof text);
    for (int i = 0; i < 1000; i++) {
        before = steps;
        assert_false(hub_glob(WH_S("*a*a*a*a*a*a*a*a*a*a*a*a*a*b"),
                              wh_str_mem(text, sizeof text), &steps));
        assert_true(steps < before || steps == 0);
    }
    /* all that may be taken together was taken: nothing fits any more */
    assert_int_equal(steps, 0);
    assert_false(hub_glob(WH_S("a"), WH_S("a"), &steps));
    assert_false(hub_ignore_fits(WH_S("a"), WH_S("a"), &steps));
    assert_false(hub_attributes_lfs(WH_S("* filter=lfs"), WH_S("a"), &steps));
}

static const struct {
    const char *attributes, *path;
    uint64_t size;
    struct wh_str sample;
    bool large;
} FILES[] = {
    {HUB_ATTRIBUTES_DEFAULT, "model.safetensors", 10, {"x", 1}, true},
    {HUB_ATTRIBUTES_DEFAULT, "a/b/model.bin", 10, {"x", 1}, true},
    {HUB_ATTRIBUTES_DEFAULT, "config.json", 10, {"{}", 2}, false},
    {HUB_ATTRIBUTES_DEFAULT, "tokenizer.json", 9000000, {"{}", 2}, false},
    {HUB_ATTRIBUTES_DEFAULT, "big.txt", 11000000, {"x", 1}, true},
    {HUB_ATTRIBUTES_DEFAULT, "odd.dat", 10, {"a\0b", 3}, true},
    {HUB_ATTRIBUTES_DEFAULT, "latin.txt", 10, {"\xe9t\xe9 x", 5}, true},
    {HUB_ATTRIBUTES_DEFAULT, "cut.txt", 600, {"caf\xc3", 4}, false},
    {"*.bin filter=lfs\nsmall.bin -filter\n", "small.bin", 9, {"x", 1}, false},
    {"# *.txt filter=lfs\n", "a.txt", 9, {"x", 1}, false},
    {"/top.txt filter=lfs\n", "top.txt", 9, {"x", 1}, true},
    {"/top.txt filter=lfs\n", "d/top.txt", 9, {"x", 1}, false},
    {"", "empty", 0, {"", 0}, false},
};

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        uint64_t steps = HUB_GLOB_STEPS;
        if (hub_file_is_large(wh_str_of(FILES[i].attributes),
                              wh_str_of(FILES[i].path), FILES[i].size,
                              FILES[i].sample, &steps) != FILES[i].large) {
            fail_msg("case %zu: %s", i, FILES[i].path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs),
        cmocka_unit_test(test_hostile_glob_ends),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
