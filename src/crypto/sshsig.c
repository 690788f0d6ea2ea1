/*
 * sshsig.c - SSHSIG read to its last byte.
 *
 *   blob    "SSHSIG" u32 1 string key, string namespace, string reserved,
 *           string hash, string signature
 *   signed  "SSHSIG" string namespace, string reserved, string hash,
 *           string H(message)
 *
 * A security key signs SHA-256(application), flags, counter and
 * SHA-256(signed) instead.
 */
#include "crypto/sshsig.h"
#include "base/enc.h"
#include "base/rd.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"

#include <openssl/evp.h>

#define MAGIC "SSHSIG"
#define BEGIN "-----BEGIN SSH SIGNATURE-----"
#define END "-----END SSH SIGNATURE-----"
#define COLUMNS 70u
#define NAME_MAX_BYTES 128u
#define SHA512_LEN 64
#define MPINT_MAX 33u /* 32 bytes and the zero that keeps it positive */

static const struct {
    const char *name;
    bool sk, p256;
} TYPES[CRYPTO_SSH_TYPES] = {
    [CRYPTO_SSH_ED25519] = {"ssh-ed25519", false, false},
    [CRYPTO_SSH_P256] = {"ecdsa-sha2-nistp256", false, true},
    [CRYPTO_SSH_SK_ED25519] = {"sk-ssh-ed25519@openssh.com", true, false},
    [CRYPTO_SSH_SK_P256] = {"sk-ecdsa-sha2-nistp256@openssh.com", true, true},
};

/* Encodings of the points of small order on Curve25519, without the sign bit:
 * with such a key any signature of one form is good for any message. */
static const char *const SMALL_ORDER[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* SubjectPublicKeyInfo of a point on P-256, up to the point. */
static const uint8_t SPKI[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
                               0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                               0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
                               0x01, 0x07, 0x03, 0x42, 0x00};

const char *crypto_ssh_type_name(enum crypto_ssh_type type)
{
    wh_assert(type < CRYPTO_SSH_TYPES);
    return TYPES[type].name;
}

bool crypto_ssh_type_sk(enum crypto_ssh_type type)
{
    wh_assert(type < CRYPTO_SSH_TYPES);
    return TYPES[type].sk;
}

/* ---- the wire ---- */

/* u32be length and bytes, at most max. */
static struct wh_str rd_string(struct wh_rd *r, size_t max)
{
    uint32_t n = wh_rd_u32be(r);
    if (n > max) {
        r->bad = true;
        return WH_S("");
    }
    return wh_rd_take(r, n);
}

static void add_string(struct wh_buf *b, struct wh_str s)
{
    wh_buf_u32be(b, (uint32_t)s.n);
    wh_buf_add(b, s);
}

/* A positive number in its shortest form. */
static bool mpint_ok(struct wh_str s)
{
    if (s.n == 0 || s.n > MPINT_MAX) {
        return false;
    }
    const uint8_t *p = (const uint8_t *)s.p;
    return (p[0] & 0x80) == 0 && (p[0] != 0 || (s.n > 1 && (p[1] & 0x80) != 0));
}

static bool find_type(struct wh_str name, enum crypto_ssh_type *out)
{
    for (int i = 0; i < CRYPTO_SSH_TYPES; i++) {
        if (wh_str_is(name, TYPES[i].name)) {
            *out = (enum crypto_ssh_type)i;
            return true;
        }
    }
    return false;
}

/* ---- keys ---- */

static bool small_order(struct wh_str point)
{
    uint8_t p[CRYPTO_ED25519_PUB], bad[CRYPTO_ED25519_PUB];
    memcpy(p, point.p, sizeof p);
    p[sizeof p - 1] &= 0x7f;
    for (size_t i = 0; i < sizeof SMALL_ORDER / sizeof *SMALL_ORDER; i++) {
        wh_assert(
            wh_hex_dec(wh_str_of(SMALL_ORDER[i]), bad, sizeof bad, false));
        if (memcmp(p, bad, sizeof p) == 0) {
            return true;
        }
    }
    return false;
}

static bool point_ok(const struct crypto_ssh_key *k)
{
    if (TYPES[k->type].p256) {
        return k->point.n == CRYPTO_SSH_POINT && k->point.p[0] == 4;
    }
    return k->point.n == CRYPTO_ED25519_PUB && !small_order(k->point);
}

bool crypto_ssh_key_read(struct wh_str blob, struct crypto_ssh_key *out,
                         struct wh_err *err)
{
    struct wh_rd r;
    bool curve = true;
    *out = (struct crypto_ssh_key){.blob = blob};
    wh_rd_init(&r, blob.p, blob.n);
    if (blob.n > CRYPTO_SSH_KEY_MAX ||
        !find_type(rd_string(&r, NAME_MAX_BYTES), &out->type)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the key is of a kind that is not taken: use "
                       "ssh-ed25519, ecdsa-sha2-nistp256 or their sk- forms");
    }
    if (TYPES[out->type].p256) {
        curve = wh_str_is(rd_string(&r, NAME_MAX_BYTES), "nistp256");
    }
    out->point = rd_string(&r, CRYPTO_SSH_POINT);
    if (TYPES[out->type].sk) {
        out->application = rd_string(&r, NAME_MAX_BYTES);
        curve = curve && out->application.n > 0;
    }
    return (curve && wh_rd_end(&r) && point_ok(out)) ||
           wh_fail(err, WH_BAD_REQUEST, "malformed SSH key");
}

