/*
 * content.c - rows of large files.
 */
#include "store/content.h"

/* ---- containers ---- */

static void bind_id(struct db_stmt *st, int i,
                    const uint8_t id[STORE_CONTAINER_ID])
{
    db_bind_hex(st, i, id, STORE_CONTAINER_ID);
}

bool store_container_add(struct db *db, int64_t repo,
                         const uint8_t id[STORE_CONTAINER_ID],
                         struct wh_str wrapped, int64_t now, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTAINER_ADD);

    bind_id(st, 1, id);
    db_bind_i64(st, 2, repo);
    db_bind_blob(st, 3, wrapped.p, wrapped.n);
    db_bind_i64(st, 4, now);
    return db_exec(st, err);
}

bool store_container_done(struct db *db, const uint8_t id[STORE_CONTAINER_ID],
                          uint64_t size, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTAINER_DONE);

    bind_id(st, 1, id);
    db_bind_i64(st, 2, (int64_t)size);
    return db_exec(st, err);
}

static bool by_id(struct db *db, enum db_query q,
                  const uint8_t id[STORE_CONTAINER_ID], struct wh_err *err)
{
    struct db_stmt *st = db_start(db, q);

    bind_id(st, 1, id);
    return db_exec(st, err);
}

bool store_container_give_up(struct db *db,
                             const uint8_t id[STORE_CONTAINER_ID],
                             struct wh_err *err)
{
    return by_id(db, DBQ_CONTAINER_GOING, id, err);
}

bool store_container_forget(struct db *db, const uint8_t id[STORE_CONTAINER_ID],
                            struct wh_err *err)
{
    return by_id(db, DBQ_CONTAINER_DROP, id, err);
}

/* A growing list of container rows in an arena. */
struct rows {
    struct wh_arena *a;
    struct store_container_row *list;
    size_t n, cap;
};

static struct store_container_row *next_row(struct rows *r)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct store_container_row *bigger =
            wh_arena_array(r->a, cap, sizeof *bigger);
        if (r->n > 0) {
            memcpy(bigger, r->list, r->n * sizeof *bigger);
        }
        r->list = bigger;
        r->cap = cap;
    }
    return &r->list[r->n++];
}

/* Columns from `at`: id, wrapped, size. */
static bool read_container(struct db_stmt *st, int at,
                           struct store_container_row *c, struct wh_err *err)
{
    struct wh_str wrapped = db_col_blob(st, at + 1);

    if (!db_col_hex(st, at, c->id, sizeof c->id) ||
        wrapped.n > sizeof c->wrapped) {
        return wh_fail(err, WH_CORRUPT, "a container's row is damaged");
    }
    memcpy(c->wrapped, wrapped.p, wrapped.n);
    c->wrapped_n = wrapped.n;
    c->size = (uint64_t)db_col_i64(st, at + 2);
    return true;
}

bool store_container_stale(struct db *db, struct wh_arena *a, int64_t before,
                           struct store_container_row **out, size_t *n,
                           struct wh_err *err)
{
    struct rows rows = {.a = a};
    struct db_stmt *st = db_start(db, DBQ_CONTAINER_STALE);
    enum db_row r;
    bool ok = true;

    db_bind_i64(st, 1, before);
    while (ok && (r = db_step(st, err)) != DB_DONE) {
        struct store_container_row *c = next_row(&rows);
        ok = r == DB_ROW &&
             (db_col_hex(st, 0, c->id, sizeof c->id) ||
              wh_fail(err, WH_CORRUPT, "a container's row is damaged"));
    }
    db_finish(&st);
    *out = rows.list;
    *n = rows.n;
    return ok;
}

/* All rows of a statement that gives id, wrapped, size from column `at`. */
static bool read_containers(struct db_stmt *st, int at, struct wh_arena *a,
                            struct store_container_row **out, size_t *n,
                            struct wh_err *err)
{
    struct rows rows = {.a = a};
    enum db_row r;
    bool ok = true;

    while (ok && (r = db_step(st, err)) != DB_DONE) {
        struct store_container_row *c = next_row(&rows);
        ok = r == DB_ROW && read_container(st, at, c, err);
        if (ok && at > 0) {
            c->part = (uint32_t)db_col_i64(st, 0);
        }
    }
    db_finish(&st);
    *out = rows.list;
    *n = rows.n;
    return ok;
}

/* ---- uploads ---- */

