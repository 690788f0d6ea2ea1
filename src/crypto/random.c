/*
 * random.c - the only source of secrets in the house: getrandom(2).
 *
 * No user-space generator stands between us and the kernel, so a fork can not
 * repeat a stream. The calls are few (keys, salts, tokens), so speed is no
 * concern.
 */
#include "crypto/random.h"
#include "base/err.h"

#include <errno.h>
#include <sys/random.h>

void crypto_random(void *out, size_t n)
{
    unsigned char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            wh_panic(__FILE__, __LINE__, "getrandom failed");
        }
        p += (size_t)got;
        n -= (size_t)got;
    }
}
