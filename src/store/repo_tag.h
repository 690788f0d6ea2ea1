/*
 * repo_tag.h - the tag rows of a repo; for store/repo.c.
 * Owner: nothing is kept.
 * Never: called by other rooms: tags change with the head.
 */
#ifndef WH_STORE_REPO_TAG_H
#define WH_STORE_REPO_TAG_H

#include "store/repo.h"

/* Make the tags of a repo exactly these: only what differs is written, and the
 * counts of public tags follow. Limits as in store_repo_head_set. */
bool store_repo_tags_set(struct db *db, int64_t repo, enum store_kind kind,
                         bool is_private, const struct wh_str *tags, size_t n,
                         struct wh_err *err) WH_CHECK;

#endif
