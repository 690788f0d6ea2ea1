/*
 * desk.c - the roster, proposals and signatures as API and pages give them.
 */
#include "front/desk.h"
#include "base/enc.h"
#include "hub/approvals.h"
#include "hub/view.h"

#define LIST_MAX 50u

static bool read_rosters(struct front_req *q, struct line_roster **list,
                         size_t *n, struct wh_err *err)
{
    struct register_status status;

    register_status_get(q->house->log, &status);
    return line_rosters(q->db, q->a, status.size, list, n, err);
}

/* ---- who may decide ---- */

/* "SHA256:<base64>", as `ssh-keygen -l` prints it. */
static json_t *print_of(const struct rule_key *key)
{
    uint8_t raw[WH_SHA256_LEN];
    struct wh_str s;
    struct wh_buf b;
    json_t *out;

    if (!wh_hex_dec(wh_str_of(key->digest), raw, sizeof raw, false)) {
        return json_null();
    }
    wh_buf_init(&b, 128);
    wh_buf_cstr(&b, "SHA256:");
    wh_buf_base64(&b, raw, sizeof raw);
    s = wh_buf_str(&b);
    out = wh_json_str(wh_str_sub(s, 0, s.n - 1)); /* without its padding */
    wh_buf_done(&b);
    return out;
}

/* The entry since which an approver is there without a break. */
static json_int_t since(const struct line_roster *list, size_t n,
                        struct wh_str id)
{
    size_t i = n - 1;

    while (i > 0 && rule_roster_approver(list[i - 1].r, id) != SIZE_MAX) {
        i--;
    }
    return (json_int_t)list[i].index;
}

static json_t *view_approver(const struct line_roster *list, size_t n, size_t i)
{
    const struct rule_roster *r = list[n - 1].r;
    const struct rule_approver *a = &r->approvers[i];
    json_t *keys = json_array();

    for (size_t k = 0; k < r->n_keys; k++) {
        if (r->keys[k].approver == i) {
            json_array_append_new(keys,
                                  json_pack("{s:o,s:s,s:o}", "key",
                                            wh_json_str(r->keys[k].line),
                                            "fingerprint", r->keys[k].digest,
                                            "print", print_of(&r->keys[k])));
        }
    }
    return json_pack("{s:o,s:o,s:b,s:b,s:I,s:o}", "id", wh_json_str(a->id),
                     "affiliation", wh_json_str(a->affiliation), "outside",
                     (int)a->outside, "demo", (int)a->demo, "since",
                     since(list, n, a->id), "keys", keys);
}

/* Does an approver have the very same keys in both? */
static bool same_keys(const struct rule_roster *x, size_t i,
                      const struct rule_roster *y, size_t k)
{
    size_t n = 0, m = 0;

    for (size_t j = 0; j < y->n_keys; j++) {
        m += y->keys[j].approver == k;
    }
    for (size_t j = 0; j < x->n_keys; j++) {
        if (x->keys[j].approver == i) {
            size_t at = rule_roster_key(y, wh_str_of(x->keys[j].digest));
            if (at == SIZE_MAX || y->keys[at].approver != k) {
                return false;
            }
            n++;
        }
    }
    return n == m;
}

/* Ids of `in` that are not in `before`; or are, with other keys. */
static json_t *differing(const struct rule_roster *in,
                         const struct rule_roster *before, bool rekeyed)
{
    json_t *list = json_array();

    for (size_t i = 0; i < in->n_approvers; i++) {
        struct wh_str id = in->approvers[i].id;
        size_t k = before ? rule_roster_approver(before, id) : SIZE_MAX;
        if (rekeyed ? k != SIZE_MAX && !same_keys(in, i, before, k)
                    : k == SIZE_MAX) {
            json_array_append_new(list, wh_json_str(id));
        }
    }
    return list;
}

