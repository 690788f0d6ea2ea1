/*
 * keep.h - making a decision count: its rows and its leaf for the register.
 * Owner: the caller owns decision and arena.
 * Never: puts into the register what would name a private repo's subject;
 * gives a decision effect before its leaf is published.
 */
#ifndef WH_LINE_KEEP_H
#define WH_LINE_KEEP_H

#include "line/rows.h"
#include "register/submit.h"

/* The lines that were asked, as leaves name them: "sha256:<hex>", sorted; new
 * reference. */
json_t *line_digests(const struct line_decision *d);
/* The leaf of a decision; new reference. For a private repo the digests of
 * subject and evidence are committed to (fields "subject" and "evidence",
 * values "sha256:<hex>") and the salts given out; otherwise they stand in the
 * open and the salts may be null. "lines" is the list that line_set_digests
 * gives of the set that was asked. replaces: index of the decision that this
 * one ends, or -1. */
json_t *line_leaf(const struct line_decision *d, bool is_private,
                  int64_t replaces, uint8_t subject_salt[REGISTER_SALT],
                  uint8_t evidence_salt[REGISTER_SALT]);

struct line_kept {
    int64_t id, outbox; /* outbox: for register_wait */
    char public_id[33];
};

/* Keep a decision with its evidence and the answers of the shadow lines, and
 * submit its leaf: inside the transaction that needs it, after
 * line_subject_keep. repo: 0 for a decision in the open, else the private repo
 * that it is for. now: microseconds. */
bool line_decision_keep(struct db *db, struct wh_arena *a,
                        const struct line_decision *d, int64_t repo,
                        int64_t now, struct line_kept *out,
                        struct wh_err *err) WH_CHECK;

/* A published checkpoint covers the leaf: from now on the decision is in
 * effect. index: of the entry. Known already is fine. */
bool line_decision_published(struct db *db, int64_t outbox, int64_t index,
                             int64_t now, struct wh_err *err) WH_CHECK;
/* The same for all decisions whose entries lie below the published size: at
 * the start, for what a crash left between checkpoint and row. At most 200 at
 * once; *n says how many it were. */
bool line_decisions_catch_up(struct db *db, uint64_t published_size,
                             int64_t now, size_t *n,
                             struct wh_err *err) WH_CHECK;

#endif
