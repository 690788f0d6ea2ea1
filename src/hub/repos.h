/*
 * repos.h - the life of a repo: made with its first commit, branches, end.
 * Owner: nothing is kept between calls.
 * Never: asks who may; the route row did.
 */
#ifndef WH_HUB_REPOS_H
#define WH_HUB_REPOS_H

#include "db/writer.h"
#include "hub/git.h"
#include "store/repo.h"

/* Make a repo and, in the same transaction, its first commit, which holds the
 * default .gitattributes. WH_BAD_NAME, WH_CONFLICT. */
bool hub_repo_create(struct db_writer *w, const struct store_repo_new *in,
                     const struct store_account *who, int64_t *id,
                     struct wh_err *err) WH_CHECK;
/* Take it out of every list; its name is free again. */
bool hub_repo_delete(struct db_writer *w, int64_t repo,
                     struct wh_err *err) WH_CHECK;
/* Make, move or drop a reference (full name). old null: it must be new; new
 * null: drop. `at` must be a commit of the repo. */
bool hub_repo_ref(struct db_writer *w, int64_t repo, struct wh_str name,
                  const struct hub_oid *old, const struct hub_oid *new,
                  int64_t account, struct wh_err *err) WH_CHECK;

/* The mail address that stands in commits of an account: it names nobody's
 * mailbox. */
struct wh_str hub_commit_email(struct wh_arena *a, const char *account);

#endif
