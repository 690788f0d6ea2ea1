/*
 * closed.c - weights that people closed: by digest, so under every name, in
 * every repo, and beside whatever else.
 */
#include "base/time.h"
#include "line/approve_impl.h"

/* Subjects with one file that people closed once, and may hold closed now. */
#define CLOSED_MAX 256

bool line_weights_of(struct db *db, struct wh_arena *a, struct wh_str subject,
                     struct line_weights *out, struct wh_err *err)
{
    struct wh_str manifest, sha, part;
    json_t *doc;
    if (!line_subject_manifest(db, a, subject, &manifest, err) ||
        !wh_json_parse(a, manifest, &doc, err)) {
        return false;
    }
    const json_t *files = json_object_get(doc, "files");
    out->sha = wh_arena_array(a, json_array_size(files) + 1, sizeof *out->sha);
    out->n = 0;
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *f = json_array_get(files, i);
        if (!wh_json_get_str(f, "part", &part, err) ||
            !wh_json_get_str(f, "sha256", &sha, err)) {
            return false;
        }
        if (wh_str_is(part, "weights")) {
            out->sha[out->n++] = sha;
        }
    }
    return true;
}

/* Does the subject's decision in effect close it, by people's doing? */
static bool closes(struct db *db, struct wh_arena *a, struct wh_str subject,
                   int64_t scope, int64_t now, bool *closed,
                   struct line_row *row, struct wh_err *err)
{
    struct line_proposal p = {0};
    bool found;
    *closed = false;
    if (!line_current(db, a, subject, scope, &found, row, err)) {
        return false;
    }
    if (!found || row->made_by == LINE_MADE_BY_LINE ||
        !line_row_stands(row, now)) {
        return true;
    }
    if (!line_proposal_of(db, a, row->proposal, &p, err)) {
        return false;
    }
    *closed = rule_act_row(p.act)->closes && /* a recall may only mark */
              row->tiers.part[RULE_PART_WEIGHTS] < RULE_TIER_OPEN;
    return true;
}

static enum rule_tier weights_tier(const struct line_row *row)
{
    return row->tiers.part[RULE_PART_WEIGHTS];
}

/* The strictest of what was found, and one more. */
static void add_closing(bool one_closed, const struct line_row *one,
                        bool *closed, struct line_row *row)
{
    if (one_closed && (!*closed || weights_tier(one) < weights_tier(row))) {
        *closed = true;
        *row = *one;
    }
}

bool line_closed_find(struct db *db, struct wh_arena *a, struct wh_str sha256,
                      int64_t repo, bool *closed, struct line_row *row,
                      struct wh_err *err)
{
    struct wh_str subjects[CLOSED_MAX];
    int64_t scopes[CLOSED_MAX], now = wh_now_us() / 1000000;
    struct db_stmt *s = db_start(db, DBQ_CLOSED_CONTENT_FIND);
    enum db_row r;
    size_t n = 0;
    db_bind_text(s, 1, sha256);
    db_bind_i64(s, 2, repo);
    while ((r = db_step(s, err)) == DB_ROW && n < CLOSED_MAX) {
        subjects[n] = db_col_dup(s, 0, a);
        scopes[n++] = db_col_i64(s, 1);
    }
    db_finish(&s);
    *closed = false;
    if (r == DB_FAIL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct line_row one;
        bool is;
        if (!closes(db, a, subjects[i], scopes[i], now, &is, &one, err)) {
            return false;
        }
        add_closing(is, &one, closed, row);
    }
    return true;
}

bool line_closing_of(struct db *db, struct wh_arena *a, struct wh_str subject,
                     int64_t repo, bool *closed, struct line_row *row,
                     struct wh_err *err)
{
    struct line_weights w;
    *closed = false;
    if (!line_weights_of(db, a, subject, &w, err)) {
        return false;
    }
    for (size_t i = 0; i < w.n; i++) {
        struct line_row one;
        bool is;
        if (!line_closed_find(db, a, w.sha[i], repo, &is, &one, err)) {
            return false;
        }
        add_closing(is, &one, closed, row);
    }
    return true;
}