bool crypto_ssh_key_line(struct wh_arena *a, struct wh_str line,
                         struct crypto_ssh_key *out, struct wh_err *err)
{
    struct wh_str rest = wh_str_trim(line), type, code;
    enum crypto_ssh_type t;
    size_t n = 0;
    if (line.n > (size_t)4 * CRYPTO_SSH_KEY_MAX ||
        wh_str_find(rest, '\n') != SIZE_MAX || !wh_str_cut(&rest, ' ', &type) ||
        !find_type(type, &t)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "not the line of a public SSH key of a kind that is "
                       "taken");
    }
    (void)wh_str_cut(&rest, ' ', &code);
    uint8_t *blob = wh_arena_alloc(a, CRYPTO_SSH_KEY_MAX);
    if (!wh_base64_dec(code, blob, CRYPTO_SSH_KEY_MAX, &n)) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed SSH key");
    }
    return crypto_ssh_key_read(wh_str_mem(blob, n), out, err) &&
           (out->type == t ||
            wh_fail(err, WH_BAD_REQUEST, "malformed SSH key"));
}

void crypto_ssh_key_text(const struct crypto_ssh_key *key, struct wh_buf *out)
{
    wh_buf_cstr(out, TYPES[key->type].name);
    wh_buf_char(out, ' ');
    wh_buf_base64(out, key->blob.p, key->blob.n);
}

void crypto_ssh_key_print(const struct crypto_ssh_key *key,
                          char hex[WH_SHA256_HEX + 1])
{
    wh_sha256_hex_of(key->blob, hex);
}

/* ---- armour ---- */

bool crypto_sshsig_unarmor(struct wh_arena *a, struct wh_str text,
                           struct wh_str *blob, struct wh_err *err)
{
    char code[CRYPTO_SSHSIG_TEXT];
    struct wh_str rest = wh_str_trim(text), line;
    size_t n = 0, bytes = 0;
    bool ended = false;
    if (text.n > CRYPTO_SSHSIG_TEXT || !wh_str_cut(&rest, '\n', &line) ||
        !wh_str_is(wh_str_trim(line), BEGIN)) {
        return wh_fail(err, WH_BAD_REQUEST, "not an SSH signature");
    }
    while (!ended && rest.n > 0) {
        (void)wh_str_cut(&rest, '\n', &line);
        line = wh_str_trim(line);
        ended = wh_str_is(line, END);
        if (!ended) {
            memcpy(code + n, line.p, line.n);
            n += line.n;
        }
    }
    uint8_t *out = wh_arena_alloc(a, CRYPTO_SSHSIG_MAX);
    if (!ended || rest.n > 0 ||
        !wh_base64_dec(wh_str_mem(code, n), out, CRYPTO_SSHSIG_MAX, &bytes)) {
        return wh_fail(err, WH_BAD_REQUEST, "not an SSH signature");
    }
    *blob = wh_str_mem(out, bytes);
    return true;
}

