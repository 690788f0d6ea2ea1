/*
 * roster.h - who may decide: the roster document, and what a set of its
 * signatures weighs (docs/formats/approvals.md).
 * Owner: a roster lives in the arena it was read into.
 * Never: verifies a signature; counts keys where affiliations count.
 */
#ifndef WH_RULE_ROSTER_H
#define WH_RULE_ROSTER_H

#include "base/json.h"
#include "base/sha256.h"
#include "rule/act.h"

#define RULE_APPROVERS_MAX 32
#define RULE_KEYS_MAX 32     /* of a whole roster: a bit each in a mask */
#define RULE_KEYS_EACH_MAX 4 /* of one approver */
#define RULE_ROSTER_TEXT_MAX ((size_t)65536)

/* A set of keys of one roster is a uint32_t: bit i for keys[i]. */

/* One public key. */
struct rule_key {
    struct wh_str line;             /* "ssh-ed25519 AAAA..." */
    char digest[WH_SHA256_HEX + 1]; /* fingerprint */
    size_t approver;                /* whose */
};

struct rule_approver {
    struct wh_str id, affiliation;
    size_t group; /* number of the affiliation, from 0 */
    bool outside, demo;
};

struct rule_roster {
    int64_t version, cooling_off;
    struct wh_str previous;          /* 64 hex digits, or empty */
    unsigned quorum[RULE_ACT_COUNT]; /* affiliations that an act takes */
    struct rule_approver approvers[RULE_APPROVERS_MAX];
    struct rule_key keys[RULE_KEYS_MAX];
    size_t n_approvers, n_keys, affiliations;
    bool self_run; /* all of one affiliation */
    bool demo;     /* at least one is no real person */
    json_t *doc;
    char digest[WH_SHA256_HEX + 1];
};

/* Read a roster strictly: canonical, every key known, the floor kept. The form
 * of keys is checked as far as base64 goes; crypto knows more. WH_BAD_REQUEST
 * names what is wrong. */
bool rule_roster_read(struct wh_arena *a, struct wh_str text,
                      struct rule_roster *out, struct wh_err *err) WH_CHECK;

/* Index of the key of a fingerprint (64 hex digits), or SIZE_MAX. */
size_t rule_roster_key(const struct rule_roster *r, struct wh_str digest);
/* Index of an approver, or SIZE_MAX. */
size_t rule_roster_approver(const struct rule_roster *r, struct wh_str id);

/* What a set of keys weighs. */
struct rule_weight {
    unsigned approvers, affiliations;
    bool outside; /* an outside seat is among them */
};
/* Count them: one approver with two keys is one, two of a house are one
 * affiliation. */
void rule_roster_weigh(const struct rule_roster *r, uint32_t keys,
                       struct rule_weight *out);

/* Is that enough for this act? last: it is the last renewal, which takes an
 * outside seat. WH_FORBIDDEN says what is missing. */
bool rule_roster_enough(const struct rule_roster *r, enum rule_act act,
                        uint32_t keys, bool last, struct wh_err *err) WH_CHECK;

/* May `next` follow `now` (null: the founding one)? by_now and by_next are the
 * keys of each that signed. WH_FORBIDDEN or WH_CONFLICT says what is missing.
 */
bool rule_roster_follows(const struct rule_roster *now,
                         const struct rule_roster *next, uint32_t by_now,
                         uint32_t by_next, struct wh_err *err) WH_CHECK;

#endif
