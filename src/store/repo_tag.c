/*
 * Tags of a repo. A commit seldom changes them, so the wanted set and the
 * stored set are both sorted and merged, and only the difference is written.
 */
#include "store/repo_tag.h"
#include "base/buf.h"
#include <stdlib.h>

/* Bytes that the names of one repo's tags may need, with their list. */
#define WORK_BYTES (STORE_TAGS_MAX * (STORE_TAG_MAX + 64))

struct tag {
    struct wh_str name;
    int64_t id; /* of stored ones */
};

/* Where the changes go. */
struct work {
    struct db *db;
    int64_t repo;
    enum store_kind kind;
    int64_t public_n; /* 1 for a public repo, 0 for a private one */
};

static int by_name(const void *a, const void *b)
{
    return wh_str_cmp(((const struct tag *)a)->name,
                      ((const struct tag *)b)->name);
}

/* Sorted, without doubles. */
static size_t sort_unique(struct tag *t, size_t n)
{
    size_t kept = 0;
    if (n > 1) {
        qsort(t, n, sizeof *t, by_name);
    }
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !wh_str_eq(t[kept - 1].name, t[i].name)) {
            t[kept++] = t[i];
        }
    }
    return kept;
}

static bool wanted_tags(struct wh_arena *a, const struct wh_str *names,
                        size_t n, struct tag **out, size_t *out_n,
                        struct wh_err *err)
{
    if (n > STORE_TAGS_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a repo has at most %d tags",
                       STORE_TAGS_MAX);
    }
    struct tag *t = wh_arena_array(a, n + 1, sizeof *t);
    for (size_t i = 0; i < n; i++) {
        if (names[i].n == 0 || names[i].n > STORE_TAG_MAX) {
            return wh_fail(err, WH_TOO_LARGE, "a tag has 1 to %d bytes",
                           STORE_TAG_MAX);
        }
        t[i].name = names[i];
    }
    *out = t;
    *out_n = sort_unique(t, n);
    return true;
}

static bool stored_tags(const struct work *w, struct wh_arena *a,
                        struct tag **out, size_t *out_n, struct wh_err *err)
{
    struct tag *t = wh_arena_array(a, STORE_TAGS_MAX, sizeof *t);
    size_t n = 0;
    enum db_row r;
    struct db_stmt *s = db_start(w->db, DBQ_REPO_TAG_NAMES);
    db_bind_i64(s, 1, w->repo);
    while ((r = db_step(s, err)) == DB_ROW) {
        wh_assert(n < STORE_TAGS_MAX);
        t[n].name = db_col_dup(s, 0, a);
        t[n++].id = db_col_i64(s, 1);
    }
    db_finish(&s);
    *out = t;
    *out_n = sort_unique(t, n);
    return r == DB_DONE;
}

static bool run2(struct db *db, enum db_query q, int64_t a, int64_t b,
                 struct wh_err *err)
{
    struct db_stmt *s = db_start(db, q);
    db_bind_i64(s, 1, a);
    db_bind_i64(s, 2, b);
    return db_exec(s, err);
}

static bool add(const struct work *w, struct wh_str name, struct wh_err *err)
{
    int64_t id = 0;
    struct db_stmt *s = db_start(w->db, DBQ_TAG_ADD);
    db_bind_i64(s, 1, (int64_t)w->kind);
    db_bind_text(s, 2, name);
    db_bind_i64(s, 3, w->public_n);
    return db_one_i64(s, 0, &id, err) &&
           run2(w->db, DBQ_REPO_TAG_ADD, id, w->repo, err);
}

static bool drop(const struct work *w, int64_t id, struct wh_err *err)
{
    return run2(w->db, DBQ_REPO_TAG_DROP, id, w->repo, err) &&
           run2(w->db, DBQ_TAG_COUNT, id, -w->public_n, err);
}

static bool merge(const struct work *w, const struct tag *want, size_t n_want,
                  const struct tag *have, size_t n_have, struct wh_err *err)
{
    size_t i = 0, j = 0;
    bool ok = true;
    while (ok && (i < n_want || j < n_have)) {
        int c = i == n_want   ? 1
                : j == n_have ? -1
                              : wh_str_cmp(want[i].name, have[j].name);
        if (c < 0) {
            ok = add(w, want[i++].name, err);
        } else if (c > 0) {
            ok = drop(w, have[j++].id, err);
        } else {
            i++;
            j++;
        }
    }
    return ok;
}

bool store_repo_tags_set(struct db *db, int64_t repo, enum store_kind kind,
                         bool is_private, const struct wh_str *tags, size_t n,
                         struct wh_err *err)
{
    struct work w = {db, repo, kind, is_private ? 0 : 1};
    struct tag *want = NULL, *have = NULL;
    size_t n_want = 0, n_have = 0;
    struct wh_arena a;
    wh_arena_init(&a, WORK_BYTES);
    bool ok = wanted_tags(&a, tags, n, &want, &n_want, err) &&
              stored_tags(&w, &a, &have, &n_have, err) &&
              merge(&w, want, n_want, have, n_have, err);
    wh_arena_done(&a);
    return ok;
}
