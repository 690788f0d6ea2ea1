/* Unit tests of scrypt: a value that another implementation computed, and that
 * every input counts. */
#include "base/enc.h"
#include "base/unit.h"
#include "crypto/scrypt.h"

static void make(const char *pass, uint8_t first, unsigned log_n, char hex[65])
{
    uint8_t salt[CRYPTO_SCRYPT_SALT], key[CRYPTO_SCRYPT_KEY];
    struct wh_err err = {0};
    for (unsigned i = 0; i < sizeof salt; i++) {
        salt[i] = (uint8_t)(first + i);
    }
    unit_ok(crypto_scrypt(wh_str_of(pass), salt, log_n, key, &err), err);
    wh_hex_enc(key, sizeof key, hex);
}

static void known(void **state)
{
    char hex[65];
    (void)state;
    make("correct horse", 0, 10, hex); /* Python: hashlib.scrypt */
    assert_string_equal(hex, "9df923deed5f4531c279af9f56bd37b1"
                             "657bef4929e702ce2e811a93388a86a1");
}

static void all_counts(void **state)
{
    char a[65], b[65];
    (void)state;
    make("x", 0, 4, a);
    make("x", 0, 4, b);
    assert_string_equal(a, b);
    make("y", 0, 4, b);
    assert_string_not_equal(a, b);
    make("x", 1, 4, b);
    assert_string_not_equal(a, b);
    make("x", 0, 5, b);
    assert_string_not_equal(a, b);
    make("", 0, 4, b);
    assert_string_not_equal(a, b);
}

static void bounds(void **state)
{
    uint8_t salt[CRYPTO_SCRYPT_SALT] = {0}, key[CRYPTO_SCRYPT_KEY];
    struct wh_err err = {0};
    (void)state;
    assert_false(crypto_scrypt(WH_S("x"), salt, 0, key, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    assert_false(
        crypto_scrypt(WH_S("x"), salt, CRYPTO_SCRYPT_LOG_N_MAX + 1, key, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(all_counts),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests_name("crypto/scrypt", tests, NULL, NULL);
}
