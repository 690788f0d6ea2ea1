/*
 * line.c - loading a line document: strict, complete, with its digest.
 *
 * What a document may say about outcomes is limited here, for every line: an
 * answer that is reached by losing evidence never opens more than one that
 * needs evidence, and no line opens weights unless its answer is "below".
 */
#include "rule/line.h"

#define NAME_MAX_BYTES 31 /* "line/rule" is a name of the register */
#define TEXT_MAX_BYTES 1500
#define CITATIONS_MAX 16
#define CANONICAL_MAX (2 * RULE_LINE_TEXT_MAX)

/* One loading of one document. */
struct loading {
    struct wh_arena *a;
    struct wh_err *err;
    struct rule_line *line;
    bool hosting; /* its table "hosting" */
};

/* Shown and signed texts hold no control bytes. */
static bool text_ok(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f) {
            return false;
        }
    }
    return s.n > 0 && s.n <= TEXT_MAX_BYTES;
}

static bool get_text(json_t *o, const char *key, struct wh_str *out,
                     struct wh_err *err)
{
    if (!wh_json_get_str(o, key, out, err)) {
        return false;
    }
    if (!text_ok(*out)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "\"%s\" must be a text of 1 to %d bytes on one line",
                       key, TEXT_MAX_BYTES);
    }
    return true;
}

/* Names and ids: a lower case letter, then more, digits, '.' and '-'. */
static bool get_name(json_t *o, const char *key, struct wh_str *out,
                     struct wh_err *err)
{
    if (!wh_json_get_str(o, key, out, err)) {
        return false;
    }
    bool ok = out->n > 0 && out->n <= NAME_MAX_BYTES;
    for (size_t i = 0; ok && i < out->n; i++) {
        char c = out->p[i];
        bool inner = (c == '.' || c == '-') && i > 0 && i + 1 < out->n;
        bool digit = c >= '0' && c <= '9' && i > 0;
        ok = (c >= 'a' && c <= 'z') || digit || inner;
    }
    if (!ok) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "\"%s\" must be a name of at most %d lower case "
                       "letters, digits, '.' and '-'",
                       key, NAME_MAX_BYTES);
    }
    return true;
}

/* "2026-11-23". */
static bool get_date(struct loading *l, const char *key, struct wh_str *out)
{
    char full[21] = "0000-00-00T00:00:00Z";
    if (!wh_json_get_str(l->line->doc, key, out, l->err)) {
        return false;
    }
    if (out->n == 10) {
        memcpy(full, out->p, 10);
    }
    if (out->n != 10 || !rule_time_ok(wh_str_of(full))) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "\"%s\" must be a date such as 2026-11-23", key);
    }
    return true;
}

static bool load_head(struct loading *l)
{
    static const char *const keys[] = {
        "v",       "name",        "version",      "title",   "effective",
        "summary", "citation",    "last_checked", "days",    "rules",
        "outcome", "case_ground", "cases",        "hosting", NULL};
    struct rule_line *line = l->line;
    int64_t v;

    if (!rule_only_keys(line->doc, keys, "a line", l->err) ||
        !wh_json_get_i64(line->doc, "v", &v, l->err) ||
        !get_name(line->doc, "name", &line->name, l->err) ||
        !wh_json_get_i64(line->doc, "version", &line->version, l->err) ||
        !get_text(line->doc, "title", &line->title, l->err) ||
        !get_text(line->doc, "summary", &line->summary, l->err) ||
        !get_date(l, "effective", &line->effective) ||
        !get_date(l, "last_checked", &line->last_checked) ||
        !wh_json_get_i64(line->doc, "days", &line->days, l->err)) {
        return false;
    }
    if (v != 1 || line->version < 1 || line->version > 1000000) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "\"v\" must be 1 and \"version\" a positive number");
    }
    if (line->days < 1 || line->days > RULE_LINE_DAYS_MAX) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "\"days\" must be between 1 and %d: no decision lasts "
                       "for ever",
                       RULE_LINE_DAYS_MAX);
    }
    return true;
}

