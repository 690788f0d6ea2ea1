/*
 * approve.c - signatures taken in, and what time does.
 */
#include "line/approve.h"
#include "line/approve_impl.h"
#include "rule/floor.h"

/* A second more than the roster wants: the leaf's time is whole seconds, taken
 * after the end is written into it. */
#define COOLING_SLACK_S 1

/* One signature on its way in. */
struct filing {
    struct db *db;
    struct wh_arena *a;
    const struct line_house *h;
    const struct line_signing *in;
    struct line_signed *out;
    struct rule_statement st;
    struct crypto_sshsig sig;
    char key[WH_SHA256_HEX + 1];
    struct line_roster roster; /* in force; r null before the founding */
    struct rule_roster *next;  /* that is to follow, or null */
    struct wh_str approver, affiliation;
    bool entitled;       /* on the roster in force */
    struct line_row row; /* the decision in effect, for acts about a subject */
    struct line_proposal p;
};

/* ---- whose it is ---- */

/* The approver of a key, in either roster. */
static bool find_approver(struct filing *f, const struct rule_roster *r)
{
    size_t i = r ? rule_roster_key(r, wh_str_of(f->key)) : SIZE_MAX;
    if (i == SIZE_MAX) {
        return false;
    }
    const struct rule_approver *who = &r->approvers[r->keys[i].approver];
    f->approver = who->id;
    f->affiliation = who->affiliation;
    return true;
}

static bool read_signature(struct filing *f, struct wh_err *err)
{
    if (!crypto_sshsig_read(f->in->sig, &f->sig, err)) {
        return false;
    }
    f->out->dissent = wh_str_is(f->sig.ns, RULE_NS_DISSENT);
    struct wh_str ns =
        f->out->dissent ? WH_S(RULE_NS_DISSENT) : WH_S(RULE_NS_DECISION);
    if (!crypto_sshsig_verify(&f->sig, ns, f->in->text, err)) {
        return false;
    }
    crypto_ssh_key_print(&f->sig.key, f->key);
    f->entitled = find_approver(f, f->roster.r);
    return f->entitled || find_approver(f, f->next) ||
           wh_fail(err, WH_FORBIDDEN,
                   "the key is not on the roster of this house");
}

/* A security key that counts never counts back: that would be a copy of it. */
static bool take_counter(struct filing *f, struct wh_err *err)
{
    struct db_stmt *s;
    int64_t last;
    if (!crypto_ssh_type_sk(f->sig.key.type) || f->sig.counter == 0) {
        return true;
    }
    s = db_start(f->db, DBQ_KEY_COUNTER_GET);
    db_bind_cstr(s, 1, f->key);
    if (!db_one_i64(s, 0, &last, err)) {
        return false;
    }
    if ((int64_t)f->sig.counter <= last) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the security key has counted backwards: it may have "
                       "been copied");
    }
    s = db_start(f->db, DBQ_KEY_COUNTER_SET);
    db_bind_cstr(s, 1, f->key);
    db_bind_i64(s, 2, f->sig.counter);
    return db_exec(s, err);
}

/* ---- what it is about ---- */

/* The decision that the statement ends, in the scope that it means: a private
 * repo's decision has an entry of its own. */
static bool find_row(struct filing *f, struct wh_err *err)
{
    if (!line_by_index(f->db, f->a, f->st.replaces, &f->row, err)) {
        return false;
    }
    return line_to_end(f->db, f->a, f->st.subject, f->row.repo, f->st.replaces,
                       &f->row, err);
}

static bool read_next(struct filing *f, struct wh_err *err)
{
    struct crypto_ssh_key key;
    f->next = WH_NEW(f->a, struct rule_roster);
    if (!rule_roster_read(f->a, f->in->paper, f->next, err)) {
        return false;
    }
    for (size_t i = 0; i < f->next->n_keys; i++) {
        if (!crypto_ssh_key_line(f->a, f->next->keys[i].line, &key, err)) {
            return false;
        }
    }
    return true;
}

