/*
 * form_fuzz.c - a content type, a line end, a form.
 */
#include "net/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_err err = {0};
    struct net_pairs p;
    struct wh_str body = wh_str_mem(data, size < 60000 ? size : 60000), type;
    wh_arena_init(&a, 8 << 20);
    (void)wh_str_cut(&body, '\n', &type);
    if (net_form_parse_body(&a, type, body, &p, &err)) {
        size_t bytes = 0;
        for (size_t i = 0; i < p.n; i++) {
            bytes += p.v[i].name.n + p.v[i].value.n;
        }
        wh_assert(p.n <= NET_PAIRS && bytes <= body.n);
    }
    wh_arena_done(&a);
    return 0;
}
