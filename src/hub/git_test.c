/* Unit tests of the git store: names that git computes, references, trees. */
#include "base/buf.h"
#include "db/testdb.h"
#include "hub/git.h"
#include "hub/subject.h"
#include "store/repo.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct testdb T;
static struct wh_err E;
static struct wh_arena A;

/* A repo row to hang objects on; its id is 1. */
static bool add_repo(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_account_new person = {.name = WH_S("ann")};
    struct store_account owner;
    struct store_repo_new repo = {
        .kind = STORE_MODEL, .ns = &owner, .name = WH_S("m")};
    int64_t id;

    (void)ctx;
    return store_account_create(db, &person, &owner, err) &&
           store_repo_create(db, &repo, &id, err) && id == 1;
}

static int set_up(void **state)
{
    (void)state;
    E = (struct wh_err){0};
    wh_arena_init(&A, 64 << 20);
    testdb_open(&T);
    assert_true(hub_git_init(&E));
    assert_true(db_tx(T.db, add_repo, NULL, &E));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    testdb_close(&T);
    wh_arena_done(&A);
    return 0;
}

static struct hub_git *open_git(void)
{
    struct hub_git *g = NULL;

    assert_true(hub_git_open(T.db, 1, T.dir, &g, &E));
    return g;
}

static void assert_oid(const struct hub_oid *oid, const char *hex)
{
    char got[HUB_OID_HEX + 1];

    hub_oid_hex(oid, got);
    assert_string_equal(got, hex);
}

/* ---- a small model of a branch: what a commit must look like ---- */

struct flush_ctx {
    struct hub_git *g;
    const struct hub_oid *old, *new;
};

static bool flush(struct db *db, void *ctx, struct wh_err *err)
{
    struct flush_ctx *f = ctx;

    return hub_git_flush(f->g, db, err) &&
           hub_ref_move(db, 1, WH_S("refs/heads/main"), f->old, f->new, 7, err);
}

static struct hub_oid put_blob(struct hub_git *g, const char *text)
{
    struct hub_oid oid;

    assert_true(hub_git_put_blob(g, wh_str_of(text), &oid, &E));
    return oid;
}

/* Commit changes on top of `parent` (null: first) and make them rows. */
static struct hub_oid commit(const struct hub_oid *parent,
                             struct hub_change *changes, size_t n)
{
    struct hub_git *g = open_git();
    struct hub_commit mother;
    struct hub_oid tree, oid;

    for (size_t i = 0; i < n; i++) {
        if (!changes[i].remove) {
            char text[64];
            snprintf(text, sizeof text, "text of %.*s\n",
                     WH_FMT(changes[i].path));
            changes[i].oid = put_blob(g, text);
        }
    }
    if (parent) {
        assert_true(hub_git_commit(g, parent, &A, &mother, &E));
    }
    assert_true(hub_git_put_tree(g, parent ? &mother.tree : NULL, changes, n,
                                 &tree, &E));
    assert_true(hub_git_put_commit(g, &tree, parent, "admin", "admin@house",
                                   1700000000000000, "a title\n\nbody", &oid,
                                   &E));
    assert_true(db_tx(T.db, flush,
                      &(struct flush_ctx){.g = g, .old = parent, .new = &oid},
                      &E));
    hub_git_close(&g);
    return oid;
}

/* The file paths of a commit, joined by blanks. */
static const char *files(const struct hub_oid *oid)
{
    struct hub_git *g = open_git();
    struct hub_entry *list;
    struct wh_buf b;
    struct wh_str out;
    size_t n;
    bool more;

    assert_true(hub_git_list(g, oid, WH_S(""), true, WH_S(""), 100, &A, &list,
                             &n, &more, &E));
    assert_false(more);
    wh_buf_init(&b, 4096);
    for (size_t i = 0; i < n; i++) {
        if (!list[i].dir) {
            wh_buf_fmt(&b, "%s%.*s", b.n ? " " : "", WH_FMT(list[i].path));
        }
    }
    out = wh_arena_dup(&A, wh_buf_str(&b));
    wh_buf_done(&b);
    hub_git_close(&g);
    return wh_arena_cstr(&A, out);
}

#define PUT(p)          \
    {                   \
        .path = WH_S(p) \
    }
#define DEL(p)                          \
    {                                   \
        .path = WH_S(p), .remove = true \
    }

/* ---- tests ---- */

