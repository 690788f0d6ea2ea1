/*
 * approve_rows.c - rosters, proposals, signatures and tiers as rows.
 */
#include "base/time.h"
#include "line/approve_impl.h"

#define ROSTERS_MAX 64
#define SIGNATURES_ROWS 64
#define RIPE_MAX 50

/* ---- helpers ---- */

const struct rule_verifier line_verifier = {crypto_sshsig_check, NULL};

bool line_canonical(struct wh_arena *a, const json_t *v, struct wh_str *out,
                    struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, (size_t)1 << 20);
    bool ok = wh_json_canonical(&b, v, err) && wh_buf_ok(&b, err);
    if (ok) {
        *out = wh_arena_dup(a, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    return ok;
}

json_t *line_digest_of(struct wh_str bytes)
{
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(bytes, hex);
    return register_digest_new(wh_str_of(hex));
}

void line_house_make(struct wh_arena *a, struct register_log *log,
                     const struct line_set *lines, const char *software,
                     struct line_house *out)
{
    struct register_status status;
    struct wh_buf b;
    register_status_get(log, &status);
    wh_buf_init(&b, 64);
    wh_buf_base64(&b, status.root.b, sizeof status.root.b);
    *out =
        (struct line_house){.origin = wh_arena_dup(a, wh_str_of(status.origin)),
                            .size = status.size,
                            .root = wh_arena_dup(a, wh_buf_str(&b)),
                            .lines = lines,
                            .software = software,
                            .now = wh_now_us()};
    wh_buf_done(&b);
}

size_t line_enforced(struct wh_arena *a, const struct line_house *h,
                     struct wh_str out[LINE_SET_MAX])
{
    json_t *list = wh_json_own(a, line_set_digests(h->lines));
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        struct wh_str s = wh_str_of(json_string_value(json_array_get(list, i)));
        out[i] = wh_str_sub(s, 7, s.n);
    }
    return n;
}

/* ---- rosters ---- */

bool line_rosters(struct db *db, struct wh_arena *a, uint64_t size,
                  struct line_roster **out, size_t *n, struct wh_err *err)
{
    struct line_roster *list = wh_arena_array(a, ROSTERS_MAX, sizeof *list);
    struct db_stmt *s = db_start(db, DBQ_ROSTER_LIST);
    enum db_row r = DB_DONE;
    bool ok = true;
    *n = 0;
    while (ok && *n < ROSTERS_MAX && (r = db_step(s, err)) == DB_ROW) {
        struct line_roster *x = &list[*n];
        if (db_col_is_null(s, 7) || (uint64_t)db_col_i64(s, 7) >= size) {
            break; /* not on the register yet, and so are those after it */
        }
        x->doc = db_col_dup(s, 2, a);
        x->statement = db_col_dup(s, 3, a);
        x->signatures = db_col_dup(s, 4, a);
        x->leaf = db_col_dup(s, 5, a);
        x->index = db_col_i64(s, 7);
        x->r = WH_NEW(a, struct rule_roster);
        ok = rule_roster_read(a, x->doc, x->r, err);
        ++*n;
    }
    db_finish(&s);
    *out = list;
    return ok && r != DB_FAIL;
}

bool line_roster_now(struct db *db, struct wh_arena *a, uint64_t size,
                     struct line_roster *out, struct wh_err *err)
{
    struct line_roster *list;
    size_t n;
    *out = (struct line_roster){.index = -1};
    if (!line_rosters(db, a, size, &list, &n, err)) {
        return false;
    }
    if (n > 0) {
        *out = list[n - 1];
    }
    return true;
}

bool line_roster_deciding(struct db *db, struct wh_arena *a, uint64_t size,
                          struct line_roster *out, struct wh_err *err)
{
    if (!line_roster_now(db, a, size, out, err)) {
        return false;
    }
    struct db_stmt *s = db_start(db, DBQ_ROSTER_NEWEST);
    enum db_row r = db_step(s, err);
    int64_t newest = r == DB_ROW ? db_col_i64(s, 0) : 0;
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    return newest == (out->r ? out->r->version : 0) ||
           wh_fail(err, WH_CONFLICT,
                   "another roster is about to be in force: draft it anew in a "
                   "moment");
}

