/*
 * earlier.h - what a repo opened before: a model sent in pieces, one commit
 * after the other, is as large as all of them.
 * Owner: results live in the arena given.
 * Never: counts a new version of a file twice: weights whose tensors have the
 * names of those at hand replace them. (Pieces whose tensors were given the
 * same names pass for versions, and pieces in several repos are not put
 * together: that takes a comparison of what the tensors hold.)
 */
#ifndef WH_HUB_EARLIER_H
#define WH_HUB_EARLIER_H

#include "hub/subject.h"

/* The claims of weights that this repo opened before, that are no files of this
 * subject and no earlier versions of any. */
bool hub_earlier_find(struct db *db, struct wh_arena *a, int64_t repo,
                      const struct hub_subject *s,
                      struct rule_file_claims **out, size_t *n,
                      struct wh_err *err) WH_CHECK;
/* In a writer's transaction: a decision opens the weights of this subject. */
bool hub_earlier_keep(struct db *db, int64_t repo, const struct hub_subject *s,
                      struct wh_err *err) WH_CHECK;

#endif
