/*
 * expr.c - reading the machine form of a rule, strictly.
 *
 * A line is law: a key that we do not know, an operator that does not fit its
 * claim or a margin below one is refused when the line is loaded, never
 * ignored when it is applied.
 */
#include "rule/expr.h"

#define KIDS_MAX 16

/* One reading of one rule. */
struct reading {
    struct wh_arena *a;
    struct wh_err *err;
    enum rule_by by;
    size_t nodes;
};

static const struct {
    const char *word;
    enum rule_op op;
    const char *need;
} compare_ops[] = {
    {"below", RULE_OP_BELOW, "below"},
    {"at-most", RULE_OP_AT_MOST, "at most"},
    {"above", RULE_OP_ABOVE, "above"},
    {"at-least", RULE_OP_AT_LEAST, "at least"},
    {"one-of", RULE_OP_ONE_OF, ""},
    {"known", RULE_OP_KNOWN, "known"},
};

static bool parse_node(struct reading *r, json_t *o, size_t depth,
                       struct rule_expr *out);

bool rule_expr_compares(const struct rule_expr *e)
{
    return e->op >= RULE_OP_BELOW;
}

const char *rule_op_word(enum rule_op op)
{
    static const char *const joins[] = {"all", "any", "at-least-of", "not"};
    if (op < RULE_OP_BELOW) {
        return joins[op];
    }
    for (size_t i = 0; i < sizeof(compare_ops) / sizeof(*compare_ops); i++) {
        if (compare_ops[i].op == op) {
            return compare_ops[i].word;
        }
    }
    wh_panic(__FILE__, __LINE__, "an operator without a word");
}

bool rule_only_keys(json_t *o, const char *const *keys, const char *what,
                    struct wh_err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(o)) {
        return wh_fail(err, WH_BAD_REQUEST, "%s must be an object", what);
    }
    json_object_foreach(o, key, value)
    {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0) {
            i++;
        }
        if (keys[i] == NULL) {
            return wh_fail(err, WH_BAD_REQUEST,
                           "%s has an unknown key \"%.40s\"", what, key);
        }
    }
    return true;
}

/* kids[] of an "all", "any" or "of". */
static bool parse_kids(struct reading *r, json_t *list, size_t depth,
                       struct rule_expr *out)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > KIDS_MAX) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "a rule joins 1 to %d conditions in a list", KIDS_MAX);
    }
    struct rule_expr *kids = wh_arena_array(r->a, n, sizeof(*kids));
    for (size_t i = 0; i < n; i++) {
        if (!parse_node(r, json_array_get(list, i), depth + 1, &kids[i])) {
            return false;
        }
    }
    out->kids = kids;
    out->n_kids = n;
    return true;
}

static bool parse_join(struct reading *r, json_t *o, const char *key,
                       enum rule_op op, size_t depth, struct rule_expr *out)
{
    const char *const keys[] = {key, NULL};
    out->op = op;
    return rule_only_keys(o, keys, "a condition", r->err) &&
           parse_kids(r, json_object_get(o, key), depth, out);
}

static bool parse_k_of(struct reading *r, json_t *o, size_t depth,
                       struct rule_expr *out)
{
    static const char *const keys[] = {"at-least", "of", NULL};
    int64_t k;
    if (!rule_only_keys(o, keys, "a condition", r->err) ||
        !parse_kids(r, json_object_get(o, "of"), depth, out) ||
        !wh_json_get_i64(o, "at-least", &k, r->err)) {
        return false;
    }
    if (k < 1 || (uint64_t)k > out->n_kids) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "\"at-least\" must be between 1 and the number of "
                       "conditions");
    }
    out->op = RULE_OP_K_OF;
    out->k = (size_t)k;
    return true;
}

