/*
 * merkle_test.c - the reference vectors of RFC 6962 trees, and every proof for
 * all sizes below 70 against the recursive definition.
 */
#include "base/enc.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "tlog/merkle.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SIZES 70

static const char *const leaves[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};

static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static struct tlog_hash hash_of(const char *hex)
{
    struct tlog_hash h;
    assert_true(wh_hex_dec(wh_str_of(hex), h.b, TLOG_HASH, false));
    return h;
}

/* The definition itself: MTH(D[lo:hi]). */
static struct tlog_hash mth(const struct tlog_hash *d, size_t lo, size_t hi)
{
    struct tlog_hash h;
    if (hi == lo) {
        wh_sha256_of(WH_S(""), h.b);
        return h;
    }
    if (hi - lo == 1) {
        return d[lo];
    }
    size_t k = 1;
    while (k * 2 < hi - lo) {
        k *= 2;
    }
    struct tlog_hash l = mth(d, lo, lo + k), r = mth(d, lo + k, hi);
    tlog_hash_node(&l, &r, &h);
    return h;
}

/* PATH(m, D[lo:hi]) of RFC 6962, 2.1.1. */
static void ref_path(const struct tlog_hash *d, size_t m, size_t lo, size_t hi,
                     struct tlog_path *p)
{
    if (hi - lo == 1) {
        return;
    }
    size_t k = 1;
    while (k * 2 < hi - lo) {
        k *= 2;
    }
    bool left = m < lo + k;
    ref_path(d, m, left ? lo : lo + k, left ? lo + k : hi, p);
    p->h[p->n++] = left ? mth(d, lo + k, hi) : mth(d, lo, lo + k);
}

/* SUBPROOF(m, D[lo:hi], b) of RFC 6962, 2.1.2. */
static void ref_sub(const struct tlog_hash *d, size_t m, size_t lo, size_t hi,
                    bool b, struct tlog_path *p)
{
    if (m == hi - lo) {
        if (!b) {
            p->h[p->n++] = mth(d, lo, hi);
        }
        return;
    }
    size_t k = 1;
    while (k * 2 < hi - lo) {
        k *= 2;
    }
    if (m <= k) {
        ref_sub(d, m, lo, lo + k, b, p);
        p->h[p->n++] = mth(d, lo + k, hi);
    } else {
        ref_sub(d, m - k, lo + k, hi, false, p);
        p->h[p->n++] = mth(d, lo, lo + k);
    }
}

static bool node(void *ctx, unsigned level, uint64_t index,
                 struct tlog_hash *out, struct wh_err *err)
{
    (void)err;
    *out = mth(ctx, (size_t)(index << level), (size_t)((index + 1) << level));
    return true;
}

static void synthetic(struct tlog_hash *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t entry[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        tlog_hash_leaf(wh_str_mem(entry, 2), &d[i]);
    }
}

static bool same_path(const struct tlog_path *a, const struct tlog_path *b)
{
    return a->n == b->n && memcmp(a->h, b->h, a->n * sizeof a->h[0]) == 0;
}

static void reference_roots(void **state)
{
    (void)state;
    struct tlog_frontier f = {0};
    for (size_t n = 0; n <= 8; n++) {
        struct tlog_hash want = hash_of(roots[n]), got;
        tlog_frontier_root(&f, &got);
        assert_true(tlog_hash_eq(&got, &want));
        if (n == 8) {
            break;
        }
        uint8_t entry[16];
        size_t len = strlen(leaves[n]) / 2;
        assert_true(wh_hex_dec(wh_str_of(leaves[n]), entry, len, false));
        struct tlog_hash leaf;
        tlog_hash_leaf(wh_str_mem(entry, len), &leaf);
        tlog_frontier_add(&f, &leaf);
    }
}

