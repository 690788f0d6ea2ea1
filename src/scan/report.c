/*
 * report.c - the canonical scan result: one JSON object, keys sorted, integers
 * only; numbers that may leave the safe range of readers are decimal strings.
 */
#include "scan/scan.h"

#include "base/enc.h"
#include "base/json.h"

#include <stdio.h>

static const char *const class_names[] = {
    [SCAN_CLASS_WEIGHTS] = "weights", [SCAN_CLASS_TEXT] = "text",
    [SCAN_CLASS_DATA] = "data",       [SCAN_CLASS_PROGRAM] = "program",
    [SCAN_CLASS_BULK] = "bulk",       [SCAN_CLASS_UNKNOWN] = "unknown"};

static const struct {
    const char *name;
    enum scan_class class;
    const char *words;
} formats[] = {
#define SCAN_FORMAT(id, name, class, words) {name, SCAN_CLASS_##class, words},
#include "scan/formats.tbl"
#undef SCAN_FORMAT
};

static const char method_bytes[] =
    "every byte of the file is explained by its format";
static const char method_findings[] =
    "the table of findings of this scanner's version";
static const char method_size[] =
    "logical numbers of all tensors, from header and file size; numbers hidden "
    "inside floating-point elements are not seen";
static const char method_compute[] =
    "0 to 6 * N * 5e13 operations, N the upper end of the parameters: more "
    "training text than any known corpus";
static const char method_carry[] =
    "0 to one parameter for every 2 bits of the file: it is no weights to its "
    "readers, what it could carry is not seen";
static const char method_not_looked[] =
    "text and data are not looked through for it";
static const char method_exploit[] =
    "words of names and metadata only; what the model learned is not seen";

const char *scan_format_name(enum scan_format f)
{
    wh_assert((size_t)f < SCAN_FMT_COUNT);
    return formats[f].name;
}

const char *scan_format_words(enum scan_format f)
{
    wh_assert((size_t)f < SCAN_FMT_COUNT);
    return formats[f].words;
}

enum scan_class scan_format_class(enum scan_format f)
{
    wh_assert((size_t)f < SCAN_FMT_COUNT);
    return formats[f].class;
}

const char *scan_class_name(enum scan_class c)
{
    wh_assert((size_t)c < sizeof class_names / sizeof class_names[0]);
    return class_names[c];
}

size_t scan_report_dangers(const struct scan_report *r)
{
    return r->findings.dangers;
}

/* n * 3 in decimal digits, most significant first; n has at most 20. */
static size_t times_three(uint64_t n, char out[SCAN_COMPUTE_TEXT])
{
    char text[SCAN_COMPUTE_TEXT];
    int len = snprintf(text, sizeof text, "0%llu", (unsigned long long)n);
    wh_assert(len > 1 && len < SCAN_COMPUTE_TEXT);
    unsigned carry = 0;
    for (size_t i = (size_t)len; i-- > 0;) {
        unsigned d = (unsigned)(text[i] - '0') * 3 + carry;
        text[i] = (char)('0' + d % 10);
        carry = d / 10;
    }
    size_t skip = text[0] == '0' ? 1 : 0;
    memcpy(out, text + skip, (size_t)len - skip);
    return (size_t)len - skip;
}

void scan_compute_hi(uint64_t n, char out[SCAN_COMPUTE_TEXT])
{
    char digits[SCAN_COMPUTE_TEXT];
    if (n == 0) {
        memcpy(out, "0", 2);
        return;
    }
    /* 6 * n * 5e13 = 3 * n * 1e14, so the first digit stands for 10^(len-1+14)
     * and zeros at the end say nothing. */
    size_t len = times_three(n, digits), used = len;
    while (used > 1 && digits[used - 1] == '0') {
        used--;
    }
    (void)snprintf(out, SCAN_COMPUTE_TEXT, "%c%s%.*se%zu", digits[0],
                   used > 1 ? "." : "", (int)(used - 1), digits + 1,
                   len - 1 + 14);
}

/* All jansson calls below fail only without memory, where base aborts. */
static void put(json_t *o, const char *key, json_t *v)
{
    int rc = json_object_set_new(o, key, v);
    wh_assert(rc == 0);
}

static void put_text(json_t *o, const char *key, const char *text)
{
    put(o, key, json_string(text));
}

static void put_u64(json_t *o, const char *key, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    put_text(o, key, text);
}

static void put_hex(json_t *o, const char *key, const uint8_t *p)
{
    char hex[WH_SHA256_HEX + 1];
    wh_hex_enc(p, WH_SHA256_LEN, hex);
    put_text(o, key, hex);
}

/* A number of the architecture, if known; small ones are JSON integers. */
static void put_size(json_t *o, const char *key, uint64_t v)
{
    if (v > 0 && v <= INT64_MAX) {
        put(o, key, json_integer((json_int_t)v));
    }
}

static json_t *architecture(const struct scan_arch *a)
{
    json_t *o = json_object();
    if (a->family.n > 0) {
        put(o, "family", wh_json_str(a->family));
    }
    put_size(o, "layers", a->layers);
    put_size(o, "width", a->width);
    put_size(o, "vocab", a->vocab);
    put_size(o, "heads", a->heads);
    put_size(o, "kv_heads", a->kv_heads);
    put_size(o, "feed_forward", a->feed_forward);
    put_size(o, "context", a->context);
    put_size(o, "experts", a->experts);
    put_size(o, "experts_used", a->experts_used);
    return o;
}

