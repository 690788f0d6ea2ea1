/*
 * xorb_test.c - xorbs of all schemes against the published hashes, and every
 * way we know to lie in one.
 */
#include "base/unit.h"

#include "base/mem.h"
#include "scan/testing.h"

#define MILLION 1000000u
#define MEMORY (16u << 20)

static bool verify(struct wh_arena *a, struct wh_str bytes,
                   struct scan_xorb_table *t, struct wh_err *err)
{
    struct wh_src src = wh_src_mem(bytes.p, bytes.n);
    return scan_xorb_verify(&src, a, t, err);
}

/* A million zeros in eight chunks, as in the published vector. */
static void zeros(struct wh_buf *b, int scheme)
{
    uint8_t *p = wh_alloc(MILLION);
    for (size_t at = 0; at < MILLION; at += SCAN_XORB_CHUNK_MAX) {
        size_t n = MILLION - at;
        scan_testing_chunk(
            b, p, n < SCAN_XORB_CHUNK_MAX ? n : SCAN_XORB_CHUNK_MAX, scheme);
    }
    wh_free(p);
}

static void every_scheme_gives_the_published_hash(void **state)
{
    (void)state;
    for (int scheme = 0; scheme <= 2; scheme++) {
        struct scan_xorb_table t;
        struct wh_err err;
        struct wh_arena a;
        struct wh_buf b;
        char text[SCAN_XET_TEXT];
        wh_arena_init(&a, MEMORY);
        wh_buf_init(&b, MEMORY);
        zeros(&b, scheme);
        unit_ok(verify(&a, wh_buf_str(&b), &t, &err), err);
        scan_xet_text(&t.hash, text);
        assert_string_equal(
            text,
            "66df762464541c4b4525314f0cb292f49017a961ce8c95b5a2ced973fdbf7527");
        assert_int_equal(t.count, 8);
        assert_int_equal(t.raw, MILLION);
        assert_int_equal(t.bytes, b.n);
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
}

/* Lengths around the groups of four, in both compressed schemes. */
static void chunks_come_back_as_they_were(void **state)
{
    (void)state;
    struct scan_xorb_codec *codec = scan_xorb_codec_new();
    uint8_t *in = wh_alloc(SCAN_XORB_CHUNK_MAX);
    uint8_t *out = wh_alloc(SCAN_XORB_CHUNK_MAX);
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 4099, 131071, 131072};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int scheme = 0; scheme <= 2; scheme++) {
            struct wh_err err;
            struct wh_buf b;
            uint32_t n;
            uint64_t next;
            wh_buf_init(&b, MEMORY);
            scan_testing_fill(in, sizes[i], i + 1);
            scan_testing_chunk(&b, in, sizes[i], scheme);
            struct wh_src src = wh_src_mem(b.p, b.n);
            unit_ok(scan_xorb_chunk_read(codec, &src, 0, out, &n, &next, &err),
                    err);
            assert_int_equal(n, sizes[i]);
            assert_int_equal(next, b.n);
            assert_memory_equal(in, out, n);
            wh_buf_done(&b);
        }
    }
    wh_free(out);
    wh_free(in);
    scan_xorb_codec_free(&codec);
}

static void a_footer_is_left_out(void **state)
{
    (void)state;
    struct scan_xorb_table t, bare;
    struct wh_err err;
    struct wh_arena a;
    struct wh_buf b;
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&b, MEMORY);
    scan_testing_chunk(&b, "hello", 5, 0);
    size_t n = b.n;
    unit_ok(verify(&a, wh_buf_str(&b), &bare, &err), err);
    wh_buf_cstr(&b, "XETBLOB\1");
    for (int i = 0; i < 92; i++) {
        wh_buf_u8(&b, 7);
    }
    wh_buf_u32le(&b, 100);
    unit_ok(verify(&a, wh_buf_str(&b), &t, &err), err);
    assert_int_equal(t.bytes, n);
    assert_true(scan_xet_eq(&t.hash, &bare.hash));
    /* A footer's length that points elsewhere is no footer. */
    b.p[b.n - 4] = 99;
    unit_fails(verify(&a, wh_buf_str(&b), &t, &err), err, WH_BAD_REQUEST);
    wh_buf_done(&b);
    wh_arena_done(&a);
}

struct lie {
    size_t at; /* byte of the one chunk that is changed */
    uint8_t to;
    int scheme;
    enum wh_code code;
};

