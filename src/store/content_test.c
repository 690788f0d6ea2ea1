/* Tests of large files as rows (content.c): what is needed stays, what nothing
 * needs goes, and nobody gets what they neither uploaded nor may read. */
#include "base/unit.h"
#include "db/testdb.h"
#include "store/content.h"
#include "store/repo.h"

#define NOW 1000000000000LL
#define D1 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D2 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define WRAPPED WH_S("a wrapped key")

struct house {
    struct testdb t;
    struct db *db;
    struct wh_arena a;
    struct store_account ada, bob;
    int64_t repo, other, secret; /* of ada, of bob, ada's private one */
    uint8_t next;                /* for ids */
};

static struct store_account account(struct db *db, const char *name)
{
    struct wh_err err;
    struct store_account a = {0};
    struct store_account_new in = {.name = wh_str_of(name)};
    unit_ok(store_account_create(db, &in, &a, &err), err);
    return a;
}

static int64_t repo(struct house *h, const struct store_account *ns,
                    const char *name, bool is_private)
{
    struct wh_err err;
    int64_t id = 0;
    struct store_repo_new in = {.kind = STORE_MODEL,
                                .ns = ns,
                                .name = wh_str_of(name),
                                .is_private = is_private};
    unit_ok(store_repo_create(h->db, &in, &id, &err), err);
    return id;
}

static int open_house(void **state)
{
    static struct house h;
    h = (struct house){0};
    testdb_open(&h.t);
    h.db = h.t.db;
    wh_arena_init(&h.a, 4 << 20);
    h.ada = account(h.db, "ada");
    h.bob = account(h.db, "bob");
    h.repo = repo(&h, &h.ada, "m", false);
    h.other = repo(&h, &h.bob, "m", false);
    h.secret = repo(&h, &h.ada, "s", true);
    *state = &h;
    return 0;
}

static int close_house(void **state)
{
    struct house *h = *state;
    wh_arena_done(&h->a);
    testdb_close(&h->t);
    return 0;
}

/* A container of a repo; finished with this size if it is not 0. */
static struct store_container_row container(struct house *h, int64_t of,
                                            uint64_t size)
{
    struct wh_err err;
    struct store_container_row c = {.id = {++h->next, 7}, .size = size};
    unit_ok(store_container_add(h->db, of, c.id, WRAPPED, NOW, &err), err);
    if (size > 0) {
        unit_ok(store_container_done(h->db, c.id, size, &err), err);
    }
    return c;
}

/* How many containers the sweep would take; the last one's id in *id. */
static size_t going(struct house *h, int64_t before, uint8_t *first_byte)
{
    struct wh_err err;
    struct store_container_row *rows;
    size_t n;
    unit_ok(store_container_stale(h->db, &h->a, before, &rows, &n, &err), err);
    if (n > 0 && first_byte) {
        *first_byte = rows[n - 1].id[0];
    }
    return n;
}

/* The sweep: everything that goes is forgotten. */
static void sweep(struct house *h)
{
    struct wh_err err;
    struct store_container_row *rows;
    size_t n;
    unit_ok(store_container_stale(h->db, &h->a, 0, &rows, &n, &err), err);
    for (size_t i = 0; i < n; i++) {
        unit_ok(store_container_forget(h->db, rows[i].id, &err), err);
    }
    assert_int_equal(going(h, 0, NULL), 0);
}

/* A settled content of one container. */
static struct store_content settled(struct house *h, int64_t of,
                                    const char *sha256, int64_t now)
{
    struct wh_err err;
    struct store_content c = {0};
    bool found = false;
    struct store_container_row row = container(h, of, 100);
    unit_ok(store_content_add(h->db, of, sha256, 100, WH_S("statement"), &row,
                              1, now, &err),
            err);
    unit_ok(store_content_find(h->db, &h->a, of, sha256, &found, &c, &err),
            err);
    assert_true(found);
    return c;
}

static size_t containers_of(struct house *h, int64_t content,
                            struct store_container_row **rows)
{
    struct wh_err err;
    size_t n = 99;
    unit_ok(store_content_containers(h->db, &h->a, content, rows, &n, &err),
            err);
    return n;
}

