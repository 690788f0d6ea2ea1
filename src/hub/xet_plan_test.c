/*
 * xet_plan_test.c - files of shards against chunk tables, and their plans. The
 * data are a million bytes of a linear congruential generator, cut as the Rust
 * client cuts them; hashes were computed with the protocol's own JavaScript
 * packages.
 */
#include "base/mem.h"
#include "base/rd.h"
#include "base/unit.h"
#include "hub/xet_plan.h"

#define MILLION 1000000u
#define CHUNKS 18u
#define HALF 7u /* chunks of the first of two xorbs */
#define XORB_HASH \
    "4a91228985a7b80de6ecc210e6e5358be3d6dc4d90d1a8c82b74b81d4c67a698"
#define FILE_HASH \
    "21a116f0b13407b52058e644fe19dbd1398e63edf75cc008d3ea0c2b87c07944"
#define RANGE_HASH \
    "f894368c53591d5dcfe477b5792f71dde1f35dbd1a524ed80d572ab3d71e4b09"

static const uint32_t CUTS[CHUNKS] = {
    64662, 131072, 23091, 131072, 32553, 131072, 31896, 10763, 80309,
    84001, 14949,  59885, 39598,  24612, 8209,   65611, 45996, 20649};

/* The whole as one xorb, and as two. */
struct known {
    struct scan_xorb_chunk chunks[CHUNKS];
    struct scan_xorb_table one, two[2];
    struct scan_xorb_chunk halves[2][CHUNKS];
    struct scan_shard_world world;
    struct wh_err err;
};

static const struct scan_xorb_table *find(void *ctx,
                                          const struct scan_xet_hash *hash)
{
    const struct known *k = ctx;
    const struct scan_xorb_table *all[3] = {&k->one, &k->two[0], &k->two[1]};
    for (size_t i = 0; i < 3; i++) {
        if (scan_xet_eq(&all[i]->hash, hash)) {
            return all[i];
        }
    }
    return NULL;
}

static void hash_chunks(struct known *k)
{
    uint8_t *p = wh_alloc(MILLION);
    uint64_t s = 1, at = 0;
    for (size_t i = 0; i < MILLION; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(s >> 56);
    }
    for (size_t i = 0; i < CHUNKS; i++) {
        scan_xet_chunk(p + at, CUTS[i], &k->chunks[i].hash);
        k->chunks[i].raw = k->chunks[i].stored = CUTS[i];
        at += CUTS[i];
    }
    assert_int_equal(at, MILLION);
    wh_free(p);
}

static void make_table(struct scan_xorb_table *t, struct scan_xorb_chunk *c,
                       uint32_t n)
{
    struct scan_xet_tree tree = {0};
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        c[i].offset = at;
        at += SCAN_XORB_HEADER + c[i].stored;
        t->raw += c[i].raw;
        scan_xet_tree_add(&tree, &c[i].hash, c[i].raw);
    }
    t->chunks = c;
    t->count = n;
    t->bytes = at;
    scan_xet_tree_root(&tree, &t->hash);
}

static int make(void **state)
{
    static struct known k;
    hash_chunks(&k);
    memcpy(k.halves[0], k.chunks, HALF * sizeof k.chunks[0]);
    memcpy(k.halves[1], k.chunks + HALF, (CHUNKS - HALF) * sizeof k.chunks[0]);
    make_table(&k.one, k.chunks, CHUNKS);
    make_table(&k.two[0], k.halves[0], HALF);
    make_table(&k.two[1], k.halves[1], CHUNKS - HALF);
    k.world = (struct scan_shard_world){.xorb = find, .ctx = &k};
    *state = &k;
    return 0;
}

static struct scan_xet_hash hash_of(const char *text)
{
    struct scan_xet_hash h;
    assert_true(scan_xet_parse(wh_str_of(text), &h));
    return h;
}

