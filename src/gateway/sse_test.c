/*
 * sse_test.c - events, however they are cut into pieces.
 */
#include "base/unit.h"

#include "gateway/sse.h"

#include <stdlib.h>

/* All events of a text fed in pieces of n bytes, each followed by '|'; an event
 * named "error" is marked with '!'. */
static void all(struct wh_str text, size_t n, struct wh_buf *out)
{
    struct gateway_sse s;
    gateway_sse_init(&s);
    while (text.n > 0) {
        struct wh_str piece = wh_str_sub(text, 0, n);
        text = wh_str_sub(text, piece.n, text.n);
        while (piece.n > 0) {
            size_t used = 0;
            enum gateway_sse_got got =
                gateway_sse_feed(&s, piece.p, piece.n, &used);
            assert_true(used > 0 && used <= piece.n);
            piece = wh_str_sub(piece, used, piece.n);
            if (got == GATEWAY_SSE_EVENT) {
                wh_buf_add(out, gateway_sse_data(&s));
                wh_buf_cstr(out, gateway_sse_is_error(&s) ? "!|" : "|");
            }
            assert_int_not_equal(got, GATEWAY_SSE_OVER);
        }
    }
    gateway_sse_done(&s);
}

static void events_in_any_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"data: a\n\n", "a|"},
        {"data:a\n\n", "a|"},
        {"data:  a\n\n", " a|"},
        {"data: a\r\n\r\ndata: b\r\n\r\n", "a|b|"},
        {"data: a\r\rdata: b\r\r", "a|b|"},
        {"data: a\ndata: b\n\n", "a\nb|"},
        {"data: a\n", ""},
        {"data: a", ""},
        {": comment\n\ndata: a\n\n", "a|"},
        {"id: 1\nretry: 5\ndata: a\n\n", "a|"},
        {"event: error\ndata: a\n\ndata: b\n\n", "a!|b|"},
        {"event: error\n\ndata: b\n\n", "b|"},
        {"data\n\n", "|"},
        {"data:\n\n", "|"},
        {"\n\n\ndata: [DONE]\n\n\n", "[DONE]|"},
        {"datax: a\n\n", ""},
        {"data: {\"a\": 1}\n\ndata: x:y\n\n", "{\"a\": 1}|x:y|"},
        {"data: a\r\n\rdata: b\n\r", "a|b|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t n = 1; n <= strlen(cases[i].text); n++) {
            struct wh_buf out;
            wh_buf_init(&out, 4096);
            all(wh_str_of(cases[i].text), n, &out);
            unit_str(wh_buf_str(&out), cases[i].want);
            wh_buf_done(&out);
        }
    }
}

static void an_event_has_a_ceiling(void **state)
{
    (void)state;
    static const char *const shapes[] = {"x", "data: xxxxxxx\n"};
    for (size_t k = 0; k < 2; k++) {
        struct gateway_sse s;
        size_t fed = 0, n = strlen(shapes[k]), used = 0;
        enum gateway_sse_got got = GATEWAY_SSE_MORE;
        gateway_sse_init(&s);
        while (got == GATEWAY_SSE_MORE && fed < 4 * GATEWAY_EVENT_MAX) {
            got = gateway_sse_feed(&s, shapes[k], n, &used);
            fed += n;
        }
        assert_int_equal(got, GATEWAY_SSE_OVER);
        gateway_sse_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_in_any_pieces),
        cmocka_unit_test(an_event_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
