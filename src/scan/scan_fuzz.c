/*
 * Fuzz target of scan/scan.h: any bytes give a report whose findings lie inside
 * the file, whose result is canonical JSON, and which calls nothing verifiable
 * that it calls faulty. Twice the same bytes, twice the same result.
 */
#include "base/json.h"
#include "scan/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct scan_report *r, size_t size)
{
    for (size_t i = 0; i < r->findings.n; i++) {
        wh_assert(r->findings.list[i].at <= size);
        wh_assert(wh_str_utf8_ok(r->findings.list[i].why));
    }
    wh_assert(r->verifiable == (r->why.n == 0));
    wh_assert(!r->weighs || r->class == SCAN_CLASS_WEIGHTS);
    wh_assert(!r->weighs || r->parameters_lo <= r->parameters_hi);
    wh_assert(!r->weighs || r->parameters <= r->parameters_hi);
    wh_assert(!r->weighs || r->tensor_bytes <= size);
    /* No number is narrower than one bit. */
    wh_assert(!r->weighs || r->parameters_hi <= size * 8);
}

static void scan(const uint8_t *data, size_t size, struct wh_buf *out)
{
    static const struct scan_options opt = {
        .path = {"model.safetensors", 17},
        .config = {"{\"hidden_size\":4,\"quantization_config\":{\"bits\":3}}",
                   50}};
    struct wh_src src = wh_src_mem(data, size);
    struct scan_report r;
    struct wh_err err = {0};
    struct wh_arena a;
    json_t *v;
    wh_arena_init(&a, 256u << 20);
    bool ok = scan_file(&src, &opt, &a, &r, &err);
    wh_assert(ok);
    check(&r, size);
    scan_report_json(out, &r);
    wh_assert(wh_json_parse(&a, wh_buf_str(out), &v, &err));
    wh_arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_buf first, second;
    wh_buf_init(&first, 1u << 20);
    wh_buf_init(&second, 1u << 20);
    scan(data, size, &first);
    scan(data, size, &second);
    wh_assert(wh_str_eq(wh_buf_str(&first), wh_buf_str(&second)));
    wh_buf_done(&second);
    wh_buf_done(&first);
    return 0;
}
