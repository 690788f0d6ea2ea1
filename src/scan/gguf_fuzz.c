/*
 * Fuzz target of scan/gguf.h: a header that passes puts every tensor inside the
 * file, aligned, in order, without overlap.
 */
#include "scan/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct scan_tensors *t, const struct scan_gguf *g,
                  uint64_t size)
{
    uint64_t at = g->data;
    wh_assert(g->header_end <= g->data && g->data <= size);
    for (size_t i = 0; i < t->n; i++) {
        struct scan_tensor x = t->list[i];
        uint64_t bytes;
        wh_assert(x.begin >= at && x.end <= size);
        wh_assert((x.begin - g->data) % g->alignment == 0);
        wh_assert(scan_tensor_measure(&x, &bytes));
        wh_assert(bytes == x.end - x.begin);
        at = x.end;
    }
    wh_assert(size - at < g->alignment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct scan_options none = {0};
    struct wh_src src = wh_src_mem(data, size);
    struct scan_report r = {.verifiable = true, .size = size};
    struct scan_tensors t;
    struct scan_gguf *g;
    struct wh_err err = {0};
    struct wh_arena a;
    wh_arena_init(&a, 256u << 20);
    scan_findings_init(&r.findings, &a);
    struct scan_ctx c = {.src = &src, .opt = &none, .a = &a, .r = &r};
    scan_tensors_init(&t);
    bool ok = scan_gguf_parse(&c, &t, &g, &err);
    wh_assert(ok != c.faulted);
    if (ok) {
        check(&t, g, size);
    }
    scan_tensors_done(&t);
    wh_arena_done(&a);
    return 0;
}
