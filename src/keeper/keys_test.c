/* The custody key: made once, never twice, missed aloud; wrapped keys belong
 * to one container of one repo; statements to nobody else. */
#include "keeper/keys.h"
#include "keeper/set.h"
#include "keeper/statement.h"

#include "base/file.h"
#include "base/unit.h"

#include <stdlib.h>
#include <sys/stat.h>

struct world {
    char dir[64], keys[80], custody[80], secret[112], id[112];
};

static int up(void **state)
{
    struct wh_err err;
    struct world *w = test_calloc(1, sizeof *w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/wh-keys-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->keys, sizeof w->keys, "%s/keys", w->dir);
    (void)snprintf(w->custody, sizeof w->custody, "%s/custody", w->dir);
    (void)snprintf(w->secret, sizeof w->secret, "%s/custody.key", w->keys);
    (void)snprintf(w->id, sizeof w->id, "%s/key-id", w->custody);
    unit_ok(wh_dir_make(w->keys, 0700, &err), err);
    unit_ok(wh_dir_make(w->custody, 0700, &err), err);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    (void)unlink(w->secret);
    (void)unlink(w->id);
    assert_int_equal(rmdir(w->keys), 0);
    assert_int_equal(rmdir(w->custody), 0);
    assert_int_equal(rmdir(w->dir), 0);
    test_free(w);
    return 0;
}

