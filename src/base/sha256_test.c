/* Unit tests of base/sha256.h against FIPS 180-4's published examples. */
#include "base/enc.h"
#include "base/sha256.h"
#include "base/unit.h"

static const char *const empty_hex =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char *const abc_hex =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char *const million_a_hex =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void knows_the_examples(void **state)
{
    (void)state;
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_hex_of((struct wh_str){NULL, 0}, hex);
    assert_string_equal(hex, empty_hex);
    wh_sha256_hex_of(WH_S("abc"), hex);
    assert_string_equal(hex, abc_hex);
    uint8_t raw[WH_SHA256_LEN];
    wh_sha256_of(WH_S("abc"), raw);
    wh_hex_enc(raw, sizeof raw, hex);
    assert_string_equal(hex, abc_hex);
}

static void hashes_streams(void **state)
{
    (void)state;
    struct wh_sha256 h;
    uint8_t raw[WH_SHA256_LEN];
    char hex[WH_SHA256_HEX + 1];
    char text[1000];
    memset(text, 'a', sizeof text);
    wh_sha256_init(&h);
    wh_sha256_get(&h, raw);
    wh_hex_enc(raw, sizeof raw, hex);
    assert_string_equal(hex, empty_hex);
    for (int i = 0; i < 1000; i++) {
        wh_sha256_add(&h, text, sizeof text);
        wh_sha256_add(&h, NULL, 0);
        if (i == 500) {
            wh_sha256_get(&h, raw); /* the state goes on */
        }
    }
    wh_sha256_get(&h, raw);
    wh_hex_enc(raw, sizeof raw, hex);
    assert_string_equal(hex, million_a_hex);
    wh_sha256_done(&h);
    wh_sha256_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_examples),
        cmocka_unit_test(hashes_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
