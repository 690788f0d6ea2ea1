/*
 * Lists and search (repo_list.c, repo_page.c) against a plain model: a few
 * hundred random repos, random queries, every page, compared with what a loop
 * over all repos would give. Built twice: with the thresholds of the product
 * and with tiny ones.
 */
#include "db/testdb.h"
#include "store/repo_list.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>

#define REPOS 240
#define OWNERS 4
#define TAGS 6
#define QUERIES 400

struct model {
    int64_t id;
    enum store_kind kind;
    int owner;
    bool is_private, gone;
    bool tags[TAGS];
    int64_t keys[STORE_SORTS];
    char full[STORE_FULL_MAX];
};

struct house {
    struct testdb t;
    struct store_account owners[OWNERS];
    struct model repos[REPOS];
    uint64_t seed;
    struct store_names *names;
};

static const char *const tag_names[TAGS] = {
    "t0", "license:mit", "t2", "base_model:a/b", "x", "rare"};
static const char *const syllables[] = {"bert", "La",  "ma", "-7b", ".q",
                                        "gpt",  "min", "i_", "LM",  "x"};
#define SYLLABLES (sizeof syllables / sizeof *syllables)

/* Numbers that are the same in every run. */
static unsigned rnd(struct house *h, unsigned below)
{
    h->seed = h->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(h->seed >> 33) % below;
}

static void random_name(struct house *h, char *out, size_t cap, size_t i)
{
    snprintf(out, cap, "%s%s%s%zu", syllables[rnd(h, SYLLABLES)],
             syllables[rnd(h, SYLLABLES)], syllables[rnd(h, SYLLABLES)], i);
    char *w = out;
    for (char *p = out; *p; p++) { /* keep to the rules of names */
        bool punct = *p == '-' || *p == '.';
        if (!punct || (w > out && w[-1] != '-' && w[-1] != '.')) {
            *w++ = *p;
        }
    }
    *w = '\0';
}

static void add_repo(struct house *h, size_t i)
{
    struct model *m = &h->repos[i];
    struct wh_err err = {0};
    char name[64];
    random_name(h, name, sizeof name, i);
    m->kind = rnd(h, 4) ? STORE_MODEL : STORE_DATASET;
    m->owner = (int)rnd(h, OWNERS);
    m->is_private = rnd(h, 6) == 0;
    struct store_repo_new in = {.kind = m->kind,
                                .ns = &h->owners[m->owner],
                                .name = wh_str_of(name),
                                .is_private = m->is_private};
    assert_true(store_repo_create(h->t.db, &in, &m->id, &err));
    struct wh_str tags[TAGS];
    size_t n = 0;
    for (unsigned t = 0; t < TAGS; t++) {
        m->tags[t] = rnd(h, t + 1) == 0 && (t < 5 || rnd(h, 8) == 0);
        if (m->tags[t]) {
            tags[n++] = wh_str_of(tag_names[t]);
        }
    }
    struct store_repo_head head = {0};
    /* Few values, so that ties are common. */
    assert_true(store_repo_head_set(h->t.db, m->id, &head, tags, n,
                                    1000 + rnd(h, 20), &err));
    assert_true(
        store_repo_downloads_add(h->t.db, m->id, rnd(h, 9) * INT64_C(5), &err));
    assert_true(store_repo_likes_add(h->t.db, m->id, rnd(h, 3), &err));
    m->gone = rnd(h, 10) == 0;
    struct wh_arena a;
    struct store_repo r;
    wh_arena_init(&a, 1 << 16);
    assert_true(store_repo_by_id(h->t.db, &a, m->id, &r, &err));
    m->keys[STORE_SORT_MODIFIED] = r.modified;
    m->keys[STORE_SORT_CREATED] = r.created;
    m->keys[STORE_SORT_DOWNLOADS] = r.downloads;
    m->keys[STORE_SORT_LIKES] = r.likes;
    m->keys[STORE_SORT_ID] = r.id;
    memcpy(m->full, r.full, sizeof m->full);
    wh_arena_done(&a);
    if (m->gone) {
        assert_true(store_repo_delete(h->t.db, m->id, 1, &err));
    }
}

