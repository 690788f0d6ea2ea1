/*
 * register_test.c - the whole register in one process: events in, proofs out.
 */
#include "base/enc.h"
#include "base/time.h"
#include "base/unit.h"
#include "register/read.h"
#include "register/testing.h"
#include "register/verify.h"
#include <string.h>
#include <sys/stat.h>

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void an_event_becomes_public(void **state)
{
    struct register_testing *h = *state;
    struct register_place place = register_testing_logged(h, 1);
    assert_true(place.index == 1 && place.size == 2); /* 0 is the genesis */

    struct register_reader *r = NULL;
    struct tlog_vkey vk = register_testing_key(h);
    struct tlog_checkpoint cp;
    struct wh_buf proof;
    struct wh_arena a;
    struct wh_err err;
    json_t *list = NULL;
    uint64_t index;
    wh_buf_init(&proof, TLOG_PROOF_MAX);
    wh_arena_init(&a, 1 << 20);
    unit_ok(register_reader_open(h->dir, &r, &err), err);
    unit_ok(register_proof(r, 1, &proof, &err), err);

    struct db *db = testdb_reader(&h->t);
    struct register_testing_event e = register_testing_event(1);
    unit_ok(register_entries_for_subject(db, &a, wh_str_of(e.hex), 0, 2, 10,
                                         &list, &err),
            err);
    assert_int_equal(json_array_size(list), 1);
    json_t *leaf = json_object_get(json_array_get(list, 0), "leaf");
    struct wh_buf bytes;
    wh_buf_init(&bytes, REGISTER_LEAF_MAX);
    unit_ok(wh_json_canonical(&bytes, leaf, &err), err);
    unit_ok(register_verify_proof(wh_buf_str(&proof), wh_buf_str(&bytes), &vk,
                                  &index, &cp, &err),
            err);
    assert_true(index == 1 && cp.size == 2);
    bytes.p[10] ^= 1;
    unit_fails(register_verify_proof(wh_buf_str(&proof), wh_buf_str(&bytes),
                                     &vk, &index, &cp, &err),
               err, WH_CORRUPT);
    json_decref(list);

    wh_buf_reset(&proof);
    unit_fails(register_proof(r, 2, &proof, &err), err, WH_NOT_FOUND);
    unit_ok(register_checkpoint_at(db, 1, 2, &proof, &err), err);
    unit_ok(tlog_checkpoint_open(wh_buf_str(&proof), &vk, &cp, &err), err);
    assert_true(cp.size == 1);
    unit_fails(register_checkpoint_at(db, 3, 2, &proof, &err), err,
               WH_NOT_FOUND);
    db_close(&db);
    register_reader_close(&r);
    wh_buf_done(&bytes);
    wh_buf_done(&proof);
    wh_arena_done(&a);
    register_testing_scrub(h);
}

static void entries_as_json(void **state)
{
    struct register_testing *h = *state;
    for (unsigned i = 0; i < 5; i++) {
        (void)register_testing_logged(h, 7); /* all about one subject */
    }
    struct db *db = testdb_reader(&h->t);
    struct wh_arena a;
    struct wh_err err;
    json_t *v = NULL;
    struct register_testing_event e = register_testing_event(7);
    wh_arena_init(&a, 1 << 20);
    unit_ok(register_entries_for_subject(db, &a, wh_str_of(e.hex), 2, 5, 10, &v,
                                         &err),
            err);
    assert_int_equal(json_array_size(v), 3); /* 2, 3, 4: published, asked */
    json_decref(v);
    unit_ok(register_entries_json(db, &a, 3, 2, &v, &err), err);
    assert_int_equal(json_array_size(v), 2);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(v, 0), "index")), 2);
    json_decref(v);
    unit_ok(register_entry_json(db, &a, 0, 6, &v, &err), err);
    assert_string_equal(json_string_value(json_object_get(v, "type")),
                        "genesis");
    json_decref(v);
    unit_fails(register_entry_json(db, &a, 6, 6, &v, &err), err, WH_NOT_FOUND);
    v = register_state_json(h->log);
    assert_int_equal(json_integer_value(json_object_get(v, "size")), 6);
    json_decref(v);
    db_close(&db);
    wh_arena_done(&a);
}

static void goes_on_after_a_restart(void **state)
{
    struct register_testing *h = *state;
    struct wh_err err;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            (void)register_testing_logged(h, i);
        }
        register_close(&h->log);
        unit_ok(register_testing_start(h, &err), err);
    }
    assert_true(register_testing_logged(h, 99).index == 10);
    register_testing_scrub(h);
}

