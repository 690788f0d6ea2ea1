/*
 * decide.c - evidence in, decision on record.
 */
#include "hub/decide.h"
#include "base/time.h"
#include "hub/approvals.h"
#include "hub/earlier.h"
#include "line/report.h"

/* Contents of a subject that are remembered, to be known again elsewhere. */
enum content_kind { CONTENT_FILE = 1, CONTENT_TENSORS = 2 };

/* Subjects with one content that are looked at. */
#define ANCESTORS_MAX 256

/* How often one is made anew because another was faster. */
#define TRIES 8

/* ---- statements about the subject that no file can make ---- */

static const char LINEAGE_METHOD[] =
    "exact digests of files and of sets of tensors, against all subjects that "
    "this house found above a line; it can not see tuning, merging or "
    "conversion";
static const char INCIDENT_METHOD[] =
    "the house's own list of open incidents: reports that a person answered "
    "as such";

static struct wh_str tensor_set(const struct hub_subject_file *f)
{
    const json_t *v = json_object_get(f->look.result, "tensor_set");

    return json_is_string(v) && json_string_length(v) == WH_SHA256_HEX
               ? wh_str_of(json_string_value(v))
               : WH_S("");
}

/* Another subject with the same content that was found above a line. */
struct ancestor {
    struct wh_str subject, evidence; /* digests */
};

static bool find_ancestors(struct db *db, struct wh_arena *a, int64_t repo,
                           struct wh_str digest, enum content_kind kind,
                           const char *subject, struct ancestor **out,
                           size_t *n, struct wh_err *err)
{
    struct ancestor *list = wh_arena_array(a, ANCESTORS_MAX, sizeof *list);
    struct db_stmt *st = db_start(db, DBQ_SUBJECT_CONTENT_HELD);
    enum db_row r;

    *n = 0;
    db_bind_text(st, 1, digest);
    db_bind_i64(st, 2, kind);
    db_bind_cstr(st, 3, subject);
    db_bind_i64(st, 4, repo);
    db_bind_i64(st, 5, ANCESTORS_MAX);
    while ((r = db_step(st, err)) == DB_ROW && *n < ANCESTORS_MAX) {
        list[(*n)++] =
            (struct ancestor){db_col_dup(st, 0, a), db_col_dup(st, 1, a)};
    }
    db_finish(&st);
    *out = list;
    return r != DB_FAIL;
}

/* Would the lines of today hold it if it had no ancestors? Two that are held
 * only for each other would stay so for ever. */
static bool holds_by_itself(struct db *db, struct wh_arena *a,
                            const struct line_set *lines,
                            const struct ancestor *x, bool *held,
                            struct wh_err *err)
{
    struct line_decision *d = WH_NEW(a, struct line_decision);
    struct wh_str text;
    json_t *doc, *map;

    if (!line_evidence_get(db, a, x->evidence, &text, err) ||
        !wh_json_parse(a, text, &doc, err)) {
        return false;
    }
    map = json_object_get(doc, "evidence");
    json_object_set_new(map, "lineage.held_ancestor",
                        rule_item_value(WH_S("none-found"), RULE_BY_HOUSE,
                                        wh_str_of(LINEAGE_METHOD), WH_S("")));
    const struct line_question q = {
        .subject = x->subject, .evidence = map, .now = wh_now_us() / 1000000};
    if (!line_decide(a, lines, &q, d, err)) {
        return false;
    }
    *held = d->answer == RULE_ABOVE &&
            d->tiers.part[RULE_PART_WEIGHTS] < RULE_TIER_OPEN;
    return true;
}

