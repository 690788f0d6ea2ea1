/*
 * The papers of an opening, as front, weighing and register would make them.
 */
#include "keeper/testing.h"

#include "base/file.h"
#include "base/json.h"
#include "base/unit.h"
#include "rule/line.h"
#include "rule/shipped.h"
#include "tlog/proof.h"

#include <stdlib.h>

#define SALT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char * or (const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

static struct wh_str canonical(struct testpapers *p, json_t *v)
{
    struct wh_err err;
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    unit_ok(wh_json_canonical(&b, v, &err), err);
    struct wh_str s = wh_arena_dup(&p->a, wh_buf_str(&b));
    wh_buf_done(&b);
    json_decref(v);
    return s;
}

static json_t *parse(struct testpapers *p, struct wh_str text)
{
    struct wh_err err;
    json_t *doc = NULL;
    unit_ok(wh_json_parse(&p->a, text, &doc, &err), err);
    return json_incref(doc);
}

void testpapers_init(struct testpapers *p, const char *keys_dir)
{
    struct wh_err err;
    char path[256];
    struct wh_buf b;
    uint8_t seed[CRYPTO_ED25519_SEED] = {7}, pub[CRYPTO_ED25519_PUB];
    const char *names[2] = {"limited.default", "demo.low"};
    *p = (struct testpapers){0};
    wh_arena_init(&p->a, 64 << 20);
    p->secret = crypto_ed25519_new(seed);
    crypto_ed25519_public(p->secret, pub);
    tlog_vkey_make(WH_S("test.example/log"), TLOG_KEY_ED25519, pub, &p->key);
    wh_buf_init(&b, TLOG_VKEY_TEXT);
    tlog_vkey_text(&p->key, &b);
    (void)snprintf(path, sizeof path, "%s/log.vkey", keys_dir);
    unit_ok(wh_file_write_atomic(path, wh_buf_str(&b), 0644, &err), err);
    wh_buf_done(&b);
    for (int i = 0; i < 2; i++) {
        const struct rule_line *line;
        p->lines[i] = rule_shipped_find(wh_str_of(names[i]))->text;
        unit_ok(rule_line_load(&p->a, p->lines[i], &line, &err), err);
        memcpy(p->digests[i], line->digest, sizeof p->digests[i]);
    }
}

void testpapers_done(struct testpapers *p)
{
    crypto_ed25519_free(&p->secret);
    wh_arena_done(&p->a);
}

struct wh_str testpapers_result(struct testpapers *p, const char *class,
                                uint64_t parameters, unsigned dangers)
{
    const char *house = "\"by\":\"house\",\"method\":\"test\",\"expires\":null";
    struct wh_str s = wh_arena_fmt(
        &p->a,
        "{\"v\":1,\"class\":\"%s\",\"format\":\"gguf\",\"verifiable\":true,"
        "\"findings\":[],\"claims\":{"
        "\"files.verifiable\":{\"value\":\"yes\",%s},"
        "\"findings.danger\":{\"lo\":\"%u\",\"hi\":\"%u\",%s},"
        "\"size.params_total\":{\"lo\":\"%llu\",\"hi\":\"%llu\",%s},"
        "\"compute.training\":{\"lo\":\"0\",\"hi\":\"%llue15\",%s},"
        "\"speciality.biological_sequences\":{\"value\":\"none-found\",%s},"
        "\"speciality.exploit_code\":{\"value\":\"none-found\",%s}}}",
        class, house, dangers, dangers, house, (unsigned long long)parameters,
        (unsigned long long)parameters, house,
        (unsigned long long)parameters * 300 / 1000, house, house, house);
    return canonical(p, parse(p, s));
}

static struct wh_str make_manifest(struct testpapers *p,
                                   const struct testpapers_spec *spec)
{
    struct wh_str more = WH_S("");
    if (spec->other_file) {
        more = wh_arena_fmt(&p->a,
                            ",{\"part\":\"weights\",\"path\":\"z\","
                            "\"sha256\":\"%s\",\"size\":5}",
                            spec->other_file);
    }
    struct wh_str s = wh_arena_fmt(
        &p->a,
        "{\"v\":1,\"files\":[{\"part\":\"source\",\"path\":\"a.py\","
        "\"sha256\":\"%064d\",\"size\":7},{\"part\":\"%s\",\"path\":"
        "\"model.safetensors\",\"sha256\":\"%s\",\"size\":%llu}%.*s]}",
        1, or (spec->part, "weights"), spec->sha256,
        (unsigned long long)spec->size, WH_FMT(more));
    return canonical(p, parse(p, s));
}

static struct wh_str make_evidence(struct testpapers *p,
                                   const struct testpapers_spec *spec,
                                   const char *subject)
{
    const char *house = "\"by\":\"house\",\"method\":\"test\",\"expires\":null";
    const char *lineage = or (spec->lineage, "none-found");
    struct wh_str more = WH_S("");
    if (lineage[0]) {
        more = wh_arena_fmt(&p->a,
                            ",\"lineage.held_ancestor\":{\"value\":\"%s\",%s}",
                            lineage, house);
    }
    if (spec->compute) {
        more = wh_arena_fmt(&p->a,
                            "%.*s,\"compute.training\":{\"lo\":\"0\","
                            "\"hi\":\"%s\",\"by\":\"authority\",\"method\":"
                            "\"said so\",\"expires\":null}",
                            WH_FMT(more), spec->compute);
    }
    struct wh_str s = wh_arena_fmt(
        &p->a,
        "{\"v\":1,\"subject\":\"%s\",\"now\":\"2026-11-23T18:00:00Z\","
        "\"evidence\":{\"incident.open\":{\"lo\":\"0\",\"hi\":\"0\",%s}%.*s}}",
        subject, house, WH_FMT(more));
    return canonical(p, parse(p, s));
}

