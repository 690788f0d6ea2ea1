/*
 * Fuzz target: any text is refused or is a statement with one form, whose
 * closing has an end and whose opening was confirmed.
 */
#include "rule/floor.h"
#include "rule/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_err err = {0};
    struct rule_statement s;
    struct wh_str text = wh_str_mem(data, size);
    if (!rule_statement_read(text, &s, &err)) {
        wh_assert(err.code != WH_NONE && err.msg[0] != '\0');
        return 0;
    }
    struct wh_buf b;
    wh_buf_init(&b, RULE_STATEMENT_MAX);
    rule_statement_write(&s, &b);
    wh_assert(wh_str_eq(wh_buf_str(&b), text));
    wh_buf_done(&b);
    wh_assert(s.n_reasons > 0);
    wh_assert(s.until == 0 || s.until - s.made <= RULE_HOLD_MAX_S);
    if (s.act == RULE_ACT_CLOSE) {
        wh_assert(s.until - s.made <= RULE_EMERGENCY_S && s.n_rules > 0);
    }
    if (rule_act_row(s.act)->irrevocable) {
        wh_assert(wh_str_find_str(text, WH_S("this cannot be taken back")) !=
                  SIZE_MAX);
    }
    return 0;
}
