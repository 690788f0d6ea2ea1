/* Unit tests of base/rd.h. */
#include "base/buf.h"
#include "base/rd.h"
#include "base/unit.h"

static void reads_what_buf_wrote(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 1000);
    wh_buf_u8(&b, 0xAB);
    wh_buf_u16be(&b, 0x0102);
    wh_buf_u32le(&b, 0x01020304);
    wh_buf_u32be(&b, 0x01020304);
    wh_buf_u64le(&b, UINT64_C(0x0102030405060708));
    wh_buf_u64be(&b, UINT64_C(0x0102030405060708));
    wh_buf_bytes(&b, WH_S("text"));

    struct wh_rd r;
    wh_rd_init(&r, b.p, b.n);
    assert_int_equal(wh_rd_u8(&r), 0xAB);
    assert_int_equal(wh_rd_u16be(&r), 0x0102);
    assert_int_equal(wh_rd_u32le(&r), 0x01020304);
    assert_int_equal(wh_rd_u32be(&r), 0x01020304);
    assert_true(wh_rd_u64le(&r) == UINT64_C(0x0102030405060708));
    assert_true(wh_rd_u64be(&r) == UINT64_C(0x0102030405060708));
    assert_false(wh_rd_end(&r));
    unit_str(wh_rd_bytes(&r, 4), "text");
    assert_true(wh_rd_end(&r));
    wh_buf_done(&b);
}

static void knows_byte_order(void **state)
{
    (void)state;
    static const uint8_t raw[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct wh_rd r;
    wh_rd_init(&r, raw, sizeof raw);
    assert_int_equal(wh_rd_u16le(&r), 0x0201);
    assert_int_equal(wh_rd_u16be(&r), 0x0304);
    assert_int_equal(wh_rd_u32be(&r), 0x05060708);
    wh_rd_init(&r, raw, sizeof raw);
    assert_true(wh_rd_u64be(&r) == UINT64_C(0x0102030405060708));
    wh_rd_init(&r, raw, sizeof raw);
    assert_true(wh_rd_u64le(&r) == UINT64_C(0x0807060504030201));
}

static void stays_bad(void **state)
{
    (void)state;
    static const uint8_t raw[] = {1, 2, 3};
    struct wh_rd r;
    wh_rd_init(&r, raw, sizeof raw);
    assert_int_equal(wh_rd_left(&r), 3);
    assert_int_equal(wh_rd_u32le(&r), 0);
    assert_true(r.bad);
    assert_int_equal(wh_rd_left(&r), 0);
    assert_int_equal(wh_rd_u8(&r), 0);
    assert_int_equal(wh_rd_take(&r, 0).n, 0);
    assert_false(wh_rd_end(&r));
    uint8_t out[2] = {9, 9};
    wh_rd_copy(&r, out, sizeof out);
    assert_int_equal(out[0] + out[1], 0);
}

static void refuses_lying_lengths(void **state)
{
    (void)state;
    static const uint8_t huge[] = {0xFF, 0xFF, 0xFF, 0xFF, 'a'};
    static const uint8_t five[] = {5, 0, 0, 0, 'a', 'b', 'c', 'd', 'e'};
    struct wh_rd r;
    wh_rd_init(&r, huge, sizeof huge);
    assert_int_equal(wh_rd_bytes(&r, SIZE_MAX).n, 0);
    assert_true(r.bad);
    wh_rd_init(&r, five, sizeof five);
    assert_int_equal(wh_rd_bytes(&r, 4).n, 0);
    assert_true(r.bad);
    wh_rd_init(&r, five, sizeof five);
    (void)wh_rd_u8(&r);
    assert_int_equal(wh_rd_take(&r, SIZE_MAX).n, 0);
    assert_true(r.bad);
}

static void reads_nothing_from_nothing(void **state)
{
    (void)state;
    struct wh_rd r;
    wh_rd_init(&r, NULL, 0);
    assert_true(wh_rd_end(&r));
    assert_int_equal(wh_rd_take(&r, 0).n, 0);
    wh_rd_copy(&r, NULL, 0);
    assert_true(wh_rd_end(&r));
    assert_int_equal(wh_rd_u8(&r), 0);
    assert_true(r.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_buf_wrote),
        cmocka_unit_test(knows_byte_order),
        cmocka_unit_test(stays_bad),
        cmocka_unit_test(refuses_lying_lengths),
        cmocka_unit_test(reads_nothing_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
