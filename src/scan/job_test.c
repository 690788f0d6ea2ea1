/*
 * job_test.c - the jobs as the zygote runs them: parameters in, answer out.
 */
#include "base/unit.h"

#include "base/json.h"
#include "base/mem.h"
#include "scan/index.h"
#include "scan/job.h"
#include "scan/scan.h"
#include "scan/testing.h"

#define MEMORY (64u << 20)

/* One run of a job. */
struct run {
    struct wh_buf params, answer, out;
    struct wh_src src[4];
    struct scan_io io;
    struct wh_err err;
};

static bool collect(void *ctx, struct wh_str piece, struct wh_err *err)
{
    (void)err;
    assert_true(piece.n > 0 && piece.n <= 1u << 20);
    wh_buf_add(ctx, piece);
    return true;
}

static int up(void **state)
{
    struct run *r = wh_alloc(sizeof *r);
    wh_buf_init(&r->params, 1u << 20);
    wh_buf_init(&r->answer, 1u << 20);
    wh_buf_init(&r->out, MEMORY);
    r->io = (struct scan_io){.src = r->src, .emit = collect, .ctx = &r->out};
    *state = r;
    return 0;
}

static int down(void **state)
{
    struct run *r = *state;
    wh_buf_done(&r->params);
    wh_buf_done(&r->answer);
    wh_buf_done(&r->out);
    wh_free(r);
    return 0;
}

static void give(struct run *r, struct wh_str bytes)
{
    r->src[r->io.nsrc++] = wh_src_mem(bytes.p, bytes.n);
}

static bool go(struct run *r, enum scan_job_type type)
{
    const struct scan_job_row *row = &scan_jobs[type - 1];
    assert_int_equal(row->type, type);
    wh_buf_reset(&r->answer);
    return row->run(wh_buf_str(&r->params), &r->io, &r->answer, &r->err);
}

static void a_file_is_weighed(void **state)
{
    struct run *r = *state;
    give(r, WH_S("\x02\0\0\0\0\0\0\0{}"));
    scan_job_file_params(&r->params, WH_S("a.safetensors"), true);
    scan_job_file_config(&r->params, WH_S("{\"model_type\":\"bert\"}"));
    unit_ok(go(r, SCAN_JOB_FILE), r->err);
    struct wh_str s = wh_buf_str(&r->answer);
    assert_true(wh_str_find_str(s, WH_S("\"format\":\"safetensors\"")) !=
                SIZE_MAX);
    assert_true(wh_str_find_str(s, WH_S("\"family\":\"bert\"")) != SIZE_MAX);
    assert_true(wh_str_find_str(s, WH_S("\"sha256\"")) != SIZE_MAX);
    assert_true(r->answer.n < SCAN_JOB_FILE_ANSWER);
}

static void malformed_parameters_are_refused(void **state)
{
    struct run *r = *state;
    give(r, WH_S("x"));
    for (int type = SCAN_JOB_FILE; type <= SCAN_JOB_KINDS; type++) {
        wh_buf_reset(&r->params);
        unit_fails(go(r, (enum scan_job_type)type), r->err, WH_INTERNAL);
        wh_buf_cstr(&r->params, "\2xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        unit_fails(go(r, (enum scan_job_type)type), r->err, WH_INTERNAL);
    }
}

static void a_xorb_is_verified_against_its_name(void **state)
{
    struct run *r = *state;
    struct scan_xorb_table t;
    struct scan_xet_hash hash;
    struct wh_arena a;
    struct wh_buf x;
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&x, 1024);
    scan_testing_chunk(&x, "hello", 5, 1);
    give(r, wh_buf_str(&x));
    assert_true(scan_xet_parse(
        WH_S(
            "9076ba12d998050b9c95c8bf770f943e6cad55c7490a82b76cf1582a2a05c2c2"),
        &hash));
    scan_job_xorb_params(&r->params, hash.b);
    unit_ok(go(r, SCAN_JOB_XORB), r->err);
    unit_ok(scan_xorb_table_read(wh_buf_str(&r->answer), &a, &t, &r->err),
            r->err);
    assert_true(scan_xet_eq(&t.hash, &hash));
    wh_buf_reset(&r->params);
    hash.b[0] ^= 1;
    scan_job_xorb_params(&r->params, hash.b);
    unit_fails(go(r, SCAN_JOB_XORB), r->err, WH_DIGEST_MISMATCH);
    wh_buf_done(&x);
    wh_arena_done(&a);
}

/* A file over two xorbs, one of them used twice, 3 MB in all. */
struct rebuild {
    struct wh_arena a;
    struct wh_buf xorb[2], terms, want;
    struct scan_xorb_table table[2];
    struct scan_xet_tree tree;
    uint32_t nterms;
};

