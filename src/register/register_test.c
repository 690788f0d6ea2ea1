/*
 * register_test.c - the whole register in one process: events in, proofs out,
 * and what it does when clock, files, database or peers misbehave.
 */
#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "base/unit.h"
#include "db/fault.h"
#include "db/testdb.h"
#include "register/fsck.h"
#include "register/read.h"
#include "register/register.h"
#include "register/verify.h"
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SOON (wh_mono_us() + INT64_C(20000000))

/* One register over a database of its own. */
struct house {
    struct testdb t;
    char dir[96], keys[96];
    struct register_signer *signer;
    struct register_config cfg;
    struct register_log *log;
};

static int64_t clock_shift;

static int64_t shifted_now(void)
{
    return wh_now_us() + clock_shift;
}

static bool start(struct house *h, struct wh_err *err)
{
    h->cfg =
        (struct register_config){.dir = h->dir,
                                 .db_path = h->t.path,
                                 .writer = h->t.w,
                                 .genesis = {.software = "0.1.0"},
                                 .signing = register_signer_direct(h->signer),
                                 .cadence_us = 1000,
                                 .free_min = 1,
                                 .now_us = shifted_now};
    return register_open(&h->cfg, &h->log, err);
}

static void open_house(struct house *h)
{
    struct wh_err err;
    memset(h, 0, sizeof *h);
    clock_shift = 0;
    testdb_open(&h->t);
    testdb_writer(&h->t);
    snprintf(h->dir, sizeof h->dir, "%s/register", h->t.dir);
    snprintf(h->keys, sizeof h->keys, "%s/keys", h->t.dir);
    unit_ok(register_signer_open(h->keys, &h->signer, &err), err);
    unit_ok(start(h, &err), err);
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void close_house(struct house *h)
{
    register_close(&h->log);
    register_signer_close(&h->signer);
    remove_tree(h->dir);
    remove_tree(h->keys);
    testdb_close(&h->t);
}

struct event {
    char hex[WH_SHA256_HEX + 1];
    int64_t outbox;
};

static bool submit(struct db *db, void *ctx, struct wh_err *err)
{
    struct event *e = ctx;
    json_t *leaf = json_object();
    json_object_set_new(leaf, "type", json_string("submission"));
    json_object_set_new(leaf, "kind", json_string("model"));
    json_object_set_new(leaf, "subject",
                        register_subject_new(wh_str_of(e->hex)));
    bool ok = register_submit(db, leaf, &e->outbox, err);
    json_decref(leaf);
    return ok;
}

static struct event event(unsigned n)
{
    struct event e = {.outbox = 0};
    wh_sha256_hex_of(wh_str_mem(&n, sizeof n), e.hex);
    return e;
}

static struct register_place logged(struct house *h, unsigned n)
{
    struct wh_err err;
    struct event e = event(n);
    struct register_place place = {0};
    unit_ok(db_write(h->t.w, submit, &e, &err), err);
    unit_ok(register_wait(h->log, e.outbox, SOON, &place, &err), err);
    return place;
}

static struct tlog_vkey key_of(struct house *h)
{
    struct register_status s;
    struct tlog_vkey vk;
    struct wh_err err;
    register_status_get(h->log, &s);
    unit_ok(tlog_vkey_parse(wh_str_of(s.vkey), &vk, &err), err);
    return vk;
}

/* Every byte of it, as somebody outside would. */
static void scrub(struct house *h)
{
    struct register_files *f = NULL;
    struct register_fsck_report report;
    struct tlog_vkey vk = key_of(h);
    struct db *db = testdb_reader(&h->t);
    struct wh_err err;
    unit_ok(register_files_open(h->dir, false, &f, &err), err);
    struct register_source src = register_source_files(f);
    unit_ok(register_fsck_light(&src, &vk, &report, &err), err);
    unit_ok(register_fsck_scrub(&src, &vk, NULL, NULL, &report, &err), err);
    unit_ok(register_fsck_extra(h->dir, report.checkpoint.size, &report, &err),
            err);
    unit_ok(register_fsck_database(db, &src, &vk, &report, &err), err);
    db_close(&db);
    register_files_close(&f);
}

static void an_event_becomes_public(void **state)
{
    struct house *h = *state;
    struct register_place place = logged(h, 1);
    assert_true(place.index == 1 && place.size == 2); /* 0 is the genesis */

    struct register_reader *r = NULL;
    struct tlog_vkey vk = key_of(h);
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
    struct event e = event(1);
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
    scrub(h);
}

static void entries_as_json(void **state)
{
    struct house *h = *state;
    for (unsigned i = 0; i < 5; i++) {
        (void)logged(h, 7); /* all about one subject */
    }
    struct db *db = testdb_reader(&h->t);
    struct wh_arena a;
    struct wh_err err;
    json_t *v = NULL;
    struct event e = event(7);
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
    struct house *h = *state;
    struct wh_err err;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            (void)logged(h, i);
        }
        register_close(&h->log);
        unit_ok(start(h, &err), err);
    }
    assert_true(logged(h, 99).index == 10);
    scrub(h);
}

