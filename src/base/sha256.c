/*
 * SHA-256 through OpenSSL, which uses the machine's SHA instructions. The
 * algorithm is fetched once: fetching takes locks and, the first time, reads
 * OpenSSL's configuration, so a process that will be sandboxed hashes
 * something before it locks itself in.
 */
#include "base/sha256.h"
#include "base/enc.h"
#include "base/err.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;

static void free_algorithm(void)
{
    EVP_MD_free(algorithm);
    algorithm = NULL;
}

static void fetch(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    wh_assert(algorithm != NULL);
    wh_assert(atexit(free_algorithm) == 0);
}

static const EVP_MD *sha256(void)
{
    wh_assert(pthread_once(&fetched, fetch) == 0);
    return algorithm;
}

static EVP_MD_CTX *ctx_new(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    wh_assert(ctx != NULL);
    return ctx;
}

void wh_sha256_init(struct wh_sha256 *h)
{
    h->evp = ctx_new();
    wh_assert(EVP_DigestInit_ex2(h->evp, sha256(), NULL) == 1);
}

void wh_sha256_add(struct wh_sha256 *h, const void *p, size_t n)
{
    wh_assert(n == 0 || EVP_DigestUpdate(h->evp, p, n) == 1);
}

void wh_sha256_get(const struct wh_sha256 *h, uint8_t out[WH_SHA256_LEN])
{
    EVP_MD_CTX *ctx = ctx_new();
    wh_assert(EVP_MD_CTX_copy_ex(ctx, h->evp) == 1);
    wh_assert(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx);
}

void wh_sha256_done(struct wh_sha256 *h)
{
    EVP_MD_CTX_free(h->evp);
    h->evp = NULL;
}

void wh_sha256_of(struct wh_str s, uint8_t out[WH_SHA256_LEN])
{
    wh_assert(EVP_Digest(s.n ? s.p : "", s.n, out, NULL, sha256(), NULL) == 1);
}

void wh_sha256_hex_of(struct wh_str s, char out[WH_SHA256_HEX + 1])
{
    uint8_t raw[WH_SHA256_LEN];
    wh_sha256_of(s, raw);
    wh_hex_enc(raw, sizeof raw, out);
}
