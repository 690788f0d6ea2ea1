/*
 * git_ref.c - references as rows: names, lookup, compare-and-swap, and what a
 * revision text names.
 */
#include "base/time.h"
#include "hub/git.h"
#include "hub/git_impl.h"

/* Fewest digits of a short object name. */
#define SHORT_MIN 5
#define REF_NAME_MAX 255

bool hub_ref_name(struct wh_arena *a, struct wh_str branch, struct wh_str *out,
                  struct wh_err *err)
{
    const char *name =
        wh_str_starts(branch, WH_S("refs/"))
            ? wh_arena_cstr(a, branch)
            : wh_arena_fmt(a, "refs/heads/%.*s", WH_FMT(branch)).p;
    int valid = 0;

    if (branch.n == 0 || branch.n > REF_NAME_MAX ||
        memchr(branch.p, 0, branch.n) ||
        git_reference_name_is_valid(&valid, name) < 0 || !valid) {
        return wh_fail(err, WH_BAD_NAME, "%.*s is not a name that git allows",
                       (int)(branch.n > 100 ? 100 : branch.n), branch.p);
    }
    *out = wh_str_of(name);
    return true;
}

bool hub_ref_read(struct db *db, int64_t repo, struct wh_str name, bool *found,
                  struct hub_oid *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_GIT_REF_READ);
    enum db_row row;

    db_bind_i64(st, 1, repo);
    db_bind_text(st, 2, name);
    row = db_step(st, err);
    *found = row == DB_ROW && db_col_blob(st, 0).n == HUB_OID_LEN;
    if (*found) {
        memcpy(out->b, db_col_blob(st, 0).p, HUB_OID_LEN);
    }
    db_finish(&st);
    return row != DB_FAIL;
}

/* ---- moving ---- */

/* A name that is, or lies over or under, another one. */
static bool check_clash(struct db *db, int64_t repo, struct wh_str name,
                        struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_GIT_REF_CLASH);
    enum db_row row;

    db_bind_i64(st, 1, repo);
    db_bind_text(st, 2, name);
    row = db_step(st, err);
    if (row == DB_ROW) {
        struct wh_str other = db_col_text(st, 0);
        wh_fail(err, wh_str_eq(other, name) ? WH_HEAD_MOVED : WH_CONFLICT,
                "the reference %.*s is there already", WH_FMT(other));
    }
    db_finish(&st);
    return row == DB_DONE;
}

static bool run_ref(struct db *db, enum db_query q, int64_t repo,
                    struct wh_str name, const struct hub_oid *a,
                    const struct hub_oid *b, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, q);

    db_bind_i64(st, 1, repo);
    db_bind_text(st, 2, name);
    if (a) {
        db_bind_blob(st, 3, a->b, HUB_OID_LEN);
    }
    if (b) {
        db_bind_blob(st, 4, b->b, HUB_OID_LEN);
    }
    return db_exec(st, err);
}

static bool add_reflog(struct db *db, int64_t repo, struct wh_str name,
                       const struct hub_oid *old, const struct hub_oid *new,
                       int64_t account, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_GIT_REFLOG_ADD);

    db_bind_i64(st, 1, repo);
    db_bind_text(st, 2, name);
    if (old) {
        db_bind_blob(st, 3, old->b, HUB_OID_LEN);
    }
    if (new) {
        db_bind_blob(st, 4, new->b, HUB_OID_LEN);
    }
    db_bind_i64(st, 5, account);
    db_bind_i64(st, 6, wh_now_us());
    return db_exec(st, err);
}

/* The compare of compare-and-swap, for moves and drops alike. */
static bool check_old(struct db *db, int64_t repo, struct wh_str name,
                      const struct hub_oid *old, struct wh_err *err)
{
    struct hub_oid now;
    bool found;

    if (!hub_ref_read(db, repo, name, &found, &now, err)) {
        return false;
    }
    if (!found || !hub_oid_eq(&now, old)) {
        return wh_fail(err, WH_HEAD_MOVED, "");
    }
    return true;
}

