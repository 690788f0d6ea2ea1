/*
 * approve_act.c - an act carried out: the machine is asked, then rows and leaf
 * in one transaction. The document of the decision is what the lines in force
 * say now of the evidence of the one it ends, changed in what the act changes:
 * who decided otherwise, and what.
 */
#include "line/approve_impl.h"
#include "rule/floor.h"

/* The line that reasons of approvers go by. */
#define OWN_LINE "house.approvers"

/* ---- what the lines say ---- */

bool line_base(struct db *db, struct wh_arena *a, const struct line_house *h,
               const struct line_row *row, struct line_decision *out,
               struct wh_err *err)
{
    struct wh_str text;
    json_t *doc;
    if (!line_evidence_get(db, a, row->evidence, &text, err) ||
        !wh_json_parse(a, text, &doc, err)) {
        return false;
    }
    const struct line_question q = {.subject = row->subject,
                                    .evidence =
                                        json_object_get(doc, "evidence"),
                                    .now = h->now / 1000000};
    return line_decide(a, h->lines, &q, out, err);
}

/* ---- leaves ---- */

static bool commit(struct wh_arena *a, json_t *leaf, const char *field,
                   struct wh_str hex, uint8_t salt[REGISTER_SALT],
                   struct wh_str *value)
{
    *value = wh_arena_fmt(a, "sha256:%.*s", WH_FMT(hex));
    register_leaf_commit(leaf, field, *value, salt);
    return true;
}

bool line_submit_about(struct db *db, struct wh_arena *a, json_t *leaf,
                       struct wh_str subject, struct wh_str evidence,
                       int64_t repo, int64_t *outbox, struct wh_err *err)
{
    uint8_t salts[2][REGISTER_SALT];
    struct wh_str values[2];
    if (repo == 0) {
        json_object_set_new(leaf, "subject", register_subject_new(subject));
        if (evidence.n > 0) {
            json_object_set_new(leaf, "evidence",
                                register_digest_new(evidence));
        }
        return register_submit(db, leaf, outbox, err);
    }
    (void)commit(a, leaf, "subject", subject, salts[0], &values[0]);
    if (evidence.n > 0) {
        (void)commit(a, leaf, "evidence", evidence, salts[1], &values[1]);
    }
    return register_submit(db, leaf, outbox, err) &&
           register_opening_keep(db, *outbox, "subject", salts[0], values[0],
                                 err) &&
           (evidence.n == 0 || register_opening_keep(db, *outbox, "evidence",
                                                     salts[1], values[1], err));
}

static json_t *tiers_json(const struct rule_tiers *t)
{
    json_t *o = json_object();
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        json_object_set_new(o, rule_part_word((enum rule_part)p),
                            json_string(rule_tier_word(t->part[p])));
    }
    return o;
}

/* ---- one decision of people ---- */

struct deciding {
    struct db *db;
    struct wh_arena *a;
    const struct line_house *h;
    const struct line_row *row;       /* the decision that ends */
    const struct line_decision *base; /* what the lines say; set by decide */
    const struct line_proposal *p;
    const struct rule_statement *st;
    const struct line_roster *roster;
    struct wh_str signatures;
    enum rule_act act; /* what is said of it: that of the statement, or time */
    struct rule_tiers tiers;
    int64_t until, restores; /* restores: index, or -1 */
    enum line_maker maker;
    int64_t id, outbox; /* results */
};

