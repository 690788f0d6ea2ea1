/*
 * testing.c - written from PROTOCOL.sshsig, apart from the reader.
 */
#include "crypto/testing.h"

#include <openssl/evp.h>

static void put(struct wh_buf *b, struct wh_str s)
{
    wh_buf_u32be(b, (uint32_t)s.n);
    wh_buf_add(b, s);
}

static void put_c(struct wh_buf *b, const char *s)
{
    put(b, wh_str_of(s));
}

static struct wh_str take(struct wh_arena *a, struct wh_buf *b)
{
    struct wh_str s = wh_arena_dup(a, wh_buf_str(b));
    wh_assert(!b->over);
    wh_buf_done(b);
    return s;
}

static bool is_sk(enum crypto_ssh_type t)
{
    return t == CRYPTO_SSH_SK_ED25519 || t == CRYPTO_SSH_SK_P256;
}

static bool is_p256(enum crypto_ssh_type t)
{
    return t == CRYPTO_SSH_P256 || t == CRYPTO_SSH_SK_P256;
}

static void put_point(struct wh_buf *b, const struct testssh *k)
{
    uint8_t pub[CRYPTO_ED25519_PUB];
    struct wh_buf der;
    if (!is_p256(k->type)) {
        crypto_ed25519_public(k->ed25519, pub);
        put(b, wh_str_mem(pub, sizeof pub));
        return;
    }
    wh_buf_init(&der, CRYPTO_P256_DER_MAX);
    crypto_p256_public(k->p256, &der);
    put_c(b, "nistp256");
    put(b, wh_str_sub(wh_buf_str(&der), der.n - CRYPTO_SSH_POINT,
                      CRYPTO_SSH_POINT));
    wh_buf_done(&der);
}

void testssh_key(struct wh_arena *a, enum crypto_ssh_type type, uint8_t seed,
                 struct testssh *out)
{
    uint8_t bytes[CRYPTO_ED25519_SEED] = {seed, 1};
    struct wh_buf b;
    *out = (struct testssh){.type = type};
    if (is_p256(type)) {
        out->p256 = crypto_p256_new();
    } else {
        out->ed25519 = crypto_ed25519_new(bytes);
    }
    wh_buf_init(&b, CRYPTO_SSH_KEY_MAX);
    put_c(&b, crypto_ssh_type_name(type));
    put_point(&b, out);
    if (is_sk(type)) {
        put_c(&b, "ssh:");
    }
    out->blob = take(a, &b);
    wh_buf_init(&b, (size_t)2 * CRYPTO_SSH_KEY_MAX);
    wh_buf_cstr(&b, crypto_ssh_type_name(type));
    wh_buf_char(&b, ' ');
    wh_buf_base64(&b, out->blob.p, out->blob.n);
    out->line = take(a, &b);
}

void testssh_done(struct testssh *k)
{
    crypto_ed25519_free(&k->ed25519);
    crypto_p256_free(&k->p256);
}

/* Sign and write the innermost value: 64 bytes, or two mpints out of a DER
 * signature, whose integers have the very form of an mpint. */
static void put_sig(struct wh_buf *b, const struct testssh *k,
                    struct wh_str message)
{
    uint8_t sig[CRYPTO_ED25519_SIG];
    struct wh_buf der, pair;
    if (!is_p256(k->type)) {
        crypto_ed25519_sign(k->ed25519, message, sig);
        put(b, wh_str_mem(sig, sizeof sig));
        return;
    }
    wh_buf_init(&der, CRYPTO_P256_SIG_MAX);
    wh_buf_init(&pair, CRYPTO_P256_SIG_MAX * 2);
    crypto_p256_sign(k->p256, message, &der);
    struct wh_str s = wh_buf_str(&der);
    size_t r = (uint8_t)s.p[3];
    put(&pair, wh_str_sub(s, 4, r));
    put(&pair, wh_str_sub(s, 6 + r, (uint8_t)s.p[5 + r]));
    put(b, wh_buf_str(&pair));
    wh_buf_done(&pair);
    wh_buf_done(&der);
}

static void put_hash(struct wh_buf *b, const char *hash, struct wh_str message)
{
    uint8_t h[64];
    unsigned n = 0;
    const EVP_MD *md = strcmp(hash, "sha256") == 0 ? EVP_sha256()
                       : strcmp(hash, "sha1") == 0 ? EVP_sha1()
                                                   : EVP_sha512();
    wh_assert(EVP_Digest(message.p, message.n, h, &n, md, NULL) == 1);
    put(b, wh_str_mem(h, n));
}

static uint8_t flags_of(const struct testssh_how *how)
{
    return how->no_flags ? 0 : how->flags ? how->flags : 5;
}

static struct wh_str to_be_signed(struct wh_arena *a, const struct testssh *k,
                                  const char *ns, struct wh_str message,
                                  const struct testssh_how *how)
{
    const char *hash = how->hash ? how->hash : "sha512";
    uint8_t h[WH_SHA256_LEN];
    struct wh_buf b;
    wh_buf_init(&b, 1024);
    wh_buf_cstr(&b, "SSHSIG");
    put_c(&b, ns);
    put_c(&b, how->reserved ? how->reserved : "");
    put_c(&b, hash);
    put_hash(&b, hash, message);
    struct wh_str s = take(a, &b);
    if (!is_sk(k->type)) {
        return s;
    }
    wh_buf_init(&b, 1024);
    wh_sha256_of(WH_S("ssh:"), h);
    wh_buf_mem(&b, h, sizeof h);
    wh_buf_u8(&b, flags_of(how));
    wh_buf_u32be(&b, how->counter);
    wh_sha256_of(s, h);
    wh_buf_mem(&b, h, sizeof h);
    return take(a, &b);
}

struct wh_str testssh_sign(struct wh_arena *a, const struct testssh *k,
                           const char *ns, struct wh_str message,
                           const struct testssh_how *how)
{
    const struct testssh_how plain = {0};
    how = how ? how : &plain;
    struct wh_buf b, inner;
    wh_buf_init(&inner, 1024);
    put_c(&inner,
          how->other_inner_type ? "ssh-rsa" : crypto_ssh_type_name(k->type));
    put_sig(&inner, k, to_be_signed(a, k, ns, message, how));
    if (is_sk(k->type)) {
        wh_buf_u8(&inner, flags_of(how));
        wh_buf_u32be(&inner, how->counter);
    }
    wh_buf_cstr(&inner, how->inner_tail ? "x" : "");
    wh_buf_init(&b, CRYPTO_SSHSIG_MAX);
    wh_buf_cstr(&b, "SSHSIG");
    wh_buf_u32be(&b, how->version ? how->version : 1);
    put(&b, k->blob);
    put_c(&b, ns);
    put_c(&b, how->reserved ? how->reserved : "");
    put_c(&b, how->hash ? how->hash : "sha512");
    put(&b, wh_buf_str(&inner));
    wh_buf_cstr(&b, how->tail ? "x" : "");
    wh_buf_done(&inner);
    return take(a, &b);
}
