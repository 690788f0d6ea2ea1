/*
 * released.c - fetching the papers of a release, checking them, keeping them.
 */
#include "cmd/released.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/time.h"
#include "register/leaf.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TIMEOUT_MS 30000
#define PAPERS_MAX ((size_t)64 << 20)
#define DIGEST_PREFIX "sha256:"

struct getting {
    struct cmd_client *c;
    struct wh_arena *a;
    const struct cmd_where *where;
    const struct cmd_release_options *o;
    struct cmd_release *out;
    struct wh_err *err;
    const char *key_path, *seen_path, *papers_path;
    json_t *papers;      /* the house's release document */
    struct wh_str proof; /* the tlog-proof of its decision */
    json_t *proofs;      /* those of its notices, in their order */
    int64_t now;
};

/* ---- where ---- */

static bool bad_url(const char *url, struct wh_err *err)
{
    return wh_fail(err, WH_USAGE,
                   "\"%.200s\" is no URL of a repo, such as "
                   "http://127.0.0.1:8080/demo/model",
                   url);
}

bool cmd_where_parse(struct wh_arena *a, const char *url, struct cmd_where *out,
                     struct wh_err *err)
{
    struct wh_str rest = wh_str_of(url), host, ns, name, word;
    size_t scheme = wh_str_find_str(rest, WH_S("://"));

    if (scheme == SIZE_MAX) {
        return bad_url(url, err);
    }
    rest = wh_str_sub(rest, scheme + 3, rest.n);
    wh_str_cut(&rest, '/', &host);
    out->house = wh_str_sub(wh_str_of(url), 0, scheme + 3 + host.n);
    out->kinds = "models";
    out->rev = WH_S("main");
    wh_str_cut(&rest, '/', &ns);
    if (wh_str_is(ns, "datasets") || wh_str_is(ns, "spaces")) {
        out->kinds = wh_arena_cstr(a, ns);
        wh_str_cut(&rest, '/', &ns);
    }
    wh_str_cut(&rest, '/', &name);
    if (wh_str_cut(&rest, '/', &word) && wh_str_is(word, "tree")) {
        out->rev = rest;
        rest.n = 0;
    }
    if (host.n == 0 || ns.n == 0 || name.n == 0 || out->rev.n == 0 ||
        rest.n > 0) {
        return bad_url(url, err);
    }
    out->repo = wh_arena_fmt(a, "%.*s/%.*s", WH_FMT(ns), WH_FMT(name));
    return true;
}

/* ---- the folder of what is kept ---- */

static const char *state_folder(const struct getting *g)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (g->o->state) {
        return g->o->state;
    }
    if (state && state[0] == '/') {
        return wh_arena_fmt(g->a, "%s/weighhouse/verify", state).p;
    }
    return wh_arena_fmt(g->a, "%s/.local/state/weighhouse/verify",
                        home && home[0] ? home : "/nonexistent")
        .p;
}

static const char *kept_path(const struct getting *g, const char *folder,
                             struct wh_str of, const char *ending)
{
    char hex[WH_SHA256_HEX + 1];

    wh_sha256_hex_of(of, hex);
    return wh_arena_fmt(g->a, "%s/%.32s%s", folder, hex, ending).p;
}

static bool find_folder(struct getting *g)
{
    const char *folder = state_folder(g);
    struct wh_str whole = wh_arena_fmt(
        g->a, "%.*s %s %.*s %.*s", WH_FMT(g->where->house), g->where->kinds,
        WH_FMT(g->where->repo), WH_FMT(g->where->rev));

    if (!wh_dir_make(folder, 0700, g->err)) {
        return wh_err_wrap(g->err, "%s", folder);
    }
    g->key_path = kept_path(g, folder, g->where->house, ".vkey");
    g->seen_path = kept_path(g, folder, g->where->house, ".seen");
    g->papers_path = kept_path(g, folder, whole, ".release");
    return true;
}

/* ---- the house, or the papers kept ---- */

