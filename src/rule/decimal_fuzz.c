/*
 * Fuzz target: any text is refused or is one exact value, which prints to a
 * text that reads back to the same value.
 */
#include "rule/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rule_dec d, again, sum, product;
    struct wh_buf b;

    if (!rule_dec_parse(wh_str_mem(data, size), &d)) {
        return 0;
    }
    wh_buf_init(&b, 1000);
    rule_dec_text(&d, &b);
    wh_assert(rule_dec_parse(wh_buf_str(&b), &again));
    wh_assert(d.n == again.n && d.exp == again.exp);
    wh_assert(rule_dec_cmp(&d, &again) == 0);
    wh_assert(rule_dec_add(&d, &d, &sum));
    rule_dec_u64(2, &again);
    wh_assert(rule_dec_mul(&d, &again, &product));
    wh_assert(rule_dec_cmp(&sum, &product) == 0);
    wh_assert((rule_dec_cmp(&d, &sum) < 0) == (d.n > 0));
    wh_buf_done(&b);
    return 0;
}
