/* Unit tests of line/approve.h on a real database: who decides what, with real
 * signatures of every kind of key, and what time does. */
#include "base/time.h"
#include "base/unit.h"
#include "crypto/testing.h"
#include "db/testdb.h"
#include "line/approve.h"
#include "line/testing.h"
#include "rule/floor.h"

#define MANIFEST                                                              \
    "{\"files\":[{\"part\":\"weights\",\"path\":\"model.safetensors\","       \
    "\"sha256\":\"2222222222222222222222222222222222222222222222222222222222" \
    "222222\",\"size\":8}],\"v\":1}"
#define FILE_DIGEST \
    "2222222222222222222222222222222222222222222222222222222222222222"
#define DAY RULE_DAY_S
#define SIZE 100000

static const struct {
    const char *id, *affiliation;
    enum crypto_ssh_type type;
    bool outside;
} PEOPLE[] = {{"ada", "north", CRYPTO_SSH_ED25519, false},
              {"bea", "north", CRYPTO_SSH_SK_ED25519, false},
              {"cid", "south", CRYPTO_SSH_P256, false},
              {"dan", "west", CRYPTO_SSH_SK_P256, true},
              {"eve", "east", CRYPTO_SSH_ED25519, false}};
#define NPEOPLE (sizeof PEOPLE / sizeof *PEOPLE)

struct house {
    struct testdb t;
    struct wh_arena a;
    struct line_set set;
    struct testssh keys[NPEOPLE];
    uint32_t counter;
    char subject[WH_SHA256_HEX + 1];
    int64_t start; /* seconds */
    struct line_house h;
};

/* What the sequencer does, without tree and files: the oldest event that waits
 * becomes the next entry. */
static bool sequence_one(struct db *db, int64_t *outbox, struct wh_err *err)
{
    struct wh_arena a;
    int64_t index = -1;
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_LAST);
    enum db_row r = db_step(s, err);
    index = r == DB_ROW ? db_col_i64(s, 0) : -1;
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    wh_arena_init(&a, 1U << 20);
    s = db_start(db, DBQ_REGISTER_OUTBOX_TAKE);
    db_bind_i64(s, 1, 1);
    r = db_step(s, err);
    *outbox = r == DB_ROW ? db_col_i64(s, 0) : 0;
    if (r == DB_ROW) {
        struct db_stmt *e = db_start(db, DBQ_REGISTER_ENTRY_ADD);
        db_bind_i64(e, 1, index + 1);
        db_bind_i64(e, 2, *outbox);
        db_bind_text(e, 3, db_col_text(s, 1));
        db_bind_i64(e, 4, db_col_i64(s, 2));
        db_bind_blob(e, 5, db_col_blob(s, 4).p, db_col_blob(s, 4).n);
        db_bind_blob(e, 6, db_col_blob(s, 5).p, db_col_blob(s, 5).n);
        db_bind_i64(e, 7, 1);
        r = db_exec(e, err) ? DB_ROW : DB_FAIL;
    }
    db_finish(&s);
    wh_arena_done(&a);
    if (r != DB_ROW) {
        return r == DB_DONE;
    }
    s = db_start(db, DBQ_REGISTER_OUTBOX_DROP);
    db_bind_i64(s, 1, *outbox);
    return db_exec(s, err);
}

static bool publish_all(struct db *db, void *ctx, struct wh_err *err)
{
    int64_t outbox = 1;
    size_t n;
    (void)ctx;
    while (outbox != 0) {
        if (!sequence_one(db, &outbox, err)) {
            return false;
        }
    }
    return line_decisions_catch_up(db, SIZE, 1, &n, err);
}

static void publish(struct house *h)
{
    struct wh_err err;
    unit_ok(db_tx(h->t.db, publish_all, NULL, &err), err);
}

static bool keep_subject(struct db *db, void *ctx, struct wh_err *err)
{
    struct house *h = ctx;
    struct line_kept kept;
    struct line_decision *d = WH_NEW(&h->a, struct line_decision);
    struct line_question q = {.subject = wh_str_of(h->subject),
                              .evidence =
                                  line_testing_evidence(&h->a, "134515008"),
                              .now = h->start};
    return line_subject_keep(db, q.subject, WH_S(MANIFEST), 1, err) &&
           line_decide(&h->a, &h->set, &q, d, err) &&
           line_decision_keep(db, &h->a, d, 0, 1, &kept, err);
}

