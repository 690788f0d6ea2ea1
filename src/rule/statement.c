/*
 * statement.c - one form only: what was read is written again and compared.
 */
#include "rule/statement.h"
#include "base/enc.h"
#include "base/time.h"
#include "rule/floor.h"

#include <stdio.h>

#define ORIGIN_MAX 255
#define NAME_MAX_BYTES 64

/* Parts in the order of the text. */
static const enum rule_part ORDER[] = {RULE_PART_DATA, RULE_PART_SOFTWARE,
                                       RULE_PART_SOURCE, RULE_PART_WEIGHTS};

/* ---- values ---- */

void rule_time_write(int64_t s, char out[RULE_TIME_TEXT])
{
    char text[WH_TIME_TEXT];
    wh_time_text(s * 1000000, text);
    memcpy(out, text, RULE_TIME_TEXT - 2);
    out[RULE_TIME_TEXT - 2] = 'Z';
    out[RULE_TIME_TEXT - 1] = '\0';
}

bool rule_time_read(struct wh_str text, int64_t *out)
{
    int64_t us;
    if (!rule_time_ok(text) || !wh_time_parse(text, &us)) {
        return false;
    }
    *out = us / 1000000;
    return true;
}

static bool hex_ok(struct wh_str s, size_t bytes)
{
    uint8_t raw[WH_SHA256_LEN];
    return bytes <= sizeof raw && wh_hex_dec(s, raw, bytes, false);
}

/* Printable ASCII that neither begins nor ends with a blank. */
static bool printable(struct wh_str s, size_t max)
{
    if (s.n == 0 || s.n > max || s.p[0] == ' ' || s.p[s.n - 1] == ' ') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool word_ok(struct wh_str s, size_t max)
{
    return printable(s, max) && wh_str_find(s, ' ') == SIZE_MAX;
}

/* A name of the register's kind: "line/rule". */
static bool rule_name_ok(struct wh_str s)
{
    char before = '/';
    size_t slashes = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (c == '/' ? before == '/' : !letter && (!other || before == '/')) {
            return false;
        }
        slashes += c == '/';
        before = c;
    }
    return s.n > 0 && s.n <= NAME_MAX_BYTES && before != '/' && slashes == 1;
}

void rule_statement_confirm(enum rule_act act, struct wh_str subject,
                            char out[RULE_CONFIRM_MAX])
{
    struct wh_str head = wh_str_sub(subject, 0, 16);
    out[0] = '\0';
    if (rule_act_row(act)->irrevocable) {
        (void)snprintf(out, RULE_CONFIRM_MAX,
                       "this cannot be taken back: %s %.*s", rule_act_word(act),
                       WH_FMT(head));
    }
}

/* ---- writing ---- */

static void put_digest(struct wh_buf *b, const char *key, struct wh_str hex)
{
    if (hex.n > 0) {
        wh_buf_fmt(b, "%s sha256:%.*s\n", key, WH_FMT(hex));
    } else {
        wh_buf_fmt(b, "%s -\n", key);
    }
}

static void put_tiers(struct wh_buf *b, const struct rule_statement *s)
{
    wh_buf_cstr(b, "tiers");
    if (!rule_act_row(s->act)->sets_tiers) {
        wh_buf_cstr(b, " -");
    } else {
        for (size_t i = 0; i < sizeof ORDER / sizeof *ORDER; i++) {
            wh_buf_fmt(b, " %s=%s", rule_part_word(ORDER[i]),
                       rule_tier_word(s->tiers.part[ORDER[i]]));
        }
    }
    wh_buf_char(b, '\n');
}

static void put_time(struct wh_buf *b, const char *key, int64_t t)
{
    char text[RULE_TIME_TEXT];
    rule_time_write(t, text);
    wh_buf_fmt(b, "%s %s\n", key, t > 0 ? text : "-");
}

static void put_list(struct wh_buf *b, const char *key, const struct wh_str *v,
                     size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wh_buf_fmt(b, "%s %.*s\n", key, WH_FMT(v[i]));
    }
}

