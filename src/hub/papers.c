/*
 * papers.c - a release as a verifier asks for it.
 */
#include "hub/papers.h"
#include "register/submit.h"

/* States of a row of `revision`. */
enum revision_state { REVISION_WEIGHING = 1, REVISION_DECIDED = 2 };

static bool is_weighing(struct db *db, int64_t repo, const char *sha,
                        bool *weighing, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_REVISION_STATE);
    enum db_row r;

    db_bind_i64(st, 1, repo);
    db_bind_cstr(st, 2, sha);
    r = db_step(st, err);
    *weighing = r == DB_ROW && db_col_i64(st, 0) == REVISION_WEIGHING;
    db_finish(&st);
    return r != DB_FAIL;
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

    *out = (struct hub_papers){0};
    hub_oid_hex(commit, sha);
    if (!is_weighing(db, repo->id, sha, &out->weighing, err) ||
        !line_revision_subject(db, a, repo->id, wh_str_of(sha), &out->subject,
                               err)) {
        return false;
    }
    return out->subject.n == 0 ||
           (line_subject_manifest(db, a, out->subject, &out->manifest, err) &&
            read_decision(db, a, repo, out, err));
}
