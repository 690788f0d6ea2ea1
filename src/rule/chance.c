/*
 * chance.c - random lines and documents that look for the edges.
 *
 * Uniform random numbers would never come near a threshold, so most numbers
 * are made from the thresholds of the line: the threshold itself, written in
 * several ways, its neighbours in the twentieth digit, and its quotient by the
 * margin.
 */
#include "rule/chance.h"

#define NOW "2026-11-23T18:00:00Z"
#define THRESHOLDS_MAX 64

/* What a document for one line is made from. */
struct making {
    struct rule_chance *c;
    struct wh_arena *a;
    const struct rule_expr *edges[THRESHOLDS_MAX];
    size_t n_edges;
};

static const char *const odd_numbers[] = {
    "0",
    "0.0",
    "0e7",
    "1",
    "1e8",
    "100000001",
    "9007199254740993",
    "1e24",
    "9.999999999999999e24",
    "9999999999999999999999999",
    "10000000000000000000000000",
    "1e25",
    "1E+25",
    "1.0e25",
    "10.00e24",
    "1e26",
    "3.1622552e24",
    "3.1622554e24",
    "1e308",
    "1e309",
    "1e1000",
    "1e999999999",
    "1e-999999999",
    "0.01e-999999990",
    "0.00000000000000000000000000000000000000000000000000000000000001",
    "99999999999999999999999999999999999999999999999999999999999999999999",
};

/* One digit more than a mantissa may have. */
static const char too_long[] =
    "11111111111111111111111111111111111111111111111111111111111111111111"
    "11111111111111111111111111111";
_Static_assert(sizeof(too_long) == RULE_DEC_MANTISSA_MAX + 2, "97 ones");

static const char *const bad_texts[] = {
    "",
    "unknown",
    "nan",
    "inf",
    "-1",
    "-0",
    "+1",
    "01",
    "1.",
    ".5",
    "1e",
    "0x10",
    "1 ",
    " 1",
    "1\n",
    "1e1234567890",
    "1e25\n",
    "null",
    "1,000",
    "1e2.5",
    "10e999999999",
    "0.1e-999999999",
    "\xEF\xBC\x91",
    "true",
    too_long,
};

static const char *const bad_times[] = {
    "",
    "2026-11-23",
    "2026-11-23T18:00:00",
    "2026-11-23T18:00:00z",
    "2026-11-23t18:00:00Z",
    "2026-11-23T18:00:00.000Z",
    "2026-13-23T18:00:00Z",
    "2026-11-32T18:00:00Z",
    "2026-11-00T18:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T18:60:00Z",
    "2026-11-23T18:00:60Z",
    "2026-11-23T18:00:00Z\n",
    "2026-11-23T18:00:00+00:00",
    "tomorrow",
};

static const char *const good_times[] = {
    "2026-11-23T18:00:00Z", /* now: expired */
    "2026-11-23T17:59:59Z", "2026-11-23T18:00:01Z", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "2027-05-22T00:00:00Z",
};

#define PICK(c, list) \
    ((list)[rule_chance_below((c), sizeof(list) / sizeof(*(list)))])