void rule_statement_write(const struct rule_statement *s, struct wh_buf *out)
{
    char confirm[RULE_CONFIRM_MAX];
    wh_buf_fmt(out, "weighhouse decision v1\norigin %.*s\n", WH_FMT(s->origin));
    wh_buf_fmt(out, "tree %llu %.*s\n", (unsigned long long)s->tree_size,
               WH_FMT(s->tree_root));
    if (s->roster > 0) {
        wh_buf_fmt(out, "roster %lld sha256:%.*s\n", (long long)s->roster,
                   WH_FMT(s->roster_digest));
    } else {
        wh_buf_cstr(out, "roster 0 -\n");
    }
    wh_buf_fmt(out, "act %s\n", rule_act_word(s->act));
    put_digest(out, "subject", s->subject);
    put_tiers(out, s);
    put_digest(out, "evidence", s->evidence);
    for (size_t i = 0; i < s->n_lines; i++) {
        put_digest(out, "line", s->lines[i]);
    }
    put_list(out, "rule", s->rules, s->n_rules);
    if (s->replaces >= 0) {
        wh_buf_fmt(out, "replaces %lld\n", (long long)s->replaces);
    } else {
        wh_buf_cstr(out, "replaces -\n");
    }
    put_time(out, "made", s->made);
    put_time(out, "not-before", s->not_before);
    put_time(out, "not-after", s->not_after);
    put_time(out, "until", s->until);
    wh_buf_fmt(out, "nonce %.*s\n", WH_FMT(s->nonce));
    rule_statement_confirm(s->act, s->subject, confirm);
    wh_buf_fmt(out, "confirm %s\n", confirm[0] ? confirm : "-");
    put_list(out, "reason", s->reasons, s->n_reasons);
}

/* ---- reading ---- */

struct reading {
    struct wh_str rest;
    const char *at; /* key of the line that is being read */
    bool ok;
};

/* The value of the next line, which must have this key. */
static struct wh_str take(struct reading *r, const char *key)
{
    struct wh_str line, word;
    r->at = r->ok ? key : r->at;
    if (!r->ok || !wh_str_cut(&r->rest, '\n', &line) ||
        !wh_str_cut(&line, ' ', &word) || !wh_str_is(word, key)) {
        r->ok = false;
        return WH_S("");
    }
    return line;
}

/* Is the next line of this key? */
static bool next_is(const struct reading *r, const char *key)
{
    struct wh_str rest = r->rest, word;
    return r->ok && wh_str_cut(&rest, ' ', &word) && wh_str_is(word, key);
}

static struct wh_str digest_of(struct reading *r, struct wh_str v)
{
    struct wh_str prefix = WH_S("sha256:"), hex;
    if (wh_str_is(v, "-")) {
        return WH_S("");
    }
    hex = wh_str_sub(v, prefix.n, v.n);
    r->ok = r->ok && wh_str_starts(v, prefix) && hex_ok(hex, WH_SHA256_LEN);
    return hex;
}

static struct wh_str take_digest(struct reading *r, const char *key)
{
    struct wh_str v = take(r, key);
    return r->ok ? digest_of(r, v) : v;
}

static int64_t take_time(struct reading *r, const char *key, bool optional)
{
    struct wh_str v = take(r, key);
    int64_t t = 0;
    if (!r->ok || (optional && wh_str_is(v, "-"))) {
        return 0;
    }
    r->ok = rule_time_read(v, &t) && t > 0;
    return t;
}

static int64_t take_index(struct reading *r, const char *key)
{
    struct wh_str v = take(r, key);
    uint64_t n = 0;
    if (!r->ok || wh_str_is(v, "-")) {
        return -1;
    }
    r->ok = wh_str_u64(v, &n) && n < (UINT64_C(1) << 53);
    return (int64_t)n;
}

static void take_tree(struct reading *r, struct rule_statement *s)
{
    struct wh_str v = take(r, "tree"), size;
    uint8_t root[WH_SHA256_LEN];
    size_t n = 0;
    r->ok = r->ok && wh_str_cut(&v, ' ', &size) &&
            wh_str_u64(size, &s->tree_size) && s->tree_size > 0 &&
            s->tree_size < (UINT64_C(1) << 53) &&
            wh_base64_dec(v, root, sizeof root, &n) && n == sizeof root;
    s->tree_root = v;
}