static bool load_citation(struct loading *l)
{
    static const char *const keys[] = {"title", "url", NULL};
    json_t *list = json_object_get(l->line->doc, "citation");
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n == 0 || n > CITATIONS_MAX) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "\"citation\" must list 1 to %d sources", CITATIONS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        json_t *c = json_array_get(list, i);
        struct wh_str title, url;
        if (!rule_only_keys(c, keys, "a citation", l->err) ||
            !get_text(c, "title", &title, l->err) ||
            !wh_json_opt_str(c, "url", WH_S("https://"), &url, l->err)) {
            return false;
        }
        if (!wh_str_starts(url, WH_S("https://")) || !text_ok(url)) {
            return wh_fail(l->err, WH_BAD_REQUEST,
                           "the url of a citation must begin with https://");
        }
    }
    l->line->citation = list;
    return true;
}

/* What a rule means when it says no; all rules of the table "hosting" mean the
 * same. */
static bool load_if_no(struct loading *l, json_t *o, struct rule_rule *out)
{
    struct wh_str if_no;

    if (l->hosting) {
        out->if_no = RULE_ABOVE;
        return true;
    }
    if (!wh_json_get_str(o, "if_no", &if_no, l->err)) {
        return false;
    }
    return (rule_answer_of(if_no, &out->if_no) && out->if_no != RULE_BELOW) ||
           wh_fail(l->err, WH_BAD_REQUEST, "\"if_no\" must be above or unsure");
}

static bool load_rule(struct loading *l, json_t *o, struct rule_rule *out)
{
    static const char *const keys[] = {"id",   "sentence", "reason", "by",
                                       "when", "if_no",    NULL};
    static const char *const hosting[] = {"id", "sentence", "reason",
                                          "by", "when",     NULL};
    struct wh_str by;

    if (!rule_only_keys(o, l->hosting ? hosting : keys, "a rule", l->err) ||
        !get_name(o, "id", &out->id, l->err) ||
        !get_text(o, "sentence", &out->sentence, l->err) ||
        !get_text(o, "reason", &out->reason, l->err) ||
        !wh_json_get_str(o, "by", &by, l->err) || !load_if_no(l, o, out)) {
        return false;
    }
    if (!rule_by_of(by, &out->by)) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "\"by\" must be self, contracted, independent, house "
                       "or authority");
    }
    return rule_expr_parse(l->a, json_object_get(o, "when"), out->by,
                           &out->when, l->err);
}

static bool load_rules(struct loading *l, json_t *doc)
{
    struct rule_line *line = l->line;
    json_t *list = json_object_get(doc, "rules");
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n == 0 || n > RULE_LINE_RULES_MAX) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "\"rules\" must list 1 to %d rules",
                       RULE_LINE_RULES_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        if (!load_rule(l, json_array_get(list, i), &line->rules[i])) {
            return wh_err_wrap(l->err, "rule %zu", i + 1);
        }
        for (size_t j = 0; j < i; j++) {
            if (wh_str_eq(line->rules[i].id, line->rules[j].id)) {
                return wh_fail(l->err, WH_BAD_REQUEST,
                               "two rules have the same id");
            }
        }
    }
    line->n_rules = n;
    return true;
}

static bool load_tiers(struct loading *l, json_t *o, struct rule_tiers *out)
{
    const char *keys[RULE_PART_COUNT + 1] = {0};
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        keys[p] = rule_part_word((enum rule_part)p);
    }
    if (!rule_only_keys(o, keys, "an outcome", l->err)) {
        return false;
    }
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        struct wh_str word;
        if (!wh_json_get_str(o, keys[p], &word, l->err)) {
            return false;
        }
        if (!rule_tier_of(word, &out->part[p])) {
            return wh_fail(l->err, WH_BAD_REQUEST,
                           "\"%s\" must be held, hosted, gated, open or pass",
                           keys[p]);
        }
    }
    return true;
}

static bool shuts_weights(const struct rule_tiers *t)
{
    enum rule_tier w = t->part[RULE_PART_WEIGHTS];
    return w == RULE_TIER_HELD || w == RULE_TIER_PASS;
}