/* splitmix64: small, and the same everywhere. */
static uint64_t next(struct rule_chance *c)
{
    uint64_t z = c->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t rule_chance_below(struct rule_chance *c, uint64_t n)
{
    wh_assert(n > 0);
    return next(c) % n;
}

bool rule_chance_of(struct rule_chance *c, unsigned k)
{
    return rule_chance_below(c, 100) < k;
}

static void find_edges(struct making *m, const struct rule_expr *e)
{
    bool number = e->op >= RULE_OP_BELOW && e->op <= RULE_OP_AT_LEAST;
    if (number && m->n_edges < THRESHOLDS_MAX) {
        m->edges[m->n_edges++] = e;
    }
    for (size_t i = 0; i < e->n_kids; i++) {
        find_edges(m, &e->kids[i]);
    }
}

static void making_init(struct making *m, struct rule_chance *c,
                        struct wh_arena *a, const struct rule_line *line)
{
    *m = (struct making){.c = c, .a = a};
    for (size_t i = 0; i < line->n_rules; i++) {
        find_edges(m, line->rules[i].when);
    }
}

static struct rule_dec decimal_of(const char *text)
{
    struct rule_dec d;
    wh_assert(rule_dec_parse(wh_str_of(text), &d));
    return d;
}

/* A number near a threshold of the claim; false if it has none. */
static bool near_edge(struct making *m, const struct rule_claim *claim,
                      struct rule_dec *out)
{
    static const char *const factors[] = {
        "1",
        "0.99999999999999999999",
        "1.00000000000000000001",
        "0.3",
        "3",
        "0.31622453277677639", /* just below 1 / 3.1623 */
        "0.31622553277677641", /* just above it */
        "0.5",
        "0.001",
    };
    const struct rule_expr *mine[THRESHOLDS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < m->n_edges; i++) {
        if (m->edges[i]->claim == claim) {
            mine[n++] = m->edges[i];
        }
    }
    if (n == 0) {
        return false;
    }
    struct rule_dec factor = decimal_of(PICK(m->c, factors));
    const struct rule_expr *e = mine[rule_chance_below(m->c, n)];
    return rule_dec_mul(&e->threshold, &factor, out);
}

static struct rule_dec number(struct making *m, const struct rule_claim *claim)
{
    struct rule_dec d;
    if (rule_chance_of(m->c, 80) && near_edge(m, claim, &d)) {
        return d;
    }
    return decimal_of(PICK(m->c, odd_numbers));
}

static struct wh_str text_of(struct making *m, const struct rule_dec *d)
{
    struct wh_buf b;
    wh_buf_init(&b, RULE_DEC_DIGITS + 64);
    rule_dec_text(d, &b);
    struct wh_str s = wh_arena_dup(m->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return s;
}

static json_t *garbage(struct making *m)
{
    switch (rule_chance_below(m->c, 11)) {
    case 0:
        return json_null();
    case 1:
        return json_true();
    case 2:
        return json_false();
    case 3:
        return json_integer(0);
    case 4:
        return json_integer(INT64_C(9007199254740993));
    case 5:
        return json_real(-1.5);
    case 6:
        return json_real(1e300);
    case 7:
        return json_array();
    case 8:
        return json_pack("[s, {s:n}]", "1", "lo");
    case 9:
        return json_object();
    default:
        return json_string(PICK(m->c, bad_texts));
    }
}

static void put_interval(struct making *m, const struct rule_claim *claim,
                         json_t *o)
{
    struct rule_dec x = number(m, claim);
    struct rule_dec y = rule_chance_of(m->c, 40) ? x : number(m, claim);
    bool turn = rule_dec_cmp(&x, &y) > 0;
    json_object_set_new(o, "lo", wh_json_str(text_of(m, turn ? &y : &x)));
    json_object_set_new(o, "hi", wh_json_str(text_of(m, turn ? &x : &y)));
}

static void put_value(struct making *m, const struct rule_claim *claim,
                      json_t *o)
{
    uint64_t i = rule_chance_below(m->c, 2);
    if (rule_chance_of(m->c, 70)) {
        i = 0;
    }
    json_object_set_new(o, "value", wh_json_str(rule_claim_value_at(claim, i)));
}

/* A well-formed item that counts for the shipped lines. */
static json_t *good_item(struct making *m, const struct rule_claim *claim)
{
    json_t *o = json_object();
    if (claim->kind == RULE_KIND_INTERVAL) {
        put_interval(m, claim, o);
    } else {
        put_value(m, claim, o);
    }
    json_object_set_new(
        o, "by", json_string(rule_chance_of(m->c, 80) ? "house" : "authority"));
    json_object_set_new(o, "method", json_string("counted"));
    json_object_set_new(o, "expires",
                        rule_chance_of(m->c, 70)
                            ? json_null()
                            : json_string("2027-05-22T00:00:00Z"));
    return o;
}

/* Damage a well-formed item in one way. */
static void spoil(struct making *m, json_t *o)
{
    static const char *const keys[] = {"lo", "hi",     "value",
                                       "by", "method", "expires"};
    const char *key = PICK(m->c, keys);
    switch (rule_chance_below(m->c, 7)) {
    case 0:
        json_object_del(o, key);
        break;
    case 1:
        json_object_set_new(o, key, garbage(m));
        break;
    case 2:
        json_object_set_new(o, "expires", json_string(PICK(m->c, good_times)));
        break;
    case 3:
        json_object_set_new(o, "expires", json_string(PICK(m->c, bad_times)));
        break;
    case 4:
        json_object_set_new(
            o, "by",
            json_string(rule_by_word(
                (enum rule_by)rule_chance_below(m->c, RULE_BY_COUNT))));
        break;
    case 5:
        json_object_set_new(o, "value", json_string("unknown"));
        break;
    default:
        json_object_set_new(o, rule_chance_of(m->c, 50) ? "lo" : "hi",
                            json_string(PICK(m->c, odd_numbers)));
        break;
    }
}

static json_t *item(struct making *m, const struct rule_claim *claim)
{
    if (rule_chance_of(m->c, 4)) {
        return garbage(m);
    }
    json_t *o = good_item(m, claim);
    while (rule_chance_of(m->c, 12)) {
        spoil(m, o);
    }
    return o;
}

/* The head of a document around a map. */
static json_t *head(struct making *m, json_t *map)
{
    static const char digits[] = "0123456789abcdef";
    char subject[WH_SHA256_HEX + 1];
    json_t *doc = wh_json_own(m->a, json_object());
    for (size_t i = 0; i < WH_SHA256_HEX; i++) {
        subject[i] = digits[rule_chance_below(m->c, 16)];
    }
    subject[WH_SHA256_HEX] = '\0';
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "subject", json_string(subject));
    json_object_set_new(doc, "now", json_string(NOW));
    json_object_set_new(doc, "evidence", map);
    return doc;
}

/* Break a document as a whole. */
static json_t *broken(struct making *m, json_t *doc)
{
    static const char *const keys[] = {"v", "subject", "now", "evidence"};
    switch (rule_chance_below(m->c, 5)) {
    case 0:
        json_object_del(doc, PICK(m->c, keys));
        return doc;
    case 1:
        json_object_set_new(doc, PICK(m->c, keys), garbage(m));
        return doc;
    case 2:
        json_object_set_new(doc, "now", json_string(PICK(m->c, bad_times)));
        return doc;
    case 3:
        json_object_set_new(doc, "v", json_integer(2));
        return doc;
    default:
        return wh_json_own(m->a, garbage(m));
    }
}

json_t *rule_chance_document(struct rule_chance *c, struct wh_arena *a,
                             const struct rule_line *line)
{
    struct making m;
    json_t *map = json_object();
    making_init(&m, c, a, line);
    const struct rule_claim *claim;
    for (size_t i = 0; (claim = rule_claim_at(i)) != NULL; i++) {
        if (!rule_chance_of(c, 4)) {
            json_object_set_new(map, claim->name, item(&m, claim));
        }
    }
    json_t *doc = head(&m, map);
    return rule_chance_of(c, 4) ? broken(&m, doc) : doc;
}

json_t *rule_chance_good_document(struct rule_chance *c, struct wh_arena *a,
                                  const struct rule_line *line)
{
    struct making m;
    json_t *map = json_object();
    making_init(&m, c, a, line);
    const struct rule_claim *claim;
    for (size_t i = 0; (claim = rule_claim_at(i)) != NULL; i++) {
        json_object_set_new(map, claim->name, good_item(&m, claim));
    }
    return head(&m, map);
}

static json_t *any_comparison(struct rule_chance *c)
{
    static const char *const ops[] = {"below", "at-most", "above", "at-least"};
    static const char *const margins[] = {"1", "3.1623", "1.1", "2"};
    size_t rows = 0;
    while (rule_claim_at(rows) != NULL) {
        rows++;
    }
    const struct rule_claim *claim = rule_claim_at(rule_chance_below(c, rows));
    json_t *o = json_object();
    json_object_set_new(o, "claim", json_string(claim->name));
    if (rule_chance_of(c, 10)) {
        json_object_set_new(o, "op", json_string("known"));
    } else if (claim->kind == RULE_KIND_VALUE) {
        uint64_t yes = rule_chance_below(c, 2);
        json_object_set_new(o, "op", json_string("one-of"));
        struct wh_str y = rule_claim_value_at(claim, yes);
        struct wh_str n = rule_claim_value_at(claim, 1 - yes);
        json_object_set_new(o, "yes", json_pack("[o]", wh_json_str(y)));
        json_object_set_new(o, "no", json_pack("[o]", wh_json_str(n)));
    } else {
        json_object_set_new(o, "op", json_string(PICK(c, ops)));
        json_object_set_new(o, "threshold", json_string(PICK(c, odd_numbers)));
        if (rule_chance_of(c, 50)) {
            json_object_set_new(o, "margin", json_string(PICK(c, margins)));
        }
    }
    if (rule_chance_of(c, 20)) {
        json_object_set_new(o, "by", json_string("authority"));
    }
    return o;
}

static json_t *any_condition(struct rule_chance *c, unsigned depth)
{
    uint64_t kind = depth == 0 ? 9 : rule_chance_below(c, 10);
    uint64_t n = 1 + rule_chance_below(c, 3);
    if (kind > 3) {
        return any_comparison(c);
    }
    if (kind == 3) {
        return json_pack("{s:o}", "not", any_condition(c, depth - 1));
    }
    json_t *kids = json_array();
    for (uint64_t i = 0; i < n; i++) {
        json_array_append_new(kids, any_condition(c, depth - 1));
    }
    if (kind == 2) {
        uint64_t k = 1 + rule_chance_below(c, n);
        return json_pack("{s:I, s:o}", "at-least", (json_int_t)k, "of", kids);
    }
    return json_pack("{s:o}", kind == 0 ? "all" : "any", kids);
}

/* A tier that is not looser than the one above it; weights are shut unless the
 * answer is below. */
static enum rule_tier any_tier(struct rule_chance *c, enum rule_part part,
                               enum rule_tier looser, bool below)
{
    enum rule_tier t;
    bool shut;
    do {
        t = (enum rule_tier)rule_chance_below(c, RULE_TIER_COUNT);
        shut = t == RULE_TIER_HELD || t == RULE_TIER_PASS;
    } while (!below && ((part == RULE_PART_WEIGHTS && !shut) ||
                        !rule_tier_not_looser(t, looser)));
    return t;
}

static json_t *any_outcome(struct rule_chance *c)
{
    json_t *below = json_object();
    json_t *above = json_object();
    json_t *unsure = json_object();
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        enum rule_part part = (enum rule_part)p;
        const char *key = rule_part_word(part);
        enum rule_tier b = any_tier(c, part, RULE_TIER_OPEN, true);
        enum rule_tier a = any_tier(c, part, b, false);
        enum rule_tier u = any_tier(c, part, a, false);
        json_object_set_new(below, key, json_string(rule_tier_word(b)));
        json_object_set_new(above, key, json_string(rule_tier_word(a)));
        json_object_set_new(unsure, key, json_string(rule_tier_word(u)));
    }
    return json_pack("{s:o, s:o, s:o}", "below", below, "above", above,
                     "unsure", unsure);
}

