/*
 * Lists of repos, with the plan chosen here.
 *
 * SQLite's planner does not know that tags follow a power law: the right plan
 * for a rare tag takes seconds for a common one, and the other way round. Two
 * plans cover all queries:
 *
 *   collect  Take the ids of one filter (a rare tag, an owner, rare words),
 * test the other filters on each, keep the best in a heap. Cost: the size of
 * that filter. Given up when it proves large. walk     Go down the index of the
 * sort order and test the filters on each row, until the page is full. Cost:
 * small when many rows pass.
 *
 * A walk that finds little stops after WALK_MAX rows; the page is then short
 * and its cursor says where to go on. Private repos are not in the sort
 * indexes: a walk first collects those that the caller may see.
 */
#include "store/repo_list.h"
#include "store/repo_page.h"
#include <stdlib.h>

/* Where the plans turn; a test build makes them small. */
#ifndef COLLECT_MAX
#define COLLECT_MAX 2000    /* ids worth fetching and sorting */
#define SCAN_MAX 8000       /* ids worth testing to get them, size unknown */
#define SCAN_MAX_TAGS 60000 /* the same when the counts promise a gain */
#define WALK_MAX 50000
#endif

struct tag_ref {
    int64_t id, n;
};

struct list {
    struct db *db;
    struct wh_arena *a;
    const struct store_repo_query *q;
    struct tag_ref tags[STORE_FILTERS_MAX];
    struct wh_str words[STORE_FILTERS_MAX]; /* lower case, none empty */
    size_t n_words;
    struct store_id_set matches; /* of the words; bits null: not known */
    struct store_page page;
    int64_t *ids; /* room for COLLECT_MAX */
    bool stopped; /* a walk ended at `last` before the page was full */
    struct store_place last;
};

/* Columns of repo_keys. */
struct keys {
    enum store_kind kind;
    int64_t owner;
    bool is_private;
    int64_t key[STORE_SORTS];
    char full[STORE_FULL_MAX];
};

static bool may_read(const struct store_repo_query *q, int64_t owner)
{
    for (size_t i = 0; i < q->n_readable; i++) {
        if (q->readable[i] == owner) {
            return true;
        }
    }
    return false;
}

/* The tags of the query on one repo, but for number `skip`. */
static bool has_tags(struct list *l, int64_t id, size_t skip, bool *has,
                     struct wh_err *err)
{
    *has = true;
    for (size_t i = 0; *has && i < l->q->n_tags; i++) {
        int64_t one = 0;
        if (i == skip) {
            continue;
        }
        struct db_stmt *s = db_start(l->db, DBQ_REPO_HAS_TAG);
        db_bind_i64(s, 1, l->tags[i].id);
        db_bind_i64(s, 2, id);
        if (!db_one_i64(s, 0, &one, err)) {
            return false;
        }
        *has = one != 0;
    }
    return true;
}

static void lower(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z') {
            p[i] = (char)(p[i] - 'A' + 'a');
        }
    }
}

static bool read_keys(struct list *l, int64_t id, struct keys *k, bool *found,
                      struct wh_err *err)
{
    struct db_stmt *s = db_start(l->db, DBQ_REPO_KEYS);
    db_bind_i64(s, 1, id);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        k->kind = (enum store_kind)db_col_i64(s, 0);
        k->owner = db_col_i64(s, 1);
        k->is_private = db_col_bool(s, 2);
        k->key[STORE_SORT_CREATED] = db_col_i64(s, 3);
        k->key[STORE_SORT_MODIFIED] = db_col_i64(s, 4);
        k->key[STORE_SORT_DOWNLOADS] = db_col_i64(s, 5);
        k->key[STORE_SORT_LIKES] = db_col_i64(s, 6);
        k->key[STORE_SORT_ID] = id;
        db_col_cstr(s, 7, k->full, sizeof k->full);
    }
    db_finish(&s);
    *found = r == DB_ROW;
    return r != DB_FAIL;
}

static bool has_words(const struct list *l, char *full)
{
    size_t n = strlen(full);
    lower(full, n);
    for (size_t i = 0; i < l->n_words; i++) {
        if (wh_str_find_str(wh_str_mem(full, n), l->words[i]) == SIZE_MAX) {
            return false;
        }
    }
    return true;
}