static void made_once(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct stat st;
    struct keeper_keys_set a, b;
    unit_ok(keeper_keys_open(w->keys, w->custody, &a, &err), err);
    assert_int_equal(stat(w->secret, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    unit_ok(keeper_keys_open(w->keys, w->custody, &b, &err), err);
    assert_memory_equal(&a, &b, sizeof a);
    /* a new data folder under an old key is fine */
    assert_int_equal(unlink(w->id), 0);
    unit_ok(keeper_keys_open(w->keys, w->custody, &b, &err), err);
    assert_memory_equal(&a, &b, sizeof a);
}

static void loss_is_said(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_keys_set k;
    unit_ok(keeper_keys_open(w->keys, w->custody, &k, &err), err);
    assert_int_equal(unlink(w->secret), 0);
    for (int i = 0; i < 2; i++) { /* no second start makes a new one */
        unit_fails(keeper_keys_open(w->keys, w->custody, &k, &err), err,
                   WH_CORRUPT);
        assert_non_null(strstr(err.msg, "is lost unless"));
        assert_int_equal(wh_err_row(err.code)->exit_code, 3);
        assert_int_not_equal(access(w->secret, F_OK), 0);
    }
    /* another house's key in its place */
    unit_ok(wh_file_write_atomic(w->secret,
                                 WH_S("0123456789abcdef0123456789abcdef"), 0600,
                                 &err),
            err);
    unit_fails(keeper_keys_open(w->keys, w->custody, &k, &err), err,
               WH_CORRUPT);
    assert_non_null(strstr(err.msg, "is lost unless"));
}

static void readable_by_others(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_keys_set k;
    unit_ok(keeper_keys_open(w->keys, w->custody, &k, &err), err);
    assert_int_equal(chmod(w->secret, 0640), 0);
    unit_fails(keeper_keys_open(w->keys, w->custody, &k, &err), err,
               WH_FORBIDDEN);
}

static void wrapping(void **state)
{
    (void)state;
    struct wh_err err;
    struct keeper_keys_set k = {.id = {1}, .wrap = {2}}, other = {.id = {3}};
    uint8_t id[STORE_CONTAINER_ID] = {4}, id2[STORE_CONTAINER_ID] = {5};
    uint8_t key[STORE_CONTAINER_KEY] = {6}, got[STORE_CONTAINER_KEY];
    uint8_t w[KEEPER_WRAPPED], w2[KEEPER_WRAPPED];
    struct wh_str repo = WH_S("model:1");
    keeper_keys_wrap(&k, repo, id, key, w);
    keeper_keys_wrap(&k, repo, id, key, w2);
    assert_memory_not_equal(w, w2, sizeof w);
    unit_ok(keeper_keys_unwrap(&k, repo, id, w, got, &err), err);
    assert_memory_equal(key, got, sizeof key);
    unit_fails(keeper_keys_unwrap(&k, repo, id2, w, got, &err), err,
               WH_CORRUPT);
    unit_fails(keeper_keys_unwrap(&k, WH_S("model:2"), id, w, got, &err), err,
               WH_CORRUPT);
    for (size_t i = 0; i < sizeof w; i++) {
        w[i] ^= 0x40;
        unit_fails(keeper_keys_unwrap(&k, repo, id, w, got, &err), err,
                   WH_CORRUPT);
        w[i] ^= 0x40;
    }
    unit_fails(keeper_keys_unwrap(&other, repo, id, w, got, &err), err,
               WH_CORRUPT);
    assert_non_null(strstr(err.msg, "0100000000000000 is not in keys.dir"));
}

static void statements(void **state)
{
    (void)state;
    struct wh_err err;
    struct wh_arena a;
    struct wh_str s;
    struct keeper_keys_set k = {.mac = {1}}, other = {.mac = {2}};
    struct keeper_content_doc c;
    struct keeper_scan_doc scan;
    wh_arena_init(&a, 1 << 20);
    json_t *doc = json_pack("{s:[s],s:s,s:s,s:i}", "containers",
                            "000102030405060708090a0b0c0d0e0f", "repo",
                            "model:1", "sha256", "aa", "size", 7);
    unit_ok(keeper_statement_make(&k, &a, "content", doc, &s, &err), err);
    unit_ok(keeper_statement_content(&k, &a, s, &c, &err), err);
    assert_int_equal(c.size, 7);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.ids[0][15], 15);
    unit_str(c.repo, "model:1");
    unit_fails(keeper_statement_scan(&k, &a, s, &scan, &err), err,
               WH_FORBIDDEN);
    unit_fails(keeper_statement_content(&other, &a, s, &c, &err), err,
               WH_FORBIDDEN);
    char *copy = wh_arena_cstr(&a, s);
    for (size_t i = 0; i < s.n; i++) {
        copy[i] ^= 1;
        unit_fails(
            keeper_statement_content(&k, &a, wh_str_mem(copy, s.n), &c, &err),
            err, WH_FORBIDDEN);
        copy[i] ^= 1;
        unit_fails(
            keeper_statement_content(&k, &a, wh_str_mem(copy, i), &c, &err),
            err, WH_FORBIDDEN);
    }
    wh_arena_done(&a);
}

static void sets_are_bounded(void **state)
{
    (void)state;
    struct wh_err err;
    struct keeper_set *s = keeper_set_new(WH_S("model:1"));
    for (unsigned i = 0; i < KEEPER_CONTAINERS_MAX; i++) {
        struct keeper_part p = {.id = {(uint8_t)i, (uint8_t)(i >> 8)},
                                .fd = -1};
        unit_ok(keeper_set_add(s, &p, &err), err);
    }
    struct keeper_part one_more = {.fd = -1};
    unit_fails(keeper_set_add(s, &one_more, &err), err, WH_TOO_LARGE);
    for (unsigned i = 0; i < KEEPER_CONTAINERS_MAX; i++) {
        assert_int_equal(keeper_set_part(s, i)->id[0], i & 255);
        assert_int_equal(keeper_set_part(s, i)->id[1], i >> 8);
    }
    unit_fails(keeper_set_feed(s, KEEPER_CONTAINERS_MAX, 0, &err), err,
               WH_BAD_REQUEST);
    keeper_set_free(&s);
    keeper_set_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_once, up, down),
        cmocka_unit_test_setup_teardown(loss_is_said, up, down),
        cmocka_unit_test_setup_teardown(readable_by_others, up, down),
        cmocka_unit_test(wrapping),
        cmocka_unit_test(statements),
        cmocka_unit_test(sets_are_bounded),
    };
    return cmocka_run_group_tests_name("keeper/keys", tests, NULL, NULL);
}
