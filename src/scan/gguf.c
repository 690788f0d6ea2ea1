/*
 * gguf.c - magic, counts, settings, tensor list, padding; then the data, whose
 * layout follows from the tensor list alone and must fill the file exactly.
 * Settings that the report needs are kept; all others are checked for form and
 * stepped over.
 */
#include "scan/gguf.h"

#include "base/keyset.h"
#include "base/win.h"

#define MAGIC "GGUF"
#define RANK_MAX 4
#define ALIGNMENT_DEFAULT 32
#define ALIGNMENT_MAX (1u << 20)
/* Least bytes of a setting: key length, one letter, type, one byte; and of a
 * tensor: name length, one letter, rank, type, offset. */
#define KV_BYTES_MIN 14u
#define TENSOR_BYTES_MIN 25u

enum value_type {
    T_U8,
    T_I8,
    T_U16,
    T_I16,
    T_U32,
    T_I32,
    T_F32,
    T_BOOL,
    T_STRING,
    T_ARRAY,
    T_U64,
    T_I64,
    T_F64,
    T_COUNT
};

static const uint8_t widths[T_COUNT] = {
    [T_U8] = 1,  [T_I8] = 1,  [T_U16] = 2, [T_I16] = 2,
    [T_U32] = 4, [T_I32] = 4, [T_F32] = 4, [T_BOOL] = 1,
    [T_U64] = 8, [T_I64] = 8, [T_F64] = 8};

struct parse {
    struct scan_ctx *c;
    struct scan_tensors *t;
    struct scan_gguf *g;
    struct wh_win w;
    struct wh_keyset seen;
    struct wh_str key; /* of the setting being read */
    uint64_t data_size;
    struct wh_err *err;
};

bool scan_gguf_looks(const uint8_t *head, size_t n)
{
    return n >= 4 && memcmp(head, MAGIC, 4) == 0;
}

#define FAULT(p, id, ...)                                             \
    scan_fault((p)->c, (p)->err, SCAN_F_##id, wh_win_offset(&(p)->w), \
               __VA_ARGS__)

/* The window ran out: the source failed, or the file is too short. */
static bool ended(struct parse *p)
{
    if (p->w.failed) {
        return false;
    }
    return scan_fault(p->c, p->err, SCAN_F_GGUF_TRUNCATED, p->c->src->size,
                      "the file ends inside its header");
}

/* A string of at most max bytes into the arena. */
static bool read_string(struct parse *p, uint64_t max, const char *what,
                        struct wh_str *out)
{
    uint64_t n = wh_win_u64(&p->w);
    if (p->w.bad) {
        return ended(p);
    }
    if (n > max) {
        return FAULT(p, LIMIT_OVER, "%s of %llu bytes, at most %llu allowed",
                     what, (unsigned long long)n, (unsigned long long)max);
    }
    if (n > wh_win_left(&p->w)) {
        return ended(p);
    }
    char *text = wh_arena_alloc(p->c->a, (size_t)n);
    if (!wh_win_copy(&p->w, text, (size_t)n)) {
        return ended(p);
    }
    *out = wh_str_mem(text, (size_t)n);
    return !wh_arena_over(p->c->a, p->err);
}

static bool skip_string(struct parse *p)
{
    uint64_t n = wh_win_u64(&p->w);
    if (n > SCAN_GGUF_STRING_MAX) {
        return FAULT(p, LIMIT_OVER, "a string of %llu bytes",
                     (unsigned long long)n);
    }
    return wh_win_skip(&p->w, n) || ended(p);
}

static bool is_template(struct wh_str key)
{
    return wh_str_starts(key, WH_S("tokenizer.chat_template"));
}

static bool keep_template(struct parse *p)
{
    struct scan_gguf *g = p->g;
    if (g->ntemplates == SCAN_GGUF_TEMPLATES_MAX) {
        return FAULT(p, LIMIT_OVER, "more than %d chat templates",
                     SCAN_GGUF_TEMPLATES_MAX);
    }
    struct scan_gguf_template *it = &g->templates[g->ntemplates++];
    it->key = p->key;
    it->at = wh_win_offset(&p->w);
    return read_string(p, SCAN_GGUF_TEMPLATE_MAX, "a chat template", &it->text);
}

/* The prefix of other keys, and a word of the result. */
static bool read_architecture(struct parse *p)
{
    struct wh_str *name = &p->g->architecture;
    if (!read_string(p, SCAN_GGUF_KEY_MAX, "an architecture name", name)) {
        return false;
    }
    if (!scan_is_word(*name)) {
        return FAULT(p, GGUF_HEADER, "the architecture %s is no name",
                     scan_quote(p->c->a, *name));
    }
    return true;
}

