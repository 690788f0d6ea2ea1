/*
 * checkpoint_fuzz.c - any bytes as a checkpoint's text: what parses is written
 * back byte for byte.
 */
#include "tlog/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlog_checkpoint cp;
    struct wh_err err = {0};
    struct wh_str in = wh_str_mem(data, size);
    if (!tlog_checkpoint_parse(in, &cp, &err)) {
        return 0;
    }
    struct wh_buf out;
    wh_buf_init(&out, 4096);
    tlog_checkpoint_text(&cp, &out);
    wh_assert(wh_str_eq(wh_buf_str(&out), in));
    wh_buf_done(&out);
    return 0;
}
