/*
 * p256.h - ECDSA on P-256 with SHA-256; signatures and keys in DER.
 * Owner: crypto_p256_new/_read .. crypto_p256_free.
 * Never: accepts a key on another curve.
 */
#ifndef WH_CRYPTO_P256_H
#define WH_CRYPTO_P256_H

#include "base/buf.h"
#include "base/err.h"

struct crypto_p256;

/* Ceilings that hold every DER form used here. */
#define CRYPTO_P256_DER_MAX 256
#define CRYPTO_P256_SIG_MAX 72

/* A fresh key; never null. */
struct crypto_p256 *crypto_p256_new(void);
/* A private key from PKCS#8 DER, nothing after it; WH_CORRUPT otherwise. */
bool crypto_p256_read(struct wh_str der, struct crypto_p256 **out,
                      struct wh_err *err) WH_CHECK;
/* Release it and null the pointer; null is fine. */
void crypto_p256_free(struct crypto_p256 **key);
/* Append the private key as PKCS#8 DER: a secret, the caller wipes it. */
void crypto_p256_private(const struct crypto_p256 *key, struct wh_buf *out);
/* Append the public key as SubjectPublicKeyInfo DER. */
void crypto_p256_public(const struct crypto_p256 *key, struct wh_buf *out);
/* Append a DER signature of SHA-256(msg). */
void crypto_p256_sign(const struct crypto_p256 *key, struct wh_str msg,
                      struct wh_buf *out);
/* True only for a valid DER signature of msg by the P-256 key in `spki`. */
bool crypto_p256_verify(struct wh_str spki, struct wh_str msg,
                        struct wh_str sig);

#endif
