/*
 * desk.h - who decides in this house, and what waits for them: the JSON that
 * API and pages both show, and statements drafted and signed.
 * Owner: everything lives in the request's arena.
 * Never: asks who is signed in: a signature by a key of the roster is the only
 * title to decide (line/approve.h); where there is no roster yet, an operator
 * files the one that founds. Shows what is of a private repo.
 */
#ifndef WH_FRONT_DESK_H
#define WH_FRONT_DESK_H

#include "front/request.h"
#include "line/approve.h"

/* The roster in force: {quorums: {act: affiliations}, approvers: [{id,
 * affiliation, outside, demo, since, keys: [{key, fingerprint, print}]}],
 * self_run, demo, version, affiliations, quorum, cooling_off, index, digest,
 * roster, history: [{version, index, at, quorum, cooling_off, approvers,
 * affiliations, digest, joined, left, rekeyed: [id]}]}, newest first. `since`
 * is the entry of the register since which the approver stands on the roster
 * without a break. */
bool front_desk_roster(struct front_req *q, json_t **out,
                       struct wh_err *err) WH_CHECK;

/* One proposal that the caller may see, by public id or by digest:
 * {id, digest, act, does, state, subject, statement, roster, takes,
 * affiliations, approvals, dissent: [{approver, affiliation, key, signature,
 * at}], void_after, opens_at, created}. `takes` is in words; `affiliations`
 * counts those of the approvals. WH_NOT_FOUND. */
bool front_desk_proposal(struct front_req *q, struct wh_str id, json_t **out,
                         struct wh_err *err) WH_CHECK;
/* The same of a statement that may not be filed yet: then its id is null, and
 * its state "draft". paper: the roster that is to follow, or empty. */
bool front_desk_statement(struct front_req *q, struct wh_str text,
                          struct wh_str paper, json_t **out,
                          struct wh_err *err) WH_CHECK;
/* The newest ones about what is public, as a list. */
bool front_desk_proposals(struct front_req *q, json_t **out,
                          struct wh_err *err) WH_CHECK;

/* What people closed: [{subject, kind: emergency|hold, tier, until, holds,
 * decision}], the one that ends first first. */
bool front_desk_holds(struct front_req *q, json_t **out,
                      struct wh_err *err) WH_CHECK;
/* What people granted for a time: [{subject, tier, until}], the same order. */
bool front_desk_grants(struct front_req *q, json_t **out,
                       struct wh_err *err) WH_CHECK;
/* [{id, mine, decision, subject, text, due, outcome, answer, created}]; the
 * text is shown to whom it is of, and to approvers (front/pass.h). */
bool front_desk_appeals(struct front_req *q, json_t **out,
                        struct wh_err *err) WH_CHECK;
/* What the lines hold in public repos, as pages refuse it: [{subject, decision,
 * missing, reasons, until, repos}], the one that is decided anew first
 * first. */
bool front_desk_waiting(struct front_req *q, json_t **out,
                        struct wh_err *err) WH_CHECK;
/* How many repos are named beside a matter. */
#define FRONT_DESK_REPOS 4u
/* [{id, path}] of at most so many repos with this subject that the caller sees;
 * new reference. */
bool front_desk_repos(struct front_req *q, struct wh_str subject, size_t most,
                      json_t **out, struct wh_err *err) WH_CHECK;

/* Object to a decision about what is public, by its public id, for whoever is
 * signed in; gives the public id of the appeal. WH_NOT_FOUND, and line_appeal's
 * refusals. */
bool front_desk_appeal(struct front_req *q, struct wh_str decision,
                       struct wh_str text, struct wh_str *id,
                       struct wh_err *err) WH_CHECK;

/* A statement to be signed: {statement, digest, namespace, confirm}. */
bool front_desk_draft(struct front_req *q, const struct line_asking *asking,
                      json_t **out, struct wh_err *err) WH_CHECK;
/* One signature, armoured as ssh-keygen writes it, into in->sig: {id, approver,
 * dissent, state}. Waits for the register. WH_FORBIDDEN also when it would file
 * a founding roster and comes from no operator. */
bool front_desk_sign(struct front_req *q, struct line_signing *in,
                     struct wh_str armour, json_t **out,
                     struct wh_err *err) WH_CHECK;

#endif