static void test_names_of_git(void **state)
{
    struct hub_git *g = open_git();
    struct hub_oid blob, tree, oid;

    (void)state;
    blob = put_blob(g, "hello\n");
    assert_oid(&blob, "ce013625030ba8dba906f756967f9e9ca394464a");
    blob = put_blob(g, "");
    assert_oid(&blob, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_true(hub_git_put_tree(g, NULL, NULL, 0, &tree, &E));
    assert_oid(&tree, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    /* git commit-tree with the same fields gives this name */
    assert_true(hub_git_put_commit(g, &tree, NULL, "admin", "admin@house",
                                   1700000000000000, "first\n", &oid, &E));
    assert_oid(&oid, "1a2b337cdcf50a7139d25ae5b3d24856ec294aa3");
    hub_git_close(&g);
}

static void test_tree_edits(void **state)
{
    struct hub_change first[] = {PUT("a.txt"), PUT("dir/b.txt"),
                                 PUT("dir/sub/c.txt"), PUT("z")};
    struct hub_change folder_to_file[] = {PUT("dir")};
    struct hub_change file_to_folder[] = {PUT("z/y/x"), PUT("dir/again")};
    struct hub_change drop[] = {DEL("dir"), DEL("a.txt")};
    struct hub_oid c1, c2, c3, c4;

    (void)state;
    c1 = commit(NULL, first, 4);
    assert_string_equal(files(&c1), "a.txt dir/b.txt dir/sub/c.txt z");
    c2 = commit(&c1, folder_to_file, 1);
    assert_string_equal(files(&c2), "a.txt dir z");
    c3 = commit(&c2, file_to_folder, 2);
    assert_string_equal(files(&c3), "a.txt dir/again z/y/x");
    c4 = commit(&c3, drop, 2);
    assert_string_equal(files(&c4), "z/y/x");
}

static void test_refused_paths(void **state)
{
    static const char *const BAD[] = {"../x", "a/../b", ".git/config", "a//b",
                                      "",     "/a",     "a/.GIT/x",    "a/"};
    struct hub_git *g = open_git();

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct hub_change c = {.path = wh_str_of(BAD[i])};
        struct hub_oid tree;
        c.oid = put_blob(g, "x");
        E = (struct wh_err){0};
        if (hub_git_put_tree(g, NULL, &c, 1, &tree, &E)) {
            fail_msg("path \"%s\" was taken", BAD[i]);
        }
        assert_int_equal(E.code, WH_BAD_NAME);
    }
    hub_git_close(&g);
}

static void test_compare_and_swap(void **state)
{
    struct hub_change one[] = {PUT("a")}, two[] = {PUT("b")};
    struct hub_oid c1 = commit(NULL, one, 1), c2 = commit(&c1, two, 1);
    struct hub_git *g = open_git();
    struct flush_ctx late = {.g = g, .old = &c1, .new = &c1};

    (void)state;
    assert_false(db_tx(T.db, flush, &late, &E));
    assert_int_equal(E.code, WH_HEAD_MOVED);
    late = (struct flush_ctx){.g = g, .old = NULL, .new = &c2};
    assert_false(db_tx(T.db, flush, &late, &E));
    assert_int_equal(E.code, WH_HEAD_MOVED);
    hub_git_close(&g);
}

struct ref_ctx {
    const char *name;
    struct hub_oid *oid;
};

static bool make_ref(struct db *db, void *ctx, struct wh_err *err)
{
    struct ref_ctx *r = ctx;

    return hub_ref_move(db, 1, wh_str_of(r->name), NULL, r->oid, 7, err);
}

static void test_ref_clashes(void **state)
{
    struct hub_change one[] = {PUT("a")};
    struct hub_oid c1 = commit(NULL, one, 1);
    static const struct {
        const char *name;
        bool ok;
    } CASES[] = {
        {"refs/heads/dev", true},    {"refs/heads/dev/x", false},
        {"refs/heads/feat/x", true}, {"refs/heads/feat", false},
        {"refs/heads/feat/y", true}, {"refs/heads/feature", true},
        {"refs/heads/dev", false},   {"refs/tags/dev", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct ref_ctx r = {CASES[i].name, &c1};
        E = (struct wh_err){0};
        if (db_tx(T.db, make_ref, &r, &E) != CASES[i].ok) {
            fail_msg("%s: %s", CASES[i].name, E.msg);
        }
    }
}

static void test_resolve(void **state)
{
    struct hub_change one[] = {PUT("a")};
    struct hub_oid c1 = commit(NULL, one, 1), got;
    struct ref_ctx pr = {"refs/pr/1", &c1}, tag = {"refs/tags/v1", &c1};
    struct hub_git *g = open_git();
    char hex[HUB_OID_HEX + 1];
    const char *good[] = {"main", "HEAD", "refs/pr/1", "v1", "refs/heads/main",
                          hex};
    const char *bad[] = {
        "nope",       "",     "refs/pr/2",
        "0000000000", "abcd", "ffffffffffffffffffffffffffffffffffffffff"};

    (void)state;
    hub_oid_hex(&c1, hex);
    assert_true(db_tx(T.db, make_ref, &pr, &E));
    assert_true(db_tx(T.db, make_ref, &tag, &E));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(hub_git_resolve(g, wh_str_of(good[i]), &got, &E));
        assert_true(hub_oid_eq(&got, &c1));
    }
    assert_true(hub_git_resolve(g, wh_str_mem(hex, 7), &got, &E));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        E = (struct wh_err){0};
        assert_false(hub_git_resolve(g, wh_str_of(bad[i]), &got, &E));
        assert_int_equal(E.code, WH_REVISION_NOT_FOUND);
    }
    hub_git_close(&g);
}

