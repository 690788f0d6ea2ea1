/* Tests of chunk tables as a shard's checks find them (xet_tables.c). */
#include "base/unit.h"
#include "db/testdb.h"
#include "hub/xet_tables.h"
#include "store/repo.h"
#include "store/xet.h"

#define XORBS 40u
#define NOW 1000000000000LL

struct house {
    struct testdb t;
    struct db *db; /* reads */
    struct scan_xet_hash hash[XORBS];
    int64_t repo, other;
};

static int64_t make_repo(struct db *db, const struct store_account *ns,
                         struct wh_str name)
{
    struct store_repo_new in = {.kind = STORE_MODEL, .ns = ns, .name = name};
    struct wh_err err = {0};
    int64_t id;
    unit_ok(store_repo_create(db, &in, &id, &err), err);
    return id;
}

/* Xorb i: i + 1 chunks of one byte each. */
static void make_xorb(struct house *h, uint32_t i)
{
    struct scan_xorb_chunk chunks[XORBS];
    struct scan_xorb_table t = {.chunks = chunks, .count = i + 1};
    uint8_t id[STORE_CONTAINER_ID] = {(uint8_t)(i + 1)};
    struct scan_xet_tree tree = {0};
    struct wh_err err = {0};
    struct wh_buf b;
    bool added;
    for (uint32_t c = 0; c <= i; c++) {
        uint8_t byte = (uint8_t)(i + c);
        chunks[c] =
            (struct scan_xorb_chunk){.offset = t.bytes, .stored = 1, .raw = 1};
        scan_xet_chunk(&byte, 1, &chunks[c].hash);
        scan_xet_tree_add(&tree, &chunks[c].hash, 1);
        t.bytes += SCAN_XORB_HEADER + 1;
    }
    scan_xet_tree_root(&tree, &t.hash);
    h->hash[i] = t.hash;
    wh_buf_init(&b, 1 << 16);
    scan_xorb_table_write(&b, &t);
    unit_ok(store_container_add(h->t.db, h->repo, id, WH_S("key"), NOW, &err),
            err);
    unit_ok(store_xorb_add(h->t.db, h->repo, t.hash.b, id, wh_buf_str(&b), NOW,
                           &added, &err),
            err);
    assert_true(added);
    wh_buf_done(&b);
}

static int open_h(void **state)
{
    static struct house h;
    struct store_account_new in = {.name = WH_S("ada")};
    struct store_account ada;
    struct wh_err err = {0};
    uint8_t id[STORE_CONTAINER_ID] = {200}, bad[STORE_XORB_HASH] = {1};
    bool added;
    testdb_open(&h.t);
    unit_ok(store_account_create(h.t.db, &in, &ada, &err), err);
    h.repo = make_repo(h.t.db, &ada, WH_S("a"));
    h.other = make_repo(h.t.db, &ada, WH_S("b"));
    for (uint32_t i = 0; i < XORBS; i++) {
        make_xorb(&h, i);
    }
    unit_ok(store_container_add(h.t.db, h.repo, id, WH_S("key"), NOW, &err),
            err);
    unit_ok(store_xorb_add(h.t.db, h.repo, bad, id, WH_S("no table"), NOW,
                           &added, &err),
            err);
    testdb_writer(&h.t);
    h.db = testdb_reader(&h.t);
    *state = &h;
    return 0;
}

static int close_h(void **state)
{
    struct house *h = *state;
    db_close(&h->db);
    testdb_close(&h->t);
    return 0;
}

static void tables_are_found_again(void **state)
{
    struct house *h = *state;
    struct hub_tables *t = hub_tables_new(h->db, h->t.w, h->repo);
    struct scan_shard_world *w = hub_tables_world(t);
    struct wh_err err = {0};
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < XORBS; i++) {
            const struct scan_xorb_table *x = w->xorb(w->ctx, &h->hash[i]);
            assert_non_null(x);
            assert_int_equal(x->count, i + 1);
        }
    }
    hub_tables_why(t, &err);
    assert_int_equal(err.code, WH_NONE);
    hub_tables_free(&t);
}

static void what_was_asked_for_is_in_use(void **state)
{
    struct house *h = *state;
    struct hub_tables *t = hub_tables_new(h->db, h->t.w, h->repo);
    struct scan_shard_world *w = hub_tables_world(t);
    struct wh_err err = {0};
    struct db_stmt *st;
    size_t left = 0;
    assert_non_null(w->xorb(w->ctx, &h->hash[3]));
    unit_ok(hub_tables_touch(t, &err), err);
    st = db_start(h->db, DBQ_XORB_EXPIRED);
    db_bind_i64(st, 1, NOW + 1);
    while (db_step(st, &err) == DB_ROW) {
        left++;
    }
    db_finish(&st);
    assert_int_equal(left, XORBS); /* all but one, and the damaged one */
    hub_tables_free(&t);
}

static void another_repo_has_none_of_it(void **state)
{
    struct house *h = *state;
    struct hub_tables *t = hub_tables_new(h->db, h->t.w, h->other);
    struct scan_shard_world *w = hub_tables_world(t);
    struct wh_err err = {0};
    for (uint32_t i = 0; i < XORBS; i++) {
        assert_null(w->xorb(w->ctx, &h->hash[i]));
    }
    hub_tables_why(t, &err); /* which is no fault of ours */
    assert_int_equal(err.code, WH_NONE);
    hub_tables_free(&t);
}

static void damage_is_told_from_absence(void **state)
{
    struct house *h = *state;
    struct hub_tables *t = hub_tables_new(h->db, h->t.w, h->repo);
    struct scan_shard_world *w = hub_tables_world(t);
    struct scan_xet_hash bad = {.b = {1}};
    struct wh_err err = {0};
    assert_null(w->xorb(w->ctx, &bad));
    hub_tables_why(t, &err);
    assert_int_equal(err.code, WH_CORRUPT);
    hub_tables_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_found_again),
        cmocka_unit_test(another_repo_has_none_of_it),
        cmocka_unit_test(what_was_asked_for_is_in_use),
        cmocka_unit_test(damage_is_told_from_absence),
    };
    return cmocka_run_group_tests(tests, open_h, close_h);
}
