/*
 * combine.c - folding claims about files into evidence about a subject.
 *
 * Used twice: by the weighing, and by the keeper, which trusts nobody's
 * arithmetic. Both must get the same map from the same claims, so everything
 * here depends on the claims alone, not on the order of the files.
 */
#include "rule/combine.h"

#include "rule/shards.h"

#include <stdlib.h>

#define METHOD_MAX 300

/* One claim being folded. */
struct folding {
    const struct rule_claim *claim;
    bool lost;    /* a file of weights does not make it */
    bool unknown; /* a file says "unknown" */
    size_t n;     /* items folded */
    int strictest;
    struct rule_dec lo, hi; /* sums */
    struct rule_dec top;    /* largest lo */
    enum rule_by by;
    struct wh_str expires, method;
};

static struct wh_str text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v)) {
        return (struct wh_str){"", 0};
    }
    return wh_str_mem(json_string_value(v), json_string_length(v));
}

/* The earlier of two times; empty is never. */
static struct wh_str earlier(struct wh_str a, struct wh_str b)
{
    if (a.n == 0 || b.n == 0) {
        return a.n == 0 ? b : a;
    }
    return wh_str_cmp(a, b) <= 0 ? a : b;
}

bool rule_compute(const struct rule_dec *n, const struct rule_dec *tokens,
                  struct rule_dec *out)
{
    struct rule_dec six, product;
    rule_dec_u64(6, &six);
    return rule_dec_mul(n, tokens, &product) &&
           rule_dec_mul(&six, &product, out);
}

static json_t *new_item(enum rule_by by, struct wh_str method,
                        struct wh_str expires)
{
    json_t *o = json_object();
    json_object_set_new(o, "by", json_string(rule_by_word(by)));
    json_object_set_new(o, "method", wh_json_str(method));
    json_object_set_new(o, "expires",
                        expires.n ? wh_json_str(expires) : json_null());
    return o;
}

static void set_decimal(json_t *o, const char *key, const struct rule_dec *d)
{
    struct wh_buf b;
    wh_buf_init(&b, RULE_DEC_DIGITS + 64);
    rule_dec_text(d, &b);
    json_object_set_new(o, key, wh_json_str(wh_buf_str(&b)));
    wh_buf_done(&b);
}

json_t *rule_item_interval(const struct rule_dec *lo, const struct rule_dec *hi,
                           enum rule_by by, struct wh_str method,
                           struct wh_str expires)
{
    json_t *o = new_item(by, method, expires);
    set_decimal(o, "lo", lo);
    set_decimal(o, "hi", hi);
    return o;
}

json_t *rule_item_value(struct wh_str value, enum rule_by by,
                        struct wh_str method, struct wh_str expires)
{
    json_t *o = new_item(by, method, expires);
    json_object_set_new(o, "value", wh_json_str(value));
    return o;
}

static void fold_envelope(struct folding *f, const json_t *item,
                          const struct rule_item *seen)
{
    struct wh_str method = text_of(item, "method");
    if (f->n == 0) {
        f->by = seen->by;
        f->method = method;
    } else {
        f->by = seen->by < f->by ? seen->by : f->by;
        if (!wh_str_eq(f->method, method)) {
            f->method = WH_S("several methods");
        }
    }
    f->expires = earlier(f->expires, seen->expires);
    f->n++;
}

static void fold_interval(struct folding *f, const struct rule_item *seen)
{
    if (rule_dec_cmp(&seen->lo, &f->top) > 0) {
        f->top = seen->lo;
    }
    f->lost = f->lost || !rule_dec_add(&f->lo, &seen->lo, &f->lo) ||
              !rule_dec_add(&f->hi, &seen->hi, &f->hi);
}

/* Fold what one file says. A claim that is there but not usable is lost, even
 * from a file that need not make it. */
