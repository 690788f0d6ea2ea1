/*
 * enforced.c - the register first, then the configuration.
 */
#include "rule/enforced.h"

/* ---- the register ---- */

static struct wh_str hex_of(const json_t *v)
{
    const char *s = json_string_value(v);
    struct wh_str text = wh_str_of(s ? s : "");
    struct wh_str hex = wh_str_starts(text, WH_S("sha256:"))
                            ? wh_str_sub(text, 7, text.n)
                            : WH_S("");
    return hex.n == WH_SHA256_HEX ? hex : WH_S("");
}

static size_t find(const struct wh_str *list, size_t n, struct wh_str digest)
{
    for (size_t i = 0; i < n; i++) {
        if (wh_str_eq(list[i], digest)) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t rule_past_find(const struct rule_past *past, struct wh_str digest)
{
    return find(past->now, past->n, digest);
}

static bool read_list(const json_t *lines, struct wh_str *out, size_t *n,
                      struct wh_err *err)
{
    *n = json_array_size(lines);
    if (!json_is_array(lines) || *n > RULE_ENFORCED_MAX) {
        return wh_fail(err, WH_CORRUPT, "an entry about lines is malformed");
    }
    for (size_t i = 0; i < *n; i++) {
        out[i] = hex_of(json_array_get(lines, i));
        if (out[i].n == 0 || find(out, i, out[i]) != SIZE_MAX) {
            return wh_fail(err, WH_CORRUPT,
                           "an entry about lines is malformed");
        }
    }
    return true;
}

static void come_back(struct rule_past *past, struct wh_str digest)
{
    size_t i = find(past->gone, past->n_gone, digest);
    if (i != SIZE_MAX) {
        past->gone[i] = past->gone[--past->n_gone];
    }
}

/* What was in force and is not in the list is gone. */
static bool let_go(struct rule_past *past, const struct wh_str *list, size_t n,
                   bool by_people, struct wh_err *err)
{
    for (size_t i = 0; i < past->n; i++) {
        if (find(list, n, past->now[i]) != SIZE_MAX) {
            continue;
        }
        if (!by_people) {
            return wh_fail(err, WH_ROLLED_BACK,
                           "an entry of the register lets go of a line, and "
                           "nobody signed that");
        }
        if (past->n_gone == RULE_PAST_GONE_MAX) {
            return wh_fail(err, WH_TOO_LARGE, "too many lines were enforced");
        }
        past->gone[past->n_gone++] = past->now[i];
    }
    return true;
}

bool rule_past_add(struct rule_past *past, const json_t *lines, bool by_people,
                   struct wh_err *err)
{
    struct wh_str list[RULE_ENFORCED_MAX] = {{NULL, 0}};
    bool signed_for[RULE_ENFORCED_MAX];
    size_t n;
    if (!read_list(lines, list, &n, err) ||
        !let_go(past, list, n, by_people, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        size_t was = rule_past_find(past, list[i]);
        signed_for[i] = by_people || (was != SIZE_MAX && past->signed_for[was]);
        come_back(past, list[i]);
    }
    memcpy(past->now, list, n * sizeof *list);
    memcpy(past->signed_for, signed_for, n * sizeof *signed_for);
    past->n = n;
    past->begun = true;
    return true;
}

/* ---- names ---- */

size_t rule_known_digest(const struct rule_known *known, size_t n,
                         struct wh_str digest)
{
    for (size_t i = 0; i < n; i++) {
        if (wh_str_is(digest, known[i].line->digest)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static bool is_label(struct wh_arena *a, struct wh_str name,
                     const struct rule_line *line)
{
    return wh_str_eq(name, rule_line_label(a, line));
}

size_t rule_known_name(struct wh_arena *a, const struct rule_known *known,
                       size_t n, struct wh_str name)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct rule_known *k = &known[i];
        if (k->from == RULE_FROM_BEFORE) {
            continue;
        }
        if (is_label(a, name, k->line)) {
            return i; /* the folder's stand first */
        }
        if (wh_str_eq(name, k->line->name) &&
            (best == SIZE_MAX ||
             (k->from == known[best].from &&
              k->line->version > known[best].line->version))) {
            best = i;
        }
    }
    return best;
}

/* ---- both together ---- */

struct finding {
    struct wh_arena *a;
    const struct rule_past *past;
    const struct wh_str *names;
    size_t n_names;
    const struct rule_known *known;
    size_t n_known;
    struct rule_enforced *out;
};

static bool is_named(const struct finding *f, const struct rule_line *line)
{
    for (size_t i = 0; i < f->n_names; i++) {
        if (wh_str_eq(f->names[i], line->name) ||
            is_label(f->a, f->names[i], line)) {
            return true;
        }
    }
    return false;
}

static bool add(struct finding *f, size_t at, struct wh_err *err)
{
    if (f->out->n == RULE_ENFORCED_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a house has at most %d lines",
                       RULE_ENFORCED_MAX);
    }
    f->out->at[f->out->n++] = at;
    return true;
}

static bool not_named(const struct finding *f, const struct rule_line *line,
                      struct wh_err *err)
{
    struct wh_str label = rule_line_label(f->a, line);
    return wh_fail(
        err, WH_ROLLED_BACK,
        "%.*s is in force by the register, and lines.enforce does not name "
        "it: write %.*s there again (another version may stand beside it). "
        "Only the approvers take it out, while the house runs: weighhouse "
        "decision statement lines - --lines \"LINES THAT STAY\" --reason "
        "TEXT, then weighhouse decision sign",
        WH_FMT(label), WH_FMT(label));
}

static bool add_in_force(struct finding *f, struct wh_err *err)
{
    for (size_t i = 0; i < f->past->n; i++) {
        struct wh_str digest = f->past->now[i];
        size_t at = rule_known_digest(f->known, f->n_known, digest);
        if (at == SIZE_MAX) {
            return wh_fail(err, WH_NOT_FOUND,
                           "the text of a line in force is not here: sha256 "
                           "%.*s. Put its file, NAME.vVERSION.json, into the "
                           "folder lines.dir: a backup of this house or an "
                           "older release has it",
                           WH_FMT(digest));
        }
        if (!f->past->signed_for[i] && !is_named(f, f->known[at].line)) {
            return not_named(f, f->known[at].line, err);
        }
        if (!add(f, at, err)) {
            return false;
        }
    }
    return true;
}

/* Is a version of this line among those found? */
static bool has_version(const struct finding *f, struct wh_str name)
{
    for (size_t i = 0; i < f->out->n; i++) {
        if (wh_str_eq(f->known[f->out->at[i]].line->name, name)) {
            return true;
        }
    }
    return false;
}

/* Was the line that this name means in force once, and taken out? A bare name
 * means every version. */
static bool is_gone(const struct finding *f, struct wh_str name)
{
    for (size_t i = 0; i < f->past->n_gone; i++) {
        size_t at = rule_known_digest(f->known, f->n_known, f->past->gone[i]);
        if (at != SIZE_MAX && (wh_str_eq(name, f->known[at].line->name) ||
                               is_label(f->a, name, f->known[at].line))) {
            return true;
        }
    }
    return false;
}

static bool is_there(const struct finding *f, size_t at)
{
    for (size_t i = 0; i < f->out->n; i++) {
        if (f->out->at[i] == at || strcmp(f->known[f->out->at[i]].line->digest,
                                          f->known[at].line->digest) == 0) {
            return true;
        }
    }
    return false;
}

/* A name in force by its label, though the text is only from before? */
static bool has_label(const struct finding *f, struct wh_str name)
{
    for (size_t i = 0; i < f->out->n; i++) {
        if (is_label(f->a, name, f->known[f->out->at[i]].line)) {
            return true;
        }
    }
    return false;
}

static bool add_name(struct finding *f, struct wh_str name, struct wh_err *err)
{
    size_t at = rule_known_name(f->a, f->known, f->n_known, name);
    if (has_version(f, name) || (at == SIZE_MAX && has_label(f, name)) ||
        (at != SIZE_MAX && is_there(f, at))) {
        return true;
    }
    if (is_gone(f, name)) {
        f->out->idle[f->out->n_idle++] = name;
        return true;
    }
    return at != SIZE_MAX
               ? add(f, at, err)
               : wh_fail(err, WH_NOT_FOUND, "there is no line \"%.*s\"",
                         (int)(name.n < 100 ? name.n : 100), name.p);
}

bool rule_enforced_find(struct wh_arena *a, const struct rule_past *past,
                        const struct wh_str *names, size_t n_names,
                        const struct rule_known *known, size_t n_known,
                        struct rule_enforced *out, struct wh_err *err)
{
    struct finding f = {a, past, names, n_names, known, n_known, out};
    *out = (struct rule_enforced){.n = 0};
    if (n_names > RULE_ENFORCED_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a house has at most %d lines",
                       RULE_ENFORCED_MAX);
    }
    if (!add_in_force(&f, err)) {
        return false;
    }
    /* labels before bare names: "demo.low, demo.low.v2" is version 2 alone */
    for (int bare = 0; bare < 2; bare++) {
        for (size_t i = 0; i < n_names; i++) {
            size_t at = rule_known_name(a, known, n_known, names[i]);
            bool is_bare =
                at != SIZE_MAX && wh_str_eq(names[i], known[at].line->name);
            if (is_bare == (bare == 1) && !add_name(&f, names[i], err)) {
                return false;
            }
        }
    }
    return true;
}
