/*
 * Repos over the rows of 002_repos.sql. A repo is in three places that lists
 * read: its row, its head, and its tags with their counts; each function here
 * keeps the three in step within the caller's transaction.
 */
#include "store/repo.h"
#include "base/time.h"
#include "crypto/random.h"
#include "store/repo_tag.h"

static const struct {
    const char *name, *plural;
} kinds[] = {
    [STORE_MODEL] = {"model", "models"},
    [STORE_DATASET] = {"dataset", "datasets"},
    [STORE_SPACE] = {"space", "spaces"},
};

const char *store_kind_name(enum store_kind kind)
{
    wh_assert(kind >= STORE_MODEL && kind <= STORE_SPACE);
    return kinds[kind].name;
}

const char *store_kind_plural(enum store_kind kind)
{
    wh_assert(kind >= STORE_MODEL && kind <= STORE_SPACE);
    return kinds[kind].plural;
}

bool store_kind_of(struct wh_str name, enum store_kind *out)
{
    for (int k = STORE_MODEL; k <= STORE_SPACE; k++) {
        if (wh_str_is(name, kinds[k].name) ||
            wh_str_is(name, kinds[k].plural)) {
            *out = (enum store_kind)k;
            return true;
        }
    }
    return false;
}

/* What the changing functions need of the row they change. */
struct brief {
    enum store_kind kind;
    bool is_private;
};

static bool read_brief(struct db *db, int64_t id, struct brief *out,
                       struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_KEYS);
    db_bind_i64(s, 1, id);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        out->kind = (enum store_kind)db_col_i64(s, 0);
        out->is_private = db_col_bool(s, 2);
    }
    db_finish(&s);
    return db_found(r, WH_REPO_NOT_FOUND, err);
}

/* Run a statement whose parameters are two integers. */
static bool run2(struct db *db, enum db_query q, int64_t a, int64_t b,
                 struct wh_err *err)
{
    struct db_stmt *s = db_start(db, q);
    db_bind_i64(s, 1, a);
    db_bind_i64(s, 2, b);
    return db_exec(s, err);
}

static bool insert_row(struct db *db, const struct store_repo_new *in,
                       const char *full, int64_t *id, struct wh_err *err)
{
    uint8_t raw[STORE_PUBLIC_ID_LEN / 2];
    crypto_random(raw, sizeof raw);
    struct db_stmt *s = db_start(db, DBQ_REPO_INSERT);
    db_bind_hex(s, 1, raw, sizeof raw);
    db_bind_i64(s, 2, (int64_t)in->kind);
    db_bind_i64(s, 3, in->ns->id);
    db_bind_cstr(s, 4, full);
    db_bind_i64(s, 5, in->is_private);
    db_bind_i64(s, 6, wh_now_us());
    if (db_one_i64(s, 0, id, err)) {
        return true;
    }
    if (err->code == WH_CONFLICT) {
        *err = (struct wh_err){0};
        return wh_fail(err, WH_CONFLICT, "a %s of this name exists",
                       kinds[in->kind].name);
    }
    return false;
}

static bool insert_head(struct db *db, int64_t id, struct wh_str sdk,
                        struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_HEAD_INSERT);
    db_bind_i64(s, 1, id);
    db_bind_text(s, 2, sdk.p ? sdk : WH_S(""));
    return db_exec(s, err);
}

bool store_repo_create(struct db *db, const struct store_repo_new *in,
                       int64_t *id, struct wh_err *err)
{
    char full[STORE_FULL_MAX];
    int64_t made = 0;
    wh_assert(in->kind >= STORE_MODEL && in->kind <= STORE_SPACE);
    if (!store_repo_name_ok(in->name, err)) {
        return false;
    }
    size_t ns = strlen(in->ns->name);
    memcpy(full, in->ns->name, ns);
    full[ns] = '/';
    memcpy(full + ns + 1, in->name.p, in->name.n);
    full[ns + 1 + in->name.n] = '\0';
    if (!insert_row(db, in, full, &made, err) ||
        !insert_head(db, made, in->sdk, err)) {
        return false;
    }
    if (!in->is_private &&
        !run2(db, DBQ_REPO_TOTAL_ADD, (int64_t)in->kind, 1, err)) {
        return false;
    }
    *id = made;
    return true;
}

static void read_head(struct db_stmt *s, struct wh_arena *a,
                      struct store_repo_head *h)
{
    h->sha = db_col_dup(s, 10, a);
    h->tags = db_col_dup(s, 11, a);
    h->pipeline_tag = db_col_dup(s, 12, a);
    h->library = db_col_dup(s, 13, a);
    h->sdk = db_col_dup(s, 14, a);
    h->state = (enum store_repo_state)db_col_i64(s, 15);
    for (int p = 0; p < STORE_PARTS; p++) {
        h->tiers[p] = (enum store_tier)db_col_i64(s, 16 + p);
    }
    h->subject = db_col_dup(s, 20, a);
    h->card = db_col_dup(s, 21, a);
    h->used = db_col_i64(s, 22);
}

static bool read_repo(struct db_stmt *s, struct wh_arena *a,
                      struct store_repo *out, struct wh_err *err)
{
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        *out = (struct store_repo){.id = db_col_i64(s, 0)};
        db_col_cstr(s, 1, out->public_id, sizeof out->public_id);
        out->kind = (enum store_kind)db_col_i64(s, 2);
        out->owner = db_col_i64(s, 3);
        db_col_cstr(s, 4, out->full, sizeof out->full);
        out->is_private = db_col_bool(s, 5);
        out->created = db_col_i64(s, 6);
        out->modified = db_col_i64(s, 7);
        out->downloads = db_col_i64(s, 8);
        out->likes = db_col_i64(s, 9);
        read_head(s, a, &out->head);
    }
    db_finish(&s);
    return db_found(r, WH_REPO_NOT_FOUND, err);
}