static bool is_held(struct db *db, struct wh_arena *a,
                    const struct line_set *lines, int64_t repo,
                    struct wh_str digest, enum content_kind kind,
                    const char *subject, bool *held, struct wh_err *err)
{
    struct ancestor *list;
    size_t n;

    if (!find_ancestors(db, a, repo, digest, kind, subject, &list, &n, err)) {
        return false;
    }
    *held = *held || n == ANCESTORS_MAX; /* more than are looked at */
    for (size_t i = 0; i < n && !*held; i++) {
        if (!holds_by_itself(db, a, lines, &list[i], held, err)) {
            return false;
        }
    }
    return true;
}

/* Are any weights of this subject part of another one that is held? */
static bool held_ancestor(struct db *db, struct wh_arena *a,
                          const struct line_set *lines, int64_t repo,
                          const struct hub_subject *s, bool *held,
                          struct wh_err *err)
{
    *held = false;
    for (size_t i = 0; i < s->n && !*held; i++) {
        const struct hub_subject_file *f = &s->files[i];
        if (f->part != WEIGH_PART_WEIGHTS) {
            continue;
        }
        if (!is_held(db, a, lines, repo, wh_str_of(f->sha256), CONTENT_FILE,
                     s->digest, held, err) ||
            (tensor_set(f).n > 0 &&
             !is_held(db, a, lines, repo, tensor_set(f), CONTENT_TENSORS,
                      s->digest, held, err))) {
            return false;
        }
    }
    return true;
}

static bool add_statement(json_t *map, const char *name, json_t *item)
{
    const struct rule_claim *claim = rule_claim_find(wh_str_of(name));

    wh_assert(claim);
    rule_combine_statement(map, claim, item);
    json_decref(item);
    return true;
}

static bool find_evidence(struct db *db, struct wh_arena *a,
                          const struct line_set *lines, int64_t repo,
                          const struct hub_subject *s, json_t **out,
                          struct wh_err *err)
{
    struct rule_file_claims *earlier;
    struct rule_dec incidents = {0};
    int64_t open;
    size_t n;
    bool held;
    json_t *map;

    if (!hub_earlier_find(db, a, repo, s, &earlier, &n, err) ||
        !line_incidents_open(db, wh_str_of(s->digest), &open, err) ||
        !held_ancestor(db, a, lines, repo, s, &held, err)) {
        return false;
    }
    map = hub_subject_evidence(a, s, earlier, n);
    wh_assert(
        rule_dec_parse(wh_arena_fmt(a, "%lld", (long long)open), &incidents));
    add_statement(map, "lineage.held_ancestor",
                  rule_item_value(held ? WH_S("found") : WH_S("none-found"),
                                  RULE_BY_HOUSE, wh_str_of(LINEAGE_METHOD),
                                  WH_S("")));
    add_statement(map, "incident.open",
                  rule_item_interval(&incidents, &incidents, RULE_BY_HOUSE,
                                     wh_str_of(INCIDENT_METHOD), WH_S("")));
    *out = map;
    return true;
}

/* ---- the weighing document ---- */

static json_t *weighing_file(const struct hub_subject_file *f)
{
    json_t *o = json_object();

    json_object_set_new(o, "path", wh_json_str(f->path));
    json_object_set_new(o, "part", json_string(weigh_part_name(f->part)));
    json_object_set_new(o, "sha256", json_string(f->sha256));
    json_object_set_new(o, "size", json_integer((json_int_t)f->size));
    if (f->look.result) {
        json_object_set(o, "scan", f->look.result);
    }
    return o;
}

struct weighing {
    struct wh_str text;
    char digest[WH_SHA256_HEX + 1];
    bool verifiable;
};

static bool write_weighing(struct wh_arena *a, const struct hub_subject *s,
                           struct weighing *out, struct wh_err *err)
{
    json_t *doc = wh_json_own(a, json_object()), *files = json_array();
    struct wh_buf b;
    bool ok;