static int by_id(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

static bool is_left_out(const struct store_repo_query *q, int64_t id)
{
    return q->n_leave_out > 0 &&
           bsearch(&id, q->leave_out, q->n_leave_out, sizeof id, by_id) != NULL;
}

/* Test everything but tags on one repo, and offer it. */
static bool collect_one(struct list *l, int64_t id, struct wh_err *err)
{
    const struct store_repo_query *q = l->q;
    struct keys k;
    bool found = false;
    if (is_left_out(q, id)) {
        return true;
    }
    if (!read_keys(l, id, &k, &found, err)) {
        return false;
    }
    if (found && k.kind == q->kind && (!q->owner || k.owner == q->owner) &&
        (!k.is_private || may_read(q, k.owner)) && has_words(l, k.full)) {
        store_page_offer(&l->page, (struct store_place){k.key[q->sort], id});
    }
    return true;
}

/* Try the collect plan over the ids that s gives (finished here). *done says
 * whether it came to the end within the limits; if not, nothing was offered.
 * skip: the tag that s already stands for, or SIZE_MAX. */
static bool collect(struct list *l, struct db_stmt *s, size_t skip,
                    size_t scan_max, bool *done, struct wh_err *err)
{
    size_t scanned = 0, n = 0;
    bool has = false, ok = true;
    enum db_row r;
    while ((r = db_step(s, err)) == DB_ROW && scanned < scan_max) {
        int64_t id = db_col_i64(s, 0);
        scanned++;
        ok = has_tags(l, id, skip, &has, err);
        if (!ok || (has && n == COLLECT_MAX)) {
            break;
        }
        if (has) {
            l->ids[n++] = id;
        }
    }
    db_finish(&s);
    *done = r == DB_DONE;
    ok = ok && r != DB_FAIL;
    for (size_t i = 0; ok && *done && i < n; i++) {
        ok = collect_one(l, l->ids[i], err);
    }
    return ok;
}

static bool collect_by_tag(struct list *l, size_t i, bool *done,
                           struct wh_err *err)
{
    struct db_stmt *s = db_start(l->db, DBQ_REPO_IDS_BY_TAG);
    db_bind_i64(s, 1, l->tags[i].id);
    return collect(l, s, i, SCAN_MAX_TAGS, done, err);
}

static bool collect_by_owner(struct list *l, bool *done, struct wh_err *err)
{
    struct db_stmt *s = db_start(l->db, DBQ_REPO_IDS_BY_OWNER);
    db_bind_i64(s, 1, l->q->owner);
    db_bind_i64(s, 2, (int64_t)l->q->kind);
    return collect(l, s, SIZE_MAX, SCAN_MAX, done, err);
}

/* The same over the matches of the words, if they are few. */
static bool collect_by_words(struct list *l, bool *done, struct wh_err *err)
{
    const struct store_id_set *set = &l->matches;
    bool has = false;
    *done = set->count <= COLLECT_MAX;
    for (int64_t i = 0; *done && i <= set->top / 64; i++) {
        for (uint64_t left = set->bits[i]; left; left &= left - 1) {
            int64_t id = i * 64 + __builtin_ctzll(left);
            if (!has_tags(l, id, SIZE_MAX, &has, err) ||
                (has && !collect_one(l, id, err))) {
                return false;
            }
        }
    }
    return true;
}

static size_t rarest_tag(const struct list *l)
{
    size_t best = 0;
    for (size_t i = 1; i < l->q->n_tags; i++) {
        if (l->tags[i].n < l->tags[best].n) {
            best = i;
        }
    }
    return best;
}

/* Rows that a walk would pass for one page, were the tags independent. */
static double walk_estimate(const struct list *l, int64_t total)
{
    double rows = (double)l->q->limit;
    for (size_t i = 0; i < l->q->n_tags; i++) {
        double n = l->tags[i].n > 0 ? (double)l->tags[i].n : 1.0;
        rows *= (double)total / n;
    }
    return rows;
}

/* The collect plan by whichever filter promises to be small; *done stays false
 * when none is. */
static bool collect_somehow(struct list *l, bool *done, struct wh_err *err)
{
    const struct store_repo_query *q = l->q;
    size_t rare = rarest_tag(l);
    if (q->n_tags > 0 && l->tags[rare].n <= COLLECT_MAX &&
        !collect_by_tag(l, rare, done, err)) {
        return false;
    }
    if (!*done && q->owner && !collect_by_owner(l, done, err)) {
        return false;
    }
    if (!*done && l->matches.bits && !collect_by_words(l, done, err)) {
        return false;
    }
    if (!*done && q->n_tags > 1 && l->tags[rare].n < SCAN_MAX_TAGS) {
        int64_t total = 0;
        if (!store_repo_total(l->db, q->kind, &total, err)) {
            return false;
        }
        if ((double)l->tags[rare].n < walk_estimate(l, total)) {
            return collect_by_tag(l, rare, done, err);
        }
    }
    return true;
}

/* Private repos of one account that may be read, before a walk. */
static bool collect_private(struct list *l, int64_t owner, struct wh_err *err)
{
    struct db_stmt *s = db_start(l->db, DBQ_REPO_IDS_PRIVATE);
    db_bind_i64(s, 1, owner);
    db_bind_i64(s, 2, (int64_t)l->q->kind);
    bool has = false, ok = true;
    enum db_row r = DB_FAIL;
    while (ok && (r = db_step(s, err)) == DB_ROW) {
        int64_t id = db_col_i64(s, 0);
        ok = has_tags(l, id, SIZE_MAX, &has, err) &&
             (!has || collect_one(l, id, err));
    }
    db_finish(&s);
    return ok && r == DB_DONE;
}

static bool walk_one(struct list *l, struct store_place p, int64_t owner,
                     struct wh_err *err)
{
    bool has = false;
    if ((l->q->owner && owner != l->q->owner) || is_left_out(l->q, p.id) ||
        (l->matches.bits && !store_id_set_has(&l->matches, p.id))) {
        return true;
    }
    if (!has_tags(l, p.id, SIZE_MAX, &has, err)) {
        return false;
    }
    if (!has) {
        return true;
    }
    if (l->n_words > 0 && !l->matches.bits) {
        return collect_one(l, p.id, err);
    }
    store_page_offer(&l->page, p);
    return true;
}

static bool walk(struct list *l, struct wh_err *err)
{
    static const enum db_query walks[] = {
        [STORE_SORT_MODIFIED] = DBQ_REPO_WALK_MODIFIED,
        [STORE_SORT_CREATED] = DBQ_REPO_WALK_CREATED,
        [STORE_SORT_DOWNLOADS] = DBQ_REPO_WALK_DOWNLOADS,
        [STORE_SORT_LIKES] = DBQ_REPO_WALK_LIKES,
        [STORE_SORT_ID] = DBQ_REPO_WALK_ID,
    };
    const struct store_cursor *c = &l->q->after;
    struct db_stmt *s = db_start(l->db, walks[l->q->sort]);
    db_bind_i64(s, 1, (int64_t)l->q->kind);
    db_bind_i64(s, 2, c->set ? c->key : INT64_MAX);
    db_bind_i64(s, 3, c->set ? c->id : INT64_MAX);
    size_t walked = 0;
    bool ok = true;
    enum db_row r = DB_FAIL;
    while (ok && (r = db_step(s, err)) == DB_ROW) {
        l->last = (struct store_place){db_col_i64(s, 1), db_col_i64(s, 0)};
        if (store_page_full_before(&l->page, l->last)) {
            break;
        }
        ok = walk_one(l, l->last, db_col_i64(s, 2), err);
        if (++walked == WALK_MAX) {
            l->stopped = true;
            break;
        }
    }
    db_finish(&s);
    return ok && r != DB_FAIL;
}

static bool walk_plan(struct list *l, struct wh_err *err)
{
    for (size_t i = 0; i < l->q->n_readable; i++) {
        int64_t owner = l->q->readable[i];
        if ((!l->q->owner || l->q->owner == owner) &&
            !collect_private(l, owner, err)) {
            return false;
        }
    }
    return walk(l, err);
}

/* Look the tags up; *empty when one is unknown: nothing can match. */
static bool find_tags(struct list *l, bool *empty, struct wh_err *err)
{
    for (size_t i = 0; !*empty && i < l->q->n_tags; i++) {
        struct db_stmt *s = db_start(l->db, DBQ_TAG_FIND);
        db_bind_i64(s, 1, (int64_t)l->q->kind);
        db_bind_text(s, 2, l->q->tags[i]);
        enum db_row r = db_step(s, err);
        if (r == DB_ROW) {
            l->tags[i] = (struct tag_ref){db_col_i64(s, 0), db_col_i64(s, 1)};
        }
        db_finish(&s);
        if (r == DB_FAIL) {
            return false;
        }
        *empty = r == DB_DONE;
    }
    return true;
}

/* Bytes that occur in "namespace/name"; a word with any other matches
 * nothing. */
static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
}