static void add_term(struct rebuild *b, uint32_t x, uint32_t start,
                     uint32_t end)
{
    struct scan_xorb_codec *codec = scan_xorb_codec_new();
    uint8_t *chunk = wh_alloc(SCAN_XORB_CHUNK_MAX);
    struct wh_src src = wh_src_mem(b->xorb[x].p, b->xorb[x].n);
    struct scan_rebuild_term t = {.source = x + 1,
                                  .offset = b->table[x].chunks[start].offset,
                                  .chunks = end - start};
    for (uint32_t i = start; i < end; i++) {
        struct wh_err err;
        uint64_t next;
        uint32_t n;
        unit_ok(scan_xorb_chunk_read(codec, &src, b->table[x].chunks[i].offset,
                                     chunk, &n, &next, &err),
                err);
        wh_buf_mem(&b->want, chunk, n);
        scan_xet_tree_add(&b->tree, &b->table[x].chunks[i].hash, n);
        t.raw += n;
    }
    scan_job_rebuild_term(&b->terms, &t);
    b->nterms++;
    wh_free(chunk);
    scan_xorb_codec_free(&codec);
}

static void make_rebuild(struct rebuild *b)
{
    uint8_t *data = wh_alloc(SCAN_XORB_CHUNK_MAX);
    wh_arena_init(&b->a, MEMORY);
    wh_buf_init(&b->terms, 1u << 20);
    wh_buf_init(&b->want, MEMORY);
    for (unsigned x = 0; x < 2; x++) {
        struct wh_err err;
        wh_buf_init(&b->xorb[x], MEMORY);
        for (unsigned i = 0; i < 12; i++) {
            scan_testing_fill(data, SCAN_XORB_CHUNK_MAX, x * 100 + i + 1);
            scan_testing_chunk(&b->xorb[x], data, SCAN_XORB_CHUNK_MAX - i,
                               (int)(i % 3));
        }
        struct wh_src src = wh_src_mem(b->xorb[x].p, b->xorb[x].n);
        unit_ok(scan_xorb_verify(&src, &b->a, &b->table[x], &err), err);
    }
    add_term(b, 0, 0, 12);
    add_term(b, 1, 3, 7);
    add_term(b, 0, 5, 6);
    add_term(b, 1, 0, 12);
    wh_free(data);
}

static void end_rebuild(struct rebuild *b)
{
    wh_buf_done(&b->xorb[0]);
    wh_buf_done(&b->xorb[1]);
    wh_buf_done(&b->terms);
    wh_buf_done(&b->want);
    wh_arena_done(&b->a);
}

static void a_file_is_rebuilt_from_its_terms(void **state)
{
    struct run *r = *state;
    struct rebuild b = {0};
    struct scan_xet_hash hash;
    uint8_t got[32];
    uint64_t size;
    make_rebuild(&b);
    scan_xet_tree_file(&b.tree, &hash);
    give(r, wh_buf_str(&b.terms));
    give(r, wh_buf_str(&b.xorb[0]));
    give(r, wh_buf_str(&b.xorb[1]));
    scan_job_rebuild_params(&r->params, hash.b, b.want.n, b.nterms);
    unit_ok(go(r, SCAN_JOB_REBUILD), r->err);
    unit_ok(scan_job_rebuild_read(wh_buf_str(&r->answer), got, &size, &r->err),
            r->err);
    assert_memory_equal(got, hash.b, 32);
    assert_int_equal(size, b.want.n);
    assert_true(wh_str_eq(wh_buf_str(&r->out), wh_buf_str(&b.want)));
    /* Another hash, another size: refused. */
    wh_buf_reset(&r->params);
    hash.b[3] ^= 1;
    scan_job_rebuild_params(&r->params, hash.b, b.want.n, b.nterms);
    unit_fails(go(r, SCAN_JOB_REBUILD), r->err, WH_DIGEST_MISMATCH);
    for (unsigned i = 0; i < 2; i++) {
        wh_buf_reset(&r->params);
        scan_job_rebuild_params(&r->params, NULL, b.want.n - 1 + 2 * (size_t)i,
                                b.nterms);
        unit_fails(go(r, SCAN_JOB_REBUILD), r->err, WH_BAD_REQUEST);
    }
    /* Without a demanded hash the true one is told. */
    wh_buf_reset(&r->params);
    scan_job_rebuild_params(&r->params, NULL, b.want.n, b.nterms);
    unit_ok(go(r, SCAN_JOB_REBUILD), r->err);
    end_rebuild(&b);
}