static bool view_change(struct front_req *q, const struct line_roster *list,
                        size_t i, json_t *out, struct wh_err *err)
{
    const struct rule_roster *r = list[i].r;
    const struct rule_roster *before = i > 0 ? list[i - 1].r : NULL;
    json_t *o = json_object(), *leaf;

    wh_assert(r);
    json_array_append_new(out, o);
    if (!wh_json_parse(q->a, list[i].leaf, &leaf, err)) {
        return false;
    }
    json_object_set_new(o, "version", json_integer(r->version));
    json_object_set_new(o, "index", json_integer(list[i].index));
    json_object_set_new(
        o, "at",
        hub_view_time(json_integer_value(json_object_get(leaf, "t")) *
                      1000000));
    json_object_set_new(o, "quorum", json_integer(r->quorum[RULE_ACT_OPEN]));
    json_object_set_new(o, "cooling_off", json_integer(r->cooling_off));
    json_object_set_new(o, "approvers",
                        json_integer((json_int_t)r->n_approvers));
    json_object_set_new(o, "affiliations",
                        json_integer((json_int_t)r->affiliations));
    json_object_set_new(o, "digest", json_sprintf("sha256:%s", r->digest));
    json_object_set_new(o, "joined", differing(r, before, false));
    json_object_set_new(o, "left",
                        before ? differing(before, r, false) : json_array());
    json_object_set_new(o, "rekeyed", differing(r, before, true));
    return true;
}

static json_t *view_quorums(const struct rule_roster *r)
{
    json_t *o = json_object();

    for (int i = 0; r && i < RULE_ACT_COUNT; i++) {
        const struct rule_act_row *act = rule_act_row((enum rule_act)i);
        if (act->takes == RULE_TAKES_QUORUM) {
            json_object_set_new(o, act->word, json_integer(r->quorum[i]));
        }
    }
    return o;
}

bool front_desk_roster(struct front_req *q, json_t **out, struct wh_err *err)
{
    json_t *o = wh_json_own(q->a, json_object()), *people = json_array();
    json_t *history = json_array();
    struct line_roster *list;
    size_t n;

    json_object_set_new(o, "approvers", people);
    json_object_set_new(o, "history", history);
    if (!read_rosters(q, &list, &n, err)) {
        return false;
    }
    const struct rule_roster *r = n > 0 ? list[n - 1].r : NULL;
    for (size_t i = 0; r && i < r->n_approvers; i++) {
        json_array_append_new(people, view_approver(list, n, i));
    }
    for (size_t i = n; i > 0; i--) {
        if (!view_change(q, list, i - 1, history, err)) {
            return false;
        }
    }
    json_object_set_new(o, "self_run", json_boolean(!r || r->self_run));
    json_object_set_new(o, "demo", json_boolean(r && r->demo));
    json_object_set_new(o, "version", json_integer(r ? r->version : 0));
    json_object_set_new(o, "affiliations",
                        json_integer(r ? (json_int_t)r->affiliations : 0));
    json_object_set_new(o, "quorum",
                        json_integer(r ? r->quorum[RULE_ACT_OPEN] : 0));
    json_object_set_new(o, "quorums", view_quorums(r));
    json_object_set_new(o, "cooling_off", json_integer(r ? r->cooling_off : 0));
    json_object_set_new(o, "index",
                        r ? json_integer(list[n - 1].index) : json_null());
    json_object_set_new(o, "digest",
                        r ? json_sprintf("sha256:%s", r->digest) : json_null());
    json_object_set_new(o, "roster",
                        r ? wh_json_str(list[n - 1].doc) : json_null());
    *out = o;
    return true;
}

/* ---- proposals ---- */

static const char *const STATES[] = {"signing", "cooling-off", "done", "void"};

struct viewing {
    struct front_req *q;
    struct line_roster *rosters;
    size_t n;
};

/* The roster that a statement was made under, or null. */
static const struct rule_roster *roster_of(const struct viewing *v,
                                           struct wh_str text)
{
    struct rule_statement st;
    struct wh_err ignored = {0};

    if (!rule_statement_read(text, &st, &ignored)) {
        return NULL;
    }
    for (size_t i = 0; i < v->n; i++) {
        if (v->rosters[i].r->version == st.roster) {
            return v->rosters[i].r;
        }
    }
    return NULL;
}

static json_t *takes_words(const struct rule_roster *r, enum rule_act act)
{
    if (!r) {
        return json_string("every key that it names");
    }
    return rule_act_row(act)->takes == RULE_TAKES_ONE
               ? json_string("one approver")
               : json_sprintf("%u affiliations%s", r->quorum[act],
                              act == RULE_ACT_ROSTER
                                  ? ", and every key that is new"
                                  : "");
}