static bool parse_not(struct reading *r, json_t *o, size_t depth,
                      struct rule_expr *out)
{
    static const char *const keys[] = {"not", NULL};
    struct rule_expr *kid = WH_NEW(r->a, struct rule_expr);
    out->op = RULE_OP_NOT;
    out->kids = kid;
    out->n_kids = 1;
    return rule_only_keys(o, keys, "a condition", r->err) &&
           parse_node(r, json_object_get(o, "not"), depth + 1, kid);
}

/* The list of values under `key`, each one a value of the claim. */
static bool parse_values(struct reading *r, json_t *o, const char *key,
                         const struct rule_claim *claim,
                         const struct wh_str **out, size_t *out_n)
{
    json_t *list = json_object_get(o, key);
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > RULE_CLAIM_VALUES_MAX) {
        return wh_fail(r->err, WH_BAD_REQUEST, "\"%s\" must list values", key);
    }
    struct wh_str *values = wh_arena_array(r->a, n, sizeof(*values));
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_array_get(list, i);
        values[i] = wh_str_of(json_is_string(v) ? json_string_value(v) : "");
        if (rule_claim_value(claim, values[i]) < 0) {
            return wh_fail(r->err, WH_BAD_REQUEST,
                           "\"%s\" lists a value that %s does not have", key,
                           claim->name);
        }
    }
    *out = values;
    *out_n = n;
    return true;
}

/* A value may not stand on both sides: yes and no would both be true. */
static bool values_apart(const struct rule_expr *e)
{
    for (size_t i = 0; i < e->n_yes; i++) {
        for (size_t j = 0; j < e->n_no; j++) {
            if (wh_str_eq(e->yes[i], e->no[j])) {
                return false;
            }
        }
    }
    return true;
}

static bool parse_one_of(struct reading *r, json_t *o, struct rule_expr *out)
{
    static const char *const keys[] = {"claim", "op", "yes", "no", "by", NULL};
    struct wh_buf need;

    if (!rule_only_keys(o, keys, "a comparison", r->err) ||
        !parse_values(r, o, "yes", out->claim, &out->yes, &out->n_yes) ||
        !parse_values(r, o, "no", out->claim, &out->no, &out->n_no)) {
        return false;
    }
    if (!values_apart(out)) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "a value is listed under \"yes\" and under \"no\"");
    }
    wh_buf_init(&need, 512);
    for (size_t i = 0; i < out->n_yes; i++) {
        wh_buf_cstr(&need, i == 0 ? "" : " or ");
        wh_buf_mem(&need, out->yes[i].p, out->yes[i].n);
    }
    out->need = wh_arena_dup(r->a, wh_buf_str(&need));
    wh_buf_done(&need);
    return true;
}

/* A margin is a factor of at least one: 3.1623 is half an order of magnitude,
 * rounded to the safe side. */
static bool parse_margin(struct reading *r, json_t *o, struct rule_expr *out)
{
    struct rule_dec one;
    if (!wh_json_opt_str(o, "margin", WH_S(""), &out->margin_text, r->err)) {
        return false;
    }
    rule_dec_u64(1, &one);
    if (out->margin_text.n == 0) {
        out->margin = one;
        return true;
    }
    if (!rule_dec_parse(out->margin_text, &out->margin) ||
        out->margin.n > RULE_MARGIN_DIGITS_MAX ||
        rule_dec_cmp(&out->margin, &one) < 0) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "a margin is a decimal factor of at least 1 "
                       "and at most %d digits, as text",
                       RULE_MARGIN_DIGITS_MAX);
    }
    return true;
}

static bool parse_threshold(struct reading *r, json_t *o, const char *words,
                            struct rule_expr *out)
{
    static const char *const keys[] = {"claim",  "op", "threshold",
                                       "margin", "by", NULL};
    if (!rule_only_keys(o, keys, "a comparison", r->err) ||
        !wh_json_get_str(o, "threshold", &out->threshold_text, r->err) ||
        !parse_margin(r, o, out)) {
        return false;
    }
    if (!rule_dec_parse(out->threshold_text, &out->threshold)) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "a threshold is a decimal, as text");
    }
    out->need = wh_arena_fmt(
        r->a, "%s %.*s %s%s%.*s%s", words, WH_FMT(out->threshold_text),
        out->claim->unit, out->margin_text.n > 0 ? ", with a factor of " : "",
        WH_FMT(out->margin_text), out->margin_text.n > 0 ? " to spare" : "");
    return true;
}

