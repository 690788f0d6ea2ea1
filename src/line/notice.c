/*
 * notice.c - notices as rows and leaves.
 */
#include "line/notice.h"
#include "base/time.h"
#include "line/approve_impl.h"

#define STANDING_MAX 8
#define FILES_MAX 1000
#define FILES_IN_LEAF 32
#define REPOS_MAX 10000
#define OURS "notice/"
#define ORDER "order sha256:"

/* ---- what the codes are ---- */

enum code { REASON, SCOPE, ACTION, CODES };

static const struct {
    enum code code;
    const char *word, *words;
} WORDS[] = {
    {REASON, "safety", "it is a danger to people"},
    {REASON, "security", "it is a danger to systems"},
    {REASON, "legal", "an order of law demands it"},
    {REASON, "evidence", "what it was opened on does not hold"},
    {REASON, "key", "a key that stands behind it is not safe"},
    {SCOPE, "this", ""},
    {SCOPE, "descendants", ""},
    {ACTION, "stop-serving", ""},
    {ACTION, "stop-distribution", ""},
    {ACTION, "re-evaluate", ""},
    {ACTION, "destroy", ""},
    {ACTION, "notify", ""},
};
#define NWORDS (sizeof WORDS / sizeof *WORDS)

const char *line_notice_reason_words(struct wh_str reason)
{
    for (size_t i = 0; i < NWORDS; i++) {
        if (WORDS[i].code == REASON && wh_str_is(reason, WORDS[i].word)) {
            return WORDS[i].words;
        }
    }
    return "";
}

/* The codes that a statement's rules name; what it does not name stays. */
static bool read_codes(const struct rule_statement *st, const char *out[CODES],
                       struct wh_err *err)
{
    bool named[CODES] = {false};

    for (size_t i = 0; i < st->n_rules; i++) {
        struct wh_str rule = st->rules[i], word;
        size_t k = 0;
        if (!wh_str_starts(rule, WH_S(OURS))) {
            continue;
        }
        word = wh_str_sub(rule, sizeof OURS - 1, rule.n);
        while (k < NWORDS && !wh_str_is(word, WORDS[k].word)) {
            k++;
        }
        if (k == NWORDS || named[WORDS[k].code]) {
            return wh_fail(err, WH_BAD_REQUEST,
                           "%.*s is no code of a notice, or there are two of "
                           "its kind",
                           WH_FMT(rule));
        }
        named[WORDS[k].code] = true;
        out[WORDS[k].code] = WORDS[k].word;
    }
    return true;
}

/* On legal grounds: the digest of the order, which a reason line names. */
static bool read_order(const struct rule_statement *st, bool legal,
                       struct wh_str *out, struct wh_err *err)
{
    for (size_t i = 0; legal && i < st->n_reasons; i++) {
        struct wh_str s = st->reasons[i];
        if (wh_str_starts(s, WH_S(ORDER)) &&
            s.n == sizeof ORDER - 1 + WH_SHA256_HEX) {
            *out = wh_str_sub(s, sizeof ORDER - 1, s.n);
        }
    }
    return !legal || out->n > 0 ||
           wh_fail(err, WH_REFUSED,
                   "a notice on legal grounds names the order: a reason line "
                   "\"order sha256:<64 digits>\"");
}

/* ---- issuing ---- */

struct issuing {
    struct line_carrying *c;
    const struct line_row *row;
    const char *codes[CODES];
    struct wh_str order, words;
    struct wh_str files[FILES_MAX];
    size_t n_files;
    int64_t number, now, outbox, id;
    json_t *leaf;
    struct wh_str text;
};

static bool find_files(struct issuing *x, struct wh_err *err)
{
    struct wh_str manifest, part, sha;
    json_t *doc;

    if (!line_subject_manifest(x->c->db, x->c->a, x->row->subject, &manifest,
                               err) ||
        !wh_json_parse(x->c->a, manifest, &doc, err)) {
        return false;
    }
    const json_t *files = json_object_get(doc, "files");
    for (size_t i = 0; i < json_array_size(files) && x->n_files < FILES_MAX;
         i++) {
        const json_t *f = json_array_get(files, i);
        if (!wh_json_get_str(f, "part", &part, err) ||
            !wh_json_get_str(f, "sha256", &sha, err)) {
            return false;
        }
        if (wh_str_is(part, "weights")) {
            x->files[x->n_files++] = sha;
        }
    }
    return true;
}

