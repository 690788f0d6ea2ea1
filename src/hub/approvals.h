/*
 * approvals.h - what people decided, on its way: the keeper's bundle, the round
 * that time calls, and the wait for the register.
 * Owner: nothing is kept; texts live in the arena given.
 * Never: gives a decision effect before its leaf is published.
 */
#ifndef WH_HUB_APPROVALS_H
#define WH_HUB_APPROVALS_H

#include "hub/retier.h"
#include "line/approve.h"
#include "register/read.h"

/* What the keeper wants beside the papers of this decision, into *out; empty
 * for a decision of the lines. */
bool hub_approvals_bundle(const struct register_reader *reader, struct db *db,
                          struct wh_arena *a, const struct line_row *row,
                          struct wh_str *out, struct wh_err *err) WH_CHECK;
/* What the register says about lines, with its proofs, for the keeper to see
 * for itself which are in force (keeper/bundle.h). */
bool hub_approvals_lines(const struct register_reader *reader, struct db *db,
                         struct wh_arena *a, struct wh_str *out,
                         struct wh_err *err) WH_CHECK;

struct hub_approvals {
    struct db_writer *writer;
    struct register_log *log;
    const struct line_set *lines;
    struct hub_retier *retier; /* may be null */
    const char *software;
};

/* One signature: line_sign in a transaction of its own, then the wait until its
 * leaf is published; what follows from it begins. */
bool hub_approvals_sign(const struct hub_approvals *c, struct wh_arena *a,
                        const struct line_signing *in, struct line_signed *out,
                        struct wh_err *err) WH_CHECK;
/* What time does: a step of the sweep. */
bool hub_approvals_round(const struct hub_approvals *c,
                         struct wh_err *err) WH_CHECK;

#endif
