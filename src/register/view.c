/*
 * view.c - the register for people.
 */
#include "register/view.h"
#include "base/time.h"
#include "tlog/proof.h"

/* ---- words ---- */

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static bool is(const json_t *o, const char *key, const char *value)
{
    return strcmp(text(o, key), value) == 0;
}

static int64_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* "2026-11-23" of a time in Unix seconds; "" if there is none. */
static struct wh_str day(struct wh_arena *a, const json_t *o, const char *key)
{
    char t[WH_TIME_TEXT];

    if (!json_is_integer(json_object_get(o, key))) {
        return WH_S("");
    }
    wh_time_text(number(o, key) * 1000000, t);
    return wh_arena_fmt(a, "%.10s", t);
}

/* "2026-11-23 18:02 UTC". */
static struct wh_str minute(struct wh_arena *a, const json_t *o,
                            const char *key)
{
    char t[WH_TIME_TEXT];

    wh_time_text(number(o, key) * 1000000, t);
    return wh_arena_fmt(a, "%.10s %.5s UTC", t, t + 11);
}

static struct wh_str genesis_words(struct wh_arena *a, const json_t *leaf)
{
    size_t lines = json_array_size(json_object_get(leaf, "lines"));
    size_t roster = json_array_size(json_object_get(leaf, "roster"));

    return wh_arena_fmt(a, "The log begins, with %zu line%s in force and %s.",
                        lines, lines == 1 ? "" : "s",
                        roster ? "a roster of approvers" : "no approvers");
}

static struct wh_str lines_words(struct wh_arena *a, const json_t *leaf)
{
    size_t lines = json_array_size(json_object_get(leaf, "lines"));

    return wh_arena_fmt(
        a, "From here on %zu line%s in force%s.", lines,
        lines == 1 ? " is" : "s are",
        json_object_get(leaf, "roster") ? ", as approvers have signed" : "");
}

static struct wh_str submission_words(struct wh_arena *a, const json_t *leaf)
{
    return wh_arena_fmt(a, "%s was submitted to be weighed.",
                        is(leaf, "kind", "space")     ? "An app"
                        : is(leaf, "kind", "dataset") ? "A dataset"
                                                      : "A model");
}

static struct wh_str weighing_words(struct wh_arena *a, const json_t *leaf)
{
    return is(leaf, "verifiable", "yes")
               ? wh_arena_dup(a, WH_S("A subject was weighed; every file was "
                                      "read to its last byte."))
               : wh_arena_dup(a, WH_S("A subject was weighed; not every file "
                                      "could be read to its last byte."));
}

/* "sha256:0123456789ab..." as people compare it: "0123456789ab". */
static struct wh_str short_digest(const json_t *v)
{
    struct wh_str s = wh_str_of(json_is_string(v) ? json_string_value(v) : "");

    return wh_str_starts(s, WH_S("sha256:")) ? wh_str_sub(s, 7, 12) : s;
}

static struct wh_str exam_words(struct wh_arena *a, const json_t *leaf)
{
    const json_t *doc = json_object_get(leaf, "evidence");
    struct wh_str set = short_digest(json_object_get(leaf, "set"));
    struct wh_str until = day(a, leaf, "until");

    if (!doc) {
        return wh_arena_fmt(a,
                            "A model was examined with the prompts of set "
                            "%.*s. What was measured is only committed to, and "
                            "is evidence until %.*s.",
                            WH_FMT(set), WH_FMT(until));
    }
    return wh_arena_fmt(a,
                        "A model was examined with the prompts of set %.*s. "
                        "What was measured is document %.*s, evidence until "
                        "%.*s.",
                        WH_FMT(set), WH_FMT(short_digest(doc)), WH_FMT(until));
}

/* ---- decisions ---- */

/* What each act of people, or of time, is about: "to host it". */
static const struct {
    const char *act, *to, *done;
} ACTS[] = {
    {"open", "open it to anybody", "opened it to anybody"},
    {"host", "host it: asked here, downloaded by nobody",
     "have it hosted: asked here, downloaded by nobody"},
    {"gate", "let named people download it", "let named people download it"},
    {"close", "close it", "closed it"},
    {"ratify", "ratify an emergency closing", "ratified an emergency closing"},
    {"renew", "renew a hold", "renewed a hold"},
    {"recall", "recall it", "recalled it"},
    {"lift", "lift what closes it", "lifted what closed it"},
};

