/*
 * Fuzz target of cards: whatever is rendered passes the independent reader.
 */
#include "hub/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hub_card_links links = {{"/r/pages/", 9},
                                                {"/r/files/", 9}};
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf html;

    if (size > 16384) {
        return 0;
    }
    wh_arena_init(&a, 1 << 24);
    wh_buf_init(&html, HUB_CARD_HTML_MAX);
    if (hub_card_render(&a, wh_str_mem(data, size), &links, &html, &err)) {
        const char *wrong = hub_card_check(wh_buf_str(&html), links.files);
        if (wrong) {
            wh_panic(__FILE__, __LINE__, wrong);
        }
    } else {
        wh_assert(err.code != WH_NONE);
    }
    wh_buf_done(&html);
    wh_arena_done(&a);
    return 0;
}