static json_t *view_signature(const struct line_signature_row *row)
{
    struct wh_buf b;
    json_t *o;

    wh_buf_init(&b, CRYPTO_SSHSIG_TEXT);
    crypto_sshsig_armor(row->sig, &b);
    o = json_pack("{s:o,s:o,s:o,s:o,s:o}", "approver",
                  wh_json_str(row->approver), "affiliation",
                  wh_json_str(row->affiliation), "key", wh_json_str(row->key),
                  "signature", wh_json_str(wh_buf_str(&b)), "at",
                  hub_view_time(row->created));
    wh_buf_done(&b);
    return o;
}

static bool add_signatures(const struct viewing *v,
                           const struct line_proposal *p,
                           const struct rule_roster *r, json_t *o,
                           struct wh_err *err)
{
    json_t *yes = json_array(), *no = json_array();
    struct line_signature_row *rows;
    struct rule_weight w = {0};
    uint32_t keys = 0;
    size_t n;

    json_object_set_new(o, "approvals", yes);
    json_object_set_new(o, "dissent", no);
    if (!line_proposal_signatures(v->q->db, v->q->a, p->id, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = r ? rule_roster_key(r, rows[i].key) : SIZE_MAX;
        json_array_append_new(rows[i].dissent ? no : yes,
                              view_signature(&rows[i]));
        keys |= at != SIZE_MAX && !rows[i].dissent ? UINT32_C(1) << at : 0;
    }
    if (r) {
        rule_roster_weigh(r, keys, &w);
    }
    json_object_set_new(o, "affiliations", json_integer(w.affiliations));
    return true;
}

static bool view_proposal(const struct viewing *v,
                          const struct line_proposal *p, json_t **out,
                          struct wh_err *err)
{
    const struct rule_roster *r = roster_of(v, p->text);
    json_t *o = wh_json_own(v->q->a, json_object());

    if (!add_signatures(v, p, r, o, err)) {
        return false;
    }
    json_object_set_new(o, "id",
                        p->id ? wh_json_str(p->public_id) : json_null());
    json_object_set_new(o, "digest", wh_json_str(p->digest));
    json_object_set_new(o, "act", json_string(rule_act_word(p->act)));
    json_object_set_new(o, "does", json_string(rule_act_row(p->act)->words));
    json_object_set_new(o, "state",
                        json_string(p->id ? STATES[p->state] : "draft"));
    json_object_set_new(o, "takes", takes_words(r, p->act));
    json_object_set_new(o, "subject",
                        p->subject.n ? wh_json_str(p->subject) : json_null());
    json_object_set_new(o, "statement", wh_json_str(p->text));
    json_object_set_new(o, "roster",
                        p->paper.n ? wh_json_str(p->paper) : json_null());
    json_object_set_new(o, "void_after", hub_view_time(p->not_after * 1000000));
    json_object_set_new(o, "opens_at",
                        p->due ? hub_view_time(p->due * 1000000) : json_null());
    json_object_set_new(o, "created",
                        p->id ? hub_view_time(p->created) : json_null());
    *out = o;
    return true;
}

bool front_desk_proposals(struct front_req *q, json_t **out, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array()), *one;
    struct viewing v = {.q = q};
    struct line_proposal *rows;
    size_t n;

    if (!read_rosters(q, &v.rosters, &v.n, err) ||
        !line_proposals(q->db, q->a, INT64_MAX, false, LIST_MAX, &rows, &n,
                        err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!view_proposal(&v, &rows[i], &one, err)) {
            return false;
        }
        json_array_append(list, one);
    }
    *out = list;
    return true;
}

bool front_desk_proposal(struct front_req *q, struct wh_str id, json_t **out,
                         struct wh_err *err)
{
    struct viewing v = {.q = q};
    struct line_proposal p;

    if (!line_proposal_get(q->db, q->a, id, &p, err)) {
        return false;
    }
    if (p.repo != 0 && !front_req_sees_private(q)) {
        return wh_fail(err, WH_NOT_FOUND, "there is no such proposal");
    }
    return read_rosters(q, &v.rosters, &v.n, err) &&
           view_proposal(&v, &p, out, err);
}

bool front_desk_statement(struct front_req *q, struct wh_str text,
                          struct wh_str paper, json_t **out, struct wh_err *err)
{
    struct line_proposal p = {.text = text, .paper = paper};
    struct viewing v = {.q = q};
    char digest[WH_SHA256_HEX + 1];
    struct rule_statement st;
    struct wh_err why = {0};

