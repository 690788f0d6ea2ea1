/*
 * ed25519.h - Ed25519 (RFC 8032): key from a seed, sign, verify.
 * Owner: crypto_ed25519_new .. crypto_ed25519_free; the seed stays the
 * caller's, who wipes it.
 * Never: shows the private key again.
 */
#ifndef WH_CRYPTO_ED25519_H
#define WH_CRYPTO_ED25519_H

#include "base/str.h"

#define CRYPTO_ED25519_SEED 32
#define CRYPTO_ED25519_PUB 32
#define CRYPTO_ED25519_SIG 64

struct crypto_ed25519;

/* The key of a 32-byte seed; never null. */
struct crypto_ed25519 *
crypto_ed25519_new(const uint8_t seed[CRYPTO_ED25519_SEED]);
/* Release it and null the pointer; null is fine. */
void crypto_ed25519_free(struct crypto_ed25519 **key);
/* Its public half. */
void crypto_ed25519_public(const struct crypto_ed25519 *key,
                           uint8_t out[CRYPTO_ED25519_PUB]);
/* Sign a message of any length; deterministic; may be called from several
 * threads at once. */
void crypto_ed25519_sign(const struct crypto_ed25519 *key, struct wh_str msg,
                         uint8_t out[CRYPTO_ED25519_SIG]);
/* True only for a valid signature of exactly this message by this key; a
 * public key that is no point on the curve is false as well. */
bool crypto_ed25519_verify(const uint8_t pub[CRYPTO_ED25519_PUB],
                           struct wh_str msg,
                           const uint8_t sig[CRYPTO_ED25519_SIG]);

#endif
