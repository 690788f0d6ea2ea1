/*
 * leaf_fuzz.c - any bytes as a leaf: what is let through is canonical, ASCII,
 * short, and has no room for an address.
 */
#include "register/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_err err = {0};
    json_t *leaf = NULL;
    struct wh_str in = wh_str_mem(data, size);
    wh_arena_init(&a, 4U << 20);
    if (register_leaf_parse(&a, in, &leaf, &err)) {
        struct wh_buf again;
        wh_assert(size <= REGISTER_LEAF_MAX);
        wh_assert(memchr(data, '@', size) == NULL);
        for (size_t i = 0; i < size; i++) {
            wh_assert(data[i] >= 0x20 && data[i] < 0x7f);
        }
        wh_buf_init(&again, REGISTER_LEAF_MAX);
        bool ok = wh_json_canonical(&again, leaf, &err);
        wh_assert(ok && wh_str_eq(wh_buf_str(&again), in));
        wh_buf_done(&again);
    }
    wh_arena_done(&a);
    return 0;
}