static void test_paging(void **state)
{
    struct hub_change changes[40];
    struct hub_oid c;
    struct hub_git *g;
    struct hub_entry *list;
    struct wh_str after = WH_S("");
    size_t n, total = 0;
    bool more = true;

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        changes[i] = (struct hub_change){
            .path = wh_arena_fmt(&A, "d%zu/e%zu/f%zu", i % 3, i % 7, i)};
    }
    c = commit(NULL, changes, 40);
    g = open_git();
    while (more) {
        assert_true(hub_git_list(g, &c, WH_S(""), true, after, 7, &A, &list, &n,
                                 &more, &E));
        for (size_t i = 0; i < n; i++) {
            total += !list[i].dir;
        }
        after = n ? list[n - 1].path : after;
    }
    assert_int_equal(total, 40);
    hub_git_close(&g);
}

static void test_pointer_in_listing(void **state)
{
    struct hub_git *g = open_git();
    struct hub_oid blob, tree, oid;
    struct hub_entry e;
    struct hub_change c = {.path = WH_S("model.safetensors")};

    (void)state;
    blob = put_blob(
        g, "version https://git-lfs.github.com/spec/v1\n"
           "oid sha256:"
           "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
           "size 12345\n");
    c.oid = blob;
    assert_true(hub_git_put_tree(g, NULL, &c, 1, &tree, &E));
    assert_true(
        hub_git_put_commit(g, &tree, NULL, "a", "b@c", 0, "m", &oid, &E));
    assert_true(hub_git_entry(g, &oid, WH_S("model.safetensors"), &A, &e, &E));
    assert_true(e.lfs);
    assert_int_equal(e.size, 12345);
    assert_int_equal(e.pointer_size, 130);
    assert_false(hub_git_entry(g, &oid, WH_S("nothing"), &A, &e, &E));
    assert_int_equal(E.code, WH_ENTRY_NOT_FOUND);
    hub_git_close(&g);
}

static void test_only_reached_objects_become_rows(void **state)
{
    struct hub_change one[] = {PUT("a")};
    struct hub_git *g = open_git();
    struct hub_oid stray = put_blob(g, "nobody refers to this"), c, got;
    char hex[HUB_OID_HEX + 1];

    (void)state;
    hub_git_close(&g);
    c = commit(NULL, one, 1);
    g = open_git();
    hub_oid_hex(&stray, hex);
    assert_false(hub_git_resolve(g, wh_str_of(hex), &got, &E));
    hub_oid_hex(&c, hex);
    assert_true(hub_git_resolve(g, wh_str_of(hex), &got, &E));
    hub_git_close(&g);
}

/* "d/d/.../f" with so many folders. */
static struct wh_str nested(unsigned folders)
{
    struct wh_buf b;
    struct wh_str path;

    wh_buf_init(&b, 1024);
    while (folders-- > 0) {
        wh_buf_cstr(&b, "d/");
    }
    wh_buf_cstr(&b, "f");
    path = wh_arena_dup(&A, wh_buf_str(&b));
    wh_buf_done(&b);
    return path;
}

/* What is measured is what a listing would have gone through. */
static void test_extent(void **state)
{
    static const unsigned folders[] = {0, 1, HUB_GIT_DEPTH, HUB_GIT_DEPTH + 1};

    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct hub_change c = {.path = nested(folders[i])};
        bool fits = folders[i] <= HUB_GIT_DEPTH, more;
        struct hub_git *g = open_git();
        struct hub_oid tree, oid;
        struct hub_git_extent has;
        struct hub_entry *list;
        size_t n;
        c.oid = put_blob(g, "text");
        assert_true(hub_git_put_tree(g, NULL, &c, 1, &tree, &E));
        assert_true(
            hub_git_put_commit(g, &tree, NULL, "a", "b@c", 0, "m", &oid, &E));
        assert_true(hub_git_measure(g, &oid, 1000, &has, &E));
        assert_int_equal(has.depth, folders[i]);
        assert_int_equal(has.entries, folders[i] + 1);
        assert_int_equal(hub_subject_fits(g, &oid, &E), fits);
        assert_int_equal(hub_git_list(g, &oid, WH_S(""), true, WH_S(""), 1000,
                                      &A, &list, &n, &more, &E),
                         fits);
        if (fits) {
            assert_int_equal(n, has.entries);
        }
        assert_true(hub_git_measure(g, &oid, 1, &has, &E));
        assert_int_equal(has.entries, 1);
        hub_git_close(&g);
    }
}

int main(void)
{
#define T_(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T_(test_names_of_git),
        T_(test_tree_edits),
        T_(test_refused_paths),
        T_(test_compare_and_swap),
        T_(test_ref_clashes),
        T_(test_resolve),
        T_(test_paging),
        T_(test_pointer_in_listing),
        T_(test_only_reached_objects_become_rows),
        T_(test_extent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