static int up(void **state)
{
    static struct house h;
    struct wh_err err;
    h = (struct house){.counter = 1, .start = wh_now_us() / 1000000};
    testdb_open(&h.t);
    wh_arena_init(&h.a, 256U << 20);
    for (size_t i = 0; i < NPEOPLE; i++) {
        testssh_key(&h.a, PEOPLE[i].type, (uint8_t)(i + 1), &h.keys[i]);
    }
    line_testing_set(&h.a, "limited.default demo.low", "", &h.set);
    wh_sha256_hex_of(WH_S(MANIFEST), h.subject);
    h.h = (struct line_house){
        .origin = WH_S("weighhouse.local/0123456789abcdef"),
        .size = SIZE,
        .root = WH_S("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        .lines = &h.set,
        .software = "0.1.0",
        .now = h.start * 1000000};
    unit_ok(db_tx(h.t.db, keep_subject, &h, &err), err);
    publish(&h);
    *state = &h;
    return 0;
}

static int down(void **state)
{
    struct house *h = *state;
    for (size_t i = 0; i < NPEOPLE; i++) {
        testssh_done(&h->keys[i]);
    }
    wh_arena_done(&h->a);
    testdb_close(&h->t);
    return 0;
}

/* ---- steps ---- */

static void later(struct house *h, int64_t seconds)
{
    h->h.now += seconds * 1000000;
}

/* A draft that must come about. */
static struct wh_str draft(struct house *h, enum rule_act act,
                           struct wh_str paper)
{
    static const struct wh_str rules[] = {WH_SI("demo.low/size")};
    static const struct wh_str reasons[] = {WH_SI("for the test")};
    const struct line_asking q = {
        .act = act,
        .subject = paper.n ? WH_S("") : wh_str_of(h->subject),
        .tier = RULE_TIER_HELD,
        .rules = rules,
        .n_rules = rule_act_row(act)->about_subject ? 1 : 0,
        .reasons = reasons,
        .n_reasons = 1,
        .paper = paper};
    struct wh_err err;
    struct wh_str text;
    unit_ok(line_draft(h->t.db, &h->a, &h->h, &q, &text, &err), err);
    return text;
}

struct signing {
    struct house *h;
    struct line_signing in;
    struct line_signed out;
};

static bool sign_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct signing *s = ctx;
    return line_sign(db, &s->h->a, &s->h->h, &s->in, &s->out, err);
}

struct how {
    const char *ns;
    struct testssh_how key;
    bool silent; /* nothing is typed */
    bool slow;   /* the register has not published anything since */
};

static enum wh_code sign_how(struct house *h, struct wh_str text, char who,
                             struct wh_str paper, const struct how *how,
                             struct line_signed *out)
{
    struct signing s = {.h = h};
    struct wh_err err = {0};
    struct rule_statement st;
    char confirm[RULE_CONFIRM_MAX] = "";
    struct testssh_how key = how ? how->key : (struct testssh_how){0};
    key.counter = key.counter ? key.counter : h->counter++;
    if (rule_statement_read(text, &st, &err)) {
        rule_statement_confirm(st.act, st.subject, confirm);
    }
    err = (struct wh_err){0};
    s.in.text = text;
    s.in.paper = paper;
    s.in.confirm = how && how->silent ? WH_S("yes") : wh_str_of(confirm);
    s.in.sig =
        testssh_sign(&h->a, &h->keys[who - 'a'],
                     how && how->ns ? how->ns : RULE_NS_DECISION, text, &key);
    bool ok = db_tx(h->t.db, sign_fn, &s, &err);
    assert_true(ok == (err.code == WH_NONE));
    if (out) {
        *out = s.out;
    }
    if (!how || !how->slow) {
        publish(h);
    }
    return err.code;
}

/* Everybody of `who` signs; all must be taken; the state after the last. */
static enum line_proposal_state sign(struct house *h, struct wh_str text,
                                     const char *who, struct wh_str paper)
{
    struct line_signed out = {0};
    for (; *who; who++) {
        enum wh_code code = sign_how(h, text, *who, paper, NULL, &out);
        if (code != WH_NONE) {
            print_error("%c: %s\n", *who, wh_err_row(code)->name);
            fail();
        }
    }
    return out.state;
}