static bool fits(struct filing *f, struct wh_err *err)
{
    struct wh_str lines[LINE_SET_MAX];
    const struct rule_act_row *act = rule_act_row(f->st.act);
    struct rule_facts facts = {.origin = f->h->origin,
                               .subject = f->next ? wh_str_of(f->next->digest)
                                                  : WH_S(""),
                               .evidence = WH_S(""),
                               .lines = lines,
                               .n_lines = line_enforced(f->a, f->h, lines),
                               .roster = f->roster.r,
                               .size = f->h->size,
                               .now = f->h->now / 1000000};
    if (act->about_subject) {
        facts.subject = f->row.subject;
        facts.evidence = f->row.evidence;
    }
    if (!rule_statement_fits(&f->st, &facts, err)) {
        return false;
    }
    return act->irrevocable || f->st.not_before <= facts.now ||
           wh_fail(err, WH_REFUSED, "the statement is not yet good");
}

static bool typed(const struct filing *f, struct wh_err *err)
{
    char want[RULE_CONFIRM_MAX];
    rule_statement_confirm(f->st.act, f->st.subject, want);
    return !want[0] || f->out->dissent || wh_str_is(f->in->confirm, want) ||
           wh_fail(err, WH_REFUSED,
                   "this cannot be taken back: type \"%s\" to confirm", want);
}

/* ---- the proposal ---- */

static bool file_proposal(struct filing *f, const char *digest,
                          struct wh_err *err)
{
    const struct rule_act_row *act = rule_act_row(f->st.act);
    json_t *leaf;
    struct db_stmt *s = db_start(f->db, DBQ_PROPOSAL_ADD);
    int64_t id;
    db_bind_text(s, 1, f->st.nonce);
    db_bind_cstr(s, 2, digest);
    db_bind_text(s, 3, f->in->text);
    db_bind_i64(s, 4, f->st.act);
    if (act->about_subject) {
        db_bind_text(s, 5, f->st.subject);
    }
    if (act->about_subject && f->row.repo != 0) {
        db_bind_i64(s, 6, f->row.repo);
    }
    if (f->next) {
        db_bind_text(s, 7, f->in->paper);
    }
    db_bind_i64(s, 8, f->st.not_after);
    db_bind_i64(s, 9, f->h->now);
    if (!db_one_i64(s, 0, &id, err)) {
        return false;
    }
    if (!act->about_subject || f->st.act == RULE_ACT_ANSWER) {
        return true; /* their own leaf tells all of it */
    }
    leaf = wh_json_own(f->a, json_object());
    json_object_set_new(leaf, "type", json_string("proposal"));
    json_object_set_new(leaf, "act", json_string(act->word));
    json_object_set_new(leaf, "statement",
                        register_digest_new(wh_str_of(digest)));
    json_object_set_new(leaf, "roster",
                        json_integer((json_int_t)f->roster.index));
    json_object_set_new(leaf, "until",
                        json_integer((json_int_t)f->st.not_after));
    return line_submit_about(f->db, f->a, leaf, f->st.subject, WH_S(""),
                             f->row.repo, &f->out->outbox, err);
}

/* Each statement is a leaf for ever, and a row on the desk: one approver does
 * not bury there what the others have to see. What one may do alone never
 * waits. */
static bool has_room(const struct filing *f, struct wh_err *err)
{
    struct db_stmt *s;
    int64_t n;
    if (rule_act_row(f->st.act)->takes == RULE_TAKES_ONE) {
        return true;
    }
    s = db_start(f->db, DBQ_PROPOSAL_OPEN_OF);
    db_bind_text(s, 1, f->approver);
    return db_one_i64(s, 0, &n, err) &&
           (n < LINE_PROPOSALS_MAX ||
            wh_fail(err, WH_RATE_LIMITED,
                    "%d statements that you signed wait for others already",
                    LINE_PROPOSALS_MAX));
}

/* What nobody of the roster wants is not kept: whoever a roster would make an
 * approver signs after one who is. Before the founding that is everybody. */