bool store_upload_begin(struct db *db, struct store_upload *up,
                        struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_UPLOAD_ADD);

    db_bind_i64(st, 1, up->repo);
    db_bind_i64(st, 2, up->account);
    db_bind_cstr(st, 3, up->sha256);
    db_bind_i64(st, 4, (int64_t)up->size);
    db_bind_i64(st, 5, (int64_t)up->part_size);
    db_bind_i64(st, 6, up->expires);
    return db_one_i64(st, 0, &up->id, err);
}

bool store_upload_find(struct db *db, int64_t repo, const char *sha256,
                       struct store_upload *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_UPLOAD_FIND);
    enum db_row r;

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha256);
    r = db_step(st, err);
    if (r == DB_ROW) {
        *out = (struct store_upload){.id = db_col_i64(st, 0),
                                     .repo = repo,
                                     .account = db_col_i64(st, 1),
                                     .size = (uint64_t)db_col_i64(st, 2),
                                     .part_size = (uint64_t)db_col_i64(st, 3),
                                     .expires = db_col_i64(st, 4)};
        memcpy(out->sha256, sha256, sizeof out->sha256);
    }
    db_finish(&st);
    return db_found(r, WH_NOT_FOUND, err);
}

static bool give_up_part(struct db *db, int64_t upload, uint32_t n,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_UPLOAD_PART_GET);
    uint8_t id[STORE_CONTAINER_ID];
    enum db_row r;
    bool there;

    db_bind_i64(st, 1, upload);
    db_bind_i64(st, 2, n);
    r = db_step(st, err);
    there = r == DB_ROW && db_col_hex(st, 0, id, sizeof id);
    db_finish(&st);
    return r != DB_FAIL && (!there || store_container_give_up(db, id, err));
}

bool store_upload_part(struct db *db, int64_t upload, uint32_t n,
                       const uint8_t id[STORE_CONTAINER_ID], struct wh_err *err)
{
    struct db_stmt *st;

    if (!give_up_part(db, upload, n, err)) {
        return false;
    }
    st = db_start(db, DBQ_UPLOAD_PART_SET);
    db_bind_i64(st, 1, upload);
    db_bind_i64(st, 2, n);
    bind_id(st, 3, id);
    return db_exec(st, err);
}

bool store_upload_parts(struct db *db, struct wh_arena *a, int64_t upload,
                        struct store_container_row **out, size_t *n,
                        struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_UPLOAD_PARTS);

    db_bind_i64(st, 1, upload);
    return read_containers(st, 1, a, out, n, err);
}

/* Run a statement whose one parameter is a row's id. */
static bool run_id(struct db *db, enum db_query q, int64_t id,
                   struct wh_err *err)
{
    struct db_stmt *st = db_start(db, q);

    db_bind_i64(st, 1, id);
    return db_exec(st, err);
}

bool store_upload_end(struct db *db, int64_t upload, bool keep,
                      struct wh_err *err)
{
    return (keep || run_id(db, DBQ_UPLOAD_PARTS_GOING, upload, err)) &&
           run_id(db, DBQ_UPLOAD_DROP, upload, err);
}

/* Up to `cap` ids that a statement gives; *n of them. */
static bool read_ids(struct db_stmt *st, int64_t *ids, size_t cap, size_t *n,
                     struct wh_err *err)
{
    enum db_row r;

    *n = 0;
    while ((r = db_step(st, err)) == DB_ROW && *n < cap) {
        ids[(*n)++] = db_col_i64(st, 0);
    }
    db_finish(&st);
    return r != DB_FAIL;
}

/* The statement's rows are read before any of them is changed. */
static bool end_each(struct db *db, struct db_stmt *st,
                     bool (*end)(struct db *db, int64_t id, struct wh_err *err),
                     size_t *n, struct wh_err *err)
{
    int64_t ids[50];

    if (!read_ids(st, ids, 50, n, err)) {
        return false;
    }
    for (size_t i = 0; i < *n; i++) {
        if (!end(db, ids[i], err)) {
            return false;
        }
    }
    return true;
}

static bool end_upload(struct db *db, int64_t id, struct wh_err *err)
{
    return store_upload_end(db, id, false, err);
}

bool store_upload_expire(struct db *db, int64_t now, size_t *n,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_UPLOAD_EXPIRED);

    db_bind_i64(st, 1, now);
    return end_each(db, st, end_upload, n, err);
}

/* ---- contents ---- */