static struct wh_str roster(struct house *h, int version, const char *before,
                            const char *who)
{
    json_t *doc = wh_json_own(&h->a, json_object()), *list = json_array();
    struct wh_buf b;
    struct wh_err err;
    for (; *who; who++) {
        size_t i = (size_t)(*who - 'a');
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:[o],s:b,s:b}", "id", PEOPLE[i].id,
                            "affiliation", PEOPLE[i].affiliation, "keys",
                            wh_json_str(h->keys[i].line), "outside",
                            (int)PEOPLE[i].outside, "demo", 0));
    }
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "type", json_string("roster"));
    json_object_set_new(doc, "version", json_integer(version));
    json_object_set_new(doc, "previous",
                        before ? json_sprintf("sha256:%s", before)
                               : json_null());
    json_object_set_new(doc, "quorum", json_integer(2));
    json_object_set_new(doc, "quorums", json_object());
    json_object_set_new(doc, "cooling_off", json_integer(DAY));
    json_object_set_new(doc, "approvers", list);
    wh_buf_init(&b, RULE_ROSTER_TEXT_MAX);
    unit_ok(wh_json_canonical(&b, doc, &err), err);
    struct wh_str s = wh_arena_dup(&h->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return s;
}

static void found(struct house *h, const char *who)
{
    struct wh_str paper = roster(h, 1, NULL, who);
    struct wh_str text = draft(h, RULE_ACT_ROSTER, paper);
    assert_int_equal(sign(h, text, who, paper), LINE_PROPOSAL_DONE);
}

struct round {
    struct house *h;
    struct wh_str subjects[LINE_ROUND_MAX];
    size_t n;
};

static bool round_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct round *r = ctx;
    return line_approve_round(db, &r->h->a, &r->h->h, r->subjects, &r->n, err);
}

static size_t sweep(struct house *h)
{
    struct round r = {.h = h};
    struct wh_err err;
    unit_ok(db_tx(h->t.db, round_fn, &r, &err), err);
    publish(h);
    return r.n;
}

static struct line_row now(struct house *h)
{
    struct line_row row;
    struct wh_err err;
    bool there;
    unit_ok(line_current(h->t.db, &h->a, wh_str_of(h->subject), 0, &there, &row,
                         &err),
            err);
    assert_true(there);
    return row;
}

static enum rule_tier weights(struct house *h)
{
    return now(h).tiers.part[RULE_PART_WEIGHTS];
}

static bool is_closed(struct house *h)
{
    struct line_row row;
    struct wh_err err;
    bool closed;
    unit_ok(line_closed_find(h->t.db, &h->a, WH_S(FILE_DIGEST), 7, &closed,
                             &row, &err),
            err);
    return closed;
}

/* ---- tests ---- */

static void nobody_decides_alone(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct wh_str text;
    const struct line_asking q = {.act = RULE_ACT_OPEN,
                                  .subject = wh_str_of(h->subject)};
    unit_fails(line_draft(h->t.db, &h->a, &h->h, &q, &text, &err), err,
               WH_REFUSED);
    assert_int_equal(weights(h), RULE_TIER_HELD);
}

static void founding(void **state)
{
    struct house *h = *state;
    struct wh_str paper = roster(h, 1, NULL, "abcd"), other;
    struct wh_str text = draft(h, RULE_ACT_ROSTER, paper);
    struct line_roster *list;
    struct wh_err err;
    size_t n;
    assert_int_equal(sign(h, text, "abc", paper), LINE_PROPOSAL_SIGNING);
    assert_int_equal(sign_how(h, text, 'e', paper, NULL, NULL), WH_FORBIDDEN);
    assert_int_equal(sign_how(h, text, 'a', paper, NULL, NULL), WH_CONFLICT);
    unit_ok(line_rosters(h->t.db, &h->a, SIZE, &list, &n, &err), err);
    assert_int_equal(n, 0);
    assert_int_equal(sign(h, text, "d", paper), LINE_PROPOSAL_DONE);
    unit_ok(line_rosters(h->t.db, &h->a, SIZE, &list, &n, &err), err);
    assert_int_equal(n, 1);
    /* one founding only */
    other = roster(h, 1, NULL, "ae");
    assert_int_equal(sign_how(h, text, 'a', paper, NULL, NULL), WH_FORBIDDEN);
    const struct line_asking q = {.act = RULE_ACT_ROSTER, .paper = other};
    unit_fails(line_draft(h->t.db, &h->a, &h->h, &q, &text, &err), err,
               WH_BAD_REQUEST);
}