static bool may_file(const struct filing *f, struct wh_err *err)
{
    struct db_stmt *s;
    int64_t n;
    if (f->roster.r) {
        return f->entitled ? has_room(f, err)
                           : wh_fail(err, WH_FORBIDDEN,
                                     "a change of the roster is proposed by "
                                     "somebody who is on it; sign when that "
                                     "is done");
    }
    s = db_start(f->db, DBQ_PROPOSAL_OPEN_COUNT);
    return db_one_i64(s, 0, &n, err) &&
           (n < LINE_FOUNDINGS_MAX ||
            wh_fail(err, WH_RATE_LIMITED,
                    "%d founding rosters wait for signatures already",
                    LINE_FOUNDINGS_MAX));
}

/* Find it, or file it with this first signature. */
static bool find_proposal(struct filing *f, struct wh_err *err)
{
    char digest[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(f->in->text, digest);
    if (line_proposal_get(f->db, f->a, wh_str_of(digest), &f->p, err)) {
        return f->p.state == LINE_PROPOSAL_SIGNING ||
               (f->p.state == LINE_PROPOSAL_APPROVED && f->out->dissent) ||
               wh_fail(err, WH_CONFLICT,
                       "this statement takes no more signatures");
    }
    if (err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    if (f->out->dissent) {
        return wh_fail(err, WH_NOT_FOUND,
                       "nobody has proposed what this objects to");
    }
    return may_file(f, err) && file_proposal(f, digest, err) &&
           line_proposal_get(f->db, f->a, wh_str_of(digest), &f->p, err);
}

static bool add_signature(struct filing *f, struct wh_err *err)
{
    struct db_stmt *s = db_start(f->db, DBQ_PROPOSAL_SIGNATURE_ADD);
    db_bind_i64(s, 1, f->p.id);
    db_bind_cstr(s, 2, f->key);
    db_bind_text(s, 3, f->approver);
    db_bind_text(s, 4, f->affiliation);
    db_bind_i64(s, 5, f->out->dissent);
    db_bind_blob(s, 6, f->in->sig.p, f->in->sig.n);
    db_bind_i64(s, 7, f->h->now);
    if (db_exec(s, err)) {
        return true;
    }
    return err->code == WH_CONFLICT
               ? (*err = (struct wh_err){0},
                  wh_fail(err, WH_CONFLICT,
                          "this key has signed the statement already"))
               : false;
}

static bool log_dissent(struct filing *f, struct wh_err *err)
{
    json_t *leaf = wh_json_own(f->a, json_object());
    if (!rule_act_row(f->st.act)->about_subject) {
        return true; /* kept beside the roster's or the lines' statement */
    }
    json_object_set_new(leaf, "type", json_string("dissent"));
    json_object_set_new(leaf, "statement", register_digest_new(f->p.digest));
    json_object_set_new(leaf, "signature", line_digest_of(f->in->sig));
    return line_submit_about(f->db, f->a, leaf, f->st.subject, WH_S(""),
                             f->row.repo, &f->out->outbox, err);
}

/* ---- enough? ---- */

/* All signatures for it, as one document, verified once more. */
static bool collect(struct filing *f, struct wh_str *doc,
                    struct rule_signers *who, struct wh_err *err)
{
    struct line_signature_row *rows;
    size_t n, k = 0;
    if (!line_proposal_signatures(f->db, f->a, f->p.id, &rows, &n, err)) {
        return false;
    }
    struct rule_signature *sigs = wh_arena_array(f->a, n + 1, sizeof *sigs);
    for (size_t i = 0; i < n; i++) {
        if (!rows[i].dissent) {
            sigs[k++] = (struct rule_signature){rows[i].approver, rows[i].sig};
        }
    }
    return rule_signatures_write(f->a, f->p.text, sigs, k, doc, err) &&
           rule_signatures_read(f->a, *doc, f->p.text, f->roster.r, f->next,
                                &line_verifier, who, err);
}

static bool is_enough(const struct filing *f, const struct rule_signers *who)
{
    struct wh_err ignored = {0};
    if (f->st.act == RULE_ACT_ROSTER) {
        return rule_roster_follows(f->roster.r, f->next, who->now, who->next,
                                   &ignored);
    }
    return rule_roster_enough(f->roster.r, f->st.act, who->now, false,
                              &ignored);
}

/* The quorum of an opening is on the register while the delay runs. */
static bool begin_cooling(struct filing *f, struct wh_str signatures,
                          const struct rule_signers *who, struct wh_err *err)
{
    struct rule_weight w;
    json_t *leaf = wh_json_own(f->a, json_object());
    struct wh_str text;
    int64_t from =
        f->h->now / 1000000 + f->roster.r->cooling_off + COOLING_SLACK_S;
    from = from > f->st.not_before ? from : f->st.not_before;
    if (from >= f->st.not_after) {
        return wh_fail(err, WH_REFUSED,
                       "the cooling-off would end after the statement does: "
                       "it has to be drafted anew");
    }
    rule_roster_weigh(f->roster.r, who->now, &w);
    json_object_set_new(leaf, "type", json_string("approval"));
    json_object_set_new(leaf, "act", json_string(rule_act_word(f->st.act)));
    json_object_set_new(leaf, "statement", register_digest_new(f->p.digest));
    json_object_set_new(leaf, "signatures", line_digest_of(signatures));
    json_object_set_new(leaf, "roster",
                        json_integer((json_int_t)f->roster.index));
    json_object_set_new(leaf, "approvals", json_integer(w.approvers));
    json_object_set_new(leaf, "affiliations", json_integer(w.affiliations));
    json_object_set_new(leaf, "from", json_integer((json_int_t)from));
    if (!line_submit_about(f->db, f->a, leaf, f->st.subject, WH_S(""),
                           f->row.repo, &f->out->outbox, err) ||
        !line_canonical(f->a, leaf, &text, err)) {
        return false;
    }
    struct db_stmt *s = db_start(f->db, DBQ_PROPOSAL_APPROVED);
    db_bind_i64(s, 1, f->p.id);
    db_bind_text(s, 2, signatures);
    db_bind_i64(s, 3, f->out->outbox);
    db_bind_text(s, 4, text);
    db_bind_i64(s, 5, from);
    f->out->state = LINE_PROPOSAL_APPROVED;
    return db_exec(s, err);
}

static bool act_if_enough(struct filing *f, struct wh_err *err)
{
    struct rule_signers who;
    struct wh_str signatures;
    if (!collect(f, &signatures, &who, err)) {
        return false;
    }
    if (!is_enough(f, &who)) {
        return true;
    }
    if (rule_act_row(f->st.act)->irrevocable) {
        return begin_cooling(f, signatures, &who, err);
    }
    struct line_carrying c = {.db = f->db,
                              .a = f->a,
                              .h = f->h,
                              .p = &f->p,
                              .st = &f->st,
                              .roster = &f->roster,
                              .signatures = signatures,
                              .who = &who};
    if (!line_carry_out(&c, err)) {
        return false;
    }
    f->out->state = LINE_PROPOSAL_DONE;
    f->out->outbox = c.outbox;
    f->out->subject = c.subject;
    return true;
}

bool line_sign(struct db *db, struct wh_arena *a, const struct line_house *h,
               const struct line_signing *in, struct line_signed *out,
               struct wh_err *err)
{
    struct filing *f = WH_NEW(a, struct filing);
    *f = (struct filing){.db = db, .a = a, .h = h, .in = in, .out = out};
    *out = (struct line_signed){.state = LINE_PROPOSAL_SIGNING};
    if (!rule_statement_read(in->text, &f->st, err) ||
        !line_roster_deciding(db, a, h->size, &f->roster, err)) {
        return false;
    }
    if (f->st.act == RULE_ACT_ROSTER ? !read_next(f, err) : !f->roster.r) {
        return err->code == WH_NONE
                   ? wh_fail(err, WH_REFUSED, "%s",
                             line_floor_words(LINE_FLOOR_ROSTER))
                   : false;
    }
    if (!read_signature(f, err) ||
        (rule_act_row(f->st.act)->about_subject && !find_row(f, err)) ||
        !fits(f, err) || !typed(f, err) || !take_counter(f, err) ||
        !find_proposal(f, err) || !add_signature(f, err)) {
        return false;
    }
    out->proposal = f->p.public_id;
    out->approver = wh_arena_dup(a, f->approver);
    out->state = f->p.state;
    return out->dissent ? log_dissent(f, err) : act_if_enough(f, err);
}

/* ---- time ---- */

static void add_subject(struct wh_str *subjects, size_t *n, struct wh_str s)
{
    if (s.n > 0 && *n < LINE_ROUND_MAX) {
        subjects[(*n)++] = s;
    }
}

bool line_names_all(struct wh_arena *a, const struct line_house *h,
                    const struct rule_statement *st)
{
    struct wh_str lines[LINE_SET_MAX];
    size_t n = line_enforced(a, h, lines);
    bool all = true;
    for (size_t i = 0; all && i < n; i++) {
        all = false;
        for (size_t k = 0; !all && k < st->n_lines; k++) {
            all = wh_str_eq(lines[i], st->lines[k]);
        }
    }
    return all;
}

/* One approved proposal whose delay is over. */
static bool ripe(struct db *db, struct wh_arena *a, const struct line_house *h,
                 const struct line_proposal *p, struct wh_str *subject,
                 struct wh_err *err)
{
    struct rule_statement st;
    struct line_roster roster;
    struct rule_signers who;
    if (!rule_statement_read(p->text, &st, err) ||
        !line_roster_deciding(db, a, h->size, &roster, err)) {
        return false;
    }
    if (h->now / 1000000 >= st.not_after) { /* nobody was here to do it */
        return wh_fail(err, WH_REFUSED, "the statement is no longer good");
    }
    if (!roster.r || roster.r->version != st.roster) {
        return wh_fail(err, WH_CONFLICT, "the roster has changed since");
    }
    if (!line_names_all(a, h, &st)) {
        return wh_fail(err, WH_CONFLICT,
                       "a line has come into force since that it does not "
                       "name");
    }
    if (!rule_signatures_read(a, p->signatures, p->text, roster.r, NULL,
                              &line_verifier, &who, err)) {
        return false;
    }
    struct line_carrying c = {.db = db,
                              .a = a,
                              .h = h,
                              .p = p,
                              .st = &st,
                              .roster = &roster,
                              .signatures = p->signatures,
                              .who = &who};
    if (!line_carry_out(&c, err)) {
        return false;
    }
    *subject = c.subject;
    return true;
}

/* Is that a no of the rules, after which the proposal is void? Everything else
 * is tried again. */
static bool is_no(enum wh_code code)
{
    return code == WH_REFUSED || code == WH_CONFLICT || code == WH_FORBIDDEN ||
           code == WH_BAD_REQUEST;
}

static bool open_ripe(struct db *db, struct wh_arena *a,
                      const struct line_house *h, struct wh_str *subjects,
                      size_t *n, struct wh_err *err)
{
    struct line_proposal *list;
    size_t count;
    if (!line_proposals_ripe(db, a, h, &list, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct wh_str subject = WH_S("");
        struct wh_err no = {0};
        if (ripe(db, a, h, &list[i], &subject, &no)) {
            add_subject(subjects, n, subject);
            continue;
        }
        if (!is_no(no.code)) {
            *err = no;
            return false;
        }
        struct db_stmt *s = db_start(db, DBQ_PROPOSAL_VOID);
        db_bind_i64(s, 1, list[i].id);
        if (!db_exec(s, err)) {
            return false;
        }
    }
    return true;
}

static bool end_what_ran_out(struct db *db, struct wh_arena *a,
                             const struct line_house *h,
                             struct wh_str *subjects, size_t *n,
                             struct wh_err *err)
{
    struct wh_str list[LINE_ROUND_MAX];
    int64_t repos[LINE_ROUND_MAX];
    struct db_stmt *s = db_start(db, DBQ_SUBJECT_TIER_ENDED);
    enum db_row r;
    size_t count = 0;
    db_bind_i64(s, 1, h->now / 1000000);
    while ((r = db_step(s, err)) == DB_ROW && count < LINE_ROUND_MAX) {
        list[count] = db_col_dup(s, 0, a);
        repos[count++] = db_col_i64(s, 1);
    }
    db_finish(&s);
    bool ok = r != DB_FAIL;
    for (size_t i = 0; ok && i < count; i++) {
        bool changed;
        ok = line_run_out(db, a, h, list[i], repos[i], &changed, err);
        if (ok && changed) {
            add_subject(subjects, n, list[i]);
        }
    }
    return ok;
}

bool line_approve_round(struct db *db, struct wh_arena *a,
                        const struct line_house *h, struct wh_str *subjects,
                        size_t *n, struct wh_err *err)
{
    struct db_stmt *s;
    *n = 0;
    if (!open_ripe(db, a, h, subjects, n, err) ||
        !end_what_ran_out(db, a, h, subjects, n, err)) {
        return false;
    }
    s = db_start(db, DBQ_PROPOSAL_VOID_OLD);
    db_bind_i64(s, 1, h->now / 1000000);
    return db_exec(s, err);
}

/* ---- appeals ---- */

static bool may_appeal(struct db *db, const struct line_row *row,
                       int64_t account, int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_APPEAL_OF_ACCOUNT);
    int64_t all = 0, same = 0;
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, row->id);
    db_bind_i64(s, 3, now);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        all = db_col_i64(s, 0);
        same = db_col_i64(s, 1);
    }
    db_finish(&s);
    if (r != DB_ROW) {
        return false;
    }
    if (same > 0) {
        return wh_fail(err, WH_CONFLICT,
                       "your appeal against this decision waits for its answer "
                       "already");
    }
    return all < LINE_APPEALS_MAX ||
           wh_fail(err, WH_RATE_LIMITED,
                   "%d appeals of yours wait for an answer already",
                   LINE_APPEALS_MAX);
}

