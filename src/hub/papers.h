/*
 * papers.h - what somebody outside needs to check a release: its manifest, and
 * the entry of the register that decided about it.
 * Owner: everything lives in the arena given.
 * Never: asked for a repo that the caller may not read.
 */
#ifndef WH_HUB_PAPERS_H
#define WH_HUB_PAPERS_H

#include "hub/git.h"
#include "line/rows.h"
#include "store/repo.h"

struct hub_papers {
    struct wh_str subject;  /* 64 hex digits; empty: nothing is weighed here,
                               or it was not looked at yet */
    struct wh_str manifest; /* canonical; its SHA-256 is the subject */
    bool weighing;          /* no decision is in effect yet */
    struct wh_str why;      /* it can not be weighed and is held: a sentence */
    bool decided;           /* `row` is the decision in effect */
    struct line_row row;
    /* Hex digits that open the leaf's commitments; empty when it has none. */
    struct wh_str subject_salt, evidence_salt;
};

enum hub_revision_state {
    HUB_REVISION_UNKNOWN,
    HUB_REVISION_WEIGHING,
    HUB_REVISION_DECIDED
};
/* Where a revision stands; *why is not empty when it can not be weighed, and is
 * held for that. */
bool hub_revision_state(struct db *db, struct wh_arena *a, int64_t repo,
                        const char *sha, enum hub_revision_state *state,
                        struct wh_str *why, struct wh_err *err) WH_CHECK;
/* The part that is shown as held then: what a repo of this kind is for. */
enum store_part hub_undecidable_part(enum store_kind kind);

/* The papers of one revision, as seen from its repo. */
bool hub_papers_read(struct db *db, struct wh_arena *a,
                     const struct store_repo *repo,
                     const struct hub_oid *commit, struct hub_papers *out,
                     struct wh_err *err) WH_CHECK;

#endif
