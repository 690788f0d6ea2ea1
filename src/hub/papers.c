/*
 * papers.c - a release as a verifier asks for it.
 */
#include "hub/papers.h"
#include "register/submit.h"

bool hub_revision_state(struct db *db, struct wh_arena *a, int64_t repo,
                        const char *sha, enum hub_revision_state *state,
                        struct wh_str *why, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_REVISION_STATE);
    enum db_row r;

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha);
    r = db_step(st, err);
    *state = r == DB_ROW ? (enum hub_revision_state)db_col_i64(st, 0)
                         : HUB_REVISION_UNKNOWN;
    *why = r == DB_ROW ? db_col_dup(st, 1, a) : WH_S("");
    db_finish(&st);
    return r != DB_FAIL;
}

enum store_part hub_undecidable_part(enum store_kind kind)
{
    return kind == STORE_MODEL ? STORE_PART_WEIGHTS : STORE_PART_DATA;
}

/* The decision in effect, with what opens its leaf if it is about a private
 * repo. */
static bool read_decision(struct db *db, struct wh_arena *a,
                          const struct store_repo *repo, struct hub_papers *out,
                          struct wh_err *err)
{
    int64_t scope = repo->is_private ? repo->id : 0;
    struct line_row *row = &out->row;

    if (!line_current(db, a, out->subject, scope, &out->decided, row, err)) {
        return false;
    }
    if (!out->decided) {
        out->weighing = true;
        return true;
    }
    return row->repo == 0 ||
           (register_opening_salt(db, a, (uint64_t)row->index, "subject",
                                  &out->subject_salt, err) &&
            register_opening_salt(db, a, (uint64_t)row->index, "evidence",
                                  &out->evidence_salt, err));
}

bool hub_papers_read(struct db *db, struct wh_arena *a,
                     const struct store_repo *repo,
                     const struct hub_oid *commit, struct hub_papers *out,
                     struct wh_err *err)
{
    char sha[HUB_OID_HEX + 1];
    enum hub_revision_state state;

    *out = (struct hub_papers){0};
    hub_oid_hex(commit, sha);
    if (!hub_revision_state(db, a, repo->id, sha, &state, &out->why, err)) {
        return false;
    }
    if (out->why.n > 0) {
        return true;
    }
    out->weighing = state == HUB_REVISION_WEIGHING;
    if (!line_revision_subject(db, a, repo->id, wh_str_of(sha), &out->subject,
                               err)) {
        return false;
    }
    return out->subject.n == 0 ||
           (line_subject_manifest(db, a, out->subject, &out->manifest, err) &&
            read_decision(db, a, repo, out, err));
}
