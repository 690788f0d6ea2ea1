/*
 * head.c - a card's front matter becomes tags and columns, in the spelling
 * that filters of the clients use ("license:mit", "base_model:ns/name").
 */
#include "hub/head.h"
#include "hub/front.h"

bool hub_card_data(struct wh_arena *a, struct wh_str card, json_t **out,
                   struct wh_err *err)
{
    struct wh_str yaml, body;

    if (!hub_front_cut(card, &yaml, &body)) {
        *out = wh_json_own(a, json_object());
        return true;
    }
    return hub_front_parse(a, yaml, out, err) || wh_err_wrap(err, "README.md");
}

/* Which keys of the card become tags. prefix null: the bare value. */
static const struct {
    const char *key, *prefix;
} TAG_KEYS[] = {
    {"tags", NULL},
    {"library_name", NULL},
    {"pipeline_tag", NULL},
    {"sdk", NULL},
    {"license", "license:"},
    {"language", NULL},
    {"language", "language:"},
    {"datasets", "dataset:"},
    {"base_model", "base_model:"},
    {"task_categories", "task_categories:"},
    {"task_ids", "task_ids:"},
    {"size_categories", "size_categories:"},
};

static void add_tag(struct hub_head *h, struct wh_arena *a, const char *prefix,
                    struct wh_str value)
{
    struct wh_str tag;

    if (value.n == 0 || h->n_tags == STORE_TAGS_MAX) {
        return;
    }
    tag = wh_arena_fmt(a, "%s%.*s", prefix ? prefix : "", WH_FMT(value));
    if (tag.n > STORE_TAG_MAX) {
        return;
    }
    for (size_t i = 0; i < h->n_tags; i++) {
        if (wh_str_eq(h->tags[i], tag)) {
            return;
        }
    }
    h->tags[h->n_tags++] = tag;
}

/* A key's value is a word or a list of words. */
static void add_tags(struct hub_head *h, struct wh_arena *a, const json_t *card,
                     const char *key, const char *prefix)
{
    const json_t *v = json_object_get(card, key), *item;
    size_t i;

    if (json_is_string(v)) {
        add_tag(h, a, prefix, wh_str_of(json_string_value(v)));
    }
    json_array_foreach(v, i, item)
    {
        if (json_is_string(item)) {
            add_tag(h, a, prefix, wh_str_of(json_string_value(item)));
        }
    }
}

/* base_model:finetune:ns/name, beside base_model:ns/name. */
static void add_relation(struct hub_head *h, struct wh_arena *a,
                         const json_t *card)
{
    const char *relation =
        json_string_value(json_object_get(card, "base_model_relation"));

    if (relation && strlen(relation) < 40) {
        add_tags(h, a, card, "base_model",
                 wh_arena_fmt(a, "base_model:%s:", relation).p);
    }
}

static struct wh_str text_of(struct wh_arena *a, const json_t *card,
                             const char *key)
{
    const char *s = json_string_value(json_object_get(card, key));

    return s && strlen(s) <= 100 ? wh_arena_dup(a, wh_str_of(s)) : WH_S("");
}

static struct wh_str json_text(struct wh_arena *a, const json_t *v)
{
    struct wh_buf b;
    struct wh_str out;

    wh_buf_init(&b, (size_t)4 << 20);
    wh_json_write(&b, v, false);
    out = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static struct wh_str tags_json(struct wh_arena *a, const struct hub_head *h)
{
    json_t *list = wh_json_own(a, json_array());

    for (size_t i = 0; i < h->n_tags; i++) {
        json_array_append_new(list, wh_json_str(h->tags[i]));
    }
    return json_text(a, list);
}

/* The text of README.md at the root; empty when there is none. */
static bool read_card(struct hub_git *g, const struct hub_oid *commit,
                      struct wh_arena *a, struct wh_str *out,
                      struct wh_err *err)
{
    struct hub_entry e;
    struct wh_err none = {0};

    *out = WH_S("");
    if (!hub_git_entry(g, commit, WH_S("README.md"), a, &e, &none)) {
        if (none.code == WH_ENTRY_NOT_FOUND) {
            return true;
        }
        *err = none;
        return false;
    }
    if (e.dir || e.lfs || e.size > HUB_CARD_FILE_MAX) {
        return true;
    }
    return hub_git_blob(g, &e.oid, HUB_CARD_FILE_MAX, a, out, err);
}

bool hub_head_read(struct hub_git *g, const struct hub_oid *commit,
                   enum store_kind kind, struct wh_arena *a,
                   struct hub_head *out, struct wh_err *err)
{
    char hex[HUB_OID_HEX + 1];
    struct wh_str text;
    json_t *card;

    *out = (struct hub_head){0};
    if (!read_card(g, commit, a, &text, err) ||
        !hub_card_data(a, text, &card, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof TAG_KEYS / sizeof *TAG_KEYS; i++) {
        add_tags(out, a, card, TAG_KEYS[i].key, TAG_KEYS[i].prefix);
    }
    add_relation(out, a, card);
    hub_oid_hex(commit, hex);
    out->row.sha = wh_arena_dup(a, wh_str_of(hex));
    out->row.tags = tags_json(a, out);
    out->row.card = json_text(a, card);
    if (kind == STORE_MODEL) {
        out->row.pipeline_tag = text_of(a, card, "pipeline_tag");
        out->row.library = text_of(a, card, "library_name");
    }
    if (kind == STORE_SPACE) {
        out->row.sdk = text_of(a, card, "sdk");
    }
    return true;
}
