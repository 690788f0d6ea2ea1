/*
 * Fuzz target of base/json.h: what parses can be written and parses again to
 * an equal value; the canonical form is a fixed point; escaped text of any
 * bytes is a JSON string.
 */
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct wh_arena *a, const json_t *v, struct wh_buf *b)
{
    struct wh_err err = {0};
    json_t *again;
    wh_json_write(b, v, false);
    wh_assert(wh_json_parse(a, wh_buf_str(b), &again, &err));
    wh_buf_reset(b);
    if (!wh_json_canonical(b, v, &err)) {
        return;
    }
    wh_assert(json_equal(v, again)); /* no reals here: those may round */
    wh_assert(wh_json_parse(a, wh_buf_str(b), &again, &err));
    wh_assert(json_equal(v, again));
    struct wh_buf second;
    wh_buf_init(&second, b->ceiling);
    wh_assert(wh_json_canonical(&second, again, &err));
    wh_assert(wh_str_eq(wh_buf_str(b), wh_buf_str(&second)));
    wh_buf_done(&second);
}

static void escaped(struct wh_arena *a, struct wh_str s, struct wh_buf *b)
{
    struct wh_err err = {0};
    json_t *v;
    wh_buf_reset(b);
    wh_buf_json(b, s);
    if (wh_str_find(s, '\0') == SIZE_MAX) {
        wh_assert(wh_json_parse(a, wh_buf_str(b), &v, &err));
        wh_assert(json_is_string(v));
    }
    json_decref(wh_json_str(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_buf b;
    struct wh_err err = {0};
    struct wh_str s = wh_str_mem(data, size);
    json_t *v;
    wh_arena_init(&a, 1 << 20);
    wh_buf_init(&b, size * 8 + 64);
    if (wh_json_parse(&a, s, &v, &err)) {
        round_trip(&a, v, &b);
    } else {
        wh_assert(err.code == WH_BAD_JSON || err.code == WH_TOO_LARGE);
        wh_assert(wh_str_utf8_ok(wh_str_of(err.msg)));
    }
    escaped(&a, s, &b);
    wh_buf_done(&b);
    wh_arena_done(&a);
    return 0;
}
