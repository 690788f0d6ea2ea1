/* Did the approvers decide that? True papers convince the keeper; a front that
 * lies about any of them gets nothing. */
#include "keeper/approved.h"
#include "keeper/bundle.h"

#include "base/unit.h"
#include "crypto/testing.h"
#include "rule/approval.h"
#include "rule/floor.h"
#include "tlog/proof.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW INT64_C(1795456800) /* 2026-11-23T18:00:00Z */
#define DAY RULE_DAY_S
#define SUBJECT \
    "1111111111111111111111111111111111111111111111111111111111111111"
#define EVIDENCE \
    "2222222222222222222222222222222222222222222222222222222222222222"
#define LINE "3333333333333333333333333333333333333333333333333333333333333333"
#define OTHER "4444444444444444444444444444444444444444444444444444444444444444"
#define CONTENT \
    "5555555555555555555555555555555555555555555555555555555555555555"
#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ORIGIN "weighhouse.local/0123456789abcdef"
#define LEAVES_MAX 16

/* The approvers: a kind of key each, two of one affiliation. */
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

struct world {
    char dir[64];
    struct wh_arena a;
    struct testssh keys[NPEOPLE];
    struct crypto_ed25519 *secret;
    struct tlog_vkey log;
    struct keeper_horizon horizon;
    struct keeper_pin pin;
    struct keeper_keys_set custody;
    struct keeper_ledger *ledger;
    struct wh_str leaves[LEAVES_MAX]; /* of the register */
    size_t n;
    struct keeper_step steps[4]; /* rosters in force, one after the other */
    struct rule_roster *rosters[4];
    uint64_t at[4];
    size_t nsteps;
};

/* ---- the register ---- */

static bool node(void *ctx, unsigned level, uint64_t index,
                 struct tlog_hash *out, struct wh_err *err)
{
    const struct world *w = ctx;
    struct tlog_hash left, right;
    if (level == 0) {
        tlog_hash_leaf(w->leaves[index], out);
        return true;
    }
    if (!node(ctx, level - 1, 2 * index, &left, err) ||
        !node(ctx, level - 1, 2 * index + 1, &right, err)) {
        return false;
    }
    tlog_hash_node(&left, &right, out);
    return true;
}

/* A receipt of an entry under a checkpoint of all that is there. */
static struct wh_str prove(struct world *w, uint64_t index)
{
    struct tlog_proof *proof = WH_NEW(&w->a, struct tlog_proof);
    struct tlog_checkpoint cp = {.size = w->n};
    struct tlog_frontier f = {0};
    struct tlog_reader r = {node, w};
    struct wh_buf note, text;
    struct wh_err err;
    (void)snprintf(cp.origin, sizeof cp.origin, "%s", ORIGIN);
    for (size_t i = 0; i < w->n; i++) {
        struct tlog_hash h;
        tlog_hash_leaf(w->leaves[i], &h);
        tlog_frontier_add(&f, &h);
    }
    tlog_frontier_root(&f, &cp.root);
    unit_ok(tlog_inclusion(&r, index, w->n, &proof->path, &err), err);
    proof->index = index;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    tlog_checkpoint_sign(&cp, &w->log, w->secret, &note);
    proof->checkpoint = wh_buf_str(&note);
    wh_buf_init(&text, TLOG_PROOF_MAX);
    tlog_proof_text(proof, &text);
    struct wh_str s = wh_arena_dup(&w->a, wh_buf_str(&text));
    wh_buf_done(&text);
    wh_buf_done(&note);
    return s;
}

static struct wh_str canonical(struct world *w, json_t *v)
{
    struct wh_buf b;
    struct wh_err err;
    wh_buf_init(&b, 1 << 18);
    unit_ok(wh_json_canonical(&b, v, &err), err);
    struct wh_str s = wh_arena_dup(&w->a, wh_buf_str(&b));
    wh_buf_done(&b);
    json_decref(v);
    return s;
}

static uint64_t log_leaf(struct world *w, struct wh_str leaf)
{
    assert_true(w->n < LEAVES_MAX);
    w->leaves[w->n] = leaf;
    return w->n++;
}