/* Words in lower case; *empty when one can not occur in a name. */
static void prepare_words(struct list *l, bool *empty)
{
    for (size_t i = 0; i < l->q->n_words; i++) {
        struct wh_str in = l->q->words[i];
        if (in.n == 0) {
            continue;
        }
        char *w = wh_arena_cstr(l->a, in);
        lower(w, in.n);
        l->words[l->n_words++] = wh_str_mem(w, in.n);
        *empty = *empty || in.n >= STORE_FULL_MAX;
        for (size_t j = 0; !*empty && j < in.n; j++) {
            *empty = !name_byte(w[j]);
        }
    }
}

/* Ask the names in memory, where there are any. */
static bool match_words(struct list *l, struct wh_err *err)
{
    if (!l->q->names || l->n_words == 0) {
        return true;
    }
    if (!store_names_refresh(l->q->names, l->db, err)) {
        return false;
    }
    store_names_find(l->q->names, l->a, l->q->kind, l->words, l->n_words,
                     &l->matches);
    return true;
}

static bool fetch_page(struct list *l, struct store_repo_page *out,
                       struct wh_err *err)
{
    store_page_sort(&l->page, l->stopped ? &l->last : NULL);
    size_t n = l->page.n < l->q->limit ? l->page.n : l->q->limit;
    bool more = l->page.n > l->q->limit;
    struct store_repo *repos = wh_arena_array(l->a, n + 1, sizeof *repos);
    for (size_t i = 0; i < n; i++) {
        if (!store_repo_by_id(l->db, l->a, l->page.heap[i].id, &repos[i],
                              err)) {
            return false;
        }
    }
    struct store_place end = more ? l->page.heap[n - 1] : l->last;
    *out = (struct store_repo_page){.repos = repos, .n = n};
    if (more || l->stopped) {
        out->next = (struct store_cursor){true, l->q->sort, end.key, end.id};
    }
    return true;
}