    out->verifiable = true;
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "subject", json_string(s->digest));
    json_object_set_new(doc, "files", files);
    for (size_t i = 0; i < s->n; i++) {
        const struct hub_subject_file *f = &s->files[i];
        if (f->weighed) {
            json_array_append_new(files, weighing_file(f));
            out->verifiable &= !f->large || f->look.verifiable;
        }
    }
    wh_buf_init(&b, (size_t)64 << 20);
    ok = wh_json_canonical(&b, doc, err) && wh_buf_ok(&b, err);
    if (ok) {
        out->text = wh_arena_dup(a, wh_buf_str(&b));
        wh_sha256_hex_of(out->text, out->digest);
    }
    wh_buf_done(&b);
    return ok;
}

/* ---- the transaction ---- */

struct keep {
    struct wh_arena *a;
    const struct store_repo *repo;
    const char *sha;
    const struct hub_subject *s;
    const struct weighing *w;
    const struct line_decision *d; /* null: only the revision is new */
    const struct line_set *lines;
    bool opens;   /* the decision, found or made, opens the weights */
    int64_t ends; /* the decision that `d` ends, or 0 */
    bool late;    /* there is another by now: nothing was kept */
    struct line_kept kept;
};

static bool keep_weighing(struct db *db, const struct keep *k, int64_t now,
                          struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_WEIGHING_SET);

    db_bind_cstr(st, 1, k->s->digest);
    db_bind_cstr(st, 2, k->w->digest);
    db_bind_text(st, 3, k->w->text);
    db_bind_i64(st, 4, now);
    return db_exec(st, err);
}

static bool keep_content(struct db *db, const struct keep *k,
                         struct wh_str digest, enum content_kind kind,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_SUBJECT_CONTENT_ADD);

    db_bind_text(st, 1, digest);
    db_bind_i64(st, 2, kind);
    db_bind_cstr(st, 3, k->s->digest);
    return db_exec(st, err);
}

/* What is open already is nobody's held ancestor: else anybody could close
 * weights to others by putting them beside ones above the line. */
static bool keep_contents(struct db *db, const struct keep *k,
                          struct wh_err *err)
{
    for (size_t i = 0; i < k->s->n; i++) {
        const struct hub_subject_file *f = &k->s->files[i];
        uint64_t size;
        bool open;
        if (f->part != WEIGH_PART_WEIGHTS) {
            continue;
        }
        if (!store_open_find(db, f->sha256, &open, &size, err)) {
            return false;
        }
        if (open) {
            continue;
        }
        if (!keep_content(db, k, wh_str_of(f->sha256), CONTENT_FILE, err) ||
            (tensor_set(f).n > 0 &&
             !keep_content(db, k, tensor_set(f), CONTENT_TENSORS, err))) {
            return false;
        }
    }
    return true;
}

/* A leaf about the subject: named in the open, or committed to. */
static bool submit(struct db *db, const struct keep *k, json_t *leaf,
                   struct wh_err *err)
{
    uint8_t salt[REGISTER_SALT];
    struct wh_str value = wh_arena_fmt(k->a, "sha256:%s", k->s->digest);
    int64_t outbox;
    bool ok;

    if (!k->repo->is_private) {
        json_object_set_new(leaf, "subject",
                            register_subject_new(wh_str_of(k->s->digest)));
        ok = register_submit(db, leaf, &outbox, err);
    } else {
        register_leaf_commit(leaf, "subject", value, salt);
        ok = register_submit(db, leaf, &outbox, err) &&
             register_opening_keep(db, outbox, "subject", salt, value, err);
    }
    json_decref(leaf);
    return ok;
}

static bool submit_weighing(struct db *db, const struct keep *k,
                            struct wh_err *err)
{
    json_t *submission = json_object(), *weighing = json_object();

    json_object_set_new(submission, "type", json_string("submission"));
    json_object_set_new(submission, "kind",
                        json_string(store_kind_name(k->repo->kind)));
    json_object_set_new(weighing, "type", json_string("weighing"));
    json_object_set_new(weighing, "verifiable",
                        json_string(k->w->verifiable ? "yes" : "no"));
    json_object_set_new(weighing, "result",
                        register_digest_new(wh_str_of(k->w->digest)));
    if (!submit(db, k, submission, err)) {
        json_decref(weighing);
        return false;
    }
    return submit(db, k, weighing, err);
}