static bool fetch(struct getting *g, struct wh_str path, size_t max,
                  struct wh_str *out)
{
    struct wh_str url =
        wh_arena_fmt(g->a, "%.*s%.*s", WH_FMT(g->where->house), WH_FMT(path));
    struct wh_buf b;
    bool ok;

    wh_buf_init(&b, max);
    ok = net_fetch_get(g->c->fetch, url.p, max, TIMEOUT_MS, &b, g->err);
    if (ok) {
        *out = wh_arena_dup(g->a, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    return ok;
}

static bool unknown(struct getting *g, struct wh_str why)
{
    g->out->state = CMD_RELEASE_UNKNOWN;
    g->out->why = why;
    *g->err = (struct wh_err){0};
    return true;
}

/* The release document of the house. A repo that it does not know, or does not
 * show, is an answer too. */
static bool fetch_papers(struct getting *g)
{
    struct wh_str ns = g->where->repo, name;
    struct wh_str path;

    wh_str_cut(&ns, '/', &name);
    path = wh_arena_fmt(
        g->a, "/api/weighhouse/v1/%s/%.*s/%.*s/revision/%.*s/release",
        g->where->kinds, WH_FMT(name), WH_FMT(ns),
        WH_FMT(cmd_client_segment(g->c, wh_arena_cstr(g->a, g->where->rev))));
    if (cmd_client_call(g->c, "GET", path, NULL, &g->papers, g->err)) {
        g->out->at_us = g->now;
        return true;
    }
    if (g->err->code == WH_NOT_FOUND || g->err->code == WH_AUTH_REQUIRED) {
        return unknown(g, wh_arena_dup(g->a, wh_str_of(g->err->msg)));
    }
    return false;
}

static bool read_kept(struct getting *g)
{
    struct wh_str text;
    json_t *kept;

    if (!wh_file_read(g->a, g->papers_path, PAPERS_MAX, &text, g->err)) {
        return g->err->code == WH_NOT_FOUND
                   ? wh_fail(g->err, WH_NOT_VERIFIABLE,
                             "no papers of this release are kept here; verify "
                             "it once while the house can be reached")
                   : false;
    }
    if (!wh_json_parse(g->a, text, &kept, g->err) ||
        !wh_json_get_str(kept, "proof", &g->proof, g->err) ||
        !wh_json_get_i64(kept, "at", &g->out->at_us, g->err)) {
        return wh_fail(g->err, WH_CORRUPT, "the papers kept are damaged");
    }
    g->papers = json_object_get(kept, "release");
    g->proofs = json_object_get(kept, "proofs");
    g->out->kept = true;
    return true;
}

static bool is_away(const struct wh_err *err)
{
    return err->code == WH_OUTSIDE || err->code == WH_TIMEOUT ||
           err->code == WH_UNAVAILABLE;
}

static bool get_papers(struct getting *g)
{
    struct wh_err away;

    if (g->o->offline) {
        return read_kept(g);
    }
    if (fetch_papers(g)) {
        return true;
    }
    if (!is_away(g->err)) {
        return false;
    }
    away = *g->err;
    *g->err = (struct wh_err){0};
    if (!read_kept(g)) {
        *g->err = away;
        return false;
    }
    return true;
}

/* ---- the key ---- */

static bool parse_key(struct getting *g, struct wh_str text)
{
    return tlog_vkey_parse(wh_str_trim(text), &g->out->key, g->err);
}

/* The key given, else the one kept, else the one that the log names. */
static bool find_key(struct getting *g)
{
    struct wh_str text;

    if (g->o->key && access(g->o->key, R_OK) != 0) {
        return parse_key(g, wh_str_of(g->o->key));
    }
    if (wh_file_read(g->a, g->o->key ? g->o->key : g->key_path, TLOG_VKEY_TEXT,
                     &text, g->err)) {
        return parse_key(g, text);
    }
    if (g->o->key || g->err->code != WH_NOT_FOUND || g->out->kept) {
        return false;
    }
    *g->err = (struct wh_err){0};
    g->out->first_use = true;
    return fetch(g, WH_S("/register/vkey"), TLOG_VKEY_TEXT, &text) &&
           parse_key(g, text);
}

/* ---- what the papers say ---- */

static bool damaged(struct getting *g, const char *what)
{
    return wh_fail(g->err, WH_CORRUPT, "%s", what);
}

/* The manifest hashes to the subject, and has the form of one. */
static bool check_manifest(struct getting *g)
{
    struct cmd_release *out = g->out;
    char hex[WH_SHA256_HEX + 1];
    struct wh_str text;
    json_t *doc;

    if (!wh_json_get_str(g->papers, "manifest", &text, g->err)) {
        return false;
    }
    wh_sha256_hex_of(text, hex);
    if (!wh_str_is(out->subject, hex)) {
        return damaged(g, "the manifest is not that of the subject");
    }
    if (!wh_json_parse(g->a, text, &doc, g->err)) {
        return false;
    }
    out->files = json_object_get(doc, "files");
    return json_is_array(out->files) ||
           damaged(g, "the manifest has no list of files");
}

/* The leaf of a private repo commits to its subject; the salt opens that. */
static bool opens_to(struct getting *g, const json_t *decision,
                     struct wh_str subject)
{
    const json_t *c = json_object_get(g->out->leaf, "c");
    const json_t *openings = json_object_get(decision, "openings");
    struct wh_str want, salt_hex;
    uint8_t salt[REGISTER_SALT], digest[WH_SHA256_LEN];
    char hex[WH_SHA256_HEX + 1];
    struct wh_err ignored = {0};

    if (!wh_json_get_str(c, "subject", &want, &ignored) ||
        !wh_json_get_str(openings, "subject", &salt_hex, &ignored) ||
        !wh_hex_dec(salt_hex, salt, sizeof salt, false)) {
        return false;
    }
    register_commit(WH_S("subject"), salt, subject, digest);
    wh_hex_enc(digest, sizeof digest, hex);
    return wh_str_is(want, hex);
}

/* The entry decides about this subject. */
static bool check_subject(struct getting *g, const json_t *decision)
{
    struct wh_str want =
        wh_arena_fmt(g->a, DIGEST_PREFIX "%.*s", WH_FMT(g->out->subject));
    const json_t *list = json_object_get(g->out->leaf, "subject"), *item;
    const char *type = json_string_value(json_object_get(g->out->leaf, "type"));
    size_t i;

    if (!type || strcmp(type, "decision") != 0) {
        return damaged(g, "the entry of the register is no decision");
    }
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && wh_str_is(want, json_string_value(item))) {
            return true;
        }
    }
    return opens_to(g, decision, want) ||
           damaged(g, "the entry of the register is about another subject");
}

