/*
 * backtest.c - running a line over the table of models and over its own edges.
 *
 * The truth of a model is what the line would say without safety margins about
 * the figures that its publisher stated. A false answer is "below" or "above"
 * where the truth is not; "unsure" is never false.
 */
#include "rule/backtest.h"

#include "rule/combine.h"

#define EDGES_MAX 512
#define QUOTIENT_DIGITS 30
#define METHOD WH_S("back-test")

static const struct wh_str never = {"", 0};

/* Remove every "margin" below v. */
static void drop_margins(json_t *v)
{
    const char *key;
    json_t *kid;
    size_t i;
    json_object_del(v, "margin");
    json_object_foreach(v, key, kid)
    {
        drop_margins(kid);
    }
    json_array_foreach(v, i, kid)
    {
        drop_margins(kid);
    }
}

static bool without_margins(struct wh_arena *a, const struct rule_line *line,
                            const struct rule_line **out, struct wh_err *err)
{
    json_t *doc = wh_json_own(a, json_deep_copy(line->doc));
    drop_margins(json_object_get(doc, "rules"));
    return rule_line_read(a, doc, out, err);
}

static json_t *document(struct wh_arena *a, json_t *map)
{
    char zeros[WH_SHA256_HEX + 1];
    memset(zeros, '0', WH_SHA256_HEX);
    zeros[WH_SHA256_HEX] = '\0';
    return wh_json_own(a, json_pack("{s:i, s:s, s:s, s:O}", "v", 1, "subject",
                                    zeros, "now", "2026-11-23T00:00:00Z",
                                    "evidence", map));
}

static enum rule_answer ask(struct wh_arena *a, const struct rule_line *line,
                            json_t *map)
{
    return rule_eval(a, line, document(a, map))->answer;
}

static void put_value(json_t *map, const char *claim, const char *value)
{
    json_object_set_new(
        map, claim,
        rule_item_value(wh_str_of(value), RULE_BY_HOUSE, METHOD, never));
}

static void put_interval(json_t *map, const char *claim,
                         const struct rule_dec *lo, const struct rule_dec *hi)
{
    json_object_set_new(
        map, claim, rule_item_interval(lo, hi, RULE_BY_HOUSE, METHOD, never));
}

/* What the house knows from the files of a model; of a model whose size is
 * not known it has no files. */
static json_t *evidence_of(struct wh_arena *a, const struct rule_model *m)
{
    json_t *map = wh_json_own(a, json_object());
    struct rule_dec zero = {0};
    struct rule_dec tokens, hi;

    if (!m->has_params) {
        return map;
    }
    wh_assert(rule_dec_parse(WH_S(RULE_TOKENS_MAX), &tokens));
    wh_assert(rule_compute(&m->params, &tokens, &hi));
    put_interval(map, "size.params_total", &m->params, &m->params);
    put_interval(map, "compute.training", &zero, &hi);
    put_interval(map, "findings.danger", &zero, &zero);
    put_interval(map, "incident.open", &zero, &zero);
    put_value(map, "files.verifiable", "yes");
    put_value(map, "lineage.held_ancestor", "none-found");
    put_value(map, "speciality.exploit_code", "none-found");
    put_value(map, "speciality.biological_sequences",
              wh_str_is(m->speciality, "biological") ? "found" : "none-found");
    return map;
}

static void count(struct rule_backtest_count *n, enum rule_answer truth,
                  enum rule_answer answer)
{
    if (answer == RULE_UNSURE) {
        n->unsure++;
    } else if (answer != truth) {
        n->wrong++;
    } else if (answer == RULE_BELOW) {
        n->true_below++;
    } else {
        n->true_above++;
    }
}

static void run_model(struct wh_arena *a, const struct rule_line *line,
                      const struct rule_line *bare, const struct rule_model *m,
                      struct rule_backtest_row *row)
{
    const struct rule_claim *claim = rule_claim_find(WH_S("compute.training"));
    json_t *map = evidence_of(a, m);
    json_t *truth = wh_json_own(a, json_copy(map));

    row->model = m;
    row->has_compute = rule_model_compute(m, &row->compute);
    if (row->has_compute) {
        put_interval(truth, claim->name, &row->compute, &row->compute);
    }
    row->truth = ask(a, bare, truth);
    row->files = ask(a, line, map);
    json_t *item = rule_model_compute_item(m);
    if (item != NULL) {
        rule_combine_statement(map, claim, wh_json_own(a, item));
    }
    row->table = ask(a, line, map);
}

/* The largest value of QUOTIENT_DIGITS digits whose product with the margin is
 * below the threshold (digit by digit: there is no division), and one step
 * more. */
static void quotient(const struct rule_expr *e, struct rule_dec *under,
                     struct rule_dec *over)
{
    struct rule_dec place, next, product;
    *under = (struct rule_dec){0};
    for (int64_t i = 0; i <= QUOTIENT_DIGITS; i++) {
        place =
            (struct rule_dec){.exp = e->threshold.exp - i, .n = 1, .d = {1}};
        for (int digit = 0; digit < 9; digit++) {
            wh_assert(rule_dec_add(under, &place, &next));
            wh_assert(rule_dec_mul(&next, &e->margin, &product));
            if (rule_dec_cmp(&product, &e->threshold) >= 0) {
                break;
            }
            *under = next;
        }
    }
    wh_assert(rule_dec_add(under, &place, over));
}

/* One running back-test. */
struct running {
    struct wh_arena *a;
    const struct rule_line *bare;
    struct rule_backtest *out;
};