static void more_than_a_tile_at_once(void **state)
{
    struct register_testing *h = *state;
    uint64_t size = 1;
    static const unsigned steps[] = {254, 1, 1, 254, 2, 500, 300};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size += steps[i];
        uint64_t got = register_testing_log_many(h, steps[i]);
        assert_true(got == size);
        register_testing_scrub(h);
    }
}

static void what_waited_while_we_were_down_is_published(void **state)
{
    struct register_testing *h = *state;
    struct wh_err err;
    register_close(&h->log);
    struct register_testing_event e = register_testing_event(5);
    unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
    unit_ok(register_testing_start(h, &err), err);
    struct register_status s;
    register_status_get(h->log, &s);
    assert_true(s.size == 2);
    struct register_place place;
    unit_ok(
        register_wait(h->log, e.outbox, REGISTER_TESTING_SOON, &place, &err),
        err);
    assert_true(place.index == 1);
}

static void waiting_ends_with_the_log(void **state)
{
    struct register_testing *h = *state;
    struct wh_err err;
    struct register_place place;
    /* an event that nobody submitted never comes */
    unit_fails(register_wait(h->log, 12345, wh_mono_us() + 50000, &place, &err),
               err, WH_TIMEOUT);
}

struct called {
    int times;
    bool ok;
    struct register_place place;
    struct wh_err err;
};

static void called(void *ctx, const struct register_place *place,
                   const struct wh_err *err)
{
    struct called *c = ctx;
    c->times++;
    c->ok = place != NULL;
    if (place) {
        c->place = *place;
    } else {
        c->err = *err;
    }
}

static void everybody_is_called_once(void **state)
{
    struct register_testing *h = *state;
    struct called c[40] = {0};
    struct register_testing_event e[40];
    struct wh_err err;
    for (unsigned i = 0; i < 40; i++) {
        e[i] = register_testing_event(i);
        unit_ok(db_write(h->t.w, register_testing_submit, &e[i], &err), err);
        register_wait_async(h->log, e[i].outbox, REGISTER_TESTING_SOON, called,
                            &c[i]);
    }
    struct called never = {0};
    register_wait_async(h->log, 99999, REGISTER_TESTING_SOON, called, &never);
    (void)register_testing_logged(h, 50);
    register_close(&h->log);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(c[i].times, 1);
        assert_true(c[i].ok && c[i].place.index == i + 1);
    }
    assert_int_equal(never.times, 1);
    assert_int_equal(never.err.code, WH_UNAVAILABLE);
}

struct private_event {
    int64_t outbox;
    uint8_t salt[REGISTER_SALT];
    uint64_t index;
    bool erased;
};

static bool submit_private(struct db *db, void *ctx, struct wh_err *err)
{
    struct private_event *p = ctx;
    json_t *leaf =
        json_pack("{s:s,s:s}", "type", "submission", "kind", "model");
    register_leaf_commit(leaf, "subject", WH_S(HEX64), p->salt);
    bool ok = register_submit(db, leaf, &p->outbox, err) &&
              register_opening_keep(db, p->outbox, "subject", p->salt,
                                    WH_S(HEX64), err);
    json_decref(leaf);
    return ok;
}

static bool erase(struct db *db, void *ctx, struct wh_err *err)
{
    struct private_event *p = ctx;
    return register_opening_erase(db, p->index, "subject", &p->erased, err);
}

