/* Unit tests of the sweep: what goes, what stays, and files with their rows. */
#include "base/file.h"
#include "base/time.h"
#include "crypto/random.h"
#include "db/testdb.h"
#include "hub/sweep.h"
#include "store/auth.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR STORE_HOUR_US
#define DIGEST_A \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct testdb T;
static struct wh_err E;
static struct wh_arena A;
static struct hub_vault V;
static struct db *R;
static char SEALED[32]; /* of the containers */

static bool make_repo(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_account_new person = {.name = WH_S("ann")};
    struct store_account owner;
    struct store_repo_new repo = {
        .kind = STORE_MODEL, .ns = &owner, .name = WH_S("m")};

    return store_account_create(db, &person, &owner, err) &&
           store_repo_create(db, &repo, ctx, err);
}

static int set_up(void **state)
{
    int64_t repo;

    (void)state;
    E = (struct wh_err){0};
    wh_arena_init(&A, 16 << 20);
    testdb_open(&T);
    memcpy(SEALED, "/tmp/wh-sweep-XXXXXX", sizeof "/tmp/wh-sweep-XXXXXX");
    assert_non_null(mkdtemp(SEALED));
    V = (struct hub_vault){.writer = testdb_writer(&T)};
    V.open_dir = SEALED;
    V.sealed = open(SEALED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    V.downloads = hub_downloads_new();
    assert_true(V.sealed >= 0);
    assert_true(db_write(V.writer, make_repo, &repo, &E));
    assert_int_equal(repo, 1);
    R = testdb_reader(&T);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(nftw(SEALED, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    db_close(&R);
    wh_fd_close(&V.sealed);
    hub_downloads_free(&V.downloads);
    testdb_close(&T);
    wh_arena_done(&A);
    return 0;
}

/* ---- making things ---- */

/* A container's file under its name; the row is the caller's business. */
static struct store_container_row new_file(void)
{
    uint8_t key[STORE_CONTAINER_KEY] = {0};
    struct store_container_row row = {.wrapped_n = 1, .size = 5};
    struct store_container_file f;
    struct store_container_writer *w;

    crypto_random(row.id, sizeof row.id);
    assert_true(store_container_create(V.sealed, row.id, &f, &E));
    w = store_container_writer_new(f.fd, row.id, key);
    assert_true(store_container_append(w, WH_S("hello"), &E));
    assert_true(store_container_finish(w, &E));
    assert_true(store_container_link(&f, &E));
    store_container_writer_free(&w);
    store_container_drop(&f);
    return row;
}

static bool file_there(const struct store_container_row *row)
{
    struct wh_err err = {0};
    int fd = store_container_open_file(V.sealed, row->id, &err);
    bool there = fd >= 0;

    wh_fd_close(&fd);
    return there;
}

struct made {
    struct store_container_row row;
    const char *sha256;
    int64_t at;
    bool claim;
};

static bool add_container(struct db *db, const struct made *m,
                          struct wh_err *err)
{
    return store_container_add(db, 1, m->row.id,
                               wh_str_mem(m->row.wrapped, m->row.wrapped_n),
                               m->at, err);
}

static bool unfinished_fn(struct db *db, void *ctx, struct wh_err *err)
{
    return add_container(db, ctx, err);
}

static bool content_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct made *m = ctx;

    return add_container(db, m, err) &&
           store_container_done(db, m->row.id, 5, err) &&
           store_content_add(db, 1, m->sha256, 5, WH_S("statement"), &m->row, 1,
                             m->at, err) &&
           (!m->claim || store_content_claim(db, 1, m->sha256, err));
}

static bool upload_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct made *m = ctx;
    struct store_upload up = {
        .repo = 1, .account = 1, .size = 10, .part_size = 5, .expires = m->at};

    memcpy(up.sha256, m->sha256, sizeof up.sha256);
    return add_container(db, m, err) &&
           store_container_done(db, m->row.id, 5, err) &&
           store_upload_begin(db, &up, err) &&
           store_upload_part(db, up.id, 1, m->row.id, err);
}

static struct made make(db_fn *fn, const char *sha256, int64_t at, bool claim)
{
    struct made m = {new_file(), sha256, at, claim};

    assert_true(db_write(V.writer, fn, &m, &E));
    return m;
}

static void sweep(bool first)
{
    struct hub_sweep_config c = {.vault = &V, .expire_us = 24 * HOUR};

    if (!hub_sweep_round(&c, R, first, &E)) {
        fail_msg("%s (%s)", E.msg, E.detail);
    }
}

/* ---- tests ---- */

static void test_contents(void **state)
{
    int64_t now = wh_now_us();
    struct made old = make(content_fn, DIGEST_A, now - 25 * HOUR, false);
    struct made claimed = make(content_fn, DIGEST_B, now - 99 * HOUR, true);
    bool found;
    struct store_content c;

    (void)state;
    sweep(false);
    assert_false(file_there(&old.row));
    assert_true(file_there(&claimed.row));
    assert_true(store_content_find(R, &A, 1, DIGEST_A, &found, &c, &E));
    assert_false(found);
    assert_true(store_content_find(R, &A, 1, DIGEST_B, &found, &c, &E));
    assert_true(found);
}

static void test_young_contents_stay(void **state)
{
    struct made young =
        make(content_fn, DIGEST_A, wh_now_us() - 23 * HOUR, false);

    (void)state;
    sweep(false);
    assert_true(file_there(&young.row));
}

static void test_uploads(void **state)
{
    int64_t now = wh_now_us();
    struct made over = make(upload_fn, DIGEST_A, now - 1, false);
    struct made running = make(upload_fn, DIGEST_B, now + HOUR, false);
    struct store_upload up;

    (void)state;
    sweep(false);
    assert_false(file_there(&over.row));
    assert_true(file_there(&running.row));
    assert_false(store_upload_find(R, 1, DIGEST_A, &up, &E));
    E = (struct wh_err){0};
    assert_true(store_upload_find(R, 1, DIGEST_B, &up, &E));
}

static void test_unfinished(void **state)
{
    int64_t now = wh_now_us();
    struct made writing = make(unfinished_fn, NULL, now - HOUR, false);
    struct made forgotten = make(unfinished_fn, NULL, now - 25 * HOUR, false);

    (void)state;
    sweep(false);
    assert_true(file_there(&writing.row));
    assert_false(file_there(&forgotten.row));
    sweep(true); /* at a start nobody is writing */
    assert_false(file_there(&writing.row));
}

static bool delete_fn(struct db *db, void *ctx, struct wh_err *err)
{
    return store_repo_delete(db, 1, *(const int64_t *)ctx, err);
}

static void test_deleted_repo(void **state)
{
    int64_t long_ago = wh_now_us() - HOUR;
    struct made kept = make(content_fn, DIGEST_A, wh_now_us(), true);
    struct store_repo repo;

    (void)state;
    assert_true(db_write(V.writer, delete_fn, &long_ago, &E));
    sweep(false); /* contents first, the repo's row when they are gone */
    sweep(false);
    assert_false(file_there(&kept.row));
    assert_false(store_repo_by_id(R, &A, 1, &repo, &E));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_contents),     CASE(test_young_contents_stay),
        CASE(test_uploads),      CASE(test_unfinished),
        CASE(test_deleted_repo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
