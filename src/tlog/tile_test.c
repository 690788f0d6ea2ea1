/*
 * tile_test.c - names, widths and contents of tiles against the published
 * synthetic log ("weighhouse test entry <i>").
 */
#include "base/enc.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "tlog/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BIG 70000

static const struct {
    struct tlog_tile tile;
    const char *name;
} names[] = {
    {{false, 0, 0, 256}, "tile/0/000"},
    {{false, 0, 999, 256}, "tile/0/999"},
    {{false, 0, 1000, 256}, "tile/0/x001/000"},
    {{false, 3, 1234067, 256}, "tile/3/x001/x234/067"},
    {{false, 0, 273, 112}, "tile/0/273.p/112"},
    {{false, 63, 0, 1}, "tile/63/000.p/1"},
    {{true, 0, 0, 255}, "tile/entries/000.p/255"},
    {{true, 0, 1000000, 256}, "tile/entries/x001/x000/000"},
    {{false, 0, UINT64_MAX, 256}, "tile/0/x018/x446/x744/x073/x709/x551/615"},
};

static const char *const bad_names[] = {
    "",
    "tile",
    "tile/",
    "tile/0",
    "tile/0/",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/",
    "tile/0/000.p",
    "tile/0/000/1",
    "tile/0/x000/001",
    "tile/0/x001",
    "tile/0/x001/",
    "tile/0/x1/000",
    "tile/0/001/000",
    "tile/0/x001/x000",
    "tile/0/000/",
    "tile/0//000",
    "/tile/0/000",
    "tile/entries/0/000",
    "tile/data/000",
    "tile/0/000.p/1/",
    "tile/0/000.P/1",
    "tile/0/../000",
    "tile/0/0a0",
    "tile/0/x018/x446/x744/x073/x709/x551/616",
};

static void names_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char out[TLOG_TILE_NAME];
        struct tlog_tile t;
        tlog_tile_name(&names[i].tile, out);
        assert_string_equal(out, names[i].name);
        assert_true(tlog_tile_parse(wh_str_of(out), &t));
        assert_int_equal(t.entries, names[i].tile.entries);
        assert_int_equal(t.level, names[i].tile.level);
        assert_true(t.index == names[i].tile.index);
        assert_int_equal(t.width, names[i].tile.width);
    }
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        struct tlog_tile t;
        if (tlog_tile_parse(wh_str_of(bad_names[i]), &t)) {
            fail_msg("accepted %s", bad_names[i]);
        }
    }
}

static const struct {
    uint64_t size;
    unsigned level;
    uint64_t index;
    unsigned width;
} widths[] = {
    {0, 0, 0, 0},
    {1, 0, 0, 1},
    {255, 0, 0, 255},
    {255, 1, 0, 0},
    {256, 0, 0, 256},
    {256, 0, 1, 0},
    {256, 1, 0, 1},
    {257, 0, 1, 1},
    {65535, 0, 255, 255},
    {65535, 1, 0, 255},
    {65535, 2, 0, 0},
    {65536, 1, 0, 256},
    {65536, 2, 0, 1},
    {65537, 0, 256, 1},
    {65537, 1, 0, 256},
    {65537, 1, 1, 0},
    {65792, 1, 1, 1},
    {70000, 0, 272, 256},
    {70000, 0, 273, 112},
    {70000, 0, 274, 0},
    {70000, 1, 0, 256},
    {70000, 1, 1, 17},
    {70000, 2, 0, 1},
    {70000, 3, 0, 0},
    {16777215, 2, 0, 255},
    {16777216, 2, 0, 256},
    {16777216, 3, 0, 1},
    {16777217, 0, 65536, 1},
    {70000, 8, 0, 0},
    {70000, 0, UINT64_MAX, 0},
    {TLOG_SIZE_MAX, 7, 0, 64},
};

static void widths_of_tiles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        assert_int_equal(
            tlog_tile_width(widths[i].size, widths[i].level, widths[i].index),
            widths[i].width);
    }
}

