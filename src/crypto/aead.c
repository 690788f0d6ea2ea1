/*
 * aead.c - AES-256-GCM over OpenSSL's EVP.
 *
 * Expanding the key costs more than a small record, so each context keeps one
 * cipher state per direction with the key in place and only the IV changes.
 * The decrypting state is made at its first use: most contexts go one way.
 */
#include "crypto/aead.h"
#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/evp.h>

struct crypto_aead {
    EVP_CIPHER_CTX *enc, *dec;
    uint8_t key[CRYPTO_AEAD_KEY];
};

struct crypto_aead *crypto_aead_new(const uint8_t key[CRYPTO_AEAD_KEY])
{
    struct crypto_aead *a = wh_alloc(sizeof *a);
    memcpy(a->key, key, CRYPTO_AEAD_KEY);
    return a;
}

void crypto_aead_free(struct crypto_aead **aead)
{
    if (!aead || !*aead) {
        return;
    }
    EVP_CIPHER_CTX_free((*aead)->enc);
    EVP_CIPHER_CTX_free((*aead)->dec);
    wh_wipe((*aead)->key, sizeof(*aead)->key);
    wh_free(*aead);
    *aead = NULL;
}

/* The state of one direction, ready for this IV. */
static EVP_CIPHER_CTX *state(EVP_CIPHER_CTX **slot, const uint8_t *key,
                             const uint8_t *iv, int encrypt)
{
    int ok = 1;
    if (!*slot) {
        *slot = EVP_CIPHER_CTX_new();
        wh_assert(*slot != NULL);
        ok = EVP_CipherInit_ex2(*slot, EVP_aes_256_gcm(), key, NULL, encrypt,
                                NULL);
    }
    wh_assert(ok == 1);
    ok = EVP_CipherInit_ex2(*slot, NULL, NULL, iv, encrypt, NULL);
    wh_assert(ok == 1);
    return *slot;
}

/* Feed associated data and the record itself. */
static void run(EVP_CIPHER_CTX *ctx, struct wh_str aad, const void *in,
                size_t n, void *out)
{
    wh_assert(n <= CRYPTO_AEAD_MAX && aad.n <= CRYPTO_AEAD_MAX);
    int done = 0, ok = 1;
    if (aad.n > 0) {
        ok = EVP_CipherUpdate(ctx, NULL, &done, (const unsigned char *)aad.p,
                              (int)aad.n);
    }
    wh_assert(ok == 1);
    if (n > 0) {
        ok = EVP_CipherUpdate(ctx, out, &done, in, (int)n);
        wh_assert(ok == 1 && done == (int)n);
    }
}

void crypto_aead_seal(struct crypto_aead *aead,
                      const uint8_t iv[CRYPTO_AEAD_IV], struct wh_str aad,
                      const void *in, size_t n, void *out,
                      uint8_t tag[CRYPTO_AEAD_TAG])
{
    EVP_CIPHER_CTX *ctx = state(&aead->enc, aead->key, iv, 1);
    run(ctx, aad, in, n, out);
    unsigned char none[CRYPTO_AEAD_TAG];
    int more = 0;
    int ok = EVP_CipherFinal_ex(ctx, none, &more);
    wh_assert(ok == 1 && more == 0);
    ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_AEAD_TAG, tag);
    wh_assert(ok == 1);
}

bool crypto_aead_open(struct crypto_aead *aead,
                      const uint8_t iv[CRYPTO_AEAD_IV], struct wh_str aad,
                      const void *in, size_t n,
                      const uint8_t tag[CRYPTO_AEAD_TAG], void *out)
{
    EVP_CIPHER_CTX *ctx = state(&aead->dec, aead->key, iv, 0);
    run(ctx, aad, in, n, out);
    unsigned char want[CRYPTO_AEAD_TAG], none[CRYPTO_AEAD_TAG];
    memcpy(want, tag, sizeof want);
    int ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof want, want);
    wh_assert(ok == 1);
    int more = 0;
    if (EVP_CipherFinal_ex(ctx, none, &more) == 1 && more == 0) {
        return true;
    }
    ERR_clear_error();
    wh_wipe(out, n);
    return false;
}
