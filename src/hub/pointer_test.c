/* Unit tests of the LFS pointer reader and writer. */
#include "hub/pointer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define V "version https://git-lfs.github.com/spec/v1\n"
#define OID       \
    "oid sha256:" \
    "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"

static const struct {
    const char *text;
    bool ok;
} CASES[] = {
    {V OID "size 12345\n", true},
    {V OID "size 0\n", true},
    {V "ext-0-foo sha256:abc\n" OID "size 1\n", true},
    {V OID "size 12345", false},
    {V OID, false},
    {V "size 1\n", false},
    {V OID OID "size 1\n", false},
    {V OID "size 1\nsize 2\n", false},
    {V OID "size -1\n", false},
    {V OID "size 99999999999999999999\n", false},
    {V OID "size 9223372036854775808\n", false},
    {V "oid sha256:4D7A\nsize 1\n", false},
    {V "oid md5:4d7a\nsize 1\n", false},
    {"version https://example.org/v1\n" OID "size 1\n", false},
    {"", false},
    {"hello\n", false},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct hub_pointer p;
        bool ok = hub_pointer_parse(wh_str_of(CASES[i].text), &p);
        if (ok != CASES[i].ok) {
            fail_msg("case %zu: %s", i, CASES[i].text);
        }
    }
}

static void test_round_trip(void **state)
{
    struct hub_pointer p = {.size = 90868376}, q;
    struct wh_buf b;

    (void)state;
    wh_sha256_hex_of(WH_S("hello"), p.sha256);
    wh_buf_init(&b, 1024);
    hub_pointer_write(&b, &p);
    assert_true(hub_pointer_parse(wh_buf_str(&b), &q));
    assert_string_equal(p.sha256, q.sha256);
    assert_int_equal(p.size, q.size);
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
