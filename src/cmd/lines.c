/*
 * lines.c - from the settings to the set of lines that decides.
 */
#include "cmd/lines.h"
#include "register/read.h"

static bool add_all(struct wh_arena *a, const struct conf *conf,
                    struct wh_str list, bool shadow, struct line_set *out,
                    struct wh_err *err)
{
    struct wh_str name;

    while (conf_list_next(&list, &name)) {
        if (!line_set_add(out, a, name, conf->lines_dir, shadow, err)) {
            return wh_err_wrap(err, "lines.%s: %.*s",
                               shadow ? "shadow" : "enforce", WH_FMT(name));
        }
    }
    return true;
}

bool cmd_lines_load(struct wh_arena *a, const struct conf *conf,
                    struct line_set *out, struct wh_err *err)
{
    return add_all(a, conf, conf->lines_enforce, false, out, err) &&
           add_all(a, conf, conf->lines_shadow, true, out, err);
}

void cmd_lines_genesis(struct wh_arena *a, const struct line_set *set,
                       struct register_genesis *out)
{
    json_t *digests = wh_json_own(a, line_set_digests(set));
    size_t n = json_array_size(digests);
    struct wh_str *list = wh_arena_array(a, n + 1, sizeof *list);
    struct wh_str prefix = WH_S("sha256:");

    for (size_t i = 0; i < n; i++) {
        struct wh_str s =
            wh_str_of(json_string_value(json_array_get(digests, i)));
        list[i] = wh_arena_dup(a, wh_str_sub(s, prefix.n, s.n));
    }
    out->lines = list;
    out->nlines = n;
}

bool cmd_lines_check(struct wh_arena *a, const char *db_path,
                     const struct line_set *set, struct wh_err *err)
{
    struct db *db = db_open(db_path, true, err);
    json_t *entry;
    bool ok;

    if (!db) {
        return false;
    }
    ok = register_entry_json(db, a, 0, 1, &entry, err);
    db_close(&db);
    if (!ok) {
        return false;
    }
    wh_json_own(a, entry);
    return line_set_covers(
        set, json_object_get(json_object_get(entry, "leaf"), "lines"), err);
}
