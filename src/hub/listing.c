/*
 * listing.c - one file of a revision, with its part, tier and findings.
 */
#include "hub/listing.h"
#include "hub/retier.h"
#include "store/content.h"
#include "weigh/look.h"
#include "weigh/part.h"

static struct wh_str base_name(struct wh_str path)
{
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/') {
            return wh_str_sub(path, i, path.n);
        }
    }
    return path;
}

/* The stored answer of the scanner about a large file; *found false when it
 * was not looked into yet. */
static bool find_look(const struct hub_listing *l, const struct hub_entry *e,
                      bool *found, struct weigh_look *out, struct wh_err *err)
{
    struct wh_str text = {"", 0};
    struct db_stmt *st;
    enum db_row r;

    st = db_start(l->db, DBQ_CONTENT_SCAN_ANY);
    db_bind_cstr(st, 1, e->sha256);
    r = db_step(st, err);
    if (r == DB_ROW) {
        text = db_col_dup(st, 0, l->a);
    }
    db_finish(&st);
    *found = text.n > 0;
    return r != DB_FAIL && (!*found || weigh_look_read(l->a, text, out, err));
}

/* Datasets and spaces: all is data but what parses as weights or worse
 * (hub/subject.c says the same of the manifest). */
static enum weigh_part part_of(const struct hub_listing *l,
                               const struct hub_entry *e,
                               const struct weigh_look *look)
{
    const char *why;

    if (l->repo->kind == STORE_MODEL) {
        return weigh_part_of(e->path, look ? look->class : wh_str_of(e->class),
                             &why);
    }
    return look && (wh_str_is(look->class, "weights") ||
                    wh_str_is(look->class, "program") || look->danger)
               ? WEIGH_PART_WEIGHTS
               : WEIGH_PART_DATA;
}

/* What people closed is as they said; what is in the clear is open; else the
 * decision's word for the part. */
static bool find_tier(const struct hub_listing *l, const struct hub_entry *e,
                      enum weigh_part part, json_t **out, struct wh_err *err)
{
    const json_t *tier = json_object_get(json_object_get(l->decision, "tiers"),
                                         weigh_part_name(part));
    struct line_row row;
    uint64_t size;
    bool open, closed;

    *out = NULL;
    if (!store_open_find(l->db, e->sha256, &open, &size, err) ||
        !hub_content_closed(l->db, l->a, e->sha256, l->repo, &closed, &row,
                            err)) {
        return false;
    }
    if (closed) {
        *out = json_string(rule_tier_word(row.tiers.part[RULE_PART_WEIGHTS]));
    } else if (open) {
        *out = json_string("open");
    } else if (l->papers->weighing) {
        *out = json_string("weighing");
    } else {
        *out = json_is_string(tier) &&
                       !wh_str_is(wh_str_of(json_string_value(tier)), "open")
                   ? json_string(json_string_value(tier))
                   : json_string("held");
    }
    return true;
}

/* The gravest finding, in a word or two. */
static json_t *view_finding(const struct weigh_look *look)
{
    const json_t *list = json_object_get(look->result, "findings"), *f;
    const char *id = NULL, *severity = NULL;
    size_t i;

    if (!look->verifiable) {
        return json_pack("{s:s,s:s}", "text", "not verifiable", "severity",
                         "unsure");
    }
    json_array_foreach(list, i, f)
    {
        const char *s = json_string_value(json_object_get(f, "severity"));
        if (s && strcmp(s, "note") != 0 &&
            (!severity || strcmp(s, "danger") == 0)) {
            severity = s;
            id = json_string_value(json_object_get(f, "id"));
        }
    }
    return id ? json_pack("{s:s,s:s}", "text", id, "severity", severity)
              : json_pack("{s:s,s:n}", "text", "clean", "severity");
}

static bool add_large(const struct hub_listing *l, const struct hub_entry *e,
                      json_t *o, struct wh_err *err)
{
    struct weigh_look look;
    enum weigh_part part;
    json_t *tier;
    bool found;

    if (!find_look(l, e, &found, &look, err)) {
        return false;
    }
    if (!found) {
        json_object_set_new(o, "tier", json_string("weighing"));
        return true;
    }
    part = part_of(l, e, &look);
    if (!find_tier(l, e, part, &tier, err)) {
        return false;
    }
    json_object_set_new(o, "part", json_string(weigh_part_name(part)));
    json_object_set_new(o, "tier", tier);
    json_object_set_new(o, "finding", view_finding(&look));
    return true;
}

bool hub_listing_row(const struct hub_listing *l, const struct hub_entry *e,
                     json_t **out, struct wh_err *err)
{
    json_t *o = json_object();

    json_object_set_new(o, "file", wh_json_str(e->path));
    json_object_set_new(o, "name", wh_json_str(base_name(e->path)));
    json_object_set_new(o, "dir", json_boolean(e->dir));
    json_object_set_new(o, "size", json_integer((json_int_t)e->size));
    json_object_set_new(o, "part", json_string(""));
    json_object_set_new(o, "tier", json_string(""));
    json_object_set_new(o, "finding", json_null());
    if (e->lfs && !add_large(l, e, o, err)) {
        json_decref(o);
        return false;
    }
    if (!e->lfs && !e->dir) {
        json_object_set_new(o, "part",
                            json_string(weigh_part_name(part_of(l, e, NULL))));
        json_object_set_new(o, "tier", json_string("open"));
    }
    *out = o;
    return true;
}