/* Who signed, for or against, as documents show it. */
static bool list_people(const struct deciding *d, bool dissent, json_t **out,
                        unsigned *affiliations, struct wh_err *err)
{
    struct line_signature_row *rows;
    json_t *list = json_array();
    size_t n;
    *out = wh_json_own(d->a, list);
    *affiliations = 0;
    if (!line_proposal_signatures(d->db, d->a, d->p->id, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool known = rows[i].dissent != dissent;
        for (size_t k = 0; k < i && !known; k++) {
            known = rows[k].dissent == dissent &&
                    wh_str_eq(rows[k].affiliation, rows[i].affiliation);
        }
        *affiliations += !known;
        if (rows[i].dissent == dissent) {
            json_array_append_new(
                list, json_pack("{s:o,s:o,s:o}", "approver",
                                wh_json_str(rows[i].approver), "affiliation",
                                wh_json_str(rows[i].affiliation), "key",
                                register_digest_new(rows[i].key)));
        }
    }
    return true;
}

/* The approvers' reasons before those of the lines: a refusal tells them. */
static json_t *reasons_json(const struct deciding *d)
{
    json_t *list = json_array();
    const struct rule_act_row *row = rule_act_row(d->act);
    if (row->closes) {
        struct wh_buf why;
        wh_buf_init(&why, RULE_STATEMENT_MAX);
        for (size_t i = 0; i < d->st->n_reasons; i++) {
            wh_buf_cstr(&why, i > 0 ? " " : "");
            wh_buf_add(&why, d->st->reasons[i]);
        }
        json_array_append_new(
            list,
            json_pack("{s:s,s:I,s:s,s:s,s:s,s:s,s:o,s:s}", "line", OWN_LINE,
                      "version", (json_int_t)d->roster->r->version, "digest",
                      d->roster->r->digest, "rule", row->word, "answer", "no",
                      "sentence",
                      d->maker == LINE_MADE_BY_EMERGENCY
                          ? "No approver has closed this in an emergency."
                          : "No quorum of approvers has closed this.",
                      "reason", wh_json_str(wh_buf_str(&why)), "seen",
                      "a signed statement of the approvers"));
        wh_buf_done(&why);
    }
    (void)json_array_extend(list, json_object_get(d->base->doc, "reasons"));
    return list;
}

/* The lines' document, changed. The evidence is the row's: theirs would have
 * another time in it. */
static bool make_doc(const struct deciding *d, json_t **out, struct wh_err *err)
{
    char decided[LINE_TIME_TEXT], until[LINE_TIME_TEXT];
    unsigned unused;
    json_t *o = wh_json_own(d->a, json_copy(d->base->doc)), *yes, *no;
    if (!list_people(d, false, &yes, &unused, err) ||
        !list_people(d, true, &no, &unused, err)) {
        return false;
    }
    line_time_text(d->h->now / 1000000, decided);
    line_time_text(d->until, until);
    json_object_set_new(o, "decided", json_string(decided));
    json_object_set_new(o, "until",
                        d->until ? json_string(until) : json_null());
    json_object_set_new(o, "by",
                        json_string(d->maker == LINE_MADE_BY_EMERGENCY
                                        ? "emergency"
                                        : "approvers"));
    json_object_set_new(o, "act", json_string(rule_act_word(d->act)));
    json_object_set_new(o, "statement", register_digest_new(d->p->digest));
    json_object_set_new(o, "tiers", tiers_json(&d->tiers));
    json_object_set(o, "approvals", yes);
    json_object_set(o, "dissent", no);
    json_object_set_new(o, "evidence", wh_json_str(d->row->evidence));
    json_object_set_new(o, "reasons", reasons_json(d));
    *out = o;
    return true;
}

static json_t *rules_json(const struct deciding *d)
{
    json_t *list = json_array();
    json_array_append_new(
        list, json_sprintf("%s/%s", OWN_LINE, rule_act_word(d->act)));
    for (size_t i = 0; i < d->st->n_rules; i++) {
        json_array_append_new(list, wh_json_str(d->st->rules[i]));
    }
    return list;
}

static bool make_leaf(const struct deciding *d, json_t **out,
                      struct wh_err *err)
{
    json_t *o = json_object(), *yes, *no;
    unsigned groups, unused;
    *out = wh_json_own(d->a, o);
    if (!list_people(d, false, &yes, &groups, err) ||
        !list_people(d, true, &no, &unused, err)) {
        return false;
    }
    json_object_set_new(o, "type", json_string("decision"));
    json_object_set_new(o, "by",
                        json_string(d->maker == LINE_MADE_BY_EMERGENCY
                                        ? "emergency"
                                        : "approvers"));
    json_object_set_new(o, "act", json_string(rule_act_word(d->act)));
    json_object_set_new(o, "answer",
                        json_string(rule_answer_word(d->base->answer)));
    json_object_set_new(o, "lines", line_digests(d->base));
    json_object_set_new(o, "rules", rules_json(d));
    json_object_set_new(o, "tiers", tiers_json(&d->tiers));
    json_object_set_new(o, "statement", register_digest_new(d->p->digest));
    json_object_set_new(o, "signatures", line_digest_of(d->signatures));
    json_object_set_new(o, "roster",
                        json_integer((json_int_t)d->roster->index));
    json_object_set_new(o, "replaces", json_integer((json_int_t)d->row->index));
    json_object_set_new(o, "approvals",
                        json_integer((json_int_t)json_array_size(yes)));
    json_object_set_new(o, "affiliations", json_integer((json_int_t)groups));
    json_object_set_new(o, "dissents",
                        json_integer((json_int_t)json_array_size(no)));
    if (d->until > 0) {
        json_object_set_new(o, "until", json_integer((json_int_t)d->until));
    }
    if (d->p->approval_index >= 0) {
        json_object_set_new(o, "approval",
                            json_integer((json_int_t)d->p->approval_index));
    }
    if (d->restores >= 0) {
        json_object_set_new(o, "restores",
                            json_integer((json_int_t)d->restores));
    }
    return true;
}

static bool add_row(struct deciding *d, struct wh_str doc, struct wh_str leaf,
                    const char *id, struct wh_err *err)
{
    char digest[WH_SHA256_HEX + 1];
    struct db_stmt *s = db_start(d->db, DBQ_DECISION_PERSON_ADD);
    wh_sha256_hex_of(doc, digest);
    db_bind_cstr(s, 1, id);
    db_bind_text(s, 2, d->row->subject);
    if (d->row->repo != 0) {
        db_bind_i64(s, 3, d->row->repo);
    }
    db_bind_cstr(s, 4, digest);
    db_bind_text(s, 5, doc);
    db_bind_text(s, 6, leaf);
    db_bind_text(s, 7, d->row->evidence);
    db_bind_i64(s, 8, d->base->answer);
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        db_bind_i64(s, 9 + p, d->tiers.part[p]);
    }
    db_bind_i64(s, 13, d->h->now / 1000000);
    db_bind_i64(s, 14, d->until);
    db_bind_i64(s, 15, d->outbox);
    db_bind_i64(s, 16, d->maker);
    db_bind_i64(s, 17, d->p->id);
    return db_one_i64(s, 0, &d->id, err);
}

