/*
 * Lists of repos, with the plan chosen here.
 *
 * SQLite's planner does not know that tags follow a power law: the right plan
 * for a rare tag takes seconds for a common one, and the other way round. So:
 *
 *   narrow   The ids of each filter that are cheap to read (words, from memory;
 *            an owner; a tag, in the order of its index) become a set of bits,
 *            which is then what all of them have in common.
 *   walk     Go down the index of the sort order and test each row against the
 *            set and the filters that are left, until the page is full. Cost:
 *            small when many rows pass, since reading on in an index is cheap.
 *   collect  Read the sort key of each member of the set, keep the best in a
 *            heap. Cost: the size of the set, but a row costs KEY_ROWS times
 *            what a row of a walk does, for each is somewhere else.
 *
 * A small set is walked for as long as collecting it would take, and is then
 * collected. A walk through a large one, or without one, that finds little
 * stops after WALK_MAX rows; the page is then short and its cursor says where
 * to go on. Private repos are not in the sort indexes: a walk first collects
 * those that the caller may see.
 */
#include "store/repo_list.h"
#include "store/repo_page.h"
#include <stdlib.h>

/* Where the plans turn; a test build makes them small. */
#ifndef COLLECT_MAX
#define COLLECT_MAX 2000    /* members worth collecting */
#define SCAN_MAX 8000       /* ids worth reading of one filter, size unknown */
#define SCAN_MAX_TAGS 60000 /* the same when the counts promise a gain */
#define WALK_MAX 50000
#define KEY_ROWS                                                \
    40 /* rows of a walk that take as long as one row by its id \
        */
#define TAG_ROWS                                                \
    8 /* rows that take as long as asking for one tag of a repo \
       */
#endif

struct tag_ref {
    int64_t id, n;
};