static bool load_outcome(struct loading *l)
{
    static const char *const keys[] = {"below", "above", "unsure", NULL};
    struct rule_tiers *o = l->line->outcome;
    json_t *doc = json_object_get(l->line->doc, "outcome");

    if (!rule_only_keys(doc, keys, "\"outcome\"", l->err)) {
        return false;
    }
    for (int i = 0; i < RULE_ANSWER_COUNT; i++) {
        const char *word = rule_answer_word((enum rule_answer)i);
        if (!load_tiers(l, json_object_get(doc, word), &o[i])) {
            return wh_err_wrap(l->err, "outcome %s", word);
        }
    }
    if (!shuts_weights(&o[RULE_ABOVE]) || !shuts_weights(&o[RULE_UNSURE])) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "a line by itself lets no weights out unless its "
                       "answer is below");
    }
    if (!rule_tiers_not_looser(&o[RULE_UNSURE], &o[RULE_ABOVE]) ||
        !rule_tiers_not_looser(&o[RULE_ABOVE], &o[RULE_BELOW])) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "losing evidence would open more: unsure must not be "
                       "looser than above, nor above looser than below");
    }
    return true;
}

/* The ground with the changes of `with`; null takes an item away. */
static json_t *case_evidence(struct loading *l, json_t *with)
{
    json_t *map = json_copy(json_object_get(l->line->doc, "case_ground"));
    json_t *doc = wh_json_own(l->a, json_object());
    char zeros[WH_SHA256_HEX + 1];

    memset(zeros, '0', WH_SHA256_HEX);
    zeros[WH_SHA256_HEX] = '\0';
    json_object_update(map, with);
    json_object_set_new(doc, "evidence", map);
    json_object_set_new(doc, "now", json_string("2026-11-23T00:00:00Z"));
    json_object_set_new(doc, "subject", json_string(zeros));
    json_object_set_new(doc, "v", json_integer(1));
    return doc;
}

/* The table "hosting" is met, not met, or nobody knows. */
static bool answer_of(const struct loading *l, struct wh_str word,
                      enum rule_answer *out)
{
    static const char *const words[RULE_ANSWER_COUNT] = {
        [RULE_BELOW] = "yes", [RULE_ABOVE] = "no", [RULE_UNSURE] = "unknown"};

    for (int i = 0; l->hosting && i < RULE_ANSWER_COUNT; i++) {
        if (wh_str_is(word, words[i])) {
            *out = (enum rule_answer)i;
            return true;
        }
    }
    return !l->hosting && rule_answer_of(word, out);
}

static bool load_cases(struct loading *l, json_t *doc)
{
    static const char *const keys[] = {"sentence", "with", "answer", NULL};
    struct rule_line *line = l->line;
    json_t *list = json_object_get(doc, "cases");
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n == 0 || n > RULE_LINE_CASES_MAX ||
        !json_is_object(json_object_get(line->doc, "case_ground"))) {
        return wh_fail(l->err, WH_BAD_REQUEST,
                       "\"case_ground\" must be an object and \"cases\" list "
                       "1 to %d cases",
                       RULE_LINE_CASES_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_array_get(list, i);
        json_t *with = json_object_get(o, "with");
        struct rule_case *c = &line->cases[i];
        struct wh_str answer;
        if (!rule_only_keys(o, keys, "a case", l->err) ||
            !get_text(o, "sentence", &c->sentence, l->err) ||
            !wh_json_get_str(o, "answer", &answer, l->err)) {
            return wh_err_wrap(l->err, "case %zu", i + 1);
        }
        if (!json_is_object(with) || !answer_of(l, answer, &c->answer)) {
            return wh_fail(l->err, WH_BAD_REQUEST,
                           "case %zu needs \"with\" and an answer %s", i + 1,
                           l->hosting ? "yes, no or unknown"
                                      : "below, above or unsure");
        }
        c->evidence = case_evidence(l, with);
    }
    line->n_cases = n;
    return true;
}

