/*
 * view.c - the register for people.
 */
#include "register/view.h"
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

    return wh_arena_fmt(a, "From here on %zu line%s are in force.", lines,
                        lines == 1 ? "" : "s");
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

static struct wh_str decision_words(struct wh_arena *a, const json_t *leaf)
{
    const json_t *tiers = json_object_get(leaf, "tiers");
    const char *by = is(leaf, "by", "line")        ? "By the lines themselves"
                     : is(leaf, "by", "approvers") ? "By approvers"
                                                   : "In an emergency";

    return wh_arena_fmt(a, "%s: %s. Weights %s.", by, text(leaf, "answer"),
                        text(tiers, "weights"));
}

static const struct {
    const char *type;
    struct wh_str (*words)(struct wh_arena *a, const json_t *leaf);
} WORDS[] = {
    {"genesis", genesis_words},       {"lines", lines_words},
    {"submission", submission_words}, {"weighing", weighing_words},
    {"decision", decision_words},
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