bool line_appeal(struct db *db, struct wh_arena *a, const struct line_house *h,
                 const struct line_row *row, int64_t account,
                 struct wh_str text, struct wh_str *public_id,
                 struct wh_err *err)
{
    json_t *leaf = wh_json_own(a, json_object());
    int64_t due = h->now / 1000000 + RULE_ANSWER_S, outbox, id;
    struct line_row now;
    bool found;
    if (text.n == 0 || text.n > LINE_APPEAL_MAX) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "an appeal says why, in at most %d bytes",
                       LINE_APPEAL_MAX);
    }
    if (!line_current(db, a, row->subject, row->repo, &found, &now, err)) {
        return false;
    }
    if (!found || now.id != row->id || row->until == 0) {
        return wh_fail(err, WH_REFUSED,
                       "this decision closes nothing now: there is nothing to "
                       "appeal against");
    }
    if (!may_appeal(db, row, account, h->now / 1000000, err)) {
        return false;
    }
    json_object_set_new(leaf, "type", json_string("appeal"));
    json_object_set_new(leaf, "decision", json_integer((json_int_t)row->index));
    json_object_set_new(leaf, "due", json_integer((json_int_t)due));
    if (!line_submit_about(db, a, leaf, row->subject, WH_S(""), row->repo,
                           &outbox, err)) {
        return false;
    }
    *public_id = wh_arena_dup(
        a, wh_str_of(json_string_value(json_object_get(leaf, "id"))));
    struct db_stmt *s = db_start(db, DBQ_APPEAL_ADD);
    db_bind_text(s, 1, *public_id);
    db_bind_i64(s, 2, row->id);
    db_bind_text(s, 3, row->subject);
    db_bind_i64(s, 4, row->repo);
    db_bind_i64(s, 5, account);
    db_bind_text(s, 6, text);
    db_bind_i64(s, 7, due);
    db_bind_i64(s, 8, outbox);
    db_bind_i64(s, 9, h->now);
    return db_one_i64(s, 0, &id, err);
}
