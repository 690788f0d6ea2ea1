/*
 * rows.c - the only place that names the statements of sql/queries/line.sql,
 * besides keep.c, which writes decisions.
 */
#include "line/rows.h"

/* Texts of one column, collected. */
#define LIST_MAX 200

bool line_subject_keep(struct db *db, struct wh_str subject,
                       struct wh_str manifest, int64_t now, struct wh_err *err)
{
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(manifest, hex);
    if (!wh_str_is(subject, hex)) {
        return wh_fail(err, WH_INTERNAL, "");
    }
    struct db_stmt *s = db_start(db, DBQ_SUBJECT_ADD);
    db_bind_text(s, 1, subject);
    db_bind_text(s, 2, manifest);
    db_bind_i64(s, 3, now);
    return db_exec(s, err);
}

/* One text column of a :one query with one text parameter. */
static bool one_text(struct db *db, struct wh_arena *a, enum db_query q,
                     struct wh_str key, struct wh_str *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, q);
    db_bind_text(s, 1, key);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        *out = db_col_dup(s, 0, a);
    }
    db_finish(&s);
    return db_found(r, WH_NOT_FOUND, err);
}

bool line_subject_manifest(struct db *db, struct wh_arena *a,
                           struct wh_str subject, struct wh_str *out,
                           struct wh_err *err)
{
    return one_text(db, a, DBQ_SUBJECT_MANIFEST, subject, out, err);
}

bool line_revision_keep(struct db *db, int64_t repo, struct wh_str sha,
                        struct wh_str subject, int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REVISION_SUBJECT_SET);
    db_bind_i64(s, 1, repo);
    db_bind_text(s, 2, sha);
    db_bind_text(s, 3, subject);
    db_bind_i64(s, 4, now);
    return db_exec(s, err);
}

bool line_revision_subject(struct db *db, struct wh_arena *a, int64_t repo,
                           struct wh_str sha, struct wh_str *out,
                           struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REVISION_SUBJECT_GET);
    db_bind_i64(s, 1, repo);
    db_bind_text(s, 2, sha);
    enum db_row r = db_step(s, err);
    *out = r == DB_ROW ? db_col_dup(s, 0, a) : WH_S("");
    db_finish(&s);
    return r != DB_FAIL;
}

bool line_subject_repos(struct db *db, struct wh_arena *a,
                        struct wh_str subject, int64_t after, int64_t **out,
                        size_t *n, struct wh_err *err)
{
    int64_t *ids = wh_arena_array(a, LIST_MAX, sizeof(*ids));
    size_t count = 0;
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_SUBJECT_REPOS);
    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, after);
    while ((r = db_step(s, err)) == DB_ROW && count < LIST_MAX) {
        ids[count++] = db_col_i64(s, 0);
    }
    db_finish(&s);
    *out = ids;
    *n = count;
    return r != DB_FAIL;
}

bool line_document_keep(struct db *db, const struct rule_line *line,
                        int64_t now, struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, 2 * RULE_LINE_TEXT_MAX);
    bool ok = wh_json_canonical(&b, line->doc, err) && wh_buf_ok(&b, err);
    if (ok) {
        struct db_stmt *s = db_start(db, DBQ_LINE_DOCUMENT_ADD);
        db_bind_cstr(s, 1, line->digest);
        db_bind_text(s, 2, line->name);
        db_bind_i64(s, 3, line->version);
        db_bind_text(s, 4, wh_buf_str(&b));
        db_bind_i64(s, 5, now);
        ok = db_exec(s, err);
    }
    wh_buf_done(&b);
    return ok;
}

