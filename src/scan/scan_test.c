/*
 * scan_test.c - whole files: each sample raises the finding it is named after,
 * clean samples are weighed as they should be, and no prefix of a model passes
 * for one.
 */
#include "base/unit.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "scan/index.h"
#include "scan/scan.h"

#include <dirent.h>
#include <stdlib.h>

#define SAMPLE_MAX (4u << 20)
#define MEMORY (64u << 20)

static const char *folder(const char *name)
{
    static char path[512];
    const char *root = getenv("WH_SOURCE");
    assert_non_null(root);
    (void)snprintf(path, sizeof path, "%s/tests/samples/%s", root, name);
    return path;
}

static struct wh_str sample(struct wh_arena *a, const char *dir,
                            const char *name)
{
    char path[1024];
    struct wh_str text;
    struct wh_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder(dir), name);
    unit_ok(wh_file_read(a, path, SAMPLE_MAX, &text, &err), err);
    return text;
}

static void scan_bytes(struct wh_arena *a, struct wh_str bytes,
                       const char *path, struct scan_report *r)
{
    struct wh_src src = wh_src_mem(bytes.p, bytes.n);
    struct scan_options opt = {.path = wh_str_of(path), .sha256 = true};
    struct wh_err err = {0};
    unit_ok(scan_file(&src, &opt, a, r, &err), err);
}

/* An index is held against shards; here it has none. */
static void scan_index(struct wh_arena *a, struct wh_str bytes,
                       struct scan_report *r)
{
    struct wh_src src = wh_src_mem(bytes.p, bytes.n);
    struct wh_err err = {0};
    *r = (struct scan_report){.verifiable = true};
    scan_findings_init(&r->findings, a);
    unit_ok(scan_index_check(&src, NULL, 0, &r->findings, &err), err);
}

/* The finding a sample is named after: what stands before "--". */
static bool named_finding(const char *file, enum scan_finding_id *out)
{
    const char *end = strstr(file, "--");
    if (!end) {
        return false;
    }
    struct wh_str id = wh_str_mem(file, (size_t)(end - file));
    for (int i = 0; i < SCAN_F_COUNT; i++) {
        if (wh_str_is(id, scan_finding_row((enum scan_finding_id)i)->id)) {
            *out = (enum scan_finding_id)i;
            return true;
        }
    }
    return false;
}

static void check_finding(const char *file, enum scan_finding_id id)
{
    struct wh_arena a;
    struct scan_report r;
    wh_arena_init(&a, MEMORY);
    struct wh_str bytes = sample(&a, "findings", file);
    if (id == SCAN_F_INDEX_MISMATCH) {
        scan_index(&a, bytes, &r);
    } else {
        scan_bytes(&a, bytes, file, &r);
    }
    if (!scan_findings_has(&r.findings, id)) {
        struct wh_buf b;
        wh_buf_init(&b, 1u << 20);
        scan_findings_json(&b, &r.findings);
        fail_msg("%s: format %s, findings %.*s", file,
                 scan_format_name(r.format), WH_FMT(wh_buf_str(&b)));
    }
    /* A fault of the format is never called verifiable. */
    if (r.class == SCAN_CLASS_WEIGHTS && id < SCAN_F_TEMPLATE_FOUND &&
        id != SCAN_F_GGUF_BYTE_ORDER && r.verifiable) {
        fail_msg("%s: called verifiable", file);
    }
    for (size_t i = 0; i < r.findings.n; i++) {
        assert_true(r.findings.list[i].at <= bytes.n);
        assert_true(r.findings.list[i].why.n > 0);
        assert_true(wh_str_utf8_ok(r.findings.list[i].why));
    }
    wh_arena_done(&a);
}

static void each_finding_has_samples_that_raise_it(void **state)
{
    (void)state;
    unsigned seen[SCAN_F_COUNT] = {0};
    DIR *d = opendir(folder("findings"));
    assert_non_null(d);
    const struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        enum scan_finding_id id = SCAN_F_COUNT;
        if (e->d_name[0] == '.') {
            continue;
        }
        if (!named_finding(e->d_name, &id)) {
            fail_msg("%s is named after no finding", e->d_name);
        }
        assert_true(id < SCAN_F_COUNT);
        seen[id]++;
        check_finding(e->d_name, id);
    }
    (void)closedir(d);
    for (int i = 0; i < SCAN_F_COUNT; i++) {
        /* Needs a config beside the file or two sources: tested below. */
        if (!seen[i]) {
            fail_msg("%s has no sample",
                     scan_finding_row((enum scan_finding_id)i)->id);
        }
    }
}