static void fold_file(struct folding *f, const struct rule_file_claims *file)
{
    const json_t *item = json_object_get(file->claims, f->claim->name);
    struct rule_item seen;

    if (f->claim->fold == RULE_FOLD_SIZE && file->part != RULE_PART_WEIGHTS) {
        return;
    }
    rule_item_read(item, f->claim, RULE_BY_SELF, (struct wh_str){"", 0}, &seen);
    if (seen.state == RULE_STATE_MISSING) {
        f->lost = f->lost || file->part == RULE_PART_WEIGHTS;
        return;
    }
    if (seen.state == RULE_STATE_UNKNOWN && f->claim->kind == RULE_KIND_VALUE) {
        f->unknown = true;
    } else if (seen.state != RULE_STATE_USED) {
        f->lost = true;
        return;
    } else if (f->claim->kind == RULE_KIND_VALUE) {
        int place = rule_claim_value(f->claim, seen.value);
        f->strictest = place > f->strictest ? place : f->strictest;
    } else {
        fold_interval(f, &seen);
    }
    fold_envelope(f, item, &seen);
}

/* One file of the list: by its place there. */
struct place {
    const struct rule_file_claims *file;
};

/* The files that count: of equal content only the first in the list. */
struct counted {
    struct place *places;
    size_t n;
};

static int by_place(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    return (a->file > b->file) - (a->file < b->file);
}

static int by_content(const void *x, const void *y)
{
    const struct rule_file_claims *a = ((const struct place *)x)->file;
    const struct rule_file_claims *b = ((const struct place *)y)->file;
    int order = wh_str_cmp(a->sha256, b->sha256);
    if (order == 0) {
        order = (a->part > b->part) - (a->part < b->part);
    }
    return order != 0 ? order : by_place(x, y);
}

static bool same_content(const struct rule_file_claims *a,
                         const struct rule_file_claims *b)
{
    return a->part == b->part && wh_str_eq(a->sha256, b->sha256);
}

/* Sorted by content, equal ones are neighbours and the first leads them. */
static void find_counted(struct wh_arena *a,
                         const struct rule_file_claims *files, size_t n,
                         struct counted *out)
{
    struct place *p = wh_arena_array(a, n + 1, sizeof *p);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        p[i].file = &files[i];
    }
    qsort(p, n, sizeof *p, by_content);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !same_content(p[kept - 1].file, p[i].file)) {
            p[kept++] = p[i];
        }
    }
    qsort(p, kept, sizeof *p, by_place);
    *out = (struct counted){p, kept};
}

static void fold(struct folding *f, const struct rule_claim *claim,
                 const struct counted *counted)
{
    *f = (struct folding){.claim = claim,
                          .by = RULE_BY_HOUSE,
                          .method = WH_S("no file makes the claim")};
    for (size_t i = 0; i < counted->n; i++) {
        fold_file(f, counted->places[i].file);
    }
}

/* The strictest value there is; "unknown" unless a stricter one was said. */
static struct wh_str value_of(const struct folding *f)
{
    size_t last = 0;
    while (rule_claim_value_at(f->claim, last + 1).n > 0) {
        last++;
    }
    if (f->unknown && f->strictest < (int)last) {
        return WH_S("unknown");
    }
    return rule_claim_value_at(f->claim, (size_t)f->strictest);
}

/* Compute needs only the parameters: a file that says nothing about compute
 * proves no lower end. Null when N is not known. */
static json_t *compute_item(const struct folding *params,
                            const struct folding *f)
{
    struct rule_dec tokens, hi;
    static const struct wh_str method = {
        "6 x parameters x 5e13 tokens",
        sizeof("6 x parameters x 5e13 tokens") - 1};

    wh_assert(rule_dec_parse(WH_S(RULE_TOKENS_MAX), &tokens));
    if (params->lost || !rule_compute(&params->hi, &tokens, &hi)) {
        return NULL;
    }
    if (rule_dec_cmp(&f->top, &hi) > 0) {
        hi = f->top;
    }
    return rule_item_interval(&f->top, &hi, params->by, method,
                              earlier(params->expires, f->expires));
}

/* A piece that is not there was not read. */
static void judge_shards(struct wh_arena *a, json_t *map,
                         const struct rule_file_claims *files, size_t n)
{
    struct wh_str *paths = wh_arena_array(a, n + 1, sizeof *paths);
    struct rule_shards missing;
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if (files[i].part == RULE_PART_WEIGHTS) {
            paths[count++] = files[i].path;
        }
    }
    if (rule_shards_whole(a, paths, count, &missing)) {
        return;
    }
    struct wh_str method =
        wh_arena_fmt(a, "of the %zu numbered pieces of weights, %zu came",
                     missing.total, missing.have);
    json_object_set_new(
        map, "files.verifiable",
        rule_item_value(WH_S("no"), RULE_BY_HOUSE, method, WH_S("")));
}

