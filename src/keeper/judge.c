/*
 * May this be opened? Nothing here is taken from front on trust: the digest is
 * the keeper's own statement, the decision is on the register under a published
 * checkpoint, and whether the lines really say "open" is worked out again from
 * the scanners' answers.
 *
 * Failures tell whose fault it is: WH_HELD, the rules do not open it;
 * WH_FORBIDDEN, the papers do not belong together; WH_NOT_VERIFIABLE,
 * WH_CORRUPT, WH_ROLLED_BACK, the register's proof does not hold.
 */
#include "base/enc.h"
#include "base/file.h"
#include "base/time.h"
#include "keeper/approved.h"
#include "rule/combine.h"
#include "rule/eval.h"
#include "tlog/proof.h"

#include <stdio.h>
#include <stdlib.h>

#define FILES_MAX 100000u
#define COMMIT_SALT 32
/* How long a checkpoint may be shown after a later one was. */
#define HORIZON_US (30 * 1000000LL)

/* The manifest as the keeper needs it. */
struct manifest {
    size_t n;
    struct rule_file_claims *files;
    int64_t *sizes;
};

static bool papers(struct wh_err *err, const char *why)
{
    return wh_fail(err, WH_FORBIDDEN, "%s", why);
}

static struct wh_str text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : (struct wh_str){"", 0};
}

/* ---- the manifest ---- */

static bool read_file(const json_t *o, struct rule_file_claims *f,
                      int64_t *size)
{
    const json_t *n = json_object_get(o, "size");
    f->sha256 = text_of(o, "sha256");
    f->claims = NULL;
    f->path = text_of(o, "path");
    *size = json_integer_value(n);
    return json_is_integer(n) && *size >= 0 && f->sha256.n == WH_SHA256_HEX &&
           rule_part_of(text_of(o, "part"), &f->part);
}

static bool read_manifest(const struct keeper_case *c, struct manifest *out,
                          struct wh_err *err)
{
    json_t *doc;
    if (!wh_json_parse(c->a, c->manifest, &doc, err)) {
        return false;
    }
    const json_t *files = json_object_get(doc, "files");
    out->n = json_array_size(files);
    if (json_integer_value(json_object_get(doc, "v")) != 1 || out->n == 0 ||
        out->n > FILES_MAX) {
        return papers(err, "malformed manifest");
    }
    out->files = wh_arena_array(c->a, out->n, sizeof *out->files);
    out->sizes = wh_arena_array(c->a, out->n, sizeof *out->sizes);
    for (size_t i = 0; i < out->n; i++) {
        if (!read_file(json_array_get(files, i), &out->files[i],
                       &out->sizes[i])) {
            return papers(err, "malformed manifest");
        }
    }
    return true;
}

/* ---- the decision ---- */

/* The commitment of the register's format to a field. */
static void commit_of(struct wh_arena *a, struct wh_str field,
                      const uint8_t salt[COMMIT_SALT], struct wh_str value,
                      char hex[WH_SHA256_HEX + 1])
{
    struct wh_buf b;
    wh_buf_init(&b, 4096);
    wh_buf_cstr(&b, "weighhouse/commit/v1");
    wh_buf_u8(&b, 0);
    wh_buf_u16be(&b, (uint16_t)field.n);
    wh_buf_add(&b, field);
    wh_buf_mem(&b, salt, COMMIT_SALT);
    wh_buf_u32be(&b, (uint32_t)value.n);
    wh_buf_add(&b, value);
    wh_sha256_hex_of(wh_arena_dup(a, wh_buf_str(&b)), hex);
    wh_buf_done(&b);
}

/* Does the leaf name this digest, in the open (a string or a list of one) or
 * by a commitment whose salt we were given? */
static bool leaf_names(struct wh_arena *a, const json_t *leaf, const char *key,
                       struct wh_str hex, struct wh_str salt_hex)
{
    struct wh_str want = wh_arena_fmt(a, "sha256:%.*s", WH_FMT(hex));
    const json_t *v = json_object_get(leaf, key);
    if (json_is_array(v) && json_array_size(v) == 1) {
        v = json_array_get(v, 0);
    }
    if (v) {
        return json_is_string(v) && wh_str_is(want, json_string_value(v));
    }
    uint8_t salt[COMMIT_SALT];
    char commit[WH_SHA256_HEX + 1];
    if (!wh_hex_dec(salt_hex, salt, sizeof salt, false)) {
        return false;
    }
    commit_of(a, wh_str_of(key), salt, want, commit);
    return wh_str_is(text_of(json_object_get(leaf, "c"), key), commit);
}

