/*
 * release.c - what a verifier needs about one revision, in one document.
 *
 * Texts that are hashed (manifest, leaf) are strings with their exact bytes, so
 * that `jq -j .manifest | sha256sum` gives the subject.
 */
#include "api/handlers.h"
#include "front/answer.h"
#include "front/recall.h"
#include "hub/papers.h"

static json_t *text_or_null(struct wh_str s)
{
    return s.n > 0 ? wh_json_str(s) : json_null();
}

static json_t *view_openings(const struct hub_papers *p)
{
    if (p->subject_salt.n == 0) {
        return json_null();
    }
    return json_pack("{s:o,s:o}", "subject", wh_json_str(p->subject_salt),
                     "evidence", wh_json_str(p->evidence_salt));
}

static bool view_decision(struct front_req *q, const struct hub_papers *p,
                          json_t **out, struct wh_err *err)
{
    json_t *doc;

    if (!p->decided) {
        *out = json_null();
        return true;
    }
    if (!wh_json_parse(q->a, p->row.doc, &doc, err)) {
        return false;
    }
    *out = json_pack("{s:o,s:I,s:o,s:O,s:o}", "id",
                     wh_json_str(p->row.public_id), "index",
                     (json_int_t)p->row.index, "leaf", wh_json_str(p->row.leaf),
                     "document", doc, "openings", view_openings(p));
    return true;
}

/* Notices in force: the exact bytes of their entries. */
static bool view_notices(struct front_req *q, struct wh_str sha, json_t *o,
                         struct wh_err *err)
{
    json_t *list = json_array();
    struct line_notice *rows;
    size_t n;

    json_object_set_new(o, "notices", list);
    if (!front_recalls(q, sha, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list,
                              json_pack("{s:o,s:I,s:o,s:o}", "id",
                                        wh_json_str(rows[i].public_id), "index",
                                        (json_int_t)rows[i].index, "leaf",
                                        wh_json_str(rows[i].leaf), "words",
                                        wh_json_str(rows[i].words)));
    }
    return true;
}

static const char *state_of(const struct hub_papers *p)
{
    if (p->decided) {
        return "decided";
    }
    if (p->why.n > 0) {
        return "can not be weighed";
    }
    return p->weighing ? "weighing" : "nothing to weigh";
}

static bool find_commit(struct front_req *q, struct hub_oid *out,
                        struct wh_err *err)
{
    struct hub_git *g = NULL;
    bool ok;

    if (!hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, &g, err)) {
        return false;
    }
    ok = hub_git_resolve(g, q->at.rev, out, err);
    hub_git_close(&g);
    return ok;
}

bool api_release(struct front_req *q, struct wh_err *err)
{
    char sha[HUB_OID_HEX + 1];
    struct hub_papers papers;
    struct hub_oid commit;
    json_t *o, *decision;

    if (!find_commit(q, &commit, err) ||
        !hub_papers_read(q->db, q->a, &q->repo, &commit, &papers, err) ||
        !view_decision(q, &papers, &decision, err)) {
        return false;
    }
    hub_oid_hex(&commit, sha);
    o = wh_json_own(q->a, json_object());
    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "kind", json_string(store_kind_name(q->repo.kind)));
    json_object_set_new(o, "repo", json_string(q->repo.full));
    json_object_set_new(o, "commit", json_string(sha));
    json_object_set_new(o, "state", json_string(state_of(&papers)));
    json_object_set_new(o, "why", text_or_null(papers.why));
    json_object_set_new(o, "subject", text_or_null(papers.subject));
    json_object_set_new(o, "manifest", text_or_null(papers.manifest));
    json_object_set_new(o, "decision", decision);
    if (!view_notices(q, wh_str_of(sha), o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}