static void roster_changes(void **state)
{
    struct house *h = *state;
    struct line_roster *list;
    struct wh_err err;
    size_t n;
    found(h, "abcd");
    unit_ok(line_rosters(h->t.db, &h->a, SIZE, &list, &n, &err), err);
    struct wh_str paper = roster(h, 2, list[0].r->digest, "acde");
    struct wh_str text = draft(h, RULE_ACT_ROSTER, paper);
    assert_int_equal(sign(h, text, "ab", paper), LINE_PROPOSAL_SIGNING);
    assert_int_equal(sign(h, text, "c", paper), LINE_PROPOSAL_SIGNING);
    assert_int_equal(sign(h, text, "e", paper), LINE_PROPOSAL_DONE);
    unit_ok(line_rosters(h->t.db, &h->a, SIZE, &list, &n, &err), err);
    assert_int_equal(n, 2);
    text = draft(h, RULE_ACT_HOST, WH_S(""));
    assert_int_equal(sign_how(h, text, 'b', WH_S(""), NULL, NULL),
                     WH_FORBIDDEN); /* who left */
    assert_int_equal(sign(h, text, "ae", WH_S("")), LINE_PROPOSAL_DONE);
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
}

static void opening(void **state)
{
    struct house *h = *state;
    json_t *leaf;
    struct wh_err err;
    struct line_signature_row *rows;
    struct line_proposal p;
    size_t n;
    found(h, "abcd");
    struct wh_str text = draft(h, RULE_ACT_OPEN, WH_S(""));
    assert_int_equal(sign(h, text, "ab", WH_S("")), LINE_PROPOSAL_SIGNING);
    assert_int_equal(
        sign_how(h, text, 'c', WH_S(""), &(struct how){.silent = true}, NULL),
        WH_REFUSED);
    assert_int_equal(sign_how(h, text, 'd', WH_S(""),
                              &(struct how){.ns = RULE_NS_DISSENT}, NULL),
                     WH_NONE);
    assert_int_equal(sign(h, text, "c", WH_S("")), LINE_PROPOSAL_APPROVED);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    assert_int_equal(sweep(h), 0); /* the delay runs */
    later(h, DAY);
    assert_int_equal(sweep(h), 0); /* and one second more */
    later(h, 1);
    assert_int_equal(sweep(h), 1);
    assert_int_equal(weights(h), RULE_TIER_OPEN);
    struct line_row row = now(h);
    assert_int_equal(row.made_by, LINE_MADE_BY_APPROVERS);
    assert_int_equal(row.until, 0);
    unit_ok(register_leaf_parse(&h->a, row.leaf, &leaf, &err), err);
    assert_int_equal(json_integer_value(json_object_get(leaf, "approvals")), 3);
    assert_int_equal(json_integer_value(json_object_get(leaf, "affiliations")),
                     2);
    assert_int_equal(json_integer_value(json_object_get(leaf, "dissents")), 1);
    unit_ok(line_proposal_of(h->t.db, &h->a, row.proposal, &p, &err), err);
    unit_ok(line_proposal_signatures(h->t.db, &h->a, p.id, &rows, &n, &err),
            err);
    assert_int_equal(n, 4);
    /* it is used up */
    assert_int_equal(sign_how(h, text, 'd', WH_S(""), NULL, NULL), WH_CONFLICT);
}

static void signatures_refused(void **state)
{
    struct house *h = *state;
    struct how ROWS[] = {
        {.ns = "git"},
        {.ns = "approval@weighhouse"},
        {.key = {.no_flags = true, .counter = 90}},
        {.key = {.flags = CRYPTO_SSH_VERIFIED, .counter = 90}},
    };
    found(h, "abcd");
    struct wh_str text = draft(h, RULE_ACT_HOST, WH_S(""));
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        assert_int_equal(sign_how(h, text, 'b', WH_S(""), &ROWS[i], NULL),
                         WH_FORBIDDEN);
    }
    /* a key that counts backwards is a copy */
    struct how high = {.key = {.counter = 100}}, low = {.key = {.counter = 99}};
    assert_int_equal(sign_how(h, text, 'b', WH_S(""), &high, NULL), WH_NONE);
    struct wh_str text2 = draft(h, RULE_ACT_HOST, WH_S(""));
    assert_int_equal(sign_how(h, text2, 'b', WH_S(""), &low, NULL),
                     WH_FORBIDDEN);
    h->counter = 200;
    /* of another house */
    h->h.origin = WH_S("weighhouse.local/ffffffffffffffff");
    assert_int_equal(sign_how(h, text, 'c', WH_S(""), NULL, NULL),
                     WH_FORBIDDEN);
    h->h.origin = WH_S("weighhouse.local/0123456789abcdef");
    /* expired */
    later(h, 15 * DAY);
    assert_int_equal(sign_how(h, text, 'c', WH_S(""), NULL, NULL),
                     WH_FORBIDDEN);
    later(h, -14 * DAY);
    assert_int_equal(sign(h, text, "c", WH_S("")), LINE_PROPOSAL_DONE);
    /* made against what has passed: the second one ends another decision */
    assert_int_equal(sign_how(h, text2, 'c', WH_S(""), NULL, NULL),
                     WH_CONFLICT);
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
}

