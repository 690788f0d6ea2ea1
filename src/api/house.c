/*
 * house.c - what the house says in public: its lines, weighings, decisions
 * with their evidence, and the register entry by entry.
 */
#include "api/handlers.h"
#include "front/answer.h"
#include "hub/papers.h"
#include "hub/weighing.h"
#include "line/view.h"
#include "register/view.h"

#define ENTRIES_PAGE 50u
#define ENTRIES_MAX 500u

/* ---- lines ---- */

bool api_lines(struct front_req *q, struct wh_err *err)
{
    json_t *list;

    if (!line_view_list(q->a, &q->house->lines, &list, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, list));
    return true;
}

bool api_line(struct front_req *q, struct wh_err *err)
{
    const struct rule_line *line;
    uint64_t version = 0;
    json_t *o;

    if (q->at.b.n > 0 && !wh_str_u64(q->at.b, &version)) {
        return wh_fail(err, WH_NOT_FOUND, "a version of a line is a number");
    }
    if (!line_view_find(q->a, &q->house->lines, q->at.a, version, &line, err) ||
        !line_view(q->a, &q->house->lines, line, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, o));
    return true;
}

/* ---- weighings ---- */

/* The evidence that the decision in effect rests on; null without one. */
static bool view_evidence(struct front_req *q, const struct hub_papers *p,
                          json_t **out, struct wh_err *err)
{
    struct wh_str text;
    json_t *doc;

    *out = json_null();
    if (!p->decided) {
        return true;
    }
    if (!line_evidence_get(q->db, q->a, p->row.evidence, &text, err) ||
        !wh_json_parse(q->a, text, &doc, err)) {
        return false;
    }
    *out = json_incref(doc);
    return true;
}

static bool find_papers(struct front_req *q, struct hub_papers *out,
                        struct wh_err *err)
{
    struct hub_git *g = NULL;
    struct hub_oid commit;
    bool ok;

    if (!hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, &g, err)) {
        return false;
    }
    ok = hub_git_resolve(g, q->at.rev, &commit, err);
    hub_git_close(&g);
    return ok && hub_papers_read(q->db, q->a, &q->repo, &commit, out, err);
}

bool api_weighing(struct front_req *q, struct wh_err *err)
{
    struct hub_weighing w = {0};
    struct hub_papers papers;
    json_t *evidence, *o;

    if (!find_papers(q, &papers, err) ||
        (papers.subject.n > 0 &&
         !hub_weighing_read(q->db, q->a, papers.subject, &w, err)) ||
        !view_evidence(q, &papers, &evidence, err)) {
        return false;
    }
    o = wh_json_own(q->a, json_object());
    json_object_set_new(o, "repo", json_string(q->repo.full));
    json_object_set_new(o, "subject",
                        papers.subject.n > 0 ? wh_json_str(papers.subject)
                                             : json_null());
    json_object_set_new(o, "weighing",
                        w.found ? hub_weighing_view(&w) : json_null());
    json_object_set_new(o, "document",
                        w.found ? json_incref(w.doc) : json_null());
    json_object_set_new(o, "evidence", evidence);
    front_answer_json(q->net, 200, o);
    return true;
}

/* ---- decisions ---- */

/* By its public id; one about a private repo is only for who may read that. */
static bool find_decision(struct front_req *q, struct line_row *row,
                          struct wh_err *err)
{
    struct store_repo repo;
    bool may = true;

    if (!line_by_id(q->db, q->a, q->at.a, row, err)) {
        return false;
    }
    if (row->repo != 0 &&
        (!store_repo_by_id(q->db, q->a, row->repo, &repo, err) ||
         !store_repo_readable(q->db, &repo, front_req_viewer(q), &may, err))) {
        return false;
    }
    /* until it is published it has no effect, and nobody hears of it */
    return (may && row->published) || wh_fail(err, WH_NOT_FOUND, "");
}

bool api_decision(struct front_req *q, struct wh_err *err)
{
    struct line_row row;
    json_t *doc, *o;

    if (!find_decision(q, &row, err) ||
        !wh_json_parse(q->a, row.doc, &doc, err)) {
        return false;
    }
    o = wh_json_own(q->a, json_pack("{s:o,s:I,s:o,s:O,s:o}", "id",
                                    wh_json_str(row.public_id), "index",
                                    (json_int_t)row.index, "digest",
                                    wh_json_str(row.digest), "document", doc,
                                    "leaf", wh_json_str(row.leaf)));
    front_answer_json(q->net, 200, o);
    return true;
}

/* The very bytes that were hashed. */
bool api_decision_evidence(struct front_req *q, struct wh_err *err)
{
    struct line_row row;
    struct wh_str text;

    if (!find_decision(q, &row, err) ||
        !line_evidence_get(q->db, q->a, row.evidence, &text, err)) {
        return false;
    }
    front_answer_text(q->net, 200, "application/json; charset=utf-8", text);
    return true;
}

/* ---- the register ---- */

static uint64_t published_size(const struct front_req *q)
{
    struct register_status status;

    register_status_get(q->house->log, &status);
    return status.size;
}

bool api_register_state(struct front_req *q, struct wh_err *err)
{
    (void)err;
    front_answer_json(q->net, 200,
                      wh_json_own(q->a, register_state_json(q->house->log)));
    return true;
}

bool api_register_entries(struct front_req *q, struct wh_err *err)
{
    uint64_t size = published_size(q);
    uint64_t before =
        front_query_u64(q->net->query, "before", size, 0, size, q->a);
    unsigned limit = (unsigned)front_query_u64(
        q->net->query, "limit", ENTRIES_PAGE, 1, ENTRIES_MAX, q->a);
    json_t *list;

    if (!register_view_entries(q->db, q->a, before, size, limit, &list, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, list));
    return true;
}

bool api_register_entry(struct front_req *q, struct wh_err *err)
{
    uint64_t index;
    json_t *o;

    if (!wh_str_u64(q->at.a, &index)) {
        return wh_fail(err, WH_NOT_FOUND,
                       "entries of the register are numbers");
    }
    if (!register_view_entry(q->db, q->a, q->house->reader, index,
                             published_size(q), &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, o));
    return true;
}
