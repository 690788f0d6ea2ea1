/*
 * models.c - reading the table of public models.
 *
 * The 30 % are the overall error margin that the European Commission's
 * guidelines of July 2025 (Annex A) allow an estimate of training compute.
 */
#include "rule/models.h"

#include "rule/combine.h"

#define FIELDS 8

/* Split a line at its tabs; false unless it has exactly FIELDS fields. */
static bool split(struct wh_str line, struct wh_str f[FIELDS])
{
    size_t n = 0;
    bool more = true;
    while (more && n < FIELDS) {
        more = wh_str_cut(&line, '\t', &f[n]);
        if (f[n++].n == 0) {
            return false;
        }
    }
    return n == FIELDS && !more;
}

/* A decimal, or "-" for not stated. */
static bool get_number(struct wh_str s, bool *has, struct rule_dec *out)
{
    *has = !wh_str_is(s, "-");
    return !*has || rule_dec_parse(s, out);
}

static bool read_row(const struct wh_str f[FIELDS], struct rule_model *m)
{
    bool has_active;
    bool moe = wh_str_is(f[1], "moe");

    *m = (struct rule_model){.name = f[0],
                             .kind = f[1],
                             .params_text = f[2],
                             .active_text = f[3],
                             .tokens_text = f[4],
                             .source = f[6],
                             .url = f[7]};
    if (!get_number(f[2], &m->has_params, &m->params) ||
        !get_number(f[3], &has_active, &m->active) ||
        !get_number(f[4], &m->has_tokens, &m->tokens) ||
        (!moe && !wh_str_is(f[1], m->has_params ? "dense" : "-")) ||
        has_active != m->has_params) {
        return false;
    }
    int order = rule_dec_cmp(&m->active, &m->params);
    if (order > 0 || (!moe && order != 0) ||
        !wh_str_starts(m->url, WH_S("https://"))) {
        return false;
    }
    m->speciality = wh_str_is(f[5], "-") ? WH_S("") : f[5];
    return m->speciality.n == 0 || wh_str_is(f[5], "biological");
}

static bool is_new(const struct rule_model *rows, size_t n, struct wh_str name)
{
    for (size_t i = 0; i < n; i++) {
        if (wh_str_eq(rows[i].name, name)) {
            return false;
        }
    }
    return true;
}

bool rule_models_read(struct wh_arena *a, struct wh_str text,
                      const struct rule_model **out, size_t *out_n,
                      struct wh_err *err)
{
    struct rule_model *rows = wh_arena_array(a, RULE_MODELS_MAX, sizeof(*rows));
    size_t n = 0;
    for (size_t at = 1; text.n > 0; at++) {
        struct wh_str line, f[FIELDS];
        (void)wh_str_cut(&text, '\n', &line);
        if (line.n == 0 || line.p[0] == '#') {
            continue;
        }
        if (n == RULE_MODELS_MAX || !split(line, f) || !read_row(f, &rows[n]) ||
            !is_new(rows, n, rows[n].name)) {
            return wh_fail(err, WH_CORRUPT,
                           "line %zu of the table of models is malformed", at);
        }
        n++;
    }
    *out = rows;
    *out_n = n;
    return true;
}

bool rule_model_compute(const struct rule_model *m, struct rule_dec *out)
{
    return m->has_params && m->has_tokens &&
           rule_compute(&m->active, &m->tokens, out);
}

json_t *rule_model_compute_item(const struct rule_model *m)
{
    struct rule_dec point, less, more, lo, hi;
    if (!rule_model_compute(m, &point) || !rule_dec_parse(WH_S("0.7"), &less) ||
        !rule_dec_parse(WH_S("1.3"), &more) ||
        !rule_dec_mul(&point, &less, &lo) ||
        !rule_dec_mul(&point, &more, &hi)) {
        return NULL;
    }
    return rule_item_interval(
        &lo, &hi, RULE_BY_HOUSE,
        WH_S("table of public models: 6 x active parameters x published "
             "tokens, give or take 30 %"),
        (struct wh_str){"", 0});
}
