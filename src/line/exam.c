/*
 * exam.c - exams as rows and leaves, and the tables "hosting" asked of them.
 */
#include "line/exam.h"
#include "base/time.h"
#include "line/approve_impl.h"
#include "register/submit.h"
#include "rule/floor.h"

#define DOC_MAX ((size_t)1 << 20)

/* ---- rows ---- */

static bool add_row(struct db *db, const struct line_exam *x, int64_t outbox,
                    struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_EXAM_ADD);

    db_bind_text(s, 1, x->subject);
    db_bind_i64(s, 2, x->repo);
    db_bind_text(s, 3, x->digest);
    db_bind_text(s, 4, x->doc);
    db_bind_i64(s, 5, x->made);
    db_bind_i64(s, 6, outbox);
    return db_exec(s, err);
}

bool line_exam_keep(struct db *db, struct wh_arena *a, struct wh_str subject,
                    int64_t repo, const json_t *doc, struct wh_str set,
                    int64_t now_us, char digest[WH_SHA256_HEX + 1],
                    int64_t *outbox, struct wh_err *err)
{
    struct line_exam x = {.subject = subject, .repo = repo, .made = now_us};
    json_t *leaf = wh_json_own(a, json_object());
    json_int_t until = now_us / 1000000 + LINE_EXAM_DAYS * RULE_DAY_S;

    if (!line_canonical(a, doc, &x.doc, err)) {
        return false;
    }
    if (x.doc.n > DOC_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "the result of an exam is too long");
    }
    wh_sha256_hex_of(x.doc, digest);
    x.digest = wh_str_of(digest);
    json_object_set_new(leaf, "type", json_string("exam"));
    json_object_set_new(leaf, "set", register_digest_new(set));
    json_object_set_new(leaf, "until", json_integer(until));
    return line_submit_about(db, a, leaf, subject, x.digest, repo, outbox,
                             err) &&
           add_row(db, &x, *outbox, err);
}

static void read_row(struct db_stmt *s, struct wh_arena *a,
                     struct line_exam *out)
{
    *out = (struct line_exam){.subject = db_col_dup(s, 0, a),
                              .repo = db_col_i64(s, 1),
                              .digest = db_col_dup(s, 2, a),
                              .doc = db_col_dup(s, 3, a),
                              .made = db_col_i64(s, 4),
                              .index = db_col_i64(s, 5)};
}

bool line_exam_find(struct db *db, struct wh_arena *a, struct wh_str subject,
                    int64_t repo, bool *found, struct line_exam *out,
                    struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_EXAM_NEWEST);
    enum db_row r;

    db_bind_text(s, 1, subject);
    db_bind_i64(s, 2, repo);
    r = db_step(s, err);
    *found = r == DB_ROW;
    if (*found) {
        read_row(s, a, out);
    }
    db_finish(&s);
    return r != DB_FAIL;
}

bool line_exam_by_digest(struct db *db, struct wh_arena *a,
                         struct wh_str digest, struct line_exam *out,
                         struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_EXAM_BY_DIGEST);
    enum db_row r;

    db_bind_text(s, 1, digest);
    r = db_step(s, err);
    if (r == DB_ROW) {
        read_row(s, a, out);
    }
    db_finish(&s);
    return r == DB_ROW || (r == DB_DONE &&
                           wh_fail(err, WH_NOT_FOUND, "there is no such exam"));
}

/* ---- the demand ---- */

static bool demands(const struct line_set *set)
{
    for (size_t i = 0; i < set->n_enforced; i++) {
        if (set->enforced[i].line->hosting != NULL) {
            return true;
        }
    }
    return false;
}

/* What is known of the subject: the decision's evidence, and over it the claims
 * of the exam. A claim of the exam never comes from elsewhere. */
static bool gather(struct db *db, struct wh_arena *a,
                   const struct line_row *row, const struct line_demand *d,
                   json_t **out, struct wh_err *err)
{
    json_t *map = wh_json_own(a, json_object()), *doc, *item;
    struct wh_str text;
    const char *name;

    if (!line_evidence_get(db, a, row->evidence, &text, err) ||
        !wh_json_parse(a, text, &doc, err)) {
        return false;
    }
    json_object_foreach(json_object_get(doc, "evidence"), name, item)
    {
        if (!wh_str_starts(wh_str_of(name), WH_S("exam."))) {
            json_object_set(map, name, item);
        }
    }
    if (d->examined) {
        if (!wh_json_parse(a, d->exam.doc, &doc, err)) {
            return false;
        }
        json_object_update(map, json_object_get(doc, "claims"));
    }
    *out = map;
    return true;
}

static json_t *question(struct wh_arena *a, struct wh_str subject, json_t *map,
                        int64_t now_s)
{
    json_t *doc = wh_json_own(a, json_object());
    char now[LINE_TIME_TEXT];

    line_time_text(now_s, now);
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "subject", wh_json_str(subject));
    json_object_set_new(doc, "now", json_string(now));
    json_object_set(doc, "evidence", map);
    return doc;
}

static void ask_line(struct wh_arena *a, const struct rule_line *line,
                     json_t *doc, struct line_demand *d)
{
    const struct rule_result *r = rule_eval(a, line->hosting, doc);
    bool met = r->answer == RULE_BELOW;
    json_t *o = json_object(), *whole = wh_json_own(a, rule_result_json(r));

    if (!met && d->unmet == NULL) {
        d->unmet = r;
    }
    d->met = d->met && met;
    json_object_set_new(o, "line", wh_json_str(line->name));
    json_object_set_new(o, "version", json_integer(line->version));
    json_object_set_new(o, "digest", json_string(line->digest));
    json_object_set_new(o, "met", json_boolean(met));
    json_object_set(o, "rules", json_object_get(whole, "rules"));
    json_array_append_new(d->lines, o);
}

bool line_demand_ask(struct db *db, struct wh_arena *a,
                     const struct line_set *set, const struct line_row *row,
                     int64_t repo, int64_t now_s, struct line_demand *out,
                     struct wh_err *err)
{
    json_t *map = NULL, *doc;

    *out = (struct line_demand){.asked = demands(set),
                                .lines = wh_json_own(a, json_array())};
    if (!line_exam_find(db, a, row->subject, repo, &out->examined, &out->exam,
                        err)) {
        return false;
    }
    if (out->asked && !gather(db, a, row, out, &map, err)) {
        return false;
    }
    out->met = true;
    doc = question(a, row->subject, map, now_s);
    for (size_t i = 0; i < set->n_enforced; i++) {
        if (set->enforced[i].line->hosting != NULL) {
            ask_line(a, set->enforced[i].line, doc, out);
        }
    }
    return true;
}

struct wh_str line_demand_words(struct wh_arena *a, const struct line_demand *d)
{
    const struct rule_result *r = d->unmet;

    for (size_t i = 0; r != NULL && i < r->line->n_rules; i++) {
        if (r->rulings[i].answer != RULE_YES) {
            return wh_arena_fmt(
                a, "line %.*s v%lld, rule %.*s: %.*s", WH_FMT(r->line->name),
                (long long)r->line->version, WH_FMT(r->rulings[i].rule->id),
                WH_FMT(r->rulings[i].rule->sentence));
        }
    }
    return WH_S("");
}
