/*
 * verify.c - the verifier's side.
 *
 * A log that shows different people different trees is caught when they, or one
 * of them at two times, compare checkpoints: so a verifier keeps the last one
 * it accepted and takes only a continuation of it.
 */
#include "register/verify.h"
#include "base/file.h"
#include "base/mem.h"
#include <inttypes.h>

#define MAGIC "weighhouse seen checkpoint v1"

bool register_verify_proof(struct wh_str proof, struct wh_str leaf,
                           const struct tlog_vkey *key, uint64_t *index,
                           struct tlog_checkpoint *cp, struct wh_err *err)
{
    struct tlog_proof p;
    struct tlog_hash h;
    tlog_hash_leaf(leaf, &h);
    if (!tlog_proof_parse(proof, &p, err) ||
        !tlog_proof_verify(&p, &h, key, cp, err)) {
        return false;
    }
    *index = p.index;
    return true;
}

static bool parse_seen(struct wh_str text, struct register_seen *out,
                       struct wh_err *err)
{
    struct wh_str line, rest = text;
    uint64_t at;
    if (!wh_str_cut(&rest, '\n', &line) || !wh_str_is(line, MAGIC) ||
        !wh_str_cut(&rest, '\n', &line) || !wh_str_u64(line, &at) ||
        at > INT64_MAX || !tlog_checkpoint_parse(rest, &out->checkpoint, err)) {
        *err = (struct wh_err){0};
        return wh_fail(err, WH_CORRUPT,
                       "the file of the last checkpoint is damaged");
    }
    out->at_us = (int64_t)at;
    return true;
}

bool register_seen_read(const char *path, const struct tlog_vkey *key,
                        struct register_seen *out, struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str text;
    wh_arena_init(&a, 16384);
    memset(out, 0, sizeof *out);
    bool ok = wh_file_read(&a, path, 4096, &text, err);
    if (!ok && err->code == WH_NOT_FOUND) {
        *err = (struct wh_err){0};
        wh_arena_done(&a);
        return true;
    }
    ok = ok && parse_seen(text, out, err);
    wh_arena_done(&a);
    if (ok && strcmp(out->checkpoint.origin, key->name) != 0) {
        ok = wh_fail(err, WH_CORRUPT, "the last checkpoint is of another log");
    }
    return ok;
}

bool register_seen_write(const char *path, const struct register_seen *seen,
                         struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, 4096);
    wh_buf_fmt(&b, MAGIC "\n%" PRId64 "\n", seen->at_us);
    tlog_checkpoint_text(&seen->checkpoint, &b);
    bool ok = wh_buf_ok(&b, err) &&
              wh_file_write_atomic(path, wh_buf_str(&b), 0600, err);
    wh_buf_done(&b);
    return ok;
}

static bool get_tile(void *ctx, const struct tlog_tile *t, uint8_t *out,
                     struct wh_err *err)
{
    const struct register_source *src = ctx;
    char name[TLOG_TILE_NAME];
    struct wh_buf b;
    tlog_tile_name(t, name);
    wh_buf_init(&b, TLOG_TILE_BYTES);
    bool ok = src->get(src->ctx, name, TLOG_TILE_BYTES, &b, err) &&
              wh_buf_ok(&b, err) &&
              (b.n == (size_t)t->width * TLOG_HASH ||
               wh_fail(err, WH_CORRUPT, "a tile has the wrong length"));
    if (ok) {
        memcpy(out, b.p, b.n);
    }
    wh_buf_done(&b);
    return ok;
}

static bool forked(struct wh_err *err)
{
    return wh_fail(err, WH_CORRUPT,
                   "the log shows a tree that does not continue the one seen "
                   "before: it was forked");
}

/* Rebuild both roots from tiles and check that one continues the other. The
 * tiles need no trust: the new root is checked too. */
static bool continues(const struct tlog_checkpoint *old,
                      const struct tlog_checkpoint *next,
                      const struct register_source *src, struct wh_err *err)
{
    union {
        const struct register_source *in;
        void *out;
    } u = {.in = src};
    struct tlog_path path;
    struct tlog_tiles *tiles = wh_alloc(sizeof *tiles);
    tlog_tiles_init(tiles, next->size, get_tile, u.out);
    struct tlog_reader reader = tlog_tiles_reader(tiles);
    bool ok = tlog_consistency(&reader, old->size, next->size, &path, err);
    wh_free(tiles);
    if (!ok) {
        err->code = WH_NOT_VERIFIABLE;
        return false;
    }
    return tlog_consistency_ok(old->size, &old->root, next->size, &next->root,
                               &path) ||
           forked(err);
}

bool register_seen_advance(struct register_seen *seen,
                           const struct tlog_checkpoint *next, int64_t now_us,
                           const struct register_source *src,
                           struct wh_err *err)
{
    const struct tlog_checkpoint *old = &seen->checkpoint;
    if (next->size < old->size) {
        return wh_fail(err, WH_ROLLED_BACK,
                       "the log is smaller than it was: %" PRIu64
                       " entries after %" PRIu64,
                       next->size, old->size);
    }
    if (old->size > 0 && next->size == old->size) {
        if (!tlog_hash_eq(&old->root, &next->root)) {
            return forked(err);
        }
    } else if (old->size > 0 && !continues(old, next, src, err)) {
        return false;
    }
    seen->checkpoint = *next;
    seen->at_us = now_us;
    return true;
}

bool register_seen_fresh(const struct register_seen *seen, int64_t now_us,
                         int64_t max_age_us)
{
    return seen->checkpoint.size > 0 && now_us >= seen->at_us &&
           now_us - seen->at_us <= max_age_us;
}
