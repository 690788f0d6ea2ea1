/*
 * Fuzz target of scan/shard.h: what parses survives being written and read; the
 * same bytes as an answer of an untrusted scanner are read within bounds.
 */
#include "scan/shard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct scan_xorb_table *nothing(void *ctx,
                                             const struct scan_xet_hash *hash)
{
    (void)ctx;
    (void)hash;
    return NULL;
}

static void check(struct wh_arena *a, const struct scan_shard *s)
{
    struct scan_shard_world world = {.xorb = nothing,
                                     .chunks_left = SCAN_SHARD_CHUNKS_MAX};
    struct scan_shard back;
    struct wh_err err = {0};
    struct wh_buf b;
    uint64_t size;
    wh_buf_init(&b, 256u << 20);
    scan_shard_write(&b, s);
    wh_assert(scan_shard_read(wh_buf_str(&b), a, &back, &err));
    wh_assert(back.nfiles == s->nfiles && back.nxorbs == s->nxorbs);
    for (uint32_t i = 0; i < s->nfiles; i++) {
        wh_assert(!scan_shard_check_file(&s->files[i], &world, &size, &err));
    }
    wh_buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_src src = wh_src_mem(data, size);
    struct scan_shard s;
    struct wh_err err = {0};
    struct wh_arena a;
    wh_arena_init(&a, 256u << 20);
    if (scan_shard_parse(&src, &a, &s, &err)) {
        check(&a, &s);
    }
    (void)!scan_shard_read(wh_str_mem(data, size), &a, &s, &err);
    wh_arena_done(&a);
    return 0;
}