static void run_edge(struct running *r, const struct rule_expr *e,
                     const struct rule_dec *value)
{
    struct rule_backtest *b = r->out;
    struct wh_buf text;
    if (b->n_edges == EDGES_MAX) {
        return;
    }
    struct rule_backtest_edge *edge = &b->edges[b->n_edges++];
    json_t *map = wh_json_own(
        r->a, json_copy(json_object_get(b->line->doc, "case_ground")));
    put_interval(map, e->claim->name, value, value);
    wh_buf_init(&text, RULE_DEC_DIGITS + 64);
    rule_dec_text(value, &text);
    edge->expr = e;
    edge->value = wh_arena_dup(r->a, wh_buf_str(&text));
    edge->truth = ask(r->a, r->bare, map);
    edge->answer = ask(r->a, b->line, map);
    count(&b->edge, edge->truth, edge->answer);
    wh_buf_done(&text);
}

/* The threshold, one unit in the 31st digit to both sides, and, if there is a
 * margin, the two values around the quotient. */
static void run_threshold(struct running *r, const struct rule_expr *e)
{
    struct rule_dec low, high, under, over, factor;
    if (e->threshold.n == 0) {
        rule_dec_u64(1, &over);
        run_edge(r, e, &e->threshold);
        run_edge(r, e, &over);
        return;
    }
    if (e->margin_text.n > 0) {
        quotient(e, &under, &over);
        run_edge(r, e, &under);
        run_edge(r, e, &over);
    }
    wh_assert(
        rule_dec_parse(WH_S("0.999999999999999999999999999999"), &factor));
    wh_assert(rule_dec_mul(&e->threshold, &factor, &low));
    wh_assert(
        rule_dec_parse(WH_S("1.000000000000000000000000000001"), &factor));
    wh_assert(rule_dec_mul(&e->threshold, &factor, &high));
    run_edge(r, e, &low);
    run_edge(r, e, &e->threshold);
    run_edge(r, e, &high);
}

static void run_edges(struct running *r, const struct rule_expr *e)
{
    bool number = rule_expr_compares(e) && e->op <= RULE_OP_AT_LEAST;
    if (number) {
        run_threshold(r, e);
    }
    for (size_t i = 0; i < e->n_kids; i++) {
        run_edges(r, &e->kids[i]);
    }
}

bool rule_backtest_run(struct wh_arena *a, const struct rule_line *line,
                       const struct rule_model *models, size_t n,
                       struct rule_backtest *out, struct wh_err *err)
{
    const struct rule_line *bare;
    if (!without_margins(a, line, &bare, err)) {
        return false;
    }
    *out = (struct rule_backtest){
        .line = line,
        .rows = wh_arena_array(a, n + 1, sizeof(*out->rows)),
        .n_rows = n,
        .edges = wh_arena_array(a, EDGES_MAX, sizeof(*out->edges))};
    for (size_t i = 0; i < n; i++) {
        struct rule_backtest_row *row = &out->rows[i];
        run_model(a, line, bare, &models[i], row);
        count(&out->files, row->truth, row->files);
        count(&out->table, row->truth, row->table);
    }
    struct running r = {a, bare, out};
    for (size_t i = 0; i < line->n_rules; i++) {
        run_edges(&r, line->rules[i].when);
    }
    return true;
}

static json_t *json_of_count(const struct rule_backtest_count *n)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "true_below",
                     (json_int_t)n->true_below, "true_above",
                     (json_int_t)n->true_above, "unsure", (json_int_t)n->unsure,
                     "false", (json_int_t)n->wrong);
}

/* A figure, or null for "-". */
static json_t *json_of_figure(struct wh_str s)
{
    return wh_str_is(s, "-") ? json_null() : wh_json_str(s);
}

static json_t *json_of_row(const struct rule_backtest_row *row)
{
    const struct rule_model *m = row->model;
    json_t *compute = json_null();
    if (row->has_compute) {
        struct wh_buf b;
        wh_buf_init(&b, RULE_DEC_DIGITS + 64);
        rule_dec_text(&row->compute, &b);
        compute = wh_json_str(wh_buf_str(&b));
        wh_buf_done(&b);
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "model",
        wh_json_str(m->name), "kind", wh_json_str(m->kind), "parameters",
        json_of_figure(m->params_text), "active",
        json_of_figure(m->active_text), "tokens",
        json_of_figure(m->tokens_text), "compute", compute, "source",
        wh_json_str(m->source), "url", wh_json_str(m->url), "truth",
        rule_answer_word(row->truth), "files", rule_answer_word(row->files),
        "table", rule_answer_word(row->table));
}

json_t *rule_backtest_json(const struct rule_backtest *b)
{
    json_t *rows = json_array();
    json_t *edges = json_array();
    for (size_t i = 0; i < b->n_rows; i++) {
        json_array_append_new(rows, json_of_row(&b->rows[i]));
    }
    for (size_t i = 0; i < b->n_edges; i++) {
        const struct rule_backtest_edge *e = &b->edges[i];
        json_array_append_new(edges,
                              json_pack("{s:s, s:o, s:o, s:s, s:s}", "claim",
                                        e->expr->claim->name, "need",
                                        wh_json_str(e->expr->need), "value",
                                        wh_json_str(e->value), "truth",
                                        rule_answer_word(e->truth), "answer",
                                        rule_answer_word(e->answer)));
    }
    return json_pack(
        "{s:o, s:I, s:s, s:o, s:o, s:{s:o, s:o, s:o}}", "line",
        wh_json_str(b->line->name), "version", (json_int_t)b->line->version,
        "digest", b->line->digest, "models", rows, "edges", edges, "summary",
        "files", json_of_count(&b->files), "table", json_of_count(&b->table),
        "edges", json_of_count(&b->edge));
}