static bool decide(struct deciding *d, struct wh_err *err)
{
    struct line_decision *base = WH_NEW(d->a, struct line_decision);
    json_t *doc, *leaf;
    struct wh_str doc_text, leaf_text;
    d->base = base;
    return line_base(d->db, d->a, d->h, d->row, base, err) &&
           (rule_act_row(d->act)->closes ||
            line_in_force(d->db, d->a, wh_json_own(d->a, line_digests(base)),
                          err)) &&
           make_doc(d, &doc, err) && make_leaf(d, &leaf, err) &&
           line_canonical(d->a, doc, &doc_text, err) &&
           line_submit_about(d->db, d->a, leaf, d->row->subject,
                             d->row->evidence, d->row->repo, &d->outbox, err) &&
           line_canonical(d->a, leaf, &leaf_text, err) &&
           add_row(d, doc_text, leaf_text,
                   json_string_value(json_object_get(leaf, "id")), err);
}

/* ---- closed content ---- */

/* Was this file closed in an emergency lately, as part of whatever subject?
 * Then one approver does not close it once more. */
static bool closed_lately(struct db *db, struct wh_str sha, int64_t repo,
                          int64_t now, bool *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_CLOSED_CONTENT_EMERGENCY);
    int64_t at;
    db_bind_text(s, 1, sha);
    db_bind_i64(s, 2, repo);
    if (!db_one_i64(s, 0, &at, err)) {
        return false;
    }
    *out = at > 0 && now - at < RULE_EMERGENCY_AGAIN_S;
    return true;
}

