/*
 * Fuzz target of the front matter: the cut gives back parts of the card; what
 * is accepted is an object that survives being written and read again.
 */
#include "hub/front.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const json_t *v)
{
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf b;
    json_t *again;

    wh_assert(json_is_object(v));
    wh_arena_init(&a, 1 << 24);
    wh_buf_init(&b, 1 << 22);
    wh_json_write(&b, v, false);
    wh_assert(!b.over);
    wh_assert(wh_json_parse(&a, wh_buf_str(&b), &again, &err));
    wh_assert(json_equal(v, again));
    wh_buf_done(&b);
    wh_arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_str card = wh_str_mem(data, size), front, body;
    struct wh_err err = {0};
    struct wh_arena a;
    json_t *v;

    if (size > 65536) {
        return 0;
    }
    wh_arena_init(&a, 1 << 24);
    if (!hub_front_cut(card, &front, &body)) {
        wh_assert(body.n == card.n && front.n == 0);
        front = card; /* so that most inputs reach the parser */
    } else {
        wh_assert(front.n + body.n < card.n);
    }
    if (hub_front_parse(&a, front, &v, &err)) {
        round_trip(v);
    } else {
        wh_assert(err.code != WH_NONE);
    }
    wh_arena_done(&a);
    return 0;
}
