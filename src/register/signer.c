/*
 * signer.c - key, memory and rule of the register's signer.
 *
 * The memory is written before the signature is made, so a crash in between
 * leaves a signer that remembers more than it said; asked again for the same
 * head it gives the same bytes, since Ed25519 is deterministic.
 */
#include "register/signer.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "crypto/keyfile.h"
#include "crypto/random.h"
#include "register/crash.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define KEY_FILE "log.key"
#define MEMORY_FILE "log.memory"
#define ORIGIN "weighhouse.local/"

struct register_signer {
    char memory_path[PATH_MAX];
    struct crypto_ed25519 *key;
    struct tlog_vkey vkey;
    struct tlog_checkpoint last; /* size 0: nothing signed yet */
};

static bool path_in(const char *dir, const char *name, char out[PATH_MAX],
                    struct wh_err *err)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return (n > 0 && n < PATH_MAX) ||
           wh_fail(err, WH_BAD_NAME, "the path of keys.dir is too long");
}

/* Name and vkey follow from the key alone. */
static void name_key(struct register_signer *s)
{
    uint8_t pub[CRYPTO_ED25519_PUB];
    char origin[sizeof ORIGIN + 16], hex[WH_SHA256_HEX + 1];
    crypto_ed25519_public(s->key, pub);
    wh_sha256_hex_of(wh_str_mem(pub, sizeof pub), hex);
    snprintf(origin, sizeof origin, ORIGIN "%.16s", hex);
    tlog_vkey_make(wh_str_of(origin), TLOG_KEY_ED25519, pub, &s->vkey);
}

static bool remember(const struct register_signer *s,
                     const struct tlog_checkpoint *cp, struct wh_err *err)
{
    struct wh_buf text;
    wh_buf_init(&text, 1024);
    tlog_checkpoint_text(cp, &text);
    bool ok =
        wh_buf_ok(&text, err) &&
        wh_file_write_atomic(s->memory_path, wh_buf_str(&text), 0600, err);
    wh_buf_done(&text);
    return ok;
}

static bool recall(struct register_signer *s, struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str text;
    wh_arena_init(&a, 8192);
    bool ok = wh_file_read(&a, s->memory_path, 4096, &text, err) &&
              tlog_checkpoint_parse(text, &s->last, err);
    wh_arena_done(&a);
    if (ok && strcmp(s->last.origin, s->vkey.name) != 0) {
        ok = wh_fail(err, WH_CORRUPT, "the signer's memory is of another log");
    }
    return ok;
}

/* First start: the memory of an empty log, then the public key, then the key,
 * so that a key always has a memory. */
static bool create(struct register_signer *s, const char *key_path,
                   const char *vkey_path, struct wh_err *err)
{
    uint8_t seed[CRYPTO_ED25519_SEED];
    crypto_random(seed, sizeof seed);
    s->key = crypto_ed25519_new(seed);
    name_key(s);
    static const struct tlog_frontier empty = {0};
    snprintf(s->last.origin, sizeof s->last.origin, "%s", s->vkey.name);
    tlog_frontier_root(&empty, &s->last.root);

    struct wh_buf vkey;
    wh_buf_init(&vkey, TLOG_VKEY_TEXT);
    tlog_vkey_text(&s->vkey, &vkey);
    wh_buf_char(&vkey, '\n');
    bool ok = remember(s, &s->last, err) && wh_buf_ok(&vkey, err) &&
              wh_file_write_atomic(vkey_path, wh_buf_str(&vkey), 0644, err) &&
              crypto_keyfile_create(key_path, seed, sizeof seed, err);
    wh_buf_done(&vkey);
    wh_wipe(seed, sizeof seed);
    return ok;
}

static bool open_key(struct register_signer *s, const char *key_path,
                     struct wh_err *err)
{
    uint8_t seed[CRYPTO_ED25519_SEED];
    if (!crypto_keyfile_read(key_path, seed, sizeof seed, err)) {
        return false;
    }
    s->key = crypto_ed25519_new(seed);
    wh_wipe(seed, sizeof seed);
    name_key(s);
    return true;
}