static json_t *digest(struct wh_str bytes)
{
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(bytes, hex);
    return json_sprintf("sha256:%s", hex);
}

/* ---- people ---- */

/* The signatures of those named by letter: "ac" is ada and cid. */
static struct wh_str sign(struct world *w, struct wh_str text, const char *who,
                          const char *ns, const struct testssh_how *how)
{
    struct rule_signature sigs[NPEOPLE];
    struct wh_str doc;
    struct wh_err err;
    size_t n = 0;
    for (; *who; who++) {
        size_t i = (size_t)(*who - 'a');
        sigs[n++] = (struct rule_signature){
            wh_str_of(PEOPLE[i].id),
            testssh_sign(&w->a, &w->keys[i], ns, text, how)};
    }
    unit_ok(rule_signatures_write(&w->a, text, sigs, n, &doc, &err), err);
    return doc;
}

static struct wh_str roster(struct world *w, int version, const char *before,
                            const char *who)
{
    json_t *doc = json_object(), *list = json_array();
    for (; *who; who++) {
        size_t i = (size_t)(*who - 'a');
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:[o],s:b,s:b}", "id", PEOPLE[i].id,
                            "affiliation", PEOPLE[i].affiliation, "keys",
                            wh_json_str(w->keys[i].line), "outside",
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
    return canonical(w, doc);
}

