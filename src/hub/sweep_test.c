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
#include <sys/stat.h>
#include <time.h>
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
static char OPEN[32];   /* of opened content */
static struct hub_open_walk WALK;

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
    memcpy(OPEN, "/tmp/wh-sweep-XXXXXX", sizeof "/tmp/wh-sweep-XXXXXX");
    assert_non_null(mkdtemp(OPEN));
    V.open_dir = OPEN;
    WALK = (struct hub_open_walk){0};
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
    assert_int_equal(nftw(OPEN, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
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

    if (!hub_sweep_round(&c, R, &WALK, first, &E)) {
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

/* ---- opened content ---- */

/* A file in the folder of opened content, last written some hours ago. */
static void open_file(const char *sha256, const char *suffix, int64_t hours)
{
    struct timespec at[2] = {{.tv_sec = time(NULL) - hours * 3600 - 60}};
    struct wh_str dir = wh_arena_fmt(&A, "%s/%.2s", OPEN, sha256);
    struct wh_str path =
        wh_arena_fmt(&A, "%.*s/%s%s", WH_FMT(dir), sha256, suffix);

    at[1] = at[0];
    assert_true(wh_dir_make(dir.p, 0755, &E));
    assert_true(wh_file_write_atomic(path.p, WH_S("hello"), 0644, &E));
    assert_int_equal(utimensat(AT_FDCWD, path.p, at, 0), 0);
}

static bool open_there(const char *sha256, const char *suffix)
{
    struct wh_str path =
        wh_arena_fmt(&A, "%s/%.2s/%s%s", OPEN, sha256, sha256, suffix);

    return access(path.p, F_OK) == 0;
}

static bool opened_fn(struct db *db, void *ctx, struct wh_err *err)
{
    return store_open_add(db, ctx, 5, wh_now_us(), err);
}

static bool is_open(const char *sha256)
{
    uint64_t size;
    bool open;

    assert_true(store_open_find(R, sha256, &open, &size, &E));
    return open;
}

static void test_unnamed_files(void **state)
{
    (void)state;
    open_file(DIGEST_A, "", 2);
    open_file(DIGEST_B, "", 0); /* somebody may be about to name it */
    open_file(DIGEST_B, ".7.new", 2);
    open_file(DIGEST_A, ".0123456789abcdef.tmp", 2);
    open_file(DIGEST_A, ".1.new", 0);
    open_file(DIGEST_A, ".txt", 2); /* nothing of ours */
    sweep(false);
    assert_false(open_there(DIGEST_A, ""));
    assert_true(open_there(DIGEST_B, ""));
    assert_false(open_there(DIGEST_B, ".7.new"));
    assert_false(open_there(DIGEST_A, ".0123456789abcdef.tmp"));
    assert_true(open_there(DIGEST_A, ".1.new"));
    assert_true(open_there(DIGEST_A, ".txt"));
    sweep(true); /* at a start nobody is writing */
    assert_false(open_there(DIGEST_B, ""));
    assert_false(open_there(DIGEST_A, ".1.new"));
    assert_true(open_there(DIGEST_A, ".txt"));
}

/* What stands where a folder of ours would is passed by, and the others are
 * swept. */
static void test_strange_folders(void **state)
{
    struct wh_str file = wh_arena_fmt(&A, "%s/01", OPEN);
    struct wh_str link = wh_arena_fmt(&A, "%s/%.2s", OPEN, DIGEST_B);
    struct wh_str other = wh_arena_fmt(&A, "%s/other", OPEN);

    (void)state;
    open_file(DIGEST_A, "", 2);
    open_file(DIGEST_B, "", 2);
    assert_true(wh_file_write_atomic(file.p, WH_S("hello"), 0644, &E));
    assert_int_equal(rename(link.p, other.p), 0);
    assert_int_equal(symlink("other", link.p), 0);
    sweep(true);
    assert_false(open_there(DIGEST_A, ""));
    assert_true(open_there(DIGEST_B, "")); /* links are not followed */
    assert_int_equal(unlink(link.p), 0);
    assert_int_equal(symlink("/nowhere", link.p), 0);
    sweep(true);
}

static void test_opened_content_of_a_deleted_repo(void **state)
{
    int64_t long_ago = wh_now_us() - HOUR;

    (void)state;
    make(content_fn, DIGEST_A, wh_now_us(), true);
    assert_true(db_write(V.writer, opened_fn, (char[]){DIGEST_A}, &E));
    open_file(DIGEST_A, "", 2);
    sweep(false);
    sweep(true);
    assert_true(open_there(DIGEST_A, "") && is_open(DIGEST_A));
    assert_true(db_write(V.writer, delete_fn, &long_ago, &E));
    sweep(false);
    assert_false(open_there(DIGEST_A, ""));
    assert_false(is_open(DIGEST_A));
}

static bool second_repo_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_account owner;
    struct store_repo_new repo = {
        .kind = STORE_DATASET, .ns = &owner, .name = WH_S("d")};

    return store_account_by_name(db, WH_S("ann"), &owner, err) &&
           store_repo_create(db, &repo, ctx, err) &&
           store_content_adopt(db, *(int64_t *)ctx, DIGEST_A, 5, wh_now_us(),
                               err) &&
           store_content_claim(db, *(int64_t *)ctx, DIGEST_A, err);
}

static void test_content_of_two_repos(void **state)
{
    int64_t long_ago = wh_now_us() - HOUR, other;
    struct store_content c;
    bool found;

    (void)state;
    make(content_fn, DIGEST_A, wh_now_us(), true);
    assert_true(db_write(V.writer, opened_fn, (char[]){DIGEST_A}, &E));
    open_file(DIGEST_A, "", 2);
    assert_true(db_write(V.writer, second_repo_fn, &other, &E));
    assert_true(db_write(V.writer, delete_fn, &long_ago, &E));
    sweep(false);
    sweep(true);
    assert_true(store_content_find(R, &A, 1, DIGEST_A, &found, &c, &E));
    assert_false(found);
    assert_true(open_there(DIGEST_A, "") && is_open(DIGEST_A));
}

/* A row that comes between the sweep's look and the writer's stays safe: the
 * writer looks again. */
static void test_named_meanwhile(void **state)
{
    char list[2][WH_SHA256_HEX + 1] = {DIGEST_A, DIGEST_B};
    size_t removed = 0;

    (void)state;
    open_file(DIGEST_A, "", 2);
    open_file(DIGEST_B, "", 2);
    make(content_fn, DIGEST_B, wh_now_us(), true);
    assert_true(
        hub_open_collect(V.writer, OPEN, list, 2, INT64_MAX, &removed, &E));
    assert_int_equal(removed, 1);
    assert_false(open_there(DIGEST_A, ""));
    assert_true(open_there(DIGEST_B, ""));
    assert_true(hub_open_there(OPEN, DIGEST_B, 5));
    assert_false(hub_open_there(OPEN, DIGEST_B, 6));
    assert_false(hub_open_there(OPEN, DIGEST_A, 5));
}

static void test_put_makes_young(void **state)
{
    (void)state;
    open_file(DIGEST_A, "", 2);
    assert_true(hub_open_put(OPEN, WH_S("hello"), DIGEST_A, &E));
    sweep(false);
    assert_true(open_there(DIGEST_A, ""));
    assert_true(hub_open_put(OPEN, WH_S("another"), DIGEST_A, &E));
    assert_true(hub_open_there(OPEN, DIGEST_A, 7));
}

/* A full folder takes its files in batches, and the walk comes around. */
static void test_many_leftovers(void **state)
{
    char sha256[WH_SHA256_HEX + 1] = DIGEST_A;

    (void)state;
    for (unsigned i = 0; i < 2 * HUB_OPEN_BATCH + 3; i++) {
        snprintf(sha256, sizeof sha256, "%s%062x", i % 2 ? "ff" : "00", i);
        open_file(sha256, "", 2);
    }
    sweep(false);
    for (unsigned i = 0; i < 2 * HUB_OPEN_BATCH + 3; i++) {
        snprintf(sha256, sizeof sha256, "%s%062x", i % 2 ? "ff" : "00", i);
        assert_false(open_there(sha256, ""));
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_contents),
        CASE(test_young_contents_stay),
        CASE(test_uploads),
        CASE(test_unfinished),
        CASE(test_deleted_repo),
        CASE(test_unnamed_files),
        CASE(test_strange_folders),
        CASE(test_opened_content_of_a_deleted_repo),
        CASE(test_content_of_two_repos),
        CASE(test_named_meanwhile),
        CASE(test_put_makes_young),
        CASE(test_many_leftovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
