/*
 * aead_test.c - published AES-256-GCM vectors through one reused context, and
 * every way a record can be wrong.
 */
#include "base/enc.h"
#include "crypto/aead.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* McGrew and Viega, "The Galois/Counter Mode", test cases 13 to 16. */
static const struct {
    const char *key, *iv, *aad, *plain, *cipher, *tag;
} vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static size_t hex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = strlen(text) / 2;
    assert_true(n <= cap && wh_hex_dec(wh_str_of(text), out, n, false));
    return n;
}

static void published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint8_t key[32], iv[12], aad[32], plain[64], want[64], want_tag[16];
        hex(vectors[i].key, key, sizeof key);
        hex(vectors[i].iv, iv, sizeof iv);
        hex(vectors[i].tag, want_tag, sizeof want_tag);
        struct wh_str a = wh_str_mem(aad, hex(vectors[i].aad, aad, sizeof aad));
        size_t n = hex(vectors[i].plain, plain, sizeof plain);
        hex(vectors[i].cipher, want, sizeof want);

        struct crypto_aead *ctx = crypto_aead_new(key);
        for (int round = 0; round < 3; round++) { /* the context is reusable */
            uint8_t got[64], tag[16], back[64];
            crypto_aead_seal(ctx, iv, a, plain, n, got, tag);
            assert_memory_equal(got, want, n);
            assert_memory_equal(tag, want_tag, sizeof tag);
            assert_true(crypto_aead_open(ctx, iv, a, got, n, tag, back));
            assert_memory_equal(back, plain, n);
            assert_true(crypto_aead_open(ctx, iv, a, got, n, tag, got));
            assert_memory_equal(got, plain, n); /* in place */
        }
        crypto_aead_free(&ctx);
        assert_null(ctx);
    }
}

static void wrong_in_any_part_is_refused_and_wiped(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1}, zero[100] = {0};
    uint8_t iv[12] = {2}, aad[4] = {3}, plain[100], box[100], tag[16], out[100];
    memset(plain, 0x77, sizeof plain);
    struct crypto_aead *ctx = crypto_aead_new(key);
    struct wh_str a = wh_str_mem(aad, sizeof aad);
    crypto_aead_seal(ctx, iv, a, plain, sizeof plain, box, tag);

    uint8_t *parts[] = {iv, aad, box, tag};
    const size_t sizes[] = {sizeof iv, sizeof aad, sizeof box, sizeof tag};
    for (size_t p = 0; p < 4; p++) {
        for (size_t i = 0; i < sizes[p]; i++) {
            parts[p][i] ^= 0x40;
            memset(out, 0x55, sizeof out);
            assert_false(
                crypto_aead_open(ctx, iv, a, box, sizeof box, tag, out));
            assert_memory_equal(out, zero, sizeof out);
            parts[p][i] ^= 0x40;
        }
    }
    assert_false(
        crypto_aead_open(ctx, iv, WH_S(""), box, sizeof box, tag, out));
    assert_false(crypto_aead_open(ctx, iv, a, box, sizeof box - 1, tag, out));
    assert_true(crypto_aead_open(ctx, iv, a, box, sizeof box, tag, out));
    assert_memory_equal(out, plain, sizeof out);
    crypto_aead_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(wrong_in_any_part_is_refused_and_wiped),
    };
    return cmocka_run_group_tests_name("crypto/aead", tests, NULL, NULL);
}
