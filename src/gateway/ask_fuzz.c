/*
 * ask_fuzz.c - bodies of requests: refused with words, or written anew in a
 * form that reads the same, with a reader that has read all inputs before. The
 * first byte says which endpoint.
 */
#include "gateway/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wh_pull *lent;

static void again(struct wh_arena *a, const struct gateway_ask *ask)
{
    struct gateway_ask back;
    struct gateway_fault f;
    struct wh_buf b;
    wh_buf_init(&b, GATEWAY_BODY_MAX * 2);
    gateway_ask_write(ask, WH_S("m"), 7, false, &b);
    wh_assert(!b.over);
    wh_assert(
        gateway_ask_read(a, lent, ask->endpoint, wh_buf_str(&b), &back, &f));
    wh_assert(back.n_said == ask->n_said && back.messages == ask->messages);
    wh_assert(back.n == ask->n && back.stream == ask->stream);
    wh_assert(back.biased == ask->biased && back.max_tokens == 7);
    wh_assert(back.token_bound == ask->token_bound);
    for (size_t i = 0; i < ask->n_said; i++) {
        wh_assert(wh_str_utf8_ok(ask->said[i].text));
    }
    wh_buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct wh_arena a;
    struct gateway_ask ask, other;
    struct gateway_fault f, other_f;
    struct wh_str body = wh_str_mem(data + 1, size - 1);
    if (lent == NULL) {
        lent = gateway_ask_pull_new();
    }
    enum gateway_endpoint e = data[0] & 1 ? GATEWAY_TEXT : GATEWAY_CHAT;
    wh_arena_init(&a, (size_t)64 << 20);
    bool good = gateway_ask_read(&a, NULL, e, body, &ask, &f);
    wh_assert(gateway_ask_read(&a, lent, e, body, &other, &other_f) == good);
    wh_assert(other_f.code == f.code);
    if (good) {
        wh_assert(gateway_ask_custody(&ask, &f) || f.message[0] != 0);
        again(&a, &ask);
    } else {
        struct wh_buf b;
        wh_assert(f.code != GATEWAY_FINE && f.message[0] != '\0');
        wh_buf_init(&b, 65536);
        gateway_fault_write(&f, &b);
        wh_assert(!b.over && wh_str_utf8_ok(wh_buf_str(&b)));
        wh_buf_done(&b);
    }
    wh_arena_done(&a);
    return 0;
}