bool line_set_keep(struct db *db, const struct line_set *set, int64_t now,
                   struct wh_err *err)
{
    for (size_t i = 0; i < set->n_enforced; i++) {
        if (!line_document_keep(db, set->enforced[i].line, now, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < set->n_shadow; i++) {
        if (!line_document_keep(db, set->shadow[i].line, now, err)) {
            return false;
        }
    }
    return true;
}

/* ---- lines on the register ---- */

static bool take_told(struct wh_arena *a, struct db_stmt *s, int col,
                      struct line_told *out, struct wh_err *err)
{
    out->leaf = db_col_dup(s, col, a);
    if (!wh_json_parse(a, out->leaf, &out->doc, err)) {
        err->code = WH_CORRUPT;
        return false;
    }
    out->by_people = json_object_get(out->doc, "statement") != NULL;
    return true;
}

/* The rows of one query, behind those that are there. */
static bool add_told(struct db *db, struct wh_arena *a, enum db_query q,
                     struct line_told *list, size_t *n, struct wh_err *err)
{
    bool waits = q == DBQ_LINE_ENTRIES_WAITING, ok = true;
    struct db_stmt *s = db_start(db, q);
    enum db_row r = DB_DONE;
    while (ok && (r = db_step(s, err)) == DB_ROW) {
        if (*n == LINE_TOLD_MAX) {
            ok = wh_fail(err, WH_TOO_LARGE, "too many entries tell lines");
            break;
        }
        list[*n].index = waits ? -1 : db_col_i64(s, 0);
        ok = take_told(a, s, waits ? 0 : 1, &list[*n], err);
        ++*n;
    }
    db_finish(&s);
    return ok && r != DB_FAIL;
}

bool line_told(struct db *db, struct wh_arena *a, struct line_told **out,
               size_t *n, struct wh_err *err)
{
    struct line_told *list = wh_arena_array(a, LINE_TOLD_MAX, sizeof *list);
    *n = 0;
    *out = list;
    return add_told(db, a, DBQ_LINE_ENTRIES, list, n, err) &&
           add_told(db, a, DBQ_LINE_ENTRIES_WAITING, list, n, err);
}

bool line_past(struct db *db, struct wh_arena *a, struct rule_past *out,
               struct wh_err *err)
{
    struct line_told *list;
    size_t n;
    *out = (struct rule_past){.n = 0};
    if (!line_told(db, a, &list, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!rule_past_add(out, json_object_get(list[i].doc, "lines"),
                           list[i].by_people, err)) {
            return false;
        }
    }
    return true;
}

bool line_in_force(struct db *db, struct wh_arena *a, const json_t *digests,
                   struct wh_err *err)
{
    struct line_told newest;
    struct db_stmt *s = db_start(db, DBQ_LINE_NEWEST);
    enum db_row r = db_step(s, err);
    bool ok = r != DB_ROW || take_told(a, s, 0, &newest, err);
    db_finish(&s);
    if (r != DB_ROW || !ok) {
        return r == DB_DONE;
    }
    return json_equal(json_object_get(newest.doc, "lines"), digests) ||
           wh_fail(err, WH_UNAVAILABLE,
                   "the lines in force have changed: try again in a moment");
}

bool line_document_get(struct db *db, struct wh_arena *a, struct wh_str digest,
                       struct wh_str *out, struct wh_err *err)
{
    return one_text(db, a, DBQ_LINE_DOCUMENT_GET, digest, out, err);
}

bool line_evidence_get(struct db *db, struct wh_arena *a, struct wh_str digest,
                       struct wh_str *out, struct wh_err *err)
{
    return one_text(db, a, DBQ_EVIDENCE_GET, digest, out, err);
}

/* The columns of the decision queries, in their order. */
static void read_row(struct db_stmt *s, struct wh_arena *a,
                     struct line_row *out)
{
    *out = (struct line_row){
        .id = db_col_i64(s, 0),
        .public_id = db_col_dup(s, 1, a),
        .subject = db_col_dup(s, 2, a),
        .repo = db_col_i64(s, 3),
        .digest = db_col_dup(s, 4, a),
        .doc = db_col_dup(s, 5, a),
        .leaf = db_col_dup(s, 6, a),
        .evidence = db_col_dup(s, 7, a),
        .answer = (enum rule_answer)db_col_i64(s, 8),
        .decided = db_col_i64(s, 13),
        .until = db_col_i64(s, 14),
        .outbox = db_col_i64(s, 15),
        .published = !db_col_is_null(s, 17),
        .index = db_col_i64(s, 16),
        .made_by = (enum line_maker)db_col_i64(s, 18),
        .proposal = db_col_i64(s, 19),
    };
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        out->tiers.part[p] = (enum rule_tier)db_col_i64(s, 9 + p);
    }
}

/* Zero or one row of a started query. */
static bool finish_one(struct db_stmt *s, struct wh_arena *a, bool *found,
                       struct line_row *out, struct wh_err *err)
{
    enum db_row r = db_step(s, err);
    *found = r == DB_ROW;
    if (*found) {
        read_row(s, a, out);
    }
    db_finish(&s);
    return r != DB_FAIL;
}

/* Up to `limit` rows of a started query. */
static bool finish_many(struct db_stmt *s, struct wh_arena *a, unsigned limit,
                        struct line_row **out, size_t *n, struct wh_err *err)
{
    struct line_row *rows = wh_arena_array(a, limit + 1U, sizeof(*rows));
    size_t count = 0;
    enum db_row r;
    while ((r = db_step(s, err)) == DB_ROW && count < limit) {
        read_row(s, a, &rows[count++]);
    }
    db_finish(&s);
    *out = rows;
    *n = count;
    return r != DB_FAIL;
}

bool line_current(struct db *db, struct wh_arena *a, struct wh_str subject,
                  int64_t repo, bool *found, struct line_row *out,
                  struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DECISION_CURRENT);
    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, repo);
    return finish_one(s, a, found, out, err);
}