/* A memory that has signed something, left behind without its key. */
static bool orphan(struct register_signer *s, struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str text;
    struct tlog_checkpoint cp = {.size = 1};
    struct wh_err quiet = {0};
    wh_arena_init(&a, 8192);
    bool there = wh_file_read(&a, s->memory_path, 4096, &text, &quiet);
    bool used =
        there && (!tlog_checkpoint_parse(text, &cp, &quiet) || cp.size > 0);
    wh_arena_done(&a);
    if (used) {
        return wh_fail(err, WH_ROLLED_BACK,
                       "the signer's key is gone but its memory is there");
    }
    return there || quiet.code == WH_NOT_FOUND ||
           wh_fail(err, WH_IO, "the signer's memory can not be read");
}

static bool open_files(struct register_signer *s, const char *dir,
                       struct wh_err *err)
{
    char key_path[PATH_MAX], vkey_path[PATH_MAX];
    if (!wh_dir_make(dir, 0700, err) ||
        !path_in(dir, KEY_FILE, key_path, err) ||
        !path_in(dir, REGISTER_VKEY_FILE, vkey_path, err) ||
        !path_in(dir, MEMORY_FILE, s->memory_path, err)) {
        return false;
    }
    if (open_key(s, key_path, err)) {
        if (recall(s, err)) {
            return true;
        }
        if (err->code == WH_NOT_FOUND) {
            return wh_fail(err, WH_ROLLED_BACK,
                           "the signer has a key but no memory");
        }
        return false;
    }
    if (err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    return orphan(s, err) && create(s, key_path, vkey_path, err);
}

bool register_signer_open(const char *keys_dir, struct register_signer **out,
                          struct wh_err *err)
{
    struct register_signer *s = wh_alloc(sizeof *s);
    if (!open_files(s, keys_dir, err)) {
        register_signer_close(&s);
        return false;
    }
    *out = s;
    return true;
}

void register_signer_close(struct register_signer **s)
{
    if (!s || !*s) {
        return;
    }
    crypto_ed25519_free(&(*s)->key);
    wh_free(*s);
    *s = NULL;
}

bool register_signer_may(uint64_t last, const struct tlog_hash *last_root,
                         const struct register_sign_request *rq,
                         struct wh_err *err)
{
    if (rq->to < last) {
        return wh_fail(err, WH_ROLLED_BACK,
                       "the signer has already signed a larger log");
    }
    if (rq->to == last) {
        return tlog_hash_eq(&rq->root, last_root) ||
               wh_fail(err, WH_CORRUPT,
                       "the signer knows another log of the same size");
    }
    if (rq->from != last) {
        return wh_fail(err, WH_CONFLICT,
                       "the proof does not start at the signer's last size");
    }
    return tlog_consistency_ok(last, last_root, rq->to, &rq->root, &rq->path) ||
           wh_fail(err, WH_CORRUPT,
                   "the new head does not continue the one signed last");
}

static bool direct_state(void *ctx, struct register_signer_state *out,
                         struct wh_err *err)
{
    (void)err;
    const struct register_signer *s = ctx;
    struct wh_buf text;
    wh_buf_init(&text, TLOG_VKEY_TEXT - 1);
    tlog_vkey_text(&s->vkey, &text);
    wh_assert(!text.over);
    memset(out, 0, sizeof *out);
    memcpy(out->vkey, text.p, text.n);
    wh_buf_done(&text);
    out->size = s->last.size;
    out->root = s->last.root;
    return true;
}

static bool direct_sign(void *ctx, const struct register_sign_request *rq,
                        struct wh_buf *note, struct wh_err *err)
{
    struct register_signer *s = ctx;
    if (rq->to == 0) {
        return wh_fail(err, WH_BAD_REQUEST, "an empty log is not signed");
    }
    if (!register_signer_may(s->last.size, &s->last.root, rq, err)) {
        wh_log_err(WH_ERROR, "signer.refused", err);
        return false;
    }
    if (rq->to != s->last.size) {
        struct tlog_checkpoint next = s->last;
        next.size = rq->to;
        next.root = rq->root;
        if (!remember(s, &next, err)) {
            return false;
        }
        s->last = next;
        register_crash_point(REGISTER_AT_REMEMBERED);
    }
    tlog_checkpoint_sign(&s->last, &s->vkey, s->key, note);
    return wh_buf_ok(note, err);
}

struct register_signing register_signer_direct(struct register_signer *s)
{
    return (struct register_signing){
        .ctx = s, .state = direct_state, .sign = direct_sign};
}
