/*
 * repo.h - what all pages of a repo stand on. For web/ only.
 * Owner: web_repo_open .. web_repo_close; values belong to the arena.
 * Never: outlives its request.
 */
#ifndef WH_WEB_REPO_H
#define WH_WEB_REPO_H

#include "hub/git.h"
#include "hub/listing.h"
#include "hub/papers.h"
#include "hub/weighing.h"
#include "web/page.h"

struct web_repo {
    struct front_req *q;
    struct hub_git *git;
    struct wh_str path; /* "datasets/demo/x" */
    struct wh_str rev;
    bool has_commit; /* false: nothing was pushed yet */
    struct hub_oid commit;
    char sha[HUB_OID_HEX + 1];
    struct hub_papers papers;
    json_t *decision; /* the document in effect, or null */
    struct hub_weighing weighing;
    json_t *view;  /* of the weighing, or null */
    json_t *items; /* of the evidence that was decided on, or null */
    json_t *page;
};

/* Everything about the revision of the path (main when it names none), and a
 * page with what all pages of a repo have. Fails with WH_REVISION_NOT_FOUND. */
bool web_repo_open(struct front_req *q, const char *tab, struct web_repo *out,
                   struct wh_err *err) WH_CHECK;
/* May be called on what was never opened, zeroed. */
void web_repo_close(struct web_repo *r);

/* Are the weights hosted, and asked through a gateway of this house? */
bool web_repo_hosted(const struct web_repo *r) WH_CHECK;
/* "The weights are held ..." or null when they are open; new reference. */
json_t *web_repo_notice(const struct web_repo *r);
/* Adds `decision` and `register` (null where there is none). */
void web_repo_panels(struct web_repo *r);
/* The listing of this revision. */
struct hub_listing web_repo_listing(const struct web_repo *r);
/* Folders above `path` as steps with addresses; `last` has none. {"steps"}. */
json_t *web_repo_trail(const struct web_repo *r, struct wh_str path);

#endif
