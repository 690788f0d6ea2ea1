/*
 * filter.c - the filter that is none.
 */
#include "gateway/filter.h"

static bool none_request(void *ctx, void *worker, struct wh_arena *a,
                         const struct gateway_asked *asked, void **state,
                         struct gateway_refusal *no)
{
    (void)ctx;
    (void)worker;
    (void)a;
    (void)asked;
    (void)no;
    *state = NULL;
    return true;
}

static bool none_text(void *ctx, void *state, const struct gateway_piece *piece,
                      size_t *release, struct gateway_cut *cut)
{
    (void)ctx;
    (void)state;
    (void)cut;
    *release = piece->text.n;
    return true;
}

static void none_end(void *ctx, void *state, const struct gateway_ended *how)
{
    (void)ctx;
    (void)state;
    (void)how;
}

const struct gateway_filter gateway_filter_none = {.only_custody = true,
                                                   .request = none_request,
                                                   .text = none_text,
                                                   .end = none_end};