static void emergency(void **state)
{
    struct house *h = *state;
    found(h, "abcd");
    sign(h, draft(h, RULE_ACT_HOST, WH_S("")), "ac", WH_S(""));
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
    assert_false(is_closed(h));
    assert_int_equal(sign(h, draft(h, RULE_ACT_CLOSE, WH_S("")), "b", WH_S("")),
                     LINE_PROPOSAL_DONE);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    assert_int_equal(now(h).made_by, LINE_MADE_BY_EMERGENCY);
    assert_true(is_closed(h));
    later(h, RULE_EMERGENCY_S - 1);
    assert_int_equal(sweep(h), 0);
    later(h, 1);
    assert_int_equal(sweep(h), 1);
    assert_int_equal(weights(h), RULE_TIER_HOSTED); /* what was granted */
    assert_false(is_closed(h));
    /* not again by one */
    assert_int_equal(sign_how(h, draft(h, RULE_ACT_CLOSE, WH_S("")), 'a',
                              WH_S(""), NULL, NULL),
                     WH_REFUSED);
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
    later(h, RULE_GRANT_MAX_S); /* and a grant ends as well */
    assert_int_equal(sweep(h), 1);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    assert_int_equal(now(h).made_by, LINE_MADE_BY_LINE);
}

/* What was granted before a line came into force does not come back. */
static void another_line(void **state)
{
    struct house *h = *state;
    struct wh_str none = WH_S("");
    found(h, "abcd");
    sign(h, draft(h, RULE_ACT_HOST, none), "ac", none);
    sign(h, draft(h, RULE_ACT_CLOSE, none), "b", none);
    line_testing_set(&h->a, "limited.default demo.low hold.unknown", "",
                     &h->set);
    later(h, RULE_EMERGENCY_S);
    assert_int_equal(sweep(h), 1);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    assert_int_equal(now(h).made_by, LINE_MADE_BY_LINE);
    assert_false(is_closed(h));
    /* it takes people who have read it */
    assert_int_equal(sign(h, draft(h, RULE_ACT_HOST, none), "ac", none),
                     LINE_PROPOSAL_DONE);
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
}

struct appealing {
    struct house *h;
    struct line_row row;
    struct wh_str id;
};

static bool appeal_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct appealing *x = ctx;
    return line_appeal(db, &x->h->a, &x->h->h, &x->row, 1, WH_S("it is mine"),
                       &x->id, err);
}

static void hold_and_appeal(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    found(h, "abcd");
    sign(h, draft(h, RULE_ACT_HOST, WH_S("")), "ac", WH_S(""));
    sign(h, draft(h, RULE_ACT_CLOSE, WH_S("")), "a", WH_S(""));
    struct wh_str ratify = draft(h, RULE_ACT_RATIFY, WH_S(""));
    assert_int_equal(sign(h, ratify, "ab", WH_S("")), LINE_PROPOSAL_SIGNING);
    assert_int_equal(sign(h, ratify, "c", WH_S("")), LINE_PROPOSAL_DONE);
    later(h, 10 * DAY);
    assert_int_equal(sweep(h), 0); /* it does not lapse any more */
    assert_true(now(h).until > h->start + 170 * DAY);
    struct appealing x = {.h = h, .row = now(h)};
    unit_ok(db_tx(h->t.db, appeal_fn, &x, &err), err);
    /* once for each account, while it waits */
    unit_fails(db_tx(h->t.db, appeal_fn, &x, &err), err, WH_CONFLICT);
    publish(h);
    /* no renewal over an appeal */
    assert_int_equal(
        sign(h, draft(h, RULE_ACT_ANSWER, WH_S("")), "a", WH_S("")),
        LINE_PROPOSAL_SIGNING);
    struct wh_str renew = draft(h, RULE_ACT_RENEW, WH_S(""));
    assert_int_equal(sign(h, renew, "a", WH_S("")), LINE_PROPOSAL_SIGNING);
    assert_int_equal(sign_how(h, renew, 'c', WH_S(""), NULL, NULL), WH_REFUSED);
    sign(h, draft(h, RULE_ACT_ANSWER, WH_S("")), "ac", WH_S(""));
    assert_int_equal(sign(h, renew, "c", WH_S("")), LINE_PROPOSAL_DONE);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    sign(h, draft(h, RULE_ACT_LIFT, WH_S("")), "cd", WH_S(""));
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
    assert_false(is_closed(h));
}