static void reference_bundle_and_tile(void **state)
{
    (void)state;
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
    struct wh_buf bundle;
    wh_buf_init(&bundle, 1024);
    uint8_t tile[8 * TLOG_HASH];
    for (size_t i = 0; i < 8; i++) {
        uint8_t entry[16];
        size_t n = strlen(leaves[i]) / 2;
        assert_true(wh_hex_dec(wh_str_of(leaves[i]), entry, n, false));
        tlog_bundle_add(&bundle, wh_str_mem(entry, n));
        struct tlog_hash h;
        tlog_hash_leaf(wh_str_mem(entry, n), &h);
        memcpy(tile + i * TLOG_HASH, h.b, TLOG_HASH);
    }
    char hex[2 * 128 + 1], digest[WH_SHA256_HEX + 1];
    assert_true(bundle.n <= 128);
    wh_hex_enc(bundle.p, bundle.n, hex);
    assert_string_equal(hex, "000000010000011000022021000230310004404142430008"
                             "50515253545556570010606162636465666768696a6b6c6d"
                             "6e6f");
    wh_sha256_hex_of(wh_str_mem(tile, sizeof tile), digest);
    assert_string_equal(
        digest,
        "aea2f1bbb5140fd5f8eacb503fdf54c00c3d860c72588e40233addd416bc8f10");

    struct wh_str out[TLOG_TILE_WIDTH];
    struct wh_err err = {0};
    assert_true(tlog_bundle_split(wh_buf_str(&bundle), 8, out, &err));
    assert_int_equal(out[0].n, 0);
    assert_int_equal(out[7].n, 16);
    assert_false(tlog_bundle_split(wh_buf_str(&bundle), 7, out, &err));
    assert_false(tlog_bundle_split(wh_buf_str(&bundle), 9, out, &err));
    assert_int_equal(err.code, WH_CORRUPT);
    for (size_t cut = 1; cut < bundle.n; cut++) {
        struct wh_str part = wh_str_sub(wh_buf_str(&bundle), 0, cut);
        assert_false(tlog_bundle_split(part, 8, out, &err));
    }
    wh_buf_done(&bundle);
}

/* All tile levels of the synthetic log in memory. */
struct big {
    struct tlog_hash *level[3];
    size_t n[3];
    unsigned gets;
};

static size_t entry_text(size_t i, char out[64])
{
    return (size_t)snprintf(out, 64, "weighhouse test entry %zu\n", i);
}

static bool get_tile(void *ctx, const struct tlog_tile *t, uint8_t *out,
                     struct wh_err *err)
{
    struct big *b = ctx;
    (void)err;
    b->gets++;
    assert_true(t->level < 3 && !t->entries);
    assert_true((t->index * 256 + t->width) <= b->n[t->level]);
    memcpy(out, b->level[t->level] + t->index * 256,
           (size_t)t->width * TLOG_HASH);
    return true;
}

static void check_root(const struct tlog_frontier *f)
{
    static const struct {
        uint64_t size;
        const char *root;
    } roots[] = {
        {1, "cIF/PQNDgVoNbiaccP7K7Kvn0q/oSYJhf41W2vLqzio="},
        {255, "ZvFXPg1qDdt7eqrS9ERLm0eP1fHIV01evlkb99eBu9Y="},
        {256, "KUB3ZvJJiOPD9WPeLclfbt+Ev2uTMiQWnA+5Ev7CUzA="},
        {257, "uikKmPczUoJcQHl/ZY8Y/Iny1WRz6OE/a7n92R3X208="},
        {1000, "BCjPfFWszLWCcZfDS9gPvfmlwvQ6HjZL6j1xnornA80="},
        {65535, "8/jx4SCA37gC8mcJpSL8AJfIazpvxTCH6TN9sHGpMqs="},
        {65536, "31gV/5KCqGoagHzmmlqOrm84tUKNujXQXUqJXwPfAkc="},
        {65537, "EIfhKHJXjPrD1Li4HCiOfUCqsP8flnUZ/rSe/+K+D68="},
        {70000, "krbUDg0+GSpldi5DXuWEgRrhc1yFSHqChNMBRFrjHtI="},
    };
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        if (roots[i].size != f->size) {
            continue;
        }
        struct tlog_hash root;
        struct wh_buf text;
        wh_buf_init(&text, 64);
        tlog_frontier_root(f, &root);
        wh_buf_base64(&text, root.b, TLOG_HASH);
        assert_true(wh_str_is(wh_buf_str(&text), roots[i].root));
        wh_buf_done(&text);
    }
}

