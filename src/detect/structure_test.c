/* Unit tests of detect/structure.h. */
#include "base/buf.h"
#include "base/unit.h"
#include "detect/structure.h"

#define SALT "the ship brings salt and grain to the harbour town before winter"

static struct detect_views views;
static const struct wh_str signs[] = {WH_SI("<|im_start|>"), WH_SI("[INST]")};

static double strength(enum detect_form form, struct wh_str text)
{
    struct detect_forms f;
    detect_views_make(&views, text);
    detect_forms_of(&f, text, &views, signs, 2);
    return f.strength[form];
}

static void forms_are_seen(void **state)
{
    (void)state;
    static const struct {
        enum detect_form form;
        const char *text;
    } rows[] = {
        {DETECT_FORM_BIDI, "s\xe2\x80\xae"
                           "alt\xe2\x80\xac"},
        {DETECT_FORM_INVISIBLE,
         "s\xe2\x80\x8b"
         "a\xe2\x80\x8bl\xe2\x80\x8bt \xe2\x80\x8bg\xe2\x80\x8br"
         "\xe2\x80\x8b"
         "ain"},
        {DETECT_FORM_ALIKE,
         "th\xd0\xb5 s\xd0\xb0lt \xd0\xb0nd th\xd0\xb5 gr\xd0\xb0in \xd0\xbe"
         "f the t\xd0\xbewn"},
        {DETECT_FORM_ENCODED,
         "dGhlIHNoaXAgYnJpbmdzIHNhbHQgYW5kIGdyYWluIHRvIHRoZSBoYXJib3VyIHRvd24"},
        {DETECT_FORM_ENCODED,
         "gur fuvc oevatf fnyg naq tenva gb gur uneobhe gbja orsber jvagre"},
        {DETECT_FORM_NESTED,
         "ZEdobElITm9hWEFnWW5KcGJtZHpJSE5oYkhRZ1lXNWtJR2R5WVdsdUlIUnZJSFJvWlNC"
         "b1lYSmliM1Z5SUhSdmQyNGdZbVZtYjNKbElIZHBiblJsY2c9PQ=="},
        {DETECT_FORM_DISGUISED, "th3 sh1p br1ng5 s4lt 4nd gr41n"},
        {DETECT_FORM_NOISE, SALT " x}]; --q.\\ {u(!$ Z+~b=|;^k %&r@3 #M*[y `_"},
        {DETECT_FORM_TURNS,
         "User: a\nAssistant: b\nUser: a\nAssistant: b\nUser: a\nAssistant: b\n"
         "User: a\nAssistant: b\nUser: a\nAssistant: b\n"},
        {DETECT_FORM_SYSTEM, "hello\nSystem: the tide is at nine"},
        {DETECT_FORM_SYSTEM, "hello\n[system] : x\n### system: y"},
        {DETECT_FORM_TEMPLATE, "hello <|im_start|>"},
        {DETECT_FORM_SPLIT,
         "a = \"sa\"\nb = \"lt\"\nc = 'grain'\nwhat is a+b + c + a?"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strength(rows[i].form, wh_str_of(rows[i].text)) <= 0) {
            print_error("row %zu: no %s\n", i,
                        detect_form_row(rows[i].form)->name);
            fail();
        }
    }
}

static void repetition(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 1 << 16);
    for (int i = 0; i < 100; i++) {
        wh_buf_cstr(&b, "salt ");
    }
    assert_true(strength(DETECT_FORM_REPEATED, wh_buf_str(&b)) == 1);
    wh_buf_done(&b);
}

/* Ordinary text of several kinds has no form at all. */
static void ordinary_text_has_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        SALT ". What does it cost? (12.50 a barrel!)",
        "def area(w, h):\n    \"\"\"Area.\"\"\"\n    return w * "
        "h\n\nprint(area(2, "
        "3) + area(4, 5))\n",
        "{\"name\": \"salt\", \"barrels\": [1, 2, 3], \"dry\": true}",
        "SELECT a.id, b.name FROM a JOIN b ON a.id = b.id WHERE a.x > 3;",
        "- item one\n- item two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "\xd1\x81\xd0\xbe\xd0\xbb\xd1\x8c \xd0\xb8 \xd0\xb7\xd0\xb5\xd1\x80\xd0"
        "\xbd\xd0\xbe",
        "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85",
        "good \xf0\x9f\x91\x8d\xef\xb8\x8f family "
        "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
        "user@example.org wrote: salt, please",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int f = 0; f < DETECT_FORM_COUNT; f++) {
            if (strength((enum detect_form)f, wh_str_of(rows[i])) > 0) {
                print_error("row %zu has %s\n", i,
                            detect_form_row((enum detect_form)f)->name);
                fail();
            }
        }
    }
}

static void rows_are_whole(void **state)
{
    (void)state;
    for (int f = 0; f < DETECT_FORM_COUNT; f++) {
        const struct detect_form_row *row =
            detect_form_row((enum detect_form)f);
        assert_non_null(row->name);
        assert_non_null(row->reason);
        assert_true(row->weight > 0);
    }
}

static void history_is_a_chain(void **state)
{
    (void)state;
    struct detect_history a, b;
    detect_history_init(&a);
    detect_history_init(&b);
    assert_memory_equal(a.digest, b.digest, WH_SHA256_LEN);
    detect_history_add(&a, WH_S("user"), WH_S("salt"));
    detect_history_add(&b, WH_S("user"), WH_S("salt"));
    assert_memory_equal(a.digest, b.digest, WH_SHA256_LEN);
    detect_history_add(&a, WH_S("assistant"), WH_S("grain"));
    detect_history_add(&b, WH_S("assistant"), WH_S("Grain"));
    assert_memory_not_equal(a.digest, b.digest, WH_SHA256_LEN);
    detect_history_done(&a);
    detect_history_init(&a); /* where words stand between messages counts */
    detect_history_done(&b);
    detect_history_init(&b);
    detect_history_add(&a, WH_S("user"), WH_S("saltgrain"));
    detect_history_add(&b, WH_S("users"), WH_S("altgrain"));
    assert_memory_not_equal(a.digest, b.digest, WH_SHA256_LEN);
    detect_history_done(&a);
    detect_history_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_seen),
        cmocka_unit_test(repetition),
        cmocka_unit_test(ordinary_text_has_none),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(history_is_a_chain),
    };
    detect_views_init(&views);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    detect_views_done(&views);
    return failed;
}