static void terms_that_lie_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t to;
        enum wh_code code;
    } lies[] = {{0, 0, WH_INTERNAL},     /* the list itself as a source */
                {0, 9, WH_INTERNAL},     /* no such source */
                {4, 1, WH_BAD_REQUEST},  /* not at a chunk */
                {11, 1, WH_BAD_REQUEST}, /* far outside */
                {12, 13, WH_BAD_REQUEST},
                {14, 255, WH_INTERNAL}, /* more chunks than a xorb has */
                {16, 1, WH_BAD_REQUEST}};
    struct run *r = *state;
    struct rebuild b = {0};
    make_rebuild(&b);
    give(r, wh_buf_str(&b.terms));
    give(r, wh_buf_str(&b.xorb[0]));
    give(r, wh_buf_str(&b.xorb[1]));
    scan_job_rebuild_params(&r->params, NULL, b.want.n, b.nterms);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char old = b.terms.p[lies[i].at];
        b.terms.p[lies[i].at] = (char)lies[i].to;
        unit_fails(go(r, SCAN_JOB_REBUILD), r->err, lies[i].code);
        b.terms.p[lies[i].at] = old;
    }
    end_rebuild(&b);
}

static void a_shard_travels_parsed(void **state)
{
    struct run *r = *state;
    struct scan_shard s;
    struct wh_arena a;
    struct wh_buf x, shard;
    struct scan_xorb_table t;
    wh_arena_init(&a, MEMORY);
    wh_buf_init(&x, 1024);
    wh_buf_init(&shard, 1u << 20);
    scan_testing_chunk(&x, "hello", 5, 0);
    struct wh_src src = wh_src_mem(x.p, x.n);
    unit_ok(scan_xorb_verify(&src, &a, &t, &r->err), r->err);
    struct scan_shard_term term = scan_testing_term(&t, 0, 1);
    struct scan_shard_file file = {.count = 1, .terms = &term};
    scan_testing_file_hash(&file, &t);
    scan_testing_shard(&shard, &file, 1, &t, 1, 0);
    give(r, wh_buf_str(&shard));
    scan_job_shard_params(&r->params);
    unit_ok(go(r, SCAN_JOB_SHARD), r->err);
    unit_ok(scan_shard_read(wh_buf_str(&r->out), &a, &s, &r->err), r->err);
    assert_int_equal(s.nfiles, 1);
    assert_true(scan_xet_eq(&s.files[0].hash, &file.hash));
    wh_buf_done(&shard);
    wh_buf_done(&x);
    wh_arena_done(&a);
}

/* What a shard's own report says about it. */
static void add_shard(struct wh_buf *list, const char *name, struct wh_str file)
{
    struct wh_src src = wh_src_mem(file.p, file.n);
    struct scan_report report;
    struct wh_err err;
    struct wh_arena a;
    wh_arena_init(&a, MEMORY);
    unit_ok(scan_file(&src, NULL, &a, &report, &err), err);
    assert_true(report.verifiable);
    scan_job_index_shard(list, wh_str_of(name), report.names,
                         report.tensor_bytes);
    wh_arena_done(&a);
}

struct index_row {
    const char *text, *complaint; /* "[]" or a piece of the finding */
};

static const struct index_row index_rows[] = {
    {"{\"metadata\":{\"total_size\":9},\"weight_map\":{\"a\":\"1.s\",\"b\":"
     "\"1.s\",\"c\":\"2.s\"}}",
     "[]"},
    {"{\"weight_map\":{\"c\":\"2.s\",\"b\":\"1.s\",\"a\":\"1.s\"},\"x\":[1,{}]"
     "}",
     "[]"},
    {"{\"metadata\":{\"total_size\":10},\"weight_map\":{\"a\":\"1.s\",\"b\":"
     "\"1.s\",\"c\":\"2.s\"}}",
     "10 bytes in all"},
    {"{\"weight_map\":{\"a\":\"1.s\",\"c\":\"2.s\"}}", "tensors of '1.s'"},
    {"{\"weight_map\":{\"a\":\"1.s\",\"b\":\"2.s\",\"c\":\"2.s\"}}",
     "tensors of '1.s'"},
    {"{\"weight_map\":{\"a\":\"1.s\",\"b\":\"1.s\",\"c\":\"2.s\",\"d\":"
     "\"2.s\"}}",
     "tensors of '2.s'"},
    {"{\"weight_map\":{\"a\":\"1.s\",\"b\":\"1.s\",\"c\":\"3.s\"}}",
     "which is not there"},
    {"{\"weight_map\":{\"a\":\"1.s\",\"a\":\"2.s\"}}", "twice"},
    {"{\"weight_map\":[]}", "malformed"},
};

