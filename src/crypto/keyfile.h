/*
 * keyfile.h - a secret of fixed length in a file that only its owner reads.
 * Owner: the caller owns (and wipes) the bytes; the folder is keys.dir.
 * Never: overwrites a key; uses a file that others could have read or made.
 */
#ifndef WH_CRYPTO_KEYFILE_H
#define WH_CRYPTO_KEYFILE_H

#include "base/err.h"
#include <stddef.h>

/* Make the file with mode 0600, holding exactly these n bytes; durable when it
 * returns. WH_CONFLICT if the name exists. A crash leaves it whole or absent.
 */
bool crypto_keyfile_create(const char *path, const void *secret, size_t n,
                           struct wh_err *err) WH_CHECK;
/* Read exactly n bytes. WH_NOT_FOUND if there is no such file; WH_FORBIDDEN if
 * it is no regular file, belongs to another user, or group or others have any
 * right on it; WH_CORRUPT if its size is not n. Links are not followed. */
bool crypto_keyfile_read(const char *path, void *out, size_t n,
                         struct wh_err *err) WH_CHECK;
/* Read it, or create it with n fresh random bytes when there is none. */
bool crypto_keyfile_ensure(const char *path, void *out, size_t n,
                           struct wh_err *err) WH_CHECK;

#endif
