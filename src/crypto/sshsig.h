/*
 * sshsig.h - public keys and signatures of OpenSSH (`ssh-keygen -Y sign`).
 * Owner: what is read is views into the caller's blob.
 * Never: takes another namespace, another kind of key, a certificate, or a
 * security key that nobody touched, which ssh-keygen itself lets pass.
 *
 * Form: PROTOCOL.sshsig and PROTOCOL.u2f of OpenSSH; strict: no byte left over,
 * nothing reserved, numbers in their shortest form.
 */
#ifndef WH_CRYPTO_SSHSIG_H
#define WH_CRYPTO_SSHSIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"

#define CRYPTO_SSH_KEY_MAX 512   /* bytes of a key blob */
#define CRYPTO_SSHSIG_MAX 2048   /* bytes of a signature blob */
#define CRYPTO_SSHSIG_TEXT 4096  /* bytes of an armoured signature */
#define CRYPTO_SSH_POINT 65      /* uncompressed, on P-256 */
#define CRYPTO_SSH_PRESENT 0x01u /* a person touched the security key */
#define CRYPTO_SSH_VERIFIED 0x04u

enum crypto_ssh_type {
    CRYPTO_SSH_ED25519,
    CRYPTO_SSH_P256,
    CRYPTO_SSH_SK_ED25519,
    CRYPTO_SSH_SK_P256,
    CRYPTO_SSH_TYPES
};

/* A public key: views into its blob. */
struct crypto_ssh_key {
    enum crypto_ssh_type type;
    struct wh_str blob;        /* wire form, what fingerprints are made of */
    struct wh_str point;       /* 32 bytes, or CRYPTO_SSH_POINT */
    struct wh_str application; /* of a security key: "ssh:" */
};

/* "ssh-ed25519": the name of a type. */
const char *crypto_ssh_type_name(enum crypto_ssh_type type);
/* Does a signature by this type say whether somebody was there? */
bool crypto_ssh_type_sk(enum crypto_ssh_type type);

/* Read a key's wire form; WH_BAD_REQUEST unless it is one of ours, whole. Keys
 * of small order are refused: everybody can sign for them. */
bool crypto_ssh_key_read(struct wh_str blob, struct crypto_ssh_key *out,
                         struct wh_err *err) WH_CHECK;
/* The same from a line of authorized_keys without options ("type base64
 * comment"); the blob is copied into the arena, the comment dropped. */
bool crypto_ssh_key_line(struct wh_arena *a, struct wh_str line,
                         struct crypto_ssh_key *out,
                         struct wh_err *err) WH_CHECK;
/* Append "type base64". */
void crypto_ssh_key_text(const struct crypto_ssh_key *key, struct wh_buf *out);
/* SHA-256 of the blob in hex; `ssh-keygen -l` shows the same in base64. */
void crypto_ssh_key_print(const struct crypto_ssh_key *key,
                          char hex[WH_SHA256_HEX + 1]);

/* A signature: views into its blob. */
struct crypto_sshsig {
    struct crypto_ssh_key key;
    struct wh_str blob, ns, hash, sig; /* sig: 64 bytes, or r and s */
    uint8_t flags;                     /* of a security key, else 0 */
    uint32_t counter;
};

/* "-----BEGIN SSH SIGNATURE-----" and so on into a blob in the arena. */
bool crypto_sshsig_unarmor(struct wh_arena *a, struct wh_str text,
                           struct wh_str *blob, struct wh_err *err) WH_CHECK;
/* The reverse, in lines of 70 columns. */
void crypto_sshsig_armor(struct wh_str blob, struct wh_buf *out);
/* Read a blob; WH_BAD_REQUEST names what is wrong. Nothing is verified. */
bool crypto_sshsig_read(struct wh_str blob, struct crypto_sshsig *out,
                        struct wh_err *err) WH_CHECK;
/* Is it over exactly this message, in exactly this namespace, by its key, and
 * (security keys) with somebody present? WH_FORBIDDEN says what is not. Whose
 * key it is, is the caller's question. */
bool crypto_sshsig_verify(const struct crypto_sshsig *s, struct wh_str ns,
                          struct wh_str message, struct wh_err *err) WH_CHECK;
/* Both at once, with the fingerprint of the key that signed: what a verifier of
 * approvals does (struct rule_verifier, rule/approval.h). ctx is not used. */
bool crypto_sshsig_check(void *ctx, struct wh_str blob, struct wh_str ns,
                         struct wh_str message, char key[WH_SHA256_HEX + 1],
                         struct wh_err *err) WH_CHECK;

#endif