static bool add_row(struct db *db, int64_t repo, const char *sha256,
                    uint64_t size, struct wh_str statement, int64_t now,
                    int64_t *id, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_ADD);

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha256);
    db_bind_i64(st, 3, (int64_t)size);
    if (statement.n > 0) {
        db_bind_text(st, 4, statement);
    }
    db_bind_i64(st, 5, now);
    return db_one_i64(st, 0, id, err);
}

static bool give_up_all(struct db *db, const struct store_container_row *c,
                        size_t n, struct wh_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!store_container_give_up(db, c[i].id, err)) {
            return false;
        }
    }
    return true;
}

static bool add_containers(struct db *db, int64_t content,
                           const struct store_container_row *c, size_t n,
                           struct wh_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct db_stmt *st = db_start(db, DBQ_CONTENT_CONTAINER_ADD);
        db_bind_i64(st, 1, content);
        db_bind_i64(st, 2, (int64_t)i);
        bind_id(st, 3, c[i].id);
        if (!db_exec(st, err)) {
            return false;
        }
    }
    return true;
}

/* *done is id, or 0 when the row has a statement already. */
static bool set_statement(struct db *db, int64_t id, struct wh_str statement,
                          int64_t *done, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_SEAL);

    db_bind_i64(st, 1, id);
    db_bind_text(st, 2, statement);
    return db_one_i64(st, 0, done, err);
}

bool store_content_add(struct db *db, int64_t repo, const char *sha256,
                       uint64_t size, struct wh_str statement,
                       const struct store_container_row *containers, size_t n,
                       int64_t now, struct wh_err *err)
{
    int64_t id;

    if (!add_row(db, repo, sha256, size, statement, now, &id, err)) {
        return false;
    }
    if (id == 0 && statement.n > 0) { /* or is it sent anew? */
        int64_t lost;
        if (!store_content_lost(db, repo, sha256, &lost, err)) {
            return false;
        }
        id = lost;
        if (lost != 0 && !set_statement(db, lost, statement, &id, err)) {
            return false;
        }
    }
    return id != 0 ? add_containers(db, id, containers, n, err)
                   : give_up_all(db, containers, n, err);
}

bool store_content_lost(struct db *db, int64_t repo, const char *sha256,
                        int64_t *id, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_LOST);

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha256);
    return db_one_i64(st, 0, id, err);
}

bool store_content_seal(struct db *db, int64_t id, struct wh_str statement,
                        const struct store_container_row *container, bool *done,
                        struct wh_err *err)
{
    int64_t changed;

    if (!set_statement(db, id, statement, &changed, err)) {
        return false;
    }
    *done = changed != 0;
    return *done ? add_containers(db, id, container, 1, err)
                 : give_up_all(db, container, 1, err);
}

bool store_content_adopt(struct db *db, int64_t repo, const char *sha256,
                         uint64_t size, int64_t now, struct wh_err *err)
{
    int64_t id;

    return add_row(db, repo, sha256, size, WH_S(""), now, &id, err);
}

static void read_content(struct db_stmt *st, struct wh_arena *a,
                         struct store_content *out)
{
    *out = (struct store_content){.id = db_col_i64(st, 0),
                                  .repo = db_col_i64(st, 1),
                                  .size = (uint64_t)db_col_i64(st, 3),
                                  .statement = db_col_dup(st, 4, a),
                                  .scan = db_col_dup(st, 5, a),
                                  .scan_statement = db_col_dup(st, 6, a),
                                  .claimed = db_col_bool(st, 7)};
    db_col_cstr(st, 2, out->sha256, sizeof out->sha256);
}

/* One row or none. */
static bool find_content(struct db_stmt *st, struct wh_arena *a, bool *found,
                         struct store_content *out, struct wh_err *err)
{
    enum db_row r = db_step(st, err);

    *found = r == DB_ROW;
    if (*found) {
        read_content(st, a, out);
    }
    db_finish(&st);
    return r != DB_FAIL;
}

bool store_content_find(struct db *db, struct wh_arena *a, int64_t repo,
                        const char *sha256, bool *found,
                        struct store_content *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_FIND);

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha256);
    return find_content(st, a, found, out, err);
}

bool store_content_by_id(struct db *db, struct wh_arena *a, int64_t id,
                         struct store_content *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_BY_ID);
    bool found;

    db_bind_i64(st, 1, id);
    return find_content(st, a, &found, out, err) &&
           (found || wh_fail(err, WH_NOT_FOUND, ""));
}

