/*
 * count.c - three numbers: `parameters`, the best reading; an interval that it
 * can not be outside of, given what was seen.
 *
 * Floats and GGUF's quantised blocks are counted exactly. Integers may pack
 * several parameters: where sibling tensors fix the width (GPTQ, AWQ,
 * bitsandbytes, MXFP4, NVFP4) the count is exact again; elsewhere it lies
 * between one parameter per 8 bits and one per 2 bits. Tables that are no
 * parameters (masks, positions, running statistics, scales of packed tensors)
 * are left out of the count as long as they weigh little.
 */
#include "scan/count.h"

#include "base/mem.h"

#include <stdlib.h>

#define NARROWEST_PACKED 2u /* bits */
#define WIDEST_PACKED 8u
/* Tables may be left out of the upper end up to this share of the file. */
#define TABLE_SHARE 10u

/* What a tensor is, for counting. */
enum role { ROLE_PARAMETERS, ROLE_TABLE, ROLE_PACKED };

struct count {
    struct scan_ctx *c;
    const struct scan_tensors *t;
    uint32_t *by_name; /* indices, sorted by name */
    uint64_t per_dtype[SCAN_DT_COUNT];
    uint64_t point, low, high;
    uint64_t tables, table_bytes;
    bool estimated;
    unsigned min_bits;
    unsigned config_bits;
};

/* Last words of names of tables. */
static const char *const table_words[] = {"position_ids",
                                          "token_type_ids",
                                          "inv_freq",
                                          "masked_bias",
                                          "running_mean",
                                          "running_var",
                                          "num_batches_tracked",
                                          "rope_freqs",
                                          "causal_mask",
                                          "attn_mask",
                                          "freqs_cis",
                                          "qzeros",
                                          "g_idx",
                                          "absmax",
                                          "quant_map",
                                          "nested_absmax",
                                          "nested_quant_map",
                                          "weight_shape",
                                          "weight_zero_point",
                                          "zero_point"};

/* Saturating: a count that does not fit is as large as any. */
static void add(uint64_t *sum, uint64_t n)
{
    if (!wh_add_u64(*sum, n, sum)) {
        *sum = UINT64_MAX;
    }
}

static int name_order(const struct scan_tensors *t, const struct scan_tensor *a,
                      const struct scan_tensor *b)
{
    return wh_str_cmp(scan_tensor_name(t, a), scan_tensor_name(t, b));
}

static int by_name(const void *a, const void *b, void *ctx)
{
    const struct scan_tensors *t = ctx;
    const uint32_t *i = a, *j = b;
    return name_order(t, &t->list[*i], &t->list[*j]);
}

