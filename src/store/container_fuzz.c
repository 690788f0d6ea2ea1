/* Any bytes as a container under a fixed id and key: both readers agree on
 * whether it is one, and neither gives out a byte that is not its own. */
#include "store/container.h"

#include "base/file.h"
#include "base/mem.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    uint64_t *n = ctx;
    (void)err;
    *n += bytes.n;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t id[STORE_CONTAINER_ID] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t key[STORE_CONTAINER_KEY] = {1};
    struct wh_err err = {0};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || !wh_fd_write(fd, data, size, &err)) {
        return 0;
    }
    uint64_t got = 0, length = 0, ranges = UINT64_MAX;
    struct store_container *c = store_container_open(dup(fd), id, key, &err);
    if (c) {
        const struct wh_src *src = store_container_src(c);
        uint8_t *p = wh_alloc((size_t)src->size);
        if (wh_src_read(src, 0, p, (size_t)src->size, &err)) {
            ranges = src->size;
        }
        wh_free(p);
    }
    store_container_close(&c);
    struct store_container_follower *f =
        store_container_follow(dup(fd), id, key, &err);
    if (f && store_container_follow_end(f, take, &got, &length, &err)) {
        wh_assert(got == length && ranges == length);
    }
    store_container_follower_free(&f);
    (void)close(fd);
    return 0;
}
