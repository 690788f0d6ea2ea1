/*
 * ed25519.c - Ed25519 over OpenSSL's EVP one-shot calls.
 *
 * A failed verification leaves entries in OpenSSL's per-thread error queue;
 * they are cleared here, because TLS code in the same thread reads that queue.
 */
#include "crypto/ed25519.h"
#include "base/err.h"
#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/evp.h>

struct crypto_ed25519 {
    EVP_PKEY *pkey;
};

struct crypto_ed25519 *
crypto_ed25519_new(const uint8_t seed[CRYPTO_ED25519_SEED])
{
    struct crypto_ed25519 *key = wh_alloc(sizeof *key);
    key->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                             CRYPTO_ED25519_SEED);
    wh_assert(key->pkey != NULL);
    return key;
}

void crypto_ed25519_free(struct crypto_ed25519 **key)
{
    if (!key || !*key) {
        return;
    }
    EVP_PKEY_free((*key)->pkey);
    wh_free(*key);
    *key = NULL;
}

void crypto_ed25519_public(const struct crypto_ed25519 *key,
                           uint8_t out[CRYPTO_ED25519_PUB])
{
    size_t n = CRYPTO_ED25519_PUB;
    int ok = EVP_PKEY_get_raw_public_key(key->pkey, out, &n);
    wh_assert(ok == 1 && n == CRYPTO_ED25519_PUB);
}

void crypto_ed25519_sign(const struct crypto_ed25519 *key, struct wh_str msg,
                         uint8_t out[CRYPTO_ED25519_SIG])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    wh_assert(ctx != NULL);
    int ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey);
    wh_assert(ok == 1);
    size_t n = CRYPTO_ED25519_SIG;
    ok = EVP_DigestSign(ctx, out, &n, (const unsigned char *)msg.p, msg.n);
    wh_assert(ok == 1 && n == CRYPTO_ED25519_SIG);
    EVP_MD_CTX_free(ctx);
}

bool crypto_ed25519_verify(const uint8_t pub[CRYPTO_ED25519_PUB],
                           struct wh_str msg,
                           const uint8_t sig[CRYPTO_ED25519_SIG])
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub,
                                                 CRYPTO_ED25519_PUB);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    wh_assert(ctx != NULL);
    bool good = pkey != NULL &&
                EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestVerify(ctx, sig, CRYPTO_ED25519_SIG,
                                 (const unsigned char *)msg.p, msg.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    if (!good) {
        ERR_clear_error();
    }
    return good;
}
