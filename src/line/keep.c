/*
 * keep.c - rows and leaf of a decision, in one transaction.
 */
#include "line/keep.h"

#include <stdlib.h>

#define CATCH_UP_MAX 200

static int by_text(const void *x, const void *y)
{
    const char *const *a = x;
    const char *const *b = y;
    return strcmp(*a, *b);
}

/* Sorted, as line_set_digests gives them: whether a decision was made under
 * the lines of today is a comparison of two lists. */
json_t *line_digests(const struct line_decision *d)
{
    const char *digests[LINE_SET_MAX];
    json_t *list = json_array();
    for (size_t i = 0; i < d->n_enforced; i++) {
        digests[i] = d->enforced[i]->line->digest;
    }
    qsort(digests, d->n_enforced, sizeof(char *), by_text);
    for (size_t i = 0; i < d->n_enforced; i++) {
        json_array_append_new(list, json_sprintf("sha256:%s", digests[i]));
    }
    return list;
}

static json_t *rule_list(const struct line_decision *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->n_rules && i < REGISTER_LIST_MAX; i++) {
        json_array_append_new(list, wh_json_str(d->rules[i]));
    }
    return list;
}

/* "sha256:<hex>", the value that is committed to. */
static void commit(json_t *leaf, const char *field, struct wh_str hex,
                   uint8_t salt[REGISTER_SALT])
{
    struct wh_buf b;
    wh_buf_init(&b, 128);
    wh_buf_cstr(&b, "sha256:");
    wh_buf_add(&b, hex);
    register_leaf_commit(leaf, field, wh_buf_str(&b), salt);
    wh_buf_done(&b);
}

json_t *line_leaf(const struct line_decision *d, bool is_private,
                  int64_t replaces, uint8_t subject_salt[REGISTER_SALT],
                  uint8_t evidence_salt[REGISTER_SALT])
{
    struct wh_str evidence = wh_str_of(d->evidence_digest);
    json_t *leaf = json_object();
    json_t *tiers = json_object();
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        json_object_set_new(tiers, rule_part_word((enum rule_part)p),
                            json_string(rule_tier_word(d->tiers.part[p])));
    }
    json_object_set_new(leaf, "type", json_string("decision"));
    json_object_set_new(leaf, "answer",
                        json_string(rule_answer_word(d->answer)));
    json_object_set_new(leaf, "by", json_string("line"));
    json_object_set_new(leaf, "lines", line_digests(d));
    json_object_set_new(leaf, "rules", rule_list(d));
    json_object_set_new(leaf, "tiers", tiers);
    if (d->until > 0) {
        json_object_set_new(leaf, "until", json_integer(d->until));
    }
    if (replaces >= 0) {
        json_object_set_new(leaf, "replaces", json_integer(replaces));
    }
    if (is_private) {
        commit(leaf, "subject", d->subject, subject_salt);
        commit(leaf, "evidence", evidence, evidence_salt);
    } else {
        json_object_set_new(leaf, "subject", register_subject_new(d->subject));
        json_object_set_new(leaf, "evidence", register_digest_new(evidence));
    }
    return leaf;
}

static bool keep_evidence(struct db *db, const struct line_decision *d,
                          int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_EVIDENCE_ADD);
    db_bind_cstr(s, 1, d->evidence_digest);
    db_bind_text(s, 2, d->subject);
    db_bind_text(s, 3, d->evidence);
    db_bind_i64(s, 4, now);
    return db_exec(s, err);
}