const struct rule_line *rule_chance_line(struct rule_chance *c,
                                         struct wh_arena *a)
{
    json_t *rules = json_array();
    uint64_t n = 1 + rule_chance_below(c, 4);
    for (uint64_t i = 0; i < n; i++) {
        enum rule_by by = (enum rule_by)rule_chance_below(c, RULE_BY_COUNT);
        json_array_append_new(
            rules, json_pack("{s:o, s:s, s:s, s:s, s:s, s:o}", "id",
                             json_sprintf("r%d", (int)i), "sentence",
                             "\\(1) \"quoted\" \xE2\x88\x9A text.", "reason",
                             "Chance.", "by", rule_by_word(by), "if_no",
                             rule_chance_of(c, 50) ? "above" : "unsure", "when",
                             any_condition(c, 3)));
    }
    json_t *doc = json_pack(
        "{s:i, s:s, s:i, s:s, s:s, s:s, s:[{s:s}], s:s, s:i, s:o, s:o, s:{}, "
        "s:[{s:s, s:{}, s:s}]}",
        "v", 1, "name", "chance", "version", 1, "title", "A line by chance",
        "effective", "2026-11-23", "summary", "Drawn.", "citation", "title",
        "None", "last_checked", "2026-11-23", "days", 180, "rules", rules,
        "outcome", any_outcome(c), "case_ground", "cases", "sentence",
        "Nothing.", "with", "answer", "unsure");
    const struct rule_line *line;
    struct wh_err err = {0};
    wh_assert(doc != NULL);
    if (!rule_line_read(a, wh_json_own(a, doc), &line, &err)) {
        wh_panic(__FILE__, __LINE__, err.msg);
    }
    return line;
}