struct good {
    const char *file, *format;
    uint64_t tensors, parameters, lo, hi;
    unsigned min_bits;
    const char *family;
    uint64_t layers, width, vocab;
};

static const struct good good[] = {
    {"empty_header.safetensors", "safetensors", 0, 0, 0, 0, 0, "", 0, 0, 0},
    {"one.safetensors", "safetensors", 1, 2, 2, 2, 32, "", 0, 0, 0},
    {"metadata.safetensors", "safetensors", 1, 6, 6, 6, 32, "", 0, 0, 0},
    {"unpadded.safetensors", "safetensors", 1, 3, 3, 3, 16, "", 0, 0, 0},
    {"zero_and_scalar.safetensors", "safetensors", 3, 1, 1, 1, 32, "", 0, 0, 0},
    /* 8 elements of each of 22 types; of 8 integer types (one of them 8-bit
     * integers, which are no package) nobody knows how much they pack. */
    {"all_dtypes.safetensors", "safetensors", 22, 176, 112,
     112 + 8 * 4 * (1 + 1 + 2 + 2 + 4 + 4 + 8 + 8), 2, "", 0, 0, 0},
    /* the matrix once, the equal vectors twice; never less than stored */
    {"tied.safetensors", "safetensors", 4, 24, 24, 40, 32, "", 0, 4, 4},
    {"bert.safetensors", "safetensors", 5, 2368, 2368, 2368, 32, "bert", 3, 16,
     100},
    {"gptq.safetensors", "safetensors", 4, 2048, 2048, 2048 + 64 + 64 + 2 * 4,
     4, "", 0, 0, 0},
    {"awq.safetensors", "safetensors", 3, 2048, 2048, 2048 + 64 + 8, 4, "", 0,
     0, 0},
    {"mxfp4.safetensors", "safetensors", 2, 1024, 1024, 1024, 4, "", 0, 0, 0},
    {"nvfp4.safetensors", "safetensors", 3, 1024, 1024, 1024, 4, "", 0, 0, 0},
    {"bnb4.safetensors", "safetensors", 3, 1024, 1024, 1024 + 32, 4, "", 0, 0,
     0},
    {"fp8.safetensors", "safetensors", 2, 16384, 16384, 16384, 8, "", 0, 0, 0},
    {"char_model.safetensors", "safetensors", 2, 384, 384, 384, 32, "gpt2", 1,
     8, 24},
    {"llama.gguf", "gguf", 3, 2240, 2240, 2240, 4, "llama", 2, 32, 6},
    {"llama_v2.gguf", "gguf", 3, 2240, 2240, 2240, 4, "llama", 2, 32, 6},
    {"vocabulary_only.gguf", "gguf", 0, 0, 0, 0, 0, "llama", 0, 0, 0},
    {"nothing.gguf", "gguf", 0, 0, 0, 0, 0, "", 0, 0, 0},
    {"last_unpadded.gguf", "gguf", 1, 3, 3, 3, 32, "", 0, 0, 0},
    {"alignment_64.gguf", "gguf", 2, 8, 8, 8, 16, "", 0, 0, 0},
    {"zero_dimension.gguf", "gguf", 1, 0, 0, 0, 0, "", 0, 0, 0},
    {"all_values.gguf", "gguf", 1, 4, 4, 4, 32, "", 0, 0, 0},
};

