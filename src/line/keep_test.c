/* Unit tests of line/keep.h and line/rows.h, on a real database. */
#include "base/enc.h"
#include "base/unit.h"
#include "db/testdb.h"
#include "line/keep.h"
#include "line/testing.h"
#include "register/submit.h"
#include "store/account.h"
#include "store/repo.h"

#define NOW INT64_C(1795456800000000)
#define MANIFEST                                                              \
    "{\"files\":[{\"part\":\"weights\",\"path\":\"model.safetensors\","       \
    "\"sha256\":\"2222222222222222222222222222222222222222222222222222222222" \
    "222222\",\"size\":8}],\"v\":1}"
#define COMMIT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMIT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define COMMIT_C "cccccccccccccccccccccccccccccccccccccccc"

struct house {
    struct testdb t;
    struct wh_arena a;
    struct line_set set;
    int64_t open_repo, private_repo;
    char subject[WH_SHA256_HEX + 1];
};

static int64_t make_repo(struct house *h, const struct store_account *ns,
                         const char *name, bool is_private)
{
    struct wh_err err;
    int64_t id;
    struct store_repo_new in = {.kind = STORE_MODEL,
                                .ns = ns,
                                .name = wh_str_of(name),
                                .is_private = is_private};
    unit_ok(store_repo_create(h->t.db, &in, &id, &err), err);
    return id;
}

static int open_house(void **state)
{
    static struct house h;
    struct wh_err err;
    struct store_account ada;
    struct store_account_new in = {.name = WH_S("ada")};
    testdb_open(&h.t);
    wh_arena_init(&h.a, 64U << 20);
    unit_ok(store_account_create(h.t.db, &in, &ada, &err), err);
    h.open_repo = make_repo(&h, &ada, "one", false);
    h.private_repo = make_repo(&h, &ada, "two", true);
    line_testing_set(&h.a, "limited.default demo.low hold.unknown",
                     "small.fast-track", &h.set);
    wh_sha256_hex_of(WH_S(MANIFEST), h.subject);
    *state = &h;
    return 0;
}

static int close_house(void **state)
{
    struct house *h = *state;
    wh_arena_done(&h->a);
    testdb_close(&h->t);
    return 0;
}

/* One decision about the house's subject, kept in a transaction. */
struct keeping {
    struct house *h;
    struct line_decision d;
    struct line_kept kept;
    int64_t repo;
};

static bool keep(struct db *db, void *ctx, struct wh_err *err)
{
    struct keeping *k = ctx;
    return line_subject_keep(db, k->d.subject, WH_S(MANIFEST), NOW, err) &&
           line_decision_keep(db, &k->h->a, &k->d, k->repo, NOW, &k->kept, err);
}

static struct keeping decide(struct house *h, const char *params, int64_t repo,
                             int64_t later)
{
    struct keeping k = {.h = h, .repo = repo};
    struct wh_err err;
    struct line_question q = {.subject = wh_str_of(h->subject),
                              .evidence = line_testing_evidence(&h->a, params),
                              .now = LINE_TESTING_NOW + later};
    unit_ok(line_decide(&h->a, &h->set, &q, &k.d, &err), err);
    unit_ok(db_tx(h->t.db, keep, &k, &err), err);
    return k;
}

static json_t *leaf_of(struct house *h, const struct line_row *row)
{
    struct wh_err err;
    json_t *leaf;
    unit_ok(register_leaf_parse(&h->a, row->leaf, &leaf, &err), err);
    return leaf;
}

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
        db_bind_i64(e, 7, NOW);
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

struct catching {
    bool sequence;
    uint64_t size;
    size_t n;
};

static bool catch_up(struct db *db, void *ctx, struct wh_err *err)
{
    struct catching *c = ctx;
    int64_t outbox = c->sequence;
    while (outbox != 0) {
        if (!sequence_one(db, &outbox, err)) {
            return false;
        }
    }
    return line_decisions_catch_up(db, c->size, NOW, &c->n, err);
}

/* Everything that waits is logged and published. */
static void publish(struct house *h)
{
    struct catching c = {.sequence = true, .size = 1000};
    struct wh_err err;
    unit_ok(db_tx(h->t.db, catch_up, &c, &err), err);
}

static bool published_again(struct db *db, void *ctx, struct wh_err *err)
{
    const struct line_kept *kept = ctx;
    return line_decision_published(db, kept->outbox, 99, NOW, err);
}

