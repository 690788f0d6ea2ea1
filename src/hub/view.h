/*
 * view.h - repos, files and commits as the JSON that API and pages both show.
 * Owner: every function returns a new reference; give it to wh_json_own.
 * Never: shows what the caller may not see: callers ask for rows first.
 */
#ifndef WH_HUB_VIEW_H
#define WH_HUB_VIEW_H

#include "base/json.h"
#include "hub/git.h"
#include "store/repo.h"

/* A repo as info and lists show it, without siblings. `brief`: the fields of a
 * list without `full`. */
json_t *hub_view_repo(const struct store_repo *r, bool brief);
/* The tiers of its parts: {"source":"open",...}; parts without files are
 * absent. */
json_t *hub_view_tiers(const enum store_tier tiers[STORE_PARTS]);
/* An entry of a tree or of paths-info. */
json_t *hub_view_entry(const struct hub_entry *e);
/* An entry of `siblings`; `blobs` fills sizes and names. */
json_t *hub_view_sibling(const struct hub_entry *e, bool blobs);
/* A commit of a history. */
json_t *hub_view_commit(const struct hub_commit *c);
/* Times as the clients parse them. */
json_t *hub_view_time(int64_t us);

/* "model", "model.safetensors" -> path parts of URLs: "", "datasets/",
 * "spaces/" before a repo's full name. */
const char *hub_kind_prefix(enum store_kind kind);
/* "source", "held": the words of DESIGN. */
const char *hub_part_name(enum store_part p);
const char *hub_tier_name(enum store_tier t);
/* False for an unknown word. */
bool hub_tier_parse(struct wh_str word, enum store_tier *out);

#endif
