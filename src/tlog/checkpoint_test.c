/*
 * checkpoint_test.c - checkpoints and receipts: published vectors and what a
 * verifier must refuse.
 */
#include "base/enc.h"
#include "tlog/checkpoint.h"
#include "tlog/proof.h"
#include "tlog/testkeys.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROOT "krbUDg0+GSpldi5DXuWEgRrhc1yFSHqChNMBRFrjHtI=\n"

static struct tlog_vkey log_key(void)
{
    struct tlog_vkey vk;
    struct wh_err err = {0};
    assert_true(tlog_vkey_parse(WH_S(TEST_LOG_VKEY), &vk, &err));
    return vk;
}

static void published_checkpoint(void **state)
{
    (void)state;
    static const char note[] = TEST_TEXT_70000 "\n" TEST_SIG_70000;
    struct tlog_vkey vk = log_key();
    struct tlog_checkpoint cp;
    struct wh_err err = {0};
    assert_true(tlog_checkpoint_open(wh_str_of(note), &vk, &cp, &err));
    assert_string_equal(cp.origin, TEST_LOG);
    assert_true(cp.size == 70000);

    uint8_t seed[CRYPTO_ED25519_SEED];
    for (size_t i = 0; i < sizeof seed; i++) {
        seed[i] = (uint8_t)i;
    }
    struct crypto_ed25519 *key = crypto_ed25519_new(seed);
    struct wh_buf out;
    wh_buf_init(&out, 4096);
    tlog_checkpoint_sign(&cp, &vk, key, &out);
    assert_true(wh_str_is(wh_buf_str(&out), note));
    wh_buf_done(&out);
    crypto_ed25519_free(&key);
}

static void malformed_checkpoints(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "o\n1\n",
        "o\n1\n" ROOT "extension\n",
        "o\n01\n" ROOT,
        "o\n-1\n" ROOT,
        "o\n+1\n" ROOT,
        "o\n\n" ROOT,
        "o\n0x1\n" ROOT,
        "o\n18446744073709551616\n" ROOT,
        "o\n4611686018427387905\n" ROOT,
        "\n1\n" ROOT,
        "o o\n1\n" ROOT,
        "o\n1\nAAAA\n",
        "o\n1\nkrbUDg0+GSpldi5DXuWEgRrhc1yFSHqChNMBRFrjHtJ=\n",
        "o\n1\nkrbUDg0+GSpldi5DXuWEgRrhc1yFSHqChNMBRFrjHtI\n",
        "o\n1\nkrbUDg0+GSpldi5DXuWEgRrhc1yFSHqChNMBRFrjHtI=",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tlog_checkpoint cp;
        struct wh_err err = {0};
        if (tlog_checkpoint_parse(wh_str_of(bad[i]), &cp, &err)) {
            fail_msg("accepted %s", bad[i]);
        }
        assert_int_equal(err.code, WH_NOT_VERIFIABLE);
    }
}

static void origin_must_be_the_keys_name(void **state)
{
    (void)state;
    uint8_t seed[CRYPTO_ED25519_SEED] = {0}, pub[CRYPTO_ED25519_PUB];
    struct crypto_ed25519 *key = crypto_ed25519_new(seed);
    crypto_ed25519_public(key, pub);
    struct tlog_vkey vk;
    tlog_vkey_make(WH_S("a"), TLOG_KEY_ED25519, pub, &vk);
    struct tlog_checkpoint cp = {.origin = "b", .size = 1}, back;
    struct wh_buf out;
    struct wh_err err = {0};
    wh_buf_init(&out, 4096);
    tlog_checkpoint_sign(&cp, &vk, key, &out);
    assert_false(tlog_checkpoint_open(wh_buf_str(&out), &vk, &back, &err));
    assert_int_equal(err.code, WH_NOT_VERIFIABLE);
    wh_buf_done(&out);
    crypto_ed25519_free(&key);
}

static struct tlog_hash leaf5(void)
{
    struct tlog_hash h;
    tlog_hash_leaf(WH_S("\x40\x41\x42\x43"), &h);
    return h;
}

static void published_receipt(void **state)
{
    (void)state;
    struct tlog_vkey vk = log_key();
    struct tlog_proof p;
    struct tlog_checkpoint cp;
    struct tlog_hash leaf = leaf5();
    struct wh_err err = {0};
    assert_true(tlog_proof_parse(WH_S(TEST_RECEIPT), &p, &err));
    assert_true(p.index == 5 && p.path.n == 3 && p.extra.p == NULL);
    assert_true(wh_str_is(p.checkpoint, TEST_RECEIPT_CP));
    assert_true(tlog_proof_verify(&p, &leaf, &vk, &cp, &err));
    assert_true(cp.size == 8);
    struct wh_buf out;
    wh_buf_init(&out, TLOG_PROOF_MAX);
    tlog_proof_text(&p, &out);
    assert_true(wh_str_is(wh_buf_str(&out), TEST_RECEIPT));
    wh_buf_reset(&out);
    p.extra = WH_S("AAAA");
    tlog_proof_text(&p, &out);
    assert_true(tlog_proof_parse(wh_buf_str(&out), &p, &err));
    assert_true(wh_str_is(p.extra, "AAAA"));
    wh_buf_done(&out);
}

/* Any one changed byte of a receipt: refused, or (in the extra line only) it
 * does not matter. */
static void any_changed_byte_of_a_receipt(void **state)
{
    (void)state;
    struct tlog_vkey vk = log_key();
    struct tlog_hash leaf = leaf5();
    char text[] = TEST_RECEIPT;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        struct tlog_proof p;
        struct wh_err err = {0};
        text[i] = (char)(text[i] ^ 1);
        bool ok = tlog_proof_parse(wh_str_of(text), &p, &err) &&
                  tlog_proof_verify(&p, &leaf, &vk, NULL, &err);
        if (ok) {
            fail_msg("byte %zu may be changed", i);
        }
        text[i] = (char)(text[i] ^ 1);
    }
}

static void malformed_receipts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v2\nindex 5\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 05\n\nx",
        "c2sp.org/tlog-proof@v1\nindex\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 5\nAAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 5\n",
        "c2sp.org/tlog-proof@v1\nextra *\nindex 5\n\nx",
        "c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 5\n\nx",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tlog_proof p;
        struct wh_err err = {0};
        if (tlog_proof_parse(wh_str_of(bad[i]), &p, &err)) {
            fail_msg("accepted %s", bad[i]);
        }
        assert_int_equal(err.code, WH_NOT_VERIFIABLE);
    }
    struct wh_buf b;
    struct tlog_proof p;
    struct wh_err err = {0};
    wh_buf_init(&b, TLOG_PROOF_MAX);
    wh_buf_cstr(&b, "c2sp.org/tlog-proof@v1\nindex 5\n");
    for (size_t i = 0; i <= TLOG_PATH_MAX; i++) {
        wh_buf_cstr(&b, ROOT);
    }
    wh_buf_cstr(&b, "\n");
    assert_false(tlog_proof_parse(wh_buf_str(&b), &p, &err));
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_checkpoint),
        cmocka_unit_test(malformed_checkpoints),
        cmocka_unit_test(origin_must_be_the_keys_name),
        cmocka_unit_test(published_receipt),
        cmocka_unit_test(any_changed_byte_of_a_receipt),
        cmocka_unit_test(malformed_receipts),
    };
    return cmocka_run_group_tests_name("tlog/checkpoint", tests, NULL, NULL);
}
