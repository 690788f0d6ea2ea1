/*
 * proof.c - text form of inclusion proofs.
 */
#include "tlog/proof.h"
#include "base/enc.h"

#include <inttypes.h>

#define MAGIC "c2sp.org/tlog-proof@v1"

void tlog_proof_text(const struct tlog_proof *proof, struct wh_buf *out)
{
    wh_buf_cstr(out, MAGIC "\n");
    if (proof->extra.p) {
        wh_buf_cstr(out, "extra ");
        wh_buf_add(out, proof->extra);
        wh_buf_char(out, '\n');
    }
    wh_buf_fmt(out, "index %" PRIu64 "\n", proof->index);
    for (size_t i = 0; i < proof->path.n; i++) {
        wh_buf_base64(out, proof->path.h[i].b, TLOG_HASH);
        wh_buf_char(out, '\n');
    }
    wh_buf_char(out, '\n');
    wh_buf_add(out, proof->checkpoint);
}

/* The unauthenticated line must still be base64. */
static bool extra_ok(struct wh_str s)
{
    uint8_t bytes[4096];
    size_t n;
    return wh_base64_dec(s, bytes, sizeof bytes, &n);
}

/* Hash lines up to the blank line. */
static bool parse_path(struct wh_str *rest, struct tlog_path *path)
{
    struct wh_str line;
    path->n = 0;
    while (wh_str_cut(rest, '\n', &line)) {
        if (line.n == 0) {
            return true;
        }
        size_t n;
        if (path->n == TLOG_PATH_MAX ||
            !wh_base64_dec(line, path->h[path->n].b, TLOG_HASH, &n) ||
            n != TLOG_HASH) {
            return false;
        }
        path->n++;
    }
    return false;
}

bool tlog_proof_parse(struct wh_str text, struct tlog_proof *out,
                      struct wh_err *err)
{
    struct tlog_proof p = {0};
    struct wh_str line, rest = text;
    bool ok = text.n <= TLOG_PROOF_MAX && wh_str_cut(&rest, '\n', &line) &&
              wh_str_is(line, MAGIC) && wh_str_cut(&rest, '\n', &line);
    if (ok && wh_str_starts(line, WH_S("extra "))) {
        p.extra = wh_str_sub(line, 6, line.n - 6);
        ok = extra_ok(p.extra) && wh_str_cut(&rest, '\n', &line);
    }
    ok = ok && wh_str_starts(line, WH_S("index ")) &&
         wh_str_u64(wh_str_sub(line, 6, line.n - 6), &p.index) &&
         parse_path(&rest, &p.path);
    if (!ok) {
        return wh_fail(err, WH_NOT_VERIFIABLE, "malformed inclusion proof");
    }
    p.checkpoint = rest;
    *out = p;
    return true;
}

bool tlog_proof_verify(const struct tlog_proof *proof,
                       const struct tlog_hash *leaf,
                       const struct tlog_vkey *key, struct tlog_checkpoint *cp,
                       struct wh_err *err)
{
    struct tlog_checkpoint opened;
    if (!tlog_checkpoint_open(proof->checkpoint, key, &opened, err)) {
        return false;
    }
    if (!tlog_inclusion_ok(leaf, proof->index, opened.size, &proof->path,
                           &opened.root)) {
        return wh_fail(err, WH_CORRUPT,
                       "the entry is not in the log at index %" PRIu64,
                       proof->index);
    }
    if (cp) {
        *cp = opened;
    }
    return true;
}