static const struct lie lies[] = {
    {0, 1, 0, WH_BAD_REQUEST},   /* version */
    {4, 3, 0, WH_BAD_REQUEST},   /* scheme */
    {4, 255, 0, WH_BAD_REQUEST}, /* scheme */
    {1, 4, 0, WH_BAD_REQUEST},   /* stored too short */
    {1, 6, 0, WH_BAD_REQUEST},   /* stored beyond the end */
    {1, 0, 0, WH_BAD_REQUEST},   /* stored nothing */
    {3, 255, 0, WH_BAD_REQUEST}, /* stored huge */
    {5, 4, 0, WH_BAD_REQUEST},   /* raw differs from stored */
    {5, 0, 0, WH_BAD_REQUEST},   /* raw nothing */
    {7, 255, 0, WH_BAD_REQUEST}, /* raw huge */
    {5, 4, 1, WH_BAD_REQUEST},   /* frame gives more */
    {5, 6, 1, WH_BAD_REQUEST},   /* frame gives less */
    {5, 4, 2, WH_BAD_REQUEST},   /* the same, grouped */
    {8, 0, 1, WH_BAD_REQUEST},   /* no frame */
    {12, 0, 1, WH_BAD_REQUEST},  /* broken descriptor */
    {4, 1, 0, WH_BAD_REQUEST},   /* says LZ4, is not */
};

static void lies_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct scan_xorb_table t;
        struct wh_err err;
        struct wh_arena a;
        struct wh_buf b;
        wh_arena_init(&a, MEMORY);
        wh_buf_init(&b, MEMORY);
        scan_testing_chunk(&b, "hello", 5, lies[i].scheme);
        b.p[lies[i].at] = (char)lies[i].to;
        unit_fails(verify(&a, wh_buf_str(&b), &t, &err), err, lies[i].code);
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct scan_xorb_table t;
    struct wh_err err;
    struct wh_arena a;
    struct wh_buf b;
    struct wh_src huge = {.size = (uint64_t)SCAN_XORB_BYTES_MAX + 1};
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&b, MEMORY);
    unit_fails(scan_xorb_verify(&huge, &a, &t, &err), err, WH_TOO_LARGE);
    unit_fails(verify(&a, WH_S(""), &t, &err), err, WH_BAD_REQUEST);
    unit_fails(verify(&a, WH_S("\0\0\0"), &t, &err), err, WH_BAD_REQUEST);
    for (unsigned i = 0; i < SCAN_XORB_CHUNKS_MAX; i++) {
        scan_testing_chunk(&b, "x", 1, 0);
    }
    unit_ok(verify(&a, wh_buf_str(&b), &t, &err), err);
    scan_testing_chunk(&b, "x", 1, 0);
    unit_fails(verify(&a, wh_buf_str(&b), &t, &err), err, WH_TOO_LARGE);
    wh_buf_done(&b);
    wh_arena_done(&a);
}

/* A frame that unpacks to far more than a chunk costs no more than a chunk. */
static void a_bomb_stays_small(void **state)
{
    (void)state;
    struct scan_xorb_table t;
    struct wh_err err;
    struct wh_arena a;
    struct wh_buf b;
    uint8_t *p = wh_alloc(8u << 20);
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&b, MEMORY);
    scan_testing_chunk(&b, p, 8u << 20, 1);
    b.p[5] = 0; /* it says: 128 KiB */
    b.p[6] = 0;
    b.p[7] = 2;
    unit_fails(verify(&a, wh_buf_str(&b), &t, &err), err, WH_BAD_REQUEST);
    wh_free(p);
    wh_buf_done(&b);
    wh_arena_done(&a);
}

static void tables_survive_the_journey(void **state)
{
    (void)state;
    struct scan_xorb_table t, back;
    struct wh_err err;
    struct wh_arena a;
    struct wh_buf b, table;
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&b, MEMORY);
    wh_buf_init(&table, MEMORY);
    zeros(&b, 1);
    unit_ok(verify(&a, wh_buf_str(&b), &t, &err), err);
    scan_xorb_table_write(&table, &t);
    unit_ok(scan_xorb_table_read(wh_buf_str(&table), &a, &back, &err), err);
    assert_int_equal(back.raw, t.raw);
    assert_int_equal(back.bytes, t.bytes);
    assert_memory_equal(back.chunks, t.chunks, t.count * sizeof *t.chunks);
    /* Any byte changed, any byte less: not a table. */
    for (size_t i = 0; i < table.n; i++) {
        table.p[i] = (char)(table.p[i] ^ 1);
        unit_fails(scan_xorb_table_read(wh_buf_str(&table), &a, &back, &err),
                   err, WH_CORRUPT);
        table.p[i] = (char)(table.p[i] ^ 1);
        unit_fails(
            scan_xorb_table_read(wh_str_mem(table.p, i), &a, &back, &err), err,
            WH_CORRUPT);
    }
    wh_buf_done(&table);
    wh_buf_done(&b);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_gives_the_published_hash),
        cmocka_unit_test(chunks_come_back_as_they_were),
        cmocka_unit_test(a_footer_is_left_out),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_bomb_stays_small),
        cmocka_unit_test(tables_survive_the_journey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
