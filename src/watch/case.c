/*
 * case.c - rows of cases, and who may do what about them.
 */
#include "watch/case.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "crypto/hmac.h"
#include "store/account.h"
#include "watch/ladder.h"

void watch_case_secret(const uint8_t key[32], struct wh_str public_id,
                       char out[WATCH_CASE_SECRET + 1])
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    struct wh_buf b;

    crypto_hmac_sha256(wh_str_mem(key, 32), public_id, mac);
    wh_buf_init(&b, 64);
    wh_buf_base64url(&b, mac, sizeof mac);
    wh_assert(b.n == WATCH_CASE_SECRET);
    memcpy(out, b.p, b.n);
    out[b.n] = '\0';
    wh_buf_done(&b);
}

void watch_case_secret_hash(struct wh_str secret, char hex[65])
{
    wh_sha256_hex_of(secret, hex);
}

/* ---- rows ---- */

bool watch_case_insert(struct db *db, const uint8_t key[32],
                       const struct watch_case *c, struct wh_err *err)
{
    char secret[WATCH_CASE_SECRET + 1], hash[WH_SHA256_HEX + 1];
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_INSERT);

    watch_case_secret(key, c->public_id, secret);
    watch_case_secret_hash(wh_str_of(secret), hash);
    db_bind_text(s, 1, c->public_id);
    db_bind_cstr(s, 2, hash);
    db_bind_i64(s, 3, c->level);
    db_bind_i64(s, 4, c->account);
    db_bind_i64(s, 5, c->key);
    db_bind_text(s, 6, c->person);
    db_bind_i64(s, 7, c->rung);
    db_bind_i64(s, 8, c->log_e);
    db_bind_text(s, 9, c->layer);
    db_bind_i64(s, 10, c->score);
    db_bind_text(s, 11, c->request);
    db_bind_text(s, 12, c->model);
    db_bind_i64(s, 13, c->repeated);
    db_bind_i64(s, 14, c->acted);
    db_bind_i64(s, 15, c->until);
    return db_exec(s, err);
}

bool watch_case_raise(struct db *db, const struct watch_case *c,
                      struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_RAISE);

    db_bind_text(s, 1, c->public_id);
    db_bind_i64(s, 2, c->rung);
    db_bind_i64(s, 3, c->log_e);
    db_bind_text(s, 4, c->layer);
    db_bind_i64(s, 5, c->score);
    db_bind_text(s, 6, c->request);
    db_bind_i64(s, 7, c->repeated);
    db_bind_i64(s, 8, c->acted);
    db_bind_i64(s, 9, c->until);
    return db_exec(s, err);
}

bool watch_case_rekey(struct db *db, const uint8_t key[32],
                      const struct watch_case *c, struct wh_err *err)
{
    char secret[WATCH_CASE_SECRET + 1], hash[WH_SHA256_HEX + 1];
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_SECRET_PUT);

    watch_case_secret(key, c->public_id, secret);
    watch_case_secret_hash(wh_str_of(secret), hash);
    db_bind_text(s, 1, c->public_id);
    db_bind_cstr(s, 2, hash);
    return db_exec(s, err);
}

static void read_case(struct db_stmt *s, struct wh_arena *a,
                      struct watch_case *c)
{
    *c = (struct watch_case){
        .id = db_col_i64(s, 0),
        .public_id = db_col_dup(s, 1, a),
        .level = (enum watch_level)db_col_i64(s, 2),
        .account = db_col_i64(s, 3),
        .key = db_col_i64(s, 4),
        .person = db_col_dup(s, 5, a),
        .rung = (enum detect_rung)db_col_i64(s, 6),
        .state = (enum watch_state)db_col_i64(s, 7),
        .log_e = db_col_i64(s, 8),
        .layer = db_col_dup(s, 9, a),
        .score = db_col_i64(s, 10),
        .request = db_col_dup(s, 11, a),
        .model = db_col_dup(s, 12, a),
        .repeated = db_col_bool(s, 13),
        .opened = db_col_i64(s, 14),
        .acted = db_col_i64(s, 15),
        .until = db_col_i64(s, 16),
        .closed = db_col_i64(s, 17),
        .reason = db_col_dup(s, 18, a),
        .decider = db_col_i64(s, 19),
    };
}

static bool one_case(struct db_stmt *s, struct wh_arena *a,
                     struct watch_case *out, struct wh_err *err)
{
    enum db_row r = db_step(s, err);

    if (r == DB_ROW) {
        read_case(s, a, out);
    }
    db_finish(&s);
    return r == DB_DONE ? wh_fail(err, WH_NOT_FOUND, "there is no such case")
                        : r == DB_ROW;
}

