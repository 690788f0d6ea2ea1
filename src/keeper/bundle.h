/*
 * bundle.h - what goes to the keeper beside the papers of a decision that
 * approvers made (docs/formats/approvals.md, "The bundle").
 * Owner: a bundle that was read is views into its bytes.
 * Never: believed before keeper_approved has looked at all of it.
 */
#ifndef WH_KEEPER_BUNDLE_H
#define WH_KEEPER_BUNDLE_H

#include "base/arena.h"
#include "base/buf.h"

#define KEEPER_ROSTERS_MAX 64u
#define KEEPER_BUNDLE_MAX ((size_t)8 << 20)

/* One roster with what put it into force. */
struct keeper_step {
    struct wh_str roster, statement, signatures, leaf, proof;
};

struct keeper_bundle {
    struct wh_str statement, signatures;
    struct wh_str approval, approval_proof; /* empty where there is no delay */
    const struct keeper_step *steps;        /* founding roster first */
    size_t nsteps;
};

/* An entry of the register that tells which lines are in force; one that lets
 * go of some has a statement and its signatures, else they are empty. */
struct keeper_told {
    struct wh_str leaf, proof, statement, signatures;
};

/* What the register says about lines, whole (docs/formats/keeper.md, "Lines").
 */
struct keeper_lines {
    const struct keeper_step *steps; /* rosters, if any entry is signed */
    size_t nsteps;
    const struct keeper_told *told; /* genesis first */
    size_t ntold;
    const struct wh_str *texts; /* canonical documents of lines */
    size_t ntexts;
};
#define KEEPER_TOLD_MAX 1024u
#define KEEPER_TEXTS_MAX 256u

/* Append the bytes; and the reverse, WH_BAD_REQUEST if malformed. */
void keeper_lines_write(const struct keeper_lines *l, struct wh_buf *out);
bool keeper_lines_read(struct wh_arena *a, struct wh_str bytes,
                       struct keeper_lines *out, struct wh_err *err) WH_CHECK;

/* Append the bytes. */
void keeper_bundle_write(const struct keeper_bundle *b, struct wh_buf *out);
/* The reverse, steps in the arena; WH_BAD_REQUEST if malformed. */
bool keeper_bundle_read(struct wh_arena *a, struct wh_str bytes,
                        struct keeper_bundle *out, struct wh_err *err) WH_CHECK;

#endif