static void reference_consistency(void **state)
{
    (void)state;
    static const char *const from3[] = {
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"};
    static const char *const from6[] = {
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"};
    struct tlog_path p = {.n = 4}, q = {.n = 3};
    for (size_t i = 0; i < 4; i++) {
        p.h[i] = hash_of(from3[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        q.h[i] = hash_of(from6[i]);
    }
    struct tlog_hash r3 = hash_of(roots[3]), r6 = hash_of(roots[6]);
    struct tlog_hash r7 = hash_of(roots[7]), r8 = hash_of(roots[8]);
    assert_true(tlog_consistency_ok(3, &r3, 8, &r8, &p));
    assert_true(tlog_consistency_ok(6, &r6, 7, &r7, &q));
    assert_false(tlog_consistency_ok(3, &r3, 7, &r7, &p));
    assert_false(tlog_consistency_ok(6, &r6, 8, &r8, &q));
}

static void every_inclusion_below_70(void **state)
{
    (void)state;
    struct tlog_hash d[SIZES], root;
    synthetic(d, SIZES);
    struct tlog_reader reader = {.node = node, .ctx = d};
    struct wh_err err = {0};
    for (size_t n = 1; n < SIZES; n++) {
        root = mth(d, 0, n);
        for (size_t m = 0; m < n; m++) {
            struct tlog_path got, want = {0};
            assert_true(tlog_inclusion(&reader, m, n, &got, &err));
            ref_path(d, m, 0, n, &want);
            assert_true(same_path(&got, &want));
            assert_true(tlog_inclusion_ok(&d[m], m, n, &got, &root));
            /* and nothing near it */
            assert_false(
                tlog_inclusion_ok(&d[(m + 1) % SIZES], m, n, &got, &root));
            assert_false(tlog_inclusion_ok(&d[m], m + 1, n, &got, &root));
            assert_false(tlog_inclusion_ok(&d[m], m, n, &got, &d[m + 1]));
            if (got.n > 0) {
                got.n--;
                assert_false(tlog_inclusion_ok(&d[m], m, n, &got, &root));
                got.n++;
            }
            got.h[got.n++] = root;
            assert_false(tlog_inclusion_ok(&d[m], m, n, &got, &root));
        }
    }
}

static void every_consistency_below_70(void **state)
{
    (void)state;
    struct tlog_hash d[SIZES];
    synthetic(d, SIZES);
    struct tlog_reader reader = {.node = node, .ctx = d};
    struct wh_err err = {0};
    for (size_t n = 0; n < SIZES; n++) {
        struct tlog_hash rn = mth(d, 0, n);
        for (size_t m = 0; m <= n; m++) {
            struct tlog_path got, want = {0};
            struct tlog_hash rm = mth(d, 0, m), bad = rm;
            bad.b[m % TLOG_HASH] ^= 1;
            assert_true(tlog_consistency(&reader, m, n, &got, &err));
            if (m > 0) {
                ref_sub(d, m, 0, n, true, &want);
            }
            assert_true(same_path(&got, &want));
            assert_true(tlog_consistency_ok(m, &rm, n, &rn, &got));
            assert_false(tlog_consistency_ok(m, &bad, n, &rn, &got));
            if (m > 0) {
                assert_false(tlog_consistency_ok(m, &rm, n, &bad, &got));
            }
            for (size_t i = 0; i < got.n; i++) {
                got.h[i].b[31] ^= 0x80;
                assert_false(tlog_consistency_ok(m, &rm, n, &rn, &got));
                got.h[i].b[31] ^= 0x80;
            }
            got.h[got.n++] = rn;
            assert_false(tlog_consistency_ok(m, &rm, n, &rn, &got));
            got.n -= got.n > 1 ? 2 : 1;
            if (m > 0 && m < n) {
                assert_false(tlog_consistency_ok(m, &rm, n, &rn, &got));
            }
        }
    }
}

static void frontier_equals_definition(void **state)
{
    (void)state;
    struct tlog_hash d[SIZES];
    synthetic(d, SIZES);
    struct tlog_reader reader = {.node = node, .ctx = d};
    struct tlog_frontier f = {0};
    for (size_t n = 0; n < SIZES; n++) {
        struct tlog_hash want = mth(d, 0, n), got, again;
        struct tlog_frontier read = {0};
        struct wh_err err = {0};
        tlog_frontier_root(&f, &got);
        assert_true(tlog_hash_eq(&got, &want));
        assert_true(tlog_frontier_read(&reader, n, &read, &err));
        tlog_frontier_root(&read, &again);
        assert_true(tlog_hash_eq(&again, &want));
        tlog_frontier_add(&f, &d[n]);
    }
}

static void ranges_outside_the_tree_are_refused(void **state)
{
    (void)state;
    struct tlog_hash d[SIZES];
    synthetic(d, SIZES);
    struct tlog_reader reader = {.node = node, .ctx = d};
    struct tlog_path p;
    struct wh_err err = {0};
    assert_false(tlog_inclusion(&reader, 0, 0, &p, &err));
    assert_false(tlog_inclusion(&reader, 5, 5, &p, &err));
    assert_false(tlog_inclusion(&reader, 0, TLOG_SIZE_MAX + 1, &p, &err));
    assert_false(tlog_consistency(&reader, 6, 5, &p, &err));
    assert_int_equal(err.code, WH_BAD_RANGE);
    /* huge claimed sizes end without a reader and without a crash */
    p.n = TLOG_PATH_MAX;
    memset(p.h, 7, sizeof p.h);
    assert_false(
        tlog_inclusion_ok(&d[0], TLOG_SIZE_MAX - 1, TLOG_SIZE_MAX, &p, &d[1]));
    assert_false(tlog_consistency_ok(TLOG_SIZE_MAX - 1, &d[0], TLOG_SIZE_MAX,
                                     &d[1], &p));
}

static void long_entries_hash_alike(void **state)
{
    (void)state;
    static char in[1 + 65535];
    memset(in + 1, 'x', sizeof in - 1);
    for (size_t n = 4090; n < 4103; n++) {
        struct tlog_hash got, want = {{0}};
        tlog_hash_leaf(wh_str_mem(in + 1, n), &got);
        wh_sha256_of(wh_str_mem(in, n + 1), want.b);
        assert_true(tlog_hash_eq(&got, &want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_roots),
        cmocka_unit_test(reference_consistency),
        cmocka_unit_test(every_inclusion_below_70),
        cmocka_unit_test(every_consistency_below_70),
        cmocka_unit_test(frontier_equals_definition),
        cmocka_unit_test(ranges_outside_the_tree_are_refused),
        cmocka_unit_test(long_entries_hash_alike),
    };
    return cmocka_run_group_tests_name("tlog/merkle", tests, NULL, NULL);
}