static void an_index_is_held_against_its_shards(void **state)
{
    struct run *r = *state;
    struct wh_buf list;
    static const char one[] =
        "\x69\0\0\0\0\0\0\0"
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}"
        "12345678";
    static const char two[] =
        "\x35\0\0\0\0\0\0\0"
        "{\"c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}1";
    wh_buf_init(&list, 4096);
    add_shard(&list, "1.s", wh_str_mem(one, sizeof one - 1));
    add_shard(&list, "2.s", wh_str_mem(two, sizeof two - 1));
    scan_job_index_params(&r->params);
    for (size_t i = 0; i < sizeof index_rows / sizeof index_rows[0]; i++) {
        r->io.nsrc = 0;
        give(r, wh_str_of(index_rows[i].text));
        give(r, wh_buf_str(&list));
        unit_ok(go(r, SCAN_JOB_INDEX), r->err);
        struct wh_str s = wh_buf_str(&r->answer);
        if (wh_str_find_str(s, wh_str_of(index_rows[i].complaint)) ==
            SIZE_MAX) {
            fail_msg("%s: %.*s", index_rows[i].text, WH_FMT(s));
        }
    }
    wh_buf_done(&list);
}

static void small_files_have_kinds(void **state)
{
    struct run *r = *state;
    struct scan_kind k[3];
    give(r, WH_S("plain words\n"));
    give(r, WH_S("\x7f"
                 "ELF\2\1\1\0\0\0\0\0\0\0\0\0"));
    give(r, WH_S("\x02\0\0\0\0\0\0\0{}"));
    scan_job_kinds_params(&r->params);
    unit_ok(go(r, SCAN_JOB_KINDS), r->err);
    unit_ok(scan_job_kinds_read(wh_buf_str(&r->answer), k, 3, &r->err), r->err);
    assert_int_equal(k[0].class, SCAN_CLASS_TEXT);
    assert_int_equal(k[0].format, SCAN_FMT_TEXT);
    assert_int_equal(k[1].class, SCAN_CLASS_PROGRAM);
    assert_int_equal(k[1].format, SCAN_FMT_ELF);
    assert_int_equal(k[2].class, SCAN_CLASS_WEIGHTS);
}

static void kinds_are_bounded(void **state)
{
    struct run *r = *state;
    struct wh_src many[SCAN_JOB_KINDS_MAX + 1];
    char *big = wh_calloc(1, SCAN_JOB_KINDS_EACH + 1);
    scan_job_kinds_params(&r->params);
    give(r, wh_str_mem(big, SCAN_JOB_KINDS_EACH));
    unit_ok(go(r, SCAN_JOB_KINDS), r->err);
    r->src[0].size++;
    unit_fails(go(r, SCAN_JOB_KINDS), r->err, WH_INTERNAL);
    r->io.src = many;
    r->io.nsrc = SCAN_JOB_KINDS_MAX + 1;
    for (size_t i = 0; i < r->io.nsrc; i++) {
        many[i] = wh_src_mem("x", 1);
    }
    unit_fails(go(r, SCAN_JOB_KINDS), r->err, WH_INTERNAL);
    r->io.nsrc--;
    unit_ok(go(r, SCAN_JOB_KINDS), r->err);
    assert_true(r->answer.n <= SCAN_JOB_KINDS_ANSWER);
    for (size_t i = 0; i < r->io.nsrc; i++) {
        many[i] = wh_src_mem(big, SCAN_JOB_KINDS_EACH);
    }
    unit_fails(go(r, SCAN_JOB_KINDS), r->err, WH_INTERNAL);
    wh_free(big);
}

static void kinds_that_lie_are_refused(void **state)
{
    struct run *r = *state;
    struct scan_kind k[2];
    static const struct {
        struct wh_str answer;
        bool good;
    } rows[] = {
        {WH_SI("\1\1\7\1\7"), true},    {WH_SI(""), false},
        {WH_SI("\2\1\7\1\7"), false},   {WH_SI("\1\1\7\1"), false},
        {WH_SI("\1\1\7\1\7\1"), false}, {WH_SI("\1\xf0\7\1\7"), false},
        {WH_SI("\1\1\7\1\xff"), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        r->err = (struct wh_err){0};
        assert_int_equal(scan_job_kinds_read(rows[i].answer, k, 2, &r->err),
                         rows[i].good);
        assert_int_equal(r->err.code, rows[i].good ? WH_NONE : WH_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_weighed, up, down),
        cmocka_unit_test_setup_teardown(malformed_parameters_are_refused, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_xorb_is_verified_against_its_name, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_file_is_rebuilt_from_its_terms, up,
                                        down),
        cmocka_unit_test_setup_teardown(terms_that_lie_are_refused, up, down),
        cmocka_unit_test_setup_teardown(a_shard_travels_parsed, up, down),
        cmocka_unit_test_setup_teardown(an_index_is_held_against_its_shards, up,
                                        down),
        cmocka_unit_test_setup_teardown(small_files_have_kinds, up, down),
        cmocka_unit_test_setup_teardown(kinds_are_bounded, up, down),
        cmocka_unit_test_setup_teardown(kinds_that_lie_are_refused, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
