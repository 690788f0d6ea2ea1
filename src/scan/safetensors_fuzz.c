/*
 * Fuzz target of scan/safetensors.h: a header that passes explains every byte
 * behind it, each exactly once.
 */
#include "scan/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct scan_tensors *t, uint64_t data, uint64_t size)
{
    uint64_t at = data;
    for (size_t i = 0; i < t->n; i++) {
        struct scan_tensor x = t->list[i];
        uint64_t bytes;
        wh_assert(x.begin == at && x.end >= x.begin);
        wh_assert(scan_tensor_measure(&x, &bytes));
        wh_assert(bytes == x.end - x.begin);
        at = x.end;
    }
    wh_assert(at == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct scan_options none = {0};
    struct wh_src src = wh_src_mem(data, size);
    struct scan_report r = {.verifiable = true, .size = size};
    struct scan_tensors t;
    struct wh_err err = {0};
    struct wh_arena a;
    uint64_t at = 0;
    if (size < 8) {
        return 0;
    }
    wh_arena_init(&a, 256u << 20);
    scan_findings_init(&r.findings, &a);
    struct scan_ctx c = {.src = &src, .opt = &none, .a = &a, .r = &r};
    scan_tensors_init(&t);
    bool ok = scan_safetensors_parse(&c, &t, &at, &err);
    wh_assert(ok != c.faulted);
    if (ok) {
        check(&t, at, size);
    }
    scan_tensors_done(&t);
    wh_arena_done(&a);
    return 0;
}