struct many {
    unsigned n;
    int64_t last;
};

static bool submit_many(struct db *db, void *ctx, struct wh_err *err)
{
    struct many *m = ctx;
    for (unsigned i = 0; i < m->n; i++) {
        struct event e = event(i);
        if (!submit(db, &e, err)) {
            return false;
        }
        m->last = e.outbox;
    }
    return true;
}

static uint64_t log_many(struct house *h, unsigned n)
{
    struct many m = {.n = n};
    struct register_place place;
    struct wh_err err;
    unit_ok(db_write(h->t.w, submit_many, &m, &err), err);
    unit_ok(register_wait(h->log, m.last, SOON, &place, &err), err);
    return place.size;
}

static void more_than_a_tile_at_once(void **state)
{
    struct house *h = *state;
    uint64_t size = 1;
    static const unsigned steps[] = {254, 1, 1, 254, 2, 500, 300};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size += steps[i];
        uint64_t got = log_many(h, steps[i]);
        assert_true(got == size);
        scrub(h);
    }
}

static void what_waited_while_we_were_down_is_published(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    register_close(&h->log);
    struct event e = event(5);
    unit_ok(db_write(h->t.w, submit, &e, &err), err);
    unit_ok(start(h, &err), err);
    struct register_status s;
    register_status_get(h->log, &s);
    assert_true(s.size == 2);
    struct register_place place;
    unit_ok(register_wait(h->log, e.outbox, SOON, &place, &err), err);
    assert_true(place.index == 1);
}

/* A clock that goes back stops the log until it has caught up. */
static void clock_back_stalls(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct register_place place;
    struct register_status s;
    (void)logged(h, 1);
    clock_shift = -INT64_C(3600000000);
    struct event e = event(2);
    unit_ok(db_write(h->t.w, submit, &e, &err), err);
    unit_fails(
        register_wait(h->log, e.outbox, wh_mono_us() + 300000, &place, &err),
        err, WH_TIMEOUT);
    register_status_get(h->log, &s);
    assert_true(s.stalled && s.size == 2);
    unit_fails(register_admit(h->log, &err), err, WH_UNAVAILABLE);
    clock_shift = 0;
    unit_ok(register_wait(h->log, e.outbox, SOON, &place, &err), err);
    assert_true(place.index == 2);
    register_status_get(h->log, &s);
    assert_false(s.stalled);
    unit_ok(register_admit(h->log, &err), err);
    scrub(h);
}

static void a_full_disk_refuses_events(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    register_close(&h->log);
    h->cfg.free_min = UINT64_MAX;
    unit_ok(register_open(&h->cfg, &h->log, &err), err);
    unit_fails(register_admit(h->log, &err), err, WH_UNAVAILABLE);
}

static void waiting_ends_with_the_log(void **state)
{
    struct house *h = *state;
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
    struct house *h = *state;
    struct called c[40] = {0};
    struct event e[40];
    struct wh_err err;
    for (unsigned i = 0; i < 40; i++) {
        e[i] = event(i);
        unit_ok(db_write(h->t.w, submit, &e[i], &err), err);
        register_wait_async(h->log, e[i].outbox, SOON, called, &c[i]);
    }
    struct called never = {0};
    register_wait_async(h->log, 99999, SOON, called, &never);
    (void)logged(h, 50);
    register_close(&h->log);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(c[i].times, 1);
        assert_true(c[i].ok && c[i].place.index == i + 1);
    }
    assert_int_equal(never.times, 1);
    assert_int_equal(never.err.code, WH_UNAVAILABLE);
}

