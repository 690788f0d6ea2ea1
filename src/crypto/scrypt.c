/*
 * scrypt.c - OpenSSL's, with its memory limit set to what the cost needs.
 */
#include "crypto/scrypt.h"
#include <openssl/evp.h>

#define BLOCK 8u

bool crypto_scrypt(struct wh_str passphrase,
                   const uint8_t salt[CRYPTO_SCRYPT_SALT], unsigned log_n,
                   uint8_t key[CRYPTO_SCRYPT_KEY], struct wh_err *err)
{
    uint64_t n;

    if (log_n < 1 || log_n > CRYPTO_SCRYPT_LOG_N_MAX) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the cost of a passphrase is out of bounds");
    }
    n = UINT64_C(1) << log_n;
    return EVP_PBE_scrypt(passphrase.n ? passphrase.p : "", passphrase.n, salt,
                          CRYPTO_SCRYPT_SALT, n, BLOCK, 1,
                          n * BLOCK * 128 + ((uint64_t)1 << 20), key,
                          CRYPTO_SCRYPT_KEY) == 1 ||
           wh_fail(err, WH_NOMEM,
                   "there is no memory for the work that a passphrase takes");
}
