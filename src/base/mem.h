/*
 * mem.h - allocation for base and for long-lived objects; aborts when the
 * machine has no memory left, so callers never check.
 * Owner: whoever calls; free with wh_free.
 * Never: used for request work, which belongs to the arena.
 */
#ifndef WH_BASE_MEM_H
#define WH_BASE_MEM_H

#include <stddef.h>

/* n zeroed bytes; n may be 0. */
void *wh_alloc(size_t n) __attribute__((malloc, alloc_size(1)));
/* count * size zeroed bytes, overflow checked (panics). */
void *wh_calloc(size_t count, size_t size);
/* Resize to n bytes; p may be null. New bytes are not zeroed. */
void *wh_realloc(void *p, size_t n);
/* Copy of a C string. */
char *wh_strdup(const char *s);
/* Free; null is fine. */
void wh_free(void *p);
/* Overwrite n bytes so that the compiler can not drop it. */
void wh_wipe(void *p, size_t n);

#endif
