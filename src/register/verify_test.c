/*
 * verify_test.c - a verifier with a memory: growth, rollback, fork, age; and
 * fsck on tiles that lie. The log is made here, in memory.
 */
#include "base/mem.h"
#include "base/unit.h"
#include "register/verify.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 70000
#define DAY INT64_C(86400000000)

/* Hashes by tile level of a log whose entry i is the text of i + salt. */
struct world {
    uint64_t salt, size;
    struct tlog_hash *level[3];
    size_t n[3];
    struct tlog_vkey vkey;
    struct crypto_ed25519 *key;
    const char *spoiled; /* this file comes with its last byte changed */
    const char *missing;
};

static size_t entry(const struct world *w, uint64_t i, char out[64])
{
    return (size_t)snprintf(out, 64, "entry %" PRIu64 "\n", i + w->salt);
}

static void make_world(struct world *w, uint64_t salt, uint64_t salt_from)
{
    memset(w, 0, sizeof *w);
    w->size = SIZE;
    size_t n = SIZE;
    for (size_t l = 0; l < 3; l++, n /= TLOG_TILE_WIDTH) {
        w->n[l] = n;
        w->level[l] = wh_calloc(n, sizeof(struct tlog_hash));
    }
    for (uint64_t i = 0; i < SIZE; i++) {
        char text[64];
        w->salt = i >= salt_from ? salt : 0;
        tlog_hash_leaf(wh_str_mem(text, entry(w, i, text)), &w->level[0][i]);
    }
    for (size_t l = 1; l < 3; l++) {
        for (size_t i = 0; i < w->n[l]; i++) {
            tlog_tile_fold(w->level[l - 1][i * TLOG_TILE_WIDTH].b, 0,
                           TLOG_TILE_HEIGHT, &w->level[l][i]);
        }
    }
    uint8_t seed[CRYPTO_ED25519_SEED] = {7}, pub[CRYPTO_ED25519_PUB];
    w->key = crypto_ed25519_new(seed);
    crypto_ed25519_public(w->key, pub);
    tlog_vkey_make(WH_S("test.example/log"), TLOG_KEY_ED25519, pub, &w->vkey);
}

static void free_world(struct world *w)
{
    for (size_t l = 0; l < 3; l++) {
        wh_free(w->level[l]);
    }
    crypto_ed25519_free(&w->key);
}

static bool node(void *ctx, unsigned level, uint64_t index,
                 struct tlog_hash *out, struct wh_err *err)
{
    const struct world *w = ctx;
    unsigned height = level % TLOG_TILE_HEIGHT;
    uint64_t first = index << height;
    (void)err;
    tlog_tile_fold(
        w->level[level / TLOG_TILE_HEIGHT][first - first % TLOG_TILE_WIDTH].b,
        (unsigned)(first % TLOG_TILE_WIDTH), height, out);
    return true;
}

static struct tlog_checkpoint head(struct world *w, uint64_t size)
{
    struct tlog_checkpoint cp = {.size = size};
    struct tlog_reader reader = {.node = node, .ctx = w};
    struct tlog_frontier f;
    struct wh_err err;
    snprintf(cp.origin, sizeof cp.origin, "%s", w->vkey.name);
    unit_ok(tlog_frontier_read(&reader, size, &f, &err), err);
    tlog_frontier_root(&f, &cp.root);
    return cp;
}

