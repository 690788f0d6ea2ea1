/*
 * ed25519_test.c - RFC 8032 section 7.1 vectors, and what must be refused.
 */
#include "base/enc.h"
#include "crypto/ed25519.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct vector {
    const char *seed, *pub, *msg, *sig;
};

static const struct vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void hex(const char *text, uint8_t *out, size_t n)
{
    assert_true(wh_hex_dec(wh_str_of(text), out, n, false));
}

static void published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        uint8_t seed[32], pub[32], sig[64], msg[8], got_pub[32], got[64];
        size_t n = strlen(v->msg) / 2;
        hex(v->seed, seed, sizeof seed);
        hex(v->pub, pub, sizeof pub);
        hex(v->sig, sig, sizeof sig);
        hex(v->msg, msg, n);

        struct crypto_ed25519 *key = crypto_ed25519_new(seed);
        crypto_ed25519_public(key, got_pub);
        assert_memory_equal(got_pub, pub, sizeof pub);
        crypto_ed25519_sign(key, wh_str_mem(msg, n), got);
        assert_memory_equal(got, sig, sizeof sig);
        assert_true(crypto_ed25519_verify(pub, wh_str_mem(msg, n), sig));
        crypto_ed25519_free(&key);
        assert_null(key);
    }
}

static void any_changed_bit_is_refused(void **state)
{
    (void)state;
    const struct vector *v = &vectors[2];
    uint8_t pub[32], sig[64], msg[2];
    hex(v->pub, pub, sizeof pub);
    hex(v->sig, sig, sizeof sig);
    hex(v->msg, msg, sizeof msg);
    struct wh_str m = wh_str_mem(msg, sizeof msg);
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ (1U << (bit % 8)));
        assert_false(crypto_ed25519_verify(pub, m, sig));
        sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ (1U << (bit % 8)));
    }
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        pub[bit / 8] = (uint8_t)(pub[bit / 8] ^ (1U << (bit % 8)));
        assert_false(crypto_ed25519_verify(pub, m, sig));
        pub[bit / 8] = (uint8_t)(pub[bit / 8] ^ (1U << (bit % 8)));
    }
    msg[1] ^= 1;
    assert_false(crypto_ed25519_verify(pub, m, sig));
    assert_false(
        crypto_ed25519_verify(pub, wh_str_mem(msg, sizeof msg - 1), sig));
}

/* S plus the group order is the same point arithmetic: it must be refused, or
 * a signature would have a second form. */
static void second_form_of_a_signature_is_refused(void **state)
{
    (void)state;
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                      0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                      0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t pub[32], sig[64];
    hex(vectors[0].pub, pub, sizeof pub);
    hex(vectors[0].sig, sig, sizeof sig);
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)sig[32 + i] + order[i];
        sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_false(crypto_ed25519_verify(pub, WH_S(""), sig));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(any_changed_bit_is_refused),
        cmocka_unit_test(second_form_of_a_signature_is_refused),
    };
    return cmocka_run_group_tests_name("crypto/ed25519", tests, NULL, NULL);
}
