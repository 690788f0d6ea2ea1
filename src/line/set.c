/*
 * set.c - loading the lines that a configuration names.
 */
#include "line/set.h"

#include "base/file.h"
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

static bool is_fit(struct wh_arena *a, const struct rule_line *line,
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
    if (!is_fit(a, e.line, err)) {
        return false;
    }
    list[(*n)++] = e;
    return true;
}

const struct rule_line *line_set_find(const struct line_set *set,
                                      struct wh_str name)
{
    for (size_t i = 0; i < set->n_enforced; i++) {
        if (wh_str_eq(set->enforced[i].line->name, name)) {
            return set->enforced[i].line;
        }
    }
    return NULL;
}

/* " (demo.low.v1, which is shipped: name its version)", or nothing. */
static struct wh_str shipped_with(struct wh_arena *a, struct wh_str digest)
{
    const struct rule_file *f;

    for (size_t i = 0; (f = rule_shipped_line(i)) != NULL; i++) {
        const struct rule_line *line;
        struct wh_err err;
        if (rule_line_load(a, f->text, &line, &err) &&
            wh_str_is(digest, line->digest)) {
            return wh_arena_fmt(a,
                                " (%.*s, which is shipped: name its version)",
                                WH_FMT(rule_line_label(a, line)));
        }
    }
    return WH_S("");
}

static bool is_missing(struct wh_str digest, struct wh_err *err)
{
    struct wh_arena a;

    wh_arena_init(&a, 16U << 20);
    struct wh_str label = shipped_with(&a, digest);
    (void)wh_fail(err, WH_ROLLED_BACK,
                  "the register records an enforced line that this "
                  "configuration does not enforce: sha256 %.*s%.*s",
                  WH_FMT(wh_str_sub(digest, 0, WH_SHA256_HEX)), WH_FMT(label));
    wh_arena_done(&a);
    return false;
}

bool line_set_covers(const struct line_set *set, const json_t *digests,
                     struct wh_err *err)
{
    for (size_t i = 0; i < json_array_size(digests); i++) {
        const char *want = json_string_value(json_array_get(digests, i));
        struct wh_str hex = wh_str_of(want ? want : "");
        bool found = false;
        hex = wh_str_starts(hex, WH_S("sha256:")) ? wh_str_sub(hex, 7, hex.n)
                                                  : hex;
        for (size_t k = 0; k < set->n_enforced; k++) {
            found = found || wh_str_is(hex, set->enforced[k].line->digest);
        }
        if (!found) {
            return is_missing(hex, err);
        }
    }
    return true;
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