    wh_sha256_hex_of(text, digest);
    p.digest = wh_arena_dup(q->a, wh_str_of(digest));
    if (!rule_statement_read(text, &st, err)) {
        return false;
    }
    if (front_desk_proposal(q, p.digest, out, &why)) {
        return true;
    }
    if (why.code != WH_NOT_FOUND) {
        *err = why;
        return false;
    }
    p.act = st.act;
    p.not_after = st.not_after;
    p.subject = rule_act_row(st.act)->about_subject ? st.subject : WH_S("");
    return read_rosters(q, &v.rosters, &v.n, err) &&
           view_proposal(&v, &p, out, err);
}

/* ---- drafting, signing ---- */

bool front_desk_draft(struct front_req *q, const struct line_asking *asking,
                      json_t **out, struct wh_err *err)
{
    char digest[WH_SHA256_HEX + 1], confirm[RULE_CONFIRM_MAX];
    struct rule_statement st;
    struct line_house h;
    struct wh_str text;

    line_house_make(q->a, q->house->log, &q->house->lines,
                    q->house->approvals.software, &h);
    if (!line_draft(q->db, q->a, &h, asking, &text, err) ||
        !rule_statement_read(text, &st, err)) {
        return false;
    }
    wh_sha256_hex_of(text, digest);
    rule_statement_confirm(st.act, st.subject, confirm);
    *out = wh_json_own(q->a, json_pack("{s:o,s:s,s:s,s:s}", "statement",
                                       wh_json_str(text), "digest", digest,
                                       "namespace", RULE_NS_DECISION, "confirm",
                                       confirm));
    return true;
}

/* Before there are approvers anybody could make some up who agree with each
 * other, so the statement that founds them is filed by an operator, who can do
 * that anyway. All keys that it names sign it then, as whoever they come. */
static bool may_found(struct front_req *q, const struct line_signing *in,
                      struct wh_err *err)
{
    char digest[WH_SHA256_HEX + 1];
    struct line_roster *list;
    struct line_proposal p;
    struct wh_err why = {0};
    size_t n;

    if (!read_rosters(q, &list, &n, err)) {
        return false;
    }
    wh_sha256_hex_of(in->text, digest);
    if (n > 0 || line_proposal_get(q->db, q->a, wh_str_of(digest), &p, &why)) {
        return true;
    }
    if (why.code != WH_NOT_FOUND) {
        *err = why;
        return false;
    }
    return (q->signed_in && q->who.account.is_operator &&
            front_req_credential(q, STORE_ROLE_ADMIN, &why)) ||
           wh_fail(err, WH_FORBIDDEN,
                   "this house has no approvers yet: the statement that founds "
                   "them is handed in by an operator, signed in or with a "
                   "token of the role admin, with its first signature");
}

bool front_desk_sign(struct front_req *q, struct line_signing *in,
                     struct wh_str armour, json_t **out, struct wh_err *err)
{
    struct line_signed done;

    if (!crypto_sshsig_unarmor(q->a, armour, &in->sig, err) ||
        !may_found(q, in, err) ||
        !hub_approvals_sign(&q->house->approvals, q->a, in, &done, err)) {
        return false;
    }
    *out = wh_json_own(
        q->a, json_pack("{s:o,s:o,s:b,s:s}", "id", wh_json_str(done.proposal),
                        "approver", wh_json_str(done.approver), "dissent",
                        (int)done.dissent, "state", STATES[done.state]));
    return true;
}

/* ---- objecting ---- */

struct appealing {
    struct wh_arena *a;
    struct line_house h;
    struct line_row row;
    int64_t account;
    struct wh_str text, id;
};

static bool appeal_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct appealing *x = ctx;
    return line_appeal(db, x->a, &x->h, &x->row, x->account, x->text, &x->id,
                       err);
}

bool front_desk_appeal(struct front_req *q, struct wh_str decision,
                       struct wh_str text, struct wh_str *id,
                       struct wh_err *err)
{
    struct appealing x = {
        .a = q->a, .account = q->who.account.id, .text = text};

    line_house_make(q->a, q->house->log, &q->house->lines,
                    q->house->approvals.software, &x.h);
    if (!line_by_id(q->db, q->a, decision, &x.row, err)) {
        return false;
    }
    if (x.row.repo != 0) {
        return wh_fail(err, WH_NOT_FOUND, "there is no such decision");
    }
    if (!db_write(q->house->writer, appeal_fn, &x, err)) {
        return false;
    }
    register_kick(q->house->log);
    *id = x.id;
    return true;
}