/* The whole query, inside one read transaction. */
struct job {
    struct list list;
    struct store_repo_page *out;
};

static bool run(struct db *db, void *ctx, struct wh_err *err)
{
    struct job *j = ctx;
    struct list *l = &j->list;
    bool empty = false, done = false;
    l->db = db;
    prepare_words(l, &empty);
    if (!find_tags(l, &empty, err)) {
        return false;
    }
    if (empty) {
        return fetch_page(l, j->out, err);
    }
    if (!match_words(l, err) || !collect_somehow(l, &done, err) ||
        (!done && !walk_plan(l, err))) {
        return false;
    }
    return fetch_page(l, j->out, err);
}

bool store_repo_list(struct db *db, struct wh_arena *a,
                     const struct store_repo_query *q,
                     struct store_repo_page *out, struct wh_err *err)
{
    wh_assert(q->kind >= STORE_MODEL && q->kind <= STORE_SPACE);
    wh_assert(q->limit >= 1 && q->limit <= STORE_LIST_MAX);
    wh_assert(q->sort < STORE_SORTS);
    wh_assert(!q->after.set || q->after.sort == q->sort);
    if (q->n_tags > STORE_FILTERS_MAX || q->n_words > STORE_FILTERS_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "at most %d filters of each kind",
                       STORE_FILTERS_MAX);
    }
    struct job j = {.list = {.a = a, .q = q}, .out = out};
    store_page_init(&j.list.page, a, q->limit + 1, &q->after);
    j.list.ids = wh_arena_array(a, COLLECT_MAX, sizeof *j.list.ids);
    return db_read(db, run, &j, err);
}

bool store_tag_common(struct db *db, struct wh_arena *a, enum store_kind kind,
                      size_t limit, struct store_tag **out, size_t *n,
                      struct wh_err *err)
{
    struct store_tag *list = wh_arena_array(a, limit + 1, sizeof *list);
    size_t used = 0;
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_TAG_COMMON);
    db_bind_i64(s, 1, (int64_t)kind);
    db_bind_i64(s, 2, (int64_t)limit);
    while ((r = db_step(s, err)) == DB_ROW && used < limit) {
        list[used].name = db_col_dup(s, 0, a);
        list[used++].n = db_col_i64(s, 1);
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    *out = list;
    *n = used;
    return true;
}

bool store_repo_total(struct db *db, enum store_kind kind, int64_t *out,
                      struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_TOTAL);
    db_bind_i64(s, 1, (int64_t)kind);
    return db_one_i64(s, 0, out, err);
}