static void join_words(struct issuing *x)
{
    struct wh_buf b;

    wh_buf_init(&b, RULE_STATEMENT_MAX);
    for (size_t i = 0; i < x->c->st->n_reasons; i++) {
        if (!wh_str_starts(x->c->st->reasons[i], WH_S(ORDER))) {
            wh_buf_cstr(&b, b.n > 0 ? " " : "");
            wh_buf_add(&b, x->c->st->reasons[i]);
        }
    }
    x->words = wh_arena_dup(x->c->a, wh_buf_str(&b));
    wh_buf_done(&b);
}

static json_t *new_leaf(const struct issuing *x, const char *act)
{
    json_t *o = wh_json_own(x->c->a, json_object());

    json_object_set_new(o, "type", json_string("notice"));
    json_object_set_new(o, "act", json_string(act));
    json_object_set_new(o, "number", json_integer((json_int_t)x->number));
    json_object_set_new(o, "statement", register_digest_new(x->c->p->digest));
    json_object_set_new(o, "signatures", line_digest_of(x->c->signatures));
    return o;
}

static void fill_leaf(struct issuing *x)
{
    json_t *o = x->leaf, *files = json_array();

    json_object_set_new(o, "reason", json_string(x->codes[REASON]));
    json_object_set_new(o, "scope", json_string(x->codes[SCOPE]));
    json_object_set_new(o, "action", json_string(x->codes[ACTION]));
    json_object_set_new(o, "until", json_integer((json_int_t)x->c->st->until));
    if (x->order.n > 0) {
        json_object_set_new(o, "order", register_digest_new(x->order));
    }
    /* a list that is too long is in the manifest; a private one stays there */
    for (size_t i = 0;
         x->row->repo == 0 && x->n_files <= FILES_IN_LEAF && i < x->n_files;
         i++) {
        json_array_append_new(files, register_digest_new(x->files[i]));
    }
    if (json_array_size(files) > 0) {
        json_object_set(o, "files", files);
    }
    json_decref(files);
}

static bool add_row(struct issuing *x, struct wh_err *err)
{
    struct db_stmt *s = db_start(x->c->db, DBQ_NOTICE_ADD);

    db_bind_cstr(s, 1, json_string_value(json_object_get(x->leaf, "id")));
    db_bind_i64(s, 2, x->number);
    db_bind_text(s, 3, x->row->subject);
    db_bind_i64(s, 4, x->row->repo);
    db_bind_cstr(s, 5, x->codes[REASON]);
    db_bind_cstr(s, 6, x->codes[SCOPE]);
    db_bind_cstr(s, 7, x->codes[ACTION]);
    if (x->order.n > 0) {
        db_bind_text(s, 8, x->order);
    }
    db_bind_text(s, 9, x->c->p->digest);
    db_bind_text(s, 10, x->words);
    db_bind_i64(s, 11,
                x->c->st->tiers.part[RULE_PART_WEIGHTS] != RULE_TIER_OPEN);
    db_bind_i64(s, 12, x->now);
    db_bind_i64(s, 13, x->c->st->until);
    db_bind_text(s, 14, x->text);
    db_bind_i64(s, 15, x->outbox);
    if (!db_one_i64(s, 0, &x->id, err)) {
        return false;
    }
    for (size_t i = 0; i < x->n_files; i++) {
        s = db_start(x->c->db, DBQ_NOTICE_CONTENT_ADD);
        db_bind_text(s, 1, x->files[i]);
        db_bind_i64(s, 2, x->id);
        if (!db_exec(s, err)) {
            return false;
        }
    }
    return true;
}

static bool begin(struct issuing *x, struct wh_err *err)
{
    x->now = x->c->h->now / 1000000;
    if (!line_notice_version(x->c->db, &x->number, err)) {
        return false;
    }
    x->number++;
    return true;
}

/* old: whose codes hold where the statement names none; null: the usual. */
static bool issue(struct line_carrying *c, const struct line_row *row,
                  const struct line_notice *old, struct wh_err *err)
{
    struct issuing *x = WH_NEW(c->a, struct issuing);

    x->c = c;
    x->row = row;
    x->codes[REASON] = old ? wh_arena_cstr(c->a, old->reason) : "safety";
    x->codes[SCOPE] = old ? wh_arena_cstr(c->a, old->scope) : "this";
    x->codes[ACTION] = old ? wh_arena_cstr(c->a, old->action) : "stop-serving";
    x->order = old ? old->order : WH_S("");
    if (!begin(x, err) || !read_codes(c->st, x->codes, err) ||
        !read_order(c->st, strcmp(x->codes[REASON], "legal") == 0, &x->order,
                    err) ||
        !find_files(x, err)) {
        return false;
    }
    join_words(x);
    x->leaf = new_leaf(x, "recall");
    fill_leaf(x);
    if (!line_submit_about(c->db, c->a, x->leaf, row->subject, WH_S(""),
                           row->repo, &x->outbox, err) ||
        !line_canonical(c->a, x->leaf, &x->text, err)) {
        return false;
    }
    c->outbox = x->outbox;
    return add_row(x, err);
}