/* A random item of the document that is an object; null if there is none. */
static json_t *any_item(struct rule_chance *c, json_t *map, const char **key)
{
    size_t n = json_object_size(map);
    if (n == 0) {
        return NULL;
    }
    size_t skip = rule_chance_below(c, n);
    void *it = json_object_iter(map);
    while (skip-- > 0) {
        it = json_object_iter_next(map, it);
    }
    *key = json_object_iter_key(it);
    json_t *v = json_object_iter_value(it);
    return json_is_object(v) ? v : NULL;
}

void rule_chance_lose(struct rule_chance *c, json_t *doc, enum rule_loss how)
{
    json_t *map = json_object_get(doc, "evidence");
    const char *key = NULL;
    json_t *o = any_item(c, map, &key);
    if (o == NULL) {
        return;
    }
    switch (how) {
    case RULE_LOSS_REMOVED:
        json_object_del(map, key);
        break;
    case RULE_LOSS_NULL:
        json_object_set_new(map, key, json_null());
        break;
    case RULE_LOSS_EXPIRED:
        json_object_set_new(o, "expires", json_string(NOW));
        break;
    case RULE_LOSS_SELF:
        json_object_set_new(o, "by", json_string("self"));
        break;
    case RULE_LOSS_UNKNOWN:
        json_object_del(o, "lo");
        json_object_del(o, "hi");
        json_object_set_new(o, "value", json_string("unknown"));
        break;
    case RULE_LOSS_WIDENED:
        if (json_object_get(o, "lo") != NULL) {
            bool down = rule_chance_of(c, 50);
            json_object_set_new(o, down ? "lo" : "hi",
                                json_string(down ? "0" : "1e999999999"));
        }
        break;
    case RULE_LOSS_GARBAGE:
        json_object_set_new(map, key, json_integer(0));
        break;
    case RULE_LOSS_COUNT:
        break;
    }
}

void rule_chance_worsen(struct rule_chance *c, json_t *doc)
{
    static const char *const worst[] = {"found", "no"};
    const char *key = NULL;
    json_t *o = any_item(c, json_object_get(doc, "evidence"), &key);
    if (o == NULL) {
        return;
    }
    if (json_object_get(o, "hi") != NULL) {
        json_object_set_new(o, "hi", json_string("1e999999999"));
        if (rule_chance_of(c, 50)) {
            json_object_set_new(o, "lo", json_string("1e999999999"));
        }
        return;
    }
    const struct rule_claim *claim = rule_claim_find(wh_str_of(key));
    for (size_t i = 0; i < 2; i++) {
        if (rule_claim_value(claim, wh_str_of(worst[i])) >= 0) {
            json_object_set_new(o, "value", json_string(worst[i]));
        }
    }
}