/* The register's commitment to "sha256:<hex>", with the salt above. */
static json_t *commitment(struct testpapers *p, const char *field,
                          const char *hex)
{
    struct wh_buf b;
    char out[WH_SHA256_HEX + 1];
    wh_buf_init(&b, 1024);
    wh_buf_cstr(&b, "weighhouse/commit/v1");
    wh_buf_u8(&b, 0);
    wh_buf_u16be(&b, (uint16_t)strlen(field));
    wh_buf_cstr(&b, field);
    for (int i = 0; i < 32; i++) {
        wh_buf_u8(&b, (uint8_t)i);
    }
    wh_buf_u32be(&b, 71);
    wh_buf_fmt(&b, "sha256:%s", hex);
    wh_sha256_hex_of(wh_arena_dup(&p->a, wh_buf_str(&b)), out);
    wh_buf_done(&b);
    return json_string(out);
}

static void name_digests(struct testpapers *p,
                         const struct testpapers_spec *spec, json_t *leaf,
                         const char *subject, const char *evidence)
{
    if (spec->committed) {
        json_t *c = json_object();
        json_object_set_new(c, "subject", commitment(p, "subject", subject));
        json_object_set_new(c, "evidence", commitment(p, "evidence", evidence));
        json_object_set_new(leaf, "c", c);
        return;
    }
    json_object_set_new(
        leaf, "subject",
        json_pack("[s]", wh_arena_fmt(&p->a, "sha256:%s%c", subject, 0).p));
    json_object_set_new(
        leaf, "evidence",
        json_string(wh_arena_fmt(&p->a, "sha256:%s%c", evidence, 0).p));
}

static struct wh_str make_leaf(struct testpapers *p,
                               const struct testpapers_spec *spec,
                               const char *subject, const char *evidence)
{
    json_t *leaf = json_object(), *lines = json_array();
    for (int i = 0; i < (spec->one_line ? 1 : 2); i++) {
        struct wh_str s = wh_arena_fmt(&p->a, "sha256:%s%c", p->digests[i], 0);
        json_array_append_new(lines, json_string(s.p));
    }
    json_object_set_new(leaf, "v", json_integer(1));
    json_object_set_new(leaf, "type", json_string(or (spec->type, "decision")));
    json_object_set_new(leaf, "lines", lines);
    json_object_set_new(
        leaf, "tiers",
        json_pack("{ss}", or (spec->part, "weights"), or (spec->tier, "open")));
    if (spec->until) {
        json_object_set_new(leaf, "until", json_integer(spec->until));
    }
    name_digests(p, spec, leaf, or (spec->subject, subject),
                 or (spec->named_evidence, evidence));
    return canonical(p, leaf);
}

/* The leaf is entry 0; the others are made up. */
static struct wh_str make_proof(struct testpapers *p,
                                const struct testpapers_spec *spec,
                                struct wh_str leaf)
{
    struct tlog_proof *proof = WH_NEW(&p->a, struct tlog_proof);
    struct tlog_checkpoint cp = {.size = spec->tree ? spec->tree : 2};
    struct tlog_hash hash;
    struct wh_buf note, text;
    uint8_t other_seed[CRYPTO_ED25519_SEED] = {9};
    (void)snprintf(cp.origin, sizeof cp.origin, "test.example/log");
    tlog_hash_leaf(leaf, &hash);
    for (uint64_t n = cp.size; n > 1; n = (n + 1) / 2) {
        struct tlog_hash *side = &proof->path.h[proof->path.n++];
        memset(side->b, (int)proof->path.n, TLOG_HASH);
        tlog_hash_node(&hash, side, &hash);
    }
    cp.root = hash;
    proof->path.h[0].b[5] ^= spec->wrong_path ? 1 : 0;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    struct crypto_ed25519 *other = crypto_ed25519_new(other_seed);
    tlog_checkpoint_sign(&cp, &p->key, spec->other_signer ? other : p->secret,
                         &note);
    crypto_ed25519_free(&other);
    if (spec->flip_note) {
        note.p[note.n / 4] ^= 1;
    }
    proof->checkpoint = wh_buf_str(&note);
    wh_buf_init(&text, TLOG_PROOF_MAX);
    tlog_proof_text(proof, &text);
    struct wh_str s = wh_arena_dup(&p->a, wh_buf_str(&text));
    wh_buf_done(&text);
    wh_buf_done(&note);
    return s;
}

void testpapers_make(struct testpapers *p, const struct testpapers_spec *spec,
                     struct keeper_opening *o)
{
    char subject[WH_SHA256_HEX + 1], evidence[WH_SHA256_HEX + 1];
    o->manifest = make_manifest(p, spec);
    wh_sha256_hex_of(o->manifest, subject);
    o->evidence = make_evidence(p, spec, subject);
    wh_sha256_hex_of(o->evidence, evidence);
    o->leaf = make_leaf(p, spec, subject, evidence);
    o->proof = make_proof(p, spec, o->leaf);
    o->subject_salt = o->evidence_salt =
        spec->committed ? WH_S(SALT) : WH_S("");
}