/* An emergency that would close nothing but what one has closed lately is that
 * emergency again: else the same weights in another subject are a way to close
 * them for ever. */
static bool is_news(const struct line_carrying *c, const struct line_row *row,
                    struct wh_err *err)
{
    struct line_weights w;
    bool lately = true;
    if (!line_weights_of(c->db, c->a, row->subject, &w, err)) {
        return false;
    }
    for (size_t i = 0; lately && i < w.n; i++) {
        if (!closed_lately(c->db, w.sha[i], row->repo, c->h->now / 1000000,
                           &lately, err)) {
            return false;
        }
    }
    return w.n == 0 || !lately ||
           wh_fail(err, WH_REFUSED, "%s", line_floor_words(LINE_FLOOR_AGAIN));
}

/* The weights of a manifest are closed wherever they are; in an emergency those
 * that none has closed lately. */
static bool mark_content(const struct deciding *d, struct wh_err *err)
{
    struct line_weights w;
    if (!line_weights_of(d->db, d->a, d->row->subject, &w, err)) {
        return false;
    }
    for (size_t i = 0; i < w.n; i++) {
        bool lately = false;
        if (d->maker == LINE_MADE_BY_EMERGENCY &&
            !closed_lately(d->db, w.sha[i], d->row->repo, d->h->now / 1000000,
                           &lately, err)) {
            return false;
        }
        if (lately) {
            continue;
        }
        struct db_stmt *s = db_start(d->db, DBQ_CLOSED_CONTENT_ADD);
        db_bind_text(s, 1, w.sha[i]);
        db_bind_text(s, 2, d->row->subject);
        db_bind_i64(s, 3, d->row->repo);
        if (!db_exec(s, err)) {
            return false;
        }
    }
    return true;
}

static bool is_closed(const struct line_state *s)
{
    return s->mode == LINE_MODE_EMERGENCY || s->mode == LINE_MODE_HOLD;
}

/* ---- acts about a subject ---- */

static bool step(const struct line_carrying *c, const struct line_row *row,
                 struct line_tier_row *t, struct wh_err *err)
{
    struct line_decision *base = WH_NEW(c->a, struct line_decision);
    struct line_state out;
    if (!line_base(c->db, c->a, c->h, row, base, err) ||
        !line_tier_read(c->db, row->subject, row->repo, t, err)) {
        return false;
    }
    const struct line_act act = {
        .act = c->st->act,
        .target = c->st->tiers.part[RULE_PART_WEIGHTS],
        .base = base->tiers.part[RULE_PART_WEIGHTS],
        .now = c->h->now / 1000000,
        .until = c->st->until,
        .reasoned = c->st->n_reasons > 0 &&
                    (c->st->n_rules > 0 || !rule_act_row(c->st->act)->closes),
        .confirmed = true, /* the sentence stands in what they signed */
        .quorum_at = c->p->approval_t,
        .roster = c->roster->r,
        .keys = c->who->now};
    enum line_floor f = line_tier_step(&t->state, &act, &out);
    if (f) {
        return wh_fail(err, WH_REFUSED, "%s", line_floor_words(f));
    }
    if (rule_act_row(c->st->act)->sets_tiers &&
        line_state_tier(&out, act.base) != act.target) {
        return wh_fail(err, WH_CONFLICT,
                       "the tier would not be the one that the statement says");
    }
    t->state = out;
    return true;
}