static struct line_row current(struct house *h, int64_t repo, bool want)
{
    struct line_row row = {.id = 0};
    struct wh_err err;
    bool found;
    unit_ok(line_current(h->t.db, &h->a, wh_str_of(h->subject), repo, &found,
                         &row, &err),
            err);
    assert_int_equal(found, want);
    return row;
}

static void counts_only_when_published(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct line_row row;
    bool found;
    struct keeping k = decide(h, "22713216", 0, 0);
    (void)current(h, 0, false);
    unit_ok(line_latest(h->t.db, &h->a, wh_str_of(h->subject), 0, &found, &row,
                        &err),
            err);
    assert_true(found && !row.published);
    publish(h);
    unit_ok(db_tx(h->t.db, published_again, &k.kept, &err), err);
    row = current(h, 0, true);
    assert_true(row.published);
    assert_int_equal(row.index, 0); /* not 99: known already */
    assert_int_equal(row.answer, RULE_BELOW);
    assert_int_equal(row.tiers.part[RULE_PART_WEIGHTS], RULE_TIER_OPEN);
    assert_true(row.until == 0 && row.repo == 0);
    unit_str(row.public_id, k.kept.public_id);
    unit_str(row.digest, k.d.digest);
    assert_true(wh_str_eq(row.doc, k.d.text));

    struct wh_str evidence, manifest;
    unit_ok(line_evidence_get(h->t.db, &h->a, row.evidence, &evidence, &err),
            err);
    assert_true(wh_str_eq(evidence, k.d.evidence));
    unit_ok(line_subject_manifest(h->t.db, &h->a, row.subject, &manifest, &err),
            err);
    unit_str(manifest, MANIFEST);
    unit_ok(line_by_id(h->t.db, &h->a, row.public_id, &row, &err), err);
    unit_fails(line_by_id(h->t.db, &h->a, WH_S("none"), &row, &err), err,
               WH_NOT_FOUND);
}

static void the_leaf_says_what_was_decided(void **state)
{
    struct house *h = *state;
    (void)decide(h, "134515008", 0, 0);
    publish(h);
    struct line_row row = current(h, 0, true);
    json_t *leaf = leaf_of(h, &row); /* parsed under the register's schema */
    struct wh_str subject = wh_arena_fmt(&h->a, "sha256:%s", h->subject);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(leaf, "subject"), 0)),
        subject.p);
    assert_string_equal(json_string_value(json_object_get(leaf, "answer")),
                        "above");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(leaf, "rules"), 0)),
        "demo.low/size");
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(leaf, "tiers"), "weights")),
                        "held");
    assert_true(json_integer_value(json_object_get(leaf, "until")) ==
                LINE_TESTING_NOW + INT64_C(180) * 86400);
    json_t *digests = wh_json_own(&h->a, line_set_digests(&h->set));
    assert_int_equal(json_array_size(digests), 3);
    assert_true(json_equal(json_object_get(leaf, "lines"), digests));
    assert_null(json_object_get(leaf, "replaces"));

    (void)decide(h, "134515008", 0, 60);
    publish(h);
    row = current(h, 0, true);
    leaf = leaf_of(h, &row);
    assert_int_equal(json_integer_value(json_object_get(leaf, "replaces")), 0);
}

static void a_private_repo_only_commits(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct keeping k = decide(h, "22713216", h->private_repo, 0);
    publish(h);
    (void)current(h, 0, false);
    (void)current(h, h->open_repo, false);
    struct line_row row = current(h, h->private_repo, true);
    assert_true(wh_str_find_str(row.leaf, wh_str_of(h->subject)) == SIZE_MAX);
    assert_true(wh_str_find_str(row.leaf, wh_str_of(k.d.evidence_digest)) ==
                SIZE_MAX);
    json_t *leaf = leaf_of(h, &row);
    json_t *c = json_object_get(leaf, "c");
    assert_int_equal(json_object_size(c), 2);

    /* who holds the salt can check the commitment */
    uint8_t salt[REGISTER_SALT];
    uint8_t commitment[WH_SHA256_LEN];
    char hex[WH_SHA256_HEX + 1];
    struct wh_str value;
    unit_ok(register_opening_read(h->t.db, &h->a, (uint64_t)row.index,
                                  "subject", salt, &value, &err),
            err);
    assert_true(wh_str_ends(value, wh_str_of(h->subject)));
    register_commit(WH_S("subject"), salt, value, commitment);
    wh_hex_enc(commitment, sizeof(commitment), hex);
    assert_string_equal(json_string_value(json_object_get(c, "subject")), hex);

    /* a decision in the open serves everybody, and follows the private one */
    (void)decide(h, "22713216", 0, 60);
    publish(h);
    assert_int_equal(current(h, h->private_repo, true).index, 1);
    row = current(h, 0, true);
    leaf = leaf_of(h, &row);
    assert_null(json_object_get(leaf, "replaces"));
}