json_t *rule_combine(struct wh_arena *a, const struct rule_file_claims *files,
                     size_t n)
{
    json_t *map = wh_json_own(a, json_object());
    struct folding params, f;
    struct counted counted;
    const struct rule_claim *c;

    find_counted(a, files, n, &counted);
    fold(&params, rule_claim_find(WH_S("size.params_total")), &counted);
    for (size_t i = 0; (c = rule_claim_at(i)) != NULL; i++) {
        json_t *item = NULL;
        fold(&f, c, &counted);
        bool sum = c->fold == RULE_FOLD_SUM || c->fold == RULE_FOLD_SIZE;
        if (sum && !f.lost) {
            item = rule_item_interval(&f.lo, &f.hi, f.by, f.method, f.expires);
        } else if (c->fold == RULE_FOLD_STRICTEST && !f.lost) {
            item = rule_item_value(value_of(&f), f.by, f.method, f.expires);
        } else if (c->fold == RULE_FOLD_COMPUTE) {
            item = compute_item(&params, &f);
        }
        if (item != NULL) {
            json_object_set_new(map, c->name, item);
        }
    }
    judge_shards(a, map, files, n);
    return map;
}

/* "old; new", without repeating itself. */
static void join_methods(const json_t *old, const json_t *item,
                         struct wh_buf *b)
{
    struct wh_str first = text_of(old, "method");
    struct wh_str second = text_of(item, "method");
    wh_buf_add(b, first);
    if (wh_str_find_str(first, second) == SIZE_MAX) {
        wh_buf_cstr(b, "; ");
        wh_buf_add(b, second);
    }
}

static json_t *merge_intervals(const struct rule_item *x, bool narrows,
                               const struct rule_item *y, struct wh_str method)
{
    const struct rule_dec *lo =
        rule_dec_cmp(&x->lo, &y->lo) >= 0 ? &x->lo : &y->lo;
    bool y_lower = rule_dec_cmp(&y->hi, &x->hi) < 0;
    const struct rule_dec *hi = y_lower && narrows ? &y->hi : &x->hi;
    enum rule_by by = x->by;

    if (rule_dec_cmp(lo, hi) > 0) { /* they contradict each other */
        hi = y_lower ? &x->hi : &y->hi;
    }
    if (hi == &y->hi) {
        by = x->by < y->by ? x->by : y->by;
    }
    return rule_item_interval(lo, hi, by, method,
                              earlier(x->expires, y->expires));
}

static json_t *merge_values(const struct rule_claim *claim,
                            const struct rule_item *x,
                            const struct rule_item *y, struct wh_str method)
{
    bool stricter =
        rule_claim_value(claim, y->value) > rule_claim_value(claim, x->value);
    const struct rule_item *z = stricter ? y : x;
    return rule_item_value(z->value, z->by, method,
                           earlier(x->expires, y->expires));
}

void rule_combine_statement(json_t *map, const struct rule_claim *claim,
                            json_t *item)
{
    json_t *old = json_object_get(map, claim->name);
    struct rule_item x, y;
    struct wh_buf method;

    rule_item_read(old, claim, RULE_BY_SELF, (struct wh_str){"", 0}, &x);
    rule_item_read(item, claim, RULE_BY_SELF, (struct wh_str){"", 0}, &y);
    if (y.state != RULE_STATE_USED) {
        return;
    }
    if (x.state != RULE_STATE_USED) {
        if (x.state != RULE_STATE_UNKNOWN || y.by >= x.by) {
            json_object_set(map, claim->name, item);
        }
        return;
    }
    wh_buf_init(&method, 4096);
    join_methods(old, item, &method);
    struct wh_str words = wh_str_sub(wh_buf_str(&method), 0, METHOD_MAX);
    json_object_set_new(
        map, claim->name,
        claim->kind == RULE_KIND_VALUE
            ? merge_values(claim, &x, &y, words)
            : merge_intervals(&x, y.by >= RULE_BY_INDEPENDENT, &y, words));
    wh_buf_done(&method);
}
