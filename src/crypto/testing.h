/*
 * testing.h - for tests only: SSH keys and signatures of every kind, also of
 * security keys, and twisted ones.
 * Owner: texts live in the arena given; testssh_done frees the keys.
 * Never: linked into the product.
 */
#ifndef WH_CRYPTO_TESTING_H
#define WH_CRYPTO_TESTING_H

#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/sshsig.h"

struct testssh {
    enum crypto_ssh_type type;
    struct wh_str blob; /* of the public key */
    struct wh_str line; /* "type base64" */
    struct crypto_ed25519 *ed25519;
    struct crypto_p256 *p256;
};

/* How a signature is made; zero bytes and nulls: as it should be, by sha512,
 * with somebody present. */
struct testssh_how {
    const char *hash;
    bool no_flags;
    uint8_t flags; /* 0: present and verified */
    uint32_t counter;
    const char *reserved;
    uint32_t version; /* 0: 1 */
    bool other_inner_type, tail, inner_tail;
};

/* A key; equal seeds give equal Ed25519 keys, P-256 keys are fresh. */
void testssh_key(struct wh_arena *a, enum crypto_ssh_type type, uint8_t seed,
                 struct testssh *out);
void testssh_done(struct testssh *k);
/* The blob of a signature; how may be null. */
struct wh_str testssh_sign(struct wh_arena *a, const struct testssh *k,
                           const char *ns, struct wh_str message,
                           const struct testssh_how *how);

#endif
