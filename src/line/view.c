/*
 * view.c - what the house tells about its lines.
 */
#include "line/view.h"

#include "rule/evidence.h"
#include "rule/shipped.h"

enum standing { ENFORCED, SHADOW, SHIPPED };

static enum standing standing_of(const struct line_set *set,
                                 const struct rule_line *line)
{
    for (size_t i = 0; i < set->n_enforced; i++) {
        if (strcmp(set->enforced[i].line->digest, line->digest) == 0) {
            return ENFORCED;
        }
    }
    for (size_t i = 0; i < set->n_shadow; i++) {
        if (strcmp(set->shadow[i].line->digest, line->digest) == 0) {
            return SHADOW;
        }
    }
    return SHIPPED;
}

static bool in_set(const struct line_set *set, struct wh_str name)
{
    for (size_t i = 0; i < set->n_enforced; i++) {
        if (wh_str_eq(set->enforced[i].line->name, name)) {
            return true;
        }
    }
    for (size_t i = 0; i < set->n_shadow; i++) {
        if (wh_str_eq(set->shadow[i].line->name, name)) {
            return true;
        }
    }
    return false;
}

/* "2026-11-23" -> "2026-11-23T00:00:00Z"; new reference. */
static json_t *date(struct wh_arena *a, struct wh_str day)
{
    return wh_json_str(wh_arena_fmt(a, "%.*sT00:00:00Z", WH_FMT(day)));
}

static void add_standing(json_t *o, enum standing s)
{
    json_object_set_new(o, "enforced", json_boolean(s == ENFORCED));
    json_object_set_new(o, "shadow", json_boolean(s == SHADOW));
    json_object_set_new(o, "shipped", json_boolean(s == SHIPPED));
}

static json_t *brief(struct wh_arena *a, const struct line_set *set,
                     const struct rule_line *line)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", wh_json_str(line->name));
    json_object_set_new(o, "version", json_integer(line->version));
    json_object_set_new(o, "title", wh_json_str(line->title));
    json_object_set_new(o, "summary", wh_json_str(line->summary));
    json_object_set_new(o, "effective", date(a, line->effective));
    json_object_set_new(o, "last_checked", date(a, line->last_checked));
    json_object_set_new(o, "digest", json_string(line->digest));
    json_object_set_new(o, "newest", json_integer(line_set_newest(set, line)));
    add_standing(o, standing_of(set, line));
    return o;
}

bool line_view_list(struct wh_arena *a, const struct line_set *set,
                    json_t **out, struct wh_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; i < set->n_enforced; i++) {
        json_array_append_new(list, brief(a, set, set->enforced[i].line));
    }
    for (size_t i = 0; i < set->n_shadow; i++) {
        json_array_append_new(list, brief(a, set, set->shadow[i].line));
    }
    for (size_t i = 0;; i++) {
        const struct rule_file *f = rule_shipped_line(i);
        const struct rule_line *line;
        if (!f) {
            break;
        }
        if (!rule_line_load(a, f->text, &line, err)) {
            json_decref(list);
            return false;
        }
        /* an older version, or a line that is listed already */
        if (!in_set(set, line->name) && rule_shipped_find(line->name) == f) {
            json_array_append_new(list, brief(a, set, line));
        }
    }
    *out = list;
    return true;
}

/* In force, then in shadow, the newest first; then what is at hand, or shipped.
 */
static const struct rule_line *find_in_set(const struct line_set *set,
                                           struct wh_str name, uint64_t version)
{
    const struct rule_line *line = line_set_find(set, name);

    if (line && version == 0) {
        return line;
    }
    for (size_t i = 0; i < set->n_enforced + set->n_shadow; i++) {
        line = i < set->n_enforced ? set->enforced[i].line
                                   : set->shadow[i - set->n_enforced].line;
        if (wh_str_eq(line->name, name) &&
            (version == 0 || version == (uint64_t)line->version)) {
            return line;
        }
    }
    for (size_t i = 0; version != 0 && i < set->n_known; i++) {
        line = set->known[i].line;
        if (wh_str_eq(line->name, name) && version == (uint64_t)line->version) {
            return line;
        }
    }
    return NULL;
}

