/*
 * safetensors.c - u64 length, JSON header, data. The header is pulled token by
 * token; after it, tensors are sorted by position and must cover the data
 * exactly, which leaves no place for bytes that nobody explains.
 */
#include "scan/safetensors.h"

#include "base/json_pull.h"

#include <stdlib.h>

/* Nesting of a header: outer object, tensor, array. */
#define DEPTH 3
#define PREFIX 8u
#define METADATA_STRING_MAX (16u << 20)
#define METADATA_KEYS_MAX 65536u

struct parse {
    struct scan_ctx *c;
    struct scan_tensors *t;
    struct wh_pull j;
    uint64_t data; /* offset of the first data byte */
    struct wh_err *err;
};

static uint64_t header_length(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < PREFIX; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

/* Bytes that no UTF-8 text has; tells a lying length from eight letters. */
static bool has_binary(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == 0 || p[i] >= 0xf8) {
            return true;
        }
    }
    return false;
}

bool scan_safetensors_looks(const uint8_t *head, size_t n)
{
    static const char after[] = "\" \t\r\n}";
    if (n < PREFIX + 1 || head[PREFIX] != '{' || !has_binary(head, PREFIX)) {
        return false;
    }
    return n == PREFIX + 1 ||
           memchr(after, head[PREFIX + 1], sizeof after - 1) != NULL;
}

/* Translate a failure of the JSON reader into a finding. */
static bool json_fault(struct parse *p)
{
    struct wh_pull *j = &p->j;
    char why[sizeof p->err->msg];
    memcpy(why, p->err->msg, sizeof why);
    switch (j->fault) {
    case WH_PULL_DUPLICATE:
        return scan_fault(p->c, p->err, SCAN_F_SAFETENSORS_DUPLICATE, j->at,
                          "the header names %s twice",
                          scan_quote(p->c->a, wh_pull_text(j)));
    case WH_PULL_LIMIT:
        return scan_fault(p->c, p->err, SCAN_F_LIMIT_OVER, j->at,
                          "the header has %s", why);
    case WH_PULL_MALFORMED:
        return scan_fault(p->c, p->err, SCAN_F_SAFETENSORS_HEADER, j->at,
                          "the header is malformed: %s", why);
    case WH_PULL_SOURCE:
    case WH_PULL_FINE:
        break;
    }
    return false; /* *err has the source's failure or an earlier fault */
}