/* The entry is in the log, under a checkpoint that the log's key signed. */
static bool check_entry(struct getting *g)
{
    const json_t *decision = json_object_get(g->papers, "decision");
    struct wh_str leaf;
    int64_t index;

    if (!wh_json_get_str(decision, "leaf", &leaf, g->err) ||
        !wh_json_get_i64(decision, "index", &index, g->err) || index < 0) {
        return damaged(g, "the papers name no entry of the register");
    }
    if (!g->out->kept &&
        !fetch(g, wh_arena_fmt(g->a, "/register/proof/%lld", (long long)index),
               TLOG_PROOF_MAX, &g->proof)) {
        return wh_err_wrap(g->err, "the proof of entry %lld", (long long)index);
    }
    return register_verify_proof(g->proof, leaf, &g->out->key, &g->out->index,
                                 &g->out->checkpoint, g->err) &&
           (g->out->index == (uint64_t)index ||
            damaged(g, "the proof is that of another entry")) &&
           register_leaf_parse(g->a, leaf, &g->out->leaf, g->err) &&
           check_subject(g, decision);
}

/* ---- notices ---- */

static bool lists(const json_t *list, struct wh_str what)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && wh_str_is(what, json_string_value(item))) {
            return true;
        }
    }
    return false;
}

/* Its subject, or weights that both have; what the leaf only commits to, or
 * does not list, is the house's word against itself. */
