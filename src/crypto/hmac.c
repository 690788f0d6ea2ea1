/*
 * hmac.c - keyed hashes and key derivation over OpenSSL.
 */
#include "crypto/hmac.h"
#include "base/err.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

void crypto_hmac_sha256(struct wh_str key, struct wh_str msg,
                        uint8_t out[CRYPTO_HMAC_LEN])
{
    wh_assert(key.n <= INT_MAX);
    unsigned int n = 0;
    /* OpenSSL takes a null key for "the key of last time" */
    unsigned char *got = HMAC(EVP_sha256(), key.p ? key.p : "", (int)key.n,
                              (const unsigned char *)msg.p, msg.n, out, &n);
    wh_assert(got != NULL && n == CRYPTO_HMAC_LEN);
}

bool crypto_hmac_ok(struct wh_str key, struct wh_str msg,
                    const uint8_t mac[CRYPTO_HMAC_LEN])
{
    uint8_t want[CRYPTO_HMAC_LEN];
    crypto_hmac_sha256(key, msg, want);
    return wh_str_eq_secret(wh_str_mem(want, sizeof want),
                            wh_str_mem(mac, CRYPTO_HMAC_LEN));
}

/* OpenSSL's parameters are not const though it only reads them. */
static OSSL_PARAM octets(const char *name, struct wh_str s)
{
    union {
        const char *in;
        void *out;
    } p = {.in = s.p ? s.p : ""};
    return OSSL_PARAM_construct_octet_string(name, p.out, s.n);
}

void crypto_hkdf_sha256(struct wh_str secret, struct wh_str salt,
                        struct wh_str info, void *out, size_t n)
{
    wh_assert(n >= 1 && n <= CRYPTO_HKDF_MAX);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    wh_assert(ctx != NULL);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, secret),
        octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info),
        OSSL_PARAM_construct_end(),
    };
    int ok = EVP_KDF_derive(ctx, out, n, params);
    wh_assert(ok == 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}