static const char *act_words(const json_t *leaf, bool done)
{
    for (size_t i = 0; i < sizeof ACTS / sizeof *ACTS; i++) {
        if (is(leaf, "act", ACTS[i].act)) {
            return done ? ACTS[i].done : ACTS[i].to;
        }
    }
    return done ? "decided" : "decide";
}

/* "2 approvers of 2 affiliations". */
static struct wh_str people(struct wh_arena *a, const json_t *leaf)
{
    int64_t n = number(leaf, "approvals"), of = number(leaf, "affiliations");

    return wh_arena_fmt(a, "%lld approver%s of %lld affiliation%s",
                        (long long)n, n == 1 ? "" : "s", (long long)of,
                        of == 1 ? "" : "s");
}

static struct wh_str person_words(struct wh_arena *a, const json_t *leaf)
{
    int64_t dissents = number(leaf, "dissents");

    if (is(leaf, "act", "lapse")) {
        return WH_S("An emergency closing has lapsed: no quorum ratified it");
    }
    if (is(leaf, "act", "expire")) {
        return WH_S("What approvers had decided has run out");
    }
    if (is(leaf, "by", "emergency")) {
        return WH_S("One approver closed it in an emergency, which lapses "
                    "unless a quorum ratifies it");
    }
    return wh_arena_fmt(a, "%.*s %s%s", WH_FMT(people(a, leaf)),
                        act_words(leaf, true),
                        dissents > 0 ? ", against an objection" : "");
}

static struct wh_str decision_words(struct wh_arena *a, const json_t *leaf)
{
    const json_t *tiers = json_object_get(leaf, "tiers");
    struct wh_str until = day(a, leaf, "until");
    struct wh_str head = is(leaf, "by", "line")
                             ? wh_arena_fmt(a, "By the lines themselves: %s",
                                            text(leaf, "answer"))
                             : person_words(a, leaf);

    return wh_arena_fmt(a, "%.*s. Weights %s%s%.*s.", WH_FMT(head),
                        text(tiers, "weights"), until.n ? " until " : "",
                        WH_FMT(until));
}

static struct wh_str proposal_words(struct wh_arena *a, const json_t *leaf)
{
    return wh_arena_fmt(a,
                        "An approver proposed to %s. Others may sign until "
                        "%.*s.",
                        act_words(leaf, false), WH_FMT(day(a, leaf, "until")));
}

static struct wh_str approval_words(struct wh_arena *a, const json_t *leaf)
{
    return wh_arena_fmt(a,
                        "%.*s agreed to %s. The cooling-off runs: nothing "
                        "opens before %.*s.",
                        WH_FMT(people(a, leaf)), act_words(leaf, false),
                        WH_FMT(minute(a, leaf, "from")));
}

static struct wh_str dissent_words(struct wh_arena *a, const json_t *leaf)
{
    (void)a;
    (void)leaf;
    return WH_S("An approver signed that they object to a statement. It is "
                "kept with the decision.");
}

static struct wh_str appeal_words(struct wh_arena *a, const json_t *leaf)
{
    return wh_arena_fmt(a,
                        "Somebody appealed against the decision of entry "
                        "#%lld. An answer is due by %.*s.",
                        (long long)number(leaf, "decision"),
                        WH_FMT(day(a, leaf, "due")));
}

static struct wh_str answer_words(struct wh_arena *a, const json_t *leaf)
{
    return wh_arena_fmt(a, "The appeal of entry #%lld was answered: %s.",
                        (long long)number(leaf, "appeal"),
                        is(leaf, "outcome", "changed")
                            ? "the decision was changed"
                            : "the decision stands");
}

/* ---- who decides ---- */

static struct wh_str roster_words(struct wh_arena *a, const json_t *leaf)
{
    size_t keys = json_array_size(json_object_get(leaf, "keys"));
    int64_t of = number(leaf, "affiliations");

