/*
 * xet_test.c - hashes of the Xet protocol against values computed with the
 * protocol's own JavaScript packages: "hello", a million zeros, and a million
 * bytes of a linear congruential generator, cut as two clients cut them.
 */
#include "base/unit.h"

#include "scan/xet.h"

#include "base/mem.h"

#define MILLION 1000000u

enum filling { HELLO, ZEROS, LCG };

struct row {
    enum filling filling;
    size_t n;
    const unsigned *cuts; /* lengths of the chunks; ends with 0 */
    const char *first, *xorb, *file, *range;
};

static const unsigned cuts_hello[] = {5, 0};
static const unsigned cuts_zeros[] = {131072, 131072, 131072, 131072, 131072,
                                      131072, 131072, 82496,  0};
static const unsigned cuts_lcg[] = {
    64662, 131072, 23091, 131072, 32553, 131072, 31896, 10763, 80309, 84001,
    14949, 59885,  39598, 24612,  8209,  65611,  45996, 20649, 0};

static const struct row rows[] = {
    {HELLO, 5, cuts_hello,
     "9076ba12d998050b9c95c8bf770f943e6cad55c7490a82b76cf1582a2a05c2c2",
     "9076ba12d998050b9c95c8bf770f943e6cad55c7490a82b76cf1582a2a05c2c2",
     "48a3213a086cad271381aafe47232eb5df291a963cebbfec071972eff45eb422",
     "7f1d7649f056d46a01791d0ceed7687abcda42e6e88916d3cdda4b2c9d9a7ccf"},
    {ZEROS, MILLION, cuts_zeros,
     "2e39f13c248013b27e22913ba2893a654120ed0ad8eb7ecbf3f05b9d708634fc",
     "66df762464541c4b4525314f0cb292f49017a961ce8c95b5a2ced973fdbf7527",
     "c0c85185f4307d40facfd366573176e54fc9c76041e44e32d52489780a6d1eaa",
     "150d441cf2491db321a0f87bc92f5e5075569b7ecc86dc19c1ff1e04867ae934"},
    {LCG, MILLION, cuts_lcg,
     "d268e73ccad507db1e32904cbbb76cf651682582a09bb5a2a494e6b5fec61ca8",
     "4a91228985a7b80de6ecc210e6e5358be3d6dc4d90d1a8c82b74b81d4c67a698",
     "21a116f0b13407b52058e644fe19dbd1398e63edf75cc008d3ea0c2b87c07944",
     "f894368c53591d5dcfe477b5792f71dde1f35dbd1a524ed80d572ab3d71e4b09"},
};
#define ROWS (sizeof rows / sizeof rows[0])

static uint8_t *fill(const struct row *r)
{
    uint8_t *p = wh_alloc(r->n);
    uint64_t s = 1;
    if (r->filling == HELLO) {
        struct wh_str hello = WH_S("hello");
        memcpy(p, hello.p, hello.n);
    }
    for (size_t i = 0; r->filling == LCG && i < r->n; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(s >> 56);
    }
    return p;
}

static void expect(const struct scan_xet_hash *h, const char *want)
{
    char text[SCAN_XET_TEXT];
    scan_xet_text(h, text);
    assert_string_equal(text, want);
}

static void published_vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        struct scan_xet_tree xorb = {0}, file = {0};
        struct scan_xet_range range;
        struct scan_xet_hash h;
        uint8_t *data = fill(r);
        size_t at = 0;
        scan_xet_range_init(&range);
        for (size_t c = 0; r->cuts[c]; c++) {
            scan_xet_chunk(data + at, r->cuts[c], &h);
            if (c == 0) {
                expect(&h, r->first);
            }
            scan_xet_tree_add(&xorb, &h, r->cuts[c]);
            scan_xet_tree_add(&file, &h, r->cuts[c]);
            scan_xet_range_add(&range, &h);
            at += r->cuts[c];
        }
        assert_int_equal(at, r->n);
        scan_xet_tree_root(&xorb, &h);
        expect(&h, r->xorb);
        scan_xet_tree_file(&file, &h);
        expect(&h, r->file);
        scan_xet_range_end(&range, &h);
        expect(&h, r->range);
        wh_free(data);
    }
}

