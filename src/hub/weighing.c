/*
 * weighing.c - the scanners' answers about a subject's files, gathered.
 *
 * The document was checked when the scanners answered; it is read here all the
 * same as something that may lack any field.
 */
#include "hub/weighing.h"
#include "hub/view.h"

bool hub_weighing_read(struct db *db, struct wh_arena *a, struct wh_str subject,
                       struct hub_weighing *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_WEIGHING_GET);
    struct wh_str text = {"", 0};
    enum db_row r;

    *out = (struct hub_weighing){0};
    db_bind_text(st, 1, subject);
    r = db_step(st, err);
    if (r == DB_ROW) {
        text = db_col_dup(st, 0, a);
        out->at = db_col_i64(st, 1);
        out->found = true;
    }
    db_finish(&st);
    return r != DB_FAIL &&
           (!out->found || wh_json_parse(a, text, &out->doc, err));
}

/* Member of o, or null; new reference. */
static json_t *copy(const json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);

    return v ? json_incref(v) : json_null();
}

static bool is_verifiable(const json_t *scan)
{
    return json_is_true(json_object_get(scan, "verifiable"));
}

/* Weights, and whatever keeps the whole from being verified. */
static bool is_shown(const json_t *file, const json_t *scan)
{
    const json_t *part = wh_json_text(file, "part");

    return !is_verifiable(scan) ||
           (part && strcmp(json_string_value(part), "weights") == 0);
}

static json_t *view_dtypes(const json_t *scan)
{
    json_t *list = json_array(), *count;
    const char *name;

    json_object_foreach(json_object_get(scan, "by_dtype"), name, count)
    {
        json_array_append_new(
            list, json_pack("{s:s,s:O}", "name", name, "count", count));
    }
    return list;
}

static json_t *view_file(const json_t *file, const json_t *scan)
{
    json_t *o = json_object();

    json_object_set_new(o, "path", copy(file, "path"));
    json_object_set_new(o, "part", copy(file, "part"));
    json_object_set_new(o, "format", copy(scan, "format"));
    json_object_set_new(o, "tensors", copy(scan, "tensors"));
    json_object_set_new(o, "parameters", copy(scan, "parameters"));
    json_object_set_new(o, "dtypes", view_dtypes(scan));
    json_object_set_new(o, "verifiable", json_boolean(is_verifiable(scan)));
    json_object_set_new(o, "why", copy(scan, "why"));
    return o;
}

static void add_findings(json_t *out, const json_t *file, const json_t *scan)
{
    const json_t *list = json_object_get(scan, "findings"), *f;
    size_t i;

    json_array_foreach(list, i, f)
    {
        json_t *o = json_object();
        json_object_set_new(o, "severity", copy(f, "severity"));
        json_object_set_new(o, "id", copy(f, "id"));
        json_object_set_new(o, "path", copy(file, "path"));
        json_object_set_new(o, "at", copy(f, "at"));
        json_object_set_new(o, "why", copy(f, "why"));
        json_array_append_new(out, o);
    }
}

json_t *hub_weighing_view(const struct hub_weighing *w)
{
    json_t *o = json_object(), *files = json_array(), *findings = json_array();
    json_t *architecture = NULL, *scanner = NULL, *file;
    bool verifiable = true;
    size_t i;

    json_array_foreach(json_object_get(w->doc, "files"), i, file)
    {
        const json_t *scan = json_object_get(file, "scan");
        if (!scan) {
            continue;
        }
        if (is_shown(file, scan)) {
            json_array_append_new(files, view_file(file, scan));
        }
        add_findings(findings, file, scan);
        scanner = scanner ? scanner : json_object_get(scan, "scanner");
        if (json_object_size(architecture) == 0) {
            architecture = json_object_get(scan, "architecture");
        }
        verifiable = verifiable && is_verifiable(scan);
    }
    json_object_set_new(o, "scanner",
                        scanner ? json_incref(scanner) : json_null());
    json_object_set_new(o, "weighed", hub_view_time(w->at));
    json_object_set_new(o, "verifiable", json_boolean(verifiable));
    json_object_set_new(o, "architecture",
                        json_object_size(architecture) > 0
                            ? json_incref(architecture)
                            : json_null());
    json_object_set_new(o, "files", files);
    json_object_set_new(o, "findings", findings);
    return o;
}