/* The independence a comparison asks for: the rule's own, or more. */
static bool parse_by(struct reading *r, json_t *o, enum rule_by *out)
{
    struct wh_str by;
    if (!wh_json_opt_str(o, "by", wh_str_of(rule_by_word(r->by)), &by,
                         r->err)) {
        return false;
    }
    if (!rule_by_of(by, out) || *out < r->by) {
        return wh_fail(r->err, WH_BAD_REQUEST,
                       "\"by\" must name an independence not below that of "
                       "the rule");
    }
    return true;
}

static bool parse_comparison(struct reading *r, json_t *o,
                             struct rule_expr *out)
{
    static const char *const known_keys[] = {"claim", "op", "by", NULL};
    struct wh_str claim, op;
    size_t i = 0;

    if (!wh_json_get_str(o, "claim", &claim, r->err) ||
        !wh_json_get_str(o, "op", &op, r->err) || !parse_by(r, o, &out->by)) {
        return false;
    }
    out->claim = rule_claim_find(claim);
    if (out->claim == NULL) {
        return wh_fail(r->err, WH_BAD_REQUEST, "there is no claim \"%.*s\"",
                       (int)(claim.n < 60 ? claim.n : 60), claim.p);
    }
    size_t n = sizeof(compare_ops) / sizeof(*compare_ops);
    while (i < n && !wh_str_is(op, compare_ops[i].word)) {
        i++;
    }
    bool by_value = i < n && compare_ops[i].op == RULE_OP_ONE_OF;
    bool any_kind = i < n && compare_ops[i].op == RULE_OP_KNOWN;
    if (i == n ||
        (!any_kind && by_value != (out->claim->kind == RULE_KIND_VALUE))) {
        return wh_fail(r->err, WH_BAD_REQUEST, "\"%.*s\" does not compare %s",
                       (int)(op.n < 60 ? op.n : 60), op.p, out->claim->name);
    }
    out->op = compare_ops[i].op;
    if (any_kind) {
        out->need = WH_S("known");
        return rule_only_keys(o, known_keys, "a comparison", r->err);
    }
    return by_value ? parse_one_of(r, o, out)
                    : parse_threshold(r, o, compare_ops[i].need, out);
}

static bool parse_node(struct reading *r, json_t *o, size_t depth,
                       struct rule_expr *out)
{
    if (depth > RULE_EXPR_DEPTH_MAX || ++r->nodes > RULE_EXPR_NODES_MAX) {
        return wh_fail(r->err, WH_TOO_LARGE,
                       "a rule has at most %d conditions in %d levels",
                       RULE_EXPR_NODES_MAX, RULE_EXPR_DEPTH_MAX);
    }
    if (json_object_get(o, "all") != NULL) {
        return parse_join(r, o, "all", RULE_OP_ALL, depth, out);
    }
    if (json_object_get(o, "any") != NULL) {
        return parse_join(r, o, "any", RULE_OP_ANY, depth, out);
    }
    if (json_object_get(o, "not") != NULL) {
        return parse_not(r, o, depth, out);
    }
    if (json_object_get(o, "at-least") != NULL) {
        return parse_k_of(r, o, depth, out);
    }
    return parse_comparison(r, o, out);
}

bool rule_expr_parse(struct wh_arena *a, json_t *when, enum rule_by by,
                     const struct rule_expr **out, struct wh_err *err)
{
    struct reading r = {.a = a, .err = err, .by = by};
    struct rule_expr *e = WH_NEW(a, struct rule_expr);
    if (!parse_node(&r, when, 1, e)) {
        return false;
    }
    *out = e;
    return true;
}
