/*
 * Fuzz target of detect/views.h, structure.h, sketch.h and screen.h: the bytes
 * are a prompt. Every view is UTF-8, within its depth and the budget; the same
 * bytes give the same answer.
 */
#include "base/mem.h"
#include "detect/screen.h"
#include "detect/sketch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct detect_signatures *signatures;
static struct detect_screen *screen;
static const struct wh_str signs[] = {WH_SI("<|im_start|>"), WH_SI("")};

static void begin(void)
{
    struct wh_err err = {0};

    if (!screen) {
        wh_assert(detect_signatures_new(detect_signatures_shipped, &signatures,
                                        &err));
        wh_assert(detect_screen_new(signatures, &screen, &err));
    }
}

static void check_views(const struct detect_views *v, struct wh_str text)
{
    size_t sum = 0;

    for (size_t i = 0; i < v->n; i++) {
        const struct detect_view *view = &v->view[i];
        wh_assert(view->kind < DETECT_KIND_COUNT);
        wh_assert(view->depth <= DETECT_VIEWS_DEPTH);
        wh_assert(view->parent < i || i == 0);
        sum += i > 0 ? view->text.n : 0;
    }
    wh_assert(v->n >= 1 && v->n <= DETECT_VIEWS_MAX);
    wh_assert(sum <= DETECT_VIEWS_BUDGET && sum <= 4 * text.n);
    wh_assert(detect_ascii(text) || wh_str_utf8_ok(v->view[0].text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_str text = wh_str_mem(data, size);
    struct detect_prompt prompt = {
        .text = text, .template_signs = signs, .n_signs = 2};
    struct detect_result a, b;
    struct detect_sketch sketch;

    begin();
    detect_screen_run(screen, NULL, &prompt, 0, &a);
    detect_screen_run(screen, NULL, &prompt, 0, &b);
    wh_assert(a.n <= DETECT_SIGNALS_MAX && a.n == b.n && a.alarm == b.alarm);
    wh_assert(a.z >= 0 && a.z <= 10 && !(a.z < b.z) && !(a.z > b.z));
    for (size_t i = 0; i < a.n; i++) {
        wh_assert(a.signal[i].name && a.signal[i].reason);
        wh_assert(i == 0 || a.signal[i].weight <= a.signal[i - 1].weight);
    }
    if (size <= DETECT_TEXT_MAX) {
        check_views(&screen->views, text);
    }
    detect_sketch_make(&sketch, screen->views.view[0].text, 1);
    wh_assert(detect_sketch_words(&sketch, &sketch) >=
              (sketch.n_words ? 1 : 0));
    return 0;
}