/* A closing while the delay runs ends the opening. */
static void closed_in_between(void **state)
{
    struct house *h = *state;
    found(h, "abcd");
    sign(h, draft(h, RULE_ACT_HOST, WH_S("")), "ac", WH_S(""));
    struct wh_str open = draft(h, RULE_ACT_OPEN, WH_S(""));
    assert_int_equal(sign(h, open, "ac", WH_S("")), LINE_PROPOSAL_APPROVED);
    sign(h, draft(h, RULE_ACT_CLOSE, WH_S("")), "d", WH_S(""));
    later(h, 2 * DAY);
    assert_int_equal(sweep(h), 0);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    assert_int_equal(sign_how(h, open, 'b', WH_S(""), NULL, NULL), WH_CONFLICT);
}

static void self_run(void **state)
{
    struct house *h = *state;
    found(h, "ab");
    struct wh_str text = draft(h, RULE_ACT_OPEN, WH_S(""));
    assert_int_equal(sign(h, text, "ab", WH_S("")), LINE_PROPOSAL_SIGNING);
    later(h, 2 * DAY);
    assert_int_equal(sweep(h), 0);
    assert_int_equal(weights(h), RULE_TIER_HELD);
}

/* ---- at the same time ---- */

static enum wh_code sign_slow(struct house *h, struct wh_str text, char who,
                              struct wh_str paper,
                              enum line_proposal_state *state)
{
    struct line_signed out = {0};
    enum wh_code code =
        sign_how(h, text, who, paper, &(struct how){.slow = true}, &out);
    *state = out.state;
    return code;
}

static enum line_proposal_state state_of(struct house *h, struct wh_str text)
{
    char digest[WH_SHA256_HEX + 1];
    struct line_proposal p;
    struct wh_err err;
    wh_sha256_hex_of(text, digest);
    unit_ok(line_proposal_get(h->t.db, &h->a, wh_str_of(digest), &p, &err),
            err);
    return p.state;
}

static size_t decisions(struct house *h)
{
    struct line_row *rows;
    struct wh_err err;
    size_t n;
    unit_ok(line_of_subject(h->t.db, &h->a, wh_str_of(h->subject), 0, 100,
                            &rows, &n, &err),
            err);
    return n;
}

/* Both end the same decision, and the first is not published yet. */
static void two_of_one_matter(void **state)
{
    struct house *h = *state;
    enum line_proposal_state got;
    struct wh_str none = WH_S("");
    found(h, "abcd");
    size_t before = decisions(h);
    struct wh_str one = draft(h, RULE_ACT_HOST, none);
    struct wh_str two = draft(h, RULE_ACT_HOST, none);
    struct wh_str open = draft(h, RULE_ACT_OPEN, none);
    struct wh_str close = draft(h, RULE_ACT_RECALL, none);
    sign(h, one, "a", none);
    sign(h, two, "a", none);
    assert_int_equal(sign_slow(h, one, 'c', none, &got), WH_NONE);
    assert_int_equal(got, LINE_PROPOSAL_DONE);
    assert_int_equal(sign_slow(h, two, 'c', none, &got), WH_CONFLICT);
    assert_int_equal(sign_slow(h, open, 'c', none, &got), WH_CONFLICT);
    assert_int_equal(sign_slow(h, close, 'c', none, &got), WH_CONFLICT);
    assert_int_equal(sign_slow(h, one, 'b', none, &got), WH_CONFLICT);
    publish(h);
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
    assert_int_equal(decisions(h), before + 1);
    assert_int_equal(sign_slow(h, two, 'c', none, &got), WH_CONFLICT);
    /* drafted anew it is another matter */
    assert_int_equal(sign(h, draft(h, RULE_ACT_HOST, none), "ac", none),
                     LINE_PROPOSAL_DONE);
    assert_int_equal(decisions(h), before + 2);
}

