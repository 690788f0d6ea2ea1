/*
 * vkey_fuzz.c - any bytes as a verifier key: what parses is written back byte
 * for byte.
 */
#include "base/err.h"
#include "tlog/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlog_vkey key;
    struct wh_err err = {0};
    struct wh_str in = wh_str_mem(data, size);
    if (!tlog_vkey_parse(in, &key, &err)) {
        return 0;
    }
    struct wh_buf out;
    wh_buf_init(&out, TLOG_VKEY_TEXT);
    tlog_vkey_text(&key, &out);
    wh_assert(wh_str_eq(wh_buf_str(&out), in));
    wh_buf_done(&out);
    return 0;
}