static bool is_about(struct getting *g, const json_t *leaf)
{
    const json_t *files = json_object_get(leaf, "files"), *f;
    size_t i;

    if (!files || json_object_get(leaf, "c") ||
        lists(json_object_get(leaf, "subject"),
              wh_arena_fmt(g->a, DIGEST_PREFIX "%.*s",
                           WH_FMT(g->out->subject)))) {
        return true;
    }
    json_array_foreach(g->out->files, i, f)
    {
        const char *sha = json_string_value(json_object_get(f, "sha256"));
        if (sha && lists(files, wh_arena_fmt(g->a, DIGEST_PREFIX "%s", sha))) {
            return true;
        }
    }
    return false;
}

/* The proof of a notice: the house's, or the one kept. */
static bool notice_proof(struct getting *g, size_t i, int64_t index,
                         struct wh_str *out)
{
    if (g->out->kept) {
        const json_t *v = json_array_get(g->proofs, i);
        *out = wh_str_of(json_string_value(v));
        return json_is_string(v) || damaged(g, "the papers kept are damaged");
    }
    if (!fetch(g, wh_arena_fmt(g->a, "/register/proof/%lld", (long long)index),
               TLOG_PROOF_MAX, out)) {
        return false;
    }
    json_array_append_new(g->proofs, wh_json_str(*out));
    return true;
}

static bool check_notice(struct getting *g, size_t i, const json_t *notice)
{
    struct tlog_checkpoint cp;
    struct wh_str text, proof, type, act;
    uint64_t at;
    int64_t index, until;
    json_t *leaf, *o;

    if (!wh_json_get_str(notice, "leaf", &text, g->err) ||
        !wh_json_get_i64(notice, "index", &index, g->err) || index < 0 ||
        !notice_proof(g, i, index, &proof) ||
        !register_verify_proof(proof, text, &g->out->key, &at, &cp, g->err) ||
        !register_leaf_parse(g->a, text, &leaf, g->err) ||
        !wh_json_get_str(leaf, "type", &type, g->err) ||
        !wh_json_get_str(leaf, "act", &act, g->err) ||
        !wh_json_get_i64(leaf, "until", &until, g->err)) {
        return g->err->code != WH_NONE ? false : damaged(g, "malformed notice");
    }
    if (!wh_str_is(type, "notice") || !wh_str_is(act, "recall") ||
        at != (uint64_t)index || !is_about(g, leaf)) {
        return damaged(g, "a notice of the papers is not one about this "
                          "release");
    }
    if (until * 1000000 > g->now) {
        o = json_object();
        json_object_set(o, "id", json_object_get(notice, "id"));
        json_object_set_new(o, "index", json_integer((json_int_t)index));
        json_object_set(o, "leaf", leaf);
        json_object_set(o, "words", json_object_get(notice, "words"));
        json_array_append_new(g->out->recalls, o);
    }
    return true;
}

/* A house of before has no notices in its papers. */
static bool check_notices(struct getting *g)
{
    const json_t *list = json_object_get(g->papers, "notices"), *notice;
    size_t i;

    g->out->recalls = wh_json_own(g->a, json_array());
    if (!g->out->kept) {
        g->proofs = wh_json_own(g->a, json_array());
    }
    json_array_foreach(list, i, notice)
    {
        if (!check_notice(g, i, notice)) {
            return false;
        }
    }
    return true;
}

/* ---- the memory ---- */

static bool get_published(void *ctx, const char *name, size_t max,
                          struct wh_buf *out, struct wh_err *err)
{
    const struct getting *g = ctx;
    struct wh_str url =
        wh_arena_fmt(g->a, "%.*s/register/%s", WH_FMT(g->where->house), name);

    return net_fetch_get(g->c->fetch, url.p, max, TIMEOUT_MS, out, err);
}

