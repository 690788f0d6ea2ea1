/*
 * Fuzz target of scan/xorb.h: a xorb that passes has a table that covers it,
 * and that table survives being written and read.
 */
#include "scan/xorb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct wh_arena *a, const struct scan_xorb_table *t,
                  size_t size)
{
    struct scan_xorb_table back;
    struct wh_err err = {0};
    struct wh_buf b;
    uint64_t at = 0, raw = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        wh_assert(t->chunks[i].offset == at);
        at += (uint64_t)SCAN_XORB_HEADER + t->chunks[i].stored;
        raw += t->chunks[i].raw;
    }
    wh_assert(at == t->bytes && at <= size && raw == t->raw);
    wh_buf_init(&b, 1u << 20);
    scan_xorb_table_write(&b, t);
    wh_assert(scan_xorb_table_read(wh_buf_str(&b), a, &back, &err));
    wh_assert(scan_xet_eq(&back.hash, &t->hash));
    wh_buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_src src = wh_src_mem(data, size);
    struct scan_xorb_table t;
    struct wh_err err = {0};
    struct wh_arena a;
    wh_arena_init(&a, 64u << 20);
    if (scan_xorb_verify(&src, &a, &t, &err)) {
        check(&a, &t, size);
    }
    /* The same bytes as a table from an untrusted scanner. */
    (void)!scan_xorb_table_read(wh_str_mem(data, size), &a, &t, &err);
    wh_arena_done(&a);
    return 0;
}
