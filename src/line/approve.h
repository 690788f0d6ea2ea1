/*
 * approve.h - decisions by people: statements drafted, signed, carried out; and
 * what time does to them.
 * Owner: texts live in the arena given.
 * Never: asks who is signed in: a signature by a key of the roster is the only
 * title to decide. An operator has none.
 *
 * Everything that changes rows runs inside a db_write function, with the leaf
 * for the register in the same transaction.
 */
#ifndef WH_LINE_APPROVE_H
#define WH_LINE_APPROVE_H

#include "crypto/sshsig.h"
#include "line/keep.h"
#include "line/tier.h"
#include "register/register.h"
#include "rule/approval.h"

#define LINE_APPEAL_MAX 4000   /* bytes of an appeal */
#define LINE_APPEALS_MAX 20    /* of one account that wait for an answer */
#define LINE_FOUNDINGS_MAX 100 /* rosters that wait to be the founding one */
#define LINE_PROPOSALS_MAX 20  /* of one approver that wait for signatures */

/* Where and when: the published register, the lines, the clock. */
struct line_house {
    struct wh_str origin;
    uint64_t size;      /* of the published checkpoint */
    struct wh_str root; /* its root, base64 */
    const struct line_set *lines;
    const char *software; /* "0.1.0" */
    int64_t now;          /* microseconds */
};
/* From the register's state; texts in the arena. */
void line_house_make(struct wh_arena *a, struct register_log *log,
                     const struct line_set *lines, const char *software,
                     struct line_house *out);

/* A roster that is on the register. */
struct line_roster {
    struct rule_roster *r;
    struct wh_str doc, statement, signatures, leaf;
    int64_t index;
};
/* All of them, founding one first; *n is 0 in a house without approvers. Those
 * that no published checkpoint covers yet are left out. */
bool line_rosters(struct db *db, struct wh_arena *a, uint64_t size,
                  struct line_roster **out, size_t *n,
                  struct wh_err *err) WH_CHECK;

/* ---- proposals ---- */

enum line_proposal_state {
    LINE_PROPOSAL_SIGNING,
    LINE_PROPOSAL_APPROVED, /* the cooling-off runs */
    LINE_PROPOSAL_DONE,
    LINE_PROPOSAL_VOID
};

struct line_proposal {
    int64_t id, repo, not_after, due, created;
    struct wh_str public_id, digest, text, subject, paper;
    struct wh_str signatures;           /* that made the quorum, or empty */
    struct wh_str approval_leaf;        /* or empty */
    int64_t approval_index, approval_t; /* -1 and 0 before it is published */
    enum rule_act act;
    enum line_proposal_state state;
};
struct line_signature_row {
    struct wh_str key, approver, affiliation, sig;
    bool dissent;
    int64_t created;
};

/* By public id or by digest of the statement (64 digits); WH_NOT_FOUND. */
bool line_proposal_get(struct db *db, struct wh_arena *a, struct wh_str id,
                       struct line_proposal *out, struct wh_err *err) WH_CHECK;
/* By its row. */
bool line_proposal_of(struct db *db, struct wh_arena *a, int64_t row,
                      struct line_proposal *out, struct wh_err *err) WH_CHECK;
/* Those that wait before what is over, newest first; those about private repos
 * only if asked for. */
bool line_proposals(struct db *db, struct wh_arena *a, int64_t before,
                    bool private_too, unsigned limit,
                    struct line_proposal **out, size_t *n,
                    struct wh_err *err) WH_CHECK;
/* Who signed, for and against. */
bool line_proposal_signatures(struct db *db, struct wh_arena *a, int64_t row,
                              struct line_signature_row **out, size_t *n,
                              struct wh_err *err) WH_CHECK;

/* What somebody wants to have signed. */
struct line_asking {
    enum rule_act act;
    struct wh_str subject; /* 64 hex digits; not for roster and lines */
    int64_t repo;          /* 0, or the private repo that it is about */
    enum rule_tier tier; /* of the weights, for close, ratify, renew, recall */
    int64_t seconds;     /* until its end; 0: as long as the act may */
    const struct wh_str *rules, *reasons;
    size_t n_rules, n_reasons;
    struct wh_str paper; /* roster: the document; lines: digests that stay,
                            blank separated */
};
/* The statement, ready to be signed: against what is published now. Keeps
 * nothing. */
bool line_draft(struct db *db, struct wh_arena *a, const struct line_house *h,
                const struct line_asking *q, struct wh_str *text,
                struct wh_err *err) WH_CHECK;

/* One signature that came in. */
struct line_signing {
    struct wh_str text, sig; /* the statement; the signature's blob */
    struct wh_str paper;     /* the roster that is to follow, for that act */
    struct wh_str confirm;   /* what was typed, for acts that need it */
};
struct line_signed {
    struct wh_str proposal; /* public id */
    struct wh_str approver; /* who signed */
    bool dissent;
    enum line_proposal_state state;
    int64_t outbox;        /* the newest leaf, for register_wait; 0: none */
    struct wh_str subject; /* whose tier changed, or empty */
};
/* Take it in; with the last signature that is needed the act is carried out, or
 * its cooling-off begins. WH_FORBIDDEN: it is no good signature of the roster
 * for this. WH_REFUSED: the floor. WH_CONFLICT: it signed already, or the state
 * that the statement speaks of has passed. */
bool line_sign(struct db *db, struct wh_arena *a, const struct line_house *h,
               const struct line_signing *in, struct line_signed *out,
               struct wh_err *err) WH_CHECK;

/* ---- time ---- */

/* Carry out what has cooled off, end what has run out, drop what nobody used.
 * Gives the subjects whose tier changed, at most 64 at once. */
bool line_approve_round(struct db *db, struct wh_arena *a,
                        const struct line_house *h, struct wh_str *subjects,
                        size_t *n, struct wh_err *err) WH_CHECK;
#define LINE_ROUND_MAX 64

/* ---- closed content, appeals ---- */

/* Did people close these weights, here (repo: of the asker) or everywhere?
 * *row is the decision that says so, the strictest if there are several. */
bool line_closed_find(struct db *db, struct wh_arena *a, struct wh_str sha256,
                      int64_t repo, bool *closed, struct line_row *row,
                      struct wh_err *err) WH_CHECK;
/* The same of all weights of a subject, whichever subjects they were closed
 * with. */
bool line_closing_of(struct db *db, struct wh_arena *a, struct wh_str subject,
                     int64_t repo, bool *closed, struct line_row *row,
                     struct wh_err *err) WH_CHECK;
struct line_weights {
    struct wh_str *sha;
    size_t n;
};
/* Digests of the weights in a subject's manifest. */
bool line_weights_of(struct db *db, struct wh_arena *a, struct wh_str subject,
                     struct line_weights *out, struct wh_err *err) WH_CHECK;
/* The decision whose papers open what people granted, if a decision of theirs
 * is in effect and something is granted: `row` itself, or the one that holds
 * again after a closing. Else *out is row. */
bool line_grant_of(struct db *db, struct wh_arena *a,
                   const struct line_row *row, struct line_row *out,
                   struct wh_err *err) WH_CHECK;
/* Object to a decision that closes something; gives the public id. Once for
 * each account while it waits for an answer (WH_CONFLICT), and not to more than
 * LINE_APPEALS_MAX (WH_RATE_LIMITED): each is a leaf for ever. */
bool line_appeal(struct db *db, struct wh_arena *a, const struct line_house *h,
                 const struct line_row *row, int64_t account,
                 struct wh_str text, struct wh_str *public_id,
                 struct wh_err *err) WH_CHECK;

#endif