static bool answer_appeal(struct line_carrying *c, const struct line_row *row,
                          bool changed, struct wh_err *err)
{
    json_t *leaf = wh_json_own(c->a, json_object());
    struct db_stmt *s = db_start(c->db, DBQ_APPEAL_WAITING);
    int64_t index = -1;
    db_bind_text(s, 1, row->subject);
    db_bind_i64(s, 2, row->repo);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW && !db_col_is_null(s, 2)) {
        index = db_col_i64(s, 2);
    }
    db_finish(&s);
    if (r == DB_FAIL || index < 0) {
        return r != DB_FAIL && (changed || wh_fail(err, WH_CONFLICT,
                                                   "the appeal is not on the "
                                                   "register yet"));
    }
    s = db_start(c->db, DBQ_APPEAL_ANSWER);
    db_bind_text(s, 1, row->subject);
    db_bind_i64(s, 2, row->repo);
    db_bind_i64(s, 3, changed);
    db_bind_text(s, 4, c->st->reasons[0]);
    if (!db_exec(s, err)) {
        return false;
    }
    json_object_set_new(leaf, "type", json_string("answer"));
    json_object_set_new(leaf, "appeal", json_integer((json_int_t)index));
    json_object_set_new(leaf, "outcome",
                        json_string(changed ? "changed" : "upheld"));
    json_object_set_new(leaf, "statement", register_digest_new(c->p->digest));
    json_object_set_new(leaf, "signatures", line_digest_of(c->signatures));
    return line_submit_about(c->db, c->a, leaf, row->subject, WH_S(""),
                             row->repo, &c->outbox, err);
}

static bool about_subject(struct line_carrying *c, struct wh_err *err)
{
    struct line_tier_row t;
    struct line_row row;
    if (!line_to_end(c->db, c->a, c->st->subject, c->p->repo, c->st->replaces,
                     &row, err)) {
        return false;
    }
    if (!line_tiers_ok(c->st->act, &row.tiers, &c->st->tiers) &&
        rule_act_row(c->st->act)->sets_tiers) {
        return wh_fail(err, WH_REFUSED, "%s",
                       line_floor_words(LINE_FLOOR_DIRECTION));
    }
    if (!step(c, &row, &t, err) ||
        (c->st->act == RULE_ACT_CLOSE && !is_news(c, &row, err))) {
        return false;
    }
    if (c->st->act == RULE_ACT_ANSWER) {
        return answer_appeal(c, &row, false, err);
    }
    struct deciding d = {.db = c->db,
                         .a = c->a,
                         .h = c->h,
                         .row = &row,
                         .p = c->p,
                         .st = c->st,
                         .roster = c->roster,
                         .signatures = c->signatures,
                         .act = c->st->act,
                         .tiers = c->st->tiers,
                         .until = c->st->until,
                         .restores = -1,
                         .maker = c->st->act == RULE_ACT_CLOSE
                                      ? LINE_MADE_BY_EMERGENCY
                                      : LINE_MADE_BY_APPROVERS};
    if (!decide(&d, err)) {
        return false;
    }
    if (rule_act_row(c->st->act)->opens) {
        t.grant_decision = d.id;
    }
    c->outbox = d.outbox;
    c->subject = row.subject;
    return line_tier_write(c->db, row.subject, row.repo, &t, err) &&
           (!is_closed(&t.state) || mark_content(&d, err)) &&
           (c->st->act != RULE_ACT_RECALL || line_notice_issue(c, &row, err)) &&
           (c->st->act != RULE_ACT_RENEW || line_notice_renew(c, &row, err)) &&
           (c->st->act != RULE_ACT_LIFT || (line_notice_lift(c, &row, err) &&
                                            answer_appeal(c, &row, true, err)));
}

/* ---- roster and lines ---- */