void crypto_sshsig_armor(struct wh_str blob, struct wh_buf *out)
{
    struct wh_buf code;
    wh_buf_init(&code, (size_t)2 * CRYPTO_SSHSIG_TEXT);
    wh_buf_base64(&code, blob.p, blob.n);
    struct wh_str rest = wh_buf_str(&code);
    wh_buf_cstr(out, BEGIN "\n");
    while (rest.n > 0) {
        struct wh_str line = wh_str_sub(rest, 0, COLUMNS);
        wh_buf_add(out, line);
        wh_buf_char(out, '\n');
        rest = wh_str_sub(rest, line.n, rest.n - line.n);
    }
    wh_buf_cstr(out, END "\n");
    wh_buf_done(&code);
}

/* ---- signatures ---- */

/* The innermost string: the type once more, then what the type has. */
static bool read_inner(struct wh_str inner, struct crypto_sshsig *out)
{
    struct wh_rd r;
    enum crypto_ssh_type type;
    wh_rd_init(&r, inner.p, inner.n);
    if (!find_type(rd_string(&r, NAME_MAX_BYTES), &type) ||
        type != out->key.type) {
        return false;
    }
    out->sig = rd_string(&r, CRYPTO_SSHSIG_MAX);
    if (TYPES[type].sk) {
        out->flags = wh_rd_u8(&r);
        out->counter = wh_rd_u32be(&r);
    }
    return wh_rd_end(&r) &&
           (TYPES[type].p256 || out->sig.n == CRYPTO_ED25519_SIG);
}

bool crypto_sshsig_read(struct wh_str blob, struct crypto_sshsig *out,
                        struct wh_err *err)
{
    struct wh_rd r;
    *out = (struct crypto_sshsig){.blob = blob};
    wh_rd_init(&r, blob.p, blob.n);
    if (blob.n > CRYPTO_SSHSIG_MAX ||
        !wh_str_is(wh_rd_take(&r, sizeof MAGIC - 1), MAGIC) ||
        wh_rd_u32be(&r) != 1) {
        return wh_fail(err, WH_BAD_REQUEST, "not an SSH signature, version 1");
    }
    struct wh_str key = rd_string(&r, CRYPTO_SSH_KEY_MAX);
    out->ns = rd_string(&r, NAME_MAX_BYTES);
    struct wh_str reserved = rd_string(&r, NAME_MAX_BYTES);
    out->hash = rd_string(&r, NAME_MAX_BYTES);
    struct wh_str inner = rd_string(&r, CRYPTO_SSHSIG_MAX);
    if (!wh_rd_end(&r) || out->ns.n == 0 || reserved.n > 0) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed SSH signature");
    }
    if (!wh_str_is(out->hash, "sha512") && !wh_str_is(out->hash, "sha256")) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the SSH signature uses another hash than sha256 and "
                       "sha512");
    }
    return crypto_ssh_key_read(key, &out->key, err) &&
           (read_inner(inner, out) ||
            wh_fail(err, WH_BAD_REQUEST, "malformed SSH signature"));
}

/* ---- verification ---- */

static void add_hash(struct wh_buf *b, bool is_512, struct wh_str message)
{
    uint8_t h[SHA512_LEN];
    unsigned n = 0;
    wh_assert(EVP_Digest(message.p, message.n, h, &n,
                         is_512 ? EVP_sha512() : EVP_sha256(), NULL) == 1);
    add_string(b, wh_str_mem(h, n));
}