static bool fill(struct db *db, void *ctx, struct wh_err *err)
{
    struct house *h = ctx;
    for (int i = 0; i < OWNERS; i++) {
        char name[] = {'o', 'w', (char)('a' + i), '\0'};
        struct store_account_new in = {.name = wh_str_of(name)};
        if (!store_account_create(db, &in, &h->owners[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < REPOS; i++) {
        add_repo(h, i);
    }
    return true;
}

static int open_h(void **state)
{
    static struct house h;
    struct wh_err err = {0};
    h.seed = 42;
    h.names = store_names_new();
    testdb_open(&h.t);
    *state = &h;
    return db_tx(h.t.db, fill, &h, &err) ? 0 : -1;
}

static int close_h(void **state)
{
    struct house *h = *state;
    store_names_free(&h->names);
    testdb_close(&h->t);
    return 0;
}

/* A random query and the memory it points into. */
struct question {
    struct store_repo_query q;
    struct wh_str tags[3], words[3];
    int tag_numbers[3];
    char text[3][8];
    int64_t readable[2];
};

static void ask(struct house *h, struct question *x)
{
    static const char *const extra[] = {"zzz",      "7",  "ert", "a/",
                                        "\xc3\xa9", "\"", "OW",  "bert"};
    *x = (struct question){0};
    x->q.kind = rnd(h, 4) ? STORE_MODEL : STORE_DATASET;
    x->q.sort = (enum store_sort)rnd(h, STORE_SORTS);
    x->q.owner = rnd(h, 3) ? 0 : h->owners[rnd(h, OWNERS)].id;
    x->q.limit = 1 + rnd(h, 12);
    x->q.tags = x->tags;
    x->q.n_tags = rnd(h, 3);
    for (size_t i = 0; i < x->q.n_tags; i++) {
        x->tag_numbers[i] = (int)rnd(h, TAGS);
        x->tags[i] = wh_str_of(tag_names[x->tag_numbers[i]]);
    }
    x->q.words = x->words;
    x->q.names = rnd(h, 2) ? h->names : NULL;
    x->q.n_words = rnd(h, 3);
    for (size_t i = 0; i < x->q.n_words; i++) {
        const char *w =
            rnd(h, 3) ? syllables[rnd(h, SYLLABLES)] : extra[rnd(h, 8)];
        x->words[i] = wh_str_of(w);
    }
    x->q.readable = x->readable;
    x->q.n_readable = rnd(h, 3);
    for (size_t i = 0; i < x->q.n_readable; i++) {
        x->readable[i] = h->owners[(i * 2 + rnd(h, 2)) % OWNERS].id;
    }
}

static bool fold_find(const char *full, struct wh_str word)
{
    for (const char *p = full; *p; p++) {
        size_t i = 0;
        while (
            i < word.n && p[i] &&
            (p[i] | (p[i] >= 'A' && p[i] <= 'Z' ? 32 : 0)) ==
                (word.p[i] | (word.p[i] >= 'A' && word.p[i] <= 'Z' ? 32 : 0))) {
            i++;
        }
        if (i == word.n) {
            return true;
        }
    }
    return false;
}

static bool matches(const struct house *h, const struct question *x,
                    const struct model *m)
{
    int64_t owner = h->owners[m->owner].id;
    bool ok = !m->gone && m->kind == x->q.kind &&
              (!x->q.owner || x->q.owner == owner),
         may = !m->is_private;
    for (size_t i = 0; i < x->q.n_readable; i++) {
        may = may || x->readable[i] == owner;
    }
    for (size_t i = 0; i < x->q.n_tags; i++) {
        ok = ok && m->tags[x->tag_numbers[i]];
    }
    for (size_t i = 0; i < x->q.n_words; i++) {
        ok = ok && fold_find(m->full, x->words[i]);
    }
    return ok && may;
}

static enum store_sort sort_by;

static int best_first(const void *a, const void *b)
{
    const struct model *x = *(const struct model *const *)a;
    const struct model *y = *(const struct model *const *)b;
    int64_t p = x->keys[sort_by], q = y->keys[sort_by];
    return p != q ? (p < q ? 1 : -1) : (x->id < y->id ? 1 : -1);
}

static void test_random_queries(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    size_t found = 0;
    for (int round = 0; round < QUERIES; round++) {
        struct question x;
        const struct model *want[REPOS];
        size_t n = 0, got = 0;
        ask(h, &x);
        for (size_t i = 0; i < REPOS; i++) {
            if (matches(h, &x, &h->repos[i])) {
                want[n++] = &h->repos[i];
            }
        }
        sort_by = x.q.sort;
        if (n > 1) {
            qsort(want, n, sizeof(struct model *), best_first);
        }
        struct store_repo_page page;
        int pages = 0;
        do {
            struct wh_arena a;
            char text[STORE_CURSOR_TEXT];
            wh_arena_init(&a, 1 << 20);
            assert_true(store_repo_list(h->t.db, &a, &x.q, &page, &err));
            assert_true(page.n <= x.q.limit);
            for (size_t i = 0; i < page.n; i++, got++) {
                assert_true(got < n);
                assert_int_equal(page.repos[i].id, want[got]->id);
            }
            if (page.next.set) {
                store_cursor_text(&page.next, text);
                assert_true(store_cursor_parse(wh_str_of(text), x.q.sort,
                                               &x.q.after, &err));
            }
            wh_arena_done(&a);
            assert_true(++pages < 2 * REPOS);
        } while (page.next.set);
        assert_int_equal(got, n);
        found += n;
    }
    assert_true(found > QUERIES); /* the queries are not all empty */
}

static void test_new_names_are_found(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_str words[] = {WH_S("ova/BRAND"), WH_S("rand-n"), WH_S("")};
    struct store_repo_page page;
    struct store_account owner;
    int64_t id = 0;
    wh_arena_init(&a, 1 << 20);
    struct store_account_new in = {.name = WH_S("Nova")};
    assert_true(store_account_create(h->t.db, &in, &owner, &err));
    struct store_repo_query q = {.kind = STORE_SPACE,
                                 .limit = 5,
                                 .words = words,
                                 .n_words = 3,
                                 .names = h->names};
    assert_true(store_repo_list(h->t.db, &a, &q, &page, &err));
    assert_int_equal(page.n, 0);
    struct store_repo_new repo = {
        .kind = STORE_SPACE, .ns = &owner, .name = WH_S("Brand-New")};
    assert_true(store_repo_create(h->t.db, &repo, &id, &err));
    assert_true(store_repo_list(h->t.db, &a, &q, &page, &err));
    assert_int_equal(page.n, 1);
    assert_int_equal(page.repos[0].id, id);
    /* Candidates stay when a repo goes; lists do not show them. */
    assert_true(store_repo_delete(h->t.db, id, 1, &err));
    assert_true(store_repo_list(h->t.db, &a, &q, &page, &err));
    assert_int_equal(page.n, 0);
    words[1] = WH_S("w");
    words[0] = WH_S("nova/brand-new");
    struct store_id_set set;
    store_names_find(h->names, &a, STORE_SPACE, words, 2, &set);
    assert_int_equal(set.count, 1);
    assert_true(store_id_set_has(&set, id));
    assert_false(store_id_set_has(&set, id - 1));
    assert_false(store_id_set_has(&set, set.top + 1));
    assert_false(store_id_set_has(&set, -1));
    store_names_find(h->names, &a, STORE_MODEL, words, 2, &set);
    assert_int_equal(set.count, 0);
    wh_arena_done(&a);
}

static void test_bad_cursors(void **state)
{
    static const char *const bad[] = {
        "",
        "d",
        "d1",
        "d-",
        "d1-",
        "d-1",
        "1-1",
        "c1-1",
        "dx-1",
        "d1-x",
        "d1-1 ",
        "d01-1",
        "d-1-1",
        "d1-1-1",
        "d1.5-1",
        "d+1-1",
        "d99999999999999999999-1",
        "d9223372036854775808-1",
        "d1-9223372036854775808",
        "d1111111111111111111-1111111111111111111111111111"};
    struct store_cursor c = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct wh_err err = {0};
        if (store_cursor_parse(wh_str_of(bad[i]), STORE_SORT_DOWNLOADS, &c,
                               &err)) {
            fail_msg("\"%s\"", bad[i]);
        }
        assert_int_equal(err.code, WH_BAD_REQUEST);
    }
    struct wh_err err = {0};
    char text[STORE_CURSOR_TEXT];
    assert_true(store_cursor_parse(WH_S("d9223372036854775807-0"),
                                   STORE_SORT_DOWNLOADS, &c, &err));
    store_cursor_text(&c, text);
    assert_string_equal(text, "d9223372036854775807-0");
}

static void test_too_many_filters(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_str tags[STORE_FILTERS_MAX + 1];
    struct store_repo_page page;
    for (size_t i = 0; i <= STORE_FILTERS_MAX; i++) {
        tags[i] = WH_S("t0");
    }
    wh_arena_init(&a, 1 << 20);
    struct store_repo_query q = {.kind = STORE_MODEL,
                                 .limit = 5,
                                 .tags = tags,
                                 .n_tags = STORE_FILTERS_MAX + 1};
    assert_false(store_repo_list(h->t.db, &a, &q, &page, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    q.n_tags--;
    assert_true(store_repo_list(h->t.db, &a, &q, &page, &err));
    tags[0] = WH_S("never seen");
    assert_true(store_repo_list(h->t.db, &a, &q, &page, &err));
    assert_int_equal(page.n, 0);
    assert_false(page.next.set);
    tags[0] = WH_S("a\0b");
    assert_false(store_repo_list(h->t.db, &a, &q, &page, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_queries),
        cmocka_unit_test(test_new_names_are_found),
        cmocka_unit_test(test_bad_cursors),
        cmocka_unit_test(test_too_many_filters),
    };
    return cmocka_run_group_tests(tests, open_h, close_h);
}
