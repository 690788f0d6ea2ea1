/*
 * Fuzz target: any bytes as a signature's text, as its blob and as the line of
 * a key. What is read is printed and read again; nothing random is a good
 * signature.
 */
#include "crypto/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_blob(struct wh_arena *a, struct wh_str blob)
{
    struct crypto_sshsig s;
    struct wh_err err = {0};
    struct wh_buf b;
    struct wh_str again;
    if (!crypto_sshsig_read(blob, &s, &err)) {
        wh_assert(err.code != WH_NONE);
        return;
    }
    wh_assert(s.key.type < CRYPTO_SSH_TYPES);
    wh_assert(
        !crypto_sshsig_verify(&s, WH_S("fuzz"), WH_S("not signed"), &err));
    wh_buf_init(&b, (size_t)2 * CRYPTO_SSHSIG_TEXT);
    crypto_sshsig_armor(blob, &b);
    if (b.n <= CRYPTO_SSHSIG_TEXT) {
        wh_assert(crypto_sshsig_unarmor(a, wh_buf_str(&b), &again, &err));
        wh_assert(wh_str_eq(again, blob));
    }
    wh_buf_done(&b);
}

static void try_line(struct wh_arena *a, struct wh_str line)
{
    struct crypto_ssh_key k, again;
    struct wh_err err = {0};
    struct wh_buf b;
    if (!crypto_ssh_key_line(a, line, &k, &err)) {
        wh_assert(err.code != WH_NONE);
        return;
    }
    wh_buf_init(&b, (size_t)4 * CRYPTO_SSH_KEY_MAX);
    crypto_ssh_key_text(&k, &b);
    wh_assert(crypto_ssh_key_line(a, wh_buf_str(&b), &again, &err));
    wh_assert(wh_str_eq(k.blob, again.blob));
    wh_buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_str in = wh_str_mem(data, size), blob;
    struct wh_err err = {0};
    wh_arena_init(&a, (size_t)1 << 20);
    try_blob(&a, in);
    try_line(&a, in);
    if (crypto_sshsig_unarmor(&a, in, &blob, &err)) {
        try_blob(&a, blob);
    }
    wh_arena_done(&a);
    return 0;
}
