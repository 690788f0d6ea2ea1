/*
 * lines.c - from the settings and the register to the set of lines that
 * decides.
 */
#include "cmd/lines.h"
#include "base/log.h"
#include "base/time.h"
#include "line/rows.h"
#include "register/submit.h"

static bool add_shadow(struct wh_arena *a, const struct conf *conf,
                       struct line_set *out, struct wh_err *err)
{
    struct wh_str list = conf->lines_shadow, name;

    while (conf_list_next(&list, &name)) {
        if (!line_set_add(out, a, name, conf->lines_dir, true, err)) {
            return wh_err_wrap(err, "lines.shadow: %.*s", WH_FMT(name));
        }
    }
    return true;
}

bool cmd_lines_load(struct wh_arena *a, const struct conf *conf,
                    struct line_set *out, struct wh_err *err)
{
    struct wh_str names[LINE_SET_MAX + 1], list = conf->lines_enforce;
    size_t n = 0;

    while (n <= LINE_SET_MAX && conf_list_next(&list, &names[n])) {
        n++;
    }
    if (!line_set_gather(out, a, names, n, conf->lines_dir, err)) {
        return wh_err_wrap(err, "lines.enforce");
    }
    return add_shadow(a, conf, out, err);
}

/* Texts of lines that were ever in force, where nothing at hand has them. */
static bool remember(struct wh_arena *a, struct db *db, struct line_set *set,
                     struct wh_str digest, struct wh_err *err)
{
    struct wh_str text;

    if (rule_known_digest(set->known, set->n_known, digest) != SIZE_MAX) {
        return true;
    }
    if (!line_document_get(db, a, digest, &text, err)) {
        if (err->code != WH_NOT_FOUND) {
            return false;
        }
        *err = (struct wh_err){0}; /* whoever needs it says so */
        return true;
    }
    return line_set_remember(set, a, text, err);
}

static void tell(struct wh_arena *a, const struct line_set *set,
                 const struct rule_enforced *e)
{
    for (size_t i = 0; i < e->n_idle; i++) {
        wh_log(WH_WARN, "lines.idle", "name=%.*s why=approvers-took-it-out",
               WH_FMT(e->idle[i]));
    }
    for (size_t i = 0; i < set->n_enforced; i++) {
        const struct rule_line *line = set->enforced[i].line;
        int64_t newest = line_set_newest(set, line);
        if (newest > line_set_find(set, line->name)->version) {
            wh_log(WH_INFO, "lines.newer", "in_force=%.*s newest=%.*s.v%lld",
                   WH_FMT(rule_line_label(a, line)), WH_FMT(line->name),
                   (long long)newest);
        }
    }
}

bool cmd_lines_settle(struct wh_arena *a, struct db *db, struct line_set *set,
                      struct wh_err *err)
{
    struct rule_past *past = WH_NEW(a, struct rule_past);
    struct rule_enforced *e = WH_NEW(a, struct rule_enforced);

    if (!line_past(db, a, past, err)) {
        return false;
    }
    for (size_t i = 0; i < past->n + past->n_gone; i++) {
        if (!remember(a, db, set,
                      i < past->n ? past->now[i] : past->gone[i - past->n],
                      err)) {
            return false;
        }
    }
    if (!line_set_settle(set, a, past, e, err)) {
        return wh_err_wrap(err, "lines.enforce");
    }
    tell(a, set, e);
    return true;
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

struct record {
    struct wh_arena *a;
    const struct line_set *set;
    const char *software;
};

static bool submit(struct db *db, const struct record *r, json_t *digests,
                   struct wh_err *err)
{
    json_t *leaf = wh_json_own(r->a, json_object());
    int64_t outbox;

    json_object_set_new(leaf, "type", json_string("lines"));
    json_object_set_new(leaf, "software", json_string(r->software));
    json_object_set(leaf, "lines", digests);
    return register_submit(db, leaf, &outbox, err);
}

/* Looked at again here, where nobody else writes. */
static bool record_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct record *r = ctx;
    json_t *digests = wh_json_own(r->a, line_set_digests(r->set));
    struct rule_past *past = WH_NEW(r->a, struct rule_past);

    if (!line_set_keep(db, r->set, wh_now_us(), err) ||
        !line_past(db, r->a, past, err)) {
        return false;
    }
    if (past->n == r->set->n_enforced) {
        return true;
    }
    return rule_past_add(past, digests, false, err) &&
           submit(db, r, digests, err);
}

bool cmd_lines_record(struct db_writer *writer, const struct line_set *set,
                      const char *software, struct wh_err *err)
{
    struct wh_arena a;
    struct record r = {&a, set, software};

    wh_arena_init(&a, (size_t)16 << 20);
    bool ok = db_write(writer, record_fn, &r, err);
    wh_arena_done(&a);
    return ok;
}

bool cmd_lines_changed(struct db *db, const struct line_set *set)
{
    struct wh_err err = {0};
    struct wh_arena a;
    int64_t waiting;

    if (!db_one_i64(db_start(db, DBQ_LINE_WAITING), 0, &waiting, &err) ||
        waiting > 0) {
        return false;
    }
    wh_arena_init(&a, (size_t)1 << 20);
    bool same =
        line_in_force(db, &a, wh_json_own(&a, line_set_digests(set)), &err);
    wh_arena_done(&a);
    return !same && err.code == WH_UNAVAILABLE;
}