bool store_repo_by_name(struct db *db, struct wh_arena *a, enum store_kind kind,
                        struct wh_str full, struct store_repo *out,
                        struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_BY_NAME);
    db_bind_i64(s, 1, (int64_t)kind);
    db_bind_text(s, 2, full);
    return read_repo(s, a, out, err);
}

bool store_repo_by_id(struct db *db, struct wh_arena *a, int64_t id,
                      struct store_repo *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_BY_ID);
    db_bind_i64(s, 1, id);
    return read_repo(s, a, out, err);
}

bool store_repo_readable(struct db *db, const struct store_repo *repo,
                         int64_t account, bool *out, struct wh_err *err)
{
    enum store_role role = STORE_ROLE_NONE;
    if (repo->is_private && account != 0 &&
        !store_member_role(db, repo->owner, account, &role, err)) {
        return false;
    }
    *out = !repo->is_private || role != STORE_ROLE_NONE;
    return true;
}

/* Texts of a head come from parsers of ours and may be unset. */
static void bind_or_empty(struct db_stmt *s, int i, struct wh_str v)
{
    db_bind_text(s, i, v.p ? v : WH_S(""));
}

static bool update_head(struct db *db, int64_t repo,
                        const struct store_repo_head *h, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_HEAD_UPDATE);
    db_bind_i64(s, 1, repo);
    bind_or_empty(s, 2, h->sha);
    db_bind_text(s, 3, h->tags.n ? h->tags : WH_S("[]"));
    bind_or_empty(s, 4, h->pipeline_tag);
    bind_or_empty(s, 5, h->library);
    bind_or_empty(s, 6, h->sdk);
    db_bind_i64(s, 7, (int64_t)h->state);
    for (int p = 0; p < STORE_PARTS; p++) {
        db_bind_i64(s, 8 + p, (int64_t)h->tiers[p]);
    }
    bind_or_empty(s, 12, h->subject);
    bind_or_empty(s, 13, h->card);
    db_bind_i64(s, 14, h->used);
    return db_exec(s, err);
}

bool store_repo_head_set(struct db *db, int64_t repo,
                         const struct store_repo_head *head,
                         const struct wh_str *tags, size_t n_tags, int64_t now,
                         struct wh_err *err)
{
    struct brief b = {0};
    return read_brief(db, repo, &b, err) && update_head(db, repo, head, err) &&
           store_repo_tags_set(db, repo, b.kind, b.is_private, tags, n_tags,
                               err) &&
           run2(db, DBQ_REPO_TOUCH, repo, now, err);
}

bool store_repo_tiers_set(struct db *db, int64_t repo,
                          enum store_repo_state state,
                          const enum store_tier tiers[STORE_PARTS],
                          struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_TIERS_UPDATE);
    db_bind_i64(s, 1, repo);
    db_bind_i64(s, 2, (int64_t)state);
    for (int p = 0; p < STORE_PARTS; p++) {
        db_bind_i64(s, 3 + p, (int64_t)tiers[p]);
    }
    if (!db_exec(s, err)) {
        return false;
    }
    return db_found(db_changes(db) ? DB_ROW : DB_DONE, WH_REPO_NOT_FOUND, err);
}

/* Public repos are counted in the totals and with their tags: by +1 or -1. */
static bool count_public(struct db *db, int64_t repo, enum store_kind kind,
                         int64_t by, struct wh_err *err)
{
    return run2(db, DBQ_TAG_COUNT_REPO, repo, by, err) &&
           run2(db, DBQ_REPO_TOTAL_ADD, (int64_t)kind, by, err);
}

bool store_repo_private_set(struct db *db, int64_t repo, bool is_private,
                            struct wh_err *err)
{
    struct brief b = {0};
    if (!read_brief(db, repo, &b, err)) {
        return false;
    }
    if (b.is_private == is_private) {
        return true;
    }
    return run2(db, DBQ_REPO_SET_PRIVATE, repo, is_private, err) &&
           count_public(db, repo, b.kind, is_private ? -1 : 1, err);
}

bool store_repo_downloads_add(struct db *db, int64_t repo, int64_t n,
                              struct wh_err *err)
{
    return run2(db, DBQ_REPO_ADD_DOWNLOADS, repo, n, err);
}

bool store_repo_likes_add(struct db *db, int64_t repo, int64_t n,
                          struct wh_err *err)
{
    return run2(db, DBQ_REPO_ADD_LIKES, repo, n, err);
}

bool store_repo_delete(struct db *db, int64_t repo, int64_t now,
                       struct wh_err *err)
{
    struct brief b = {0};
    if (!read_brief(db, repo, &b, err)) {
        return false;
    }
    if (!b.is_private && !count_public(db, repo, b.kind, -1, err)) {
        return false;
    }
    struct db_stmt *s = db_start(db, DBQ_REPO_TAG_DROP_ALL);
    db_bind_i64(s, 1, repo);
    return db_exec(s, err) && run2(db, DBQ_REPO_SET_GONE, repo, now, err);
}

bool store_repo_gone_next(struct db *db, int64_t until, int64_t *repo,
                          struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_GONE_NEXT);
    db_bind_i64(s, 1, until);
    return db_one_i64(s, 0, repo, err);
}

bool store_repo_purge(struct db *db, int64_t repo, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPO_PURGE);
    db_bind_i64(s, 1, repo);
    return db_exec(s, err);
}
