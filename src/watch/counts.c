/*
 * counts.c - what the watch did, in numbers: for the page, and once a day for
 * the register. No number is about a person.
 */
#include "register/submit.h"
#include "watch/case.h"
#include "watch/ladder.h"

bool watch_count(struct db *db, int64_t now, enum watch_happened what,
                 uint64_t n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_COUNT_ADD);

    db_bind_i64(s, 1, now / WATCH_DAY_US);
    db_bind_i64(s, 2, what);
    db_bind_i64(s, 3, (int64_t)n);
    return db_exec(s, err);
}

bool watch_counts(struct db *db, int64_t from, int64_t to,
                  int64_t out[WATCH_HAPPENED], struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_COUNT_SUM);
    enum db_row r;

    memset(out, 0, WATCH_HAPPENED * sizeof *out);
    db_bind_i64(s, 1, from);
    db_bind_i64(s, 2, to);
    while ((r = db_step(s, err)) == DB_ROW) {
        int64_t what = db_col_i64(s, 0);
        if (what >= 0 && what < WATCH_HAPPENED) {
            out[what] = db_col_i64(s, 1);
        }
    }
    db_finish(&s);
    return r != DB_FAIL;
}

/* The days that no leaf covers yet and that are over; false in *any when there
 * is none. */
static bool days_due(struct db *db, int64_t now, int64_t *from, int64_t *to,
                     bool *any, struct wh_err *err)
{
    struct db_stmt *s;
    int64_t last;

    *to = now / WATCH_DAY_US - 1;
    if (!db_one_i64(db_start(db, DBQ_WATCH_LOGGED_LAST), 0, &last, err)) {
        return false;
    }
    s = db_start(db, DBQ_WATCH_COUNT_FIRST);
    db_bind_i64(s, 1, last);
    if (!db_one_i64(s, 0, from, err)) {
        return false;
    }
    *any = *from > 0 && *from <= *to;
    return true;
}

static json_t *leaf_of(int64_t from, int64_t to,
                       const int64_t n[WATCH_HAPPENED])
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "type", "watch", "from", (json_int_t)from * 86400, "until",
                     ((json_int_t)to + 1) * 86400, "requests",
                     (json_int_t)n[WATCH_N_REQUESTS], "queued",
                     (json_int_t)n[WATCH_N_QUEUED], "suspended",
                     (json_int_t)n[WATCH_N_SUSPENDED], "lifted",
                     (json_int_t)n[WATCH_N_LIFTED], "confirmed",
                     (json_int_t)n[WATCH_N_CONFIRMED], "lapsed",
                     (json_int_t)n[WATCH_N_LAPSED], "appeals",
                     (json_int_t)n[WATCH_N_APPEALS], "readings",
                     (json_int_t)n[WATCH_N_READINGS]);
}

bool watch_counts_log(struct db *db, int64_t now, bool *submitted,
                      struct wh_err *err)
{
    int64_t n[WATCH_HAPPENED], from, to, outbox;
    struct db_stmt *s;
    json_t *leaf;
    bool any = false, ok;

    *submitted = false;
    if (!days_due(db, now, &from, &to, &any, err)) {
        return false;
    }
    if (!any) {
        return true;
    }
    if (!watch_counts(db, from, to, n, err)) {
        return false;
    }
    leaf = leaf_of(from, to, n);
    ok = register_submit(db, leaf, &outbox, err);
    json_decref(leaf);
    if (!ok) {
        return false;
    }
    s = db_start(db, DBQ_WATCH_LOGGED_PUT);
    db_bind_i64(s, 1, to);
    db_bind_i64(s, 2, outbox);
    *submitted = db_exec(s, err);
    return *submitted;
}