bool watch_case_by_id(struct db *db, struct wh_arena *a, struct wh_str id,
                      struct watch_case *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_BY_ID);

    db_bind_text(s, 1, id);
    return one_case(s, a, out, err);
}

bool watch_case_by_secret(struct db *db, struct wh_arena *a,
                          struct wh_str secret, struct watch_case *out,
                          struct wh_err *err)
{
    char hash[WH_SHA256_HEX + 1];
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_BY_SECRET);

    watch_case_secret_hash(secret, hash);
    db_bind_cstr(s, 1, hash);
    return one_case(s, a, out, err);
}

/* Rows of a statement, at most `most`. */
static bool many_cases(struct db_stmt *s, struct wh_arena *a, size_t most,
                       struct watch_case **out, size_t *n, struct wh_err *err)
{
    struct watch_case *list = wh_arena_array(a, most + 1, sizeof *list);
    enum db_row r = DB_DONE;

    *n = 0;
    while (*n < most && (r = db_step(s, err)) == DB_ROW) {
        read_case(s, a, &list[(*n)++]);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

bool watch_case_list(struct db *db, struct wh_arena *a, enum detect_rung rung,
                     int64_t account, size_t most, struct watch_case **out,
                     size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_LIST);

    db_bind_i64(s, 1, rung);
    db_bind_i64(s, 2, account);
    db_bind_i64(s, 3, (int64_t)most);
    return many_cases(s, a, most, out, n, err);
}

#define IN_FORCE_MAX 10000u

bool watch_case_in_force(struct db *db, struct wh_arena *a, int64_t now,
                         struct watch_case **out, size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_IN_FORCE);

    db_bind_i64(s, 1, now);
    return many_cases(s, a, IN_FORCE_MAX, out, n, err);
}

static void read_alarm(struct db_stmt *s, struct wh_arena *a,
                       struct watch_alarm *out)
{
    *out = (struct watch_alarm){
        .id = db_col_i64(s, 0),
        .at = db_col_i64(s, 1),
        .request = db_col_dup(s, 2, a),
        .model = db_col_dup(s, 3, a),
        .layer = db_col_dup(s, 4, a),
        .reasons = db_col_dup(s, 5, a),
        .score = db_col_i64(s, 6),
        .p0 = db_col_i64(s, 7),
        .counted = (int)db_col_i64(s, 8),
        .log_e = {db_col_i64(s, 9), db_col_i64(s, 10), db_col_i64(s, 11)},
        .has_text = db_col_bool(s, 12),
    };
}

