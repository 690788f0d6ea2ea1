/*
 * approve_impl.h - what the files of line/approve.h share; for them only.
 * Owner: texts live in the arena given.
 * Never: included by anybody else.
 */
#ifndef WH_LINE_APPROVE_IMPL_H
#define WH_LINE_APPROVE_IMPL_H

#include "line/approve.h"

/* How long people's decisions were, are and will be: a subject's machine as a
 * row, with the decision whose papers open what was granted. */
struct line_tier_row {
    struct line_state state;
    int64_t grant_decision;
};
/* A subject that people never touched reads as the lines'. */
bool line_tier_read(struct db *db, struct wh_str subject, int64_t repo,
                    struct line_tier_row *out, struct wh_err *err) WH_CHECK;
bool line_tier_write(struct db *db, struct wh_str subject, int64_t repo,
                     const struct line_tier_row *row,
                     struct wh_err *err) WH_CHECK;
/* The newest roster on the register, or null in out->r. */
bool line_roster_now(struct db *db, struct wh_arena *a, uint64_t size,
                     struct line_roster *out, struct wh_err *err) WH_CHECK;
/* The same, to decide under: WH_CONFLICT while another is on its way to the
 * register, since what was signed under this one would come after it. */
bool line_roster_deciding(struct db *db, struct wh_arena *a, uint64_t size,
                          struct line_roster *out, struct wh_err *err) WH_CHECK;
/* What the lines would say today on the evidence of a decision. */
bool line_base(struct db *db, struct wh_arena *a, const struct line_house *h,
               const struct line_row *row, struct line_decision *out,
               struct wh_err *err) WH_CHECK;
/* Digests of the enforced lines, bare hex, sorted. */
size_t line_enforced(struct wh_arena *a, const struct line_house *h,
                     struct wh_str out[LINE_SET_MAX]);
/* Does the statement name every line in force? The keeper opens nothing else,
 * so what came otherwise would stand on the register and never open. */
bool line_names_all(struct wh_arena *a, const struct line_house *h,
                    const struct rule_statement *st);
/* The text of a JSON value in its canonical form. */
bool line_canonical(struct wh_arena *a, const json_t *v, struct wh_str *out,
                    struct wh_err *err) WH_CHECK;
/* "sha256:<hex>" of bytes; new reference. */
json_t *line_digest_of(struct wh_str bytes);
/* Verifies one signature for rule/approval.h. */
extern const struct rule_verifier line_verifier;

/* Approved ones whose cooling-off is over, at most 50. */
bool line_proposals_ripe(struct db *db, struct wh_arena *a,
                         const struct line_house *h, struct line_proposal **out,
                         size_t *n, struct wh_err *err) WH_CHECK;
/* The decision whose leaf is this entry of the register; WH_CONFLICT. */
bool line_by_index(struct db *db, struct wh_arena *a, int64_t index,
                   struct line_row *out, struct wh_err *err) WH_CHECK;

/* The decision about the subject that is in effect in this scope, if it is this
 * entry and none that follows it is on its way to the register; else
 * WH_CONFLICT: of two acts that would end one decision the first counts. */
bool line_to_end(struct db *db, struct wh_arena *a, struct wh_str subject,
                 int64_t repo, int64_t index, struct line_row *out,
                 struct wh_err *err) WH_CHECK;

/* A proposal whose signatures suffice. */
struct line_carrying {
    struct db *db;
    struct wh_arena *a;
    const struct line_house *h;
    const struct line_proposal *p;
    const struct rule_statement *st;
    const struct line_roster *roster;
    struct wh_str signatures;
    const struct rule_signers *who;
    int64_t outbox;        /* result: of the last leaf */
    struct wh_str subject; /* result: whose tier changed */
};
/* Do it: rows and leaf. */
bool line_carry_out(struct line_carrying *c, struct wh_err *err) WH_CHECK;
/* Name the subject in a leaf, or commit to it; submit; keep the opening. */
bool line_submit_about(struct db *db, struct wh_arena *a, json_t *leaf,
                       struct wh_str subject, struct wh_str evidence,
                       int64_t repo, int64_t *outbox,
                       struct wh_err *err) WH_CHECK;
/* A recall is carried out: its notice, as row and leaf. */
bool line_notice_issue(struct line_carrying *c, const struct line_row *row,
                       struct wh_err *err) WH_CHECK;
/* Its closing is lifted: so are the notices about this subject. */
bool line_notice_lift(struct line_carrying *c, const struct line_row *row,
                      struct wh_err *err) WH_CHECK;
/* What a recall holds is renewed: the notice ends, and another begins, with the
 * same codes where the statement names none. Else nothing is done. */
bool line_notice_renew(struct line_carrying *c, const struct line_row *row,
                       struct wh_err *err) WH_CHECK;
/* A closing, hold or grant of this subject has run out. */
bool line_run_out(struct db *db, struct wh_arena *a, const struct line_house *h,
                  struct wh_str subject, int64_t repo, bool *changed,
                  struct wh_err *err) WH_CHECK;

#endif