static void check_good(const struct good *g)
{
    struct wh_arena a;
    struct scan_report r;
    wh_arena_init(&a, MEMORY);
    scan_bytes(&a, sample(&a, "clean", g->file), g->file, &r);
    if (!r.verifiable || r.findings.dangers || !r.weighs) {
        fail_msg("%s: %.*s", g->file, WH_FMT(r.why));
    }
    assert_string_equal(scan_format_name(r.format), g->format);
    if (r.tensors != g->tensors || r.parameters != g->parameters ||
        r.parameters_lo != g->lo || r.parameters_hi != g->hi ||
        r.min_bits != g->min_bits) {
        fail_msg("%s: %llu tensors, %llu parameters (%llu to %llu), %u bits",
                 g->file, (unsigned long long)r.tensors,
                 (unsigned long long)r.parameters,
                 (unsigned long long)r.parameters_lo,
                 (unsigned long long)r.parameters_hi, r.min_bits);
    }
    unit_str(r.arch.family, g->family);
    assert_int_equal(r.arch.layers, g->layers);
    assert_int_equal(r.arch.width, g->width);
    assert_int_equal(r.arch.vocab, g->vocab);
    wh_arena_done(&a);
}

static void clean_models_are_weighed_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        check_good(&good[i]);
    }
}

static void every_gguf_type_is_counted(void **state)
{
    (void)state;
    struct wh_arena a;
    struct scan_report r;
    wh_arena_init(&a, MEMORY);
    scan_bytes(&a, sample(&a, "clean", "all_types.gguf"), "a.gguf", &r);
    assert_true(r.verifiable);
    assert_int_equal(r.findings.dangers, 0);
    assert_int_equal(r.tensors, 33);
    assert_int_equal(r.dtypes, 33);
    for (size_t i = 0; i < r.dtypes; i++) {
        assert_true(r.by_dtype[i].parameters > 0);
    }
    wh_arena_done(&a);
}

struct other {
    const char *file, *format, *class;
    bool verifiable;
};

static const struct other others[] = {
    {"empty.txt", "empty", "text", true},
    {"text.md", "text", "text", true},
    {"config.json", "json", "text", true},
    {"odd_family.json", "json", "text", true},
    {"empty_keys.json", "json", "text", true},
    {"lines.jsonl", "text", "text", true},
    {"begins_like_a_pickle.txt", "text", "text", true},
    {"begins_like_bzip2.txt", "text", "text", true},
    {"picture.png", "png", "data", true},
    {"picture.jpg", "jpeg", "data", true},
    {"camera.jpg", "jpeg", "data", false},
    {"picture.gif", "gif", "data", true},
    {"picture.webp", "riff", "data", true},
    {"paper.pdf", "pdf", "data", false},
    {"rows.parquet", "parquet", "data", false},
    {"rows.arrow", "arrow", "data", false},
    {"piped.wav", "riff", "data", true},
    {"sound.wav", "riff", "data", true},
    {"sound.ogg", "ogg", "data", true},
    {"sound.flac", "flac", "data", false},
    {"vocab.txt", "text", "text", true},
    {"pieces.model", "sentencepiece", "data", true},
    {"pieces_tests.model", "sentencepiece", "data", true},
};

static void other_clean_files_raise_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct wh_arena a;
        struct scan_report r;
        wh_arena_init(&a, MEMORY);
        scan_bytes(&a, sample(&a, "clean", others[i].file), others[i].file, &r);
        assert_string_equal(scan_format_name(r.format), others[i].format);
        assert_string_equal(scan_class_name(r.class), others[i].class);
        assert_int_equal(r.verifiable, others[i].verifiable);
        if (r.findings.n) {
            fail_msg("%s: %.*s", others[i].file,
                     WH_FMT(r.findings.list[0].why));
        }
        wh_arena_done(&a);
    }
}

/* Cut anywhere, a model is not verifiable as one (the padding behind the last
 * tensor of a GGUF file may be missing). */
static void no_prefix_passes_for_the_model(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t padding;
    } rows[] = {{"bert.safetensors", 0}, {"llama.gguf", 32}};
    for (size_t i = 0; i < 2; i++) {
        struct wh_arena files;
        wh_arena_init(&files, MEMORY);
        struct wh_str all = sample(&files, "clean", rows[i].file);
        for (size_t n = 9; n + rows[i].padding < all.n;
             n += n < 1200 ? 1 : 97) {
            struct wh_arena a;
            struct scan_report r;
            wh_arena_init(&a, MEMORY);
            scan_bytes(&a, wh_str_sub(all, 0, n), "", &r);
            if (r.class != SCAN_CLASS_WEIGHTS || r.verifiable || r.weighs) {
                fail_msg("%s cut to %zu bytes: %s", rows[i].file, n,
                         scan_class_name(r.class));
            }
            wh_arena_done(&a);
        }
        wh_arena_done(&files);
    }
}