/* What an ordinary key signs. */
static void add_signed(const struct crypto_sshsig *s, struct wh_str message,
                       struct wh_buf *b)
{
    wh_buf_cstr(b, MAGIC);
    add_string(b, s->ns);
    add_string(b, WH_S(""));
    add_string(b, s->hash);
    add_hash(b, wh_str_is(s->hash, "sha512"), message);
}

/* What a security key signs: the same behind one more hash. */
static void wrap_signed(const struct crypto_sshsig *s, struct wh_buf *b)
{
    uint8_t inner[WH_SHA256_LEN], app[WH_SHA256_LEN];
    wh_sha256_of(wh_buf_str(b), inner);
    wh_sha256_of(s->key.application, app);
    wh_buf_reset(b);
    wh_buf_mem(b, app, sizeof app);
    wh_buf_u8(b, s->flags);
    wh_buf_u32be(b, s->counter);
    wh_buf_mem(b, inner, sizeof inner);
}

/* r and s as OpenSSL wants them. */
static bool write_der(struct wh_str sig, struct wh_buf *der)
{
    struct wh_rd r;
    wh_rd_init(&r, sig.p, sig.n);
    struct wh_str x = rd_string(&r, MPINT_MAX), y = rd_string(&r, MPINT_MAX);
    if (!wh_rd_end(&r) || !mpint_ok(x) || !mpint_ok(y)) {
        return false;
    }
    wh_buf_u8(der, 0x30);
    wh_buf_u8(der, (uint8_t)(4 + x.n + y.n));
    wh_buf_u8(der, 2);
    wh_buf_u8(der, (uint8_t)x.n);
    wh_buf_add(der, x);
    wh_buf_u8(der, 2);
    wh_buf_u8(der, (uint8_t)y.n);
    wh_buf_add(der, y);
    return true;
}

static bool verify_p256(const struct crypto_sshsig *s, struct wh_str message)
{
    struct wh_buf spki, der;
    wh_buf_init(&spki, CRYPTO_P256_DER_MAX);
    wh_buf_init(&der, CRYPTO_P256_SIG_MAX);
    wh_buf_mem(&spki, SPKI, sizeof SPKI);
    wh_buf_add(&spki, s->key.point);
    bool good =
        write_der(s->sig, &der) && !der.over &&
        crypto_p256_verify(wh_buf_str(&spki), message, wh_buf_str(&der));
    wh_buf_done(&der);
    wh_buf_done(&spki);
    return good;
}

static bool verify_ed25519(const struct crypto_sshsig *s, struct wh_str message)
{
    return crypto_ed25519_verify((const uint8_t *)s->key.point.p, message,
                                 (const uint8_t *)s->sig.p);
}

bool crypto_sshsig_verify(const struct crypto_sshsig *s, struct wh_str ns,
                          struct wh_str message, struct wh_err *err)
{
    struct wh_buf b;
    if (!wh_str_eq(s->ns, ns)) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the signature is for another purpose: its namespace "
                       "is not %.*s",
                       WH_FMT(ns));
    }
    if (TYPES[s->key.type].sk && !(s->flags & CRYPTO_SSH_PRESENT)) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the security key does not say that somebody was "
                       "present");
    }
    wh_buf_init(&b, 1024);
    add_signed(s, message, &b);
    if (TYPES[s->key.type].sk) {
        wrap_signed(s, &b);
    }
    bool good = !b.over &&
                (TYPES[s->key.type].p256 ? verify_p256(s, wh_buf_str(&b))
                                         : verify_ed25519(s, wh_buf_str(&b)));
    wh_buf_done(&b);
    return good || wh_fail(err, WH_FORBIDDEN,
                           "the signature is not over this statement");
}

bool crypto_sshsig_check(void *ctx, struct wh_str blob, struct wh_str ns,
                         struct wh_str message, char key[WH_SHA256_HEX + 1],
                         struct wh_err *err)
{
    struct crypto_sshsig s;

    (void)ctx;
    if (!crypto_sshsig_read(blob, &s, err) ||
        !crypto_sshsig_verify(&s, ns, message, err)) {
        return false;
    }
    crypto_ssh_key_print(&s.key, key);
    return true;
}
