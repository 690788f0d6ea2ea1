/* Tests of repos, their heads and tags (repo.c, repo_tag.c). */
#include "db/fault.h"
#include "db/testdb.h"
#include "store/repo.h"
#include "store/repo_list.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>

#define NOW 1000000000000LL
#define SHA "0123456789abcdef0123456789abcdef01234567"

struct house {
    struct testdb t;
    struct wh_arena a;
    struct store_account ada, bob, demo;
};

static struct store_account make(struct db *db, const char *name, int64_t owner)
{
    struct wh_err err = {0};
    struct store_account a = {0};
    struct store_account_new in = {
        .org = owner != 0, .name = wh_str_of(name), .owner = owner};
    assert_true(store_account_create(db, &in, &a, &err));
    return a;
}

static int open_h(void **state)
{
    static struct house h;
    testdb_open(&h.t);
    wh_arena_init(&h.a, 1 << 20);
    h.ada = make(h.t.db, "ada", 0);
    h.bob = make(h.t.db, "bob", 0);
    h.demo = make(h.t.db, "Demo", h.ada.id);
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

static int64_t create(struct house *h, enum store_kind kind, const char *name,
                      bool is_private)
{
    struct wh_err err = {0};
    int64_t id = 0;
    struct store_repo_new in = {.kind = kind,
                                .ns = &h->demo,
                                .name = wh_str_of(name),
                                .is_private = is_private};
    assert_true(store_repo_create(h->t.db, &in, &id, &err));
    return id;
}

static int64_t tag_n(struct house *h, const char *name)
{
    struct wh_err err = {0};
    struct store_tag *list;
    size_t n = 0;
    assert_true(
        store_tag_common(h->t.db, &h->a, STORE_MODEL, 100, &list, &n, &err));
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || list[i - 1].n >= list[i].n);
        if (wh_str_is(list[i].name, name)) {
            return list[i].n;
        }
    }
    return 0;
}

static int64_t total(struct house *h)
{
    struct wh_err err = {0};
    int64_t n = -1;
    assert_true(store_repo_total(h->t.db, STORE_MODEL, &n, &err));
    return n;
}

/* How many models a caller sees under a word, or (null) at all. */
static size_t seen(struct house *h, const char *word, int64_t reader)
{
    struct wh_err err = {0};
    struct store_repo_page page;
    struct wh_str w = wh_str_of(word);
    struct store_repo_query q = {.kind = STORE_MODEL,
                                 .words = &w,
                                 .n_words = word ? 1 : 0,
                                 .readable = &reader,
                                 .n_readable = 1,
                                 .limit = 100};
    assert_true(store_repo_list(h->t.db, &h->a, &q, &page, &err));
    assert_false(page.next.set);
    return page.n;
}

static void test_create_and_read(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_repo r, s;
    int64_t id = create(h, STORE_MODEL, "MiniLM-L6", false), other = 0;
    assert_true(store_repo_by_name(db, &h->a, STORE_MODEL,
                                   WH_S("demo/MINILM-l6"), &r, &err));
    assert_int_equal(r.id, id);
    assert_string_equal(r.full, "Demo/MiniLM-L6");
    assert_int_equal(r.owner, h->demo.id);
    assert_int_equal(strlen(r.public_id), 24);
    assert_int_equal(r.head.state, STORE_REPO_EMPTY);
    assert_int_equal(r.head.sha.n, 0);
    assert_true(wh_str_is(r.head.tags, "[]"));
    assert_true(r.created > 0 && r.created == r.modified);
    assert_true(store_repo_by_id(db, &h->a, id, &s, &err));
    assert_string_equal(r.public_id, s.public_id);
    /* One name, one repo, per kind; in whatever case. */
    struct store_repo_new in = {.kind = STORE_MODEL, .ns = &h->demo};
    in.name = WH_S("minilm-l6");
    assert_false(store_repo_create(db, &in, &other, &err));
    assert_int_equal(err.code, WH_CONFLICT);
    assert_non_null(strstr(err.msg, "model"));
    in.name = WH_S("mini--lm");
    assert_false(store_repo_create(db, &in, &other, &err));
    assert_int_equal(err.code, WH_BAD_NAME);
    create(h, STORE_DATASET, "MiniLM-L6", false);
    assert_false(store_repo_by_name(db, &h->a, STORE_SPACE,
                                    WH_S("demo/MiniLM-L6"), &r, &err));
    assert_int_equal(err.code, WH_REPO_NOT_FOUND);
    assert_int_equal(total(h), 1);
}

