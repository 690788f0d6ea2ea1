/*
 * sse_fuzz.c - what an engine sends, in pieces whose sizes come from the first
 * byte: the same events as in one piece, and whatever they hold is heard or
 * refused.
 */
#include "base/mem.h"
#include "gateway/heard.h"
#include "gateway/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(const char *p, size_t n, size_t step, struct wh_buf *out,
                 struct gateway_ear *ear)
{
    struct gateway_sse s;
    gateway_sse_init(&s);
    for (size_t at = 0; at < n;) {
        size_t piece = n - at < step ? n - at : step, used = 0;
        enum gateway_sse_got got = gateway_sse_feed(&s, p + at, piece, &used);
        wh_assert(used > 0 && used <= piece);
        at += used;
        if (got == GATEWAY_SSE_OVER) {
            break;
        }
        if (got == GATEWAY_SSE_EVENT) {
            wh_buf_add(out, gateway_sse_data(&s));
            wh_buf_char(out, '|');
            if (ear != NULL &&
                gateway_ear_hear(ear, gateway_sse_data(&s), 4, true)) {
                for (size_t i = 0; i < ear->heard.n_texts; i++) {
                    const struct gateway_text *t = &ear->heard.texts[i];
                    wh_assert(t->choice < 4);
                    wh_assert(
                        wh_str_utf8_ok(gateway_ear_text(ear, t->from, t->n)));
                }
            }
        }
    }
    gateway_sse_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct wh_buf a, b;
    struct gateway_ear *ear = wh_alloc(sizeof *ear);
    gateway_ear_init(ear);
    wh_buf_init(&a, (size_t)64 << 20);
    wh_buf_init(&b, (size_t)64 << 20);
    feed((const char *)data + 1, size - 1, size, &a, ear);
    feed((const char *)data + 1, size - 1, (size_t)data[0] + 1, &b, NULL);
    wh_assert(wh_str_eq(wh_buf_str(&a), wh_buf_str(&b)));
    wh_buf_done(&a);
    wh_buf_done(&b);
    gateway_ear_done(ear);
    wh_free(ear);
    return 0;
}
