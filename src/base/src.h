/*
 * src.h - random access to content, whatever its representation.
 * Owner: the maker of a source owns ctx and says how it ends.
 * Never: gives fewer bytes than asked without failing.
 */
#ifndef WH_BASE_SRC_H
#define WH_BASE_SRC_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct wh_src {
    uint64_t size;
    /* Read exactly n bytes at off into buf; off + n <= size is the caller's
     * promise (asserted by wh_src_read). */
    bool (*read_at)(void *ctx, uint64_t off, void *buf, size_t n,
                    struct wh_err *err);
    void *ctx;
};

/* Read, checked against size: out of range is WH_BAD_RANGE. */
bool wh_src_read(const struct wh_src *s, uint64_t off, void *buf, size_t n,
                 struct wh_err *err) WH_CHECK;
/* A source over memory; the memory is not copied. */
struct wh_src wh_src_mem(const void *p, size_t n);
/* A source over an open file (pread); the descriptor stays the caller's. */
struct wh_src wh_src_fd(int fd, uint64_t size);

#endif