static void openings_are_kept_and_erased(void **state)
{
    struct register_testing *h = *state;
    struct private_event p = {0};
    struct register_place place;
    struct wh_arena a;
    struct wh_str value;
    struct wh_err err;
    json_t *entry = NULL;
    uint8_t salt[REGISTER_SALT], digest[WH_SHA256_LEN];
    char hex[WH_SHA256_HEX + 1];
    wh_arena_init(&a, 1 << 20);
    unit_ok(db_write(h->t.w, submit_private, &p, &err), err);
    unit_ok(
        register_wait(h->log, p.outbox, REGISTER_TESTING_SOON, &place, &err),
        err);
    p.index = place.index;
    struct db *db = testdb_reader(&h->t);
    unit_ok(
        register_opening_read(db, &a, p.index, "subject", salt, &value, &err),
        err);
    unit_str(value, HEX64);
    register_commit(WH_S("subject"), salt, value, digest);
    wh_hex_enc(digest, sizeof digest, hex);
    unit_ok(register_entry_json(db, &a, p.index, place.size, &entry, &err),
            err);
    const json_t *c = json_object_get(json_object_get(entry, "leaf"), "c");
    assert_string_equal(json_string_value(json_object_get(c, "subject")), hex);
    json_decref(entry);

    unit_ok(db_write(h->t.w, erase, &p, &err), err);
    assert_true(p.erased);
    unit_ok(db_write(h->t.w, erase, &p, &err), err);
    assert_false(p.erased);
    unit_fails(
        register_opening_read(db, &a, p.index, "subject", salt, &value, &err),
        err, WH_REFUSED);
    unit_fails(
        register_opening_read(db, &a, p.index, "other", salt, &value, &err),
        err, WH_NOT_FOUND);
    db_close(&db);
    wh_arena_done(&a);
    register_testing_scrub(h);
}

static void old_partial_tiles_are_swept(void **state)
{
    struct register_testing *h = *state;
    struct wh_err err;
    char path[160];
    struct stat st;
    assert_true(register_testing_log_many(h, 100) == 101);
    assert_true(register_testing_log_many(h, 300) == 401);
    snprintf(path, sizeof path, "%s/tile/0/000.p", h->dir);
    assert_int_equal(stat(path, &st), 0);
    register_close(&h->log);
    h->cfg.sweep_age_us = 1;
    unit_ok(register_open(&h->cfg, &h->log, &err), err);
    (void)register_testing_logged(h, 1);
    register_close(&h->log);
    assert_int_not_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/tile/entries/000.p", h->dir);
    assert_int_not_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/tile/0/001.p", h->dir);
    assert_int_equal(stat(path, &st), 0); /* still needed */
    unit_ok(register_testing_start(h, &err), err);
    register_testing_scrub(h);
}

static void paths_of_the_register(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum register_resource_kind kind;
        const char *file;
        uint64_t number;
        bool immutable;
    } good[] = {
        {"checkpoint", REGISTER_FILE, "checkpoint", 0, false},
        {"vkey", REGISTER_VKEY, "", 0, false},
        {"proof/0", REGISTER_PROOF, "", 0, false},
        {"proof/12", REGISTER_PROOF, "", 12, false},
        {"checkpoint/7", REGISTER_CHECKPOINT, "", 7, true},
        {"tile/0/000", REGISTER_FILE, "tile/0/000", 0, true},
        {"tile/entries/x001/234.p/5", REGISTER_FILE,
         "tile/entries/x001/234.p/5", 0, true},
    };
    static const char *const bad[] = {"",
                                      "/checkpoint",
                                      "checkpoint/",
                                      "checkpoint/01",
                                      "proof/",
                                      "proof/-1",
                                      "proof/1/",
                                      "lock",
                                      "tmp",
                                      "tile/0/0",
                                      "tile/0/../../..",
                                      "tile/../checkpoint",
                                      "vkey/",
                                      "proof/1x",
                                      "tile",
                                      "tile/0/000.p/256",
                                      "proof/99999999999999999999"};
    struct register_resource r;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(register_locate(wh_str_of(good[i].path), &r));
        assert_int_equal(r.kind, good[i].kind);
        assert_string_equal(r.file, good[i].file);
        assert_true(r.number == good[i].number);
        assert_int_equal(strstr(r.cache, "immutable") != NULL,
                         good[i].immutable);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (register_locate(wh_str_of(bad[i]), &r)) {
            fail_msg("located %s", bad[i]);
        }
    }
}

#define WITH_HOUSE(f)                                          \
    cmocka_unit_test_setup_teardown(f, register_testing_setup, \
                                    register_testing_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOUSE(an_event_becomes_public),
        WITH_HOUSE(entries_as_json),
        WITH_HOUSE(goes_on_after_a_restart),
        WITH_HOUSE(more_than_a_tile_at_once),
        WITH_HOUSE(what_waited_while_we_were_down_is_published),
        WITH_HOUSE(waiting_ends_with_the_log),
        WITH_HOUSE(everybody_is_called_once),
        WITH_HOUSE(openings_are_kept_and_erased),
        WITH_HOUSE(old_partial_tiles_are_swept),
        cmocka_unit_test(paths_of_the_register),
    };
    return cmocka_run_group_tests_name("register/register", tests, NULL, NULL);
}
