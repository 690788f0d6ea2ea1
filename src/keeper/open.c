/*
 * OPEN: read the papers, judge, write the ledger, and only then give the keys.
 */
#include "keeper/bundle.h"
#include "keeper/server.h"

/* The one blob of an OPEN: u8 version, then the papers as wh_buf_bytes, then
 * u32 and the scan statements. */
#define PAPERS_VERSION 3

struct papers {
    struct wh_str content;
    struct keeper_case *c;
    struct wh_str *scans;
};

static bool papers_read(struct wh_rd *r, struct wh_arena *a, struct papers *out,
                        struct wh_err *err)
{
    uint8_t version = wh_rd_u8(r);
    out->content = wh_rd_bytes(r, KEEPER_BLOB_MAX);
    out->c->manifest = wh_rd_bytes(r, KEEPER_BLOB_MAX);
    out->c->leaf = wh_rd_bytes(r, KEEPER_BLOB_MAX);
    out->c->proof = wh_rd_bytes(r, KEEPER_BLOB_MAX);
    out->c->evidence = wh_rd_bytes(r, KEEPER_BLOB_MAX);
    out->c->subject_salt = wh_rd_bytes(r, 64);
    out->c->evidence_salt = wh_rd_bytes(r, 64);
    out->c->bundle = wh_rd_bytes(r, KEEPER_BUNDLE_MAX);
    out->c->told = wh_rd_bytes(r, KEEPER_BUNDLE_MAX);
    uint32_t n = wh_rd_u32le(r);
    if (r->bad || version != PAPERS_VERSION || n > KEEPER_SCANS_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed opening");
    }
    out->c->nscans = n;
    out->scans = wh_arena_array(a, n, sizeof *out->scans);
    for (uint32_t i = 0; i < n; i++) {
        out->scans[i] = wh_rd_bytes(r, KEEPER_STATEMENT_MAX);
    }
    return wh_rd_end(r) || wh_fail(err, WH_BAD_REQUEST, "malformed opening");
}

/* Authenticate the statements among the papers. */
static bool papers_check(struct keeper *k, struct keeper_set *s,
                         struct papers *p, struct wh_err *err)
{
    struct keeper_case *c = p->c;
    if (!keeper_check_content(k, s, c->a, p->content, &c->content, err)) {
        return false;
    }
    struct keeper_scan_doc *docs =
        wh_arena_array(c->a, c->nscans, sizeof *docs);
    wh_assert(p->scans || c->nscans == 0);
    for (size_t i = 0; i < c->nscans; i++) {
        if (!keeper_statement_scan(&k->keys, c->a, p->scans[i], &docs[i],
                                   err)) {
            return false;
        }
    }
    c->scans = docs;
    return true;
}

bool keeper_ledger_opening(struct keeper *k, const char *op,
                           const struct keeper_case *c, struct wh_err *err)
{
    char leaf[WH_SHA256_HEX + 1], evidence[WH_SHA256_HEX + 1];
    json_t *e = json_object();
    wh_sha256_hex_of(c->leaf, leaf);
    wh_sha256_hex_of(c->evidence, evidence);
    json_object_set_new(e, "op", json_string(op));
    json_object_set_new(e, "repo", wh_json_str(c->content.repo));
    json_object_set_new(e, "sha256", wh_json_str(c->content.sha256));
    json_object_set_new(e, "subject", wh_json_str(c->subject));
    json_object_set_new(e, "part", json_string(c->part));
    json_object_set_new(e, "leaf", json_string(leaf));
    json_object_set_new(e, "evidence", json_string(evidence));
    json_object_set_new(e, "checkpoint",
                        json_integer((json_int_t)c->checkpoint));
    return keeper_ledger_append(k->ledger, e, err);
}

bool keeper_papers_judge(struct keeper *k, struct proc_request *rq,
                         struct keeper_set *s, enum rule_tier tier,
                         struct keeper_case *c, struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq), inner;
    struct wh_str blob;
    unsigned fd = 0;
    struct papers p = {.c = c};
    if (!keeper_blob_get(&r, rq->msg, &fd, rq->arena, &blob, err) ||
        !keeper_rq_end(&r, err)) {
        return false;
    }
    wh_rd_init(&inner, blob.p, blob.n);
    return papers_read(&inner, rq->arena, &p, err) &&
           papers_check(k, s, &p, err) && keeper_judge_tier(k, c, tier, err);
}

bool keeper_op_open(struct keeper *k, struct proc_request *rq,
                    struct wh_err *err)
{
    struct keeper_set *s = keeper_rq_set(rq, err);
    struct keeper_case c = {.a = rq->arena};
    return s && keeper_papers_judge(k, rq, s, RULE_TIER_OPEN, &c, err) &&
           keeper_ledger_opening(k, "open", &c, err) &&
           keeper_give_keys(rq, s, err);
}

/* ---- PLAIN: what is no weights ---- */

/* Has the file a dangerous finding? The list of findings is bounded, so their
 * number is what counts; a result that is not of the known form counts as one.
 */
bool keeper_scan_dangerous(const json_t *result)
{
    const json_t *claim =
        json_object_get(json_object_get(result, "claims"), "findings.danger");
    const char *hi = json_string_value(json_object_get(claim, "hi"));
    return !hi || strcmp(hi, "0") != 0;
}

static bool class_is(const json_t *result, const char *word)
{
    const char *c = json_string_value(json_object_get(result, "class"));
    return c && strcmp(c, word) == 0;
}

bool keeper_plain_class(const json_t *result)
{
    return class_is(result, "text") || class_is(result, "data");
}

/* Large texts and data, and what nothing explains, count as data in a dataset
 * or a space, and as weights in a model. */
static bool opens_plain(const json_t *result, struct wh_str repo)
{
    return keeper_plain_class(result) ||
           (!wh_str_starts(repo, WH_S("model:")) &&
            (class_is(result, "bulk") || class_is(result, "unknown")));
}

static bool ledger_plain(struct keeper *k, const struct keeper_content_doc *c,
                         struct wh_err *err)
{
    json_t *e = json_object();
    json_object_set_new(e, "op", json_string("plain"));
    json_object_set_new(e, "repo", wh_json_str(c->repo));
    json_object_set_new(e, "sha256", wh_json_str(c->sha256));
    return keeper_ledger_append(k->ledger, e, err);
}

bool keeper_op_plain(struct keeper *k, struct proc_request *rq,
                     struct wh_err *err)
{
    struct keeper_set *s = keeper_rq_set(rq, err);
    struct wh_rd r = keeper_rq_rd(rq);
    struct wh_str content, scan;
    struct keeper_content_doc c;
    struct keeper_scan_doc d;
    unsigned fd = 0;
    if (!s || !keeper_blob_get(&r, rq->msg, &fd, rq->arena, &content, err) ||
        !keeper_blob_get(&r, rq->msg, &fd, rq->arena, &scan, err) ||
        !keeper_rq_end(&r, err) ||
        !keeper_check_content(k, s, rq->arena, content, &c, err) ||
        !keeper_statement_scan(&k->keys, rq->arena, scan, &d, err)) {
        return false;
    }
    if (!wh_str_eq(c.sha256, d.sha256) || c.size != d.size) {
        return wh_fail(err, WH_FORBIDDEN, "the scan is of another file");
    }
    if (!opens_plain(d.result, c.repo) || keeper_scan_dangerous(d.result)) {
        return wh_fail(err, WH_HELD,
                       "only text and data open without a decision");
    }
    return ledger_plain(k, &c, err) && keeper_give_keys(rq, s, err);
}