static void settles_and_is_found(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct store_content c;
    struct store_container_row rows[3], *got;
    bool found;
    for (int i = 0; i < 3; i++) {
        rows[i] = container(h, h->repo, 10 + (uint64_t)i);
    }
    unit_ok(store_content_add(h->db, h->repo, D1, 33, WH_S("st"), rows, 3, NOW,
                              &err),
            err);
    unit_ok(store_content_find(h->db, &h->a, h->repo, D1, &found, &c, &err),
            err);
    assert_true(found && !c.claimed);
    assert_int_equal(c.size, 33);
    unit_str(c.statement, "st");
    assert_string_equal(c.sha256, D1);
    assert_int_equal(containers_of(h, c.id, &got), 3);
    for (size_t i = 0; i < 3; i++) { /* in order, with their keys */
        assert_memory_equal(got[i].id, rows[i].id, sizeof rows[i].id);
        assert_int_equal(got[i].size, 10 + i);
        assert_int_equal(got[i].wrapped_n, WRAPPED.n);
        assert_memory_equal(got[i].wrapped, WRAPPED.p, WRAPPED.n);
    }
    /* another repo has nothing of it */
    unit_ok(store_content_find(h->db, &h->a, h->other, D1, &found, &c, &err),
            err);
    assert_false(found);
    unit_fails(store_content_by_id(h->db, &h->a, 999, &c, &err), err,
               WH_NOT_FOUND);
}

static void scan_and_claim(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct store_content c = settled(h, h->repo, D1, NOW);
    unit_ok(store_content_scanned(h->db, c.id, WH_S("{}"), WH_S("word"), &err),
            err);
    unit_ok(store_content_claim(h->db, h->repo, D1, &err), err);
    unit_ok(store_content_by_id(h->db, &h->a, c.id, &c, &err), err);
    unit_str(c.scan, "{}");
    unit_str(c.scan_statement, "word");
    assert_true(c.claimed);
}

/* What is uploaded twice is kept once. */
static void twice_is_once(void **state)
{
    struct house *h = *state;
    struct store_container_row *rows;
    uint8_t second = 0;
    struct store_content a = settled(h, h->repo, D1, NOW);
    struct store_content b = settled(h, h->repo, D1, NOW);
    assert_int_equal(a.id, b.id);
    assert_int_equal(going(h, 0, &second), 1);
    assert_int_equal(second, 2);
    assert_int_equal(containers_of(h, a.id, &rows), 1);
    assert_int_equal(rows[0].id[0], 1);
    /* but not across repos: sealed containers serve one repo */
    struct store_content c = settled(h, h->other, D1, NOW);
    assert_int_not_equal(a.id, c.id);
    assert_int_equal(going(h, 0, NULL), 1);
}

static void unclaimed_expires(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    size_t n;
    bool found;
    struct store_content c;
    (void)settled(h, h->repo, D1, NOW);
    (void)settled(h, h->repo, D2, NOW);
    unit_ok(store_content_claim(h->db, h->repo, D2, &err), err);
    unit_ok(store_content_expire(h->db, NOW, &n, &err), err);
    assert_int_equal(n, 0); /* not old enough */
    unit_ok(store_content_expire(h->db, NOW + 1, &n, &err), err);
    assert_int_equal(n, 1);
    unit_ok(store_content_find(h->db, &h->a, h->repo, D1, &found, &c, &err),
            err);
    assert_false(found);
    unit_ok(store_content_find(h->db, &h->a, h->repo, D2, &found, &c, &err),
            err);
    assert_true(found);
    assert_int_equal(going(h, 0, NULL), 1);
    sweep(h);
}

static struct store_upload upload(struct house *h, int64_t expires)
{
    struct wh_err err;
    struct store_upload up = {.repo = h->repo,
                              .account = h->ada.id,
                              .sha256 = D1,
                              .size = 300,
                              .part_size = 100,
                              .expires = expires};
    unit_ok(store_upload_begin(h->db, &up, &err), err);
    return up;
}

static void part(struct house *h, int64_t id, uint32_t n)
{
    struct wh_err err;
    struct store_container_row c = container(h, h->repo, 100);
    unit_ok(store_upload_part(h->db, id, n, c.id, &err), err);
}

static void parts_in_any_order(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct store_container_row *rows;
    struct store_upload found;
    size_t n;
    uint8_t old = 0;
    struct store_upload up = upload(h, NOW);
    assert_int_equal(upload(h, NOW + 5).id, up.id); /* taken up again */
    unit_ok(store_upload_find(h->db, h->repo, D1, &found, &err), err);
    assert_int_equal(found.expires, NOW + 5);
    unit_fails(store_upload_find(h->db, h->other, D1, &found, &err), err,
               WH_NOT_FOUND);
    part(h, up.id, 3);
    part(h, up.id, 1);
    part(h, up.id, 2);
    part(h, up.id, 1); /* sent again: a container of its own */
    assert_int_equal(going(h, 0, &old), 1);
    assert_int_equal(old, 2);
    unit_ok(store_upload_parts(h->db, &h->a, up.id, &rows, &n, &err), err);
    assert_int_equal(n, 3);
    const uint8_t want[] = {4, 3, 1};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].part, i + 1);
        assert_int_equal(rows[i].id[0], want[i]);
    }
    sweep(h);
    /* complete: its containers are the content's now */
    unit_ok(store_upload_end(h->db, up.id, true, &err), err);
    unit_ok(store_content_add(h->db, h->repo, D1, 300, WH_S("st"), rows, n, NOW,
                              &err),
            err);
    assert_int_equal(going(h, 0, NULL), 0);
    unit_fails(store_upload_find(h->db, h->repo, D1, &found, &err), err,
               WH_NOT_FOUND);
}

