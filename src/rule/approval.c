/*
 * approval.c - documents of signatures, and statements held against facts.
 */
#include "rule/approval.h"
#include "base/enc.h"

#include <stdlib.h>

static bool bad(struct wh_err *err)
{
    return wh_fail(err, WH_BAD_REQUEST, "malformed document of signatures");
}

static struct wh_str text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

/* ---- reading ---- */

struct reading {
    struct wh_arena *a;
    struct wh_str text;
    const struct rule_roster *now, *next;
    const struct rule_verifier *v;
    struct rule_signers *out;
};

/* The key stands in the roster under this approver: its bit; else 0. */
static uint32_t find_bit(const struct rule_roster *r, struct wh_str approver,
                         const char *key)
{
    size_t i = r ? rule_roster_key(r, wh_str_of(key)) : SIZE_MAX;
    if (i == SIZE_MAX ||
        !wh_str_eq(r->approvers[r->keys[i].approver].id, approver)) {
        return 0;
    }
    return UINT32_C(1) << i;
}

static bool read_one(struct reading *r, const json_t *o, struct wh_err *err)
{
    struct wh_str approver = text_of(o, "approver"), code = text_of(o, "sig");
    uint8_t *blob = wh_arena_alloc(r->a, RULE_SIGNATURE_MAX);
    char key[WH_SHA256_HEX + 1];
    size_t n;
    if (json_object_size(o) != 2 ||
        !wh_base64_dec(code, blob, RULE_SIGNATURE_MAX, &n)) {
        return bad(err);
    }
    if (!r->v->verify(r->v->ctx, wh_str_mem(blob, n), WH_S(RULE_NS_DECISION),
                      r->text, key, err)) {
        return false;
    }
    uint32_t now = find_bit(r->now, approver, key);
    uint32_t next = find_bit(r->next, approver, key);
    if (!now && !next) {
        return wh_fail(err, WH_FORBIDDEN,
                       "a signature is by a key that is not on the roster");
    }
    if ((r->out->now & now) || (r->out->next & next)) {
        return wh_fail(err, WH_FORBIDDEN, "a key has signed twice");
    }
    r->out->now |= now;
    r->out->next |= next;
    r->out->n++;
    return true;
}

bool rule_signatures_read(struct wh_arena *a, struct wh_str doc,
                          struct wh_str text, const struct rule_roster *now,
                          const struct rule_roster *next,
                          const struct rule_verifier *v,
                          struct rule_signers *out, struct wh_err *err)
{
    struct reading r = {a, text, now, next, v, out};
    char digest[WH_SHA256_HEX + 1];
    json_t *o;
    *out = (struct rule_signers){0};
    wh_sha256_hex_of(text, digest);
    if (doc.n > RULE_SIGNATURES_TEXT_MAX) {
        return bad(err);
    }
    if (!wh_json_parse(a, doc, &o, err)) {
        return false;
    }
    const json_t *list = json_object_get(o, "signatures");
    if (json_object_size(o) != 4 ||
        json_integer_value(json_object_get(o, "v")) != 1 ||
        !wh_str_is(text_of(o, "type"), "signatures") ||
        json_array_size(list) == 0 ||
        json_array_size(list) > RULE_SIGNATURES_MAX) {
        return bad(err);
    }
    if (!wh_str_eq(text_of(o, "statement"),
                   wh_arena_fmt(a, "sha256:%s", digest))) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the signatures are over another statement");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_one(&r, json_array_get(list, i), err)) {
            return false;
        }
    }
    return true;
}

/* ---- writing ---- */

static int by_approver(const void *x, const void *y)
{
    const struct rule_signature *a = x, *b = y;
    int order = wh_str_cmp(a->approver, b->approver);
    return order != 0 ? order : wh_str_cmp(a->sig, b->sig);
}

bool rule_signatures_write(struct wh_arena *a, struct wh_str text,
                           struct rule_signature *sigs, size_t n,
                           struct wh_str *out, struct wh_err *err)
{
    json_t *o = wh_json_own(a, json_object()), *list = json_array();
    char digest[WH_SHA256_HEX + 1];
    struct wh_buf b;
    qsort(sigs, n, sizeof *sigs, by_approver);
    wh_sha256_hex_of(text, digest);
    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "type", json_string("signatures"));
    json_object_set_new(o, "statement", json_sprintf("sha256:%s", digest));
    json_object_set_new(o, "signatures", list);
    wh_buf_init(&b, RULE_SIGNATURES_TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();
        wh_buf_reset(&b);
        wh_buf_base64(&b, sigs[i].sig.p, sigs[i].sig.n);
        json_object_set_new(one, "approver", wh_json_str(sigs[i].approver));
        json_object_set_new(one, "sig", wh_json_str(wh_buf_str(&b)));
        json_array_append_new(list, one);
    }
    wh_buf_reset(&b);
    bool ok = wh_json_canonical(&b, o, err) && wh_buf_ok(&b, err);
    if (ok) {
        *out = wh_arena_dup(a, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    return ok;
}

/* ---- facts ---- */

static bool not_ours(struct wh_err *err, const char *what)
{
    return wh_fail(err, WH_FORBIDDEN, "the statement is %s", what);
}

static bool roster_fits(const struct rule_statement *s,
                        const struct rule_roster *r)
{
    return r ? s->roster == r->version && wh_str_is(s->roster_digest, r->digest)
             : s->roster == 0;
}

/* Every enforced line is among those that the approvers had before them. */
static bool lines_fit(const struct rule_statement *s,
                      const struct rule_facts *f)
{
    for (size_t i = 0; i < f->n_lines; i++) {
        bool found = false;
        for (size_t k = 0; k < s->n_lines && !found; k++) {
            found = wh_str_eq(f->lines[i], s->lines[k]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

bool rule_statement_fits(const struct rule_statement *s,
                         const struct rule_facts *f, struct wh_err *err)
{
    if (!wh_str_eq(s->origin, f->origin)) {
        return not_ours(err, "about another register");
    }
    if (!roster_fits(s, f->roster)) {
        return not_ours(err, "made under another roster than the one in force");
    }
    if (!wh_str_eq(s->subject, f->subject)) {
        return not_ours(err, "about another subject");
    }
    if (!wh_str_eq(s->evidence, f->evidence)) {
        return not_ours(err, "about other evidence");
    }
    if (s->tree_size > f->size) {
        return not_ours(err, "made against a register that was not published");
    }
    if (s->made > f->now || (f->effect && f->now < s->not_before)) {
        return not_ours(err, "not yet good");
    }
    if (f->now >= s->not_after) {
        return not_ours(err, "no longer good");
    }
    return !rule_act_row(s->act)->about_subject || lines_fit(s, f) ||
           not_ours(err, "silent about a line that is enforced");
}