/* Every enforced line is among those that the decision applied. */
static bool lines_applied(const struct keeper_case *c, const json_t *leaf)
{
    const json_t *list = json_object_get(leaf, "lines");
    for (size_t i = 0; i < c->nlines; i++) {
        struct wh_str want =
            wh_arena_fmt(c->a, "sha256:%s", c->lines[i]->digest);
        bool found = false;
        for (size_t j = 0; j < json_array_size(list); j++) {
            const char *s = json_string_value(json_array_get(list, j));
            found = found || (s && wh_str_is(want, s));
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* Is the part at this tier, or at a more open one? Tiers are in that order. */
static bool leaf_tier_ok(const json_t *leaf, const char *part,
                         enum rule_tier tier, struct wh_err *err)
{
    enum rule_tier has;
    if (rule_tier_of(text_of(json_object_get(leaf, "tiers"), part), &has) &&
        has != RULE_TIER_PASS && has >= tier) {
        return true;
    }
    return tier == RULE_TIER_OPEN
               ? wh_fail(err, WH_HELD, "the decision does not open the %s",
                         part)
               : wh_fail(err, WH_HELD, "by the decision the %s are not %s",
                         part, rule_tier_word(tier));
}

/* All files of the manifest with the content's digest are weights, and the
 * decision opens those; there is at least one. What is no weights opens without
 * papers, by its scan (PLAIN): a manifest that names weights as another part
 * would have them judged by rules that were not made for them. */
static bool part_open(const struct manifest *m, struct keeper_case *c,
                      const json_t *leaf, enum rule_tier tier,
                      struct wh_err *err)
{
    c->part = NULL;
    wh_assert(m->files && m->sizes);
    for (size_t i = 0; i < m->n; i++) {
        if (!wh_str_eq(m->files[i].sha256, c->content.sha256) ||
            (uint64_t)m->sizes[i] != c->content.size) {
            continue;
        }
        if (m->files[i].part != RULE_PART_WEIGHTS) {
            return papers(err, "only weights are opened by a decision");
        }
        c->part = rule_part_word(m->files[i].part);
        if (!leaf_tier_ok(leaf, c->part, tier, err)) {
            return false;
        }
    }
    return c->part || papers(err, "the manifest does not hold this file");
}

static bool check_leaf(struct keeper_case *c, const struct manifest *m,
                       enum rule_tier tier, struct wh_err *err)
{
    json_t *leaf;
    char evidence[WH_SHA256_HEX + 1];
    if (!wh_json_parse(c->a, c->leaf, &leaf, err)) {
        return false;
    }
    wh_sha256_hex_of(c->evidence, evidence);
    if (!wh_str_is(text_of(leaf, "type"), "decision")) {
        return papers(err, "the leaf is no decision");
    }
    if (!leaf_names(c->a, leaf, "subject", c->subject, c->subject_salt)) {
        return papers(err, "the decision is about another subject");
    }
    if (!leaf_names(c->a, leaf, "evidence", wh_str_of(evidence),
                    c->evidence_salt)) {
        return papers(err, "the decision rests on other evidence");
    }
    const json_t *until = json_object_get(leaf, "until");
    c->until = json_integer_value(until);
    if (until && c->until * 1000000 <= wh_now_us()) {
        return wh_fail(err, WH_HELD, "the decision has run out");
    }
    if (!lines_applied(c, leaf)) {
        return wh_fail(err, WH_HELD,
                       "the decision does not apply every enforced line");
    }
    return part_open(m, c, leaf, tier, err);
}

/* ---- the register ---- */

static bool read_vkey(struct keeper *k, struct wh_arena *a,
                      struct tlog_vkey *out, struct wh_err *err)
{
    char path[4096];
    struct wh_str text;
    (void)snprintf(path, sizeof path, "%s/log.vkey", k->keys_dir);
    if (!wh_file_read(a, path, TLOG_VKEY_TEXT, &text, err)) {
        wh_err_detail(err, "the register's public key");
        err->code = WH_UNAVAILABLE; /* a house without a register, so far */
        return false;
    }
    return tlog_vkey_parse(wh_str_trim(text), out, err);
}

bool keeper_horizon_take(struct keeper_horizon *h,
                         const struct tlog_checkpoint *cp, struct wh_err *err)
{
    int64_t now = wh_mono_us();
    bool ok = true;
    pthread_mutex_lock(&h->lock);
    if (now - h->top_since > HORIZON_US) {
        h->floor = h->top;
        h->top_since = now;
    }
    if (cp->size < h->floor) {
        ok = wh_fail(err, WH_ROLLED_BACK,
                     "the register has grown since this checkpoint");
    } else if (h->has_root && cp->size == h->top &&
               !tlog_hash_eq(&cp->root, &h->root)) {
        ok = wh_fail(err, WH_CORRUPT, "two trees of the same size are signed");
    } else if (cp->size > h->top || !h->has_root) {
        h->top = cp->size;
        h->root = cp->root;
        h->has_root = true;
    }
    pthread_mutex_unlock(&h->lock);
    return ok;
}

static bool check_proof(struct keeper *k, struct keeper_case *c,
                        struct wh_err *err)
{
    struct tlog_vkey key;
    struct tlog_hash leaf;
    struct tlog_checkpoint cp;
    struct tlog_proof *proof = WH_NEW(c->a, struct tlog_proof);
    tlog_hash_leaf(c->leaf, &leaf);
    if (!read_vkey(k, c->a, &key, err) ||
        !tlog_proof_parse(c->proof, proof, err) ||
        !tlog_proof_verify(proof, &leaf, &key, &cp, err)) {
        return false;
    }
    c->checkpoint = cp.size;
    c->index = proof->index;
    return keeper_horizon_take(&k->horizon, &cp, err);
}

/* ---- the rules ---- */

static int by_digest(const void *a, const void *b)
{
    const struct keeper_scan_doc *x = a, *y = b;
    return wh_str_cmp(x->sha256, y->sha256);
}

/* Give every file its claims. Weights without a scan are not weighed. */
static bool join_scans(const struct keeper_case *c, struct manifest *m,
                       struct wh_err *err)
{
    struct keeper_scan_doc *scans =
        wh_arena_array(c->a, c->nscans, sizeof *scans);
    memcpy(scans, c->scans, c->nscans * sizeof *scans);
    qsort(scans, c->nscans, sizeof *scans, by_digest);
    for (size_t i = 0; i < m->n; i++) {
        struct rule_file_claims *f = &m->files[i];
        struct keeper_scan_doc want = {.sha256 = f->sha256};
        const struct keeper_scan_doc *s =
            bsearch(&want, scans, c->nscans, sizeof *scans, by_digest);
        if (s && s->size == (uint64_t)m->sizes[i]) {
            if (f->part != RULE_PART_WEIGHTS &&
                !keeper_plain_class(s->result)) {
                return papers(err, "weights are named as another part");
            }
            f->claims = json_object_get(s->result, "claims");
        } else if (f->part == RULE_PART_WEIGHTS) {
            return papers(err, "a file of weights was not weighed");
        }
    }
    return true;
}

/* Claims about the subject that no file can make (descent, incidents) come
 * from the evidence that the decision named; all others only from scans. */
static bool add_statements(const struct keeper_case *c, json_t *map,
                           struct wh_err *err)
{
    json_t *doc;
    if (!wh_json_parse(c->a, c->evidence, &doc, err)) {
        return false;
    }
    if (!wh_str_eq(text_of(doc, "subject"), c->subject)) {
        return papers(err, "the evidence is about another subject");
    }
    const json_t *items = json_object_get(doc, "evidence");
    const struct rule_claim *claim;
    for (size_t i = 0; (claim = rule_claim_at(i)) != NULL; i++) {
        json_t *item = json_object_get(items, claim->name);
        if (item && claim->fold == RULE_FOLD_NONE) {
            rule_combine_statement(map, claim, item);
        }
    }
    return true;
}

static json_t *evidence_doc(const struct keeper_case *c, json_t *map)
{
    char now[WH_TIME_TEXT];
    json_t *doc = wh_json_own(c->a, json_object());
    wh_time_text(wh_now_us(), now);
    now[19] = 'Z'; /* whole seconds, the one form of evidence documents */
    now[20] = '\0';
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "subject", wh_json_str(c->subject));
    json_object_set_new(doc, "now", json_string(now));
    json_object_set(doc, "evidence", map);
    return doc;
}

/* The lines alone do not open it; the approvers may have. */
static bool ask_approvers(struct keeper *k, struct keeper_case *c,
                          struct wh_err *err)
{
    struct wh_str lines[KEEPER_LINES_MAX];
    char evidence[WH_SHA256_HEX + 1], digest[WH_SHA256_HEX + 1];
    struct tlog_vkey key;
    json_t *leaf;
    wh_sha256_hex_of(c->evidence, evidence);
    wh_sha256_hex_of(c->leaf, digest);
    if (!read_vkey(k, c->a, &key, err) ||
        !wh_json_parse(c->a, c->leaf, &leaf, err)) {
        return false;
    }
    for (size_t i = 0; i < c->nlines; i++) {
        lines[i] = wh_str_of(c->lines[i]->digest);
    }
    const struct keeper_claim claim = {.a = c->a,
                                       .pin = &k->pin,
                                       .ledger = k->ledger,
                                       .horizon = &k->horizon,
                                       .log = &key,
                                       .bundle = c->bundle,
                                       .content = c->content.sha256,
                                       .leaf_digest = wh_str_of(digest),
                                       .leaf = leaf,
                                       .index = c->index,
                                       .size = c->checkpoint,
                                       .subject = c->subject,
                                       .evidence = wh_str_of(evidence),
                                       .lines = lines,
                                       .nlines = c->nlines,
                                       .now = wh_now_us() / 1000000};
    return keeper_approved(&claim, err);
}

static bool check_rules(struct keeper *k, struct keeper_case *c,
                        struct manifest *m, enum rule_tier tier,
                        struct wh_err *err)
{
    const struct rule_result *results[KEEPER_LINES_MAX];
    struct rule_tiers tiers;
    enum rule_part part;
    if (!join_scans(c, m, err)) {
        return false;
    }
    json_t *map = rule_combine(c->a, m->files, m->n);
    if (!add_statements(c, map, err)) {
        return false;
    }
    json_t *doc = evidence_doc(c, map);
    for (size_t i = 0; i < c->nlines; i++) {
        results[i] = rule_eval(c->a, c->lines[i], doc);
    }
    rule_compose(results, c->nlines, &tiers);
    wh_assert(rule_part_of(wh_str_of(c->part), &part));
    if (tiers.part[part] >= tier) {
        return true;
    }
    if (c->bundle.n > 0) { /* and the decision says at least this tier */
        return ask_approvers(k, c, err);
    }
    return tier == RULE_TIER_OPEN
               ? wh_fail(err, WH_HELD,
                         "the enforced lines do not open the %s of this "
                         "subject",
                         c->part)
               : wh_fail(err, WH_HELD,
                         "by the enforced lines the %s of this subject are "
                         "not %s",
                         c->part, rule_tier_word(tier));
}

/* ---- which lines ---- */

static bool was_pinned(const struct keeper_ledger_told *pin,
                       struct wh_str digest)
{
    for (size_t i = 0; i < pin->n; i++) {
        if (wh_str_is(digest, pin->digests[i])) {
            return true;
        }
    }
    return false;
}

/* May this text, which front brought, be a line's? If approvers signed for it
 * or took it out, or if it was in force here before under an entry that was
 * shown. Front alone brings no line into force, also not by an entry that it
 * wrote itself: one that opens would do so where the others are silent. */
static bool is_vouched(const struct rule_past *past,
                       const struct keeper_ledger_told *pin,
                       struct wh_str digest)
{
    size_t i = rule_past_find(past, digest);
    if (i != SIZE_MAX) {
        return past->signed_for[i] || was_pinned(pin, digest);
    }
    for (size_t k = 0; k < past->n_gone; k++) {
        if (wh_str_eq(past->gone[k], digest)) {
            return true;
        }
    }
    return false;
}

/* The lines of the configuration, and behind them those texts. */
static bool gather_known(const struct keeper *k, const struct keeper_case *c,
                         const struct keeper_lines *shown,
                         const struct rule_past *past,
                         const struct keeper_ledger_told *pin,
                         struct rule_known **out, size_t *n, struct wh_err *err)
{
    struct rule_known *list =
        wh_arena_array(c->a, k->nknown + shown->ntexts + 1, sizeof *list);
    *n = k->nknown;
    *out = list;
    if (k->nknown > 0) {
        memcpy(list, k->known, k->nknown * sizeof *list);
    }
    for (size_t i = 0; i < shown->ntexts; i++) {
        char hex[WH_SHA256_HEX + 1];
        wh_sha256_hex_of(shown->texts[i], hex); /* they are canonical */
        if (rule_known_digest(list, *n, wh_str_of(hex)) != SIZE_MAX ||
            !is_vouched(past, pin, wh_str_of(hex))) {
            continue;
        }
        list[*n] = (struct rule_known){.text = shown->texts[i],
                                       .from = RULE_FROM_BEFORE};
        if (!rule_line_load(c->a, shown->texts[i], &list[*n].line, err)) {
            return false;
        }
        ++*n;
    }
    return true;
}

/* The pin goes forward only, and is on disk before anything is given. */
static bool pin_lines(struct keeper *k, const struct rule_past *past,
                      uint64_t index, uint64_t size, struct wh_err *err)
{
    struct keeper_ledger_told *pin = &k->told.at;
    if ((int64_t)index <= pin->entry) {
        return (int64_t)index == pin->entry ||
               wh_fail(err, WH_ROLLED_BACK,
                       "a later entry about lines than these was shown before");
    }
    json_t *e = json_object(), *list = json_array();
    for (size_t i = 0; i < past->n; i++) {
        json_array_append_new(list, wh_json_str(past->now[i]));
    }
    json_object_set_new(e, "op", json_string("lines"));
    json_object_set_new(e, "entry", json_integer((json_int_t)index));
    json_object_set_new(e, "lines", list);
    json_object_set_new(e, "checkpoint", json_integer((json_int_t)size));
    if (!keeper_ledger_append(k->ledger, e, err)) {
        return false;
    }
    pin->entry = (int64_t)index;
    pin->n = past->n;
    for (size_t i = 0; i < past->n; i++) {
        memcpy(pin->digests[i], past->now[i].p, WH_SHA256_HEX);
        pin->digests[i][WH_SHA256_HEX] = 0;
    }
    return true;
}

static bool find_shown(struct keeper *k, struct keeper_case *c,
                       struct wh_err *err)
{
    struct keeper_lines shown;
    struct rule_past *past = WH_NEW(c->a, struct rule_past);
    struct rule_enforced e;
    struct rule_known *known;
    struct tlog_vkey key;
    uint64_t index = 0, size = 0;
    size_t n;
    if (!read_vkey(k, c->a, &key, err)) {
        return false;
    }
    const struct keeper_claim claim = {.a = c->a,
                                       .pin = &k->pin,
                                       .ledger = k->ledger,
                                       .horizon = &k->horizon,
                                       .log = &key,
                                       .now = wh_now_us() / 1000000};
    if (!keeper_lines_read(c->a, c->told, &shown, err) ||
        !keeper_lines_told(&claim, &shown, past, &index, &size, err)) {
        return false;
    }
    pthread_mutex_lock(&k->told.lock);
    bool ok = gather_known(k, c, &shown, past, &k->told.at, &known, &n, err) &&
              rule_enforced_find(c->a, past, k->names, k->nnames, known, n, &e,
                                 err) &&
              pin_lines(k, past, index, size, err);
    pthread_mutex_unlock(&k->told.lock);
    for (size_t i = 0; ok && i < e.n; i++) {
        c->lines[c->nlines++] = known[e.at[i]].line;
    }
    return ok;
}

/* The lines that are enforced: by the register and the configuration together;
 * by the configuration alone, as long as nothing else was ever shown. */
static bool find_lines(struct keeper *k, struct keeper_case *c,
                       struct wh_err *err)
{
    c->nlines = 0;
    if (c->told.n > 0) {
        return find_shown(k, c, err);
    }
    pthread_mutex_lock(&k->told.lock);
    bool shown = k->told.at.entry >= 0;
    pthread_mutex_unlock(&k->told.lock);
    if (shown) {
        return wh_fail(err, WH_ROLLED_BACK,
                       "what the register says about lines is kept back");
    }
    memcpy(c->lines, k->lines, sizeof c->lines);
    c->nlines = k->nlines;
    return true;
}

bool keeper_judge(struct keeper *k, struct keeper_case *c, struct wh_err *err)
{
    return keeper_judge_tier(k, c, RULE_TIER_OPEN, err);
}

bool keeper_judge_tier(struct keeper *k, struct keeper_case *c,
                       enum rule_tier tier, struct wh_err *err)
{
    struct manifest m = {0};
    char subject[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(c->manifest, subject);
    c->subject = wh_arena_dup(c->a, wh_str_of(subject));
    return read_manifest(c, &m, err) && find_lines(k, c, err) &&
           check_leaf(c, &m, tier, err) && check_proof(k, c, err) &&
           check_rules(k, c, &m, tier, err);
}
