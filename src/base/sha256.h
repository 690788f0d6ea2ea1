/*
 * sha256.h - SHA-256 over OpenSSL's EVP, streaming and in one call.
 * Owner: wh_sha256_init .. wh_sha256_done.
 * Never: fails, save by panic when OpenSSL is broken.
 */
#ifndef WH_BASE_SHA256_H
#define WH_BASE_SHA256_H

#include "base/str.h"

#define WH_SHA256_LEN 32
#define WH_SHA256_HEX 64

struct wh_sha256 {
    void *evp; /* EVP_MD_CTX */
};

/* Start, add bytes (as often as wanted), free. A process that will be
 * sandboxed hashes something first: OpenSSL loads itself at the first use. */
void wh_sha256_init(struct wh_sha256 *h);
void wh_sha256_add(struct wh_sha256 *h, const void *p, size_t n);
/* Digest of all added so far; the state stays usable for more adds. */
void wh_sha256_get(const struct wh_sha256 *h, uint8_t out[WH_SHA256_LEN]);
/* May be called twice. */
void wh_sha256_done(struct wh_sha256 *h);
/* In one call; the _hex form writes 64 digits and a NUL. */
void wh_sha256_of(struct wh_str s, uint8_t out[WH_SHA256_LEN]);
void wh_sha256_hex_of(struct wh_str s, char out[WH_SHA256_HEX + 1]);

#endif