bool line_notice_issue(struct line_carrying *c, const struct line_row *row,
                       struct wh_err *err)
{
    return issue(c, row, NULL, err);
}

/* ---- lifting ---- */

static bool lift_one(struct issuing *x, int64_t id, int64_t index,
                     struct wh_err *err)
{
    if (!begin(x, err)) {
        return false;
    }
    x->leaf = new_leaf(x, "lift");
    json_object_set_new(x->leaf, "ends", json_integer((json_int_t)index));
    if (!line_submit_about(x->c->db, x->c->a, x->leaf, x->row->subject,
                           WH_S(""), x->row->repo, &x->outbox, err)) {
        return false;
    }
    struct db_stmt *s = db_start(x->c->db, DBQ_NOTICE_LIFT);
    db_bind_i64(s, 1, id);
    db_bind_i64(s, 2, x->now);
    db_bind_i64(s, 3, x->number);
    db_bind_i64(s, 4, x->outbox);
    x->c->outbox = x->outbox;
    return db_exec(s, err);
}

bool line_notice_lift(struct line_carrying *c, const struct line_row *row,
                      struct wh_err *err)
{
    struct issuing *x = WH_NEW(c->a, struct issuing);
    int64_t ids[STANDING_MAX], indexes[STANDING_MAX];
    struct db_stmt *s = db_start(c->db, DBQ_NOTICE_OF_SUBJECT);
    enum db_row r;
    size_t n = 0;

    db_bind_text(s, 1, row->subject);
    db_bind_i64(s, 2, row->repo);
    db_bind_i64(s, 3, c->h->now / 1000000);
    while ((r = db_step(s, err)) == DB_ROW && n < STANDING_MAX) {
        ids[n] = db_col_i64(s, 0);
        indexes[n++] = db_col_i64(s, 1);
    }
    db_finish(&s);
    x->c = c;
    x->row = row;
    bool ok = r != DB_FAIL;
    for (size_t i = 0; ok && i < n; i++) {
        ok = lift_one(x, ids[i], indexes[i], err);
    }
    return ok;
}

bool line_notice_renew(struct line_carrying *c, const struct line_row *row,
                       struct wh_err *err)
{
    const struct line_notice *own = NULL;
    struct line_notice *list;
    size_t n;

    if (!line_notices_standing(c->db, c->a, row->subject, row->repo,
                               c->h->now / 1000000, &list, &n, err)) {
        return false;
    }
    for (size_t i = 0; own == NULL && i < n; i++) {
        bool is = wh_str_eq(list[i].subject, row->subject) &&
                  list[i].repo == row->repo;
        own = is ? &list[i] : NULL;
    }
    return own == NULL ||
           (line_notice_lift(c, row, err) && issue(c, row, own, err));
}

/* ---- reading ---- */

bool line_notice_stands(const struct line_notice *n, int64_t now_s)
{
    return n->lifted == 0 && n->until > now_s;
}

const char *line_notice_state(const struct line_notice *n, int64_t now_s)
{
    return n->lifted != 0 ? "lifted" : n->until > now_s ? "in force" : "ended";
}

static void read_row(struct db_stmt *s, struct wh_arena *a,
                     struct line_notice *out)
{
    *out = (struct line_notice){
        .id = db_col_i64(s, 0),
        .public_id = db_col_dup(s, 1, a),
        .number = db_col_i64(s, 2),
        .subject = db_col_dup(s, 3, a),
        .repo = db_col_i64(s, 4),
        .reason = db_col_dup(s, 5, a),
        .scope = db_col_dup(s, 6, a),
        .action = db_col_dup(s, 7, a),
        .order = db_col_dup(s, 8, a),
        .statement = db_col_dup(s, 9, a),
        .words = db_col_dup(s, 10, a),
        .closes = db_col_bool(s, 11),
        .issued = db_col_i64(s, 12),
        .until = db_col_i64(s, 13),
        .leaf = db_col_dup(s, 14, a),
        .index = db_col_i64(s, 15),
        .lifted = db_col_i64(s, 16),
        .lifted_index = db_col_is_null(s, 17) ? -1 : db_col_i64(s, 17),
    };
}

static bool read_all(struct db_stmt *s, struct wh_arena *a, size_t max,
                     struct line_notice **out, size_t *n, struct wh_err *err)
{
    struct line_notice *list = wh_arena_array(a, max, sizeof *list);
    enum db_row r;

