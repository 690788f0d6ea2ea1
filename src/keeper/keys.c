/*
 * One secret file, three derived keys. The id of the custody key is kept in the
 * data folder and in every wrapped key, so that a lost or exchanged key is told
 * from damage: nothing else can be done about it, but it can be said.
 */
#include "keeper/keys.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/hmac.h"
#include "crypto/keyfile.h"
#include "crypto/random.h"

#include <stdio.h>

#define SECRET 32
#define WRAP_VERSION 1
#define PATH_ROOM 4096

static void derive(const uint8_t secret[SECRET], const char *info, void *out,
                   size_t n)
{
    crypto_hkdf_sha256(wh_str_mem(secret, SECRET), WH_S("weighhouse custody"),
                       wh_str_of(info), out, n);
}

/* The id that DATA/custody/key-id names; *found false when there is none. */
static bool read_key_id(const char *path, uint8_t id[KEEPER_KEY_ID],
                        bool *found, struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str text;
    wh_arena_init(&a, 4096);
    *found = wh_file_read(&a, path, 64, &text, err);
    bool ok = true;
    if (*found) {
        ok = wh_hex_dec(wh_str_trim(text), id, KEEPER_KEY_ID, false) ||
             wh_fail(err, WH_CORRUPT, "custody/key-id is damaged");
    } else if (err->code == WH_NOT_FOUND) {
        *err = (struct wh_err){0};
    } else {
        ok = false;
    }
    wh_arena_done(&a);
    return ok;
}

static bool lost(const uint8_t id[KEEPER_KEY_ID], struct wh_err *err)
{
    char hex[2 * KEEPER_KEY_ID + 1];
    wh_hex_enc(id, KEEPER_KEY_ID, hex);
    return wh_fail(err, WH_CORRUPT,
                   "the custody key %s is not in keys.dir: whatever it sealed "
                   "is lost unless custody.key comes back from a backup "
                   "(`weighhouse custody` says what that is)",
                   hex);
}

/* Read the secret; make it only if this house never had one. */
static bool load_secret(const char *path, bool had_one,
                        const uint8_t had[KEEPER_KEY_ID], uint8_t out[SECRET],
                        struct wh_err *err)
{
    if (!had_one) {
        return crypto_keyfile_ensure(path, out, SECRET, err);
    }
    if (crypto_keyfile_read(path, out, SECRET, err)) {
        return true;
    }
    if (err->code == WH_NOT_FOUND) {
        *err = (struct wh_err){0};
        return lost(had, err);
    }
    return false;
}

static bool write_key_id(const char *path, const uint8_t id[KEEPER_KEY_ID],
                         struct wh_err *err)
{
    char hex[2 * KEEPER_KEY_ID + 2];
    wh_hex_enc(id, KEEPER_KEY_ID, hex);
    hex[sizeof hex - 2] = '\n';
    return wh_file_write_atomic(path, wh_str_mem(hex, sizeof hex - 1), 0644,
                                err);
}

bool keeper_keys_open(const char *keys_dir, const char *custody_dir,
                      struct keeper_keys_set *out, struct wh_err *err)
{
    char secret_path[PATH_ROOM], id_path[PATH_ROOM];
    uint8_t secret[SECRET], had[KEEPER_KEY_ID] = {0};
    bool had_one = false;
    struct keeper_keys_set k;
    (void)snprintf(secret_path, PATH_ROOM, "%s/custody.key", keys_dir);
    (void)snprintf(id_path, PATH_ROOM, "%s/key-id", custody_dir);
    if (!read_key_id(id_path, had, &had_one, err) ||
        !load_secret(secret_path, had_one, had, secret, err)) {
        return false;
    }
    derive(secret, "id", k.id, sizeof k.id);
    derive(secret, "wrap", k.wrap, sizeof k.wrap);
    derive(secret, "statements", k.mac, sizeof k.mac);
    derive(secret, "ledger", k.ledger, sizeof k.ledger);
    wh_wipe(secret, sizeof secret);
    bool ok = true;
    if (had_one && memcmp(had, k.id, sizeof had) != 0) {
        ok = lost(had, err);
    } else if (!had_one) {
        ok = write_key_id(id_path, k.id, err);
    }
    if (ok) {
        *out = k;
    }
    wh_wipe(&k, sizeof k);
    return ok;
}

void keeper_keys_done(struct keeper_keys_set *k)
{
    wh_wipe(k, sizeof *k);
}

/* "WHK1", container id, repo. */
static struct wh_str wrap_aad(uint8_t *room, struct wh_str repo,
                              const uint8_t id[STORE_CONTAINER_ID])
{
    static const uint8_t label[4] = {'W', 'H', 'K', '1'};
    wh_assert(repo.n <= KEEPER_REPO_MAX);
    memcpy(room, label, sizeof label);
    memcpy(room + 4, id, STORE_CONTAINER_ID);
    memcpy(room + 4 + STORE_CONTAINER_ID, repo.p, repo.n);
    return wh_str_mem(room, 4 + STORE_CONTAINER_ID + repo.n);
}

/* Places in a wrapped key. */
enum {
    AT_ID = 1,
    AT_NONCE = AT_ID + KEEPER_KEY_ID,
    AT_KEY = AT_NONCE + CRYPTO_AEAD_IV,
    AT_TAG = AT_KEY + STORE_CONTAINER_KEY
};

void keeper_keys_wrap(const struct keeper_keys_set *k, struct wh_str repo,
                      const uint8_t id[STORE_CONTAINER_ID],
                      const uint8_t key[STORE_CONTAINER_KEY],
                      uint8_t out[KEEPER_WRAPPED])
{
    uint8_t room[4 + STORE_CONTAINER_ID + KEEPER_REPO_MAX];
    out[0] = WRAP_VERSION;
    memcpy(out + AT_ID, k->id, KEEPER_KEY_ID);
    crypto_random(out + AT_NONCE, CRYPTO_AEAD_IV);
    struct crypto_aead *aead = crypto_aead_new(k->wrap);
    crypto_aead_seal(aead, out + AT_NONCE, wrap_aad(room, repo, id), key,
                     STORE_CONTAINER_KEY, out + AT_KEY, out + AT_TAG);
    crypto_aead_free(&aead);
}

bool keeper_keys_unwrap(const struct keeper_keys_set *k, struct wh_str repo,
                        const uint8_t id[STORE_CONTAINER_ID],
                        const uint8_t wrapped[KEEPER_WRAPPED],
                        uint8_t key[STORE_CONTAINER_KEY], struct wh_err *err)
{
    uint8_t room[4 + STORE_CONTAINER_ID + KEEPER_REPO_MAX];
    if (wrapped[0] == WRAP_VERSION &&
        memcmp(wrapped + AT_ID, k->id, KEEPER_KEY_ID) != 0) {
        return lost(wrapped + AT_ID, err);
    }
    struct crypto_aead *aead = crypto_aead_new(k->wrap);
    bool ok = wrapped[0] == WRAP_VERSION &&
              crypto_aead_open(aead, wrapped + AT_NONCE,
                               wrap_aad(room, repo, id), wrapped + AT_KEY,
                               STORE_CONTAINER_KEY, wrapped + AT_TAG, key);
    crypto_aead_free(&aead);
    return ok || wh_fail(err, WH_CORRUPT,
                         "the key does not belong to this container");
}
