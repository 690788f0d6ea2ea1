/*
 * shard_test.c - shards with and without a footer, and files held against the
 * xorbs they name: who does not know the chunks can not claim them.
 */
#include "base/unit.h"

#include "base/mem.h"
#include "scan/testing.h"

#define MEMORY (64u << 20)
#define CHUNKS 5u

/* One xorb of five chunks and one file over chunks 0..2 and 3..5 of it. */
struct world {
    struct wh_arena a;
    struct wh_buf shard;
    struct scan_xorb_table xorb;
    struct scan_shard_term terms[2];
    struct scan_shard_file file;
};

static int up(void **state)
{
    struct world *w = wh_alloc(sizeof *w);
    struct wh_err err;
    struct wh_buf b;
    uint8_t data[1000];
    wh_arena_init(&w->a, MEMORY);
    wh_buf_init(&w->shard, MEMORY);
    wh_buf_init(&b, MEMORY);
    for (unsigned i = 0; i < CHUNKS; i++) {
        scan_testing_fill(data, sizeof data, i + 1);
        scan_testing_chunk(&b, data, 100 + 50 * i, (int)(i % 3));
    }
    struct wh_src src = wh_src_mem(b.p, b.n);
    unit_ok(scan_xorb_verify(&src, &w->a, &w->xorb, &err), err);
    wh_buf_done(&b);
    w->terms[0] = scan_testing_term(&w->xorb, 0, 2);
    w->terms[1] = scan_testing_term(&w->xorb, 3, 5);
    w->file = (struct scan_shard_file){
        .has_sha256 = true, .count = 2, .terms = w->terms};
    for (unsigned i = 0; i < 32; i++) {
        w->file.sha256[i] = (uint8_t)i;
    }
    scan_testing_file_hash(&w->file, &w->xorb);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    wh_buf_done(&w->shard);
    wh_arena_done(&w->a);
    wh_free(w);
    return 0;
}

static bool parse(struct world *w, struct wh_str bytes, struct scan_shard *s,
                  struct wh_err *err)
{
    struct wh_src src = wh_src_mem(bytes.p, bytes.n);
    return scan_shard_parse(&src, &w->a, s, err);
}

static void same_shard(const struct world *w, const struct scan_shard *s)
{
    assert_int_equal(s->nfiles, 1);
    assert_int_equal(s->nxorbs, 1);
    assert_true(scan_xet_eq(&s->files[0].hash, &w->file.hash));
    assert_true(s->files[0].has_sha256);
    assert_memory_equal(s->files[0].sha256, w->file.sha256, 32);
    assert_int_equal(s->files[0].count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct scan_shard_term *t = &s->files[0].terms[i];
        assert_int_equal(t->raw, w->terms[i].raw);
        assert_int_equal(t->start, w->terms[i].start);
        assert_int_equal(t->end, w->terms[i].end);
        assert_true(t->has_range);
        assert_true(scan_xet_eq(&t->range, &w->terms[i].range));
    }
    assert_int_equal(s->xorbs[0].count, CHUNKS);
    assert_int_equal(s->xorbs[0].raw, w->xorb.raw);
    assert_int_equal(s->xorbs[0].stored, w->xorb.bytes);
}

static void both_forms_parse_and_travel(void **state)
{
    struct world *w = *state;
    for (uint32_t footer = 0; footer <= 200; footer += 200) {
        struct scan_shard s, back;
        struct wh_err err;
        struct wh_buf b;
        wh_buf_reset(&w->shard);
        scan_testing_shard(&w->shard, &w->file, 1, &w->xorb, 1, footer);
        unit_ok(parse(w, wh_buf_str(&w->shard), &s, &err), err);
        same_shard(w, &s);
        wh_buf_init(&b, MEMORY);
        scan_shard_write(&b, &s);
        unit_ok(scan_shard_read(wh_buf_str(&b), &w->a, &back, &err), err);
        same_shard(w, &back);
        for (size_t n = 0; n < b.n; n++) {
            unit_fails(scan_shard_read(wh_str_mem(b.p, n), &w->a, &back, &err),
                       err, WH_CORRUPT);
        }
        wh_buf_done(&b);
    }
}

static void nothing_cut_or_longer_parses(void **state)
{
    struct world *w = *state;
    struct scan_shard s;
    struct wh_err err;
    scan_testing_shard(&w->shard, &w->file, 1, &w->xorb, 1, 200);
    for (size_t n = 0; n < w->shard.n; n++) {
        unit_fails(parse(w, wh_str_mem(w->shard.p, n), &s, &err), err,
                   WH_BAD_REQUEST);
    }
    wh_buf_char(&w->shard, 'x');
    unit_fails(parse(w, wh_buf_str(&w->shard), &s, &err), err, WH_BAD_REQUEST);
}

/* Counts and flags of the records, made to lie. */
static void lying_records_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t to;
    } lies[] = {
        {0, 0},         /* tag */
        {32, 3},        /* version */
        {40, 1},        /* footer size */
        {41, 1},        /* footer size */
        {48 + 36, 0},   /* terms: none */
        {48 + 36, 3},   /* terms: one more */
        {48 + 39, 255}, /* terms: four billion */
        {96 + 44, 0},   /* a term that ends before it starts */
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct scan_shard s;
        struct wh_err err;
        wh_buf_reset(&w->shard);
        scan_testing_shard(&w->shard, &w->file, 1, &w->xorb, 1, 0);
        w->shard.p[lies[i].at] = (char)lies[i].to;
        unit_fails(parse(w, wh_buf_str(&w->shard), &s, &err), err,
                   WH_BAD_REQUEST);
    }
}

