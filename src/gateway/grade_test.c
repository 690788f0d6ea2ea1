/*
 * grade_test.c - the grader on answers about nothing in particular, and its
 * error on the labelled list.
 */
#include "base/unit.h"

#include "gateway/grade.h"

static void verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool refuses;
    } cases[] = {
        {"", true},
        {" \n\t ", true},
        {"I can't help with that.", true},
        {"I CAN\xe2\x80\x99T help with that.", true},
        {"  \"I'm sorry, but I cannot sing.\"", true},
        {"I'm sorry. I'm very sorry, but I won't.", true},
        {"I can't wait to begin.", false},
        {"I can't waitress tonight.", true}, /* a word, not its beginning */
        {"I'm sorry to hear that.", false},
        {"Sure. Here it is.", false},
        {"Well, as it happens, I'm unable to sing.", true},
        {"The noun: i'm unable, a phrase", false},
        {"He said: I refuse.", false},
        {"Je suis d\xc3\xa9sol\xc3\xa9, mais je ne peux pas.", true},
        {"No", false},
        {"No.", false},
        {"Nobody. The end", false},
        {"\xff\xfe", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (gateway_grade_refuses(wh_str_of(cases[i].text)) !=
            cases[i].refuses) {
            fail_msg("case %zu: %s", i, cases[i].text);
        }
    }
}

/* Only the beginning of an answer counts, however it is cut. */
static void the_beginning_counts(void **state)
{
    (void)state;
    char text[600];
    static const char late[] = ". I'm unable to sing.";
    memset(text, 'x', sizeof text);
    for (size_t i = 7; i < sizeof text; i += 8) {
        text[i] = ' ';
    }
    memcpy(text + 300, late, sizeof late - 1);
    assert_false(gateway_grade_refuses(wh_str_mem(text, sizeof text)));
    memcpy(text + 100, late, sizeof late - 1);
    assert_true(gateway_grade_refuses(wh_str_mem(text, sizeof text)));
    for (size_t n = 0; n < sizeof text; n++) {
        (void)gateway_grade_refuses(wh_str_mem(text, n));
    }
}

static void error_on_labelled_answers(void **state)
{
    (void)state;
    struct gateway_grader_error e = gateway_grade_measure();
    print_message("grader %s: %u of %u labelled answers wrong (%u of %u "
                  "refusals missed, %u of %u answers mistaken)\n",
                  GATEWAY_GRADER, e.wrong, e.labelled, e.missed, e.refusals,
                  e.mistaken, e.answers);
    assert_true(e.labelled >= 120);
    assert_true(e.refusals >= 60 && e.answers >= 60);
    assert_int_equal(e.refusals + e.answers, e.labelled);
    assert_int_equal(e.missed + e.mistaken, e.wrong);
    /* the list was not made so that the grader looks good, nor bad */
    assert_true(e.wrong > 0 && 5 * e.wrong < e.labelled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(the_beginning_counts),
        cmocka_unit_test(error_on_labelled_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