/* Is this the log that was seen before, gone on? */
static bool check_memory(struct getting *g)
{
    struct register_source src = {get_published, g};
    struct register_seen seen;

    return register_seen_read(g->seen_path, &g->out->key, &seen, g->err) &&
           register_seen_advance(&seen, &g->out->checkpoint, g->now, &src,
                                 g->err) &&
           register_seen_write(g->seen_path, &seen, g->err);
}

static bool keep_key(struct getting *g)
{
    struct wh_buf b;
    bool ok;

    wh_buf_init(&b, TLOG_VKEY_TEXT);
    tlog_vkey_text(&g->out->key, &b);
    wh_buf_char(&b, '\n');
    ok = wh_file_write_atomic(g->key_path, wh_buf_str(&b), 0600, g->err);
    wh_buf_done(&b);
    return ok;
}

static bool keep_papers(struct getting *g)
{
    json_t *o = wh_json_own(g->a, json_object());
    struct wh_buf b;
    bool ok;

    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "at", json_integer(g->now));
    json_object_set_new(o, "proof", wh_json_str(g->proof));
    json_object_set(o, "proofs", g->proofs);
    json_object_set(o, "release", g->papers);
    wh_buf_init(&b, PAPERS_MAX);
    wh_json_write(&b, o, false);
    ok = wh_buf_ok(&b, g->err) &&
         wh_file_write_atomic(g->papers_path, wh_buf_str(&b), 0600, g->err);
    wh_buf_done(&b);
    return ok;
}

static bool remember(struct getting *g)
{
    if (g->out->kept) {
        return true;
    }
    return check_memory(g) && (!g->out->first_use || keep_key(g)) &&
           keep_papers(g);
}

/* ---- how old is it ---- */

static void judge_age(struct getting *g)
{
    struct register_seen seen = {g->out->checkpoint, g->out->at_us};
    int64_t until = json_integer_value(json_object_get(g->out->leaf, "until"));
    char at[WH_TIME_TEXT];

    wh_time_text(g->out->at_us, at);
    if (!register_seen_fresh(&seen, g->now, g->o->max_age_us)) {
        g->out->state = CMD_RELEASE_STALE;
        g->out->why = wh_arena_fmt(
            g->a,
            "the checkpoint is of %s, which is older than the limit or "
            "lies in the future",
            at);
    } else if (until > 0 && until <= g->now / 1000000) {
        wh_time_text(until * 1000000, at);
        g->out->state = CMD_RELEASE_STALE;
        g->out->why = wh_arena_fmt(g->a, "the decision ended at %s", at);
    }
}

/* Nothing to check: never decided, or nothing in it is weighed. */
static bool is_undecided(struct getting *g)
{
    const char *state = json_string_value(json_object_get(g->papers, "state"));

    if (json_is_object(json_object_get(g->papers, "decision"))) {
        return false;
    }
    if (state && strcmp(state, "can not be weighed") == 0) {
        return unknown(g, WH_S("it can not be weighed, so nothing is decided"));
    }
    return unknown(g, state && strcmp(state, "weighing") == 0
                          ? WH_S("it is being weighed; nothing is decided yet")
                          : WH_S("it holds nothing that is weighed: no weights "
                                 "and no code"));
}

bool cmd_release_get(struct cmd_client *c, const struct cmd_where *where,
                     const struct cmd_release_options *o,
                     struct cmd_release *out, struct wh_err *err)
{
    struct getting g = {.c = c,
                        .a = &c->arena,
                        .where = where,
                        .o = o,
                        .out = out,
                        .err = err,
                        .now = wh_now_us()};

    *out = (struct cmd_release){.repo = where->repo};
    if (!find_folder(&g) || !get_papers(&g)) {
        return false;
    }
    if (out->state == CMD_RELEASE_UNKNOWN || is_undecided(&g)) {
        return true;
    }
    if (!wh_json_get_str(g.papers, "subject", &out->subject, err) ||
        !wh_json_get_str(g.papers, "commit", &out->commit, err) ||
        !check_manifest(&g) || !find_key(&g) || !check_entry(&g) ||
        !check_notices(&g) || !remember(&g)) {
        return false;
    }
    judge_age(&g);
    return true;
}