/* The tensor whose name is `stem` + `suffix`, or null. */
static const struct scan_tensor *find(const struct count *k, struct wh_str stem,
                                      const char *suffix)
{
    char text[SCAN_NAME_MAX];
    struct wh_str tail = wh_str_of(suffix);
    if (stem.n + tail.n > sizeof text) {
        return NULL;
    }
    memcpy(text, stem.p, stem.n);
    memcpy(text + stem.n, tail.p, tail.n);
    struct wh_str name = wh_str_mem(text, stem.n + tail.n);
    size_t low = 0, high = k->t->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct scan_tensor *x = &k->t->list[k->by_name[mid]];
        int order = wh_str_cmp(name, scan_tensor_name(k->t, x));
        if (order == 0) {
            return x;
        }
        if (order < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

static struct wh_str last_word(struct wh_str name)
{
    for (size_t i = name.n; i > 0; i--) {
        if (name.p[i - 1] == '.') {
            return wh_str_sub(name, i, name.n);
        }
    }
    return name;
}

/* The name without `suffix`, if it ends so. */
static bool stem_of(struct wh_str name, const char *suffix, struct wh_str *out)
{
    struct wh_str s = wh_str_of(suffix);
    if (!wh_str_ends(name, s)) {
        return false;
    }
    *out = wh_str_sub(name, 0, name.n - s.n);
    return true;
}

static uint64_t bytes_of(const struct scan_tensor *x)
{
    return x->end - x->begin;
}

static uint64_t elements(const struct scan_tensor *x)
{
    return x ? x->elements : 0;
}

/* Numbers of `bits` width in the tensor's bytes. */
static uint64_t packed(const struct scan_tensor *x, unsigned bits)
{
    uint64_t b = bytes_of(x);
    return b > UINT64_MAX / 8 ? UINT64_MAX : b * 8 / bits;
}

/* 32-bit words whose width follows from the neighbours: out * 32 / bits words
 * a row, where the scales say how many outputs there are. */
static unsigned word_bits(const struct count *k, const struct scan_tensor *x,
                          struct wh_str stem)
{
    const struct scan_tensor *s = find(k, stem, "scales");
    const struct scan_tensor *z = find(k, stem, "qzeros");
    const struct scan_tensor *g = find(k, stem, "g_idx");
    if (!s || x->rank != 2 || s->rank != 2 || s->dims[1] == 0) {
        return 0;
    }
    uint64_t out = s->dims[1], num = 0, den = 0;
    if (x->dims[1] != out) { /* AWQ packs along the outputs */
        num = x->dims[1];
        den = out;
    } else if (g && g->rank == 1) { /* GPTQ packs along the inputs */
        num = x->dims[0];
        den = g->dims[0];
    } else if (z && z->rank == 2) {
        num = z->dims[1];
        den = out;
    }
    if (den == 0 || num > UINT64_MAX / 32 || num * 32 % den != 0) {
        return 0;
    }
    uint64_t bits = num * 32 / den;
    return bits >= 1 && bits <= WIDEST_PACKED ? (unsigned)bits : 0;
}

/* Width of the parameters in a packed tensor if its neighbours fix it; 0 if
 * not. *is_packed tells whether it is packed at all. */
static unsigned packed_bits(const struct count *k, const struct scan_tensor *x,
                            bool *is_packed)
{
    struct wh_str name = scan_tensor_name(k->t, x), stem;
    uint64_t b = bytes_of(x);
    *is_packed = true;
    if (stem_of(name, "qweight", &stem)) {
        return word_bits(k, x, stem);
    }
    /* Blocks of sixteen bytes with one scale each (MXFP4). */
    if (stem_of(name, "_blocks", &stem)) {
        uint64_t scales = elements(find(k, stem, "_scales"));
        return scales > 0 && b / 16 == scales && b % 16 == 0 ? 4 : 0;
    }
    if (stem_of(name, "weight_packed", &stem) ||
        stem_of(name, "weight", &stem)) {
        /* One 8-bit scale for sixteen 4-bit numbers (NVFP4). */
        const struct scan_tensor *s = find(k, stem, "weight_scale");
        if (x->dtype == SCAN_DT_U8 && s && bytes_of(s) == s->elements &&
            b / 8 == s->elements && b % 8 == 0) {
            return 4;
        }
        /* One scale for 64 numbers (bitsandbytes). */
        uint64_t absmax = elements(find(k, stem, "weight.absmax"));
        if (absmax > 0 && (b * 2 + 63) / 64 == absmax) {
            return 4;
        }
        *is_packed = s || absmax || find(k, stem, "scales");
        return 0;
    }
    *is_packed = false;
    return 0;
}

/* Scales and zero points that stand beside a packed or 8-bit tensor. */
static bool is_scale(const struct count *k, struct wh_str name)
{
    static const struct {
        const char *suffix, *of;
    } pairs[] = {{"scales", "qweight"},
                 {"scales", "weight"},
                 {"biases", "weight"},
                 {"_scales", "_blocks"},
                 {"weight_scale", "weight"},
                 {"weight_scale", "weight_packed"},
                 {"weight_scale_inv", "weight"},
                 {"weight_scale_2", "weight"},
                 {"weight_global_scale", "weight_packed"},
                 {"input_scale", "weight"}};
    struct wh_str stem;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (stem_of(name, pairs[i].suffix, &stem) &&
            find(k, stem, pairs[i].of)) {
            return true;
        }
    }
    return wh_str_find_str(name, WH_S("quant_state")) != SIZE_MAX;
}

static bool is_table(const struct count *k, const struct scan_tensor *x)
{
    struct wh_str name = scan_tensor_name(k->t, x), word = last_word(name);
    if (wh_str_is(word, "weight")) { /* "rope_freqs.weight" */
        struct wh_str stem = wh_str_sub(name, 0, name.n - word.n);
        word = stem.n ? last_word(wh_str_sub(stem, 0, stem.n - 1)) : word;
    }
    for (size_t i = 0; i < sizeof table_words / sizeof table_words[0]; i++) {
        if (wh_str_is(word, table_words[i])) {
            return true;
        }
    }
    /* The causal mask of GPT-2: [1, 1, n, n] under a bias's name. */
    if (wh_str_is(word, "bias") && x->rank == 4 && x->dims[0] == 1 &&
        x->dims[1] == 1 && x->dims[2] == x->dims[3]) {
        return true;
    }
    return is_scale(k, name);
}

static void narrow(struct count *k, unsigned bits)
{
    if (bits > 0 && (k->min_bits == 0 || bits < k->min_bits)) {
        k->min_bits = bits;
    }
}

static unsigned stored_bits(const struct scan_dtype_row *row)
{
    return row->bytes * 8 / row->count;
}

/* Integers that are no table: packed, or plain, nobody can be sure. */
static void count_integers(struct count *k, const struct scan_tensor *x)
{
    bool is_packed;
    unsigned bits = packed_bits(k, x, &is_packed);
    if (bits > 0) {
        uint64_t n = packed(x, bits);
        add(&k->point, n);
        add(&k->low, n);
        add(&k->high, n);
        add(&k->per_dtype[x->dtype], n);
        narrow(k, bits);
        return;
    }
    k->estimated = true;
    bits = k->config_bits >= NARROWEST_PACKED && k->config_bits <= WIDEST_PACKED
               ? k->config_bits
               : 4;
    uint64_t n = is_packed ? packed(x, bits) : x->elements;
    add(&k->point, n);
    add(&k->low, is_packed ? packed(x, WIDEST_PACKED) : 0);
    add(&k->high, packed(x, NARROWEST_PACKED));
    add(&k->per_dtype[x->dtype], n);
    narrow(k, NARROWEST_PACKED);
}

/* `again`: the same data, type and shape were counted before (tied weights
 * stored twice). */
static void count_tensor(struct count *k, const struct scan_tensor *x,
                         bool again)
{
    const struct scan_dtype_row *row = scan_dtype_row(x->dtype);
    if (is_table(k, x)) {
        add(&k->tables, x->elements);
        add(&k->table_bytes, bytes_of(x));
        return;
    }
    if (x->elements == 0) {
        return;
    }
    if (row->kind == SCAN_KIND_INT) {
        count_integers(k, x);
        return;
    }
    if (!again) {
        add(&k->point, x->elements);
        add(&k->low, x->elements);
        add(&k->per_dtype[x->dtype], x->elements);
    }
    add(&k->high, x->elements);
    narrow(k, stored_bits(row));
}

/* Order of the records in the digest of the tensor set: hash, type, shape. */
static int by_record(const void *a, const void *b)
{
    const struct scan_tensor *x = a, *y = b;
    int order = memcmp(x->hash, y->hash, sizeof x->hash);
    if (order == 0) {
        order = strcmp(scan_dtype_row(x->dtype)->name,
                       scan_dtype_row(y->dtype)->name);
    }
    if (order == 0) {
        order = (x->rank > y->rank) - (x->rank < y->rank);
    }
    for (unsigned i = 0; order == 0 && i < x->rank; i++) {
        order = (x->dims[i] > y->dims[i]) - (x->dims[i] < y->dims[i]);
    }
    return order;
}

static void put_be64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (56 - 8 * i));
    }
}

