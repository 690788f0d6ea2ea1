/*
 * xet.c - rows of xorbs.
 */
#include "store/xet.h"

static void bind_key(struct db_stmt *st, int64_t repo,
                     const uint8_t hash[STORE_XORB_HASH])
{
    db_bind_i64(st, 1, repo);
    db_bind_hex(st, 2, hash, STORE_XORB_HASH);
}

static bool add_chunks(struct db *db, int64_t id, struct wh_str chunks,
                       struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_XORB_TABLE_ADD);

    db_bind_i64(st, 1, id);
    db_bind_blob(st, 2, chunks.p, chunks.n);
    return db_exec(st, err);
}

bool store_xorb_add(struct db *db, int64_t repo,
                    const uint8_t hash[STORE_XORB_HASH],
                    const uint8_t container[STORE_CONTAINER_ID],
                    struct wh_str chunks, int64_t now, bool *added,
                    struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_XORB_ADD);
    int64_t id;

    bind_key(st, repo, hash);
    db_bind_hex(st, 3, container, STORE_CONTAINER_ID);
    db_bind_i64(st, 4, now);
    if (!db_one_i64(st, 0, &id, err)) {
        return false;
    }
    *added = id != 0;
    return !*added || add_chunks(db, id, chunks, err);
}

bool store_xorb_find(struct db *db, int64_t repo,
                     const uint8_t hash[STORE_XORB_HASH], int64_t *id,
                     struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_XORB_FIND);

    bind_key(st, repo, hash);
    return db_one_i64(st, 0, id, err);
}

bool store_xorb_touch(struct db *db, int64_t id, int64_t now,
                      struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_XORB_TOUCH);

    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, now);
    return db_exec(st, err);
}

bool store_xorb_chunks(struct db *db, struct wh_arena *a, int64_t repo,
                       const uint8_t hash[STORE_XORB_HASH], int64_t *id,
                       struct wh_str *chunks, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_XORB_CHUNKS);
    enum db_row r;

    bind_key(st, repo, hash);
    *id = 0;
    r = db_step(st, err);
    if (r == DB_ROW) {
        *id = db_col_i64(st, 0);
        *chunks = wh_arena_dup(a, db_col_blob(st, 1));
    }
    db_finish(&st);
    return r != DB_FAIL;
}

bool store_xorb_container(struct db *db, int64_t repo,
                          const uint8_t hash[STORE_XORB_HASH],
                          struct store_container_row *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_XORB_CONTAINER);
    bool whole = true;
    enum db_row r;

    bind_key(st, repo, hash);
    r = db_step(st, err);
    if (r == DB_ROW) {
        struct wh_str wrapped = db_col_blob(st, 1);
        *out =
            (struct store_container_row){.size = (uint64_t)db_col_i64(st, 2)};
        whole = db_col_hex(st, 0, out->id, sizeof out->id) &&
                wrapped.n <= sizeof out->wrapped;
        if (whole) {
            memcpy(out->wrapped, wrapped.p, wrapped.n);
            out->wrapped_n = wrapped.n;
        }
    }
    db_finish(&st);
    if (!whole) {
        return wh_fail(err, WH_CORRUPT, "a container's row is damaged");
    }
    return db_found(r, WH_NOT_FOUND, err);
}

struct expired {
    int64_t id;
    uint8_t container[STORE_CONTAINER_ID];
};

/* The rows are read before any of them is changed. */
static bool read_expired(struct db *db, int64_t before, struct expired *list,
                         size_t *n, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_XORB_EXPIRED);
    enum db_row r;
    bool ok = true;

    db_bind_i64(st, 1, before);
    *n = 0;
    while (ok && *n < STORE_XORB_EXPIRE && (r = db_step(st, err)) != DB_DONE) {
        struct expired *x = &list[*n];
        ok = r == DB_ROW &&
             (db_col_hex(st, 1, x->container, sizeof x->container) ||
              wh_fail(err, WH_CORRUPT, "a xorb's row is damaged"));
        if (ok) {
            x->id = db_col_i64(st, 0);
            ++*n;
        }
    }
    db_finish(&st);
    return ok;
}

bool store_xorb_expire(struct db *db, int64_t before, size_t *n,
                       struct wh_err *err)
{
    struct expired list[STORE_XORB_EXPIRE];

    if (!read_expired(db, before, list, n, err)) {
        return false;
    }
    for (size_t i = 0; i < *n; i++) {
        struct db_stmt *st = db_start(db, DBQ_XORB_DROP);
        db_bind_i64(st, 1, list[i].id);
        if (!db_exec(st, err) ||
            !store_container_give_up(db, list[i].container, err)) {
            return false;
        }
    }
    return true;
}