static void uploads_expire(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    size_t n;
    struct store_upload up = upload(h, NOW);
    part(h, up.id, 1);
    part(h, up.id, 2);
    unit_ok(store_upload_expire(h->db, NOW, &n, &err), err);
    assert_int_equal(n, 0);
    unit_ok(store_upload_expire(h->db, NOW + 1, &n, &err), err);
    assert_int_equal(n, 1);
    assert_int_equal(going(h, 0, NULL), 2);
    sweep(h);
}

/* A container that was begun and never finished is found by its age. */
static void broken_off(void **state)
{
    struct house *h = *state;
    (void)container(h, h->repo, 0);
    assert_int_equal(going(h, NOW, NULL), 0);
    assert_int_equal(going(h, NOW + 1, NULL), 1);
}

static void opened_for_all(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct store_container_row *rows;
    bool found;
    uint64_t size = 0;
    struct store_content a = settled(h, h->repo, D1, NOW);
    struct store_content b = settled(h, h->other, D1, NOW);
    struct store_content c = settled(h, h->repo, D2, NOW);
    unit_ok(store_open_find(h->db, D1, &found, &size, &err), err);
    assert_false(found);
    unit_ok(store_open_add(h->db, D1, 100, NOW, &err), err);
    unit_ok(store_open_add(h->db, D1, 100, NOW, &err), err);
    unit_ok(store_open_unseal(h->db, D1, &err), err);
    unit_ok(store_open_find(h->db, D1, &found, &size, &err), err);
    assert_true(found);
    assert_int_equal(size, 100);
    unit_ok(store_content_by_id(h->db, &h->a, a.id, &a, &err), err);
    unit_ok(store_content_by_id(h->db, &h->a, b.id, &b, &err), err);
    assert_int_equal(a.statement.n + b.statement.n, 0);
    assert_int_equal(containers_of(h, a.id, &rows), 0);
    assert_int_equal(going(h, 0, NULL), 2);
    assert_int_equal(containers_of(h, c.id, &rows), 1); /* stays sealed */
    sweep(h);
}

static bool readable(struct house *h, int64_t account_id)
{
    struct wh_err err;
    struct store_content c;
    bool found = false;
    unit_ok(
        store_content_readable(h->db, &h->a, D1, account_id, &found, &c, &err),
        err);
    return found;
}

/* Knowing a digest is no possession. */
static void possession(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    (void)settled(h, h->secret, D1, NOW);
    assert_false(readable(h, h->ada.id)); /* not open, not claimed */
    unit_ok(store_content_claim(h->db, h->secret, D1, &err), err);
    assert_false(readable(h, h->ada.id));
    unit_ok(store_open_add(h->db, D1, 100, NOW, &err), err);
    assert_true(readable(h, h->ada.id));
    assert_false(readable(h, h->bob.id)); /* a private repo of another */
    assert_false(readable(h, 0));
    unit_ok(store_content_adopt(h->db, h->repo, D1, 100, NOW, &err), err);
    assert_false(readable(h, h->bob.id)); /* nothing refers to it there */
    unit_ok(store_content_claim(h->db, h->repo, D1, &err), err);
    assert_true(readable(h, h->bob.id));
    assert_true(readable(h, 0));
}

static void deleted_repos_leave_nothing(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    bool left = true;
    struct store_upload up = upload(h, NOW);
    part(h, up.id, 1);
    (void)settled(h, h->repo, D1, NOW);
    unit_ok(store_content_claim(h->db, h->repo, D1, &err), err);
    (void)settled(h, h->other, D1, NOW);
    for (int i = 0; i < 5 && left; i++) {
        unit_ok(store_content_clear(h->db, h->repo, &left, &err), err);
        sweep(h);
    }
    assert_false(left);
    struct store_content c;
    bool found;
    unit_ok(store_content_find(h->db, &h->a, h->other, D1, &found, &c, &err),
            err);
    assert_true(found);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(settles_and_is_found), T(scan_and_claim),
        T(twice_is_once),        T(unclaimed_expires),
        T(parts_in_any_order),   T(uploads_expire),
        T(broken_off),           T(opened_for_all),
        T(possession),           T(deleted_repos_leave_nothing),
    };
    return cmocka_run_group_tests_name("store/content", tests, NULL, NULL);
}