    if (of == 1) {
        return wh_arena_fmt(a,
                            "Roster %lld: all %zu keys are of one affiliation, "
                            "so nothing above a line opens.",
                            (long long)number(leaf, "version"), keys);
    }
    return wh_arena_fmt(
        a,
        "Roster %lld %s: %zu keys of %lld affiliations, of which %lld have to "
        "agree.",
        (long long)number(leaf, "version"),
        json_object_get(leaf, "previous") ? "follows the one before"
                                          : "founds the approvers",
        keys, (long long)of, (long long)number(leaf, "quorum"));
}

/* ---- recalls, the watch, the log itself ---- */

static const char *choice(const json_t *leaf, const char *key,
                          const char *const pairs[][2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is(leaf, key, pairs[i][0])) {
            return pairs[i][1];
        }
    }
    return text(leaf, key);
}
#define CHOICE(leaf, key, pairs) \
    choice(leaf, key, pairs, sizeof(pairs) / sizeof *(pairs))

static const char *const REASONS[][2] = {
    {"safety", "it is a danger to people"},
    {"security", "it is a danger to systems"},
    {"legal", "an order of law demands it"},
    {"evidence", "what it was opened on does not hold"},
    {"key", "a key behind it is not safe"},
};
static const char *const DEEDS[][2] = {
    {"stop-serving", "stop serving it"},
    {"stop-distribution", "stop passing it on"},
    {"re-evaluate", "evaluate it again"},
    {"destroy", "destroy it"},
    {"notify", "take notice"},
};
static const char *const BASES[][2] = {
    {"request", "at somebody's request"},
    {"expiry", "because their time was over"},
    {"order", "by an order of law"},
    {"error", "they were wrong"},
    {"superseded", "others have taken their place"},
};

static struct wh_str notice_words(struct wh_arena *a, const json_t *leaf)
{
    long long n = (long long)number(leaf, "number");

    if (is(leaf, "act", "lift")) {
        return wh_arena_fmt(a, "Notice %lld: the recall of entry #%lld ends.",
                            n, (long long)number(leaf, "ends"));
    }
    return wh_arena_fmt(
        a,
        "Notice %lld: approvers recalled a model%s, because "
        "%s. Whoever has it is asked to %s. In force until "
        "%.*s.",
        n,
        is(leaf, "scope", "descendants") ? " and all that was made from it"
                                         : "",
        CHOICE(leaf, "reason", REASONS), CHOICE(leaf, "action", DEEDS),
        WH_FMT(day(a, leaf, "until")));
}

static struct wh_str watch_words(struct wh_arena *a, const json_t *leaf)
{
    return wh_arena_fmt(
        a,
        "The watch up to %.*s: %lld requests looked at, %lld cases for "
        "reviewers, %lld of them stopped somebody, %lld were lifted, texts "
        "read %lld times.",
        WH_FMT(day(a, leaf, "until")), (long long)number(leaf, "requests"),
        (long long)number(leaf, "queued"), (long long)number(leaf, "suspended"),
        (long long)number(leaf, "lifted"), (long long)number(leaf, "readings"));
}

static struct wh_str erasure_words(struct wh_arena *a, const json_t *leaf)
{
    size_t n = json_array_size(json_object_get(leaf, "erased"));

    return wh_arena_fmt(a,
                        "What %zu entr%s had committed to was erased, %s. The "
                        "commitments stay.",
                        n, n == 1 ? "y" : "ies", CHOICE(leaf, "basis", BASES));
}

static struct wh_str correction_words(struct wh_arena *a, const json_t *leaf)
{
    size_t n = json_array_size(json_object_get(leaf, "refs"));

    return wh_arena_fmt(a, "%zu earlier entr%s no longer valid: %s.", n,
                        n == 1 ? "y is" : "ies are",
                        is(leaf, "basis", "order")
                            ? "an order of law demands it"
                            : CHOICE(leaf, "basis", BASES));
}

static struct wh_str close_words(struct wh_arena *a, const json_t *leaf)
{
    return wh_arena_fmt(a, "The log ends here.%s",
                        json_object_get(leaf, "successor")
                            ? " Another one goes on, under the key named."
                            : "");
}

