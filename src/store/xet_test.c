/* Tests of the rows of xorbs (xet.c). */
#include "base/unit.h"
#include "db/testdb.h"
#include "store/repo.h"
#include "store/xet.h"

#define NOW 1000000000000LL

struct house {
    struct testdb t;
    struct wh_arena a;
    int64_t repo[2];
};

static int open_h(void **state)
{
    static struct house h;
    struct wh_err err = {0};
    struct store_account ada;
    struct store_account_new in = {.name = WH_S("ada")};
    testdb_open(&h.t);
    wh_arena_init(&h.a, 1 << 20);
    unit_ok(store_account_create(h.t.db, &in, &ada, &err), err);
    for (int i = 0; i < 2; i++) {
        struct store_repo_new repo = {
            .kind = STORE_MODEL, .ns = &ada, .name = i ? WH_S("b") : WH_S("a")};
        unit_ok(store_repo_create(h.t.db, &repo, &h.repo[i], &err), err);
    }
    *state = &h;
    return 0;
}

static int close_h(void **state)
{
    struct house *h = *state;
    wh_arena_done(&h->a);
    testdb_close(&h->t);
    return 0;
}

/* A finished container, and the xorb in it. */
static bool add(struct house *h, int64_t repo, uint8_t id, uint8_t name,
                const char *chunks, int64_t now)
{
    uint8_t container[STORE_CONTAINER_ID] = {id},
            hash[STORE_XORB_HASH] = {name};
    struct wh_err err = {0};
    bool added;
    unit_ok(
        store_container_add(h->t.db, repo, container, WH_S("key"), now, &err),
        err);
    unit_ok(store_container_done(h->t.db, container, 77, &err), err);
    unit_ok(store_xorb_add(h->t.db, repo, hash, container, wh_str_of(chunks),
                           now, &added, &err),
            err);
    return added;
}

static int64_t find(struct house *h, int64_t repo, uint8_t name)
{
    uint8_t hash[STORE_XORB_HASH] = {name};
    struct wh_err err = {0};
    int64_t id;
    unit_ok(store_xorb_find(h->t.db, repo, hash, &id, &err), err);
    return id;
}

static void a_xorb_belongs_to_one_repo(void **state)
{
    struct house *h = *state;
    uint8_t hash[STORE_XORB_HASH] = {1};
    struct store_container_row row;
    struct wh_err err = {0};
    struct wh_str chunks;
    int64_t id;

    assert_true(add(h, h->repo[0], 1, 1, "table", NOW));
    assert_int_not_equal(find(h, h->repo[0], 1), 0);
    assert_int_equal(find(h, h->repo[1], 1), 0);
    unit_ok(
        store_xorb_chunks(h->t.db, &h->a, h->repo[0], hash, &id, &chunks, &err),
        err);
    unit_str(chunks, "table");
    unit_ok(
        store_xorb_chunks(h->t.db, &h->a, h->repo[1], hash, &id, &chunks, &err),
        err);
    assert_int_equal(id, 0);
    unit_ok(store_xorb_container(h->t.db, h->repo[0], hash, &row, &err), err);
    assert_int_equal(row.id[0], 1);
    assert_int_equal(row.size, 77);
    assert_int_equal(row.wrapped_n, 3);
    unit_fails(store_xorb_container(h->t.db, h->repo[1], hash, &row, &err), err,
               WH_NOT_FOUND);
}

static void the_first_of_two_stays(void **state)
{
    struct house *h = *state;
    uint8_t hash[STORE_XORB_HASH] = {2};
    struct wh_err err = {0};
    struct wh_str chunks;
    int64_t id;

    assert_true(add(h, h->repo[0], 2, 2, "first", NOW));
    assert_false(add(h, h->repo[0], 3, 2, "second", NOW));
    unit_ok(
        store_xorb_chunks(h->t.db, &h->a, h->repo[0], hash, &id, &chunks, &err),
        err);
    unit_str(chunks, "first");
    assert_true(add(h, h->repo[1], 4, 2, "another repo's", NOW));
}

static bool is_going(struct house *h, uint8_t container)
{
    struct store_container_row *rows;
    struct wh_err err = {0};
    size_t n;
    unit_ok(store_container_stale(h->t.db, &h->a, 0, &rows, &n, &err), err);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id[0] == container) {
            return true;
        }
    }
    return false;
}

static void what_nobody_names_expires(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    size_t n, all = 0;

    assert_true(add(h, h->repo[0], 10, 10, "old", NOW + 100));
    assert_true(add(h, h->repo[0], 11, 11, "old, named again", NOW + 100));
    assert_true(add(h, h->repo[0], 12, 12, "new", NOW + 300));
    unit_ok(store_xorb_touch(h->t.db, find(h, h->repo[0], 11), NOW + 300, &err),
            err);
    /* an older word does not take it back */
    unit_ok(store_xorb_touch(h->t.db, find(h, h->repo[0], 11), NOW, &err), err);
    do {
        unit_ok(store_xorb_expire(h->t.db, NOW + 200, &n, &err), err);
        all += n;
    } while (n > 0);
    assert_true(all >= 1);
    assert_int_equal(find(h, h->repo[0], 10), 0);
    assert_true(is_going(h, 10));
    assert_int_not_equal(find(h, h->repo[0], 11), 0);
    assert_int_not_equal(find(h, h->repo[0], 12), 0);
    assert_false(is_going(h, 11));
}

static void many_expire_in_steps(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    size_t n;

    unit_ok(store_xorb_expire(h->t.db, NOW + 1000, &n, &err), err);
    for (unsigned i = 100; i < 100 + STORE_XORB_EXPIRE + 3; i++) {
        assert_true(add(h, h->repo[0], (uint8_t)i, (uint8_t)i, "t", NOW + 100));
    }
    unit_ok(store_xorb_expire(h->t.db, NOW + 200, &n, &err), err);
    assert_int_equal(n, STORE_XORB_EXPIRE);
    unit_ok(store_xorb_expire(h->t.db, NOW + 200, &n, &err), err);
    assert_int_equal(n, 3);
    unit_ok(store_xorb_expire(h->t.db, NOW + 200, &n, &err), err);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_xorb_belongs_to_one_repo),
        cmocka_unit_test(the_first_of_two_stays),
        cmocka_unit_test(what_nobody_names_expires),
        cmocka_unit_test(many_expire_in_steps),
    };
    return cmocka_run_group_tests(tests, open_h, close_h);
}
