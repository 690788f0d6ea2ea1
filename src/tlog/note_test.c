/*
 * note_test.c - signed notes: published vectors, and every malformed form.
 */
#include "base/enc.h"
#include "tlog/note.h"
#include "tlog/testkeys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define D "\xe2\x80\x94 "
#define S64 /* 48 zero bytes in base64 */ \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct crypto_ed25519 *key_from(uint8_t first)
{
    uint8_t seed[CRYPTO_ED25519_SEED];
    for (size_t i = 0; i < sizeof seed; i++) {
        seed[i] = (uint8_t)(first + i);
    }
    return crypto_ed25519_new(seed);
}

static void vkeys_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        enum tlog_key_type type;
        uint8_t seed, id[4];
    } cases[] = {
        {TEST_LOG, TEST_LOG_VKEY, TLOG_KEY_ED25519, 0, {0xc2, 0x5c, 0x11, 9}},
        {"witness.example/w1",
         TEST_WITNESS_VKEY,
         TLOG_KEY_COSIGNER,
         0x80,
         {0x9f, 0x27, 0x43, 0x63}},
        {TEST_LOG, NULL, TLOG_KEY_COSIGNER, 0, {0xc1, 0xfa, 0x9a, 0xd4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct crypto_ed25519 *key = key_from(cases[i].seed);
        uint8_t pub[CRYPTO_ED25519_PUB];
        struct tlog_vkey vk, back;
        struct wh_err err = {0};
        struct wh_buf text;
        wh_buf_init(&text, TLOG_VKEY_TEXT);
        crypto_ed25519_public(key, pub);
        tlog_vkey_make(wh_str_of(cases[i].name), cases[i].type, pub, &vk);
        assert_memory_equal(vk.id, cases[i].id, 4);
        tlog_vkey_text(&vk, &text);
        if (cases[i].text) {
            assert_true(wh_str_is(wh_buf_str(&text), cases[i].text));
        }
        assert_true(tlog_vkey_parse(wh_buf_str(&text), &back, &err));
        assert_memory_equal(&back, &vk, sizeof vk);
        wh_buf_done(&text);
        crypto_ed25519_free(&key);
    }
}

static void bad_vkeys(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a",
        "a+b",
        "+c25c1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        TEST_LOG "+c25c1108+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        TEST_LOG "+C25C1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        TEST_LOG "+c25c1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG",
        TEST_LOG "+c25c1109+AgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        TEST_LOG "x+c25c1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        TEST_LOG "+c25c1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n",
        TEST_LOG "+c25c1109+",
        "a b+c25c1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tlog_vkey vk;
        struct wh_err err = {0};
        if (tlog_vkey_parse(wh_str_of(bad[i]), &vk, &err)) {
            fail_msg("accepted %s", bad[i]);
        }
        assert_int_equal(err.code, WH_BAD_REQUEST);
    }
}

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "example.com/log", "\xc3\xa9",
                                       "\xe2\x80\x94"};
    static const char *const bad[] = {
        "",         "a b",          "a+b",          "a\tb",         "a\nb",
        "\x7f",     "a\xc2\xa0",    "\xe2\x80\x83", "\xe3\x80\x80", "\xff",
        "\xc2\x85", "\xe1\x9a\x80", "\xe2\x80\xa8"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(tlog_name_ok(wh_str_of(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(tlog_name_ok(wh_str_of(bad[i])));
    }
    char longest[TLOG_NAME_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_true(tlog_name_ok(wh_str_mem(longest, TLOG_NAME_MAX)));
    assert_false(tlog_name_ok(wh_str_mem(longest, TLOG_NAME_MAX + 1)));
}

static void published_note(void **state)
{
    (void)state;
    static const char text[] = TEST_TEXT_70000
        "\n" TEST_SIG_70000 D "other.example " S64 "AAAA\n" TEST_COSIG_70000;
    struct tlog_note note;
    struct tlog_vkey log, witness;
    struct wh_err err = {0};
    uint64_t time = 7;
    assert_true(tlog_vkey_parse(WH_S(TEST_LOG_VKEY), &log, &err));
    assert_true(tlog_vkey_parse(WH_S(TEST_WITNESS_VKEY), &witness, &err));
    assert_true(tlog_note_parse(wh_str_of(text), &note, &err));
    assert_int_equal(note.n, 3);
    assert_true(wh_str_is(note.text, TEST_TEXT_70000));
    assert_true(tlog_note_verify(&note, &log, &time, &err));
    assert_true(time == 0);
    assert_true(tlog_note_verify(&note, &witness, &time, &err));
    assert_true(time == TEST_COSIG_TIME);
}

static void signs_the_published_bytes(void **state)
{
    (void)state;
    struct tlog_vkey log, witness;
    struct wh_err err = {0};
    struct wh_buf out;
    wh_buf_init(&out, 4096);
    struct crypto_ed25519 *k = key_from(0), *w = key_from(0x80);
    assert_true(tlog_vkey_parse(WH_S(TEST_LOG_VKEY), &log, &err));
    assert_true(tlog_vkey_parse(WH_S(TEST_WITNESS_VKEY), &witness, &err));
    tlog_note_sign(WH_S(TEST_TEXT_70000), &log, k, &out);
    assert_true(wh_str_is(wh_buf_str(&out), TEST_SIG_70000));
    wh_buf_reset(&out);
    tlog_note_cosign(WH_S(TEST_TEXT_70000), &witness, w, TEST_COSIG_TIME, &out);
    assert_true(wh_str_is(wh_buf_str(&out), TEST_COSIG_70000));
    wh_buf_done(&out);
    crypto_ed25519_free(&k);
    crypto_ed25519_free(&w);
}

static void verdict(const char *text, enum wh_code want)
{
    struct tlog_note note;
    struct tlog_vkey log;
    struct wh_err err = {0};
    assert_true(tlog_vkey_parse(WH_S(TEST_LOG_VKEY), &log, &err));
    bool ok = tlog_note_parse(wh_str_of(text), &note, &err) &&
              tlog_note_verify(&note, &log, NULL, &err);
    assert_int_equal(ok, want == WH_NONE);
    if (!ok) {
        assert_int_equal(err.code, want);
    }
}

static void what_a_verifier_refuses(void **state)
{
    (void)state;
    verdict(TEST_TEXT_70000 "\n" TEST_SIG_70000, WH_NONE);
    /* one known good line and one known bad one: reject the whole */
    verdict(TEST_TEXT_70000 "\n" TEST_SIG_70000 D TEST_LOG " wlwRCQ" S64
                            "AAAAAAAAAAAAAAAAAAAAA=\n",
            WH_CORRUPT);
    /* signed by others only */
    verdict(TEST_TEXT_70000 "\n" TEST_COSIG_70000, WH_NOT_VERIFIABLE);
    /* the key's name with another id is another key */
    verdict(TEST_TEXT_70000 "\n" D TEST_LOG " " S64 "\n", WH_NOT_VERIFIABLE);
    /* changed text */
    verdict("x" TEST_TEXT_70000 "\n" TEST_SIG_70000, WH_CORRUPT);
    verdict(TEST_TEXT_70000 "x\n\n" TEST_SIG_70000, WH_CORRUPT);
    verdict("\n" TEST_TEXT_70000 "\n" TEST_SIG_70000, WH_CORRUPT);
    /* malformed */
    verdict("", WH_NOT_VERIFIABLE);
    verdict("\n", WH_NOT_VERIFIABLE);
    verdict("\n\n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000, WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 TEST_SIG_70000, WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n" TEST_SIG_70000 "x", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n" TEST_SIG_70000 "\n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n- " TEST_LOG " " S64 "\n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n" D " " S64 "\n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n" D TEST_LOG "  " S64 "\n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n" D TEST_LOG " \n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n" D TEST_LOG " AAAA\n", WH_NOT_VERIFIABLE);
    verdict(TEST_TEXT_70000 "\n" D TEST_LOG " AA*A" S64 "\n",
            WH_NOT_VERIFIABLE);
    verdict("tab\there\n\n" TEST_SIG_70000, WH_NOT_VERIFIABLE);
    verdict("utf\xff\n\n" TEST_SIG_70000, WH_NOT_VERIFIABLE);
}

static void count_and_size_are_limited(void **state)
{
    (void)state;
    struct wh_buf b;
    struct tlog_note note;
    struct wh_err err = {0};
    wh_buf_init(&b, 4 * TLOG_NOTE_MAX);
    wh_buf_cstr(&b, "text\n\n");
    for (size_t i = 0; i < TLOG_NOTE_SIGS; i++) {
        wh_buf_cstr(&b, D "a " S64 "\n");
    }
    assert_true(tlog_note_parse(wh_buf_str(&b), &note, &err));
    wh_buf_cstr(&b, D "a " S64 "\n");
    assert_false(tlog_note_parse(wh_buf_str(&b), &note, &err));
    wh_buf_reset(&b);
    for (size_t i = 0; i < TLOG_NOTE_MAX; i++) {
        wh_buf_char(&b, 'a');
    }
    wh_buf_cstr(&b, "\n\n" D "a " S64 "\n");
    assert_false(tlog_note_parse(wh_buf_str(&b), &note, &err));
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vkeys_both_ways),
        cmocka_unit_test(bad_vkeys),
        cmocka_unit_test(names),
        cmocka_unit_test(published_note),
        cmocka_unit_test(signs_the_published_bytes),
        cmocka_unit_test(what_a_verifier_refuses),
        cmocka_unit_test(count_and_size_are_limited),
    };
    return cmocka_run_group_tests_name("tlog/note", tests, NULL, NULL);
}