/* The log as published at w->size. */
static bool get(void *ctx, const char *name, size_t max, struct wh_buf *out,
                struct wh_err *err)
{
    struct world *w = ctx;
    struct tlog_tile t;
    (void)max;
    if (w->missing && strcmp(name, w->missing) == 0) {
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    if (strcmp(name, "checkpoint") == 0) {
        struct tlog_checkpoint cp = head(w, w->size);
        tlog_checkpoint_sign(&cp, &w->vkey, w->key, out);
    } else if (!tlog_tile_parse(wh_str_of(name), &t) ||
               t.width != tlog_tile_width(w->size, t.level, t.index)) {
        return wh_fail(err, WH_NOT_FOUND, "");
    } else if (t.entries) {
        for (unsigned i = 0; i < t.width; i++) {
            char text[64];
            uint64_t at = t.index * TLOG_TILE_WIDTH + i;
            tlog_bundle_add(out, wh_str_mem(text, entry(w, at, text)));
        }
    } else {
        wh_buf_mem(out, w->level[t.level][t.index * TLOG_TILE_WIDTH].b,
                   (size_t)t.width * TLOG_HASH);
    }
    if (w->spoiled && strcmp(name, w->spoiled) == 0) {
        out->p[out->n - 1] ^= 1;
    }
    return true;
}

static struct register_source source(struct world *w)
{
    return (struct register_source){.get = get, .ctx = w};
}

static int setup(void **state)
{
    static struct world w;
    make_world(&w, 0, SIZE);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    free_world(*state);
    return 0;
}

static void growth_is_accepted(void **state)
{
    struct world *w = *state;
    static const uint64_t sizes[] = {1,   1,     2,     255,   256,  257,
                                     300, 65535, 65536, 65537, SIZE, SIZE};
    struct register_seen seen = {0};
    struct register_source src = source(w);
    struct wh_err err;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        w->size = sizes[i];
        struct tlog_checkpoint next = head(w, w->size);
        unit_ok(register_seen_advance(&seen, &next, DAY, &src, &err), err);
        assert_true(seen.checkpoint.size == sizes[i]);
    }
    w->size = SIZE;
}

static void rollback_is_refused(void **state)
{
    struct world *w = *state;
    struct register_source src = source(w);
    struct tlog_checkpoint old = head(w, 500), next = head(w, 499);
    struct register_seen seen = {.checkpoint = old, .at_us = 1};
    struct wh_err err;
    unit_fails(register_seen_advance(&seen, &next, DAY, &src, &err), err,
               WH_ROLLED_BACK);
    assert_true(seen.checkpoint.size == 500 && seen.at_us == 1);
}

static void fork_is_refused(void **state)
{
    struct world *w = *state;
    struct world twin;
    make_world(&twin, 5, 400); /* the same for 400 entries, then another */
    struct register_source src = source(&twin);
    struct register_seen seen = {.checkpoint = head(w, 500), .at_us = 1};
    struct wh_err err;
    static const uint64_t sizes[] = {500, 501, 512, 65536, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        twin.size = sizes[i];
        struct tlog_checkpoint next = head(&twin, twin.size);
        unit_fails(register_seen_advance(&seen, &next, DAY, &src, &err), err,
                   WH_CORRUPT);
        assert_true(seen.checkpoint.size == 500);
    }
    /* where both are still one log, either continues */
    seen.checkpoint = head(w, 400);
    struct tlog_checkpoint next = head(&twin, SIZE);
    twin.size = SIZE;
    unit_ok(register_seen_advance(&seen, &next, DAY, &src, &err), err);
    free_world(&twin);
}

static void missing_tiles_are_no_proof(void **state)
{
    struct world *w = *state;
    struct register_source src = source(w);
    struct register_seen seen = {.checkpoint = head(w, 500), .at_us = 1};
    struct tlog_checkpoint next = head(w, SIZE);
    struct wh_err err;
    w->missing = "tile/0/001";
    unit_fails(register_seen_advance(&seen, &next, DAY, &src, &err), err,
               WH_NOT_VERIFIABLE);
    w->missing = NULL;
}