static const struct {
    const char *type;
    struct wh_str (*words)(struct wh_arena *a, const json_t *leaf);
} WORDS[] = {
    {"genesis", genesis_words},
    {"lines", lines_words},
    {"submission", submission_words},
    {"weighing", weighing_words},
    {"exam", exam_words},
    {"decision", decision_words},
    {"roster", roster_words},
    {"proposal", proposal_words},
    {"approval", approval_words},
    {"dissent", dissent_words},
    {"appeal", appeal_words},
    {"answer", answer_words},
    {"watch", watch_words},
    {"notice", notice_words},
    {"erasure", erasure_words},
    {"correction", correction_words},
    {"close", close_words},
};

struct wh_str register_words(struct wh_arena *a, const json_t *leaf)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (is(leaf, "type", WORDS[i].type)) {
            return WORDS[i].words(a, leaf);
        }
    }
    return wh_arena_fmt(a, "An entry of the type %s.", text(leaf, "type"));
}

static void add_words(struct wh_arena *a, json_t *entry)
{
    json_object_set_new(
        entry, "says",
        wh_json_str(register_words(a, json_object_get(entry, "leaf"))));
}

bool register_view_entries(struct db *db, struct wh_arena *a, uint64_t before,
                           uint64_t size, unsigned limit, json_t **out,
                           struct wh_err *err)
{
    json_t *entry;
    size_t i;

    if (!register_entries_json(db, a, before < size ? before : size, limit, out,
                               err)) {
        return false;
    }
    json_array_foreach(*out, i, entry)
    {
        add_words(a, entry);
    }
    return true;
}

/* ---- one entry with its proof ---- */

static json_t *base64(const void *p, size_t n)
{
    struct wh_buf b;
    json_t *out;

    wh_buf_init(&b, 4 * n + 8);
    wh_buf_base64(&b, p, n);
    out = wh_json_str(wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

/* The bytes that were logged: leaves are canonical. */
static bool add_leaf(json_t *entry, struct wh_err *err)
{
    struct tlog_hash hash;
    struct wh_buf b;
    bool ok;

    wh_buf_init(&b, REGISTER_LEAF_MAX);
    ok = wh_json_canonical(&b, json_object_get(entry, "leaf"), err) &&
         wh_buf_ok(&b, err);
    if (ok) {
        tlog_hash_leaf(wh_buf_str(&b), &hash);
        json_object_set_new(entry, "leaf_base64", base64(b.p, b.n));
        json_object_set_new(entry, "leaf_hash", base64(hash.b, TLOG_HASH));
    }
    wh_buf_done(&b);
    return ok;
}

static bool add_proof(struct wh_str note_text, json_t *entry,
                      struct wh_err *err)
{
    struct tlog_checkpoint cp;
    struct tlog_proof proof;
    struct tlog_note note;
    json_t *path = json_array();

    json_object_set_new(entry, "proof", path);
    if (!tlog_proof_parse(note_text, &proof, err) ||
        !tlog_note_parse(proof.checkpoint, &note, err) ||
        !tlog_checkpoint_parse(note.text, &cp, err)) {
        return false;
    }
    for (size_t i = 0; i < proof.path.n; i++) {
        json_array_append_new(path, base64(proof.path.h[i].b, TLOG_HASH));
    }
    json_object_set_new(entry, "size", json_integer((json_int_t)cp.size));
    json_object_set_new(entry, "root", base64(cp.root.b, TLOG_HASH));
    json_object_set_new(entry, "checkpoint", wh_json_str(proof.checkpoint));
    return true;
}

bool register_view_entry(struct db *db, struct wh_arena *a,
                         const struct register_reader *reader, uint64_t index,
                         uint64_t size, json_t **out, struct wh_err *err)
{
    struct wh_buf proof;
    json_t *entry;
    bool ok;

    if (!register_entry_json(db, a, index, size, &entry, err)) {
        return false;
    }
    add_words(a, entry);
    wh_buf_init(&proof, TLOG_PROOF_MAX);
    ok = add_leaf(entry, err) && register_proof(reader, index, &proof, err) &&
         add_proof(wh_buf_str(&proof), entry, err);
    wh_buf_done(&proof);
    if (!ok) {
        json_decref(entry);
        return false;
    }
    *out = entry;
    return true;
}