static bool load_digest(struct loading *l)
{
    struct wh_buf b;
    wh_buf_init(&b, CANONICAL_MAX);
    bool ok =
        wh_json_canonical(&b, l->line->doc, l->err) && wh_buf_ok(&b, l->err);
    if (ok) {
        wh_sha256_hex_of(wh_buf_str(&b), l->line->digest);
    }
    wh_buf_done(&b);
    return ok;
}

/* Every part passes, whatever the answer. */
static json_t *no_outcome(void)
{
    json_t *all = json_object();
    for (int i = 0; i < RULE_ANSWER_COUNT; i++) {
        json_t *tiers = json_object();
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            json_object_set_new(tiers, rule_part_word((enum rule_part)p),
                                json_string(rule_tier_word(RULE_TIER_PASS)));
        }
        json_object_set_new(all, rule_answer_word((enum rule_answer)i), tiers);
    }
    return all;
}

/* The table "hosting", if there is one, as a line: so that what evaluates,
 * explains and exports lines does the same for it. */
static bool load_hosting(struct loading *l)
{
    static const char *const keys[] = {"rules", "cases", NULL};
    json_t *table = json_object_get(l->line->doc, "hosting");
    struct rule_line *h = WH_NEW(l->a, struct rule_line);
    struct loading inner = {l->a, l->err, h, true};

    if (table == NULL) {
        return true;
    }
    *h = *l->line;
    h->n_rules = h->n_cases = 0;
    h->doc = wh_json_own(l->a, json_copy(l->line->doc));
    json_object_set_new(h->doc, "outcome", no_outcome());
    json_object_set(h->doc, "rules", json_object_get(table, "rules"));
    json_object_set(h->doc, "cases", json_object_get(table, "cases"));
    (void)json_object_del(h->doc, "hosting");
    for (int i = 0; i < RULE_ANSWER_COUNT; i++) {
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            h->outcome[i].part[p] = RULE_TIER_PASS;
        }
    }
    if (!rule_only_keys(table, keys, "\"hosting\"", l->err) ||
        !load_rules(&inner, table) || !load_cases(&inner, table)) {
        return wh_err_wrap(l->err, "hosting");
    }
    l->line->hosting = h;
    return true;
}

bool rule_line_read(struct wh_arena *a, json_t *doc,
                    const struct rule_line **out, struct wh_err *err)
{
    struct loading l = {a, err, WH_NEW(a, struct rule_line), false};
    l.line->doc = doc;
    if (!load_head(&l) || !load_citation(&l) || !load_rules(&l, doc) ||
        !load_outcome(&l) || !load_cases(&l, doc) || !load_digest(&l) ||
        !load_hosting(&l)) {
        return false;
    }
    *out = l.line;
    return true;
}

bool rule_line_load(struct wh_arena *a, struct wh_str text,
                    const struct rule_line **out, struct wh_err *err)
{
    json_t *doc;
    if (text.n > RULE_LINE_TEXT_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a line has at most %zu bytes",
                       RULE_LINE_TEXT_MAX);
    }
    return wh_json_parse(a, text, &doc, err) &&
           rule_line_read(a, doc, out, err);
}

/* PASS opens nothing, yet leaves other lines free to open everything; a tier
 * opens up to itself and keeps every other line from opening more. */
bool rule_tier_not_looser(enum rule_tier a, enum rule_tier b)
{
    if (a == RULE_TIER_PASS) {
        return b == RULE_TIER_PASS || b == RULE_TIER_OPEN;
    }
    if (b == RULE_TIER_PASS) {
        return a == RULE_TIER_HELD;
    }
    return a <= b;
}

bool rule_tiers_not_looser(const struct rule_tiers *a,
                           const struct rule_tiers *b)
{
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        if (!rule_tier_not_looser(a->part[p], b->part[p])) {
            return false;
        }
    }
    return true;
}

struct wh_str rule_line_label(struct wh_arena *a, const struct rule_line *line)
{
    return wh_arena_fmt(a, "%.*s.v%lld", WH_FMT(line->name),
                        (long long)line->version);
}