static bool read_metadata(struct parse *p)
{
    struct wh_pull *j = &p->j;
    enum wh_pull_token t;
    struct wh_pull_limits outer = j->limits;
    if (!wh_pull_want(j, WH_PULL_OBJECT, "an object of strings")) {
        return false;
    }
    j->limits.keys = METADATA_KEYS_MAX;
    for (;;) {
        j->limits.string = SCAN_NAME_MAX;
        if (!wh_pull_next(j, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            break;
        }
        j->limits.string = METADATA_STRING_MAX;
        if (!wh_pull_want(j, WH_PULL_STRING, "a string in __metadata__")) {
            return false;
        }
    }
    j->limits = outer;
    return true;
}

static bool read_dtype(struct parse *p, struct scan_tensor *x)
{
    enum scan_dtype dtype;
    if (!wh_pull_want(&p->j, WH_PULL_STRING, "a dtype")) {
        return false;
    }
    struct wh_str name = wh_pull_text(&p->j);
    if (!scan_dtype_named(name, &dtype)) {
        return scan_fault(p->c, p->err, SCAN_F_SAFETENSORS_DTYPE, p->j.at,
                          "the dtype %s of tensor %s is unknown",
                          scan_quote(p->c->a, name),
                          scan_quote(p->c->a, scan_tensor_name(p->t, x)));
    }
    x->dtype = (uint8_t)dtype;
    return true;
}

/* An array of at most `max` integers. */
static bool read_numbers(struct parse *p, const char *what, uint64_t *out,
                         unsigned max, unsigned *count)
{
    struct wh_pull *j = &p->j;
    enum wh_pull_token t;
    *count = 0;
    if (!wh_pull_want(j, WH_PULL_ARRAY, what)) {
        return false;
    }
    for (;;) {
        if (!wh_pull_next(j, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            return true;
        }
        if (t != WH_PULL_INT) {
            return wh_pull_refuse(j, WH_PULL_MALFORMED,
                                  "%s holds something other than a number",
                                  what);
        }
        if (*count == max) {
            return wh_pull_refuse(j, WH_PULL_LIMIT,
                                  "more than %u numbers in %s", max, what);
        }
        out[(*count)++] = j->integer;
    }
}

static bool read_offsets(struct parse *p, struct scan_tensor *x)
{
    uint64_t at[2];
    unsigned n;
    if (!read_numbers(p, "data_offsets", at, 2, &n)) {
        return false;
    }
    if (n != 2) {
        return wh_pull_refuse(&p->j, WH_PULL_MALFORMED,
                              "data_offsets does not hold two numbers");
    }
    if (at[1] < at[0]) {
        return scan_fault(p->c, p->err, SCAN_F_SAFETENSORS_LAYOUT, p->j.at,
                          "tensor %s ends before it begins",
                          scan_quote(p->c->a, scan_tensor_name(p->t, x)));
    }
    if (!wh_add_u64(at[0], p->data, &x->begin) ||
        !wh_add_u64(at[1], p->data, &x->end)) {
        return scan_fault(p->c, p->err, SCAN_F_SAFETENSORS_TRUNCATED, p->j.at,
                          "tensor %s lies beyond any file",
                          scan_quote(p->c->a, scan_tensor_name(p->t, x)));
    }
    return true;
}

enum field {
    FIELD_DTYPE = 1,
    FIELD_SHAPE = 2,
    FIELD_OFFSETS = 4,
    FIELD_ALL = 7
};

static bool read_field(struct parse *p, struct scan_tensor *x, unsigned *seen)
{
    struct wh_str name = wh_pull_text(&p->j);
    unsigned n;
    if (wh_str_is(name, "dtype")) {
        *seen |= FIELD_DTYPE;
        return read_dtype(p, x);
    }
    if (wh_str_is(name, "shape")) {
        *seen |= FIELD_SHAPE;
        if (!read_numbers(p, "shape", x->dims, SCAN_RANK_MAX, &n)) {
            return false;
        }
        x->rank = (uint8_t)n;
        return true;
    }
    if (wh_str_is(name, "data_offsets")) {
        *seen |= FIELD_OFFSETS;
        return read_offsets(p, x);
    }
    return wh_pull_refuse(&p->j, WH_PULL_MALFORMED,
                          "a tensor has a field that the format lacks");
}

static bool check_size(struct parse *p, struct scan_tensor *x)
{
    uint64_t bytes;
    if (!scan_tensor_measure(x, &bytes)) {
        return scan_fault(p->c, p->err, SCAN_F_SAFETENSORS_SIZE, p->j.at,
                          "the shape of tensor %s is no possible size",
                          scan_quote(p->c->a, scan_tensor_name(p->t, x)));
    }
    if (bytes != x->end - x->begin) {
        return scan_fault(p->c, p->err, SCAN_F_SAFETENSORS_SIZE, p->j.at,
                          "tensor %s needs %llu bytes for its shape and has "
                          "%llu",
                          scan_quote(p->c->a, scan_tensor_name(p->t, x)),
                          (unsigned long long)bytes,
                          (unsigned long long)(x->end - x->begin));
    }
    return true;
}

/* The object behind a tensor's name. */
static bool read_tensor(struct parse *p)
{
    enum wh_pull_token t;
    unsigned seen = 0;
    if (p->t->n == SCAN_TENSORS_MAX) {
        return wh_pull_refuse(&p->j, WH_PULL_LIMIT, "more than %u tensors",
                              SCAN_TENSORS_MAX);
    }
    struct scan_tensor *x = scan_tensors_add(p->t, wh_pull_text(&p->j));
    if (!wh_pull_want(&p->j, WH_PULL_OBJECT, "a tensor's description")) {
        return false;
    }
    for (;;) {
        if (!wh_pull_next(&p->j, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            break;
        }
        if (!read_field(p, x, &seen)) {
            return false;
        }
    }
    if (seen != FIELD_ALL) {
        return wh_pull_refuse(&p->j, WH_PULL_MALFORMED,
                              "a tensor lacks dtype, shape or data_offsets");
    }
    return check_size(p, x);
}

static bool read_entries(struct parse *p)
{
    enum wh_pull_token t;
    if (!wh_pull_want(&p->j, WH_PULL_OBJECT, "an object")) {
        return false;
    }
    for (;;) {
        if (!wh_pull_next(&p->j, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return true;
        }
        bool metadata = wh_str_is(wh_pull_text(&p->j), "__metadata__");
        if (!(metadata ? read_metadata(p) : read_tensor(p))) {
            return false;
        }
    }
}

/* Behind the closing brace only spaces may fill the header. */
static bool read_padding(struct parse *p)
{
    struct wh_win *w = p->j.w;
    while (wh_win_fill(w)) {
        if (w->buf[w->at] != ' ') {
            return scan_fault(p->c, p->err, SCAN_F_BYTES_UNEXPLAINED,
                              wh_win_offset(w),
                              "something other than spaces follows the header");
        }
        w->at++;
    }
    return !w->failed;
}

static int by_position(const void *a, const void *b)
{
    const struct scan_tensor *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Every data byte belongs to exactly one tensor. */
static bool check_layout(struct parse *p)
{
    struct scan_ctx *c = p->c;
    uint64_t at = p->data;
    if (p->t->n > 1) {
        qsort(p->t->list, p->t->n, sizeof *p->t->list, by_position);
    }
    for (size_t i = 0; i < p->t->n; i++) {
        const struct scan_tensor *x = &p->t->list[i];
        if (x->begin != at) {
            return scan_fault(c, p->err, SCAN_F_SAFETENSORS_LAYOUT,
                              x->begin < at ? x->begin : at, "tensor %s %s",
                              scan_quote(c->a, scan_tensor_name(p->t, x)),
                              x->begin < at ? "overlaps another one"
                                            : "leaves a hole before it");
        }
        at = x->end;
    }
    if (at > c->src->size) {
        return scan_fault(c, p->err, SCAN_F_SAFETENSORS_TRUNCATED, c->src->size,
                          "the header announces %llu bytes, the file has %llu",
                          (unsigned long long)at,
                          (unsigned long long)c->src->size);
    }
    if (at < c->src->size) {
        return scan_fault(c, p->err, SCAN_F_BYTES_UNEXPLAINED, at,
                          "%llu bytes follow the last tensor",
                          (unsigned long long)(c->src->size - at));
    }
    return true;
}

static bool parse_header(struct parse *p)
{
    static const struct wh_pull_limits limits = {.depth = DEPTH,
                                                 .keys = SCAN_TENSORS_MAX + 1,
                                                 .string = SCAN_NAME_MAX,
                                                 .integers = true};
    struct wh_win w;
    wh_win_init(&w, p->c->src, PREFIX, p->data, p->err);
    wh_pull_init(&p->j, &w, &limits, p->err);
    bool ok = read_entries(p);
    if (!ok && !p->c->faulted) {
        ok = json_fault(p);
    }
    ok = ok && read_padding(p);
    wh_pull_done(&p->j);
    wh_win_done(&w);
    return ok;
}

bool scan_safetensors_parse(struct scan_ctx *c, struct scan_tensors *t,
                            uint64_t *data, struct wh_err *err)
{
    uint8_t head[PREFIX];
    if (!wh_src_read(c->src, 0, head, PREFIX, err)) {
        return false;
    }
    uint64_t n = header_length(head);
    if (n > SCAN_SAFETENSORS_HEADER_MAX) {
        return scan_fault(c, err, SCAN_F_LIMIT_OVER, 0,
                          "the header says it has %llu bytes, at most %u are "
                          "allowed",
                          (unsigned long long)n, SCAN_SAFETENSORS_HEADER_MAX);
    }
    if (n > c->src->size - PREFIX) {
        return scan_fault(
            c, err, SCAN_F_SAFETENSORS_TRUNCATED, c->src->size,
            "the header says it has %llu bytes, the file has %llu",
            (unsigned long long)n, (unsigned long long)c->src->size);
    }
    struct parse p = {.c = c, .t = t, .data = PREFIX + n, .err = err};
    *data = p.data;
    return parse_header(&p) && check_layout(&p);
}