bool store_content_readable(struct db *db, struct wh_arena *a,
                            const char *sha256, int64_t account, bool *found,
                            struct store_content *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_READABLE);

    db_bind_cstr(st, 1, sha256);
    db_bind_i64(st, 2, account);
    return find_content(st, a, found, out, err);
}

bool store_content_containers(struct db *db, struct wh_arena *a, int64_t id,
                              struct store_container_row **out, size_t *n,
                              struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_CONTAINERS);

    db_bind_i64(st, 1, id);
    return read_containers(st, 0, a, out, n, err);
}

bool store_content_scanned(struct db *db, int64_t id, struct wh_str scan,
                           struct wh_str statement, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_SCAN_SET);

    db_bind_i64(st, 1, id);
    db_bind_text(st, 2, scan);
    if (statement.n > 0) {
        db_bind_text(st, 3, statement);
    }
    return db_exec(st, err);
}

bool store_content_claim(struct db *db, int64_t repo, const char *sha256,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_CLAIM);

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha256);
    return db_exec(st, err);
}

bool store_content_claimed(struct db *db, int64_t repo, const char *sha256,
                           bool *claimed, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_CLAIMED);
    enum db_row r;

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha256);
    r = db_step(st, err);
    *claimed = r == DB_ROW;
    db_finish(&st);
    return r != DB_FAIL;
}

static bool end_content(struct db *db, int64_t id, struct wh_err *err)
{
    return run_id(db, DBQ_CONTENT_CONTAINERS_GOING, id, err) &&
           run_id(db, DBQ_CONTENT_CONTAINERS_DROP, id, err) &&
           run_id(db, DBQ_CONTENT_DROP, id, err);
}

bool store_content_expire(struct db *db, int64_t before, size_t *n,
                          struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_UNCLAIMED);

    db_bind_i64(st, 1, before);
    return end_each(db, st, end_content, n, err);
}

bool store_content_clear(struct db *db, int64_t repo, bool *left,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_UPLOAD_OF_REPO);
    size_t uploads, contents;
    int64_t containers;

    db_bind_i64(st, 1, repo);
    if (!end_each(db, st, end_upload, &uploads, err)) {
        return false;
    }
    st = db_start(db, DBQ_CONTENT_OF_REPO);
    db_bind_i64(st, 1, repo);
    if (!end_each(db, st, end_content, &contents, err)) {
        return false;
    }
    st = db_start(db, DBQ_CONTAINER_OF_REPO_LEFT);
    db_bind_i64(st, 1, repo);
    if (!db_one_i64(st, 0, &containers, err)) {
        return false;
    }
    *left = uploads > 0 || contents > 0 || containers > 0;
    return true;
}

/* ---- in the clear ---- */

bool store_open_add(struct db *db, const char *sha256, uint64_t size,
                    int64_t now, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_OPEN_CONTENT_ADD);

    db_bind_cstr(st, 1, sha256);
    db_bind_i64(st, 2, (int64_t)size);
    db_bind_i64(st, 3, now);
    return db_exec(st, err);
}

bool store_open_find(struct db *db, const char *sha256, bool *found,
                     uint64_t *size, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_OPEN_CONTENT_FIND);
    enum db_row r;

    db_bind_cstr(st, 1, sha256);
    r = db_step(st, err);
    *found = r == DB_ROW;
    if (*found) {
        *size = (uint64_t)db_col_i64(st, 0);
    }
    db_finish(&st);
    return r != DB_FAIL;
}

bool store_open_needed(struct db *db, const char *sha256, bool *needed,
                       struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_OPEN_CONTENT_NEEDED);
    enum db_row r;

    db_bind_cstr(st, 1, sha256);
    r = db_step(st, err);
    *needed = r == DB_ROW;
    db_finish(&st);
    return r != DB_FAIL;
}

bool store_open_drop(struct db *db, const char *sha256, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_OPEN_CONTENT_DROP);

    db_bind_cstr(st, 1, sha256);
    return db_exec(st, err);
}

static bool unseal_one(struct db *db, int64_t id, struct wh_err *err)
{
    return run_id(db, DBQ_CONTENT_CONTAINERS_GOING, id, err) &&
           run_id(db, DBQ_CONTENT_CONTAINERS_DROP, id, err) &&
           run_id(db, DBQ_CONTENT_UNSEALED, id, err);
}

bool store_open_unseal(struct db *db, const char *sha256, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_SEALED_TWINS);
    size_t n;

    db_bind_cstr(st, 1, sha256);
    return end_each(db, st, unseal_one, &n, err);
}
