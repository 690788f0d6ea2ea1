/*
 * set.c - loading the lines that a configuration names.
 */
#include "line/set.h"

#include "base/file.h"
#include "base/log.h"
#include "rule/check.h"
#include "rule/shipped.h"

#include <dirent.h>
#include <stdlib.h>

#define SUFFIX WH_S(".json")

/* Is this file the line of the wanted name or label? Then its version. */
static bool is_wanted(struct wh_str file, struct wh_str wanted,
                      uint64_t *version)
{
    if (!wh_str_ends(file, SUFFIX)) {
        return false;
    }
    struct wh_str label = wh_str_sub(file, 0, file.n - SUFFIX.n);
    size_t at = label.n;
    while (at > 0 && label.p[at - 1] != '.') {
        at--;
    }
    if (at < 2 || at == label.n || label.p[at] != 'v' ||
        !wh_str_u64(wh_str_sub(label, at + 1, label.n), version)) {
        return false;
    }
    return wh_str_eq(label, wanted) ||
           wh_str_eq(wh_str_sub(label, 0, at - 1), wanted);
}

/* The file of a line in a folder; empty when it has none. */
static bool find_in_folder(struct wh_arena *a, struct wh_str dir,
                           struct wh_str wanted, struct wh_str *out,
                           struct wh_err *err)
{
    uint64_t best = 0;
    *out = (struct wh_str){"", 0};
    DIR *d = opendir(wh_arena_cstr(a, dir));
    if (d == NULL) {
        return wh_fail_errno(err, WH_NOT_FOUND, "opening the folder of lines");
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        uint64_t version;
        if (is_wanted(wh_str_of(e->d_name), wanted, &version) &&
            (out->n == 0 || version > best)) {
            *out = wh_arena_fmt(a, "%.*s/%s", WH_FMT(dir), e->d_name);
            best = version;
        }
    }
    (void)closedir(d);
    return true;
}

static bool find_text(struct wh_arena *a, struct wh_str name, struct wh_str dir,
                      struct wh_str *out, struct wh_err *err)
{
    struct wh_str path = {"", 0};
    if (dir.n > 0 && !find_in_folder(a, dir, name, &path, err)) {
        return false;
    }
    if (path.n > 0) {
        return wh_file_read(a, wh_arena_cstr(a, path), RULE_LINE_TEXT_MAX, out,
                            err);
    }
    const struct rule_file *f = rule_shipped_find(name);
    if (f == NULL) {
        return wh_fail(err, WH_NOT_FOUND, "there is no line \"%.*s\"",
                       (int)(name.n < 100 ? name.n : 100), name.p);
    }
    *out = f->text;
    return true;
}

bool line_set_fit(struct wh_arena *a, const struct rule_line *line,
                  struct wh_err *err)
{
    struct rule_problems *p = WH_NEW(a, struct rule_problems);
    return rule_line_check(a, line, p) ||
           wh_fail(err, WH_BAD_REQUEST, "the line %.*s is unfit: %.*s",
                   WH_FMT(line->name), WH_FMT(p->text[0]));
}

bool line_set_add(struct line_set *set, struct wh_arena *a, struct wh_str name,
                  struct wh_str dir, bool shadow, struct wh_err *err)
{
    struct line_entry *list = shadow ? set->shadow : set->enforced;
    size_t *n = shadow ? &set->n_shadow : &set->n_enforced;
    struct line_entry e = {.line = NULL, .text = {"", 0}};

    if (!find_text(a, name, dir, &e.text, err)) {
        return false;
    }
    if (!rule_line_load(a, e.text, &e.line, err)) {
        return wh_err_wrap(err, "line %.*s", (int)(name.n < 100 ? name.n : 100),
                           name.p);
    }
    for (size_t i = 0; i < *n; i++) {
        if (wh_str_eq(list[i].line->name, e.line->name)) {
            return wh_fail(err, WH_CONFLICT, "the line %.*s is named twice",
                           WH_FMT(e.line->name));
        }
    }
    if (*n == LINE_SET_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a house has at most %d lines",
                       LINE_SET_MAX);
    }
    if (!line_set_fit(a, e.line, err)) {
        return false;
    }
    list[(*n)++] = e;
    return true;
}

/* ---- what is at hand ---- */

#define KNOWN_MAX                                              \
    256 /* lines in the folder, in the binary, and from before \
         */
#define FILES_MAX 4096

static void know(struct line_set *set, const struct rule_line *line,
                 struct wh_str text, enum rule_origin from)
{
    set->known[set->n_known++] =
        (struct rule_known){.line = line, .text = text, .from = from};
}

/* A file of the folder; one that is no line, or another than its name says, is
 * nobody's: a name that meant it is not found, and says why then. */
static bool know_file(struct line_set *set, struct wh_arena *a,
                      struct wh_str dir, const char *name, struct wh_err *err)
{
    struct wh_str file = wh_str_of(name), text;
    const struct rule_line *line;
    struct wh_err why = {0};
    uint64_t version;

    if (!is_wanted(file, wh_str_sub(file, 0, file.n - SUFFIX.n), &version)) {
        return true;
    }
    if (set->n_known == KNOWN_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "there are more than %d lines",
                       KNOWN_MAX);
    }
    const char *path = wh_arena_fmt(a, "%.*s/%s", WH_FMT(dir), name).p;
    if (!wh_file_read(a, path, RULE_LINE_TEXT_MAX, &text, &why) ||
        !rule_line_load(a, text, &line, &why)) {
        wh_log_err(WH_WARN, "lines.unread", &why);
        return true;
    }
    if (wh_str_eq(rule_line_label(a, line),
                  wh_str_sub(file, 0, file.n - SUFFIX.n))) {
        know(set, line, text, RULE_FROM_FOLDER);
    }
    return true;
}