static bool about_roster(struct line_carrying *c, struct wh_err *err)
{
    struct rule_roster *next = WH_NEW(c->a, struct rule_roster);
    const struct rule_roster *now = c->roster->r;
    json_t *leaf = wh_json_own(c->a, json_object()), *keys = json_array();
    struct wh_str text;
    if (!rule_roster_read(c->a, c->p->paper, next, err) ||
        !rule_roster_follows(now, next, c->who->now, c->who->next, err)) {
        json_decref(keys);
        return false;
    }
    for (size_t i = 0; i < next->n_keys; i++) {
        json_array_append_new(
            keys, register_digest_new(wh_str_of(next->keys[i].digest)));
    }
    json_object_set_new(leaf, "type", json_string("roster"));
    json_object_set_new(leaf, "version",
                        json_integer((json_int_t)next->version));
    json_object_set_new(leaf, "roster",
                        register_digest_new(wh_str_of(next->digest)));
    json_object_set_new(leaf, "keys", keys);
    json_object_set_new(leaf, "quorum",
                        json_integer((json_int_t)next->quorum[RULE_ACT_OPEN]));
    json_object_set_new(leaf, "affiliations",
                        json_integer((json_int_t)next->affiliations));
    json_object_set_new(leaf, "statement", register_digest_new(c->p->digest));
    json_object_set_new(leaf, "signatures", line_digest_of(c->signatures));
    if (now) {
        json_object_set_new(leaf, "previous",
                            json_integer((json_int_t)c->roster->index));
    }
    if (!register_submit(c->db, leaf, &c->outbox, err) ||
        !line_canonical(c->a, leaf, &text, err)) {
        return false;
    }
    struct db_stmt *s = db_start(c->db, DBQ_ROSTER_ADD);
    db_bind_i64(s, 1, next->version);
    db_bind_cstr(s, 2, next->digest);
    db_bind_text(s, 3, c->p->paper);
    db_bind_text(s, 4, c->p->text);
    db_bind_text(s, 5, c->signatures);
    db_bind_text(s, 6, text);
    db_bind_i64(s, 7, c->outbox);
    db_bind_i64(s, 8, c->h->now);
    return db_exec(s, err);
}

/* The text of a line that is to be in force: the next start has to find it. */
static bool keep_line(struct line_carrying *c, struct wh_str digest,
                      struct wh_err *err)
{
    const struct line_set *set = c->h->lines;
    size_t i = rule_known_digest(set->known, set->n_known, digest);
    struct wh_str text;
    if (i != SIZE_MAX) {
        return line_set_fit(c->a, set->known[i].line, err) &&
               line_document_keep(c->db, set->known[i].line, c->h->now, err);
    }
    if (line_document_get(c->db, c->a, digest, &text, err)) {
        return true; /* it was in force before */
    }
    return err->code != WH_NOT_FOUND
               ? false
               : wh_fail(err, WH_REFUSED,
                         "this house has no line with the sha256 %.*s: put "
                         "its file into the folder lines.dir and start anew",
                         WH_FMT(digest));
}

/* The lines that stay, and those that come. Front begins anew with them. */
static bool about_lines(struct line_carrying *c, struct wh_err *err)
{
    json_t *leaf = wh_json_own(c->a, json_object()), *list = json_array();
    int64_t at, waiting;
    json_object_set_new(leaf, "lines", list);
    if (!db_one_i64(db_start(c->db, DBQ_LINE_RECORDED_AT), -1, &at, err) ||
        !db_one_i64(db_start(c->db, DBQ_LINE_WAITING), 0, &waiting, err)) {
        return false;
    }
    if (at != c->st->replaces || waiting > 0) {
        return wh_fail(err, WH_CONFLICT,
                       "the lines in force have changed since");
    }
    for (size_t i = 0; i < c->st->n_lines; i++) {
        if (!keep_line(c, c->st->lines[i], err)) {
            return false;
        }
        json_array_append_new(list, register_digest_new(c->st->lines[i]));
    }
    json_object_set_new(leaf, "type", json_string("lines"));
    json_object_set_new(leaf, "software", json_string(c->h->software));
    json_object_set_new(leaf, "roster",
                        json_integer((json_int_t)c->roster->index));
    json_object_set_new(leaf, "statement", register_digest_new(c->p->digest));
    json_object_set_new(leaf, "signatures", line_digest_of(c->signatures));
    return register_submit(c->db, leaf, &c->outbox, err);
}