struct revising {
    struct house *h;
    const char *sha;
    int64_t repo;
};

static bool revise(struct db *db, void *ctx, struct wh_err *err)
{
    struct revising *r = ctx;
    return line_revision_keep(db, r->repo, wh_str_of(r->sha),
                              wh_str_of(r->h->subject), NOW, err);
}

static void has(struct house *h, int64_t repo)
{
    struct revising r = {h, COMMIT_A, repo};
    struct wh_err err;
    unit_ok(db_tx(h->t.db, revise, &r, &err), err);
}

static void commits_share_a_subject_and_its_decision(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct wh_str subject;
    (void)decide(h, "22713216", 0, 0);
    publish(h);
    struct revising first = {h, COMMIT_A, h->open_repo};
    struct revising second = {h, COMMIT_B, h->open_repo}; /* a card's edit */
    unit_ok(db_tx(h->t.db, revise, &first, &err), err);
    unit_ok(db_tx(h->t.db, revise, &second, &err), err);
    unit_ok(line_revision_subject(h->t.db, &h->a, h->open_repo, WH_S(COMMIT_B),
                                  &subject, &err),
            err);
    unit_str(subject, h->subject);
    assert_int_equal(current(h, h->open_repo, true).index, 0);
    unit_ok(line_revision_subject(h->t.db, &h->a, h->open_repo, WH_S(COMMIT_C),
                                  &subject, &err),
            err);
    assert_int_equal(subject.n, 0);

    int64_t *repos;
    size_t n;
    unit_ok(line_subject_repos(h->t.db, &h->a, wh_str_of(h->subject), 0, &repos,
                               &n, &err),
            err);
    assert_int_equal(n, 1);
    assert_true(repos[0] == h->open_repo);
    struct line_row *rows;
    unit_ok(line_of_repo(h->t.db, &h->a, h->open_repo, 10, &rows, &n, &err),
            err);
    assert_int_equal(n, 1);
    unit_ok(line_of_repo(h->t.db, &h->a, h->private_repo, 10, &rows, &n, &err),
            err);
    assert_int_equal(n, 0);
}

/* How many are to be renewed, and in which repo the first of them; 0: none. */
static size_t due(struct house *h, int64_t *repo)
{
    struct wh_err err;
    struct line_row *rows;
    size_t n;
    *repo = 0;
    unit_ok(line_due(h->t.db, &h->a, LINE_TESTING_NOW + 400 * INT64_C(86400),
                     10, &rows, &n, &err),
            err);
    if (n > 0) {
        struct db_stmt *s = db_start(h->t.db, DBQ_REVISION_OF_DECISION);
        db_bind_text(s, 1, rows[0].subject);
        db_bind_i64(s, 2, rows[0].repo);
        db_bind_i64(s, 3, rows[0].id);
        unit_ok(db_one_i64(s, 0, repo, &err), err);
    }
    return n;
}

/* What is renewed in the one place does not wait in the other, and what nobody
 * has any more is in nobody's way. */
static void renewed_is_what_somebody_has(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    int64_t repo;
    (void)decide(h, "134515008", 0, 0);
    assert_int_equal(due(h, &repo), 0);
    /* a private repo that came last is not the one that renews it */
    has(h, h->open_repo);
    has(h, h->private_repo);
    assert_int_equal(due(h, &repo), 1);
    assert_true(repo == h->open_repo);
    /* ... unless it is the only one left */
    unit_ok(store_repo_delete(h->t.db, h->open_repo, NOW, &err), err);
    assert_int_equal(due(h, &repo), 1);
    assert_true(repo == h->private_repo);
    (void)decide(h, "134515008", h->private_repo, 60);
    assert_int_equal(due(h, &repo), 1);
    assert_true(repo == h->private_repo);
    unit_ok(store_repo_delete(h->t.db, h->private_repo, NOW, &err), err);
    assert_int_equal(due(h, &repo), 0);
}

