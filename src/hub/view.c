/*
 * view.c - one shape of each thing, for the API and for pages.
 */
#include "hub/view.h"
#include "base/time.h"

static const char *const PARTS[STORE_PARTS] = {
    [STORE_PART_SOURCE] = "source",
    [STORE_PART_SOFTWARE] = "software",
    [STORE_PART_DATA] = "data",
    [STORE_PART_WEIGHTS] = "weights",
};

static const char *const TIERS[] = {
    [STORE_TIER_NONE] = "none",     [STORE_TIER_HELD] = "held",
    [STORE_TIER_HOSTED] = "hosted", [STORE_TIER_GATED] = "gated",
    [STORE_TIER_OPEN] = "open",
};

static const char *const STATES[] = {
    [STORE_REPO_EMPTY] = "empty",
    [STORE_REPO_WEIGHING] = "weighing",
    [STORE_REPO_DECIDED] = "decided",
};

const char *hub_part_name(enum store_part p)
{
    wh_assert(p < STORE_PARTS);
    return PARTS[p];
}

const char *hub_tier_name(enum store_tier t)
{
    return TIERS[t];
}

bool hub_tier_parse(struct wh_str word, enum store_tier *out)
{
    for (size_t i = 0; i < sizeof TIERS / sizeof *TIERS; i++) {
        if (wh_str_is(word, TIERS[i])) {
            *out = (enum store_tier)i;
            return true;
        }
    }
    return false;
}

const char *hub_kind_prefix(enum store_kind kind)
{
    return kind == STORE_DATASET ? "datasets/"
           : kind == STORE_SPACE ? "spaces/"
                                 : "";
}

json_t *hub_view_time(int64_t us)
{
    char text[WH_TIME_TEXT];

    wh_time_text(us, text);
    return json_string(text);
}

static void put(json_t *o, const char *key, json_t *v)
{
    json_object_set_new(o, key, v);
}

static void put_str(json_t *o, const char *key, struct wh_str s)
{
    put(o, key, wh_json_str(s));
}

/* Only if there is something to say. */
static void put_some(json_t *o, const char *key, struct wh_str s)
{
    if (s.n > 0) {
        put_str(o, key, s);
    }
}

/* JSON that the house itself stored as text. */
static json_t *stored(struct wh_str text, json_t *otherwise)
{
    json_t *v = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;

    if (!v) {
        return otherwise;
    }
    json_decref(otherwise);
    return v;
}

json_t *hub_view_tiers(const enum store_tier tiers[STORE_PARTS])
{
    json_t *o = json_object();

    for (int i = 0; i < STORE_PARTS; i++) {
        if (tiers[i] != STORE_TIER_NONE) {
            put(o, PARTS[i], json_string(TIERS[tiers[i]]));
        }
    }
    return o;
}

static json_t *view_house(const struct store_repo *r)
{
    json_t *o = json_object();

    put(o, "state", json_string(STATES[r->head.state]));
    put(o, "tiers", hub_view_tiers(r->head.tiers));
    put_some(o, "subject", r->head.subject);
    return o;
}

static void add_full(json_t *o, const struct store_repo *r)
{
    struct wh_str author, rest = wh_str_of(r->full);

    wh_str_cut(&rest, '/', &author);
    put_str(o, "author", author);
    put_some(o, "sha", r->head.sha);
    put(o, "lastModified", hub_view_time(r->modified));
    put(o, "disabled", json_false());
    put(o, "gated", json_false());
    put(o, "cardData", stored(r->head.card, json_object()));
    put(o, "usedStorage", json_integer(r->head.used));
    put_some(o, "sdk", r->head.sdk);
    put(o, "weighhouse", view_house(r));
}

json_t *hub_view_repo(const struct store_repo *r, bool brief)
{
    json_t *o = json_object();

    put(o, "_id", json_string(r->public_id));
    put(o, "id", json_string(r->full));
    if (r->kind == STORE_MODEL) {
        put(o, "modelId", json_string(r->full));
    }
    put(o, "private", json_boolean(r->is_private));
    put(o, "createdAt", hub_view_time(r->created));
    put(o, "downloads", json_integer(r->downloads));
    put(o, "likes", json_integer(r->likes));
    put(o, "trendingScore", json_integer(0));
    put(o, "tags", stored(r->head.tags, json_array()));
    put_some(o, "pipeline_tag", r->head.pipeline_tag);
    put_some(o, "library_name", r->head.library);
    if (!brief) {
        add_full(o, r);
    }
    return o;
}

static json_t *oid_json(const struct hub_oid *oid)
{
    char hex[HUB_OID_HEX + 1];

    hub_oid_hex(oid, hex);
    return json_string(hex);
}

static json_t *lfs_json(const struct hub_entry *e, const char *name)
{
    json_t *lfs = json_object();

    put(lfs, name, json_string(e->sha256));
    put(lfs, "size", json_integer((json_int_t)e->size));
    put(lfs, "pointerSize", json_integer((json_int_t)e->pointer_size));
    return lfs;
}

json_t *hub_view_entry(const struct hub_entry *e)
{
    json_t *o = json_object();

    put(o, "type", json_string(e->dir ? "directory" : "file"));
    put_str(o, "path", e->path);
    put(o, "oid", oid_json(&e->oid));
    put(o, "size", json_integer((json_int_t)e->size));
    if (e->lfs) {
        put(o, "lfs", lfs_json(e, "oid"));
    }
    return o;
}

json_t *hub_view_sibling(const struct hub_entry *e, bool blobs)
{
    json_t *o = json_object();

    put_str(o, "rfilename", e->path);
    if (blobs) {
        put(o, "size", json_integer((json_int_t)e->size));
        put(o, "blobId", oid_json(&e->oid));
        if (e->lfs) {
            put(o, "lfs", lfs_json(e, "sha256"));
        }
    }
    return o;
}

json_t *hub_view_commit(const struct hub_commit *c)
{
    json_t *o = json_object(), *author = json_object(), *all = json_array();

    put_str(author, "user", c->author);
    json_array_append_new(all, author);
    put(o, "id", oid_json(&c->oid));
    put_str(o, "title", c->title);
    put_str(o, "message", c->message);
    put(o, "date", hub_view_time(c->time_us));
    put(o, "authors", all);
    return o;
}