bool line_carry_out(struct line_carrying *c, struct wh_err *err)
{
    bool ok = c->st->act == RULE_ACT_ROSTER  ? about_roster(c, err)
              : c->st->act == RULE_ACT_LINES ? about_lines(c, err)
                                             : about_subject(c, err);
    struct db_stmt *s;
    if (!ok) {
        return false;
    }
    s = db_start(c->db, DBQ_PROPOSAL_DONE);
    db_bind_i64(s, 1, c->p->id);
    db_bind_text(s, 2, c->signatures);
    return db_exec(s, err);
}

/* ---- time ---- */

/* What approvers granted, and what they signed for it. */
struct granted {
    struct line_row row;
    struct line_proposal p;
    struct rule_statement st;
};

static bool read_grant(struct db *db, struct wh_arena *a, int64_t decision,
                       struct granted *g, struct wh_err *err)
{
    return line_by_row(db, a, decision, &g->row, err) &&
           line_proposal_of(db, a, g->row.proposal, &g->p, err) &&
           rule_statement_read(g->p.text, &g->st, err);
}

/* What was granted holds again: its own statement says so. */
static bool restore(struct db *db, struct wh_arena *a,
                    const struct line_house *h, const struct line_row *row,
                    const struct granted *g, enum rule_act act,
                    struct wh_err *err)
{
    struct line_roster *rosters, *roster = NULL;
    size_t n;
    if (!line_rosters(db, a, h->size, &rosters, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        roster = rosters[i].r->version == g->st.roster ? &rosters[i] : roster;
    }
    if (!roster) {
        return wh_fail(err, WH_INTERNAL, "the roster of a grant is gone");
    }
    struct deciding d = {.db = db,
                         .a = a,
                         .h = h,
                         .row = row,
                         .p = &g->p,
                         .st = &g->st,
                         .roster = roster,
                         .signatures = g->p.signatures,
                         .act = act,
                         .tiers = g->row.tiers,
                         .until = g->row.until,
                         .restores = g->row.index,
                         .maker = LINE_MADE_BY_APPROVERS};
    return decide(&d, err);
}

bool line_run_out(struct db *db, struct wh_arena *a, const struct line_house *h,
                  struct wh_str subject, int64_t repo, bool *changed,
                  struct wh_err *err)
{
    struct line_decision *base = WH_NEW(a, struct line_decision);
    struct granted *g = WH_NEW(a, struct granted);
    struct line_tier_row t;
    struct line_row row;
    struct line_kept kept;
    struct line_state out;
    bool found;
    *changed = false;
    if (!line_current(db, a, subject, repo, &found, &row, err)) {
        return false;
    }
    if (!found || row.repo != repo || row.made_by == LINE_MADE_BY_LINE) {
        found = false; /* the lines have decided meanwhile */
    }
    if (!line_tier_read(db, subject, repo, &t, err) ||
        (found && !line_base(db, a, h, &row, base, err)) ||
        (t.grant_decision != 0 &&
         !read_grant(db, a, t.grant_decision, g, err))) {
        return false;
    }
    if (t.grant_decision != 0 && !line_names_all(a, h, &g->st)) {
        t.state.grant = RULE_TIER_HELD; /* the lines of today are not its own */
        t.state.grant_until = 0;
    }
    enum rule_act act =
        t.state.mode == LINE_MODE_EMERGENCY ? RULE_ACT_LAPSE : RULE_ACT_EXPIRE;
    const struct line_act how = {
        .act = act,
        .base = found ? base->tiers.part[RULE_PART_WEIGHTS] : RULE_TIER_HELD,
        .now = h->now / 1000000};
    if (line_tier_step(&t.state, &how, &out) != LINE_FLOOR_NONE) {
        return true;
    }
    t.state = out;
    t.grant_decision = out.mode == LINE_MODE_GRANT ? t.grant_decision : 0;
    *changed = true;
    if (!line_tier_write(db, subject, repo, &t, err)) {
        return false;
    }
    if (!found) {
        return true;
    }
    return out.mode == LINE_MODE_GRANT
               ? restore(db, a, h, &row, g, act, err)
               : line_decision_keep(db, a, base, repo, h->now, &kept, err);
}