static void no_hold_without_an_end(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct line_row *rows;
    size_t n;
    int64_t end = LINE_TESTING_NOW + INT64_C(180) * 86400;
    (void)decide(h, "134515008", 0, 0);
    has(h, h->open_repo);
    unit_ok(line_due(h->t.db, &h->a, end - 1, 10, &rows, &n, &err), err);
    assert_int_equal(n, 0);
    unit_ok(line_due(h->t.db, &h->a, end, 10, &rows, &n, &err), err);
    assert_int_equal(n, 1);
    (void)decide(h, "134515008", 0, 60); /* reasoned anew */
    unit_ok(line_due(h->t.db, &h->a, end, 10, &rows, &n, &err), err);
    assert_int_equal(n, 0);
    unit_ok(line_of_subject(h->t.db, &h->a, wh_str_of(h->subject), 0, 10, &rows,
                            &n, &err),
            err);
    assert_int_equal(n, 2);
    assert_true(rows[0].id > rows[1].id);

    /* the schema itself refuses an endless one, and a rewritten one */
    struct keeping k = {.h = h};
    struct line_question q = {.subject = wh_str_of(h->subject),
                              .evidence =
                                  line_testing_evidence(&h->a, "134515008"),
                              .now = LINE_TESTING_NOW};
    unit_ok(line_decide(&h->a, &h->set, &q, &k.d, &err), err);
    k.d.until = 0;
    assert_false(db_tx(h->t.db, keep, &k, &err));
}

static void shadow_lines_only_report(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct wh_str *results;
    size_t n;
    uint64_t counts[RULE_ANSWER_COUNT];
    struct keeping k = decide(h, "22713216", 0, 0);
    assert_int_equal(k.d.tiers.part[RULE_PART_WEIGHTS], RULE_TIER_OPEN);
    (void)decide(h, "134515008", 0, 60);
    unit_ok(line_shadow_of(h->t.db, &h->a, wh_str_of(h->subject), &results, &n,
                           &err),
            err);
    assert_int_equal(n, 1);
    assert_true(
        wh_str_find_str(results[0], WH_S("\"line\":\"small.fast-track\"")) !=
        SIZE_MAX);
    unit_ok(line_shadow_count(h->t.db, WH_S("small.fast-track"), counts, &err),
            err);
    assert_true(counts[RULE_BELOW] == 0 && counts[RULE_UNSURE] == 1);
}

static bool keep_set(struct db *db, void *ctx, struct wh_err *err)
{
    struct house *h = ctx;
    return line_set_keep(db, &h->set, NOW, err);
}

static void line_documents_stay(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct wh_str text;
    const struct rule_line *line;
    unit_ok(db_tx(h->t.db, keep_set, h, &err), err);
    unit_ok(db_tx(h->t.db, keep_set, h, &err), err);
    const char *digest = h->set.shadow[0].line->digest;
    unit_ok(line_document_get(h->t.db, &h->a, wh_str_of(digest), &text, &err),
            err);
    unit_ok(rule_line_load(&h->a, text, &line, &err), err);
    assert_string_equal(line->digest, digest);
    unit_fails(line_document_get(h->t.db, &h->a, WH_S("0"), &text, &err), err,
               WH_NOT_FOUND);
}

static bool keep_bad_subject(struct db *db, void *ctx, struct wh_err *err)
{
    struct house *h = ctx;
    return line_subject_keep(db, wh_str_of(h->subject), WH_S("{}"), NOW, err);
}

static void a_subject_is_the_digest_of_its_manifest(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct wh_str text;
    unit_fails(db_tx(h->t.db, keep_bad_subject, h, &err), err, WH_INTERNAL);
    unit_fails(line_subject_manifest(h->t.db, &h->a, wh_str_of(h->subject),
                                     &text, &err),
               err, WH_NOT_FOUND);
}