static int make_big(void **state)
{
    struct big *b = wh_alloc(sizeof *b);
    struct tlog_frontier f = {0};
    for (size_t l = 0, n = BIG; l < 3; l++, n /= 256) {
        b->n[l] = n;
        b->level[l] = wh_calloc(n, sizeof(struct tlog_hash));
    }
    for (size_t i = 0; i < BIG; i++) {
        char text[64];
        struct tlog_hash *h = &b->level[0][i];
        tlog_hash_leaf(wh_str_mem(text, entry_text(i, text)), h);
        tlog_frontier_add(&f, h);
        check_root(&f);
    }
    for (size_t l = 1; l < 3; l++) {
        for (size_t i = 0; i < b->n[l]; i++) {
            tlog_tile_fold(b->level[l - 1][i * 256].b, 0, 8, &b->level[l][i]);
        }
    }
    *state = b;
    return 0;
}

static int free_big(void **state)
{
    struct big *b = *state;
    for (size_t l = 0; l < 3; l++) {
        wh_free(b->level[l]);
    }
    wh_free(b);
    return 0;
}

static void synthetic_bundles(void **state)
{
    (void)state;
    static const struct {
        size_t from, to, bytes;
        const char *digest;
    } cases[] = {
        {0, 256, 7058,
         "735d280c5617b128fde78c379d5e1e69bd1348b4bb9c0293b5d892959b7ec683"},
        {69888, 70000, 3360,
         "d20e77fb03269b3b90ebdc7659c8bca0dc968391fc3bca084765e6c6e0fd51f5"},
    };
    for (size_t c = 0; c < 2; c++) {
        struct wh_buf b;
        wh_buf_init(&b, TLOG_BUNDLE_MAX);
        for (size_t i = cases[c].from; i < cases[c].to; i++) {
            char text[64];
            tlog_bundle_add(&b, wh_str_mem(text, entry_text(i, text)));
        }
        char digest[WH_SHA256_HEX + 1];
        wh_sha256_hex_of(wh_buf_str(&b), digest);
        assert_int_equal(b.n, cases[c].bytes);
        assert_string_equal(digest, cases[c].digest);
        wh_buf_done(&b);
    }
}

static void proofs_out_of_tiles(void **state)
{
    struct big *b = *state;
    static struct tlog_tiles tiles;
    tlog_tiles_init(&tiles, BIG, get_tile, b);
    struct tlog_reader reader = tlog_tiles_reader(&tiles);
    struct tlog_frontier f;
    struct tlog_hash root;
    struct wh_err err = {0};
    assert_true(tlog_frontier_read(&reader, BIG, &f, &err));
    check_root(&f);
    tlog_frontier_root(&f, &root);

    static const uint64_t at[] = {0,     1,     255,   256,   257,  65535,
                                  65536, 65537, 69887, 69888, 69999};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct tlog_path p;
        struct tlog_hash old;
        assert_true(tlog_inclusion(&reader, at[i], BIG, &p, &err));
        assert_true(
            tlog_inclusion_ok(&b->level[0][at[i]], at[i], BIG, &p, &root));
        assert_true(tlog_frontier_read(&reader, at[i], &f, &err));
        tlog_frontier_root(&f, &old);
        assert_true(tlog_consistency(&reader, at[i], BIG, &p, &err));
        assert_true(tlog_consistency_ok(at[i], &old, BIG, &root, &p));
    }
    /* tiles are kept: a second look at the same leaf reads nothing */
    struct tlog_path p;
    assert_true(tlog_inclusion(&reader, 5, BIG, &p, &err));
    unsigned before = b->gets;
    assert_true(tlog_inclusion(&reader, 6, BIG, &p, &err));
    assert_true(b->gets <= before + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_both_ways),
        cmocka_unit_test(widths_of_tiles),
        cmocka_unit_test(reference_bundle_and_tile),
        cmocka_unit_test(synthetic_bundles),
        cmocka_unit_test(proofs_out_of_tiles),
    };
    return cmocka_run_group_tests_name("tlog/tile", tests, make_big, free_big);
}
