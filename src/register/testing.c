/*
 * testing.c - a register over a database of its own, and events for it.
 */
#include "register/testing.h"

#include "base/time.h"
#include "base/unit.h"
#include "register/fsck.h"
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

static int64_t clock_shift;

static int64_t shifted_now(void)
{
    return wh_now_us() + clock_shift;
}

void register_testing_clock(int64_t shift)
{
    clock_shift = shift;
}

bool register_testing_start(struct register_testing *h, struct wh_err *err)
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

int register_testing_setup(void **state)
{
    static struct register_testing house;
    struct register_testing *h = &house;
    struct wh_err err;
    memset(h, 0, sizeof *h);
    clock_shift = 0;
    testdb_open(&h->t);
    testdb_writer(&h->t);
    snprintf(h->dir, sizeof h->dir, "%.63s/register", h->t.dir);
    snprintf(h->keys, sizeof h->keys, "%.63s/keys", h->t.dir);
    unit_ok(register_signer_open(h->keys, &h->signer, &err), err);
    unit_ok(register_testing_start(h, &err), err);
    *state = h;
    return 0;
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

int register_testing_teardown(void **state)
{
    struct register_testing *h = *state;
    register_close(&h->log);
    register_signer_close(&h->signer);
    remove_tree(h->dir);
    remove_tree(h->keys);
    testdb_close(&h->t);
    return 0;
}

bool register_testing_submit(struct db *db, void *ctx, struct wh_err *err)
{
    struct register_testing_event *e = ctx;
    json_t *leaf = json_object();
    json_object_set_new(leaf, "type", json_string("submission"));
    json_object_set_new(leaf, "kind", json_string("model"));
    json_object_set_new(leaf, "subject",
                        register_subject_new(wh_str_of(e->hex)));
    bool ok = register_submit(db, leaf, &e->outbox, err);
    json_decref(leaf);
    return ok;
}

struct register_testing_event register_testing_event(unsigned n)
{
    struct register_testing_event e = {.outbox = 0};
    wh_sha256_hex_of(wh_str_mem(&n, sizeof n), e.hex);
    return e;
}

struct register_place register_testing_logged(struct register_testing *h,
                                              unsigned n)
{
    struct wh_err err;
    struct register_testing_event e = register_testing_event(n);
    struct register_place place = {0};
    unit_ok(db_write(h->t.w, register_testing_submit, &e, &err), err);
    unit_ok(
        register_wait(h->log, e.outbox, REGISTER_TESTING_SOON, &place, &err),
        err);
    return place;
}

struct tlog_vkey register_testing_key(struct register_testing *h)
{
    struct register_status s;
    struct tlog_vkey vk;
    struct wh_err err;
    register_status_get(h->log, &s);
    unit_ok(tlog_vkey_parse(wh_str_of(s.vkey), &vk, &err), err);
    return vk;
}

void register_testing_scrub(struct register_testing *h)
{
    struct register_files *f = NULL;
    struct register_fsck_report report;
    struct tlog_vkey vk = register_testing_key(h);
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

struct many {
    unsigned n;
    int64_t last;
};

static bool submit_many(struct db *db, void *ctx, struct wh_err *err)
{
    struct many *m = ctx;
    for (unsigned i = 0; i < m->n; i++) {
        struct register_testing_event e = register_testing_event(i);
        if (!register_testing_submit(db, &e, err)) {
            return false;
        }
        m->last = e.outbox;
    }
    return true;
}

uint64_t register_testing_log_many(struct register_testing *h, unsigned n)
{
    struct many m = {.n = n};
    struct register_place place;
    struct wh_err err;
    unit_ok(db_write(h->t.w, submit_many, &m, &err), err);
    unit_ok(register_wait(h->log, m.last, REGISTER_TESTING_SOON, &place, &err),
            err);
    return place.size;
}