static void take_roster(struct reading *r, struct rule_statement *s)
{
    struct wh_str v = take(r, "roster"), version;
    uint64_t n = 0;
    r->ok = r->ok && wh_str_cut(&v, ' ', &version) && wh_str_u64(version, &n) &&
            n <= INT32_MAX;
    s->roster = (int64_t)n;
    if (r->ok) {
        s->roster_digest = digest_of(r, v);
        r->ok = r->ok && (n == 0) == (s->roster_digest.n == 0);
    }
}

static void take_tiers(struct reading *r, struct rule_statement *s)
{
    struct wh_str v = take(r, "tiers"), pair, key;
    if (!r->ok || !rule_act_row(s->act)->sets_tiers) {
        r->ok = r->ok && wh_str_is(v, "-");
        return;
    }
    for (size_t i = 0; r->ok && i < sizeof ORDER / sizeof *ORDER; i++) {
        enum rule_tier *t = &s->tiers.part[ORDER[i]];
        (void)wh_str_cut(&v, ' ', &pair);
        r->ok = wh_str_cut(&pair, '=', &key) &&
                wh_str_is(key, rule_part_word(ORDER[i])) &&
                rule_tier_of(pair, t) && *t != RULE_TIER_PASS;
    }
    r->ok = r->ok && v.n == 0;
}

/* Up to max lines of a key. */
static size_t take_list(struct reading *r, const char *key, struct wh_str *out,
                        size_t max, bool (*value_ok)(struct wh_str))
{
    size_t n = 0;
    while (next_is(r, key)) {
        struct wh_str v = take(r, key);
        r->ok = r->ok && n < max && value_ok(v);
        if (!r->ok) {
            return 0;
        }
        out[n++] = v;
    }
    return n;
}

static bool reason_ok(struct wh_str s)
{
    return printable(s, RULE_REASON_MAX);
}

static bool digest_value_ok(struct wh_str s)
{
    return wh_str_starts(s, WH_S("sha256:")) &&
           hex_ok(wh_str_sub(s, 7, s.n), WH_SHA256_LEN);
}

static void take_lines(struct reading *r, struct rule_statement *s)
{
    s->n_lines = take_list(r, "line", s->lines, RULE_STATEMENT_LINES_MAX,
                           digest_value_ok);
    for (size_t i = 0; i < s->n_lines; i++) {
        s->lines[i] = wh_str_sub(s->lines[i], 7, WH_SHA256_HEX);
        r->ok =
            r->ok && (i == 0 || wh_str_cmp(s->lines[i - 1], s->lines[i]) < 0);
    }
}

static void take_confirm(struct reading *r, const struct rule_statement *s)
{
    char want[RULE_CONFIRM_MAX];
    struct wh_str v = take(r, "confirm");
    rule_statement_confirm(s->act, s->subject, want);
    r->ok = r->ok && wh_str_is(v, want[0] ? want : "-");
}

static void take_all(struct reading *r, struct rule_statement *s)
{
    struct wh_str v;
    r->ok = wh_str_is(take(r, "weighhouse"), "decision v1");
    s->origin = take(r, "origin");
    r->ok = r->ok && word_ok(s->origin, ORIGIN_MAX);
    take_tree(r, s);
    take_roster(r, s);
    v = take(r, "act");
    r->ok = r->ok && rule_act_of(v, &s->act) &&
            rule_act_row(s->act)->takes != RULE_TAKES_NOBODY;
    s->subject = take_digest(r, "subject");
    take_tiers(r, s);
    s->evidence = take_digest(r, "evidence");
    take_lines(r, s);
    s->n_rules =
        take_list(r, "rule", s->rules, RULE_STATEMENT_RULES_MAX, rule_name_ok);
    s->replaces = take_index(r, "replaces");
    s->made = take_time(r, "made", false);
    s->not_before = take_time(r, "not-before", false);
    s->not_after = take_time(r, "not-after", false);
    s->until = take_time(r, "until", true);
    s->nonce = take(r, "nonce");
    r->ok = r->ok && hex_ok(s->nonce, 16);
    take_confirm(r, s);
    s->n_reasons = take_list(r, "reason", s->reasons,
                             RULE_STATEMENT_REASONS_MAX, reason_ok);
    r->ok = r->ok && s->n_reasons > 0 && r->rest.n == 0;
}

