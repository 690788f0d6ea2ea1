/* Unit tests of the part table. */
#include "weigh/part.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *path, *class, *part;
} CASES[] = {
    {"README.md", "text", "knowledge"},
    {"docs/card.MD", "text", "knowledge"},
    {"LICENSE", "text", "knowledge"},
    {"config.json", "text", "software"},
    {"tokenizer.json", "text", "software"},
    {"chat_template.jinja", "text", "software"},
    {"modeling_x.py", "text", "source"},
    {"src/train.sh", "text", "source"},
    {"data/train.txt", "text", "data"},
    {"train.csv", "text", "data"},
    {"picture.png", "data", "knowledge"},
    {"model.safetensors", "weights", "weights"},
    {"README.md", "weights", "weights"},
    {"notes.txt", "unknown", "weights"},
    {"pytorch_model.bin", "program", "weights"},
    {"tool.py", "program", "weights"},
    {".gitattributes", "text", "software"},
    {"x", "text", "software"},
    {"", "text", "software"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *why = NULL;
        enum weigh_part p = weigh_part_of(wh_str_of(CASES[i].path),
                                          wh_str_of(CASES[i].class), &why);
        assert_non_null(why);
        if (strcmp(weigh_part_name(p), CASES[i].part) != 0) {
            fail_msg("%s (%s): %s, wanted %s", CASES[i].path, CASES[i].class,
                     weigh_part_name(p), CASES[i].part);
        }
    }
}

static void test_names_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < WEIGH_PART_COUNT; i++) {
        enum weigh_part p;
        assert_true(weigh_part_parse(
            wh_str_of(weigh_part_name((enum weigh_part)i)), &p));
        assert_int_equal((int)p, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_names_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
