/*
 * export_jq.c - writing a line as a jq program.
 *
 * The evaluator in jq is one fixed text (eval.jq); what differs from line to
 * line is a constant that it is applied to. JSON is jq: our writer escapes
 * every backslash, so no text of a line can start an interpolation.
 */
#include "rule/export_jq.h"

#include "rule/shipped.h"

static json_t *json_of_values(const struct wh_str *values, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, wh_json_str(values[i]));
    }
    return list;
}

/* The values a claim can have; null for intervals. */
static json_t *json_of_claim_values(const struct rule_claim *claim)
{
    if (claim->kind != RULE_KIND_VALUE) {
        return json_null();
    }
    json_t *list = json_array();
    for (size_t i = 0; rule_claim_value_at(claim, i).n > 0; i++) {
        json_array_append_new(list, wh_json_str(rule_claim_value_at(claim, i)));
    }
    return list;
}

static json_t *json_of_comparison(const struct rule_expr *e)
{
    json_t *o = json_object();
    json_object_set_new(o, "by", json_integer(e->by));
    json_object_set_new(o, "claim", json_string(e->claim->name));
    json_object_set_new(o, "need", wh_json_str(e->need));
    json_object_set_new(o, "op", json_string(rule_op_word(e->op)));
    json_object_set_new(o, "values", json_of_claim_values(e->claim));
    if (e->claim->kind == RULE_KIND_VALUE) {
        json_object_set_new(o, "unit", json_string(""));
    } else {
        json_object_set_new(o, "unit", json_sprintf(" %s", e->claim->unit));
    }
    if (e->op == RULE_OP_ONE_OF) {
        json_object_set_new(o, "yes", json_of_values(e->yes, e->n_yes));
        json_object_set_new(o, "no", json_of_values(e->no, e->n_no));
    } else if (e->op != RULE_OP_KNOWN) {
        struct wh_str margin = e->margin_text.n ? e->margin_text : WH_S("1");
        json_object_set_new(o, "threshold", wh_json_str(e->threshold_text));
        json_object_set_new(o, "margin", wh_json_str(margin));
    }
    return o;
}

/* Every join is "at least k of": all of n, one of n, k of n. */
static json_t *json_of_expr(const struct rule_expr *e)
{
    if (rule_expr_compares(e)) {
        return json_of_comparison(e);
    }
    size_t k = e->op == RULE_OP_ALL    ? e->n_kids
               : e->op == RULE_OP_K_OF ? e->k
                                       : 1;
    json_t *of = json_array();
    for (size_t i = 0; i < e->n_kids; i++) {
        json_array_append_new(of, json_of_expr(&e->kids[i]));
    }
    json_t *o = json_object();
    json_object_set_new(o, "op", json_string(rule_op_word(e->op)));
    json_object_set_new(o, "k", json_integer((json_int_t)k));
    json_object_set_new(o, "of", of);
    return o;
}

static json_t *json_of_line(const struct rule_line *line)
{
    json_t *o = json_object();
    json_t *rules = json_array();
    for (size_t i = 0; i < line->n_rules; i++) {
        const struct rule_rule *rule = &line->rules[i];
        json_t *r = json_object();
        json_object_set_new(r, "id", wh_json_str(rule->id));
        json_object_set_new(r, "if_no",
                            json_string(rule_answer_word(rule->if_no)));
        json_object_set_new(r, "sentence", wh_json_str(rule->sentence));
        json_object_set_new(r, "when", json_of_expr(rule->when));
        json_array_append_new(rules, r);
    }
    json_object_set_new(o, "digest", json_string(line->digest));
    json_object_set_new(o, "name", wh_json_str(line->name));
    json_object_set(o, "outcome", json_object_get(line->doc, "outcome"));
    json_object_set_new(o, "rules", rules);
    json_object_set_new(o, "version", json_integer(line->version));
    return o;
}

void rule_export_jq(const struct rule_line *line, struct wh_buf *b)
{
    json_t *o = json_of_line(line);
    wh_buf_fmt(b, "# %.*s\n# Line %.*s, version %lld, sha256 %s\n#\n",
               WH_FMT(line->title), WH_FMT(line->name),
               (long long)line->version, line->digest);
    if (line->hosting != NULL) {
        wh_buf_cstr(b, "# Its table \"hosting\" (when a hosted model is "
                       "served) is a program of its own:\n# weighhouse line "
                       "export LINE --hosting --jq\n#\n");
    }
    wh_buf_add(b, rule_shipped_text(WH_S("eval.jq")));
    wh_buf_cstr(b, "apply(");
    wh_json_write(b, o, true);
    wh_buf_cstr(b, ")\n");
    json_decref(o);
}