/* Both have cooled off when somebody looks. */
static void two_cooled_off(void **state)
{
    struct house *h = *state;
    struct wh_str none = WH_S("");
    found(h, "abcd");
    size_t before = decisions(h);
    struct wh_str one = draft(h, RULE_ACT_GATE, none);
    struct wh_str two = draft(h, RULE_ACT_GATE, none);
    assert_int_equal(sign(h, one, "ac", none), LINE_PROPOSAL_APPROVED);
    assert_int_equal(sign(h, two, "bd", none), LINE_PROPOSAL_APPROVED);
    later(h, DAY + 1);
    assert_int_equal(sweep(h), 1);
    assert_int_equal(weights(h), RULE_TIER_GATED);
    assert_int_equal(decisions(h), before + 1);
    assert_int_equal((state_of(h, one) == LINE_PROPOSAL_DONE) +
                         (state_of(h, two) == LINE_PROPOSAL_DONE),
                     1);
    assert_int_equal((state_of(h, one) == LINE_PROPOSAL_VOID) +
                         (state_of(h, two) == LINE_PROPOSAL_VOID),
                     1);
    assert_int_equal(sweep(h), 0);
}

static void two_rosters(void **state)
{
    struct house *h = *state;
    enum line_proposal_state got;
    struct line_roster *list;
    struct wh_str none = WH_S("");
    struct wh_err err;
    size_t n;
    found(h, "abcd");
    unit_ok(line_rosters(h->t.db, &h->a, SIZE, &list, &n, &err), err);
    struct wh_str this = roster(h, 2, list[0].r->digest, "acd");
    struct wh_str that = roster(h, 2, list[0].r->digest, "bcd");
    struct wh_str one = draft(h, RULE_ACT_ROSTER, this);
    struct wh_str two = draft(h, RULE_ACT_ROSTER, that);
    struct wh_str host = draft(h, RULE_ACT_HOST, none);
    struct wh_str open = draft(h, RULE_ACT_OPEN, none);
    sign(h, two, "b", that);
    sign(h, host, "b", none);
    assert_int_equal(sign(h, open, "bc", none), LINE_PROPOSAL_APPROVED);
    sign(h, one, "a", this);
    assert_int_equal(sign_slow(h, one, 'c', this, &got), WH_NONE);
    assert_int_equal(got, LINE_PROPOSAL_DONE);
    /* nothing is decided any more under the one that is about to end */
    assert_int_equal(sign_slow(h, two, 'c', that, &got), WH_CONFLICT);
    assert_int_equal(sign_slow(h, host, 'c', none, &got), WH_CONFLICT);
    publish(h);
    unit_ok(line_rosters(h->t.db, &h->a, SIZE, &list, &n, &err), err);
    assert_int_equal(n, 2);
    assert_true(wh_str_eq(list[1].doc, this));
    assert_int_equal(sign_slow(h, two, 'c', that, &got), WH_FORBIDDEN);
    assert_int_equal(sign_slow(h, host, 'c', none, &got), WH_FORBIDDEN);
    /* nor what has cooled off meanwhile: who signed it may have left */
    later(h, DAY + 1);
    assert_int_equal(sweep(h), 0);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    assert_int_equal(state_of(h, open), LINE_PROPOSAL_VOID);
}

/* A good signature counts for the text it is over, and for no other. */
static void replayed(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct wh_str none = WH_S("");
    struct testssh_how how = {.counter = 1000};
    found(h, "abcd");
    struct wh_str one = draft(h, RULE_ACT_HOST, none);
    struct wh_str two = draft(h, RULE_ACT_HOST, none);
    struct signing s = {.h = h, .in = {.text = two}};
    s.in.sig = testssh_sign(&h->a, &h->keys[0], RULE_NS_DECISION, one, &how);
    unit_fails(db_tx(h->t.db, sign_fn, &s, &err), err, WH_FORBIDDEN);
    s.in.text = one;
    unit_ok(db_tx(h->t.db, sign_fn, &s, &err), err);
    unit_fails(db_tx(h->t.db, sign_fn, &s, &err), err, WH_CONFLICT);
    /* as an objection it was not meant */
    assert_int_equal(
        sign_how(h, one, 'a', none, &(struct how){.ns = RULE_NS_DISSENT}, NULL),
        WH_CONFLICT);
}

