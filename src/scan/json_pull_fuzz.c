/*
 * Fuzz target of scan/json_pull.h: reading ends, stays inside its limits, and
 * whatever base/json.h (another strict reader) refuses as duplicate or
 * malformed within its own limits is refused here too.
 */
#include "base/json.h"
#include "scan/json_pull.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_all(const uint8_t *data, size_t size,
                     const struct scan_json_limits *limits)
{
    struct wh_src src = wh_src_mem(data, size);
    struct wh_err err = {0};
    struct scan_win w;
    struct scan_json j;
    enum scan_json_token t = SCAN_JSON_OBJECT;
    size_t tokens = 0;
    scan_win_init(&w, &src, 0, size, &err);
    scan_json_init(&j, &w, limits, &err);
    while (t != SCAN_JSON_END && scan_json_next(&j, &t)) {
        wh_assert(++tokens <= size + 1);
        wh_assert(j.at <= size && j.depth <= limits->depth);
        wh_assert(scan_json_text(&j).n <= limits->string + size);
        wh_assert(wh_str_utf8_ok(scan_json_text(&j)));
    }
    bool rest = scan_win_left(&w) > 0;
    bool ok = j.fault == SCAN_JSON_FINE;
    wh_assert(ok || err.code != WH_NONE);
    scan_json_done(&j);
    scan_win_done(&w);
    return ok && !rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct scan_json_limits wide = {
        .depth = 60, .keys = 1u << 20, .string = 1u << 20};
    static const struct scan_json_limits narrow = {
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