bool watch_case_alarms(struct db *db, struct wh_arena *a,
                       const struct watch_case *c, struct watch_alarm **out,
                       size_t *n, struct wh_err *err)
{
    struct watch_alarm *list =
        wh_arena_array(a, WATCH_ALARMS_SHOWN, sizeof *list);
    struct db_stmt *s = db_start(db, DBQ_WATCH_ALARM_OF_CASE);
    enum db_row r = DB_DONE;

    db_bind_i64(s, 1, c->account);
    db_bind_i64(s, 2, c->key);
    db_bind_text(s, 3, c->person);
    db_bind_i64(s, 4, c->closed ? c->closed : INT64_MAX);
    db_bind_i64(s, 5, c->opened - WATCH_TEXT_DAYS * WATCH_DAY_US);
    db_bind_i64(s, 6, WATCH_ALARMS_SHOWN);
    *n = 0;
    while (*n < WATCH_ALARMS_SHOWN && (r = db_step(s, err)) == DB_ROW) {
        read_alarm(s, a, &list[(*n)++]);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

/* ---- the person's side ---- */

/* Words of people: text, not too much of it. */
static bool words_ok(struct wh_str text, size_t least, size_t most,
                     const char *what, struct wh_err *err)
{
    text = wh_str_trim(text);
    if (text.n < least || text.n > most || !wh_str_utf8_ok(text) ||
        memchr(text.p, '\0', text.n)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "%s is a text of %zu to %zu characters", what, least,
                       most);
    }
    return true;
}

bool watch_case_appeal(struct db *db, const struct watch_case *c,
                       struct wh_str text, int64_t now, struct wh_err *err)
{
    struct db_stmt *s;
    int64_t n;

    if (!words_ok(text, 1, WATCH_APPEAL_MAX, "An appeal", err)) {
        return false;
    }
    if (c->state == WATCH_LIFTED || c->state == WATCH_LAPSED) {
        return wh_fail(err, WH_CONFLICT,
                       "This case is closed and nothing is done any more");
    }
    s = db_start(db, DBQ_WATCH_APPEAL_COUNT);
    db_bind_i64(s, 1, c->id);
    if (!db_one_i64(s, 0, &n, err)) {
        return false;
    }
    if (n >= WATCH_APPEALS_MAX) {
        return wh_fail(err, WH_TOO_LARGE,
                       "This case has as many texts as it can take; they are "
                       "read before it is decided");
    }
    s = db_start(db, DBQ_WATCH_APPEAL_INSERT);
    db_bind_i64(s, 1, c->id);
    db_bind_text(s, 2, wh_str_trim(text));
    db_bind_i64(s, 3, now);
    return db_exec(s, err) && watch_count(db, now, WATCH_N_APPEALS, 1, err);
}

static bool sayings(struct db_stmt *s, struct wh_arena *a, size_t most,
                    int text, int at, struct watch_saying **out, size_t *n,
                    struct wh_err *err)
{
    struct watch_saying *list = wh_arena_array(a, most, sizeof *list);
    enum db_row r = DB_DONE;

    *n = 0;
    while (*n < most && (r = db_step(s, err)) == DB_ROW) {
        list[*n].text = text >= 0 ? db_col_dup(s, text, a) : WH_S("");
        list[(*n)++].at = db_col_i64(s, at);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

bool watch_case_appeals(struct db *db, struct wh_arena *a,
                        const struct watch_case *c, struct watch_saying **out,
                        size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_APPEAL_LIST);

    db_bind_i64(s, 1, c->id);
    return sayings(s, a, 20, 0, 1, out, n, err);
}

/* ---- the reviewers' side ---- */

static bool must_review(struct db *db, const struct watch_case *c,
                        int64_t reviewer, struct wh_err *err)
{
    bool is;

    if (!watch_reviewer_is(db, reviewer, &is, err)) {
        return false;
    }
    if (!is) {
        return wh_fail(err, WH_FORBIDDEN, "This is for reviewers of cases");
    }
    return c->account != reviewer ||
           wh_fail(err, WH_FORBIDDEN,
                   "Nobody reviews a case about his own account");
}

static bool close_case(struct db *db, const struct watch_case *c,
                       enum watch_state state, struct wh_str reason,
                       int64_t decider, int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_CLOSE);

    db_bind_i64(s, 1, c->id);
    db_bind_i64(s, 2, state);
    db_bind_i64(s, 3, now);
    db_bind_text(s, 4, reason);
    if (decider) {
        db_bind_i64(s, 5, decider);
    } else {
        db_bind_null(s, 5);
    }
    db_bind_i64(s, 6,
                state == WATCH_CONFIRMED ? now + WATCH_CONFIRMED_US : now);
    db_bind_i64(s, 7, c->state);
    if (!db_exec(s, err)) {
        return false;
    }
    return db_changes(db) == 1 ||
           wh_fail(err, WH_CONFLICT, "somebody has decided this case already");
}

bool watch_case_decide(struct db *db, const struct watch_case *c,
                       int64_t reviewer, bool lift, struct wh_str reason,
                       int64_t now, struct wh_err *err)
{
    if (!must_review(db, c, reviewer, err) ||
        !words_ok(reason, 10, WATCH_REASON_MAX, "The reason", err)) {
        return false;
    }
    /* what is confirmed can still be lifted, and nothing else */
    if (c->state != WATCH_OPEN && !(c->state == WATCH_CONFIRMED && lift)) {
        return wh_fail(err, WH_CONFLICT, "this case is closed already");
    }
    return close_case(db, c, lift ? WATCH_LIFTED : WATCH_CONFIRMED,
                      wh_str_trim(reason), reviewer, now, err) &&
           watch_count(db, now, lift ? WATCH_N_LIFTED : WATCH_N_CONFIRMED, 1,
                       err);
}

bool watch_case_lapse(struct db *db, int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_CASE_DUE);
    struct watch_case *list;
    struct wh_arena a;
    size_t n;
    bool ok;

    wh_arena_init(&a, (size_t)1 << 20);
    db_bind_i64(s, 1, now);
    ok = many_cases(s, &a, 100, &list, &n, err);
    for (size_t i = 0; ok && i < n; i++) {
        ok = close_case(db, &list[i], WATCH_LAPSED, WH_S("Its time was over."),
                        0, now, err) &&
             watch_count(db, now, WATCH_N_LAPSED, 1, err);
    }
    wh_arena_done(&a);
    return ok;
}

bool watch_reviewer_set(struct db *db, int64_t account, bool on, int64_t now,
                        struct wh_err *err)
{
    struct store_account who;
    struct db_stmt *s;

    if (!store_account_by_id(db, account, &who, err)) {
        return false;
    }
    if (on && (who.is_operator || who.org)) {
        return wh_fail(err, WH_FORBIDDEN,
                       "An operator or an organisation is no reviewer: who "
                       "runs the house does not read what people wrote");
    }
    s = db_start(db, on ? DBQ_WATCH_REVIEWER_PUT : DBQ_WATCH_REVIEWER_DROP);
    db_bind_i64(s, 1, account);
    if (on) {
        db_bind_i64(s, 2, now);
    }
    return db_exec(s, err);
}