/* Before the founding anybody may begin, so many times; afterwards nobody who
 * is not on the roster. */
static void strangers(void **state)
{
    struct house *h = *state;
    struct line_roster *list;
    struct wh_str paper = roster(h, 1, NULL, "abc"), text;
    struct wh_err err;
    size_t n;
    for (int i = 0; i < LINE_FOUNDINGS_MAX; i++) {
        text = draft(h, RULE_ACT_ROSTER, paper);
        assert_int_equal(sign(h, text, "a", paper), LINE_PROPOSAL_SIGNING);
    }
    struct wh_str more = draft(h, RULE_ACT_ROSTER, paper);
    assert_int_equal(sign_how(h, more, 'a', paper, NULL, NULL),
                     WH_RATE_LIMITED);
    assert_int_equal(sign(h, text, "bc", paper), LINE_PROPOSAL_DONE);
    unit_ok(line_rosters(h->t.db, &h->a, SIZE, &list, &n, &err), err);
    paper = roster(h, 2, list[0].r->digest, "abce");
    text = draft(h, RULE_ACT_ROSTER, paper);
    assert_int_equal(sign_how(h, text, 'e', paper, NULL, NULL), WH_FORBIDDEN);
    assert_int_equal(sign(h, text, "a", paper), LINE_PROPOSAL_SIGNING);
    assert_int_equal(sign(h, text, "e", paper), LINE_PROPOSAL_SIGNING);
    assert_int_equal(sign(h, text, "c", paper), LINE_PROPOSAL_DONE);
}

/* Nobody was here between the end of the cooling-off and that of the
 * statement. */
static void asleep(void **state)
{
    struct house *h = *state;
    struct rule_statement st;
    struct wh_err err;
    struct wh_str none = WH_S("");
    found(h, "abcd");
    struct wh_str open = draft(h, RULE_ACT_OPEN, none);
    unit_ok(rule_statement_read(open, &st, &err), err);
    assert_int_equal(sign(h, open, "ac", none), LINE_PROPOSAL_APPROVED);
    later(h, st.not_after - h->start);
    assert_int_equal(sweep(h), 0);
    assert_int_equal(weights(h), RULE_TIER_HELD);
    assert_int_equal(state_of(h, open), LINE_PROPOSAL_VOID);
    later(h, -2 * DAY); /* nor when the clock goes back */
    assert_int_equal(sweep(h), 0);
    assert_int_equal(weights(h), RULE_TIER_HELD);
}

/* A clock that jumps: nothing opens before its time, and what is closed opens
 * when it was said to. */
static void a_clock_that_jumps(void **state)
{
    struct house *h = *state;
    struct wh_str none = WH_S("");
    enum line_proposal_state got;
    found(h, "abcd");
    struct wh_str open = draft(h, RULE_ACT_OPEN, none);
    later(h, -DAY); /* drafted in what is the future now */
    assert_int_equal(sign_slow(h, open, 'a', none, &got), WH_FORBIDDEN);
    later(h, DAY);
    assert_int_equal(sign(h, open, "ac", none), LINE_PROPOSAL_APPROVED);
    for (int i = 0; i < 5; i++) {
        later(h, -3 * DAY);
        assert_int_equal(sweep(h), 0);
        later(h, 3 * DAY);
        assert_int_equal(sweep(h), 0);
    }
    assert_int_equal(weights(h), RULE_TIER_HELD);
    struct wh_str close = draft(h, RULE_ACT_HOST, none);
    assert_int_equal(sign(h, close, "ac", none), LINE_PROPOSAL_DONE);
    assert_int_equal(sign(h, draft(h, RULE_ACT_CLOSE, none), "b", none),
                     LINE_PROPOSAL_DONE);
    later(h, -10 * DAY);
    assert_int_equal(sweep(h), 0);
    assert_true(is_closed(h));
    later(h, 10 * DAY + RULE_EMERGENCY_S);
    assert_int_equal(sweep(h), 1);
    assert_int_equal(weights(h), RULE_TIER_HOSTED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nobody_decides_alone),
        T(founding),
        T(roster_changes),
        T(opening),
        T(signatures_refused),
        T(emergency),
        T(another_line),
        T(hold_and_appeal),
        T(closed_in_between),
        T(self_run),
        T(two_of_one_matter),
        T(two_cooled_off),
        T(two_rosters),
        T(replayed),
        T(strangers),
        T(asleep),
        T(a_clock_that_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
