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
    bool decided;           /* `row` is the decision in effect */
    struct line_row row;
    /* Hex digits that open the leaf's commitments; empty when it has none. */
    struct wh_str subject_salt, evidence_salt;
};

/* The papers of one revision, as seen from its repo. */
bool hub_papers_read(struct db *db, struct wh_arena *a,
                     const struct store_repo *repo,
                     const struct hub_oid *commit, struct hub_papers *out,
                     struct wh_err *err) WH_CHECK;

#endif