bool watch_reviewer_is(struct db *db, int64_t account, bool *out,
                       struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_REVIEWER_IS);
    int64_t since;

    db_bind_i64(s, 1, account);
    if (!db_one_i64(s, 0, &since, err)) {
        return false;
    }
    *out = since != 0;
    return true;
}

static bool reviewings(struct db_stmt *s, struct wh_arena *a, size_t most,
                       bool wishes, struct watch_reviewing **out, size_t *n,
                       struct wh_err *err)
{
    struct watch_reviewing *list = wh_arena_array(a, most, sizeof *list);
    enum db_row r = DB_DONE;

    *n = 0;
    while (*n < most && (r = db_step(s, err)) == DB_ROW) {
        struct watch_reviewing *w = &list[(*n)++];
        w->name = db_col_dup(s, 0, a);
        w->reason = wishes ? db_col_dup(s, 1, a) : WH_S("");
        w->at = db_col_i64(s, wishes ? 2 : 1);
        w->account = wishes ? db_col_i64(s, 3) : 0;
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

bool watch_reviewer_list(struct db *db, struct wh_arena *a,
                         struct watch_reviewing **out, size_t *n,
                         struct wh_err *err)
{
    return reviewings(db_start(db, DBQ_WATCH_REVIEWER_LIST), a, 200, false, out,
                      n, err);
}

bool watch_case_wish(struct db *db, const struct watch_case *c,
                     int64_t reviewer, struct wh_str reason, int64_t now,
                     struct wh_err *err)
{
    struct db_stmt *s;

    if (!must_review(db, c, reviewer, err) ||
        !words_ok(reason, 10, WATCH_REASON_MAX, "The reason", err)) {
        return false;
    }
    s = db_start(db, DBQ_WATCH_WISH_PUT);
    db_bind_i64(s, 1, c->id);
    db_bind_i64(s, 2, reviewer);
    db_bind_text(s, 3, wh_str_trim(reason));
    db_bind_i64(s, 4, now);
    return db_exec(s, err);
}

bool watch_case_wishes(struct db *db, struct wh_arena *a,
                       const struct watch_case *c, int64_t now,
                       struct watch_reviewing **out, size_t *n,
                       struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_WISH_LIST);

    db_bind_i64(s, 1, c->id);
    db_bind_i64(s, 2, now - WATCH_WISH_US);
    return reviewings(s, a, 20, true, out, n, err);
}

/* Who wished it must still be a reviewer. */
static bool count_readers(struct db *db, const struct watch_case *c,
                          int64_t reviewer, int64_t now, size_t *readers,
                          bool *among, struct wh_err *err)
{
    struct watch_reviewing *list;
    struct wh_arena a;
    bool ok, is;
    size_t n;

    *readers = 0;
    *among = false;
    wh_arena_init(&a, (size_t)1 << 20);
    ok = watch_case_wishes(db, &a, c, now, &list, &n, err);
    for (size_t i = 0; ok && i < n; i++) {
        ok = watch_reviewer_is(db, list[i].account, &is, err);
        *readers += ok && is;
        *among = *among || (ok && is && list[i].account == reviewer);
    }
    wh_arena_done(&a);
    return ok;
}

bool watch_case_read(struct db *db, const struct watch_case *c,
                     int64_t reviewer, size_t texts, int64_t now,
                     struct wh_err *err)
{
    size_t readers;
    struct db_stmt *s;
    bool among;

    if (!must_review(db, c, reviewer, err) ||
        !count_readers(db, c, reviewer, now, &readers, &among, err)) {
        return false;
    }
    if (!among || readers < WATCH_READERS) {
        return wh_fail(err, WH_FORBIDDEN,
                       "Texts are read when two reviewers have asked for it "
                       "and said why; %s",
                       among ? "the other one is missing"
                             : "you have not asked");
    }
    s = db_start(db, DBQ_WATCH_READING_INSERT);
    db_bind_i64(s, 1, c->id);
    db_bind_i64(s, 2, reviewer);
    db_bind_i64(s, 3, (int64_t)texts);
    db_bind_i64(s, 4, now);
    return db_exec(s, err) && watch_count(db, now, WATCH_N_READINGS, 1, err);
}

bool watch_case_readings(struct db *db, struct wh_arena *a,
                         const struct watch_case *c, struct watch_saying **out,
                         size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_READING_LIST);

    db_bind_i64(s, 1, c->id);
    return sayings(s, a, 50, -1, 0, out, n, err);
}