/* A decision ends the one that it was made after, and no other: people may have
 * closed meanwhile what the lines would open. Looked at where nobody else
 * writes. */
static bool ends_the_newest(struct db *db, struct keep *k, int64_t scope,
                            struct wh_err *err)
{
    struct line_row newest;
    bool found;

    if (!line_latest(db, k->a, wh_str_of(k->s->digest), scope, &found, &newest,
                     err)) {
        return false;
    }
    k->late = (found ? newest.id : 0) != k->ends;
    return !k->late ||
           wh_fail(err, WH_CONFLICT, "it was decided otherwise meanwhile");
}

static bool keep_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct keep *k = ctx;
    int64_t scope = k->repo->is_private ? k->repo->id : 0;
    struct wh_str subject = wh_str_of(k->s->digest);
    int64_t now = wh_now_us();

    if (!line_subject_keep(db, subject, k->s->manifest, now, err) ||
        !line_revision_keep(db, k->repo->id, wh_str_of(k->sha), subject, now,
                            err) ||
        (k->opens && !hub_earlier_keep(db, k->repo->id, k->s, err))) {
        return false;
    }
    if (!k->d) {
        return true;
    }
    return ends_the_newest(db, k, scope, err) &&
           keep_weighing(db, k, now, err) && keep_contents(db, k, err) &&
           submit_weighing(db, k, err) &&
           line_set_keep(db, k->lines, now, err) &&
           line_decision_keep(db, k->a, k->d, scope, now, &k->kept, err);
}

/* ---- found or made ---- */

/* Made under the lines that are enforced now, and not at its end. */
static bool still_stands(struct wh_arena *a, const struct line_row *row,
                         const struct line_set *lines)
{
    json_t *leaf, *digests = wh_json_own(a, line_set_digests(lines));
    struct wh_err ignored = {0};

    if (row->made_by != LINE_MADE_BY_LINE) { /* people renew by themselves */
        return line_row_stands(row, wh_now_us() / 1000000);
    }
    if (row->until > 0 && (row->until - HUB_RENEW_S) * 1000000 <= wh_now_us()) {
        return false;
    }
    return wh_json_parse(a, row->leaf, &leaf, &ignored) &&
           json_equal(json_object_get(leaf, "lines"), digests);
}

static bool make(struct db_writer *writer, const struct line_set *lines,
                 struct db *db, struct keep *k, struct wh_err *err)
{
    struct line_question question = {.subject = wh_str_of(k->s->digest),
                                     .now = wh_now_us() / 1000000};
    struct line_decision *d = WH_NEW(k->a, struct line_decision);
    struct weighing *w = WH_NEW(k->a, struct weighing);

    if (!find_evidence(db, k->a, lines, k->repo->id, k->s, &question.evidence,
                       err) ||
        !write_weighing(k->a, k->s, w, err) ||
        !line_decide(k->a, lines, &question, d, err)) {
        return false;
    }
    k->d = d;
    k->w = w;
    k->opens = d->tiers.part[RULE_PART_WEIGHTS] == RULE_TIER_OPEN;
    return db_write(writer, keep_fn, k, err);
}

/* The decision in effect is found, else one is made. */
static bool find_or_make(struct db_writer *writer, const struct line_set *lines,
                         struct db *db, struct keep *k, struct line_row *row,
                         struct wh_err *err)
{
    int64_t scope = k->repo->is_private ? k->repo->id : 0;
    bool found;

    if (!line_latest(db, k->a, wh_str_of(k->s->digest), scope, &found, row,
                     err)) {
        return false;
    }
    if (found && still_stands(k->a, row, lines)) {
        k->d = NULL;
        k->opens = row->tiers.part[RULE_PART_WEIGHTS] == RULE_TIER_OPEN;
        return db_write(writer, keep_fn, k, err);
    }
    k->ends = found ? row->id : 0;
    return make(writer, lines, db, k, err);
}

