/*
 * hmac_test.c - RFC 4231 and RFC 5869 vectors.
 */
#include "base/enc.h"
#include "crypto/hmac.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *key, *msg, *mac;
} macs[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"", "",
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static const struct {
    const char *secret, *salt, *info, *okm;
} kdfs[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
     "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
     "34007208d5b887185865"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
     "9d201395faa4b61a96c8"},
};

static struct wh_str hex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = strlen(text) / 2;
    assert_true(n <= cap && wh_hex_dec(wh_str_of(text), out, n, false));
    return wh_str_mem(out, n);
}

static void published_macs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof macs / sizeof *macs; i++) {
        uint8_t k[32], m[32], want[32] = {0}, got[32];
        struct wh_str key = hex(macs[i].key, k, sizeof k);
        struct wh_str msg = hex(macs[i].msg, m, sizeof m);
        hex(macs[i].mac, want, sizeof want);
        crypto_hmac_sha256(key, msg, got);
        assert_memory_equal(got, want, sizeof want);
        assert_true(crypto_hmac_ok(key, msg, want));
        want[31] ^= 1;
        assert_false(crypto_hmac_ok(key, msg, want));
    }
    /* a null view is an empty key, not the key of the last call */
    uint8_t got[32], want[32];
    hex(macs[2].mac, want, sizeof want);
    crypto_hmac_sha256((struct wh_str){0}, (struct wh_str){0}, got);
    assert_memory_equal(got, want, sizeof want);
}

static void published_derivations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kdfs / sizeof *kdfs; i++) {
        uint8_t s[32], l[32], f[32], o[64], got[64];
        struct wh_str okm = hex(kdfs[i].okm, o, sizeof o);
        crypto_hkdf_sha256(hex(kdfs[i].secret, s, sizeof s),
                           hex(kdfs[i].salt, l, sizeof l),
                           hex(kdfs[i].info, f, sizeof f), got, okm.n);
        assert_memory_equal(got, o, okm.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_macs),
        cmocka_unit_test(published_derivations),
    };
    return cmocka_run_group_tests_name("crypto/hmac", tests, NULL, NULL);
}
