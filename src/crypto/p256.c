/*
 * p256.c - ECDSA P-256 over OpenSSL's EVP.
 *
 * Used where other people's tools want it (model signing, passkeys). Ed25519
 * is the house's own signature.
 */
#include "crypto/p256.h"
#include "base/mem.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

struct crypto_p256 {
    EVP_PKEY *pkey;
};

static bool is_p256(const EVP_PKEY *pkey)
{
    char name[32];
    size_t n = 0;
    return EVP_PKEY_is_a(pkey, "EC") == 1 &&
           EVP_PKEY_get_group_name(pkey, name, sizeof name, &n) == 1 &&
           wh_str_is(wh_str_mem(name, n), "prime256v1");
}

/* Append what an i2d call produced and release it; secrets are wiped too. */
static void add_der(struct wh_buf *out, unsigned char *der, int n)
{
    wh_assert(der != NULL && n > 0 && n <= CRYPTO_P256_DER_MAX);
    wh_buf_mem(out, der, (size_t)n);
    OPENSSL_clear_free(der, (size_t)n);
}

struct crypto_p256 *crypto_p256_new(void)
{
    struct crypto_p256 *key = wh_alloc(sizeof *key);
    key->pkey = EVP_EC_gen("P-256");
    wh_assert(key->pkey != NULL);
    return key;
}

bool crypto_p256_read(struct wh_str der, struct crypto_p256 **out,
                      struct wh_err *err)
{
    EVP_PKEY *pkey = NULL;
    if (der.n <= CRYPTO_P256_DER_MAX) {
        const unsigned char *p = (const unsigned char *)der.p;
        const unsigned char *end = p + der.n;
        pkey = d2i_AutoPrivateKey(NULL, &p, (long)der.n);
        if (pkey && (p != end || !is_p256(pkey))) {
            EVP_PKEY_free(pkey);
            pkey = NULL;
        }
    }
    ERR_clear_error();
    if (!pkey) {
        return wh_fail(err, WH_CORRUPT, "not a P-256 private key");
    }
    struct crypto_p256 *key = wh_alloc(sizeof *key);
    key->pkey = pkey;
    *out = key;
    return true;
}

void crypto_p256_free(struct crypto_p256 **key)
{
    if (!key || !*key) {
        return;
    }
    EVP_PKEY_free((*key)->pkey);
    wh_free(*key);
    *key = NULL;
}

void crypto_p256_private(const struct crypto_p256 *key, struct wh_buf *out)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    wh_assert(info != NULL);
    unsigned char *der = NULL;
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    add_der(out, der, n);
}

void crypto_p256_public(const struct crypto_p256 *key, struct wh_buf *out)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key->pkey, &der);
    add_der(out, der, n);
}

void crypto_p256_sign(const struct crypto_p256 *key, struct wh_str msg,
                      struct wh_buf *out)
{
    unsigned char sig[CRYPTO_P256_SIG_MAX];
    size_t n = sizeof sig;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    wh_assert(ctx != NULL);
    int ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey);
    wh_assert(ok == 1);
    ok = EVP_DigestSign(ctx, sig, &n, (const unsigned char *)msg.p, msg.n);
    wh_assert(ok == 1);
    EVP_MD_CTX_free(ctx);
    wh_buf_mem(out, sig, n);
}

bool crypto_p256_verify(struct wh_str spki, struct wh_str msg,
                        struct wh_str sig)
{
    if (spki.n > CRYPTO_P256_DER_MAX || sig.n > CRYPTO_P256_SIG_MAX) {
        return false;
    }
    const unsigned char *p = (const unsigned char *)spki.p;
    const unsigned char *end = p + spki.n;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)spki.n);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    wh_assert(ctx != NULL);
    bool good =
        pkey != NULL && p == end && is_p256(pkey) &&
        EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
        EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n,
                         (const unsigned char *)msg.p, msg.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    if (!good) {
        ERR_clear_error();
    }
    return good;
}
