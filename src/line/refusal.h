/*
 * refusal.h - saying no: what is refused, by which line and rule, on which
 * evidence, until when, and where to read on or object.
 * Owner: writes into the caller's buffer.
 * Never: refuses without a reason and an address.
 */
#ifndef WH_LINE_REFUSAL_H
#define WH_LINE_REFUSAL_H

#include "base/json.h"
#include "rule/words.h"

/* Bytes of the short form at most: it is a header of an HTTP answer. */
#define LINE_REFUSAL_MAX 400

struct line_refusal {
    struct wh_str name; /* of the repo: "demo/smollm2" */
    enum rule_part part;
    json_t *decision;  /* its document; null: not weighed or decided yet */
    struct wh_str why; /* it can not be weighed, and is held for that: a
                          sentence without its full stop; "" for all else */
    struct wh_str url; /* of the decision's page, whole */
};

/* One ASCII sentence or several, at most LINE_REFUSAL_MAX bytes, no control
 * bytes; the address always stands whole at the end (an address of more than
 * 200 bytes is left out). What does not fit is cut with "...". */
void line_refusal_short(const struct line_refusal *r, struct wh_buf *b);

/* The same for pages and API bodies; new reference: headline, tone, why,
 * reasons
 * (line, version, rule, sentence, seen), missing ({items} or null), decided,
 * until, link, appeal. */
json_t *line_refusal_json(const struct line_refusal *r);

#endif
