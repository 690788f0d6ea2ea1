/*
 * bundle_fuzz.c - any bytes as an entry bundle (the first byte gives the width)
 * and as a tile name: what parses is written back byte for byte.
 */
#include "tlog/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void name(struct wh_str in)
{
    struct tlog_tile t;
    if (!tlog_tile_parse(in, &t)) {
        return;
    }
    char out[TLOG_TILE_NAME];
    tlog_tile_name(&t, out);
    wh_assert(wh_str_is(in, out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    name(wh_str_mem(data, size));
    if (size < 1) {
        return 0;
    }
    struct wh_str out[TLOG_TILE_WIDTH];
    struct wh_err err = {0};
    unsigned width = data[0] + 1U;
    struct wh_str in = wh_str_mem(data + 1, size - 1);
    if (!tlog_bundle_split(in, width, out, &err)) {
        return 0;
    }
    struct wh_buf again;
    wh_buf_init(&again, TLOG_BUNDLE_MAX);
    for (unsigned i = 0; i < width; i++) {
        tlog_bundle_add(&again, out[i]);
    }
    wh_assert(wh_str_eq(wh_buf_str(&again), in));
    wh_buf_done(&again);
    return 0;
}