static bool know_folder(struct line_set *set, struct wh_arena *a,
                        struct wh_str dir, struct wh_err *err)
{
    bool ok = true;
    DIR *d = opendir(wh_arena_cstr(a, dir));
    if (d == NULL) {
        return wh_fail_errno(err, WH_NOT_FOUND, "opening the folder of lines");
    }
    struct dirent *e = readdir(d);
    for (int i = 0; ok && e != NULL && i < FILES_MAX; i++, e = readdir(d)) {
        struct wh_str name = wh_str_of(e->d_name);
        ok = !wh_str_ends(name, SUFFIX) ||
             know_file(set, a, dir, e->d_name, err);
    }
    (void)closedir(d);
    return ok;
}

static bool know_shipped(struct line_set *set, struct wh_arena *a,
                         struct wh_err *err)
{
    const struct rule_file *f;

    for (size_t i = 0; (f = rule_shipped_line(i)) != NULL; i++) {
        const struct rule_line *line;
        if (set->n_known == KNOWN_MAX) {
            return wh_fail(err, WH_TOO_LARGE, "there are more than %d lines",
                           KNOWN_MAX);
        }
        if (!rule_line_load(a, f->text, &line, err)) {
            return false;
        }
        know(set, line, f->text, RULE_FROM_BINARY);
    }
    return true;
}

static bool take_names(struct line_set *set, const struct wh_str *names,
                       size_t n, struct wh_err *err)
{
    if (n > LINE_SET_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a house has at most %d lines",
                       LINE_SET_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (wh_str_eq(names[i], names[k])) {
                return wh_fail(err, WH_CONFLICT, "the line %.*s is named twice",
                               WH_FMT(names[i]));
            }
        }
        set->names[i] = names[i];
    }
    set->n_names = n;
    return true;
}

bool line_set_gather(struct line_set *set, struct wh_arena *a,
                     const struct wh_str *names, size_t n, struct wh_str dir,
                     struct wh_err *err)
{
    set->known = wh_arena_array(a, KNOWN_MAX, sizeof *set->known);
    set->n_known = 0;
    if (!take_names(set, names, n, err) ||
        (dir.n > 0 && !know_folder(set, a, dir, err)) ||
        !know_shipped(set, a, err)) {
        return false;
    }
    /* a name without a line: that its file can not be read is more telling */
    for (size_t i = 0; i < n; i++) {
        struct wh_str text = WH_S("");
        const struct rule_line *line;
        struct wh_err none = {0};
        if (rule_known_name(a, set->known, set->n_known, names[i]) ==
                SIZE_MAX &&
            find_text(a, names[i], dir, &text, &none) &&
            !rule_line_load(a, text, &line, err)) {
            return wh_err_wrap(err, "line %.*s", WH_FMT(names[i]));
        }
    }
    return true;
}

bool line_set_remember(struct line_set *set, struct wh_arena *a,
                       struct wh_str text, struct wh_err *err)
{
    const struct rule_line *line;

    if (set->n_known == KNOWN_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "there are more than %d lines",
                       KNOWN_MAX);
    }
    if (!rule_line_load(a, text, &line, err)) {
        return false;
    }
    know(set, line, text, RULE_FROM_BEFORE);
    return true;
}

bool line_set_settle(struct line_set *set, struct wh_arena *a,
                     const struct rule_past *past, struct rule_enforced *out,
                     struct wh_err *err)
{
    if (!rule_enforced_find(a, past, set->names, set->n_names, set->known,
                            set->n_known, out, err)) {
        return false;
    }
    set->n_enforced = 0;
    for (size_t i = 0; i < out->n; i++) {
        const struct rule_known *k = &set->known[out->at[i]];
        if (!line_set_fit(a, k->line, err)) {
            return false;
        }
        set->enforced[set->n_enforced++] =
            (struct line_entry){.line = k->line, .text = k->text};
    }
    return true;
}

/* ---- asked ---- */

const struct rule_line *line_set_find(const struct line_set *set,
                                      struct wh_str name)
{
    const struct rule_line *best = NULL;
    for (size_t i = 0; i < set->n_enforced; i++) {
        const struct rule_line *line = set->enforced[i].line;
        if (wh_str_eq(line->name, name) &&
            (best == NULL || line->version > best->version)) {
            best = line;
        }
    }
    return best;
}

int64_t line_set_newest(const struct line_set *set,
                        const struct rule_line *line)
{
    int64_t newest = line->version;
    for (size_t i = 0; i < set->n_known; i++) {
        const struct rule_line *other = set->known[i].line;
        if (set->known[i].from != RULE_FROM_BEFORE &&
            wh_str_eq(other->name, line->name) && other->version > newest) {
            newest = other->version;
        }
    }
    return newest;
}

static int by_digest(const void *x, const void *y)
{
    const struct rule_line *const *a = x;
    const struct rule_line *const *b = y;
    return strcmp((*a)->digest, (*b)->digest);
}

json_t *line_set_digests(const struct line_set *set)
{
    const struct rule_line *sorted[LINE_SET_MAX];
    json_t *list = json_array();
    for (size_t i = 0; i < set->n_enforced; i++) {
        sorted[i] = set->enforced[i].line;
    }
    qsort(sorted, set->n_enforced, sizeof(struct rule_line *), by_digest);
    for (size_t i = 0; i < set->n_enforced; i++) {
        json_array_append_new(list,
                              json_sprintf("sha256:%s", sorted[i]->digest));
    }
    return list;
}