static void config_beside_the_file_is_held_against_it(void **state)
{
    (void)state;
    struct wh_arena a;
    struct scan_report r;
    struct wh_err err = {0};
    wh_arena_init(&a, MEMORY);
    struct wh_str bytes = sample(&a, "clean", "bert.safetensors");
    struct wh_src src = wh_src_mem(bytes.p, bytes.n);
    struct scan_options opt = {
        .config = WH_S("{\"model_type\":\"esm\",\"hidden_size\":17,"
                       "\"num_attention_heads\":4}")};
    unit_ok(scan_file(&src, &opt, &a, &r, &err), err);
    assert_true(scan_findings_has(&r.findings, SCAN_F_CONFIG_CONTRADICTION));
    assert_true(scan_findings_has(&r.findings, SCAN_F_SPECIALITY_BIOLOGY));
    assert_int_equal(r.biology, SCAN_PRESENCE_FOUND);
    assert_int_equal(r.arch.width, 16); /* the tensors' word stands */
    assert_int_equal(r.arch.heads, 4);
    opt.config = WH_S("{ no json");
    unit_ok(scan_file(&src, &opt, &a, &r, &err), err);
    unit_str(r.arch.family, "bert");
    wh_arena_done(&a);
}

static void a_small_vocabulary_is_not_called_harmless(void **state)
{
    (void)state;
    struct wh_arena a;
    struct scan_report r;
    wh_arena_init(&a, MEMORY);
    scan_bytes(&a, sample(&a, "clean", "char_model.safetensors"), "", &r);
    assert_int_equal(r.biology, SCAN_PRESENCE_UNKNOWN);
    scan_bytes(&a, sample(&a, "clean", "bert.safetensors"), "", &r);
    assert_int_equal(r.biology, SCAN_PRESENCE_NONE_FOUND);
    wh_arena_done(&a);
}

/* Names, order and sharding do not change what the tensors are; a changed bit
 * does. */
static void the_tensor_set_ignores_names_and_order(void **state)
{
    (void)state;
    static const char *const files[] = {
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[4,8]}}",
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]},"
        "\"y\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}"};
    static const char *const data[] = {"abcdefgh", "efghabcd", "efghabcD"};
    uint8_t set[3][WH_SHA256_LEN], names[3][WH_SHA256_LEN];
    for (size_t i = 0; i < 3; i++) {
        struct wh_arena a;
        struct wh_buf b;
        struct scan_report r;
        const char *header = files[i ? 1 : 0];
        wh_arena_init(&a, MEMORY);
        wh_buf_init(&b, 4096);
        wh_buf_u64le(&b, strlen(header));
        wh_buf_cstr(&b, header);
        wh_buf_cstr(&b, data[i]);
        scan_bytes(&a, wh_buf_str(&b), "", &r);
        assert_true(r.verifiable);
        memcpy(set[i], r.tensor_set, sizeof set[i]);
        memcpy(names[i], r.names, sizeof names[i]);
        wh_buf_done(&b);
        wh_arena_done(&a);
    }
    assert_memory_equal(set[0], set[1], sizeof set[0]);
    assert_memory_not_equal(set[1], set[2], sizeof set[0]);
    assert_memory_not_equal(names[0], names[1], sizeof names[0]);
    assert_memory_equal(names[1], names[2], sizeof names[0]);
}