static bool read_string_value(struct parse *p)
{
    if (is_template(p->key)) {
        return keep_template(p);
    }
    if (wh_str_is(p->key, "general.architecture")) {
        return read_architecture(p);
    }
    if (wh_str_is(p->key, "general.name")) {
        return read_string(p, SCAN_GGUF_TEMPLATE_MAX, "a name", &p->g->name);
    }
    return skip_string(p);
}

static bool is_integer(uint32_t type)
{
    return type < T_COUNT && type != T_F32 && type != T_F64 &&
           type != T_STRING && type != T_ARRAY && type != T_BOOL;
}

/* A number, kept as unsigned; negative ones are of no use here and read 0. */
static bool read_number_value(struct parse *p, uint32_t type)
{
    uint8_t raw[8];
    unsigned n = widths[type];
    uint64_t v = 0;
    wh_assert(n > 0 && n <= sizeof raw); /* strings and arrays go elsewhere */
    if (!wh_win_copy(&p->w, raw, n)) {
        return ended(p);
    }
    for (unsigned i = 0; i < n; i++) {
        v = v << 8 | raw[p->w.swap ? i : n - 1 - i];
    }
    if (type == T_BOOL && v > 1) {
        return FAULT(p, GGUF_HEADER, "the truth value of %s is %u",
                     scan_quote(p->c->a, p->key), (unsigned)v);
    }
    bool is_signed =
        type == T_I8 || type == T_I16 || type == T_I32 || type == T_I64;
    if (is_signed && v >> (8 * n - 1)) {
        v = 0;
    }
    if (wh_str_is(p->key, "general.alignment")) {
        if (type != T_U32 || v == 0 || v > ALIGNMENT_MAX || (v & (v - 1))) {
            return FAULT(p, GGUF_HEADER, "the alignment is no power of two");
        }
        p->g->alignment = v;
    }
    if (is_integer(type) && p->g->nnumbers < SCAN_GGUF_NUMBERS_MAX) {
        p->g->numbers[p->g->nnumbers++] = (struct scan_gguf_number){p->key, v};
    }
    return true;
}

/* Look at one token without keeping it. */
static bool read_token(struct parse *p)
{
    char text[64];
    uint64_t n = wh_win_u64(&p->w);
    if (n > SCAN_GGUF_STRING_MAX) {
        return FAULT(p, LIMIT_OVER, "a token of %llu bytes",
                     (unsigned long long)n);
    }
    if (n > sizeof text) {
        p->g->alphabet.tokens++;
        return wh_win_skip(&p->w, n) || ended(p);
    }
    if (!wh_win_copy(&p->w, text, (size_t)n)) {
        return ended(p);
    }
    scan_alphabet_add(&p->g->alphabet, wh_str_mem(text, (size_t)n));
    return true;
}

static bool read_strings(struct parse *p, uint64_t count)
{
    bool tokens = wh_str_is(p->key, "tokenizer.ggml.tokens");
    if (tokens) {
        p->g->vocab = count;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!(tokens ? read_token(p) : skip_string(p))) {
            return false;
        }
    }
    return true;
}

static bool read_bools(struct parse *p, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (wh_win_u8(&p->w) > 1) {
            return FAULT(p, GGUF_HEADER, "a truth value in %s is not 0 or 1",
                         scan_quote(p->c->a, p->key));
        }
    }
    return !p->w.bad || ended(p);
}

static bool read_array_value(struct parse *p)
{
    uint32_t type = wh_win_u32(&p->w);
    uint64_t count = wh_win_u64(&p->w);
    if (p->w.bad) {
        return ended(p);
    }
    if (type >= T_COUNT || type == T_ARRAY) {
        return FAULT(p, GGUF_HEADER, "%s is %s", scan_quote(p->c->a, p->key),
                     type == T_ARRAY ? "an array of arrays"
                                     : "an array of an unknown type");
    }
    if (count > SCAN_GGUF_ARRAY_MAX) {
        return FAULT(p, LIMIT_OVER, "an array of %llu elements, at most %u",
                     (unsigned long long)count, SCAN_GGUF_ARRAY_MAX);
    }
    unsigned width = type == T_STRING ? 8 : widths[type];
    if (count * width > wh_win_left(&p->w)) {
        return ended(p);
    }
    if (type == T_STRING) {
        return read_strings(p, count);
    }
    if (type == T_BOOL) {
        return read_bools(p, count);
    }
    return wh_win_skip(&p->w, count * width) || ended(p);
}