static const struct scan_xorb_table *lookup(void *ctx,
                                            const struct scan_xet_hash *hash)
{
    struct world *w = ctx;
    return scan_xet_eq(hash, &w->xorb.hash) ? &w->xorb : NULL;
}

static struct scan_shard_world known(struct world *w)
{
    return (struct scan_shard_world){
        .xorb = lookup, .ctx = w, .chunks_left = SCAN_SHARD_CHUNKS_MAX};
}

static void a_true_file_passes(void **state)
{
    struct world *w = *state;
    struct scan_shard_world world = known(w);
    struct wh_err err;
    uint64_t size;
    unit_ok(scan_shard_check_file(&w->file, &world, &size, &err), err);
    assert_int_equal(size, 100 + 150 + 250 + 300);
    assert_int_equal(world.chunks_left, SCAN_SHARD_CHUNKS_MAX - 4);
    world.chunks_left = 3;
    unit_fails(scan_shard_check_file(&w->file, &world, &size, &err), err,
               WH_TOO_LARGE);
}

enum lie {
    LIE_XORB,
    LIE_END,
    LIE_RAW,
    LIE_RANGE,
    LIE_NO_RANGE,
    LIE_HASH,
    LIE_ORDER,
    LIE_SHIFTED,
    LIE_COUNT
};

/* Change one thing about the file that it says of itself. */
static void lie(struct world *w, enum lie what)
{
    struct scan_shard_term swap = w->terms[0];
    switch (what) {
    case LIE_XORB:
        w->terms[0].xorb.b[0] ^= 1;
        break;
    case LIE_END:
        w->terms[1].end = CHUNKS + 1;
        break;
    case LIE_RAW:
        w->terms[0].raw++;
        break;
    case LIE_RANGE:
        w->terms[0].range.b[31] ^= 1;
        break;
    case LIE_NO_RANGE:
        w->terms[1].has_range = false;
        break;
    case LIE_HASH:
        w->file.hash.b[5] ^= 1;
        break;
    case LIE_ORDER:
        w->terms[0] = w->terms[1];
        w->terms[1] = swap;
        break;
    case LIE_SHIFTED: /* other chunks, with the range of the old ones */
        w->terms[0].start = 1;
        w->terms[0].end = 3;
        w->terms[0].raw = w->xorb.chunks[1].raw + w->xorb.chunks[2].raw;
        break;
    case LIE_COUNT:
        break;
    }
}

static void false_files_are_refused(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < LIE_COUNT; i++) {
        struct scan_shard_world world = known(w);
        struct scan_shard_file file = w->file;
        struct scan_shard_term terms[2] = {w->terms[0], w->terms[1]};
        struct wh_err err;
        uint64_t size;
        lie(w, (enum lie)i);
        unit_fails(scan_shard_check_file(&w->file, &world, &size, &err), err,
                   WH_BAD_REQUEST);
        memcpy(w->terms, terms, sizeof terms);
        w->file = file;
    }
}

static void xorb_entries_must_agree(void **state)
{
    struct world *w = *state;
    struct scan_shard_world world = known(w);
    struct scan_shard s;
    struct wh_err err;
    scan_testing_shard(&w->shard, &w->file, 1, &w->xorb, 1, 0);
    unit_ok(parse(w, wh_buf_str(&w->shard), &s, &err), err);
    struct scan_shard_xorb *x = &s.xorbs[0];
    unit_ok(scan_shard_check_xorb(x, &world, &err), err);
    x->chunks[4].start++;
    unit_fails(scan_shard_check_xorb(x, &world, &err), err, WH_BAD_REQUEST);
    x->chunks[4].start--;
    x->chunks[0].hash.b[0] ^= 1;
    unit_fails(scan_shard_check_xorb(x, &world, &err), err, WH_BAD_REQUEST);
    x->chunks[0].hash.b[0] ^= 1;
    x->raw++;
    unit_fails(scan_shard_check_xorb(x, &world, &err), err, WH_BAD_REQUEST);
    x->raw--;
    x->count--;
    unit_fails(scan_shard_check_xorb(x, &world, &err), err, WH_BAD_REQUEST);
    x->count++;
    x->hash.b[0] ^= 1;
    unit_fails(scan_shard_check_xorb(x, &world, &err), err, WH_BAD_REQUEST);
}

static void a_shard_over_the_limit_is_not_read(void **state)
{
    struct world *w = *state;
    struct scan_shard s;
    struct wh_err err;
    struct wh_src huge = {.size = (uint64_t)SCAN_SHARD_BYTES_MAX + 1};
    unit_fails(scan_shard_parse(&huge, &w->a, &s, &err), err, WH_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_forms_parse_and_travel, up, down),
        cmocka_unit_test_setup_teardown(nothing_cut_or_longer_parses, up, down),
        cmocka_unit_test_setup_teardown(lying_records_are_refused, up, down),
        cmocka_unit_test_setup_teardown(a_true_file_passes, up, down),
        cmocka_unit_test_setup_teardown(false_files_are_refused, up, down),
        cmocka_unit_test_setup_teardown(xorb_entries_must_agree, up, down),
        cmocka_unit_test_setup_teardown(a_shard_over_the_limit_is_not_read, up,
                                        down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