/* ---- proposals ---- */

/* The columns of the proposal queries, in their order. */
static void read_proposal(struct db_stmt *s, struct wh_arena *a,
                          struct line_proposal *out)
{
    *out = (struct line_proposal){
        .id = db_col_i64(s, 0),
        .public_id = db_col_dup(s, 1, a),
        .digest = db_col_dup(s, 2, a),
        .text = db_col_dup(s, 3, a),
        .act = (enum rule_act)db_col_i64(s, 4),
        .subject = db_col_dup(s, 5, a),
        .repo = db_col_i64(s, 6),
        .paper = db_col_dup(s, 7, a),
        .not_after = db_col_i64(s, 8),
        .state = (enum line_proposal_state)db_col_i64(s, 9),
        .signatures = db_col_dup(s, 10, a),
        .approval_leaf = db_col_dup(s, 11, a),
        .approval_index = db_col_is_null(s, 12) ? -1 : db_col_i64(s, 12),
        .approval_t = db_col_i64(s, 13),
        .due = db_col_i64(s, 14),
        .created = db_col_i64(s, 15),
    };
}

static bool one_proposal(struct db_stmt *s, struct wh_arena *a,
                         struct line_proposal *out, struct wh_err *err)
{
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        read_proposal(s, a, out);
    }
    db_finish(&s);
    return r == DB_ROW ||
           (r == DB_DONE &&
            wh_fail(err, WH_NOT_FOUND, "there is no such proposal"));
}

bool line_proposal_get(struct db *db, struct wh_arena *a, struct wh_str id,
                       struct line_proposal *out, struct wh_err *err)
{
    struct db_stmt *s =
        db_start(db, id.n == WH_SHA256_HEX ? DBQ_PROPOSAL_BY_DIGEST
                                           : DBQ_PROPOSAL_BY_ID);
    db_bind_text(s, 1, id);
    return one_proposal(s, a, out, err);
}

bool line_proposal_of(struct db *db, struct wh_arena *a, int64_t row,
                      struct line_proposal *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_PROPOSAL_BY_ROW);
    db_bind_i64(s, 1, row);
    return one_proposal(s, a, out, err);
}