bool hub_decide(struct db_writer *writer, struct register_log *log,
                const struct line_set *lines, struct db *db, struct wh_arena *a,
                const struct store_repo *repo, const char *sha,
                const struct hub_subject *s, struct hub_decided *out,
                struct wh_err *err)
{
    struct keep k = {.a = a, .repo = repo, .sha = sha, .s = s, .lines = lines};
    int64_t scope = repo->is_private ? repo->id : 0;
    bool found, ok = find_or_make(writer, lines, db, &k, &out->row, err);

    for (int i = 1; !ok && k.late && i < TRIES; i++) {
        k.late = false;
        *err = (struct wh_err){0};
        ok = find_or_make(writer, lines, db, &k, &out->row, err);
    }
    if (!ok || !k.d) {
        return ok;
    }
    register_kick(log);
    ok =
        line_latest(db, a, wh_str_of(s->digest), scope, &found, &out->row, err);
    return ok && (found || wh_fail(err, WH_INTERNAL, "a decision is gone"));
}

/* ---- published ---- */

struct published {
    int64_t outbox;
    uint64_t index;
};

static bool published_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct published *p = ctx;

    return line_decision_published(db, p->outbox, (int64_t)p->index,
                                   wh_now_us(), err);
}

bool hub_decided_published(struct db_writer *writer, struct hub_decided *d,
                           uint64_t index, struct wh_err *err)
{
    struct published p = {d->row.outbox, index};

    if (!db_write(writer, published_fn, &p, err)) {
        return false;
    }
    d->row.published = true;
    d->row.index = (int64_t)index;
    return true;
}

/* ---- the keeper's papers ---- */

static void collect_scans(struct wh_arena *a, const struct hub_subject *s,
                          struct keeper_opening *out)
{
    struct wh_str *scans = wh_arena_array(a, s->n + 1, sizeof *scans);

    for (size_t i = 0; i < s->n && out->nscans < KEEPER_SCANS_MAX; i++) {
        const struct hub_subject_file *f = &s->files[i];
        if (f->large && f->content.scan_statement.n > 0 &&
            weigh_part_in_subject(f->part)) {
            scans[out->nscans++] = f->content.scan_statement;
        }
    }
    out->scans = scans;
}

bool hub_decided_papers(const struct register_reader *reader, struct db *db,
                        struct wh_arena *a, const struct store_repo *repo,
                        const struct hub_subject *s,
                        const struct hub_decided *d, struct keeper_opening *out,
                        struct wh_err *err)
{
    struct wh_buf proof;
    struct line_row row;
    bool ok;

    if (!line_grant_of(db, a, &d->row, &row, err)) {
        return false;
    }
    *out = (struct keeper_opening){.manifest = s->manifest, .leaf = row.leaf};
    collect_scans(a, s, out);
    if (!line_evidence_get(db, a, row.evidence, &out->evidence, err) ||
        !hub_approvals_bundle(reader, db, a, &row, &out->bundle, err) ||
        !hub_approvals_lines(reader, db, a, &out->told, err)) {
        return false;
    }
    /* decided in the open, it is the same for a private repo */
    if (repo->is_private && row.repo != 0 &&
        (!register_opening_salt(db, a, (uint64_t)row.index, "subject",
                                &out->subject_salt, err) ||
         !register_opening_salt(db, a, (uint64_t)row.index, "evidence",
                                &out->evidence_salt, err))) {
        return false;
    }
    wh_buf_init(&proof, 65536);
    ok = register_proof(reader, (uint64_t)row.index, &proof, err);
    if (ok) {
        out->proof = wh_arena_dup(a, wh_buf_str(&proof));
    }
    wh_buf_done(&proof);
    return ok;
}
