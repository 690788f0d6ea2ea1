/*
 * tensor.c - see tensor.h.
 */
#include "scan/tensor.h"

#include "base/err.h"
#include "base/mem.h"

#define FIRST_CAP 256u

static const struct scan_dtype_row rows[] = {
#define SCAN_DTYPE(id, name, bytes, count, kind, gguf) \
    {name, bytes, count, SCAN_KIND_##kind, gguf},
#include "scan/dtypes.tbl"
#undef SCAN_DTYPE
};

const struct scan_dtype_row *scan_dtype_row(enum scan_dtype t)
{
    wh_assert((size_t)t < SCAN_DT_COUNT);
    return &rows[t];
}

bool scan_dtype_named(struct wh_str name, enum scan_dtype *out)
{
    for (size_t i = 0; i <= SCAN_DT_U64; i++) {
        if (wh_str_is(name, rows[i].name)) {
            *out = (enum scan_dtype)i;
            return true;
        }
    }
    return false;
}

bool scan_dtype_gguf(uint32_t id, enum scan_dtype *out)
{
    for (size_t i = 0; i < SCAN_DT_COUNT; i++) {
        if (rows[i].gguf >= 0 && (uint32_t)rows[i].gguf == id) {
            *out = (enum scan_dtype)i;
            return true;
        }
    }
    return false;
}

void scan_tensors_init(struct scan_tensors *t)
{
    *t = (struct scan_tensors){0};
    wh_buf_init(&t->names, (size_t)SCAN_TENSORS_MAX * SCAN_NAME_MAX);
}

void scan_tensors_done(struct scan_tensors *t)
{
    wh_free(t->list);
    wh_buf_done(&t->names);
    t->list = NULL;
    t->n = t->cap = 0;
}

struct scan_tensor *scan_tensors_add(struct scan_tensors *t, struct wh_str name)
{
    wh_assert(t->n < SCAN_TENSORS_MAX && name.n <= SCAN_NAME_MAX);
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : FIRST_CAP;
        t->list = wh_realloc(t->list, t->cap * sizeof *t->list);
    }
    struct scan_tensor *x = &t->list[t->n++];
    memset(x, 0, sizeof *x);
    x->name_at = t->names.n;
    x->name_len = (uint32_t)name.n;
    wh_buf_add(&t->names, name);
    wh_assert(!t->names.over);
    return x;
}

struct wh_str scan_tensor_name(const struct scan_tensors *t,
                               const struct scan_tensor *x)
{
    return wh_str_sub(wh_buf_str(&t->names), (size_t)x->name_at, x->name_len);
}

void scan_names_add(struct wh_sha256 *h, struct wh_str name)
{
    uint8_t n[4] = {(uint8_t)(name.n >> 24), (uint8_t)(name.n >> 16),
                    (uint8_t)(name.n >> 8), (uint8_t)name.n};
    wh_sha256_add(h, n, sizeof n);
    wh_sha256_add(h, name.p, name.n);
}

bool scan_tensor_measure(struct scan_tensor *x, uint64_t *bytes)
{
    const struct scan_dtype_row *row = scan_dtype_row(x->dtype);
    uint64_t n = 1;
    /* Zero dimensions first: a product with zero in it can not overflow. */
    for (unsigned i = 0; i < x->rank; i++) {
        if (x->dims[i] == 0) {
            n = 0;
        }
    }
    for (unsigned i = 0; i < x->rank && n > 0; i++) {
        if (!wh_mul_u64(n, x->dims[i], &n) || n > INT64_MAX) {
            return false;
        }
    }
    x->elements = n;
    return n % row->count == 0 && wh_mul_u64(n / row->count, row->bytes, bytes);
}
