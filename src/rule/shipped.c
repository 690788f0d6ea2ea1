/*
 * shipped.c - finding shipped files; their bytes are made at build time.
 */
#include "rule/shipped.h"

#define SUFFIX WH_S(".json")

/* The label of a line's file, without ".json"; false for other files. */
static bool label_of(const struct rule_file *f, struct wh_str *out)
{
    struct wh_str name = wh_str_of(f->name);
    if (!wh_str_ends(name, SUFFIX)) {
        return false;
    }
    *out = wh_str_sub(name, 0, name.n - SUFFIX.n);
    return true;
}

/* Cut "limited.default.v12" into name and version. */
static bool cut_version(struct wh_str label, struct wh_str *name,
                        uint64_t *version)
{
    size_t at = label.n;
    while (at > 0 && label.p[at - 1] != '.') {
        at--;
    }
    if (at < 2 || at >= label.n || label.p[at] != 'v') {
        return false;
    }
    *name = wh_str_sub(label, 0, at - 1);
    return wh_str_u64(wh_str_sub(label, at + 1, label.n), version);
}

struct wh_str rule_shipped_text(struct wh_str name)
{
    for (size_t i = 0; i < rule_shipped_files_n; i++) {
        if (wh_str_is(name, rule_shipped_files[i].name)) {
            return rule_shipped_files[i].text;
        }
    }
    return (struct wh_str){"", 0};
}

const struct rule_file *rule_shipped_line(size_t i)
{
    struct wh_str label;
    for (size_t k = 0; k < rule_shipped_files_n; k++) {
        if (label_of(&rule_shipped_files[k], &label) && i-- == 0) {
            return &rule_shipped_files[k];
        }
    }
    return NULL;
}

const struct rule_file *rule_shipped_find(struct wh_str wanted)
{
    const struct rule_file *best = NULL;
    uint64_t best_version = 0;

    for (size_t i = 0; i < rule_shipped_files_n; i++) {
        const struct rule_file *f = &rule_shipped_files[i];
        struct wh_str label, name;
        uint64_t version;
        if (!label_of(f, &label) || !cut_version(label, &name, &version)) {
            continue;
        }
        if (wh_str_eq(label, wanted)) {
            return f;
        }
        if (wh_str_eq(name, wanted) && (!best || version > best_version)) {
            best = f;
            best_version = version;
        }
    }
    return best;
}
