/*
 * tensor.h - number types, and the list of tensors that a header announces.
 * Owner: scan_tensors_init .. scan_tensors_done; the memory is the list's own.
 * Never: grows by a declared count; one entry is added per entry read.
 */
#ifndef WH_SCAN_TENSOR_H
#define WH_SCAN_TENSOR_H

#include "base/buf.h"
#include "base/sha256.h"
#include "base/str.h"

#define SCAN_TENSORS_MAX 1000000u
#define SCAN_RANK_MAX 8
#define SCAN_NAME_MAX 4096u

enum scan_dtype {
#define SCAN_DTYPE(id, name, bytes, count, kind, gguf) SCAN_DT_##id,
#include "scan/dtypes.tbl"
#undef SCAN_DTYPE
    SCAN_DT_COUNT
};

enum scan_kind {
    SCAN_KIND_FLOAT,
    SCAN_KIND_INT,
    SCAN_KIND_SMALL,
    SCAN_KIND_QUANT,
    SCAN_KIND_NEVER,
};

/* Layout of a type: `count` numbers take `bytes`. */
struct scan_dtype_row {
    const char *name;
    uint32_t bytes, count;
    enum scan_kind kind;
    int gguf;
};

/* The row of a type; static. */
const struct scan_dtype_row *scan_dtype_row(enum scan_dtype t);
/* By safetensors name, by GGUF id; false if unknown there. */
bool scan_dtype_named(struct wh_str name, enum scan_dtype *out);
bool scan_dtype_gguf(uint32_t id, enum scan_dtype *out);

/* One tensor. Dimensions in PyTorch order (last one contiguous). */
struct scan_tensor {
    uint64_t name_at; /* in scan_tensors.names */
    uint32_t name_len;
    uint8_t rank;
    uint8_t dtype; /* enum scan_dtype */
    uint64_t dims[SCAN_RANK_MAX];
    uint64_t elements;
    uint64_t begin, end; /* absolute offsets in the file */
    uint8_t hash[16];    /* XXH3-128 of the data, big-endian; by scan_pass */
};

struct scan_tensors {
    struct scan_tensor *list;
    size_t n, cap;
    struct wh_buf names;
};

/* An empty list; done gives back its memory. */
void scan_tensors_init(struct scan_tensors *t);
void scan_tensors_done(struct scan_tensors *t);
/* A new zeroed entry with this name; valid until the next add. */
struct scan_tensor *scan_tensors_add(struct scan_tensors *t,
                                     struct wh_str name);
struct wh_str scan_tensor_name(const struct scan_tensors *t,
                               const struct scan_tensor *x);

/* One more name of a sorted set into its digest: u32 length (big-endian), then
 * the bytes. */
void scan_names_add(struct wh_sha256 *h, struct wh_str name);

/* Fill x->elements and *bytes from dims and dtype. False if the product
 * overflows 2^63 or the numbers do not fill whole blocks. */
bool scan_tensor_measure(struct scan_tensor *x, uint64_t *bytes);

#endif