    *n = 0;
    while ((r = db_step(s, err)) == DB_ROW && *n < max) {
        read_row(s, a, &list[(*n)++]);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

bool line_notices_standing(struct db *db, struct wh_arena *a,
                           struct wh_str subject, int64_t repo, int64_t now_s,
                           struct line_notice **out, size_t *n,
                           struct wh_err *err)
{
    struct db_stmt *s;

    *n = 0;
    *out = NULL;
    if (subject.n == 0) {
        return true;
    }
    s = db_start(db, DBQ_NOTICE_STANDING);
    db_bind_i64(s, 1, now_s);
    db_bind_i64(s, 2, repo);
    db_bind_text(s, 3, subject);
    return read_all(s, a, STANDING_MAX, out, n, err);
}

bool line_notice_by_id(struct db *db, struct wh_arena *a, struct wh_str id,
                       struct line_notice *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_NOTICE_BY_ID);
    enum db_row r;

    db_bind_text(s, 1, id);
    r = db_step(s, err);
    if (r == DB_ROW) {
        read_row(s, a, out);
    }
    db_finish(&s);
    return r == DB_ROW || (r == DB_DONE && wh_fail(err, WH_NOT_FOUND,
                                                   "there is no such notice"));
}

bool line_notices(struct db *db, struct wh_arena *a, int64_t before,
                  bool private_too, unsigned limit, struct line_notice **out,
                  size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_NOTICE_LIST);

    db_bind_i64(s, 1, before);
    db_bind_i64(s, 2, private_too);
    db_bind_i64(s, 3, limit);
    return read_all(s, a, limit + 1U, out, n, err);
}

bool line_notice_repos(struct db *db, struct wh_arena *a, int64_t now_s,
                       int64_t **out, size_t *n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_NOTICE_REPOS);
    int64_t *list = NULL;
    enum db_row r;

    *n = 0;
    db_bind_i64(s, 1, now_s);
    while ((r = db_step(s, err)) == DB_ROW && *n < REPOS_MAX) {
        if (!list) { /* the usual case needs no memory */
            list = wh_arena_array(a, REPOS_MAX, sizeof *list);
        }
        list[(*n)++] = db_col_i64(s, 0);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

bool line_notice_version(struct db *db, int64_t *out, struct wh_err *err)
{
    return db_one_i64(db_start(db, DBQ_NOTICE_NUMBER), 0, out, err);
}

/* ---- showing ---- */

static json_t *time_json(int64_t s)
{
    char text[WH_TIME_TEXT];

    if (s == 0) {
        return json_null();
    }
    wh_time_text(s * 1000000, text);
    return json_string(text);
}

static json_t *text_or_null(struct wh_str s)
{
    return s.n > 0 ? wh_json_str(s) : json_null();
}

static bool add_files(struct db *db, int64_t id, json_t *o, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_NOTICE_FILES);
    json_t *list = json_array();
    enum db_row r;

    db_bind_i64(s, 1, id);
    while ((r = db_step(s, err)) == DB_ROW) {
        json_array_append_new(list, wh_json_str(db_col_text(s, 0)));
    }
    db_finish(&s);
    json_object_set_new(o, "files", list);
    return r != DB_FAIL;
}

bool line_notice_view(struct db *db, struct wh_arena *a,
                      const struct line_notice *n, int64_t now_s, json_t **out,
                      struct wh_err *err)
{
    json_t *o = wh_json_own(a, json_object());

    json_object_set_new(o, "id", wh_json_str(n->public_id));
    json_object_set_new(o, "index", json_integer((json_int_t)n->index));
    json_object_set_new(o, "number", json_integer((json_int_t)n->number));
    json_object_set_new(o, "subject", wh_json_str(n->subject));
    json_object_set_new(o, "reason", wh_json_str(n->reason));
    json_object_set_new(o, "reason_words",
                        json_string(line_notice_reason_words(n->reason)));
    json_object_set_new(o, "scope", wh_json_str(n->scope));
    json_object_set_new(o, "action", wh_json_str(n->action));
    json_object_set_new(o, "order", text_or_null(n->order));
    json_object_set_new(o, "words", wh_json_str(n->words));
    json_object_set_new(o, "closes", json_boolean(n->closes));
    json_object_set_new(o, "issued", time_json(n->issued));
    json_object_set_new(o, "until", time_json(n->until));
    json_object_set_new(o, "state", json_string(line_notice_state(n, now_s)));
    json_object_set_new(o, "lifted", time_json(n->lifted));
    json_object_set_new(o, "lifted_index",
                        n->lifted_index >= 0
                            ? json_integer((json_int_t)n->lifted_index)
                            : json_null());
    json_object_set_new(o, "statement", wh_json_str(n->statement));
    json_object_set_new(o, "leaf", wh_json_str(n->leaf));
    *out = o;
    return add_files(db, n->id, o, err);
}