static void second_log_on_one_folder_is_refused(void **state)
{
    struct house *h = *state;
    struct register_log *other = NULL;
    struct wh_err err;
    unit_fails(register_open(&h->cfg, &other, &err), err, WH_CONFLICT);
    (void)logged(h, 1);
}

/* The lock was got round: the epoch stops the older one at its next event. */
static void second_log_past_the_lock_stops_the_first(void **state)
{
    struct house *h = *state;
    struct register_log *other = NULL;
    struct register_place place;
    struct wh_err err;
    char lock[128];
    (void)logged(h, 1);
    snprintf(lock, sizeof lock, "%s/lock", h->dir);
    assert_int_equal(unlink(lock), 0);
    unit_ok(register_open(&h->cfg, &other, &err), err);
    struct event e = event(2);
    unit_ok(db_write(h->t.w, submit, &e, &err), err);
    register_kick(h->log);
    bool ok = register_wait(h->log, e.outbox, SOON, &place, &err);
    assert_false(ok);
    assert_int_equal(err.code, WH_CORRUPT);
    unit_ok(register_wait(other, e.outbox, SOON, &place, &err), err);
    register_close(&other);
    scrub(h);
}

/* A file where a folder should be: the cycle fails, and recovers when the
 * obstacle is gone. Nobody is told anything before. */
static void an_obstacle_on_disk_delays(void **state)
{
    struct house *h = *state;
    struct register_place place;
    struct wh_err err;
    char path[160];
    assert_true(log_many(h, 255) == 256); /* 001.p does not exist yet */
    snprintf(path, sizeof path, "%s/tile/0/001.p", h->dir);
    unit_ok(wh_file_write_atomic(path, WH_S("in the way"), 0600, &err), err);
    struct event e = event(300);
    unit_ok(db_write(h->t.w, submit, &e, &err), err);
    unit_fails(
        register_wait(h->log, e.outbox, wh_mono_us() + 300000, &place, &err),
        err, WH_TIMEOUT);
    struct register_status s;
    register_status_get(h->log, &s);
    assert_true(s.size == 256 && s.trouble != WH_NONE && !s.halted);
    assert_int_equal(unlink(path), 0);
    unit_ok(register_wait(h->log, e.outbox, SOON, &place, &err), err);
    assert_true(place.index == 256);
    scrub(h);
}

static void a_changed_file_halts(void **state)
{
    struct house *h = *state;
    struct register_place place;
    struct wh_err err;
    char path[160];
    /* what the next event will have to write, with other bytes */
    snprintf(path, sizeof path, "%s/tile/0/000.p/2", h->dir);
    unit_ok(wh_file_write_atomic(path,
                                 WH_S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
                                 0600, &err),
            err);
    struct event e = event(1);
    unit_ok(db_write(h->t.w, submit, &e, &err), err);
    unit_fails(register_wait(h->log, e.outbox, SOON, &place, &err), err,
               WH_CORRUPT);
    unit_fails(register_admit(h->log, &err), err, WH_UNAVAILABLE);
    struct register_status s;
    register_status_get(h->log, &s);
    assert_true(s.halted && s.size == 1);
}

/* The nth database call fails, for every n of a cycle: the event is published
 * once, later, and nothing contradicts anything. */
static void database_failures(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    static const enum wh_code codes[] = {WH_IO, WH_NOSPACE, WH_UNAVAILABLE};
    register_close(&h->log);
    db_writer_free(&h->t.w);
    h->t.w = db_writer_new(db_fault_driver(), h->t.path, &err);
    assert_non_null(h->t.w);
    unit_ok(start(h, &err), err);
    wh_log_level(WH_ERROR + 1);
    uint64_t want = 1;
    for (unsigned nth = 1; nth <= 60; nth++) {
        struct event e = event(nth);
        struct register_place place;
        unit_ok(db_write(h->t.w, submit, &e, &err), err);
        db_fault_arm(nth, codes[nth % 3]);
        unit_ok(register_wait(h->log, e.outbox, SOON, &place, &err), err);
        db_fault_arm(0, WH_NONE);
        assert_true(place.index == want);
        want++;
    }
    wh_log_level(WH_INFO);
    scrub(h);
}

static bool house_acts(struct db *db, void *ctx, struct wh_err *err)
{
    (void)ctx;
    int64_t outbox;
    json_t *leaf =
        json_pack("{s:s,s:[i],s:[s],s:s}", "type", "erasure", "erased", 0,
                  "fields", "submitter", "basis", "request");
    bool ok = register_submit(db, leaf, &outbox, err);
    json_decref(leaf);
    return ok;
}