static void test_kinds_have_names(void **state)
{
    (void)state;
    enum store_kind k;
    for (int i = STORE_MODEL; i <= STORE_SPACE; i++) {
        assert_true(
            store_kind_of(wh_str_of(store_kind_name((enum store_kind)i)), &k));
        assert_int_equal(k, i);
        assert_true(store_kind_of(
            wh_str_of(store_kind_plural((enum store_kind)i)), &k));
        assert_int_equal(k, i);
    }
    assert_false(store_kind_of(WH_S("Model"), &k));
    assert_false(store_kind_of(WH_S(""), &k));
}

static void test_readable(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct store_repo open, closed;
    bool can;
    assert_true(store_repo_by_id(
        h->t.db, &h->a, create(h, STORE_MODEL, "open", false), &open, &err));
    assert_true(store_repo_by_id(
        h->t.db, &h->a, create(h, STORE_MODEL, "closed", true), &closed, &err));
    const struct {
        const struct store_repo *r;
        int64_t who;
        bool can;
    } cases[] = {
        {&open, 0, true},           {&open, h->bob.id, true},
        {&closed, 0, false},        {&closed, h->bob.id, false},
        {&closed, h->ada.id, true}, {&closed, h->demo.id, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(
            store_repo_readable(h->t.db, cases[i].r, cases[i].who, &can, &err));
        assert_int_equal(can, cases[i].can);
    }
}

static void set_tags(struct house *h, int64_t id, const struct wh_str *tags,
                     size_t n)
{
    struct wh_err err = {0};
    struct store_repo_head head = {.sha = WH_S(SHA)};
    assert_true(store_repo_head_set(h->t.db, id, &head, tags, n, NOW, &err));
}

static void test_head(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct store_repo r;
    int64_t id = create(h, STORE_MODEL, "m", false);
    struct wh_str tags[] = {WH_S("bert"), WH_S("license:mit"), WH_S("bert")};
    struct store_repo_head head = {.sha = WH_S(SHA),
                                   .tags = WH_S("[\"bert\",\"license:mit\"]"),
                                   .pipeline_tag = WH_S("fill-mask"),
                                   .library = WH_S("transformers"),
                                   .state = STORE_REPO_DECIDED,
                                   .tiers = {STORE_TIER_OPEN, STORE_TIER_NONE,
                                             STORE_TIER_OPEN, STORE_TIER_HELD},
                                   .subject =
                                       WH_S("0123456789abcdef0123456789abcdef"
                                            "0123456789abcdef0123456789abcdef"),
                                   .card = WH_S("{\"license\":\"mit\"}"),
                                   .used = 90868376};
    assert_true(store_repo_head_set(h->t.db, id, &head, tags, 3, NOW, &err));
    assert_true(store_repo_by_id(h->t.db, &h->a, id, &r, &err));
    assert_int_equal(r.modified, NOW);
    assert_true(wh_str_eq(r.head.sha, head.sha));
    assert_true(wh_str_eq(r.head.tags, head.tags));
    assert_true(wh_str_eq(r.head.pipeline_tag, head.pipeline_tag));
    assert_true(wh_str_eq(r.head.library, head.library));
    assert_true(wh_str_eq(r.head.subject, head.subject));
    assert_true(wh_str_eq(r.head.card, head.card));
    assert_memory_equal(r.head.tiers, head.tiers, sizeof head.tiers);
    assert_int_equal(r.head.state, STORE_REPO_DECIDED);
    assert_int_equal(r.head.used, 90868376);

    const enum store_tier held[STORE_PARTS] = {
        STORE_TIER_OPEN, STORE_TIER_OPEN, STORE_TIER_OPEN, STORE_TIER_HELD};
    assert_true(
        store_repo_tiers_set(h->t.db, id, STORE_REPO_WEIGHING, held, &err));
    assert_true(store_repo_by_id(h->t.db, &h->a, id, &r, &err));
    assert_memory_equal(r.head.tiers, held, sizeof held);
    assert_int_equal(r.head.state, STORE_REPO_WEIGHING);
    assert_true(wh_str_eq(r.head.card, head.card));
    assert_false(
        store_repo_tiers_set(h->t.db, 999, STORE_REPO_WEIGHING, held, &err));
    assert_int_equal(err.code, WH_REPO_NOT_FOUND);
}

static void test_tags_follow_the_head(void **state)
{
    struct house *h = *state;
    int64_t one = create(h, STORE_MODEL, "one", false);
    int64_t two = create(h, STORE_MODEL, "two", true);
    struct wh_str abc[] = {WH_S("c"), WH_S("a"), WH_S("b"), WH_S("a")};
    struct wh_str bd[] = {WH_S("b"), WH_S("d")};
    set_tags(h, one, abc, 4);
    set_tags(h, two, bd, 2); /* private: in no count */
    assert_int_equal(tag_n(h, "a"), 1);
    assert_int_equal(tag_n(h, "b"), 1);
    assert_int_equal(tag_n(h, "d"), 0);
    set_tags(h, one, bd, 2);
    assert_int_equal(tag_n(h, "a"), 0);
    assert_int_equal(tag_n(h, "b"), 1);
    assert_int_equal(tag_n(h, "d"), 1);
    set_tags(h, one, NULL, 0);
    assert_int_equal(tag_n(h, "b"), 0);

    struct wh_err err = {0};
    assert_true(store_repo_private_set(h->t.db, two, false, &err));
    assert_true(store_repo_private_set(h->t.db, two, false, &err));
    assert_int_equal(tag_n(h, "b"), 1);
    assert_int_equal(total(h), 2);
    assert_true(store_repo_private_set(h->t.db, two, true, &err));
    assert_int_equal(tag_n(h, "b"), 0);
    assert_int_equal(total(h), 1);
}

static void test_tag_limits(void **state)
{
    struct house *h = *state;
    static struct wh_str many[STORE_TAGS_MAX + 1];
    static char names[STORE_TAGS_MAX + 1][16];
    static char big[STORE_TAG_MAX + 1];
    struct store_repo_head head = {0};
    struct wh_err err = {0};
    int64_t id = create(h, STORE_MODEL, "m", false);
    for (int i = 0; i <= STORE_TAGS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        many[i] = wh_str_of(names[i]);
    }
    memset(big, 'x', sizeof big);
    struct wh_str bad[] = {wh_str_mem(big, sizeof big), WH_S("")};
    assert_false(store_repo_head_set(h->t.db, id, &head, many,
                                     STORE_TAGS_MAX + 1, NOW, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    for (size_t i = 0; i < 2; i++) {
        err = (struct wh_err){0};
        assert_false(
            store_repo_head_set(h->t.db, id, &head, &bad[i], 1, NOW, &err));
        assert_int_equal(err.code, WH_TOO_LARGE);
    }
    err = (struct wh_err){0};
    assert_true(store_repo_head_set(h->t.db, id, &head, many, STORE_TAGS_MAX,
                                    NOW, &err));
    assert_true(store_repo_head_set(h->t.db, id, &head, many + 1,
                                    STORE_TAGS_MAX, NOW, &err));
    assert_int_equal(tag_n(h, "t0"), 0);
    assert_int_equal(tag_n(h, "t1000"), 1);
}

static void test_counters(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct store_repo r;
    int64_t id = create(h, STORE_MODEL, "m", false);
    assert_true(store_repo_downloads_add(h->t.db, id, 7, &err));
    assert_true(store_repo_likes_add(h->t.db, id, 2, &err));
    assert_true(store_repo_likes_add(h->t.db, id, -3, &err));
    assert_true(store_repo_by_id(h->t.db, &h->a, id, &r, &err));
    assert_int_equal(r.downloads, 7);
    assert_int_equal(r.likes, 0);
}

static void test_delete(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_repo r;
    int64_t gone = -1, id = create(h, STORE_MODEL, "Gone-Soon", false);
    struct wh_str tag = WH_S("a");
    set_tags(h, id, &tag, 1);
    assert_int_equal(seen(h, "one-so", 0), 1);
    assert_true(store_repo_delete(db, id, NOW, &err));
    assert_false(store_repo_by_id(db, &h->a, id, &r, &err));
    assert_int_equal(err.code, WH_REPO_NOT_FOUND);
    assert_false(store_repo_delete(db, id, NOW, &err));
    assert_int_equal(seen(h, "one-so", 0), 0);
    assert_int_equal(seen(h, NULL, 0), 0);
    assert_int_equal(tag_n(h, "a"), 0);
    assert_int_equal(total(h), 0);
    /* The name is free again, the id is not. */
    int64_t again = create(h, STORE_MODEL, "gone-soon", false);
    assert_true(again > id);
    assert_true(store_repo_gone_next(db, NOW - 1, &gone, &err));
    assert_int_equal(gone, 0);
    assert_true(store_repo_gone_next(db, NOW, &gone, &err));
    assert_int_equal(gone, id);
    assert_true(store_repo_purge(db, id, &err));
    assert_true(store_repo_purge(db, again, &err)); /* lives: not touched */
    assert_true(store_repo_by_id(db, &h->a, again, &r, &err));
    assert_true(store_repo_delete(db, again, NOW, &err));
    assert_true(store_repo_purge(db, again, &err));
    assert_true(create(h, STORE_MODEL, "x", false) > again);
}

static void test_private_is_for_members(void **state)
{
    struct house *h = *state;
    create(h, STORE_MODEL, "secret", true);
    create(h, STORE_MODEL, "plain", false);
    assert_int_equal(seen(h, NULL, 0), 1);
    assert_int_equal(seen(h, NULL, h->bob.id), 1);
    assert_int_equal(seen(h, NULL, h->demo.id), 2);
    assert_int_equal(seen(h, "secret", 0), 0);
    assert_int_equal(seen(h, "secret", h->demo.id), 1);
}

/* Everything that changes repos, in one transaction. */
static bool story(struct db *db, void *ctx, struct wh_err *err)
{
    struct house *h = ctx;
    struct store_repo_new in = {
        .kind = STORE_MODEL, .ns = &h->demo, .name = WH_S("story")};
    struct store_repo_head head = {.sha = WH_S(SHA)};
    struct wh_str ab[] = {WH_S("a"), WH_S("b")}, bc[] = {WH_S("b"), WH_S("c")};
    int64_t id = 0;
    return store_repo_create(db, &in, &id, err) &&
           store_repo_head_set(db, id, &head, ab, 2, NOW, err) &&
           store_repo_head_set(db, id, &head, bc, 2, NOW, err) &&
           store_repo_private_set(db, id, true, err) &&
           store_repo_private_set(db, id, false, err) &&
           store_repo_downloads_add(db, id, 1, err) &&
           store_repo_delete(db, id, NOW, err) &&
           store_repo_create(db, &in, &id, err);
}

static void test_faults(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct db *db = db_open_with(db_fault_driver(), h->t.path, false, &err);
    assert_non_null(db);
    for (unsigned long n = 1;; n++) {
        assert_true(n < 1000);
        err = (struct wh_err){0};
        db_fault_arm(n, WH_NOSPACE);
        bool ok = db_tx(db, story, h, &err);
        db_fault_arm(0, WH_IO);
        assert_int_equal(seen(h, "story", 0), ok);
        assert_int_equal(total(h), ok);
        if (ok) {
            assert_true(n > 80);
            break;
        }
        assert_int_equal(err.code, WH_NOSPACE);
    }
    db_close(&db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_h, close_h)
    const struct CMUnitTest tests[] = {
        T(test_create_and_read),
        cmocka_unit_test(test_kinds_have_names),
        T(test_readable),
        T(test_head),
        T(test_tags_follow_the_head),
        T(test_tag_limits),
        T(test_counters),
        T(test_delete),
        T(test_private_is_for_members),
        T(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