/* One record: 16 hash, 16 type name padded with zeros, u64 rank, 8 x u64
 * dimensions (unused ones zero); numbers big-endian. */
static void add_record(struct wh_sha256 *h, const struct scan_tensor *x)
{
    uint8_t record[16 + 16 + 8 + 8 * SCAN_RANK_MAX] = {0};
    struct wh_str name = wh_str_of(scan_dtype_row(x->dtype)->name);
    memcpy(record, x->hash, 16);
    memcpy(record + 16, name.p, name.n);
    put_be64(record + 32, x->rank);
    for (unsigned i = 0; i < x->rank; i++) {
        put_be64(record + 40 + (size_t)8 * i, x->dims[i]);
    }
    wh_sha256_add(h, record, sizeof record);
}

static void digest_names(struct count *k)
{
    struct wh_sha256 h;
    wh_sha256_init(&h);
    for (size_t i = 0; i < k->t->n; i++) {
        scan_names_add(&h, scan_tensor_name(k->t, &k->t->list[k->by_name[i]]));
    }
    wh_sha256_get(&h, k->c->r->names);
    wh_sha256_done(&h);
}

static void index_names(struct count *k)
{
    k->by_name = wh_calloc(k->t->n, sizeof *k->by_name);
    for (size_t i = 0; i < k->t->n; i++) {
        k->by_name[i] = (uint32_t)i;
    }
    if (k->t->n > 1) {
        union { /* qsort_r wants a context it may write to; by_name does not */
            const struct scan_tensors *in;
            void *out;
        } ctx = {.in = k->t};
        qsort_r(k->by_name, k->t->n, sizeof *k->by_name, by_name, ctx.out);
    }
}