static bool read_value(struct parse *p)
{
    uint32_t type = wh_win_u32(&p->w);
    if (p->w.bad) {
        return ended(p);
    }
    if (type >= T_COUNT) {
        return FAULT(p, GGUF_HEADER, "%s has the unknown type %u",
                     scan_quote(p->c->a, p->key), type);
    }
    if (type == T_STRING) {
        return read_string_value(p);
    }
    return type == T_ARRAY ? read_array_value(p) : read_number_value(p, type);
}

static bool read_settings(struct parse *p, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!read_string(p, SCAN_GGUF_KEY_MAX, "a key", &p->key)) {
            return false;
        }
        if (p->key.n == 0) {
            return FAULT(p, GGUF_HEADER, "an empty key");
        }
        if (!wh_keyset_add(&p->seen, p->key)) {
            return FAULT(p, GGUF_DUPLICATE, "the key %s stands twice",
                         scan_quote(p->c->a, p->key));
        }
        if (!read_value(p)) {
            return false;
        }
    }
    return true;
}

/* Dimensions come with the contiguous one first. */
static bool read_shape(struct parse *p, struct scan_tensor *x)
{
    uint32_t rank = wh_win_u32(&p->w);
    if (p->w.bad) {
        return ended(p);
    }
    if (rank > RANK_MAX) {
        return FAULT(p, LIMIT_OVER, "a tensor of %u dimensions, at most %d",
                     rank, RANK_MAX);
    }
    x->rank = (uint8_t)rank;
    for (uint32_t i = 0; i < rank; i++) {
        x->dims[rank - 1 - i] = wh_win_u64(&p->w);
    }
    return true;
}

static bool read_type(struct parse *p, struct scan_tensor *x, uint64_t *bytes)
{
    uint32_t id = wh_win_u32(&p->w);
    enum scan_dtype dtype;
    if (p->w.bad) {
        return ended(p);
    }
    struct wh_str name = scan_tensor_name(p->t, x);
    if (!scan_dtype_gguf(id, &dtype)) {
        return FAULT(p, GGUF_TYPE, "tensor %s has the unknown type %u",
                     scan_quote(p->c->a, name), id);
    }
    const struct scan_dtype_row *row = scan_dtype_row(dtype);
    if (row->kind == SCAN_KIND_NEVER) {
        return FAULT(p, GGUF_TYPE, "tensor %s has type %s, which no file holds",
                     scan_quote(p->c->a, name), row->name);
    }
    x->dtype = (uint8_t)dtype;
    uint64_t row_length = x->rank ? x->dims[x->rank - 1] : 1;
    if (!scan_tensor_measure(x, bytes) || row_length % row->count != 0) {
        return FAULT(p, GGUF_HEADER,
                     "the shape of tensor %s is no possible size",
                     scan_quote(p->c->a, name));
    }
    return true;
}

/* Offsets must follow each other without a choice. */
static bool place(struct parse *p, struct scan_tensor *x, uint64_t bytes)
{
    uint64_t offset = wh_win_u64(&p->w), padded;
    if (p->w.bad) {
        return ended(p);
    }
    if (offset != p->data_size) {
        return FAULT(p, GGUF_LAYOUT,
                     "tensor %s stands at %llu, where %llu follows from the "
                     "sizes before it",
                     scan_quote(p->c->a, scan_tensor_name(p->t, x)),
                     (unsigned long long)offset,
                     (unsigned long long)p->data_size);
    }
    uint64_t mask = p->g->alignment - 1;
    if (!wh_add_u64(bytes, mask, &padded) ||
        !wh_add_u64(offset, padded & ~mask, &p->data_size)) {
        return FAULT(p, GGUF_TRUNCATED, "the tensors are larger than any file");
    }
    x->begin = offset;
    x->end = offset + bytes;
    return true;
}

static bool read_tensor(struct parse *p)
{
    char text[SCAN_GGUF_NAME_MAX];
    uint64_t bytes = 0, n = wh_win_u64(&p->w);
    if (n > sizeof text) {
        return FAULT(p, LIMIT_OVER, "a tensor name of %llu bytes",
                     (unsigned long long)n);
    }
    if (!wh_win_copy(&p->w, text, (size_t)n)) {
        return ended(p);
    }
    struct wh_str name = wh_str_mem(text, (size_t)n);
    if (name.n == 0 || !wh_keyset_add(&p->seen, name)) {
        return FAULT(p, GGUF_DUPLICATE, "the tensor name %s %s",
                     scan_quote(p->c->a, name),
                     name.n == 0 ? "is empty" : "stands twice");
    }
    struct scan_tensor *x = scan_tensors_add(p->t, name);
    return read_shape(p, x) && read_type(p, x, &bytes) && place(p, x, bytes);
}

