/*
 * Sources of content: the checked read, and the two plain representations.
 */
#include "base/src.h"
#include "base/file.h"

#include <string.h>

static bool mem_read_at(void *ctx, uint64_t off, void *buf, size_t n,
                        struct wh_err *err)
{
    (void)err;
    memcpy(buf, (const char *)ctx + off, n);
    return true;
}

static bool fd_read_at(void *ctx, uint64_t off, void *buf, size_t n,
                       struct wh_err *err)
{
    return wh_fd_pread((int)(intptr_t)ctx, off, buf, n, err);
}

bool wh_src_read(const struct wh_src *s, uint64_t off, void *buf, size_t n,
                 struct wh_err *err)
{
    if (off > s->size || n > s->size - off) {
        return wh_fail(err, WH_BAD_RANGE, "");
    }
    return n == 0 || s->read_at(s->ctx, off, buf, n, err);
}

struct wh_src wh_src_mem(const void *p, size_t n)
{
    /* The context is not const; mem_read_at only reads through it. */
    union {
        const void *in;
        void *out;
    } ctx = {.in = p};
    return (struct wh_src){.size = n, .read_at = mem_read_at, .ctx = ctx.out};
}

struct wh_src wh_src_fd(int fd, uint64_t size)
{
    return (struct wh_src){
        .size = size, .read_at = fd_read_at, .ctx = (void *)(intptr_t)fd};
}
