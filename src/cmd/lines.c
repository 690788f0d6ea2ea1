/*
 * lines.c - from the settings to the set of lines that decides.
 */
#include "cmd/lines.h"
#include "register/submit.h"

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

/* The digests in the newest leaf that speaks of lines. */
static bool read_recorded(struct wh_arena *a, struct db *db, json_t **out,
                          struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_LINE_RECORDED);
    enum db_row r = db_step(st, err);
    struct wh_str leaf = r == DB_ROW ? db_col_dup(st, 0, a) : WH_S("");
    json_t *doc;

    db_finish(&st);
    if (!db_found(r, WH_CORRUPT, err) || !wh_json_parse(a, leaf, &doc, err)) {
        return false;
    }
    *out = json_object_get(doc, "lines");
    return true;
}

struct record {
    json_t *digests;
    const char *software;
};

static bool record_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct record *r = ctx;
    json_t *leaf = json_object();
    int64_t outbox;
    bool ok;

    json_object_set_new(leaf, "type", json_string("lines"));
    json_object_set_new(leaf, "software", json_string(r->software));
    json_object_set(leaf, "lines", r->digests);
    ok = register_submit(db, leaf, &outbox, err);
    json_decref(leaf);
    return ok;
}

bool cmd_lines_record(struct wh_arena *a, struct db *db,
                      struct db_writer *writer, const struct line_set *set,
                      const char *software, struct wh_err *err)
{
    struct record r = {wh_json_own(a, line_set_digests(set)), software};
    json_t *recorded;

    if (!read_recorded(a, db, &recorded, err) ||
        !line_set_covers(set, recorded, err)) {
        return false;
    }
    return json_array_size(recorded) == json_array_size(r.digests) ||
           db_write(writer, record_fn, &r, err);
}