/* A term that is right. */
static struct scan_shard_term term(const struct scan_xorb_table *x,
                                   uint32_t start, uint32_t end)
{
    struct scan_shard_term t = {
        .xorb = x->hash, .start = start, .end = end, .has_range = true};
    struct scan_xet_range range;
    scan_xet_range_init(&range);
    for (uint32_t i = start; i < end; i++) {
        scan_xet_range_add(&range, &x->chunks[i].hash);
        t.raw += x->chunks[i].raw;
    }
    scan_xet_range_end(&range, &t.range);
    return t;
}

static bool check(struct known *k, const struct scan_shard_file *f,
                  uint64_t *size, struct wh_err *err)
{
    k->world.chunks_left = SCAN_SHARD_CHUNKS_MAX;
    return scan_shard_check_file(f, &k->world, size, err);
}

static void the_published_file_holds(void **state)
{
    struct known *k = *state;
    struct scan_shard_term t = {.xorb = hash_of(XORB_HASH),
                                .raw = MILLION,
                                .end = CHUNKS,
                                .has_range = true,
                                .range = hash_of(RANGE_HASH)};
    struct scan_shard_file f = {
        .hash = hash_of(FILE_HASH), .count = 1, .terms = &t};
    struct wh_err err = {0};
    uint64_t size;
    unit_ok(check(k, &f, &size, &err), err);
    assert_int_equal(size, MILLION);
}

/* The same file from two xorbs, in four terms. */
static void terms_of_many(const struct known *k, struct scan_shard_term out[4])
{
    out[0] = term(&k->two[0], 0, 3);
    out[1] = term(&k->one, 3, 5);
    out[2] = term(&k->two[0], 5, HALF);
    out[3] = term(&k->two[1], 0, CHUNKS - HALF);
}

static void it_does_not_matter_where_chunks_lie(void **state)
{
    struct known *k = *state;
    struct scan_shard_term t[4];
    struct scan_shard_file f = {
        .hash = hash_of(FILE_HASH), .count = 4, .terms = t};
    struct wh_err err = {0};
    uint64_t size;
    terms_of_many(k, t);
    unit_ok(check(k, &f, &size, &err), err);
    assert_int_equal(size, MILLION);
}

enum lie {
    PAST_THE_END,
    LONGER,
    SHORTER,
    OTHER_RANGE,
    NO_RANGE,
    NO_SUCH_XORB,
    OTHER_FILE,
    SWAPPED,
    ONE_LESS,
    LIES
};

static void lies_are_seen(void **state)
{
    struct known *k = *state;
    for (enum lie lie = 0; lie < LIES; lie++) {
        struct scan_shard_term t[4], first;
        struct scan_shard_file f = {
            .hash = hash_of(FILE_HASH), .count = 4, .terms = t};
        struct wh_err err;
        uint64_t size;
        terms_of_many(k, t);
        first = t[0];
        t[3].end += lie == PAST_THE_END;
        t[1].raw += lie == LONGER;
        t[1].raw -= lie == SHORTER;
        t[2].range.b[31] ^= lie == OTHER_RANGE;
        t[2].has_range = lie != NO_RANGE;
        t[0].xorb.b[0] ^= lie == NO_SUCH_XORB;
        f.hash.b[7] ^= lie == OTHER_FILE;
        f.count -= lie == ONE_LESS;
        if (lie == SWAPPED) {
            t[0] = t[1];
            t[1] = first;
        }
        unit_fails(check(k, &f, &size, &err), err, WH_BAD_REQUEST);
    }
}

static void the_number_of_chunks_is_bounded(void **state)
{
    struct known *k = *state;
    struct scan_shard_term t = term(&k->one, 0, CHUNKS);
    struct scan_shard_file f = {
        .hash = hash_of(FILE_HASH), .count = 1, .terms = &t};
    struct wh_err err = {0};
    uint64_t size;
    k->world.chunks_left = CHUNKS;
    unit_ok(scan_shard_check_file(&f, &k->world, &size, &err), err);
    k->world.chunks_left = CHUNKS - 1;
    unit_fails(scan_shard_check_file(&f, &k->world, &size, &err), err,
               WH_TOO_LARGE);
}