static struct wh_str statement_text(struct world *w,
                                    const struct rule_statement *s)
{
    struct wh_buf b;
    wh_buf_init(&b, RULE_STATEMENT_MAX);
    rule_statement_write(s, &b);
    struct wh_str t = wh_arena_dup(&w->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return t;
}

/* Put a roster of `who` into force, signed by `by`. */
static void enrol(struct world *w, const char *who, const char *by)
{
    size_t i = w->nsteps;
    struct keeper_step *s = &w->steps[i];
    struct rule_roster *now = i > 0 ? w->rosters[i - 1] : NULL;
    struct wh_err err;
    s->roster = roster(w, (int)i + 1, now ? now->digest : NULL, who);
    w->rosters[i] = WH_NEW(&w->a, struct rule_roster);
    unit_ok(rule_roster_read(&w->a, s->roster, w->rosters[i], &err), err);
    struct rule_statement st = {
        .act = RULE_ACT_ROSTER,
        .origin = WH_S(ORIGIN),
        .tree_size = 1,
        .tree_root = WH_S(ROOT),
        .roster = now ? now->version : 0,
        .roster_digest = now ? wh_str_of(now->digest) : WH_S(""),
        .subject = wh_str_of(w->rosters[i]->digest),
        .replaces = now ? (int64_t)w->at[i - 1] : -1,
        .made = NOW - 40 * DAY,
        .not_before = NOW - 40 * DAY,
        .not_after = NOW - 10 * DAY,
        .nonce = WH_S("00112233445566778899aabbccddeeff"),
        .reasons = {WH_S("founded")},
        .n_reasons = 1};
    s->statement = statement_text(w, &st);
    s->signatures = sign(w, s->statement, by, RULE_NS_DECISION, NULL);
    s->leaf = canonical(w, json_pack("{s:s,s:I,s:o,s:o,s:o}", "type", "roster",
                                     "t", (json_int_t)(NOW - 20 * DAY),
                                     "roster", digest(s->roster), "statement",
                                     digest(s->statement), "signatures",
                                     digest(s->signatures)));
    w->at[i] = log_leaf(w, s->leaf);
    w->nsteps++;
}

static int up(void **state)
{
    struct wh_err err;
    char path[128];
    uint64_t checkpoint;
    uint8_t seed[CRYPTO_ED25519_SEED] = {7}, pub[CRYPTO_ED25519_PUB];
    struct world *w = test_calloc(1, sizeof *w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/wh-approved-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    wh_arena_init(&w->a, 64 << 20);
    for (size_t i = 0; i < NPEOPLE; i++) {
        testssh_key(&w->a, PEOPLE[i].type, (uint8_t)(i + 1), &w->keys[i]);
    }
    w->secret = crypto_ed25519_new(seed);
    crypto_ed25519_public(w->secret, pub);
    tlog_vkey_make(WH_S(ORIGIN), TLOG_KEY_ED25519, pub, &w->log);
    pthread_mutex_init(&w->horizon.lock, NULL);
    pthread_mutex_init(&w->pin.lock, NULL);
    (void)snprintf(path, sizeof path, "%s/ledger", w->dir);
    w->ledger = keeper_ledger_open(path, &w->custody, &checkpoint, &err);
    assert_non_null(w->ledger);
    log_leaf(w, WH_S("{\"lines\":[\"sha256:" LINE "\"],\"type\":\"genesis\"}"));
    enrol(w, "abcd", "abcd");
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    char path[128];
    keeper_ledger_close(&w->ledger);
    (void)snprintf(path, sizeof path, "%s/ledger", w->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(w->dir), 0);
    for (size_t i = 0; i < NPEOPLE; i++) {
        testssh_done(&w->keys[i]);
    }
    crypto_ed25519_free(&w->secret);
    pthread_mutex_destroy(&w->horizon.lock);
    pthread_mutex_destroy(&w->pin.lock);
    wh_arena_done(&w->a);
    test_free(w);
    return 0;
}

/* ---- one decision, true or twisted ---- */

struct twist {
    enum rule_act act;    /* open, unless set */
    const char *who, *ns; /* "ac" */
    struct testssh_how how;
    const char *origin, *subject, *line, *by, *act_word, *weights;
    bool other_signatures, other_statement; /* in the leaf */
    bool no_approval, late_approval, short_approval, hidden_signatures;
    bool no_first_roster, old_roster, cut;
    int64_t later;  /* seconds after the decision that it is asked */
    int64_t leaf_t; /* of the decision, after NOW */
    uint64_t tree;  /* of the statement */
    const char *claimed_subject;
    const char *opened, *op; /* on the ledger: this content by this decision */
};

static struct rule_statement make_statement(struct world *w,
                                            const struct twist *t)
{
    const struct rule_roster *r = w->rosters[t->old_roster ? 0 : w->nsteps - 1];
    struct rule_statement s = {
        .act = t->act,
        .origin = t->origin ? wh_str_of(t->origin) : WH_S(ORIGIN),
        .tree_size = t->tree ? t->tree : 2,
        .tree_root = WH_S(ROOT),
        .roster = r->version,
        .roster_digest = wh_str_of(r->digest),
        .subject = wh_str_of(t->subject ? t->subject : SUBJECT),
        .evidence = WH_S(EVIDENCE),
        .lines = {wh_str_of(t->line ? t->line : LINE)},
        .n_lines = 1,
        .replaces = 0,
        .made = NOW - 2 * DAY,
        .not_before = NOW - DAY,
        .not_after = NOW + 5 * DAY,
        .until = t->act == RULE_ACT_OPEN ? 0 : NOW + 30 * DAY,
        .nonce = WH_S("00112233445566778899aabbccddeeff"),
        .reasons = {WH_S("examined")},
        .n_reasons = 1};
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        s.tiers.part[p] = RULE_TIER_OPEN;
    }
    s.tiers.part[RULE_PART_WEIGHTS] = t->act == RULE_ACT_HOST ? RULE_TIER_HOSTED
                                      : t->act == RULE_ACT_GATE
                                          ? RULE_TIER_GATED
                                          : RULE_TIER_OPEN;
    return s;
}

static uint64_t log_approval(struct world *w, const struct twist *t,
                             const struct keeper_bundle *b)
{
    int64_t at = t->late_approval ? NOW : NOW - 2 * DAY;
    int64_t from = t->short_approval ? at + 60 : at + DAY;
    return log_leaf(
        w,
        canonical(w, json_pack("{s:s,s:I,s:I,s:o,s:o}", "type", "approval", "t",
                               (json_int_t)at, "from", (json_int_t)from,
                               "statement", digest(b->statement), "signatures",
                               digest(t->hidden_signatures ? WH_S("{}")
                                                           : b->signatures))));
}

static json_t *decision_leaf(struct world *w, const struct twist *t,
                             const struct rule_statement *s,
                             const struct keeper_bundle *b, uint64_t approval)
{
    json_t *leaf = json_object();
    json_object_set_new(leaf, "type", json_string("decision"));
    json_object_set_new(leaf, "t", json_integer(NOW + t->leaf_t));
    json_object_set_new(leaf, "by", json_string(t->by ? t->by : "approvers"));
    json_object_set_new(
        leaf, "act",
        json_string(t->act_word ? t->act_word : rule_act_word(s->act)));
    json_object_set_new(
        leaf, "tiers",
        json_pack("{s:s,s:s,s:s,s:s}", "source", "open", "software", "open",
                  "data", "open", "weights",
                  t->weights
                      ? t->weights
                      : rule_tier_word(s->tiers.part[RULE_PART_WEIGHTS])));
    json_object_set_new(leaf, "statement",
                        digest(t->other_statement ? WH_S("x") : b->statement));
    json_object_set_new(
        leaf, "signatures",
        digest(t->other_signatures ? WH_S("x") : b->signatures));
    json_object_set_new(leaf, "roster",
                        json_integer((json_int_t)w->at[w->nsteps - 1]));
    json_object_set_new(leaf, "replaces", json_integer(0));
    if (s->until) {
        json_object_set_new(leaf, "until", json_integer(s->until));
    }
    if (approval) {
        json_object_set_new(leaf, "approval",
                            json_integer((json_int_t)approval));
    }
    return leaf;
}

/* What the keeper writes when it opens. */
static void open_once(struct world *w, const struct twist *t, const char *leaf)
{
    struct wh_err err;
    unit_ok(keeper_ledger_append(w->ledger,
                                 json_pack("{s:s,s:s,s:s}", "op",
                                           t->op ? t->op : "open", "sha256",
                                           t->opened, "leaf", leaf),
                                 &err),
            err);
}

static enum wh_code ask(struct world *w, const struct twist *t)
{
    char leaf_digest[WH_SHA256_HEX + 1];
    struct rule_statement s = make_statement(w, t);
    struct keeper_bundle b = {.statement = statement_text(w, &s)};
    size_t n = w->n, nsteps = w->nsteps;
    uint64_t approval = 0;
    const struct wh_str lines[] = {WH_S(LINE)};
    struct wh_err err = {0};
    struct wh_buf buf;
    b.signatures = sign(w, b.statement, t->who ? t->who : "ac",
                        t->ns ? t->ns : RULE_NS_DECISION, &t->how);
    if (!t->no_approval && t->act != RULE_ACT_HOST) {
        approval = log_approval(w, t, &b);
    }
    json_t *leaf = wh_json_own(&w->a, decision_leaf(w, t, &s, &b, approval));
    uint64_t index = log_leaf(w, canonical(w, json_incref(leaf)));
    if (approval) {
        b.approval = w->leaves[approval];
        b.approval_proof = prove(w, approval);
    }
    for (size_t i = 0; i < nsteps; i++) {
        w->steps[i].proof = prove(w, w->at[i]);
    }
    b.steps = w->steps + (t->no_first_roster ? 1 : 0);
    b.nsteps = nsteps - (t->no_first_roster || t->old_roster ? 1 : 0);
    wh_buf_init(&buf, KEEPER_BUNDLE_MAX);
    keeper_bundle_write(&b, &buf);
    wh_sha256_hex_of(w->leaves[index], leaf_digest);
    if (t->opened) {
        open_once(w, t, leaf_digest);
    }
    const struct keeper_claim c = {
        .a = &w->a,
        .pin = &w->pin,
        .ledger = w->ledger,
        .horizon = &w->horizon,
        .log = &w->log,
        .bundle = wh_str_sub(wh_buf_str(&buf), 0, buf.n - (t->cut ? 1 : 0)),
        .content = WH_S(CONTENT),
        .leaf_digest = wh_str_of(leaf_digest),
        .leaf = leaf,
        .index = index,
        .size = w->n,
        .subject = wh_str_of(t->claimed_subject ? t->claimed_subject : SUBJECT),
        .evidence = WH_S(EVIDENCE),
        .lines = lines,
        .nlines = 1,
        .now = NOW + t->leaf_t + t->later};
    bool ok = keeper_approved(&c, &err);
    assert_true(ok == (err.code == WH_NONE));
    wh_buf_done(&buf);
    w->n = n;
    w->horizon.has_root = false; /* each case is a register of its own */
    return err.code;
}

static void expect(struct world *w, const char *what, const struct twist *t,
                   enum wh_code want)
{
    enum wh_code got = ask(w, t);
    if (got != want) {
        print_error("%s: %s\n", what, wh_err_row(got)->name);
    }
    assert_int_equal(got, want);
}

static void true_papers(void **state)
{
    expect(*state, "open", &(struct twist){0}, WH_NONE);
    expect(*state, "by all", &(struct twist){.who = "abcd"}, WH_NONE);
    expect(*state, "security keys", &(struct twist){.who = "bd"}, WH_NONE);
    expect(*state, "sha256", &(struct twist){.how = {.hash = "sha256"}},
           WH_NONE);
    expect(*state, "gate", &(struct twist){.act = RULE_ACT_GATE}, WH_NONE);
    expect(*state, "host", &(struct twist){.act = RULE_ACT_HOST}, WH_NONE);
    expect(*state, "host, weeks later",
           &(struct twist){.act = RULE_ACT_HOST, .later = 20 * DAY}, WH_NONE);
}

static void lies(void **state)
{
    static const struct {
        const char *what;
        struct twist t;
        enum wh_code want;
    } ROWS[] = {
        {"one approver", {.who = "a"}, WH_HELD},
        {"two of one affiliation", {.who = "ab"}, WH_HELD},
        {"an emergency", {.by = "emergency"}, WH_FORBIDDEN},
        {"the lines", {.by = "line"}, WH_FORBIDDEN},
        {"objections", {.ns = RULE_NS_DISSENT}, WH_FORBIDDEN},
        {"another namespace", {.ns = "git"}, WH_FORBIDDEN},
        {"nobody present",
         {.who = "bd", .how = {.no_flags = true}},
         WH_FORBIDDEN},
        {"a stranger", {.who = "ae"}, WH_FORBIDDEN},
        {"another house", {.origin = "weighhouse.local/ff"}, WH_FORBIDDEN},
        {"another subject", {.subject = OTHER}, WH_FORBIDDEN},
        {"used for another subject", {.claimed_subject = OTHER}, WH_FORBIDDEN},
        {"lines forgotten", {.line = OTHER}, WH_FORBIDDEN},
        {"a tree to come", {.tree = 1000}, WH_FORBIDDEN},
        {"other signatures", {.other_signatures = true}, WH_FORBIDDEN},
        {"another statement", {.other_statement = true}, WH_FORBIDDEN},
        {"hosted made open",
         {.act = RULE_ACT_HOST, .weights = "open"},
         WH_FORBIDDEN},
        {"another act", {.act_word = "gate"}, WH_FORBIDDEN},
        {"a closing", {.act_word = "close"}, WH_FORBIDDEN},
        {"no approval logged", {.no_approval = true}, WH_HELD},
        {"no delay", {.late_approval = true}, WH_HELD},
        {"a short delay", {.short_approval = true}, WH_HELD},
        {"approval before the signatures",
         {.hidden_signatures = true},
         WH_FORBIDDEN},
        {"too early", {.leaf_t = -2 * DAY}, WH_FORBIDDEN},
        {"too late", {.leaf_t = 5 * DAY}, WH_FORBIDDEN},
        {"opened too late", {.later = 5 * DAY}, WH_HELD},
        {"another file was opened in time",
         {.later = 5 * DAY, .opened = OTHER},
         WH_HELD},
        {"it was hosted in time",
         {.later = 5 * DAY, .opened = CONTENT, .op = "host"},
         WH_HELD},
        {"opened in time, decided too late",
         {.leaf_t = 5 * DAY, .opened = CONTENT},
         WH_FORBIDDEN},
        {"decided in the future", {.leaf_t = 60, .later = -61}, WH_HELD},
        {"no founding roster", {.no_first_roster = true}, WH_BAD_REQUEST},
        {"half a bundle", {.cut = true}, WH_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        expect(*state, ROWS[i].what, &ROWS[i].t, ROWS[i].want);
    }
    expect(*state, "and the truth", &(struct twist){0}, WH_NONE);
}

static void rosters_change(void **state)
{
    struct world *w = *state;
    expect(w, "the founding one", &(struct twist){0}, WH_NONE);
    assert_int_equal(w->pin.version, 1);
    enrol(w, "bcde", "ace");
    expect(w, "who left", &(struct twist){.who = "ac"}, WH_FORBIDDEN);
    expect(w, "who came", &(struct twist){.who = "ce"}, WH_NONE);
    assert_int_equal(w->pin.version, 2);
    /* front hides that ada left */
    expect(w, "the old roster",
           &(struct twist){.old_roster = true, .who = "ac"}, WH_ROLLED_BACK);
    w->pin.version = 0; /* also where it was never shown: the leaf says which */
    expect(w, "the old roster, not seen before",
           &(struct twist){.old_roster = true, .who = "ac"}, WH_FORBIDDEN);
    w->pin.version = 2;
    memset(w->pin.digest, '0', 64);
    expect(w, "another second roster", &(struct twist){.who = "ce"},
           WH_CORRUPT);
}

static void rosters_forged(void **state)
{
    static const struct {
        const char *who, *by;
    } ROWS[] = {
        {"abcde", "e"},   /* by the newcomer alone */
        {"abcde", "abe"}, /* by one affiliation */
        {"abcde", "ac"},  /* the newcomer's key has not signed */
        {"e", "e"},       /* an operator's own */
    };
    struct world *w = *state;
    size_t n = w->n;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        enrol(w, ROWS[i].who, ROWS[i].by);
        expect(w, ROWS[i].by, &(struct twist){.who = "ac"}, WH_FORBIDDEN);
        w->nsteps = 1;
        w->n = n;
    }
    expect(w, "and the truth", &(struct twist){0}, WH_NONE);
}

/* What the ledger says after a restart. */
static void remembered(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    char path[128], digest_then[WH_SHA256_HEX + 1];
    uint64_t checkpoint;
    int64_t version;
    expect(w, "the founding one", &(struct twist){0}, WH_NONE);
    keeper_ledger_close(&w->ledger);
    (void)snprintf(path, sizeof path, "%s/ledger", w->dir);
    w->ledger = keeper_ledger_open(path, &w->custody, &checkpoint, &err);
    assert_non_null(w->ledger);
    keeper_ledger_roster(w->ledger, &version, digest_then);
    assert_int_equal(version, 1);
    assert_string_equal(digest_then, w->rosters[0]->digest);
}

/* A closing has lapsed, or another repo has the same file, long after the
 * statement has ended: also across a restart, and not by a forged line. */
static void opened_again(void **state)
{
    struct world *w = *state;
    const struct twist again = {.later = 300 * DAY, .opened = CONTENT};
    char path[128], line[512];
    struct wh_err err;
    bool found;
    for (int i = 0; i < 100; i++) { /* lines before it, more than one buffer */
        const struct twist other = {.opened = OTHER};
        open_once(w, &other, OTHER);
    }
    expect(w, "again", &again, WH_NONE);
    expect(w, "never before", &(struct twist){.later = 300 * DAY}, WH_HELD);
    (void)snprintf(path, sizeof path, "%s/ledger", w->dir);
    int n = snprintf(line, sizeof line,
                     "{\"leaf\":\"%s\",\"op\":\"open\",\"sha256\":\"%s\"} "
                     "%064d\n",
                     EVIDENCE, CONTENT, 0);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, line, (size_t)n, 0), n);
    assert_int_equal(close(fd), 0);
    unit_ok(keeper_ledger_opened(w->ledger, WH_S(CONTENT), WH_S(EVIDENCE),
                                 &found, &err),
            err);
    assert_false(found);
    unit_ok(
        keeper_ledger_opened(w->ledger, WH_S(OTHER), WH_S(OTHER), &found, &err),
        err);
    assert_true(found);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