/* ---- the floor ---- */

static bool all_open(const struct rule_statement *s)
{
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        if (s->tiers.part[p] != RULE_TIER_OPEN) {
            return false;
        }
    }
    return true;
}

/* What it closes has an end, and what has no end closes nothing. */
static bool end_ok(const struct rule_statement *s)
{
    const struct rule_act_row *row = rule_act_row(s->act);
    int64_t longest = row->ends ? row->longest : RULE_HOLD_MAX_S;
    if (!row->sets_tiers || (all_open(s) && s->act != RULE_ACT_RECALL)) {
        return s->until == 0;
    }
    return s->until > s->made && s->until - s->made <= longest;
}

/* The tier of weights that each act is about. */
static bool tiers_ok(const struct rule_statement *s)
{
    enum rule_tier weights = s->tiers.part[RULE_PART_WEIGHTS];
    switch (s->act) {
    case RULE_ACT_OPEN:
        return weights == RULE_TIER_OPEN;
    case RULE_ACT_HOST:
        return weights == RULE_TIER_HOSTED;
    case RULE_ACT_GATE:
        return weights == RULE_TIER_GATED;
    case RULE_ACT_CLOSE:
    case RULE_ACT_RATIFY:
    case RULE_ACT_RENEW:
        return !all_open(s);
    case RULE_ACT_RECALL: /* what is open may stay so, and be marked */
    case RULE_ACT_LIFT:
    case RULE_ACT_ANSWER:
    case RULE_ACT_ROSTER:
    case RULE_ACT_LINES:
    case RULE_ACT_LAPSE:
    case RULE_ACT_EXPIRE:
    case RULE_ACT_APPEAL:
    case RULE_ACT_COUNT:
        return true;
    }
    return false;
}

static bool names_ok(const struct rule_statement *s)
{
    const struct rule_act_row *row = rule_act_row(s->act);
    bool founding = s->roster == 0;
    if (founding && s->act != RULE_ACT_ROSTER) {
        return false;
    }
    return (s->subject.n > 0) == (s->act != RULE_ACT_LINES) &&
           (s->evidence.n > 0) == row->about_subject &&
           (!row->closes || s->n_rules > 0) &&
           (!row->about_subject || s->n_lines > 0) &&
           (s->act != RULE_ACT_ROSTER || s->n_lines == 0) &&
           (s->replaces >= 0 || founding);
}

static bool times_ok(const struct rule_statement *s)
{
    return s->not_before >= s->made && s->not_after > s->not_before &&
           s->not_after - s->made <= RULE_STATEMENT_LIFE_S;
}

static bool keeps_floor(const struct rule_statement *s, struct wh_err *err)
{
    if (!names_ok(s)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the statement lacks what its act has to name, or "
                       "names what it has not: subject, evidence, lines, "
                       "rules, what it replaces");
    }
    if (!times_ok(s)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the statement's times are out of order, or it lives "
                       "longer than 60 days");
    }
    if (!tiers_ok(s)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the statement's tiers are not what its act does");
    }
    return end_ok(s) || wh_fail(err, WH_BAD_REQUEST,
                                "the statement closes something without an "
                                "end, or for longer than its act may");
}

bool rule_statement_read(struct wh_str text, struct rule_statement *out,
                         struct wh_err *err)
{
    struct reading r = {.rest = text, .at = "weighhouse", .ok = true};
    struct wh_buf b;
    *out = (struct rule_statement){0};
    if (text.n > RULE_STATEMENT_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "the statement is too long");
    }
    take_all(&r, out);
    if (!r.ok) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "malformed statement at or after the line \"%s\"", r.at);
    }
    wh_buf_init(&b, RULE_STATEMENT_MAX);
    rule_statement_write(out, &b);
    bool same = !b.over && wh_str_eq(wh_buf_str(&b), text);
    wh_buf_done(&b);
    return same ? keeps_floor(out, err)
                : wh_fail(err, WH_BAD_REQUEST,
                          "the statement is not in its one form");
}