/* Put the events that wait in again, as if they had come long ago. */
static bool age_oldest(struct db *db, void *ctx, struct wh_err *err)
{
    (void)ctx;
    struct db_stmt *row = db_start(db, DBQ_REGISTER_OUTBOX_TAKE);
    db_bind_i64(row, 1, 1);
    enum db_row r = db_step(row, err);
    assert_true(r == DB_ROW);
    int64_t id = db_col_i64(row, 0);
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OUTBOX_ADD);
    db_bind_i64(s, 1, wh_now_us() - REGISTER_OUTBOX_AGE_US - 1000000);
    db_bind_text(s, 2, db_col_text(row, 1));
    db_bind_i64(s, 3, db_col_i64(row, 2));
    db_bind_text(s, 4, db_col_text(row, 3));
    db_bind_blob(s, 5, db_col_blob(row, 4).p, db_col_blob(row, 4).n);
    db_bind_blob(s, 6, db_col_blob(row, 5).p, db_col_blob(row, 5).n);
    db_finish(&row);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_REGISTER_OUTBOX_DROP);
    db_bind_i64(s, 1, id + 1); /* it and the one behind it */
    return db_exec(s, err);
}

/* An outbox whose oldest event is too old takes acts of the house only. */
static void back_pressure(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct event e = event(1);
    register_close(&h->log); /* nobody empties it now */
    unit_ok(db_write(h->t.w, submit, &e, &err), err);
    struct event more = event(2);
    unit_ok(db_write(h->t.w, submit, &more, &err), err);
    unit_ok(db_write(h->t.w, age_oldest, NULL, &err), err);
    unit_fails(db_write(h->t.w, submit, &more, &err), err, WH_UNAVAILABLE);
    unit_ok(db_write(h->t.w, house_acts, NULL, &err), err);
    unit_ok(start(h, &err), err);
    unit_ok(db_write(h->t.w, submit, &more, &err), err);
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
    struct house *h = *state;
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
    unit_ok(register_wait(h->log, p.outbox, SOON, &place, &err), err);
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
    scrub(h);
}

static void old_partial_tiles_are_swept(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    char path[160];
    struct stat st;
    assert_true(log_many(h, 100) == 101);
    assert_true(log_many(h, 300) == 401);
    snprintf(path, sizeof path, "%s/tile/0/000.p", h->dir);
    assert_int_equal(stat(path, &st), 0);
    register_close(&h->log);
    h->cfg.sweep_age_us = 1;
    unit_ok(register_open(&h->cfg, &h->log, &err), err);
    (void)logged(h, 1);
    register_close(&h->log);
    assert_int_not_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/tile/entries/000.p", h->dir);
    assert_int_not_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/tile/0/001.p", h->dir);
    assert_int_equal(stat(path, &st), 0); /* still needed */
    unit_ok(start(h, &err), err);
    scrub(h);
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

static int setup(void **state)
{
    static struct house h;
    open_house(&h);
    *state = &h;
    return 0;
}

static int teardown(void **state)
{
    close_house(*state);
    return 0;
}

#define WITH_HOUSE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOUSE(an_event_becomes_public),
        WITH_HOUSE(entries_as_json),
        WITH_HOUSE(goes_on_after_a_restart),
        WITH_HOUSE(more_than_a_tile_at_once),
        WITH_HOUSE(what_waited_while_we_were_down_is_published),
        WITH_HOUSE(clock_back_stalls),
        WITH_HOUSE(a_full_disk_refuses_events),
        WITH_HOUSE(waiting_ends_with_the_log),
        WITH_HOUSE(everybody_is_called_once),
        WITH_HOUSE(second_log_on_one_folder_is_refused),
        WITH_HOUSE(second_log_past_the_lock_stops_the_first),
        WITH_HOUSE(an_obstacle_on_disk_delays),
        WITH_HOUSE(a_changed_file_halts),
        WITH_HOUSE(database_failures),
        WITH_HOUSE(back_pressure),
        WITH_HOUSE(openings_are_kept_and_erased),
        WITH_HOUSE(old_partial_tiles_are_swept),
        cmocka_unit_test(paths_of_the_register),
    };
    return cmocka_run_group_tests_name("register/register", tests, NULL, NULL);
}