bool line_proposals(struct db *db, struct wh_arena *a, int64_t before,
                    bool private_too, unsigned limit,
                    struct line_proposal **out, size_t *n, struct wh_err *err)
{
    struct line_proposal *list = wh_arena_array(a, limit + 1U, sizeof *list);
    struct db_stmt *s = db_start(db, DBQ_PROPOSAL_NEWEST);
    enum db_row r;
    *n = 0;
    db_bind_i64(s, 1, before);
    db_bind_i64(s, 2, private_too);
    db_bind_i64(s, 3, limit);
    while ((r = db_step(s, err)) == DB_ROW && *n < limit) {
        read_proposal(s, a, &list[(*n)++]);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

bool line_proposals_ripe(struct db *db, struct wh_arena *a,
                         const struct line_house *h, struct line_proposal **out,
                         size_t *n, struct wh_err *err)
{
    struct line_proposal *list = wh_arena_array(a, RIPE_MAX, sizeof *list);
    struct db_stmt *s = db_start(db, DBQ_PROPOSAL_RIPE);
    enum db_row r;
    *n = 0;
    db_bind_i64(s, 1, h->now / 1000000);
    db_bind_i64(s, 2, (int64_t)h->size);
    while ((r = db_step(s, err)) == DB_ROW && *n < RIPE_MAX) {
        read_proposal(s, a, &list[(*n)++]);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

bool line_by_index(struct db *db, struct wh_arena *a, int64_t index,
                   struct line_row *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DECISION_ROW_AT);
    int64_t id;
    db_bind_i64(s, 1, index);
    if (!db_one_i64(s, 0, &id, err)) {
        return false;
    }
    return id > 0 ? line_by_row(db, a, id, out, err)
                  : wh_fail(err, WH_CONFLICT,
                            "what the statement ends is no decision");
}

bool line_to_end(struct db *db, struct wh_arena *a, struct wh_str subject,
                 int64_t repo, int64_t index, struct line_row *out,
                 struct wh_err *err)
{
    bool found;
    if (!line_latest(db, a, subject, repo, &found, out, err)) {
        return false;
    }
    return (found && out->repo == repo && out->published &&
            out->index == index) ||
           wh_fail(err, WH_CONFLICT,
                   "the decision that the statement ends is no longer the one "
                   "in effect");
}

bool line_proposal_signatures(struct db *db, struct wh_arena *a, int64_t row,
                              struct line_signature_row **out, size_t *n,
                              struct wh_err *err)
{
    struct line_signature_row *list =
        wh_arena_array(a, SIGNATURES_ROWS, sizeof *list);
    struct db_stmt *s = db_start(db, DBQ_PROPOSAL_SIGNATURE_LIST);
    enum db_row r;
    *n = 0;
    db_bind_i64(s, 1, row);
    while ((r = db_step(s, err)) == DB_ROW && *n < SIGNATURES_ROWS) {
        list[(*n)++] = (struct line_signature_row){
            .key = db_col_dup(s, 0, a),
            .approver = db_col_dup(s, 1, a),
            .affiliation = db_col_dup(s, 2, a),
            .dissent = db_col_i64(s, 3) != 0,
            .sig = db_col_dup(s, 4, a),
            .created = db_col_i64(s, 5),
        };
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

/* ---- tiers ---- */

static bool is_appealed(struct db *db, struct wh_str subject, int64_t repo,
                        bool *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_APPEAL_WAITING);
    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, repo);
    enum db_row r = db_step(s, err);
    *out = r == DB_ROW;
    db_finish(&s);
    return r != DB_FAIL;
}

bool line_tier_read(struct db *db, struct wh_str subject, int64_t repo,
                    struct line_tier_row *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SUBJECT_TIER_GET);
    *out = (struct line_tier_row){.state = {.mode = LINE_MODE_LINE}};
    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, repo);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        out->state =
            (struct line_state){.mode = (enum line_mode)db_col_i64(s, 0),
                                .tier = (enum rule_tier)db_col_i64(s, 1),
                                .until = db_col_i64(s, 2),
                                .grant = (enum rule_tier)db_col_i64(s, 3),
                                .grant_until = db_col_i64(s, 4),
                                .emergency = db_col_i64(s, 6),
                                .holds = (unsigned)db_col_i64(s, 7)};
        out->grant_decision = db_col_i64(s, 5);
    }
    db_finish(&s);
    return r != DB_FAIL &&
           is_appealed(db, subject, repo, &out->state.appealed, err);
}

bool line_tier_write(struct db *db, struct wh_str subject, int64_t repo,
                     const struct line_tier_row *row, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SUBJECT_TIER_SET);
    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, repo);
    db_bind_i64(s, 3, row->state.mode);
    db_bind_i64(s, 4, row->state.tier);
    db_bind_i64(s, 5, row->state.until);
    db_bind_i64(s, 6, row->state.grant);
    db_bind_i64(s, 7, row->state.grant_until);
    db_bind_i64(s, 8, row->grant_decision);
    db_bind_i64(s, 9, row->state.emergency);
    db_bind_i64(s, 10, row->state.holds);
    return db_exec(s, err);
}

bool line_grant_of(struct db *db, struct wh_arena *a,
                   const struct line_row *row, struct line_row *out,
                   struct wh_err *err)
{
    struct line_tier_row t;
    *out = *row;
    if (row->made_by == LINE_MADE_BY_LINE) {
        return true;
    }
    return line_tier_read(db, row->subject, row->repo, &t, err) &&
           (t.state.grant == RULE_TIER_HELD || t.grant_decision == 0 ||
            line_by_row(db, a, t.grant_decision, out, err));
}