/* ---- what the register says about lines ---- */

/* A change of lines from LINE to OTHER, true or twisted. */
struct change {
    const char *who, *ns, *line; /* "ac", in its leaf */
    bool unsigned_;              /* nobody's papers are shown */
    bool other_statement, other_signatures, other_roster, other_act;
    bool no_genesis, no_rosters, twice, late, open_end;
    int64_t replaces; /* 0: genesis */
};

static struct rule_statement lines_statement(struct world *w,
                                             const struct change *t)
{
    const struct rule_roster *r = w->rosters[w->nsteps - 1];
    struct rule_statement s = {.act = RULE_ACT_LINES,
                               .origin = WH_S(ORIGIN),
                               .tree_size = 2,
                               .tree_root = WH_S(ROOT),
                               .roster = r->version,
                               .roster_digest = wh_str_of(r->digest),
                               .lines = {WH_S(OTHER)},
                               .n_lines = 1,
                               .replaces = t->replaces,
                               .made = NOW - 2 * DAY,
                               .not_before = NOW - 2 * DAY,
                               .not_after = NOW + (t->late ? -DAY : 5 * DAY),
                               .nonce =
                                   WH_S("00112233445566778899aabbccddeeff"),
                               .reasons = {WH_S("counted better")},
                               .n_reasons = 1};
    if (t->other_act) {
        s.act = RULE_ACT_ANSWER;
        s.subject = WH_S(SUBJECT);
        s.evidence = WH_S(EVIDENCE);
    }
    return s;
}

