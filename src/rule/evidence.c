/*
 * evidence.c - what an evidence document says, and why it may not count.
 *
 * The exported jq program (eval.jq) makes the same checks in the same order;
 * a change here is a change there.
 */
#include "rule/evidence.h"

/* The text of a JSON string; empty for everything else. */
static struct wh_str text_of(const json_t *v)
{
    if (!json_is_string(v)) {
        return (struct wh_str){"", 0};
    }
    return wh_str_mem(json_string_value(v), json_string_length(v));
}

/* A key that is absent or null says nothing. */
static bool is_set(const json_t *v)
{
    return v != NULL && !json_is_null(v);
}

static bool is_hex64(struct wh_str s)
{
    if (s.n != 64) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (!digit && (s.p[i] < 'a' || s.p[i] > 'f')) {
            return false;
        }
    }
    return true;
}

void rule_evidence_open(const json_t *doc, struct rule_evidence *out)
{
    *out = (struct rule_evidence){.subject = {"", 0}, .now = {"", 0}};
    const json_t *v = json_object_get(doc, "v");
    const json_t *map = json_object_get(doc, "evidence");
    struct wh_str subject = text_of(json_object_get(doc, "subject"));
    struct wh_str now = text_of(json_object_get(doc, "now"));

    if (!json_is_integer(v) || json_integer_value(v) != 1 ||
        !json_is_object(map) || !is_hex64(subject) || !rule_time_ok(now)) {
        return;
    }
    *out = (struct rule_evidence){map, subject, now};
}

/* Who, how and until when. */
static bool read_envelope(const json_t *item, struct rule_item *out)
{
    const json_t *expires = json_object_get(item, "expires");

    if (!rule_by_of(text_of(json_object_get(item, "by")), &out->by) ||
        text_of(json_object_get(item, "method")).n == 0 || expires == NULL) {
        return false;
    }
    if (json_is_null(expires)) {
        return true;
    }
    out->expires = text_of(expires);
    return rule_time_ok(out->expires);
}

/* Sets state to USED, UNKNOWN or MALFORMED. */
static void read_interval(const json_t *item, struct rule_item *out)
{
    const json_t *lo = json_object_get(item, "lo");
    const json_t *hi = json_object_get(item, "hi");
    const json_t *value = json_object_get(item, "value");

    if (is_set(value)) {
        bool unknown = wh_str_is(text_of(value), "unknown");
        if (unknown && !is_set(lo) && !is_set(hi)) {
            out->state = RULE_STATE_UNKNOWN;
        }
        return;
    }
    out->lo_text = text_of(lo);
    out->hi_text = text_of(hi);
    if (rule_dec_parse(out->lo_text, &out->lo) &&
        rule_dec_parse(out->hi_text, &out->hi) &&
        rule_dec_cmp(&out->lo, &out->hi) <= 0) {
        out->state = RULE_STATE_USED;
    }
}

/* Sets state to USED, UNKNOWN or MALFORMED. */
static void read_value(const json_t *item, const struct rule_claim *claim,
                       struct rule_item *out)
{
    if (is_set(json_object_get(item, "lo")) ||
        is_set(json_object_get(item, "hi"))) {
        return;
    }
    out->value = text_of(json_object_get(item, "value"));
    if (wh_str_is(out->value, "unknown")) {
        out->state = RULE_STATE_UNKNOWN;
    } else if (rule_claim_value(claim, out->value) >= 0) {
        out->state = RULE_STATE_USED;
    }
}

void rule_item_read(const json_t *item, const struct rule_claim *claim,
                    enum rule_by by, struct wh_str now, struct rule_item *out)
{
    *out = (struct rule_item){.state = RULE_STATE_MISSING};
    if (!is_set(item)) {
        return;
    }
    out->state = RULE_STATE_MALFORMED;
    if (!json_is_object(item) || !read_envelope(item, out)) {
        return;
    }
    if (claim->kind == RULE_KIND_INTERVAL) {
        read_interval(item, out);
    } else {
        read_value(item, claim, out);
    }
    if (out->state != RULE_STATE_USED) {
        return;
    }
    if (out->expires.n > 0 && wh_str_cmp(out->expires, now) <= 0) {
        out->state = RULE_STATE_EXPIRED;
    } else if (out->by < by) {
        out->state = RULE_STATE_DEPENDENT;
    }
}

void rule_evidence_look(const struct rule_evidence *ev,
                        const struct rule_claim *claim, enum rule_by by,
                        struct rule_item *out)
{
    if (ev->map == NULL) {
        *out = (struct rule_item){.state = RULE_STATE_MALFORMED};
        return;
    }
    rule_item_read(json_object_get(ev->map, claim->name), claim, by, ev->now,
                   out);
}
