/*
 * rows.c - reading the register's tables.
 */
#include "register/rows.h"

bool register_row_state(struct db *db, struct register_state_row *out,
                        struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_STATE_GET);
    enum db_row r = db_step(s, err);
    bool ok = true;
    if (r == DB_ROW) {
        db_col_cstr(s, 0, out->vkey, sizeof out->vkey);
        out->epoch = db_col_i64(s, 1);
        out->size = (uint64_t)db_col_i64(s, 2);
        ok = db_col_hex(s, 3, out->root.b, TLOG_HASH);
        out->published_size = (uint64_t)db_col_i64(s, 4);
        out->published_at = db_col_i64(s, 5);
        out->swept_size = (uint64_t)db_col_i64(s, 6);
    }
    db_finish(&s);
    if (!ok) {
        return wh_fail(err, WH_CORRUPT, "the register's state is damaged");
    }
    return db_found(r, WH_NOT_FOUND, err);
}

bool register_row_span(struct db *db, struct register_span_row *out,
                       struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OUTBOX_SPAN);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        out->first = db_col_i64(s, 0);
        out->last = db_col_i64(s, 1);
        out->created = db_col_i64(s, 2);
    }
    db_finish(&s);
    return db_found(r, WH_INTERNAL, err);
}

static bool read_cp(struct db_stmt *s, struct wh_arena *a,
                    struct register_cp_row *out, struct wh_err *err)
{
    enum db_row r = db_step(s, err);
    bool ok = true;
    if (r == DB_ROW) {
        out->size = (uint64_t)db_col_i64(s, 0);
        ok = db_col_hex(s, 1, out->root.b, TLOG_HASH);
        out->note = db_col_dup(s, 2, a);
        out->signed_at = db_col_i64(s, 3);
    }
    db_finish(&s);
    if (!ok) {
        return wh_fail(err, WH_CORRUPT, "a signed head is damaged");
    }
    return db_found(r, WH_NOT_FOUND, err);
}

bool register_row_cp_newest(struct db *db, struct wh_arena *a,
                            struct register_cp_row *out, struct wh_err *err)
{
    return read_cp(db_start(db, DBQ_REGISTER_CP_NEWEST), a, out, err);
}

bool register_row_cp(struct db *db, struct wh_arena *a, uint64_t size,
                     struct register_cp_row *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_CP_GET);
    db_bind_i64(s, 1, (int64_t)size);
    return read_cp(s, a, out, err);
}

static bool gap(struct wh_err *err)
{
    return wh_fail(err, WH_CORRUPT, "entries of the register are missing");
}

bool register_row_hashes(struct db *db, uint64_t from, uint64_t to,
                         struct tlog_hash *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_HASHES);
    db_bind_i64(s, 1, (int64_t)from);
    db_bind_i64(s, 2, (int64_t)to);
    uint64_t at = from;
    enum db_row r;
    while ((r = db_step(s, err)) == DB_ROW) {
        struct wh_str h = db_col_blob(s, 1);
        if ((uint64_t)db_col_i64(s, 0) != at || h.n != TLOG_HASH) {
            break;
        }
        memcpy(out[at++ - from].b, h.p, TLOG_HASH);
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    return at == to || gap(err);
}

bool register_row_bundle(struct db *db, uint64_t from, uint64_t to,
                         struct wh_buf *bundle, struct tlog_hash *hashes,
                         struct wh_err *err)
{
    wh_assert(from < to && to - from <= TLOG_TILE_WIDTH);
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_LEAVES);
    db_bind_i64(s, 1, (int64_t)from);
    db_bind_i64(s, 2, (int64_t)to);
    uint64_t at = from;
    enum db_row r;
    while ((r = db_step(s, err)) == DB_ROW) {
        struct wh_str leaf = db_col_blob(s, 1), h = db_col_blob(s, 2);
        struct tlog_hash *made = &hashes[at - from];
        tlog_hash_leaf(leaf, made);
        if ((uint64_t)db_col_i64(s, 0) != at ||
            !wh_str_eq(h, wh_str_mem(made->b, TLOG_HASH))) {
            break;
        }
        tlog_bundle_add(bundle, leaf);
        at++;
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    return at == to ||
           wh_fail(err, WH_CORRUPT, "stored entries do not match their hashes");
}

bool register_row_newest_time(struct db *db, int64_t *t, int64_t *sequenced_at,
                              struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_LAST);
    enum db_row r = db_step(s, err);
    *t = r == DB_ROW ? db_col_i64(s, 2) : 0;
    *sequenced_at = r == DB_ROW ? db_col_i64(s, 3) : 0;
    db_finish(&s);
    return r != DB_FAIL;
}

bool register_row_outbox_at(struct db *db, uint64_t index, int64_t *out,
                            struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_OUTBOX_AT);
    db_bind_i64(s, 1, (int64_t)index);
    return db_one_i64(s, 0, out, err);
}

bool register_row_index_of(struct db *db, int64_t outbox, uint64_t *out,
                           struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_OF_OUTBOX);
    db_bind_i64(s, 1, outbox);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        *out = (uint64_t)db_col_i64(s, 0);
    }
    db_finish(&s);
    return db_found(r, WH_NOT_FOUND, err);
}