struct list {
    struct db *db;
    struct wh_arena *a;
    const struct store_repo_query *q;
    struct tag_ref tags[STORE_FILTERS_MAX]; /* the rarest first */
    bool in_set[STORE_FILTERS_MAX];         /* tags that the set stands for */
    struct wh_str words[STORE_FILTERS_MAX]; /* lower case, none empty */
    size_t n_words;
    struct store_id_set set; /* no other repo can match; bits null: any can */
    struct store_page page;
    int64_t top, total; /* the highest id; public repos of the kind */
    bool words_in_set;
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

/* Has the repo the tags that the set does not stand for? */
static bool has_tags(struct list *l, int64_t id, bool *has, struct wh_err *err)
{
    *has = true;
    for (size_t i = 0; *has && i < l->q->n_tags; i++) {
        int64_t one = 0;
        if (l->in_set[i]) {
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

/* Test everything on one repo, and offer it. */
static bool collect_one(struct list *l, int64_t id, struct wh_err *err)
{
    const struct store_repo_query *q = l->q;
    struct keys k;
    bool found = false, has = false;
    if (is_left_out(q, id) || (l->set.bits && !store_id_set_has(&l->set, id))) {
        return true;
    }
    if (!has_tags(l, id, &has, err) ||
        (has && !read_keys(l, id, &k, &found, err))) {
        return false;
    }
    if (found && k.kind == q->kind && (!q->owner || k.owner == q->owner) &&
        (!k.is_private || may_read(q, k.owner)) && has_words(l, k.full)) {
        store_page_offer(&l->page, (struct store_place){k.key[q->sort], id});
    }
    return true;
}

/* The collect plan. */
static bool collect_set(struct list *l, struct wh_err *err)
{
    for (int64_t i = 0; i <= l->set.top / 64; i++) {
        for (uint64_t left = l->set.bits[i]; left; left &= left - 1) {
            if (!collect_one(l, i * 64 + __builtin_ctzll(left), err)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- narrowing ---- */

/* Keep of the set what s gives too (finished here). *done is false when that is
 * more than max ids: then nothing has changed. */
static bool keep_given(struct list *l, struct db_stmt *s, size_t max,
                       bool *done, struct wh_err *err)
{
    struct store_id_set both = {.top = l->top};
    enum db_row r;
    both.bits =
        wh_arena_array(l->a, (size_t)l->top / 64 + 1, sizeof *both.bits);
    for (size_t n = 0; (r = db_step(s, err)) == DB_ROW && n < max; n++) {
        int64_t id = db_col_i64(s, 0);
        if (id <= l->top && (!l->set.bits || store_id_set_has(&l->set, id))) {
            both.bits[id / 64] |= 1ULL << (id % 64);
            both.count++;
        }
    }
    db_finish(&s);
    *done = r == DB_DONE;
    if (*done) {
        l->set = both;
    }
    return r != DB_FAIL;
}

/* Keep of the set what has the tags that it does not stand for yet. */
static bool keep_tagged(struct list *l, struct wh_err *err)
{
    bool has = false;
    for (int64_t i = 0; i <= l->set.top / 64; i++) {
        for (uint64_t left = l->set.bits[i]; left; left &= left - 1) {
            uint64_t bit = left & -left;
            if (!has_tags(l, i * 64 + __builtin_ctzll(left), &has, err)) {
                return false;
            }
            if (!has) {
                l->set.bits[i] &= ~bit;
                l->set.count--;
            }
        }
    }
    for (size_t i = 0; i < l->q->n_tags; i++) {
        l->in_set[i] = true;
    }
    return true;
}

/* Rows that a walk would pass for one page, were set and tags independent. */
static double walk_estimate(const struct list *l)
{
    double total = (double)l->total, rows = (double)l->q->limit + 1;
    if (l->set.bits) {
        rows *= total / (l->set.count > 0 ? (double)l->set.count : 1.0);
    }
    for (size_t i = 0; i < l->q->n_tags; i++) {
        if (!l->in_set[i]) {
            rows *= total / (l->tags[i].n > 0 ? (double)l->tags[i].n : 1.0);
        }
    }
    return rows;
}

/* The next tag of the query: is it cheaper to ask for it for all of the set, or
 * to read all that have it, than to leave it to a walk? In rows of a walk. */
enum way { LEAVE, ASK, READ };
#define NO_WAY 1e300

static enum way cheapest(const struct list *l, const struct tag_ref *tag)
{
    double members = l->set.bits ? (double)l->set.count : (double)l->total;
    double share = l->total > 0 ? members / (double)l->total : 1.0;
    double leave = walk_estimate(l) * share * TAG_ROWS;
    double ask = l->set.bits ? members * TAG_ROWS : NO_WAY;
    double all = tag->n <= SCAN_MAX_TAGS ? (double)tag->n : NO_WAY;
    if (leave <= ask && leave <= all) {
        return LEAVE;
    }
    return ask <= all ? ASK : READ;
}

/* Tags come from the rarest on, so the rest is left where one is. */
static bool narrow_by_tags(struct list *l, struct wh_err *err)
{
    bool done = true;
    for (size_t i = 0; done && i < l->q->n_tags; i++) {
        enum way way = cheapest(l, &l->tags[i]);
        if (way != READ) {
            return way == LEAVE || keep_tagged(l, err);
        }
        struct db_stmt *s = db_start(l->db, DBQ_REPO_IDS_BY_TAG);
        db_bind_i64(s, 1, l->tags[i].id);
        if (!keep_given(l, s, SCAN_MAX_TAGS, &done, err)) {
            return false;
        }
        l->in_set[i] = done;
    }
    return true;
}

static bool narrow_by_owner(struct list *l, struct wh_err *err)
{
    bool done;
    struct db_stmt *s = db_start(l->db, DBQ_REPO_IDS_BY_OWNER);
    db_bind_i64(s, 1, l->q->owner);
    db_bind_i64(s, 2, (int64_t)l->q->kind);
    return keep_given(l, s, SCAN_MAX, &done, err);
}

/* Ask the names in memory, where there are any. */
static bool narrow_by_words(struct list *l, struct wh_err *err)
{
    if (!l->q->names || l->n_words == 0) {
        return true;
    }
    if (!store_names_refresh(l->q->names, l->db, err)) {
        return false;
    }
    store_names_find(l->q->names, l->a, l->q->kind, l->words, l->n_words,
                     &l->set);
    l->words_in_set = true;
    return true;
}

static bool narrow(struct list *l, struct wh_err *err)
{
    struct db_stmt *s = db_start(l->db, DBQ_REPO_LAST);
    return db_one_i64(s, 0, &l->top, err) &&
           store_repo_total(l->db, l->q->kind, &l->total, err) &&
           narrow_by_words(l, err) &&
           (!l->q->owner || narrow_by_owner(l, err)) && narrow_by_tags(l, err);
}

/* ---- walking ---- */

/* Private repos of one account that may be read, before a walk. */
static bool collect_private(struct list *l, int64_t owner, struct wh_err *err)
{
    struct db_stmt *s = db_start(l->db, DBQ_REPO_IDS_PRIVATE);
    db_bind_i64(s, 1, owner);
    db_bind_i64(s, 2, (int64_t)l->q->kind);
    bool ok = true;
    enum db_row r = DB_FAIL;
    while (ok && (r = db_step(s, err)) == DB_ROW) {
        ok = collect_one(l, db_col_i64(s, 0), err);
    }
    db_finish(&s);
    return ok && r == DB_DONE;
}

static bool walk_one(struct list *l, struct store_place p, int64_t owner,
                     struct wh_err *err)
{
    bool has = false;
    if ((l->q->owner && owner != l->q->owner) || is_left_out(l->q, p.id) ||
        (l->set.bits && !store_id_set_has(&l->set, p.id))) {
        return true;
    }
    if (l->n_words > 0 && !l->words_in_set) {
        return collect_one(l, p.id, err);
    }
    if (!has_tags(l, p.id, &has, err)) {
        return false;
    }
    if (has) {
        store_page_offer(&l->page, p);
    }
    return true;
}

static bool walk(struct list *l, size_t max, struct wh_err *err)
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
        if (++walked == max) {
            l->stopped = true;
            break;
        }
    }
    db_finish(&s);
    return ok && r != DB_FAIL;
}

/* The walk plan, of at most max rows. */
static bool walk_all(struct list *l, size_t max, struct wh_err *err)
{
    for (size_t i = 0; i < l->q->n_readable; i++) {
        int64_t owner = l->q->readable[i];
        if ((!l->q->owner || l->q->owner == owner) &&
            !collect_private(l, owner, err)) {
            return false;
        }
    }
    return walk(l, max, err);
}

/* By whichever plan promises to be the cheaper one. */
static bool fill_page(struct list *l, struct wh_err *err)
{
    size_t keys = l->set.count * KEY_ROWS;
    if (!l->set.bits || l->set.count > COLLECT_MAX) {
        return walk_all(l, WALK_MAX, err);
    }
    if ((double)keys > walk_estimate(l)) {
        if (!walk_all(l, keys < WALK_MAX ? keys : WALK_MAX, err)) {
            return false;
        }
        if (!l->stopped) {
            return true;
        }
        l->stopped = false;
        l->page.n = 0;
    }
    return collect_set(l, err);
}

/* ---- the query ---- */

static int by_count(const void *x, const void *y)
{
    const struct tag_ref *a = x, *b = y;
    return a->n < b->n ? -1 : a->n > b->n;
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
    qsort(l->tags, l->q->n_tags, sizeof *l->tags, by_count);
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
    bool empty = false;
    l->db = db;
    prepare_words(l, &empty);
    if (!find_tags(l, &empty, err)) {
        return false;
    }
    if (empty) {
        return fetch_page(l, j->out, err);
    }
    return narrow(l, err) && fill_page(l, err) && fetch_page(l, j->out, err);
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