static void memory_survives_on_disk(void **state)
{
    struct world *w = *state;
    char path[] = "/tmp/wh-seen-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    struct register_seen seen = {.checkpoint = head(w, 500), .at_us = 12345};
    struct register_seen back;
    struct wh_err err;
    unit_ok(register_seen_read(path, &w->vkey, &back, &err), err);
    assert_true(back.checkpoint.size == 0);
    unit_ok(register_seen_write(path, &seen, &err), err);
    unit_ok(register_seen_read(path, &w->vkey, &back, &err), err);
    assert_memory_equal(&back, &seen, sizeof seen);
    struct tlog_vkey other = w->vkey;
    other.name[0] = 'x';
    unit_fails(register_seen_read(path, &other, &back, &err), err, WH_CORRUPT);
    FILE *f = fopen(path, "a");
    fputs("more\n", f);
    fclose(f);
    unit_fails(register_seen_read(path, &w->vkey, &back, &err), err,
               WH_CORRUPT);
    unlink(path);
}

static void age(void **state)
{
    struct world *w = *state;
    struct register_seen seen = {.checkpoint = head(w, 5), .at_us = 10 * DAY};
    assert_true(register_seen_fresh(&seen, 10 * DAY, DAY));
    assert_true(register_seen_fresh(&seen, 11 * DAY, DAY));
    assert_false(register_seen_fresh(&seen, 11 * DAY + 1, DAY));
    assert_false(register_seen_fresh(&seen, 10 * DAY - 1, DAY));
    seen.checkpoint.size = 0;
    assert_false(register_seen_fresh(&seen, 10 * DAY, DAY));
}

static void fsck_accepts_every_size(void **state)
{
    struct world *w = *state;
    static const uint64_t sizes[] = {1,   2,   3,     255,   256,   257,
                                     511, 512, 65535, 65536, 65537, SIZE};
    struct register_source src = source(w);
    struct register_fsck_report report;
    struct wh_err err;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        w->size = sizes[i];
        unit_ok(register_fsck_light(&src, &w->vkey, &report, &err), err);
        unit_ok(register_fsck_scrub(&src, &w->vkey, NULL, NULL, &report, &err),
                err);
        assert_true(report.entries == sizes[i]);
    }
    w->size = SIZE;
}

static void fsck_names_the_bad_file(void **state)
{
    struct world *w = *state;
    static const char *const files[] = {
        "tile/0/000",       "tile/0/272",
        "tile/0/273.p/112", "tile/1/000",
        "tile/1/001.p/17",  "tile/2/000.p/1",
        "tile/entries/000", "tile/entries/273.p/112",
        "tile/entries/100"};
    struct register_source src = source(w);
    struct register_fsck_report report;
    struct wh_err err;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        w->spoiled = files[i];
        unit_fails(
            register_fsck_scrub(&src, &w->vkey, NULL, NULL, &report, &err), err,
            WH_CORRUPT);
        w->spoiled = NULL;
        w->missing = files[i];
        unit_fails(
            register_fsck_scrub(&src, &w->vkey, NULL, NULL, &report, &err), err,
            WH_CORRUPT);
        assert_string_equal(report.where, files[i]);
        w->missing = NULL;
    }
    w->spoiled = "checkpoint";
    err = (struct wh_err){0};
    assert_false(register_fsck_light(&src, &w->vkey, &report, &err));
    w->spoiled = "tile/2/000.p/1";
    unit_fails(register_fsck_light(&src, &w->vkey, &report, &err), err,
               WH_CORRUPT);
    w->spoiled = NULL;
    struct tlog_vkey other = w->vkey;
    other.id[0] ^= 1;
    unit_fails(register_fsck_light(&src, &other, &report, &err), err,
               WH_NOT_VERIFIABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_accepted),
        cmocka_unit_test(rollback_is_refused),
        cmocka_unit_test(fork_is_refused),
        cmocka_unit_test(missing_tiles_are_no_proof),
        cmocka_unit_test(memory_survives_on_disk),
        cmocka_unit_test(age),
        cmocka_unit_test(fsck_accepts_every_size),
        cmocka_unit_test(fsck_names_the_bad_file),
    };
    return cmocka_run_group_tests_name("register/verify", tests, setup,
                                       teardown);
}
