/*
 * access.c - may this large file be read now?
 *
 * What people closed is refused first of all. Then, what is in the clear may be
 * read by whoever may see the repo: a claim on content that is already open can
 * not close it. Everything else is either being weighed or refused by a
 * decision. All of it only through a repo that
 * has the content: an entry alone proves nothing.
 */
#include "hub/papers.h"
#include "hub/release.h"
#include "hub/retier.h"
#include "line/rows.h"

/* Said of what nobody can read any more. */
#define LOST                                                                 \
    "its only copy was sealed with a custody key that is lost; whoever has " \
    "the "                                                                   \
    "file can send it again"

static bool find_decision(struct db *db, struct wh_arena *a,
                          const struct store_repo *repo, const char *sha,
                          struct hub_access *out, struct wh_err *err)
{
    struct wh_str subject;
    struct line_row row;
    bool found;

    if (!line_revision_subject(db, a, repo->id, wh_str_of(sha), &subject,
                               err)) {
        return false;
    }
    if (subject.n == 0) {
        return true;
    }
    if (!line_current(db, a, subject, repo->is_private ? repo->id : 0, &found,
                      &row, err)) {
        return false;
    }
    if (!found) {
        return true;
    }
    out->decision_id = row.id;
    return wh_json_parse(a, row.doc, &out->decision, err);
}

/* What people closed is closed at once, whatever copies there still are. */
static bool find_closing(struct db *db, struct wh_arena *a,
                         const struct store_repo *repo, const char *sha256,
                         struct hub_access *out, struct wh_err *err)
{
    struct line_row row;
    bool closed;

    if (!hub_content_closed(db, a, sha256, repo, &closed, &row, err)) {
        return false;
    }
    if (!closed) {
        return true;
    }
    out->kind = HUB_ACCESS_REFUSED;
    out->decision_id = row.id;
    return wh_json_parse(a, row.doc, &out->decision, err);
}

bool hub_access_find(const struct hub_vault *v, struct db *db,
                     struct wh_arena *a, const struct store_repo *repo,
                     const struct hub_oid *commit, const struct hub_entry *e,
                     struct hub_access *out, struct wh_err *err)
{
    char sha[HUB_OID_HEX + 1];
    uint64_t size;
    enum hub_revision_state state;
    int64_t lost;
    bool claimed, open;

    *out = (struct hub_access){.kind = HUB_ACCESS_WEIGHING};
    if (!store_content_claimed(db, repo->id, e->sha256, &claimed, err)) {
        return false;
    }
    if (!claimed) {
        return wh_fail(err, WH_ENTRY_NOT_FOUND,
                       "the content of %.*s was never uploaded to this repo",
                       (int)(e->path.n > 200 ? 200 : e->path.n), e->path.p);
    }
    if (!find_closing(db, a, repo, e->sha256, out, err) ||
        out->kind == HUB_ACCESS_REFUSED) {
        return err->code == WH_NONE;
    }
    if (!store_open_find(db, e->sha256, &open, &size, err)) {
        return false;
    }
    if (open) {
        out->kind = HUB_ACCESS_OPEN;
        out->path = hub_open_path(v, a, e->sha256);
        return true;
    }
    if (!hub_keys_open(v->keys, v->sealed, a, e->sha256, &open, &out->src,
                       err)) {
        return false;
    }
    if (open) {
        out->kind = HUB_ACCESS_SEALED;
        return true;
    }
    if (!store_content_lost(db, repo->id, e->sha256, &lost, err)) {
        return false;
    }
    if (lost != 0) {
        out->kind = HUB_ACCESS_REFUSED;
        out->why = WH_S(LOST);
        return true;
    }
    hub_oid_hex(commit, sha);
    if (!hub_revision_state(db, a, repo->id, sha, &state, &out->why, err)) {
        return false;
    }
    if (state != HUB_REVISION_DECIDED) {
        return true;
    }
    out->kind = HUB_ACCESS_REFUSED;
    return out->why.n > 0 || find_decision(db, a, repo, sha, out, err);
}
