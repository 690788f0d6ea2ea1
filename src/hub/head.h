/*
 * head.h - what the head of a repo says of itself: its card's metadata as the
 * columns that lists and filters use.
 * Owner: all texts live in the arena.
 * Never: judges; state, tiers and subject are the decision's business.
 */
#ifndef WH_HUB_HEAD_H
#define WH_HUB_HEAD_H

#include "base/json.h"
#include "hub/git.h"
#include "store/repo.h"

/* Largest README.md that is read for its front matter. */
#define HUB_CARD_FILE_MAX ((size_t)2 << 20)

struct hub_head {
    struct store_repo_head row; /* sha, tags, card, ... filled here */
    struct wh_str tags[STORE_TAGS_MAX];
    size_t n_tags;
};

/* Read README.md of the commit (overlay included) into *out. A card whose
 * front matter does not parse is refused: WH_BAD_REQUEST with the line. */
bool hub_head_read(struct hub_git *g, const struct hub_oid *commit,
                   enum store_kind kind, struct wh_arena *a,
                   struct hub_head *out, struct wh_err *err) WH_CHECK;

/* The front matter of a card as JSON ({} when it has none). */
bool hub_card_data(struct wh_arena *a, struct wh_str card, json_t **out,
                   struct wh_err *err) WH_CHECK;

#endif