static void compute_is_exact_and_short(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "3e14"},
                {3, "9e14"},
                {4, "1.2e15"},
                {10, "3e15"},
                {22713216, "6.8139648e21"},
                {134515008, "4.03545024e22"},
                {8030261248, "2.4090783744e24"},
                {UINT64_MAX, "5.5340232221128654845e33"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SCAN_COMPUTE_TEXT];
        scan_compute_hi(rows[i].n, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void the_result_is_canonical_and_complete(void **state)
{
    (void)state;
    struct wh_arena a;
    struct scan_report r;
    struct wh_buf b, again;
    struct wh_err err = {0};
    json_t *o;
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&b, 1u << 20);
    wh_buf_init(&again, 1u << 20);
    scan_bytes(&a, sample(&a, "clean", "llama.gguf"), "llama.gguf", &r);
    scan_report_json(&b, &r);
    unit_ok(wh_json_parse(&a, wh_buf_str(&b), &o, &err), err);
    unit_ok(wh_json_canonical(&again, o, &err), err);
    assert_true(wh_str_eq(wh_buf_str(&b), wh_buf_str(&again)));
    json_t *claims = json_object_get(o, "claims");
    json_t *size = json_object_get(claims, "size.params_total");
    assert_string_equal(json_string_value(json_object_get(size, "hi")), "2240");
    assert_string_equal(json_string_value(json_object_get(size, "by")),
                        "house");
    assert_true(json_is_null(json_object_get(size, "expires")));
    json_t *compute = json_object_get(claims, "compute.training");
    assert_string_equal(json_string_value(json_object_get(compute, "hi")),
                        "6.72e17");
    assert_string_equal(json_string_value(json_object_get(compute, "lo")), "0");
    wh_buf_done(&again);
    wh_buf_done(&b);
    wh_arena_done(&a);
}

/* What can not be weighed claims neither size nor compute: unknown. */
static void a_broken_model_claims_no_size(void **state)
{
    (void)state;
    struct wh_arena a;
    struct scan_report r;
    struct wh_buf b;
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&b, 1u << 20);
    scan_bytes(&a, sample(&a, "findings", "gguf.truncated--data.gguf"), "", &r);
    scan_report_json(&b, &r);
    struct wh_str s = wh_buf_str(&b);
    assert_true(wh_str_find_str(s, WH_S("size.params_total")) == SIZE_MAX);
    assert_true(wh_str_find_str(s, WH_S("compute.training")) == SIZE_MAX);
    assert_true(wh_str_find_str(s, WH_S("\"value\":\"no\"")) != SIZE_MAX);
    assert_true(r.has_sha256); /* owed for broken files too */
    wh_buf_done(&b);
    wh_arena_done(&a);
}

/* A source that fails is a failure of ours, never a verdict on the file. */
static bool broken_read(void *ctx, uint64_t off, void *buf, size_t n,
                        struct wh_err *err)
{
    const struct wh_str *s = ctx;
    if (off + n > s->n) {
        return wh_fail(err, WH_CORRUPT, "a broken disk");
    }
    memcpy(buf, s->p + off, n);
    return true;
}

static void a_failing_source_is_no_verdict(void **state)
{
    (void)state;
    static const char *const files[] = {"bert.safetensors", "llama.gguf",
                                        "text.md", "config.json"};
    for (size_t i = 0; i < 4; i++) {
        struct wh_arena a;
        struct scan_report r;
        struct wh_err err;
        wh_arena_init(&a, MEMORY);
        struct wh_str all = sample(&a, "clean", files[i]);
        struct wh_str good_part = wh_str_sub(all, 0, all.n - 1);
        struct wh_src src = {
            .size = all.n, .read_at = broken_read, .ctx = &good_part};
        unit_fails(scan_file(&src, NULL, &a, &r, &err), err, WH_CORRUPT);
        wh_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_finding_has_samples_that_raise_it),
        cmocka_unit_test(clean_models_are_weighed_exactly),
        cmocka_unit_test(every_gguf_type_is_counted),
        cmocka_unit_test(other_clean_files_raise_nothing),
        cmocka_unit_test(no_prefix_passes_for_the_model),
        cmocka_unit_test(config_beside_the_file_is_held_against_it),
        cmocka_unit_test(a_small_vocabulary_is_not_called_harmless),
        cmocka_unit_test(the_tensor_set_ignores_names_and_order),
        cmocka_unit_test(compute_is_exact_and_short),
        cmocka_unit_test(the_result_is_canonical_and_complete),
        cmocka_unit_test(a_broken_model_claims_no_size),
        cmocka_unit_test(a_failing_source_is_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