bool line_latest(struct db *db, struct wh_arena *a, struct wh_str subject,
                 int64_t repo, bool *found, struct line_row *out,
                 struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DECISION_LATEST);
    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, repo);
    return finish_one(s, a, found, out, err);
}

bool line_by_id(struct db *db, struct wh_arena *a, struct wh_str public_id,
                struct line_row *out, struct wh_err *err)
{
    bool found;
    struct db_stmt *s = db_start(db, DBQ_DECISION_BY_PUBLIC_ID);
    db_bind_text(s, 1, public_id);
    return finish_one(s, a, &found, out, err) &&
           (found || wh_fail(err, WH_NOT_FOUND, "there is no such decision"));
}

bool line_by_row(struct db *db, struct wh_arena *a, int64_t id,
                 struct line_row *out, struct wh_err *err)
{
    bool found;
    struct db_stmt *s = db_start(db, DBQ_DECISION_BY_ROW);
    db_bind_i64(s, 1, id);
    return finish_one(s, a, &found, out, err) &&
           (found || wh_fail(err, WH_NOT_FOUND, "there is no such decision"));
}

bool line_of_subject(struct db *db, struct wh_arena *a, struct wh_str subject,
                     int64_t repo, unsigned limit, struct line_row **out,
                     size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DECISION_OF_SUBJECT);
    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, repo);
    db_bind_i64(s, 3, limit);
    return finish_many(s, a, limit, out, n, err);
}

bool line_of_repo(struct db *db, struct wh_arena *a, int64_t repo,
                  unsigned limit, struct line_row **out, size_t *n,
                  struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DECISION_OF_REPO);
    db_bind_i64(s, 1, repo);
    db_bind_i64(s, 2, limit);
    return finish_many(s, a, limit, out, n, err);
}

bool line_due(struct db *db, struct wh_arena *a, int64_t until, unsigned limit,
              struct line_row **out, size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DECISION_DUE);
    db_bind_i64(s, 1, until);
    db_bind_i64(s, 2, limit);
    return finish_many(s, a, limit, out, n, err);
}

bool line_shadow_of(struct db *db, struct wh_arena *a, struct wh_str subject,
                    struct wh_str **out, size_t *n, struct wh_err *err)
{
    struct wh_str *list = wh_arena_array(a, LIST_MAX, sizeof(*list));
    size_t count = 0;
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_SHADOW_RESULT_OF_SUBJECT);
    db_bind_text(s, 1, subject);
    while ((r = db_step(s, err)) == DB_ROW && count < LIST_MAX) {
        list[count++] = db_col_dup(s, 0, a);
    }
    db_finish(&s);
    *out = list;
    *n = count;
    return r != DB_FAIL;
}

bool line_shadow_count(struct db *db, struct wh_str line,
                       uint64_t out[RULE_ANSWER_COUNT], struct wh_err *err)
{
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_SHADOW_RESULT_COUNT);
    db_bind_text(s, 1, line);
    memset(out, 0, RULE_ANSWER_COUNT * sizeof(*out));
    while ((r = db_step(s, err)) == DB_ROW) {
        int64_t answer = db_col_i64(s, 0);
        wh_assert(answer >= 0 && answer < RULE_ANSWER_COUNT);
        out[answer] = (uint64_t)db_col_i64(s, 1);
    }
    db_finish(&s);
    return r != DB_FAIL;
}

bool line_row_stands(const struct line_row *row, int64_t now)
{
    return row->made_by != LINE_MADE_BY_LINE &&
           (row->until == 0 || row->until > now);
}
