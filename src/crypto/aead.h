/*
 * aead.h - AES-256-GCM: the key is set up once, the IV per record.
 * Owner: crypto_aead_new .. crypto_aead_free; one context, one thread.
 * Never: gives out plaintext that did not verify; chooses IVs (the caller must
 * never use one twice under a key).
 */
#ifndef WH_CRYPTO_AEAD_H
#define WH_CRYPTO_AEAD_H

#include "base/err.h"
#include "base/str.h"

#define CRYPTO_AEAD_KEY 32
#define CRYPTO_AEAD_IV 12
#define CRYPTO_AEAD_TAG 16
#define CRYPTO_AEAD_MAX (1U << 30) /* bytes of one record */

struct crypto_aead;

/* A context for this key; never null. */
struct crypto_aead *crypto_aead_new(const uint8_t key[CRYPTO_AEAD_KEY]);
/* Release it, wipe the key schedule, null the pointer; null is fine. */
void crypto_aead_free(struct crypto_aead **aead);
/* Encrypt n bytes (at most CRYPTO_AEAD_MAX) from in to out, which may be the
 * same memory; aad (may be empty) is authenticated, not encrypted. */
void crypto_aead_seal(struct crypto_aead *aead,
                      const uint8_t iv[CRYPTO_AEAD_IV], struct wh_str aad,
                      const void *in, size_t n, void *out,
                      uint8_t tag[CRYPTO_AEAD_TAG]);
/* The reverse; in and out may be the same memory. False, with out wiped, when
 * key, IV, aad, bytes or tag do not belong together. */
bool crypto_aead_open(struct crypto_aead *aead,
                      const uint8_t iv[CRYPTO_AEAD_IV], struct wh_str aad,
                      const void *in, size_t n,
                      const uint8_t tag[CRYPTO_AEAD_TAG], void *out) WH_CHECK;

#endif
