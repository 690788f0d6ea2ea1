/*
 * scrypt.h - a key from a passphrase: slow, and costly in memory, on purpose.
 * Owner: the caller owns, and wipes, passphrase and key.
 * Never: chooses the cost: it is written beside what was sealed.
 */
#ifndef WH_CRYPTO_SCRYPT_H
#define WH_CRYPTO_SCRYPT_H

#include "base/err.h"
#include "base/str.h"

#define CRYPTO_SCRYPT_SALT 16
#define CRYPTO_SCRYPT_KEY 32
/* 2^17 blocks of 8: 128 MiB, about half a second. */
#define CRYPTO_SCRYPT_LOG_N 17u
#define CRYPTO_SCRYPT_LOG_N_MAX 20u

/* RFC 7914 with r = 8, p = 1 and N = 2^log_n. WH_BAD_REQUEST for a cost of more
 * than 2^20 or less than 2; WH_NOMEM when the memory is not to be had. */
bool crypto_scrypt(struct wh_str passphrase,
                   const uint8_t salt[CRYPTO_SCRYPT_SALT], unsigned log_n,
                   uint8_t key[CRYPTO_SCRYPT_KEY], struct wh_err *err) WH_CHECK;

#endif