static void nothing_has_the_zero_hash(void **state)
{
    (void)state;
    struct scan_xet_tree t = {0};
    struct scan_xet_hash h;
    char zeros[SCAN_XET_TEXT];
    memset(zeros, '0', sizeof zeros - 1);
    zeros[sizeof zeros - 1] = 0;
    scan_xet_tree_file(&t, &h);
    expect(&h, zeros);
    scan_xet_tree_root(&t, &h);
    expect(&h, zeros);
}

static void text_form_reverses_each_group(void **state)
{
    (void)state;
    struct scan_xet_hash h, back;
    char text[SCAN_XET_TEXT];
    for (unsigned i = 0; i < SCAN_XET_HASH; i++) {
        h.b[i] = (uint8_t)i;
    }
    scan_xet_text(&h, text);
    assert_string_equal(
        text,
        "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918");
    assert_true(scan_xet_parse(wh_str_of(text), &back));
    assert_true(scan_xet_eq(&h, &back));
}

static void only_64_lower_digits_parse(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "07060504030201000F0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918",
        "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a191",
        "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a19188",
        "g7060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918"};
    struct scan_xet_hash h;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(scan_xet_parse(wh_str_of(bad[i]), &h));
    }
}

/* The rule as it is written, over an array; the tree must agree with it. */
static void naive_root(struct scan_xet_node *p, size_t n,
                       struct scan_xet_hash *out)
{
    while (n > 1) {
        size_t made = 0;
        for (size_t at = 0; at < n;) {
            size_t r = n - at, most = r < 9 ? r : 9, take = most;
            for (size_t i = 2; r > 2 && i < most; i++) {
                uint64_t last = 0;
                for (unsigned b = 8; b-- > 0;) {
                    last = last << 8 | p[at + i].hash.b[24 + b];
                }
                if (last % 4 == 0) {
                    take = i + 1;
                    break;
                }
            }
            /* One group: a tree of its own that can not split. */
            struct scan_xet_tree one = {0};
            uint64_t size = 0;
            for (size_t i = 0; i < take; i++) {
                one.level[0].open[i] = p[at + i];
                size += p[at + i].size;
            }
            one.level[0].n = (unsigned)take;
            one.level[0].count = 2; /* so that it is hashed even if alone */
            struct scan_xet_hash parent;
            scan_xet_tree_root(&one, &parent);
            p[made++] = (struct scan_xet_node){parent, size};
            at += take;
        }
        n = made;
    }
    *out = p[0].hash;
}

static void the_growing_tree_follows_the_rule(void **state)
{
    (void)state;
    enum { MOST = 400 };
    struct scan_xet_node *nodes = wh_calloc(MOST, sizeof *nodes);
    for (size_t n = 1; n <= MOST; n += n < 100 ? 1 : 37) {
        struct scan_xet_tree t = {0};
        struct scan_xet_hash fast, slow;
        for (size_t i = 0; i < n; i++) {
            uint64_t seed = n * 1000 + i;
            scan_xet_chunk(&seed, sizeof seed, &nodes[i].hash);
            nodes[i].size = i + 1;
            scan_xet_tree_add(&t, &nodes[i].hash, nodes[i].size);
        }
        scan_xet_tree_root(&t, &fast);
        naive_root(nodes, n, &slow);
        assert_memory_equal(fast.b, slow.b, SCAN_XET_HASH);
    }
    wh_free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_hold),
        cmocka_unit_test(nothing_has_the_zero_hash),
        cmocka_unit_test(text_form_reverses_each_group),
        cmocka_unit_test(only_64_lower_digits_parse),
        cmocka_unit_test(the_growing_tree_follows_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