bool hub_ref_move(struct db *db, int64_t repo, struct wh_str name,
                  const struct hub_oid *old, const struct hub_oid *new,
                  int64_t account, struct wh_err *err)
{
    bool ok;

    if (!old) {
        wh_assert(new);
        ok = check_clash(db, repo, name, err) &&
             run_ref(db, DBQ_GIT_REF_ADD, repo, name, new, NULL, err);
    } else if (!new) {
        ok = check_old(db, repo, name, old, err) &&
             run_ref(db, DBQ_GIT_REF_DROP, repo, name, NULL, NULL, err);
    } else {
        ok = check_old(db, repo, name, old, err) &&
             run_ref(db, DBQ_GIT_REF_MOVE, repo, name, new, old, err);
    }
    return ok && add_reflog(db, repo, name, old, new, account, err);
}

/* ---- what a revision names ---- */

static bool no_revision(struct wh_err *err, struct wh_str rev)
{
    return wh_fail(err, WH_REVISION_NOT_FOUND, "Invalid rev id: %.*s",
                   (int)(rev.n > 100 ? 100 : rev.n), rev.p);
}

/* Follow annotated tags to the commit; anything else is no revision. */
static bool peel(struct hub_git *g, const git_oid *oid, struct wh_str rev,
                 struct hub_oid *out, struct wh_err *err)
{
    git_object *obj = NULL, *commit = NULL;
    bool ok = git_object_lookup(&obj, g->git, oid, GIT_OBJECT_ANY) == 0 &&
              git_object_peel(&commit, obj, GIT_OBJECT_COMMIT) == 0;

    if (ok) {
        memcpy(out->b, git_object_id(commit)->id, HUB_OID_LEN);
    }
    git_object_free(commit);
    git_object_free(obj);
    return ok || no_revision(err, rev);
}

/* The forms in which `rev` may be a reference, most common first. */
static const char *const FORMS[] = {"refs/heads/", "refs/tags/", ""};

static bool resolve_ref(struct hub_git *g, struct wh_str rev, bool *found,
                        struct hub_oid *out, struct wh_err *err)
{
    char name[REF_NAME_MAX + 16];

    *found = false;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS && !*found; i++) {
        size_t n = strlen(FORMS[i]);
        if (n == 0 && !wh_str_starts(rev, WH_S("refs/"))) {
            break;
        }
        memcpy(name, FORMS[i], n);
        memcpy(name + n, rev.p, rev.n);
        if (!hub_ref_read(g->db, g->repo, wh_str_mem(name, n + rev.n), found,
                          out, err)) {
            return false;
        }
    }
    return true;
}

/* A full or short object name; *found false when the text is none. */
static void resolve_hex(struct hub_git *g, struct wh_str rev, bool *found,
                        git_oid *oid)
{
    git_object *obj = NULL;

    *found =
        rev.n >= SHORT_MIN && rev.n <= GIT_OID_HEXSZ &&
        git_oid_fromstrn(oid, rev.p, rev.n) == 0 &&
        git_object_lookup_prefix(&obj, g->git, oid, rev.n, GIT_OBJECT_ANY) == 0;
    if (*found) {
        git_oid_cpy(oid, git_object_id(obj));
    }
    git_object_free(obj);
}

bool hub_git_resolve(struct hub_git *g, struct wh_str rev, struct hub_oid *out,
                     struct wh_err *err)
{
    struct hub_oid tip;
    git_oid oid;
    bool found;

    if (wh_str_is(rev, "HEAD")) {
        rev = WH_S("main");
    }
    if (rev.n == 0 || rev.n > REF_NAME_MAX) {
        return no_revision(err, rev);
    }
    if (!resolve_ref(g, rev, &found, &tip, err)) {
        return false;
    }
    if (found) {
        memcpy(oid.id, tip.b, HUB_OID_LEN);
    } else {
        resolve_hex(g, rev, &found, &oid);
    }
    return found ? peel(g, &oid, rev, out, err) : no_revision(err, rev);
}
