/*
 * approved.h - did the approvers really decide that? Asked by the keeper where
 * the lines alone do not let it give what is asked for.
 * Owner: one pin in the keeper's process, shared by its threads.
 * Never: takes a signature, a roster or a time on front's word; goes back to an
 * older roster than it has once seen.
 */
#ifndef WH_KEEPER_APPROVED_H
#define WH_KEEPER_APPROVED_H

#include "keeper/bundle.h"
#include "keeper/server.h"

/* What is to be believed, everything else about it being checked already. */
struct keeper_claim {
    struct wh_arena *a;
    struct keeper_pin *pin;
    struct keeper_ledger *ledger;
    struct keeper_horizon *horizon;
    const struct tlog_vkey *log;        /* key of the register */
    struct wh_str bundle;               /* keeper/bundle.h */
    struct wh_str content, leaf_digest; /* hex: of the file asked for, and of
                                           the leaf's bytes */
    json_t *leaf;         /* the decision, proved to be in the register */
    uint64_t index, size; /* its entry; of the checkpoint that covers it */
    struct wh_str subject, evidence; /* hex: of manifest and document */
    const struct wh_str *lines;      /* digests of the lines enforced here */
    size_t nlines;
    int64_t now; /* unix seconds */
};

/* Check the bundle: every roster from the founding one on is in the register
 * and follows the one before; the statement is about this house, subject,
 * evidence and these lines; enough approvers of enough affiliations signed it;
 * the decision says what the statement says; what can not be taken back has
 * waited, and begins while the statement is good: what this keeper opened by
 * this decision then, it opens again later. WH_HELD: not enough, too early, too
 * late. WH_FORBIDDEN: the papers do
 * not belong together. WH_CORRUPT, WH_NOT_VERIFIABLE, WH_ROLLED_BACK: register
 * or roster are not what was shown before. */
bool keeper_approved(const struct keeper_claim *c, struct wh_err *err) WH_CHECK;

/* What the register says about lines, shown as keeper_lines_write makes it:
 * every entry is proved, and genesis is the first; one that lets go of a line
 * is signed by the quorum of the roster of its time, and replaces the entry
 * before it. *past: what it comes to; *index, *size: newest entry, and a
 * checkpoint that covers it. Of c only arena, pin, ledger, horizon, log and now
 * are used. Errors as above. */
bool keeper_lines_told(const struct keeper_claim *c,
                       const struct keeper_lines *shown, struct rule_past *past,
                       uint64_t *index, uint64_t *size,
                       struct wh_err *err) WH_CHECK;

#endif
