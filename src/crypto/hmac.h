/*
 * hmac.h - HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869).
 * Owner: the caller owns all memory.
 * Never: fails, save by panic when OpenSSL is broken. Compare MACs with
 * crypto_hmac_ok, not with memcmp.
 */
#ifndef WH_CRYPTO_HMAC_H
#define WH_CRYPTO_HMAC_H

#include "base/str.h"

#define CRYPTO_HMAC_LEN 32
#define CRYPTO_HKDF_MAX (255 * 32)

/* MAC of msg under key (any length). */
void crypto_hmac_sha256(struct wh_str key, struct wh_str msg,
                        uint8_t out[CRYPTO_HMAC_LEN]);
/* True if mac is the MAC of msg; time does not depend on where it differs. */
bool crypto_hmac_ok(struct wh_str key, struct wh_str msg,
                    const uint8_t mac[CRYPTO_HMAC_LEN]);
/* Derive n bytes (1 to CRYPTO_HKDF_MAX) from a secret; salt and info may be
 * empty. */
void crypto_hkdf_sha256(struct wh_str secret, struct wh_str salt,
                        struct wh_str info, void *out, size_t n);

#endif