/* The entry, and what is shown of it. */
static uint64_t change_lines(struct world *w, const struct change *t,
                             struct keeper_told *out)
{
    struct rule_statement s = lines_statement(w, t);
    struct wh_str text = statement_text(w, &s);
    struct wh_str sigs = sign(w, text, t->who ? t->who : "ac",
                              t->ns ? t->ns : RULE_NS_DECISION, NULL);
    uint64_t roster = w->at[w->nsteps - 1] + (t->other_roster ? 1 : 0);
    json_t *leaf = json_pack(
        "{s:s,s:I,s:[o],s:o,s:o,s:I}", "type", "lines", "t", (json_int_t)NOW,
        "lines", json_sprintf("sha256:%s", t->line ? t->line : OTHER),
        "statement", digest(t->other_statement ? WH_S("x") : text),
        "signatures", digest(t->other_signatures ? WH_S("x") : sigs), "roster",
        (json_int_t)roster);
    uint64_t at = log_leaf(w, canonical(w, leaf));
    *out = (struct keeper_told){.leaf = w->leaves[at],
                                .statement = t->unsigned_ ? WH_S("") : text,
                                .signatures = t->unsigned_ ? WH_S("") : sigs};
    return at;
}

static enum wh_code ask_lines(struct world *w, const struct change *t,
                              struct rule_past *past)
{
    struct keeper_told told[3] = {{.leaf = w->leaves[0]}};
    size_t n = w->n;
    uint64_t index = 0, size = 0, at = change_lines(w, t, &told[1]);
    struct keeper_lines shown = {.steps = w->steps,
                                 .nsteps = t->no_rosters ? 0 : w->nsteps,
                                 .told = told + (t->no_genesis ? 1 : 0),
                                 .ntold = t->no_genesis ? 1 : 2};
    struct keeper_lines read;
    struct wh_err err = {0};
    struct wh_buf buf;
    for (size_t i = 0; i < w->nsteps; i++) {
        w->steps[i].proof = prove(w, w->at[i]);
    }
    told[0].proof = prove(w, 0);
    told[1].proof = prove(w, at);
    told[2] = told[1];
    shown.ntold += t->twice ? 1 : 0;
    wh_buf_init(&buf, KEEPER_BUNDLE_MAX);
    keeper_lines_write(&shown, &buf);
    const struct keeper_claim c = {.a = &w->a,
                                   .pin = &w->pin,
                                   .ledger = w->ledger,
                                   .horizon = &w->horizon,
                                   .log = &w->log,
                                   .now = NOW};
    bool ok = keeper_lines_read(&w->a,
                                wh_str_sub(wh_buf_str(&buf), 0,
                                           buf.n - (t->open_end ? 1 : 0)),
                                &read, &err) &&
              keeper_lines_told(&c, &read, past, &index, &size, &err);
    assert_true(ok == (err.code == WH_NONE));
    assert_true(!ok || (index == at && size == w->n));
    *past = ok ? *past : (struct rule_past){.n = 0};
    for (size_t i = 0; i < past->n; i++) { /* outlives the buffer */
        past->now[i] = wh_arena_dup(&w->a, past->now[i]);
    }
    wh_buf_done(&buf);
    w->n = n;
    w->horizon.has_root = false;
    return err.code;
}

