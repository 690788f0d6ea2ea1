/*
 * random.h - bytes that nobody can guess, from the kernel.
 * Owner: the caller owns the memory that is filled.
 * Never: returns fewer bytes than asked, or weaker ones: it panics instead.
 */
#ifndef WH_CRYPTO_RANDOM_H
#define WH_CRYPTO_RANDOM_H

#include <stddef.h>

/* Fill out[0..n) from getrandom(2); safe in any thread and after fork. */
void crypto_random(void *out, size_t n);

#endif