/* All tensors were read: the data begins at the next multiple of the
 * alignment, and the file must end where the last tensor does (padded or
 * not). */
static bool check_layout(struct parse *p)
{
    struct scan_gguf *g = p->g;
    uint64_t mask = g->alignment - 1, end, size = p->c->src->size;
    g->header_end = wh_win_offset(&p->w);
    g->data = (g->header_end + mask) & ~mask;
    if (p->t->n == 0 && size < g->data) {
        g->data = g->header_end;
    }
    if (!wh_add_u64(g->data, p->data_size, &end)) {
        return FAULT(p, GGUF_TRUNCATED, "the tensors are larger than any file");
    }
    uint64_t least = g->data;
    for (size_t i = 0; i < p->t->n; i++) {
        struct scan_tensor *x = &p->t->list[i];
        x->begin += g->data;
        x->end += g->data;
        least = x->end;
    }
    if (size < least) {
        return scan_fault(p->c, p->err, SCAN_F_GGUF_TRUNCATED, size,
                          "the header announces %llu bytes, the file has %llu",
                          (unsigned long long)least, (unsigned long long)size);
    }
    if (size > end) {
        return scan_fault(p->c, p->err, SCAN_F_BYTES_UNEXPLAINED, end,
                          "%llu bytes follow the last tensor",
                          (unsigned long long)(size - end));
    }
    return true;
}

static bool read_version(struct parse *p)
{
    uint32_t v = wh_win_u32(&p->w);
    if (p->w.bad) {
        return ended(p);
    }
    /* A version in the upper half was written by a big-endian machine. */
    if ((v & 0xffff) == 0 && v != 0) {
        v = __builtin_bswap32(v);
        p->w.swap = p->g->big_endian = true;
        scan_findings_note(&p->c->r->findings, SCAN_F_GGUF_BYTE_ORDER, 4);
    }
    p->g->version = v;
    if (v != 2 && v != 3) {
        return scan_fault(p->c, p->err, SCAN_F_GGUF_VERSION, 4,
                          "version %u of GGUF is not read here (2 and 3 are)",
                          v);
    }
    return true;
}

static bool parse_header(struct parse *p)
{
    if (!wh_win_skip(&p->w, 4)) {
        return ended(p);
    }
    if (!read_version(p)) {
        return false;
    }
    uint64_t tensors = wh_win_u64(&p->w), keys = wh_win_u64(&p->w);
    if (p->w.bad) {
        return ended(p);
    }
    if (tensors > SCAN_TENSORS_MAX || keys > SCAN_GGUF_KEYS_MAX) {
        return FAULT(p, LIMIT_OVER,
                     "%llu tensors and %llu settings; at most %u and %u",
                     (unsigned long long)tensors, (unsigned long long)keys,
                     SCAN_TENSORS_MAX, SCAN_GGUF_KEYS_MAX);
    }
    if (keys * KV_BYTES_MIN + tensors * TENSOR_BYTES_MIN > wh_win_left(&p->w)) {
        return ended(p);
    }
    if (!read_settings(p, keys)) {
        return false;
    }
    wh_keyset_clear(&p->seen);
    for (uint64_t i = 0; i < tensors; i++) {
        if (!read_tensor(p)) {
            return false;
        }
    }
    return check_layout(p);
}

bool scan_gguf_parse(struct scan_ctx *c, struct scan_tensors *t,
                     struct scan_gguf **out, struct wh_err *err)
{
    struct parse p = {.c = c, .t = t, .err = err};
    p.g = WH_NEW(c->a, struct scan_gguf);
    p.g->alignment = ALIGNMENT_DEFAULT;
    wh_keyset_init(&p.seen);
    wh_win_init(&p.w, c->src, 0, c->src->size, err);
    bool ok = parse_header(&p);
    wh_win_done(&p.w);
    wh_keyset_done(&p.seen);
    *out = p.g;
    return ok;
}

uint64_t scan_gguf_number(const struct scan_gguf *g, const char *suffix)
{
    for (size_t i = 0; i < g->nnumbers; i++) {
        struct wh_str k = g->numbers[i].key, head;
        /* Architecture names hold no dot. */
        if (wh_str_cut(&k, '.', &head) && wh_str_eq(head, g->architecture) &&
            wh_str_is(k, suffix)) {
            return g->numbers[i].value;
        }
    }
    return 0;
}
