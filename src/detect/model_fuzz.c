/*
 * Fuzz target of detect/linear.h: the bytes, completed by a right checksum, are
 * a model; and as they are. What is read scores texts with finite numbers, and
 * is written as it was.
 */
#include "base/mem.h"
#include "base/sha256.h"
#include "detect/linear.h"
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(struct wh_str bytes)
{
    static struct detect_features features;
    struct wh_err err = {0};
    struct detect_model *m = NULL;
    struct wh_buf b;

    if (!detect_model_read(bytes, &m, &err)) {
        wh_assert(err.code == WH_BAD_REQUEST);
        return;
    }
    wh_assert(isfinite(detect_model_score(m, &features, WH_S("salt"))));
    wh_assert(!isnan(detect_model_chance(m, 3, 100)));
    wh_buf_init(&b, DETECT_MODEL_BYTES_MAX);
    detect_model_write(m, &b);
    wh_assert(wh_str_eq(wh_buf_str(&b), bytes));
    wh_buf_done(&b);
    detect_model_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_buf b;
    uint8_t digest[WH_SHA256_LEN];
    struct detect_model *m = detect_model_new();

    try(wh_str_mem(data, size));
    /* the head of a true model, overwritten by the input */
    for (size_t i = 0; i < DETECT_LENGTHS; i++) {
        m->slope[i] = 1;
    }
    m->n_segments = 1;
    m->segment[0] = (struct detect_segment){.name = "ask", .p0 = 0.5};
    wh_buf_init(&b, 2 * DETECT_MODEL_BYTES_MAX);
    detect_model_write(m, &b);
    b.n -= sizeof(digest);
    for (size_t i = 0; i < size && 8 + i < b.n; i++) {
        b.p[8 + i] = (char)(b.p[8 + i] ^ (char)data[i]);
    }
    wh_sha256_of(wh_buf_str(&b), digest);
    wh_buf_mem(&b, digest, sizeof(digest));
    try(wh_buf_str(&b));
    wh_buf_done(&b);
    detect_model_free(&m);
    return 0;
}