static bool keep_shadow(struct db *db, const struct line_decision *d,
                        struct wh_err *err)
{
    for (size_t i = 0; i < d->n_shadow; i++) {
        const struct rule_result *r = d->shadow[i];
        json_t *result = rule_result_json(r);
        struct wh_buf b;
        wh_buf_init(&b, 1U << 20);
        bool ok = wh_json_canonical(&b, result, err) && wh_buf_ok(&b, err);
        json_decref(result);
        if (ok) {
            struct db_stmt *s = db_start(db, DBQ_SHADOW_RESULT_SET);
            db_bind_text(s, 1, d->subject);
            db_bind_text(s, 2, r->line->name);
            db_bind_cstr(s, 3, r->line->digest);
            db_bind_i64(s, 4, r->answer);
            db_bind_text(s, 5, wh_buf_str(&b));
            db_bind_i64(s, 6, d->decided);
            ok = db_exec(s, err);
        }
        wh_buf_done(&b);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* Index of the published decision that this one ends, or -1. One of another
 * scope is not ended: a private repo's stays its own. */
static bool find_replaced(struct db *db, struct wh_arena *a,
                          const struct line_decision *d, int64_t repo,
                          int64_t *out, struct wh_err *err)
{
    struct line_row row;
    bool found;
    if (!line_current(db, a, d->subject, repo, &found, &row, err)) {
        return false;
    }
    *out = found && row.repo == repo ? row.index : -1;
    return true;
}

/* Salts of a private repo's commitments. */
struct salts {
    uint8_t subject[REGISTER_SALT], evidence[REGISTER_SALT];
};

/* Submit the leaf; for a private repo keep what opens it. */
static bool submit(struct db *db, struct wh_arena *a,
                   const struct line_decision *d, int64_t repo, json_t *leaf,
                   const struct salts *salts, int64_t *outbox,
                   struct wh_err *err)
{
    if (!register_submit(db, leaf, outbox, err)) {
        return false;
    }
    if (repo == 0) {
        return true;
    }
    struct wh_str subject = wh_arena_fmt(a, "sha256:%.*s", WH_FMT(d->subject));
    struct wh_str evidence = wh_arena_fmt(a, "sha256:%s", d->evidence_digest);
    return register_opening_keep(db, *outbox, "subject", salts->subject,
                                 subject, err) &&
           register_opening_keep(db, *outbox, "evidence", salts->evidence,
                                 evidence, err);
}

static bool add_row(struct db *db, const struct line_decision *d, int64_t repo,
                    const json_t *leaf, struct line_kept *out,
                    struct wh_err *err)
{
    const char *id = json_string_value(json_object_get(leaf, "id"));
    struct wh_buf b;
    wh_assert(id != NULL && strlen(id) == sizeof(out->public_id) - 1);
    memcpy(out->public_id, id, sizeof(out->public_id));
    wh_buf_init(&b, (size_t)2 * REGISTER_LEAF_MAX);
    bool ok = wh_json_canonical(&b, leaf, err) && wh_buf_ok(&b, err);
    if (ok) {
        struct db_stmt *s = db_start(db, DBQ_DECISION_ADD);
        db_bind_cstr(s, 1, id);
        db_bind_text(s, 2, d->subject);
        if (repo != 0) {
            db_bind_i64(s, 3, repo);
        }
        db_bind_cstr(s, 4, d->digest);
        db_bind_text(s, 5, d->text);
        db_bind_text(s, 6, wh_buf_str(&b));
        db_bind_cstr(s, 7, d->evidence_digest);
        db_bind_i64(s, 8, d->answer);
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            db_bind_i64(s, 9 + p, d->tiers.part[p]);
        }
        db_bind_i64(s, 13, d->decided);
        db_bind_i64(s, 14, d->until);
        db_bind_i64(s, 15, out->outbox);
        ok = db_one_i64(s, 0, &out->id, err);
    }
    wh_buf_done(&b);
    return ok;
}

bool line_decision_keep(struct db *db, struct wh_arena *a,
                        const struct line_decision *d, int64_t repo,
                        int64_t now, struct line_kept *out, struct wh_err *err)
{
    struct salts salts;
    int64_t replaces;

    if (!line_in_force(db, a, wh_json_own(a, line_digests(d)), err) ||
        !keep_evidence(db, d, now, err) || !keep_shadow(db, d, err) ||
        !find_replaced(db, a, d, repo, &replaces, err)) {
        return false;
    }
    json_t *leaf =
        line_leaf(d, repo != 0, replaces, salts.subject, salts.evidence);
    bool ok = submit(db, a, d, repo, leaf, &salts, &out->outbox, err) &&
              add_row(db, d, repo, leaf, out, err);
    json_decref(leaf);
    return ok;
}

bool line_decision_published(struct db *db, int64_t outbox, int64_t index,
                             int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DECISION_PUBLISH);
    db_bind_i64(s, 1, outbox);
    db_bind_i64(s, 2, index);
    db_bind_i64(s, 3, now);
    return db_exec(s, err);
}

bool line_decisions_catch_up(struct db *db, uint64_t published_size,
                             int64_t now, size_t *n, struct wh_err *err)
{
    int64_t outbox[CATCH_UP_MAX];
    int64_t index[CATCH_UP_MAX];
    enum db_row r;

    *n = 0;
    struct db_stmt *s = db_start(db, DBQ_DECISION_WAITING);
    db_bind_i64(s, 1, (int64_t)published_size);
    while ((r = db_step(s, err)) == DB_ROW && *n < CATCH_UP_MAX) {
        outbox[*n] = db_col_i64(s, 0);
        index[(*n)++] = db_col_i64(s, 1);
    }
    db_finish(&s);
    for (size_t i = 0; r != DB_FAIL && i < *n; i++) {
        if (!line_decision_published(db, outbox[i], index[i], now, err)) {
            return false;
        }
    }
    return r != DB_FAIL;
}
