/*
 * earlier.c - see earlier.h.
 */
#include "hub/earlier.h"

#include <stdlib.h>

static struct wh_str names_of(const json_t *result)
{
    const json_t *v = json_object_get(result, "names");
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

/* Digests of files and of sets of tensor names of the subject's weights. */
struct at_hand {
    struct wh_str *list;
    size_t n;
};

static int by_text(const void *x, const void *y)
{
    const struct wh_str *a = x, *b = y;
    return wh_str_cmp(*a, *b);
}

static void find_at_hand(struct wh_arena *a, const struct hub_subject *s,
                         struct at_hand *out)
{
    *out =
        (struct at_hand){wh_arena_array(a, 2 * s->n + 1, sizeof *out->list), 0};
    for (size_t i = 0; i < s->n; i++) {
        const struct hub_subject_file *f = &s->files[i];
        struct wh_str names = names_of(f->look.result);
        if (f->part != WEIGH_PART_WEIGHTS) {
            continue;
        }
        out->list[out->n++] = wh_str_of(f->sha256);
        if (names.n > 0) {
            out->list[out->n++] = names;
        }
    }
    qsort(out->list, out->n, sizeof *out->list, by_text);
}

static bool is_at_hand(const struct at_hand *h, struct wh_str digest)
{
    return digest.n > 0 &&
           bsearch(&digest, h->list, h->n, sizeof *h->list, by_text);
}

struct list {
    struct rule_file_claims *files;
    size_t n, cap;
};

static struct rule_file_claims *next_in(struct wh_arena *a, struct list *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        struct rule_file_claims *more = wh_arena_array(a, cap, sizeof *more);
        if (l->n > 0) {
            memcpy(more, l->files, l->n * sizeof *more);
        }
        l->files = more;
        l->cap = cap;
    }
    return &l->files[l->n++];
}

/* A row of the query; what can not be read is unknown, and counts as such. */
static bool take(struct db_stmt *st, struct wh_arena *a,
                 const struct at_hand *h, struct list *l, struct wh_err *err)
{
    struct wh_str sha256 = db_col_dup(st, 0, a), scan = db_col_dup(st, 1, a);
    json_t *result = NULL;

    if (scan.n > 0 && !wh_json_parse(a, scan, &result, err)) {
        return false;
    }
    if (is_at_hand(h, sha256) || is_at_hand(h, names_of(result))) {
        return true;
    }
    *next_in(a, l) =
        (struct rule_file_claims){.part = RULE_PART_WEIGHTS,
                                  .sha256 = sha256,
                                  .claims = json_object_get(result, "claims")};
    return true;
}

bool hub_earlier_find(struct db *db, struct wh_arena *a, int64_t repo,
                      const struct hub_subject *s,
                      struct rule_file_claims **out, size_t *n,
                      struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_OPENED_WEIGHTS_OF);
    struct at_hand h;
    struct list l = {0};
    enum db_row row;
    bool ok = true;

    find_at_hand(a, s, &h);
    db_bind_i64(st, 1, repo);
    while (ok && (row = db_step(st, err)) == DB_ROW) {
        ok = take(st, a, &h, &l, err);
    }
    db_finish(&st);
    *out = l.files;
    *n = l.n;
    return ok && row != DB_FAIL;
}

bool hub_earlier_keep(struct db *db, int64_t repo, const struct hub_subject *s,
                      struct wh_err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->files[i].part != WEIGH_PART_WEIGHTS) {
            continue;
        }
        struct db_stmt *st = db_start(db, DBQ_OPENED_WEIGHTS_ADD);
        db_bind_i64(st, 1, repo);
        db_bind_cstr(st, 2, s->files[i].sha256);
        if (!db_exec(st, err)) {
            return false;
        }
    }
    return true;
}