/* ---- plans ---- */

/* Read back what the plan says, and hold it against the terms. */
static void expect_segment(const struct hub_plan *p, const struct known *k,
                           uint32_t from, uint32_t nterms, uint32_t nxorbs)
{
    struct wh_rd r;
    uint64_t size = 0;
    assert_int_equal(p->nterms, nterms);
    assert_int_equal(p->nxorbs, nxorbs);
    wh_rd_init(&r, p->terms.p, p->terms.n);
    for (uint32_t i = 0; i < nterms; i++) {
        const struct scan_shard_term *t = &p->file->terms[from + i];
        const struct scan_xorb_table *x = find((void *)(uintptr_t)k, &t->xorb);
        uint32_t source = wh_rd_u32le(&r);
        wh_assert(x);
        assert_in_range(source, 1, nxorbs);
        assert_true(scan_xet_eq(&p->xorbs[source - 1], &t->xorb));
        assert_int_equal(wh_rd_u64le(&r), x->chunks[t->start].offset);
        assert_int_equal(wh_rd_u32le(&r), t->end - t->start);
        assert_int_equal(wh_rd_u32le(&r), t->raw);
        size += t->raw;
    }
    assert_true(wh_rd_end(&r));
    assert_int_equal(p->size, size);
}

struct cut {
    struct hub_plan_limits limits;
    uint32_t segments;
    uint32_t terms[4], xorbs[4];
};

static const struct cut CUT[] = {
    {{128, 100, MILLION * 2}, 1, {4}, {3}},
    {{1, 100, MILLION * 2}, 4, {1, 1, 1, 1}, {1, 1, 1, 1}},
    {{2, 100, MILLION * 2}, 2, {3, 1}, {2, 1}},
    {{128, 3, MILLION * 2}, 2, {3, 1}, {2, 1}},
    {{128, 100, 1}, 4, {1, 1, 1, 1}, {1, 1, 1, 1}},
    {{128, 100, 300000}, 2, {2, 2}, {2, 2}},
};

static void plans_are_cut_at_their_limits(void **state)
{
    struct known *k = *state;
    struct scan_shard_term t[4];
    struct scan_shard_file f = {
        .hash = hash_of(FILE_HASH), .count = 4, .terms = t};
    terms_of_many(k, t);
    for (size_t i = 0; i < sizeof CUT / sizeof CUT[0]; i++) {
        struct wh_err err = {0};
        struct hub_plan p;
        uint32_t from = 0, n = 0;
        hub_plan_begin(&p, &f, &k->world, CUT[i].limits);
        while (!hub_plan_done(&p)) {
            unit_ok(hub_plan_next(&p, &err), err);
            assert_true(n < CUT[i].segments);
            expect_segment(&p, k, from, CUT[i].terms[n], CUT[i].xorbs[n]);
            from += p.nterms;
            n++;
        }
        assert_int_equal(n, CUT[i].segments);
        hub_plan_end(&p);
    }
}

static void a_xorb_that_went_is_no_part_of_a_plan(void **state)
{
    struct known *k = *state;
    struct scan_shard_term t = term(&k->one, 0, CHUNKS);
    struct scan_shard_file f = {
        .hash = hash_of(FILE_HASH), .count = 1, .terms = &t};
    struct wh_err err = {0};
    struct hub_plan p;
    t.xorb.b[3] ^= 1;
    hub_plan_begin(&p, &f, &k->world, HUB_PLAN_LIMITS);
    unit_fails(hub_plan_next(&p, &err), err, WH_BAD_REQUEST);
    hub_plan_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_file_holds),
        cmocka_unit_test(it_does_not_matter_where_chunks_lie),
        cmocka_unit_test(lies_are_seen),
        cmocka_unit_test(the_number_of_chunks_is_bounded),
        cmocka_unit_test(plans_are_cut_at_their_limits),
        cmocka_unit_test(a_xorb_that_went_is_no_part_of_a_plan),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
