/*
 * p256_test.c - RFC 6979 A.2.5 signatures verify, our own round trip, and what
 * must be refused.
 */
#include "base/enc.h"
#include "crypto/p256.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* SubjectPublicKeyInfo of the key of RFC 6979 A.2.5. */
static const char spki_hex[] =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200"
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

static const struct {
    const char *msg, *sig;
} vectors[] = {
    {"sample",
     "3046"
     "022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {"test",
     "3045"
     "022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
};

static struct wh_str hex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = strlen(text) / 2;
    assert_true(n <= cap && wh_hex_dec(wh_str_of(text), out, n, false));
    return wh_str_mem(out, n);
}

static void published_signatures_verify(void **state)
{
    (void)state;
    uint8_t a[128], b[128];
    struct wh_str spki = hex(spki_hex, a, sizeof a);
    for (size_t i = 0; i < 2; i++) {
        struct wh_str sig = hex(vectors[i].sig, b, sizeof b);
        struct wh_str msg = wh_str_of(vectors[i].msg);
        assert_true(crypto_p256_verify(spki, msg, sig));
        assert_false(crypto_p256_verify(spki, WH_S("other"), sig));
        b[sig.n - 1] ^= 1;
        assert_false(crypto_p256_verify(spki, msg, sig));
        assert_false(
            crypto_p256_verify(spki, msg, wh_str_sub(sig, 0, sig.n - 1)));
        assert_false(
            crypto_p256_verify(wh_str_sub(spki, 0, spki.n - 1), msg, sig));
    }
}

static void signs_and_survives_der(void **state)
{
    (void)state;
    struct wh_buf priv, pub, sig;
    wh_buf_init(&priv, 1024);
    wh_buf_init(&pub, 1024);
    wh_buf_init(&sig, 1024);
    struct crypto_p256 *key = crypto_p256_new();
    crypto_p256_private(key, &priv);
    crypto_p256_public(key, &pub);
    crypto_p256_free(&key);

    struct wh_err err = {0};
    assert_true(crypto_p256_read(wh_buf_str(&priv), &key, &err));
    crypto_p256_sign(key, WH_S("weigh me"), &sig);
    assert_true(crypto_p256_verify(wh_buf_str(&pub), WH_S("weigh me"),
                                   wh_buf_str(&sig)));
    crypto_p256_free(&key);

    wh_buf_char(&priv, 0); /* bytes after the key */
    assert_false(crypto_p256_read(wh_buf_str(&priv), &key, &err));
    assert_int_equal(err.code, WH_CORRUPT);
    wh_buf_done(&priv);
    wh_buf_done(&pub);
    wh_buf_done(&sig);
}

static void other_curves_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *other = EVP_EC_gen("secp256k1");
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(other);
    unsigned char *der = NULL;
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    struct crypto_p256 *key = NULL;
    struct wh_err err = {0};
    assert_false(crypto_p256_read(wh_str_mem(der, (size_t)n), &key, &err));
    assert_null(key);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_signatures_verify),
        cmocka_unit_test(signs_and_survives_der),
        cmocka_unit_test(other_curves_are_refused),
    };
    return cmocka_run_group_tests_name("crypto/p256", tests, NULL, NULL);
}