static void approvers_change_lines(void **state)
{
    struct world *w = *state;
    struct rule_past *past = WH_NEW(&w->a, struct rule_past);
    assert_int_equal(ask_lines(w, &(struct change){0}, past), WH_NONE);
    assert_int_equal(past->n, 1);
    assert_true(wh_str_is(past->now[0], OTHER));
    assert_true(past->signed_for[0]);
    assert_int_equal(past->n_gone, 1);
    /* whoever follows in the roster decides */
    enrol(w, "abce", "abcde");
    assert_int_equal(ask_lines(w, &(struct change){.who = "ce"}, past),
                     WH_NONE);
    /* that nobody signed for is no change: the line is still there */
    const struct change same = {.line = LINE, .unsigned_ = true};
    assert_int_equal(ask_lines(w, &same, past), WH_NONE);
    assert_true(wh_str_is(past->now[0], LINE));
    assert_false(past->signed_for[0]);
}

static void nobody_else_changes_lines(void **state)
{
    static const struct {
        const char *what;
        struct change t;
        enum wh_code want;
    } ROWS[] = {
        {"one affiliation", {.who = "ab"}, WH_HELD},
        {"no approver", {.who = "ae"}, WH_FORBIDDEN},
        {"objections", {.ns = RULE_NS_DISSENT}, WH_FORBIDDEN},
        {"nobody", {.unsigned_ = true}, WH_ROLLED_BACK},
        {"other lines", {.line = LINE}, WH_FORBIDDEN},
        {"another statement", {.other_statement = true}, WH_FORBIDDEN},
        {"other signatures", {.other_signatures = true}, WH_FORBIDDEN},
        {"another roster", {.other_roster = true}, WH_FORBIDDEN},
        {"another act", {.other_act = true}, WH_FORBIDDEN},
        {"instead of another", {.replaces = 1}, WH_FORBIDDEN},
        {"too late", {.late = true}, WH_FORBIDDEN},
        {"no genesis", {.no_genesis = true}, WH_FORBIDDEN},
        {"no rosters", {.no_rosters = true}, WH_FORBIDDEN},
        {"twice", {.twice = true}, WH_FORBIDDEN},
        {"cut off", {.open_end = true}, WH_BAD_REQUEST},
    };
    struct world *w = *state;
    struct rule_past *past = WH_NEW(&w->a, struct rule_past);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        enum wh_code got = ask_lines(w, &ROWS[i].t, past);
        if (got != ROWS[i].want) {
            print_error("%s: %s\n", ROWS[i].what, wh_err_row(got)->name);
        }
        assert_int_equal(got, ROWS[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(true_papers),
        T(lies),
        T(rosters_change),
        T(rosters_forged),
        T(remembered),
        T(opened_again),
        T(approvers_change_lines),
        T(nobody_else_changes_lines),
    };
    return cmocka_run_group_tests_name("keeper/approved", tests, NULL, NULL);
}