bool line_view_find(struct wh_arena *a, const struct line_set *set,
                    struct wh_str name, uint64_t version,
                    const struct rule_line **out, struct wh_err *err)
{
    const struct rule_file *f;
    struct wh_str wanted = name;
    const struct rule_line *line = find_in_set(set, name, version);

    if (line) {
        *out = line;
        return true;
    }
    if (version != 0) {
        wanted = wh_arena_fmt(a, "%.*s.v%llu", WH_FMT(name),
                              (unsigned long long)version);
    }
    f = rule_shipped_find(wanted);
    if (!f) {
        return wh_fail(err, WH_NOT_FOUND, "There is no line of this name");
    }
    return rule_line_load(a, f->text, out, err);
}

static void add_version(struct wh_arena *a, const struct line_set *set,
                        const struct rule_line *line, bool current,
                        json_t *list)
{
    json_array_append_new(
        list, json_pack("{s:I,s:b,s:b,s:o}", "version",
                        (json_int_t)line->version, "current", (int)current,
                        "enforced", standing_of(set, line) == ENFORCED,
                        "effective", date(a, line->effective)));
}

static bool is_listed(const json_t *list, int64_t version)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        if (json_integer_value(json_object_get(o, "version")) == version) {
            return true;
        }
    }
    return false;
}

/* Versions of the line that the house can show, this one first. */
static bool add_versions(struct wh_arena *a, const struct line_set *set,
                         const struct rule_line *line, json_t *out,
                         struct wh_err *err)
{
    const struct rule_file *f;
    json_t *list = json_array();

    json_object_set_new(out, "versions", list);
    add_version(a, set, line, true, list);
    for (size_t i = 0; i < set->n_known; i++) {
        const struct rule_line *other = set->known[i].line;
        if (wh_str_eq(other->name, line->name) &&
            !is_listed(list, other->version)) {
            add_version(a, set, other, false, list);
        }
    }
    for (size_t i = 0; (f = rule_shipped_line(i)) != NULL; i++) {
        const struct rule_line *other;
        if (!rule_line_load(a, f->text, &other, err)) {
            return false;
        }
        if (wh_str_eq(other->name, line->name) &&
            !is_listed(list, other->version)) {
            add_version(a, set, other, false, list);
        }
    }
    return true;
}

bool line_view(struct wh_arena *a, const struct line_set *set,
               const struct rule_line *line, json_t **out, struct wh_err *err)
{
    json_t *o = brief(a, set, line);

    json_object_set(o, "document", line->doc);
    if (!add_versions(a, set, line, o, err)) {
        json_decref(o);
        return false;
    }
    *out = o;
    return true;
}

/* ---- evidence ---- */

static json_t *text_or_null(struct wh_str s)
{
    return s.n > 0 ? wh_json_str(s) : json_null();
}

static json_t *view_item(const struct rule_evidence *ev,
                         const struct rule_claim *claim)
{
    const json_t *raw = json_object_get(ev->map, claim->name);
    struct rule_item item;
    json_t *o = json_object();
    bool known;

    rule_evidence_look(ev, claim, RULE_BY_SELF, &item);
    known = item.state == RULE_STATE_USED;
    json_object_set_new(o, "claim", json_string(claim->name));
    json_object_set_new(o, "words", json_string(claim->words));
    json_object_set_new(o, "unit", json_string(claim->unit));
    json_object_set_new(o, "known", json_boolean(known));
    json_object_set_new(o, "state", json_string(rule_state_word(item.state)));
    json_object_set_new(o, "lo",
                        known ? text_or_null(item.lo_text) : json_null());
    json_object_set_new(o, "hi",
                        known ? text_or_null(item.hi_text) : json_null());
    json_object_set_new(o, "value",
                        known ? text_or_null(item.value) : json_null());
    json_object_set_new(
        o, "by", known ? json_string(rule_by_words(item.by)) : json_null());
    json_object_set(o, "method", wh_json_text(raw, "method"));
    json_object_set_new(o, "expires", text_or_null(item.expires));
    return o;
}

json_t *line_view_evidence(const json_t *doc)
{
    json_t *list = json_array();
    struct rule_evidence ev;
    const struct rule_claim *claim;

    rule_evidence_open(doc, &ev);
    for (size_t i = 0; (claim = rule_claim_at(i)) != NULL; i++) {
        json_array_append_new(list, view_item(&ev, claim));
    }
    return list;
}