static json_t *findings(const struct scan_findings *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->n; i++) {
        const struct scan_finding *it = &f->list[i];
        json_t *o = json_object();
        put_text(o, "id", scan_finding_row(it->id)->id);
        put_text(o, "severity", scan_severity_name(it->severity));
        put_u64(o, "at", it->at);
        put(o, "why", wh_json_str(it->why));
        int rc = json_array_append_new(list, o);
        wh_assert(rc == 0);
    }
    return list;
}

static json_t *claim(const char *method)
{
    json_t *o = json_object();
    put_text(o, "by", "house");
    put_text(o, "method", method);
    put(o, "expires", json_null());
    return o;
}

static void put_interval(json_t *claims, const char *name, uint64_t lo,
                         const char *hi, const char *method)
{
    json_t *o = claim(method);
    put_u64(o, "lo", lo);
    put_text(o, "hi", hi);
    put(claims, name, o);
}

static void put_value(json_t *claims, const char *name, const char *value,
                      const char *method)
{
    json_t *o = claim(method);
    put_text(o, "value", value);
    put(claims, name, o);
}

static const char *presence(enum scan_presence p)
{
    return p == SCAN_PRESENCE_FOUND        ? "found"
           : p == SCAN_PRESENCE_NONE_FOUND ? "none-found"
                                           : "unknown";
}

static void put_size_claims(json_t *o, uint64_t lo, uint64_t hi,
                            const char *method)
{
    char text[SCAN_COMPUTE_TEXT];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)hi);
    put_interval(o, "size.params_total", lo, text, method);
    scan_compute_hi(hi, text);
    put_interval(o, "compute.training", 0, text, method_compute);
}

/* What text and data could carry; it counts only where they are judged as
 * weights (rule/combine.h). */
static void put_carry(json_t *o, const struct scan_report *r)
{
    uint64_t hi = r->size < UINT64_MAX / 4 ? r->size * 4 : UINT64_MAX;
    put_size_claims(o, 0, hi, method_carry);
    put_value(o, "speciality.exploit_code", "none-found", method_not_looked);
    if (r->biology != SCAN_PRESENCE_FOUND) {
        put_value(o, "speciality.biological_sequences", "none-found",
                  method_not_looked);
    }
}

static bool can_carry(const struct scan_report *r)
{
    return r->size > SCAN_CARRY_MIN &&
           (r->class == SCAN_CLASS_TEXT || r->class == SCAN_CLASS_DATA ||
            r->class == SCAN_CLASS_BULK);
}

static json_t *claims(const struct scan_report *r)
{
    char text[SCAN_COMPUTE_TEXT];
    json_t *o = json_object();
    put_value(o, "files.verifiable", r->verifiable ? "yes" : "no",
              method_bytes);
    (void)snprintf(text, sizeof text, "%zu", r->findings.dangers);
    put_interval(o, "findings.danger", r->findings.dangers, text,
                 method_findings);
    if (r->weighs) {
        put_size_claims(o, r->parameters_lo, r->parameters_hi, method_size);
        put_value(o, "speciality.exploit_code", presence(r->exploit),
                  method_exploit);
    }
    if (can_carry(r)) {
        put_carry(o, r);
    }
    if (r->weighs || r->biology == SCAN_PRESENCE_FOUND) {
        put_value(o, "speciality.biological_sequences", presence(r->biology),
                  r->speciality_method);
    }
    return o;
}

static void put_weights(json_t *o, const struct scan_report *r)
{
    json_t *types = json_object();
    put(o, "tensors", json_integer((json_int_t)r->tensors));
    put_u64(o, "tensor_bytes", r->tensor_bytes);
    put_u64(o, "parameters", r->parameters);
    put_u64(o, "buffers", r->buffers);
    for (size_t i = 0; i < r->dtypes; i++) {
        put_u64(types, r->by_dtype[i].name, r->by_dtype[i].parameters);
    }
    put(o, "by_dtype", types);
    put(o, "min_bits", json_integer((json_int_t)r->min_bits));
    put_hex(o, "tensor_set", r->tensor_set);
    put_hex(o, "names", r->names);
}

void scan_findings_json(struct wh_buf *b, const struct scan_findings *f)
{
    struct wh_err err = {0};
    json_t *list = findings(f);
    bool ok = wh_json_canonical(b, list, &err);
    wh_assert(ok || b->over);
    json_decref(list);
}

void scan_report_json(struct wh_buf *b, const struct scan_report *r)
{
    struct wh_err err = {0};
    json_t *o = json_object();
    put(o, "v", json_integer(1));
    put_text(o, "scanner", SCAN_VERSION);
    put_text(o, "format", scan_format_name(r->format));
    put_text(o, "class", scan_class_name(r->class));
    put_u64(o, "size", r->size);
    put(o, "verifiable", json_boolean(r->verifiable));
    put(o, "why", wh_json_str(r->why));
    put(o, "architecture", architecture(&r->arch));
    if (r->weighs) {
        put_weights(o, r);
    }
    if (r->has_sha256) {
        put_hex(o, "sha256", r->sha256);
    }
    put(o, "findings", findings(&r->findings));
    put(o, "findings_left_out", json_integer((json_int_t)r->findings.left_out));
    put(o, "claims", claims(r));
    bool ok = wh_json_canonical(b, o, &err);
    wh_assert(ok || b->over);
    json_decref(o);
}