static void catches_up_after_a_crash(void **state)
{
    struct house *h = *state;
    struct wh_err err;
    struct catching c = {.size = 1000};
    (void)decide(h, "22713216", 0, 0);
    (void)decide(h, "22713216", 0, 60);
    unit_ok(db_tx(h->t.db, catch_up, &c, &err), err);
    assert_int_equal(c.n, 0); /* their leaves wait in the outbox */
    (void)current(h, 0, false);
    c = (struct catching){.sequence = true, .size = 1};
    unit_ok(db_tx(h->t.db, catch_up, &c, &err), err);
    assert_int_equal(c.n, 1); /* both are logged, one is published */
    assert_int_equal(current(h, 0, true).index, 0);
    c.size = 2;
    unit_ok(db_tx(h->t.db, catch_up, &c, &err), err);
    assert_int_equal(c.n, 1);
    assert_int_equal(current(h, 0, true).index, 1);
}

/* ---- lines on the register ---- */

/* An entry that waits for its place: these lines are in force. */
struct telling {
    json_t *digests;
    bool people;
};

static bool tell(struct db *db, void *ctx, struct wh_err *err)
{
    const struct telling *t = ctx;
    json_t *leaf = json_object();
    int64_t outbox;
    json_object_set_new(leaf, "type", json_string("lines"));
    json_object_set_new(leaf, "software", json_string("1.0.0"));
    json_object_set(leaf, "lines", t->digests);
    if (t->people) {
        struct wh_str d = wh_str_of(COMMIT_A COMMIT_A);
        json_object_set_new(leaf, "roster", json_integer(1));
        json_object_set_new(leaf, "statement",
                            register_digest_new(wh_str_sub(d, 0, 64)));
        json_object_set_new(leaf, "signatures",
                            register_digest_new(wh_str_sub(d, 0, 64)));
    }
    bool ok = register_submit(db, leaf, &outbox, err);
    json_decref(leaf);
    return ok;
}

static enum wh_code keep_one(struct house *h)
{
    struct keeping k = {.h = h};
    struct wh_err err = {0};
    struct line_question q = {.subject = wh_str_of(h->subject),
                              .evidence =
                                  line_testing_evidence(&h->a, "22713216"),
                              .now = LINE_TESTING_NOW};
    unit_ok(line_decide(&h->a, &h->set, &q, &k.d, &err), err);
    return db_tx(h->t.db, keep, &k, &err) ? WH_NONE : err.code;
}

/* From the moment on which the lines have changed, also before the entry has
 * its place, nothing is decided under the old ones. */
static void nothing_is_decided_under_old_lines(void **state)
{
    struct house *h = *state;
    struct rule_past *past = WH_NEW(&h->a, struct rule_past);
    struct line_told *told;
    struct wh_err err;
    size_t n;
    json_t *all = wh_json_own(&h->a, line_set_digests(&h->set));
    json_t *fewer = wh_json_own(&h->a, json_copy(all));
    struct telling same = {all, false}, change = {fewer, true};
    json_array_remove(fewer, 0);

    assert_int_equal(keep_one(h), WH_NONE); /* a register without entries */
    unit_ok(db_tx(h->t.db, tell, &same, &err), err);
    assert_int_equal(keep_one(h), WH_NONE);
    unit_ok(db_tx(h->t.db, tell, &change, &err), err);
    assert_int_equal(keep_one(h), WH_UNAVAILABLE);
    unit_ok(line_told(h->t.db, &h->a, &told, &n, &err), err);
    assert_int_equal(n, 2);
    assert_int_equal(told[0].index, -1);
    assert_false(told[0].by_people);
    assert_true(told[1].by_people);
    unit_ok(line_past(h->t.db, &h->a, past, &err), err);
    assert_int_equal(past->n, 2);
    assert_int_equal(past->n_gone, 1);
    assert_true(past->signed_for[0] && past->signed_for[1]);
    unit_ok(line_in_force(h->t.db, &h->a, fewer, &err), err);
    /* what nobody signed takes nothing away */
    change.people = false;
    json_array_remove(fewer, 0);
    unit_ok(db_tx(h->t.db, tell, &change, &err), err);
    unit_fails(line_past(h->t.db, &h->a, past, &err), err, WH_ROLLED_BACK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(counts_only_when_published),
        T(the_leaf_says_what_was_decided),
        T(a_private_repo_only_commits),
        T(commits_share_a_subject_and_its_decision),
        T(renewed_is_what_somebody_has),
        T(no_hold_without_an_end),
        T(shadow_lines_only_report),
        T(line_documents_stay),
        T(a_subject_is_the_digest_of_its_manifest),
        T(catches_up_after_a_crash),
        T(nothing_is_decided_under_old_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
