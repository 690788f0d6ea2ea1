/*
 * The only file that calls the C allocator. A machine without memory can not
 * be helped by an error path that nobody tests, so failure ends the process;
 * the parent starts it again.
 */
#include "base/mem.h"
#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *wh_alloc(size_t n)
{
    return wh_calloc(1, n);
}

void *wh_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        wh_panic(__FILE__, __LINE__, "allocation size overflows");
    }
    void *p = calloc(1, total ? total : 1);
    if (!p) {
        wh_panic(__FILE__, __LINE__, "out of memory");
    }
    return p;
}

void *wh_realloc(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q) {
        wh_panic(__FILE__, __LINE__, "out of memory");
    }
    return q;
}

char *wh_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = wh_alloc(n);
    memcpy(p, s, n);
    return p;
}

void wh_free(void *p)
{
    free(p);
}

void wh_wipe(void *p, size_t n)
{
    if (n > 0) {
        explicit_bzero(p, n);
    }
}
