/*
 * Unit tests of detect/screen.h, with rules and a model of its own about salt
 * and grain.
 */
#include "base/mem.h"
#include "base/unit.h"
#include "detect/screen.h"
#include <math.h>

#define RULES                                                       \
    "{\"v\":1,\"classes\":{\"a\":[\"salt\"],\"b\":[\"grain\"]},"    \
    "\"provenance\":{\"t\":\"test\"},\"rules\":[{\"id\":\"cargo\"," \
    "\"category\":\"override\",\"weight\":40,\"on\":\"prompt\","    \
    "\"provenance\":\"t\",\"seq\":[\"a\",\"b\"],\"gap\":12}]}"

static struct detect_signatures *signatures;
static struct detect_screen *screen;
static struct detect_model *model;

static struct detect_result run(struct wh_str text, const char *segment,
                                unsigned flags)
{
    struct detect_prompt p = {
        .text = text, .segment = wh_str_of(segment), .flags = flags};
    struct detect_result r;
    detect_screen_run(screen, model, &p, DETECT_POINT, &r);
    return r;
}

static void make_model(void)
{
    struct detect_features *f = &screen->features;
    model = detect_model_new();
    model->scale = 1;
    model->bias = -3;
    model->at[DETECT_POINT] = 0.5;
    model->n_segments = 2;
    model->segment[0] =
        (struct detect_segment){.name = "ask", .rows = 100, .p0 = 0.01};
    model->segment[1] =
        (struct detect_segment){.name = "code", .rows = 100, .p0 = 0.07};
    for (size_t i = 0; i < DETECT_LENGTHS; i++) {
        model->slope[i] = 1;
        model->offset[i] = (double)i;
    }
    detect_features_make(f, WH_S("herring"));
    for (uint32_t i = 0; i < f->n; i++) {
        model->weight[f->slot[i]] = 2;
    }
}

static void layers_add_up(void **state)
{
    (void)state;
    struct detect_result r = run(WH_S("tar"), "ask", 0);
    assert_true(fabs(r.z + 3) < 1e-9);
    assert_false(r.alarm);
    assert_true(r.calibrated);
    assert_true(fabs(r.chance - 1 / (1 + exp(3))) < 1e-9);
    r = run(WH_S("Salt with grain"), "ask", 0);
    assert_true(fabs(r.z - 1) < 1e-9);
    assert_true(r.alarm);
    assert_string_equal(r.signal[0].name, "cargo");
    assert_int_equal(r.signal[0].layer, DETECT_LAYER_SIGNATURE);
    assert_string_equal(r.signal[0].reason,
                        detect_category_row(DETECT_CATEGORY_OVERRIDE)->reason);
    assert_true(run(WH_S("herring"), "ask", 0).z > -3);
    r = run(WH_S("tar"), "ask", DETECT_FLAG_EDITED | DETECT_FLAG_PREFILLED);
    assert_true(fabs(r.z - 1) < 1e-9);
    assert_string_equal(r.signal[0].name, "edited");
    assert_string_equal(r.signal[1].name, "prefilled");
}

/* A rule that hits inside an encoding names the reading. */
static void views_are_read(void **state)
{
    (void)state;
    struct detect_result r =
        run(WH_S("c2FsdCBhbmQgZ3JhaW4gZm9yIHRoZSB0b3du"), "ask", 0);
    bool found = false;
    for (size_t i = 0; i < r.n; i++) {
        found = found || (strcmp(r.signal[i].name, "cargo") == 0 &&
                          r.signal[i].view == DETECT_KIND_BASE64);
    }
    assert_true(found);
    assert_true(r.alarm);
}

static void segments_have_rates(void **state)
{
    (void)state;
    assert_true(run(WH_S("salt grain"), "ask", 0).alarm);
    assert_false(run(WH_S("tar"), "ask", 0).alarm);
    assert_true(run(WH_S("tar"), "ask", 0).p0 == 0.01);
    assert_true(run(WH_S("tar"), "code", 0).p0 == 0.07);
    assert_true(run(WH_S("tar"), "", 0).p0 == 0.07); /* the worst */
}

static void without_a_classifier(void **state)
{
    (void)state;
    struct detect_model *kept = model;
    model = NULL;
    struct detect_result r = run(WH_S("salt and grain"), "ask", 0);
    assert_false(r.calibrated);
    assert_true(isnan(r.chance));
    assert_true(r.alarm);
    assert_false(run(WH_S("salt"), "ask", 0).alarm);
    model = kept;
}

/* Over several pieces, and on the seam between two. */
static void long_texts(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    for (size_t at = DETECT_TEXT_MAX - 1100; at < DETECT_TEXT_MAX + 8;
         at += 7) {
        wh_buf_reset(&b);
        while (b.n < at) {
            wh_buf_cstr(&b, "tar ");
        }
        wh_buf_cstr(&b, "salt and grain ");
        while (b.n < 2 * DETECT_TEXT_MAX) {
            wh_buf_cstr(&b, "tar ");
        }
        struct detect_result r = run(wh_buf_str(&b), "ask", 0);
        assert_true(r.z >= 1 - 1e-9);
        assert_true(r.n <= DETECT_SIGNALS_MAX);
    }
    wh_buf_done(&b);
}

static void model_file(void **state)
{
    (void)state;
    struct detect_model *again = NULL;
    struct wh_err err;
    struct wh_buf b;
    wh_buf_init(&b, DETECT_MODEL_BYTES_MAX);
    detect_model_write(model, &b);
    assert_false(b.over);
    unit_ok(detect_model_read(wh_buf_str(&b), &again, &err), err);
    assert_memory_equal(again->weight, model->weight, sizeof(model->weight));
    assert_true(again->segment[1].p0 == 0.07 && again->bias == -3);
    detect_model_free(&again);
    for (size_t n = 0; n < b.n; n += n < 600 ? 1 : 40000) {
        unit_fails(detect_model_read(wh_str_mem(b.p, n), &again, &err), err,
                   WH_BAD_REQUEST);
        b.p[n] ^= 1;
        unit_fails(detect_model_read(wh_buf_str(&b), &again, &err), err,
                   WH_BAD_REQUEST);
        b.p[n] ^= 1;
    }
    wh_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_add_up),
        cmocka_unit_test(views_are_read),
        cmocka_unit_test(segments_have_rates),
        cmocka_unit_test(without_a_classifier),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(model_file),
    };
    struct wh_err err = {0};
    if (!detect_signatures_new(WH_S(RULES), &signatures, &err) ||
        !detect_screen_new(signatures, &screen, &err)) {
        print_error("%s %s\n", err.msg, err.detail);
        return 1;
    }
    make_model();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    detect_model_free(&model);
    detect_screen_free(&screen);
    detect_signatures_free(&signatures);
    return failed;
}
