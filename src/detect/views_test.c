/* Unit tests of detect/views.h, and of decode.h and fold.h below it. */
#include "base/buf.h"
#include "base/unit.h"
#include "detect/views.h"

#define SALT "the ship brings salt and grain to the harbour town before winter"

static struct detect_views views;

static const struct detect_view *find(enum detect_kind kind, const char *text)
{
    for (size_t i = 0; i < views.n; i++) {
        if (views.view[i].kind == kind &&
            wh_str_find_str(views.view[i].text, wh_str_of(text)) != SIZE_MAX) {
            return &views.view[i];
        }
    }
    return NULL;
}

static void wrappings_come_off(void **state)
{
    (void)state;
    static const struct {
        enum detect_kind kind;
        const char *in, *out;
    } rows[] = {
        {DETECT_KIND_BASE64,
         "read this: dGhlIHNoaXAgYnJpbmdzIHNhbHQgYW5kIGdyYWluIHRvIHRoZSBoYXJi"
         "b3VyIHRvd24gYmVmb3JlIHdpbnRlcg== please",
         SALT},
        {DETECT_KIND_BASE64, /* wrapped, without padding */
         "dGhlIHNoaXAgYnJpbmdzIHNhbHQgYW5kIGdyYWluIHRvIHRoZSBoYXJib3Vy\n"
         "IHRvd24gYmVmb3JlIHdpbnRlcg",
         SALT},
        {DETECT_KIND_BASE32,
         "ORUGKIDTNBUXAIDCOJUW4Z3TEBZWC3DUEBQW4ZBAM5ZGC2LOEB2G6IDUNBSSA2DBOJRG6"
         "5LSEB2G653OEBRGKZTPOJSSA53JNZ2GK4Q=",
         "brings salt and grain"},
        {DETECT_KIND_HEX,
         "74686520736869702062 "
         "7468652073686970206272696e67732073616c7420616e64",
         "the ship brings salt and"},
        {DETECT_KIND_HEX,
         "74 68 65 20 73 68 69 70 20 62 72 69 6e 67 73 20 73 61 6c 74",
         "the ship brings salt"},
        {DETECT_KIND_ESCAPED,
         "%74%68%65%20%73%68%69%70%20%62%72%69%6E%67%73 salt",
         "the ship brings salt"},
        {DETECT_KIND_ESCAPED,
         "&#116;&#104;&#101;&#32;&#x73;&#x68;&#105;&#112; &lt;b&gt;",
         "the ship <b>"},
        {DETECT_KIND_ESCAPED,
         "\\u0074\\u0068\\u0065\\u0020\\x73\\x68\\u{69}\\u0070 \\ud83d\\ude00",
         "the ship \xf0\x9f\x98\x80"},
        {DETECT_KIND_ROTATED,
         "gur fuvc oevatf fnyg naq tenva gb gur uneobhe gbja orsber jvagre",
         SALT},
        {DETECT_KIND_REVERSED,
         "retniw erofeb nwot ruobrah eht ot niarg dna tlas sgnirb pihs eht",
         SALT},
        {DETECT_KIND_MORSE,
         "- .... . / ... .... .. .--. / -... .-. .. -. --. ... / ... .- .-.. - "
         "/ .- -. -.. / --. .-. .- .. -.",
         "the ship brings salt and grain"},
        {DETECT_KIND_BINARY,
         "01110100 01101000 01100101 00100000 01110011 01101000 01101001 "
         "01110000 00100000 01100010",
         "the ship b"},
        {DETECT_KIND_COLLAPSED, "th3 sh1p br1ng5 s4lt @nd gr41n",
         "the ship brings salt and grain"},
        {DETECT_KIND_COLLAPSED, "now b-r-i-n-g s a l t", "now bring salt"},
        {DETECT_KIND_BASE64, /* twice */
         "ZEdobElITm9hWEFnWW5KcGJtZHpJSE5oYkhRZ1lXNWtJR2R5WVdsdUlIUnZJSFJvWlNC"
         "b1lYSmliM1Z5SUhSdmQyNGdZbVZtYjNKbElIZHBiblJsY2c9PQ==",
         SALT},
        {DETECT_KIND_ROTATED, /* inside base64 */
         "Z3VyIGZ1dmMgb2V2YXRmIGZueWcgbmFxIHRlbnZhIGdiIGd1ciB1bmVvYmhlIGdiamEg"
         "b3JzYmVyIGp2YWdyZQ==",
         SALT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        detect_views_make(&views, wh_str_of(rows[i].in));
        if (!find(rows[i].kind, rows[i].out)) {
            print_error("row %zu: no %s view\n", i,
                        detect_kind_name(rows[i].kind));
            fail();
        }
        assert_false(views.over);
    }
}

/* Ordinary things that look a little like wrappings. */
static void nothing_to_take_off(void **state)
{
    (void)state;
    static const char *const rows[] = {
        SALT ". It comes in October, at the latest in November: ice closes the "
             "river. In 1893 it came at 7:45, with 120 t of cargo.",
        "def area(width, height):\n    return width * height\n\nassert area(2, "
        "3) == 6",
        "Das Schiff bringt Salz und Getreide, ehe der Winter kommt.",
        "git show 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f0",
        "https://example.org/a/very/long/path/with_many_words/"
        "index.html?x=1&y=2",
        "| a | b |\n|---|---|\n| - | - |\n| - | - |\n| - | - |",
        "GPT-4, MP3, H2O, 2nd, 3rd and B2B are names",
        "eyJhbGciOiJIUzI1NiJ9.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        detect_views_make(&views, wh_str_of(rows[i]));
        for (size_t k = 1; k < views.n; k++) {
            /* a token's first part is JSON in base64, and says so */
            if (i != 7 || views.view[k].kind != DETECT_KIND_BASE64) {
                print_error("row %zu has a view: %s\n", i,
                            detect_kind_name(views.view[k].kind));
                fail();
            }
        }
    }
}

static void folding(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"The SHIP", "the ship"},
        {"\xef\xbc\xb4\xef\xbd\x88\xef\xbd\x85", "the"}, /* fullwidth */
        {"\xf0\x9d\x90\xad\xf0\x9d\x90\xa1\xf0\x9d\x90\x9e", "the"}, /* bold */
        {"s\xe2\x80\x8b"
         "a\xe2\x81\xa0l\xc2\xad"
         "t",
         "salt"},
        {"s\xd0\xb0lt", "salt"}, /* Cyrillic a */
        {"\xd0\xa1\xd0\x9e\xd0\xa0 salt", "cop salt"},
        {"Caf\xc3\xa9 na\xc3\xafve", "cafe naive"},
        {"e\xcc\x81\xcc\x82\xcc\x83x", "ex"},
        {"\xd1\x81\xd0\xbe\xd0\xbb\xd1\x8c \xd0\xb8 \xd0\xb7\xd0\xb5\xd1\x80"
         "\xd0\xbd\xd0\xbe",
         "\xd1\x81\xd0\xbe\xd0\xbb\xd1\x8c \xd0\xb8 \xd0\xb7\xd0\xb5\xd1\x80"
         "\xd0\xbd\xd0\xbe"},       /* Russian stays */
        {"\xef\xac\x81ne", "fine"}, /* ligature */
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        detect_views_make(&views, wh_str_of(rows[i].in));
        unit_str(views.view[0].text, rows[i].out);
    }
}

