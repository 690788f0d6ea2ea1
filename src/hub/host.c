/*
 * host.c - which model lets these weights be run, and its papers to the keeper.
 */
#include "hub/host.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "hub/decide.h"
#include "hub/retier.h"
#include "line/approve.h"

/* ---- may they? ---- */

/* The newest revision and its decision in effect; *found false without. */
static bool read_head(struct db *db, struct wh_arena *a,
                      const struct store_repo *repo, bool *found,
                      struct wh_str *subject, struct line_row *row,
                      struct wh_err *err)
{
    *found = false;
    *subject = WH_S("");
    if (repo->kind != STORE_MODEL || repo->head.sha.n == 0) {
        return true;
    }
    return line_revision_subject(db, a, repo->id, repo->head.sha, subject,
                                 err) &&
           (subject->n == 0 ||
            line_current(db, a, *subject, repo->is_private ? repo->id : 0,
                         found, row, err));
}

/* A decision that has ended hosts nothing; what is open stays open. */
static bool is_hosted(const struct line_row *row)
{
    enum rule_tier tier = row->tiers.part[RULE_PART_WEIGHTS];

    return tier == RULE_TIER_OPEN ||
           (tier == RULE_TIER_HOSTED &&
            (row->until == 0 || row->until > wh_now_us() / 1000000));
}

/* What people left hosted is closed to downloads, and to nothing else. */
static bool closing_ends(bool closed, const struct line_row *closing)
{
    return closed && closing->tiers.part[RULE_PART_WEIGHTS] < RULE_TIER_HOSTED;
}

bool hub_host_hosted(struct db *db, struct wh_arena *a,
                     const struct store_repo *repo, bool *hosted,
                     struct wh_err *err)
{
    struct line_row row, closing;
    struct wh_str subject;
    bool found, closed;

    *hosted = false;
    if (!read_head(db, a, repo, &found, &subject, &row, err)) {
        return false;
    }
    if (!found || !is_hosted(&row)) {
        return true;
    }
    if (!line_closing_of(db, a, subject, repo->is_private ? repo->id : 0,
                         &closed, &closing, err)) {
        return false;
    }
    *hosted = !closing_ends(closed, &closing);
    return true;
}

/* Is it a file of weights of this subject? */
static bool belongs(struct db *db, struct wh_arena *a, struct wh_str subject,
                    const char *sha256, bool *yes, struct wh_err *err)
{
    struct wh_str text, part, sha;
    json_t *manifest;
    const json_t *file;
    size_t i;

    *yes = false;
    if (!line_subject_manifest(db, a, subject, &text, err) ||
        !wh_json_parse(a, text, &manifest, err)) {
        return false;
    }
    json_array_foreach(json_object_get(manifest, "files"), i, file)
    {
        if (!wh_json_get_str(file, "part", &part, err) ||
            !wh_json_get_str(file, "sha256", &sha, err)) {
            return false;
        }
        *yes = *yes || (wh_str_is(part, "weights") && wh_str_is(sha, sha256));
    }
    return true;
}

bool hub_host_allowed(struct db *db, struct wh_arena *a,
                      const struct store_repo *repo, const char *sha256,
                      bool *allowed, struct wh_err *err)
{
    struct line_row row, closing;
    struct wh_str subject;
    bool found, yes, closed;

    *allowed = false;
    if (!read_head(db, a, repo, &found, &subject, &row, err)) {
        return false;
    }
    if (!found || !is_hosted(&row)) {
        return true;
    }
    if (!belongs(db, a, subject, sha256, &yes, err) ||
        !hub_content_closed(db, a, sha256, repo, &closed, &closing, err)) {
        return false;
    }
    *allowed = yes && !closing_ends(closed, &closing);
    return true;
}

/* ---- the way ---- */

/* The papers of this model, and the session over its sealed form. */
static bool show_papers(const struct hub_vault *v,
                        const struct register_reader *reader, struct db *db,
                        struct wh_arena *a, const struct store_repo *repo,
                        const struct store_content *content, struct wh_err *err)
{
    struct keeper_session *s = NULL;
    struct keeper_opening o;
    struct hub_subject subject;
    struct hub_decided decided = {0};
    struct hub_oid commit;
    struct wh_str digest;
    size_t containers;
    bool found, locked = false, ok;

    if (!hub_oid_parse(repo->head.sha, &commit)) {
        return wh_fail(err, WH_INTERNAL, "");
    }
    if (!hub_subject_read(v, db, a, repo, &commit, &subject, err) ||
        !read_head(db, a, repo, &found, &digest, &decided.row, err) ||
        !hub_decided_papers(reader, db, a, repo, &subject, &decided, &o, err) ||
        !hub_content_session(v, db, a, repo->kind, content, &s, &containers,
                             err)) {
        return false;
    }
    o.content = content->statement;
    ok = keeper_host(s, &o, &locked, err);
    keeper_close(&s);
    if (ok) {
        wh_log(WH_INFO, "host.given", "sha256=%s repo=%s locked=%d",
               content->sha256, repo->full, locked);
    }
    return ok;
}

bool hub_host_repos(struct db *db, struct wh_arena *a, const char *sha256,
                    struct hub_host_repos *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_OWNERS);
    enum db_row row;

    out->ids = wh_arena_array(a, 1000, sizeof *out->ids);
    out->n = 0;
    db_bind_cstr(st, 1, sha256);
    while ((row = db_step(st, err)) == DB_ROW && out->n < 1000) {
        out->ids[out->n++] = db_col_i64(st, 1);
    }
    db_finish(&st);
    return row != DB_FAIL;
}

bool hub_host(const struct hub_vault *v, const struct register_reader *reader,
              struct db *db, struct wh_arena *a, const char *sha256,
              struct wh_err *err)
{
    struct hub_host_repos have;
    struct store_repo repo;
    struct store_content content;
    bool allowed, any = false, found;

    if (!hub_host_repos(db, a, sha256, &have, err)) {
        return false;
    }
    for (size_t i = 0; i < have.n; i++) {
        if (!store_repo_by_id(db, a, have.ids[i], &repo, err) ||
            !hub_host_allowed(db, a, &repo, sha256, &allowed, err) ||
            !store_content_find(db, a, repo.id, sha256, &found, &content,
                                err)) {
            return false;
        }
        any = any || allowed;
        if (allowed && found && content.statement.n > 0) {
            return show_papers(v, reader, db, a, &repo, &content, err);
        }
    }
    return any ? wh_fail(err, WH_REFUSED,
                         "these weights are open and have no sealed form any "
                         "more: let an engine elsewhere run them "
                         "(gateway.upstreams)")
               : wh_fail(err, WH_HELD,
                         "no decision in effect lets this house run these "
                         "weights");
}
