/*
 * exam_set_fuzz.c - a file of prompts that is anything: read or refused, and
 * what was read can be drawn.
 */
#include "base/mem.h"
#include "gateway/exam_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gateway_set s;
    struct wh_err err = {0};

    gateway_set_init(&s);
    if (gateway_set_add(&s, WH_S("rows.jsonl"), wh_str_mem(data, size), &err) &&
        gateway_set_close(&s, &err)) {
        const struct gateway_prompt **out =
            wh_calloc(s.n + 1, sizeof(struct gateway_prompt *));
        wh_assert(s.harm + s.benign == s.n);
        if (gateway_set_draw(&s, 1, s.harm, s.benign, out, &err)) {
            for (size_t i = 0; i < s.n; i++) {
                wh_assert(out[i]->harm == (i < s.harm));
            }
        }
        wh_free(out);
    }
    gateway_set_done(&s);
    return 0;
}