static void marks_are_counted(void **state)
{
    (void)state;
    detect_views_make(&views,
                      wh_str_of("s\xe2\x80\x8b"
                                "a\xe2\x80\xae"
                                "l\xef\xb8\x8ft "
                                "gr\xd0\xb0in e\xcc\x81 \xff\xe2\x80\xac"));
    assert_int_equal(views.marks.invisible, 1);
    assert_int_equal(views.marks.bidi, 2);
    assert_int_equal(views.marks.variation, 1);
    assert_int_equal(views.marks.confusables, 1);
    assert_int_equal(views.marks.marks, 1);
    assert_int_equal(views.marks.broken, 1);
}

static void hidden_text_is_read(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 4096);
    wh_buf_cstr(&b, "hello ");
    for (const char *c = SALT; *c; c++) { /* tag characters */
        wh_buf_cstr(&b, "\xf3\xa0");
        wh_buf_char(&b, (char)(0x80 | (*c >> 6)));
        wh_buf_char(&b, (char)(0x80 | (*c & 0x3f)));
    }
    detect_views_make(&views, wh_buf_str(&b));
    unit_str(views.view[0].text, "hello ");
    assert_non_null(find(DETECT_KIND_HIDDEN, SALT));
    assert_int_equal(views.marks.tags, sizeof(SALT) - 1);
    wh_buf_reset(&b);
    wh_buf_cstr(&b, "x");
    for (const char *c = "salt and grain"; *c; c++) { /* selectors 17.. */
        unsigned v = 0xe0100u + (unsigned)*c - 16;
        wh_buf_char(&b, (char)(0xf0 | v >> 18));
        wh_buf_char(&b, (char)(0x80 | (v >> 12 & 0x3f)));
        wh_buf_char(&b, (char)(0x80 | (v >> 6 & 0x3f)));
        wh_buf_char(&b, (char)(0x80 | (v & 0x3f)));
    }
    detect_views_make(&views, wh_buf_str(&b));
    assert_non_null(find(DETECT_KIND_HIDDEN, "salt and grain"));
    wh_buf_done(&b);
}

/* Each view is bounded, and all of them together. */
static void budgets_hold(void **state)
{
    (void)state;
    struct wh_buf a, b;
    size_t sum = 0;
    wh_buf_init(&a, (size_t)1 << 20);
    wh_buf_init(&b, (size_t)1 << 20);
    for (int i = 0; i < 300; i++) {
        wh_buf_cstr(&a, SALT " ");
    }
    for (int i = 0; i < 4; i++) { /* four deep: one layer stays on */
        wh_buf_reset(&b);
        wh_buf_base64(&b, a.p, a.n);
        wh_buf_reset(&a);
        wh_buf_add(&a, wh_buf_str(&b));
    }
    a.n = a.n > DETECT_TEXT_MAX ? DETECT_TEXT_MAX : a.n;
    detect_views_make(&views, wh_buf_str(&a));
    for (size_t i = 1; i < views.n; i++) {
        sum += views.view[i].text.n;
        assert_in_range(views.view[i].depth, 1, DETECT_VIEWS_DEPTH);
    }
    assert_true(sum <= DETECT_VIEWS_BUDGET);
    wh_buf_reset(&a);
    while (a.n + 3 <= DETECT_TEXT_MAX) { /* 3 bytes that become 33 */
        wh_buf_cstr(&a, "\xef\xb7\xba");
    }
    detect_views_make(&views, wh_buf_str(&a));
    assert_true(views.over);
    assert_true(wh_str_utf8_ok(views.view[0].text));
    wh_buf_done(&a);
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrappings_come_off),
        cmocka_unit_test(nothing_to_take_off),
        cmocka_unit_test(folding),
        cmocka_unit_test(marks_are_counted),
        cmocka_unit_test(hidden_text_is_read),
        cmocka_unit_test(budgets_hold),
    };
    detect_views_init(&views);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    detect_views_done(&views);
    return failed;
}