/* Two tensors of at least two dimensions with the same record are one matrix
 * stored twice; equal vectors (ones, zeros) say nothing. */
static bool same_matrix(const struct scan_tensor *x,
                        const struct scan_tensor *before)
{
    return before && x->rank >= 2 && by_record(x, before) == 0;
}

static void report(struct count *k)
{
    struct scan_report *r = k->c->r;
    /* Large tables are counted after all: a name must not hide parameters. */
    if (k->table_bytes > r->size / TABLE_SHARE) {
        add(&k->high, k->tables);
    }
    r->parameters = k->point;
    r->parameters_lo = k->low;
    r->parameters_hi = k->high;
    r->buffers = k->tables;
    r->min_bits = k->min_bits;
    for (size_t i = 0; i < SCAN_DT_COUNT; i++) {
        if (k->per_dtype[i] > 0) {
            r->by_dtype[r->dtypes++] = (struct scan_dtype_count){
                scan_dtype_row((enum scan_dtype)i)->name, k->per_dtype[i]};
        }
    }
    if (k->estimated) {
        scan_findings_note(&r->findings, SCAN_F_PACKING_ESTIMATED, 0);
    }
}

void scan_count(struct scan_ctx *c, struct scan_tensors *t,
                unsigned config_bits)
{
    struct count k = {.c = c, .t = t, .config_bits = config_bits};
    struct wh_sha256 h;
    _Static_assert(SCAN_DT_COUNT <= SCAN_DTYPES_MAX, "room for every type");
    if (t->n > 1) {
        qsort(t->list, t->n, sizeof *t->list, by_record);
    }
    index_names(&k);
    wh_sha256_init(&h);
    for (size_t i = 0; i < t->n; i++) {
        const struct scan_tensor *x = &t->list[i];
        add_record(&h, x);
        count_tensor(&k, x, same_matrix(x, i ? x - 1 : NULL));
        add(&c->r->tensor_bytes, bytes_of(x));
    }
    wh_sha256_get(&h, c->r->tensor_set);
    wh_sha256_done(&h);
    c->r->tensors = t->n;
    digest_names(&k);
    report(&k);
    wh_free(k.by_name);
}
